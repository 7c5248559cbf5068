import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openHost } from '../../server/host/host.js';
import { pipelineDerivations } from '../../server/pipeline/derive.js';
import { pipelineAnalyze } from '../../server/pipeline/tools.js';
import { views } from '../../server/pipeline/views.js';
import { Runs } from '../../server/runs/runs.js';
import { verifyRun } from '../../server/runs/verify.js';
import { planted } from '../generate/captures.js';
import { tempFolder, testContext } from '../helpers/temp.js';
import { asking, files } from './asking.js';

const dir = await tempFolder();
const ctx = testContext(dir);
const host = openHost(ctx.config);
const capture = join(dir, 'two');
const one = join(dir, 'one');

const { registry, call, fail, stored } = asking(ctx);
beforeAll(async () => {
  const made = { layers: 2, steps: 6, aicMetrics: null, launchUs: 60, commOverlap: false } as const;
  await planted(capture, { ...made, ranks: 2, slowRank: { rank: 1, factor: 1.5 }, launchUs: 3 }, ['msprof-db']);
  await planted(one, made, ['msprof-db']);
}, 60_000);

describe('pipeline_analyze', () => {
  it('opens a run when none is given and writes the six files of the contract', async () => {
    const answer = await call({ path: one });
    expect(answer.artifacts.map((a) => a.path.slice(ctx.config.runsDir.length + 1 + answer.facts.run.length))).toEqual(files.map((f) => `/profiling/001/pipeline/${f}`));
    const whole = await stored(answer);
    expect(whole).toMatchObject({ simulated: true, method: 'anchors', boundary: { before: 'ArgMaxV2', after: 'GatherV2', given: false } });
    expect(whole.steps.count).toBe(6);
    expect((await readFile(answer.artifacts[5]?.path ?? '', 'utf8')).split('\n')[0]).toBe(answer.headline);
    const table = (await readFile(answer.artifacts[2]?.path ?? '', 'utf8')).trim().split('\n');
    expect(table).toHaveLength(whole.bubbles.length + 1);
    const column = (table[0] ?? '').split(',').indexOf('total_us');
    expect(table.slice(1).reduce((a, line) => a + Number(line.split(',')[column]), 0)).toBeCloseTo(whole.devices[0]?.free_us ?? 0, 2);
    expect(answer.warnings.map((w) => w.code)).toEqual(expect.arrayContaining(['W-PROFILED', 'W-SIMULATED']));
  });

  it('stays within the budgets in every view', async () => {
    expect((pipelineAnalyze.name.length + pipelineAnalyze.description.length + JSON.stringify(pipelineAnalyze.inputSchema).length) / 4).toBeLessThanOrEqual(215);
    for (const view of views) {
      const answer = await registry.call('pipeline_analyze', { path: view === 'rank_skew' || view === 'summary' ? capture : one, view }, ctx);
      expect(JSON.stringify(answer.structured).length).toBeLessThan(8000);
      if (view === 'summary') expect(answer.text.length / 4).toBeLessThanOrEqual(2000);
    }
  });

  it('compares ranks, and looks at the ones asked for only', async () => {
    const both = await call({ path: capture, view: 'rank_skew' });
    expect([both.verdict, both.facts.rank_skew?.slowest_rank]).toEqual(['rank-skewed', 1]);
    const whole = await stored(both);
    expect((await readFile(both.artifacts[4]?.path ?? '', 'utf8')).trim().split('\n')).toHaveLength(3);
    expect(new Set(whole.bubbles.map((b) => b.device))).toEqual(new Set([0, 1]));
    const single = await call({ path: capture, ranks: [1] });
    expect(single.facts.rank_skew).toBeNull();
    expect(new Set((await stored(single)).stages.map((s) => s.device))).toEqual(new Set([1]));
    expect(await fail({ path: capture, ranks: [5] })).toMatchObject({ code: 'E_ARG_TYPE', next: expect.stringContaining('0, 1') });
  });

  it('honours a boundary that is given', async () => {
    const { facts } = await call({ path: one, boundary: 'FusedInferAttentionScore->MatMulV3' });
    // Two layers a step, each attention followed by one product: twelve passes, and what lies before the first.
    expect(facts.boundary).toEqual({ before: 'FusedInferAttentionScore', after: 'MatMulV3', given: true });
    expect(Math.abs(facts.steps.count - 12)).toBeLessThanOrEqual(1);
    expect(await fail({ path: one, boundary: 'ArgMaxV2' })).toMatchObject({ code: 'E_ARG_TYPE' });
  });

  it('can be computed again byte for byte, also what could not be read, and after the run root moved', async () => {
    const run = await new Runs(host).create({ purpose: 'again', level: 'smoke' }, { tool: 'run_create', input: {} });
    const job = join(run.dir, 'profiling', 'job1');
    await mkdir(job, { recursive: true });
    await planted(join(job, 'cap'), { layers: 1, steps: 3, ranks: 2, aicMetrics: null }, ['msprof-db']);
    await writeFile(join(run.dir, 'profiling', 'op_summary_20260302030405.csv'), '');
    const first = await call({ path: join(job, 'cap'), run: run.id });
    await call({ path: join(job, 'cap'), run: run.id, boundary: 'ArgMaxV2->GatherV2' });
    await call({ path: join(run.dir, 'profiling', 'op_summary_20260302030405.csv'), run: run.id });
    expect(dirname(first.artifacts[0]?.path ?? '').slice(run.dir.length)).toBe('/profiling/job1/pipeline');
    expect(await readFile(first.artifacts[0]?.path ?? '', 'utf8')).not.toContain(dir);
    expect((await verifyRun(run, host, pipelineDerivations)).facts).toMatchObject({ recomputed: 18, recomputed_equal: true, hash_mismatches: [], violations: [] });
    const moved = testContext(join(dir, 'elsewhere'));
    await mkdir(moved.config.runsDir, { recursive: true });
    await rename(run.dir, join(moved.config.runsDir, run.id));
    const there = openHost(moved.config);
    expect((await verifyRun(await new Runs(there).open(run.id), there, pipelineDerivations)).facts).toMatchObject({ recomputed_equal: true, violations: [] });
  });
});

it('an op name that would be a formula or break a row stays data', async () => {
  const { bubbleTable } = await import('../../server/pipeline/tables.js');
  const row = { device: 0, rank: null, where: null, before: '=cmd|"x"', after: 'a\nb,c', class: 'untraced', count: 1, total_us: 1, p50_us: 1, p99_us: 1, max_us: 1, share_pct: 1, queued: null, memcpy_us: null, event_wait_us: null, host_silent_us: null, host_events: [] } as const;
  const lines = bubbleTable([{ ...row, host_events: [] }]).trim().split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[1]).toBe(`0,,,"'=cmd|""x""","a b,c",untraced,1,1,1,1,1,1,,,,,`);
});
