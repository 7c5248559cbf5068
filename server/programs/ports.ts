import { ToolError } from '../contract/index.js';

/** Ports of one service; ranges are first and last, both included. */
export interface PortPlan {
  readonly http: readonly [number, number];
  /** xLLM: the collective server's port and the window of TCPStore ports above it. */
  readonly master: readonly [number, number] | null;
  readonly hcclBase: number | null;
}

export interface PortNeed {
  readonly httpPorts: number;
  /** HTTP port asked for; null to choose. */
  readonly httpFirst: number | null;
  readonly masterWindow: number;
  readonly hccl: boolean;
}

/** First ports looked at. Each lies below 32768, where Linux begins to hand out ports of its own by default. */
export const firstPorts = {
  /** xLLM's own default for --port. */
  http: 8010,
  /** xLLM's own default for --master_node_addr. */
  master: 19_888,
  /** Documented launches use 43432, which lies in the range Linux hands out; this does not. */
  hccl: 28_000,
} as const;

/** HCCL listens on HCCL_IF_BASE_PORT and the ports above it, one per device of the host (CANN documentation: 16 ports). */
export const hcclPorts = 16;
const lastPort = 65_535;

/**
 * TCPStore ports xLLM may take above its master port: world, TP, single-rank, CP, DP, EP and MoE groups, each with a port of its
 * own (collective_communicator.cpp:327-620; an estimate on the safe side). P … P + 4·world + 2·dp + ep + 32.
 */
export function masterWindow(world: number, dp: number, ep: number): number {
  return 4 * world + 2 * dp + ep + 33;
}

/** The lowest free range of `count` ports from `first` upward. @throws ToolError E_PORT_BUSY */
function freeRange(first: number, count: number, taken: ReadonlySet<number>, what: string): [number, number] {
  let start = first;
  for (let port = first; port <= lastPort; port += 1) {
    if (taken.has(port)) start = port + 1;
    else if (port - start + 1 === count) return [start, port];
  }
  throw new ToolError('E_PORT_BUSY', `no ${count} free ports in a row from ${first} upward for ${what}`, 'stop services that are no longer needed (service_stop), or give port');
}

/** Every port of the plan. */
export function portsOf(plan: PortPlan): number[] {
  const ranges = [plan.http, ...(plan.master === null ? [] : [plan.master]), ...(plan.hcclBase === null ? [] : [[plan.hcclBase, plan.hcclBase + hcclPorts - 1] as const])];
  return ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
}

/**
 * Ports that are neither taken nor overlap each other. Pure.
 * @param taken listening or leased ports
 * @throws ToolError E_PORT_BUSY when the HTTP port asked for is taken or nothing is free
 */
export function planPorts(need: PortNeed, taken: ReadonlySet<number>): PortPlan {
  const used = new Set(taken);
  const take = (range: [number, number]): [number, number] => {
    for (let port = range[0]; port <= range[1]; port += 1) used.add(port);
    return range;
  };
  let http: [number, number];
  if (need.httpFirst === null) http = take(freeRange(firstPorts.http, need.httpPorts, used, 'HTTP'));
  else {
    const last = need.httpFirst + need.httpPorts - 1;
    const busy = Array.from({ length: need.httpPorts }, (_, i) => (need.httpFirst ?? 0) + i).filter((p) => used.has(p) || p > lastPort);
    if (busy.length > 0) throw new ToolError('E_PORT_BUSY', `port ${busy.slice(0, 4).join(', ')} of the ${need.httpPorts} from ${need.httpFirst} on is in use`, 'leave port out to have a free one chosen, or stop the service that holds it');
    http = take([need.httpFirst, last]);
  }
  const master = need.masterWindow === 0 ? null : take(freeRange(firstPorts.master, need.masterWindow, used, "xLLM's master port and its TCPStore window"));
  const hccl = need.hccl ? take(freeRange(firstPorts.hccl, hcclPorts, used, 'HCCL'))[0] : null;
  return { http, master, hcclBase: hccl };
}

/** Local ports of `/proc/net/tcp` and `tcp6`, whatever the state: an outgoing connection blocks its port too. */
export function parseProcNet(text: string): Set<number> {
  const ports = new Set<number>();
  for (const line of text.split('\n')) {
    const match = /^\s*\d+:\s+[0-9A-F]+:([0-9A-F]{4})\s+[0-9A-F]+:[0-9A-F]{4}\s+([0-9A-F]{2})\s/i.exec(line);
    // 06 is TIME_WAIT: the kernel lets a listener have such a port.
    if (match !== null && match[2] !== '06') ports.add(parseInt(match[1] ?? '', 16));
  }
  return ports;
}
