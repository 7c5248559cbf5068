import type { Evidence, EvidenceProcess } from './evidence.js';
import type { Hit, Silent } from './found.js';
import { clocks } from './thresholds.js';

function mostNamed(hits: readonly Hit[], not: ReadonlySet<number>, world = 0): { rank: number; by: number } | null {
  const votes = new Map<number, Set<number>>();
  for (const h of hits) for (const r of h.event.points?.remote ?? []) if (!not.has(r) && (world === 0 || r < world)) votes.set(r, (votes.get(r) ?? new Set()).add(h.event.process));
  const ranked = [...votes].sort((a, b) => b[1].size - a[1].size || a[0] - b[0]);
  const [first, second] = ranked;
  if (first === undefined || (second !== undefined && second[1].size === first[1].size)) return null;
  return { rank: first[0], by: first[1].size };
}

function located(evidence: Evidence, hits: readonly Hit[]): Silent | null {
  const votes = new Map<string, { ip: string; device: number; kind: string; by: Set<number> }>();
  for (const h of hits) {
    const at = h.event.points?.location;
    if (at == null) continue;
    const key = `${at.ip}/${at.device}`;
    const known = votes.get(key) ?? { ip: at.ip, device: at.device, kind: at.kind, by: new Set<number>() };
    known.by.add(h.event.process);
    votes.set(key, known);
  }
  const best = [...votes.values()].sort((a, b) => b.by.size - a.by.size || a.device - b.device)[0];
  if (best === undefined) return null;
  const onIp = evidence.processes.filter((p) => p.ip === best.ip);
  const process = (onIp.length > 0 ? onIp : new Set(evidence.processes.map((p) => p.host)).size < 2 ? evidence.processes : []).find((p) => p.device === best.device) ?? null;
  const named = mostNamed(hits, new Set());
  const how = best.kind === 'lost' ? 'its heartbeat stopped' : best.kind === 'stuck' ? 'it is stuck' : 'it failed';
  return { rank: process?.rank ?? named?.rank ?? null, process, device: best.device, why: `HCCL's heartbeat names card ${best.device} of one host: ${how}`, proven: true };
}

/** Ranks that did not come to the rendezvous, as rank 0 lists those that did or those that did not. */
function absent(evidence: Evidence, hits: readonly Hit[], world: number): Silent | null {
  const rendezvous = hits.filter((h) => h.event.signature === 'hccl-rootinfo');
  const arrived = new Set(rendezvous.flatMap((h) => h.event.points?.arrived ?? []));
  const ranks = arrived.size > 0 ? Array.from({ length: world }, (_, r) => r).filter((r) => !arrived.has(r)) : [...new Set(rendezvous.flatMap((h) => h.event.points?.remote ?? []))].sort((a, b) => a - b);
  const [only, other] = ranks;
  if (only === undefined) return null;
  const rank = other === undefined ? only : null;
  const process = rank === null ? null : (evidence.processes.find((p) => p.rank === rank) ?? null);
  return { id: 'absent-ranks', rank, ranks, process, device: process?.device ?? null, why: `rank 0 lists who came to the rendezvous: ${ranks.slice(0, 16).join(', ')}${ranks.length > 16 ? ' …' : ''} did not`, proven: true };
}

/** Ranks of one communicator that wait in different operations; one that stands alone is where they part. */
function diverged(evidence: Evidence, hits: readonly Hit[]): Silent | null {
  const groups = new Map<string, Map<number, string>>();
  for (const h of hits) {
    const { tag, index } = h.event.points ?? {};
    const [, operation, group] = /^(\w+?)_(.+)$/.exec(tag ?? '') ?? [];
    if (h.event.signature !== 'hccl-notify-timeout' || operation === undefined || group === undefined) continue;
    const of = groups.get(group) ?? new Map<number, string>();
    if (!of.has(h.event.process)) of.set(h.event.process, `${operation} ${index ?? ''}`);
    groups.set(group, of);
  }
  const of = [...groups.values()].sort((a, b) => b.size - a.size)[0];
  const operations = [...new Set(of?.values())];
  if (of === undefined || operations.length < 2) return null;
  const alone = operations.filter((o) => [...of.values()].filter((x) => x === o).length === 1);
  const index = of.size >= 3 && operations.length === 2 && alone.length === 1 ? [...of].find(([, o]) => o === alone[0])?.[0] : undefined;
  const process = index === undefined ? null : (evidence.processes[index] ?? null);
  const who = process === null ? 'ranks of one communicator' : process.rank === null ? 'one process' : `rank ${process.rank}`;
  return { id: 'diverged-ranks', rank: process?.rank ?? null, process, device: process?.device ?? null, why: process === null ? `${who} wait in different operations` : `${who} waits in another operation than all ${of.size - 1} others`, proven: false };
}

/** Ranks that all wait, each for the next: the chain begins where a rank names no other. */
function chained(evidence: Evidence, hits: readonly Hit[]): Silent | null {
  const next = new Map<number, Set<number>>();
  for (const h of hits) {
    const rank = evidence.processes[h.event.process]?.rank;
    if (rank == null) return null;
    next.set(rank, new Set([...(next.get(rank) ?? []), ...(h.event.points?.remote ?? []).filter((r) => r !== rank)]));
  }
  const ends = [...next].filter(([, to]) => to.size === 0);
  const end = ends[0]?.[0];
  if (end === undefined || ends.length > 1 || next.size < 3) return null;
  const reaches = new Set([end]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const [rank, to] of next) {
      if (reaches.has(rank) || ![...to].some((r) => reaches.has(r))) continue;
      reaches.add(rank);
      grown = true;
    }
  }
  if (reaches.size < next.size) return null;
  const process = evidence.processes.find((p) => p.rank === end) ?? null;
  return { id: 'wait-chain', rank: end, process, device: process?.device ?? null, why: `each rank waits for the next, and the chain ends at rank ${end}, which waits for no other rank`, proven: false };
}

/**
 * The rank that kept the others waiting (domain.md 2.2 step 6): named by HCCL's heartbeat; else the one rank that did not report; else
 * the one that others name and that reported nothing; else, when reports lie further apart than the timeout, the last to report; else the
 * rank whose operation differs from that of all others; else the end of the chain of waits. Pure.
 */
export function silentRank(evidence: Evidence, hits: readonly Hit[]): Silent | null {
  const at = located(evidence, hits);
  if (at !== null) return at;
  const processOf = (rank: number): EvidenceProcess | null => evidence.processes.find((p) => p.rank === rank) ?? null;
  const reporters = new Set(hits.flatMap((h) => evidence.processes[h.event.process]?.rank ?? []));
  const unknownReporters = new Set(hits.map((h) => h.event.process).filter((p) => evidence.processes[p]?.rank == null)).size;
  const world = Math.max(0, ...evidence.processes.map((p) => p.world ?? 0));
  const missing = Array.from({ length: world }, (_, r) => r).filter((r) => !reporters.has(r));
  const away = absent(evidence, hits, world);
  if (away !== null) return away;
  const named = mostNamed(hits, reporters, world);
  if (unknownReporters === 0 && missing.length === 1 && reporters.size > 0 && missing[0] !== undefined) {
    const rank = missing[0];
    return { rank, process: processOf(rank), device: processOf(rank)?.device ?? null, why: `all other ${reporters.size} ranks report that they waited, rank ${rank} reports nothing`, proven: true };
  }
  if (named !== null) {
    // One reporter of many may name only its neighbour in the ring; several that name the same rank do not.
    const proven = named.by >= 2 || processOf(named.rank) !== null;
    return { rank: named.rank, process: processOf(named.rank), device: processOf(named.rank)?.device ?? null, why: `${named.by} ${named.by === 1 ? 'process names' : 'processes name'} rank ${named.rank} as the one they waited for, and it reports nothing`, proven };
  }
  const quiet = evidence.processes.filter((p) => p.rank !== null && !reporters.has(p.rank));
  const only = quiet[0];
  if (quiet.length === 1 && only?.rank != null && reporters.size > 0) return { rank: only.rank, process: only, device: only.device, why: `of the ranks whose logs are here only rank ${only.rank} reports nothing`, proven: reporters.size >= 2 };
  return late(evidence, hits) ?? diverged(evidence, hits) ?? chained(evidence, hits);
}

/** The first report of each process, when they lie further apart than the timeout: the last one was late. */
function late(evidence: Evidence, hits: readonly Hit[]): Silent | null {
  const first = new Map<number, Hit>();
  for (const h of hits) if (h.ms !== null && !first.has(h.event.process)) first.set(h.event.process, h);
  const order = [...first.values()].sort((a, b) => (a.ms ?? 0) - (b.ms ?? 0));
  const [early, last] = [order[0], order.at(-1)];
  if (early?.ms == null || last?.ms == null || order.length < 2) return null;
  if (last.ms - early.ms < timeoutS(evidence, early) * 1000) return null;
  const process = evidence.processes[last.event.process] ?? null;
  return { rank: process?.rank ?? null, process, device: process?.device ?? null, why: `its report comes ${Math.round((last.ms - early.ms) / 1000)} s after the first one, longer than the timeout: it was late`, proven: process?.rank != null };
}

/** Seconds the reporter of a timeout waited, as its log sets it or by default. */
export function timeoutS(evidence: Evidence, hit: Hit): number {
  const process = evidence.processes[hit.event.process];
  const connecting = ['hccl-socket-timeout', 'hccl-rootinfo', 'hccl-transport-init'].includes(hit.event.signature);
  return connecting ? (process?.connect_timeout_s ?? clocks.connectTimeoutS.value) : (process?.exec_timeout_s ?? clocks.execTimeoutS.value);
}
