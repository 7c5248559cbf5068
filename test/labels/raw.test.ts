import { describe, expect, it } from 'vitest';
import { scenarios } from '../../server/sim/scenarios.js';
import { judgeForm } from './check.js';

// Whatever was planted: a folder of raw data has no export to judge, so nothing may be said of it, and the export is named.
describe('planted causes, msprof-raw', () => {
  it.each(['balanced', 'host-bound-launch', 'comm-exposed', 'memory-fragmentation'] as const)('%s: no verdict', async (name) => {
    await expect(judgeForm({ ...scenarios[name].options, layers: 1, steps: 2 }, 'msprof-raw')).rejects.toMatchObject({ code: 'E_PROFILE_NOT_EXPORTED', next: expect.stringContaining('msprof --export=on') });
  });
});
