import { z } from 'zod';

/** What both engines read of an OpenAI request; unknown fields are ignored. */

const content = z.union([z.string(), z.null(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))]).optional();

const sampling = {
  model: z.string().optional(),
  max_tokens: z.int().positive().nullish(),
  temperature: z.number().min(0).nullish(),
  n: z.int().min(1).max(16).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  ignore_eos: z.boolean().nullish(),
};

const chat = z.looseObject({ ...sampling, messages: z.array(z.looseObject({ role: z.string(), content })).min(1), max_completion_tokens: z.int().positive().nullish() });
const completion = z.looseObject({ ...sampling, prompt: z.union([z.string(), z.array(z.int().nonnegative()), z.array(z.string()).length(1)]) });

export interface TextRequest {
  readonly model: string | null;
  /** The conversation, or null for a plain prompt. */
  readonly messages: readonly { readonly role: string; readonly content: string }[] | null;
  readonly prompt: string;
  /** A prompt given as token ids. */
  readonly ids: readonly number[] | null;
  readonly maxTokens: number | null;
  /** The newer field, which xLLM does not know. */
  readonly maxCompletionTokens: number | null;
  readonly temperature: number | null;
  readonly n: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly stop: readonly string[];
  readonly ignoreEos: boolean;
}

export type ParsedRequest = { readonly ok: true; readonly request: TextRequest } | { readonly ok: false; readonly reason: 'json' | 'shape' };

function plain(value: z.infer<typeof content>): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : value.map((part) => part.text ?? '').join('');
}

type Sampling = z.infer<z.ZodObject<typeof sampling>>;

function common(body: Sampling): Omit<TextRequest, 'messages' | 'prompt' | 'ids' | 'maxCompletionTokens'> {
  const stop = body.stop ?? [];
  return {
    model: body.model ?? null,
    maxTokens: body.max_tokens ?? null,
    temperature: body.temperature ?? null,
    n: body.n ?? 1,
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
    stop: typeof stop === 'string' ? [stop] : stop,
    ignoreEos: body.ignore_eos ?? false,
  };
}

function json(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

/** @param kind which route the body came to */
export function parseRequest(kind: 'chat' | 'completion', text: string): ParsedRequest {
  const parsed = json(text);
  if (parsed === null) return { ok: false, reason: 'json' };
  if (kind === 'chat') {
    const body = chat.safeParse(parsed.value);
    if (!body.success) return { ok: false, reason: 'shape' };
    const messages = body.data.messages.map((m) => ({ role: m.role, content: plain(m.content) }));
    return { ok: true, request: { ...common(body.data), messages, prompt: messages.findLast((m) => m.role === 'user')?.content ?? '', ids: null, maxCompletionTokens: body.data.max_completion_tokens ?? null } };
  }
  const body = completion.safeParse(parsed.value);
  if (!body.success) return { ok: false, reason: 'shape' };
  const { prompt } = body.data;
  const ids = Array.isArray(prompt) ? prompt.filter((p): p is number => typeof p === 'number') : [];
  const words = Array.isArray(prompt) ? prompt.filter((p): p is string => typeof p === 'string').join('') : prompt;
  return { ok: true, request: { ...common(body.data), messages: null, prompt: ids.length > 0 ? ids.join(' ') : words, ids: ids.length > 0 ? ids : null, maxCompletionTokens: null } };
}
