import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeConfig, type Config } from '../../server/config.js';
import type { ToolOk } from '../../server/contract/index.js';
import { processesOf } from '../../server/host/processes.js';
import { jobWait } from '../../server/loop/job-tools.js';
import { runCreate } from '../../server/loop/tools.js';
import type { Tool } from '../../server/mcp/define.js';
import { serviceStart, serviceStop } from '../../server/serving/tools.js';
import { installSim } from '../../server/sim/install.js';
import { writeDemoFiles } from '../../server/sim/demo.js';
import { RawClient } from '../helpers/stdio.js';
import { tempFolder } from '../helpers/temp.js';

// The tools against the simulated host: what an agent sees of each fault, and what is left of it.
const entry = join(import.meta.dirname, '../../dist/main.js');
let dir = '';
let model = '';
beforeAll(async () => {
  dir = await tempFolder();
  model = writeDemoFiles(join(dir, 'model')).modelFolder;
});

/** A simulated host with its faults, in a folder of its own. */
class SimHost {
  readonly config: Config;
  readonly runsDir: string;
  run = '';

  private constructor(readonly name: string, hostFile: string) {
    const home = join(dir, name);
    this.runsDir = join(home, 'runs');
    const env = { PATH: process.env['PATH'], HOME: home, XLLM_NPU_SIM_SPEED: '20' };
    const config = makeConfig({ runsDir: this.runsDir, allow: [dir], sim: hostFile, entry }, '0', env, home);
    const installed = installSim(join(this.runsDir, '.sim'), hostFile, { entry: join(import.meta.dirname, '../../dist/sim/main.js'), path: process.env['PATH'] ?? '' });
    this.config = { ...config, env: { ...env, ...installed.env } };
  }

  static async with(name: string, faults: readonly (object | string)[], count = 2): Promise<SimHost> {
    const file = join(dir, `${name}.json`);
    await writeFile(file, JSON.stringify({ chip: 'Ascend910B3', count, seed: 3, faults }));
    const { mkdir } = await import('node:fs/promises');
    await mkdir(join(dir, name), { recursive: true });
    const host = new SimHost(name, file);
    host.run = String((await host.call(runCreate, { purpose: name, level: 'smoke' })).facts['run']);
    return host;
  }

  call(tool: Tool, args: object): Promise<ToolOk> {
    return tool.invoke(args, { config: this.config, signal: new AbortController().signal, progress: () => undefined });
  }

  start(more: object = {}): Promise<ToolOk> {
    return this.call(serviceStart, { run: this.run, framework: 'xllm', model_path: model, device_count: 2, ready_timeout_s: 40, ...more });
  }

  async settled(job: unknown): Promise<ToolOk> {
    for (;;) {
      const state = await this.call(jobWait, { job, wait_s: 20 });
      if (state.verdict !== 'working') return state;
    }
  }

  async ask(endpoint: unknown, maxTokens = 16): Promise<string> {
    const answer = await fetch(`${String(endpoint)}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'Qwen3-8B', messages: [{ role: 'user', content: 'Tell me about the city.' }], max_tokens: maxTokens, ignore_eos: true }),
      signal: AbortSignal.timeout(15_000),
    }).catch(() => null);
    return answer === null ? '' : await answer.text();
  }

  /** The job's own worker takes a moment to go after its last word. */
  async gone(): Promise<void> {
    await expect.poll(() => this.orphans(), { timeout: 10_000 }).toBe(0);
  }

  /** Processes of this host that still live: by the state folder they carry in their environment. */
  async orphans(): Promise<number> {
    let count = 0;
    for (const pid of (await readdir('/proc')).filter((n) => /^\d+$/.test(n))) {
      const environ = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      if (environ.includes(`XLLM_NPU_SIM_STATE=${join(this.runsDir, '.sim', 'state')}`)) count += 1;
    }
    return count;
  }
}

const hosts: SimHost[] = [];
/** Whole facts in the message: a start that fails says why. */
function expectVerdict(result: ToolOk, verdict: string): void {
  expect(result.verdict, JSON.stringify(result.facts)).toBe(verdict);
}

async function simHost(name: string, faults: readonly (object | string)[], count = 2): Promise<SimHost> {
  const host = await SimHost.with(name, faults, count);
  hosts.push(host);
  return host;
}
afterAll(async () => {
  for (const host of hosts) await host.call(serviceStop, { run: host.run, grace_s: 1 }).catch(() => undefined);
});

describe('a fault at start ends in failed, with the rank and line that came first, and nothing left', () => {
  it.each([
    ['oom-at-load', { name: 'oom-at-load', rank: 1 }, 1, /memory/i],
    ['port-in-use', { name: 'port-in-use' }, 0, /port/i],
    ['missing-rank', { name: 'missing-rank', rank: 1 }, 1, /./],
    ['d-state-load', { name: 'd-state-load', rank: 0 }, null, /./],
  ])('%s', async (name, fault, rank, meaning) => {
    const host = await simHost(name, [fault]);
    const result = await host.start({ ready_timeout_s: 12 });
    expectVerdict(result, 'failed');
    const incident = result.facts['incident'] as { rank: number | null; meaning: string; class: string } | null;
    expect(incident).not.toBeNull();
    if (rank !== null) expect(incident?.rank).toBe(rank);
    expect(incident?.meaning).toMatch(meaning);
    await host.gone();
  });
});

describe('a fault while serving ends the job in failed, on the right rank, and nothing left', () => {
  it.each([
    ['aicore-exception', { name: 'aicore-exception', rank: 1, after: 30 }, 1],
    ['oom-at-runtime', { name: 'oom-at-runtime', rank: 0, after: 30 }, 0],
    ['crash-after-n', { name: 'crash-after-n', after: 2 }, 0],
    ['hccl-timeout', { name: 'hccl-timeout', rank: 1, after: 30 }, null],
  ])('%s', async (name, fault, rank) => {
    const host = await simHost(name, [fault]);
    const started = await host.start();
    expectVerdict(started, 'ready');
    for (let i = 0; i < 4; i++) await host.ask(started.facts['endpoint'], 48);
    const state = await host.settled(started.facts['job']);
    expectVerdict(state, 'failed');
    const incident = (state.facts['result'] as { incident: { rank: number | null } }).incident;
    expect(incident).not.toBeNull();
    if (rank !== null) expect(incident.rank).toBe(rank);
    await host.gone();
  });
});

describe('a fault that leaves the service up', () => {
  it.each(['slow-rank', 'host-bound', 'garbled-output', 'accuracy-drop', 'mtp-regression', 'graph-capture-in-window', 'hang'])('%s: ready, and stopped without a trace', async (name) => {
    const host = await simHost(name, [name === 'hang' ? { name, after: 20 } : name]);
    const started = await host.start();
    expectVerdict(started, 'ready');
    const stopped = await host.call(serviceStop, { run: host.run, grace_s: 2 });
    expectVerdict(stopped, 'stopped');
    expect(stopped.facts['leftovers']).toEqual([]);
    await host.gone();
  });

  it('device-alarm: the card is not chosen', async () => {
    const host = await simHost('device-alarm', [{ name: 'device-alarm', rank: 0 }], 3);
    const planned = await host.start({ dry_run: true });
    expect(planned.facts['devices']).toEqual([1, 2]);
  });
  it('stale-process: the card is not chosen, and too few idle cards say which and why', async () => {
    const host = await simHost('stale-process', [{ name: 'stale-process', rank: 1 }], 3);
    expect((await host.start({ dry_run: true })).facts['devices']).toEqual([0, 2]);
    await expect(host.start({ device_count: 3, dry_run: true })).rejects.toMatchObject({ code: 'E_DEVICE_BUSY' });
  });
});

describe('again and again', () => {
  it('50 starts and stops, two at a time, leave no process, no port, no memory and no lease', async () => {
    const host = await simHost('cycles', [], 2);
    const one = async (i: number): Promise<void> => {
      const started = await host.start({ device_count: 1, env_json: JSON.stringify({ CYCLE: String(i) }) });
      expectVerdict(started, 'ready');
      const stopped = await host.call(serviceStop, { job: started.facts['job'], grace_s: 5 });
      expect([stopped.verdict, stopped.facts['leftovers']]).toEqual(['stopped', []]);
    };
    for (let i = 0; i < 50; i += 2) await Promise.all([one(i), one(i + 1)]);
    await host.gone();
    const leases = join(tmpdir(), `xllm-npu-leases-${userInfo().uid}`);
    const mine = (await Promise.all((await readdir(leases)).filter((n) => n.endsWith('.json')).map((n) => readFile(join(leases, n), 'utf8').catch(() => '')))).filter((text) => text.includes(host.runsDir));
    expect(mine).toEqual([]);
    const next = await host.start({ device_count: 2 });
    expect(next.facts['devices']).toEqual([0, 1]);
    await host.call(serviceStop, { run: host.run });
  }, 400_000);
});

describe('a client that goes away', () => {
  it('in the middle of service_start finds its job again with the same request', async () => {
    const host = await simHost('disconnect', []);
    const args = ['--runs-dir', host.runsDir, '--allow', dir, '--sim', join(dir, 'disconnect.json'), 'mcp'];
    const env = { PATH: process.env['PATH'], HOME: join(dir, 'disconnect'), XLLM_NPU_SIM_SPEED: '2' };
    const request = { run: host.run, framework: 'xllm', model_path: model, device_count: 2, ready_timeout_s: 60 };
    const first = new RawClient(args, dir, env);
    await first.initialize('2025-11-25');
    first.send({ id: 2, method: 'tools/call', params: { name: 'service_start', arguments: request } });
    const jobs = join(host.runsDir, host.run, 'jobs');
    // A folder without a state is not a job yet: nothing was started, and nothing would be found.
    await expect.poll(() => readdir(join(jobs, 'service-001')).then((l) => l.includes('job.json'), () => false), { timeout: 30_000 }).toBe(true);
    first.child.kill('SIGKILL');

    const second = new RawClient(args, dir, env);
    await second.initialize('2025-11-25');
    const again = await second.request(3, 'tools/call', { name: 'service_start', arguments: request });
    expect(again.result?.['structuredContent']).toMatchObject({ verdict: 'ready', facts: { job: `${host.run}/service-001` } });
    expect(await readdir(jobs)).toEqual(['service-001']);
    const stop = await second.request(4, 'tools/call', { name: 'service_stop', arguments: { run: host.run } });
    expect(stop.result?.['structuredContent']).toMatchObject({ verdict: 'stopped' });
    await second.close();
    expect(await processesOf({ mark: `${host.run}/service-001` })).toEqual([]);
  });
});
