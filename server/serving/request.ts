import { z } from 'zod';
import { foreign, ToolError } from '../contract/index.js';
import { isFolder } from '../host/files.js';
import type { Host } from '../host/host.js';
import { checkPlace } from '../host/transport.js';
import { parseCommand } from '../programs/command.js';
import { parseFlags, plainName } from '../programs/flags.js';
import { waits } from './thresholds.js';

export const frameworks = ['xllm', 'vllm-ascend', 'sglang', 'command'] as const;

/** A request as the job keeps it: admitted, normalised, the same for the same question. */
export const requestShape = z.object({
  framework: z.enum(frameworks),
  model: z.string(),
  program: z.string().nullable(),
  devices: z.array(z.number().int().min(0)).nullable(),
  device_count: z.number().int().min(1).nullable(),
  port: z.number().int().nullable(),
  flags: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  argv: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  env_scripts: z.array(z.string()),
  container: z.string().nullable(),
  host: z.string().nullable(),
  profiling: z.boolean(),
  ready_timeout_s: z.number(),
});
export type ServiceRequest = z.output<typeof requestShape>;

export interface StartArgs {
  readonly framework: ServiceRequest['framework'];
  readonly model_path: string;
  readonly program?: string | undefined;
  readonly devices?: readonly number[] | undefined;
  readonly device_count?: number | undefined;
  readonly port?: number | undefined;
  readonly args_json?: string | undefined;
  readonly env_json?: string | undefined;
  readonly env_scripts?: readonly string[] | undefined;
  readonly container?: string | undefined;
  readonly host?: string | undefined;
  readonly profiling?: boolean | undefined;
  readonly ready_timeout_s?: number | undefined;
}

/** Names that load code into every program, or that decide what is run. */
const refusedEnv = /^(?:LD_PRELOAD|LD_AUDIT|LD_DEBUG\w*|BASH_ENV|BASH_FUNC\w*|ENV|IFS|SHELLOPTS|PATH|HOME|GCONV_PATH|PYTHONSTARTUP|PYTHONINSPECT|NODE_OPTIONS|XLLM_NPU_\w*)$/;
const plannedEnv: Readonly<Record<string, string>> = {
  ASCEND_RT_VISIBLE_DEVICES: 'give devices',
  PROFILING_MODE: 'give profiling',
  HCCL_IF_BASE_PORT: 'leave it out: a base port that does not collide is planned',
};
const envName = /^[A-Za-z_][A-Za-z0-9_]{0,120}$/;

function jsonOf(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ToolError('E_JSON_BROKEN', `${name} is not valid JSON`, 'give one JSON value', { cause });
  }
}

/** @throws ToolError E_JSON_BROKEN, E_ARG_TYPE, E_ARG_CONFLICT */
export function parseEnv(text: string): Record<string, string> {
  const value = jsonOf('env_json', text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ToolError('E_ARG_TYPE', 'env_json is not a JSON object', 'give {"NAME": "value"}');
  const env: Record<string, string> = {};
  for (const [name, v] of Object.entries(value)) {
    if (!envName.test(name)) throw new ToolError('E_ARG_TYPE', `env_json has a name no variable can have: ${foreign(name, 60)}`, 'names are letters, digits and _');
    if (refusedEnv.test(name)) throw new ToolError('E_ARG_CONFLICT', `env_json sets ${name}, which is refused: it decides what code runs`, 'leave it out; another program is chosen with program, scripts with env_scripts');
    const planned = plannedEnv[name];
    if (planned !== undefined) throw new ToolError('E_ARG_CONFLICT', `env_json sets ${name}, which service_start sets itself`, planned);
    const scalar: unknown = v;
    const value = typeof scalar === 'number' || typeof scalar === 'boolean' ? String(scalar) : scalar;
    if (typeof value !== 'string' || value.includes('\0') || value.length > 8192) throw new ToolError('E_ARG_TYPE', `env_json.${name} is not a text without NUL`, 'give every value as a text');
    env[name] = value;
  }
  return env;
}

/** A value that names a place in the file system. */
const pathLike = /^(?:~|\.{0,2}\/)|(?:^|\/)\.\.(?:\/|$)/;

/** Paths in values must lie where the server may read; here with links resolved, elsewhere by their text. */
async function admitValues(values: readonly string[], host: Host, remote: boolean): Promise<void> {
  for (const value of values) {
    if (!pathLike.test(value)) continue;
    if (remote) host.admitElsewhere(value);
    else if (!value.startsWith('/')) throw new ToolError('E_PATH_INVALID', `a relative path among the arguments: ${foreign(value, 120)}`, 'give an absolute path; a service runs in a folder of its own');
    else await host.admit(value).catch((error: unknown) => {
      // A file the service is to write is not there yet; its place still counts.
      if (!(error instanceof ToolError) || error.code !== 'E_PATH_MISSING') throw error;
      host.admitElsewhere(value);
    });
  }
}

/** Where frameworks load models by name. */
const modelId = /^[A-Za-z0-9][\w.-]{0,95}(?:\/[A-Za-z0-9][\w.-]{0,95})?$/;

async function modelOf(args: StartArgs, host: Host, remote: boolean): Promise<string> {
  const given = args.model_path;
  if (/[\0\r\n]/.test(given) || given.startsWith('-')) throw new ToolError('E_PATH_INVALID', 'a model path with a line break, or one that starts with -', 'give the folder of the model');
  const byName = args.framework !== 'xllm' && modelId.test(given);
  if (remote) return byName && !given.startsWith('/') ? given : host.admitElsewhere(given);
  if (byName && !(await isFolder(given))) return given;
  const real = await host.admit(given);
  if (!(await isFolder(real))) throw new ToolError('E_PATH_KIND', 'model_path is a file', 'give the folder that holds config.json and the weights');
  return real;
}

/**
 * Checks and admits everything a start is made of; nothing is run.
 * @throws ToolError E_ARG_*, E_JSON_BROKEN, E_PATH_*, E_PROGRAM_UNKNOWN
 */
export async function readRequest(args: StartArgs, host: Host): Promise<ServiceRequest> {
  checkPlace(args.host ?? null, args.container ?? null);
  const remote = args.host !== undefined || args.container !== undefined;
  if (args.devices !== undefined && args.device_count !== undefined && args.devices.length !== args.device_count) throw new ToolError('E_ARG_CONFLICT', `devices names ${args.devices.length} and device_count is ${args.device_count}`, 'give one of them');
  if (args.devices !== undefined && new Set(args.devices).size !== args.devices.length) throw new ToolError('E_ARG_TYPE', 'devices names a device twice', 'name each logical id once, in rank order');
  const given = args.args_json === undefined ? (args.framework === 'command' ? [] : {}) : jsonOf('args_json', args.args_json);
  const argv = args.framework === 'command' ? parseCommand(given) : [];
  const flags = args.framework === 'command' ? {} : parseFlags(given);
  const program = args.framework === 'command' ? (argv[0] ?? null) : (args.program ?? null);
  if (args.framework === 'command' && args.program !== undefined) throw new ToolError('E_ARG_CONFLICT', 'program together with framework command', 'the first text of args_json is the program');
  const admittedProgram = program?.startsWith('/') === true ? (remote ? host.admitElsewhere(program) : await host.admit(program)) : args.framework === 'command' ? program : null;
  if (args.program !== undefined && admittedProgram === null) throw new ToolError('E_PATH_INVALID', 'program is not an absolute path', "leave it out to take the framework's own program from PATH, or give the absolute path of a built one");
  await admitValues([...argv.slice(1).flatMap((a) => [a, ...(a.startsWith('--') && a.includes('=') ? [a.slice(a.indexOf('=') + 1)] : [])]), ...Object.values(flags).filter((v): v is string => typeof v === 'string')], host, remote);
  const scripts: string[] = [];
  for (const script of args.env_scripts ?? []) scripts.push(remote ? host.admitElsewhere(script) : await host.admit(script));
  const hostFlag = Object.entries(flags).find(([name]) => plainName(name) === 'host')?.[1];
  if (hostFlag !== undefined && (typeof hostFlag !== 'string' || !/^[A-Za-z0-9.:[\]_-]{1,253}$/.test(hostFlag))) throw new ToolError('E_ARG_TYPE', 'args_json.host is not a host name or address', 'give an address this host has, or leave it out');
  return {
    framework: args.framework,
    model: await modelOf(args, host, remote),
    program: admittedProgram,
    devices: args.devices === undefined ? null : [...args.devices],
    device_count: args.device_count ?? null,
    port: args.port ?? null,
    flags: { ...flags },
    argv,
    env: args.env_json === undefined ? {} : parseEnv(args.env_json),
    env_scripts: scripts,
    container: args.container ?? null,
    host: args.host ?? null,
    profiling: args.profiling ?? false,
    ready_timeout_s: args.ready_timeout_s ?? waits.readyTimeoutS,
  };
}
