/**
 * Holm's step-down correction (Holm 1979): the largest of all is left as it is, the smallest is multiplied by their number. Missing
 * values stay missing and do not count.
 */
export function holm(pValues: readonly (number | null)[]): (number | null)[] {
  const order = pValues
    .map((p, i) => ({ p, i }))
    .filter((e): e is { p: number; i: number } => e.p !== null)
    .sort((x, y) => x.p - y.p);
  const adjusted = pValues.map((p) => p);
  let before = 0;
  for (const [k, { p, i }] of order.entries()) {
    before = Math.max(before, Math.min(1, p * (order.length - k)));
    adjusted[i] = before;
  }
  return adjusted;
}
