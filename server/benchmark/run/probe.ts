import type { PerfLatency, PerfPoint } from '../../contract/index.js';
import { streamEvents } from '../../host/sse.js';
import type { ClientRun } from '../../programs/bench-client.js';
import { promptOf } from '../../programs/prompts.js';
import { mean } from '../../stats/moments.js';
import { quantile } from '../../stats/quantiles.js';
import { limits } from './thresholds.js';

/**
 * A small client of our own, for a smoke test where no other is installed. Closed loop; one process; no tokenizer. Its numbers are
 * for nothing else: it has never been compared with the others.
 */

/** Raw file of its requests, one JSON object a line. */
export const probeFile = 'requests.jsonl';
export const probeVersion = '1';

/** One request. Times in ms since the window opened. */
export interface ProbeRow {
  readonly ok: boolean;
  readonly status: number | null;
  readonly start_ms: number;
  /** First event with text, since the request was sent. */
  readonly ttft_ms: number | null;
  /** Last event. */
  readonly e2el_ms: number | null;
  /** Between events with text. */
  readonly itl_ms: readonly number[];
  readonly prompt_tokens: number | null;
  readonly completion_tokens: number | null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000;
const whole = (value: unknown): number | null => (typeof value === 'number' && Number.isInteger(value) ? value : null);

async function send(run: ClientRun, prompt: string, zero: number, signal: AbortSignal): Promise<ProbeRow> {
  const start = performance.now();
  const seen: { first: number; last: number; broken: boolean; prompt: number | null; completion: number | null } = { first: 0, last: 0, broken: false, prompt: null, completion: null };
  const gaps: number[] = [];
  const body = {
    model: run.model,
    prompt,
    max_tokens: run.outputTokens,
    temperature: run.temperature,
    ...(run.topP === null ? {} : { top_p: run.topP }),
    ...(run.topK === null ? {} : { top_k: run.topK }),
    ...(run.seed === null ? {} : { seed: run.seed }),
    ignore_eos: run.ignoreEos,
    stream: true,
    stream_options: { include_usage: true },
  };
  const end = await streamEvents(`${run.endpoint}/v1/completions`, body, { timeoutMs: limits.requestMs.value, signal }, (data) => {
    if (data === '[DONE]') return;
    const event = parsed(data);
    if (event === null || 'error' in event) {
      seen.broken = true;
      return;
    }
    const usage: unknown = event['usage'];
    if (isRecord(usage)) {
      seen.prompt = whole(usage['prompt_tokens']) ?? seen.prompt;
      seen.completion = whole(usage['completion_tokens']) ?? seen.completion;
    }
    const choices: unknown = event['choices'];
    const choice: unknown = Array.isArray(choices) ? choices[0] : null;
    if (!isRecord(choice) || typeof choice['text'] !== 'string' || choice['text'] === '') return;
    const now = performance.now();
    if (seen.first === 0) seen.first = now;
    else gaps.push(round(now - seen.last));
    seen.last = now;
  });
  const ok = end.status === 200 && end.complete && !seen.broken && seen.first > 0;
  return { ok, status: end.status, start_ms: round(start - zero), ttft_ms: ok ? round(seen.first - start) : null, e2el_ms: ok ? round(seen.last - start) : null, itl_ms: ok ? gaps : [], prompt_tokens: ok ? seen.prompt : null, completion_tokens: ok ? seen.completion : null };
}

/** Sends `number` requests, `parallel` of them at a time, each with a prompt of its own from `first` on. */
export async function sendProbe(run: ClientRun, number: number, first: number, signal: AbortSignal, progress: (done: number) => void): Promise<ProbeRow[]> {
  const rows: ProbeRow[] = [];
  const zero = performance.now();
  let next = 0;
  const slot = async (): Promise<void> => {
    while (next < number && !signal.aborted) {
      const n = next;
      next += 1;
      rows.push(await send(run, promptOf(String(run.seed ?? 0), first + n, run.inputTokens ?? 1), zero, signal));
      progress(rows.length);
    }
  };
  await Promise.all(Array.from({ length: run.parallel ?? 1 }, slot));
  return rows.sort((a, b) => a.start_ms - b.start_ms);
}

function latency(values: readonly number[]): PerfLatency {
  return { mean: mean(values), p50: quantile(values, 0.5), p90: quantile(values, 0.9), p95: quantile(values, 0.95), p99: quantile(values, 0.99), min: values.length === 0 ? null : Math.min(...values), max: values.length === 0 ? null : Math.max(...values) };
}

const all = (values: readonly (number | null)[]): number[] => values.filter((v): v is number => v !== null);
const total = (values: readonly (number | null)[]): number | null => (values.length === 0 || values.includes(null) ? null : all(values).reduce((a, b) => a + b, 0));

export type Measured = Pick<PerfPoint, 'success' | 'failed' | 'duration_s' | 'ttft_ms' | 'tpot_ms' | 'itl_ms' | 'e2el_ms' | 'output_tps' | 'total_tps' | 'request_tps' | 'input_tokens' | 'output_tokens'>;

/** Numbers of a pass from its requests. TPOT is (latency − TTFT) / (tokens − 1), null for one token; percentiles interpolate. */
export function probeNumbers(rows: readonly ProbeRow[]): Measured {
  const good = rows.filter((r) => r.ok);
  const ends = all(good.map((r) => (r.e2el_ms === null ? null : r.start_ms + r.e2el_ms)));
  const begin = rows.length === 0 ? null : Math.min(...rows.map((r) => r.start_ms));
  const seconds = ends.length === 0 || begin === null ? null : (Math.max(...ends) - begin) / 1000;
  const [input, output] = [total(good.map((r) => r.prompt_tokens)), total(good.map((r) => r.completion_tokens))];
  const per = (count: number | null): number | null => (count === null || seconds === null || seconds <= 0 ? null : count / seconds);
  const tpot = good.flatMap((r) => (r.ttft_ms === null || r.e2el_ms === null || r.completion_tokens === null || r.completion_tokens < 2 ? [] : [(r.e2el_ms - r.ttft_ms) / (r.completion_tokens - 1)]));
  return {
    success: good.length,
    failed: rows.length - good.length,
    duration_s: seconds,
    ttft_ms: latency(all(good.map((r) => r.ttft_ms))),
    tpot_ms: latency(tpot),
    itl_ms: latency(good.flatMap((r) => [...r.itl_ms])),
    e2el_ms: latency(all(good.map((r) => r.e2el_ms))),
    output_tps: per(output),
    total_tps: per(input === null || output === null ? null : input + output),
    request_tps: good.length === 0 ? null : per(good.length),
    input_tokens: { mean: mean(all(good.map((r) => r.prompt_tokens))), total: input, source: 'server' },
    output_tokens: { mean: mean(all(good.map((r) => r.completion_tokens))), total: output, source: 'server' },
  };
}
