import { foreign, type ServiceIncident } from '../contract/index.js';
import type { Hit, RankLog, ServiceLogs } from './read.js';
import { waits } from './thresholds.js';

/** How the processes of a service came to an end. */
export interface End {
  readonly cause: 'exit' | 'timeout' | 'stopped' | 'lost';
  /** The rank whose process ended first; null when none had. */
  readonly rank: number | null;
  readonly code: number | null;
  readonly signal: string | null;
}

/** Earlier first by the host's clock; lines without any time after those with one; then by rank. Lines of one rank keep their order. */
function earlier(a: Hit, b: Hit): number {
  if (a.timeMs !== b.timeMs) {
    if (a.timeMs === null) return 1;
    if (b.timeMs === null) return -1;
    return a.timeMs - b.timeMs;
  }
  return a.rank - b.rank;
}

/**
 * The rank that kept the others waiting, and how that shows; null when nothing tells. A rank whose log is empty while others are not,
 * that never loaded its weights or never joined while another did, or whose log stopped well before the others'. Rank 0 waits in silence for missing ranks,
 * so its own silence says nothing.
 */
export function silentRank(logs: ServiceLogs): { rank: number; proof: string } | null {
  const others = logs.ranks.filter((r) => r.rank !== 0);
  if (others.length === 0) {
    const only = logs.ranks[0];
    return only !== undefined && only.lines === 0 ? { rank: only.rank, proof: 'its log is empty' } : null;
  }
  const empty = others.find((r) => r.lines === 0);
  if (empty !== undefined && logs.ranks.some((r) => r.lines > 0)) return { rank: empty.rank, proof: 'its log is empty' };
  const unloaded = logs.ranks.filter((r) => !r.loaded);
  const loader = logs.ranks.find((r) => r.loaded);
  const stuck = unloaded[0];
  if (stuck !== undefined && loader !== undefined) return { rank: stuck.rank, proof: `it never finished loading its weights, rank ${loader.rank} did${unloaded.length > 1 ? ` (so did not ranks ${unloaded.slice(1, 9).map((r) => r.rank).join(', ')})` : ''}` };
  if (logs.allJoined) return laggard(logs.ranks);
  const missing = others.filter((r) => !r.joined);
  const someJoined = logs.ranks.some((r) => r.joined);
  const first = missing[0];
  if (first !== undefined && (someJoined || others.length === 1)) return { rank: first.rank, proof: 'it never joined rank 0' };
  return laggard(others);
}

function laggard(ranks: readonly RankLog[]): { rank: number; proof: string } | null {
  const timed = ranks.filter((r): r is RankLog & { lastTimeMs: number } => r.lastTimeMs !== null).sort((a, b) => a.lastTimeMs - b.lastTimeMs);
  const [first, second] = timed;
  if (first === undefined || second === undefined || second.lastTimeMs - first.lastTimeMs < waits.silentGapMs) return null;
  return { rank: first.rank, proof: `its log stopped ${Math.round((second.lastTimeMs - first.lastTimeMs) / 1000)} s before the others'` };
}

function ofHit(hit: Hit): ServiceIncident {
  return {
    rank: hit.rank,
    file: hit.path,
    line: hit.line,
    class: hit.pattern.class,
    pattern: hit.pattern.id,
    consequence: hit.pattern.consequence,
    meaning: hit.pattern.meaning,
    time: hit.timeMs === null ? null : new Date(hit.timeMs).toISOString().slice(0, -1),
    text: foreign(hit.text, 300),
  };
}

/**
 * Which rank and line came first, over all ranks, by the clock. A root line beats any consequence; a rank that was never heard beats
 * consequences too, for they tell only that others waited for it. Null when the service was stopped on purpose. Pure.
 */
export function incidentOf(logs: ServiceLogs, end: End): ServiceIncident | null {
  if (end.cause === 'stopped') return null;
  const hits = logs.ranks.flatMap((r) => r.hits).sort(earlier);
  const root = hits.find((h) => !h.pattern.consequence);
  if (root !== undefined) return ofHit(root);
  const silent = end.cause === 'timeout' ? silentRank(logs) : null;
  if (silent !== null) {
    return { rank: silent.rank, file: null, line: null, class: 'framework', pattern: 'silent-rank', consequence: false, meaning: `rank ${silent.rank} kept the others waiting: ${silent.proof}`, time: null, text: null };
  }
  // A rank that went away by itself is the origin; what the others say about it is a consequence.
  if (end.cause === 'exit' && end.rank !== null && !hits.some((h) => h.rank === end.rank)) {
    const log = logs.ranks.find((r) => r.rank === end.rank);
    const how = end.signal !== null ? `was ended by ${end.signal}` : `ended with exit code ${end.code ?? 'unknown'}`;
    return { rank: end.rank, file: log?.path ?? null, line: log === undefined || log.lines === 0 || log.skippedBytes > 0 ? null : log.lines, class: end.signal === 'SIGKILL' ? 'host-os' : 'unknown', pattern: 'rank-ended', consequence: false, meaning: `rank ${end.rank} ${how} and its log names no known reason`, time: log?.lastTimeMs == null ? null : new Date(log.lastTimeMs).toISOString().slice(0, -1), text: log?.lastLine == null ? null : foreign(log.lastLine, 300) };
  }
  const first = hits[0];
  if (first !== undefined) return ofHit(first);
  return { rank: end.rank, file: null, line: null, class: 'unknown', pattern: end.cause === 'timeout' ? 'no-answer' : 'no-evidence', consequence: false, meaning: end.cause === 'timeout' ? 'the service did not answer in time and its logs name no reason' : 'the service ended and its logs name no reason', time: null, text: null };
}
