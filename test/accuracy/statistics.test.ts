import { describe, expect, it } from 'vitest';
import { outcomeOf, paired } from '../../server/accuracy/compare/statistics.js';
import { plantFlips, seeded } from '../generate/accuracy.js';

describe('one comparison', () => {
  it('the smallest drop: 2.8·√(d/n), and six items where nothing flips', () => {
    const test = paired([...Array.from({ length: 40 }, () => -1), ...Array.from({ length: 26 }, () => 1), ...Array.from({ length: 1253 }, () => 0)]);
    expect((test?.minDetectableDrop ?? 0) * 100).toBeCloseTo(280 * Math.sqrt(66 / 1319 / 1319), 6);
    expect(paired(Array.from({ length: 50 }, () => 0))?.minDetectableDrop).toBeCloseTo(6 / 50, 12);
  });
});

describe('planted drops', () => {
  const verdicts = (n: number, drop: number, churn: number, marginPct: number, times = 300): Record<string, number> => {
    const random = seeded(n + drop * 7);
    // Counted first and divided once: shares of all are exactly 1.
    const counts: Record<string, number> = { 'no-regression': 0, regression: 0, improvement: 0, inconclusive: 0 };
    for (let i = 0; i < times; i += 1) {
      const { lost, won } = plantFlips(random, n, drop, churn);
      const test = paired([...Array.from({ length: lost }, () => -1), ...Array.from({ length: won }, () => 1), ...Array.from({ length: n - lost - won }, () => 0)]);
      if (test !== null) counts[outcomeOf(test, marginPct)]! += 1;
    }
    return Object.fromEntries(Object.entries(counts).map(([k, v]) => [k, v / times]));
  };
  // Exact, on its own: m items differ (binomial), of those the lost ones are binomial again; a run is a regression when twice the tail of
  // a fair coin is below 0.05 and more were lost than won.
  const exactPower = (n: number, drop: number, churn: number): number => {
    const lnFactorial = [0];
    for (let i = 1; i <= n; i += 1) lnFactorial.push((lnFactorial[i - 1] ?? 0) + Math.log(i));
    const pmf = (k: number, m: number, p: number): number => Math.exp((lnFactorial[m] ?? 0) - (lnFactorial[k] ?? 0) - (lnFactorial[m - k] ?? 0) + k * Math.log(p) + (m - k) * Math.log1p(-p));
    const [lost, won] = [churn / 2 + drop / 100, churn / 2];
    const differ = lost + won;
    const reach = 7 * Math.sqrt(n * differ * (1 - differ));
    let power = 0;
    for (let m = Math.max(1, Math.floor(n * differ - reach)); m <= Math.min(n, n * differ + reach); m += 1) {
      let tail = 0;
      let found = 0;
      for (let c = 0; 2 * c < m; c += 1) {
        tail += pmf(c, m, 0.5);
        if (2 * tail >= 0.05) break;
        found += pmf(m - c, m, lost / differ);
      }
      power += pmf(m, n, differ) * found;
    }
    return power;
  };
  it('the theory itself: published values', () => {
    // 2.8·√(d/n) is the drop found in 80 %: d = 0.05 + drop. 1,319 items: 2.05 points; 14,000: 0.56.
    expect(exactPower(1319, 2.05, 0.05)).toBeGreaterThan(0.72);
    expect(exactPower(1319, 2.05, 0.05)).toBeLessThan(0.85);
    expect(exactPower(14000, 0.56, 0.05)).toBeGreaterThan(0.72);
    expect(exactPower(14000, 0.56, 0.05)).toBeLessThan(0.85);
    // The exact test never exceeds its half of 5 %.
    for (const n of [100, 1319, 14000]) expect(exactPower(n, 0, 0.05)).toBeLessThanOrEqual(0.025);
  });
  it.each([100, 1319, 14000].flatMap((n) => [0, 0.5, 1, 2, 5].map((drop) => [n, drop] as const)))('%i items, drop of %f points: called a regression as often as theory says', (n, drop) => {
    const times = n > 5000 ? 150 : 400;
    const power = exactPower(n, drop, 0.05);
    // A margin of 0 asks for significance alone. Four standard errors of the count, and half a run.
    const slack = 4 * Math.sqrt((power * (1 - power)) / times) + 0.5 / times;
    const seen = verdicts(n, drop, 0.05, 0, times)['regression'] ?? 0;
    expect(Math.abs(seen - power)).toBeLessThanOrEqual(slack);
  });
  it('a drop of two margins is never let through, and an equal side of 14,000 items is', () => {
    expect(verdicts(14000, 2, 0.03, 1, 60)).toMatchObject({ 'no-regression': 0, regression: 1 });
    expect(verdicts(14000, 0, 0.03, 1, 60)['no-regression']).toBe(1);
  });
  it('a drop as large as the margin passes at most as often as 2.5 %', () => {
    expect(verdicts(1319, 1, 0.03, 1)['no-regression']).toBeLessThanOrEqual(0.05);
  });
});
