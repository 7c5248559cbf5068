import { detectorLimits as at } from '../thresholds.js';
import { anyLanguageGoes, foreignWindows, promptLanguage, strayLetters } from './languages.js';
import { answerOf, characters, entropy, proseOf, separators, separatorsAll, units, withoutCode } from './text.js';

/** What is known of an answer besides its text. */
export interface AnswerContext {
  /** Null: not known. Format and language are then not judged. */
  readonly prompt: string | null;
  readonly finish: 'stop' | 'length' | 'other' | null;
}

export const detectorNames = [
  'empty', 'truncated', 'premature-end', 'format-break', 'replacement-characters', 'character-run', 'word-run', 'ngram-loop', 'repetition', 'sentence-repeat',
  'entropy-collapse', 'script-drift', 'mixed-language', 'symbol-flood', 'word-length', 'whitespace-run', 'template-artifact',
] as const;
export type DetectorName = (typeof detectorNames)[number];

/** Ways an answer ends badly; the others say that its text is broken. */
export const endings: ReadonlySet<DetectorName> = new Set(['truncated', 'premature-end', 'format-break']);

export interface Hit {
  readonly detector: DetectorName;
  /** What was measured, in the detector's own unit. */
  readonly value: number;
}

type Detector = (text: string, context: AnswerContext) => number | null;

function replacementCharacters(text: string): number | null {
  // A cut UTF-8 sequence at the end of a stream is not the model's.
  const body = text.replace(/\ufffd+$/u, '');
  const count = body.match(/\ufffd|[\u0000-\u0008\u000b\u000c\u000e-\u001f]|<unk>|Ã[\u0080-\u00bf]|â€/gu)?.length ?? 0;
  return count >= at.replacementCount.value || (count > 0 && count * at.replacementEvery.value >= body.length) ? count : null;
}

function characterRun(text: string): number | null {
  let longest = 0;
  for (const [run, sign = ''] of text.matchAll(/(\S)\1{9,}/gu)) {
    const length = characters(run).length;
    const limit = sign === '!' ? at.exclamationRun : separators.test(sign) ? at.separatorRun : /\d/.test(sign) ? at.digitLoopCover : at.characterRun;
    if (length >= limit.value) longest = Math.max(longest, length);
  }
  return longest === 0 ? null : longest;
}

function wordRun(text: string): number | null {
  let longest = 0;
  let run = 0;
  let before = '';
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) {
    run = word === before ? run + 1 : 1;
    before = word;
    longest = Math.max(longest, run);
  }
  return longest >= at.wordRun.value ? longest : null;
}

/** Characters covered by a period at the end of the text. */
function ngramLoop(text: string): number | null {
  const tail = text.trimEnd();
  let best = 0;
  for (let period = 1; period <= at.loopPeriod.value && period * at.loopTimes.value <= tail.length; period += 1) {
    let matched = 0;
    while (matched + period < tail.length && tail[tail.length - 1 - matched] === tail[tail.length - 1 - matched - period]) matched += 1;
    const cover = matched + period;
    if (matched === 0 || cover < period * at.loopTimes.value) continue;
    const unit = characters(tail.slice(-period)).filter((c) => !separators.test(c)).join('');
    if (unit === '') continue;
    if (cover >= (/^\d+$/.test(unit) ? at.digitLoopCover : at.loopCover).value) best = Math.max(best, cover);
  }
  return best === 0 ? null : best;
}

function repetition(text: string): number | null {
  const list = units(text);
  if (list.length < at.repetitionTokens.value) return null;
  const numbers = new Map<string, number>();
  const coded = list.map((unit) => {
    const known = numbers.get(unit) ?? numbers.size;
    numbers.set(unit, known);
    return known;
  });
  // Four numbers below the count of distinct units, as one number.
  const base = numbers.size;
  const seen = new Set<number>();
  for (let i = 0; i + 4 <= coded.length; i += 1) seen.add((((coded[i] ?? 0) * base + (coded[i + 1] ?? 0)) * base + (coded[i + 2] ?? 0)) * base + (coded[i + 3] ?? 0));
  const ratio = 1 - seen.size / (list.length - 3);
  return ratio > at.repetitionRatio.value ? ratio : null;
}

function sentenceRepeat(text: string): number | null {
  const counts = new Map<string, number>();
  for (const sentence of proseOf(text).split(/[.!?。！？\n]+/u)) {
    const plain = sentence.trim().toLowerCase();
    if (plain.length >= at.sentenceLength.value) counts.set(plain, (counts.get(plain) ?? 0) + 1);
  }
  const most = Math.max(0, ...counts.values());
  return most >= at.sentenceRepeats.value ? most : null;
}

function entropyCollapse(text: string): number | null {
  const list = characters(text.replace(separatorsAll, ''));
  let least = Infinity;
  for (let from = 0; from + at.entropyWindow.value <= list.length; from += at.entropyWindow.value / 2) least = Math.min(least, entropy(list.slice(from, from + at.entropyWindow.value)));
  return least < at.entropyBits.value ? least : null;
}

function scriptDrift(text: string, { prompt }: AnswerContext): number | null {
  if (prompt === null || anyLanguageGoes(prompt)) return null;
  const stray = strayLetters(text, prompt);
  if (stray.letters < at.strayScriptLetters.value) return null;
  return stray.share > at.strayScriptShare.value || stray.runs >= at.strayScriptRuns.value ? stray.letters : null;
}

function mixedLanguage(text: string, { prompt }: AnswerContext): number | null {
  if (prompt === null || anyLanguageGoes(prompt)) return null;
  const expected = promptLanguage(prompt, at.bilingualShare.value);
  if (expected === null) return null;
  const windows = foreignWindows(text, expected, at.languageWindow.value);
  return windows >= at.languageWindows.value ? windows : null;
}

function symbolFlood(text: string): number | null {
  const signs = proseOf(text).replace(separatorsAll, '');
  if (signs.length < at.symbolText.value) return null;
  const odd = signs.replace(/[\p{L}\p{N}\p{M}.,;:!?'"()\-–—…，。；：！？、“”‘’（）《》【】「」·*]+/gu, '').length;
  return odd / signs.length > at.symbolShare.value ? odd / signs.length : null;
}

function wordLength(text: string): number | null {
  const words = proseOf(text).match(/\p{Script=Latin}+/gu) ?? [];
  if (words.length < at.longWordsText.value) return null;
  const mean = words.reduce((s, w) => s + w.length, 0) / words.length;
  return mean > at.longWords.value ? mean : null;
}

function whitespaceRun(text: string): number | null {
  // What stands before the first sign of a line is layout.
  const body = withoutCode(text).replace(new RegExp(`(^|\\n)[ \\t]{1,${at.indentation.value}}(?=\\S)`, 'g'), '$1');
  const longest = (body.match(/\s{2,}/g) ?? []).reduce((most, run) => Math.max(most, run.length), 0);
  return longest >= at.whitespaceRun.value ? longest : null;
}

const artifacts = /<\|[a-z][a-z_0-9]{1,30}\|>|<｜[^｜\n]{2,30}｜>|\[\/?INST\]|<<\/?SYS>>|<\/s>\s*$|<(?:bos|eos|pad|start_of_turn|end_of_turn)>/g;

function templateArtifact(text: string, { prompt }: AnswerContext): number | null {
  const found = (text.match(artifacts) ?? []).filter((a) => prompt?.includes(a) !== true);
  return found.length > 0 ? found.length : null;
}

/** An opened `\boxed{` that is not closed. */
function openBox(text: string): boolean {
  const from = text.lastIndexOf('\\boxed{');
  if (from < 0) return false;
  let depth = 0;
  for (const c of text.slice(from)) {
    if (c === '{') depth += 1;
    if (c === '}') depth -= 1;
    if (c === '}' && depth === 0) return false;
  }
  return true;
}

/** The padding of base64 is no open equation. */
const base64End = /[A-Za-z0-9+/]{16}={1,2}\s*$/;

function prematureEnd(text: string, { finish }: AnswerContext): number | null {
  if (finish === 'length' || text.trim() === '') return null;
  const openThought = text.includes('<think>') && !text.includes('</think>');
  const openFence = (text.match(/^\s*```/gm)?.length ?? 0) % 2 === 1;
  return openThought || openFence || openBox(text) || (/[([{（【《,，、=+]\s*$/u.test(text) && !base64End.test(text)) ? characters(text).length : null;
}

/** The answer form a prompt asks for, and how an answer shows it. */
const forms: readonly { readonly asked: RegExp; readonly shown: RegExp }[] = [
  { asked: /\\boxed/, shown: /\\boxed\s*\{[^}]/ },
  { asked: /ANSWER: \[?\$?LETTER/, shown: /ANSWER\s*[:：]\W*[A-Z]/i },
  { asked: /答案[:：]\s*\[?LETTER/, shown: /答案\s*[:：]\W*[A-Za-z]/u },
];

function formatBreak(text: string, { prompt, finish }: AnswerContext): number | null {
  if (prompt === null || finish === 'length' || text.trim() === '') return null;
  const broken = forms.filter((f) => f.asked.test(prompt) && !f.shown.test(text)).length;
  return broken > 0 ? broken : null;
}

const table: Readonly<Record<DetectorName, Detector>> = {
  empty: (text) => (answerOf(text).trim() === '' ? 0 : null),
  truncated: (text, { finish }) => (finish === 'length' ? characters(text).length : null),
  'premature-end': prematureEnd,
  'format-break': formatBreak,
  'replacement-characters': replacementCharacters,
  'character-run': characterRun,
  'word-run': wordRun,
  'ngram-loop': ngramLoop,
  repetition,
  'sentence-repeat': sentenceRepeat,
  'entropy-collapse': entropyCollapse,
  'script-drift': scriptDrift,
  'mixed-language': mixedLanguage,
  'symbol-flood': symbolFlood,
  'word-length': wordLength,
  'whitespace-run': whitespaceRun,
  'template-artifact': templateArtifact,
};

/** What is wrong with one answer, in the order of {@link detectorNames}. A hit points at a bad case; it is not a verdict. Pure. */
export function detect(text: string, context: AnswerContext): Hit[] {
  return detectorNames.flatMap((detector) => {
    const value = table[detector](text, context);
    return value === null ? [] : [{ detector, value: Number(value.toFixed(3)) }];
  });
}
