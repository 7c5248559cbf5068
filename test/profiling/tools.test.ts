import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ProfileAnalyzeFacts, ProfileQueryFacts, ToolFailed, ToolOk } from '../../server/contract/index.js';
import { Registry } from '../../server/mcp/registry.js';
import { openHost } from '../../server/host/host.js';
import { profilingDerivations } from '../../server/profiling/derive.js';
import { profileAnalyze, profileQuery } from '../../server/profiling/tools.js';
import { Runs } from '../../server/runs/runs.js';
import { verifyRun } from '../../server/runs/verify.js';
import { makeDecodeCapture } from '../../server/sim/llm-capture.js';
import { writeCapture } from '../../server/sim/write.js';
import { tempFolder, testContext } from '../helpers/temp.js';

const dir = await tempFolder();
const ctx = testContext(dir);
const host = openHost(ctx.config);
const registry = new Registry([profileAnalyze, profileQuery], (line) => console.error(line));
const capture = join(dir, 'capture');
const by = { tool: 'run_create', input: {} };

async function call(tool: string, args: Record<string, unknown>): Promise<ToolOk> {
  const answer = await registry.call(tool, args, ctx);
  if (answer.isError) throw new Error(answer.text);
  return answer.structured as ToolOk;
}
async function fail(tool: string, args: Record<string, unknown>): Promise<ToolFailed['error']> {
  const answer = await registry.call(tool, args, ctx);
  expect(answer.isError).toBe(true);
  return (answer.structured as ToolFailed).error;
}
const analyzeIt = async (args: Record<string, unknown> = {}) => (await call('profile_analyze', { path: capture, ...args })) as ToolOk & { facts: ProfileAnalyzeFacts };
const queryIt = async (sql: string, args: Record<string, unknown> = {}) => (await call('profile_query', { path: capture, sql, ...args })) as ToolOk & { facts: ProfileQueryFacts };

beforeAll(async () => {
  const made = makeDecodeCapture({ ranks: 2, layers: 4, steps: 4, launchUs: 150, commOverlap: false, unfused: ['add-rmsnorm', 'swiglu', 'rotary'], rankKnown: false });
  await writeCapture(capture, made.capture, ['msprof-db', 'msprof-csv']);
});

describe('profile_analyze', () => {
  it('answers, opens a run when none is given, and writes three artifacts', async () => {
    const result = await analyzeIt();
    expect(result.verdict).toBe('host-bound');
    expect(result.artifacts.map((a) => [a.kind, a.path.slice(ctx.config.runsDir.length + 1 + result.facts.run.length)])).toEqual([
      ['profiling-analysis', '/profiling/001/analysis.json'],
      ['five-tables', '/profiling/001/five_tables.md'],
      ['timeline-notes', '/profiling/001/timeline_notes.md'],
    ]);
    expect(result.warnings.map((w) => w.code)).toEqual(expect.arrayContaining(['W-PROFILED', 'W-SIMULATED']));
    const stored = JSON.parse(await readFile(result.artifacts[0]?.path ?? '', 'utf8')) as { simulated: boolean; source: unknown[]; kernel: unknown[] };
    expect(stored.simulated).toBe(true);
    expect(stored.source.length).toBeGreaterThan(0);
    expect(stored.kernel.length).toBe(result.facts.tables.kernel);
    expect((await readFile(result.artifacts[1]?.path ?? '', 'utf8')).split('\n')[0]).toBe(result.headline);
  });

  it('stays within the budgets', async () => {
    for (const view of ['summary', 'kernel', 'communication', 'fusion', 'dispatch', 'memory']) {
      const answer = await registry.call('profile_analyze', { path: capture, view, top: 200, min_share_pct: 0 }, ctx);
      expect(JSON.stringify(answer.structured).length).toBeLessThanOrEqual(8000);
      if (view === 'summary') expect(answer.text.length / 4).toBeLessThanOrEqual(2000);
    }
    for (const tool of [profileAnalyze, profileQuery]) expect((tool.name.length + tool.description.length + JSON.stringify(tool.inputSchema).length) / 4).toBeLessThanOrEqual(400);
  });

  it('shows one table, or one finding in depth', async () => {
    const kernel = await analyzeIt({ view: 'kernel', top: 2 });
    expect(Object.keys(kernel.facts.rows)).toEqual(['kernel']);
    expect(kernel.facts.rows['kernel']).toHaveLength(2);
    const finding = await analyzeIt({ view: 'finding', finding: 'host-bound-launch' });
    expect(finding.findings.map((f) => f.id)).toEqual(['host-bound-launch']);
    expect(finding.findings[0]?.evidence.length).toBeGreaterThan(1);
    expect(Object.keys(finding.facts.rows)).toEqual(['dispatch']);
    const unknown = await fail('profile_analyze', { path: capture, view: 'finding', finding: 'no-such' });
    expect(unknown).toMatchObject({ code: 'E_ARG_TYPE' });
    expect(unknown.next).toContain('host-bound-launch');
    expect(await fail('profile_analyze', { path: capture, view: 'finding' })).toMatchObject({ code: 'E_ARG_TYPE' });
  });

  it('can be computed again byte for byte, also after the run root moved', async () => {
    const runs = new Runs(host);
    const run = await runs.create({ purpose: 'again', level: 'smoke' }, by);
    const inside = join(run.dir, 'profiling', 'job1');
    await mkdir(inside, { recursive: true });
    await writeCapture(join(inside, 'cap'), makeDecodeCapture({ ranks: 2, layers: 2, steps: 2 }).capture, ['msprof-db']);
    const first = await analyzeIt({ path: join(inside, 'cap'), run: run.id });
    const second = await analyzeIt({ path: join(inside, 'cap'), run: run.id });
    expect([first, second].map((r) => r.artifacts[0]?.path.slice(run.dir.length))).toEqual(['/profiling/job1/analysis.json', '/profiling/001/analysis.json']);
    const stored = await readFile(first.artifacts[0]?.path ?? '', 'utf8');
    expect(stored).not.toContain(dir);
    expect((await verifyRun(run, host, profilingDerivations)).facts).toMatchObject({ recomputed: 6, recomputed_equal: true, hash_mismatches: [], violations: [] });

    const moved = testContext(join(dir, 'elsewhere'));
    await mkdir(moved.config.runsDir, { recursive: true });
    await rename(run.dir, join(moved.config.runsDir, run.id));
    const there = openHost(moved.config);
    const verdict = await verifyRun(await new Runs(there).open(run.id), there, profilingDerivations);
    expect(verdict.facts).toMatchObject({ recomputed_equal: true, violations: [] });
  });

  it('a changed table shows as tampered', async () => {
    const result = await analyzeIt();
    const run = await new Runs(host).open(result.facts.run);
    const path = result.artifacts[0]?.path ?? '';
    await writeFile(path, (await readFile(path, 'utf8')).replace(/"count": \d+/, '"count": 424242'));
    expect((await verifyRun(run, host, profilingDerivations)).verdict).toBe('tampered');
  });

  it('a path that cannot be read leaves no run behind', async () => {
    const before = await new Runs(host).list();
    expect(await fail('profile_analyze', { path: join(dir, 'nothing') })).toMatchObject({ code: 'E_PATH_MISSING' });
    expect(await fail('profile_analyze', { path: '/etc/hostname' })).toMatchObject({ code: 'E_PATH_OUTSIDE' });
    expect(await fail('profile_analyze', { path: capture, run: '20200101-000000-x-abcd' })).toMatchObject({ code: 'E_RUN_MISSING' });
    expect(await fail('profile_analyze', { path: capture, compare_to: 'x' })).toMatchObject({ code: 'E_PATH_MISSING' });
    expect(await new Runs(host).list()).toEqual(before);
  });
});

describe('profile_query', () => {
  it('agrees with profile_analyze', async () => {
    const { facts } = await analyzeIt({ view: 'kernel', min_share_pct: 0 });
    const { facts: q } = await queryIt("SELECT device_id, device, op_type, task_type, count(*) AS n, round(sum(duration_us), 3) AS total FROM tasks WHERE class IN ('compute', 'aicpu') GROUP BY ALL ORDER BY device_id, device, total DESC, op_type LIMIT 20");
    const rows = facts.rows['kernel'] as { device: number; op_type: string; task_type: string; count: number; total_us: number }[];
    expect(q.rows.map((r) => [r[0], r[2], r[3], r[4], r[5]])).toEqual(rows.map((r) => [r.device, r.op_type, r.task_type, r.count, r.total_us]));
  });

  it('reads the profile once and keeps its database out of the way', async () => {
    const seen: string[] = [];
    const listening = { ...ctx, progress: (m: string) => void seen.push(m) };
    const folder = join(dir, 'once');
    await writeCapture(folder, makeDecodeCapture({ layers: 1, steps: 2 }).capture, ['msprof-db']);
    await registry.call('profile_query', { path: [folder], sql: 'SELECT 1' }, listening);
    await registry.call('profile_query', { path: folder, sql: 'SELECT 2' }, listening);
    expect(seen.filter((m) => m === 'reading the profile')).toHaveLength(1);
    expect((await new Runs(host).list()).includes('.cache')).toBe(false);
  });

  it('notices a changed capture', async () => {
    const folder = join(dir, 'changing');
    await writeCapture(folder, makeDecodeCapture({ layers: 1, steps: 2 }).capture, ['msprof-db']);
    const countIt = async () => (await queryIt('SELECT count(*) FROM tasks', { path: folder })).facts.rows[0]?.[0];
    const before = await countIt();
    await rm(folder, { recursive: true });
    await writeCapture(folder, makeDecodeCapture({ layers: 1, steps: 4 }).capture, ['msprof-db']);
    expect(await countIt()).not.toBe(before);
  });

  it('says that the capture is simulated, how many rows there are, and where the limits are', async () => {
    const result = await queryIt('SELECT * FROM tasks', { limit: 200 });
    expect(result.facts.truncated).toBe(true);
    expect(result.facts.row_count).toBe(result.facts.rows.length);
    expect(result.warnings.map((w) => w.code)).toEqual(['W-SIMULATED']);
    expect(await fail('profile_query', { path: capture, sql: 'SELECT 1', limit: 201 })).toMatchObject({ code: 'E_ARG_TYPE' });
    const wrong = await fail('profile_query', { path: capture, sql: 'SELECT nope FROM tasks' });
    expect(wrong.code).toBe('E_SQL_FAILED');
    expect(wrong.next).toContain('tasks(task_id, device_id, rank');
    expect(await fail('profile_query', { path: capture, sql: "COPY tasks TO 'x.csv'" })).toMatchObject({ code: 'E_SQL_REFUSED' });
  });
});
