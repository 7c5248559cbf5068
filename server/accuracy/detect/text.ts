/** Views of a text that the detectors look at. Pure. */

/** Code points. */
export function characters(text: string): string[] {
  return Array.from(text);
}

const thought = /<think>[\s\S]*?<\/think>/g;

/** What the user sees: the closed reasoning block goes, an open one stays. */
export function answerOf(text: string): string {
  return text.replace(thought, '');
}

/** Without fenced code and table rows, whose blanks are layout. */
export function withoutCode(text: string): string {
  return text.replace(/```[\s\S]*?(?:```|$)/g, ' ').replace(/^\s*\|.*$/gm, '|');
}

/** Prose alone: code, formulas, table rows and addresses are language of their own. */
export function proseOf(text: string): string {
  return withoutCode(answerOf(text))
    .replace(/`[^`\n]*`/g, ' ')
    .replace(/\$\$[\s\S]*?\$\$|\\\[[\s\S]*?\\\]|\\\([\s\S]*?\\\)/g, ' ')
    .replace(/\$[^$\n]{1,300}\$/g, ' ')
    .replace(/\\[a-zA-Z]+/g, ' ')
    .replace(/https?:\/\/\S+/g, ' ');
}

/** Characters that draw rules, tables and leaders. */
export const separators = /[-=_*~#.·•…─━═│┃|+<>\s\u2500-\u259f]/u;
export const separatorsAll = new RegExp(`${separators.source}+`, 'gu');

/** Words of alphabets, single ideographs, as a language model's reader would count. */
export function units(text: string): string[] {
  return text.toLowerCase().match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}'’]+/gu) ?? [];
}

/** Shannon entropy in bits a character. */
export function entropy(characters: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const c of characters) counts.set(c, (counts.get(c) ?? 0) + 1);
  let bits = 0;
  for (const n of counts.values()) bits -= (n / characters.length) * Math.log2(n / characters.length);
  return bits;
}
