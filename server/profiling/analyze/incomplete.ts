import type { CommunicationRow, DispatchRow, FusionRow, Incomplete, KernelRow, MemoryRow } from '../../contract/index.js';
import type { Device } from '../../profiles/profile.js';
import { coresOf } from './losses.js';
import type { WindowTimes } from './capture.js';

/** Why a table or a column of the analysis is null, and which capture brings it. Closed; stands beside the reader's own list. */
export const tableCodes = {
  'window-null': 'no device task with a start and a duration: keep kernel_details.csv, op_summary_*.csv, the timeline JSON or the database of the export',
  'window-from-steps': 'no task rows: the window is the sum of the exporter\'s own step_trace_time, which cannot be checked or split further',
  'kernel-null': 'no kernel in the capture: profile while the device computes, with --ai-core=on (msprof) or Level1 (torch_npu)',
  'bound-null': 'no PMU columns, so no kernel has a bound: capture with --aic-metrics=PipeUtilization (msprof) or aic_metrics=PipeUtilization (torch_npu)',
  'communication-null': 'the capture cannot hold collectives: capture with --task-time=l1 (msprof) or Level1 (torch_npu)',
  'transit-null': 'wait and transit cannot be told apart for some collectives: keep the database (master plane), or run msprof --analyze=on --rule=communication for communication.json',
  'free-not-split': 'the capture lists kernels only, so free time is not split into copies, waits and idle: keep the database, the timeline JSON or task_time_*.csv',
  'dispatch-null': 'no device task with a time, so no stream can be followed',
  'stream-null': 'the export does not name streams; its tasks are followed as one stream per device',
  'latency-null': 'no host launch calls linked to tasks: keep the database, and capture with --ascendcl=on (msprof) or Level1 (torch_npu)',
  'fusion-null': 'no operator types, so no kernel sequence can be recognised: capture with --task-time=l1 (msprof) or Level1 (torch_npu)',
  'cores-null': 'the number of cores is not in the capture, so block use is not judged: keep PROF_*/device_*/info.json.*',
  'frequency-null': 'no AI core clock in the capture, so a frequency drop is not seen: keep the database or the timeline JSON',
  'fragmentation-null': 'no component has both reserved and allocated memory, so fragmentation is not judged: capture with profile_memory=True (torch_npu)',
  'memory-null': 'no memory records: capture with profile_memory=True (torch_npu), or --task-memory=on or --sys-hardware-mem=on (msprof)',
} as const;

export type TableCode = keyof typeof tableCodes;

interface Tables {
  readonly kernel: readonly KernelRow[] | null;
  readonly communication: readonly CommunicationRow[] | null;
  readonly fusion: readonly FusionRow[] | null;
  readonly dispatch: readonly DispatchRow[] | null;
  readonly memory: readonly MemoryRow[] | null;
}

/** Where the reader's own note already says why a column is empty, ours would repeat it. */
const covered: Partial<Record<TableCode, readonly string[]>> = {
  'bound-null': ['no-pmu', 'level-0'],
  'transit-null': ['no-communication-planes', 'level-0'],
  'latency-null': ['no-host-api'],
};

/** What else the notes depend on. */
export interface Known {
  readonly devices: readonly Device[];
  /** The notes of the reader. */
  readonly incomplete: readonly Incomplete[];
  readonly windows: readonly WindowTimes[];
  readonly tasks: boolean;
  readonly counters: boolean;
  readonly latencies: boolean;
  readonly frequency: boolean;
}

/** A note for each table or column that could not be filled, in a fixed order. */
export function missingTables(tables: Tables, { devices, incomplete, windows, tasks, counters, latencies, frequency }: Known): Incomplete[] {
  const codes: TableCode[] = [];
  if (windows.length === 0) codes.push('window-null');
  if (windows.some((w) => w.source === 'step-trace')) codes.push('window-from-steps');
  if (tables.kernel === null) codes.push('kernel-null');
  else if (!counters) codes.push('bound-null');
  if (tables.communication === null) codes.push('communication-null');
  else if (tables.communication.some((r) => r.transit_us === null)) codes.push('transit-null');
  if (windows.some((w) => w.split === null && w.source === 'tasks')) codes.push('free-not-split');
  if (tables.dispatch === null) codes.push('dispatch-null');
  else {
    if (tables.dispatch.some((r) => r.stream === null)) codes.push('stream-null');
    if (!latencies) codes.push('latency-null');
  }
  if (tables.fusion === null) codes.push('fusion-null');
  if (tasks && devices.some((d) => coresOf(d) === null)) codes.push('cores-null');
  if (tasks && !frequency) codes.push('frequency-null');
  if (tables.memory === null) codes.push('memory-null');
  else if (tables.memory.every((r) => r.fragmentation_pct === null || r.component === 'GE')) codes.push('fragmentation-null');
  const told = new Set(incomplete.map((n) => n.code));
  return codes.filter((code) => !(covered[code] ?? []).some((c) => told.has(c))).map((code) => ({ code, detail: tableCodes[code] }));
}
