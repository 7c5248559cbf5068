import { describe, expect, it } from 'vitest';
import { readProfile } from '../../server/profiles/read.js';
import { rankSkew } from '../../server/pipeline/skew/skew.js';
import type { SkewResult } from '../../server/pipeline/skew/types.js';
import { planted } from '../generate/captures.js';
import { tempFolder, testHost } from '../helpers/temp.js';

type Plant = NonNullable<Parameters<typeof planted>[1]>;

async function skewOfPlant(options: Plant): Promise<SkewResult> {
  const dir = await tempFolder();
  await planted(dir, { layers: 6, steps: 6, commOverlap: false, ...options }, ['msprof-db']);
  return rankSkew(await readProfile([dir], testHost(dir)));
}

describe('ranks of a capture with a planted truth', () => {
  it('has nothing to compare on one rank', async () => {
    const { skew, reasons } = await skewOfPlant({ ranks: 1 });
    expect(skew).toBeNull();
    expect(reasons.map((r) => r.code)).toEqual(['single-rank']);
  });

  it.each([0, 1, 2, 3])('names slow rank %i of four, clocks apart', async (rank) => {
    const { skew } = await skewOfPlant({
      ranks: 4,
      seed: 11 + rank,
      slowRank: { rank, factor: 1.4 },
      clockSkewUs: [0, 2000, -2000, 750],
    });
    expect(skew?.slowest_rank).toBe(rank);
    expect(skew?.slow_ranks).toEqual([rank]);
    expect(skew?.pattern).toBe('slow-rank');
    // Kernels take 40 % longer; the gaps between them do not.
    expect(skew?.skew_pct).toBeGreaterThan(25);
    expect(skew?.skew_pct).toBeLessThan(41);
    // The slow rank waits least.
    const waits = skew?.per_rank.map((r) => r.comm_wait_us ?? Number.NaN) ?? [];
    expect(waits.indexOf(Math.min(...waits))).toBe(rank);
  });

  it.each([1, 2, 3, 4])('names nobody in a balanced capture, and recovers the clocks (seed %i)', async (seed) => {
    const planted = [0, 2000, -2000, 750];
    const { skew } = await skewOfPlant({ ranks: 4, seed, clockSkewUs: planted });
    expect(skew?.slowest_rank).toBeNull();
    expect(skew?.pattern).toBe('clock-skew');
    for (const row of skew?.per_rank ?? [])
      expect(Math.abs((row.clock_offset_us ?? Number.NaN) - (planted[row.rank] ?? Number.NaN))).toBeLessThan(5);
    // 6 steps × 6 layers × 2 all-reduces, each seen by all.
    expect(skew?.collectives_complete).toBe(72);
  });

  it('does not take a slow link for a slow rank', async () => {
    const { skew } = await skewOfPlant({ ranks: 4, slowLink: { src: 0, dst: 1, factor: 4 } });
    expect(skew?.slowest_rank).toBeNull();
  });
});
