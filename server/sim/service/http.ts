import type { IncomingMessage, ServerResponse } from 'node:http';

/** Request bodies above this are refused: no client of a chat service sends more. */
const maxBodyBytes = 64 * 1024 * 1024;

export type Body = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: 'too-large' | 'closed' };

export async function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      if (!(chunk instanceof Buffer)) continue;
      size += chunk.length;
      if (size > maxBodyBytes) return { ok: false, reason: 'too-large' };
      chunks.push(chunk);
    }
  } catch {
    return { ok: false, reason: 'closed' };
  }
  return { ok: true, text: Buffer.concat(chunks).toString('utf8') };
}

export function sendText(response: ServerResponse, status: number, type: string, text: string, headers: Readonly<Record<string, string>> = {}): void {
  const bytes = Buffer.from(text, 'utf8');
  response.writeHead(status, { 'content-type': type, 'content-length': String(bytes.length), ...headers });
  response.end(bytes);
}

export function sendJson(response: ServerResponse, status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): void {
  sendText(response, status, 'application/json', JSON.stringify(value), headers);
}

/** Server-sent events. */
export class EventStream {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse, headers: Readonly<Record<string, string>> = {}) {
    this.#response = response;
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', connection: 'keep-alive', ...headers });
  }

  send(value: unknown): void {
    this.#response.write(`data: ${JSON.stringify(value)}\n\n`);
  }

  /** The end a client can trust. */
  done(): void {
    this.#response.end('data: [DONE]\n\n');
  }

  /** Raw text and the end of the stream, without a frame and without the end mark. */
  breakOff(text: string): void {
    this.#response.end(text);
  }
}
