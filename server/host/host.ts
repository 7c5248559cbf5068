import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config.js';
import { openDialog, type Dialog, type DialogOptions } from './dialog.js';
import { listFolder, readText } from './files.js';
import { admit, admitElsewhere } from './paths.js';
import { allowedEnvironment, cannScripts, programEnvironment } from './environment.js';
import { findProgram, runProgram, type ProgramName, type RunOptions, type RunResult } from './programs.js';

/** The machine, as the rooms see it. */
export interface Host {
  readonly runsDir: string;
  readonly cwd: string;
  /** True when the simulated NPU host stands in for this one. */
  readonly simulated: boolean;
  readonly hostname: string;
  /** UTC now, ISO 8601 with milliseconds. */
  now(): string;
  randomHex(bytes: number): string;
  /** Real path of an existing file or folder inside the allowed folders. @throws ToolError E_PATH_* */
  admit(path: string): Promise<string>;
  /** @throws ToolError E_PROGRAM_UNKNOWN, E_PROGRAM_MISSING */
  run(program: ProgramName, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** A program that is talked to through its standard input. @throws ToolError E_PROGRAM_MISSING */
  dialog(program: ProgramName, args: readonly string[], options: DialogOptions): Promise<Dialog>;
  has(program: ProgramName): Promise<string | null>;
  /** Environment for NPU programs: ours, allowlisted, with what the CANN scripts and `scripts` (admitted paths) set. */
  environment(scripts?: readonly string[]): Promise<Record<string, string>>;
  /**
   * A path on another host or in a container, judged by its text alone: absolute, without `..`, inside an allowed folder.
   * @throws ToolError E_PATH_INVALID, E_PATH_OUTSIDE
   */
  admitElsewhere(path: string): string;
  /** How a detached worker of this program is started: Node.js, and the arguments before its own. */
  readonly worker: { readonly file: string; readonly args: readonly string[] };
  /** Environment for a detached worker: the allowlisted part of ours. */
  workerEnvironment(): Record<string, string>;
  /** Text of a fixed system file (/etc/os-release, /proc, the driver's version.info): null when it is not there or not readable. */
  systemText(path: string): Promise<string | null>;
  /** Names in a fixed system folder (/dev, /proc), sorted; empty when it is not there. */
  systemList(path: string): Promise<string[]>;
}

/** Version files and /proc entries are small; anything larger is not one. */
const systemFileBytes = 1024 * 1024;

export function openHost(config: Config): Host {
  // The simulated host brings its own version files and device nodes; processes are real on both.
  const simRoot = config.sim === null ? undefined : config.env['XLLM_NPU_SIM_ROOT'];
  const place = (path: string): string => (simRoot === undefined || path === '/proc' || path.startsWith('/proc/') ? path : join(simRoot, path));
  let environment: Promise<Record<string, string>> | undefined;
  const env = (): Promise<Record<string, string>> => (environment ??= programEnvironment(config.env));
  return {
    runsDir: config.runsDir,
    cwd: config.cwd,
    simulated: config.sim !== null,
    hostname: hostname(),
    now: () => new Date().toISOString(),
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    admit: (path) => admit(path, [...config.allow, config.runsDir], config.cwd),
    run: async (program, args, options) => runProgram(program, args, await env(), options),
    dialog: async (program, args, options) => openDialog(program, args, await env(), options),
    environment: (scripts = []) => (scripts.length === 0 ? env() : programEnvironment(config.env, [...cannScripts, ...scripts])).then((e) => ({ ...e })),
    admitElsewhere: (path) => admitElsewhere(path, [...config.allow, config.runsDir]),
    worker: { file: process.execPath, args: [...config.self, 'worker'] },
    workerEnvironment: () => allowedEnvironment(config.env),
    has: async (program) => findProgram(program, (await env())['PATH']),
    systemText: (path) => readText(place(path), systemFileBytes).catch(() => null),
    systemList: (path) => listFolder(place(path)),
  };
}
