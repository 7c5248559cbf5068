import type { Intervals, Timed } from './intervals.js';
import { lowerBound } from './numbers.js';

/** A set of intervals that can be asked again and again, in any order; each answer is one binary search, or less when asked in order. */
export class Covered {
  readonly #set: Intervals;
  /** Length of the set before each interval. */
  readonly #sums: Float64Array;
  /** Where the last answer lay: questions mostly come in order. */
  #last = 0;

  constructor(set: Intervals) {
    this.#set = set;
    this.#sums = new Float64Array(set.length / 2 + 1);
    for (let i = 0; i < set.length / 2; i += 1) this.#sums[i + 1] = (this.#sums[i] ?? 0) + (set[2 * i + 1] ?? 0) - (set[2 * i] ?? 0);
  }

  /** Length of the set before an instant, ns. */
  before(instant: number): number {
    const i = this.#from(instant);
    return (this.#sums[i] ?? 0) + Math.max(0, instant - (this.#set[2 * i] ?? Number.POSITIVE_INFINITY));
  }

  /** Length of the set inside `[start, end)`, ns. */
  within(start: number, end: number): number {
    // In this order: the next question is likelier behind the end.
    const from = this.before(start);
    return this.before(end) - from;
  }

  /** End of the half-open interval that holds an instant; NaN when none does. */
  endAt(instant: number): number {
    const i = this.#from(instant);
    return (this.#set[2 * i] ?? Number.POSITIVE_INFINITY) <= instant ? (this.#set[2 * i + 1] ?? Number.NaN) : Number.NaN;
  }

  /** First interval that ends after an instant. */
  #from(instant: number): number {
    const set = this.#set;
    let low = 0;
    let high = set.length / 2;
    let at = this.#last;
    if (at === 0 || (set[2 * at - 1] ?? 0) <= instant) {
      // From the last answer on in growing steps.
      low = at;
      for (let stride = 1; at < high && (set[2 * at + 1] ?? 0) <= instant; stride *= 2) {
        low = at + 1;
        at += stride;
      }
      high = Math.min(at, high);
    } else high = at;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((set[2 * middle + 1] ?? 0) <= instant) low = middle + 1;
      else high = middle;
    }
    this.#last = low;
    return low;
  }
}

/** The union of the rows of one class, asked at instants that are known beforehand: one sweep over the rows, and no set of them is made. */
export class CoveredAt {
  readonly #instants: Float64Array;
  /** Length of the union before each instant. */
  readonly #before: Float64Array;

  /** @param instants in any order */
  constructor({ class: classes, startNs, durationNs }: Timed & { readonly class: Uint8Array }, from: number, to: number, wanted: number, instants: Float64Array) {
    const sorted = instants.slice().sort();
    const before = new Float64Array(sorted.length);
    // Length and end of the union so far. In an array: in variables of a loop that is compiled while it runs, each would be an object.
    const union = Float64Array.of(0, Number.NEGATIVE_INFINITY);
    let next = 0;
    for (let row = from; row < to; row += 1) {
      if (classes[row] !== wanted) continue;
      const start = startNs[row] ?? Number.NaN;
      const end = start + (durationNs[row] ?? Number.NaN);
      if (!(end > start)) continue;
      // All rows so far began before these instants: what the union has behind one is in one piece.
      for (; next < sorted.length && !((sorted[next] ?? 0) > start); next += 1) before[next] = lengthUntil(union, sorted[next]);
      const last = union[1] ?? 0;
      if (end <= last) continue;
      union[0] = (union[0] ?? 0) + end - Math.max(start, last);
      union[1] = end;
    }
    for (; next < sorted.length; next += 1) before[next] = lengthUntil(union, sorted[next]);
    this.#instants = sorted;
    this.#before = before;
  }

  /** Length of the union inside `[start, end)`, ns; both must be among the instants. NaN where they are not. */
  within(start: number, end: number): number {
    return this.#at(end) - this.#at(start);
  }

  #at(instant: number): number {
    const i = lowerBound(this.#instants, this.#instants.length, instant);
    return this.#instants[i] === instant ? (this.#before[i] ?? Number.NaN) : Number.NaN;
  }
}

function lengthUntil(union: Float64Array, instant = Number.NaN): number {
  return (union[0] ?? 0) - Math.max(0, (union[1] ?? 0) - instant);
}
