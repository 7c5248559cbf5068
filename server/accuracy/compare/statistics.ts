import { normalQuantile, rootOf, tCritical } from '../../stats/distributions.js';
import { deviation, mean } from '../../stats/moments.js';
import { detectableDrop, mcnemarP } from '../../stats/proportions.js';
import { thresholds } from '../thresholds.js';

/** A paired comparison; differences are candidate − baseline, −1..1. */
export interface Paired {
  readonly n: number;
  readonly baselineOnly: number;
  readonly candidateOnly: number;
  readonly delta: number;
  readonly low: number;
  readonly high: number;
  readonly method: 'tango' | 'paired-t';
  readonly p: number;
  readonly minDetectableDrop: number;
}

/**
 * Score interval of a difference of paired proportions (Tango 1998, Statistics in Medicine 17:891). Unlike the Wald interval it does not
 * shrink to a point when no item flips: 0 of 100 gives ±3.7 points.
 * @param b items only the baseline had right @param c items only the candidate had right @param n items, above 0
 */
export function pairedScoreInterval(b: number, c: number, n: number, confidence = 0.95): { readonly low: number; readonly high: number } {
  const z = normalQuantile(1 - (1 - confidence) / 2);
  const statistic = (d: number): number => {
    // Maximum-likelihood share of items only the baseline has right, given the difference d.
    const k = -c - b + (2 * n - c + b) * d;
    const q = (Math.sqrt(Math.max(0, k * k + 8 * n * b * d * (1 - d))) - k) / (4 * n);
    const variance = n * (2 * q + d * (1 - d));
    const distance = n * d - (c - b);
    return variance <= 0 ? (distance === 0 ? 0 : Math.sign(distance) * Infinity) : distance / Math.sqrt(variance);
  };
  const seen = (c - b) / n;
  return {
    low: seen <= -1 ? -1 : rootOf(statistic, -z, -1, seen),
    high: seen >= 1 ? 1 : rootOf(statistic, z, seen, 1),
  };
}

/** The comparison of items by their differences of score, −1..1 each. Null without items. */
export function paired(differences: readonly number[]): Paired | null {
  const n = differences.length;
  const delta = mean(differences);
  if (delta === null) return null;
  const baselineOnly = differences.filter((d) => d < 0).length;
  const candidateOnly = differences.filter((d) => d > 0).length;
  const whole = differences.every((d) => Number.isInteger(d));
  const spread = deviation(differences);
  const half = whole || spread === null ? 0 : (tCritical(1 - 0.95, n - 1) * spread) / Math.sqrt(n);
  const interval = whole || spread === null ? pairedScoreInterval(baselineOnly, candidateOnly, n) : { low: delta - half, high: delta + half };
  return {
    n,
    baselineOnly,
    candidateOnly,
    delta,
    ...interval,
    method: whole || spread === null ? 'tango' : 'paired-t',
    p: mcnemarP(baselineOnly, candidateOnly),
    minDetectableDrop: Math.min(1, Math.max(detectableDrop(n, (baselineOnly + candidateOnly) / n) ?? 1, thresholds.fewestFlips.value / n)),
  };
}

/** What the numbers alone say. `no-regression` first: a drop inside the margin is one that is given away. */
export function outcomeOf(test: Paired, marginPct: number): 'no-regression' | 'regression' | 'improvement' | 'inconclusive' {
  if (test.low * 100 > -marginPct) return 'no-regression';
  if (test.p >= thresholds.significance.value) return 'inconclusive';
  return test.delta < 0 ? 'regression' : 'improvement';
}
