import { existsSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { stepWire } from './step-record.js';

/**
 * How a simulated profiler attaches to a simulated service.
 *
 * A process started with PROFILING_MODE=dynamic listens on `$HOME/dynamic_profiling_socket_<pid>`, as CANN's do. The talk is the simulator's own:
 * one JSON object per line, one answer per question.
 *
 * | question | answer |
 * |---|---|
 * | (connecting) | `{"ok":true,"pid":…}`, or `{"ok":false,"code":"busy"}` and the end: one client per process |
 * | `{"cmd":"start"}` | `{"ok":true}`, or code `started` (it runs already), `no-device` (no device was set yet), `limit` (100 commands) |
 * | `{"cmd":"stop"}` | `{"ok":true,"capture":{…}}`, or code `not-started`, `limit` |
 * | `{"cmd":"quit"}` | `{"ok":true}` and the end; a running capture is dropped |
 *
 * A client that goes away counts as one that quit.
 */

/** Checked where it comes in from a socket or a file. */
export const serviceCapture = z.object({
  simulated: z.literal(true),
  framework: z.enum(['xllm', 'vllm-ascend']),
  pid: z.int(),
  rank: z.int(),
  world_size: z.int(),
  /** Logical device. */
  device: z.int(),
  chip: z.string(),
  seed: z.int(),
  tp: z.int(),
  dp: z.int(),
  ep: z.int(),
  /** The Hugging Face config.json the service runs. */
  model_config: z.record(z.string(), z.unknown()),
  draft_config: z.record(z.string(), z.unknown()).nullable(),
  block_size: z.int(),
  graph_enabled: z.boolean(),
  /** Host time of one eager launch. */
  launch_us: z.number(),
  /** This rank's compute time over that of a rank that is not slow; already in the steps. */
  compute_factor: z.number(),
  started_ns: z.string(),
  stopped_ns: z.string(),
  /** Steps that ran wholly inside the capture, in order. */
  steps: z.array(stepWire),
});

/** What a process hands over when a capture stops. */
export type ServiceCapture = z.infer<typeof serviceCapture>;

const answer = z.object({ ok: z.boolean(), pid: z.int().optional(), code: z.enum(['busy', 'started', 'not-started', 'no-device', 'limit', 'unknown']).optional(), capture: serviceCapture.optional() });
export type ProfilingAnswer = z.infer<typeof answer>;

const question = z.object({ cmd: z.enum(['start', 'stop', 'quit']) });

/** start and stop commands per connection, as CANN limits them. */
const commandLimit = 100;

export function profilingSocketPath(home: string, pid: number): string {
  return join(home, `dynamic_profiling_socket_${pid}`);
}

/** Calls `line` for every line that arrives. */
export function onLines(socket: Socket, line: (text: string) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (data: Buffer | string) => {
    const parts = (rest + data.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part !== '') line(part);
  });
}

export interface ProfiledProcess {
  /** False until the process has set its device. */
  ready(): boolean;
  started(): void;
  /** The capture since `started`; null ends it without one. */
  stopped(keep: boolean): ServiceCapture | null;
}

/** The listening side, in the service. */
export class ProfilingSocket {
  readonly #path: string;
  readonly #server: Server;
  readonly #process: ProfiledProcess;
  #client: Socket | null = null;
  #running = false;

  constructor(home: string, process_: ProfiledProcess) {
    this.#path = profilingSocketPath(home, process.pid);
    this.#process = process_;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.on('error', () => undefined);
    if (existsSync(this.#path)) rmSync(this.#path, { force: true });
    this.#server.listen(this.#path);
    this.#server.unref();
  }

  get running(): boolean {
    return this.#running;
  }

  close(): void {
    this.#server.close();
    rmSync(this.#path, { force: true });
  }

  #accept(socket: Socket): void {
    const tell = (value: ProfilingAnswer): void => {
      if (socket.writable) socket.write(`${JSON.stringify(value)}\n`);
    };
    socket.on('error', () => undefined);
    if (this.#client !== null) {
      tell({ ok: false, code: 'busy' });
      socket.end();
      return;
    }
    this.#client = socket;
    let commands = 0;
    const leave = (): void => {
      if (this.#client !== socket) return;
      this.#client = null;
      if (this.#running) this.#process.stopped(false);
      this.#running = false;
    };
    socket.on('close', leave);
    tell({ ok: true, pid: process.pid });
    onLines(socket, (text) => {
      const asked = parseLine(text, question);
      if (asked === null) return tell({ ok: false, code: 'unknown' });
      if (asked.cmd === 'quit') {
        leave();
        tell({ ok: true });
        return void socket.end();
      }
      commands += 1;
      tell(commands > commandLimit ? { ok: false, code: 'limit' } : this.#command(asked.cmd));
    });
  }

  #command(cmd: 'start' | 'stop'): ProfilingAnswer {
    if (cmd === 'start') {
      if (!this.#process.ready()) return { ok: false, code: 'no-device' };
      if (this.#running) return { ok: false, code: 'started' };
      this.#running = true;
      this.#process.started();
      return { ok: true };
    }
    if (!this.#running) return { ok: false, code: 'not-started' };
    this.#running = false;
    const taken = this.#process.stopped(true);
    return taken === null ? { ok: false, code: 'not-started' } : { ok: true, capture: taken };
  }
}

/** JSON of one line, checked; null when it is not that. */
export function parseLine<T>(text: string, schema: z.ZodType<T>): T | null {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** The asking side, in the profiler. */
export class ProfilingClient {
  readonly #socket: Socket;
  readonly #waiting: ((value: ProfilingAnswer) => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    onLines(socket, (text) => {
      this.#waiting.shift()?.(parseLine(text, answer) ?? { ok: false, code: 'unknown' });
    });
    socket.on('close', () => {
      for (const resolve of this.#waiting.splice(0)) resolve({ ok: false, code: 'unknown' });
    });
  }

  /** Connects; null when no such process listens. The first answer says whether the process is free. */
  static async connect(home: string, pid: number): Promise<{ readonly client: ProfilingClient; readonly answer: ProfilingAnswer } | null> {
    const socket = createConnection(profilingSocketPath(home, pid));
    socket.on('error', () => undefined);
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('close', () => resolve(false));
    });
    if (!open) return null;
    const client = new ProfilingClient(socket);
    return { client, answer: await client.#next() };
  }

  async ask(cmd: 'start' | 'stop' | 'quit'): Promise<ProfilingAnswer> {
    // Nobody answers on a socket that is closed already.
    if (this.#socket.closed || !this.#socket.writable) return { ok: false, code: 'unknown' };
    this.#socket.write(`${JSON.stringify({ cmd })}\n`);
    return this.#next();
  }

  close(): void {
    this.#socket.destroy();
  }

  #next(): Promise<ProfilingAnswer> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
