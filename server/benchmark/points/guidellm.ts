import { foreign, ToolError, type Incomplete, type PerfLatency, type PerfPoint, type PerfTokens } from '../../contract/index.js';
import type { Load } from './types.js';
import { checkedPoint, count, defined, emptyPoint, fieldsAt, finite, isFields, listOf, loadId, rateOf, scaled, slots, words, type Fields } from './value.js';

/** guidellm src/guidellm/schemas: percentiles are values of the distribution, its ITL is what others call TPOT. */
const percentileRule = 'percentiles are values that occurred, not interpolated';
const tpotRule = `(last − first token)/(tokens − 1), every request weighted by its tokens; ${percentileRule}`;

export function isGuidellm(value: unknown): value is Fields {
  return isFields(value) && 'guidellm_version' in fieldsAt(value, 'metadata') && Array.isArray(value['benchmarks']);
}

function latency(metrics: Fields, name: string, scale: number, definition: string): PerfLatency {
  const s = fieldsAt(metrics, name, 'successful');
  if ((count(s['count']) ?? 0) === 0) return { mean: null, p50: null, p90: null, p95: null, p99: null };
  const of = (value: unknown): number | null => {
    const n = finite(value);
    return n === null ? null : scaled(n, scale);
  };
  const p = fieldsAt(s, 'percentiles');
  return defined({ mean: of(s['mean']), p50: of(p['p50']), p90: of(p['p90']), p95: of(p['p95']), p99: of(p['p99']), min: of(s['min']), max: of(s['max']), std: of(s['std_dev']) }, definition);
}

function tokens(metrics: Fields, name: string): PerfTokens {
  const s = fieldsAt(metrics, name, 'successful');
  if ((count(s['count']) ?? 0) === 0) return { mean: null };
  const p = fieldsAt(s, 'percentiles');
  return { mean: finite(s['mean']), p50: finite(p['p50']), p90: finite(p['p90']), p95: finite(p['p95']), p99: finite(p['p99']), min: finite(s['min']), max: finite(s['max']), total: finite(s['total_sum']) };
}

function instantOf(seconds: unknown): string | null {
  const s = finite(seconds);
  return s === null || s <= 0 ? null : new Date(Math.round(s * 1000)).toISOString();
}

/**
 * benchmarks.json of guidellm, metadata.version 2; one load a benchmark. Throughputs are tokens over the measured window, as the other
 * clients compute them, not the means of guidellm's per-interval rates.
 * @throws ToolError E_FORMAT_UNKNOWN another version
 */
export function guidellmLoads(report: Fields, name: string): { loads: Load[]; version: string | null; generation: string } {
  const meta = fieldsAt(report, 'metadata');
  if (meta['version'] !== 2) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(name, 200)} is a guidellm report of version ${foreign(String(meta['version']), 20)}; version 2 is read`, 'export it again with a guidellm that writes version 2');
  const version = words(meta['guidellm_version']);
  const backend = fieldsAt(report, 'config', 'spec', 'backend');
  const loads = listOf(report['benchmarks']).filter(isFields).map((benchmark): Load => {
    const metrics = fieldsAt(benchmark, 'metrics');
    const made = fieldsAt(metrics, 'request_totals');
    const strategy = fieldsAt(benchmark, 'config', 'strategy');
    const kind = words(strategy['type_']);
    const rate = rateOf(strategy['rate']);
    const parallel = rate !== null ? null : kind === 'synchronous' ? 1 : (slots(strategy['streams']) ?? slots(strategy['max_concurrency']));
    const asked = count(fieldsAt(benchmark, 'config', 'constraints', 'max_requests', 'args')['count']);
    const [success, failed, left] = [count(made['successful']), count(made['errored']), count(made['incomplete']) ?? 0];
    const duration = finite(benchmark['duration']);
    const [input, output] = [tokens(metrics, 'prompt_token_count'), tokens(metrics, 'output_token_count')];
    const per = (n: number | null | undefined): number | null => (n === null || n === undefined || duration === null || duration <= 0 ? null : n / duration);
    const notes: Incomplete[] = left === 0 ? [] : [{ code: 'requests-cut', detail: `${left} requests were cut off at the end of the window; they count neither as success nor as failure` }];
    const number = asked ?? count(made['total']);
    const stream = typeof backend['stream'] === 'boolean' ? backend['stream'] : null;
    const streamed = (l: PerfLatency): PerfLatency => (stream === false ? { mean: null, p50: null, p90: null, p95: null, p99: null } : l);
    const point: PerfPoint = {
      ...emptyPoint('guidellm', version, '2'),
      id: loadId(parallel, rate, number),
      parallel,
      rate,
      number,
      success,
      failed,
      duration_s: duration,
      started_at: instantOf(benchmark['start_time']),
      ended_at: instantOf(benchmark['end_time']),
      stream,
      ttft_ms: streamed(latency(metrics, 'time_to_first_token_ms', 1, percentileRule)),
      tpot_ms: streamed(latency(metrics, 'inter_token_latency_ms', 1, tpotRule)),
      e2el_ms: latency(metrics, 'request_latency', 1000, percentileRule),
      output_tps: per(output.total),
      total_tps: input.total === null || input.total === undefined || output.total === null || output.total === undefined ? null : per(input.total + output.total),
      request_tps: per(success),
      input_tokens: input,
      output_tokens: output,
    };
    return checkedPoint(point, notes);
  });
  return { loads, version, generation: '2' };
}
