import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { readProfile } from '../../server/profiles/read.js';
import { ProfilingClient, profilingSocketPath } from '../../server/sim/profiling-socket.js';
import { captureFromSteps } from '../../server/sim/step-capture.js';
import { writeCapture } from '../../server/sim/write.js';
import { tempFolder, testHost } from '../helpers/temp.js';
import { judge } from '../pipeline/make.js';
import type { Judged } from '../../server/pipeline/render.js';
import { chat, qwen06, ready, simulate, startXllm, until, type Service } from './helpers.js';

const dir = await tempFolder();
const host = testHost(dir);
const running: Service[] = [];
afterAll(() => {
  for (const s of running) for (const r of s.ranks) r.kill('SIGKILL');
});

/** Starts a service with a fault, captures it under load as the simulated msprof does, and analyses what was exported. */
async function analysed(name: string, faults: readonly unknown[], world: number, wide: boolean, flags: readonly string[] = []): Promise<Judged> {
  const sim = simulate(join(dir, name), { chip: 'Ascend910B3', count: 4, seed: 5, faults }, wide ? { XLLM_NPU_SIM_SPEED: '1' } : {});
  // Few wide layers: steps of some ms, against which the delays of a busy test machine are small. Many small ones: launches matter.
  if (wide) writeFileSync(join(sim.model, 'config.json'), JSON.stringify({ ...qwen06, hidden_size: 8192, num_hidden_layers: 8, num_attention_heads: 64, num_key_value_heads: 8, intermediate_size: 28672 }));
  const service = await startXllm(sim, world, flags, { PROFILING_MODE: 'dynamic' });
  running.push(service);
  await ready(service);
  const home = sim.env['HOME'] ?? '';
  await until(() => service.ranks.every((r) => existsSync(profilingSocketPath(home, r.pid))));
  const clients = await Promise.all(
    service.ranks.map(async (r) => {
      const connected = await ProfilingClient.connect(home, r.pid);
      if (connected === null) throw new Error('not connected');
      return connected.client;
    }),
  );
  for (const c of clients) await c.ask('start');
  await chat(service.url, 'Tell me.', { max_tokens: 16, ignore_eos: true });
  await sleep(50);
  const folders: string[] = [];
  for (const [i, c] of clients.entries()) {
    const { capture } = await c.ask('stop');
    c.close();
    if (capture === undefined) throw new Error('no capture');
    const folder = join(dir, `${name}-prof`, String(i));
    await writeCapture(folder, captureFromSteps(capture, { level: 'l1', aicMetrics: null, flags: {} }), ['msprof-db']);
    folders.push(folder);
  }
  return judge(await readProfile(folders, host));
}

it('a service whose host launches too slowly is host-bound, by its launches', async () => {
  const { verdict, findings, analysis } = await analysed('host', ['host-bound'], 1, false);
  expect(verdict.class).toBe('host-bound');
  expect(findings.map((f) => f.id)).toContain('host-bound-launch');
  // One prompt and fifteen or sixteen more tokens: a step each.
  expect(Math.abs(analysis.steps.count - 16)).toBeLessThanOrEqual(1);
}, 60_000);

it('a slow rank is named, and the same service without the fault has none', async () => {
  const slow = await analysed('slow', [{ name: 'slow-rank', rank: 1 }], 2, true, ['--enable_schedule_overlap=true']);
  expect([slow.verdict.class, slow.analysis.skew.skew?.slowest_rank]).toEqual(['rank-skewed', 1]);
  expect(slow.findings.find((f) => f.id === 'slow-rank')?.value).toBe(1);
  const plain = await analysed('plain', [], 2, true, ['--enable_schedule_overlap=true']);
  expect(plain.analysis.skew.skew?.slowest_rank ?? null).toBeNull();
  expect(plain.verdict.class).not.toBe('rank-skewed');
}, 60_000);
