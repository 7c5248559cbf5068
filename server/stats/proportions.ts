import { normalQuantile } from './distributions.js';
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
 * Difference candidate − baseline of two scores over the same `n` items, −1..1, with its Wald interval for paired proportions:
 * standard error √(b + c − (b − c)²/n)/n. Null without items.
 */
export function pairedDifference(b: number, c: number, n: number, confidence = 0.95): (Interval & { difference: number }) | null {
  if (n === 0) return null;
  const difference = (c - b) / n;
  const half = (normalQuantile(1 - (1 - confidence) / 2) * Math.sqrt(b + c - (b - c) ** 2 / n)) / n;
  return { difference, low: difference - half, high: difference + half };
}

/** Drop that `n` joined items of which `discordance` (0..1) disagree show with 80 % power at 95 %, 0..1: 2.8·√(d/n). */
export function detectableDrop(n: number, discordance: number): number | null {
  return n === 0 ? null : 2.8 * Math.sqrt(discordance / n);
}
