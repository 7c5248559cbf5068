import { resolve } from 'node:path';

/** Everything the command line, the environment and defaults decide, frozen. */
export interface Config {
  /** Folder of run roots; written. */
  readonly runsDir: string;
  /** Folders tools may read, besides the runs folder. */
  readonly allow: readonly string[];
  /** `true` for the built-in simulated NPU host, a path for a described one, null for this host. */
  readonly sim: string | true | null;
  /** Environment of this process; host/ passes an allowlisted part on to programs. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly version: string;
}

export interface ConfigFlags {
  runsDir?: string | undefined;
  allow?: readonly string[] | undefined;
  sim?: string | boolean | undefined;
}

/** Flags win over the environment, the environment over defaults. `XLLM_NPU_RUNS`, `XLLM_NPU_ALLOW` (`:`-separated), `XLLM_NPU_SIM`. */
export function makeConfig(flags: ConfigFlags, version: string, env: Readonly<Record<string, string | undefined>> = process.env, cwd = process.cwd()): Config {
  const fromEnv = (env['XLLM_NPU_ALLOW'] ?? '').split(':').filter((p) => p !== '');
  const sim = flags.sim ?? env['XLLM_NPU_SIM'];
  return Object.freeze({
    runsDir: resolve(cwd, flags.runsDir ?? env['XLLM_NPU_RUNS'] ?? 'runs'),
    allow: Object.freeze([cwd, ...fromEnv, ...(flags.allow ?? [])].map((p) => resolve(cwd, p))),
    sim: sim === undefined || sim === false || sim === '' || sim === '0' ? null : sim === true || sim === '1' ? true : resolve(cwd, sim),
    env,
    cwd,
    version,
  });
}
