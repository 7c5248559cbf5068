import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requestLatencies } from '../../server/benchmark/points/requests.js';
import { report } from '../../server/report/write.js';
import { Runs, type Run } from '../../server/runs/runs.js';
import { plant, writeEvalscope } from '../generate/bench-evalscope.js';
import { minimal } from '../helpers/minimal.js';
import { point, put } from '../generate/report-run.js';
import { tempFolder, testHost } from '../helpers/temp.js';

const by = { tool: 'test', input: {} };
const host = testHost(await tempFolder());
const fresh = (): Promise<Run> => new Runs(host).create({ purpose: 'cdf', level: 'quick' }, by);
const cdf = async (run: Run): Promise<string> => {
  const html = (await report(run, { format: 'html', language: 'en' }, requestLatencies)).find((f) => f.path === 'report.html')?.text ?? '';
  return html.split('<section ').find((s) => s.startsWith('id="cdf"')) ?? '';
};

/** A point in the run, resting on the raw files given. */
async function measured(run: Run, path: string, sources: string[], points: Record<string, unknown>[]): Promise<void> {
  const body = Object.fromEntries(Object.entries(minimal('perf-metrics', { points })).filter(([k]) => !['schema', 'schema_version', 'producer', 'created_at', 'simulated', 'source'].includes(k)));
  await run.writeComputed(by, { by: 'generate', params: {} }, { simulated: false, sources, files: [{ path, kind: 'perf-metrics', schema: 'perf-metrics', body }] });
}

/** A step curve read back: the values at which it rises, from the axis it is drawn on. */
function values(part: string, panel: number): number[] {
  const marks = [...part.matchAll(/<text x="([\d.]+)" y="286" text-anchor="middle" class="dim">([\d.]+)</g)].map((m) => [Number(m[1]), Number(m[2])] as const).filter(([x]) => (x < 400) === (panel === 0));
  const [a, b] = [marks[0], marks.at(-1)];
  const d = [...part.matchAll(/<path class="line s1" d="([^"]+)"/g)][panel]?.[1] ?? '';
  if (a === undefined || b === undefined) throw new Error('no axis');
  const xs = [...d.matchAll(/[ML]([\d.]+),/g)].map((m) => a[1] + ((Number(m[1]) - a[0]) / (b[0] - a[0])) * (b[1] - a[1]));
  return [Math.min(...xs), Math.max(...xs)];
}

describe('the latency distribution of a benchmark client', () => {
  it('comes from the rows evalscope left: one curve a pass, failed requests and one-token answers where they belong', async () => {
    const run = await fresh();
    // TTFT 100, 110 … 290 ms; TPOT 20 ms, of the first request 30 ms; request 7 failed.
    const planted = plant(20, (i) => 0.1 + i * 0.01, (i) => (i === 0 ? 0.03 : 0.02), () => 5).map((r, i) => (i === 7 ? { ...r, first: null } : r));
    await writeEvalscope(join(run.dir, 'perf/bench-001/p/raw/out/run/parallel_4_number_20'), planted, { generation: '>=1.10', parallel: 4, db: true });
    await run.recordRaw(by, 'perf');
    const db = 'perf/bench-001/p/raw/out/run/parallel_4_number_20/benchmark_data.db';
    await measured(run, 'perf/bench-001/p/metrics.json', [db], [point()]);
    const part = await cdf(run);
    expect(part).toContain('From every successful request.');
    expect(part).not.toContain('percentiles the client reported');
    const [low, high] = values(part, 0);
    expect([low, high].map((v) => Math.round(v ?? 0))).toEqual([100, 290]);
    expect(values(part, 1).map((v) => Math.round(v))).toEqual([20, 30]);
    const rows = await requestLatencies(join(run.dir, db));
    expect(rows?.ttft_ms).toHaveLength(19);
    // One byte more, and it is no evidence: the page falls back to what the client printed.
    await writeFile(join(run.dir, db), 'x', { flag: 'a' });
    expect(await cdf(run)).not.toContain('From every successful request.');
  });

  it('tells the loads of one import apart by their folders', async () => {
    const run = await fresh();
    const folder = (parallel: number) => `perf/import-001/raw/parallel_${parallel}_number_9`;
    for (const [parallel, first] of [[1, 0.05], [8, 0.5]] as const) await writeEvalscope(join(run.dir, folder(parallel)), plant(9, (i) => first + i * 0.001, () => 0.02, () => 4), { generation: '1.7-1.9', parallel, db: true });
    await run.recordRaw(by, 'perf');
    await measured(run, 'perf/import-001/metrics.json', [1, 8].map((p) => `${folder(p)}/benchmark_data.db`), [1, 8].map((parallel) => point({ id: `parallel_${parallel}_number_9`, parallel })));
    const part = await cdf(run);
    const starts = [...part.matchAll(/<path class="line (s\d)" d="M([\d.]+),/g)].slice(0, 2).map((m) => Number(m[2]));
    // 50 ms and 500 ms on an axis that begins at 0, left edge 60.
    expect(((starts[1] ?? 0) - 60) / ((starts[0] ?? 0) - 60)).toBeCloseTo(10, 1);
  });

  it.each([
    ['vllm.json', (v: object) => JSON.stringify(v), { total_token_throughput: 1 }],
    ['sglang.jsonl', (v: object) => `${JSON.stringify(v)}\n`, { mean_e2e_latency_ms: 1 }],
  ])('reads the details of %s, and says null for a result without them', async (name, text, own) => {
    const dir = await tempFolder();
    const result = { duration: 1, completed: 3, request_throughput: 3, ...own };
    const path = join(dir, 'a', name);
    await mkdir(dirname(path));
    await writeFile(path, text({ ...result, ttfts: [0.1, 0.2, 0.3, 9], itls: [[0.01, 0.03], [], [0.05], []], errors: ['', '', '', 'refused'], input_lens: [5, 5, 5, 5], output_lens: [3, 1, 2, 0] }));
    const found = await requestLatencies(path);
    expect(found?.ttft_ms.map(Math.round)).toEqual([100, 200, 300]);
    expect(found?.tpot_ms.map(Math.round)).toEqual([20, 50]);
    await writeFile(path, text(result));
    expect(await requestLatencies(path)).toBeNull();
    await writeFile(path, 'not json');
    expect(await requestLatencies(path)).toBeNull();
  });
});

describe('before and after', () => {
  it('draws the two newest artifacts of a kind when the run compares, one when it does not', async () => {
    const run = await fresh();
    for (const [n, computing] of [[1, 50], [2, 80], [3, 90]] as const) {
      const window = minimal('profiling-analysis.schema.json#/$defs/window', { device: 0, rank: 0, span_us: 100, computing_us: computing, communication_us: 0, communication_not_overlapped_us: 0, free_us: 100 - computing });
      await put(run, `profiling/00${n}/analysis.json`, 'profiling-analysis', { windows: [window], window, bottleneck: { class: 'mixed', confidence: 'low', evidence: [] } });
    }
    const page = async (): Promise<string> => (await report(run, { format: 'html', language: 'en' }))[0]?.text ?? '';
    expect([...(await page()).matchAll(/<section id="(windows[^"]*)"/g)].map((m) => m[1])).toEqual(['windows']);
    await put(run, 'comparison/001/report.json', 'comparison-report', {});
    const text = await page();
    expect([...text.matchAll(/<section id="(windows[^"]*)"/g)].map((m) => m[1])).toEqual(['windows', 'windows-2']);
    const older = text.split('<section ').find((s) => s.startsWith('id="windows-2"')) ?? '';
    expect(older).toContain('(earlier: profiling/002/analysis.json)');
    expect(new Set([...text.matchAll(/ id="([^"]+)"/g)].map((m) => m[1])).size).toBe([...text.matchAll(/ id="([^"]+)"/g)].length);
  });
});
