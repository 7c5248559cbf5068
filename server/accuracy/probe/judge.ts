import { detect, endings } from '../detect/detectors.js';
import { answerOf, units } from '../detect/text.js';
import type { Probe, Rule } from './prompts.js';

/** The last number of a text, or the one in the last box; null without one. */
export function numberIn(text: string): number | null {
  const boxed = [...text.matchAll(/\\boxed\s*\{([^{}]*)\}/g)].at(-1)?.[1];
  const found = (boxed ?? text).match(/[-−]?\d[\d,]*(?:\.\d+)?/g)?.at(-1);
  if (found === undefined) return null;
  const value = Number(found.replace('−', '-').replaceAll(',', ''));
  return Number.isFinite(value) ? value : null;
}

/** The letter behind the last "answer", else the first that stands alone; "I" is a word. */
function letterIn(text: string): string | null {
  const said = [...text.matchAll(/(?:[Aa]nswer|ANSWER|答案)(?: is|是|为)?\s*[:：]?[\s*"“([$\\]{0,4}([A-J])(?![A-Za-z])/gu)].at(-1)?.[1];
  return said ?? /(?<![A-Za-z'])([A-HJ])(?![A-Za-z'])/.exec(text)?.[1] ?? null;
}

const plain = (text: string): string => text.replace(/[\s"“”'`]+/g, '');

function objectIn(text: string): Record<string, unknown> | null {
  const found = /\{[\s\S]*\}/.exec(text)?.[0];
  if (found === undefined) return null;
  try {
    const value: unknown = JSON.parse(found);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}

/** What was read out of an answer, and whether it is what the rule wants. */
function read(rule: Rule, answer: string): { readonly extracted: string; readonly right: boolean } {
  switch (rule.kind) {
    case 'number': {
      const value = numberIn(answer);
      return { extracted: value === null ? '' : String(value), right: value === rule.value };
    }
    case 'choice': {
      const letter = letterIn(answer);
      return { extracted: letter ?? '', right: letter === rule.letter || (letter === null && rule.value !== '' && numberIn(answer) === Number(rule.value)) };
    }
    case 'copy':
      return { extracted: answer.trim().slice(0, 400), right: plain(answer).includes(plain(rule.text)) };
    case 'json': {
      const value = objectIn(answer);
      return { extracted: value === null ? '' : JSON.stringify(value), right: value !== null && Object.keys(value).length === Object.keys(rule.value).length && Object.entries(rule.value).every(([k, v]) => value[k] === v) };
    }
    case 'prose':
      return { extracted: answer.trim().slice(0, 400), right: units(answer).length >= rule.units };
  }
}

/** Score 1 when the rule holds and no detector says that the text is broken. Pure. */
export function judgeProbe(probe: Probe, text: string, finish: 'stop' | 'length' | 'other' | null): { readonly extracted: string; readonly score: 0 | 1 } {
  const { extracted, right } = read(probe.rule, answerOf(text));
  const broken = detect(text, { prompt: probe.prompt, finish }).some((h) => !endings.has(h.detector));
  return { extracted, score: right && !broken ? 1 : 0 };
}
