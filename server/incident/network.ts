import type { Evidence } from './evidence.js';
import type { Found, Hit } from './found.js';
import { timeoutS } from './silent.js';
import { clocks } from './thresholds.js';

/**
 * What hccn_tool prints of a card's network (domain.md 1.3). Wording: MindCluster's devmanager/hccn (`link status: DOWN`, Init and Success are
 * well) and its guide (`net health status: Fault` after the link was taken down); change records: HCCL's guide to error CQEs.
 */
export const networkLiterals = ['hccn_tool', 'link status:', 'net health status:'] as const;

const command = /\bhccn_tool -i (\d{1,3}) -\w+/;
const own = /^\[dev(?:id|ice) (\d{1,3})\]/;
const state = /^\s*(?:\[dev(?:id|ice) \d{1,3}\]\s*)?(?:link status|net health status)\s*:\s*(\w+)/;

/** Card a query of hccn_tool asks about, by the command line or by the name of a collected answer (`hccn_tool_-i_3_-link_-g`). */
export function queriedCard(text: string): number | null {
  const found = command.exec(text) ?? /hccn_tool_-i_(\d{1,3})_/.exec(text);
  return found === null ? null : Number(found[1]);
}

/** Card a line of an answer names itself. */
export function namedCard(line: string): number | null {
  const found = own.exec(line);
  return found === null ? null : Number(found[1]);
}

/** What a line tells of a card's network; null: it is no such line. */
export function networkOf(line: string): 'well' | 'ill' | null {
  const word = state.exec(line)?.[1];
  if (word === undefined) return null;
  return word === 'UP' || word === 'Success' || word === 'Init' ? 'well' : 'ill';
}

/** Signatures of hccn_tool's answers, the strongest first; `nic-optical-absent` only supports them. */
const order = ['nic-link-down', 'nic-net-fault', 'nic-net-unhealthy', 'nic-link-flap'] as const;
const ids: ReadonlySet<string> = new Set([...order, 'nic-optical-absent']);
export const isNetwork = (hit: Hit): boolean => ids.has(hit.signature.id);

/** Collectives that failed or waited, and links that failed, by any other line. */
const communication = (hit: Hit): boolean => !isNetwork(hit) && (hit.signature.class === 'hccl' || hit.signature.class === 'link');

/** A record of a link that went down counts when a collective failed then: between the earliest moment the reporter can have waited from and its report. */
function flapped(evidence: Evidence, flap: Hit, failures: readonly Hit[]): boolean {
  return failures.some((f) => flap.ms !== null && f.ms !== null && flap.ms <= f.ms + clocks.toleranceMs.value && flap.ms >= f.ms - timeoutS(evidence, f) * 1000 - clocks.toleranceMs.value);
}

/** Network failures of cards: `sure` ones can be the reason of what was logged, `perhaps` only where nothing else tells for whom a rank waited. */
export interface NetworkFound {
  readonly sure: readonly Found[];
  readonly perhaps: Found | null;
}

/**
 * Cards whose network is down. A port that is down counts for sure when other ports of its host are up, a link that flapped when RDMA gave up
 * then; where no cable is plugged all ports are down and nothing is wrong. Pure.
 */
export function networkOfHosts(evidence: Evidence, hits: readonly Hit[]): NetworkFound {
  const failures = hits.filter(communication);
  const processOf = (h: Hit): Evidence['processes'][number] | undefined => evidence.processes[h.event.process];
  const others = (h: Hit): boolean => evidence.processes.some((p) => p.network.well > 0 && p.host === (processOf(h)?.host ?? null) && (p.device === null || p.device !== processOf(h)?.device));
  const cards = new Map<string, Hit[]>();
  for (const h of hits.filter(isNetwork)) {
    if (h.signature.id === 'nic-link-flap' && !flapped(evidence, h, failures)) continue;
    const key = `${h.host} ${processOf(h)?.device ?? `process ${h.event.process}`}`;
    cards.set(key, [...(cards.get(key) ?? []), h]);
  }
  const sure: Found[] = [];
  let perhaps: Found | null = null;
  for (const own of cards.values()) {
    const first = order.flatMap((id) => own.find((h) => h.signature.id === id) ?? [])[0];
    if (first === undefined) continue;
    const id = first.signature.id;
    const port = id === 'nic-link-down' || id === 'nic-net-fault';
    const alone = port && others(first);
    const lines = [first, ...own.filter((h) => h !== first)];
    const make = (proven: boolean, why: string): Found => ({ id, class: 'link', layer: 'hccl', origin: first, silent: null, ms: first.ms, proven, why, own: lines, cascades: [] });
    if (alone) sure.push(make(true, 'the network of this card is down while that of other cards is up'));
    else if (id === 'nic-link-flap' && failures.some((f) => f.signature.id === 'hccl-cqe')) sure.push(make(true, 'the link of this card went down while a collective ran, and RDMA gave up'));
    else if (failures.length === 0) continue;
    else if (perhaps === null) perhaps = make(false, id === 'nic-link-flap' ? 'the link of this card went down while a collective ran that failed' : 'a collective failed, and the network of this card is not well');
    else perhaps.own.push(...lines);
  }
  return { sure, perhaps };
}

/** Puts the sure ones among the failures; what RDMA reports of a link follows from the port. */
export function withNetwork(found: Found[], network: NetworkFound): void {
  const main = network.sure[0];
  if (main === undefined) return;
  for (const f of [...found]) {
    if (f.class !== 'link') continue;
    main.cascades.push(...f.own, ...f.cascades);
    main.ms ??= f.ms;
    found.splice(found.indexOf(f), 1);
  }
  found.push(...network.sure);
}
