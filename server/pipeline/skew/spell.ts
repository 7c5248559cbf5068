import { median } from './align.js';
import { thresholds } from './thresholds.js';

/** Steps `[from, to)` of a series in which it lies above zero by `level`, and how sure that is. */
export interface Spell {
  readonly from: number;
  readonly to: number;
  readonly level: number;
  /** Standard error of the level. */
  readonly error: number;
}

/** Bounds of the part with the largest sum; empty when no sum is positive. Kadane's algorithm, one sweep. */
function richest(scores: readonly number[]): readonly [number, number] {
  let [best, bestFrom, bestTo, sum, from] = [0, 0, 0, 0, 0];
  for (const [i, score] of scores.entries()) {
    if (sum <= 0) [sum, from] = [0, i];
    sum += score;
    if (sum > best) [best, bestFrom, bestTo] = [sum, from, i + 1];
  }
  return [bestFrom, bestTo];
}

function judged(x: readonly number[], from: number, to: number, comparisons: number): Spell | null {
  const inside = x.slice(from, to);
  const few = inside.length < x.length ? thresholds.fewSpell.value : thresholds.fewSteps.value;
  const least = Math.max(few, x.length * thresholds.spellShare.value);
  if (inside.length < least) return null;
  const level = median(inside);
  const outside = [...x.slice(0, from), ...x.slice(to)];
  const base = outside.length >= thresholds.fewSteps.value ? median(outside) : 0;
  const residuals = x.map((v, i) => Math.abs(v - (i >= from && i < to ? level : base)));
  const robust = thresholds.deviation.value * median(residuals);
  // Few residuals may have a small median by chance: their mean square, single stalls cut, stands beside it.
  const square = Math.sqrt(residuals.reduce((n, v) => n + Math.min(v, 3 * robust) ** 2, 0) / Math.max(1, x.length - 2));
  const error = (thresholds.medianError.value * Math.max(robust, square)) / Math.sqrt(inside.length);
  // The largest of n normal deviates is about √(2 ln n): so much chance alone gives when n beginnings and n ends are searched.
  const certain = thresholds.certainty.value + Math.sqrt(2 * Math.log(Math.max(1, comparisons * x.length ** 2)));
  return level * 100 >= thresholds.skew.value && level >= certain * error ? { from, to, level, error } : null;
}

/**
 * The part of a series of relative differences (0.1: 10 % slower) in which it lies at 5 % or more and beyond chance; null without one.
 * Single outlying steps neither make nor break it. Linear but for medians.
 * @param comparisons how many series are searched together
 */
export function spellOf(x: readonly number[], comparisons: number): Spell | null {
  const half = thresholds.skew.value / 200;
  // A median of three keeps edges and drops single stalls.
  const smooth = x.map((v, i) => (x.length < 3 ? v : median([x[Math.max(0, i - 1)] ?? v, v, x[Math.min(x.length - 1, i + 1)] ?? v])));
  let [from, to] = richest(smooth.map((v) => v - half));
  if (to > from) {
    const level = median(x.slice(from, to));
    const outside = [...x.slice(0, from), ...x.slice(to)];
    const base = Math.min(outside.length >= thresholds.fewSteps.value ? median(outside) : 0, level / 2);
    // Each step votes for the level it is nearer to; no single vote outweighs the difference of the two.
    [from, to] = richest(x.map((v) => Math.abs(v - base) - Math.abs(v - level)));
  }
  // All of it only where most of it is slow: a few slow steps at one end are not a slow rank from the beginning.
  return judged(x, from, to, comparisons) ?? (to - from >= x.length * thresholds.mostSteps.value ? judged(x, 0, x.length, comparisons) : null);
}
