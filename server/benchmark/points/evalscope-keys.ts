import { foreign, ToolError } from '../../contract/index.js';
import { finite, scaled, words, type Fields } from './value.js';

/** The generations of evalscope perf's display keys (evalscope/perf/utils/perf_constants.py over its tags). */
export const generations = ['<=1.6', '1.7-1.9', '>=1.10'] as const;
export type Generation = (typeof generations)[number];

export type SummaryField =
  | 'duration_s' | 'parallel' | 'rate' | 'total' | 'asked' | 'success' | 'failed' | 'output_tps' | 'total_tps' | 'request_tps'
  | 'e2el_ms' | 'ttft_ms' | 'tpot_ms' | 'itl_ms' | 'input_tokens' | 'output_tokens' | 'tokens_per_step' | 'unused';

interface Key {
  readonly field: SummaryField;
  /** To the unit of the field; the unit of the file stands in its key. */
  readonly scale: number;
  readonly in: readonly Generation[];
}

const [long, middle, latest] = generations;
const key = (field: SummaryField, within: readonly Generation[], scale = 1): Key => ({ field, scale, in: within });
const newer = [middle, latest] as const;

const summaryKeys: ReadonlyMap<string, Key> = new Map([
  ['Time taken for tests (s)', key('duration_s', [long])],
  ['Number of concurrency', key('parallel', [long])],
  ['Request rate (req/s)', key('rate', [long])],
  ['Expected number of requests', key('asked', [long])],
  ['Result DB path', key('unused', [long])],
  ['Throughput(average tokens/s)', key('output_tps', [long])],
  ['Average QPS', key('request_tps', [long])],
  ['Total requests', key('total', [long])],
  ['Succeed requests', key('success', [long])],
  ['Failed requests', key('failed', [long])],
  ['Output token throughput (tok/s)', key('output_tps', [long])],
  ['Total token throughput (tok/s)', key('total_tps', [long])],
  ['Input token throughput (tok/s)', key('unused', [long])],
  ['Request throughput (req/s)', key('request_tps', [long])],
  ['Average latency (s)', key('e2el_ms', [long], 1000)],
  ['Average time to first token (s)', key('ttft_ms', [long], 1000)],
  ['Average time per output token (s)', key('tpot_ms', [long], 1000)],
  ['Average inter-token latency (s)', key('itl_ms', [long], 1000)],
  ['Average input tokens per request', key('input_tokens', [long])],
  ['Average output tokens per request', key('output_tokens', [long])],
  ['Average package latency (s)', key('unused', [long])],
  ['Average package per request', key('unused', [long])],
  ['Average decoded tokens per iter (tok/iter)', key('tokens_per_step', [long])],
  ['Approx speculative decoding acceptance rate', key('unused', [long])],
  ['Average approx KV cache hit rate (%)', key('unused', [long])],
  ['Average input turns per request', key('unused', [long])],
  ['Test Duration (s)', key('duration_s', newer)],
  ['Concurrency', key('parallel', newer)],
  ['Request Rate (req/s)', key('rate', newer)],
  ['Total Requests', key('total', newer)],
  ['Success Requests', key('success', newer)],
  ['Failed Requests', key('failed', newer)],
  ['Output Throughput (tok/s)', key('output_tps', newer)],
  ['Total Throughput (tok/s)', key('total_tps', newer)],
  ['Input Throughput (tok/s)', key('unused', newer)],
  ['Req Throughput (req/s)', key('request_tps', newer)],
  ['Avg Latency (s)', key('e2el_ms', newer, 1000)],
  ['Avg Input Tokens', key('input_tokens', newer)],
  ['Avg Output Tokens', key('output_tokens', newer)],
  ['Spec. Accept Rate', key('unused', newer)],
  ['KV Cache Hit Rate (%)', key('unused', newer)],
  ['Avg Turns/Request', key('unused', newer)],
  ['TTFT (ms)', key('ttft_ms', [middle])],
  ['TPOT (ms)', key('tpot_ms', [middle])],
  ['ITL (ms)', key('itl_ms', [middle])],
  ['Decoded Tok/Iter', key('tokens_per_step', [middle])],
  ['First-Turn TTFT (ms)', key('unused', [middle])],
  ['Subsequent-Turn TTFT (ms)', key('unused', [middle])],
  ['Avg TTFT (ms)', key('ttft_ms', [latest])],
  ['Avg TPOT (ms)', key('tpot_ms', [latest])],
  ['Avg ITL (ms)', key('itl_ms', [latest])],
  ['Avg Decoded Tok/Iter', key('tokens_per_step', [latest])],
  ['Avg First-Turn TTFT (ms)', key('unused', [latest])],
  ['Avg Subsequent-Turn TTFT (ms)', key('unused', [latest])],
  ['Stream Requests', key('unused', [latest])],
  ['Non-Stream Requests', key('unused', [latest])],
]);

/** Whether keys look like a summary of evalscope perf, of whatever version. */
export function looksLikeSummary(fields: Fields): boolean {
  const known = Object.keys(fields).filter((k) => summaryKeys.has(k)).length;
  return known >= 3 && ('Total requests' in fields || 'Total Requests' in fields);
}

/**
 * The summary in our units. NaN and absent are null.
 * @throws ToolError E_FORMAT_UNKNOWN a key this reader does not know (a later version may mean another unit by it), or keys of two generations
 */
export function readSummary(fields: Fields, name: string): { values: ReadonlyMap<SummaryField, number | null>; generation: Generation | null } {
  const values = new Map<SummaryField, number | null>();
  let possible: readonly Generation[] = generations;
  for (const [label, value] of Object.entries(fields)) {
    const known = summaryKeys.get(label);
    if (known === undefined) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(name, 200)} has a key of no evalscope version known here: ${foreign(label, 80)}`, 'do not read its numbers by hand: its unit may have changed; tell which evalscope version wrote it');
    possible = possible.filter((g) => known.in.includes(g));
    if (possible.length === 0) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(name, 200)} mixes keys of several evalscope versions, e.g. ${foreign(label, 80)}`, 'give the file as the client wrote it');
    if (known.field === 'unused') continue;
    const n = finite(value);
    values.set(known.field, n === null ? null : n < 0 ? n : scaled(n, known.scale));
  }
  // Those of 2025-02 (0.x) print wall time over all output tokens as time per output token: 92.66 s / 160066 tokens in their own docs.
  if ('Throughput(average tokens/s)' in fields) values.set('tpot_ms', null);
  return { values, generation: possible.length === 1 ? (possible[0] ?? null) : null };
}

type Column = 'e2el_ms' | 'ttft_ms' | 'tpot_ms' | 'itl_ms' | 'input_tokens' | 'output_tokens' | 'unused';
const columns: ReadonlyMap<string, readonly [Column, number]> = new Map([
  ['Latency (s)', ['e2el_ms', 1000]],
  ['TTFT (s)', ['ttft_ms', 1000]],
  ['TPOT (s)', ['tpot_ms', 1000]],
  ['ITL (s)', ['itl_ms', 1000]],
  ['TTFT (ms)', ['ttft_ms', 1]],
  ['TPOT (ms)', ['tpot_ms', 1]],
  ['ITL (ms)', ['itl_ms', 1]],
  ['Input tokens', ['input_tokens', 1]],
  ['Output tokens', ['output_tokens', 1]],
  ['Output (tok/s)', ['unused', 1]],
  ['Total (tok/s)', ['unused', 1]],
  ['Input (tok/s)', ['unused', 1]],
  ['Decode (tok/s)', ['unused', 1]],
  ['Throughput(tokens/s)', ['unused', 1]],
]);
const ranks: ReadonlyMap<string, 'p50' | 'p90' | 'p95' | 'p99' | 'min' | 'max'> = new Map([
  ['50%', 'p50'],
  ['90%', 'p90'],
  ['95%', 'p95'],
  ['99%', 'p99'],
  ['min', 'min'],
  ['max', 'max'],
]);

/** Percentiles in our units, by column. @throws ToolError E_FORMAT_UNKNOWN a column this reader does not know */
export function readPercentiles(rows: readonly Fields[], name: string): ReadonlyMap<Column, Partial<Record<'p50' | 'p90' | 'p95' | 'p99' | 'min' | 'max', number>>> {
  const found = new Map<Column, Partial<Record<'p50' | 'p90' | 'p95' | 'p99' | 'min' | 'max', number>>>();
  for (const row of rows) {
    const rank = ranks.get(words(row['Percentiles'] ?? row['Percentile']) ?? '');
    for (const [label, value] of Object.entries(row)) {
      if (label === 'Percentiles' || label === 'Percentile') continue;
      const known = columns.get(label);
      if (known === undefined) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(name, 200)} has a column of no evalscope version known here: ${foreign(label, 80)}`, 'do not read its numbers by hand: its unit may have changed; tell which evalscope version wrote it');
      const n = finite(value);
      if (rank === undefined || n === null || known[0] === 'unused') continue;
      found.set(known[0], { ...found.get(known[0]), [rank]: scaled(n, known[1]) });
    }
  }
  return found;
}
