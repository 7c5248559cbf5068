import { ToolError } from '../../contract/index.js';
import { httpRequest } from '../../host/http.js';
import { finishOf, isRecord, numberOf, textOf } from '../read/items.js';
import { defaults, waits } from '../thresholds.js';
import { judgeProbe } from './judge.js';
import { targetOf, type Probe } from './prompts.js';

/** One line of raw_predictions.jsonl, as the probe writes it. */
export interface ProbeRow {
  readonly id: string;
  readonly dataset: 'probe';
  readonly subset: Probe['subset'];
  readonly repeat: number;
  /** Requests sent at once in this pass. */
  readonly parallel: number;
  readonly prompt: string;
  readonly target: string;
  readonly prediction: string | null;
  readonly extracted: string | null;
  readonly score: number | null;
  readonly finish_reason: string | null;
  readonly output_tokens: number | null;
  /** Why there is no answer, in our words; null when there is one. */
  readonly error: string | null;
}

export interface ProbeTarget {
  readonly endpoint: string;
  readonly model: string;
  readonly temperature: number;
  readonly maxTokens: number;
}

interface Answer {
  readonly text: string | null;
  readonly finish: string | null;
  readonly outputTokens: number | null;
  readonly error: string | null;
}

function parse(status: number, body: string): Answer {
  const none = { text: null, finish: null, outputTokens: null };
  if (status !== 200) return { ...none, error: `HTTP ${status}` };
  try {
    const value: unknown = JSON.parse(body);
    const choices: unknown = isRecord(value) ? value['choices'] : null;
    const first: unknown = Array.isArray(choices) ? choices[0] : null;
    if (!isRecord(value) || !isRecord(first) || !isRecord(first['message'])) return { ...none, error: 'an answer without a choice' };
    const usage = isRecord(value['usage']) ? value['usage'] : {};
    return { text: textOf(first['message']['content']) ?? '', finish: typeof first['finish_reason'] === 'string' ? first['finish_reason'] : null, outputTokens: numberOf(usage['completion_tokens']), error: null };
  } catch {
    return { ...none, error: 'an answer that is not JSON' };
  }
}

async function ask(target: ProbeTarget, probe: Probe, repeat: number, parallel: number, signal: AbortSignal): Promise<ProbeRow> {
  const body = { model: target.model, messages: [{ role: 'user', content: probe.prompt }], temperature: target.temperature, max_tokens: target.maxTokens, stream: false };
  const got = await httpRequest(`${target.endpoint}/v1/chat/completions`, { body, timeoutMs: waits.requestMs.value, signal });
  const answer: Answer = got === null ? { text: null, finish: null, outputTokens: null, error: 'no answer' } : parse(got.status, got.body);
  const judged = answer.text === null ? null : judgeProbe(probe, answer.text, finishOf(answer.finish));
  return {
    id: probe.id,
    dataset: 'probe',
    subset: probe.subset,
    repeat,
    parallel,
    prompt: probe.prompt,
    target: targetOf(probe.rule),
    prediction: answer.text,
    extracted: judged?.extracted ?? null,
    score: judged?.score ?? null,
    finish_reason: answer.finish,
    output_tokens: answer.outputTokens,
    error: answer.error,
  };
}

/**
 * Every probe `repeats` times: passes take turns between one request at a time and many at once, because batch composition is one of
 * the things that break answers.
 * @throws ToolError E_SERVICE_FAILED when not one request is answered
 */
export async function runProbes(target: ProbeTarget, probes: readonly Probe[], repeats: number, signal: AbortSignal, tell: (done: number, total: number) => Promise<void>): Promise<ProbeRow[]> {
  const rows: ProbeRow[] = [];
  const total = probes.length * repeats;
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const parallel = repeat % 2 === 0 ? 1 : defaults.probeParallel.value;
    for (let from = 0; from < probes.length; from += parallel) {
      signal.throwIfAborted();
      rows.push(...(await Promise.all(probes.slice(from, from + parallel).map((p) => ask(target, p, repeat, parallel, signal)))));
      await tell(rows.length, total);
    }
  }
  if (rows.every((r) => r.error !== null)) throw new ToolError('E_SERVICE_FAILED', `none of ${rows.length} probes was answered (${rows[0]?.error ?? 'no answer'})`, 'check endpoint and model, and that the service is ready');
  return rows;
}
