import { describe, expect, it } from 'vitest';
import { spellOf } from '../../server/pipeline/skew/spell.js';
import { Random } from '../../server/sim/random.js';

/** A series with noise of ±1 % that lies at `level` inside [from, to). */
function series(seed: number, length: number, from: number, to: number, level: number): number[] {
  const random = new Random(seed);
  return Array.from({ length }, (_, i) => (i >= from && i < to ? level : 0) + (random.next() - 0.5) * 0.02);
}

describe('since when a series lies above zero', () => {
  it.each([
    [0, 40],
    [1, 40],
    [17, 40],
    [35, 40],
    [10, 20],
    [0, 12],
  ])('finds [%i, %i)', (from, to) => {
    const spell = spellOf(series(from + to, 40, from, to, 0.12), 8);
    expect(spell?.from).toBe(from);
    expect(spell?.to).toBe(to);
    expect(spell?.level).toBeCloseTo(0.12, 2);
  });

  it('single stalls neither make a spell nor move its beginning', () => {
    const stalled = series(3, 40, 20, 40, 0.1);
    for (const at of [2, 9, 15, 27]) stalled[at] = 1.5;
    expect(spellOf(stalled, 8)).toMatchObject({ from: 20, to: 40 });
    const calm = series(4, 40, 0, 0, 0);
    for (const at of [2, 9, 15, 27]) calm[at] = 1.5;
    expect(spellOf(calm, 8)).toBeNull();
  });

  it('below 5 %, or for three steps, it is no spell', () => {
    expect(spellOf(series(5, 40, 10, 40, 0.04), 8)).toBeNull();
    expect(spellOf(series(6, 40, 20, 23, 0.3), 8)).toBeNull();
  });

  it('noise alone gives a spell in fewer than one of a hundred series', () => {
    let found = 0;
    for (let seed = 0; seed < 1000; seed += 1) {
      const random = new Random(seed);
      const noise = Array.from({ length: 12 + (seed % 40) }, () => random.next() + random.next() - 1);
      if (spellOf(noise.map((v) => v * 0.08), 4) !== null) found += 1;
    }
    expect(found).toBeLessThan(10);
  });

  it('nothing is nothing', () => {
    expect(spellOf([], 1)).toBeNull();
    expect(spellOf([0.5], 1)).toBeNull();
  });
});
