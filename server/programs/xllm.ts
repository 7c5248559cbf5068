import { countOf, flagOf, refuseOwned, switchOf, type Flags, type FlagValue } from './flags.js';
import { refuseUnknown } from './help.js';
import { commonEnv, endpointHost, type Launch, type LaunchRequest } from './launch.js';
import { masterWindow, type PortNeed } from './ports.js';
import { xllmBuiltinFlags, xllmFlags, xllmRemoved } from './xllm-flags.js';

/** How a binary differs from today's: read off its own help page. */
export interface XllmDialect {
  /** Before 2026-07-21: each process names its device itself. */
  readonly takesDevices: boolean;
  readonly takesDraftDevices: boolean;
}

export const todaysXllm: XllmDialect = { takesDevices: false, takesDraftDevices: false };

/** @param help flags of the help page; null when it could not be read: then today's flags are assumed */
export function xllmDialect(help: ReadonlySet<string> | null): XllmDialect {
  return help === null ? todaysXllm : { takesDevices: help.has('devices'), takesDraftDevices: help.has('draft_devices') };
}

const owned: Readonly<Record<string, string>> = {
  model: 'give model_path',
  port: 'give port',
  nnodes: 'one process runs per device: give devices or device_count',
  node_rank: 'ranks are numbered by the tool',
  master_node_addr: 'the tool plans a port range that does not collide',
  devices: 'give devices',
  draft_devices: 'give devices',
  device_id: 'give devices',
};

/**
 * Refuses flags the tool owns and flags this binary does not have. Flags missing on the help page but known from the source stay:
 * the page lists only part of them. With no help page to read, only today's list judges.
 * @throws ToolError E_ARG_UNKNOWN, E_ARG_CONFLICT
 * @returns flags that stand on no help page, so that the caller can say so
 */
export function checkXllmFlags(flags: Flags, help: ReadonlySet<string> | null): string[] {
  refuseOwned(flags, owned);
  const names = Object.keys(flags);
  const known = new Set([...xllmFlags, ...xllmBuiltinFlags, ...(help ?? [])]);
  refuseUnknown(names, known, 'this xLLM', xllmRemoved);
  return help === null ? [] : names.filter((n) => !help.has(n));
}

/** Ports an xLLM service of `world` processes takes. */
export function xllmPorts(flags: Flags, world: number, httpFirst: number | null): PortNeed {
  return { httpPorts: world, httpFirst, masterWindow: masterWindow(world, Math.max(1, countOf(flags, 'dp_size', 1)), Math.max(1, countOf(flags, 'ep_size', 1))), hccl: true };
}

function gflag(name: string, value: FlagValue): string {
  return value === null ? `--${name}` : `--${name}=${String(value)}`;
}

/**
 * One process per device. Every rank sees the whole device list: xLLM takes the device at `node_rank % visible devices`.
 * Source of the start line: docs/getting_started/launch_xllm.md.
 */
export function xllmLaunch(request: LaunchRequest, dialect: XllmDialect): Launch {
  const devices = request.devices ?? [];
  const world = Math.max(1, devices.length);
  const draft = flagOf(request.flags, 'draft_model');
  const host = flagOf(request.flags, 'host');
  const ranks = Array.from({ length: world }, (_, rank) => ({
    rank,
    devices: devices.slice(rank, rank + 1),
    port: request.ports.http[0] + rank,
    argv: [
      request.program,
      `--model=${request.model}`,
      `--port=${request.ports.http[0] + rank}`,
      ...(request.ports.master === null ? [] : [`--master_node_addr=127.0.0.1:${request.ports.master[0]}`]),
      `--nnodes=${world}`,
      `--node_rank=${rank}`,
      ...(dialect.takesDevices ? [`--devices=npu:${rank}`] : []),
      ...(dialect.takesDraftDevices && typeof draft === 'string' && draft !== '' ? [`--draft_devices=npu:${rank}`] : []),
      ...Object.entries(request.flags).map(([name, value]) => gflag(name, value)),
    ],
  }));
  return {
    ranks,
    env: commonEnv(request),
    host: endpointHost(typeof host === 'string' && host !== '' ? host : null),
    port: request.ports.http[0],
    // xLLM has the prefix cache on unless told otherwise (kv_cache_config.cpp:51).
    prefixCache: switchOf(request.flags, 'enable_prefix_cache', true) && !switchOf(request.flags, 'enable_xtensor', false),
  };
}
