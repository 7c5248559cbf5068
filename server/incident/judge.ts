import type { Catalogue } from '../programs/signatures.js';
import type { Evidence, EvidenceProcess } from './evidence.js';
import type { Found, Hit, Silent } from './found.js';
import { alignClocks, type Clocks } from './align.js';
import { isNetwork, networkOfHosts, withNetwork, type NetworkFound } from './network.js';
import { deeper, explains } from './relations.js';
import { preferred } from './frameworks.js';
import { silentRank, timeoutS } from './silent.js';
import { startTrouble } from './startup.js';
import { standstill } from './still.js';
import { asked, withState } from './state.js';
import { clocks } from './thresholds.js';

export interface Judgement {
  readonly found: readonly Found[];
  readonly unexplained: readonly Hit[];
  readonly hits: readonly Hit[];
  readonly clocks: Clocks;
}

function order(a: Hit, b: Hit, evidence: Evidence): number {
  if (a.ms !== b.ms) {
    if (a.ms === null) return 1;
    if (b.ms === null) return -1;
    return a.ms - b.ms;
  }
  return preferred(evidence.framework, b.signature.id) - preferred(evidence.framework, a.signature.id) || a.event.file - b.event.file || a.event.line - b.event.line;
}

/** What a process prints while it ends on purpose (domain.md 2.2, I02). */
const noise: ReadonlySet<string> = new Set(['no-context', 'reset-failed']);
/** Warnings that no failure is told by; beside one they may matter (domain.md I45, 2.2). */
const hints: ReadonlySet<string> = new Set(['cpu-fallback']);

const apart = (a: number | null, b: number | null): number => (a === null || b === null ? 0 : b - a);
const fromHit = (hit: Hit, why: string): Found => ({ id: hit.signature.id, class: hit.signature.class, layer: hit.signature.layer, origin: hit, silent: null, ms: hit.ms, proven: hit.signature.role === 'root', why, own: [hit], cascades: [] });

/** Roots in order; each joins what explains it, takes over what it explains, or stands for itself. */
function rootsOf(evidence: Evidence, roots: readonly Hit[], slack: (a: Hit | null, b: Hit) => number): Found[] {
  const found: Found[] = [];
  const cardOf = (hit: Hit | null): number | null => (hit === null ? null : (evidence.processes[hit.event.process]?.device ?? null));
  for (const hit of roots) {
    // An alarm that npu-smi shows has no time and no process; of another card it explains nothing.
    const apartCards = (f: Found): boolean => hit.ms === null && cardOf(hit) !== null && cardOf(f.origin) !== null && cardOf(hit) !== cardOf(f.origin);
    // CANN's blocks may carry another zone's time than the line around them, so one process does not fail twice in the same way.
    // A log that names no process, such as that of the kernel, tells of different things under different signatures.
    const again = (f: Found): boolean => f.class === hit.signature.class && f.origin?.event.process === hit.event.process && apart(f.ms, hit.ms) <= clocks.zoneMs.value && (f.id === hit.signature.id || evidence.processes[hit.event.process]?.pid !== null);
    const home = found.find((f) => again(f) || (explains(f.class, hit.signature.class) && apart(f.ms, hit.ms) <= clocks.foldMs.value));
    // Who asked for a card that is lost asked for nothing wrong.
    const lost = hit.signature.id !== 'device-id' ? undefined : found.find((f) => f.class === 'device' && (asked(hit.event.text).includes(cardOf(f.origin) ?? -1) || f.cascades.some((h) => h.signature.id === 'device-id' && h.event.process === hit.event.process)));
    if (lost !== undefined) {
      lost.cascades.push(hit);
      continue;
    }
    const card = hit.signature.class === 'device' ? cardOf(hit) : null;
    const asker = card === null ? undefined : found.find((f) => f.id === 'device-id' && f.own.some((h) => asked(h.event.text).includes(card)));
    if (asker !== undefined) {
      found.splice(found.indexOf(asker), 1, { ...fromHit(hit, 'the card that a process asked for in vain is lost'), cascades: [...asker.own, ...asker.cascades] });
      continue;
    }
    const lower = home !== undefined && again(home) ? undefined : found.find((f) => !apartCards(f) && deeper(hit.signature.class, f.class) && apart(f.ms, hit.ms) <= clocks.takeoverMs.value + slack(f.origin, hit));
    if (lower !== undefined) {
      const taken: Found = { ...fromHit(hit, 'a deeper failure that explains what was logged just before it'), cascades: [...lower.own, ...lower.cascades] };
      found.splice(found.indexOf(lower), 1, taken);
    } else if (home === undefined) found.push(fromHit(hit, 'the first error over all processes that is no consequence of another one'));
    else if (home.class === hit.signature.class) home.own.push(hit);
    else home.cascades.push(hit);
  }
  return found;
}

function ofSilent(evidence: Evidence, silent: Silent, hits: readonly Hit[]): Found {
  const first = hits[0];
  const ms = first?.ms == null ? null : first.ms - timeoutS(evidence, first) * 1000;
  return { id: silent.id ?? 'silent-rank', class: 'hccl', layer: 'hccl', origin: null, silent, ms, proven: silent.proven, why: silent.why, own: [], cascades: [...hits] };
}

/** A process that others say is gone, with nothing in its own log that tells why. */
function goneRank(evidence: Evidence, cascades: readonly Hit[]): Found | null {
  const failing = new Set(cascades.map((h) => h.event.process));
  for (const hit of cascades) {
    if (hit.signature.id !== 'worker-gone') continue;
    const rank = hit.event.points?.remote[0];
    if (rank === undefined) continue;
    const index = evidence.processes.findIndex((p) => p.rank === rank);
    if (failing.has(index)) continue;
    const process: EvidenceProcess | null = evidence.processes[index] ?? null;
    const silent: Silent = { rank, process, device: process?.device ?? null, why: `another process says that worker ${rank} is gone, and its own log names no reason`, proven: process !== null };
    return { id: 'rank-ended', class: 'unknown', layer: 'framework', origin: null, silent, ms: hit.ms, proven: silent.proven, why: silent.why, own: [], cascades: [...cascades] };
  }
  return null;
}

/**
 * What happened, from the lines alone: independent failures each with their origin, and what follows from which. Roots beat timeouts and
 * consequences; timeouts lead to the rank that did not report; clocks of hosts are aligned by moments they share. Pure.
 */
export function judge(evidence: Evidence, catalogue: Catalogue): Judgement {
  const aligned = alignClocks(evidence);
  // A time-out of a kernel that exchanges data is a wait for another rank (domain.md I19, 2.2 step 5).
  const exchanging = new Set(evidence.events.filter((e) => e.signature === 'comm-kernel').map((e) => e.process));
  const ends = new Map<string, number>();
  for (const p of evidence.processes) for (const f of p.files) ends.set(p.host ?? '', Math.min(ends.get(p.host ?? '') ?? Infinity, evidence.files[f]?.ended_ms ?? Infinity));
  const hits = evidence.events
    .flatMap((event): Hit[] => {
      const signature = catalogue.byId.get(event.signature === 'aicore-timeout' && exchanging.has(event.process) ? 'comm-kernel' : event.signature);
      const host = evidence.processes[event.process]?.host ?? '';
      return signature === undefined ? [] : [{ event, signature, host, ms: event.ms === null ? null : event.ms - (aligned.offsets.get(host) ?? 0) }];
    })
    .filter((h) => !(noise.has(h.signature.id) && h.event.ms !== null && h.event.ms >= (ends.get(h.host) ?? Infinity)))
    .sort((a, b) => order(a, b, evidence));
  const slack = (a: Hit | null, b: Hit): number => (a === null || a.host === b.host ? 0 : aligned.aligned ? clocks.toleranceMs.value : clocks.skewMs.value);
  const timeouts = hits.filter((h) => h.signature.role === 'timeout');
  const cascades = hits.filter((h) => h.signature.role === 'cascade' && !isNetwork(h));
  const found = rootsOf(evidence, hits.filter((h) => h.signature.role === 'root' && !isNetwork(h)), slack);
  const network = networkOfHosts(evidence, hits);
  withNetwork(found, network);
  const firstWait = timeouts[0];
  if (firstWait !== undefined) waiting(evidence, found, timeouts, firstWait, slack, network);
  const unexplained: Hit[] = [];
  for (const hit of cascades) {
    const home = found.find((f) => explains(f.class, hit.signature.class) || ['unknown', 'runtime'].includes(hit.signature.class)) ?? found[0];
    if (home !== undefined) home.cascades.push(hit);
    else if (!hints.has(hit.signature.id)) unexplained.push(hit);
  }
  if (found.length === 0) {
    const trouble = goneRank(evidence, unexplained) ?? startTrouble(evidence, unexplained) ?? standstill(evidence, unexplained);
    const first = unexplained.find((h) => h.signature.class !== 'unknown' && h.signature.class !== 'runtime') ?? unexplained[0];
    if (trouble !== null) return { found: withState(evidence, [trouble]), unexplained: [], hits, clocks: aligned };
    if (first !== undefined) return { found: withState(evidence, [{ ...fromHit(first, 'only consequences are seen; this is the earliest of them'), own: [first], cascades: unexplained.filter((h) => h !== first) }]), unexplained: [], hits, clocks: aligned };
  }
  return { found: withState(evidence, found.sort((a, b) => apart(b.ms, a.ms))), unexplained, hits, clocks: aligned };
}

/** Puts waiting ranks under the failure they waited for, or finds the rank that kept them waiting. */
function waiting(evidence: Evidence, found: Found[], timeouts: readonly Hit[], first: Hit, slack: (a: Hit | null, b: Hit) => number, network: NetworkFound): void {
  const reasons = found.filter((f) => explains(f.class, 'hccl') || f.class === 'host-os');
  const near = (f: Found): number => clocks.toleranceMs.value + slack(f.origin, first);
  const before = reasons.find((f) => apart(f.ms, first.ms) >= -near(f) && apart(f.ms, first.ms) <= clocks.waitMs.value);
  if (before !== undefined) {
    before.cascades.push(...timeouts);
    return;
  }
  const silent = silentRank(evidence, timeouts);
  const quiet = silent?.process ?? null;
  const own = quiet === null ? undefined : found.find((f) => f.origin !== null && evidence.processes[f.origin.event.process] === quiet);
  if (own !== undefined) {
    own.cascades.push(...timeouts);
    return;
  }
  const made: Found = silent === null && network.perhaps !== null ? { ...network.perhaps, cascades: [...timeouts] } : silent === null ? { ...fromHit(first, 'every rank that is heard waited; nothing tells for whom'), origin: null, own: [], cascades: [...timeouts] } : ofSilent(evidence, silent, timeouts);
  // What ranks log after they gave up waiting follows from it.
  for (const f of [...found]) {
    if ((!explains('hccl', f.class) && f.class !== 'host-os') || apart(f.ms, first.ms) > near(f)) continue;
    made.cascades.push(...f.own, ...f.cascades);
    found.splice(found.indexOf(f), 1);
  }
  found.unshift(made);
}
