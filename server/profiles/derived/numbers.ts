/** Microseconds of whole nanoseconds; three decimals hold them exactly in print. */
export function us(ns: number): number {
  return ns / 1000;
}

/** A number with at most `digits` decimals, so that artifacts read well and bytes do not depend on the last bit. */
export function round(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}

/** Rounded to four significant digits: a chance of one in a billion must not become 0. */
export function significant(value: number): number {
  return Number(value.toPrecision(4));
}

/** Share of a whole in percent; null when the whole is empty. */
export function percent(part: number, whole: number): number | null {
  return whole > 0 ? round((part / whole) * 100) : null;
}

/** Nearest-rank percentile of ascending values: always one of the values. NaN for none. @param p 0 … 100 */
export function nearestRank(sorted: ArrayLike<number>, p: number): number {
  const rank = Math.max(1, Math.ceil((p / 100) * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

/** A finite number, else null: NaN is how columns say "not known". */
export function known(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** Rows of one device in a column that is sorted by device: `[from, to)`. */
export function rowsOf(device: Int32Array, length: number, wanted: number): readonly [number, number] {
  return [lowerBound(device, length, wanted), lowerBound(device, length, wanted + 1)];
}

/** First index of an ascending column whose value is not below `wanted`; `length` when there is none. */
export function lowerBound(column: ArrayLike<number>, length: number, wanted: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((column[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Orders strings by code unit: the same on every machine, whatever its locale. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
