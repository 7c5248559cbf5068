import { appendFile, cp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ToolOk } from '../../server/contract/index.js';
import { identityOf, unchanged, type Identity } from '../../server/host/cache.js';
import { openHost } from '../../server/host/host.js';
import { makeConfig } from '../../server/config.js';
import { Jobs } from '../../server/jobs/jobs.js';
import type { JobContext } from '../../server/jobs/worker.js';
import { readProfile } from '../../server/profiles/read.js';
import { analyzePaths, planned } from '../../server/profiling/captures/captures.js';
import { readingJobs } from '../../server/profiling/captures/inTime.js';
import { body, judged, judgedAnalysis } from '../../server/profiling/derive.js';
import { fiveTables, timelineNotes, type Judged } from '../../server/profiling/render.js';
import { analyzeProfile, queryProfile } from '../../server/profiling/run.js';
import { Runs } from '../../server/runs/runs.js';
import { makeDecodeCapture } from '../../server/sim/llm-capture.js';
import { writeCapture } from '../../server/sim/write.js';
import { mainJs } from '../helpers/stdio.js';
import { tempFolder, testContext } from '../helpers/temp.js';

const dir = await tempFolder();
const ctx = testContext(dir);
const host = openHost(ctx.config);
const ranks = join(dir, 'ranks');
const cache = join(ctx.config.runsDir, '.cache/profiles');
const pages = (j: Judged): string => `${JSON.stringify(body(j))}${fiveTables(j, { top: 20, minSharePct: 0 })}${timelineNotes(j)}`;
const cached = async (paths: string[]): Promise<string> => pages(judgedAnalysis(await analyzePaths(paths, host, { cache: true }), null));
const direct = async (paths: string[]): Promise<string> => pages(judged(await readProfile(paths, host)));
const unread = async (path: string): Promise<number> => (await planned([path], host, true)).known.filter((k) => k === null).length;
const ask = (more: Record<string, unknown> = {}) => ({ path: ranks, top: 20, min_share_pct: 1, view: 'summary' as const, ...more });

beforeAll(async () => {
  // One rank that starts late, links, memory and host calls: everything that is joined over captures.
  const made = makeDecodeCapture({ ranks: 3, layers: 2, steps: 2, launchUs: 60, commOverlap: false });
  await writeCapture(ranks, made.capture, ['torch-text']);
});

describe('one capture after the other', () => {
  it('says what all captures read at once say, byte for byte', async () => {
    expect((await planned([ranks], host, false)).captures).toHaveLength(3);
    const whole = await direct([ranks]);
    expect(await cached([ranks])).toBe(whole);
    // And once more, out of JSON text from the disk.
    expect(await unread(ranks)).toBe(0);
    expect(await cached([ranks])).toBe(whole);
  });

  it('a capture that says nothing is left out, and all of them is an error', async () => {
    const half = join(dir, 'half');
    await cp(ranks, half, { recursive: true });
    const [first, ...others] = (await readdir(half)).filter((n) => n.endsWith('_ascend_pt')).sort();
    const empty = async (name: string): Promise<void> => {
      const out = join(half, name, 'ASCEND_PROFILER_OUTPUT');
      for (const file of await readdir(out)) if (file !== 'kernel_details.csv') await rm(join(out, file), { recursive: true });
      const header = (await readFile(join(out, 'kernel_details.csv'), 'utf8')).split('\n')[0] ?? '';
      await writeFile(join(out, 'kernel_details.csv'), `${header}\n`);
    };
    await empty(first ?? '');
    expect(await cached([half])).toBe(await direct([half]));
    for (const name of others) await empty(name);
    await expect(cached([half])).rejects.toMatchObject({ code: 'E_PROFILE_NO_DEVICE_DATA' });
    await expect(direct([half])).rejects.toMatchObject({ code: 'E_PROFILE_NO_DEVICE_DATA' });
  });
});

describe('the cache', () => {
  it('reads again what was edited, even when size and modification time were put back', async () => {
    await cached([ranks]);
    const name = (await readdir(ranks)).find((n) => n.endsWith('_ascend_pt')) ?? '';
    const file = join(ranks, name, 'ASCEND_PROFILER_OUTPUT', 'kernel_details.csv');
    const before = await stat(file);
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/,AI_CORE,/, ',AI_CPUX,').slice(0, text.length));
    await utimes(file, before.atime, before.mtime);
    expect(await unread(ranks)).toBe(1);
    expect(await cached([ranks])).toBe(await direct([ranks]));
    await writeFile(file, text);
    expect(await unread(ranks)).toBe(1);
    await cached([ranks]);
    // Two edits of one size within one step of the clock: the times may be the same, the content is not.
    let fresh: Identity['fresh'] = [];
    // A step is some ms: on a busy machine the look may come too late for the first edits.
    for (let tries = 0; tries < 100 && fresh.length === 0; tries++) {
      await writeFile(file, text);
      fresh = (await identityOf([file])).fresh;
    }
    await writeFile(file, text.replace(/,AI_CORE,/, ',AI_CPUX,').slice(0, text.length));
    expect(fresh.map(([path]) => path)).toEqual([file]);
    expect(await unchanged(fresh)).toBe(false);
    await writeFile(file, text);
  });

  it.each([
    ['a flipped digit', (t: string) => t.replace(/"count":(\d)/, (_, d: string) => `"count":${(Number(d) + 1) % 10}`)],
    ['a cut file', (t: string) => t.slice(0, t.length / 2)],
    ['an empty file', () => ''],
    ['other JSON', () => '{"devices":[],"facts":[],"holdings":{},"compared":[]}'],
  ])('%s is noticed and made again', async (_, damage) => {
    const whole = await cached([ranks]);
    for (const name of (await readdir(cache)).filter((n) => n.endsWith('.json'))) await writeFile(join(cache, name), damage(await readFile(join(cache, name), 'utf8')));
    expect(await unread(ranks)).toBe(3);
    expect(await cached([ranks])).toBe(whole);
    expect(await unread(ranks)).toBe(0);
  });
});

describe('a damaged database of profile_query', () => {
  const count = async (): Promise<unknown> => (await queryProfile({ path: ranks, sql: 'SELECT count(*), sum(duration_us) > 0, count(DISTINCT name) > 1 FROM tasks', limit: 5 }, ctx)).facts['rows'];
  const file = async (): Promise<string> => join(cache, (await readdir(cache)).find((n) => n.endsWith('.duckdb')) ?? '');

  it.each([
    ['cut', (b: Buffer) => b.subarray(0, Math.floor(b.length / 2))],
    ['grown', (b: Buffer) => Buffer.concat([b, Buffer.alloc(4096)])],
    ['empty', () => Buffer.alloc(0)],
    ['overwritten in its head', (b: Buffer) => Buffer.concat([Buffer.from('x'.repeat(8192)), b.subarray(8192)])],
    ['overwritten in its blocks', (b: Buffer) => Buffer.concat([b.subarray(0, 12288), Buffer.alloc(b.length - 12288, 7)])],
  ])('%s: it is made again', async (_, damage) => {
    const right = await count();
    const path = await file();
    await writeFile(path, damage(await readFile(path)));
    expect(await count()).toEqual(right);
  });

  it('without its stamp it is not trusted', async () => {
    const right = await count();
    await rm(`${await file()}.sum`);
    await appendFile(await file(), 'x');
    expect(await count()).toEqual(right);
  });
});

describe('a capture too large for one call', () => {
  it('goes to a job, and the same call answers once it was read', async () => {
    await rm(cache, { recursive: true, force: true });
    const answer: ToolOk = await analyzeProfile(ask(), ctx, { ms: 30_000, bytes: 1000 });
    expect(answer).toMatchObject({ verdict: 'inconclusive', facts: { window: null, tables: { kernel: null }, incomplete: [{ code: 'still-reading' }] } });
    expect(answer.next.map((n) => n.tool)).toEqual(['job_wait', 'profile_analyze']);
    const run = await new Runs(host).open(String(answer.facts['run']));
    expect(answer.facts['job']).toBe(`${run.id}/profile-analyze-001`);
    expect(answer.artifacts).toEqual([]);
    // The worker's work, in this process.
    const job: JobContext = { host, run, job: 'profile-analyze-001', signal: ctx.signal, report: () => Promise.resolve(), log: () => undefined };
    expect(await readingJobs['profile-analyze']?.({ paths: [ranks], baseline: [] }, job)).toMatchObject({ captures: 3 });
    const again = await analyzeProfile(ask({ run: run.id }), ctx, { ms: 30_000, bytes: 1000 });
    expect(again.verdict).not.toBe('inconclusive');
    expect(again.artifacts).toHaveLength(3);
  });

  it('the compiled worker reads it into the cache the server answers from', async () => {
    const config = makeConfig({ runsDir: join(dir, 'runs-worker'), allow: [dir], entry: mainJs }, '0', { PATH: process.env['PATH'] ?? '', HOME: dir }, dir);
    const detached = openHost(config);
    const own = { ...ctx, config };
    const answer = await analyzeProfile(ask(), own, { ms: 30_000, bytes: 1000 });
    const run = await new Runs(detached).open(String(answer.facts['run']));
    expect(await new Jobs(detached).wait(run, 'profile-analyze-001', { waitMs: 60_000, signal: ctx.signal, progress: () => undefined })).toMatchObject({ state: 'completed', left: [], result: { captures: 3 } });
    // With room for nothing, only the cache can answer.
    const again = await analyzeProfile(ask({ run: run.id }), own, { ms: 30_000, bytes: 0 });
    expect(again).toMatchObject({ verdict: (await analyzeProfile(ask(), ctx)).verdict, facts: { job: null } });
    expect(again.artifacts).toHaveLength(3);
  });

  it('keeps what was finished when time runs out', async () => {
    await rm(cache, { recursive: true, force: true });
    const answer = await analyzeProfile(ask(), ctx, { ms: 0, bytes: 1e9 });
    expect(answer.facts['job']).not.toBeNull();
  });
});
