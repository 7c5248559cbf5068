import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeConfig } from '../../server/config.js';
import { openHost, type Host } from '../../server/host/host.js';
import { Jobs } from '../../server/jobs/jobs.js';
import { readProfile } from '../../server/profiles/read.js';
import { profileStart } from '../../server/profiling/capture/tools.js';
import { Runs } from '../../server/runs/runs.js';
import { installSim } from '../../server/sim/install.js';
import { tempFolder } from '../helpers/temp.js';
import { byTask, ofTask } from '../helpers/tasks.js';

const model = { model_type: 'qwen3', architectures: ['Qwen3ForCausalLM'], hidden_size: 1024, num_hidden_layers: 4, num_attention_heads: 16, num_key_value_heads: 8, head_dim: 128, intermediate_size: 3072, vocab_size: 4096, max_position_embeddings: 40960, torch_dtype: 'bfloat16' };
const layers = 4;
const slowBy = 1.4;
let host: Host;
let config: ReturnType<typeof makeConfig>;
let service: ChildProcess;
const endpoint = 'http://127.0.0.1:18231';

beforeAll(async () => {
  const dir = await tempFolder();
  for (const name of ['home', 'model']) await mkdir(join(dir, name));
  await writeFile(join(dir, 'model/config.json'), JSON.stringify(model));
  await writeFile(join(dir, 'host.json'), JSON.stringify({ chip: 'Ascend910B3', count: 2, seed: 4, faults: ['slow-rank'] }));
  const sim = installSim(join(dir, 'sim'), join(dir, 'host.json'), { entry: join(import.meta.dirname, '../../dist/sim/main.js'), path: process.env['PATH'] ?? '' });
  const env = { ...sim.env, HOME: join(dir, 'home'), XLLM_NPU_SIM_SPEED: '10' };
  const rank = (r: number): string => `xllm --model=${join(dir, 'model')} --port=${18231 + r} --master_node_addr=127.0.0.1:19331 --nnodes=2 --node_rank=${r} --enable_schedule_overlap=true >/dev/null 2>&1 &`;
  service = spawn('bash', ['-c', `${rank(0)} ${rank(1)} wait`], { env: { ...env, PROFILING_MODE: 'dynamic' }, stdio: 'ignore', detached: true });
  config = makeConfig({ runsDir: join(dir, 'runs'), allow: [dir], entry: join(import.meta.dirname, '../helpers/profile-entry.mjs') }, '0', env, dir);
  host = openHost(config);
  for (let i = 0; i < 300; i += 1) {
    if ((await fetch(`${endpoint}/v1/models`).catch(() => null))?.ok === true) return;
    await sleep(100);
  }
  throw new Error('the simulated service did not come up');
});
afterAll(() => {
  try {
    process.kill(-(service.pid ?? 0), 'SIGKILL');
  } catch {
    // Gone already.
  }
});

describe('the simulated service under the simulated msprof', () => {
  it('gives one folder per rank with the steps it ran meanwhile, and its slow rank shows in them', async () => {
    const run = await new Runs(host).create({ purpose: 'sim', level: 'smoke' }, { tool: 'test', input: {} });
    const started = await profileStart.invoke({ run: run.id, pid: service.pid, endpoint, phase: 'decode', input_tokens: 32, output_tokens: 400, parallel: 1, warmup_batches: 1 }, { config, signal: new AbortController().signal, progress: () => undefined });
    expect(started.facts['pids']).toHaveLength(2);
    const state = await new Jobs(host).wait(run, 'profile-001', { waitMs: 100_000, signal: new AbortController().signal, progress: () => undefined });
    expect(state).toMatchObject({ state: 'completed', left: [], result: { verdict: 'complete', folders: 2, reasons: [] } });
    const record = JSON.parse(await readFile(join(run.dir, 'profiling/profile-001/capture.json'), 'utf8'));
    expect(record).toMatchObject({ simulated: true, workload: { during: { requests: 1, failed: 0 } } });

    const metrics = await readFile(join(run.dir, 'profiling/profile-001/service-metrics.txt'), 'utf8');
    expect(Number(/^num_used_blocks : (\d+)/m.exec(metrics)?.[1])).toBeGreaterThan(0);

    const computing: { device: number; us: number }[] = [];
    for (const { path } of record.folders) {
      const device = await readFile(join(run.dir, path, 'device_0/data/sim_steps.json'), 'utf8').then(() => 0, () => 1);
      const { capture } = JSON.parse(await readFile(join(run.dir, path, `device_${device}/data/sim_steps.json`), 'utf8'));
      const indices: number[] = capture.steps.map((s: { index: number }) => s.index);
      // Every step between the first and the last, and with one request about one answer per step.
      expect(indices).toEqual(indices.map((_, i) => indices[0]! + i));
      expect(indices.length).toBeGreaterThanOrEqual(record.workload.during.events - 5);
      const profile = await readProfile([join(run.dir, path)], host);
      const ends = profile.strings.find('ArgMaxV2');
      expect(byTask(profile.tasks, 'opType').filter((o) => o === ends)).toHaveLength(indices.length);
      expect(profile.commOps?.length).toBe(indices.length * 2 * layers);
      let us = 0;
      profile.tasks.durationNs.forEach((ns, i) => (us += (ofTask(profile.tasks, 'opType', i)) > 0 ? ns / 1000 : 0));
      const recorded = capture.steps.reduce((sum: number, s: { compute_us: number }) => sum + s.compute_us, 0);
      expect(us / recorded).toBeCloseTo(1, 2);
      computing.push({ device, us: us / indices.length });
    }
    const of = (device: number): number => computing.find((c) => c.device === device)?.us ?? Number.NaN;
    expect(of(1) / of(0)).toBeCloseTo(slowBy, 1);
  }, 150_000);
});
