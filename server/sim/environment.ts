import { mkdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ToolError } from '../contract/index.js';
import { defaultHostFile, parseHost, readBuildFaults, readHost, type SimHost } from './host-file.js';

/** Names of the variables through which the stand-ins find their host. */
export const simVariables = { host: 'XLLM_NPU_SIM_HOST', state: 'XLLM_NPU_SIM_STATE', speed: 'XLLM_NPU_SIM_SPEED', root: 'XLLM_NPU_SIM_ROOT', build: 'XLLM_NPU_SIM_BUILD' } as const;

/** What every stand-in knows about where it runs. */
export interface SimContext {
  readonly host: SimHost;
  readonly stateDir: string;
  /** Start-up and timeouts are this much faster than the defaults; steps keep their real length. */
  readonly speed: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** Reads the environment of a stand-in. @throws ToolError as {@link readHost}, E_ARG_TYPE for a bad speed */
export function simContext(env: Readonly<Record<string, string | undefined>>): SimContext {
  const file = env[simVariables.host];
  const stateDir = env[simVariables.state] ?? join(tmpdir(), 'xllm-npu-sim-state');
  const speed = Number(env[simVariables.speed] ?? '1');
  if (!(speed > 0) || !Number.isFinite(speed)) throw new ToolError('E_ARG_TYPE', `${simVariables.speed} is not a positive number`, 'unset it or give a number; 1 is the default');
  mkdirSync(stateDir, { recursive: true });
  const described = file === undefined || file === '' ? parseHost(defaultHostFile) : readHost(file);
  // A build brings its own defects: what a commit broke, another one mends.
  const build = env[simVariables.build];
  const host = build === undefined || build === '' ? described : { ...described, faults: [...described.faults, ...readBuildFaults(build)] };
  return { host, stateDir, speed, env, home: env['HOME'] ?? homedir() };
}
