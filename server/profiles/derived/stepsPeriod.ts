import { rules } from './stepsRules.js';
import type { Kernels } from './stepsLabels.js';

export interface Period {
  /** Kernels of the main stream from one start to the next. */
  readonly kernels: number;
  /** Share of kernels that recur after exactly one period. */
  readonly fit: number;
  /** Positions (in the sequence given) where the period starts. */
  readonly starts: Int32Array;
}

/** Which of the sequences of `rules.gram` labels begins at each position, numbered as they are first met, and how many there are. */
function fingerprints(labels: Int32Array): { prints: Int32Array; count: number } {
  const prints = new Int32Array(Math.max(0, labels.length - rules.gram + 1));
  let slots = new Int32Array(4096).fill(-1);
  let hashes = new Int32Array(2048);
  let count = 0;
  for (let i = 0; i < prints.length; i += 1) {
    let hash = 0x811c9dc5 | 0;
    for (let k = 0; k < rules.gram; k += 1) hash = Math.imul(hash ^ (labels[i + k] ?? 0), 0x01000193) ^ (hash >>> 13);
    let slot = (hash ^ (hash >>> 15)) & (slots.length - 1);
    while ((slots[slot] ?? -1) >= 0 && hashes[slots[slot] ?? 0] !== hash) slot = (slot + 1) & (slots.length - 1);
    let id = slots[slot] ?? -1;
    if (id < 0) {
      id = count++;
      slots[slot] = id;
      hashes[id] = hash;
      if (count === hashes.length) [slots, hashes] = widened(hashes);
    }
    prints[i] = id;
  }
  return { prints, count };
}

/** Twice the room for hashes that are numbered in order. */
function widened(hashes: Int32Array): [Int32Array<ArrayBuffer>, Int32Array<ArrayBuffer>] {
  const slots = new Int32Array(hashes.length * 4).fill(-1);
  const wider = new Int32Array(hashes.length * 2);
  wider.set(hashes);
  for (const [id, hash] of hashes.entries()) {
    let slot = (hash ^ (hash >>> 15)) & (slots.length - 1);
    while ((slots[slot] ?? -1) >= 0) slot = (slot + 1) & (slots.length - 1);
    slots[slot] = id;
  }
  return [slots, wider];
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
function distancesOf(prints: Int32Array, count: number, top: number): number[] {
  const last = new Int32Array(count).fill(-1);
  const weight = new Map<number, number>();
  // Many in a row come back after the same distance.
  let [run, sum] = [0, 0];
  for (let i = 0; i < prints.length; i += 1) {
    const print = prints[i] ?? 0;
    const before = last[print] ?? -1;
    last[print] = i;
    if (before < 0) continue;
    if (i - before !== run) {
      if (run > 0) weight.set(run, (weight.get(run) ?? 0) + sum);
      [run, sum] = [i - before, 0];
    }
    sum += run;
  }
  if (run > 0) weight.set(run, (weight.get(run) ?? 0) + sum);
  return [...weight].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, top).map(([distance]) => distance);
}

/**
 * The shortest distance at which the sequence repeats itself as a whole: that of a step, not of a layer, because a layer's
 * pattern breaks at the ends of every step. Null when nothing repeats. A dropped kernel costs a few positions only.
 * Linear in the sequence for each of a fixed number of candidates.
 */
export function periodOf(labels: Int32Array, gapBefore: (position: number) => number): Period | null {
  const { prints, count } = fingerprints(labels);
  const fits = distancesOf(prints, count, rules.candidates)
    .filter((d) => d * 2 <= labels.length)
    .map((d) => ({ d, fit: fitOf(labels, d) }));
  const best = fits.reduce((most, f) => Math.max(most, f.fit), 0);
  const chosen = fits.filter((f) => f.fit >= best - rules.fitSlack).sort((a, b) => a.d - b.d)[0];
  if (chosen === undefined || chosen.fit < rules.fitSeen) return null;
  const starts = startsOf(prints, count, chosen.d, gapBefore);
  return starts === null ? null : { kernels: chosen.d, fit: chosen.fit, starts };
}

/** The fingerprint that comes once per period, with the longest idle time before it: there the period begins. */
function startsOf(prints: Int32Array, kinds: number, distance: number, gapBefore: (position: number) => number): Int32Array | null {
  const [first, last] = [new Int32Array(kinds).fill(-1), new Int32Array(kinds)];
  const [count, regular] = [new Int32Array(kinds), new Int32Array(kinds)];
  const gap = new Float64Array(kinds);
  const slip = Math.max(rules.slipKernels, distance * rules.slip);
  for (let i = 0; i < prints.length; i += 1) {
    const print = prints[i] ?? 0;
    if ((count[print] ?? 0) === 0) first[print] = i;
    else if (Math.abs(i - (last[print] ?? 0) - distance) <= slip) regular[print] = (regular[print] ?? 0) + 1;
    count[print] = (count[print] ?? 0) + 1;
    gap[print] = (gap[print] ?? 0) + Math.max(0, gapBefore(i));
    last[print] = i;
  }
  const expected = prints.length / distance;
  const seen = Array.from(count, (n, print) => ({ print, count: n, gap: (gap[print] ?? 0) / n, first: first[print] ?? 0, regular: regular[print] ?? 0 }));
  const once = seen.filter((s) => s.count >= 2 && s.count <= expected * rules.oncePerPeriod + 1 && s.regular >= (s.count - 1) * rules.regularStarts);
  // As many as there are periods; a fingerprint that dropped tasks broke less often is better, then the one after the longest gaps.
  const most = once.reduce((n, s) => Math.max(n, s.count), 0);
  const best = once.filter((s) => s.count >= most - 1).sort((a, b) => b.gap - a.gap || a.first - b.first)[0];
  if (best === undefined) return null;
  const starts = new Int32Array(best.count);
  let at = 0;
  for (let i = 0; i < prints.length; i += 1) if (prints[i] === best.print) starts[at++] = i;
  return starts;
}

/** The kernels of the main stream, asked for in order. */
export class MainStream {
  #index = -1;
  #position = -1;

  constructor(readonly kernels: Kernels) {}

  labels(): Int32Array {
    const { kernels } = this;
    let count = 0;
    for (let i = 0; i < kernels.length; i += 1) if (kernels.onMain(i)) count += 1;
    const labels = new Int32Array(count);
    let at = 0;
    for (let i = 0; i < kernels.length; i += 1) if (kernels.onMain(i)) labels[at++] = kernels.label(i);
    return labels;
  }

  /** Position of its n-th kernel. */
  position(n: number): number {
    if (n < this.#index) [this.#index, this.#position] = [-1, -1];
    while (this.#index < n && this.#position < this.kernels.length) {
      this.#position += 1;
      if (this.kernels.onMain(this.#position)) this.#index += 1;
    }
    return this.#position;
  }
}
