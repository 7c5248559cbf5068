import { access, constants, realpath } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { redactArgv, ToolError } from '../contract/index.js';

/** Programs this server may run, each with the places it lives in besides PATH. Nothing else is ever started. */
const allowed = {
  'npu-smi': ['/usr/local/bin/npu-smi', '/usr/local/sbin/npu-smi', '/usr/bin/npu-smi'],
  bash: ['/bin/bash', '/usr/bin/bash'],
  git: [],
  python3: [],
  // Services, by framework.
  xllm: [],
  vllm: [],
  // CANN's command-line profiler; the toolkit's own folder is rarely in PATH of a client that did not source its scripts.
  msprof: ['/usr/local/Ascend/ascend-toolkit/latest/tools/profiler/bin/msprof', '/usr/local/Ascend/cann/tools/profiler/bin/msprof'],
  // Read-only questions of an incident: network of a card, kernel messages.
  hccn_tool: ['/usr/local/Ascend/driver/tools/hccn_tool', '/usr/local/bin/hccn_tool'],
  dmesg: ['/bin/dmesg', '/usr/bin/dmesg'],
  journalctl: ['/bin/journalctl', '/usr/bin/journalctl'],
  // Ways to another place: a container, another host.
  docker: ['/usr/bin/docker'],
  ssh: ['/usr/bin/ssh'],
  // Benchmark and evaluation client.
  evalscope: [],
  ais_bench: [],
  df: ['/bin/df', '/usr/bin/df'],
  // Agent programs, only for install and doctor.
  claude: [],
  codex: [],
  opencode: [],
} as const satisfies Record<string, readonly string[]>;

export type ProgramName = keyof typeof allowed;

export function isProgramName(name: string): name is ProgramName {
  return Object.hasOwn(allowed, name);
}

/** Where an allowed program is looked for, in words. */
export function programPlaces(name: ProgramName): string[] {
  return [`${name} in PATH`, ...allowed[name]];
}

export interface RunOptions {
  readonly cwd?: string;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  /** Absolute path and arguments, secrets redacted. */
  readonly command: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  /** True when output passed `maxBytes` and the rest was dropped. */
  readonly truncated: boolean;
}

async function executable(path: string): Promise<string | null> {
  try {
    await access(path, constants.X_OK);
    return await realpath(path);
  } catch {
    return null;
  }
}

/** Absolute real path of an allowed program, or null when this host does not have it. PATH entries that are relative are skipped. */
export async function findProgram(name: ProgramName, path: string | undefined): Promise<string | null> {
  const folders = (path ?? '').split(delimiter).filter((f) => isAbsolute(f));
  for (const candidate of [...folders.map((f) => join(f, name)), ...allowed[name]]) {
    const found = await executable(candidate);
    if (found !== null) return found;
  }
  return null;
}

const graceMs = 2000;
/** Time between SIGKILL and giving the process up. */
const abandonMs = 1000;

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already.
  }
}

/**
 * Runs a program without a shell, in its own process group, with bounded time and output.
 * On timeout or abort the whole group gets SIGTERM, then SIGKILL.
 * @throws ToolError E_PROGRAM_UNKNOWN, E_PROGRAM_MISSING. A non-zero exit is an answer, not an error.
 */
export async function runProgram(name: string, args: readonly string[], env: Readonly<Record<string, string>>, options: RunOptions = {}): Promise<RunResult> {
  if (!isProgramName(name)) throw new ToolError('E_PROGRAM_UNKNOWN', 'a program that is not on the allowed list', `allowed: ${Object.keys(allowed).join(', ')}`);
  const file = await findProgram(name, env['PATH']);
  if (file === null) throw new ToolError('E_PROGRAM_MISSING', `${name} is neither in PATH nor at ${allowed[name].join(', ') || 'a known place'}`, `install it or put its folder in PATH`);
  return runFile(file, args, env, options);
}

/**
 * The same for a program given by its path. @param file absolute real path the caller has admitted
 * @throws ToolError E_PROGRAM_MISSING when it is not an executable file
 */
export async function runFile(file: string, args: readonly string[], env: Readonly<Record<string, string>>, options: RunOptions = {}): Promise<RunResult> {
  if ((await executable(file)) === null) throw new ToolError('E_PROGRAM_MISSING', 'the program given is not an executable file', 'check the path and its permissions');
  // Loaded on first use: most sessions of the server never run a program.
  const { execa } = await import('execa');
  const child = execa(file, [...args], {
    env,
    extendEnv: false,
    shell: false,
    detached: true,
    cleanup: false,
    stdin: 'ignore',
    reject: false,
    stripFinalNewline: false,
    maxBuffer: options.maxBytes ?? 8 * 1024 * 1024,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const clock = { timedOut: false, abandon: (): void => undefined };
  const end = (): void => {
    killGroup(child.pid, 'SIGTERM');
    setTimeout(() => {
      killGroup(child.pid, 'SIGKILL');
      setTimeout(() => clock.abandon(), abandonMs).unref();
    }, graceMs).unref();
  };
  const timer = setTimeout(() => {
    clock.timedOut = true;
    end();
  }, options.timeoutMs ?? 30_000);
  options.signal?.addEventListener('abort', end, { once: true });
  // A process in uninterruptible sleep, or a stranger holding its pipe, must not hold us: past the kill we answer without it.
  const abandoned = new Promise<null>((resolve) => {
    child.once('error', () => undefined);
    clock.abandon = () => resolve(null);
  });
  try {
    const result = await Promise.race([child, abandoned]);
    if (result === null) {
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      return { command: redactArgv([file, ...args]), stdout: '', stderr: '', exitCode: null, timedOut: true, truncated: false };
    }
    if (result.isMaxBuffer) killGroup(child.pid, 'SIGKILL');
    return {
      command: redactArgv([file, ...args]),
      stdout: result.stdout,
      stderr: result.stderr,
      exitCode: result.exitCode ?? null,
      timedOut: clock.timedOut,
      truncated: result.isMaxBuffer,
    };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', end);
    if (clock.timedOut) killGroup(child.pid, 'SIGKILL');
  }
}
