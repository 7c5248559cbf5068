import { setTimeout as sleep } from 'node:timers/promises';
import type { SimContext } from './environment.js';
import { beginFolder, endFolder, type OpenFolder } from './msprof-raw.js';
import { captureConfig, type Options } from './msprof-options.js';
import { ProfilingClient, type ProfilingAnswer } from './profiling-socket.js';
import { nowNs } from './service/clock.js';
import { heldMemory, startTicks } from './state.js';

/** Where the simulated msprof reads and writes. */
export interface MsprofIo {
  readonly input: AsyncIterable<string | Buffer>;
  readonly write: (text: string) => void;
}

interface Target {
  readonly pid: number;
  readonly client: ProfilingClient;
  open: OpenFolder | null;
}

const help = `Usage:
\t start:                 Start a collection in interactive mode.
\t stop:                  Stop a collection that was started in interactive mode.
\t quit:                  Stop collection and quit interactive mode.
`;

/** The real loop spins at the end of its input, printing prompts as fast as it can; this one takes breath. */
const spinMs = 50;
const watchMs = 1000;
const idleMs = 30 * 60_000;

/** Lines of the input; null once it has ended. */
class Commands {
  readonly #lines: string[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(input: MsprofIo['input']) {
    void this.#read(input);
  }

  async #read(input: MsprofIo['input']): Promise<void> {
    let rest = '';
    for await (const chunk of input) {
      const parts = (rest + chunk.toString()).split('\n');
      rest = parts.pop() ?? '';
      this.#lines.push(...parts);
      this.#wake();
    }
    this.#ended = true;
    this.#wake();
  }

  /** The next line, '' at the end of the input, null when none came in `ms`. */
  async next(ms: number): Promise<string | null> {
    const line = this.#lines.shift();
    if (line !== undefined) return line.trim();
    if (this.#ended) {
      await sleep(spinMs);
      return '';
    }
    const timer = new AbortController();
    await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
    return this.#lines.shift()?.trim() ?? null;
  }
}

/** The interactive part of `msprof --dynamic=on --pid=…`. @returns exit code */
export class Attach {
  readonly #io: MsprofIo;
  readonly #context: SimContext;
  readonly #options: Options;
  readonly #output: string;
  readonly #targets: Target[] = [];

  constructor(io: MsprofIo, context: SimContext, options: Options, output: string) {
    this.#io = io;
    this.#context = context;
    this.#options = options;
    this.#output = output;
  }

  async run(pids: readonly number[]): Promise<number> {
    this.#line('[INFO] Start profiling....');
    for (const pid of [...pids].sort((a, b) => a - b)) {
      const found = await ProfilingClient.connect(this.#context.home, pid);
      if (found === null) this.#line(`[ERROR] cannot connect to server for pid dynamic_profiling_socket_${pid}, maybe server is closed`);
      else if (found.answer.ok) this.#targets.push({ pid, client: found.client, open: null });
      else {
        // The spelling is CANN's.
        this.#line(`[ERROR] recv parmas timeout, server for pid ${pid} has been connected to another client.`);
        found.client.close();
      }
    }
    if (this.#targets.length === 0) {
      this.#line('[ERROR] Running profiling failed. Please check log for more info.');
      return 1;
    }
    await this.#loop();
    for (const target of this.#targets) target.client.close();
    return 0;
  }

  async #loop(): Promise<void> {
    const commands = new Commands(this.#io.input);
    let idleSince = performance.now();
    this.#io.write('> ');
    for (;;) {
      this.#dropEnded();
      if (this.#targets.length === 0 || performance.now() - idleSince > idleMs) return;
      const command = await commands.next(watchMs);
      if (command === null) continue;
      if (command !== '') {
        idleSince = performance.now();
        if (await this.#command(command)) return;
      }
      this.#io.write('> ');
    }
  }

  /** @returns true when it was the last one */
  async #command(command: string): Promise<boolean> {
    if (command !== 'start' && command !== 'stop' && command !== 'quit' && command !== 'q') {
      this.#line(`invalid option -- '${command}'\n`);
      this.#io.write(help);
      return false;
    }
    for (const target of [...this.#targets]) {
      if (command === 'start') this.#started(target, await target.client.ask('start'));
      else if (command === 'stop') this.#stopped(target, await target.client.ask('stop'));
      else await this.#quit(target);
    }
    return command === 'quit' || command === 'q';
  }

  #started(target: Target, answer: ProfilingAnswer): void {
    const { pid } = target;
    if (answer.ok) {
      const device = heldMemory(this.#context.stateDir).find((h) => h.pid === pid)?.device ?? null;
      target.open = beginFolder(this.#output, pid, nowNs(), this.#context.host.chip.soc, device, captureConfig(this.#options));
      this.#line(`dynamic profiling for pid ${pid} start success`);
    } else if (answer.code === 'started') this.#line(`[WARNING] dynamic profiling for pid ${pid} already started`);
    else if (answer.code === 'no-device') this.#line(`[WARNING] dynamic profiling device for pid ${pid} has not been set up`);
    else this.#fail(target, 'start');
  }

  #stopped(target: Target, answer: ProfilingAnswer): void {
    const { pid } = target;
    if (answer.ok && answer.capture !== undefined && target.open !== null) {
      endFolder(target.open, answer.capture, captureConfig(this.#options));
      target.open = null;
      this.#line(`dynamic profiling for pid ${pid} stop success`);
    } else if (answer.code === 'not-started') this.#line(`[WARNING] dynamic profiling for pid ${pid} has not started`);
    else this.#fail(target, 'stop');
  }

  /** A capture that still runs is stopped first. */
  async #quit(target: Target): Promise<void> {
    if (target.open !== null) {
      const answer = await target.client.ask('stop');
      if (answer.capture !== undefined) endFolder(target.open, answer.capture, captureConfig(this.#options));
    }
    const { ok } = await target.client.ask('quit');
    this.#line(ok ? `dynamic profiling for pid ${target.pid} quit success` : `[ERROR] dynamic profiling for pid ${target.pid} quit failed`);
  }

  #fail(target: Target, command: 'start' | 'stop'): void {
    this.#line(`[ERROR] dynamic profiling for pid ${target.pid} ${command} failed`);
    target.client.close();
    this.#targets.splice(this.#targets.indexOf(target), 1);
  }

  #dropEnded(): void {
    for (const target of this.#targets.filter((t) => startTicks(t.pid) === null)) {
      this.#line(`server for pid ${target.pid} does not exist, Perhaps this process has already exited`);
      target.client.close();
      this.#targets.splice(this.#targets.indexOf(target), 1);
    }
  }

  #line(text: string): void {
    this.#io.write(`${text}\n`);
  }
}
