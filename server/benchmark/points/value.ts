import { foreign, ToolError, type Incomplete, type PerfLatency, type PerfPoint, type PerfTokens } from '../../contract/index.js';
import { mean } from '../../stats/moments.js';
import { quantile } from '../../stats/quantiles.js';
import type { ClientName } from './types.js';

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object at a key; empty when there is none. */
export function fieldsAt(value: Fields, ...path: readonly string[]): Fields {
  let at: Fields = value;
  for (const key of path) {
    const next = at[key];
    if (!isFields(next)) return {};
    at = next;
  }
  return at;
}

export function finite(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** A number in another unit, without the dust of binary fractions (0.1131 s is 113.1 ms). */
export function scaled(value: number, scale: number): number {
  return scale === 1 ? value : Number((value * scale).toPrecision(12));
}

/** A count; null when it is not a whole number from 0. */
export function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : null;
}

/** From 1; the sentinels -1 and 0 of the clients are null. */
export function slots(value: unknown): number | null {
  const n = count(value);
  return n === null || n === 0 ? null : n;
}

/** Requests per second; -1, "inf" and 0 mean unthrottled. */
export function rateOf(value: unknown): number | null {
  const n = finite(value);
  return n === null || n <= 0 ? null : n;
}

export function words(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** JSON as Python writes it: bare NaN and Infinity become null. @throws SyntaxError */
export function parsePython(text: string): unknown {
  return JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (found) => (found.startsWith('"') ? found : 'null')));
}

/** Whole JSON, or JSON objects line by line (`--append-result`, JSONL). @throws ToolError E_JSON_BROKEN */
export function parseRecords(text: string, name: string): unknown[] {
  try {
    return [parsePython(text)];
  } catch (cause) {
    const lines = text.split('\n').filter((l) => l.trim() !== '');
    try {
      if (lines.length > 1 && lines.every((l) => l.trimStart().startsWith('{'))) return lines.map(parsePython);
    } catch {
      // The whole text is what is named below.
    }
    throw new ToolError('E_JSON_BROKEN', `${foreign(name, 200)} is not complete JSON`, 'copy the file again, after the client has ended', { cause });
  }
}

export const noLatency: PerfLatency = { mean: null, p50: null, p90: null, p95: null, p99: null };

/** Latency over requests, percentiles interpolated (`linear` of server/stats). @param scale to milliseconds */
export function latencyOf(values: readonly number[], scale: number): PerfLatency {
  if (values.length === 0) return noLatency;
  const ms = values.map((v) => v * scale);
  const q = (p: number): number | null => quantile(ms, p);
  return { mean: mean(ms), p50: q(0.5), p90: q(0.9), p95: q(0.95), p99: q(0.99), min: q(0), max: q(1) };
}

/** Tokens per request. */
export function tokensOf(values: readonly number[], source?: 'server' | 'client'): PerfTokens {
  if (values.length === 0) return { mean: null };
  const q = (p: number): number | null => quantile(values, p);
  return { mean: mean(values), p50: q(0.5), p90: q(0.9), p95: q(0.95), p99: q(0.99), min: q(0), max: q(1), total: values.reduce((s, v) => s + v, 0), ...(source === undefined ? {} : { source }) };
}

/** The same latency with what it means at this client. */
export function defined(latency: PerfLatency, definition: string | null): PerfLatency {
  return definition === null || [latency.mean, latency.p50, latency.p99].every((v) => v === null) ? latency : { ...latency, definition };
}

export function emptyPoint(client: ClientName, version: string | null, generation: string | null): PerfPoint {
  return {
    id: client,
    parallel: null,
    rate: null,
    number: null,
    success: null,
    failed: null,
    duration_s: null,
    started_at: null,
    ended_at: null,
    warmup: null,
    repeats: null,
    repeated_prompts: null,
    graph_captures: null,
    stream: null,
    sampling: { temperature: null, top_p: null, top_k: null, seed: null, ignore_eos: null },
    ttft_ms: noLatency,
    tpot_ms: noLatency,
    itl_ms: noLatency,
    e2el_ms: noLatency,
    output_tps: null,
    total_tps: null,
    request_tps: null,
    input_tokens: { mean: null },
    output_tokens: { mean: null },
    speculative: null,
    client: { name: client, version, output_generation: generation },
  };
}

/** Name of a load, as evalscope names its folders. */
export function loadId(parallel: number | null, rate: number | null, number: number | null): string {
  const load = parallel !== null ? `parallel_${parallel}` : rate !== null ? `rate_${rate}` : 'load';
  return number === null ? load : `${load}_number_${number}`;
}

const latencyNames = ['ttft_ms', 'tpot_ms', 'itl_ms', 'e2el_ms'] as const;
const statistics = ['mean', 'p50', 'p90', 'p95', 'p99', 'min', 'max', 'std'] as const;

/**
 * A point with what no client may say taken out: negative sentinels (evalscope writes -1 and -1000), averages over zero successes;
 * and with what makes its numbers doubtful named.
 */
export function checkedPoint(raw: PerfPoint, notes: readonly Incomplete[] = []): { point: PerfPoint; incomplete: Incomplete[] } {
  const incomplete = [...notes];
  const point: PerfPoint = { ...raw };
  const none = point.success === 0;
  const sentinels: string[] = [];
  for (const name of latencyNames) {
    const clean = { ...point[name] };
    for (const s of statistics) {
      const value = clean[s];
      if (value === null || value === undefined) continue;
      if (value < 0) sentinels.push(name);
      if (value < 0 || none) clean[s] = null;
    }
    if (none) delete clean.definition;
    point[name] = clean;
  }
  for (const name of ['output_tps', 'total_tps', 'request_tps', 'duration_s', 'goodput'] as const) {
    const value = point[name];
    if (value === null || value === undefined) continue;
    if (value < 0) sentinels.push(name);
    if (value < 0 || none) point[name] = null;
  }
  for (const name of ['input_tokens', 'output_tokens'] as const) {
    const value = point[name].mean;
    if (value !== null && value < 0) sentinels.push(name);
    if (none || (value !== null && value < 0)) point[name] = { mean: null };
  }
  if (none) {
    point.speculative = null;
    incomplete.push({ code: 'no-success', detail: 'not one request succeeded: averages, percentiles and throughput are null, whatever the client printed' });
  } else if (sentinels.length > 0) incomplete.push({ code: 'sentinel', detail: `negative values, which the client writes for what it does not know: ${[...new Set(sentinels)].join(', ')}` });
  const sent = point.success === null || point.failed === null ? null : point.success + point.failed;
  if (sent !== null && point.number !== null && sent !== point.number) incomplete.push({ code: 'requests-unaccounted', detail: `${point.number} requests were asked, ${sent} are accounted for` });
  const [first, whole] = [point.ttft_ms.mean, point.e2el_ms.mean];
  // One read of a buffered stream delivers first and last token together (AISBench #218).
  if (first !== null && whole !== null && first > 0.999 * whole && (point.output_tokens.mean ?? 0) > 1) incomplete.push({ code: 'stream-buffered', detail: 'the first token came with the last: the stream was buffered on the way, TTFT and TPOT say nothing' });
  return { point, incomplete };
}
