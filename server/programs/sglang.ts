import { ToolError } from '../contract/index.js';
import { countOf, flagOf, plainName, refuseOwned, switchOf, type Flags, type FlagValue } from './flags.js';
import { refuseUnknown } from './help.js';
import { commonEnv, endpointHost, type Launch, type LaunchRequest } from './launch.js';
import type { PortNeed } from './ports.js';

const owned: Readonly<Record<string, string>> = { model_path: 'give model_path', model: 'give model_path', port: 'give port' };
export const sglangModule = ['-m', 'sglang.launch_server'] as const;

/** @throws ToolError E_ARG_UNKNOWN, E_ARG_CONFLICT. @returns false without a help page to judge by */
export function checkSglangFlags(flags: Flags, help: ReadonlySet<string> | null): boolean {
  refuseOwned(flags, owned);
  for (const [name, value] of Object.entries(flags)) {
    if (value === false) throw new ToolError('E_ARG_TYPE', `args_json.${name} is false, and SGLang's switches have no off form`, 'leave the flag out, or give the flag that turns it off, e.g. disable-radix-cache');
  }
  if (help === null || help.size === 0) return false;
  refuseUnknown(Object.keys(flags), help, 'this SGLang');
  return true;
}

/** SGLang opens its own distributed port near the HTTP port; two HTTP ports are kept free for it. */
export function sglangPorts(httpFirst: number | null): PortNeed {
  return { httpPorts: 2, httpFirst, masterWindow: 0, hccl: true };
}

function argument(name: string, value: FlagValue): string {
  const dashed = name.replaceAll('_', '-');
  return value === null || value === true ? `--${dashed}` : `--${dashed}=${String(value)}`;
}

/** NPU start line: `--device npu --attention-backend ascend` (docs/platforms/ascend). One process starts its own ranks. */
export function sglangLaunch(request: LaunchRequest): Launch {
  const devices = request.devices ?? [];
  const names = new Set(Object.keys(request.flags).map(plainName));
  const given = (...spellings: string[]): boolean => spellings.some((s) => names.has(s));
  const tp = countOf(request.flags, 'tp_size', countOf(request.flags, 'tensor_parallel_size', 0));
  const pp = countOf(request.flags, 'pp_size', countOf(request.flags, 'pipeline_parallel_size', 1));
  const dpAttention = switchOf(request.flags, 'enable_dp_attention', false);
  const dp = dpAttention ? 1 : countOf(request.flags, 'dp_size', countOf(request.flags, 'data_parallel_size', 1));
  const world = Math.max(1, devices.length);
  if (tp > 0 && tp * Math.max(1, pp) * Math.max(1, dp) !== world) {
    throw new ToolError('E_ARG_CONFLICT', `the flags ask for ${tp * Math.max(1, pp) * Math.max(1, dp)} ranks (tp × pp × dp) and ${world} devices are given`, 'make devices or device_count and the parallel sizes agree');
  }
  const host = flagOf(request.flags, 'host');
  const argv = [
    request.program,
    ...sglangModule,
    `--model-path=${request.model}`,
    `--port=${request.ports.http[0]}`,
    ...(given('host') ? [] : [`--host=${request.remote ? '0.0.0.0' : '127.0.0.1'}`]),
    ...(given('device') ? [] : ['--device=npu']),
    ...(given('attention_backend', 'prefill_attention_backend') ? [] : ['--attention-backend=ascend']),
    ...(tp > 0 || given('pp_size', 'dp_size', 'data_parallel_size', 'pipeline_parallel_size') ? [] : [`--tp-size=${world}`]),
    ...Object.entries(request.flags).map(([name, value]) => argument(name, value)),
  ];
  return {
    ranks: [{ rank: 0, devices, port: request.ports.http[0], argv }],
    env: commonEnv(request),
    host: endpointHost(typeof host === 'string' ? host : null),
    port: request.ports.http[0],
    // The radix cache is on unless disabled.
    prefixCache: !switchOf(request.flags, 'disable_radix_cache', false),
  };
}
