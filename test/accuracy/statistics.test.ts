import { describe, expect, it } from 'vitest';
import { outcomeOf, paired, pairedScoreInterval } from '../../server/accuracy/compare/statistics.js';
import { plantFlips, seeded } from '../generate/accuracy.js';

describe('the interval', () => {
  // The same definition solved another way: the restricted likelihood is maximised by search, then the statistic is searched on a grid.
  const slow = (b: number, c: number, n: number): [number, number] => {
    const z = 1.959963985;
    const statistic = (d: number): number => {
      let best = { l: -Infinity, q: 0 };
      for (let k = 1; k < 1200; k += 1) {
        // q: share only the baseline has right; only the candidate: q + d.
        const [low, high] = [Math.max(0, -d), (1 - d) / 2];
        const q = low + ((high - low) * k) / 1200;
        const rest = 1 - 2 * q - d;
        const l = (b === 0 ? 0 : b * Math.log(q)) + (c === 0 ? 0 : c * Math.log(q + d)) + (n - b - c === 0 ? 0 : (n - b - c) * Math.log(rest));
        if (l > best.l) best = { l, q };
      }
      return (c - b - n * d) / Math.sqrt(n * (2 * best.q + d - d * d));
    };
    const inside: number[] = [];
    for (let k = -999; k < 1000; k += 1) if (Math.abs(statistic(k / 1000)) <= z) inside.push(k / 1000);
    return [Math.min(...inside), Math.max(...inside)];
  };
  it.each([[8, 1, 60], [0, 6, 40], [12, 9, 100]])('agrees with a search: %i lost, %i won of %i', (b, c, n) => {
    const [low, high] = slow(b, c, n);
    const fast = pairedScoreInterval(b, c, n);
    expect(fast.low).toBeCloseTo(low, 2);
    expect(fast.high).toBeCloseTo(high, 2);
  });
  it('without a flip is z²/(n + z²) wide, never a point', () => {
    for (const n of [10, 100, 1319]) {
      const z2 = 3.8414588;
      expect(pairedScoreInterval(0, 0, n).high).toBeCloseTo(z2 / (n + z2), 6);
      expect(pairedScoreInterval(0, 0, n).low).toBeCloseTo(-z2 / (n + z2), 6);
    }
  });
  it('is close to the published Wald form for many items', () => {
    // facts: SE = √(b + c − (b − c)²/n) / n
    const [b, c, n] = [400, 300, 14000];
    const half = (1.96 * Math.sqrt(b + c - (b - c) ** 2 / n)) / n;
    const fast = pairedScoreInterval(b, c, n);
    expect(fast.low).toBeCloseTo((c - b) / n - half, 4);
    expect(fast.high).toBeCloseTo((c - b) / n + half, 4);
  });
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
  it('no drop is called a regression at most as often as 5 %', () => {
    for (const n of [100, 1319]) expect(verdicts(n, 0, 0.05, 0)['regression']).toBeLessThanOrEqual(0.05);
  });
  it.each([[100, 1], [100, 2], [1319, 0.5], [1319, 1], [1319, 2], [1319, 5]])('%i items, drop of %f points: found as often as theory says', (n, drop) => {
    // Power of a two-sided test of the mean difference: d = discordance, SE = √(d − δ²)/√n.
    const d = 0.05 + drop / 100;
    const shift = drop / 100 / Math.sqrt((d - (drop / 100) ** 2) / n);
    const phi = (x: number): number => 0.5 * (1 + Math.sign(x) * Math.sqrt(1 - Math.exp((-2 * x * x) / Math.PI)));
    const power = phi(shift - 1.96);
    // A margin of 0 asks for significance alone. The exact test is a little conservative.
    const seen = verdicts(n, drop, 0.05, 0)['regression'] ?? 0;
    expect(seen).toBeGreaterThan(power - 0.13);
    expect(seen).toBeLessThan(power + 0.08);
  });
  it('a drop of two margins is never let through, and an equal side of 14,000 items is', () => {
    expect(verdicts(14000, 2, 0.03, 1, 60)).toMatchObject({ 'no-regression': 0, regression: 1 });
    expect(verdicts(14000, 0, 0.03, 1, 60)['no-regression']).toBe(1);
  });
  it('a drop as large as the margin passes at most as often as 2.5 %', () => {
    expect(verdicts(1319, 1, 0.03, 1)['no-regression']).toBeLessThanOrEqual(0.05);
  });
});
