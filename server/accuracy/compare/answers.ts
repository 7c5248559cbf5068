import type { AccuracyCauses, AccuracyEnding } from '../../contract/index.js';
import { detect, endings, type Hit } from '../detect/detectors.js';
import type { Item } from '../read/items.js';
import { mcnemarP } from '../../stats/proportions.js';
import { limits } from '../thresholds.js';
import { worstAnswer, type Joined } from './join.js';

/** What the detectors say of an item's answers, once per detector with its first value. */
export function hitsOf(item: Item): Hit[] {
  const found = new Map<string, Hit>();
  for (const answer of item.answers) if (answer.text !== null) for (const hit of detect(answer.text, { prompt: item.prompt, finish: answer.finish })) if (!found.has(hit.detector)) found.set(hit.detector, hit);
  return [...found.values()];
}

export interface Looked extends Joined {
  /** False: the detectors were not asked, there is too much text; see {@link look}. */
  readonly seen: boolean;
  readonly baselineHits: readonly Hit[];
  readonly candidateHits: readonly Hit[];
}

const length = (item: Item): number => item.answers.reduce((s, a) => s + (a.text?.length ?? 0), 0);

/**
 * Every joined item with what the detectors say. Above a budget of characters only items whose score differs and every k-th of the
 * others are looked at, so that a whole MMLU is answered in time.
 */
export function look(joined: readonly Joined[]): Looked[] {
  const total = joined.reduce((s, j) => s + length(j.baseline) + length(j.candidate), 0);
  const every = Math.max(1, Math.ceil(total / limits.detectorText.value));
  return joined.map((j, i) => {
    const seen = i % every === 0 || j.baselineScore !== j.candidateScore;
    return { ...j, seen, baselineHits: seen ? hitsOf(j.baseline) : [], candidateHits: seen ? hitsOf(j.candidate) : [] };
  });
}

const loops = new Set(['ngram-loop', 'repetition', 'sentence-repeat', 'character-run', 'word-run', 'entropy-collapse', 'whitespace-run']);

export function isGarbled(hits: readonly Hit[]): boolean {
  return hits.some((h) => !endings.has(h.detector) && h.detector !== 'empty');
}

export type Cause = keyof AccuracyCauses;

/** What a lost item's answer looks like; the first that holds. */
export function causeOf(item: Item, known?: readonly Hit[]): Cause {
  const answer = worstAnswer(item);
  if (answer === undefined || answer.text === null) return answer?.finish === 'length' ? 'truncated' : 'wrong';
  const hits = known !== undefined && item.answers.length === 1 ? known : detect(answer.text, { prompt: item.prompt, finish: answer.finish });
  if (hits.some((h) => h.detector === 'empty')) return 'empty';
  if (answer.finish === 'length') return hits.some((h) => loops.has(h.detector)) ? 'looping' : 'truncated';
  if (isGarbled(hits)) return 'garbled';
  return unparsed(item) ? 'unparsed' : 'wrong';
}

function unparsed(item: Item): boolean {
  const answer = worstAnswer(item);
  return answer !== undefined && answer.extracted !== null && answer.extracted.trim() === '' && answer.text !== null && answer.text.trim() !== '';
}

/** How often `is` holds on each side, and whether that differs; null where no item can tell. */
function ending(what: AccuracyEnding['what'], looked: readonly Looked[], is: (item: Item, hits: readonly Hit[]) => boolean, tells: (item: Item) => boolean, from: readonly Looked[] = looked): AccuracyEnding {
  const both = from.filter((l) => tells(l.baseline) && tells(l.candidate));
  const side = (name: 'baseline' | 'candidate'): number | null => {
    const told = from.filter((l) => tells(l[name]));
    return told.length === 0 ? null : told.filter((l) => is(l[name], l[`${name}Hits`])).length;
  };
  const pairs = both.map((l) => [is(l.baseline, l.baselineHits), is(l.candidate, l.candidateHits)] as const);
  return { what, baseline: side('baseline'), candidate: side('candidate'), p_value: both.length === 0 ? null : mcnemarP(pairs.filter(([b, c]) => b && !c).length, pairs.filter(([b, c]) => !b && c).length) };
}

export function endingsOf(looked: readonly Looked[]): AccuracyEnding[] {
  const seen = looked.filter((l) => l.seen);
  const hasText = (item: Item): boolean => item.answers.some((a) => a.text !== null);
  return [
    ending('truncated', looked, (item) => item.answers.some((a) => a.finish === 'length'), (item) => item.answers.some((a) => a.finish !== null)),
    ending('unparsed', looked, (item) => unparsed(item), (item) => item.answers.some((a) => a.extracted !== null)),
    ending('garbled', looked, (_item, hits) => isGarbled(hits), hasText, seen),
    ending('empty', looked, (_item, hits) => hits.some((h) => h.detector === 'empty'), hasText, seen),
  ];
}
