import { lowerBound } from '../../profiles/derived/numbers.js';
import { toLocal, toReference, type Component } from './clocks.js';
import type { Events, Matched } from './events.js';
import type { RankExtract } from './extract.js';
import { limits, thresholds } from './thresholds.js';
import { median } from './align.js';

/** Where the time of a component is cut: starts of the reference's steps, on its clock. */
export interface Cuts {
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  /** False: equal intervals, no steps. */
  readonly steps: boolean;
}

/** Steps of the reference rank, or equal intervals over the matched part where it has too few. */
export function cutsOf(component: Component, extracts: readonly RankExtract[], events: Events): Cuts {
  const steps = extracts[component.reference]?.steps ?? null;
  if (steps !== null && steps.startNs.length >= thresholds.fewSteps.value) return { ...steps, steps: true };
  const count = limits.intervals.value;
  const at = Float64Array.from({ length: count + 1 }, (_, i) => events.fromNs + ((events.toNs - events.fromNs) * i) / count);
  return { startNs: at.slice(0, -1), endNs: at.slice(1), steps: false };
}

/** Sums of one rank per cut, over the stretches between collectives that it and a peer have whole; `peer*`: medians of its peers over the same. */
export interface Own {
  readonly ownNs: Float64Array;
  readonly peerNs: Float64Array;
  readonly computeNs: Float64Array;
  readonly peerComputeNs: Float64Array;
}

/** Per unit and cut: time between collectives (median of its ranks), and all time. */
export interface UnitOwn {
  readonly ownNs: Float64Array;
  readonly allNs: Float64Array;
}

/** A running sum at an instant, straight between the instants where it is known. */
export function interpolate(x: Float64Array, y: Float64Array, at: number): number {
  const low = lowerBound(x, x.length, at);
  if (low === 0) return y[0] ?? 0;
  const [x0, x1, y0, y1] = [x[low - 1] ?? 0, x[low] ?? at, y[low - 1] ?? 0, y[low] ?? y[low - 1] ?? 0];
  return x1 > x0 ? y0 + ((y1 - y0) * (at - x0)) / (x1 - x0) : y0;
}

/** The value most of them have; of equally many the largest. */
function mode(values: Int32Array): number {
  const first = values[0] ?? 0;
  if (values.every((v) => v === first)) return first;
  const counts = new Map<number, number>();
  for (const v of values) counts.set(v, (counts.get(v) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0]?.[0] ?? 0;
}

/** Ends of all collectives of a rank. Ends, unlike starts, come in the same order on all ranks. */
function allEnds(extract: RankExtract | undefined): Float64Array {
  const groups = extract?.groups ?? [];
  const all = new Float64Array(groups.reduce((n, g) => n + g.endNs.length, 0));
  let at = 0;
  for (const { endNs } of groups) {
    all.set(endNs, at);
    at += endNs.length;
  }
  return all.sort();
}

/**
 * Own time of the ranks of a group: from the end of a collective to the end of the next, less communication that hides no compute. A
 * stretch counts only for ranks that saw the same number of collectives in it, so lost ones do not look like own time.
 * @param units unit of each member of the group: peers are the other members of a unit
 */
export function ownOf(
  matched: Matched,
  component: Component,
  extracts: readonly RankExtract[],
  cuts: Cuts,
  units: readonly number[],
): { readonly ranks: ReadonlyMap<number, Own>; readonly units: ReadonlyMap<number, UnitOwn> } {
  const { group, rows } = matched;
  const count = cuts.startNs.length;
  const zero = (): Float64Array => new Float64Array(count);
  const ranks = new Map<number, Own>();
  for (const m of group.members) ranks.set(m.rank, { ownNs: zero(), peerNs: zero(), computeNs: zero(), peerComputeNs: zero() });
  const perUnit = new Map<number, UnitOwn>();
  for (const u of units) perUnit.set(u, { ownNs: zero(), allNs: zero() });
  const lead = group.members[0];
  const clock = lead === undefined ? undefined : component.clocks.get(lead.rank);
  if (lead === undefined || clock === undefined) return { ranks, units: perUnit };
  // Per member and row: place of its end among all collectives of the rank, and the sums there.
  const ends = group.members.map((m) => {
    const extract = extracts[m.rank];
    const x = extract?.pointNs ?? new Float64Array(0);
    const all = allEnds(extract);
    return {
      endNs: m.train.endNs,
      place: Int32Array.from(m.train.endNs, (at) => lowerBound(all, all.length, at)),
      point: Int32Array.from(m.train.endNs, (at) => lowerBound(x, x.length, at)),
      exposed: extract?.exposedNs ?? x,
      compute: extract?.computeNs ?? x,
    };
  });
  const size = group.members.length;
  const all: Stretches = { count: 0, member: new Int32Array(size), places: new Int32Array(size), own: new Float64Array(size), compute: new Float64Array(size), all: new Float64Array(size) };
  const one: Stretches = { ...all, member: new Int32Array(size), own: new Float64Array(size), compute: new Float64Array(size), all: new Float64Array(size) };
  const sums = group.members.map((m) => ranks.get(m.rank));
  const distinct = [...new Set(units)];
  for (let i = 1; i < lead.train.endNs.length; i += 1) {
    const at = toReference(clock, lead.train.endNs[i] ?? 0);
    const step = lowerBound(cuts.startNs, count, at) - 1;
    if (step < 0 || at > (cuts.endNs[step] ?? 0) + thresholds.cutSlackNs.value) continue;
    all.count = 0;
    for (const [member, e] of ends.entries()) {
      const [a, b] = [rows[member]?.[i - 1] ?? -1, rows[member]?.[i] ?? -1];
      if (a < 0 || b <= a) continue;
      const [p, q] = [e.point[a] ?? 0, e.point[b] ?? 0];
      const whole = (e.endNs[b] ?? 0) - (e.endNs[a] ?? 0);
      all.member[all.count] = member;
      all.places[all.count] = (e.place[b] ?? 0) - (e.place[a] ?? 0);
      all.all[all.count] = whole;
      all.own[all.count] = whole - ((e.exposed[q] ?? 0) - (e.exposed[p] ?? 0));
      all.compute[all.count] = (e.compute[q] ?? 0) - (e.compute[p] ?? 0);
      all.count += 1;
    }
    const usual = mode(all.places.subarray(0, all.count));
    for (const unit of distinct) {
      one.count = 0;
      for (let k = 0; k < all.count; k += 1) {
        const member = all.member[k] ?? 0;
        if (all.places[k] !== usual || units[member] !== unit) continue;
        one.member[one.count] = member;
        one.own[one.count] = all.own[k] ?? 0;
        one.compute[one.count] = all.compute[k] ?? 0;
        one.all[one.count] = all.all[k] ?? 0;
        one.count += 1;
      }
      const own = one.own.slice(0, one.count).sort();
      const of = perUnit.get(unit);
      if (of !== undefined && one.count > 0) {
        of.ownNs[step] = (of.ownNs[step] ?? 0) + median(own);
        of.allNs[step] = (of.allNs[step] ?? 0) + median(one.all.subarray(0, one.count));
      }
      if (one.count > 1) addToPeers(one, own, sums, step);
    }
  }
  return { ranks, units: perUnit };
}

/** Members that have a stretch whole, and what it holds on each. */
interface Stretches {
  count: number;
  readonly member: Int32Array;
  readonly places: Int32Array;
  readonly own: Float64Array;
  readonly compute: Float64Array;
  readonly all: Float64Array;
}

/** Median of ascending values when one equal to `value` is left out. */
function medianOfOthers(sorted: Float64Array, value: number): number {
  const half = sorted.length >> 1;
  const at = (i: number): number => sorted[i] ?? Number.NaN;
  const middle = at(half);
  if (sorted.length % 2 === 0) return value <= at(half - 1) ? middle : at(half - 1);
  if (value < middle) return (middle + at(half + 1)) / 2;
  return value > middle ? (at(half - 1) + middle) / 2 : (at(half - 1) + at(half + 1)) / 2;
}

function addToPeers(list: Stretches, own: Float64Array, ranks: readonly (Own | undefined)[], step: number): void {
  const compute = list.compute.slice(0, list.count).sort();
  for (let k = 0; k < list.count; k += 1) {
    const sum = ranks[list.member[k] ?? -1];
    if (sum === undefined) continue;
    const [mine, its] = [list.own[k] ?? 0, list.compute[k] ?? 0];
    sum.ownNs[step] = (sum.ownNs[step] ?? 0) + mine;
    sum.computeNs[step] = (sum.computeNs[step] ?? 0) + its;
    sum.peerNs[step] = (sum.peerNs[step] ?? 0) + medianOfOthers(own, mine);
    sum.peerComputeNs[step] = (sum.peerComputeNs[step] ?? 0) + medianOfOthers(compute, its);
  }
}

/** Instant in the middle of a cut on a rank's own clock. */
export function middleOf(cuts: Cuts, step: number, component: Component, rank: number): number {
  const clock = component.clocks.get(rank);
  const at = ((cuts.startNs[step] ?? 0) + (cuts.endNs[step] ?? 0)) / 2;
  return clock === undefined ? at : toLocal(clock, at);
}
