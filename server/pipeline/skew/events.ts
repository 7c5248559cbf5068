import { median, pairAligned } from './align.js';
import { toLocal, toReference, type Component, type Group } from './clocks.js';

/** A group's collectives over its ranks: rows of every member by the lead's rows, the lead being the first member. */
export interface Matched {
  readonly group: Group;
  /** Per member; −1 where it has no such collective. */
  readonly rows: readonly Int32Array[];
}

/** Arrivals and waits of one rank, over the collectives that were matched. */
export interface Arrivals {
  count: number;
  waitNs: number;
  readonly lateNs: number[];
  readonly residualNs: number[];
}

export interface GroupStats {
  matched: number;
  complete: number;
  waitNs: number;
  readonly transferNs: number[];
}

export interface Events {
  readonly matched: readonly Matched[];
  readonly stats: readonly GroupStats[];
  /** By extract. */
  readonly arrivals: ReadonlyMap<number, Arrivals>;
  /** First and last matched end, on the reference's clock; infinite when there is none. */
  readonly fromNs: number;
  readonly toNs: number;
}

/** Matches the collectives of a component and measures who came late. Linear in collectives × ranks. */
export function eventsOf(component: Component): Events {
  const arrivals = new Map<number, Arrivals>();
  for (const rank of component.clocks.keys()) arrivals.set(rank, { count: 0, waitNs: 0, lateNs: [], residualNs: [] });
  let [fromNs, toNs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const matched: Matched[] = [];
  const stats: GroupStats[] = [];
  for (const group of component.groups) {
    const lead = group.members[0];
    if (lead === undefined) continue;
    const length = lead.train.endNs.length;
    const from = component.clocks.get(lead.rank);
    const rows = group.members.map((m) => {
      const to = component.clocks.get(m.rank);
      if (m === lead) return Int32Array.from({ length }, (_, i) => i);
      return from === undefined || to === undefined ? new Int32Array(length).fill(-1) : pairAligned(lead.train, m.train, (end) => toLocal(to, toReference(from, end)));
    });
    matched.push({ group, rows });
    const sum: GroupStats = { matched: 0, complete: 0, waitNs: 0, transferNs: [] };
    stats.push(sum);
    const clocks = group.members.map((m) => component.clocks.get(m.rank));
    const [who, starts, ends] = [new Int32Array(clocks.length), new Float64Array(clocks.length), new Float64Array(clocks.length)];
    for (let i = 0; i < length; i += 1) {
      let n = 0;
      let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (const [k, m] of group.members.entries()) {
        const [clock, row] = [clocks[k], rows[k]?.[i] ?? -1];
        if (clock === undefined || row < 0) continue;
        const at = toReference(clock, m.train.trace.startNs[row] ?? 0);
        [low, high] = [Math.min(low, at), Math.max(high, at)];
        who[n] = m.rank;
        starts[n] = at;
        ends[n] = toReference(clock, m.train.endNs[row] ?? 0);
        n += 1;
      }
      if (n < 2) continue;
      const end = median(ends.subarray(0, n));
      [fromNs, toNs] = [Math.min(fromNs, end), Math.max(toNs, end)];
      sum.matched += 1;
      if (n === group.members.length) {
        sum.complete += 1;
        sum.transferNs.push(end - high);
      }
      for (let k = 0; k < n; k += 1) {
        const own = arrivals.get(who[k] ?? -1);
        const at = starts[k] ?? 0;
        if (own === undefined) continue;
        own.count += 1;
        own.waitNs += high - at;
        own.lateNs.push(at - low);
        own.residualNs.push(Math.abs((ends[k] ?? 0) - end));
        sum.waitNs += high - at;
      }
    }
  }
  return { matched, stats, arrivals, fromNs, toNs };
}
