import { taskClass, type Profile } from '../../profiles/profile.js';
import { Covered } from '../../profiles/derived/covered.js';
import { callEnd, gapAttribution } from '../../profiles/derived/hostCalls.js';
import { each, gaps, uniteClass } from '../../profiles/derived/intervals.js';
import { rowsOf } from '../../profiles/derived/numbers.js';
import type { Steps } from '../../profiles/derived/steps.js';
import type { Labels } from '../../profiles/derived/stepsLabels.js';
import type { DeviceWindow } from '../../profiles/derived/window.js';
import { thresholds } from '../thresholds.js';
import type { HostCalls, HostSide } from './hostSide.js';
import { Sweep } from './sweep.js';

export const bubbleClasses = ['host-sync', 'host-launch', 'memcpy', 'comm-wait', 'untraced'] as const;
export type BubbleClass = (typeof bubbleClasses)[number];
export const places = ['between-steps', 'inside-steps', 'outside-steps', null] as const;
export type Place = (typeof places)[number];

/** Gaps of one device between the same two ops, of one class. Times in ns. */
export interface BubbleGroup {
  /** Labels; −1 when nothing is known of that side. */
  readonly before: number;
  readonly after: number;
  readonly where: Place;
  readonly class: BubbleClass;
  readonly lengths: number[];
  queued: number;
  copyNs: number;
  waitNs: number;
  silentNs: number;
  /** By the name of the host call: overlap and calls. */
  readonly events: Map<number, { ns: number; count: number }>;
}

export interface Bubbles {
  readonly groups: readonly BubbleGroup[];
  /** All gaps: their sum is the window's free time. */
  readonly free: Covered;
  readonly totalNs: number;
  readonly hostNs: number;
  readonly copyNs: number;
  readonly commWaitNs: number;
  /** Untraced, but the next task was on its stream before the gap began. */
  readonly queuedNs: number;
  /** Untraced, and no call is known for the next task. */
  readonly unknownNs: number;
}

/** The last-ended op before each gap and the op that ends it: one run over tasks and collectives by start. */
class Neighbours {
  #task: number;
  #op: number;
  #lastEnd = Number.NEGATIVE_INFINITY;
  #last = -1;
  readonly #to: number;
  readonly #endOp: number;

  constructor(readonly profile: Profile, device: number, readonly labels: Labels) {
    const { tasks, commOps } = profile;
    [this.#task, this.#to] = rowsOf(tasks.device, tasks.length, device);
    [this.#op, this.#endOp] = commOps === null ? [0, 0] : rowsOf(commOps.device, commOps.length, device);
  }

  /** Gaps must come in order. @returns labels of both sides, and the latest-ended call among those behind what starts at `end` */
  at(end: number, calls: ReadonlyMap<number, number> | null): { before: number; after: number; call: number } {
    const { tasks, commOps, apis } = this.profile;
    for (; this.#task < this.#to && (tasks.startNs[this.#task] ?? 0) < end; this.#task += 1) {
      const of = tasks.class[this.#task];
      if (of === taskClass.compute || of === taskClass.communication) this.#ended((tasks.startNs[this.#task] ?? Number.NaN) + (tasks.durationNs[this.#task] ?? Number.NaN), this.#task, false);
    }
    for (; commOps !== null && this.#op < this.#endOp && (commOps.startNs[this.#op] ?? 0) < end; this.#op += 1) this.#ended((commOps.startNs[this.#op] ?? Number.NaN) + (commOps.durationNs[this.#op] ?? Number.NaN), this.#op, true);
    let [after, helper, call] = [-1, -1, -1];
    const consider = (connection: number): void => {
      const row = connection < 0 ? undefined : calls?.get(connection);
      if (row !== undefined && apis !== null && (call < 0 || callEnd(apis, row) > callEnd(apis, call))) call = row;
    };
    for (let row = this.#task; row < this.#to && tasks.startNs[row] === end; row += 1) {
      const of = tasks.class[row];
      if (of !== taskClass.compute && of !== taskClass.communication) continue;
      if (of === taskClass.compute && after < 0) after = this.labels.task(row);
      else if (helper < 0) helper = this.labels.task(row);
      consider(tasks.connection[row] ?? -1);
    }
    for (let row = this.#op; commOps !== null && row < this.#endOp && commOps.startNs[row] === end; row += 1) {
      if (after < 0) after = this.labels.op(row);
      consider(commOps.connection[row] ?? -1);
    }
    // A collective is known by its name, its carrier task by its type only.
    if (after < 0) after = helper;
    const before = this.#last < 0 ? -1 : this.#lastIsOp ? this.labels.op(this.#last) : this.labels.task(this.#last);
    return { before, after, call };
  }

  #lastIsOp = false;

  #ended(at: number, row: number, isOp: boolean): void {
    if (!(at > this.#lastEnd || (isOp && at === this.#lastEnd))) return;
    this.#lastEnd = at;
    this.#last = row;
    this.#lastIsOp = isOp;
  }
}

/** True when the host had waited for the device: in the launching thread, else in any thread that the gap's begin released. */
function afterSync(host: HostCalls, thread: number, start: number, end: number): boolean {
  const own = host.waits.get(thread);
  if (own !== undefined) return own.endAt(start) > start || own.within(start, end) >= gapAttribution.value * (end - start);
  for (const waits of host.waits.values()) if (waits.endAt(start) <= end) return true;
  return false;
}

/** More labels than any capture has; two of them and place and class make one exact integer. */
const most = 2 ** 21;

/**
 * Every gap of a device's window, grouped by the ops around it, its place and its class:
 * memcpy when copies fill half of it; host-sync and host-launch when the call that launched the next task returned inside the gap, sync when the host had waited for
 * the device as the gap began or for a fifth of it; comm-wait when the next task was queued (or its launch is not known) and event waits fill half; else untraced.
 * One sweep over gaps, tasks, collectives and host calls together.
 */
export function bubblesOf(profile: Profile, window: DeviceWindow, labels: Labels, steps: Steps | null, host: HostSide | null): Bubbles {
  const { tasks, apis } = profile;
  const [from, to] = rowsOf(tasks.device, tasks.length, window.device);
  const set = gaps(window.compute, window.communication);
  const copies = new Covered(uniteClass(tasks, from, to, taskClass.memcpy));
  const waits = new Covered(uniteClass(tasks, from, to, taskClass.eventWait));
  const own = host?.byCapture.get(profile.devices[window.device]?.capture ?? 0) ?? null;
  const neighbours = new Neighbours(profile, window.device, labels);
  const sweep = own === null || apis === null ? null : new Sweep(own, apis.name);
  const groups = new Map<number, BubbleGroup>();
  const sums = { totalNs: 0, hostNs: 0, copyNs: 0, commWaitNs: 0, queuedNs: 0, unknownNs: 0 };
  let step = 0;
  each(set, (start, end) => {
    const gap = end - start;
    const { before, after, call } = neighbours.at(end, host?.calls ?? null);
    const copyNs = copies.within(start, end);
    const waitNs = waits.within(start, end);
    const known = call >= 0 && apis !== null;
    const late = known && callEnd(apis, call) > start;
    let of: BubbleClass;
    if (copyNs >= thresholds.copyMajority.value * gap) of = 'memcpy';
    else if (late) of = own !== null && afterSync(own, apis.thread[call] ?? -1, start, end) ? 'host-sync' : 'host-launch';
    else of = waitNs >= thresholds.waitMajority.value * gap ? 'comm-wait' : 'untraced';
    let where: Place = null;
    if (steps !== null) {
      while (step < steps.startNs.length && (steps.startNs[step] ?? 0) <= start) step += 1;
      const next = steps.startNs[step] ?? Number.POSITIVE_INFINITY;
      where = next <= end ? 'between-steps' : step === 0 ? 'outside-steps' : 'inside-steps';
    }
    const key = ((before + 1) * most + after + 1) * places.length * bubbleClasses.length + places.indexOf(where) * bubbleClasses.length + bubbleClasses.indexOf(of);
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { before, after, where, class: of, lengths: [], queued: 0, copyNs: 0, waitNs: 0, silentNs: 0, events: new Map<number, { ns: number; count: number }>() }));
    group.lengths.push(gap);
    group.copyNs += copyNs;
    group.waitNs += waitNs;
    if (known && !late) group.queued += 1;
    if (own !== null) group.silentNs += gap - own.active.within(start, end);
    sweep?.gap(start, end, group.events);
    sums.totalNs += gap;
    if (of === 'memcpy') sums.copyNs += gap;
    else if (of === 'comm-wait') sums.commWaitNs += gap;
    else if (of !== 'untraced') sums.hostNs += gap;
    else if (known) sums.queuedNs += gap;
    else sums.unknownNs += gap;
  });
  return { groups: [...groups.values()], free: new Covered(set), ...sums };
}
