import { describe, expect, it } from 'vitest';
import type { CaptureForm } from '../../server/sim/write.js';
import type { SkewPlant } from '../generate/skew.js';
import { read } from './generated.js';

const lossy = { tp: 4, layers: 2, steps: 12, dropTasks: 0.03, dropCollectives: 0.03, clockUs: [0, 1500, -2000, 700] } as const;

/** Tasks lost; speculative steps; both, with prompts between. */
const plants = [
  ['msprof-csv', lossy],
  ['msprof-db', { ...lossy, dropTasks: 0, dropCollectives: 0, speculate: { drafts: 2, rejection: true } }],
  ['msprof-csv', { ...lossy, layers: 4, speculate: { drafts: 2, rejection: false }, prefillEvery: 5 }],
  ['msprof-db', { ...lossy, speculate: { drafts: 2, rejection: true }, prefillEvery: 5 }],
] as const satisfies readonly (readonly [CaptureForm, Partial<SkewPlant>])[];

describe.each(plants)('ranks read from %s (%#)', (form, plant) => {
  const counted = ({ found, truth }: Awaited<ReturnType<typeof read>>): void => {
    for (const d of found.devices) expect(Math.abs(d.steps - truth.steps), `${d.steps} steps`).toBeLessThanOrEqual(1);
  };

  it('the slow rank is named', async () => {
    const all = await read({ ...plant, slow: { ranks: [2], factor: 1.3, from: 5 } }, form);
    const { verdict, analysis } = all.found;
    expect(verdict.class).toBe('rank-skewed');
    expect(analysis.skew.skew).toMatchObject({ pattern: 'slow-rank', slowest_rank: 2 });
    expect(Math.abs((analysis.skew.skew?.spell?.since_step ?? Number.NaN) - 5)).toBeLessThanOrEqual(1);
    counted(all);
  });

  it('no slow rank is named where there is none', async () => {
    const all = await read(plant, form);
    expect(all.found.analysis.skew.skew?.slow_ranks).toEqual([]);
    expect(all.found.verdict.class).not.toBe('rank-skewed');
    counted(all);
  });
});
