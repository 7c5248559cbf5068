import type { ErrorCode, Incomplete } from '../contract/index.js';
import type { NoSteps } from '../profiles/derived/steps.js';

/** Why a table or column of the analysis is empty, or an answer is not sure. Closed; stands beside the reader's own list. */
export const pipelineReasons = {
  'not-readable': 'the capture could not be read',
  'no-window': 'no device task with a start and a duration: keep op_summary_*.csv, kernel_details.csv, the timeline JSON or the database of the export, and profile while requests are running',
  'no-kernels': 'no compute kernel, so there is nothing steps could be found by: capture with --ai-core=on (msprof) or Level1 (torch_npu), while requests are running',
  'boundary-not-found': 'the boundary given does not occur on any device: use op types as profile_analyze shows them, or leave it out',
  'no-pattern': 'no step was found: no marker, no sampler, no replayed graph, and the kernel sequence does not repeat; give boundary as "last op->first op" of a step',
  'one-step': 'fewer than two whole steps, so there is no period: capture longer, or with shorter requests',
  'low-confidence': 'the sections found differ in size, so they may not be steps: give boundary as "last op->first op" of a step',
  'devices-differ': 'devices have different numbers of steps; the tables are of each device by itself',
  'stage-null': 'the kind of some steps is not known: capture tensor shapes (Level1 or --task-time=l1), or kernels whose names tell prefill from decode',
  'no-layers': 'no pattern repeats inside a step',
  'cause-null': 'no host call is linked to a task, so bubbles are not attributed to the host: keep the database or the timeline JSON, and capture with --ascendcl=on (msprof) or Level1 (torch_npu)',
  'copies-null': 'the capture lists kernels only: copies and waits inside bubbles are not seen; keep the database, the timeline JSON or task_time_*.csv',
  'mixed-exports': 'captures of different forms: some have host calls or copies and others do not, so devices are not compared by cause',
} as const;

export type PipelineReason = keyof typeof pipelineReasons;

export function reason(code: PipelineReason, more = ''): Incomplete {
  return { code, detail: more === '' ? pipelineReasons[code] : `${pipelineReasons[code]} (${more})` };
}

export const stepReasons: Readonly<Record<NoSteps, PipelineReason>> = { 'no-kernels': 'no-kernels', 'boundary-not-found': 'boundary-not-found', 'no-pattern': 'no-pattern' };

/** Failures of the reader that are an answer about the capture, not about the call: the files are written, with the reason inside. */
export const unreadable: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['E_PROFILE_NO_DEVICE_DATA', 'E_PROFILE_NOT_EXPORTED', 'E_DB_INCOMPLETE', 'E_DB_BROKEN', 'E_CSV_BROKEN', 'E_JSON_BROKEN', 'E_FILE_EMPTY']);
