import { taskClass, type Profile } from '../profile.js';
import { Builder, merge, none, unite, uniteClass, type Intervals, type Timed } from './intervals.js';
import { rowsOf } from './numbers.js';

/**
 * Where the time of one device went, in whole nanoseconds. Computing + communication not overlapped + free = span, exactly
 * (the definitions of msprof's Overlap Analysis: a union per device, never across devices).
 */
export interface DeviceWindow {
  /** Index into `Profile.devices`. */
  readonly device: number;
  /** `step-trace`: the exporter's own sums, where the capture has no task rows; there are no intervals then. */
  readonly source: 'tasks' | 'step-trace';
  readonly spanNs: number;
  readonly computingNs: number;
  readonly communicationNs: number;
  readonly exposedNs: number;
  readonly freeNs: number;
  /** Null when the capture holds kernels only and cannot split free time. */
  readonly split: { readonly memcpyNs: number; readonly eventWaitNs: number; readonly aicpuNs: number; readonly idleNs: number } | null;
  /** The three sets are made when first asked for: each is two doubles for up to every row. */
  readonly compute: Intervals;
  readonly communication: Intervals;
  /** True idle where free is split, else all free time. */
  readonly idle: Intervals;
}

/** Kinds of source that hold every device task, not kernels only: a split of free time is possible even when it comes out as zero. */
const wholeTimeline = new Set(['db', 'task-time', 'timeline']);

/** True when the capture holds memory copies and waits besides kernels. */
export function holdsAllTasks({ tasks, sources }: Profile): boolean {
  const classes = tasks.class.subarray(0, tasks.length);
  if (classes.includes(taskClass.memcpy) || classes.includes(taskClass.eventWait) || classes.includes(taskClass.other)) return true;
  return tasks.length > 0 && sources.some((s) => wholeTimeline.has(s.kind) && (s.rows ?? 0) > 0);
}

/** Time in which the device communicated: its collectives, and kernels that are collectives by themselves. */
function communicationOf(profile: Profile, device: number): Intervals {
  const { tasks, commOps } = profile;
  const [from, to] = rowsOf(tasks.device, tasks.length, device);
  const kernels = uniteClass(tasks, from, to, taskClass.communication);
  if (commOps === null) return kernels;
  const [first, end] = rowsOf(commOps.device, commOps.length, device);
  return merge(kernels, unite(commOps, first, end, () => true));
}

/** Takes rows in order of start, each with its class. */
interface Taker {
  add: (kind: number, startNs: number, endNs: number) => void;
}

const noOps = { length: 0, device: new Int32Array(0), startNs: none, durationNs: none };

/** Hands over the tasks of the first `kinds` classes and the collectives of a device in order of start; rows without a length are left out. */
function sweep({ tasks, commOps }: Profile, device: number, kinds: number, into: Taker): void {
  const { class: classes, startNs, durationNs } = tasks;
  const [from, to] = rowsOf(tasks.device, tasks.length, device);
  const { startNs: opStart, durationNs: opDuration, ...ops } = commOps ?? noOps;
  const [firstOp, endOp] = rowsOf(ops.device, ops.length, device);
  let op = firstOp;
  for (let row = from; row < to; row += 1) {
    const kind = classes[row] ?? kinds;
    if (kind >= kinds) continue;
    const start = startNs[row] ?? Number.NaN;
    const end = start + (durationNs[row] ?? Number.NaN);
    if (!(end > start)) continue;
    for (; op < endOp && !((opStart[op] ?? Number.NaN) > start); op += 1) takeOp(into, opStart[op], opDuration[op]);
    into.add(kind, start, end);
  }
  for (; op < endOp; op += 1) takeOp(into, opStart[op], opDuration[op]);
}

function takeOp(into: Taker, start = Number.NaN, duration = Number.NaN): void {
  if (start + duration > start) into.add(taskClass.communication, start, start + duration);
}

/** Classes of work; free time is what they leave. */
const workKinds = taskClass.communication + 1;
/** Classes that time is given to: free time to the first after work that it belongs to, in the order of {@link taskClass}. */
const splitKinds = taskClass.aicpu + 1;

/** When the first work of a device starts; NaN without any. */
function firstWork({ tasks, commOps }: Profile, device: number): number {
  const first = (rows: Timed & { readonly device: Int32Array; readonly length: number }, isWork: (row: number) => boolean): number => {
    const [from, to] = rowsOf(rows.device, rows.length, device);
    for (let row = from; row < to; row += 1) {
      const start = rows.startNs[row] ?? Number.NaN;
      if (isWork(row) && start + (rows.durationNs[row] ?? Number.NaN) > start) return start;
    }
    return Number.POSITIVE_INFINITY;
  };
  const start = Math.min(
    first(tasks, (row) => (tasks.class[row] ?? workKinds) < workKinds),
    first(commOps ?? noOps, () => true),
  );
  return start < Number.POSITIVE_INFINITY ? start : Number.NaN;
}

/**
 * Lengths of growing unions, without making a set: union k is that of the classes up to k, so neighbours differ by what goes to class k.
 * Rows come in order of start, so a row adds what of it lies behind the end of all before it. Sums stand in arrays: in variables of a
 * loop that is compiled while it runs, each would be an object.
 */
class Unions {
  readonly #kinds: number;
  /** Of each union, and behind them of communication alone. */
  readonly #endNs: Float64Array;
  readonly #sumNs: Float64Array;
  /** Length of each union before the last end of work. */
  readonly #insideNs: Float64Array;

  /** @param firstNs start of the first work: what copies and waits have before it is no part of the window */
  constructor(
    kinds: number,
    readonly firstNs: number,
  ) {
    this.#kinds = kinds;
    this.#endNs = new Float64Array(kinds + 1).fill(firstNs);
    this.#sumNs = new Float64Array(kinds + 1);
    this.#insideNs = new Float64Array(kinds);
  }

  add(kind: number, start: number, end: number): void {
    const kinds = this.#kinds;
    for (let k = kind; k < kinds; k += 1) this.#extend(k, start, end);
    if (kind === taskClass.communication) this.#extend(kinds, start, end);
    if (kinds > workKinds && kind < workKinds) this.#cut(end);
  }

  #extend(union: number, start: number, end: number): void {
    const last = this.#endNs[union] ?? 0;
    if (end <= last) return;
    this.#sumNs[union] = (this.#sumNs[union] ?? 0) + end - Math.max(start, last);
    this.#endNs[union] = end;
  }

  /** Cuts the unions off where work ends so far. All rows so far began before that: what a union has behind it is in one piece. */
  #cut(end: number): void {
    if (end !== this.lastNs) return;
    for (let k = workKinds; k < this.#kinds; k += 1) this.#insideNs[k] = (this.#sumNs[k] ?? 0) - ((this.#endNs[k] ?? 0) - end);
  }

  /** End of the last work. */
  get lastNs(): number {
    return this.#endNs[workKinds - 1] ?? Number.NaN;
  }

  /** Length of the union of classes up to `kind` inside the window, ns. */
  upTo(kind: number): number {
    return (kind < workKinds ? this.#sumNs[kind] : this.#insideNs[kind]) ?? 0;
  }

  get communicationNs(): number {
    return this.#sumNs[this.#kinds] ?? 0;
  }
}

/** What lies between rows that come in order of start, from the first start to the last end of work. */
class Gaps {
  readonly #found: Builder;
  readonly #lastNs: number;
  #endNs: number;

  constructor(most: number, { firstNs, lastNs }: Unions) {
    this.#found = new Builder(most);
    this.#endNs = firstNs;
    this.#lastNs = lastNs;
  }

  add(_kind: number, start: number, end: number): void {
    if (this.#endNs < this.#lastNs) this.#found.add(this.#endNs, start);
    if (end > this.#endNs) this.#endNs = end;
  }

  done(): Intervals {
    return this.#found.done();
  }
}

/** The free time of a device that no class below `kinds` takes. */
function gapsOf(profile: Profile, device: number, kinds: number, unions: Unions): Intervals {
  const rows = [profile.tasks, profile.commOps ?? noOps].map((table) => rowsOf(table.device, table.length, device));
  const most = rows.reduce((sum, [from, to]) => sum + to - from, 0);
  const gaps = new Gaps(most, unions);
  sweep(profile, device, kinds, gaps);
  return gaps.done();
}

/** Makes a set when it is first asked for, and keeps it. */
function once(make: () => Intervals): () => Intervals {
  let made: Intervals | null = null;
  return () => (made ??= make());
}

/** The window of one device; null when it holds neither compute nor communication. One sweep over its rows. */
export function deviceWindow(profile: Profile, device: number, allTasks: boolean): DeviceWindow | null {
  const { tasks } = profile;
  const kinds = allTasks ? splitKinds : workKinds;
  const firstNs = firstWork(profile, device);
  if (Number.isNaN(firstNs)) return null;
  const unions = new Unions(kinds, firstNs);
  sweep(profile, device, kinds, unions);
  const spanNs = unions.lastNs - firstNs;
  const computingNs = unions.upTo(taskClass.compute);
  const busyNs = unions.upTo(taskClass.communication);
  const given = (kind: number): number => unions.upTo(kind) - unions.upTo(kind - 1);
  const compute = once(() => uniteClass(tasks, ...rowsOf(tasks.device, tasks.length, device), taskClass.compute));
  const communication = once(() => communicationOf(profile, device));
  const idle = once(() => gapsOf(profile, device, kinds, unions));
  return {
    device,
    source: 'tasks',
    spanNs,
    computingNs,
    communicationNs: unions.communicationNs,
    exposedNs: busyNs - computingNs,
    freeNs: spanNs - busyNs,
    split: allTasks ? { memcpyNs: given(taskClass.memcpy), eventWaitNs: given(taskClass.eventWait), aicpuNs: given(taskClass.aicpu), idleNs: spanNs - unions.upTo(taskClass.aicpu) } : null,
    get compute() {
      return compute();
    },
    get communication() {
      return communication();
    },
    get idle() {
      return idle();
    },
  };
}

/** The exporter's step_trace_time summed over its steps; null without usable rows. */
function stepWindow(profile: Profile, device: number): DeviceWindow | null {
  let computing = 0;
  let communication = 0;
  let exposed = 0;
  let free = 0;
  for (const step of profile.stepTrace) {
    if (step.device !== device || step.computingUs === null || step.communicationNotOverlappedUs === null || step.freeUs === null) continue;
    computing += Math.round(step.computingUs * 1000);
    exposed += Math.round(step.communicationNotOverlappedUs * 1000);
    communication += Math.round((step.communicationUs ?? step.communicationNotOverlappedUs + (step.overlappedUs ?? 0)) * 1000);
    free += Math.round(step.freeUs * 1000);
  }
  const span = computing + exposed + free;
  if (span <= 0) return null;
  return { device, source: 'step-trace', spanNs: span, computingNs: computing, communicationNs: communication, exposedNs: exposed, freeNs: free, split: null, compute: none, communication: none, idle: none };
}

/** Windows of every device that has one, in the order of `Profile.devices`. @param allTasks whether free time is split; without it, where it can be */
export function deviceWindows(profile: Profile, allTasks = holdsAllTasks(profile)): DeviceWindow[] {
  const windows: DeviceWindow[] = [];
  for (let device = 0; device < profile.devices.length; device += 1) {
    const window = deviceWindow(profile, device, allTasks) ?? stepWindow(profile, device);
    if (window !== null) windows.push(window);
  }
  return windows;
}

