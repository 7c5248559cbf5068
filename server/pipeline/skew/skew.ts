import { round } from '../../profiles/derived/numbers.js';
import { median } from './align.js';
import { alignClocks, groupsOf, toLocal, type Component, type Group } from './clocks.js';
import { eventsOf, type Events } from './events.js';
import { rebased, type RankExtract } from './extract.js';
import { latenessOf, type Lateness } from './late.js';
import { slowLinksOf } from './links.js';
import { cutsOf, interpolate, type Cuts } from './own.js';
import { thresholds } from './thresholds.js';
import type { GroupRow, RankSkew, RankSkewRow, RankSource, SkewPattern, SkewReason, SkewResult } from './types.js';

interface Part {
  readonly component: Component;
  readonly events: Events;
  readonly cuts: Cuts;
  readonly lateness: Lateness;
}

/** Compares ranks read one by one, from one profile or from many. Pure, and linear in their collectives. */
export function skewOf(given: readonly RankExtract[]): SkewResult {
  const reasons: SkewReason[] = [];
  const none = (code: SkewReason['code'], detail: string): SkewResult => ({ skew: null, reasons: [...reasons, { code, detail }] });
  if (given.length < 2) return none('single-rank', 'one rank in the capture: there is nothing to compare it with');
  const base = given.reduce((low, e) => (e.baseNs < low ? e.baseNs : low), given[0]?.baseNs ?? 0n);
  const extracts = given.map((e) => rebased(e, base));
  const groups = groupsOf(extracts);
  if (groups.length === 0) return none('no-collectives', 'no collective is recorded on two ranks: capture at level l1 or Level1 on every rank, and give the captures of all ranks');
  const components = alignClocks(extracts, groups, reasons);
  const parts = components
    .filter((c) => c.clocks.size > 1)
    .map((component): Part => {
      const events = eventsOf(component);
      const cuts = cutsOf(component, extracts, events);
      return { component, events, cuts, lateness: latenessOf(component, extracts, events, cuts) };
    });
  const matched = sum(parts.flatMap((p) => p.events.stats.map((s) => s.matched)));
  if (matched < thresholds.fewCollectives.value) {
    for (const group of groups) missing(group, reasons);
    return none('not-matched', `${matched} collectives could be matched over ranks; ${thresholds.fewCollectives.value} are needed. Captures of other runs or of other times do not match`);
  }
  const { number, source } = ranksOf(extracts, groups);
  limitsOf(parts, components, groups, extracts, source, reasons);
  const skew = resultOf(parts, groups, extracts, number, source);
  if ((skew.pattern === 'slow-rank' || skew.pattern === 'slow-group') && extracts.some((e) => !e.work.shapes))
    reasons.push({ code: 'load-unknown', detail: 'input shapes are not in the capture: a rank with more work cannot be told from a slower one' });
  if (extracts.every((e) => e.links.length === 0))
    reasons.push({ code: 'links-unknown', detail: 'the transfers of the collectives are not in the capture (a database or a timeline of level l1 has them): a slow link cannot be told' });
  return { skew, reasons };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Numbers of the ranks: the profile's, else those in a group of all of them, else the order of the devices. */
function ranksOf(extracts: readonly RankExtract[], groups: readonly Group[]): { number: (index: number) => number; source: RankSource } {
  const distinct = (ranks: readonly (number | null)[]): boolean => ranks.every((r) => r !== null) && new Set(ranks).size === extracts.length;
  if (distinct(extracts.map((e) => e.rank))) return { number: (i) => extracts[i]?.rank ?? i, source: 'profile' };
  for (const { members, size } of groups) {
    const self = extracts.map((_, i) => members.find((m) => m.rank === i)?.train.trace.self ?? null);
    if (distinct(self) && size !== null && size >= extracts.length && self.every((s) => (s ?? 0) < size)) return { number: (i) => self[i] ?? i, source: 'group' };
  }
  return { number: (i) => i, source: 'order' };
}

function missing({ size, members }: Group, reasons: SkewReason[]): void {
  if (size === null || members.length >= size) return;
  const seen = new Set(members.map((m) => m.train.trace.self));
  const absent = seen.has(null) ? [] : Array.from({ length: size }, (_, i) => i).filter((i) => !seen.has(i));
  const which = absent.length > 0 && absent.length <= 8 ? `; not there: ${absent.join(', ')}, as the group numbers them` : '';
  reasons.push({ code: 'rank-missing', detail: `a group of ${size} ranks has ${members.length} in the capture${which}; waits for missing ranks look like transfer` });
}

function limitsOf(parts: readonly Part[], components: readonly Component[], groups: readonly Group[], extracts: readonly RankExtract[], source: RankSource, reasons: SkewReason[]): void {
  for (const group of groups) missing(group, reasons);
  for (const { reference, clocks } of components) {
    if (clocks.size > 1) continue;
    const device = `extract ${reference} (device ${extracts[reference]?.device ?? reference})`;
    reasons.push({ code: 'rank-unmatched', detail: `${device} shares no matching collectives with the others: another run, another time, or a rank on its own` });
  }
  if (parts.length > 1) reasons.push({ code: 'separate-groups', detail: `${parts.length} sets of ranks share no collectives (replicas): ranks and clocks are compared inside each set` });
  const [seen, whole] = [sum(parts.flatMap((p) => p.events.stats.map((s) => s.matched))), sum(parts.flatMap((p) => p.events.stats.map((s) => s.complete)))];
  if (whole < seen * (1 - thresholds.lost.value)) reasons.push({ code: 'collectives-lost', detail: `${seen - whole} of ${seen} matched collectives are missing on a rank that was captured: tasks were dropped, or the captures do not cover the same time` });
  if (parts.some((p) => !p.cuts.steps)) reasons.push({ code: 'no-steps', detail: 'no steps were found on the reference rank: since when is told by time only' });
  if (source === 'order') reasons.push({ code: 'rank-inferred', detail: 'the profile does not say the ranks: they are numbered in the order of its devices' });
}

function patternOf(parts: readonly Part[], links: number, waitPct: number, spreadUs: number): SkewPattern {
  const kinds = new Set(parts.flatMap((p) => p.lateness.late.map((l) => l.kind)));
  for (const kind of ['slow-rank', 'slow-group', 'uneven-load'] as const) if (kinds.has(kind)) return kind;
  if (links > 0) return 'slow-link';
  if (waitPct >= thresholds.uneven.value) return 'uneven';
  return spreadUs >= thresholds.clockSpread.value ? 'clock-skew' : 'balanced';
}

/** What the clock of a rank is ahead in the middle of what was matched, µs. */
function offsetUs({ component, events }: Part, rank: number): number | null {
  const clock = component.clocks.get(rank);
  const middle = (events.fromNs + events.toNs) / 2;
  return clock === undefined ? null : (toLocal(clock, middle) - middle) / 1000;
}

function resultOf(parts: readonly Part[], groups: readonly Group[], extracts: readonly RankExtract[], number: (index: number) => number, source: RankSource): RankSkew {
  const main = parts[0];
  const perRank = extracts.map((_, i) => rowOf(parts.find((p) => p.component.clocks.has(i)), extracts, i, number(i), source));
  const spread = Math.max(
    0,
    ...parts.map((part) => {
      const offsets = [...part.component.clocks.keys()].flatMap((r) => offsetUs(part, r) ?? []);
      return Math.max(...offsets) - Math.min(...offsets);
    }),
  );
  const spanNs = Math.max(...parts.map((p) => p.events.toNs - p.events.fromNs));
  const waits = sum(parts.flatMap((p) => [...p.events.arrivals.values()].map((a) => a.waitNs)));
  const time = sum(parts.map((p) => p.component.clocks.size * Math.max(1, p.events.toNs - p.events.fromNs)));
  const waitPct = (100 * waits) / time;
  const rankIn = (name: string, self: number): number | null => {
    const member = groups.find((g) => g.name === name)?.members.find((m) => m.train.trace.self === self);
    return member === undefined ? null : number(member.rank);
  };
  const links = slowLinksOf(extracts.flatMap((e) => e.links), (name) => groups.find((g) => g.name === name)?.size ?? null, rankIn);
  const pattern = patternOf(parts, links.length, waitPct, spread);
  const late = parts
    .flatMap((p) => p.lateness.late)
    .filter((l) => l.kind === pattern)
    .sort((a, b) => b.level - a.level);
  const worst = late[0];
  const levels = parts.flatMap((p) => [...p.lateness.levels.values()].flatMap((l) => l.level ?? []));
  const level = worst?.level ?? (levels.length === 0 ? null : Math.max(...levels));
  return {
    pattern,
    collectives_matched: sum(parts.flatMap((p) => p.events.stats.map((s) => s.matched))),
    collectives_complete: sum(parts.flatMap((p) => p.events.stats.map((s) => s.complete))),
    span_us: round(spanNs / 1000),
    slowest_rank: pattern === 'slow-rank' && worst !== undefined ? number(worst.ranks[0] ?? 0) : null,
    skew_pct: level === null ? null : round(level * 100),
    slow_ranks: [...new Set(late.flatMap((l) => l.ranks.map(number)))],
    spell: worst?.spell ?? null,
    slow_ops: worst?.ops ?? [],
    slow_links: links,
    wait_pct: round(waitPct),
    clock_spread_us: round(spread),
    clock_reference_rank: number(main?.component.reference ?? 0),
    groups: parts.flatMap((p) => p.events.matched.map((m, i): GroupRow => {
      const stats = p.events.stats[i];
      return {
        group: m.group.name,
        size: m.group.size,
        ranks: m.group.members.map((x) => number(x.rank)).sort((a, b) => a - b),
        collectives: stats?.matched ?? 0,
        transfer_us_p50: stats === undefined || stats.transferNs.length === 0 ? null : round(median(stats.transferNs) / 1000),
        wait_us: round((stats?.waitNs ?? 0) / 1000),
      };
    })),
    per_rank: [...perRank].sort((a, b) => a.rank - b.rank),
  };
}

function rowOf(part: Part | undefined, extracts: readonly RankExtract[], index: number, rank: number, source: RankSource): RankSkewRow {
  const extract = extracts[index];
  const seen = part?.events.arrivals.get(index);
  const clock = part?.component.clocks.get(index);
  const level = part?.lateness.levels.get(index);
  const some = seen !== undefined && seen.count > 0;
  let [compute, own]: [number | null, number | null] = [null, null];
  if (part !== undefined && extract !== undefined && clock !== undefined) {
    const [from, to] = [toLocal(clock, part.events.fromNs), toLocal(clock, part.events.toNs)];
    const between = (y: Float64Array): number => interpolate(extract.pointNs, y, to) - interpolate(extract.pointNs, y, from);
    [compute, own] = [round(between(extract.computeNs) / 1000), round((to - from - between(extract.exposedNs)) / 1000)];
  }
  const offset = part === undefined ? null : offsetUs(part, index);
  return {
    rank,
    rank_source: source,
    device: extract?.device ?? index,
    host: extract?.host ?? null,
    collectives: seen?.count ?? 0,
    compute_us: compute,
    own_us: own,
    comm_wait_us: some ? round(seen.waitNs / 1000) : null,
    late_us_p50: some ? round(median(seen.lateNs) / 1000) : null,
    peers: level?.peers ?? 0,
    skew_pct: level?.level == null ? null : round(level.level * 100),
    clock_offset_us: offset === null ? null : round(offset),
    clock_drift_ppm: clock === undefined ? null : round(clock.drift * 1e6),
    clock_residual_us: some ? round(median(seen.residualNs) / 1000) : null,
  };
}
