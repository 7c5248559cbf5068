import type { Intervals } from './intervals.js';

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
