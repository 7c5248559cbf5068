import { basename } from 'node:path';
import { readText } from '../../host/files.js';
import { asNumber, Database } from '../../profiles/sqlite.js';
import { detailsOf, servingBench } from './serving-bench.js';
import { limits } from './thresholds.js';
import { isFields, parsePython } from './value.js';

/** Latencies of the successful requests of one load, ms. A request of one token has no TPOT, so the lists may differ in length. */
export interface RequestLatencies {
  readonly ttft_ms: readonly number[];
  readonly tpot_ms: readonly number[];
}

/** benchmark_data.db of evalscope perf; by the same rules as its percentiles (evalscope-rows.ts). */
async function ofEvalscope(path: string): Promise<RequestLatencies | null> {
  const db = await Database.open(path);
  try {
    if (!db.has('result', 'success', 'latency', 'first_chunk_latency', 'completion_tokens')) return null;
    const found: { ttft_ms: number[]; tpot_ms: number[] } = { ttft_ms: [], tpot_ms: [] };
    for (const row of db.each('SELECT latency, first_chunk_latency, completion_tokens FROM result WHERE success = 1 ORDER BY rowid', undefined)) {
      const [whole, first, tokens] = [asNumber(row[0]), asNumber(row[1]), asNumber(row[2])];
      if (!Number.isFinite(first) || first <= 0) continue;
      found.ttft_ms.push(first * 1000);
      if (tokens > 1 && Number.isFinite(whole)) found.tpot_ms.push(((whole - first) / (tokens - 1)) * 1000);
    }
    return found;
  } finally {
    db.close();
  }
}

/** The last result of `vllm bench serve` or `sglang.bench_serving` in a file, when it was written with details. */
async function ofServingBench(path: string): Promise<RequestLatencies | null> {
  const text = (await readText(path, limits.textBytes.value)) ?? '';
  const line = path.endsWith('.jsonl') ? (text.trimEnd().split('\n').at(-1) ?? '') : text;
  const value = parsePython(line);
  if (!isFields(value) || servingBench(value) === null) return null;
  const details = detailsOf(value);
  return details === null ? null : { ttft_ms: details.ttft.map((s) => s * 1000), tpot_ms: details.tpot.map((s) => s * 1000) };
}

/** Per-request latencies in a raw file of a benchmark client; null when it is another file, or can not be read. */
export async function requestLatencies(path: string): Promise<RequestLatencies | null> {
  try {
    if (basename(path) === 'benchmark_data.db') return await ofEvalscope(path);
    return /\.jsonl?$/.test(path) ? await ofServingBench(path) : null;
  } catch {
    return null;
  }
}
