import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { clientFiles, readClientOutput } from '../../server/benchmark/points/read.js';
import type { ClientOutput } from '../../server/benchmark/points/types.js';
import { tempFolder } from '../helpers/temp.js';

let dir: string;
let count = 0;
beforeAll(async () => {
  dir = await tempFolder();
});

async function read(files: Record<string, string>, version: string | null = null): Promise<ClientOutput> {
  const folder = join(dir, `case-${(count += 1)}`);
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return readClientOutput(await clientFiles(folder), null, version);
}

/** Three requests: 100, 200 and 300 ms to the first token, 4 gaps of 10 ms, 5 tokens; one failed. */
const detailed = {
  date: '20261101-101500', endpoint_type: 'openai', backend: 'openai', label: null, model_id: 'm', tokenizer_id: 'm', num_prompts: 4, request_rate: 'inf', burstiness: 1, max_concurrency: 2,
  duration: 2, completed: 3, failed: 1, total_input_tokens: 30, total_output_tokens: 15, request_throughput: 1.5, request_goodput: null, output_throughput: 7.5, total_token_throughput: 22.5,
  mean_ttft_ms: 200, median_ttft_ms: 200, std_ttft_ms: 81.6, p99_ttft_ms: 298, mean_tpot_ms: 10, median_tpot_ms: 10, std_tpot_ms: 0, p99_tpot_ms: 10, mean_itl_ms: 10, median_itl_ms: 10, std_itl_ms: 0, p99_itl_ms: 10,
  input_lens: [10, 10, 10, 10], output_lens: [5, 5, 0, 5], ttfts: [0.1, 0.2, 0, 0.3], itls: [[0.01, 0.01, 0.01, 0.01], [0.01, 0.01, 0.01, 0.01], [], [0.01, 0.01, 0.01, 0.01]], errors: ['', '', 'boom', ''],
  spec_decode_acceptance_rate: 75, spec_decode_acceptance_length: 2.5, spec_decode_num_drafts: 4, spec_decode_draft_tokens: 8, spec_decode_accepted_tokens: 6,
};

describe('vllm bench serve', () => {
  it('keeps what the client printed and fills the other percentiles from the requests', async () => {
    const { client, points, incomplete } = await read({ 'r.json': JSON.stringify(detailed) });
    expect(client).toBe('vllm');
    expect(incomplete).toEqual([]);
    expect(points[0]).toMatchObject({ id: 'parallel_2_number_4', parallel: 2, rate: null, number: 4, success: 3, failed: 1, duration_s: 2, stream: true, output_tps: 7.5, total_tps: 22.5, request_tps: 1.5, started_at: null });
    // numpy over 100, 200, 300: p90 = 280, p95 = 290.
    expect(points[0]?.ttft_ms).toMatchObject({ mean: 200, p50: 200, p99: 298, std: 81.6 });
    expect(points[0]?.ttft_ms.p90).toBeCloseTo(280, 9);
    expect(points[0]?.ttft_ms.p95).toBeCloseTo(290, 9);
    expect(points[0]?.e2el_ms).toMatchObject({ mean: null });
    expect(points[0]?.e2el_ms.p50).toBeCloseTo(240, 9);
    expect(points[0]?.output_tokens).toMatchObject({ mean: 5, total: 15 });
    expect(points[0]?.speculative).toEqual({ accepted_tokens: 6, draft_tokens: 8, acceptance_rate: 0.75, tokens_per_step: 2.5, source: 'server' });
    expect(points[0]?.ttft_ms.definition).toBeUndefined();
  });

  it('counts the passes of an appended file, and knows that the chat backend stamps the role chunk', async () => {
    const chat = JSON.stringify({ ...detailed, endpoint_type: 'openai-chat', backend: 'openai-chat' });
    const { points } = await read({ 'r.json': `${chat}\n${chat}\n` });
    expect(points.map((p) => p.repeat)).toEqual([1, 2]);
    expect(points[0]?.ttft_ms.definition).toMatch(/role-only/);
    expect(points[0]?.itl_ms.definition).toBeUndefined();
  });

  it('refuses a metric in another unit', async () => {
    await expect(read({ 'r.json': JSON.stringify({ ...detailed, mean_ttft_s: 0.2 }) })).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
  });
});

describe('sglang.bench_serving', () => {
  const line = { backend: 'sglang', request_rate: 4, max_concurrency: null, random_range_ratio: 1, duration: 10, completed: 20, total_input_tokens: 2000, total_output_tokens: 1000, total_output_tokens_retokenized: 998, request_throughput: 2, input_throughput: 200, output_throughput: 100, mean_e2e_latency_ms: 900, median_e2e_latency_ms: 880, p99_e2e_latency_ms: 1200, mean_ttft_ms: 90, median_ttft_ms: 80, p99_ttft_ms: 150, mean_tpot_ms: 16, median_tpot_ms: 15, p99_tpot_ms: 20, mean_itl_ms: 16, median_itl_ms: 15, p99_itl_ms: 30, accept_length: 2.9 };
  it('does not know failures, and leaves a lifetime average out', async () => {
    const { client, points, incomplete } = await read({ 'r.jsonl': `${JSON.stringify(line)}\n` });
    expect(client).toBe('sglang');
    expect(points[0]).toMatchObject({ id: 'rate_4', parallel: null, rate: 4, number: null, success: 20, failed: null, total_tps: 300, speculative: null });
    expect(points[0]?.e2el_ms).toMatchObject({ mean: 900, p50: 880, p99: 1200, p90: null });
    expect(incomplete.map((n) => n.code)).toEqual(['failures-unknown', 'speculation-lifetime']);
  });
});

describe('AISBench', () => {
  const csv = ['Performance Parameters,Stage,Average,Min,Max,Median,P75,P90,P99,N', 'E2EL,total,2.5 s,2 s,3 s,2.4 s,2.6 s,2.9 s,3 s,8', 'TTFT,total,50000 us,40 ms,60 ms,49 ms,52 ms,58 ms,60 ms,8', 'TPOT,total,10 ms,9 ms,11 ms,10 ms,10 ms,11 ms,11 ms,8', 'InputTokens,total,100.0,90.0,110.0,100.0,105.0,108.0,110.0,8', 'OutputTokens,total,246.0,246.0,246.0,246.0,246.0,246.0,246.0,8'].join('\n');
  const json = (extra: Record<string, unknown> = {}): string => JSON.stringify({ 'Benchmark Duration': { total: '12000 ms' }, 'Total Requests': { total: 8 }, 'Failed Requests': { total: 0 }, 'Success Requests': { total: 8 }, Concurrency: { total: 1.7 }, 'Max Concurrency': { total: 2 }, 'Request Throughput': { total: '0.6667 req/s' }, 'Total Input Tokens': { total: 800 }, 'Total generated tokens': { total: 1968 }, 'Output Token Throughput': { total: '164 token/s' }, 'Total Token Throughput': { total: '230.7 token/s' }, ...extra });

  it('reads both files of a data set, whatever unit a text carries', async () => {
    const { client, points } = await read({ 'gsm8k.csv': csv, 'gsm8k.json': json(), 'gsm8k_plot.html': '<html>' });
    expect(client).toBe('aisbench');
    expect(points).toHaveLength(1);
    expect(points[0]).toMatchObject({ id: 'parallel_2_number_8', parallel: 2, number: 8, success: 8, failed: 0, duration_s: 12, output_tps: 164, total_tps: 230.7 });
    expect(points[0]?.e2el_ms).toMatchObject({ mean: 2500, p50: 2400, p90: 2900, p95: null, p99: 3000 });
    expect(points[0]?.ttft_ms).toMatchObject({ mean: 50, min: 40 });
    expect(points[0]?.output_tokens).toMatchObject({ mean: 246, total: 1968, source: 'client' });
  });

  it('refuses half of a result and a value without its unit', async () => {
    await expect(read({ 'gsm8k.csv': csv })).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
    await expect(read({ 'gsm8k.json': json() })).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
    await expect(read({ 'gsm8k.csv': csv.replace('10 ms,9 ms', '10,9 ms'), 'gsm8k.json': json() })).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
  });

  it('says that a buffered stream has no first token of its own', async () => {
    const buffered = csv.replace('TTFT,total,50000 us', 'TTFT,total,2500 ms');
    expect((await read({ 'a.csv': buffered, 'a.json': json() })).incomplete.map((n) => n.code)).toEqual(['stream-buffered']);
  });
});

describe('guidellm and aiperf', () => {
  it('refuses a guidellm report of another version', async () => {
    await expect(read({ 'b.json': JSON.stringify({ metadata: { version: 1, guidellm_version: '0.3.0' }, benchmarks: [] }) })).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
  });

  it('aiperf: units of every metric, its inter_token_latency as TPOT, instants with a zone only', async () => {
    const of = (unit: string, avg: number): object => ({ unit, avg, p50: avg, p90: avg * 1.5, p95: avg * 1.6, p99: avg * 2, min: avg / 2, max: avg * 2, std: 1 });
    const base = { aiperf_version: '0.6.0', request_latency: of('ms', 500), time_to_first_token: of('ns', 20_000_000), inter_token_latency: of('ms', 11), inter_chunk_latency: of('ms', 12), request_count: { unit: 'requests', avg: 90 }, error_request_count: { unit: 'requests', avg: 10 }, request_throughput: { unit: 'requests/sec', avg: 9 }, output_token_throughput: { unit: 'tokens/sec', avg: 400 }, output_sequence_length: of('tokens', 44), input_sequence_length: of('tokens', 100), start_time: '2026-11-01T10:00:00.5+00:00', end_time: '2026-11-01T10:00:10', input_config: { loadgen: { concurrency: 8, request_count: 100 }, endpoint: { streaming: true } } };
    const { version, points } = await read({ 'profile_export_aiperf.json': JSON.stringify(base) });
    expect(version).toBe('0.6.0');
    expect(points[0]).toMatchObject({ id: 'parallel_8_number_100', success: 90, failed: 10, stream: true, started_at: '2026-11-01T10:00:00.500Z', ended_at: null, output_tps: 400 });
    expect(points[0]?.ttft_ms).toMatchObject({ mean: 20, p99: 40 });
    expect(points[0]?.tpot_ms.mean).toBe(11);
    expect(points[0]?.itl_ms.mean).toBe(12);
    await expect(read({ 'p.json': JSON.stringify({ ...base, request_latency: of('furlongs', 1) }) })).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
  });
});

describe('telling clients apart', () => {
  it('wants one client named when a folder has two, and refuses a wrong name', async () => {
    const folder = join(dir, 'two');
    await mkdir(folder);
    await writeFile(join(folder, 'a.json'), JSON.stringify(detailed));
    await writeFile(join(folder, 'b.json'), JSON.stringify({ metadata: { version: 2, guidellm_version: '0.8.0' }, benchmarks: [] }));
    const files = await clientFiles(folder);
    await expect(readClientOutput(files, null, null)).rejects.toMatchObject({ code: 'E_ARG_CONFLICT' });
    expect((await readClientOutput(files, 'vllm', null)).points).toHaveLength(1);
    await expect(readClientOutput(files, 'aiperf', null)).rejects.toMatchObject({ code: 'E_ARG_CONFLICT' });
  });

  it('counts a result once when its printed table lies beside it, and names files it could not read', async () => {
    const table = '============ Serving Benchmark Result ============\nSuccessful requests:                     3\nBenchmark duration (s):                  2.00\nRequest throughput (req/s):              1.50\nMean TTFT (ms):                          200.00\nTotal Token throughput (tok/s):          22.50\n==================================================\n';
    const { points, incomplete } = await read({ 'r.json': JSON.stringify(detailed), 'stdout.txt': table, 'cut.json': '{"a": ' });
    expect(points).toHaveLength(1);
    expect(incomplete.map((n) => n.code)).toEqual(['file-unread']);
    expect((await read({ 'stdout.txt': table })).points[0]).toMatchObject({ success: 3, failed: null, duration_s: 2 });
  });

  it('a number of an open text is not a result', async () => {
    await expect(read({ 'x.json': '{"duration": 1}' })).rejects.toMatchObject({ code: 'E_FORMAT_UNKNOWN' });
  });
});
