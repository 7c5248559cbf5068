import { spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { foreign, shellJoin, ToolError } from '../contract/index.js';
import { exists, readText, writeAtomic } from './files.js';
import { cannScripts } from './environment.js';
import type { Host } from './host.js';
import { describeProcess, endProcesses, jobMark, processesOf } from './processes.js';
import { findProgram, isProgramName, runFile, runProgram, type ProgramName, type RunOptions, type RunResult } from './programs.js';

/** Which rank of a service a process is; carried beside the job's mark. */
export const rankMark = 'XLLM_NPU_RANK';

export interface StartSpec {
  /** An allowed name or an absolute path, then its arguments. */
  readonly argv: readonly string[];
  /** Set over what the place itself and its environment scripts give. */
  readonly env: Readonly<Record<string, string>>;
  readonly scripts: readonly string[];
  /** Working folder on this machine; elsewhere the place's own is used. */
  readonly cwd: string;
  /** Output of both streams, a file on this machine. */
  readonly log: string;
}

/** A process started here: the program itself, or the docker or ssh client that runs it elsewhere. */
export interface Started {
  readonly pid: number;
  /** Exactly what this machine runs, for the command script. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

/** What carries a job's mark at a place. */
export interface MarkedProcess {
  readonly pid: number;
  readonly rank: number | null;
  readonly words: string;
}

/** One way to run programs: here, in a container, on another host, in a container there. Nothing is ever put together as shell text but by shellJoin. */
export interface Transport {
  readonly kind: 'local' | 'docker' | 'ssh' | 'ssh+docker';
  readonly host: string | null;
  readonly container: string | null;
  /** @throws ToolError E_PROGRAM_UNKNOWN, E_PROGRAM_MISSING, E_PROGRAM_FAILED (place not reachable) */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Command and environment {@link start} would use. */
  plan(spec: Omit<StartSpec, 'log'>): Promise<{ command: readonly string[]; env: Readonly<Record<string, string>> }>;
  /** Starts a program in this process's group. @throws ToolError E_PROGRAM_MISSING */
  start(spec: StartSpec): Promise<Started>;
  readText(path: string, maxBytes?: number): Promise<string | null>;
  writeText(path: string, text: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  find(mark: string): Promise<MarkedProcess[]>;
  /** SIGTERM, patience, SIGKILL to everything that carries the mark; gives what is left, in words. */
  end(mark: string, graceMs: number): Promise<string[]>;
}

const hostName = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}@)?[A-Za-z0-9_][A-Za-z0-9_.:-]{0,252}$/;
const containerName = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

/** @throws ToolError E_ARG_TYPE for a host or container name that could be read as something else */
export function checkPlace(host: string | null, container: string | null): void {
  if (host !== null && !hostName.test(host)) throw new ToolError('E_ARG_TYPE', `${foreign(host, 60)} is not a host of an ssh configuration`, 'give the Host of ~/.ssh/config, or user@name');
  if (container !== null && !containerName.test(container)) throw new ToolError('E_ARG_TYPE', `${foreign(container, 60)} is not a container name`, 'give the name or id docker ps shows');
}

/** Absolute path of an argv's program, and what may not be run at all. @throws ToolError E_PROGRAM_UNKNOWN, E_PROGRAM_MISSING */
async function resolveHere(program: string, env: Readonly<Record<string, string>>): Promise<string> {
  if (isAbsolute(program)) return program;
  if (!isProgramName(program)) throw new ToolError('E_PROGRAM_UNKNOWN', 'a program that is not on the allowed list', 'use one of the frameworks, or an absolute path inside an allowed folder');
  const file = await findProgram(program, env['PATH']);
  if (file === null) throw new ToolError('E_PROGRAM_MISSING', `${program} is not in PATH`, `install it, put its folder in PATH, or give program`);
  return file;
}

/** Variables that ssh and docker need and no service does. */
const clientOnly: ReadonlySet<string> = new Set(['SSH_AUTH_SOCK', 'DOCKER_HOST']);

async function spawnLogged(command: readonly string[], env: Readonly<Record<string, string>>, cwd: string, log: string): Promise<Started> {
  await mkdir(cwd, { recursive: true });
  const handle = await open(log, 'a', 0o644);
  try {
    // The descriptor goes to the child: its output outlives this process. Not detached: the rank stays in the job's group.
    const child = spawn(command[0] ?? '', command.slice(1), { cwd, env, shell: false, stdio: ['ignore', handle.fd, handle.fd] });
    const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    if (child.pid === undefined) throw new Error('the program has no pid');
    return { pid: child.pid, command, env, ended };
  } finally {
    await handle.close();
  }
}

function local(host: Host): Transport {
  const plan: Transport['plan'] = async (spec) => {
    const ours = Object.entries(await host.environment(spec.scripts)).filter(([name]) => !clientOnly.has(name));
    const env = { ...Object.fromEntries(ours), ...spec.env };
    return { command: [await resolveHere(spec.argv[0] ?? '', env), ...spec.argv.slice(1)], env };
  };
  return {
    kind: 'local',
    host: null,
    container: null,
    run: async ([program = '', ...args], options) => {
      const env = await host.environment();
      if (isAbsolute(program)) return runFile(program, args, env, options);
      return runProgram(program, args, env, options);
    },
    plan,
    start: async (spec) => {
      const { command, env } = await plan(spec);
      return spawnLogged(command, env, spec.cwd, spec.log);
    },
    readText: (path, maxBytes) => readText(path, maxBytes),
    writeText: (path, text) => writeAtomic(path, text),
    exists: (path) => exists(path),
    find: async (mark) => Promise.all((await processesOf({ mark })).map(async (p) => ({ pid: p.pid, rank: null, words: await describeProcess(p) }))),
    end: async (mark, graceMs) => Promise.all((await endProcesses({ mark }, graceMs)).map(describeProcess)),
  };
}

/** Sources the readable ones of the named scripts, each without arguments of its own, then becomes the program. */
const sourceThenRun = 'load() { local s="$1"; set --; [ -r "$s" ] && . "$s" >/dev/null 2>&1; }; n="$1"; shift; while [ "$n" -gt 0 ]; do load "$1"; shift; n=$((n-1)); done; exec "$@"';

/** Lists pid, rank, state and name of what carries the mark. */
const listMarked = `for d in /proc/[0-9]*; do
  p="\${d#/proc/}"
  [ "$p" = "$$" ] && continue
  e="$(tr '\\0' '\\n' <"$d/environ" 2>/dev/null)" || continue
  printf '%s\\n' "$e" | grep -qxF "${jobMark}=$1" || continue
  s="$(sed -n 's/^State:[[:space:]]*\\(.\\).*/\\1/p' "$d/status" 2>/dev/null)"
  [ "$s" = Z ] && continue
  [ -z "$s" ] && continue
  r="$(printf '%s\\n' "$e" | sed -n 's/^${rankMark}=//p')"
  printf '%s\\t%s\\t%s\\t%s\\n' "$p" "$r" "$s" "$(cat "$d/comm" 2>/dev/null)"
done`;

const endMarked = `list() {
${listMarked}
}
for p in $(list "$1" | cut -f1); do kill -TERM "$p" 2>/dev/null; done
i=0; while [ "$i" -lt "$2" ]; do [ -z "$(list "$1")" ] && exit 0; sleep 1; i=$((i+1)); done
for p in $(list "$1" | cut -f1); do kill -KILL "$p" 2>/dev/null; done
sleep 1
list "$1"`;

const bash = ['bash', '--noprofile', '--norc', '-c'] as const;

function marked(stdout: string): MarkedProcess[] {
  return stdout.split('\n').flatMap((line) => {
    const [pid = '', rank = '', state = '', name = ''] = line.split('\t');
    return /^\d+$/.test(pid) ? [{ pid: Number(pid), rank: /^\d+$/.test(rank) ? Number(rank) : null, words: `pid ${pid} (${foreign(name, 40)}), state ${foreign(state, 4)}` }] : [];
  });
}

const sshOptions = ['-T', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10', '-o', 'ServerAliveInterval=30'] as const;
/** OpenSSH answers 255 for its own errors, docker 125 to 127 for those of exec. */
const sshFailed = 255;

/** Argv of the client on this machine that runs `argv` at the place. Pure. */
export function remoteCommand(place: { host: string | null; container: string | null }, argv: readonly string[], env: Readonly<Record<string, string>> = {}): { program: ProgramName; args: string[] } {
  const pairs = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const inner = place.container === null ? [...(pairs.length === 0 ? [] : ['env', ...pairs]), ...argv] : ['docker', 'exec', ...pairs.flatMap((p) => ['-e', p]), place.container, ...argv];
  if (place.host === null) return { program: 'docker', args: inner.slice(1) };
  // ssh joins what follows the host with blanks and the far shell reads it: so it is one string, quoted here.
  return { program: 'ssh', args: [...sshOptions, '--', place.host, shellJoin(inner)] };
}

function elsewhere(host: Host, place: { host: string | null; container: string | null }): Transport {
  const words = [place.container === null ? null : `container ${place.container}`, place.host === null ? null : `host ${place.host}`].filter((w) => w !== null).join(' on ');
  const run: Transport['run'] = async (argv, options) => {
    const { program, args } = remoteCommand(place, argv);
    const result = await host.run(program, args, options);
    if (place.host !== null && result.exitCode === sshFailed) throw new ToolError('E_PROGRAM_FAILED', `${words} could not be reached by ssh (exit ${sshFailed})`, 'make "ssh -o BatchMode=yes HOST true" work for the user of this server, then call again');
    return result;
  };
  const shell = (script: string, ...args: string[]): string[] => [...bash, script, 'bash', ...args];
  const plan: Transport['plan'] = async (spec) => {
    const scripts = [...cannScripts, ...spec.scripts];
    const pairs = Object.entries(spec.env).map(([name, value]) => `${name}=${value}`);
    // The variables stand behind the scripts, so that what was asked wins over what the scripts set.
    const { program, args } = remoteCommand(place, shell(sourceThenRun, String(scripts.length), ...scripts, 'env', ...pairs, ...spec.argv));
    const mark = spec.env[jobMark];
    // The client carries the mark here, the program carries it there.
    const env = { ...(await host.environment()), ...(mark === undefined ? {} : { [jobMark]: mark }) };
    return { command: [await resolveHere(program, env), ...args], env };
  };
  return {
    kind: place.host === null ? 'docker' : place.container === null ? 'ssh' : 'ssh+docker',
    ...place,
    run,
    plan,
    start: async (spec) => {
      const { command, env } = await plan(spec);
      return spawnLogged(command, env, spec.cwd, spec.log);
    },
    readText: async (path, maxBytes = 8 * 1024 * 1024) => {
      const result = await run(shell('[ -r "$1" ] && head -c "$2" -- "$1"', path, String(maxBytes)), { maxBytes: maxBytes + 1024 });
      return result.exitCode === 0 ? result.stdout : null;
    },
    writeText: async (path, text) => {
      const result = await run(shell('printf %s "$2" >"$1.part" && mv -f -- "$1.part" "$1"', path, text));
      if (result.exitCode !== 0) throw new ToolError('E_PROGRAM_FAILED', `a file could not be written in ${words}`, 'check the folder and its permissions there');
    },
    exists: async (path) => (await run(shell('[ -e "$1" ]', path))).exitCode === 0,
    find: async (mark) => marked((await run(shell(listMarked, mark))).stdout),
    end: async (mark, graceMs) => {
      const there = await run(shell(endMarked, mark, String(Math.ceil(graceMs / 1000))), { timeoutMs: graceMs + 20_000 }).catch(() => null);
      // The clients here end when the programs there do; one that hangs is ended too.
      const here = await Promise.all((await endProcesses({ mark }, 2000)).map(describeProcess));
      const unseen = there === null || there.timedOut || there.exitCode !== 0 ? [`${words} did not answer: whether its processes ended is not verified`] : [];
      return [...unseen, ...marked(there?.stdout ?? '').map((p) => p.words), ...here];
    },
  };
}

/**
 * The way to a place. `host` is a Host of the user's own ssh configuration, `container` a running docker container (on that host).
 * @throws ToolError E_ARG_TYPE
 */
export function openTransport(host: Host, place: { host?: string | null | undefined; container?: string | null | undefined }): Transport {
  const at = { host: place.host ?? null, container: place.container ?? null };
  checkPlace(at.host, at.container);
  return at.host === null && at.container === null ? local(host) : elsewhere(host, at);
}
