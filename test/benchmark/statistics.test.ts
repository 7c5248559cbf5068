import { describe, expect, it } from 'vitest';
import { judgeSamples } from '../../server/benchmark/compare/statistics.js';
import { claimVerdict, rowVerdict, type Change, type Rule } from '../../server/benchmark/compare/verdict.js';
import { Random } from '../../server/sim/random.js';
import { power, unpairedNoise } from '../../server/stats/power.js';
import { welchRatio } from '../../server/stats/ratio.js';
import { starts } from '../generate/comparisons.js';

const decrease: Rule = { direction: 'decrease', thresholdPct: null, equivalencePct: 1 };

function verdictOf(baseline: number[], candidate: number[], rule = decrease): string {
  const t = welchRatio(baseline, candidate);
  const pct = (v: number | null | undefined): number | null => (v === null || v === undefined ? null : (v - 1) * 100);
  return rowVerdict({ deltaPct: pct(t?.ratio), lowPct: pct(t?.low), highPct: pct(t?.high), tested: t !== null }, rule, 'lower');
}

describe('the rules, interval by interval', () => {
  const at = (lowPct: number | null, deltaPct: number, highPct: number | null): Change => ({ lowPct, deltaPct, highPct, tested: true });
  const claim = (direction: Rule['direction'], thresholdPct: number | null = null): Rule => ({ direction, thresholdPct, equivalencePct: 1 });
  it.each([
    [at(-0.9, -0.5, -0.1), claim('decrease'), 'lower', 'equivalent'],
    [at(-6, -5, -4), claim('decrease'), 'lower', 'supported'],
    [at(-6, -5, -4), claim('increase'), 'lower', 'refuted'],
    [at(-6, -5, 1), claim('decrease'), 'lower', 'inconclusive'],
    [at(-6, -5, -4), claim('decrease', 5), 'lower', 'supported'],
    [at(-6, -4.9, -4), claim('decrease', 5), 'lower', 'inconclusive'],
    [at(-4.9, -4, -3), claim('decrease', 5), 'lower', 'refuted'],
    [at(4, 5, 6), claim('increase', 3), 'higher', 'supported'],
    [at(-2, 1, 2.5), claim('increase', 3), 'higher', 'refuted'],
    [at(-2, -0.5, 0.9), claim('no-regression', 1), 'lower', 'supported'],
    [at(-2, 0.5, 1.1), claim('no-regression', 1), 'lower', 'inconclusive'],
    [at(1.1, 2, 3), claim('no-regression', 1), 'lower', 'refuted'],
    [at(-0.9, 2, 3), claim('no-regression', 1), 'higher', 'supported'],
    [at(-3, -2, -1.1), claim('no-regression', 1), 'higher', 'refuted'],
    [at(null, -5, -4), claim('decrease'), 'lower', 'supported'],
    [at(2, 5, null), claim('no-regression', 1), 'higher', 'supported'],
    [{ ...at(-6, -5, -4), tested: false }, claim('decrease'), 'lower', 'inconclusive'],
  ] as const)('%j under %j, %s is better: %s', (change, rule, better, verdict) => {
    expect(rowVerdict(change, rule, better)).toBe(verdict);
  });

  it('a claim over loads holds at every load, and falls with one that is refuted at the stricter level', () => {
    const row = (verdict: 'supported' | 'refuted' | 'equivalent' | 'inconclusive', strict = verdict) => ({ verdict, strict });
    expect(claimVerdict([row('supported'), row('supported')])).toBe('supported');
    expect(claimVerdict([row('supported'), row('inconclusive')])).toBe('inconclusive');
    expect(claimVerdict([row('supported'), row('refuted')])).toBe('refuted');
    expect(claimVerdict([row('supported'), row('refuted', 'inconclusive')])).toBe('inconclusive');
    expect(claimVerdict([row('equivalent'), row('equivalent')])).toBe('equivalent');
    expect(claimVerdict([])).toBe('inconclusive');
  });
});

describe('two sides of the same build', () => {
  it.each([
    [1, false],
    [3, false],
    [7, false],
    [3, true],
  ])('are called different at most as often as the confidence allows: CV %f %%, heavy tails %s', (cv, tail) => {
    const random = new Random(7_000 + cv + (tail ? 500 : 0));
    let wrong = 0;
    for (let i = 0; i < 1000; i += 1) if (['supported', 'refuted'].includes(verdictOf(starts(random, 5, 50, cv, tail), starts(random, 5, 50, cv, tail)))) wrong += 1;
    expect(wrong).toBeLessThanOrEqual(50 + 2 * Math.sqrt(1000 * 0.05 * 0.95));
    // A court that never decides would pass the line above.
    if (!tail && cv > 1) expect(wrong).toBeGreaterThan(20);
  });

  it('are equivalent when they are within 1 % and the noise lets one see it', () => {
    const random = new Random(11);
    let equivalent = 0;
    for (let i = 0; i < 200; i += 1) if (verdictOf(starts(random, 10, 50, 0.5), starts(random, 10, 50.1, 0.5)) === 'equivalent') equivalent += 1;
    // Half-width 2.101·0.5·√(2/10) = 0.47 %: about 0.9 of the estimates around 0.2 % leave it inside 1 %.
    expect(equivalent).toBeGreaterThan(160);
  });
});

describe('true effects', () => {
  const cases = [1, 2, 3, 7].flatMap((cv) => [3, 5, 10].map((effect) => [effect, cv] as const));
  it.each(cases)('a decrease of %f %% at CV %f %% is found as often as theory says, and never called the opposite often', (effect, cv) => {
    const random = new Random(effect * 100 + cv);
    const trials = 800;
    let [found, opposite] = [0, 0];
    for (let i = 0; i < trials; i += 1) {
      const verdict = verdictOf(starts(random, 5, 50, cv), starts(random, 5, 50 * (1 - effect / 100), cv), { ...decrease, equivalencePct: 0.01 });
      if (verdict === 'supported') found += 1;
      if (verdict === 'refuted') opposite += 1;
    }
    // The candidate's spread is of its own, smaller mean.
    const noise = unpairedNoise(cv, 5, cv * (1 - effect / 100), 5);
    const theory = noise === null ? 0 : power(effect, noise);
    expect(Math.abs(found / trials - theory)).toBeLessThan(0.05);
    expect(opposite / trials).toBeLessThan(0.025 + 0.012);
  });

  it('one outlying run does not make a claim', () => {
    // vLLM-Ascend issue 6966: 129.07 133.06 126.97 110.25 124.08 against itself with the outlier on the other side.
    expect(verdictOf([129.07, 133.06, 126.97, 110.25, 124.08], [129.5, 132.1, 127.4, 125.2, 126.3], { ...decrease, direction: 'increase' })).toBe('inconclusive');
    // SGLang issue 8285: five identical runs with means 2533 1735 1747 11675 47593 ms.
    expect(verdictOf([2533, 1735, 1747, 11675, 47593], [1735, 1747, 2533, 1800, 1900])).toBe('inconclusive');
  });

  it('fills the row: means, both tests, spread and what could be seen', () => {
    const row = judgeSamples({ baseline: [100, 101, 99, 100, 100], candidate: [90, 91, 89, 90, 90], paired: false }, decrease, 'lower', 0.95);
    expect(row).toMatchObject({ baseline: 100, candidate: 90, n_baseline: 5, n_candidate: 5, method: 'welch', verdict: 'supported' });
    expect(row.delta_pct).toBeCloseTo(-10, 10);
    expect(row.p_exact).toBeCloseTo(2 / 252, 12);
    // CV 0.707 % and 0.786 % of their means, both with standard deviation 0.7071: (2.306 + 0.889)·0.7071·√(2/5).
    expect(row.mde_pct).toBeCloseTo((2.306 + 0.889) * Math.SQRT1_2 * Math.sqrt(0.4), 1);
    const alone = judgeSamples({ baseline: [100], candidate: [90], paired: false }, decrease, 'lower', 0.95);
    expect(alone).toMatchObject({ ci_low_pct: null, ci_high_pct: null, p_value: null, mde_pct: null, method: null, verdict: 'inconclusive' });
    expect(alone.delta_pct).toBeCloseTo(-10, 10);
  });
});
