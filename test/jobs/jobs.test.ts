import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeConfig } from '../../server/config.js';
import { openHost, type Host } from '../../server/host/host.js';
import { identify, processesOf, processStat } from '../../server/host/processes.js';
import { Jobs, jobDir, jobMarkOf, readJob } from '../../server/jobs/jobs.js';
import { Runs, type Run } from '../../server/runs/runs.js';
import { tempFolder } from '../helpers/temp.js';

const entry = join(import.meta.dirname, '../helpers/job-entry.mjs');
const by = { tool: 'test', input: {} };
let dir = '';
let host: Host;
let run: Run;
let jobs: Jobs;

beforeEach(async () => {
  dir = await tempFolder();
  host = openHost(makeConfig({ runsDir: join(dir, 'runs'), entry }, '0', { PATH: process.env['PATH'], HOME: dir, OPENAI_API_KEY: 'canary' }, dir));
  run = await new Runs(host).create({ purpose: 'jobs', level: 'smoke' }, by);
  jobs = new Jobs(host);
});
afterEach(async () => {
  for (const job of await jobs.list(run)) await jobs.cancel(run, job.job, 200);
});

const quiet = { signal: new AbortController().signal, progress: () => undefined };
const wait = (job: string, waitMs = 20_000) => jobs.wait(run, job, { ...quiet, waitMs });
const stage = (job: string, name: string) => jobs.wait(run, job, { ...quiet, waitMs: 20_000, until: (s) => s.stage === name });

describe('a job', () => {
  it('runs detached in a group of its own and ends with its result', async () => {
    const { job } = await jobs.start(run, 'nap', { ms: 800 });
    expect(job).toMatchObject({ job: 'nap-001', state: 'working' });
    const stat = await processStat(job.worker?.pid ?? 0);
    expect(stat?.group).toBe(job.worker?.pid);
    expect(stat?.session).toBe(job.worker?.pid);
    expect(await wait(job.job)).toMatchObject({ state: 'completed', result: { slept_ms: 800 }, left: [], error: null });
  });

  it('leaves no secret of its result or environment on disk', async () => {
    const { job } = await jobs.start(run, 'nap', { ms: 1, api_key: 'cAnArY5512' });
    const end = await wait(job.job);
    const text = await readFile(join(jobDir(run, job.job), 'job.json'), 'utf8');
    expect(end.state).toBe('completed');
    expect(text).not.toMatch(/cAnArY/);
    await expect(readFile(join(jobDir(run, job.job), 'request.json'))).rejects.toThrow();
  });

  it('that answers an error is failed, with code and mend; a defect is failed too', async () => {
    const refused = await jobs.start(run, 'refuse', {});
    expect(await wait(refused.job.job)).toMatchObject({ state: 'failed', error: { code: 'E_PATH_MISSING', next: 'look elsewhere' } });
    const crashed = await jobs.start(run, 'crash', {});
    expect(await wait(crashed.job.job)).toMatchObject({ state: 'failed', error: { code: 'E_INTERNAL' } });
    const unknown = await jobs.start(run, 'unknown', {});
    expect(await wait(unknown.job.job)).toMatchObject({ state: 'failed', error: { code: 'E_JOB_BROKEN' } });
  });

  it('started again with the same request while it works is the same job; with another request another', async () => {
    const starts = await Promise.all(Array.from({ length: 6 }, () => jobs.start(run, 'nap', { ms: 3000, list: [1, 2], of: { b: 1, a: 2 } })));
    expect(new Set(starts.map((s) => s.job.job))).toEqual(new Set(['nap-001']));
    expect(starts.filter((s) => !s.existing)).toHaveLength(1);
    expect((await jobs.start(run, 'nap', { of: { a: 2, b: 1 }, list: [1, 2], ms: 3000 })).existing).toBe(true);
    expect((await jobs.start(run, 'nap', { ms: 3000, list: [2, 1], of: { a: 2, b: 1 } })).job.job).toBe('nap-002');
  });

  it('is found again when it has ended: a new start is a new job', async () => {
    const first = await jobs.start(run, 'nap', { ms: 1 });
    await wait(first.job.job);
    expect((await jobs.start(run, 'nap', { ms: 1 })).job.job).toBe('nap-002');
    expect((await jobs.list(run)).map((j) => j.job)).toEqual(['nap-001', 'nap-002']);
  });

  it('outlives the process that started it, killed with -9', async () => {
    const script = `import { makeConfig } from ${JSON.stringify(join(import.meta.dirname, '../../dist/config.js'))};
      import { openHost } from ${JSON.stringify(join(import.meta.dirname, '../../dist/host/host.js'))};
      import { Jobs } from ${JSON.stringify(join(import.meta.dirname, '../../dist/jobs/jobs.js'))};
      import { Runs } from ${JSON.stringify(join(import.meta.dirname, '../../dist/runs/runs.js'))};
      const host = openHost(makeConfig({ runsDir: ${JSON.stringify(join(dir, 'runs'))}, entry: ${JSON.stringify(entry)} }, '0', process.env, ${JSON.stringify(dir)}));
      await new Jobs(host).start(await new Runs(host).open(${JSON.stringify(run.id)}), 'nap', { ms: 1500 });
      console.log('started'); setTimeout(() => {}, 60000);`;
    const server = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => server.stdout.once('data', resolve));
    server.kill('SIGKILL');
    expect(await wait('nap-001')).toMatchObject({ state: 'completed', result: { slept_ms: 1500 } });
  });

  it('whose worker is killed with -9 is lost, names what it left, and cancel ends that', async () => {
    const { job } = await jobs.start(run, 'stubborn', {});
    await stage(job.job, 'holding');
    const state = await readJob(jobDir(run, job.job));
    process.kill(state.worker?.pid ?? 0, 'SIGKILL');
    const lost = await wait(job.job);
    expect(lost).toMatchObject({ state: 'lost', error: { code: 'E_JOB_LOST' } });
    expect(lost.left.filter((l) => l.includes('sleep'))).toHaveLength(2);
    const ended = await jobs.cancel(run, job.job, 500);
    expect(ended).toMatchObject({ state: 'lost', left: [] });
    expect(await processesOf({ group: state.worker?.pid, mark: jobMarkOf(run.id, job.job) })).toEqual([]);
  });

  it('cancelled ends gracefully where it listens', async () => {
    const { job } = await jobs.start(run, 'nap', { ms: 60_000 });
    await stage(job.job, 'napping');
    expect(await jobs.cancel(run, job.job, 5000)).toMatchObject({ state: 'cancelled', left: [] });
  });

  it('cancelled ends hard where it does not listen, grandchildren that left the group included', async () => {
    const { job } = await jobs.start(run, 'stubborn', {});
    await stage(job.job, 'holding');
    const state = await readJob(jobDir(run, job.job));
    expect(await processesOf({ group: state.worker?.pid, mark: jobMarkOf(run.id, job.job) })).toHaveLength(3);
    expect(await jobs.cancel(run, job.job, 300)).toMatchObject({ state: 'cancelled', left: [] });
    expect(await processesOf({ group: state.worker?.pid, mark: jobMarkOf(run.id, job.job) })).toEqual([]);
  });

  it('an aborted wait ends the wait, never the job', async () => {
    const { job } = await jobs.start(run, 'nap', { ms: 1500 });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    const state = await jobs.wait(run, job.job, { waitMs: 20_000, signal: controller.signal, progress: () => undefined });
    expect(state.state).toBe('working');
    expect((await wait(job.job)).state).toBe('completed');
  });

  it('whose worker does not even start is lost at once', async () => {
    const broken = openHost(makeConfig({ runsDir: join(dir, 'runs'), entry: join(dir, 'no-such-entry.js') }, '0', { PATH: process.env['PATH'] }, dir));
    const { job } = await new Jobs(broken).start(run, 'nap', { ms: 1 });
    expect(job).toMatchObject({ state: 'lost', error: { code: 'E_JOB_LOST' } });
    expect((await jobs.logTail(run, job.job, 20)).join(' ')).toContain('no-such-entry.js');
  });

  it('is never read half-written', async () => {
    const { job } = await jobs.start(run, 'chatty', { times: 150 });
    let reads = 0;
    for (;;) {
      const state = await readJob(jobDir(run, job.job));
      reads += 1;
      if (state.state !== 'working') break;
      await sleep(1);
    }
    expect(reads).toBeGreaterThan(50);
  });
});

describe('identity of a process', () => {
  it('a living pid with another start time is not the worker: the job is lost', async () => {
    const { job } = await jobs.start(run, 'nap', { ms: 1 });
    await wait(job.job);
    const self = await identify(process.pid);
    const state = await readJob(jobDir(run, job.job));
    const path = join(jobDir(run, job.job), 'job.json');
    await writeFile(path, JSON.stringify({ ...state, state: 'working', ended_at: null, worker: { ...self, start_ticks: (self?.start_ticks ?? 0) - 1 } }));
    expect((await jobs.look(run, job.job)).state).toBe('lost');
    await writeFile(path, JSON.stringify({ ...state, state: 'working', ended_at: null, worker: { ...self, boot_id: 'another-boot' } }));
    expect((await jobs.look(run, job.job)).state).toBe('lost');
  });
  it('a zombie does not live', async () => {
    const parent = spawn('bash', ['-c', 'sleep 0 & echo $!; exec sleep 5'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const pid = Number(await new Promise<string>((resolve) => parent.stdout.once('data', (d: Buffer) => resolve(d.toString()))));
    await sleep(200);
    expect((await processStat(pid))?.state).toBe('Z');
    expect(await identify(pid)).toBeNull();
    parent.kill();
  });
  it('a job file that is damaged or absent says so', async () => {
    await expect(jobs.look(run, 'nap-009')).rejects.toMatchObject({ code: 'E_JOB_MISSING' });
    const { job } = await jobs.start(run, 'nap', { ms: 1 });
    await wait(job.job);
    await writeFile(join(jobDir(run, job.job), 'job.json'), '{"job":');
    await expect(jobs.look(run, job.job)).rejects.toMatchObject({ code: 'E_JOB_BROKEN' });
    expect(await jobs.list(run)).toEqual([]);
  });
});

describe('a starter that died between the state and the worker', () => {
  it('is made good by the retried start: the same job gets its worker', async () => {
    const { job } = await jobs.start(run, 'nap', { ms: 1 });
    await wait(job.job);
    const path = join(jobDir(run, job.job), 'job.json');
    const before = JSON.parse(await readFile(path, 'utf8'));
    // As the dead starter left it, longer ago than a start takes.
    await writeFile(path, JSON.stringify({ ...before, state: 'working', stage: 'starting', worker: null, ended_at: null, result: null, started_at: '2026-01-01T00:00:00.000Z' }));
    const again = await jobs.start(run, 'nap', { ms: 1 });
    expect([again.job.job, again.existing]).toEqual(['nap-001', true]);
    expect(await wait('nap-001')).toMatchObject({ state: 'completed', result: { slept_ms: 1 } });
    expect((await jobs.list(run)).map((j) => j.job)).toEqual(['nap-001']);
  });
});
