import { taskClass, type Profile } from '../../profiles/profile.js';
import { Covered } from '../../profiles/derived/covered.js';
import { callEnd, gapAttribution, type CallsBehind } from '../../profiles/derived/hostCalls.js';
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
  readonly sums: BubbleSums;
}

/** Idle time of a device by what is known of it, ns. */
export interface BubbleSums {
  totalNs: number;
  syncNs: number;
  launchNs: number;
  copyNs: number;
  commWaitNs: number;
  /** Untraced, but the next task was on its stream before the gap began. */
  queuedNs: number;
  /** Untraced, and no call is known for the next task. */
  unknownNs: number;
}

/** The last-ended op before each gap and the op that ends it: one run over tasks and collectives by start. */
class Neighbours {
  /** Labels of both sides of the gap asked for last, and the latest-ended call among those behind what starts at its end; −1 for none. */
  before = -1;
  after = -1;
  call = -1;
  #task: number;
  #op: number;
  #lastEnd = Number.NEGATIVE_INFINITY;
  #last = -1;
  #lastIsOp = false;
  readonly #to: number;
  readonly #endOp: number;

  constructor(readonly profile: Profile, device: number, readonly labels: Labels, readonly calls: CallsBehind | null) {
    const { tasks, commOps } = profile;
    [this.#task, this.#to] = rowsOf(tasks.device, tasks.length, device);
    [this.#op, this.#endOp] = commOps === null ? [0, 0] : rowsOf(commOps.device, commOps.length, device);
  }

  /** Gaps must come in order. @param end where the gap ends */
  look(end: number): void {
    const { profile, labels } = this;
    const { tasks, commOps } = profile;
    for (; this.#task < this.#to && (tasks.startNs[this.#task] ?? 0) < end; this.#task += 1) {
      const of = tasks.class[this.#task];
      if (of === taskClass.compute || of === taskClass.communication) this.#ended((tasks.startNs[this.#task] ?? Number.NaN) + (tasks.durationNs[this.#task] ?? Number.NaN), this.#task, false);
    }
    for (; commOps !== null && this.#op < this.#endOp && (commOps.startNs[this.#op] ?? 0) < end; this.#op += 1) this.#ended((commOps.startNs[this.#op] ?? Number.NaN) + (commOps.durationNs[this.#op] ?? Number.NaN), this.#op, true);
    this.before = this.#last < 0 ? -1 : this.#lastIsOp ? labels.op(this.#last) : labels.task(this.#last);
    this.after = -1;
    this.call = -1;
    let helper = -1;
    for (let row = this.#task; row < this.#to && tasks.startNs[row] === end; row += 1) {
      const of = tasks.class[row];
      if (of !== taskClass.compute && of !== taskClass.communication) continue;
      if (of === taskClass.compute && this.after < 0) this.after = labels.task(row);
      else if (helper < 0) helper = labels.task(row);
      this.#consider(tasks.connection[row] ?? -1);
    }
    for (let row = this.#op; commOps !== null && row < this.#endOp && commOps.startNs[row] === end; row += 1) {
      if (this.after < 0) this.after = labels.op(row);
      this.#consider(commOps.connection[row] ?? -1);
    }
    // A collective is known by its name, its carrier task by its type only.
    if (this.after < 0) this.after = helper;
  }

  #consider(connection: number): void {
    const { apis } = this.profile;
    const row = connection < 0 ? undefined : this.calls?.get(connection);
    if (row !== undefined && apis !== null && (this.call < 0 || callEnd(apis, row) > callEnd(apis, this.call))) this.call = row;
  }

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

/** Groups by both labels, place and class; a number of its own for each of the last two. */
class Groups {
  readonly all: BubbleGroup[] = [];
  /** By label before, then by the rest in one small integer. */
  readonly #byBefore: (Map<number, BubbleGroup> | undefined)[] = [];

  of(before: number, after: number, where: Place, of: BubbleClass): BubbleGroup {
    const key = ((after + 1) * places.length + places.indexOf(where)) * bubbleClasses.length + bubbleClasses.indexOf(of);
    const own = (this.#byBefore[before + 1] ??= new Map<number, BubbleGroup>());
    let group = own.get(key);
    if (group === undefined) {
      group = { before, after, where, class: of, lengths: [], queued: 0, copyNs: 0, waitNs: 0, silentNs: 0, events: new Map<number, { ns: number; count: number }>() };
      own.set(key, group);
      this.all.push(group);
    }
    return group;
  }
}

/**
 * Every gap of a device's window, grouped by the ops around it, its place and its class:
 * memcpy when copies fill half of it; host-sync and host-launch when the call that launched the next task returned inside the gap, sync when the host had waited for
 * the device as the gap began or for a fifth of it; comm-wait when the next task was queued (or its launch is not known) and event waits fill half; else untraced.
 * One sweep over gaps, tasks, collectives and host calls together.
 */
export function bubblesOf(profile: Profile, window: DeviceWindow, labels: Labels, steps: Steps | null, host: HostSide | null): Bubbles {
  const { tasks, apis } = profile;
  const [from, to] = rowsOf(tasks.device, tasks.length, window.device);
  // Where free time is not split, all of it is idle.
  const set = window.split === null ? window.idle : gaps(window.compute, window.communication);
  const copies = new Covered(uniteClass(tasks, from, to, taskClass.memcpy));
  const waits = new Covered(uniteClass(tasks, from, to, taskClass.eventWait));
  const own = host?.byCapture.get(profile.devices[window.device]?.capture ?? 0) ?? null;
  const neighbours = new Neighbours(profile, window.device, labels, host?.calls ?? null);
  const sweep = own === null || apis === null ? null : new Sweep(own, apis.name);
  const groups = new Groups();
  const sums: BubbleSums = { totalNs: 0, syncNs: 0, launchNs: 0, copyNs: 0, commWaitNs: 0, queuedNs: 0, unknownNs: 0 };
  let step = 0;
  each(set, (start, end) => {
    const gap = end - start;
    neighbours.look(end);
    const { call } = neighbours;
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
    const group = groups.of(neighbours.before, neighbours.after, where, of);
    group.lengths.push(gap);
    group.copyNs += copyNs;
    group.waitNs += waitNs;
    if (known && !late) group.queued += 1;
    if (own !== null) group.silentNs += gap - own.active.within(start, end);
    sweep?.gap(start, end, group.events);
    sums.totalNs += gap;
    if (of === 'memcpy') sums.copyNs += gap;
    else if (of === 'comm-wait') sums.commWaitNs += gap;
    else if (of === 'host-sync') sums.syncNs += gap;
    else if (of === 'host-launch') sums.launchNs += gap;
    else if (known) sums.queuedNs += gap;
    else sums.unknownNs += gap;
  });
  return { groups: groups.all, free: new Covered(set), sums };
}
