import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findClient } from '../../server/benchmark/run/client.js';
import { benchRunDerivations } from '../../server/benchmark/run/derive.js';
import { benchJobs } from '../../server/benchmark/run/job.js';
import { readRequest, type StartArgs } from '../../server/benchmark/run/request.js';
import { check, type PerfMetrics } from '../../server/contract/index.js';
import { openHost } from '../../server/host/host.js';
import { Runs } from '../../server/runs/runs.js';
import { Bed } from '../benchmark-run/helpers.js';
import { tempFolder } from '../helpers/temp.js';

// The real evalscope against the simulated service. `npm run test:real` installs it and names its folder.
const bin = process.env['XLLM_NPU_TEST_EVALSCOPE'];

describe.runIf(bin !== undefined)('the real evalscope', { timeout: 400_000 }, () => {
  let bed: Bed;
  let run = '';
  let endpoint = '';
  beforeAll(async () => {
    bed = await Bed.open(await tempFolder(), { path: bin ?? '' });
    run = await bed.run('real evalscope');
    endpoint = await bed.service(run);
  }, 200_000);
  afterAll(() => bed.close(), 60_000);

  const measure = async (job: string, args: Omit<StartArgs, 'endpoint' | 'client'>): Promise<{ result: Record<string, unknown>; stages: string[] }> => {
    const ctx = await bed.context(run, job);
    const kind = benchJobs['bench'];
    if (kind === undefined) throw new Error('no such job kind');
    return { result: await kind({ ...(await readRequest({ endpoint, client: 'evalscope', ...args }, openHost(bed.config))) }, ctx), stages: ctx.stages };
  };
  const metricsOf = async (path: string): Promise<PerfMetrics> => {
    const { dir } = await new Runs(openHost(bed.config)).open(run);
    const checked = check('perf-metrics', JSON.parse(await readFile(join(dir, path), 'utf8')));
    if (!checked.ok) throw new Error(checked.problems.join('; '));
    return checked.value;
  };

  it('is found with its version', async () => {
    const client = await findClient('evalscope', openHost(bed.config));
    expect(client.version).toMatch(/^\d+\.\d+/);
  });

  it('measures a load: the service counted exactly the requests asked, warm-up apart, and the numbers hold together', async () => {
    const { result } = await measure('bench-001', { model: 'Qwen3-8B', parallel: [2], number: [20], input_tokens: 32, output_tokens: 16, warmup: 2 });
    expect(result).toMatchObject({ client: 'evalscope', service_job: 'service-001', passes: 1 });
    const metrics = await metricsOf('perf/bench-001/parallel_2_number_20/metrics.json');
    const point = metrics.points[0];
    expect(point).toMatchObject({ success: 20, failed: 0, number: 20, parallel: 2, warmup: 2, stream: true, graph_captures: 0, repeated_prompts: false, sampling: { temperature: 0, ignore_eos: true }, output_tokens: { mean: 16 } });
    expect(metrics).toMatchObject({ simulated: true, incomplete: [] });
    const { dir } = await new Runs(openHost(bed.config)).open(run);
    const pass: { window_seen: boolean; before: { counters: Record<string, number> }; after: { counters: Record<string, number> } } = JSON.parse(await readFile(join(dir, 'perf/bench-001/parallel_2_number_20/raw/pass.json'), 'utf8'));
    expect(pass.window_seen).toBe(true);
    // Little's law: in a closed loop requests in flight = throughput × latency.
    const inFlight = (point?.request_tps ?? 0) * ((point?.e2el_ms.mean ?? 0) / 1000);
    expect(inFlight).toBeGreaterThan(1.6);
    expect(inFlight).toBeLessThanOrEqual(2.01);
    // An answer is its first token and fifteen steps.
    expect((point?.ttft_ms.mean ?? 0) + 15 * (point?.tpot_ms.mean ?? 0)).toBeCloseTo(point?.e2el_ms.mean ?? 0, 0);
  });

  it('comes out the same from the raw files', async () => {
    const host = openHost(bed.config);
    const root = await new Runs(host).open(run);
    const event = (await root.events()).find((e) => e.derive?.by === 'bench-pass');
    const file = (await benchRunDerivations['bench-pass']?.(event?.derive?.params ?? {}, host, root.dir))?.files[0];
    expect(file?.schema).toBe('perf-metrics');
    expect(await metricsOf(file?.path ?? '')).toMatchObject(typeof file?.body === 'object' ? file.body : { never: true });
  });

  // xLLM refuses a stream with status 200 and a text; evalscope 1.14.1 calls that four successes at 125 requests per second.
  it('a run in which every request failed is failed, though evalscope ends with code 0', async () => {
    const failed = await measure('bench-002', { model: 'no-such-model', parallel: [2], number: [4], input_tokens: 8, output_tokens: 4, warmup: 0 }).catch((e: unknown) => e);
    expect(failed).toMatchObject({ code: 'E_SERVICE_FAILED' });
    const { points } = await metricsOf('perf/bench-002/parallel_2_number_4/metrics.json');
    expect(points[0]).toMatchObject({ success: 0, ttft_ms: { mean: null }, e2el_ms: { mean: null } });
  });
});
