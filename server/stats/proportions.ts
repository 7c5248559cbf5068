import { normalQuantile, rootOf } from './distributions.js';
import { binomialCdf } from './quantiles.js';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Wilson's score interval of k of n (Wilson 1927), 0..1; null without trials. 21 of 30 at 95 %: 0.521 to 0.833. */
export function wilson(k: number, n: number, confidence = 0.95): Interval | null {
  if (n === 0) return null;
  const z = normalQuantile(1 - (1 - confidence) / 2);
  const p = k / n;
  const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** Exact two-sided McNemar test: `b` items only the baseline had right, `c` only the candidate. 1 without disagreement; below 6 it can not reach 0.05. */
export function mcnemarP(b: number, c: number): number {
  return b + c === 0 ? 1 : Math.min(1, 2 * binomialCdf(Math.min(b, c), b + c, 0.5));
}

/**
 * Score interval of a difference of paired proportions (Tango 1998, Statistics in Medicine 17:891). Unlike the Wald interval it does not
 * shrink to a point when no item flips: 0 of 100 gives ±3.7 points.
 * @param b items only the baseline had right @param c items only the candidate had right @param n items, above 0
 */
export function pairedScoreInterval(b: number, c: number, n: number, confidence = 0.95): Interval {
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

/** Drop that `n` joined items of which `discordance` (0..1) disagree show with 80 % power at 95 %, 0..1: 2.8·√(d/n). */
export function detectableDrop(n: number, discordance: number): number | null {
  return n === 0 ? null : 2.8 * Math.sqrt(discordance / n);
}
