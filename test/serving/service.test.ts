import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processesOf } from '../../server/host/processes.js';
import { Jobs, jobDir, jobMarkOf, readJob } from '../../server/jobs/jobs.js';
import type { Run } from '../../server/runs/runs.js';
import { verifyRun } from '../../server/runs/verify.js';
import { servingDerivations } from '../../server/serving/derive.js';
import { heldNow } from '../../server/serving/leases.js';
import { serviceStart, serviceStop } from '../../server/serving/tools.js';
import { ServiceHost, script } from '../helpers/service-host.js';
import { tempFolder } from '../helpers/temp.js';

let h: ServiceHost;
let run: Run;
beforeEach(async () => {
  h = await ServiceHost.make(await tempFolder());
  run = await h.run();
});
afterEach(async () => {
  for (const job of await new Jobs(h.host).list(run)) await h.call(serviceStop, { job: `${run.id}/${job.job}`, grace_s: 0 });
});

const start = (args: object = {}) => h.call(serviceStart, { run: run.id, framework: 'xllm', model_path: h.model, device_count: 1, ...args });
const stop = (args: object = {}) => h.call(serviceStop, { run: run.id, ...args });
const state = (job = 'service-001') => readJob(jobDir(run, job));
const record = async (job = 'service-001') => JSON.parse(await readFile(join(run.dir, 'service', job, 'service.json'), 'utf8'));
const alive = (job = 'service-001') => processesOf({ mark: jobMarkOf(run.id, job) });
/** A worker lives for a moment behind its last word. */
const until = async (test: () => Promise<boolean>) => {
  for (let i = 0; i < 200; i += 1) {
    if (await test()) return;
    await sleep(50);
  }
  throw new Error('did not happen in 10 s');
};

describe('a service', () => {
  it('is ready after a real answer, with memory from its log, its manifest filled and every byte derived again', async () => {
    await h.behave({ env_file: true });
    const a = await start({ device_count: 2, env_json: '{"HCCL_BUFFSIZE":"300","HF_TOKEN":"cAnArY551212"}', args_json: '{"max_memory_utilization":0.86}' });
    expect(a.verdict).toBe('ready');
    expect(a.facts.memory).toMatchObject({ kv_blocks: 1010, token_capacity: 1009 * 128, kv_cache_bytes: 35.5 * 1024 ** 3 });
    expect(a.facts.devices).toEqual([0, 1]);
    const manifest = await run.manifest();
    expect(manifest.service).toMatchObject({ framework: 'xllm', prefix_cache: true, profiling_mode: false, tuned: true });
    expect(manifest.service.command).toHaveLength(2);
    expect(manifest.provenance['service.command']).toMatchObject({ how: 'captured', by: 'service_start' });
    expect([manifest.environment.devices, manifest.model.dtype]).toEqual([[0, 1], 'bfloat16']);

    // Each rank got what its script says, no more.
    for (const rank of [0, 1]) {
      const seen = JSON.parse(await readFile(join(h.model, `env-${rank}.json`), 'utf8'));
      const script = await readFile(join(run.dir, `service/service-001/command_rank_${rank}.sh`), 'utf8');
      expect(seen.argv).toEqual(a.facts.command[rank].split(' ').slice(1));
      expect(seen.env).toMatchObject({ ASCEND_RT_VISIBLE_DEVICES: '0,1', HCCL_BUFFSIZE: '300', HF_TOKEN: 'cAnArY551212' });
      expect(seen.env.PROFILING_MODE).toBeUndefined();
      for (const name of Object.keys(seen.env)) if (!['XLLM_NPU_JOB', 'XLLM_NPU_RANK', 'PWD', 'SHLVL', '_', 'OLDPWD'].includes(name)) expect(script).toMatch(new RegExp(`^ {2}'?${name}=`, 'm'));
      expect(seen.cwd).toBe(join(run.dir, 'service/service-001/work'));
      expect(script).not.toContain('cAnArY');
    }
    expect(JSON.stringify(await state())).not.toContain('cAnArY');

    // The same request again is the same job; another one is not.
    const again = await start({ device_count: 2, args_json: '{"max_memory_utilization":0.86}', env_json: '{"HF_TOKEN":"cAnArY551212","HCCL_BUFFSIZE":"300"}' });
    expect([again.verdict, again.facts.job]).toEqual(['ready', a.facts.job]);

    expect((await verifyRun(run, h.host, servingDerivations)).facts).toMatchObject({ violations: [], hash_mismatches: [], recomputed_equal: true });
    expect((await heldNow(h.host, null)).ports.has(a.facts.ports.http[0])).toBe(true);
    const s = await stop();
    expect(s.verdict).toBe('stopped');
    expect(s.facts).toMatchObject({ leftovers: [], released_hbm: [{ device: 0, released_mb: 20_000, back: true }, { device: 1, released_mb: 20_000, back: true }] });
    await until(async () => (await alive()).length === 0);
    expect(await record()).toMatchObject({ outcome: 'ended', incident: null, end: { cause: 'stopped' } });
    // The raw logs are in the ledger with their hash now, and the record comes out the same from them.
    expect([...(await run.files()).keys()]).toEqual(expect.arrayContaining(['service/service-001/node_0.log', 'service/service-001/node_1.log']));
    expect((await verifyRun(run, h.host, servingDerivations)).facts).toMatchObject({ violations: [], hash_mismatches: [], recomputed_equal: true });
    expect((await stop()).verdict).toBe('already_stopped');
    expect((await heldNow(h.host, null)).ports.has(a.facts.ports.http[0])).toBe(false);
  });

  it('two at once get other devices and other ports; stopping one leaves the other', async () => {
    const [a, b] = await Promise.all([start({ device_count: 2 }), start({ device_count: 2, args_json: '{"max_seqs_per_batch":8}' })]);
    expect([a.verdict, b.verdict]).toEqual(['ready', 'ready']);
    expect([...a.facts.devices, ...b.facts.devices].sort()).toEqual([0, 1, 2, 3]);
    expect(new Set([a.facts.endpoint, b.facts.endpoint]).size).toBe(2);
    const [aMaster, bMaster] = [a.facts.ports.master, b.facts.ports.master].sort((x, y) => x[0] - y[0]);
    expect(aMaster[1]).toBeLessThan(bMaster[0]);
    await expect(start({ device_count: 1 })).resolves.toMatchObject({ verdict: 'failed', warnings: expect.arrayContaining([expect.objectContaining({ code: 'E_DEVICE_BUSY' })]) });
    expect((await stop({ job: a.facts.job })).verdict).toBe('stopped');
    expect((await fetch(`${b.facts.endpoint}/health`)).status).toBe(200);
  });

  it('under profiling has the mode set, recorded, and stale sockets of dead processes removed', async () => {
    await h.behave({ env_file: true });
    const home = join(h.dir, 'home');
    await writeFile(join(home, `dynamic_profiling_socket_${process.pid}`), '');
    await writeFile(join(home, 'dynamic_profiling_socket_4194300'), '');
    await writeFile(join(home, 'dynamic_profiling_socket_x'), '');
    expect((await start({ profiling: true })).verdict).toBe('ready');
    expect(JSON.parse(await readFile(join(h.model, 'env-0.json'), 'utf8')).env.PROFILING_MODE).toBe('dynamic');
    expect((await run.manifest()).service.profiling_mode).toBe(true);
    expect((await record()).profiling_mode).toBe(true);
    expect((await readdir(home)).sort()).toEqual([`dynamic_profiling_socket_${process.pid}`, 'dynamic_profiling_socket_x'].sort());
  });

  it('is not ready while health says 200 and completions fail; it is once one is answered', async () => {
    await h.behave({ completion: 'broken' });
    const a = await start({ ready_timeout_s: 4 });
    expect(a).toMatchObject({ verdict: 'failed', facts: { incident: { pattern: 'no-answer' } } });
    expect(a.warnings).toEqual(expect.arrayContaining([expect.objectContaining({ code: 'E_SERVICE_FAILED' })]));
    await h.behave({ completion: 'empty' });
    expect((await start({ ready_timeout_s: 3 })).verdict).toBe('failed');
    await h.behave({ completion: 'broken-twice' });
    expect((await start({ ready_timeout_s: 20 })).verdict).toBe('ready');
  });

  it("is not ready because somebody else's server answers on its port", async () => {
    await h.behave({ silent: [0] });
    const other = createServer((q, r) => r.end(q.url === '/v1/models' ? '{"data":[{"id":"x"}]}' : '{"choices":[{"message":{"content":"hello"}}]}'));
    // The port is free at planning and taken afterwards.
    const starting = start({ ready_timeout_s: 6, port: 18_734 });
    await until(async () => (await alive()).length > 1);
    await new Promise<void>((resolve) => other.listen(18_734, '127.0.0.1', resolve));
    const b = await starting;
    other.close();
    expect(b.verdict).toBe('failed');
  });

  it('a port that is in use is refused at planning', async () => {
    const other = createServer(() => undefined);
    await new Promise<void>((resolve) => other.listen(18_735, '127.0.0.1', resolve));
    const a = await start({ port: 18_735 });
    other.close();
    expect(a.warnings).toEqual(expect.arrayContaining([expect.objectContaining({ code: 'E_PORT_BUSY' })]));
    await until(async () => (await alive()).length === 0);
  });
});

describe('what the start proves', () => {
  it('the source tree of a built binary: commit, dirty, its diff kept; programs named in the repository are not run', async () => {
    const repo = join(h.dir, 'repo');
    await mkdir(join(repo, 'build'), { recursive: true });
    await script(join(repo, 'build/xllm'), `exec '${join(h.dir, 'bin/xllm')}' "$@"`);
    await writeFile(join(repo, 'a.cpp'), 'int a;\n');
    const git = (...args: string[]) => execFileSync('git', ['-C', repo, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { encoding: 'utf8' });
    git('init', '-q', '-b', 'work');
    git('add', '.');
    git('commit', '-q', '-m', 'first');
    await writeFile(join(repo, 'a.cpp'), 'int b;\n');
    await script(join(h.dir, 'evil'), `touch '${h.dir}/pwned'`);
    git('config', 'core.fsmonitor', join(h.dir, 'evil'));
    git('config', 'diff.external', join(h.dir, 'evil'));
    const a = await start({ program: join(repo, 'build/xllm') });
    expect(a.verdict).toBe('ready');
    expect(a.facts.command[0]).toMatch(new RegExp(`^${join(repo, 'build/xllm')} `));
    const diff = await readFile(join(run.dir, 'service/service-001/code.diff'), 'utf8');
    expect(diff).toContain('+int b;');
    const head = execFileSync('git', ['-C', repo, 'rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
    expect((await run.manifest()).code).toEqual({ repo, branch: 'work', commit: head, dirty: true, diff_sha256: createHash('sha256').update(diff).digest('hex') });
    expect(await readdir(h.dir)).not.toContain('pwned');
  });

  it('a free command runs as given, with its port told, and is stopped like any other', async () => {
    const server = join(h.dir, 'server');
    await script(server, `exec '${process.execPath}' -e 'require("http").createServer((q,r)=>r.end(q.url==="/v1/models"?JSON.stringify({data:[{id:"m"}]}):JSON.stringify({choices:[{text:process.argv.slice(1).join(" ")}],usage:{completion_tokens:1}}))).listen(process.env.PORT,"127.0.0.1")' -- "$@"`);
    const a = await h.call(serviceStart, { run: run.id, framework: 'command', model_path: h.model, args_json: JSON.stringify([server, '$(id)', "it's"]) });
    expect(a.verdict).toBe('ready');
    expect(a.facts).toMatchObject({ devices: [], memory: null });
    const text = (await (await fetch(`${a.facts.endpoint}/v1/completions`, { method: 'POST', body: '{}' })).json()) as { choices: { text: string }[] };
    expect(text.choices[0]?.text).toBe("$(id) it's");
    expect(await stop()).toMatchObject({ verdict: 'stopped', facts: { released_hbm: null, leftovers: [] } });
  });
});

describe('a service that fails', () => {
  it('because a rank stays silent: after the timeout that rank is named and nothing is left', async () => {
    await h.behave({ silent: [2] });
    const a = await start({ device_count: 4, ready_timeout_s: 6 });
    expect(a.verdict).toBe('failed');
    expect(a.facts.incident).toMatchObject({ rank: 2, pattern: 'silent-rank', file: null, line: null });
    expect(a.facts.left).toEqual([]);
    await until(async () => (await alive()).length === 0);
    expect(await record()).toMatchObject({ outcome: 'failed', end: { cause: 'timeout' }, incident: { rank: 2 } });
  });

  it('names the line that came first by the clock, not the rank that ended first', async () => {
    // Rank 1's clock-stamped line is earlier than rank 0's although it is written later, and rank 0 ends first.
    await h.behave({
      silent: [0, 1],
      fatal: [
        { rank: 0, after_ms: 800, text: 'Failed, HCCL error.', exit: 1 },
        { rank: 1, after_ms: 900, clock_ms: -5000, text: 'NPU out of memory. Tried to allocate 2.00 GiB' },
      ],
    });
    const a = await start({ device_count: 2 });
    expect(a.verdict).toBe('failed');
    expect(a.facts.incident).toMatchObject({ rank: 1, class: 'hbm-oom', pattern: 'npu-oom', line: 1, file: 'service/service-001/node_1.log' });
    expect((await state()).error?.seen).toContain('rank 0 ended before it was ready');
    expect((await state()).error?.seen).not.toContain('Tried to allocate');
    await until(async () => (await alive()).length === 0);
    const { facts, verdict } = await verifyRun(run, h.host, servingDerivations);
    expect([verdict, facts.recomputed_equal]).toEqual(['complete', true]);
  });

  it('while it serves: failed with its incident, the other ranks ended', async () => {
    await h.behave({ crash_after_ms: 2500 });
    const a = await start({ device_count: 2 });
    expect(a.verdict).toBe('ready');
    await until(async () => (await state()).state === 'failed');
    expect((await state()).error).toMatchObject({ code: 'E_SERVICE_FAILED', seen: expect.stringContaining('while it was serving') });
    expect(await record()).toMatchObject({ outcome: 'failed', ready_at: expect.any(String), end: { cause: 'exit', rank: 0, code: 134 }, incident: { rank: 0, pattern: 'check-failed' } });
    await until(async () => (await alive()).length === 0);
  });

  it('whose worker is killed with -9 is lost; service_stop ends the ranks and writes the last record', async () => {
    expect((await start({ device_count: 2 })).verdict).toBe('ready');
    process.kill((await state()).worker?.pid ?? 0, 'SIGKILL');
    await until(async () => (await new Jobs(h.host).look(run, 'service-001')).state === 'lost');
    expect(await alive()).toHaveLength(2);
    // The devices are not given away while the ranks live.
    await expect(start({ devices: [0], args_json: '{"block_size":64}' })).resolves.toMatchObject({ verdict: 'failed', warnings: expect.arrayContaining([expect.objectContaining({ code: 'E_DEVICE_BUSY' })]) });
    const s = await stop({ job: `${run.id}/service-001` });
    expect(s).toMatchObject({ verdict: 'stopped', facts: { leftovers: [], jobs: [{ before: 'lost', after: 'lost' }] } });
    await until(async () => (await alive()).length === 0);
    expect(await record()).toMatchObject({ outcome: 'lost', end: { cause: 'lost' } });
  });
});

describe('stopping', () => {
  it('is graceful where the ranks listen: their last words are in the log', async () => {
    await start({ device_count: 2 });
    expect((await stop()).verdict).toBe('stopped');
    for (const rank of [0, 1]) expect(await readFile(join(run.dir, `service/service-001/node_${rank}.log`), 'utf8')).toContain('Application shutdown complete.');
  });
  it('is hard where they do not', async () => {
    await h.behave({ stubborn: [1] });
    await start({ device_count: 2 });
    const s = await stop({ grace_s: 1 });
    expect(s).toMatchObject({ verdict: 'stopped', facts: { leftovers: [] } });
    expect(await readFile(join(run.dir, 'service/service-001/node_1.log'), 'utf8')).not.toContain('shutdown complete');
    expect((await state()).state).toBe('cancelled');
    expect((await record()).outcome).toBe('ended');
  });
  it('says what is still held: a port taken over by somebody else', async () => {
    const a = await start();
    const port = a.facts.ports.http[0];
    // A process outside the job that listens on the port as soon as it is free.
    const other = spawn(process.execPath, ['-e', `const go=()=>require('net').createServer().on('error',()=>setTimeout(go,10)).listen(${port},'127.0.0.1');go();setTimeout(()=>process.exit(),20000)`], { stdio: 'ignore' });
    const s = await stop();
    other.kill('SIGKILL');
    expect(s).toMatchObject({ verdict: 'failed', facts: { leftovers: [expect.stringContaining(`port ${port}`)] } });
  });
  it('refuses what is no service', async () => {
    await expect(stop()).rejects.toMatchObject({ code: 'E_JOB_MISSING' });
    await expect(h.call(serviceStop, {})).rejects.toMatchObject({ code: 'E_ARG_MISSING' });
    await expect(h.call(serviceStop, { job: `${run.id}/../x` })).rejects.toMatchObject({ code: 'E_JOB_MISSING' });
    await expect(h.call(serviceStop, { job: `${run.id}/bench-001` })).rejects.toMatchObject({ code: 'E_JOB_MISSING' });
  });
});
