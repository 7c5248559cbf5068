import { ToolError } from '../contract/index.js';
import { countOf, flagOf, plainName, refuseOwned, switchOf, type Flags, type FlagValue } from './flags.js';
import { refuseUnknown } from './help.js';
import { commonEnv, endpointHost, type Launch, type LaunchRequest } from './launch.js';
import type { PortNeed } from './ports.js';

const owned: Readonly<Record<string, string>> = { model: 'give model_path', model_tag: 'give model_path', port: 'give port' };

/** Flags a help page without groups opened does not list; vLLM since 0.10 prints groups only, so a short page judges nothing. */
const fewest = 40;

/** @throws ToolError E_ARG_UNKNOWN, E_ARG_CONFLICT. @returns false when the help page was too short to judge by */
export function checkVllmFlags(flags: Flags, help: ReadonlySet<string> | null): boolean {
  refuseOwned(flags, owned);
  if (help === null || help.size < fewest) return false;
  refuseUnknown(Object.keys(flags), help, 'this vLLM');
  return true;
}

export function vllmPorts(httpFirst: number | null): PortNeed {
  return { httpPorts: 1, httpFirst, masterWindow: 0, hccl: true };
}

/** argparse with vLLM's own boolean pairs: off is `--no-name`. */
function argument(name: string, value: FlagValue): string {
  const dashed = name.replaceAll('_', '-');
  if (value === null || value === true) return `--${dashed}`;
  if (value === false) return dashed.startsWith('no-') ? `--${dashed.slice(3)}` : `--no-${dashed}`;
  return `--${dashed}=${String(value)}`;
}

/** Ranks the flags ask for: tp × pp × dp; null when none of the three is given. */
function asked(flags: Flags): number | null {
  const sizes = ['tensor_parallel_size', 'pipeline_parallel_size', 'data_parallel_size'].map((name) => countOf(flags, name, 0));
  return sizes.every((s) => s === 0) ? null : sizes.reduce((product, s) => product * Math.max(1, s), 1);
}

/** @throws ToolError E_ARG_CONFLICT when tp × pp × dp is not the number of devices */
export function vllmLaunch(request: LaunchRequest): Launch {
  const devices = request.devices ?? [];
  const world = Math.max(1, devices.length);
  const wanted = asked(request.flags);
  if (wanted !== null && wanted !== world) {
    throw new ToolError('E_ARG_CONFLICT', `the flags ask for ${wanted} ranks (tp × pp × dp) and ${world} devices are given`, 'make devices or device_count and the parallel sizes agree');
  }
  const names = new Set(Object.keys(request.flags).map(plainName));
  const host = flagOf(request.flags, 'host');
  const argv = [
    request.program,
    'serve',
    request.model,
    `--port=${request.ports.http[0]}`,
    // vLLM listens on every address by default; a service nobody else needs stays on loopback.
    ...(names.has('host') ? [] : [`--host=${request.remote ? '0.0.0.0' : '127.0.0.1'}`]),
    ...(wanted === null ? [`--tensor-parallel-size=${world}`] : []),
    ...Object.entries(request.flags).map(([name, value]) => argument(name, value)),
  ];
  const off = flagOf(request.flags, 'no_enable_prefix_caching');
  return {
    ranks: [{ rank: 0, devices, port: request.ports.http[0], argv }],
    env: commonEnv(request),
    host: endpointHost(typeof host === 'string' ? host : null),
    port: request.ports.http[0],
    prefixCache: off !== undefined ? !switchOf(request.flags, 'no_enable_prefix_caching', true) : names.has('enable_prefix_caching') ? switchOf(request.flags, 'enable_prefix_caching', true) : null,
  };
}
