import { lowerBound } from '../../profiles/derived/numbers.js';
import { quantile } from '../../stats/quantiles.js';
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

/** Median; NaN of none. */
export function median(values: ArrayLike<number>): number {
  return quantile(Array.from(values), 0.5) ?? Number.NaN;
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

/** The row of `b` nearest to an instant among equal collectives within `tolerance`; −1 for none. */
function nearest(b: Train, word: number, at: number, tolerance: number): number {
  let best = -1;
  for (let j = lowerBound(b.endNs, b.endNs.length, at - tolerance); j < b.endNs.length && (b.endNs[j] ?? 0) <= at + tolerance; j += 1) {
    if (b.word[j] === word && (best < 0 || Math.abs((b.endNs[j] ?? 0) - at) < Math.abs((b.endNs[best] ?? 0) - at)))
      best = j;
  }
  return best;
}

/** How well ends fit under a shift of the clock, 0…1, over the probe that begins at `from`. */
function fit(a: Train, b: Train, from: number, to: number, shift: number, tolerance: number): number {
  let sum = 0;
  for (let i = from; i < to; i += 1) {
    const at = (a.endNs[i] ?? 0) + shift;
    const j = nearest(b, a.word[i] ?? -1, at, tolerance);
    if (j >= 0) sum += 1 - Math.abs((b.endNs[j] ?? 0) - at) / tolerance;
  }
  return sum / Math.max(1, to - from);
}

/**
 * Pairs equal collectives of two ranks by their ends, whatever their clocks differ by and whichever of them a rank lost. A shift of
 * the clock is found on a probe of events, then followed in both directions: it may drift. Null when no shift fits.
 */
export function pair(a: Train, b: Train): Pairing | null {
  const tolerance = toleranceOf(a);
  const fine = tolerance / 4;
  let best: { shift: number; score: number; from: number } | null = null;
  let ambiguous = false;
  const size = Math.min(alignment.probe, a.endNs.length);
  for (let p = 0; p < alignment.probes; p += 1) {
    const from = Math.floor(((a.endNs.length - size) * (p + 0.5)) / alignment.probes);
    const candidates: { shift: number; score: number }[] = [];
    for (let j = 0; j < b.endNs.length; j += 1) {
      if (b.word[j] !== a.word[from]) continue;
      const shift = (b.endNs[j] ?? 0) - (a.endNs[from] ?? 0);
      if (size > 2 * alignment.sieve && fit(a, b, from, from + alignment.sieve, shift, fine) < thresholds.fit.value / 2) continue;
      candidates.push({ shift, score: fit(a, b, from, from + size, shift, fine) });
    }
    const top = candidates.reduce((m, c) => Math.max(m, c.score), 0);
    // Repeating steps fit under many shifts; of those, clocks that are nearer to each other are likelier.
    const good = candidates
      .filter((c) => c.score >= top * thresholds.ambiguous.value)
      .sort((x, y) => Math.abs(x.shift) - Math.abs(y.shift));
    const found = good[0];
    if (found === undefined || (best !== null && found.score <= best.score)) continue;
    best = { ...found, from };
    ambiguous =
      Math.abs(found.shift) > alignment.nearClock && good.some((c) => Math.abs(c.shift - found.shift) > tolerance);
  }
  if (best === null || best.score < thresholds.fit.value) return null;
  const rows = new Int32Array(a.endNs.length).fill(-1);
  const used = new Uint8Array(b.endNs.length);
  let matched = 0;
  const follow = (step: 1 | -1): void => {
    const recent: number[] = [];
    let shift = best.shift;
    for (let i = step === 1 ? best.from : best.from - 1; i >= 0 && i < a.endNs.length; i += step) {
      const j = nearest(b, a.word[i] ?? -1, (a.endNs[i] ?? 0) + shift, tolerance);
      if (j < 0 || used[j] === 1) continue;
      used[j] = 1;
      rows[i] = j;
      matched += 1;
      recent.push((b.endNs[j] ?? 0) - (a.endNs[i] ?? 0));
      if (recent.length > alignment.followed) recent.shift();
      shift = median(recent);
    }
  };
  follow(1);
  follow(-1);
  return { rows, matched, ambiguous };
}
