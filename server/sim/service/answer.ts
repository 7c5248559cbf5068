import { Random } from '../random.js';
import { findArithmetic, numberText } from './arithmetic.js';
import { hashText, tokenize } from './tokens.js';

/** What the simulated model says: simple questions are answered right, everything else gets readable sentences. */

export interface AnswerOptions {
  readonly seed: number;
  /** Greedy answers depend on the prompt alone; sampled ones on `draw` too. */
  readonly greedy: boolean;
  readonly draw: number;
  /** Share of wrong answers, 0 to 1. */
  readonly wrongShare: number;
  /** Tokens after which the text breaks; null: never. */
  readonly garbledAfter: number | null;
}

const subjects = ['The service', 'A decode step', 'The scheduler', 'Each request', 'The cache', 'A long prompt', 'The device', 'A short answer', 'The batch', 'The host'];
const verbs = ['waits for', 'depends on', 'shares', 'reads', 'is measured with', 'follows', 'keeps', 'needs', 'is limited by', 'is scheduled after'];
const objects = ['the memory bandwidth', 'the next token', 'its key and value blocks', 'the previous step', 'the same weights', 'a free slot', 'the slowest rank', 'the prefix of the prompt', 'the number of sequences', 'the time between two tokens'];
const wideSentences = ['这个请求按顺序处理。', '缓存块在序列结束后释放。', '设备等待下一个批次。', '较长的提示需要更多的时间。', '每一步生成一个新的词元。'];

const isWide = (text: string): boolean => /[\u4e00-\u9fff]/.test(text);

function repeated(prompt: string): string | null {
  const quoted = /repeat(?:\s+\w+){0,8}?\s*(?:exactly|verbatim|word for word|after me|the following)[^:"“”'\n]*[:\s]\s*(?:["“']([\s\S]+?)["”']|([^\n]+))/i.exec(prompt) ?? /(?:原样|逐字)?重复[^：:]*[：:]\s*(?:["“]([\s\S]+?)["”]|([^\n]+))/.exec(prompt);
  const text = quoted?.[1] ?? quoted?.[2];
  return text === undefined ? null : text.trim();
}

const letters = ['A', 'B', 'C', 'D'];

/** A letter for a question with choices, the same for the same question. */
function choice(prompt: string, random: Random): string | null {
  const offered = letters.filter((l) => new RegExp(`(?:^|\\n)\\s*\\(?${l}[.．、):：]`).test(prompt));
  return offered.length < 2 ? null : (offered[random.integer(0, offered.length - 1)] ?? 'A');
}

function* sentences(random: Random, wide: boolean): Generator<string, never> {
  for (let first = true; ; first = false) {
    const pick = (list: readonly string[]): string => list[random.integer(0, list.length - 1)] ?? '';
    yield wide ? pick(wideSentences) : `${first ? '' : ' '}${pick(subjects)} ${pick(verbs)} ${pick(objects)}.`;
  }
}

/** The whole answer when the question has one. */
function known(prompt: string, random: Random, wrong: boolean): string | null {
  const echo = repeated(prompt);
  if (echo !== null) return wrong ? echo.split('').reverse().join('') : echo;
  const asked = findArithmetic(prompt);
  if (asked !== null) {
    const value = numberText(wrong ? asked.value + random.integer(1, 9) : asked.value);
    if (/\\boxed/.test(prompt)) return `${asked.text} = ${value}. The answer is \\boxed{${value}}.`;
    return /\b(?:only|just)\b|只/i.test(prompt) ? value : `${asked.text} = ${value}.`;
  }
  const letter = choice(prompt, random);
  if (letter === null) return null;
  if (/ANSWER:/.test(prompt)) return `ANSWER: ${letter}`;
  return isWide(prompt) ? `答案：${letter}` : `The answer is ${letter}.`;
}

/** Sentences an open question is answered with when nothing makes the model go on. */
const openSentences = [4, 12] as const;

/**
 * Tokens of an answer without end: first the answer itself, then, for `ignore_eos`, more sentences. `length` is where the model would stop.
 */
export function answerTokens(prompt: string, options: AnswerOptions): { readonly tokens: Generator<string, never>; readonly length: number } {
  const random = new Random(hashText(prompt) ^ Math.imul(options.seed, 0x9e3779b1) ^ (options.greedy ? 0 : Math.imul(options.draw + 1, 0x85ebca6b)));
  const wrong = random.next() < options.wrongShare;
  const wide = isWide(prompt);
  const more = sentences(random, wide);
  const own = known(prompt, random, wrong);
  const text = own ?? Array.from({ length: random.integer(...openSentences) }, () => more.next().value).join('');
  const tokens = tokenize(text);
  return { tokens: stream(tokens, more, own !== null && !wide, options.garbledAfter), length: Math.max(1, tokens.length) };
}

function* stream(tokens: readonly string[], more: Generator<string, never>, spaced: boolean, garbledAfter: number | null): Generator<string, never> {
  let count = 0;
  const broken = (): boolean => garbledAfter !== null && count > garbledAfter;
  for (const token of tokens) {
    count += 1;
    yield broken() ? '!!!!' : token;
  }
  for (let first = spaced; ; first = false) {
    for (const token of tokenize(`${first ? ' ' : ''}${more.next().value}`)) {
      count += 1;
      yield broken() ? '!!!!' : token;
    }
  }
}
