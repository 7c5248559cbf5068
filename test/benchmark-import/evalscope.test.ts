import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { clientFiles, readClientOutput } from '../../server/benchmark/points/read.js';
import { ttftDefinition } from '../../server/benchmark/points/evalscope.js';
import type { PerfPoint } from '../../server/contract/index.js';
import { plant, summaryOf, writeEvalscope, type PlantedRequest } from '../generate/bench-evalscope.js';
import { tempFolder } from '../helpers/temp.js';

let dir: string;
beforeAll(async () => {
  dir = await tempFolder();
});

/** TTFT 50 ms + 1 ms a request, gaps of 10 ms, 20 of them but for one answer of one token. */
const requests = plant(40, (i) => 0.05 + i * 0.001, () => 0.01, (i) => (i === 7 ? 0 : 20));

/** numpy's default percentile, written anew. */
function numpy(values: readonly number[], percent: number): number {
  const v = [...values].sort((a, b) => a - b);
  const place = (percent / 100) * (v.length - 1);
  const i = Math.trunc(place);
  const [low = NaN, high = low] = [v[i], v[i + 1]];
  return low * (1 - (place - i)) + high * (place - i);
}

async function point(folder: string, version: string | null = null): Promise<{ point: PerfPoint; codes: string[]; generation: string | null }> {
  const output = await readClientOutput(await clientFiles(folder), null, version);
  const [only] = output.points;
  if (only === undefined) throw new Error('no point');
  return { point: only, codes: output.incomplete.map((n) => n.code), generation: output.generation };
}

describe('evalscope perf', () => {
  it.each(['<=1.6', '1.7-1.9', '>=1.10'] as const)('reads the same truth out of the keys and units of %s', async (generation) => {
    const folder = join(dir, 'generations', generation.replace(/\W/g, '_'), 'parallel_4_number_40');
    await writeEvalscope(folder, requests, { generation, parallel: 4 });
    const read = await point(folder);
    expect(read.generation).toBe(generation);
    expect(read.codes).toEqual(['no-rows']);
    expect(read.point).toMatchObject({ id: 'parallel_4_number_40', parallel: 4, rate: null, number: 40, success: 40, failed: 0 });
    expect(read.point.ttft_ms.mean).toBeCloseTo(69.5, 6);
    expect(read.point.itl_ms.mean).toBeCloseTo(10, 6);
    // 39 requests of 200 ms decode and one without.
    expect(read.point.e2el_ms.mean).toBeCloseTo(69.5 + (200 * 39) / 40, 6);
    expect(read.point.output_tokens.mean).toBeCloseTo((39 * 21 + 1) / 40, 9);
    expect(read.point.duration_s).toBeCloseTo(3.9 + 0.089 + 0.2, 9);
  });

  it('computes latencies from the rows, interpolated, without answers of one token in TPOT', async () => {
    const folder = join(dir, 'rows');
    const uneven = plant(11, (i) => [0.3, 0.1, 0.2, 0.9, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.1][i] ?? 0, (i) => 0.01 + i * 0.001, (i) => (i === 3 ? 0 : 4 + i));
    await writeEvalscope(folder, uneven, { generation: '>=1.10', parallel: 2, db: true });
    const read = await point(folder, '1.12.0');
    expect(read.codes).toEqual([]);
    const ttft = uneven.map((r) => (r.first ?? 0) * 1000);
    const tpot = uneven.filter((r) => r.tokens > 1).map((r) => (10 + uneven.indexOf(r)) * 1);
    for (const [name, percent] of [['p50', 50], ['p90', 90], ['p95', 95], ['p99', 99]] as const) {
      expect(read.point.ttft_ms[name]).toBeCloseTo(numpy(ttft, percent), 6);
      expect(read.point.tpot_ms[name]).toBeCloseTo(numpy(tpot, percent), 6);
    }
    expect(read.point.tpot_ms.mean).toBeCloseTo(tpot.reduce((s, v) => s + v, 0) / 10, 6);
    expect(read.point.ttft_ms.definition).toBeUndefined();
    expect(read.point.output_tokens.total).toBe(uneven.reduce((s, r) => s + r.tokens, 0));
  });

  it('reads bare NaN, the index percentiles of the client and what they mean', async () => {
    const folder = join(dir, 'nan');
    await writeEvalscope(folder, requests, { generation: '1.7-1.9', parallel: 4, percentiles: '[{"Percentiles": "50%", "TTFT (ms)": 69.0, "Latency (s)": 0.27, "Decode (tok/s)": NaN}, {"Percentiles": "99%", "TTFT (ms)": 89.0, "Latency (s)": 0.29, "Decode (tok/s)": NaN}]' });
    const read = await point(folder);
    expect(read.point.ttft_ms).toMatchObject({ p50: 69, p99: 89, p90: null });
    expect(read.point.e2el_ms).toMatchObject({ p50: 270, p99: 290 });
    expect(read.point.ttft_ms.definition).toMatch(/role-only.*not interpolated/);
    expect(read.point.itl_ms.definition).toBeUndefined();
  });

  it('gives null for every average when not one request succeeded', async () => {
    const folder = join(dir, 'failed');
    const failed: PlantedRequest[] = requests.slice(0, 5).map((r) => ({ ...r, first: null }));
    expect(Object.values(summaryOf(failed, '>=1.10', 4))).toContain(-1000);
    await writeEvalscope(folder, failed, { generation: '>=1.10', parallel: 4, db: true });
    const { point: p, codes } = await point(folder);
    expect(codes).toEqual(['no-success']);
    expect(p).toMatchObject({ success: 0, failed: 5, number: 5, duration_s: null, output_tps: null, total_tps: null, request_tps: null });
    const numbers = [p.ttft_ms, p.tpot_ms, p.itl_ms, p.e2el_ms, p.input_tokens, p.output_tokens].flatMap((l) => Object.values(l));
    expect(numbers.filter((v) => typeof v === 'number')).toEqual([]);
  });

  it('leaves a TTFT of 0 out and says how many', async () => {
    const folder = join(dir, 'zero');
    await writeEvalscope(folder, requests.map((r, i) => (i < 10 ? { ...r, first: 0 } : r)), { generation: '>=1.10', parallel: 4, db: true });
    const { point: p, codes } = await point(folder, '1.11.1');
    expect(codes).toEqual(['ttft-zero']);
    expect(p.ttft_ms.min).toBeCloseTo(60, 6);
    expect(p.ttft_ms.definition).toContain('1.11.1');
  });

  it('says when rows and summary are not of one run', async () => {
    const folder = join(dir, 'mixed-run');
    await writeEvalscope(folder, requests, { generation: '>=1.10', parallel: 4, db: true });
    await writeFile(join(folder, 'benchmark_summary.json'), JSON.stringify(summaryOf(requests.slice(0, 30), '>=1.10', 4)));
    expect((await point(folder)).codes).toEqual(['rows-differ']);
  });

  it('takes load, warm-up and sampling from the arguments; a run by time asks what it sent', async () => {
    const args = { number: [60], parallel: [4], stream: true, temperature: 0, top_p: null, seed: 7, warmup_num: 0.1, extra_args: { ignore_eos: true }, open_loop: false, duration: null };
    const folder = join(dir, 'args');
    await writeEvalscope(folder, requests, { generation: '>=1.10', parallel: 4, args });
    const short = await point(folder);
    expect(short.point).toMatchObject({ number: 60, warmup: 6, stream: true, sampling: { temperature: 0, top_p: null, top_k: null, seed: 7, ignore_eos: true } });
    expect(short.codes).toEqual(['no-rows', 'requests-unaccounted']);
    await writeFile(join(folder, 'benchmark_args.json'), JSON.stringify({ ...args, duration: 30, open_loop: true }));
    const timed = await point(folder);
    expect(timed.point).toMatchObject({ number: 40, parallel: null });
    expect(timed.codes).toEqual(['no-rows']);
  });

  it('has no first token without streaming', async () => {
    const folder = join(dir, 'whole');
    await writeEvalscope(folder, requests, { generation: '>=1.10', parallel: 4, args: { number: 40, stream: false }, db: true });
    const { point: p } = await point(folder);
    expect(p.ttft_ms).toEqual({ mean: null, p50: null, p90: null, p95: null, p99: null });
    expect(p.tpot_ms.mean).toBeNull();
    expect(p.e2el_ms.mean).not.toBeNull();
  });

  it.each([
    ['an unknown key', { 'Avg TTFT (us)': 50000 }],
    ['a key of another generation', { 'Average latency (s)': 1 }],
  ])('refuses %s', async (_, extra) => {
    const folder = join(dir, 'refused');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'benchmark_summary.json'), JSON.stringify({ ...summaryOf(requests, '>=1.10', 4), ...extra }));
    await expect(point(folder)).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
  });

  it('refuses a percentile column in another unit, a cut summary, an empty one and a broken database', async () => {
    const folder = join(dir, 'broken');
    await writeEvalscope(folder, requests, { generation: '>=1.10', parallel: 4, percentiles: '[{"Percentiles": "50%", "TTFT (us)": 1}]' });
    await expect(point(folder)).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
    await rename(join(folder, 'benchmark_percentile.json'), join(folder, 'old.json'));
    await writeFile(join(folder, 'benchmark_data.db'), 'not a database');
    await expect(point(folder)).rejects.toMatchObject({ code: 'E_DB_BROKEN' });
    const summary = JSON.stringify(summaryOf(requests, '>=1.10', 4));
    const alone = join(dir, 'cut');
    await mkdir(alone);
    await writeFile(join(alone, 'benchmark_summary.json'), summary.slice(0, 80));
    await expect(point(alone)).rejects.toMatchObject({ code: 'E_JSON_BROKEN' });
    await writeFile(join(alone, 'benchmark_summary.json'), '');
    await expect(point(alone)).rejects.toMatchObject({ code: 'E_FILE_EMPTY' });
  });

  it('tells the three meanings of TTFT by version', () => {
    const meanings = ['1.6.1', '1.11.0', '1.11.1', '1.11.2', '1.14.0', '2.0.0'].map((v) => ttftDefinition(null, v));
    expect(meanings[0]).toMatch(/role-only/);
    expect(meanings[1]).toBe(meanings[0]);
    expect(meanings[2]).toMatch(/content or reasoning_content/);
    expect(meanings.slice(3)).toEqual([null, null, null]);
    expect(ttftDefinition('>=1.10', null)).toMatch(/not known/);
  });
});
