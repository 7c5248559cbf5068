import { mkdir, appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeConfig } from '../../server/config.js';
import { openHost } from '../../server/host/host.js';
import { remember, remembered } from '../../server/benchmark/noise/memory.js';
import { noiseKeyOf, noiseOf, noiseRowOf, type NoiseRow } from '../../server/benchmark/noise/noise.js';
import type { PerfPoint, RunManifest } from '../../server/contract/index.js';
import { tempFolder } from '../helpers/temp.js';

const latency = (mean: number): PerfPoint['ttft_ms'] => ({ mean, p50: mean, p90: mean, p95: mean, p99: mean });
const point = (tps: number, more: Partial<PerfPoint> = {}): PerfPoint => ({
  id: 'parallel_4_number_40', parallel: 4, rate: null, number: 40, success: 40, failed: 0, duration_s: 10, warmup: 4, repeats: 1, stream: true, sampling: { temperature: 0, top_p: null, top_k: null, seed: null, ignore_eos: true },
  ttft_ms: latency(50), tpot_ms: latency(10), itl_ms: latency(10), e2el_ms: latency(500), output_tps: tps, total_tps: tps, request_tps: 4, input_tokens: { mean: 512 }, output_tokens: { mean: 128 }, speculative: null, client: { name: 'evalscope', version: '1.14.1', output_generation: null }, ...more,
});
const manifest = (argv: string[], more: Partial<RunManifest> = {}): RunManifest => ({
  schema: 'run-manifest', schema_version: '1.0.0', producer: { name: 'x', version: '1' }, created_at: '2026-11-24T00:00:00Z', simulated: false, source: [], identity: { run: 'r', purpose: 'p', level: 'quick' },
  code: { commit: 'abcdef1' }, environment: { host: 'node7', chip: 'Ascend910B3' }, model: { path: '/m' }, service: { framework: 'xllm', command: [argv] }, workload: { input_tokens: 512, output_tokens: 128, dataset: 'random' }, artifacts: [], comparison: {}, notes: [], provenance: {}, ...more,
});
const row = (m: RunManifest, tps: number, start: number, more: Partial<PerfPoint> = {}): NoiseRow | null => noiseRowOf(m, point(tps, more), `2026-11-24T0${start}:00:00Z`, (t) => t);

describe('the noise of a host', () => {
  const one = manifest(['xllm', '--port=8010', '--block_size=128']);
  const key = noiseKeyOf(one, point(1));

  it('is the spread between service starts of one build: passes on a start are averaged, ports do not make a build', () => {
    const again = manifest(['xllm', '--port=8099', '--block_size=128']);
    const rows = [row(one, 98, 1), row(one, 102, 1), row(again, 110, 2), row(one, 90, 3)].filter((r): r is NoiseRow => r !== null);
    // Starts 100, 110, 90: standard deviation 10 around 100.
    expect(key === null ? null : noiseOf(rows, key, 'output_tps')).toEqual({ cv_pct: expect.closeTo(10, 9), starts: 3, df: 2 });
  });

  it('a faster build is no noise: builds are pooled, never mixed', () => {
    const tuned = manifest(['xllm', '--port=8010', '--block_size=64']);
    const rows = [row(one, 99, 1), row(one, 101, 2), row(tuned, 198, 3), row(tuned, 202, 4)].filter((r): r is NoiseRow => r !== null);
    // Both builds vary by √2 %; mixed it would be about 38 %.
    expect(key === null ? null : noiseOf(rows, key, 'output_tps')).toEqual({ cv_pct: expect.closeTo(Math.SQRT2, 9), starts: 4, df: 2 });
  });

  it('needs two starts of one build at exactly this place and load', () => {
    const rows = [row(one, 99, 1), row(one, 101, 1)].filter((r): r is NoiseRow => r !== null);
    expect(key === null ? 'no key' : noiseOf(rows, key, 'output_tps')).toBeNull();
    const elsewhere = [row(manifest(['xllm', '--block_size=128'], { environment: { host: 'node8', chip: 'Ascend910B3' } }), 50, 2)].filter((r): r is NoiseRow => r !== null);
    expect(key === null ? 'no key' : noiseOf([...rows, ...elsewhere], key, 'output_tps')).toBeNull();
  });

  it('does not remember what failed, captured graphs, or cannot be told apart', () => {
    expect(row(one, 99, 1, { failed: 1 })).toBeNull();
    expect(row(one, 99, 1, { graph_captures: 2 })).toBeNull();
    expect(noiseRowOf(one, point(99), null, (t) => t)).toBeNull();
    expect(row(manifest(['xllm'], { environment: {} }), 99, 1)).toBeNull();
  });

  it('is kept over runs; broken lines do not take the rest with them', async () => {
    const dir = await tempFolder();
    const runsDir = join(dir, 'runs');
    await mkdir(runsDir, { recursive: true });
    const host = openHost(makeConfig({ runsDir }, '0', { PATH: process.env['PATH'] }, dir));
    expect(await remembered(host)).toEqual([]);
    expect(await remember(host, one, point(99), '2026-11-24T01:00:00Z')).toBe(true);
    await appendFile(join(runsDir, '.noise/aa.jsonl'), '{"half":\n');
    expect(await remember(host, one, point(101), '2026-11-24T02:00:00Z')).toBe(true);
    const rows = await remembered(host);
    expect(rows.map((r) => r.metrics.output_tps)).toEqual([99, 101]);
    expect(key === null ? null : noiseOf(rows, key, 'output_tps')?.df).toBe(1);
  });
});
