import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Config } from '../config.js';
import { admit } from './paths.js';
import { programEnvironment } from './environment.js';
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
  has(program: ProgramName): Promise<string | null>;
}

export function openHost(config: Config): Host {
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
    has: async (program) => findProgram(program, (await env())['PATH']),
  };
}
