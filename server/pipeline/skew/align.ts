import { lowerBound } from '../../profiles/derived/numbers.js';
import type { GroupTrace } from './extract.js';
import { alignment, thresholds } from './thresholds.js';

/** One rank's collectives of one group: ends on its clock, and what each is (equal numbers: equal collectives). */
export interface Train {
  readonly trace: GroupTrace;
  readonly endNs: Float64Array;
  readonly word: Int32Array;
}

export interface Pairing {
  /** Row of the second train for each of the first; −1 where it has none. */
  readonly rows: Int32Array;
  readonly matched: number;
  /** True when another shift of the second train fits nearly as well. */
  readonly ambiguous: boolean;
}

/** Median of ascending values; NaN of none. */
function middleOf(sorted: Float64Array): number {
  const last = sorted.length - 1;
  return ((sorted[last >> 1] ?? Number.NaN) + (sorted[(last + 1) >> 1] ?? Number.NaN)) / 2;
}

/** Median in any order; NaN of none. Sorted as typed numbers: it is taken once per collective. */
export function median(values: ArrayLike<number>): number {
  return middleOf(Float64Array.from(values).sort());
}

/** Two ends this close can be one event: well under the usual distance of events. */
export function toleranceOf(train: Train): number {
  const gaps = Float64Array.from(
    { length: Math.max(0, train.endNs.length - 1) },
    (_, i) => (train.endNs[i + 1] ?? 0) - (train.endNs[i] ?? 0),
  ).sort();
  return Math.min(
    alignment.longestTolerance,
    Math.max(alignment.shortestTolerance, alignment.ofShortGap * (gaps[Math.floor(gaps.length / 10)] ?? 0)),
  );
}

/** How far the ends of one collective may lie apart on average: ends of other collectives, which meet by chance, lie further. */
function meeting(tolerance: number): number {
  return Math.max(alignment.shortestTolerance, tolerance * alignment.meeting);
}

/** The row of `b` nearest to an instant among equal collectives within `tolerance`; −1 for none. */
function nearest(b: Train, word: number, at: number, tolerance: number): number {
  let best = -1;
  for (let j = lowerBound(b.endNs, b.endNs.length, at - tolerance); j < b.endNs.length && (b.endNs[j] ?? 0) <= at + tolerance; j += 1) {
    if (b.word[j] === word && (best < 0 || Math.abs((b.endNs[j] ?? 0) - at) < Math.abs((b.endNs[best] ?? 0) - at)))
      best = j;
  }
  return best;
}

/**
 * How well ends fit under the shift of the clock that lays the row `onto` of `b` on the row `from` of `a`, 0…1, over the probe that begins
 * there. Both trains ascend, so one walk along `b` serves the whole probe. Below `least`, which it can no longer reach, it is given up: 0.
 */
function fit(a: Train, b: Train, from: number, to: number, onto: number, tolerance: number, least: number): number {
  const { endNs: ends, word } = b;
  const count = Math.max(1, to - from);
  const needed = least * count;
  const first = ends[onto] ?? 0;
  const shift = first - (a.endNs[from] ?? 0);
  let sum = 0;
  let low = onto;
  while (low > 0 && (ends[low - 1] ?? 0) >= first - tolerance) low -= 1;
  for (let i = from; i < to; i += 1) {
    if (sum + (to - i) < needed) return 0;
    const at = (a.endNs[i] ?? 0) + shift;
    const is = a.word[i] ?? -1;
    while (low < ends.length && (ends[low] ?? 0) < at - tolerance) low += 1;
    let away = Number.POSITIVE_INFINITY;
    for (let j = low; j < ends.length && (ends[j] ?? 0) <= at + tolerance; j += 1) {
      if (word[j] === is) away = Math.min(away, Math.abs((ends[j] ?? 0) - at));
    }
    if (away <= tolerance) sum += 1 - away / tolerance;
  }
  return sum / count;
}

/** Rows of `b` with a collective equal to the row `from` of `a`: clocks nearest to each other first, at most `most`. */
function rowsLike(a: Train, b: Train, from: number, most: number): number[] {
  const at = a.endNs[from] ?? 0;
  const is = a.word[from];
  const found: number[] = [];
  let right = lowerBound(b.endNs, b.endNs.length, at);
  let left = right - 1;
  while (found.length < most) {
    while (left >= 0 && b.word[left] !== is) left -= 1;
    while (right < b.endNs.length && b.word[right] !== is) right += 1;
    if (left < 0 && right >= b.endNs.length) break;
    const before = left < 0 ? Number.POSITIVE_INFINITY : at - (b.endNs[left] ?? 0);
    const after = right >= b.endNs.length ? Number.POSITIVE_INFINITY : (b.endNs[right] ?? 0) - at;
    found.push(before <= after ? left : right);
    if (before <= after) left -= 1;
    else right += 1;
  }
  return found;
}

/** Whether distances of paired ends lie on a line: clocks that only differ and drift. */
function straight(ahead: readonly number[], tolerance: number): boolean {
  const third = Math.max(1, Math.floor(ahead.length / 3));
  const rise = (median(ahead.slice(-third)) - median(ahead.slice(0, third))) / Math.max(1, ahead.length - third);
  const middle = median(ahead);
  return median(ahead.map((v, i) => Math.abs(v - middle - rise * (i - (ahead.length - 1) / 2)))) <= tolerance;
}

/** Pairs by the counters in the names. Null where they repeat (replayed graphs), are missing, or the ends of the pairs do not meet. */
function pairByCounter(a: Train, b: Train): Pairing | null {
  const at = new Map<number, number>();
  for (const [row, n] of b.trace.counter.entries()) {
    if (n < 0 || at.has(n)) return null;
    at.set(n, row);
  }
  const rows = new Int32Array(a.endNs.length).fill(-1);
  const seen = new Set<number>();
  const ahead: number[] = [];
  for (const [row, n] of a.trace.counter.entries()) {
    if (n < 0 || seen.has(n)) return null;
    seen.add(n);
    const other = at.get(n);
    if (other === undefined || a.word[row] !== b.word[other]) continue;
    rows[row] = other;
    ahead.push((b.endNs[other] ?? 0) - (a.endNs[row] ?? 0));
  }
  const enough = ahead.length >= Math.min(a.endNs.length, b.endNs.length) * thresholds.matched.value;
  return ahead.length > 0 && enough && straight(ahead, meeting(toleranceOf(a))) ? { rows, matched: ahead.length, ambiguous: false } : null;
}

/** Pairs equal collectives of two ranks: by the counters of their names where these are unique, else by time. Null when neither fits. */
export function pair(a: Train, b: Train): Pairing | null {
  return pairByCounter(a, b) ?? pairByTime(a, b);
}

/** A shift of the clock of `b`, tried on events of `a` from `from` on. */
interface Candidate {
  readonly shift: number;
  readonly from: number;
  readonly score: number;
}

/** Shifts under which a probe of `a` fits, best first, no two of them alike. */
function candidatesOf(a: Train, b: Train, tolerance: number): Candidate[] {
  const fine = tolerance / 2;
  const size = Math.min(alignment.probe, a.endNs.length);
  const found: Candidate[] = [];
  let best = 0;
  for (let p = 0; p < alignment.probes && (p < alignment.leastProbes || best < alignment.sure); p += 1) {
    const from = Math.floor(((a.endNs.length - size) * (p + 0.5)) / alignment.probes);
    // Only so many are tried: the search stays linear.
    for (const onto of rowsLike(a, b, from, alignment.candidates)) {
      if (size > 2 * alignment.sieve && fit(a, b, from, from + alignment.sieve, onto, fine, thresholds.fit.value / 2) === 0) continue;
      const score = fit(a, b, from, from + size, onto, fine, Math.max(thresholds.fit.value, best / 2));
      if (score === 0) continue;
      best = Math.max(best, score);
      found.push({ shift: (b.endNs[onto] ?? 0) - (a.endNs[from] ?? 0), from, score });
    }
  }
  const kept: Candidate[] = [];
  for (const c of found.sort((x, y) => y.score - x.score)) {
    if (c.score < Math.max(thresholds.fit.value, best / 2) || kept.length === alignment.followedShifts) break;
    if (kept.every((k) => Math.abs(k.shift - c.shift) > tolerance)) kept.push(c);
  }
  return kept;
}

interface Followed {
  readonly rows: Int32Array;
  readonly matched: number;
  /** Mean distance of a paired end from where the pairs before it put it, ns. */
  readonly residual: number;
  /** Share of the ends for which a pair could be, the other rank being captured then, that have one. */
  readonly rate: number;
}

/** Pairs from a shift on in both directions, up to `reach` events each; the shift follows the pairs: clocks drift. */
function followed(a: Train, b: Train, start: Candidate, tolerance: number, reach: number): Followed {
  const rows = new Int32Array(a.endNs.length).fill(-1);
  const used = new Uint8Array(b.endNs.length);
  let [matched, tried, sum] = [0, 0, 0];
  const [low, high] = [b.endNs[0] ?? 0, b.endNs.at(-1) ?? 0];
  for (const step of [1, -1]) {
    const recent = new Float64Array(alignment.followed);
    let [count, shift] = [0, start.shift];
    const first = step === 1 ? start.from : start.from - 1;
    for (let i = first; i >= 0 && i < a.endNs.length && Math.abs(i - first) < reach; i += step) {
      const at = (a.endNs[i] ?? 0) + shift;
      if (at >= low - tolerance && at <= high + tolerance) tried += 1;
      const j = nearest(b, a.word[i] ?? -1, at, tolerance);
      if (j < 0 || used[j] === 1) continue;
      used[j] = 1;
      rows[i] = j;
      matched += 1;
      const ahead = (b.endNs[j] ?? 0) - (a.endNs[i] ?? 0);
      sum += Math.abs(ahead - shift);
      recent[count % alignment.followed] = ahead;
      count += 1;
      shift = median(recent.subarray(0, Math.min(count, alignment.followed)));
    }
  }
  return { rows, matched, residual: sum / Math.max(1, matched), rate: matched / Math.max(1, tried) };
}

/**
 * Pairs equal collectives of two ranks by their ends, whatever their clocks differ by and whichever of them a rank lost. Repeating steps
 * fit under many shifts of the clock: the right one leaves the least distance. Null when no shift fits.
 */
export function pairByTime(a: Train, b: Train): Pairing | null {
  const tolerance = toleranceOf(a);
  const tried = candidatesOf(a, b, tolerance).map((candidate) => ({ candidate, ...followed(a, b, candidate, tolerance, alignment.reach) }));
  const most = tried.reduce((m, t) => Math.max(m, t.matched), 0);
  const rate = tried.reduce((m, t) => Math.max(m, t.matched >= most * thresholds.matched.value ? t.rate : 0), 0);
  const likely = tried.filter((t) => t.matched >= most * thresholds.matched.value && t.rate >= rate * thresholds.rate.value);
  const least = likely.reduce((m, t) => Math.min(m, t.residual), Number.POSITIVE_INFINITY);
  const within = (factor: number): typeof likely => likely.filter((t) => t.residual <= Math.max(least * factor, alignment.tickNs));
  // Between shifts that fit the same, clocks nearer to each other are likelier.
  const [chosen] = within(thresholds.sameFit.value).sort((x, y) => Math.abs(x.candidate.shift) - Math.abs(y.candidate.shift));
  if (chosen === undefined) return null;
  const { rows, matched, residual } = followed(a, b, chosen.candidate, tolerance, Number.POSITIVE_INFINITY);
  return residual > meeting(tolerance) ? null : { rows, matched, ambiguous: within(thresholds.ambiguous.value).length > 1 };
}

/** Pairs trains whose clocks are known: by counters, else the nearest equal collective. @param expect where an end of `a` lies on the clock of `b` */
export function pairAligned(a: Train, b: Train, expect: (endNs: number) => number): Int32Array {
  const counted = pairByCounter(a, b);
  if (counted !== null) return counted.rows;
  const tolerance = toleranceOf(a);
  const rows = new Int32Array(a.endNs.length).fill(-1);
  const used = new Uint8Array(b.endNs.length);
  for (let i = 0; i < a.endNs.length; i += 1) {
    const j = nearest(b, a.word[i] ?? -1, expect(a.endNs[i] ?? 0), tolerance);
    if (j < 0 || used[j] === 1) continue;
    used[j] = 1;
    rows[i] = j;
  }
  return rows;
}
