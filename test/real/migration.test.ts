import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OpVerifyFacts, ToolOk } from '../../server/contract/index.js';
import { opVerify } from '../../server/migration/tools.js';
import { tempFolder, testContext } from '../helpers/temp.js';

const data = join(import.meta.dirname, '../../../shared/data/opprof');
const there = existsSync(data);
if (!there) console.warn('test/real/migration: ../shared/data/opprof is not here, nothing to test');

const ctx = testContext(await tempFolder(), [data]);
const folders = there ? readdirSync(data).map((name) => ({ name, files: readdirSync(join(data, name)) })) : [];
const compare = async (baseline: string, candidate: string): Promise<ToolOk & { facts: OpVerifyFacts }> =>
  (await opVerify.invoke({ kind: 'performance', profile_baseline: join(data, baseline), profile_candidate: join(data, candidate) }, ctx)) as ToolOk & { facts: OpVerifyFacts };

describe.skipIf(!there)('every real operator profile', () => {
  it.each(folders.filter((f) => f.files.some((n) => n.endsWith('.csv'))))('$name is as fast as itself, or says that no time is there', async ({ name, files }) => {
    const answer = await compare(name, name);
    const timed = files.includes('OpBasicInfo.csv');
    expect([answer.verdict, answer.facts.speedup]).toEqual(timed ? ['fail', 1] : ['inconclusive', null]);
    expect(answer.facts.pairs).toHaveLength(1);
  });
  it.each(folders.filter((f) => !f.files.some((n) => n.endsWith('.csv'))))('$name holds a log only', async ({ name }) => {
    await expect(compare(name, name)).rejects.toMatchObject({ code: expect.stringMatching(/^E_(?:PROFILE_OPERATOR|FORMAT_UNKNOWN)$/) });
  });
});
