import type { Flags } from './flags.js';
import type { PortPlan } from './ports.js';

export type Framework = 'xllm' | 'vllm-ascend' | 'sglang' | 'command';

/** What a service is started from, ports and devices already chosen. */
export interface LaunchRequest {
  readonly framework: Framework;
  /** Folder of the model, or its name where the framework loads by name. */
  readonly model: string;
  /** Program as it is started: a name, or an absolute path. */
  readonly program: string;
  /** Logical ids in rank order; null leaves the visible devices as they are. */
  readonly devices: readonly number[] | null;
  readonly flags: Flags;
  /** Whole argv of `command`; empty for the others. */
  readonly argv: readonly string[];
  readonly ports: PortPlan;
  readonly profiling: boolean;
  /** True when the service runs in a container or on another host, and must listen beyond loopback to be reached. */
  readonly remote: boolean;
}

export interface RankPlan {
  readonly rank: number;
  /** Logical device ids this process uses. */
  readonly devices: readonly number[];
  /** HTTP port; null where this rank serves none. */
  readonly port: number | null;
  readonly argv: readonly string[];
}

/** The exact processes of a service, and how to see that it is up. */
export interface Launch {
  readonly ranks: readonly RankPlan[];
  /** Set for every rank, over the host's own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Host part of the endpoint as the flags give it; null for the host the service runs on. */
  readonly host: string | null;
  readonly port: number;
  /** Prefix cache as the flags or the framework's default have it; null when neither tells. */
  readonly prefixCache: boolean | null;
}

/** What a pre-flight rule says about the flags: an error would end the start, a warning changes what was asked. */
export interface Remark {
  readonly level: 'error' | 'warning';
  readonly rule: string;
  readonly detail: string;
}

/** Variables every rank gets. HCCL_IF_BASE_PORT keeps two services of one host apart. */
export function commonEnv(request: LaunchRequest): Record<string, string> {
  return {
    ...(request.devices === null ? {} : { ASCEND_RT_VISIBLE_DEVICES: request.devices.join(',') }),
    ...(request.ports.hcclBase === null ? {} : { HCCL_IF_BASE_PORT: String(request.ports.hcclBase) }),
    ...(request.profiling ? { PROFILING_MODE: 'dynamic' } : {}),
  };
}

/** A loopback address stands for the host the service runs on. */
export function endpointHost(host: string | null): string | null {
  return host === null || /^(?:0\.0\.0\.0|127\.\d+\.\d+\.\d+|localhost|::1?|\[::1?\])$/.test(host) ? null : host;
}
