import { readFile, rm, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openHost } from '../../server/host/host.js';
import { Runs } from '../../server/runs/runs.js';
import { planted } from '../generate/captures.js';
import { tempFolder, testContext } from '../helpers/temp.js';
import { asking, files } from './asking.js';

const dir = await tempFolder();
const ctx = testContext(dir);
const host = openHost(ctx.config);
const one = join(dir, 'one');

const { call, fail, stored } = asking(ctx);
/** An inconclusive answer whose six files are there and whose artifact holds the reason. */
async function reasoned(args: Record<string, unknown>): Promise<string[]> {
  const answer = await call(args);
  expect(answer.verdict).toBe('inconclusive');
  expect(answer.artifacts.map((a) => basename(a.path))).toEqual(files);
  const whole = await stored(answer);
  expect(whole.verdict.class).toBe('inconclusive');
  expect((await readFile(answer.artifacts[5]?.path ?? '', 'utf8')).split('\n')[0]).toBe(answer.headline);
  return whole.incomplete.map((i) => i.code);
}

beforeAll(() => planted(one, { layers: 2, steps: 6, aicMetrics: null }, ['msprof-db']).then(() => undefined));

describe('bad input', () => {
  it('no device tasks: the files are there, with the reason', async () => {
    const path = join(dir, 'op_summary_20260302030405.csv');
    await writeFile(path, 'Device_id,Model ID,Task ID,Stream ID,Op Name,OP Type,OP State,Task Type,Task Start Time(us),Task Duration(us),Task Wait Time(us),Block Dim\n');
    expect(await reasoned({ path })).toEqual(['not-readable']);
  });
  it('an empty file, and a capture that was never exported', async () => {
    const path = join(dir, 'kernel_details.csv');
    await writeFile(path, '');
    expect(await reasoned({ path })).toEqual(['not-readable']);
    const raw = join(dir, 'raw');
    await planted(raw, { layers: 1, steps: 1, aicMetrics: null }, ['msprof-raw']);
    expect(await reasoned({ path: raw })).toEqual(['not-readable']);
  });
  it('one step only', async () => {
    const path = join(dir, 'single');
    await planted(path, { layers: 2, steps: 1, aicMetrics: null }, ['msprof-db']);
    expect(await reasoned({ path })).toContain('one-step');
  });
  it('a boundary that never matches', async () => {
    expect(await reasoned({ path: one, boundary: 'NoSuchOp->GatherV2' })).toContain('boundary-not-found');
  });
  it('one rank of four missing: the others are compared, and it is said', async () => {
    const path = join(dir, 'missing');
    await planted(path, { layers: 1, steps: 6, ranks: 4, aicMetrics: null, commOverlap: false }, ['msprof-db']);
    const folders = readdirSync(path).filter((f) => f.startsWith('PROF_')).sort();
    await rm(join(path, folders[2] ?? ''), { recursive: true });
    const whole = await stored(await call({ path }));
    expect(whole.incomplete.map((i) => i.code)).toContain('rank-missing');
    expect(whole.rank_skew?.per_rank).toHaveLength(3);
  });
  it('captures of different forms are told apart', async () => {
    const [a, b] = [join(dir, 'forms-a'), join(dir, 'forms-b')];
    const made = { layers: 1, steps: 4, aicMetrics: null } as const;
    await planted(a, made, ['msprof-db']);
    await planted(b, { ...made, seed: 2 }, ['msprof-csv']);
    const whole = await stored(await call({ path: [a, b] }));
    expect(whole.incomplete.map((i) => i.code)).toContain('mixed-exports');
    expect(whole.devices.map((d) => d.host_us === null).sort()).toEqual([false, true]);
    expect(whole.rank_skew).toBeNull();
  });
  it('a path that cannot be read leaves no run behind', async () => {
    const before = await new Runs(host).list();
    expect(await fail({ path: join(dir, 'nothing') })).toMatchObject({ code: 'E_PATH_MISSING' });
    expect(await fail({ path: '/etc/hostname' })).toMatchObject({ code: 'E_PATH_OUTSIDE' });
    expect(await fail({ path: one, run: '20200101-000000-x-abcd' })).toMatchObject({ code: 'E_RUN_MISSING' });
    expect(await new Runs(host).list()).toEqual(before);
  });
});
