import { rules } from './stepsRules.js';
import type { Kernels } from './stepsLabels.js';

export interface Period {
  /** Kernels of the main stream from one start to the next. */
  readonly kernels: number;
  /** Share of kernels that recur after exactly one period. */
  readonly fit: number;
  /** Positions (in the sequence given) where the period starts. */
  readonly starts: readonly number[];
}

/** Rolling fingerprints of `rules.gram` labels from each position. */
function fingerprints(labels: Int32Array): Int32Array {
  const out = new Int32Array(Math.max(0, labels.length - rules.gram + 1));
  for (let i = 0; i < out.length; i += 1) {
    let hash = 0x811c9dc5 | 0;
    for (let k = 0; k < rules.gram; k += 1) hash = Math.imul(hash ^ (labels[i + k] ?? 0), 0x01000193) ^ (hash >>> 13);
    out[i] = hash;
  }
  return out;
}

/** Share of positions whose label comes back after `distance`. */
function fitOf(labels: Int32Array, distance: number): number {
  const pairs = labels.length - distance;
  let equal = 0;
  for (let i = 0; i < pairs; i += 1) if (labels[i] === labels[i + distance]) equal += 1;
  return pairs > 0 ? equal / pairs : 0;
}

/**
 * Distances at which fingerprints come back, each weighed by how much of the sequence it spans: a step's own ends recur once a
 * step, its layers many times; both fill the whole sequence and become candidates.
 */
function distancesOf(prints: Int32Array, top: number): number[] {
  const last = new Map<number, number>();
  const weight = new Map<number, number>();
  for (let i = 0; i < prints.length; i += 1) {
    const print = prints[i] ?? 0;
    const before = last.get(print);
    if (before !== undefined) weight.set(i - before, (weight.get(i - before) ?? 0) + (i - before));
    last.set(print, i);
  }
  return [...weight].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, top).map(([distance]) => distance);
}

/**
 * The shortest distance at which the sequence repeats itself as a whole: that of a step, not of a layer, because a layer's
 * pattern breaks at the ends of every step. Null when nothing repeats. A dropped kernel costs a few positions only.
 * Linear in the sequence for each of a fixed number of candidates.
 */
export function periodOf(labels: Int32Array, gapBefore: (position: number) => number): Period | null {
  const prints = fingerprints(labels);
  const fits = distancesOf(prints, rules.candidates)
    .filter((d) => d * 2 <= labels.length)
    .map((d) => ({ d, fit: fitOf(labels, d) }));
  const best = fits.reduce((most, f) => Math.max(most, f.fit), 0);
  const chosen = fits.filter((f) => f.fit >= best - rules.fitSlack).sort((a, b) => a.d - b.d)[0];
  if (chosen === undefined || chosen.fit < rules.fitSeen) return null;
  const starts = startsOf(prints, chosen.d, gapBefore);
  return starts === null ? null : { kernels: chosen.d, fit: chosen.fit, starts };
}

/** The fingerprint that comes once per period, with the longest idle time before it: there the period begins. */
function startsOf(prints: Int32Array, distance: number, gapBefore: (position: number) => number): number[] | null {
  const seen = new Map<number, { count: number; regular: number; gap: number; first: number; last: number }>();
  for (let i = 0; i < prints.length; i += 1) {
    const print = prints[i] ?? 0;
    const known = seen.get(print);
    const gap = Math.max(0, gapBefore(i));
    if (known === undefined) seen.set(print, { count: 1, regular: 0, gap, first: i, last: i });
    else {
      known.count += 1;
      known.gap += gap;
      if (Math.abs(i - known.last - distance) <= Math.max(rules.slipKernels, distance * rules.slip)) known.regular += 1;
      known.last = i;
    }
  }
  const expected = prints.length / distance;
  const once = [...seen].filter(([, s]) => s.count >= 2 && s.count <= expected * rules.oncePerPeriod + 1 && s.regular >= (s.count - 1) * rules.regularStarts);
  // As many as there are periods; a fingerprint that dropped tasks broke less often is better, then the one after the longest gaps.
  const most = once.reduce((n, [, s]) => Math.max(n, s.count), 0);
  const best = once.filter(([, s]) => s.count >= most - 1).sort((a, b) => b[1].gap / b[1].count - a[1].gap / a[1].count || a[1].first - b[1].first)[0];
  if (best === undefined) return null;
  const starts: number[] = [];
  for (let i = 0; i < prints.length; i += 1) if (prints[i] === best[0]) starts.push(i);
  return starts;
}

/** Positions of the kernels of the main stream. */
export function mainPositions(kernels: Kernels): Int32Array {
  let count = 0;
  for (let i = 0; i < kernels.length; i += 1) count += kernels.main[i] ?? 0;
  const out = new Int32Array(count);
  let at = 0;
  for (let i = 0; i < kernels.length; i += 1) if (kernels.main[i] === 1) out[at++] = i;
  return out;
}

/** Values of a column at some positions. */
export function picked(column: Int32Array, positions: Int32Array): Int32Array {
  const out = new Int32Array(positions.length);
  for (let i = 0; i < out.length; i += 1) out[i] = column[positions[i] ?? 0] ?? 0;
  return out;
}
