import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

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
  /** Arguments to Node.js that start this program again with the same settings; a command and its own arguments follow. */
  readonly self: readonly string[];
}

export interface ConfigFlags {
  runsDir?: string | undefined;
  allow?: readonly string[] | undefined;
  sim?: string | boolean | undefined;
  /** Path of the built main.js, when it does not lie beside this file. */
  entry?: string | undefined;
}

/** Flags win over the environment, the environment over defaults. `XLLM_NPU_RUNS`, `XLLM_NPU_ALLOW` (`:`-separated), `XLLM_NPU_SIM`. */
export function makeConfig(flags: ConfigFlags, version: string, env: Readonly<Record<string, string | undefined>> = process.env, cwd = process.cwd()): Config {
  const fromEnv = (env['XLLM_NPU_ALLOW'] ?? '').split(':').filter((p) => p !== '');
  const sim = flags.sim ?? env['XLLM_NPU_SIM'];
  const runsDir = resolve(cwd, flags.runsDir ?? env['XLLM_NPU_RUNS'] ?? 'runs');
  const allow = [cwd, ...fromEnv, ...(flags.allow ?? [])].map((p) => resolve(cwd, p));
  const simulated = sim === undefined || sim === false || sim === '' || sim === '0' ? null : sim === true || sim === '1' ? true : resolve(cwd, sim);
  return Object.freeze({
    runsDir,
    allow: Object.freeze(allow),
    sim: simulated,
    self: Object.freeze([
      flags.entry ?? fileURLToPath(new URL('./main.js', import.meta.url)),
      '--runs-dir',
      runsDir,
      ...allow.flatMap((dir) => ['--allow', dir]),
      ...(simulated === null ? [] : simulated === true ? ['--sim'] : ['--sim', simulated]),
    ]),
    env,
    cwd,
    version,
  });
}
