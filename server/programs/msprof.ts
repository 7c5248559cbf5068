/** msprof: attaching to a running process, exporting and analysing what was captured. Pure. Source of flags and texts: CANN runtime, src/dfx/msprof/collector/dvvp. */

export const aicMetricNames = ['PipeUtilization', 'ArithmeticUtilization', 'Memory', 'MemoryL0', 'MemoryUB', 'ResourceConflictRatio', 'L2Cache', 'MemoryAccess'] as const;
export type AicMetricName = (typeof aicMetricNames)[number];

export interface AttachRequest {
  /** Each one process that has called aclrtSetDevice. */
  readonly pids: readonly number[];
  /** Folder the PROF_* folders are made in. */
  readonly output: string;
  readonly aicMetrics: AicMetricName;
  /** Records of AICPU operators. */
  readonly aicpu: boolean;
  /** HBM, LLC and NPU memory over time; some containers refuse it. */
  readonly hardwareMemory: boolean;
}

/** Characters a path given to msprof may have; it refuses others. */
export const plainPath = /^[A-Za-z0-9_./-]+$/;

/**
 * Arguments of an attach. `--task-time=l1` brings operator types, shapes and communication planes; l0 loses them. `--model-execution` and
 * `--hccl` are deprecated, `--runtime-api` inflates host traces: none of them is set.
 */
export function attachArgs(request: AttachRequest): string[] {
  return [
    '--dynamic=on',
    `--pid=${request.pids.join(',')}`,
    `--output=${request.output}`,
    '--task-time=l1',
    '--ai-core=on',
    `--aic-metrics=${request.aicMetrics}`,
    '--ascendcl=on',
    ...(request.aicpu ? ['--aicpu=on'] : []),
    ...(request.hardwareMemory ? ['--sys-hardware-mem=on'] : []),
  ];
}

/** Attach never exports. @param folder a PROF_* folder, or one that holds several */
export function exportArgs(folder: string): string[] {
  return ['--export=on', `--output=${folder}`, '--type=text'];
}

/** Writes PROF_<n>/analyze/communication.json and communication_matrix.json, from what an export left. */
export function analyzeArgs(folder: string): string[] {
  return ['--analyze=on', '--rule=communication,communication_matrix', `--output=${folder}`];
}

/** Socket a process opens that was started with PROFILING_MODE=dynamic, below its HOME. */
export function socketName(pid: number): string {
  return `dynamic_profiling_socket_${pid}`;
}

/** Commands of the interactive prompt. */
export type MsprofCommand = 'start' | 'stop' | 'quit';

export type MsprofEvent =
  | 'start-ok' | 'stop-ok' | 'quit-ok'
  | 'start-failed' | 'stop-failed' | 'quit-failed'
  | 'already-started' | 'not-started' | 'no-device'
  | 'cannot-connect' | 'busy' | 'process-gone' | 'no-socket' | 'pid-list-refused' | 'argument-refused' | 'unknown-command';

export interface MsprofReply {
  readonly event: MsprofEvent;
  /** Null where the text names none: CANN before 8.2 takes one pid and does not repeat it. */
  readonly pid: number | null;
}

const replies: readonly (readonly [RegExp, MsprofEvent])[] = [
  [/dynamic profiling(?: for pid (\d+))? start success(?![\w])/, 'start-ok'],
  [/dynamic profiling(?: for pid (\d+))? stop success(?![\w])/, 'stop-ok'],
  [/dynamic profiling(?: for pid (\d+))? quit success(?![\w])/, 'quit-ok'],
  [/dynamic profiling(?: for pid (\d+))? already started/, 'already-started'],
  [/dynamic profiling(?: for pid (\d+))? has not started/, 'not-started'],
  [/dynamic profiling(?: device for pid (\d+)| for pid (\d+)(?: device)?| device)? has not been set up/, 'no-device'],
  [/dynamic profiling(?: for pid (\d+))? start failed/, 'start-failed'],
  [/dynamic profiling(?: for pid (\d+))? stop failed/, 'stop-failed'],
  [/dynamic profiling(?: for pid (\d+))? quit failed/, 'quit-failed'],
  // Some versions print the socket's name in the place of the pid.
  [/cannot connect to server(?: for pid (?:dynamic_profiling_socket_)?(\d+))?/, 'cannot-connect'],
  // "parmas" is CANN's spelling.
  [/recv pa(?:ram|rma)s timeout, server(?: for pid (\d+))? has been connected to another client/, 'busy'],
  [/server for pid (\d+) does not exist/, 'process-gone'],
  [/server process (\d+) did not create socket/, 'no-socket'],
  [/\bpid \d+(?:,\d+)+ is invalid/, 'pid-list-refused'],
  [/invalid non-numeric pid value: \d+(?:,\d+)+/, 'pid-list-refused'],
  [/unrecognized option|Argument --[\w-]+[: ]|no valid pid values/, 'argument-refused'],
  [/^(?:> |\(msprof\) ?)*invalid option -- /, 'unknown-command'],
];

/** What a line of msprof's output answers; null for any other line. The prompt may stand in front. */
export function readReply(line: string): MsprofReply | null {
  for (const [pattern, event] of replies) {
    const match = pattern.exec(line);
    if (match === null) continue;
    const pid = match.slice(1).find((g: string | undefined) => g !== undefined && g !== '');
    return { event, pid: pid === undefined ? null : Number(pid) };
  }
  return null;
}

/** True for the unfinished last line when msprof waits for a command: `> `, or `(msprof)` in older versions. */
export function isPrompt(rest: string): boolean {
  return /(?:^|\s)(?:>|\(msprof\)) ?$/.test(rest);
}

/** A folder of one captured process: `PROF_<6 digits>_<17 digits>_<letters and digits>`. */
export const profFolder = /^PROF_\d{6}_\d{14,17}_\w+$/;

/** What lies in a PROF folder, by the names of its files (relative, `/` between parts). */
export interface ProfContent {
  /** device_<n> folders. */
  readonly devices: readonly number[];
  /** Those of them with their end mark: the collection was stopped. */
  readonly stopped: readonly number[];
  readonly database: boolean;
  /** op_summary or the timeline of an export. */
  readonly text: boolean;
  readonly communication: boolean;
}

export function profContent(files: readonly string[]): ProfContent {
  const devices = new Set<number>();
  const stopped = new Set<number>();
  let [database, text, communication] = [false, false, false];
  for (const file of files) {
    const device = /^device_(\d+)\/(.*)$/.exec(file);
    if (device !== null) {
      devices.add(Number(device[1]));
      if (/^end_info(?:\.\d+)?(?:\.done)?$/.test(device[2] ?? '')) stopped.add(Number(device[1]));
    }
    if (/^msprof_\d{14}\.db$/.test(file)) database = true;
    if (/^mindstudio_profiler_output\/(?:op_summary|msprof|task_time)_.*\.(?:csv|json)$/.test(file)) text = true;
    if (file === 'analyze/communication.json') communication = true;
  }
  return { devices: [...devices].sort((a, b) => a - b), stopped: [...stopped].sort((a, b) => a - b), database, text, communication };
}
