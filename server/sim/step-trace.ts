import type { SimProcess } from './capture.js';
import { length } from './intervals.js';
import { overlapAnalysis } from './overlap.js';

/** Number of the one step; empty without step marks. */
export function stepName(process: SimProcess): string {
  for (const mark of process.marks) if (mark.kind === 'step') return mark.name.replace('ProfilerStep#', '');
  return '';
}

export interface StepTrace {
  readonly device: number;
  readonly step: string;
  /** In the order of the CSV, microseconds. */
  readonly values: readonly number[];
}

/** One row per device over the whole capture, or over the marked steps taken together. */
export function stepTrace(process: SimProcess): StepTrace[] {
  const us = (items: Iterable<{ start: bigint; end: bigint }>): number => Number(length(items)) / 1000;
  return process.devices.map((device) => {
    const overlap = overlapAnalysis(device, process.tasks, process.commOps);
    const computing = us(overlap.computing);
    const alone = us(overlap.notOverlapped);
    const communication = us(overlap.communication);
    const free = us(overlap.free);
    const stage = computing + alone + free;
    return {
      device: device.id,
      step: stepName(process),
      values: [computing, alone, communication - alone, communication, free, stage, 0, alone, 0],
    };
  });
}
