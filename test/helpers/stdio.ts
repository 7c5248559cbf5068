import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';

export const mainJs = join(import.meta.dirname, '../../dist/main.js');

export interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, any>;
  readonly error?: { code: number; message: string };
}

/** The server as a raw client sees it: every line of stdout, parsed or not. */
export class RawClient {
  readonly child: ChildProcessWithoutNullStreams;
  readonly lines: string[] = [];
  readonly messages: Message[] = [];
  stderr = '';
  #rest = '';
  #waiters: (() => void)[] = [];

  constructor(args: readonly string[], cwd: string, env: Record<string, string | undefined> = { PATH: process.env['PATH'], HOME: cwd }) {
    this.child = spawn(process.execPath, [mainJs, ...args], { cwd, env });
    this.child.stdout.setEncoding('utf8');
    this.child.stdout.on('data', (chunk: string) => {
      this.#rest += chunk;
      const parts = this.#rest.split('\n');
      this.#rest = parts.pop() ?? '';
      for (const line of parts) {
        this.lines.push(line);
        this.messages.push(JSON.parse(line) as Message);
      }
      for (const wake of this.#waiters.splice(0)) wake();
    });
    this.child.stderr.setEncoding('utf8');
    this.child.stderr.on('data', (chunk: string) => {
      this.stderr += chunk;
    });
  }

  send(message: object): void {
    this.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  async until(found: (m: Message) => boolean): Promise<Message> {
    for (;;) {
      const hit = this.messages.find(found);
      if (hit !== undefined) return hit;
      await new Promise<void>((resolve, reject) => {
        this.#waiters.push(resolve);
        this.child.once('exit', (code) => reject(new Error(`server ended with ${code}: ${this.stderr}`)));
      });
    }
  }

  async request(id: number, method: string, params: object): Promise<Message> {
    this.send({ id, method, params });
    return this.until((m) => m.id === id);
  }

  async initialize(protocolVersion: string): Promise<Message> {
    const answer = await this.request(1, 'initialize', { protocolVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1' } });
    this.send({ method: 'notifications/initialized' });
    return answer;
  }

  async close(): Promise<number | null> {
    if (this.child.exitCode !== null) return this.child.exitCode;
    const ended = new Promise<number | null>((resolve) => this.child.once('exit', resolve));
    this.child.stdin.end();
    return ended;
  }
}
