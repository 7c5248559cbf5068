import { taskClass, type Profile } from '../profile.js';
import { callEnd, compileTimes, gapAttribution, hostWaits, type CallsBehind } from './hostCalls.js';
import { contains, each, intersect, type Intervals } from './intervals.js';
import { rowsOf } from './numbers.js';
import type { DeviceWindow } from './window.js';

/** Idle time of one device by what ended it, in ns. The parts sum to the idle time. */
export interface IdleCauses {
  /** The next task was put on its stream after the gap began, and the host was not waiting when it began. */
  readonly launchNs: number;
  /** As launch, but a good part of the gap the host compiled operators. */
  readonly compileNs: number;
  /** As before, but the host sat in a synchronising call when the device ran dry. */
  readonly syncNs: number;
  /** The next task was on its stream before the gap began: the device did not wait for the host. */
  readonly queuedNs: number;
  /** No call is known that put the next task on its stream. */
  readonly unknownNs: number;
}

/** Length of the set inside one gap; the set lies within the gaps, which come in order, so a cursor runs along. */
function inside(set: Intervals, cursor: { at: number }, start: number, end: number): number {
  let sum = 0;
  while (cursor.at < set.length && (set[cursor.at + 1] ?? 0) <= end) {
    if ((set[cursor.at] ?? 0) >= start) sum += (set[cursor.at + 1] ?? 0) - (set[cursor.at] ?? 0);
    cursor.at += 2;
  }
  return sum;
}

/**
 * Splits the idle time of a device by its cause: a gap belongs to the host when the call that launched the task after it ended
 * inside the gap; then to compilation when that fills a good part of it, to a wait when the host was synchronising as the gap began (or for a good part of it).
 * Null without host calls.
 */
export function idleCauses(profile: Profile, window: DeviceWindow, calls: CallsBehind | null): IdleCauses | null {
  const { apis } = profile;
  if (calls === null || apis === null || window.source !== 'tasks') return null;
  const { tasks, commOps } = profile;
  const [from, to] = rowsOf(tasks.device, tasks.length, window.device);
  const [firstOp, endOp] = commOps === null ? [0, 0] : rowsOf(commOps.device, commOps.length, window.device);
  const waiting = hostWaits(profile, profile.devices[window.device]?.capture ?? -1);
  const waited = intersect(window.idle, waiting);
  const compiled = intersect(window.idle, compileTimes(profile, profile.devices[window.device]?.capture ?? -1));
  const causes = { launchNs: 0, compileNs: 0, syncNs: 0, queuedNs: 0, unknownNs: 0 };
  let task = from;
  let op = firstOp;
  const waitCursor = { at: 0 };
  const compileCursor = { at: 0 };
  each(window.idle, (start, end) => {
    // The call behind whatever starts as the gap ends; the latest one, if several start together.
    let call = Number.NaN;
    const consider = (connection: number): void => {
      const row = connection < 0 ? undefined : calls.get(connection);
      const known = row === undefined ? Number.NaN : callEnd(apis, row);
      if (Number.isFinite(known) && !(known <= call)) call = known;
    };
    while (task < to && (tasks.startNs[task] ?? 0) < end) task += 1;
    for (let row = task; row < to && tasks.startNs[row] === end; row += 1) if (tasks.class[row] !== taskClass.other) consider(tasks.connection[row] ?? -1);
    if (commOps !== null) {
      while (op < endOp && (commOps.startNs[op] ?? 0) < end) op += 1;
      for (let row = op; row < endOp && commOps.startNs[row] === end; row += 1) consider(commOps.connection[row] ?? -1);
    }
    const waitNs = inside(waited, waitCursor, start, end);
    const compileNs = inside(compiled, compileCursor, start, end);
    const gap = end - start;
    if (Number.isNaN(call)) causes.unknownNs += gap;
    else if (call <= start) causes.queuedNs += gap;
    else if (compileNs >= gapAttribution.value * gap) causes.compileNs += gap;
    else if (contains(waiting, start) || waitNs >= gapAttribution.value * gap) causes.syncNs += gap;
    else causes.launchNs += gap;
  });
  return causes;
}
