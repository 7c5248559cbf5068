import { readFile, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { spawn, type ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mainJs } from '../helpers/stdio.js';
import { tempFolder } from '../helpers/temp.js';

let server: ChildProcess;
let port = 0;
let token = '';
const dir = await tempFolder();

beforeAll(async () => {
  server = spawn(process.execPath, [mainJs, '--runs-dir', join(dir, 'runs'), 'mcp', '--http', '0'], { cwd: dir, env: { PATH: process.env['PATH'], HOME: dir } });
  const line = await new Promise<string>((resolve, reject) => {
    server.stderr?.setEncoding('utf8').on('data', (text: string) => resolve(text));
    server.once('exit', () => reject(new Error('ended')));
  });
  port = Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
  token = (await readFile(join(dir, 'runs/.http-token'), 'utf8')).trim();
});
afterAll(() => {
  server.kill('SIGTERM');
});

/** Plain HTTP: fetch does not let a test forge Host. */
async function post(message: object, headers: Record<string, string> = {}, path = '/mcp', method = 'POST'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const all = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', authorization: `Bearer ${token}`, ...headers };
    const sent = request({ host: '127.0.0.1', port, path, method, headers: all }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject);
    sent.end(method === 'POST' ? JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }) : undefined);
  });
}
const initialize = { method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } } };

describe('Streamable HTTP on loopback', () => {
  it('serves a client that brings the token: initialize, tools, a call', async () => {
    expect((await post(initialize)).body).toContain('"serverInfo"');
    expect((await post({ method: 'tools/list' })).body).toContain('"env_probe"');
    expect((await post({ method: 'tools/call', params: { name: 'run_create', arguments: { purpose: 'http', level: 'smoke' } } })).body).toContain('"created"');
  });
  it('the token file is for its owner only', async () => {
    expect((await stat(join(dir, 'runs/.http-token'))).mode & 0o777).toBe(0o600);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
  });
  it.each([
    ['no token', { authorization: '' }, 401],
    ['a wrong token', { authorization: `Bearer ${'0'.repeat(64)}` }, 401],
    ['a rebound name', { host: 'evil.example' }, 403],
    ['a web page', { origin: 'https://evil.example' }, 403],
    ['a sandboxed page', { origin: 'null' }, 403],
  ])('%s is turned away', async (_, headers, status) => {
    expect((await post(initialize, headers)).status).toBe(status);
  });
  it('other paths and methods, and a broken body, are answered', async () => {
    expect((await post(initialize, {}, '/')).status).toBe(404);
    expect((await post({}, {}, '/mcp', 'GET')).status).toBe(405);
    expect((await post({ method: 'tools/call', params: { name: 'run_create', arguments: { purpose: 'x'.repeat(2 ** 20) } } })).status).toBe(400);
  });
});
