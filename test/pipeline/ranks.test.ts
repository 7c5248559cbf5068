import { expect, it } from 'vitest';
import { readProfile } from '../../server/profiles/read.js';
import { planted } from '../generate/captures.js';
import { tempFolder, testHost } from '../helpers/temp.js';
import { judge } from './make.js';

const dir = await tempFolder();
const host = testHost(dir);

it('a slow rank of four, and none where there is none', async () => {
  const options = { steps: 8, layers: 2, aicMetrics: null, ranks: 4, commOverlap: false };
  await planted(`${dir}/slow`, { ...options, slowRank: { rank: 2, factor: 1.4 } }, ['msprof-db']);
  const slow = judge(await readProfile([`${dir}/slow`], host));
  expect(slow.verdict.class).toBe('rank-skewed');
  expect(slow.analysis.skew.skew?.slowest_rank).toBe(2);
  expect(slow.findings[0]).toMatchObject({ id: 'slow-rank', value: 2 });
  await planted(`${dir}/even`, options, ['msprof-db']);
  const even = judge(await readProfile([`${dir}/even`], host));
  expect(even.analysis.skew.skew?.slowest_rank).toBeNull();
  expect(even.verdict.class).not.toBe('rank-skewed');
  expect(even.findings.map((f) => f.id)).not.toContain('slow-rank');
  // Rows of each device.
  expect(new Set(even.analysis.stages.map((s) => s.device))).toEqual(new Set([0, 1, 2, 3]));
  for (const d of even.devices) expect(d.bubbles_us).toBe(d.free_us);
});
