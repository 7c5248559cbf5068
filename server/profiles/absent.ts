import { foreign } from '../contract/index.js';
import { isLevelZero } from './config.js';
import type { IncompleteCode } from './incomplete.js';
import type { IncompleteNote } from './profile.js';

/** What a capture brought, to tell what is missing. */
export interface Holdings {
  readonly level: string | null;
  readonly aicMetrics: string | null;
  /** Rows. */
  readonly tasks: number;
  readonly apis: number;
  readonly commOps: number;
  readonly commTasks: number;
  readonly markers: number;
  /** AI core counter columns with a value. */
  readonly counters: boolean;
  readonly memory: boolean;
}

/** Captures as one: what one of them brought is there. */
export function together(list: readonly Holdings[]): Holdings {
  const sum = (of: (h: Holdings) => number): number => list.reduce((a, h) => a + of(h), 0);
  return {
    level: list.find((h) => h.level !== null)?.level ?? null,
    aicMetrics: list.find((h) => h.aicMetrics !== null)?.aicMetrics ?? null,
    tasks: sum((h) => h.tasks),
    apis: sum((h) => h.apis),
    commOps: sum((h) => h.commOps),
    commTasks: sum((h) => h.commTasks),
    markers: sum((h) => h.markers),
    counters: list.some((h) => h.counters),
    memory: list.some((h) => h.memory),
  };
}

/** What is missing, and the flag that brings it. */
export function absentNotes(h: Holdings): IncompleteNote[] {
  const notes: IncompleteNote[] = [];
  const note = (code: IncompleteCode, detail: string): void => void notes.push({ code, detail: foreign(detail, 400) });
  if (isLevelZero(h.level)) note('level-0', `level ${h.level ?? ''}`);
  else if (h.tasks > 0 && !h.counters) note('no-pmu', h.aicMetrics === null ? 'no counter columns and no aic_metrics in the configuration' : 'no counter columns');
  if (h.tasks === 0) note('no-device-tasks', 'no kernel_details, op_summary, task_time, timeline or database with tasks');
  if (h.apis === 0) note('no-host-api', 'no database or timeline with host calls');
  if (h.commOps > 0 && h.commTasks === 0) note('no-communication-planes', `${h.commOps} collectives without sub-tasks`);
  if (!h.memory) note('no-memory', 'no memory_record, npu_module_mem, npu_mem or their tables');
  if (h.markers === 0) note('no-steps', 'no ProfilerStep, STEP_TIME or mstx range');
  return notes;
}

/** Notes in order, each once. */
export function once(notes: readonly IncompleteNote[]): IncompleteNote[] {
  const seen = new Set<string>();
  return notes.filter((n) => {
    const key = `${n.code}\n${n.detail}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
