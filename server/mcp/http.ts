import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Config } from '../config.js';
import { ToolError } from '../contract/index.js';
import type { Offers } from './define.js';
import type { Registry } from './registry.js';
import { buildServer } from './server.js';

const loopback = '127.0.0.1';
/** Bytes of one request; tool arguments are small. */
const bodyLimit = 1024 * 1024;

function same(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Why a request is turned away, or null. Localhost is no boundary: a web page may reach it, so Host, Origin and token are all checked. */
export function refusal(headers: Readonly<Record<string, string | string[] | undefined>>, port: number, token: string): { status: number; why: string } | null {
  const hosts = [`${loopback}:${String(port)}`, `localhost:${String(port)}`];
  if (typeof headers['host'] !== 'string' || !hosts.includes(headers['host'])) return { status: 403, why: 'the Host header is not this server' };
  const origin = headers['origin'];
  if (origin !== undefined && (typeof origin !== 'string' || !hosts.some((h) => origin === `http://${h}`))) return { status: 403, why: 'the Origin is not this server' };
  const given = headers['authorization'];
  if (typeof given !== 'string' || !same(given, `Bearer ${token}`)) return { status: 401, why: 'the bearer token is missing or wrong' };
  return null;
}

function misplaced({ url, method }: IncomingMessage): { status: number; why: string } | null {
  if (url !== '/mcp') return { status: 404, why: 'the endpoint is /mcp' };
  return method === 'POST' ? null : { status: 405, why: 'only POST: no stream outlives its request' };
}

async function body(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!(chunk instanceof Buffer)) continue;
    bytes += chunk.length;
    if (bytes > bodyLimit) throw new ToolError('E_ARG_TYPE', 'a request of more than 1 MiB', 'send smaller arguments');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? undefined : JSON.parse(text);
}

function answer(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', error: { code: -32000, message: why }, id: null }));
}

export interface HttpServer {
  readonly url: string;
  readonly token: string;
  readonly close: () => Promise<void>;
}

/**
 * Streamable HTTP on loopback, stateless: each request has its own server, so connections share nothing but the files.
 * @param port 0 takes a free one @param token 256 bits; made when absent
 * @throws ToolError E_PORT_BUSY
 */
export async function serveHttp(registry: Registry, config: Config, offers: Offers, port: number, token = randomBytes(32).toString('hex')): Promise<HttpServer> {
  let own = port;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refused = refusal(request.headers, own, token) ?? misplaced(request);
    if (refused !== null) {
      answer(response, refused.status, refused.why);
      return;
    }
    const server = buildServer(registry, config, offers);
    const transport = new StreamableHTTPServerTransport({});
    response.on('close', () => void server.close());
    await server.connect(transport);
    await transport.handleRequest(request, response, await body(request));
  };
  const server: Server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (!response.headersSent) answer(response, 400, error instanceof ToolError ? error.seen : 'the request is not one JSON object');
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', () => reject(new ToolError('E_PORT_BUSY', `port ${String(port)} on ${loopback} cannot be opened`, 'choose another port')));
    server.listen(port, loopback, resolve);
  });
  const address = server.address();
  own = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${loopback}:${String(own)}/mcp`,
    token,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
