import { isSecretName } from '../contract/index.js';
import { exists } from './files.js';
import { runProgram } from './programs.js';

/** What any program gets from this process. Everything else is left out. */
const passed = new Set(['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR', 'SHELL', 'TERM', 'SSH_AUTH_SOCK', 'DOCKER_HOST']);
/** CANN and framework variables, by prefix, and those of the simulated host; LD_PRELOAD never. */
const cann = /^(?:ASCEND_|HCCL_|ATB_|NPU_|TASK_QUEUE_|CANN_|TBE_|ACL_|GE_|INF_NAN_|TOOLCHAIN_|DDK_|OPP_|XLLM_(?!NPU_)|XLLM_NPU_SIM_)|^(?:LD_LIBRARY_PATH|PYTHONPATH|PYTORCH_NPU_ALLOC_CONF)$/;

/** Where CANN puts its environment scripts, in the order they are sourced. */
export const cannScripts = [
  '/usr/local/Ascend/ascend-toolkit/set_env.sh',
  '/usr/local/Ascend/nnal/atb/set_env.sh',
  '/usr/local/Ascend/nnae/set_env.sh',
] as const;

export function allowedEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && (passed.has(name) || cann.test(name)) && !isSecretName(name)) out[name] = value;
  }
  return out;
}

const source = 'for s in "$@"; do . "$s" >/dev/null 2>&1; done; env -0';

/**
 * The environment for NPU programs: the allowlisted part of ours plus what the CANN scripts set, for clients that hand over
 * almost nothing. The scripts run once in a clean bash; only CANN variables and PATH are taken from the result.
 */
export async function programEnvironment(env: Readonly<Record<string, string | undefined>>, scripts: readonly string[] = cannScripts): Promise<Record<string, string>> {
  const base = allowedEnvironment(env);
  const present: string[] = [];
  for (const script of scripts) if (await exists(script)) present.push(script);
  if (present.length === 0) return base;
  const result = await runProgram('bash', ['--noprofile', '--norc', '-c', source, 'bash', ...present], base, { timeoutMs: 20_000 });
  if (result.exitCode !== 0) return base;
  for (const entry of result.stdout.split('\0')) {
    const at = entry.indexOf('=');
    const name = entry.slice(0, at);
    if (at > 0 && (name === 'PATH' || cann.test(name)) && !isSecretName(name)) base[name] = entry.slice(at + 1);
  }
  return base;
}
