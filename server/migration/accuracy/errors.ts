import type { OpErrors, OpWorst } from '../../contract/index.js';
import { accuracy, limits } from '../thresholds.js';

/** How single elements are judged. */
export interface Rules {
  /** |golden| below it is the small-value region; 0: no region. */
  readonly region: number;
  /** Absolute error allowed there. */
  readonly tolerance: number;
  /**
   * `single`: a small value within the tolerance is right and leaves the relative errors, any other is judged relatively.
   * `double`: the whole region leaves the relative errors and is judged by its share of errors (msprobe).
   * `exact`: differences are counted, nothing is relative.
   */
  readonly mode: 'single' | 'double' | 'exact';
}

interface Bad {
  readonly at: number;
  readonly golden: number;
  readonly actual: number;
  readonly score: number;
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const shown = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

/** Coordinates of a position in file order. */
export function coordinates(at: number, shape: readonly number[], order: 'C' | 'F'): number[] {
  const out = shape.map(() => 0);
  let rest = at;
  const axes = shape.map((_, i) => i);
  if (order === 'C') axes.reverse();
  for (const axis of axes) {
    const length = shape[axis] ?? 1;
    out[axis] = rest % length;
    rest = Math.floor(rest / length);
  }
  return out;
}

/**
 * Errors of one tensor against its golden, over chunks of any length.
 * MERE, MARE: |a − g| / (|g| + 1e-7); RMSE over all finite pairs; cosine in doubles. Source: Ascend operator precision standard, in
 * which MARE is the maximum (its formula prints avg).
 */
export class Errors {
  readonly #rules: Rules;
  #elements = 0;
  #mismatches = 0;
  #nanInf = 0;
  #judged = 0;
  #relative = 0;
  #largest = 0;
  #squares = 0;
  #maxAbs = 0;
  #finite = 0;
  #small = 0;
  #smallErrors = 0;
  #up = 0;
  #down = 0;
  #dot = 0;
  #gg = 0;
  #aa = 0;
  readonly #worst: Bad[] = [];
  #floor = 0;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** Score an element must exceed from now on to be among the worst. */
  #keep(at: number, golden: number, actual: number, score: number): number {
    const place = this.#worst.findIndex((w) => w.score < score);
    this.#worst.splice(place < 0 ? this.#worst.length : place, 0, { at, golden, actual, score });
    if (this.#worst.length > limits.worst.value) this.#worst.pop();
    this.#floor = this.#worst.length < limits.worst.value ? 0 : (this.#worst.at(-1)?.score ?? 0);
    return this.#floor;
  }

  /** The next `count` elements. @param difference exact differences of 64-bit integers, where doubles would round */
  add(golden: Float64Array, actual: Float64Array, count: number, difference: Float64Array | null = null): void {
    const { region, tolerance, mode } = this.#rules;
    const epsilon = accuracy.epsilon.value;
    // Locals: fields in the inner loop cost half of the time.
    const start = this.#elements;
    let [relative, squares, dot, gg, aa] = [0, 0, 0, 0, 0];
    let [seen, judged, smalls, up, down, largest, maxAbs, floor] = [0, 0, 0, 0, 0, this.#largest, this.#maxAbs, this.#floor];
    for (let i = 0; i < count; i += 1) {
      const g = golden[i] ?? NaN;
      const a = actual[i] ?? NaN;
      if (!Number.isFinite(g) || !Number.isFinite(a)) {
        if (Object.is(g, a)) continue;
        this.#nanInf += 1;
        this.#mismatches += 1;
        if (floor < Infinity) floor = this.#keep(start + i, g, a, Infinity);
        continue;
      }
      seen += 1;
      dot += g * a;
      gg += g * g;
      aa += a * a;
      const signed = difference === null ? a - g : (difference[i] ?? NaN);
      const abs = Math.abs(signed);
      const small = Math.abs(g) < region;
      if (small) smalls += 1;
      if (abs !== 0) {
        this.#mismatches += 1;
        if (signed > 0) up += 1;
        else down += 1;
        squares += abs * abs;
        if (abs > maxAbs) maxAbs = abs;
      }
      const off = small && abs > tolerance;
      if (off) this.#smallErrors += 1;
      if (mode === 'exact') {
        if (abs > floor) floor = this.#keep(start + i, g, a, abs);
        continue;
      }
      const rel = abs / (Math.abs(g) + epsilon);
      // A small value that its own rule judges stays out of the relative errors, but not out of the worst list when it is wrong.
      const relativelyJudged = !small || (mode === 'single' && off);
      if (relativelyJudged) {
        judged += 1;
        relative += rel;
        if (rel > largest) largest = rel;
      }
      if ((relativelyJudged || off) && rel > floor) floor = this.#keep(start + i, g, a, rel);
    }
    this.#elements += count;
    this.#finite += seen;
    this.#judged += judged;
    this.#small += smalls;
    this.#up += up;
    this.#down += down;
    this.#largest = largest;
    this.#maxAbs = maxAbs;
    this.#relative += relative;
    this.#squares += squares;
    this.#dot += dot;
    this.#gg += gg;
    this.#aa += aa;
  }

  result(): OpErrors {
    const exact = this.#rules.mode === 'exact';
    const length = Math.sqrt(this.#gg) * Math.sqrt(this.#aa);
    return {
      elements: this.#elements,
      mismatches: this.#mismatches,
      mere: exact || this.#finite === 0 ? null : this.#judged === 0 ? 0 : finite(this.#relative / this.#judged),
      mare: exact || this.#finite === 0 ? null : finite(this.#largest),
      cosine: length > 0 ? finite(Math.max(-1, Math.min(1, this.#dot / length))) : null,
      max_abs: this.#finite === 0 ? null : finite(this.#maxAbs),
      rmse: this.#finite === 0 ? null : finite(Math.sqrt(this.#squares / this.#finite)),
      nan_inf: this.#nanInf,
      small_elements: this.#small,
      small_errors: this.#smallErrors,
      balance: this.#elements === 0 ? null : Math.abs(this.#up - this.#down) / this.#elements,
    };
  }

  /** The worst elements, worst first, the first of equals; a NaN or infinity on one side goes before all. */
  worst(shape: readonly number[], order: 'C' | 'F'): OpWorst[] {
    return this.#worst.map((w) => {
      const abs = Math.abs(w.actual - w.golden);
      return { index: coordinates(w.at, shape, order), golden: shown(w.golden), actual: shown(w.actual), abs: finite(abs), rel: finite(abs / (Math.abs(w.golden) + accuracy.epsilon.value)) };
    });
  }
}
