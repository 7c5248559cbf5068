/** Exact tests by enumeration: no assumption about the shape of the noise. */

/** Arrangements enumerated at most: 10 + 10 values (184,756) and 17 pairs (131,072) fit. */
export const arrangementLimit = 200_000;

/** n over k as a double; exact below 2^53. */
export function combinations(n: number, k: number): number {
  let c = 1;
  for (let i = 1; i <= Math.min(k, n - k); i += 1) c = Math.round((c * (n - i + 1)) / i);
  return c;
}

/** Sums of every choice of `k` of the values. */
function eachSum(values: readonly number[], k: number, visit: (sum: number) => void): void {
  const walk = (from: number, left: number, sum: number): void => {
    if (left === 0) {
      visit(sum);
      return;
    }
    for (let i = from; i <= values.length - left; i += 1) walk(i + 1, left - 1, sum + (values[i] ?? 0));
  };
  walk(0, k, 0);
}

/**
 * Two-sided permutation test of a difference of means: the share of all ways to deal the values out to the sides whose difference is
 * at least as large. Smallest possible p: 3 + 3 0.1, 4 + 4 0.029, 5 + 5 0.008. Null with an empty side or too many ways.
 */
export function permutationP(a: readonly number[], b: readonly number[]): number | null {
  if (a.length === 0 || b.length === 0 || combinations(a.length + b.length, a.length) > arrangementLimit) return null;
  const all = [...a, ...b];
  const total = all.reduce((s, v) => s + v, 0);
  const expected = (total * a.length) / all.length;
  const distance = Math.abs(a.reduce((s, v) => s + v, 0) - expected);
  const slack = 1e-12 * all.reduce((s, v) => s + Math.abs(v), 0);
  let extreme = 0;
  let count = 0;
  eachSum(all, a.length, (sum) => {
    count += 1;
    if (Math.abs(sum - expected) >= distance - slack) extreme += 1;
  });
  return extreme / count;
}

/** Two-sided sign-flip test of paired differences. Smallest possible p: 5 pairs 0.0625, 6 pairs 0.031. Null without pairs or with too many. */
export function signFlipP(differences: readonly number[]): number | null {
  const n = differences.length;
  if (n === 0 || 2 ** n > arrangementLimit) return null;
  const observed = Math.abs(differences.reduce((s, v) => s + v, 0));
  const slack = 1e-12 * differences.reduce((s, v) => s + Math.abs(v), 0);
  let extreme = 0;
  for (let mask = 0; mask < 2 ** n; mask += 1) {
    const sum = differences.reduce((s, v, i) => s + ((mask >> i) & 1 ? v : -v), 0);
    if (Math.abs(sum) >= observed - slack) extreme += 1;
  }
  return extreme / 2 ** n;
}

/** Ranks from 1; equal values share the mean of their ranks. */
export function midRanks(values: readonly number[]): number[] {
  const order = values.map((v, i) => ({ v, i })).sort((x, y) => x.v - y.v);
  const ranks = new Array<number>(values.length).fill(0);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (order[to + 1]?.v === order[from]?.v && to + 1 < order.length) to += 1;
    for (const { i } of order.slice(from, to + 1)) ranks[i] = (from + to) / 2 + 1;
    from = to + 1;
  }
  return ranks;
}

/** Two-sided exact Mann-Whitney test, ties by mid-ranks. Null with an empty side or too many arrangements. */
export function mannWhitneyP(a: readonly number[], b: readonly number[]): number | null {
  const ranks = midRanks([...a, ...b]);
  return permutationP(ranks.slice(0, a.length), ranks.slice(a.length));
}
