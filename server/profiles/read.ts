import { foreign, ToolError, type ErrorCode } from '../contract/index.js';
import { type Host } from '../host/host.js';
import { absentNotes, type Holdings } from './absent.js';
import { Assembly, type CounterUse } from './assembly.js';
import { joinTasks, markCarrierStreams } from './collectives.js';
import { readAnalysisDb, readClusterCommunication, readCommunicationJson } from './communication.js';
import { readConfig, type CaptureFacts } from './config.js';
import { readDatabase } from './database.js';
import { discover, type Capture, type FoundFile } from './discover.js';
import { type IncompleteCode } from './incomplete.js';
import { readKernels } from './kernels.js';
import { linkLaunches } from './launches.js';
import { readLegacy } from './legacy.js';
import { type FileKind } from './names.js';
import { type IncompleteNote, type Profile } from './profile.js';
import { TaskRows } from './tables.js';
import { readServiceMetrics } from './serviceMetrics.js';
import { readApiStatistic, readMemory, readOperatorMemory, readOpStatistic, readStepTrace, readTaskTime, readTx } from './text.js';
import { readTimeline } from './timeline.js';

export interface ReadOptions {
  readonly signal?: AbortSignal;
  readonly progress?: (message: string) => void;
  /** What to do with the counters of the AI core; all are kept without it. */
  readonly counters?: CounterUse;
}

/** How a damaged file of a folder is noted when the rest can still be read. */
const damage: Partial<Record<ErrorCode, IncompleteCode>> = {
  E_FILE_EMPTY: 'file-empty',
  E_CSV_BROKEN: 'file-broken',
  E_JSON_BROKEN: 'file-broken',
  E_DB_BROKEN: 'db-broken',
  E_DB_INCOMPLETE: 'db-truncated',
  E_FILE_UNREADABLE: 'file-broken',
};

/** Files that hold device tasks. */
const taskKinds: ReadonlySet<FileKind> = new Set<FileKind>(['db', 'kernel-details', 'op-summary', 'task-time', 'timeline', 'old-tasks']);

/** Reads one capture after the other into the assembly. */
class CaptureReader {
  /** Failures of files that carry the tasks, to be told when nothing else does. */
  readonly failures: ToolError[];

  constructor(readonly assembly: Assembly, readonly index: number, readonly capture: Capture, failures: ToolError[]) {
    this.failures = failures;
  }

  #of(...kinds: readonly FileKind[]): FoundFile[] {
    return this.capture.files.filter((f) => kinds.includes(f.kind));
  }

  /** Reads a file; damage of a file that was found in a folder is noted and its rows are taken back. */
  async #read<T>(file: FoundFile, read: () => Promise<T>): Promise<T | null> {
    const takeBack = this.assembly.mark();
    this.assembly.progress(`reading ${foreign(file.name, 80)}`);
    try {
      return await read();
    } catch (error) {
      const code = error instanceof ToolError ? damage[error.code] : undefined;
      if (!(error instanceof ToolError) || code === undefined || (file.given && !this.#hasOther(file))) throw error;
      takeBack();
      this.failures.push(error);
      this.assembly.note(code, `${file.name}: ${error.seen}`);
      return null;
    }
  }

  #hasOther(file: FoundFile): boolean {
    return file.kind === 'db' && this.#of('kernel-details', 'op-summary', 'timeline', 'task-time').length > 0;
  }

  async all(): Promise<CaptureFacts> {
    const { assembly, index } = this;
    const facts = await readConfig(assembly, index, this.capture);
    if (this.capture.simulated === true) assembly.simulated = true;
    const before = assembly.tasks.length + assembly.commOps.length;
    for (const file of this.#of('db')) await this.#read(file, () => readDatabase(assembly, index, file));
    const fromDb = assembly.tasks.length + assembly.commOps.length > before;
    if (!fromDb) await this.#text();
    for (const file of this.#of('op-statistic')) await this.#read(file, () => readOpStatistic(assembly, index, file));
    for (const file of this.#of('api-statistic')) await this.#read(file, () => readApiStatistic(assembly, file));
    for (const file of this.#of('msprof-tx')) if (!fromDb) await this.#read(file, () => readTx(assembly, index, file));
    await this.#analysis();
    await readLegacy(assembly, index, this.capture.files);
    for (const file of this.#of('service-metrics')) await this.#read(file, () => readServiceMetrics(assembly, index, file));
    if (this.capture.old) assembly.note('old-layout', this.capture.root);
    const ids = assembly.deviceIds(index);
    if (facts.rank !== null && ids.length <= 1) assembly.describe(assembly.device(index, ids[0] ?? -1), { rank: facts.rank });
    return facts;
  }

  /** Kernels from the CSV, everything else from the timeline, or from task_time where there is none. */
  async #text(): Promise<void> {
    const { assembly, index } = this;
    for (const file of this.#of('memory-record', 'module-memory', 'npu-memory')) await this.#read(file, () => readMemory(assembly, index, file));
    // The record over time is finer, and it knows the other components.
    if (this.#of('memory-record').length === 0) for (const file of this.#of('operator-memory')) await this.#read(file, () => readOperatorMemory(assembly, index, file));
    const from = assembly.tasks.length;
    const opsFrom = assembly.commOps.length;
    // Both forms of the same rows may lie together; the torch form is the later one.
    const kernels = this.#of('kernel-details').length > 0 ? this.#of('kernel-details') : this.#of('op-summary');
    for (const file of kernels) await this.#read(file, () => readKernels(assembly, index, file));
    if (kernels.length > 0 && assembly.commOps.length > opsFrom) assembly.holds.commOps = true;
    const settled = (device: number): number => assembly.settled(device);
    const before = assembly.tasks.length;
    let whole = false;
    for (const file of this.#of('timeline', 'old-tasks', 'old-hccl')) {
      const firstApi = assembly.apis.length;
      const read = await this.#read(file, () => readTimeline(assembly, index, file));
      if (read === null) continue;
      whole ||= !read.truncated && read.tasks.length >= before - from && read.tasks.length > 0;
      joinTasks(assembly, from, assembly.tasks.length, read.tasks, settled);
      linkLaunches(assembly, read.launches, firstApi, from, opsFrom);
    }
    // A whole timeline has every task that task_time has.
    if (whole) return;
    for (const file of this.#of('task-time')) {
      const others = new TaskRows();
      const read = await this.#read(file, () => readTaskTime(assembly, index, file, (cells) => others.push(cells)));
      if (read !== null) joinTasks(assembly, from, assembly.tasks.length, others, settled);
    }
    markCarrierStreams(assembly, from, opsFrom, settled);
  }

  /** Wait and transit per collective, and steps: from analysis.db, else from the text. */
  async #analysis(): Promise<void> {
    const { assembly, index } = this;
    let [communication, steps] = [false, false];
    for (const file of this.#of('analysis-db')) {
      const got = await this.#read(file, () => readAnalysisDb(assembly, index, file));
      communication ||= got?.communication === true;
      steps ||= got?.steps === true;
    }
    if (!communication) for (const file of this.#of('communication')) await this.#read(file, () => readCommunicationJson(assembly, index, file));
    if (!steps) for (const file of this.#of('step-trace-time')) await this.#read(file, () => readStepTrace(assembly, index, file));
    for (const file of this.#of('cluster-communication')) await this.#read(file, () => readClusterCommunication(assembly, index, file));
    for (const file of this.#of('cluster-steps')) await this.#read(file, () => readStepTrace(assembly, index, file));
    if (this.#of('cluster-communication', 'cluster-steps').length > 0) assembly.note('cluster-summary', this.#of('cluster-communication', 'cluster-steps').map((f) => f.name).join(', '));
  }
}

/** A capture that was read by itself, and what to make of it beside others. */
export interface CaptureRead {
  readonly profile: Profile;
  readonly holdings: Holdings;
  /** Notes of the readers, and those about device ids that had to be assumed; they stand before and after what is missing. */
  readonly notes: { readonly read: readonly IncompleteNote[]; readonly assumed: readonly IncompleteNote[] };
  /** `rows`: something of a device; `other`: host calls, marks or memory only. */
  readonly says: 'rows' | 'other' | 'nothing';
  /** A file that should hold device tasks is there: memory alone is not enough then. */
  readonly expectsTasks: boolean;
  /** Damaged files, to be told when nothing else says anything. */
  readonly failures: readonly ToolError[];
}

function holdingsOf(assembly: Assembly): Holdings {
  return {
    level: assembly.level,
    aicMetrics: assembly.aicMetrics,
    tasks: assembly.tasks.length,
    apis: assembly.apis.length,
    commOps: assembly.commOps.length,
    commTasks: assembly.commTasks.length,
    markers: assembly.markers.length,
    counters: assembly.hasCounters(),
    memory: assembly.hasMemory(),
  };
}

const expectsTasks = (capture: Capture): boolean => capture.files.some((f) => taskKinds.has(f.kind));

/** Assumes a device id where the rows do not say one. */
function assume(assembly: Assembly, ranks: readonly (number | null)[]): (capture: number) => number {
  return (capture) => {
    const rank = ranks[capture] ?? null;
    assembly.note('device-id-assumed', rank === null ? 'device 0' : `device ${rank}, after the rank`);
    return rank ?? 0;
  };
}

/** The error of captures that say nothing. */
export function silence(path: string, failures: readonly ToolError[]): ToolError {
  return failures[0] ?? new ToolError('E_PROFILE_NO_DEVICE_DATA', `${foreign(path, 300)} holds no task, collective or statistic of a device`, 'check that the service was under load while profiling and that aclrtSetDevice came before start; then export again');
}

/**
 * Reads one capture of {@link discover} by itself: one process, mostly one rank. It does not say what is missing, for that depends on
 * the captures beside it.
 * @throws ToolError as {@link readProfile}; a capture that says nothing is no error here
 */
export async function readCapture(capture: Capture, options: ReadOptions = {}): Promise<CaptureRead> {
  const assembly = new Assembly(options.signal, options.progress ?? ((): void => undefined), options.counters);
  const failures: ToolError[] = [];
  const { rank } = await new CaptureReader(assembly, 0, capture, failures).all();
  const holdings = holdingsOf(assembly);
  const said = assembly.notes.length;
  const says = assembly.saysSomething(true) ? 'rows' : assembly.saysSomething(false) ? 'other' : 'nothing';
  const profile = assembly.finish(assume(assembly, [rank]));
  return { profile, holdings, notes: { read: assembly.notes.slice(0, said), assumed: assembly.notes.slice(said) }, says, expectsTasks: expectsTasks(capture), failures };
}

/** Captures left out because they hold raw data only. */
export function unexportedNotes(unexported: readonly string[]): IncompleteNote[] {
  return unexported.map((raw) => ({ code: 'capture-not-exported' satisfies IncompleteCode, detail: foreign(raw, 400) }));
}

/**
 * Reads any Ascend profile into one columnar profile: PROF folders of msprof, folders of the Ascend PyTorch and MindSpore
 * profilers, folders of ranks, loose exports, single databases, CSVs and timelines. Per capture the database goes first, then the
 * CSVs, then the timeline; what the first lacks the next ones fill in. Memory grows with the rows kept, not with the files.
 *
 * @param paths real paths, admitted by the caller; whatever is found below is admitted again
 * @throws ToolError E_PATH_OUTSIDE (a link that leads out), E_FILE_EMPTY, E_FORMAT_UNKNOWN, E_CSV_BROKEN, E_JSON_BROKEN,
 * E_DB_BROKEN, E_DB_INCOMPLETE, E_PROFILE_NOT_EXPORTED, E_PROFILE_OPERATOR, E_PROFILE_NO_DEVICE_DATA
 */
export async function readProfile(paths: readonly string[], host: Host, options: ReadOptions = {}): Promise<Profile> {
  const found = await discover(paths, host);
  const assembly = new Assembly(options.signal, options.progress ?? ((): void => undefined), options.counters);
  const failures: ToolError[] = [];
  const ranks: (number | null)[] = [];
  for (const [index, capture] of found.captures.entries()) {
    options.signal?.throwIfAborted();
    ranks.push((await new CaptureReader(assembly, index, capture, failures).all()).rank);
  }
  if (!assembly.saysSomething(found.captures.some(expectsTasks))) throw silence(paths[0] ?? '', failures);
  for (const note of [...unexportedNotes(found.unexported), ...absentNotes(holdingsOf(assembly))]) assembly.addNote(note);
  return assembly.finish(assume(assembly, ranks));
}
