import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { parseRequest, type TextRequest } from './chat-request.js';
import { nowMs } from './clock.js';
import { Completion, promptTokens, type AnswerFaults, type Usage } from './completion.js';
import type { Engine } from './engine.js';
import { EventStream, readBody, sendJson, sendText } from './http.js';
import type { VllmLog } from './vllm-log.js';
import type { VllmMetrics } from './vllm-metrics.js';

/** vLLM's OpenAI face: JSON errors, a usage chunk with empty choices, Prometheus metrics. */

export interface VllmService {
  readonly engine: Engine;
  readonly metrics: VllmMetrics;
  readonly log: VllmLog;
  readonly model: string;
  readonly root: string;
  readonly maxModelLen: number;
  readonly cache: { readonly blocks: number; readonly blockSize: number; readonly utilization: number; readonly prefix: boolean };
  readonly seed: number;
  readonly faults: AnswerFaults;
  answered(): void;
}

type Kind = 'chat' | 'completion';
const version = '0.11.0';

function usageOf(usage: Usage): object {
  return { prompt_tokens: usage.promptTokens, total_tokens: usage.promptTokens + usage.completionTokens, completion_tokens: usage.completionTokens, prompt_tokens_details: null };
}

function problem(response: ServerResponse, status: number, type: string, message: string): void {
  sendJson(response, status, { error: { message, type, param: null, code: status } });
}

const dead = 'EngineCore encountered an issue. See stack trace (above) for the root cause.';

export class VllmHttp {
  readonly #s: VllmService;
  readonly #server: Server;
  readonly #open = new Map<Completion, (message: string) => void>();
  #dead = false;
  #draws = 0;

  constructor(service: VllmService) {
    this.#s = service;
    this.#server = createServer((request: IncomingMessage, response: ServerResponse) => {
      this.#route(request, response).catch(() => response.destroy());
    });
    this.#server.keepAliveTimeout = 0;
    this.#server.requestTimeout = 0;
    this.#server.headersTimeout = 0;
  }

  /** @throws Error when the port is taken */
  listen(host: string, port: number): Promise<void> {
    return open(this.#server, host, port);
  }

  /** The engine is gone: open requests fail, new ones are refused. */
  die(): void {
    this.#dead = true;
    for (const [completion, fail] of [...this.#open]) {
      completion.cancel();
      fail(dead);
    }
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://simulated').pathname;
    const client = `${request.socket.remoteAddress ?? ''}:${request.socket.remotePort ?? 0}`;
    response.once('finish', () => this.#s.log.plain(`${client} - "${request.method ?? 'GET'} ${path} HTTP/1.1" ${response.statusCode} ${response.statusMessage}`));
    switch (path) {
      case '/v1/chat/completions':
        return this.#generate('chat', request, response);
      case '/v1/completions':
        return this.#generate('completion', request, response);
      case '/v1/models':
        sendJson(response, 200, { object: 'list', data: [{ id: this.#s.model, object: 'model', created: Math.floor(Date.now() / 1000), owned_by: 'vllm', root: this.#s.root, parent: null, max_model_len: this.#s.maxModelLen, permission: [] }] });
        return;
      case '/health':
      case '/ping':
        sendText(response, this.#dead ? 503 : 200, 'text/plain', '');
        return;
      case '/version':
        sendJson(response, 200, { version });
        return;
      case '/metrics':
        sendText(response, 200, 'text/plain; version=0.0.4; charset=utf-8', this.#s.metrics.text(this.#s.engine.scheduler, this.#s.cache));
        return;
      default:
        sendJson(response, 404, { detail: 'Not Found' });
        return;
    }
  }

  async #generate(kind: Kind, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (!body.ok) return;
    const parsed = parseRequest(kind, body.text);
    if (!parsed.ok) {
      problem(response, 400, 'BadRequestError', parsed.reason === 'json' ? 'JSON decode error' : 'the request has a field of the wrong type');
      return;
    }
    const asked = parsed.request;
    if (this.#dead) {
      problem(response, 500, 'InternalServerError', dead);
      return;
    }
    if (asked.model !== null && asked.model !== this.#s.model) {
      problem(response, 404, 'NotFoundError', `The model \`${asked.model}\` does not exist.`);
      return;
    }
    const prompt = promptTokens(asked);
    const wanted = asked.maxCompletionTokens ?? asked.maxTokens;
    if (prompt.length + (wanted ?? 1) > this.#s.maxModelLen) {
      problem(response, 400, 'BadRequestError', `This model's maximum context length is ${this.#s.maxModelLen} tokens. However, you requested ${prompt.length + (wanted ?? 1)} tokens (${prompt.length} in the messages, ${wanted ?? 1} in the completion). Please reduce the length of the messages or completion.`); return;
    }
    this.#serve(kind, asked, prompt, wanted ?? this.#s.maxModelLen - prompt.length, response);
  }

  #serve(kind: Kind, asked: TextRequest, prompt: readonly string[], maxTokens: number, response: ServerResponse): void {
    const { metrics } = this.#s;
    const startMs = nowMs();
    const id = `${kind === 'chat' ? 'chatcmpl' : 'cmpl'}-${randomUUID().replaceAll('-', '')}`;
    const object = kind === 'completion' ? 'text_completion' : asked.stream ? 'chat.completion.chunk' : 'chat.completion';
    const head = { id, object, created: Math.floor(Date.now() / 1000), model: this.#s.model };
    const events = asked.stream ? new EventStream(response) : null;
    const texts = Array.from({ length: asked.n }, () => '');
    const reasons = Array.from({ length: asked.n }, () => '');
    const begun = new Set<number>();
    let open = true;
    this.#draws += 1;
    const close = (): boolean => {
      const was = open;
      open = false;
      this.#open.delete(completion);
      return was;
    };
    const choice = (index: number, text: string, reason: string | null): object =>
      kind === 'chat' ? { index, delta: reason === null ? { content: text } : { content: '' }, logprobs: null, finish_reason: reason } : { index, text, logprobs: null, finish_reason: reason, stop_reason: null };
    const failed = (message: string): void => {
      if (!close()) return;
      if (events === null) problem(response, 500, 'InternalServerError', message);
      else events.breakOff(`data: ${JSON.stringify({ error: { message, type: 'InternalServerError', param: null, code: 500 } })}\n\ndata: [DONE]\n\n`);
    };
    const completion = new Completion(this.#s.engine, asked, { maxTokens, blockSize: this.#s.cache.blockSize, seed: this.#s.seed, draw: this.#draws, faults: this.#s.faults, prompt }, {
      text: (index, text) => {
        if (events === null) {
          texts[index] = `${texts[index] ?? ''}${text}`;
          return;
        }
        if (kind === 'chat' && !begun.has(index)) events.send({ ...head, choices: [{ index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }] });
        begun.add(index);
        events.send({ ...head, choices: [choice(index, text, null)] });
      },
      finished: (index, reason) => {
        reasons[index] = reason;
        metrics.finished(reason);
        events?.send({ ...head, choices: [choice(index, '', reason)] });
      },
      done: (usage) => {
        if (!close()) return;
        this.#measure(completion, startMs);
        if (events !== null) {
          if (asked.includeUsage) events.send({ ...head, choices: [], usage: usageOf(usage) });
          events.done();
        } else {
          const choices = texts.map((text, index) => (kind === 'chat' ? { index, message: { role: 'assistant', content: text, refusal: null, tool_calls: [] }, logprobs: null, finish_reason: reasons[index], stop_reason: null } : { index, text, logprobs: null, finish_reason: reasons[index], stop_reason: null }));
          sendJson(response, 200, { ...head, choices, usage: usageOf(usage) });
        }
        this.#s.answered();
      },
      failed,
    });
    this.#open.set(completion, failed);
    response.on('close', () => {
      if (!close()) return;
      completion.cancel();
      metrics.finished('abort');
    });
  }

  #measure(completion: Completion, startMs: number): void {
    const { metrics } = this.#s;
    const now = nowMs();
    for (const s of completion.sequences) {
      const first = s.firstTokenMs ?? now;
      const last = s.lastTokenMs ?? now;
      metrics.record('e2e_request_latency_seconds', (now - startMs) / 1000);
      metrics.record('request_prefill_time_seconds', (first - s.createdMs) / 1000);
      metrics.record('request_decode_time_seconds', (last - first) / 1000);
      metrics.record('request_inference_time_seconds', (last - s.createdMs) / 1000);
      if (s.generated > 1) metrics.record('time_per_output_token_seconds', (last - first) / 1000 / (s.generated - 1));
    }
  }
}

function open(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host === '' ? '127.0.0.1' : host, () => {
      server.removeListener('error', reject);
      server.on('error', () => undefined);
      resolve();
    });
  });
}

/** Fails at once when the port is taken, as vLLM binds it first; it listens only when the engine is there. @throws Error when the port is taken */
export async function probePort(host: string, port: number): Promise<void> {
  const server = createServer();
  await open(server, host, port);
  await new Promise((done) => server.close(done));
}
