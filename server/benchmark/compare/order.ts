import type { ComparisonOrder } from '../../contract/index.js';
import type { Sides, Start } from './sides.js';

export interface Order {
  readonly facts: ComparisonOrder;
  /** Neighbours in time, one of each side; null where the starts do not pair up. */
  readonly pairs: readonly { baseline: Start; candidate: Start }[] | null;
}

/**
 * How the service starts of the two sides follow one another, by the clients' own times. Interleaved: the side changes at least as
 * often as the smaller side has starts (AB, ABBA, BAAB … blocks do; all of one side first does not).
 */
export function orderOf(sides: Sides): Order {
  const all = [...sides.baseline.starts.map((start) => ({ start, letter: 'B' })), ...sides.candidate.starts.map((start) => ({ start, letter: 'C' }))];
  if (all.length === 0 || all.some((e) => e.start.firstAt === null)) return { facts: { sequence: null, interleaved: null, pairs: null }, pairs: null };
  const when = (s: Start): number => Date.parse(s.firstAt ?? '');
  all.sort((x, y) => when(x.start) - when(y.start) || (x.start.key < y.start.key ? -1 : 1));
  const sequence = all.map((e) => e.letter).join('');
  const changes = all.filter((e, i) => i > 0 && all[i - 1]?.letter !== e.letter).length;
  const pairs: { baseline: Start; candidate: Start }[] = [];
  for (let i = 0; i + 1 < all.length; i += 2) {
    const two = all.slice(i, i + 2);
    const baseline = two.find((e) => e.letter === 'B')?.start;
    const candidate = two.find((e) => e.letter === 'C')?.start;
    if (baseline !== undefined && candidate !== undefined) pairs.push({ baseline, candidate });
  }
  const paired = all.length % 2 === 0 && pairs.length === all.length / 2;
  const interleaved = changes >= Math.min(sides.baseline.starts.length, sides.candidate.starts.length);
  return { facts: { sequence, interleaved, pairs: paired ? pairs.length : null }, pairs: paired ? pairs : null };
}
