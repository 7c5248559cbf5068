import { round } from '../../profiles/derived/numbers.js';
import { median } from './align.js';
import { bucketAt, rateOf, similarity, type Rate } from './causes.js';
import { toLocal, type Component } from './clocks.js';
import type { Events, Matched } from './events.js';
import type { RankExtract } from './extract.js';
import { interpolate, middleOf, ownOf, type Cuts, type Own, type UnitOwn } from './own.js';
import { spellOf } from './spell.js';
import { thresholds } from './thresholds.js';
import type { SlowOp, SlowSpell, StepKind } from './types.js';
import { stepKind } from './work.js';

/** Ranks of one group that do the same work: each is compared with the others. */
interface Unit {
  readonly members: readonly number[];
  readonly home: Matched;
}

/** Somebody who stays behind. Ranks are indices into the extracts. */
export interface Late {
  readonly kind: 'slow-rank' | 'slow-group' | 'uneven-load';
  readonly ranks: readonly number[];
  readonly level: number;
  readonly spell: SlowSpell;
  readonly ops: readonly SlowOp[];
}

export interface Lateness {
  readonly late: readonly Late[];
  /** By extract: peers, and how much longer it takes than they do, 0.1 for 10 %; null without peers. */
  readonly levels: ReadonlyMap<number, { readonly peers: number; readonly level: number | null }>;
}

/** Where a rank's group is: the one with most of its collectives, of equals the smallest. */
function homesOf(component: Component, events: Events): Map<Matched, number[]> {
  const homes = new Map<Matched, number[]>();
  for (const rank of component.clocks.keys()) {
    let best: { matched: Matched; size: number } | null = null;
    for (const matched of events.matched) {
      const size = matched.group.members.find((m) => m.rank === rank)?.train.endNs.length ?? 0;
      if (size === 0) continue;
      if (best === null || size > best.size || (size === best.size && matched.group.members.length < best.matched.group.members.length)) best = { matched, size };
    }
    if (best !== null) homes.set(best.matched, [...(homes.get(best.matched) ?? []), rank]);
  }
  return homes;
}

function unitsOf(component: Component, events: Events, extracts: readonly RankExtract[]): Unit[] {
  const units: { members: number[]; home: Matched }[] = [];
  for (const [home, ranks] of homesOf(component, events)) {
    const own: { members: number[]; home: Matched }[] = [];
    for (const rank of ranks.sort((a, b) => a - b)) {
      const mine = extracts[rank];
      const same = own.find(({ members: [first] }) => {
        const other = extracts[first ?? -1];
        // Without shapes equal work cannot be told from unequal: the group decides.
        return mine === undefined || other === undefined || !mine.work.shapes || !other.work.shapes || similarity(mine, other) >= thresholds.sameWork.value;
      });
      if (same === undefined) own.push({ members: [rank], home });
      else same.members.push(rank);
    }
    units.push(...own);
  }
  return units;
}

interface Found {
  readonly level: number;
  /** Indices of cuts; `to` null: to the end of what is compared. */
  readonly from: number;
  readonly to: number | null;
  readonly first: boolean;
  readonly steps: readonly number[];
  readonly kind: number;
}

/** A spell over all steps, or over those of one kind. */
function search(x: readonly number[], kinds: readonly number[], comparisons: number): Found | null {
  const valid = x.flatMap((v, i) => (Number.isFinite(v) ? [i] : []));
  const of = (kind: number): number[] => valid.filter((i) => kind === stepKind.unknown || kinds[i] === kind);
  const look = (kind: number, compared: number): Found | null => {
    const at = of(kind);
    const spell = spellOf(at.map((i) => x[i] ?? 0), compared);
    if (spell === null) return null;
    const steps = at.slice(spell.from, spell.to);
    return { level: spell.level, from: steps[0] ?? 0, to: at[spell.to] ?? null, first: spell.from === 0, steps, kind };
  };
  const both = 2 * comparisons;
  const present = [stepKind.decode, stepKind.prefill].filter((k) => of(k).length >= thresholds.fewSteps.value);
  if (present.length < 2) return look(stepKind.unknown, comparisons);
  const found = present.flatMap((kind) => look(kind, both) ?? []);
  const [one, two] = found;
  if (one === undefined) return look(stepKind.unknown, both);
  if (two === undefined) return one;
  const steps = [...one.steps, ...two.steps].sort((a, b) => a - b);
  const to = one.to === null || two.to === null ? null : Math.max(one.to, two.to);
  // A kind that is slow in all of its few steps does not tell since when.
  const from = one.first === two.first ? Math.min(one.from, two.from) : one.first ? two.from : one.from;
  return { level: median(steps.map((i) => x[i] ?? 0)), from, to, first: one.first && two.first, steps, kind: stepKind.unknown };
}

const kindNames: Readonly<Record<number, StepKind>> = { [stepKind.decode]: 'decode', [stepKind.prefill]: 'prefill' };

/** Steps reach beyond the first and the last collective, by less than this. */
const beyondNs = 1e12;

/** Finds who stays behind in a component: first ranks against peers of equal work, then whole units against each other. */
export function latenessOf(component: Component, extracts: readonly RankExtract[], events: Events, cuts: Cuts): Lateness {
  const units = unitsOf(component, events, extracts);
  const unitOf = new Map(units.flatMap((u, i) => u.members.map((m): [number, number] => [m, i])));
  const own = new Map<number, Own>();
  const perUnit = new Map<number, UnitOwn>();
  for (const home of new Set(units.map((u) => u.home))) {
    const sums = ownOf(home, component, extracts, cuts, home.group.members.map((m) => (units[unitOf.get(m.rank) ?? -1]?.home === home ? (unitOf.get(m.rank) ?? -1) : -1)));
    for (const [rank, sum] of sums.ranks) if (units[unitOf.get(rank) ?? -1]?.home === home) own.set(rank, sum);
    for (const [unit, sum] of sums.units) if (unit >= 0) perUnit.set(unit, sum);
  }
  const kindsOf = (rank: number): number[] => Array.from(cuts.startNs, (_, s) => {
    const extract = extracts[rank];
    return extract?.work.kind[bucketAt(extract, middleOf(cuts, s, component, rank))] ?? stepKind.unknown;
  });
  const spellFrom = (found: Found, cause: SlowSpell['cause']): SlowSpell => {
    const us = (at: number): number => round((at - events.fromNs) / 1000);
    return {
      since_step: cuts.steps ? (found.first ? 0 : found.from) : null,
      since_us: found.first ? 0 : us(cuts.startNs[found.from] ?? 0),
      until_step: cuts.steps ? found.to : null,
      until_us: found.to === null ? null : us(cuts.startNs[found.to] ?? 0),
      steps: found.steps.length,
      stage: kindNames[found.kind] ?? null,
      cause,
    };
  };
  const spanOf = (found: Found): { fromNs: number; toNs: number; kind: number } => ({
    fromNs: found.first ? events.fromNs - beyondNs : (cuts.startNs[found.from] ?? 0),
    toNs: found.to === null ? events.toNs + beyondNs : (cuts.startNs[found.to] ?? 0),
    kind: found.kind,
  });
  const shaped = (ranks: readonly number[]): boolean => ranks.every((r) => extracts[r]?.work.shapes === true);
  const late: Late[] = [];
  const levels = new Map<number, { peers: number; level: number | null }>();
  for (const unit of units) {
    for (const rank of unit.members) {
      const sums = own.get(rank);
      const peers = unit.members.filter((m) => m !== rank);
      const x = sums === undefined || peers.length === 0 ? [] : Array.from(sums.ownNs, (v, s) => ((sums.peerNs[s] ?? 0) > 0 ? v / (sums.peerNs[s] ?? 1) - 1 : Number.NaN));
      const seen = x.filter((v) => Number.isFinite(v));
      levels.set(rank, { peers: peers.length, level: seen.length === 0 ? null : median(seen) });
      const found = search(x, kindsOf(rank), extracts.length);
      if (found === null || sums === undefined) continue;
      const sum = (y: Float64Array): number => found.steps.reduce((n, s) => n + (y[s] ?? 0), 0);
      const excess = sum(sums.ownNs) - sum(sums.peerNs);
      const compute = sum(sums.computeNs) - sum(sums.peerComputeNs);
      const rate = rateOf(component, extracts, rank, peers, spanOf(found));
      const likely = sum(sums.peerComputeNs) === 0 ? null : causeOf(excess, compute, shaped(unit.members) ? rate : null);
      const cause = likely === 'kernels' && !reduces(unit.home, extracts) && contextsOnly(rate) ? 'work' : likely;
      // A stretch reaches into the step behind it, so both kinds of steps may seem slow: kernels tell which is.
      const kinds = kindsOf(rank);
      const present = [stepKind.decode, stepKind.prefill].filter((kind) => found.steps.some((s) => kinds[s] === kind));
      const slow = present.filter((kind) => found.kind === stepKind.unknown && present.length > 1 && rateOf(component, extracts, rank, peers, { ...spanOf(found), kind }).slowerPct >= thresholds.skew.value);
      const [only] = slow;
      const kind = cause === 'kernels' && slow.length === 1 && only !== undefined ? only : found.kind;
      late.push({ kind: cause === 'work' ? 'uneven-load' : 'slow-rank', ranks: [rank], level: found.level, spell: spellFrom({ ...found, kind }, cause), ops: cause === 'kernels' ? rate.ops : [] });
    }
  }
  if (late.some((l) => l.kind === 'slow-rank') || units.length < 2) return { late: sorted(late), levels };
  units.forEach((unit, u) => {
    const peers = units.flatMap((other, v) => (v !== u && coupled(unit, other, events, cuts) ? [v] : []));
    const mine = perUnit.get(u);
    if (peers.length === 0 || mine === undefined) return;
    const share = (of: UnitOwn | undefined, s: number): number => ((of?.allNs[s] ?? 0) > 0 ? (of?.ownNs[s] ?? 0) / (of?.allNs[s] ?? 1) : Number.NaN);
    const others = Array.from(cuts.startNs, (_, s) => median(peers.map((v) => share(perUnit.get(v), s)).filter((v) => Number.isFinite(v))));
    const first = unit.members[0] ?? -1;
    const found = search(others.map((o, s) => (o > 0 ? share(mine, s) / o - 1 : Number.NaN)), kindsOf(first), units.length);
    if (found === null) return;
    const theirs = peers.flatMap((v) => units[v]?.members ?? []);
    const excess = found.steps.reduce((n, s) => n + (share(mine, s) - (others[s] ?? 0)) * (mine.allNs[s] ?? 0), 0);
    const span = { fromNs: Math.max(events.fromNs, spanOf(found).fromNs), toNs: Math.min(events.toNs, spanOf(found).toNs) };
    const computed = (ranks: readonly number[]): number => median(ranks.map((r) => computeIn(component, extracts, r, span.fromNs, span.toNs)));
    const rate = rateOf(component, extracts, first, theirs, spanOf(found));
    const known = shaped([...unit.members, ...theirs]);
    const likely = computed(theirs) === 0 ? null : causeOf(excess, computed(unit.members) - computed(theirs), known ? rate : null);
    // Another group may have another load: without shapes longer kernels prove nothing.
    const cause = likely !== 'kernels' ? likely : !known ? null : contextsOnly(rate) ? 'work' : likely;
    late.push({
      kind: cause === 'work' ? 'uneven-load' : unit.members.length === 1 ? 'slow-rank' : 'slow-group',
      ranks: unit.members,
      level: found.level,
      spell: spellFrom(found, cause),
      ops: cause === 'kernels' ? rate.ops : [],
    });
  });
  return { late: sorted(late), levels };
}

function sorted(late: readonly Late[]): Late[] {
  return [...late].sort((a, b) => b.level - a.level || (a.ranks[0] ?? 0) - (b.ranks[0] ?? 0));
}

/** Two units wait for each other about once a step: lower shares of own time are then waits. */
function coupled(a: Unit, b: Unit, events: Events, cuts: Cuts): boolean {
  return events.matched.some(({ group, rows }) => {
    const has = (unit: Unit): boolean => group.members.some((m) => unit.members.includes(m.rank));
    return has(a) && has(b) && (rows[0]?.length ?? 0) >= cuts.startNs.length * thresholds.coupled.value;
  });
}

/** Where time beyond the peers' goes. @param rate null: shapes are not known, so more work cannot be told from slower work */
function causeOf(excessNs: number, computeNs: number, rate: Rate | null): 'kernels' | 'idle' | 'work' {
  if (computeNs < excessNs * thresholds.mainCause.value) return 'idle';
  return rate === null || rate.excessNs >= computeNs * thresholds.mainCause.value ? 'kernels' : 'work';
}

/** Ranks that reduce together hold parts of the same sequences: their contexts are equal. */
function reduces(home: Matched, extracts: readonly RankExtract[]): boolean {
  const lead = home.group.members[0];
  const words = new Set(lead?.train.trace.word);
  return [...words].some((w) => /reduce/i.test(extracts[lead?.rank ?? -1]?.words[w] ?? ''));
}

/** Attention takes longer with longer contexts, which its shapes do not tell: no sign of a slow rank where contexts may differ. */
function contextsOnly(rate: Rate): boolean {
  const attention = rate.ops.filter((o) => /attention|mla/i.test(o.op_type)).reduce((n, o) => n + o.share_pct, 0);
  return attention >= thresholds.attentionOnly.value;
}

function computeIn(component: Component, extracts: readonly RankExtract[], rank: number, fromNs: number, toNs: number): number {
  const [extract, clock] = [extracts[rank], component.clocks.get(rank)];
  if (extract === undefined || clock === undefined) return 0;
  const at = (ns: number): number => interpolate(extract.pointNs, extract.computeNs, toLocal(clock, ns));
  return at(toNs) - at(fromNs);
}
