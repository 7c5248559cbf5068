import { scoreOf, type Item, type Side } from '../read/items.js';

/** An item both sides scored. */
export interface Joined {
  readonly baseline: Item;
  readonly candidate: Item;
  readonly baselineScore: number;
  readonly candidateScore: number;
}

export interface Join {
  readonly joined: readonly Joined[];
  /** Items of one id that are not the same question. */
  readonly promptsDiffer: number;
  readonly baselineOnly: readonly Item[];
  readonly candidateOnly: readonly Item[];
}

/** Answer of an item that tells most: the lowest scored, the first of equals. */
export function worstAnswer(item: Item): Item['answers'][number] | undefined {
  return item.answers.reduce<Item['answers'][number] | undefined>((worst, a) => (worst === undefined || (a.score ?? 2) < (worst.score ?? 2) ? a : worst), undefined);
}

const keyOf = (item: Item): string => `${item.dataset}\n${item.subset}\n${item.id}`;

function sameQuestion(a: Item, b: Item): boolean {
  const differs = (x: string | null, y: string | null): boolean => x !== null && y !== null && x.trim() !== y.trim();
  return !differs(a.target, b.target) && !differs(a.prompt, b.prompt);
}

/** Joins by dataset, subset and id, in the baseline's order. Pure. */
export function join(baseline: Side, candidate: Side): Join {
  const others = new Map(candidate.items.map((item) => [keyOf(item), item]));
  const joined: Joined[] = [];
  const alone: Item[] = [];
  const matched = new Set<string>();
  let promptsDiffer = 0;
  for (const item of baseline.items) {
    const other = others.get(keyOf(item));
    const baselineScore = scoreOf(item);
    if (baselineScore === null) continue;
    const candidateScore = other === undefined ? null : scoreOf(other);
    if (other === undefined || candidateScore === null) {
      alone.push(item);
      continue;
    }
    matched.add(keyOf(item));
    if (sameQuestion(item, other)) joined.push({ baseline: item, candidate: other, baselineScore, candidateScore });
    else promptsDiffer += 1;
  }
  return { joined, promptsDiffer, baselineOnly: alone, candidateOnly: candidate.items.filter((i) => !matched.has(keyOf(i)) && scoreOf(i) !== null) };
}
