import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { hashText } from './tokens.js';
import { parseRequest, type TextRequest } from './chat-request.js';
import { Completion, promptTokens, type AnswerFaults, type Usage } from './completion.js';
import type { Engine } from './engine.js';
import type { Flags } from './gflags.js';
import type { Glog } from './glog.js';
import { EventStream, readBody, sendJson, sendText } from './http.js';
import { nowMs } from './clock.js';
import type { XllmMetrics } from './xllm-metrics.js';

/** xLLM's HTTP face with its own habits: plain-text errors with status 500, a usage chunk without choices, a health that never recovers. */

export interface XllmService {
  readonly engine: Engine;
  readonly metrics: XllmMetrics;
  readonly log: Glog;
  readonly flags: Flags;
  readonly modelId: string;
  readonly maxPositions: number;
  readonly blockSize: number;
  readonly seed: number;
  readonly faults: AnswerFaults;
  /** Called when a request has been answered. */
  answered(): void;
}

/** xLLM's default when a request names no max_tokens (request_params.h:88). */
const defaultMaxTokens = 5120;

type Kind = 'chat' | 'completion';

const objects: Readonly<Record<Kind, { readonly whole: string; readonly chunk: string; readonly prefix: string; readonly counter: 'request_handling_latency_seconds_chat' | 'request_handling_latency_seconds_completion' }>> = {
  chat: { whole: 'chat.completion', chunk: 'chat.completion.chunk', prefix: 'chatcmpl', counter: 'request_handling_latency_seconds_chat' },
  completion: { whole: 'text_completion', chunk: 'text_completion', prefix: 'cmpl', counter: 'request_handling_latency_seconds_completion' },
};

function usageOf(kind: Kind, usage: Usage): object {
  const base = { prompt_tokens: usage.promptTokens, completion_tokens: usage.completionTokens, total_tokens: usage.promptTokens + usage.completionTokens };
  if (kind === 'completion') return base;
  return { ...base, prompt_tokens_details: { cached_tokens: usage.cachedTokens, audio_tokens: 0 }, completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 } };
}

const first = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

export class XllmHttp {
  readonly #s: XllmService;
  readonly #server: Server;
  readonly #address: string;
  readonly #open = new Set<Completion>();
  #unhealthy: string | null = null;
  #requests = 0;
  #concurrent = 0;

  constructor(service: XllmService, address: string) {
    this.#s = service;
    this.#address = address;
    this.#server = createServer((request, response) => {
      // A URL that cannot be read ends its own connection, not the service.
      this.#route(request, response).catch(() => response.destroy());
    });
    // brpc keeps idle connections for ever and has no limit for a request's length in time.
    this.#server.keepAliveTimeout = 0;
    this.#server.requestTimeout = 0;
    this.#server.headersTimeout = 0;
  }

  /** @throws Error when the port cannot be had */
  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.removeListener('error', reject);
        this.#server.on('error', () => undefined);
        resolve();
      });
    });
  }

  /** Once unhealthy, always unhealthy: nothing sets it back. */
  latch(reason: string): void {
    if (this.#unhealthy !== null) return;
    this.#unhealthy = reason;
    this.#s.log.warning('health_reporter.h:40', `HealthReporter: cluster is unhealthy, reason: ${reason}`);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get concurrent(): number {
    return this.#concurrent;
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://simulated');
    const path = url.pathname.replace(/\/$/, '');
    const created = Math.floor(Date.now() / 1000);
    switch (path) {
      case '/v1/chat/completions':
        return this.#generate('chat', request, response);
      case '/v1/completions':
        return this.#generate('completion', request, response);
      case '/v1/models':
        sendJson(response, 200, { data: [{ id: this.#s.modelId, created, object: 'model', owned_by: 'xllm' }] });
        return;
      case '/v2/repository/index':
        sendJson(response, 200, [{ name: this.#s.modelId, version: this.#s.modelId, state: 'READY', reason: 'normal' }]);
        return;
      case '/health':
        sendJson(response, this.#unhealthy === null ? 200 : 503, this.#unhealthy === null ? { status: 'healthy' } : { status: 'unhealthy', reason: this.#unhealthy });
        return;
      case '/brpc_metrics':
        this.#refresh();
        sendText(response, 200, 'text/plain', this.#s.metrics.registry.prometheus());
        return;
      case '/flags':
        sendText(response, 200, 'text/plain', this.#flagsPage());
        return;
      case '/version':
        sendText(response, 200, 'text/plain', 'xllm\n');
        return;
      case '/start_profile':
      case '/stop_profile':
        this.#fail(response, 'Profiling is disabled. Please start the server with --enable_online_profile=true.');
        return;
      default:
        if (path === '/vars' || path.startsWith('/vars/')) {
          this.#refresh();
          sendText(response, 200, 'text/plain', this.#s.metrics.registry.vars(decodeURIComponent(path.slice('/vars/'.length))));
          return;
        }
        sendText(response, 404, 'text/plain', `Fail to find method on \`${path}'`);
        return;
    }
  }

  #refresh(): void {
    this.#s.metrics.queue(this.#s.engine.scheduler, this.#concurrent);
  }

  #flagsPage(): string {
    const rows = this.#s.flags.rows().map(([name, , fallback, description]) => {
      const value = this.#s.flags.text(name);
      return `${name} | ${value}${this.#s.flags.isDefault(name) ? '' : ` (default:${fallback})`} | ${description} | -`;
    });
    return ['Name | Value | Description | Defined At', '---------------------------------------', ...rows, ''].join('\n');
  }

  /** brpc turns every failed call into 500 with a text. */
  #fail(response: ServerResponse, message: string): void {
    sendText(response, 500, 'text/plain', `[${this.#address}]${message}`, { 'x-bd-error-code': '-1' });
  }

  async #generate(kind: Kind, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { metrics, flags } = this.#s;
    metrics.add('server_request_in_total');
    if (request.headers['content-length'] === undefined) {
      request.resume();
      metrics.add('server_request_total_fail');
      this.#fail(response, 'Content-Length header is missing.'); return;
    }
    const body = await readBody(request);
    if (!body.ok) return;
    const parsed = parseRequest(kind, body.text);
    if (!parsed.ok) {
      metrics.add('server_request_total_fail');
      this.#fail(response, parsed.reason === 'json' ? 'Failed to parse json to proto: invalid JSON' : 'Failed to parse json to proto: unexpected field type'); return;
    }
    const limit = flags.number('max_concurrent_requests');
    const asked = parsed.request;
    const refuse = (message: string, counter: 'server_request_total_limit' | 'server_request_total_fail', status: 'request_status_total_resource_exhausted' | 'request_status_total_invalid_argument' | 'request_status_total_unknown'): void => {
      metrics.add(counter);
      metrics.add(status);
      if (asked.stream) new EventStream(response).breakOff(message);
      else this.#fail(response, message);
    };
    if (limit > 0 && this.#concurrent >= limit) {
      refuse('The number of concurrent requests has reached the limit.', 'server_request_total_limit', 'request_status_total_resource_exhausted');
      return;
    }
    if (asked.model !== this.#s.modelId) {
      refuse('Model not supported', 'server_request_total_fail', 'request_status_total_unknown');
      return;
    }
    const prompt = promptTokens(asked);
    const longest = flags.bool('enable_chunked_prefill') ? this.#s.maxPositions : Math.min(this.#s.maxPositions, flags.number('max_tokens_per_batch'));
    if (prompt.length >= longest) {
      refuse('Prompt is too long', 'server_request_total_fail', 'request_status_total_invalid_argument');
      return;
    }
    this.#serve(kind, asked, prompt, request, response);
  }

  #serve(kind: Kind, asked: TextRequest, prompt: readonly string[], request: IncomingMessage, response: ServerResponse): void {
    const { metrics } = this.#s;
    const given = first(request.headers['x-request-id']) ?? first(request.headers['x-ms-client-request-id']) ?? first(request.headers['trace_id']);
    const requestId = given ?? `req-${hashText(asked.prompt).toString(16)}-${randomUUID()}`;
    const id = `${objects[kind].prefix}-${randomUUID().replaceAll('-', '')}`;
    const created = Math.floor(Date.now() / 1000);
    const maxTokens = Math.max(1, Math.min(asked.maxTokens ?? defaultMaxTokens, this.#s.maxPositions - prompt.length));
    const startMs = nowMs();
    const head = { id, object: asked.stream ? objects[kind].chunk : objects[kind].whole, created, model: this.#s.modelId };
    const headers = { 'x-request-id': requestId };
    let open = true;
    this.#requests += 1;
    this.#concurrent += 1;

    const finish = (status: 'ok' | 'fail' | 'cancelled'): void => {
      if (!open) return;
      open = false;
      this.#concurrent -= 1;
      this.#open.delete(completion);
      metrics.add(objects[kind].counter, (nowMs() - startMs) / 1000);
      if (status === 'cancelled') return metrics.add('request_status_total_cancelled');
      metrics.add(status === 'ok' ? 'server_request_total_ok' : 'server_request_total_fail');
      metrics.add(status === 'ok' ? 'request_status_total_ok' : 'request_status_total_resource_exhausted');
    };
    const ended = (): void => {
      metrics.record('end_2_end_latency_milliseconds', nowMs() - startMs);
      metrics.record('num_prompt_tokens_per_request', prompt.length);
      metrics.record('num_generated_tokens_per_request', completion.usage.completionTokens);
      this.#logRequest(completion, { requestId, id, maxTokens, temperature: asked.temperature ?? 0, startMs, reasons });
    };
    const texts = Array.from({ length: asked.n }, () => '');
    const reasons = Array.from({ length: asked.n }, () => '');
    const settings = { maxTokens, blockSize: this.#s.blockSize, seed: this.#s.seed, draw: this.#requests, faults: this.#s.faults, prompt };
    const stream = asked.stream ? new StreamWriter(kind, new EventStream(response, headers), head) : null;
    const completion = new Completion(this.#s.engine, asked, settings, {
      text: (index, text) => {
        if (stream === null) texts[index] = `${texts[index] ?? ''}${text}`;
        else stream.text(index, text);
      },
      finished: (index, reason) => {
        reasons[index] = reason;
        stream?.finished(index, reason);
      },
      done: (usage) => {
        ended();
        finish('ok');
        if (stream !== null) stream.done(asked.includeUsage ? usageOf(kind, usage) : null);
        else {
          const choices = texts.map((text, index) => (kind === 'chat' ? { index, message: { role: 'assistant', content: text }, finish_reason: reasons[index] } : { index, text, finish_reason: reasons[index] }));
          sendJson(response, 200, { ...head, choices, usage: usageOf(kind, usage) }, headers);
        }
        this.#s.answered();
      },
      failed: (message) => {
        this.#logError(completion, { requestId, id, maxTokens, temperature: asked.temperature ?? 0 }, message);
        finish('fail');
        if (stream === null) this.#fail(response, message);
        else stream.breakOff(message);
      },
    });
    this.#open.add(completion);
    response.on('close', () => {
      if (!open) return;
      completion.cancel();
      finish('cancelled');
    });
  }

  #logRequest(completion: Completion, r: { requestId: string; id: string; maxTokens: number; temperature: number; startMs: number; reasons: readonly string[] }): void {
    completion.sequences.forEach((s, i) => {
      const total = (s.lastTokenMs ?? nowMs()) - s.createdMs;
      const ttft = (s.firstTokenMs ?? nowMs()) - s.createdMs;
      const rest = s.generated > 1 ? (total - ttft) / (s.generated - 1) : 0;
      const speed = total > 0 ? (1000 * s.generated) / total : 0;
      this.#s.log.info('request.cpp:108', `x-request-id: ${r.requestId}, x-request-time: , request_id: ${r.id}, sequence ${i}, max_tokens: ${r.maxTokens}, temperature: ${r.temperature}, finish_reason: ${r.reasons[i] ?? ''}, prompt_tokens: ${completion.prompt.length}, num_prefix_cache_tokens: ${s.cachedTokens}, generated_tokens: ${s.generated}, ttft: ${ttft.toFixed(1)}ms, total_latency: ${total.toFixed(1)}ms, avg tpot: ${rest.toFixed(1)}ms, generation speed: ${speed.toFixed(1)} tokens/s`);
    });
  }

  #logError(completion: Completion, r: { requestId: string; id: string; maxTokens: number; temperature: number }, message: string): void {
    // 8 is RESOURCE_EXHAUSTED.
    this.#s.log.info('request.cpp:135', `x-request-id: ${r.requestId}, x-request-time: , request_id: ${r.id}, sequence 0, max_tokens: ${r.maxTokens}, temperature: ${r.temperature}, prompt_tokens: ${completion.prompt.length}, status_code : 8, status_msg : ${message}`);
  }
}

/** Chunks of a stream: the role comes with the first text, the finish chunk has an empty delta, usage comes without `choices`. */
class StreamWriter {
  readonly #kind: Kind;
  readonly #events: EventStream;
  readonly #head: object;
  readonly #begun = new Set<number>();

  constructor(kind: Kind, events: EventStream, head: object) {
    this.#kind = kind;
    this.#events = events;
    this.#head = head;
  }

  text(index: number, text: string): void {
    if (this.#kind === 'completion') return this.#events.send({ ...this.#head, choices: [{ index, text }] });
    if (!this.#begun.has(index)) this.#events.send({ ...this.#head, choices: [{ index, delta: { role: 'assistant', content: '' } }] });
    this.#begun.add(index);
    this.#events.send({ ...this.#head, choices: [{ index, delta: { content: text } }] });
  }

  finished(index: number, reason: string): void {
    this.#events.send({ ...this.#head, choices: [this.#kind === 'chat' ? { index, delta: {}, finish_reason: reason } : { index, text: '', finish_reason: reason }] });
  }

  done(usage: object | null): void {
    if (usage !== null) this.#events.send({ ...this.#head, usage });
    this.#events.done();
  }

  breakOff(text: string): void {
    this.#events.breakOff(text);
  }
}
