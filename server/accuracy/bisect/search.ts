import { bisectLimits } from '../thresholds.js';

/** The search through a line of commits, oldest first; the last is bad, what lies before the first is good. Pure. */

export interface Tally {
  readonly good: number;
  readonly bad: number;
  /** The commit can not be judged: it does not build, or what runs it is broken. */
  readonly skipped: boolean;
}

export type Decision = 'good' | 'bad' | 'open' | 'undecided' | 'skipped';

/**
 * Unanimous over `repeats` runs decides; once runs disagree, one side must lead by one more than that. A commit that reaches five times
 * the repeats without it stays undecided and is passed over.
 */
export function decide(tally: Tally, repeats: number): Decision {
  if (tally.skipped) return 'skipped';
  const { good, bad } = tally;
  const unanimous = (good === 0 || bad === 0) && good + bad >= repeats;
  if (unanimous || (good > 0 && bad > 0 && Math.abs(good - bad) > repeats)) return good > bad ? 'good' : 'bad';
  return good + bad >= repeats * bisectLimits.mostRepeats.value ? 'undecided' : 'open';
}

export interface Bounds {
  /** Index of the newest good commit before the culprit; −1: the good end. */
  readonly good: number;
  /** Index of the oldest bad one. */
  readonly bad: number;
}

/** The place where good turns bad that the fewest decisions speak against; the newest of equals. */
export function boundsOf(count: number, decisions: ReadonlyMap<number, Decision>): Bounds {
  const marks = [...decisions].filter(([, d]) => d === 'good' || d === 'bad').sort(([a], [b]) => a - b);
  // Cut behind the first k marks: those before should be good, those after bad.
  let against = marks.filter(([, d]) => d === 'good').length;
  let best = { cut: 0, against };
  for (const [k, [, d]] of marks.entries()) {
    against += d === 'good' ? -1 : 1;
    if (against <= best.against) best = { cut: k + 1, against };
  }
  const before = marks.slice(0, best.cut).filter(([, d]) => d === 'good');
  const after = marks.slice(best.cut).filter(([, d]) => d === 'bad');
  return { good: before.at(-1)?.[0] ?? -1, bad: after[0]?.[0] ?? count - 1 };
}

/** The commit to judge next: nearest to the middle of what is left and not passed over; null when nothing is. */
export function nextCommit(bounds: Bounds, decisions: ReadonlyMap<number, Decision>): number | null {
  const middle = Math.floor((bounds.good + bounds.bad) / 2);
  const fits = (i: number): boolean => i > bounds.good && i < bounds.bad && !decisions.has(i);
  for (let away = 0; away <= bounds.bad - bounds.good; away += 1) {
    if (fits(middle - away)) return middle - away;
    if (fits(middle + away)) return middle + away;
  }
  return null;
}

export interface Found {
  readonly bounds: Bounds;
  readonly decisions: ReadonlyMap<number, Decision>;
}

/**
 * Halves the line until nothing between a good and a bad commit is left to judge, then runs both of these again: a flaky commit that
 * was unanimous by chance shows here, and the search goes on from what is then known.
 * @param known decisions of an earlier, interrupted search
 * @param judge runs a commit until it is decided; `again` asks for as many runs more
 */
export async function searchLine(count: number, known: ReadonlyMap<number, Decision>, judge: (index: number, again: boolean) => Promise<Decision>): Promise<Found> {
  const decisions = new Map(known);
  const confirmed = new Set([-1, count - 1]);
  let last = -1;
  for (;;) {
    const bounds = boundsOf(count, decisions);
    const next = nextCommit(bounds, decisions);
    const open = [bounds.good, bounds.bad].filter((i) => !confirmed.has(i));
    // The one that lies in the work tree first: it is built.
    const again = open.includes(last) ? last : open[0];
    const index = next ?? again;
    if (index === undefined) return { bounds, decisions };
    if (next === null) confirmed.add(index);
    decisions.set(index, await judge(index, next === null));
    last = index;
  }
}
