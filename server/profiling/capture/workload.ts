import { ToolError } from '../../contract/index.js';
import { httpRequest } from '../../host/http.js';
import { streamEvents } from '../../host/sse.js';
import { promptOf } from '../../programs/prompts.js';
import { limits } from './thresholds.js';

export interface Counts {
  readonly requests: number;
  readonly ok: number;
  readonly failed: number;
  readonly cut: number;
  readonly events: number;
  readonly prompt_tokens: number | null;
  readonly completion_tokens: number | null;
}

export const noCounts: Counts = { requests: 0, ok: 0, failed: 0, cut: 0, events: 0, prompt_tokens: 0, completion_tokens: 0 };

const sum = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b);

export function addCounts(a: Counts, b: Counts): Counts {
  return {
    requests: a.requests + b.requests,
    ok: a.ok + b.ok,
    failed: a.failed + b.failed,
    cut: a.cut + b.cut,
    events: a.events + b.events,
    prompt_tokens: sum(a.prompt_tokens, b.prompt_tokens),
    completion_tokens: sum(a.completion_tokens, b.completion_tokens),
  };
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

/** Id of the model the service serves. @throws ToolError E_SERVICE_FAILED */
export async function modelOf(endpoint: string): Promise<string> {
  const answer = await httpRequest(`${endpoint}/v1/models`, { timeoutMs: limits.modelsMs.value });
  if (answer === null) throw new ToolError('E_SERVICE_FAILED', 'the endpoint did not answer /v1/models', 'check endpoint, and that the service is ready');
  const data: unknown = parsed(answer.body)?.['data'];
  const first: unknown = Array.isArray(data) ? data[0] : null;
  if (answer.status !== 200 || !isRecord(first) || typeof first['id'] !== 'string') throw new ToolError('E_SERVICE_FAILED', `/v1/models answered HTTP ${answer.status} without a model`, 'check that endpoint is an OpenAI-compatible service');
  return first['id'];
}

export const api = '/v1/completions';

export interface Load {
  readonly endpoint: string;
  readonly model: string;
  readonly seed: string;
  readonly parallel: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

class Request {
  events = 0;
  /** Events that came while the window was open. */
  inWindow = 0;
  end: 'ok' | 'failed' | 'cut' | null = null;
  status: number | null = null;
  /** An event said so, or was not JSON. */
  broken = false;
  promptTokens: number | null = null;
  completionTokens: number | null = null;
}

/** Requests sent together. */
export class Batch {
  readonly #requests: Request[] = [];
  readonly #cutting = new AbortController();
  readonly #watchers = new Set<() => void>();
  #window = false;
  /** Resolves when every request has ended. */
  readonly done: Promise<void>;

  /** @param first number of its first prompt; each batch takes `parallel` of them */
  constructor(load: Load, first: number, signal: AbortSignal) {
    const running: Promise<void>[] = [];
    for (let i = 0; i < load.parallel; i += 1) {
      const request = new Request();
      this.#requests.push(request);
      running.push(this.#send(load, first + i, request, AbortSignal.any([signal, this.#cutting.signal])));
    }
    this.done = Promise.all(running).then(() => undefined);
  }

  async #send(load: Load, number: number, request: Request, signal: AbortSignal): Promise<void> {
    const body = {
      model: load.model,
      prompt: promptOf(load.seed, number, load.inputTokens),
      max_tokens: load.outputTokens,
      temperature: 0,
      ignore_eos: true,
      stream: true,
      stream_options: { include_usage: true },
    };
    const end = await streamEvents(`${load.endpoint}${api}`, body, { timeoutMs: limits.requestMs.value, signal }, (data) => {
      if (data === '[DONE]') return;
      const event = parsed(data);
      if (event === null || 'error' in event) {
        request.broken = true;
        return;
      }
      this.#usage(request, event['usage']);
      const choices: unknown = event['choices'];
      const first: unknown = Array.isArray(choices) ? choices[0] : null;
      if (!isRecord(first) || typeof first['text'] !== 'string' || first['text'] === '') return;
      request.events += 1;
      if (this.#window) request.inWindow += 1;
      this.#tell();
    });
    request.status = end.status;
    request.end = end.status === 200 && end.complete && !request.broken && request.events > 0 ? 'ok' : signal.aborted ? 'cut' : 'failed';
    this.#tell();
  }

  #usage(request: Request, usage: unknown): void {
    if (!isRecord(usage)) return;
    if (typeof usage['prompt_tokens'] === 'number') request.promptTokens = usage['prompt_tokens'];
    if (typeof usage['completion_tokens'] === 'number') request.completionTokens = usage['completion_tokens'];
  }

  #tell(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** True when `found` came true, false when time ran out. */
  #until(found: () => boolean, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (value: boolean): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve(value);
      };
      const look = (): void => {
        if (found()) end(true);
      };
      const timer = setTimeout(() => end(false), timeoutMs);
      this.#watchers.add(look);
      look();
    });
  }

  /** Waits until every request has its first token. False when one ended before, or time ran out. */
  async firstTokens(): Promise<boolean> {
    await this.#until(() => this.#requests.every((r) => r.events > 0 || r.end !== null), limits.requestMs.value);
    return this.#requests.every((r) => r.events > 0 && r.end === null);
  }

  /** From here on events count as seen inside the window. */
  openWindow(): void {
    this.#window = true;
  }

  closeWindow(): void {
    this.#window = false;
  }

  /** Waits until every request that still runs has `events` events inside the window, or one has ended. */
  async filled(events: number): Promise<void> {
    await this.#until(() => this.#requests.some((r) => r.end !== null) || this.#requests.every((r) => r.inWindow >= events), limits.requestMs.value);
  }

  /** Fewest events of a request inside the window. */
  get leastInWindow(): number {
    return Math.min(...this.#requests.map((r) => r.inWindow));
  }

  /** HTTP status of the first request that failed; null when none did or none answered. */
  get failedStatus(): number | null {
    return this.#requests.find((r) => r.end === 'failed')?.status ?? null;
  }

  /** Ends the requests that still run. */
  async cut(): Promise<void> {
    this.#cutting.abort();
    await this.done;
  }

  counts(): Counts {
    const ended = (end: Request['end']): number => this.#requests.filter((r) => r.end === end).length;
    const total = (pick: (r: Request) => number | null): number | null => this.#requests.map(pick).reduce(sum, 0);
    return {
      requests: this.#requests.length,
      ok: ended('ok'),
      failed: ended('failed'),
      cut: ended('cut'),
      events: this.#requests.reduce((s, r) => s + r.inWindow, 0),
      prompt_tokens: total((r) => r.promptTokens),
      completion_tokens: total((r) => r.completionTokens),
    };
  }
}
