import { describe, expect, it } from 'vitest';
import { holds, read } from './generated.js';

const forms = ['msprof-db', 'msprof-csv', 'msprof-timeline'] as const;

describe.each(forms)('one rank, read from %s', (form) => {
  const alone = { tp: 1, steps: 14, syncGapUs: 900 } as const;

  it.each([
    { drafts: 1, rejection: true },
    { drafts: 3, rejection: true },
    { drafts: 3, rejection: false },
  ])('speculative steps, $drafts drafts verified (kernel of its own: $rejection)', async (speculate) => {
    const { found, truth } = await read({ ...alone, speculate }, form);
    holds(found, truth);
    // Four tokens a sequence are still a decode; without shapes nothing is known.
    expect(found.analysis.steps.kinds.map((k) => k.stage)).toEqual([form === 'msprof-timeline' ? null : 'decode']);
  });

  it.each([true, false])('prompts between speculative steps (kernel of its own: %s)', async (rejection) => {
    const { found, truth } = await read({ ...alone, steps: 20, prefillEvery: 5, speculate: { drafts: 2, rejection } }, form);
    holds(found, truth);
    if (form !== 'msprof-timeline') expect(found.analysis.steps.kinds.map((k) => [k.stage, k.count])).toEqual([['prefill', 4], ['decode', 16]]);
  });

  it.each([0.01, 0.04])('%d of the tasks dropped', async (dropTasks) => {
    for (const seed of [1, 2]) {
      const { found, truth } = await read({ ...alone, steps: 24, seed, dropTasks }, form);
      holds(found, truth);
    }
  });

  it('speculative steps with dropped tasks', async () => {
    const { found, truth } = await read({ ...alone, steps: 24, speculate: { drafts: 2, rejection: true }, dropTasks: 0.02 }, form);
    holds(found, truth);
  });
});
