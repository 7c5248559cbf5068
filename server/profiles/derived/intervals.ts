/**
 * Sets of time intervals as flat arrays `[start0, end0, start1, end1 …]`: disjoint, ascending, touching ones joined.
 * Integers of nanoseconds in doubles, so every length is exact. Every operation is one linear sweep.
 */
export type Intervals = Float64Array;

export const none: Intervals = new Float64Array(0);

/** Rows with a start and a duration, ascending by start inside any range that is swept. */
export interface Timed {
  readonly startNs: Float64Array;
  readonly durationNs: Float64Array;
}

/** Collects intervals that arrive in order of start, joining what overlaps or touches: the end runs. */
export class Builder {
  readonly #pairs: Float64Array;
  #length = 0;

  /** @param most intervals that may come; memory that is never written costs nothing, copying into wider memory did */
  constructor(most: number) {
    this.#pairs = new Float64Array(most * 2);
  }

  add(start: number, end: number): void {
    if (!(end > start)) return;
    const pairs = this.#pairs;
    const length = this.#length;
    if (length > 0 && start <= (pairs[length - 1] ?? 0)) {
      if (end > (pairs[length - 1] ?? 0)) pairs[length - 1] = end;
      return;
    }
    pairs[length] = start;
    pairs[length + 1] = end;
    this.#length = length + 2;
  }

  done(): Intervals {
    return trimmed(this.#pairs, this.#length);
  }
}

/** The part that was written. A few of many: the rest of the memory is given back. */
function trimmed(pairs: Float64Array, length: number): Intervals {
  return length * 4 < pairs.length ? pairs.slice(0, length) : pairs.subarray(0, length);
}

function at(set: Intervals, i: number): number {
  return set[i] ?? Number.POSITIVE_INFINITY;
}

/** Union of the rows `from … to−1` that `pick` takes; rows without a time are left out. */
export function unite(rows: Timed, from: number, to: number, pick: (row: number) => boolean): Intervals {
  const builder = new Builder(Math.max(0, to - from));
  for (let row = from; row < to; row += 1) {
    const start = rows.startNs[row];
    const duration = rows.durationNs[row];
    if (start !== undefined && duration !== undefined && pick(row)) builder.add(start, start + duration);
  }
  return builder.done();
}

/** Union of the rows `from … to−1` of one class. */
export function uniteClass(rows: Timed & { readonly class: Uint8Array }, from: number, to: number, wanted: number): Intervals {
  const { class: classes, startNs, durationNs } = rows;
  const builder = new Builder(Math.max(0, to - from));
  for (let row = from; row < to; row += 1) {
    if (classes[row] !== wanted) continue;
    const start = startNs[row];
    const duration = durationNs[row];
    if (start !== undefined && duration !== undefined) builder.add(start, start + duration);
  }
  return builder.done();
}

/** What lies between the intervals of A ∪ B, without building the union. */
export function gaps(a: Intervals, b: Intervals): Intervals {
  // Without calls: numbers handed to a function that is not inlined become objects, and there are millions.
  const pairs = new Float64Array(a.length + b.length);
  let n = 0;
  let i = 0;
  let j = 0;
  let end = Math.min(at(a, 0), at(b, 0));
  while (i < a.length || j < b.length) {
    const ofA = i < a.length ? (a[i] ?? Infinity) : Infinity;
    const ofB = j < b.length ? (b[j] ?? Infinity) : Infinity;
    let start = ofB;
    let next = 0;
    if (ofA <= ofB) {
      start = ofA;
      next = a[i + 1] ?? Infinity;
      i += 2;
    } else {
      next = b[j + 1] ?? Infinity;
      j += 2;
    }
    if (start > end) {
      if (n > 0 && pairs[n - 1] === end) n -= 2;
      else pairs[n] = end;
      pairs[n + 1] = start;
      n += 2;
    }
    if (next > end) end = next;
  }
  return trimmed(pairs, n);
}

/** A ∪ B. */
export function merge(a: Intervals, b: Intervals): Intervals {
  const builder = new Builder((a.length + b.length) / 2);
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (at(a, i) <= at(b, j)) {
      builder.add(at(a, i), at(a, i + 1));
      i += 2;
    } else {
      builder.add(at(b, j), at(b, j + 1));
      j += 2;
    }
  }
  return builder.done();
}

/** A ∩ B. */
export function intersect(a: Intervals, b: Intervals): Intervals {
  const builder = new Builder((a.length + b.length) / 2);
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    builder.add(Math.max(at(a, i), at(b, j)), Math.min(at(a, i + 1), at(b, j + 1)));
    if (at(a, i + 1) <= at(b, j + 1)) i += 2;
    else j += 2;
  }
  return builder.done();
}

/** A − B. */
export function subtract(a: Intervals, b: Intervals): Intervals {
  if (b.length === 0) return a;
  const builder = new Builder((a.length + b.length) / 2);
  let j = 0;
  for (let i = 0; i < a.length; i += 2) {
    let start = at(a, i);
    const end = at(a, i + 1);
    while (j < b.length && at(b, j + 1) <= start) j += 2;
    let k = j;
    while (k < b.length && at(b, k) < end) {
      builder.add(start, at(b, k));
      start = Math.max(start, at(b, k + 1));
      k += 2;
    }
    builder.add(start, end);
    j = Math.max(j, k - 2);
  }
  return builder.done();
}

/** Summed length in ns. */
export function length(set: Intervals): number {
  let sum = 0;
  for (let i = 0; i < set.length; i += 2) sum += (set[i + 1] ?? 0) - (set[i] ?? 0);
  return sum;
}

/** True when the instant lies in a half-open `[start, end)` of the set. */
export function contains(set: Intervals, instant: number): boolean {
  let low = 0;
  let high = set.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(set, middle * 2 + 1) <= instant) low = middle + 1;
    else high = middle;
  }
  return low < set.length / 2 && at(set, low * 2) <= instant;
}

/** Walks the intervals. */
export function each(set: Intervals, visit: (start: number, end: number) => void): void {
  for (let i = 0; i < set.length; i += 2) visit(at(set, i), at(set, i + 1));
}
