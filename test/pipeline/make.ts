import { joined } from '../../server/pipeline/analyze/analyze.js';
import { analyzeCapture } from '../../server/pipeline/analyze/capture.js';
import { judgedAnalysis } from '../../server/pipeline/derive.js';
import type { Judged } from '../../server/pipeline/render.js';
import { stepKinds, type StepKind } from '../../server/profiles/derived/stages.js';
import { stepsOf } from '../../server/profiles/derived/steps.js';
import { Labels } from '../../server/profiles/derived/stepsLabels.js';
import type { Profile } from '../../server/profiles/profile.js';
import type { Api, Task } from '../profiling/make.js';

/** A profile that was read as a whole, taken as one capture. */
export const judge = (profile: Profile, boundary: readonly [string, string] | null = null): Judged => judgedAnalysis(joined([analyzeCapture(profile, { boundary, compare: false })], profile.incomplete, null));

/** Kinds of the steps of the first device. */
export function kindsOf(profile: Profile): readonly StepKind[] {
  const labels = new Labels(profile);
  const { steps } = stepsOf(profile, 0, labels, null);
  return steps === null ? [] : stepKinds(profile, steps, labels).kind;
}

export interface StepPlan {
  /** Ops of a step, in order. */
  readonly ops: readonly { op: string; in?: string; out?: string; dur?: number }[];
  readonly gapNs: number;
}

/** Steps back to back: kernels of 1,500 ns with 500 ns between them; `gapNs` after the last. Returns the start of each step. */
export function laid(steps: readonly StepPlan[]): { tasks: Task[]; starts: number[]; end: number } {
  const tasks: Task[] = [];
  const starts: number[] = [];
  let at = 0;
  for (const { ops, gapNs } of steps) {
    starts.push(at);
    for (const [i, { dur = 1500, ...task }] of ops.entries()) {
      tasks.push({ ...task, start: at, dur });
      at += dur + (i === ops.length - 1 ? gapNs : 500);
    }
  }
  return { tasks, starts, end: tasks.reduce((a, t) => Math.max(a, t.start + t.dur), 0) };
}

/** Ops of one decode step of a dense model. */
export function decodeOps(layers: number, tokens = 16, sequences = 16): StepPlan['ops'] {
  const t = String(tokens);
  const layer = [
    { op: 'AddRmsNorm', in: `${t},512`, out: `${t},512` },
    { op: 'MatMulV3', in: `${t},512;512,768`, out: `${t},768` },
    { op: 'ApplyRotaryPosEmb', in: `${t},768`, out: `${t},768` },
    { op: 'FusedInferAttentionScore', in: `${t},4,128`, out: `${t},4,128` },
    { op: 'MatMulV3', in: `${t},512;512,512`, out: `${t},512` },
    { op: 'AddRmsNorm', in: `${t},512`, out: `${t},512` },
    { op: 'MatMulV3', in: `${t},512;512,2048`, out: `${t},2048` },
    { op: 'SwiGlu', in: `${t},2048`, out: `${t},1024` },
    { op: 'MatMulV3', in: `${t},1024;1024,512`, out: `${t},512` },
  ];
  return [{ op: 'GatherV2', in: `1000,512;${t}`, out: `${t},512` }, ...Array.from({ length: layers }, () => layer).flat(), { op: 'RmsNorm', in: `${sequences},512` }, { op: 'MatMulV3', in: `${sequences},512;512,1000`, out: `${sequences},1000` }, { op: 'ArgMaxV2', in: `${sequences},1000`, out: String(sequences) }];
}

export const call = (name: string, start: number, dur: number, more: Partial<Api> = {}): Api => ({ name, start, dur, level: 'runtime', ...more });
