import { describe, expect, it } from 'vitest';
import { pairedScoreInterval } from '../../server/stats/proportions.js';

describe('the score interval of a paired difference', () => {
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
});
