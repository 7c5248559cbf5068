import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { check } from '../../server/contract/index.js';
import { processesOf } from '../../server/host/processes.js';
import { jobMarkOf } from '../../server/jobs/jobs.js';
import { readProfile } from '../../server/profiles/read.js';
import { ProfilingClient } from '../../server/sim/profiling-socket.js';
import { makeDecodeCapture } from '../../server/sim/llm-capture.js';
import { writeCapture } from '../../server/sim/write.js';
import { ProfiledHost } from '../helpers/profiled-host.js';
import { tempFolder } from '../helpers/temp.js';
import { ofTask } from '../helpers/tasks.js';

let bed: ProfiledHost;
let dir: string;
beforeAll(async () => {
  dir = await tempFolder();
  bed = await ProfiledHost.make(dir);
});
afterAll(() => bed.end());

/** Long enough that a test can act while the window is open. */
const slow = { phase: 'decode', output_tokens: 400, parallel: 1, warmup_batches: 0, input_tokens: 4 };
const quick = { phase: 'decode', output_tokens: 60, parallel: 2, warmup_batches: 1, input_tokens: 4 };

async function opCount(path: string, opType: string): Promise<number> {
  const profile = await readProfile([path], bed.host);
  let count = 0;
  for (let i = 0; i < profile.tasks.length; i += 1) if (profile.strings.get(ofTask(profile.tasks, 'opType', i)) === opType) count += 1;
  return count;
}

describe('a capture', () => {
  it('holds exactly the steps the service ran between start and stop, and is found by the analysis', async () => {
    const service = await bed.service();
    const run = await bed.run();
    const { state, record } = await bed.capture(run, { pid: service.pid, endpoint: service.endpoint, ...quick });
    expect(state).toMatchObject({ state: 'completed', left: [], result: { verdict: 'complete', reasons: [] } });
    const stop = (await service.seen()).find((e) => e.event === 'stop');
    expect(stop?.steps).toBeGreaterThan(20);
    // One sampling kernel per step.
    expect(await opCount(String(state.result?.['path']), 'ArgMaxV2')).toBe(stop?.steps);
    expect(check('capture-record', record)).toMatchObject({ ok: true });
    expect(record).toMatchObject({ simulated: true, tool: 'msprof', pids: [service.pid], verdict: 'complete', acks: [{ event: 'start-ok' }, { event: 'stop-ok' }, { event: 'quit-ok' }] });
    expect([record.attached_at, record.started_at, record.stopped_at, record.detached_at]).toEqual([record.attached_at, record.started_at, record.stopped_at, record.detached_at].sort());
    const manifest = await run.manifest();
    expect(manifest.notes.join(' ')).toContain(record.attached_at);
    const files = [...(await run.files()).keys()];
    expect(files).toContain('profiling/profile-001/capture.json');
    expect(files.some((f) => /PROF_\w+\/msprof_\d{14}\.db$/.test(f))).toBe(true);
  });

  it('of prefill starts behind the warm-up, loads long prompts for one token, and only while it collects', async () => {
    const service = await bed.service();
    const run = await bed.run();
    const { state } = await bed.capture(run, { pid: service.pid, endpoint: service.endpoint, phase: 'prefill', input_tokens: 300, parallel: 2, batches: 2, warmup_batches: 1 });
    expect(state.result).toMatchObject({ verdict: 'complete', requests: 4, events: 4 });
    const seen = (await service.seen()).filter((e) => e.event !== 'listening');
    expect(seen.map((e) => e.event)).toEqual(['request', 'request', 'start', 'request', 'request', 'request', 'request', 'stop']);
    const requests = seen.filter((e) => e.event === 'request');
    expect(requests.every((r) => r.words === 300 && r.max === 1)).toBe(true);
    // A shared beginning would let a prefix cache answer in the place of the prefill.
    expect(new Set(requests.map((r) => r.prompt)).size).toBe(requests.length);
  });

  it('of decode opens behind the first tokens: no prefill step is inside', async () => {
    const service = await bed.service();
    const run = await bed.run();
    const { record } = await bed.capture(run, { pid: service.pid, endpoint: service.endpoint, ...quick });
    const prof = record.folders[0].path;
    const raw = JSON.parse(await readFile(join(run.dir, prof, 'device_0/data/sim_steps.json'), 'utf8'));
    expect(new Set(raw.capture.steps.map((s: { phase: string }) => s.phase))).toEqual(new Set(['decode']));
    expect(record.workload.during).toMatchObject({ requests: 2, failed: 0 });
  });

  it('attaches to the processes below the given one that opened a socket, with one msprof', async () => {
    const first = await bed.service({ rank: 0, world: 2, device: 0 });
    const second = await bed.service({ rank: 1, world: 2, device: 1 });
    const run = await bed.run();
    const record = {
      schema: 'service-record', schema_version: '1.0.0', producer: { name: 'test', version: '0' }, created_at: '2026-01-01T00:00:00Z', simulated: true, source: [],
      job: 'service-001', framework: 'xllm', framework_version: null, outcome: 'ready', endpoint: first.endpoint, place: { kind: 'local', host: null, container: null }, command: [],
      ranks: [first, second].map((s, rank) => ({ rank, pid: s.pid, devices: [rank], port: null, log: 'x' })), ports: { http: [1, 2], master: null, hccl_base: null }, devices: [0, 1],
      profiling_mode: true, prefix_cache: null, started_at: '2026-01-01T00:00:00Z', ready_at: null, ended_at: null, check: null, memory: null, graph: null, backend: null, end: null, incident: null,
    };
    await mkdir(join(run.dir, 'service/service-001'), { recursive: true });
    const put = (change: object): Promise<void> => writeFile(join(run.dir, 'service/service-001/service.json'), JSON.stringify({ ...record, ...change }));
    await put({});
    const { state, record: capture } = await bed.capture(run, { service_job: 'service-001', ...quick });
    expect(state.result).toMatchObject({ verdict: 'complete', folders: 2 });
    expect(capture).toMatchObject({ simulated: true, service_job: `${run.id}/service-001`, pids: [first.pid, second.pid].sort((a, b) => a - b) });
    expect(capture.command.filter((c: string[]) => c.includes('--dynamic=on'))).toHaveLength(1);
    expect((await run.manifest()).simulated).toBe(true);

    await put({ profiling_mode: false });
    await expect(bed.start(run, { service_job: 'service-001', backend: 'msprof', ...quick })).rejects.toMatchObject({ code: 'E_PROFILE_ATTACH', next: expect.stringContaining('profiling: true') });
    await put({ place: { kind: 'docker', host: null, container: 'c' } });
    await expect(bed.start(run, { service_job: 'service-001', ...quick })).rejects.toMatchObject({ code: 'E_PROFILE_ATTACH' });
    await put({ outcome: 'ended' });
    await expect(bed.start(run, { service_job: 'service-001', ...quick })).rejects.toMatchObject({ code: 'E_PROFILE_ATTACH' });
  });

  it('works with an msprof that takes one pid and does not repeat it', async () => {
    const older = await ProfiledHost.make(await tempFolder());
    await older.msprof(`exec '${process.execPath}' '${join(import.meta.dirname, '../helpers/older-msprof.mjs')}' "$@"`);
    const first = await older.service({ rank: 0, world: 1 });
    const child = await older.service({ rank: 0, world: 1, device: 1 });
    const run = await older.run();
    await mkdir(join(run.dir, 'service/service-001'), { recursive: true });
    await writeFile(join(run.dir, 'service/service-001/service.json'), JSON.stringify({
      schema: 'service-record', schema_version: '1.0.0', producer: { name: 'test', version: '0' }, created_at: '2026-01-01T00:00:00Z', simulated: false, source: [],
      job: 'service-001', framework: 'xllm', framework_version: null, outcome: 'ready', endpoint: first.endpoint, place: { kind: 'local', host: null, container: null }, command: [],
      ranks: [first, child].map((s, rank) => ({ rank, pid: s.pid, devices: [rank], port: null, log: 'x' })), ports: { http: [1, 2], master: null, hccl_base: null }, devices: [0, 1],
      profiling_mode: true, prefix_cache: null, started_at: '2026-01-01T00:00:00Z', ready_at: null, ended_at: null, check: null, memory: null, graph: null, backend: null, end: null, incident: null,
    }));
    const { state, record } = await older.capture(run, { service_job: 'service-001', phase: 'mixed', input_tokens: 8, output_tokens: 8, parallel: 1, batches: 1 });
    older.end();
    expect(state.result).toMatchObject({ verdict: 'complete', folders: 2 });
    expect(record.command.filter((c: string[]) => c.includes('--dynamic=on'))).toHaveLength(2);
  });
});

describe('a capture that cannot begin', () => {
  it('is refused when the service has no PROFILING_MODE, no socket, or is not there, each with its mend', async () => {
    const run = await bed.run();
    const plain = await bed.service({}, {});
    await expect(bed.start(run, { pid: plain.pid, endpoint: plain.endpoint, ...quick })).rejects.toMatchObject({ code: 'E_PROFILE_ATTACH', next: expect.stringContaining('PROFILING_MODE=dynamic') });
    const bare = await bed.service({ noSocket: true });
    await expect(bed.start(run, { pid: bare.pid, endpoint: bare.endpoint, ...quick })).rejects.toMatchObject({ code: 'E_PROFILE_ATTACH', seen: expect.stringContaining('socket') });
    await expect(bed.start(run, { pid: 4_194_303, endpoint: plain.endpoint, ...quick })).rejects.toMatchObject({ code: 'E_PROFILE_ATTACH' });
    const elsewhere = await bed.service({}, { PROFILING_MODE: 'dynamic', HOME: dir });
    await expect(bed.start(run, { pid: elsewhere.pid, endpoint: elsewhere.endpoint, ...quick })).rejects.toMatchObject({ code: 'E_PROFILE_ATTACH', seen: expect.stringContaining('HOME') });
    expect((await bed.jobs().list(run)).length).toBe(0);
  });

  it('fails while another client is attached, and leaves that one alone', async () => {
    const service = await bed.service();
    const other = await ProfilingClient.connect(bed.home, service.pid);
    expect((await other?.client.ask('start'))?.ok).toBe(true);
    const { state, record } = await bed.capture(await bed.run(), { pid: service.pid, endpoint: service.endpoint, ...quick, warmup_batches: 0 });
    expect(state).toMatchObject({ state: 'failed', error: { code: 'E_PROFILE_ATTACH', seen: expect.stringContaining('another profiler') } });
    expect(record).toMatchObject({ verdict: 'inconclusive', started_at: null });
    expect((await other?.client.ask('stop'))?.capture).toBeDefined();
    other?.client.close();
  });

  it('fails when the process has set no device', async () => {
    const service = await bed.service({ noDevice: true });
    const { state } = await bed.capture(await bed.run(), { pid: service.pid, endpoint: service.endpoint, ...quick });
    expect(state).toMatchObject({ state: 'failed', error: { code: 'E_PROFILE_ATTACH', seen: expect.stringContaining('has set no device') }, left: [] });
    // Nobody is attached any more.
    const next = await ProfilingClient.connect(bed.home, service.pid);
    expect(next?.answer.ok).toBe(true);
    next?.client.close();
  });

  it('refuses arguments that do not fit together', async () => {
    const run = await bed.run();
    const endpoint = 'http://127.0.0.1:1';
    await expect(bed.start(run, { phase: 'decode', endpoint })).rejects.toMatchObject({ code: 'E_ARG_MISSING' });
    await expect(bed.start(run, { phase: 'decode', pid: 1 })).rejects.toMatchObject({ code: 'E_ARG_MISSING' });
    await expect(bed.start(run, { phase: 'decode', pid: 1, service_job: 'service-001', endpoint })).rejects.toMatchObject({ code: 'E_ARG_CONFLICT' });
    await expect(bed.start(run, { phase: 'decode', pid: 1, endpoint, batches: 2 })).rejects.toMatchObject({ code: 'E_ARG_CONFLICT' });
    await expect(bed.start(run, { phase: 'decode', pid: 1, endpoint, output_tokens: 5 })).rejects.toMatchObject({ code: 'E_ARG_CONFLICT' });
    await expect(bed.start(run, { phase: 'decode', pid: 1, endpoint: 'http://u:p@h' })).rejects.toMatchObject({ code: 'E_ARG_TYPE' });
    await expect(bed.start(run, { phase: 'decode', pid: 1, endpoint: 'file:///etc/passwd' })).rejects.toMatchObject({ code: 'E_ARG_TYPE' });
    await expect(bed.start(run, { phase: 'decode', service_job: '../x' })).rejects.toMatchObject({ code: 'E_JOB_MISSING' });
  });

  it('fails when every warm-up request does, before anything is attached', async () => {
    const service = await bed.service({ failAfter: 0 });
    const { state, record } = await bed.capture(await bed.run(), { pid: service.pid, endpoint: service.endpoint, ...quick });
    expect(state).toMatchObject({ state: 'failed', error: { code: 'E_SERVICE_FAILED', seen: expect.stringContaining('500') } });
    expect(record).toBeNull();
    expect((await service.seen()).some((e) => e.event === 'start')).toBe(false);
  });
});

describe('a dry run', () => {
  it('gives the exact commands and starts nothing', async () => {
    const service = await bed.service();
    const run = await bed.run();
    const planned = await bed.start(run, { pid: service.pid, endpoint: `${service.endpoint}/v1/`, phase: 'prefill', aic_metrics: 'Memory', dry_run: true });
    expect(planned).toMatchObject({ verdict: 'planned', facts: { job: null, backend: 'msprof', pids: [service.pid], endpoint: service.endpoint } });
    expect(planned.facts.command[0]).toEqual(expect.arrayContaining([join(dir, 'bin/msprof'), '--dynamic=on', `--pid=${service.pid}`, '--aic-metrics=Memory', '--task-time=l1', '--ascendcl=on']));
    expect(planned.facts.command.map((c: string[]) => c[1])).toEqual(['--dynamic=on', '--export=on', '--analyze=on']);
    expect(await bed.jobs().list(run)).toEqual([]);
    expect((await service.seen()).filter((e) => e.event !== 'listening')).toEqual([]);
  });
});

describe('a capture that goes wrong is inconclusive', () => {
  /** Starts a slow capture and waits until the service collects. */
  async function midway(): Promise<{ run: Awaited<ReturnType<ProfiledHost['run']>>; job: string; service: Awaited<ReturnType<ProfiledHost['service']>>; mark: string }> {
    const service = await bed.service({ tokenMs: 60 });
    const run = await bed.run();
    const { facts } = await bed.start(run, { pid: service.pid, endpoint: service.endpoint, ...slow });
    const job = String(facts.job).split('/')[1] ?? '';
    while (!(await service.seen()).some((e) => e.event === 'start')) await new Promise((resolve) => setTimeout(resolve, 30));
    return { run, job, service, mark: jobMarkOf(run.id, job) };
  }
  const recordOf = async (run: { dir: string }, job: string): Promise<any> => JSON.parse(await readFile(join(run.dir, `profiling/${job}/capture.json`), 'utf8'));
  const msprofs = async (mark: string, worker: number): Promise<number[]> => (await processesOf({ mark })).filter((p) => p.pid !== worker).map((p) => p.pid);

  it('when msprof is killed in the middle; nothing of it is left', async () => {
    const { run, job, service, mark } = await midway();
    const worker = await bed.worker(run, job);
    const pids = await msprofs(mark, worker);
    expect(pids.length).toBeGreaterThan(0);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    const state = await bed.wait(run, job);
    expect(state).toMatchObject({ state: 'completed', left: [], result: { verdict: 'inconclusive' } });
    const codes = (await recordOf(run, job)).reasons.map((r: { code: string }) => r.code);
    expect(codes).toEqual(expect.arrayContaining(['profiler-ended', 'capture-not-stopped', 'export-failed']));
    expect(await msprofs(mark, worker)).toEqual([]);
    expect((await service.seen()).some((e) => e.event === 'dropped')).toBe(true);
  });

  it('when the service ends in the middle', async () => {
    const { run, job, service } = await midway();
    service.child.kill('SIGKILL');
    const state = await bed.wait(run, job);
    expect(state.result).toMatchObject({ verdict: 'inconclusive' });
    expect((await recordOf(run, job)).reasons.map((r: { code: string }) => r.code)).toEqual(expect.arrayContaining(['service-ended', 'workload-failed']));
  });

  it('when it is cancelled: collection stopped, msprof out, record written', async () => {
    const { run, job, service, mark } = await midway();
    const state = await bed.jobs().cancel(run, job, 10_000);
    expect(state).toMatchObject({ state: 'cancelled', left: [] });
    expect((await service.seen()).map((e) => e.event)).toContain('stop');
    expect(await recordOf(run, job)).toMatchObject({ verdict: 'inconclusive', acks: expect.arrayContaining([expect.objectContaining({ event: 'quit-ok' })]), reasons: [{ code: 'cancelled' }] });
    expect(await msprofs(mark, 0)).toEqual([]);
    const next = await ProfilingClient.connect(bed.home, service.pid);
    expect(next?.answer.ok).toBe(true);
    next?.client.close();
  });

  it('and when its worker is killed, the job is lost, msprof goes with it, and the service is free again', async () => {
    const { run, job, service, mark } = await midway();
    process.kill(await bed.worker(run, job), 'SIGKILL');
    expect((await bed.wait(run, job)).state).toBe('lost');
    expect((await bed.jobs().cancel(run, job, 500)).left).toEqual([]);
    expect(await processesOf({ mark })).toEqual([]);
    const next = await ProfilingClient.connect(bed.home, service.pid);
    expect(next?.answer.ok).toBe(true);
    next?.client.close();
  });

  it('when the export writes nothing, or ends with an error', async () => {
    const other = await ProfiledHost.make(await tempFolder());
    const service = await other.service();
    const args = { pid: service.pid, endpoint: service.endpoint, ...quick };
    await other.msprof('case "$*" in *--export=on*) echo done; exit 0;; *) eval exec "$SIM" \'"$@"\';; esac');
    const nothing = await other.capture(await other.run(), args);
    expect(nothing.state.result).toMatchObject({ verdict: 'inconclusive', reasons: [{ code: 'export-missing' }] });
    await other.msprof('case "$*" in *--export=on*) echo "[ERROR] no space" ; exit 7;; *) eval exec "$SIM" \'"$@"\';; esac');
    const run = await other.run();
    const failed = await other.capture(run, args);
    other.end();
    expect(failed.record.reasons.map((r: { code: string }) => r.code)).toEqual(['export-failed', 'export-missing']);
    expect(await readFile(join(run.dir, 'profiling/profile-001/msprof_export.log'), 'utf8')).toContain('no space');
  });

  it('when the requests end before the window holds enough, or fail in it', async () => {
    // The answer ends after four tokens, whatever was asked: at most three are left when the window opens.
    const service = await bed.service({ endAfter: 4 });
    const short = await bed.capture(await bed.run(), { pid: service.pid, endpoint: service.endpoint, phase: 'decode', output_tokens: 60, parallel: 1, warmup_batches: 0 });
    expect(short.record.verdict).toBe('inconclusive');
    expect(['workload-too-short', 'workload-failed']).toContain(short.record.reasons[0].code);
    const failing = await bed.service({ failAfter: 1 });
    const failed = await bed.capture(await bed.run(), { pid: failing.pid, endpoint: failing.endpoint, phase: 'mixed', parallel: 1, output_tokens: 4, batches: 1 });
    expect(failed.record).toMatchObject({ verdict: 'inconclusive', reasons: [{ code: 'workload-failed' }], workload: { during: { requests: 1, failed: 1 } } });
  });
});

describe('the profiler inside the service', () => {
  async function torchService(options: object): Promise<Awaited<ReturnType<ProfiledHost['service']>>> {
    const out = join(dir, `torch-${Math.random().toString(36).slice(2)}`);
    await mkdir(out);
    return bed.service({ torchDir: out, ...options }, {}, ['--profiler-config', JSON.stringify({ profiler: 'torch', torch_profiler_dir: out })]);
  }
  it('is switched over HTTP around the load, and its profile lies in the run root', async () => {
    const { capture } = makeDecodeCapture({ layers: 1, steps: 2 });
    const written = await writeCapture(join(dir, 'made'), capture, ['torch-text']);
    const service = await torchService({ torchFrom: written.processes[0]?.torch });
    const run = await bed.run();
    const { state, record } = await bed.capture(run, { pid: service.pid, endpoint: service.endpoint, phase: 'prefill', input_tokens: 8, parallel: 1, batches: 1, warmup_batches: 1 });
    expect(state.result).toMatchObject({ verdict: 'complete', tool: 'torch' });
    expect((await service.seen()).map((e) => e.event)).toEqual(['listening', 'request', '/start_profile', 'request', '/stop_profile']);
    expect(record.folders).toMatchObject([{ exported: true }]);
    expect(existsSync(join(run.dir, record.folders[0].path, 'ASCEND_PROFILER_OUTPUT/kernel_details.csv'))).toBe(true);
    expect((await readProfile([String(state.result?.['path'])], bed.host)).tasks.length).toBeGreaterThan(0);
  });
  it('that is not there says with which flag to start the service', async () => {
    const service = await torchService({ torchStatus: 404 });
    const { state } = await bed.capture(await bed.run(), { pid: service.pid, endpoint: service.endpoint, backend: 'torch', phase: 'prefill', input_tokens: 8, parallel: 1, warmup_batches: 0 });
    expect(state).toMatchObject({ state: 'failed', error: { code: 'E_PROFILE_ATTACH', next: expect.stringContaining('--profiler-config') } });
    const without = await bed.service({}, {});
    await expect(bed.start(await bed.run(), { pid: without.pid, endpoint: without.endpoint, backend: 'torch', phase: 'prefill' })).rejects.toMatchObject({ code: 'E_PROFILE_ATTACH', next: expect.stringContaining('--profiler-config') });
  });
  it('that leaves no profile is inconclusive', async () => {
    const service = await torchService({});
    const run = await bed.run();
    const { record } = await bed.capture(run, { pid: service.pid, endpoint: service.endpoint, phase: 'prefill', input_tokens: 8, parallel: 1, batches: 1, warmup_batches: 0 }).catch(() => ({ record: null }));
    expect(record).toMatchObject({ verdict: 'inconclusive', reasons: [{ code: 'no-capture-folder' }] });
    expect(await readdir(join(run.dir, 'profiling/profile-001'))).toEqual(['capture.json']);
  }, 120_000);
});
