/** Starts of rows in order, to find the one nearest to a time. */
export class ByStart {
  readonly #rows: Uint32Array;

  constructor(rows: readonly number[], readonly start: (row: number) => number) {
    this.#rows = Uint32Array.from(rows);
    if (rows.some((row, i) => i > 0 && start(rows[i - 1] ?? 0) > start(row))) this.#rows.sort((a, b) => start(a) - start(b) || a - b);
  }

  /** Rows that start within [from, to]. */
  *within(from: number, to: number): Generator<number> {
    for (let i = this.#first(from); i < this.#rows.length; i++) {
      const row = this.#rows[i] ?? 0;
      if (this.start(row) > to) return;
      yield row;
    }
  }

  /** Last row that starts at or before a time; −1 when none does. */
  before(time: number): number {
    const at = this.#first(time + 1) - 1;
    return at < 0 ? -1 : (this.#rows[at] ?? -1);
  }

  #first(from: number): number {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (this.start(this.#rows[mid] ?? 0) < from) low = mid + 1;
      else high = mid;
    }
    return low;
  }
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}
