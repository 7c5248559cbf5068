import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { redactArgv, ToolError } from '../contract/index.js';
import { jobMark } from './processes.js';
import { findProgram, programPlaces, type ProgramName } from './programs.js';

export interface DialogOptions {
  readonly cwd: string;
  /** Mark of the job it belongs to, so that it is found and ended with the job however that ends. */
  readonly mark: string;
  /** Characters of output kept; what comes later is dropped. */
  readonly maxChars?: number;
}

/** A running program that reads commands. Its output is data: the caller looks only for what the program's protocol says. */
export interface Dialog {
  readonly pid: number;
  /** Absolute path and arguments, secrets redacted. */
  readonly command: readonly string[];
  /** Whole lines so far, both streams, without line ends. */
  readonly lines: readonly string[];
  /** What came after the last line end: a prompt has none. */
  readonly rest: string;
  /** Set once it has ended. */
  readonly exit: { readonly code: number | null; readonly signal: string | null } | null;
  /** Writes one line to it. False when it has ended or closed its input. */
  send(line: string): boolean;
  /** Waits until `found` gives something; looked at anew whenever output arrives. Null when time ran out, the program ended, or the signal came. */
  until<T>(found: () => T | null, timeoutMs: number, signal?: AbortSignal): Promise<T | null>;
  /** Ends it: input closed, `graceMs` of patience, SIGTERM, patience again, SIGKILL to its whole group. */
  close(graceMs: number): Promise<void>;
}

const defaultMaxChars = 1024 * 1024;
/** A spinning prompt has no line end: of such output only the end counts. */
const maxRest = 4096;
const killWaitMs = 2000;
const lastWordsMs = 500;

function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch {
    // The group is gone already.
  }
}

class SpawnedDialog implements Dialog {
  readonly command: readonly string[];
  readonly lines: string[] = [];
  rest = '';
  exit: Dialog['exit'] = null;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #watchers = new Set<() => void>();
  readonly #maxChars: number;
  #kept = 0;
  #errorRest = '';

  constructor(child: ChildProcessWithoutNullStreams, command: readonly string[], maxChars: number) {
    this.#child = child;
    this.command = command;
    this.#maxChars = maxChars;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.rest = this.#take(this.rest + chunk);
      this.#tell();
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#errorRest = this.#take(this.#errorRest + chunk);
      this.#tell();
    });
    // A program that ended while it was written to is seen by its end.
    child.stdin.on('error', () => undefined);
    const ended = (code: number | null, signal: string | null): void => {
      this.exit ??= { code, signal };
      this.#tell();
    };
    child.once('close', ended);
    // Its last words may still be on their way; but a stranger that holds its pipes must not keep it alive for us.
    child.once('exit', (code, signal) => setTimeout(() => ended(code, signal), lastWordsMs).unref());
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @returns what has no line end yet */
  #take(text: string): string {
    const parts = text.split(/\r?\n/);
    const rest = (parts.pop() ?? '').slice(-maxRest);
    for (const line of parts) {
      if (this.#kept >= this.#maxChars) break;
      this.#kept += line.length + 1;
      this.lines.push(line);
    }
    return rest;
  }

  #tell(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  send(line: string): boolean {
    if (this.exit !== null || !this.#child.stdin.writable) return false;
    this.#child.stdin.write(`${line}\n`);
    return true;
  }

  async until<T>(found: () => T | null, timeoutMs: number, signal?: AbortSignal): Promise<T | null> {
    return new Promise((resolve) => {
      const end = (value: T | null): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        signal?.removeEventListener('abort', stop);
        resolve(value);
      };
      const stop = (): void => end(null);
      const look = (): void => {
        const value = found();
        if (value !== null || this.exit !== null) end(value);
      };
      const timer = setTimeout(stop, timeoutMs);
      this.#watchers.add(look);
      if (signal?.aborted === true) {
        stop();
        return;
      }
      signal?.addEventListener('abort', stop, { once: true });
      look();
    });
  }

  async #ended(ms: number): Promise<boolean> {
    const deadline = performance.now() + ms;
    while (this.exit === null && performance.now() < deadline) await sleep(20);
    return this.exit !== null;
  }

  async close(graceMs: number): Promise<void> {
    const { pid } = this;
    this.#child.stdin.end();
    if (await this.#ended(graceMs)) return;
    signalGroup(pid, 'SIGTERM');
    if (!(await this.#ended(killWaitMs))) {
      signalGroup(pid, 'SIGKILL');
      await this.#ended(killWaitMs);
    }
    // A stranger that inherited the pipes must not hold this process.
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
  }
}

/**
 * Starts an allowed program in a process group of its own, with its standard input kept open.
 * @throws ToolError E_PROGRAM_MISSING
 */
export async function openDialog(program: ProgramName, args: readonly string[], env: Readonly<Record<string, string>>, options: DialogOptions): Promise<Dialog> {
  const file = await findProgram(program, env['PATH']);
  if (file === null) throw new ToolError('E_PROGRAM_MISSING', `${program} was not found; looked for ${programPlaces(program).join(', ')}`, 'install it or put its folder in PATH');
  const child = spawn(file, [...args], { cwd: options.cwd, env: { ...env, [jobMark]: options.mark }, shell: false, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const dialog = new SpawnedDialog(child, redactArgv([file, ...args]), options.maxChars ?? defaultMaxChars);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => reject(new ToolError('E_PROGRAM_MISSING', `${program} could not be started`, 'check its permissions', { cause })));
  });
  return dialog;
}
