import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Sqlite from 'libsql';

/** One request as it truly went; times in seconds. Null first: it failed. */
export interface PlantedRequest {
  readonly start: number;
  readonly first: number | null;
  readonly whole: number;
  readonly tokens: number;
  readonly prompt: number;
  readonly gaps: readonly number[];
}

/** Requests one after another, each 0.1 s after the one before; `steps` decode gaps of `gap` seconds. */
export function plant(n: number, first: (i: number) => number, gap: (i: number) => number, steps: (i: number) => number): PlantedRequest[] {
  return Array.from({ length: n }, (_, i) => {
    const gaps = Array.from({ length: steps(i) }, () => gap(i));
    return { start: 1000 + i * 0.1, first: first(i), whole: first(i) + gap(i) * steps(i), tokens: steps(i) + 1, prompt: 100 + i, gaps };
  });
}

const mean = (v: readonly number[]): number => v.reduce((s, x) => s + x, 0) / v.length;

/** Display keys of the three generations (evalscope/perf/utils/perf_constants.py at 1.6.1, 1.9.1 and 1.10.0), with the unit of each. */
const keys = {
  '<=1.6': { duration: 'Time taken for tests (s)', parallel: 'Number of concurrency', rate: 'Request rate (req/s)', total: 'Total requests', ok: 'Succeed requests', bad: 'Failed requests', out: 'Output token throughput (tok/s)', all: 'Total token throughput (tok/s)', req: 'Request throughput (req/s)', latency: 'Average latency (s)', ttft: ['Average time to first token (s)', 1], tpot: ['Average time per output token (s)', 1], itl: ['Average inter-token latency (s)', 1], input: 'Average input tokens per request', output: 'Average output tokens per request' },
  '1.7-1.9': { duration: 'Test Duration (s)', parallel: 'Concurrency', rate: 'Request Rate (req/s)', total: 'Total Requests', ok: 'Success Requests', bad: 'Failed Requests', out: 'Output Throughput (tok/s)', all: 'Total Throughput (tok/s)', req: 'Req Throughput (req/s)', latency: 'Avg Latency (s)', ttft: ['TTFT (ms)', 1000], tpot: ['TPOT (ms)', 1000], itl: ['ITL (ms)', 1000], input: 'Avg Input Tokens', output: 'Avg Output Tokens' },
  '>=1.10': { duration: 'Test Duration (s)', parallel: 'Concurrency', rate: 'Request Rate (req/s)', total: 'Total Requests', ok: 'Success Requests', bad: 'Failed Requests', out: 'Output Throughput (tok/s)', all: 'Total Throughput (tok/s)', req: 'Req Throughput (req/s)', latency: 'Avg Latency (s)', ttft: ['Avg TTFT (ms)', 1000], tpot: ['Avg TPOT (ms)', 1000], itl: ['Avg ITL (ms)', 1000], input: 'Avg Input Tokens', output: 'Avg Output Tokens' },
} as const;
export type PlantedGeneration = keyof typeof keys;

/** benchmark_summary.json of the requests. All failed: with the sentinels evalscope writes then. */
export function summaryOf(requests: readonly PlantedRequest[], generation: PlantedGeneration, parallel: number): Record<string, number> {
  const k = keys[generation];
  const ok = requests.filter((r) => r.first !== null);
  const wall = Math.max(0, ...ok.map((r) => r.start + r.whole)) - Math.min(...requests.map((r) => r.start));
  const counts = { [k.parallel]: parallel, [k.rate]: -1, [k.total]: requests.length, [k.ok]: ok.length, [k.bad]: requests.length - ok.length };
  if (ok.length === 0) return { [k.duration]: 0, ...counts, [k.req]: -1, [k.latency]: -1, [k.input]: -1, [k.out]: -1, [k.all]: -1, [k.ttft[0]]: -1 * k.ttft[1], [k.tpot[0]]: -1, [k.output]: -1 };
  const tokens = ok.reduce((s, r) => s + r.tokens, 0);
  const prompts = ok.reduce((s, r) => s + r.prompt, 0);
  return {
    [k.duration]: wall,
    ...counts,
    [k.out]: tokens / wall,
    [k.all]: (tokens + prompts) / wall,
    [k.req]: ok.length / wall,
    [k.latency]: mean(ok.map((r) => r.whole)),
    [k.ttft[0]]: mean(ok.map((r) => r.first ?? 0)) * k.ttft[1],
    // evalscope counts 0 for answers of one token.
    [k.tpot[0]]: mean(ok.map((r) => (r.tokens > 1 ? (r.whole - (r.first ?? 0)) / (r.tokens - 1) : 0))) * k.tpot[1],
    [k.itl[0]]: mean(ok.flatMap((r) => [...r.gaps])) * k.itl[1],
    [k.input]: prompts / ok.length,
    [k.output]: tokens / ok.length,
  };
}

/** A load's folder as evalscope leaves it. The pickle column holds bytes that no unpickler would survive. */
export async function writeEvalscope(folder: string, requests: readonly PlantedRequest[], options: { generation: PlantedGeneration; parallel: number; args?: Record<string, unknown>; db?: boolean; percentiles?: string }): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'benchmark_summary.json'), JSON.stringify(summaryOf(requests, options.generation, options.parallel), null, 2));
  if (options.percentiles !== undefined) await writeFile(join(folder, 'benchmark_percentile.json'), options.percentiles);
  if (options.args !== undefined) await writeFile(join(folder, 'benchmark_args.json'), JSON.stringify(options.args));
  if (options.db !== true) return;
  const db = new Sqlite(join(folder, 'benchmark_data.db'));
  db.exec('CREATE TABLE result (request TEXT, start_time REAL, inter_token_latencies TEXT, success INTEGER, response_messages TEXT, completed_time REAL, latency REAL, first_chunk_latency REAL, prompt_tokens INTEGER, completion_tokens INTEGER, max_gpu_memory_cost REAL, time_per_output_token REAL)');
  const insert = db.prepare('INSERT INTO result VALUES (?,?,?,?,?,?,?,?,?,?,?,?)');
  db.exec('BEGIN');
  for (const r of requests) {
    if (r.first === null) insert.run('{}', r.start, '[]', 0, 'gASVIQ', 0, null, null, null, null, -1, null);
    else insert.run('{}', r.start, JSON.stringify(r.gaps), 1, 'gASVIQ', r.start + r.whole, r.whole, r.first, r.prompt, r.tokens, -1, 0);
  }
  db.exec('COMMIT');
  db.close();
}
