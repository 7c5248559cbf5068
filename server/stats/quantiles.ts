import { rootOf } from './distributions.js';
import { mean } from './moments.js';

/**
 * How a client reads a percentile off sorted values. `linear`: position p·(n−1), interpolated (numpy; vLLM, SGLang, AISBench).
 * `floor-index`: the value at index ⌊n·p⌋, no interpolation (evalscope): below 100 requests its p99 is the maximum.
 */
export type QuantileRule = 'linear' | 'floor-index';

/** The p-quantile (0 ≤ p ≤ 1) of finite values, in any order; null when there are none. */
export function quantile(values: readonly number[], p: number, rule: QuantileRule = 'linear'): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  if (rule === 'floor-index') return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? null;
  const at = p * (sorted.length - 1);
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  return low === undefined || high === undefined ? null : low + (high - low) * (at - Math.floor(at));
}

/** P(Binomial(n, p) ≤ k), summed from the logarithms of the terms. */
export function binomialCdf(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  if (k >= n) return 1;
  if (p <= 0) return 1;
  if (p >= 1) return 0;
  let term = n * Math.log1p(-p);
  let sum = Math.exp(term);
  for (let i = 1; i <= k; i += 1) {
    term += Math.log((n - i + 1) / i) + Math.log(p) - Math.log1p(-p);
    sum += Math.exp(term);
  }
  return Math.min(1, sum);
}

/**
 * Requests below which the largest value seen is no upper bound of the quantile: smallest n with 1 − pⁿ ≥ confidence.
 * p99 at 95 %: 299.
 */
export function requestsForQuantile(p: number, confidence = 0.95): number {
  return Math.ceil(Math.log(1 - confidence) / Math.log(p));
}

/**
 * Distribution-free interval of a quantile from order statistics (David and Nagaraja, Order Statistics, 7.1): 1-based ranks with at
 * least `confidence` between them, equal tails; `high` null when even the maximum is not far enough out.
 * Requests of one run share batches, so this describes that run; it is not a test between runs.
 */
export function quantileRanks(n: number, p: number, confidence = 0.95): { low: number | null; high: number | null } {
  const tail = (1 - confidence) / 2;
  let low: number | null = null;
  let high: number | null = null;
  for (let k = 1; k <= n; k += 1) {
    const below = binomialCdf(k - 1, n, p);
    if (below <= tail) low = k;
    if (below >= 1 - tail) {
      high = k;
      break;
    }
  }
  return { low, high };
}

export interface Description {
  readonly n: number;
  readonly mean: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** The usual summary of request latencies, by the `linear` rule. */
export function describe(values: readonly number[]): Description {
  const q = (p: number): number | null => quantile(values, p);
  return { n: values.length, mean: mean(values), min: q(0), max: q(1), p50: q(0.5), p90: q(0.9), p95: q(0.95), p99: q(0.99) };
}

/** Exact two-sided binomial bounds of a proportion (Clopper and Pearson 1934), 0..1. */
export function binomialInterval(k: number, n: number, confidence = 0.95): { low: number; high: number } {
  const tail = (1 - confidence) / 2;
  const low = k === 0 ? 0 : rootOf((p) => 1 - binomialCdf(k - 1, n, p), tail, 0, 1);
  const high = k === n ? 1 : rootOf((p) => -binomialCdf(k, n, p), -tail, 0, 1);
  return { low, high };
}
