import { foreign, ToolError, type Incomplete, type PerfLatency, type PerfPoint, type PerfTokens } from '../../contract/index.js';
import { boxRows, printedNumber } from './tables.js';
import type { Load } from './types.js';
import { checkedPoint, count, defined, emptyPoint, fieldsAt, finite, isFields, loadId, noLatency, rateOf, scaled, slots, words, type Fields } from './value.js';

const firstResponse = 'from sending to the first response record, whatever it holds (aiperf, October 2025 code)';
const tpotRule = `(latency − TTFT)/(tokens − 1), with TTFT ${firstResponse}`;

export function isAiperf(value: unknown): value is Fields {
  return isFields(value) && isFields(value['request_latency']) && 'avg' in value['request_latency'] && (isFields(value['request_throughput']) || isFields(value['request_count']));
}

const toMs: ReadonlyMap<string, number> = new Map([['ms', 1], ['milliseconds', 1], ['s', 1000], ['sec', 1000], ['seconds', 1000], ['us', 0.001], ['ns', 1e-6]]);

/** @throws ToolError E_FORMAT_UNKNOWN a unit that is no time */
function latency(fields: Fields, name: string, file: string, definition: string | null = null): PerfLatency {
  const m = fieldsAt(fields, name);
  if (finite(m['avg']) === null) return noLatency;
  const scale = toMs.get(words(m['unit']) ?? '');
  if (scale === undefined) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(file, 200)}: ${name} has the unit ${foreign(words(m['unit']) ?? 'none', 20)}`, 'tell which aiperf version wrote it');
  const of = (key: string): number | null => {
    const n = finite(m[key]);
    return n === null ? null : scaled(n, scale);
  };
  return defined({ mean: of('avg'), p50: of('p50'), p90: of('p90'), p95: of('p95'), p99: of('p99'), min: of('min'), max: of('max'), std: of('std') }, definition);
}

function tokens(fields: Fields, name: string): PerfTokens {
  const m = fieldsAt(fields, name);
  return { mean: finite(m['avg']), p50: finite(m['p50']), p90: finite(m['p90']), p95: finite(m['p95']), p99: finite(m['p99']), min: finite(m['min']), max: finite(m['max']) };
}

/** An ISO instant with its zone; without one it is no instant. */
function instantOf(value: unknown): string | null {
  const text = words(value);
  if (text === null || !/(?:Z|[-+]\d\d:?\d\d)$/.test(text) || Number.isNaN(Date.parse(text))) return null;
  return new Date(Date.parse(text)).toISOString();
}

/**
 * profile_export_aiperf.json. Its inter_token_latency is TPOT, its inter_chunk_latency ITL.
 * @throws ToolError E_FORMAT_UNKNOWN
 */
export function aiperfLoad(fields: Fields, file: string, stated: string | null): Load {
  const version = words(fields['aiperf_version']) ?? stated;
  const average = (name: string): number | null => finite(fieldsAt(fields, name)['avg']);
  const whole = (name: string): number | null => count(average(name));
  const generator = fieldsAt(fields, 'input_config', 'loadgen');
  const endpoint = fieldsAt(fields, 'input_config', 'endpoint');
  const [success, failed] = [whole('request_count'), whole('error_request_count')];
  const rate = rateOf(generator['request_rate']);
  const parallel = slots(generator['concurrency']);
  const number = count(generator['request_count']) ?? (success === null || failed === null ? null : success + failed);
  const notes: Incomplete[] = failed === null ? [{ code: 'failures-unknown', detail: 'no error_request_count: whether requests failed is not known' }] : [];
  if (fields['was_cancelled'] === true) notes.push({ code: 'cancelled', detail: 'the client was cancelled before its end' });
  const duration = fieldsAt(fields, 'benchmark_duration');
  const seconds = finite(duration['avg']);
  const scale = toMs.get(words(duration['unit']) ?? '');
  const goodput = average('goodput');
  const ttft = latency(fields, 'time_to_first_token', file, firstResponse);
  const point: PerfPoint = {
    ...emptyPoint('aiperf', version, null),
    id: loadId(parallel, rate, number),
    parallel,
    rate,
    number,
    success,
    failed,
    duration_s: seconds === null || scale === undefined ? null : (seconds * scale) / 1000,
    started_at: instantOf(fields['start_time']),
    ended_at: instantOf(fields['end_time']),
    warmup: count(generator['warmup_request_count']),
    stream: typeof endpoint['streaming'] === 'boolean' ? endpoint['streaming'] : ttft.mean === null ? null : true,
    ttft_ms: ttft,
    tpot_ms: latency(fields, 'inter_token_latency', file, tpotRule),
    itl_ms: latency(fields, 'inter_chunk_latency', file),
    e2el_ms: latency(fields, 'request_latency', file),
    output_tps: average('output_token_throughput'),
    total_tps: average('total_token_throughput'),
    request_tps: average('request_throughput'),
    input_tokens: tokens(fields, 'input_sequence_length'),
    output_tokens: tokens(fields, 'output_sequence_length'),
    ...(goodput === null ? {} : { goodput }),
  };
  return checkedPoint(point, notes);
}

/** The printed table as the fields of the export; null when the text has none. */
export function aiperfPrinted(text: string): Fields | null {
  if (!/NVIDIA AIPerf/.test(text)) return null;
  const rows = boxRows(text);
  const header = rows.find((r) => r[0] === 'Metric');
  if (header === undefined) return null;
  const fields: Record<string, Fields> = {};
  for (const row of rows) {
    const label = /^(.+?) \(([^)]+)\)$/.exec(row[0] ?? '');
    if (label === null) continue;
    const values = Object.fromEntries(header.slice(1).map((h, i) => [h, printedNumber(row[i + 1])]));
    fields[(label[1] ?? '').toLowerCase().replaceAll(' ', '_')] = { ...values, unit: label[2] };
  }
  return fields;
}
