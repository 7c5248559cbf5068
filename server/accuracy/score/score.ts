import { number, type AccuracyScore, type FailedCase, type Finding } from '../../contract/index.js';
import { byText, round } from '../../profiles/derived/numbers.js';
import { wilson } from '../../stats/proportions.js';
import { causeOf, isGarbled } from '../compare/answers.js';
import { detect, detectorNames, type Hit } from '../detect/detectors.js';
import { scoreOf, type Item, type ItemAnswer, type Side } from '../read/items.js';

export type ScoreBody = Omit<AccuracyScore, 'schema' | 'schema_version' | 'producer' | 'created_at' | 'simulated' | 'source'>;

export interface ScoreContext {
  readonly job: string;
  readonly level: AccuracyScore['level'];
  readonly method: AccuracyScore['method'];
  readonly endpoint: string;
  readonly model: string;
}

export const scopes = { L1: 'breakage', L2: 'smoke', L3: 'bad-cases', L4: 'one-task', L5: 'release' } as const satisfies Record<AccuracyScore['level'], AccuracyScore['scope']>;

interface Looked {
  readonly item: Item;
  readonly answer: ItemAnswer;
  readonly repeat: number;
  readonly hits: readonly Hit[];
}

const points = (share: number): number => round(share * 100, 4);

function scored(items: readonly Item[]): { readonly n: number; readonly right: number; readonly score_pct: number | null; readonly low_pct: number | null; readonly high_pct: number | null } {
  const scores = items.map(scoreOf).filter((s): s is number => s !== null);
  const right = scores.reduce((s, v) => s + v, 0);
  const interval = scores.every((s) => s === 0 || s === 1) ? wilson(right, scores.length) : null;
  return { n: scores.length, right: round(right, 6), score_pct: scores.length === 0 ? null : points(right / scores.length), low_pct: interval === null ? null : points(interval.low), high_pct: interval === null ? null : points(interval.high) };
}

function datasetsOf(items: readonly Item[]): ScoreBody['datasets'] {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = `${item.dataset}\n${item.subset}`;
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups].sort(([a], [b]) => byText(a, b)).map(([key, group]) => {
    const [dataset = '', subset = ''] = key.split('\n');
    const { n, score_pct, low_pct, high_pct } = scored(group);
    return { dataset, subset, n, score_pct, low_pct, high_pct };
  });
}

function count(looked: readonly Looked[], tells: (l: Looked) => boolean, is: (l: Looked) => boolean): number | null {
  const told = looked.filter(tells);
  return told.length === 0 ? null : told.filter(is).length;
}

function unstableOf(items: readonly Item[]): ScoreBody['unstable'] {
  return items.flatMap((item) => {
    const texts = new Set(item.answers.map((a) => a.text).filter((t) => t !== null));
    const scores = new Set(item.answers.map((a) => a.score).filter((s) => s !== null));
    return texts.size > 1 ? [{ id: item.id, repeats: item.answers.length, texts: texts.size, scores_differ: scores.size > 1 }] : [];
  });
}

function failedOf(looked: readonly Looked[]): FailedCase[] {
  return looked
    .filter((l) => l.answer.text !== null && ((l.answer.score ?? 1) < 1 || isGarbled(l.hits) || l.hits.some((h) => h.detector === 'empty')))
    .map(({ item, answer, repeat, hits }) => ({
      id: item.id,
      dataset: item.dataset,
      subset: item.subset,
      repeat,
      prompt: item.prompt,
      target: item.target,
      prediction: answer.text,
      extracted: answer.extracted,
      score: answer.score,
      finish_reason: answer.finish,
      output_tokens: answer.outputTokens,
      cause: (answer.score ?? 1) < 1 ? causeOf({ ...item, answers: [answer] }, hits) : 'pointed',
      detectors: hits.map((h) => ({ ...h })),
    }));
}

function finding(id: string, title: string, severity: Finding['severity'], value: number, where: string, detail: string, action: string): Finding {
  return { id, title, severity, value, unit: 'answers', evidence: [{ path: 'failed_cases.jsonl', where, detail }], confidence: 'high', action };
}

function findingsOf(failed: readonly FailedCase[], unstable: ScoreBody['unstable'], errored: number | null, samples: number, probe: boolean): Finding[] {
  const found: Finding[] = [];
  const broken = failed.filter((f) => f.cause === 'garbled' || f.cause === 'looping' || f.cause === 'empty' || f.cause === 'pointed');
  const names = [...new Set(broken.flatMap((f) => f.detectors.map((d) => d.detector)))].sort(byText);
  if (broken.length > 0) found.push(finding('garbled-output', 'answers are broken text', 'high', broken.length, 'cause', `${broken.length} of ${samples} answers: ${names.join(', ')}`, 'read them; then switch graph mode, speculative decoding, chunked prefill and prefix cache off, one at a time'));
  const wrong = failed.filter((f) => f.cause === 'wrong' || f.cause === 'unparsed');
  if (wrong.length > 0) found.push(finding('wrong-answers', probe ? 'sound text with wrong answers to questions a small model gets right' : 'sound text with wrong answers', probe ? 'high' : 'info', wrong.length, 'cause', `${wrong.length} of ${samples} answers`, probe ? 'check model, chat template and quantization first; then the switches, one at a time' : 'a score is judged against a baseline of the same items, by accuracy_compare'));
  const cut = failed.filter((f) => f.cause === 'truncated');
  if (cut.length > 0) found.push(finding('truncation', 'answers are cut off by their length', 'medium', cut.length, 'cause', `${cut.length} of ${samples} answers`, 'raise max_tokens: a cut answer says nothing about quality'));
  if (unstable.length > 0) found.push(finding('nondeterministic', 'the same prompt gives different texts', unstable.some((u) => u.scores_differ) ? 'high' : 'low', unstable.length, 'score.json, unstable', `${unstable.length} prompts; ${unstable.filter((u) => u.scores_differ).length} of them change between right and wrong`, 'repeat with one request at a time and deterministic reduction switched on; what still changes is a race or memory that is not set'));
  if (errored !== null && errored > 0) found.push(finding('requests-failed', 'requests got no answer', 'high', errored, 'raw_predictions.jsonl, error', `${errored} of ${samples + errored}; they are not in the score`, 'look at the log of the service, then run again'));
  return found;
}

/** What one accuracy run shows, and its failed cases. Pure. @param errored answers that did not come, where the rows tell */
export function scoreRun(side: Side, context: ScoreContext, errored: number | null): { readonly body: ScoreBody; readonly failed: readonly FailedCase[] } {
  const looked: Looked[] = side.items.flatMap((item) => item.answers.map((answer, repeat) => ({ item, answer, repeat, hits: answer.text === null ? [] : detect(answer.text, { prompt: item.prompt, finish: answer.finish }) })));
  const answered = looked.filter((l) => l.answer.text !== null || l.answer.score !== null);
  const failed = failedOf(looked);
  const unstable = unstableOf(side.items);
  const requested = errored === null ? side.requested : answered.length + errored;
  const lost = errored ?? (side.requested === null ? null : Math.max(0, side.requested - answered.length));
  const { n, ...score } = scored(side.items);
  const probe = context.method === 'probe';
  const hasText = (l: Looked): boolean => l.answer.text !== null;
  const onlyCut = failed.length > 0 && failed.every((f) => f.cause === 'truncated');
  const verdict: ScoreBody['verdict'] = n === 0 || onlyCut ? 'inconclusive' : !probe ? 'measured' : failed.length > 0 ? 'broken' : (lost ?? 0) > 0 ? 'inconclusive' : 'clean';
  const notes = [...side.notes.map((note) => ({ ...note }))];
  if (probe) notes.push({ code: 'W-SCOPE', detail: `${context.level} shows breakage only: sound probes prove nothing about a score` });
  return {
    failed,
    body: {
      ...context,
      scope: scopes[context.level],
      verdict,
      items: side.items.length,
      samples: answered.length,
      requested,
      errored: lost,
      ...score,
      datasets: datasetsOf(side.items),
      endings: {
        truncated: count(looked, (l) => l.answer.finish !== null, (l) => l.answer.finish === 'length'),
        unparsed: count(looked, (l) => l.answer.extracted !== null && hasText(l), (l) => l.answer.extracted?.trim() === '' && l.answer.text?.trim() !== ''),
        garbled: count(looked, hasText, (l) => isGarbled(l.hits)),
        empty: count(looked, hasText, (l) => l.hits.some((h) => h.detector === 'empty')),
      },
      unstable,
      detectors: detectorNames.map((detector) => ({ detector, answers: looked.filter((l) => l.hits.some((h) => h.detector === detector)).length })).filter((d) => d.answers > 0),
      failed_cases: failed.length,
      findings: findingsOf(failed, unstable, lost, answered.length, probe),
      notes,
    },
  };
}

/** One sentence with the number that matters, no wider than the level. */
export function scoreHeadline(b: ScoreBody): string {
  const n = `${number(b.right)} of ${b.items} items right`;
  if (b.method === 'probe') {
    const found = b.findings.map((f) => f.id).join(', ');
    if (b.verdict === 'clean') return `${b.level}: all ${b.samples} probe answers are right and sound; this shows the absence of breakage, not a score`;
    return b.verdict === 'broken' ? `${b.level}: ${b.failed_cases} of ${b.samples} probe answers fail (${found})` : `${b.level}: inconclusive (${found === '' ? 'no answer could be judged' : found})`;
  }
  return b.verdict === 'measured' ? `${b.level}: ${n}, ${number(b.score_pct ?? 0)} % (95 % ${number(b.low_pct ?? 0)} to ${number(b.high_pct ?? 0)}); compare it with a baseline before judging it` : `${b.level}: inconclusive, ${n}`;
}
