import { median, pair, type Pairing, type Train } from './align.js';
import type { RankExtract } from './extract.js';
import { thresholds } from './thresholds.js';
import type { SkewReason } from './types.js';

/** Clock of a rank against the reference's: what it is ahead at `midNs`, and how fast that grows. */
export interface Clock {
  readonly offsetNs: number;
  readonly drift: number;
  readonly midNs: number;
}

export const toReference = (clock: Clock, at: number): number => at - clock.offsetNs - clock.drift * (at - clock.offsetNs - clock.midNs);
export const toLocal = (clock: Clock, at: number): number => at + clock.offsetNs + clock.drift * (at - clock.midNs);

export interface Member {
  /** Index into the extracts. */
  readonly rank: number;
  readonly train: Train;
}

/** A communication group that two extracts or more took part in. The first member has the most collectives. */
export interface Group {
  readonly name: string;
  readonly size: number | null;
  readonly members: readonly Member[];
}

/** A set of ranks whose clocks can be compared, and the clock of each. */
export interface Component {
  readonly reference: number;
  readonly clocks: ReadonlyMap<number, Clock>;
  readonly groups: readonly Group[];
}

/** Groups on two ranks or more, largest first, with words that mean the same on all of them. */
export function groupsOf(extracts: readonly RankExtract[]): Group[] {
  const words = new Map<string, number>();
  const groups = new Map<string, { name: string; size: number | null; members: Member[] }>();
  extracts.forEach((extract, rank) => {
    const shared = extract.words.map((text) => {
      const id = words.get(text) ?? words.size;
      words.set(text, id);
      return id;
    });
    for (const trace of extract.groups) {
      const word = trace.word.map((w) => shared[w] ?? -1);
      const group = groups.get(trace.name) ?? { name: trace.name, size: trace.size, members: [] };
      groups.set(trace.name, group);
      group.members.push({ rank, train: { trace, endNs: trace.endNs, word } });
    }
  });
  const length = (m: Member): number => m.train.endNs.length;
  return [...groups.values()]
    .filter((g) => g.members.length > 1)
    .map((g) => ({ ...g, members: g.members.sort((a, b) => length(b) - length(a) || a.rank - b.rank) }))
    .sort((a, b) => b.members.length - a.members.length);
}

/** The clock of `other` from what it shares with a train whose clock is known; null when they do not match. */
function clockFrom(known: Train, clock: Clock, other: Train, found: Pairing | null): Clock | null {
  const least = Math.max(thresholds.fewPairs.value, Math.min(known.endNs.length, other.endNs.length) * thresholds.matched.value);
  if (found === null || found.matched < least) return null;
  const [at, ahead] = [new Float64Array(found.matched), new Float64Array(found.matched)];
  let n = 0;
  for (let i = 0; i < found.rows.length; i += 1) {
    const j = found.rows[i] ?? -1;
    if (j < 0) continue;
    const own = toReference(clock, known.endNs[i] ?? 0);
    at[n] = own;
    ahead[n] = (other.endNs[j] ?? 0) - own;
    n += 1;
  }
  // Medians of the outer thirds: the slope is not moved by single late ends.
  const third = Math.max(1, Math.floor(n / 3));
  const [x0, x1] = [median(at.subarray(0, third)), median(at.subarray(n - third))];
  const drift = x1 > x0 ? (median(ahead.subarray(n - third)) - median(ahead.subarray(0, third))) / (x1 - x0) : 0;
  const midNs = (x0 + x1) / 2;
  return { offsetNs: median(ahead.map((v, i) => v - drift * ((at[i] ?? 0) - midNs))), drift, midNs };
}

/** Pairings that were looked for: what two trains share does not depend on clocks, and they are asked for again and again. */
class Pairings {
  readonly #known = new Map<Train, Map<Train, Pairing | null>>();

  of(a: Train, b: Train): Pairing | null {
    let own = this.#known.get(a);
    if (own === undefined) this.#known.set(a, (own = new Map<Train, Pairing | null>()));
    let found = own.get(b);
    if (found === undefined) own.set(b, (found = pair(a, b)));
    return found;
  }
}

/** Adds the clocks of ranks that share a group with one whose clock is known. @returns whether any was added */
function grow(groups: readonly Group[], clocks: Map<number, Clock>, placed: ReadonlySet<number>, certain: boolean, pairings: Pairings, reasons: SkewReason[]): boolean {
  let grown = false;
  for (const { members } of groups) {
    // The best sampled rank of the group leads once its clock is known.
    const lead = members.find((m) => clocks.has(m.rank));
    const clock = lead === undefined ? undefined : clocks.get(lead.rank);
    if (lead === undefined || clock === undefined) continue;
    for (const other of members) {
      if (clocks.has(other.rank) || placed.has(other.rank)) continue;
      const found = pairings.of(lead.train, other.train);
      const its = clockFrom(lead.train, clock, other.train, found);
      if (its === null || (certain && found?.ambiguous === true)) continue;
      if (found?.ambiguous === true)
        reasons.push({ code: 'clock-ambiguous', detail: `the collectives of extract ${other.rank} fit under several shifts of its clock; the likeliest was taken` });
      clocks.set(other.rank, its);
      grown = true;
      // One uncertain clock may make others certain.
      if (!certain) return true;
    }
  }
  return grown;
}

/**
 * Aligns clocks by the ends of collectives, from one rank to the next through the groups they share. Ranks that share none end up in
 * components of their own. Largest component first.
 */
export function alignClocks(extracts: readonly RankExtract[], groups: readonly Group[], reasons: SkewReason[]): Component[] {
  const components: Component[] = [];
  const placed = new Set<number>();
  const pairings = new Pairings();
  for (let reference = 0; reference < extracts.length; reference += 1) {
    if (placed.has(reference)) continue;
    const clocks = new Map<number, Clock>([[reference, { offsetNs: 0, drift: 0, midNs: 0 }]]);
    // Pairings that leave a choice go last: another group may tell.
    for (let certain = true; ; ) {
      const grown = grow(groups, clocks, placed, certain, pairings, reasons);
      if (grown) certain = true;
      else if (certain) certain = false;
      else break;
    }
    for (const rank of clocks.keys()) placed.add(rank);
    const own = groups
      .map((g) => ({ ...g, members: g.members.filter((m) => clocks.has(m.rank)) }))
      .filter((g) => g.members.length > 1);
    components.push({ reference, clocks, groups: own });
  }
  return components.sort((a, b) => b.clocks.size - a.clocks.size || a.reference - b.reference);
}
