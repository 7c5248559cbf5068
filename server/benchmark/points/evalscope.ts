import { foreign, ToolError, type Incomplete, type PerfLatency, type PerfPoint } from '../../contract/index.js';
import { versionOf } from '../../programs/bench-client.js';
import { readPercentiles, readSummary, type Generation, type SummaryField } from './evalscope-keys.js';
import { readRows, type Rows } from './evalscope-rows.js';
import type { Load } from './types.js';
import { checkedPoint, count, defined, emptyPoint, finite, isFields, listOf, loadId, rateOf, slots, type Fields } from './value.js';

/** What a folder of evalscope perf holds for one load. */
export interface EvalscopeFiles {
  /** Name of the summary, for messages. */
  readonly name: string;
  readonly summary: Fields;
  readonly percentiles: unknown;
  readonly args: Fields | null;
  /** Path of benchmark_data.db. */
  readonly db: string | null;
}

const firstEvent = 'from sending to the first event with choices, a role-only chunk included (evalscope to 1.11.0)';
const firstContent = 'from sending to the first chunk with content or reasoning_content (evalscope 1.11.1: 0 for servers that stream delta.reasoning)';
const eitherFirst = 'from sending to the first event, a role-only chunk included to 1.11.0, the first content from 1.11.1; the version is not known';
const floorIndex = 'percentiles are the value at index n·p, not interpolated, rounded to 2 decimals by the client';

/** What TTFT means there (evalscope plugin/api/default_api.py, its issue 1694); null: the common definition. */
export function ttftDefinition(generation: Generation | null, version: string | null): string | null {
  const parts = version === null ? null : versionOf(version);
  if (parts === null) return generation === '<=1.6' || generation === '1.7-1.9' ? firstEvent : eitherFirst;
  const [major, minor, patch] = parts;
  if (major > 1 || minor > 11 || (minor === 11 && patch > 1)) return null;
  return minor === 11 && patch === 1 ? firstContent : firstEvent;
}

/** TPOT with the TTFT that is taken off it. */
function tpotDefinition(ttft: string | null): string | null {
  return ttft === null ? null : `(latency − TTFT)/(tokens − 1), with TTFT ${ttft}`;
}

function join(...parts: readonly (string | null)[]): string | null {
  const said = parts.filter((p): p is string => p !== null);
  return said.length === 0 ? null : said.join('; ');
}

function samplingOf(args: Fields | null): PerfPoint['sampling'] {
  const extra = args === null ? undefined : args['extra_args'];
  const ignore = isFields(extra) ? extra['ignore_eos'] : undefined;
  const of = (name: string): number | null => (args === null ? null : finite(args[name]));
  return { temperature: of('temperature'), top_p: of('top_p'), top_k: count(of('top_k')), seed: count(of('seed')), ignore_eos: typeof ignore === 'boolean' ? ignore : null };
}

/** warmup_num: from 1 a count, below a share of the requests (evalscope >= 1.7.1). */
function warmupOf(args: Fields | null, number: number | null): number | null {
  const n = args === null ? null : finite(args['warmup_num']);
  if (n === null || n < 0) return null;
  return n >= 1 || n === 0 ? Math.floor(n) : number === null ? null : Math.floor(n * number);
}

/** Where rows and summary tell different things, one of them is not of this run. Tolerance: the summary's rounding. */
function disagreements(values: ReadonlyMap<SummaryField, number | null>, rows: Rows): Incomplete[] {
  const out: Incomplete[] = [];
  const success = values.get('success') ?? null;
  const mean = values.get('e2el_ms') ?? null;
  if (success !== null && success !== rows.success) out.push({ code: 'rows-differ', detail: `the summary counts ${success} successes, benchmark_data.db has ${rows.success}` });
  else if (mean !== null && mean > 0 && rows.e2el_ms.mean !== null && Math.abs(mean - rows.e2el_ms.mean) > Math.max(0.1, mean / 1000)) out.push({ code: 'rows-differ', detail: 'the mean latency of benchmark_data.db is not that of the summary' });
  return out;
}

/** A single value of an argument that may be a list with one element. */
function one(value: unknown): unknown {
  return Array.isArray(value) ? (value.length === 1 ? value[0] : undefined) : value;
}

/**
 * One load of evalscope perf. With benchmark_data.db the latencies are computed from its rows, all percentiles interpolated; without,
 * they are the client's own.
 * @throws ToolError E_FORMAT_UNKNOWN (unknown or mixed keys), E_DB_BROKEN
 */
export async function evalscopeLoad(files: EvalscopeFiles, version: string | null): Promise<Load & { generation: Generation | null }> {
  const { values, generation } = readSummary(files.summary, files.name);
  const of = (field: SummaryField): number | null => values.get(field) ?? null;
  const percentiles = readPercentiles(percentileRows(files.percentiles, files.name), files.name);
  const args = files.args;
  const total = count(of('total'));
  const asked = (args === null ? null : count(one(args['number']))) ?? count(of('asked'));
  // A run by time sends what it can: what was asked is what was sent.
  const timed = args !== null && finite(args['duration']) !== null;
  const number = timed ? total : (asked ?? total);
  const open = args !== null && args['open_loop'] === true;
  const parallel = open ? null : slots(of('parallel'));
  const rate = rateOf(of('rate'));
  const stream = args !== null && typeof args['stream'] === 'boolean' ? args['stream'] : null;
  const notes: Incomplete[] = [];
  const rows = files.db === null ? null : await readRows(files.db, stream !== false);
  if (rows === null) notes.push({ code: 'no-rows', detail: 'no benchmark_data.db: percentiles are those the client printed' });
  else notes.push(...disagreements(values, rows), ...rows.incomplete);
  const what = stream === false ? null : ttftDefinition(generation, version);
  const printed = (field: 'ttft_ms' | 'tpot_ms' | 'itl_ms' | 'e2el_ms'): PerfLatency => ({ mean: of(field), p50: null, p90: null, p95: null, p99: null, ...percentiles.get(field) });
  const latency = (field: 'ttft_ms' | 'tpot_ms' | 'itl_ms' | 'e2el_ms', definition: string | null): PerfLatency => {
    if (rows !== null && rows.success > 0) return defined(rows[field], definition);
    const own = printed(field);
    return defined(own, join(definition, own.p50 === null && own.p99 === null ? null : floorIndex));
  };
  const nothing = stream === false ? { mean: null, p50: null, p90: null, p95: null, p99: null } : null;
  const tokens = (field: 'input_tokens' | 'output_tokens'): PerfPoint['input_tokens'] => (rows !== null && rows.success > 0 ? rows[field] : { mean: of(field), ...percentiles.get(field), source: 'server' as const });
  const step = of('tokens_per_step');
  const point: PerfPoint = {
    ...emptyPoint('evalscope', version, generation),
    id: loadId(parallel, rate, number),
    parallel,
    rate,
    number,
    success: count(of('success')),
    failed: count(of('failed')),
    duration_s: of('duration_s') ?? rows?.duration_s ?? null,
    warmup: warmupOf(args, number),
    stream,
    sampling: samplingOf(args),
    ttft_ms: nothing ?? latency('ttft_ms', what),
    tpot_ms: nothing ?? latency('tpot_ms', tpotDefinition(what)),
    itl_ms: nothing ?? latency('itl_ms', null),
    e2el_ms: latency('e2el_ms', null),
    output_tps: of('output_tps'),
    total_tps: of('total_tps'),
    request_tps: of('request_tps'),
    input_tokens: tokens('input_tokens'),
    output_tokens: tokens('output_tokens'),
    // Its acceptance rate is 1 − 1/L of chunk sizes, not accepted of drafted: left out.
    speculative: step === null || step <= 0 ? null : { accepted_tokens: null, draft_tokens: null, acceptance_rate: null, tokens_per_step: step, source: 'client' },
  };
  return { ...checkedPoint(point, notes), generation };
}

/** Rows of benchmark_percentile.json: a list of rows, or columns of lists. */
function percentileRows(value: unknown, name: string): Fields[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.filter(isFields);
  if (!isFields(value)) throw new ToolError('E_FORMAT_UNKNOWN', `the percentiles beside ${foreign(name, 200)} are neither rows nor columns`, 'give the folder as the client wrote it');
  const length = Math.max(0, ...Object.values(value).map((v) => listOf(v).length));
  return Array.from({ length }, (_, i) => Object.fromEntries(Object.entries(value).map(([k, v]) => [k, listOf(v)[i]])));
}
