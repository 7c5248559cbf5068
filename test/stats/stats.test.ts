import { describe, expect, it } from 'vitest';
import { incompleteBeta, lnGamma, noncentralTCdf, normalCdf, normalQuantile, tCritical, tTail } from '../../server/stats/distributions.js';
import { combinations, mannWhitneyP, midRanks, permutationP, signFlipP } from '../../server/stats/exact.js';
import { cvPct, deviation, mean } from '../../server/stats/moments.js';
import { holm } from '../../server/stats/multiple.js';
import { minimumDetectablePct, pairedNoise, power, requiredPerSide, unpairedNoise } from '../../server/stats/power.js';
import { detectableDrop, mcnemarP, wilson } from '../../server/stats/proportions.js';
import { binomialCdf, binomialInterval, describe as summary, quantile, quantileRanks, requestsForQuantile } from '../../server/stats/quantiles.js';
import { pairedRatio, welchRatio } from '../../server/stats/ratio.js';
import { Random } from '../../server/sim/random.js';
import { starts } from '../generate/comparisons.js';

describe('distributions', () => {
  it.each([[1, 12.706], [4, 2.776], [8, 2.306], [10, 2.228], [30, 2.042]])('t table, 95 %% at %i degrees of freedom: %f', (df, t) => {
    expect(tCritical(0.05, df)).toBeCloseTo(t, 3);
    expect(tTail(tCritical(0.05, df), df)).toBeCloseTo(0.05, 10);
  });
  it('normal table and factorials', () => {
    expect(normalQuantile(0.975)).toBeCloseTo(1.959964, 6);
    expect([normalCdf(-6), normalCdf(0), normalCdf(1), normalCdf(3.5)]).toEqual([expect.closeTo(9.8659e-10, 13), 0.5, expect.closeTo(0.8413447461, 9), expect.closeTo(0.9997673709, 9)]);
    expect(Math.exp(lnGamma(6))).toBeCloseTo(120, 8);
    // I_x(2, 3) = 6x² − 8x³ + 3x⁴.
    expect(incompleteBeta(2, 3, 0.4)).toBeCloseTo(6 * 0.16 - 8 * 0.064 + 3 * 0.0256, 12);
  });
  it('noncentral t: central case, and the sample sizes of the power tables (Cohen 1988: d 0.5 n 64, d 0.8 n 26, d 1 n 17 give 0.80)', () => {
    expect(noncentralTCdf(1.5, 7, 0)).toBeCloseTo(1 - tTail(1.5, 7) / 2, 6);
    for (const [d, n, wanted] of [[0.5, 64, 0.8015], [0.8, 26, 0.8075], [1, 17, 0.807]] as const) {
      const noise = unpairedNoise(100 / d, n, 100 / d, n);
      expect(noise === null ? 0 : power(100, noise)).toBeCloseTo(wanted, 3);
    }
  });
});

describe('ratio of means', () => {
  // Student's sleep data; R: t.test(extra ~ group, sleep): t −1.8608, df 17.776, p 0.07939; paired: p 0.002833.
  const one = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2];
  const two = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
  it('gives the published p of Welch and of the paired test', () => {
    expect(welchRatio(one, two)?.p).toBeCloseTo(0.07939, 5);
    expect(pairedRatio(one, two)?.p).toBeCloseTo(0.002833, 6);
  });
  it('ends where the test just rejects, and is open where the baseline is not told from 0', () => {
    const r = welchRatio([100, 102, 98, 101, 99], [110, 108, 112, 109, 111]);
    expect(r?.ratio).toBeCloseTo(1.1, 12);
    // Scaling a side by its bound gives p = 0.05.
    expect(welchRatio([100, 102, 98, 101, 99].map((v) => v * (r?.low ?? 0)), [110, 108, 112, 109, 111])?.p).toBeCloseTo(0.05, 6);
    expect(welchRatio([100, 102, 98, 101, 99].map((v) => v * (r?.high ?? 0)), [110, 108, 112, 109, 111])?.p).toBeCloseTo(0.05, 6);
    expect(welchRatio([1, 60, 2], [50, 52, 51])?.high).toBeNull();
    expect(welchRatio([1], [2, 3])).toBeNull();
    expect(welchRatio([5, 5], [5, 5])).toMatchObject({ ratio: 1, low: expect.closeTo(1, 9), high: expect.closeTo(1, 9), p: 1 });
  });
  it('agrees with Fieller\'s closed form for pairs', () => {
    const [b, c] = [[100, 103, 99, 104, 98, 101], [105, 109, 103, 110, 104, 107]];
    const [mb, mc] = [mean(b) ?? 0, mean(c) ?? 0];
    const cov = (x: number[], mx: number, y: number[], my: number): number => x.reduce((s, v, i) => s + (v - mx) * ((y[i] ?? 0) - my), 0) / 5 / 6;
    const t2 = 2.570582 ** 2;
    const [qa, qb, qc] = [mb ** 2 - t2 * cov(b, mb, b, mb), mb * mc - t2 * cov(b, mb, c, mc), mc ** 2 - t2 * cov(c, mc, c, mc)];
    const root = Math.sqrt(qb ** 2 - qa * qc);
    const r = pairedRatio(b, c);
    expect(r?.low).toBeCloseTo((qb - root) / qa, 7);
    expect(r?.high).toBeCloseTo((qb + root) / qa, 7);
  });
  it.each([['normal noise', false], ['heavy tails (t, 3 degrees of freedom)', true]])('covers the true ratio at n = 5: %s', (_, tail) => {
    const random = new Random(20261124);
    let inside = 0;
    for (let i = 0; i < 1500; i += 1) {
      const r = welchRatio(starts(random, 5, 1000, 3, tail), starts(random, 5, 1050, 3, tail));
      if ((r?.low ?? Infinity) <= 1.05 && 1.05 <= (r?.high ?? -Infinity)) inside += 1;
    }
    // 95 % less three standard errors of 1,500 trials; it may cover more, never clearly less.
    expect(inside / 1500).toBeGreaterThan(0.95 - 3 * Math.sqrt((0.05 * 0.95) / 1500));
    expect(inside / 1500).toBeLessThan(0.985);
  });
});

describe('exact tests', () => {
  it('have the smallest p there is: 3 + 3 0.1, 4 + 4 2/70, 5 + 5 2/252, 6 pairs 2/64', () => {
    const low = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
    const high = (n: number): number[] => low(n).map((v) => v + 100);
    for (const [n, p] of [[3, 2 / 20], [4, 2 / 70], [5, 2 / 252]] as const) {
      expect(permutationP(low(n), high(n))).toBeCloseTo(p, 12);
      expect(mannWhitneyP(low(n), high(n))).toBeCloseTo(p, 12);
    }
    expect(signFlipP([1, 2, 3, 4, 5])).toBeCloseTo(0.0625, 12);
    expect(signFlipP([1, 2, 3, 4, 5, 6])).toBeCloseTo(0.03125, 12);
    expect(combinations(20, 10)).toBe(184_756);
    expect(permutationP(low(12), high(12))).toBeNull();
  });
  it('count ties and equal samples', () => {
    expect(permutationP([1, 2], [1, 2])).toBe(1);
    expect(midRanks([10, 20, 10, 30])).toEqual([1.5, 3, 1.5, 4]);
    // All 10 splits of 1 2 3 | 4 5 by hand: rank sums of two run 3 4 5 5 6 6 7 7 8 9; as far from 6 as 9: 3 and 9.
    expect(mannWhitneyP([4, 5], [1, 2, 3])).toBeCloseTo(2 / 10, 12);
  });
  it('Holm, the worked example 0.01 0.04 0.03 0.005', () => {
    expect(holm([0.01, 0.04, null, 0.03, 0.005])).toEqual([expect.closeTo(0.03, 12), expect.closeTo(0.06, 12), null, expect.closeTo(0.06, 12), expect.closeTo(0.02, 12)]);
  });
});

describe('planning', () => {
  // The field's table: detectable change in percent at 5 % and 80 % power, (t + t)·CV·√(2/n).
  it.each([[1, 5, 2.0], [1, 10, 1.3], [2, 5, 4.0], [2, 10, 2.7], [3, 5, 6.1], [3, 10, 4.0], [7, 5, 14], [7, 10, 9.3]])('CV %f %%, %i + %i starts', (cv, n, mde) => {
    const noise = unpairedNoise(cv, n, cv, n);
    const found = noise === null ? 0 : minimumDetectablePct(noise);
    expect(Math.abs(found - mde)).toBeLessThanOrEqual(0.02 * mde + 0.05);
    expect(noise === null ? 0 : power(found, noise)).toBeCloseTo(0.8, 3);
    expect(requiredPerSide(found * 1.001, cv)).toBe(n);
  });
  it('pairs: sd 1 %, 6 pairs 1.4, 10 pairs 1.0', () => {
    for (const [n, mde] of [[6, 1.4], [10, 1.0]] as const) {
      const noise = pairedNoise(1, n);
      expect(noise === null ? 0 : minimumDetectablePct(noise)).toBeCloseTo(mde, 1);
    }
    expect(requiredPerSide(0.01, 7)).toBeNull();
  });
});

describe('proportions and quantiles', () => {
  it('Wilson: 21 of 30, 90 % of 500, 96 % of 1319', () => {
    for (const [k, n, low, high] of [[21, 30, 52.1, 83.3], [450, 500, 87.1, 92.3], [1266, 1319, 94.8, 96.9]] as const) {
      expect((wilson(k, n)?.low ?? 0) * 100).toBeCloseTo(low, 1);
      expect((wilson(k, n)?.high ?? 0) * 100).toBeCloseTo(high, 1);
    }
    expect(wilson(0, 0)).toBeNull();
    // Clopper and Pearson for 0 of 10: 1 − 0.025^(1/10).
    expect(binomialInterval(0, 10).high).toBeCloseTo(1 - 0.025 ** 0.1, 9);
  });
  it('McNemar: 6 to none 0.031, 1 to 9 22/1024', () => {
    expect(mcnemarP(0, 6)).toBeCloseTo(0.03125, 12);
    expect(mcnemarP(0, 5)).toBeCloseTo(0.0625, 12);
    expect(mcnemarP(9, 1)).toBeCloseTo(22 / 1024, 12);
    // Drops of the field's table at 5 % discordance: gsm8k 1.7, GPQA 4.5 points.
    expect((detectableDrop(1319, 0.05) ?? 0) * 100).toBeCloseTo(1.7, 1);
    expect((detectableDrop(198, 0.05) ?? 0) * 100).toBeCloseTo(4.45, 1);
  });
  it('order statistics of a p99: 299 requests, ranks 983 to 997 of 1000, no upper bound at 300', () => {
    expect(requestsForQuantile(0.99)).toBe(299);
    expect(quantileRanks(1000, 0.99)).toEqual({ low: 983, high: 997 });
    expect(quantileRanks(300, 0.99)).toMatchObject({ low: 293 });
    expect(binomialCdf(1, 3, 0.5)).toBeCloseTo(0.5, 12);
  });
  it('percentiles by numpy\'s and by evalscope\'s rule', () => {
    const values = Array.from({ length: 20 }, (_, i) => i + 1);
    expect(quantile(values, 0.99)).toBeCloseTo(19.81, 12);
    expect(quantile(values, 0.99, 'floor-index')).toBe(20);
    expect(quantile(values, 0.5, 'floor-index')).toBe(11);
    expect(summary([])).toMatchObject({ n: 0, mean: null, p99: null });
    expect(summary([3, 1, 2])).toMatchObject({ n: 3, min: 1, max: 3, p50: 2 });
    // vllm-ascend issue 6966: mean 124.7, CV 7.0 %.
    expect(cvPct([129.07, 133.06, 126.97, 110.25, 124.08])).toBeCloseTo(7.0, 1);
    expect([deviation([1]), mean([])]).toEqual([null, null]);
  });
});
