import { describe, expect, it } from 'vitest';
import { Random } from '../../server/sim/random.js';
import { makeSkewCapture, type SkewPlant } from '../generate/skew.js';
import { profileOf, rankSkew } from '../generate/skew-profile.js';

const shapes = [
  { tp: 2, dp: 1, coupled: false },
  { tp: 4, dp: 1, coupled: false },
  { tp: 2, dp: 2, coupled: true },
  { tp: 1, dp: 4, coupled: true },
  { tp: 2, dp: 2, coupled: false },
] as const;

/** A capture with everything varied but the truth: who is slow, since when, and how far the clocks are apart. */
function plantOf(seed: number, slow: boolean): Partial<SkewPlant> {
  const random = new Random(seed * 17 + 5);
  const shape = shapes[seed % shapes.length] ?? shapes[0];
  const world = shape.tp * shape.dp;
  const steps = random.integer(10, 16);
  return {
    ...shape,
    seed,
    layers: 2,
    steps,
    slow: slow ? { ranks: [random.integer(0, world - 1)], factor: 1.1 + random.next() * 0.4, from: seed % 3 === 0 ? 0 : random.integer(2, steps - 4) } : null,
    replayed: random.next() < 0.3,
    commOverlap: random.next() < 0.2,
    clockUs: Array.from({ length: world }, (_, i) => (i === 0 ? 0 : random.integer(-2000, 2000))),
    driftPpm: random.next() < 0.3 ? Array.from({ length: world }, (_, i) => (i === 0 ? 0 : random.integer(-50, 50))) : [],
    dropTasks: random.next() < 0.3 ? 0.03 : 0,
    dropCollectives: random.next() < 0.3 ? 0.03 : 0,
  };
}

/** Largest error of a recovered clock against the plant, µs. Replicas that share no collectives have clocks of their own. */
function clockError(plant: Partial<SkewPlant>, rows: readonly { readonly device: number; readonly clock_offset_us: number | null }[]): number {
  const lead = (device: number): number => (plant.coupled === true || plant.dp === 1 ? 0 : Math.floor(device / (plant.tp ?? 1)) * (plant.tp ?? 1));
  const planted = (device: number): number => (plant.clockUs?.[device] ?? 0) - (plant.clockUs?.[lead(device)] ?? 0);
  return Math.max(...rows.map((r) => Math.abs((r.clock_offset_us ?? Number.NaN) - planted(r.device))));
}

const seeds = Array.from({ length: 32 }, (_, i) => i + 1);

describe('seeded captures of several shapes', () => {
  it.each(seeds)('no slow rank is named where there is none, and clocks are recovered (seed %i)', (seed) => {
    const plant = plantOf(seed, false);
    const { skew } = rankSkew(profileOf(makeSkewCapture(plant).capture));
    expect(skew?.slowest_rank).toBeNull();
    expect(skew?.slow_ranks).toEqual([]);
    expect(clockError(plant, skew?.per_rank ?? [])).toBeLessThan(20);
  });

  it.each(seeds.slice(0, 15))('the slow rank is named, since within a step of the plant (seed %i)', (seed) => {
    const plant = plantOf(seed, true);
    const { skew } = rankSkew(profileOf(makeSkewCapture(plant).capture));
    const named = skew?.per_rank.find((r) => r.rank === skew.slowest_rank);
    expect(named?.device).toBe(plant.slow?.ranks[0]);
    expect(Math.abs((skew?.spell?.since_step ?? Number.NaN) - (plant.slow?.from ?? Number.NaN))).toBeLessThanOrEqual(1);
    expect(clockError(plant, skew?.per_rank ?? [])).toBeLessThan(20);
  });
});
