/** Mean and spread of a few numbers. Null where there are too few to say. */

export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, v) => a + v, 0) / values.length;
}

/** Sample standard deviation (n − 1); null below two values. */
export function deviation(values: readonly number[]): number | null {
  const m = mean(values);
  if (m === null || values.length < 2) return null;
  return Math.sqrt(values.reduce((a, v) => a + (v - m) ** 2, 0) / (values.length - 1));
}

/** Coefficient of variation in percent; null below two values or around a mean of 0. */
export function cvPct(values: readonly number[]): number | null {
  const m = mean(values);
  const s = deviation(values);
  return m === null || s === null || m === 0 ? null : (100 * s) / Math.abs(m);
}
