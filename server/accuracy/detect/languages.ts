import { characters, proseOf } from './text.js';

/** A request for another language makes every script welcome. */
const asksForLanguage = /translat|bilingual|multilingual|\blanguage\b|\b(?:english|chinese|mandarin|japanese|korean|russian|arabic|hebrew|hindi|thai|greek|ukrainian|persian|urdu|bengali|vietnamese|french|german|spanish|portuguese|italian)\b|翻译|译[成为]|双语|语言|[中英日韩俄法德泰]文|[英日韩俄法德泰汉]语|阿拉伯|希伯来/i;

export function anyLanguageGoes(prompt: string): boolean {
  return asksForLanguage.test(prompt);
}

const strayLetter = /(?![\p{Script=Latin}\p{Script=Greek}\p{Script=Han}\p{Script=Common}\p{Script=Inherited}])\p{L}/u;

const scripts: readonly (readonly [string, RegExp])[] = [
  ['Hangul', /\p{Script=Hangul}/u],
  ['Kana', /[\p{Script=Hiragana}\p{Script=Katakana}]/u],
  ['Cyrillic', /\p{Script=Cyrillic}/u],
  ['Arabic', /\p{Script=Arabic}/u],
  ['Hebrew', /\p{Script=Hebrew}/u],
  ['Thai', /\p{Script=Thai}/u],
  ['Devanagari', /\p{Script=Devanagari}/u],
];

function scriptOf(letter: string): string {
  return scripts.find(([, test]) => test.test(letter))?.[0] ?? 'other';
}

/** Letters of scripts that the prompt does not use; Latin, Greek and Han are everybody's. */
export function strayLetters(text: string, prompt: string): { readonly letters: number; readonly share: number; readonly runs: number } {
  if (!strayLetter.test(text)) return { letters: 0, share: 0, runs: 0 };
  const welcome = new Set(characters(prompt).filter((c) => strayLetter.test(c)).map(scriptOf));
  let letters = 0;
  let all = 0;
  let runs = 0;
  let inside = false;
  for (const c of characters(proseOf(text))) {
    if (!/\p{L}/u.test(c)) continue;
    all += 1;
    const stray = strayLetter.test(c) && !welcome.has(scriptOf(c));
    if (stray) letters += 1;
    if (stray && !inside) runs += 1;
    inside = stray;
  }
  return { letters, share: all === 0 ? 0 : letters / all, runs };
}

type Language = 'han' | 'latin';

/** Ideographs and Latin words in their order; names in capitals and single letters are both languages'. */
function languageUnits(text: string): Language[] {
  return (proseOf(text).match(/\p{Script=Han}|\p{Script=Latin}{2,}/gu) ?? []).filter((u) => !/^[A-Z0-9]+$/.test(u)).map((u) => (/\p{Script=Han}/u.test(u) ? 'han' : 'latin'));
}

function majority(list: readonly Language[]): Language {
  return list.filter((l) => l === 'han').length * 2 >= list.length ? 'han' : 'latin';
}

/** Language of a prompt; null when it has both, or hardly any word. */
export function promptLanguage(prompt: string, bilingualShare: number): Language | null {
  const list = languageUnits(prompt);
  if (list.length < 4) return null;
  const main = majority(list);
  const other = list.filter((l) => l !== main).length;
  return other / list.length >= bilingualShare ? null : main;
}

/** Longest row of windows of `window` units in another language than `expected`. */
export function foreignWindows(text: string, expected: Language, window: number): number {
  if (expected === 'latin' && !/\p{Script=Han}/u.test(text)) return 0;
  const list = languageUnits(text);
  let row = 0;
  let longest = 0;
  for (let from = 0; from + window <= list.length; from += window) {
    row = majority(list.slice(from, from + window)) === expected ? 0 : row + 1;
    longest = Math.max(longest, row);
  }
  return longest;
}
