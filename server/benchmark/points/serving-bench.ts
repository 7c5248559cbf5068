import { foreign, ToolError, type Incomplete, type PerfLatency, type PerfPoint, type PerfTokens } from '../../contract/index.js';
import { quantile } from '../../stats/quantiles.js';
import type { Load } from './types.js';
import { checkedPoint, count, defined, emptyPoint, finite, listOf, loadId, rateOf, slots, tokensOf, words, type Fields } from './value.js';

/** vLLM's chat backend stamps the first event with choices (vllm/benchmarks/lib/endpoint_request_func.py). */
const chatTtft = 'from sending to the first event with choices, a role-only chunk included (vllm bench, chat backend)';

/** Whether an object is a result of `vllm bench serve` or `sglang.bench_serving`; null: of neither. */
export function servingBench(fields: Fields): 'vllm' | 'sglang' | null {
  if (finite(fields['duration']) === null || count(fields['completed']) === null || finite(fields['request_throughput']) === null) return null;
  if ('total_output_tokens_retokenized' in fields || 'mean_e2e_latency_ms' in fields) return 'sglang';
  return 'total_token_throughput' in fields || 'mean_ttft_ms' in fields || 'mean_e2el_ms' in fields ? 'vllm' : null;
}

const statistics = { mean: 'mean', p50: 'median', p90: 'p90', p95: 'p95', p99: 'p99', std: 'std' } as const;

/** A metric that is there in another unit than milliseconds has another name. @throws ToolError E_FORMAT_UNKNOWN */
function refuseOtherUnits(fields: Fields, name: string): void {
  const odd = Object.keys(fields).find((k) => /^(?:mean|median|std|p\d+)_(?:ttft|tpot|itl|e2el|e2e_latency)(?:_|$)/.test(k) && !/_ms$/.test(k));
  if (odd !== undefined) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(name, 200)} gives ${foreign(odd, 60)}, whose unit is not known here`, 'tell which version of the client wrote it');
}

function printed(fields: Fields, metric: string): PerfLatency {
  const of = (statistic: string): number | null => finite(fields[`${statistic}_${metric}_ms`]);
  const latency: PerfLatency = { mean: of('mean'), p50: of('median') ?? of('p50'), p90: of('p90'), p95: of('p95'), p99: of('p99') };
  const std = of(statistics.std);
  return std === null ? latency : { ...latency, std };
}

/** Requests of a detailed result; times in seconds. Failed ones have an error text. */
export interface Details {
  readonly sent: number;
  readonly failed: number;
  readonly ttft: readonly number[];
  readonly tpot: readonly number[];
  readonly itl: readonly number[];
  readonly e2el: readonly number[];
  readonly input: readonly number[];
  readonly output: readonly number[];
}

const numbersOf = (value: unknown): number[] => listOf(value).filter((v): v is number => typeof v === 'number' && Number.isFinite(v));

export function detailsOf(fields: Fields): Details | null {
  const [ttfts, itls, errors] = [listOf(fields['ttfts']), listOf(fields['itls']), listOf(fields['errors'])];
  if (ttfts.length === 0 || ttfts.length !== itls.length || errors.length !== ttfts.length) return null;
  const [inputs, outputs] = [listOf(fields['input_lens']), listOf(fields['output_lens'])];
  const [ttft, tpot, itl, e2el, input, output]: [number[], number[], number[], number[], number[], number[]] = [[], [], [], [], [], []];
  let failed = 0;
  for (const [i, head] of ttfts.entries()) {
    if (errors[i] !== '' && errors[i] !== null) {
      failed += 1;
      continue;
    }
    const first = finite(head);
    const tokens = finite(outputs[i]);
    const gaps = numbersOf(itls[i]);
    if (first === null || tokens === null) continue;
    const rest = gaps.reduce((s, v) => s + v, 0);
    ttft.push(first);
    itl.push(...gaps);
    e2el.push(first + rest);
    output.push(tokens);
    const prompt = finite(inputs[i]);
    if (prompt !== null) input.push(prompt);
    if (tokens > 1) tpot.push(rest / (tokens - 1));
  }
  return { sent: ttfts.length, failed, ttft, tpot, itl, e2el, input, output };
}

/** Percentiles the client did not print, from the requests, by its own rule (numpy, interpolated). */
function filled(latency: PerfLatency, seconds: readonly number[] | undefined): PerfLatency {
  if (seconds === undefined || seconds.length === 0) return latency;
  const ms = seconds.map((s) => s * 1000);
  return { ...latency, p50: latency.p50 ?? quantile(ms, 0.5), p90: latency.p90 ?? quantile(ms, 0.9), p95: latency.p95 ?? quantile(ms, 0.95), p99: latency.p99 ?? quantile(ms, 0.99), min: quantile(ms, 0), max: quantile(ms, 1) };
}

function tokens(total: number | null, completed: number | null, lengths: readonly number[] | undefined): PerfTokens {
  if (lengths !== undefined && lengths.length > 0) return tokensOf(lengths);
  return { mean: total === null || completed === null || completed === 0 ? null : total / completed, total };
}

/** The part both clients share: sglang.bench_serving is a descendant of vLLM's benchmark. */
function shared(fields: Fields, client: 'vllm' | 'sglang', version: string | null): { point: PerfPoint; details: Details | null } {
  const completed = count(fields['completed']);
  const details = detailsOf(fields);
  const number = count(fields['num_prompts']) ?? details?.sent ?? null;
  const failed = count(fields['failed']) ?? details?.failed ?? (number === null || completed === null ? null : number - completed);
  const sent = number ?? (failed === null || completed === null ? null : failed + completed);
  const parallel = slots(fields['max_concurrency']);
  const rate = rateOf(fields['request_rate']);
  const ttft = filled(printed(fields, 'ttft'), details?.ttft);
  const output = count(fields['total_output_tokens']);
  const point: PerfPoint = {
    ...emptyPoint(client, version, null),
    id: loadId(parallel, rate, sent),
    parallel,
    rate,
    number: sent,
    success: completed,
    failed,
    duration_s: finite(fields['duration']),
    stream: ttft.mean === null ? null : true,
    ttft_ms: ttft,
    tpot_ms: filled(printed(fields, 'tpot'), details?.tpot),
    itl_ms: filled(printed(fields, 'itl'), details?.itl),
    output_tps: output === null ? null : finite(fields['output_throughput']),
    request_tps: finite(fields['request_throughput']),
    input_tokens: tokens(count(fields['total_input_tokens']), completed, details?.input),
    output_tokens: tokens(output, completed, details?.output),
  };
  return { point, details };
}

/** `vllm bench serve`. @throws ToolError E_FORMAT_UNKNOWN */
export function vllmLoad(fields: Fields, name: string, version: string | null): Load {
  refuseOtherUnits(fields, name);
  const { point, details } = shared(fields, 'vllm', version);
  const backend = words(fields['backend']) ?? words(fields['endpoint_type']) ?? '';
  const accepted = count(fields['spec_decode_accepted_tokens']);
  const drafted = count(fields['spec_decode_draft_tokens']);
  const share = finite(fields['spec_decode_acceptance_rate']);
  // Older versions wrote the key with the colon of their table.
  const goodput = finite(fields['request_goodput']) ?? finite(fields['request_goodput:']);
  return checkedPoint({
    ...point,
    ttft_ms: defined(point.ttft_ms, backend.includes('chat') ? chatTtft : null),
    tpot_ms: defined(point.tpot_ms, backend.includes('chat') ? `(latency − TTFT)/(tokens − 1), with TTFT ${chatTtft}` : null),
    e2el_ms: filled(printed(fields, 'e2el'), details?.e2el),
    total_tps: finite(fields['total_token_throughput']),
    speculative:
      accepted === null && drafted === null && share === null
        ? null
        : { accepted_tokens: accepted, draft_tokens: drafted, acceptance_rate: accepted !== null && drafted !== null && drafted > 0 ? accepted / drafted : share === null ? null : share / 100, tokens_per_step: finite(fields['spec_decode_acceptance_length']), source: 'server' },
    ...(goodput === null ? {} : { goodput }),
  });
}

/** `python -m sglang.bench_serving`. @throws ToolError E_FORMAT_UNKNOWN */
export function sglangLoad(fields: Fields, name: string, version: string | null): Load {
  refuseOtherUnits(fields, name);
  const { point, details } = shared(fields, 'sglang', version);
  const [input, output] = [finite(fields['input_throughput']), finite(fields['output_throughput'])];
  const notes: Incomplete[] = [];
  if (point.failed === null) notes.push({ code: 'failures-unknown', detail: 'the result does not say how many requests were asked: whether some failed is not known (--output-details tells)' });
  if (finite(fields['accept_length']) !== null) notes.push({ code: 'speculation-lifetime', detail: 'accept_length is an average since the service started, not of this window: left out' });
  return checkedPoint({ ...point, e2el_ms: filled(printed(fields, 'e2e_latency'), details?.e2el), total_tps: finite(fields['total_throughput']) ?? (input === null || output === null ? null : input + output) }, notes);
}

const labels: ReadonlyMap<string, string> = new Map([
  ['Backend', 'backend'],
  ['Traffic request rate', 'request_rate'],
  ['Request rate configured (RPS)', 'request_rate'],
  ['Max request concurrency', 'max_concurrency'],
  ['Max reqeuest concurrency', 'max_concurrency'],
  ['Maximum request concurrency', 'max_concurrency'],
  ['Successful requests', 'completed'],
  ['Failed requests', 'failed'],
  ['Benchmark duration (s)', 'duration'],
  ['Total input tokens', 'total_input_tokens'],
  ['Total generated tokens', 'total_output_tokens'],
  ['Total generated tokens (retokenized)', 'total_output_tokens_retokenized'],
  ['Request throughput (req/s)', 'request_throughput'],
  ['Request goodput (req/s)', 'request_goodput'],
  ['Input token throughput (tok/s)', 'input_throughput'],
  ['Output token throughput (tok/s)', 'output_throughput'],
  ['Total token throughput (tok/s)', 'total_token_throughput'],
  ['Total Token throughput (tok/s)', 'total_token_throughput'],
  ['Acceptance rate (%)', 'spec_decode_acceptance_rate'],
  ['Acceptance length', 'spec_decode_acceptance_length'],
  ['Accept length', 'accept_length'],
  ['Drafts', 'spec_decode_num_drafts'],
  ['Draft tokens', 'spec_decode_draft_tokens'],
  ['Accepted tokens', 'spec_decode_accepted_tokens'],
]);

/** The tables both clients print, as the fields of their JSON. Values have two decimals there. */
export function servingTables(text: string): Fields[] {
  const found: Fields[] = [];
  let at: Record<string, unknown> | null = null;
  for (const line of text.split('\n')) {
    if (/^=+ Serving Benchmark Result =+\s*$/.test(line.trim())) {
      at = {};
      found.push(at);
    } else if (/^=+$/.test(line.trim())) at = null;
    if (at === null) continue;
    const pair = /^\s*(.+?):\s+(\S+)\s*$/.exec(line);
    if (pair === null) continue;
    const [, label = '', shown = ''] = pair;
    const statistic = /^(Mean|Median|Std|P\d+) (TTFT|TPOT|ITL|E2EL|E2E Latency) \((\w+)\)$/.exec(label);
    const value: unknown = /^-?\d+(?:\.\d+)?$/.test(shown) ? Number(shown) : shown;
    const name = statistic === null ? labels.get(label) : `${statistic[1]?.toLowerCase() ?? ''}_${statistic[2]?.toLowerCase().replace(' ', '_') ?? ''}_${statistic[3] ?? ''}`;
    if (name !== undefined) at[name] = value;
  }
  for (const table of found) if ('input_throughput' in table && 'total_token_throughput' in table) Object.assign(table, { total_throughput: table['total_token_throughput'] });
  return found;
}
