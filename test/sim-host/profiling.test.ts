import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { tempFolder } from '../helpers/temp.js';
import { installSim } from '../../server/sim/install.js';
import { ProfilingClient, profilingSocketPath, type ServiceCapture } from '../../server/sim/profiling-socket.js';
import { chat, ready, simulate, startXllm, until, vars, type Service, type Simulated } from './helpers.js';

const dir = await tempFolder();
const running: Service[] = [];
afterAll(() => {
  for (const s of running) for (const r of s.ranks) r.kill('SIGKILL');
});

async function profiled(name: string, faults: readonly unknown[], world: number, flags: readonly string[] = []): Promise<{ sim: Simulated; service: Service }> {
  const sim = simulate(join(dir, name), { chip: 'Ascend910B3', count: 4, seed: 5, faults });
  const service = await startXllm(sim, world, flags, { PROFILING_MODE: 'dynamic' });
  running.push(service);
  await ready(service);
  await until(() => service.ranks.every((r) => existsSync(profilingSocketPath(sim.env['HOME'] ?? '', r.pid))));
  return { sim, service };
}

async function attach(sim: Simulated, pid: number): Promise<ProfilingClient> {
  const connected = await ProfilingClient.connect(sim.env['HOME'] ?? '', pid);
  expect(connected?.answer).toEqual({ ok: true, pid });
  if (connected === null) throw new Error('not connected');
  return connected.client;
}

async function capture(sim: Simulated, service: Service, load: () => Promise<unknown>): Promise<ServiceCapture[]> {
  const clients = await Promise.all(service.ranks.map((r) => attach(sim, r.pid)));
  for (const c of clients) expect(await c.ask('start')).toEqual({ ok: true });
  await load();
  // The last step is told to the other ranks just before it is over.
  await sleep(50);
  const answers = await Promise.all(clients.map((c) => c.ask('stop')));
  for (const c of clients) {
    expect(await c.ask('quit')).toEqual({ ok: true });
    c.close();
  }
  return answers.map((a) => {
    if (a.capture === undefined) throw new Error('no capture');
    return a.capture;
  });
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const decode = (c: ServiceCapture): ServiceCapture['steps'] => c.steps.filter((s) => s.phase === 'decode');

describe('dynamic profiling', () => {
  it('hands over the steps that ran, whole and in order, to one client per process', async () => {
    const { sim, service } = await profiled('plain', [], 1, ['--enable_graph=true']);
    const pid = service.ranks[0]?.pid ?? 0;
    const client = await attach(sim, pid);
    expect((await ProfilingClient.connect(sim.env['HOME'] ?? '', pid))?.answer).toEqual({ ok: false, code: 'busy' });
    expect(await client.ask('stop')).toEqual({ ok: false, code: 'not-started' });
    await chat(service.url, 'before', { max_tokens: 5, ignore_eos: true });
    expect(await client.ask('start')).toEqual({ ok: true });
    expect(await client.ask('start')).toEqual({ ok: false, code: 'started' });
    const before = await vars(service.url);
    const answer = await chat(service.url, 'Something else.', { max_tokens: 40, ignore_eos: true });
    const after = await vars(service.url);
    const { capture: taken } = await client.ask('stop');
    client.close();
    expect(taken).toMatchObject({ simulated: true, framework: 'xllm', pid, rank: 0, world_size: 1, device: 0, chip: 'Ascend910B3', tp: 1, graph_enabled: true });
    const steps = taken?.steps ?? [];
    expect(steps.filter((s) => s.phase === 'prefill').map((s) => s.prefillTokens)).toEqual([answer.json.usage.prompt_tokens]);
    // The prompt's step gives the first token, each other step one more.
    expect(steps.filter((s) => s.phase === 'decode' && s.graph && s.decodeTokens === 1)).toHaveLength(39);
    for (const [i, step] of steps.entries()) {
      expect(BigInt(step.start_ns)).toBeGreaterThanOrEqual(BigInt(taken?.started_ns ?? 0));
      const next = steps[i + 1];
      if (next !== undefined) expect(BigInt(next.start_ns)).toBeGreaterThanOrEqual(BigInt(step.start_ns) + BigInt(Math.floor(step.duration_us * 1000)));
    }
    const seconds = (after['engine_latency_seconds'] ?? 0) - (before['engine_latency_seconds'] ?? 0);
    expect(seconds).toBeCloseTo(steps.reduce((s, x) => s + x.duration_us + x.hostGap_us, 0) / 1e6, 4);
    // Weights alone take 1.192 GB at 1.6 TB/s: no decode step can beat 745 µs.
    expect(Math.min(...decode(taken as ServiceCapture).map((s) => s.compute_us))).toBeGreaterThan(745);
    expect(mean(decode(taken as ServiceCapture).map((s) => s.compute_us))).toBeLessThan(3 * 745);
  });

  it('shows a slow rank as compute time there and waiting elsewhere', async () => {
    const { sim, service } = await profiled('slow', [{ name: 'slow-rank', rank: 1 }], 2);
    const [fast, slow] = await capture(sim, service, () => chat(service.url, 'x', { max_tokens: 30, ignore_eos: true }));
    if (fast === undefined || slow === undefined) throw new Error('two captures');
    expect(slow.rank).toBe(1);
    expect(slow.compute_factor).toBeCloseTo(1.4);
    const common = fast.steps.filter((s) => slow.steps.some((o) => o.index === s.index));
    expect(common.length).toBeGreaterThan(20);
    for (const step of common) {
      const other = slow.steps.find((s) => s.index === step.index);
      expect((other?.compute_us ?? 0) / step.compute_us).toBeCloseTo(1.4);
      expect(step.compute_us + step.commWait_us).toBeCloseTo(other?.compute_us ?? 0);
      expect(other?.commWait_us).toBe(0);
      expect(step.start_ns).toBe(other?.start_ns);
    }
  });

  it('shows a host that cannot launch fast enough', async () => {
    const { sim, service } = await profiled('host', ['host-bound'], 1);
    const [bound] = await capture(sim, service, () => chat(service.url, 'x', { max_tokens: 8, ignore_eos: true }));
    for (const step of bound?.steps ?? []) {
      expect(step.launch_us).toBeGreaterThan(2 * (step.compute_us + step.communication_us));
      expect(step.duration_us).toBeGreaterThanOrEqual(step.launch_us);
    }
  });

  it('offers no socket without PROFILING_MODE', async () => {
    const sim = simulate(join(dir, 'off'));
    const service = await startXllm(sim, 1);
    running.push(service);
    await ready(service);
    expect(await ProfilingClient.connect(sim.env['HOME'] ?? '', service.ranks[0]?.pid ?? 0)).toBeNull();
  });
});

describe('installation', () => {
  it('is the same twice, replaces the host file whole, and keeps the PATH behind its own folder', () => {
    const folder = join(dir, 'installed');
    const options = { entry: '/nowhere/it\'s/main.js', path: '/usr/bin' };
    const first = installSim(folder, true, options);
    const file = join(first.bin, 'xllm');
    const { mtimeMs, ino } = statSync(file);
    expect(statSync(file).mode & 0o777).toBe(0o755);
    expect(readFileSync(file, 'utf8')).toContain(`'/nowhere/it'\\''s/main.js' xllm "$@"`);
    const second = installSim(folder, true, options);
    expect([statSync(file).mtimeMs, statSync(file).ino]).toEqual([mtimeMs, ino]);
    expect(second.env).toEqual(first.env);
    expect(first.env['PATH']).toBe(`${first.bin}:/usr/bin`);
    const described = join(dir, 'd.json');
    writeFileSync(described, JSON.stringify({ chip: '910B4', count: 2, framework: 'xllm' }));
    const third = installSim(folder, described, options);
    expect(third.host.chip.soc).toBe('Ascend910B4');
    expect(JSON.parse(readFileSync(join(folder, 'host.json'), 'utf8'))).toMatchObject({ chip: '910B4' });
  });
});
