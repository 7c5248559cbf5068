import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { benchJobs, sentBefore } from '../../server/benchmark/run/job.js';
import { benchRunDerivations } from '../../server/benchmark/run/derive.js';
import { readRequest, type StartArgs } from '../../server/benchmark/run/request.js';
import { benchStart } from '../../server/benchmark/run/tools.js';
import { benchCompare } from '../../server/benchmark/tools.js';
import { check, ToolError, type PerfMetrics } from '../../server/contract/index.js';
import { openHost } from '../../server/host/host.js';
import { Runs } from '../../server/runs/runs.js';
import { tempFolder } from '../helpers/temp.js';
import { Bed } from './helpers.js';

let bed: Bed;
const runs: string[] = [];
const endpoints: string[] = [];
const load = { model: 'Qwen3-8B', client: 'probe', parallel: [2], number: [20], input_tokens: 32, output_tokens: 8 } as const;

beforeAll(async () => {
  bed = await Bed.open(await tempFolder());
  for (const side of ['baseline', 'candidate']) runs.push(await bed.run(side));
  endpoints.push(...(await Promise.all(runs.map((run) => bed.service(run)))));
}, 120_000);
afterAll(() => bed.close(), 60_000);

async function measure(run: string, job: string, args: StartArgs): Promise<Record<string, unknown>> {
  const kind = benchJobs['bench'];
  if (kind === undefined) throw new Error('no such job kind');
  return kind({ ...(await readRequest(args, openHost(bed.config))) }, await bed.context(run, job));
}

async function metricsOf(run: string, path: string): Promise<PerfMetrics> {
  const { dir } = await new Runs(openHost(bed.config)).open(run);
  const checked = check('perf-metrics', JSON.parse(await readFile(join(dir, path), 'utf8')));
  if (!checked.ok) throw new Error(checked.problems.join('; '));
  return checked.value;
}

describe('bench_start on simulated services', { timeout: 120_000 }, () => {
  it('measures two services, and a comparison of them is graded simulated', async () => {
    for (const [i, run] of runs.entries()) {
      const result = await measure(run, 'bench-001', { ...load, endpoint: endpoints[i] ?? '' });
      expect(result).toMatchObject({ client: 'probe', service_job: 'service-001', passes: 1 });
      const metrics = await metricsOf(run, 'perf/bench-001/parallel_2_number_20/metrics.json');
      const point = metrics.points[0];
      // What was asked is what the service itself counted: 32 words are 32 tokens there, 8 came back.
      expect(point).toMatchObject({ success: 20, failed: 0, warmup: 2, graph_captures: 0, repeated_prompts: false, input_tokens: { mean: 32 }, output_tokens: { mean: 8, total: 160 } });
      expect(metrics).toMatchObject({ simulated: true, service_job: 'service-001', incomplete: [] });
      // Little's law: in a closed loop requests in flight = throughput × latency.
      expect((point?.request_tps ?? 0) * ((point?.e2el_ms.mean ?? 0) / 1000)).toBeGreaterThan(1.6);
      expect((point?.request_tps ?? 0) * ((point?.e2el_ms.mean ?? 0) / 1000)).toBeLessThanOrEqual(2.001);
    }
    const answer = await bed.call(benchCompare, { baseline: runs[0], candidate: runs[1], metric: 'output_tps', direction: 'no-regression' });
    expect(answer.facts['grade']).toBe('simulated');
    const codes = JSON.stringify(answer.facts['reasons']);
    for (const absent of ['F-RAW', 'F-HASH', 'F-LOAD', 'F-LENGTH', 'F-WARMUP', 'F-FAILED', 'F-GRAPH', 'F-COMMAND', 'F-CLIENT', 'F-SAMPLING', 'F-WORKLOAD', 'F-STREAM', 'F-PROFILED', 'F-STATED']) expect(codes).not.toContain(absent);
    expect(codes).toContain('F-SIMULATED');
  });

  it('comes out the same from the raw files', async () => {
    const host = openHost(bed.config);
    const run = await new Runs(host).open(runs[0] ?? '');
    const event = (await run.events()).find((e) => e.derive?.by === 'bench-pass');
    const again = await benchRunDerivations['bench-pass']?.(event?.derive?.params ?? {}, host, run.dir);
    const file = again?.files[0];
    const stored = await metricsOf(run.id, file?.path ?? '');
    expect(stored).toMatchObject(file?.schema === null || file === undefined ? {} : file.body);
    expect(again?.sources.map((s) => s.split('/').at(-1))).toEqual(['pass.json', 'requests.jsonl']);
  });

  it('later passes send other prompts: what went before is passed over', async () => {
    const run = await new Runs(openHost(bed.config)).open(runs[0] ?? '');
    expect(await sentBefore(run, 'service-001')).toBe(22);
    await measure(run.id, 'bench-002', { ...load, number: [4], repeats: 2, endpoint: endpoints[0] ?? '' });
    const second = await metricsOf(run.id, 'perf/bench-002/parallel_2_number_4_r2/metrics.json');
    expect(second.points[0]).toMatchObject({ repeat: 2, repeats: 2, success: 4 });
    expect(await sentBefore(run, 'service-001')).toBe(22 + 2 * 6);
    const manifest = await run.manifest();
    expect(manifest.workload.command).toHaveLength(3);
    expect(manifest.provenance['workload.command']?.how).toBe('captured');
  });

  it('a pass without a single success fails, and its averages are null', async () => {
    const failed = await measure(runs[0] ?? '', 'bench-003', { ...load, model: 'another', number: [4], endpoint: endpoints[0] ?? '' }).catch((e: unknown) => e);
    expect(failed).toBeInstanceOf(ToolError);
    expect(failed).toMatchObject({ code: 'E_SERVICE_FAILED', seen: 'none of 4 requests of parallel_2_number_4 succeeded' });
    const { points } = await metricsOf(runs[0] ?? '', 'perf/bench-003/parallel_2_number_4/metrics.json');
    expect(points[0]).toMatchObject({ success: 0, failed: 4, ttft_ms: { mean: null, p99: null }, output_tps: null, request_tps: null });
  });

  it('searches the largest load: an impossible level is met by none, with both its passes on file', async () => {
    const result = await measure(runs[1] ?? '', 'bench-002', { ...load, parallel: [1], number: [4], repeats: 2, sla_ttft_p99_ms: 0.001, endpoint: endpoints[1] ?? '' });
    expect(result['search']).toMatchObject({ end: 'none-met', largest: null, surely_failed: 1, by: 'parallel' });
    const { dir } = await new Runs(openHost(bed.config)).open(runs[1] ?? '');
    const checked = check('load-search', JSON.parse(await readFile(join(dir, 'perf/bench-002/search.json'), 'utf8')));
    expect(checked.ok ? checked.value.tries.map((t) => [t.load, t.number, t.meets]) : checked.problems).toEqual([[1, 10, false], [1, 10, false]]);
    expect(String(result['headline'])).toMatch(/^no load meets the service level, not even 1 in flight/);
  });

  it('plans without sending anything', async () => {
    const answer = await bed.call(benchStart, { run: runs[0], endpoint: endpoints[0], model: 'Qwen3-8B', client: 'probe', parallel: [1, 4], number: [10, 40], repeats: 2, dry_run: true });
    expect(answer.verdict).toBe('planned');
    // Every load once, then every load again: a drift of the host falls on all alike.
    expect(answer.facts['points']).toMatchObject([{ id: 'parallel_1_number_10', repeat: 1 }, { id: 'parallel_4_number_40', repeat: 1 }, { id: 'parallel_1_number_10', repeat: 2 }, { id: 'parallel_4_number_40', repeat: 2 }]);
    expect(answer.warnings.map((w) => w.code)).toEqual(['W-PROBE', 'W-ENV', 'W-ENV']);
    expect(answer.facts['service_job']).toBe('service-001');
  });

  it('refuses the probe in a formal run, and an endpoint where nothing answers', async () => {
    const formal = await bed.run('formal', 'formal');
    await expect(bed.call(benchStart, { run: formal, endpoint: endpoints[0], model: 'm', client: 'probe' })).rejects.toMatchObject({ code: 'E_ARG_CONFLICT' });
    await expect(bed.call(benchStart, { run: runs[0], endpoint: 'http://127.0.0.1:9', model: 'm', client: 'probe' })).rejects.toMatchObject({ code: 'E_SERVICE_FAILED' });
  });
});
