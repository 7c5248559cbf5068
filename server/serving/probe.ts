import { z } from 'zod';
import { httpRequest } from '../host/http.js';
import { waits } from './thresholds.js';

const models = z.object({ data: z.array(z.object({ id: z.string().min(1) })).min(1) });
const completion = z.object({
  choices: z.array(z.object({ text: z.string().nullish(), message: z.looseObject({ content: z.string().nullish(), reasoning_content: z.string().nullish() }).nullish() })).min(1),
  usage: z.object({ completion_tokens: z.number().int().nullish() }).nullish(),
});

export interface Check {
  readonly path: string;
  readonly model: string;
  readonly status: number;
  readonly completion_tokens: number | null;
  readonly latency_ms: number;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** The model id the endpoint serves; null while it does not answer. xLLM's list has no top-level `object`. */
export async function servedModel(endpoint: string, signal: AbortSignal): Promise<string | null> {
  const answer = await httpRequest(`${endpoint}/v1/models`, { timeoutMs: waits.probeTimeoutMs, signal });
  const checked = models.safeParse(answer?.status === 200 ? parsed(answer.body) : null);
  return checked.success ? (checked.data.data[0]?.id ?? null) : null;
}

/** False when /health says no; a server without that route (404) is asked by its models instead. */
async function healthy(endpoint: string, signal: AbortSignal): Promise<boolean> {
  const answer = await httpRequest(`${endpoint}/health`, { timeoutMs: waits.probeTimeoutMs, signal });
  return answer !== null && (answer.status === 200 || answer.status === 404);
}

/**
 * One real request: an answer with a choice that holds text or counted tokens. Chat first, plain completion where chat has no
 * template. Null when neither came.
 */
async function complete(endpoint: string, model: string, signal: AbortSignal): Promise<Check | null> {
  const limits = { max_tokens: 4, temperature: 0, stream: false };
  const requests = [
    { path: '/v1/chat/completions', body: { model, messages: [{ role: 'user', content: 'Say yes.' }], ...limits } },
    { path: '/v1/completions', body: { model, prompt: 'Say yes.', ...limits } },
  ];
  for (const { path, body } of requests) {
    const started = performance.now();
    const answer = await httpRequest(`${endpoint}${path}`, { body, timeoutMs: waits.completionTimeoutMs, signal });
    if (answer === null) return null;
    const checked = completion.safeParse(answer.status === 200 ? parsed(answer.body) : null);
    if (!checked.success) continue;
    const [choice] = checked.data.choices;
    const tokens = checked.data.usage?.completion_tokens ?? null;
    const text = choice?.text ?? choice?.message?.content ?? choice?.message?.reasoning_content ?? '';
    if (text !== '' || (tokens ?? 0) > 0) return { path, model, status: answer.status, completion_tokens: tokens, latency_ms: Math.round(performance.now() - started) };
  }
  return null;
}

/** Asks whether a service answers: health, its model, one real completion. Null means not yet. */
export async function probe(endpoint: string, signal: AbortSignal): Promise<Check | null> {
  if (!(await healthy(endpoint, signal))) return null;
  const model = await servedModel(endpoint, signal);
  return model === null ? null : complete(endpoint, model, signal);
}
