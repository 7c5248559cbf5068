import type { DiffFile, Hunk } from '../read/diff.js';
import { cleaned, languageOf, suppressionOf, type Language } from '../read/clean.js';
import type { Compiled } from '../rules.js';

export interface Hit {
  readonly rule: Compiled;
  readonly file: string;
  readonly line: number | null;
  /** The line as it stands in the diff. */
  readonly text: string;
}

/** A hunk with its cleaned lines; checks over files work on these. */
export interface Prepared {
  readonly file: DiffFile;
  readonly language: Language;
  readonly hunks: readonly { readonly hunk: Hunk; readonly clean: readonly string[]; readonly raw: readonly string[] }[];
  /** All lines in one text, as they stand and cleaned: most questions are answered once for a file, not once for a line. */
  readonly rawText: string;
  readonly cleanText: string;
}

export function prepare(file: DiffFile): Prepared {
  const language = languageOf(file.path);
  const hunks = file.hunks.map((hunk) => {
    const raw = hunk.lines.map((l) => l.text);
    return { hunk, raw, clean: cleaned(raw, language) };
  });
  return { file, language, hunks, rawText: hunks.map((h) => h.raw.join('\n')).join('\n'), cleanText: hunks.map((h) => h.clean.join('\n')).join('\n') };
}

const indent = (text: string): number => text.search(/\S|$/);
/** How far up a hunk is looked for what encloses a line, and how long a statement may be. */
const reach = { up: 400, statement: 8 } as const;

/**
 * What encloses a line: by indentation, from the inside out, then git's section line. Preprocessor lines and labels do not count.
 * Decorators directly above a header belong to it.
 */
export function enclosing(clean: readonly string[], section: string, at: number): string[] {
  const found: string[] = [];
  let depth = indent(clean[at] ?? '');
  for (let i = at - 1; i >= Math.max(0, at - reach.up) && depth > 0; i -= 1) {
    const text = clean[i] ?? '';
    if (text.trim() === '' || text.startsWith('#')) continue;
    const own = indent(text);
    if (own >= depth) continue;
    // A closing brace ends a block that does not enclose the line; what comes after it may open the next.
    if (/^\s*[})\]]/.test(text) && !/\{\s*$/.test(text)) {
      depth = Math.min(depth, own + 1);
      continue;
    }
    depth = own;
    found.push(text);
    for (let d = i - 1; d >= 0 && /^\s*@/.test(clean[d] ?? ''); d -= 1) found.push(clean[d] ?? '');
  }
  if (section !== '') found.push(section);
  return found;
}

/** The statement that begins at a line: up to its end mark or its last closing parenthesis. */
export function statement(clean: readonly string[], at: number): string {
  let text = '';
  let open = 0;
  for (let i = at; i < Math.min(clean.length, at + reach.statement); i += 1) {
    const line = clean[i] ?? '';
    text += `${line} `;
    for (const c of line) open += c === '(' || c === '[' ? 1 : c === ')' || c === ']' ? -1 : 0;
    if (open <= 0 && (/[;{}:]\s*$/.test(line) || i > at || !/[,(\\]\s*$/.test(line))) break;
  }
  return text;
}

function holds(c: Compiled, source: readonly string[], clean: readonly string[], section: string, at: number): boolean {
  const line = source[at] ?? '';
  const match = c.pattern?.exec(line);
  if (match === null || match === undefined) return false;
  if (c.unless?.test(statement(source, at)) === true) return false;
  if (c.near !== null && !source.slice(Math.max(0, at - c.near.lines), at + c.near.lines + 1).some((l) => c.near?.pattern.test(l) === true)) return false;
  if (c.unlessNear !== null && source.slice(Math.max(0, at - c.unlessNear.lines), at + 1).some((l) => c.unlessNear?.pattern.test(l) === true)) return false;
  if (c.inside.length === 0 && c.notIn === null) return true;
  // A block on one line: what stands before the hit encloses it.
  const around = [line.slice(0, match.index), ...enclosing(clean, section, at)];
  return c.inside.every((pattern) => around.some((text) => pattern.test(text))) && !(c.notIn !== null && around.some((text) => c.notIn?.test(text) === true));
}

/** One pattern of all; of none it matches nothing. */
const anyOf = (rules: readonly Compiled[]): RegExp => new RegExp(rules.map((c) => `(?:${c.pattern?.source ?? '(?!)'})`).join('|') || '(?!)');

/** Hits of the line rules in the added lines of a file. One hit a rule and line. */
export function scanFile(prepared: Prepared, rules: readonly Compiled[]): Hit[] {
  const { file, language } = prepared;
  const mine = rules.filter((c) => c.pattern !== null && (c.rule.scope.languages.includes('any') || c.rule.scope.languages.some((l) => l === language)) && c.applies(file.path));
  if (mine.length === 0) return [];
  // Most lines match nothing: one pattern of them all decides that.
  const some = anyOf(mine);
  const someRaw = anyOf(mine.filter((c) => c.rule.raw === true));
  const hits: Hit[] = [];
  for (const { hunk, clean, raw } of prepared.hunks) {
    hunk.lines.forEach((line, at) => {
      const text = clean[at] ?? '';
      if (!line.added || !(some.test(text) || (text !== line.text && someRaw.test(line.text)))) return;
      for (const c of mine) if (holds(c, c.rule.raw === true ? raw : clean, clean, hunk.section, at)) hits.push({ rule: c, file: file.path, line: line.line, text: line.text });
    });
  }
  return hits;
}

/** The comment that suppresses a hit, on its line or on the one above. */
export function suppressedBy(prepared: Prepared, hit: Hit): { readonly reason: string } | null {
  if (hit.line === null) return null;
  for (const { hunk } of prepared.hunks) {
    const at = hunk.lines.findIndex((l) => l.line === hit.line);
    if (at === -1) continue;
    for (const text of [hunk.lines[at]?.text ?? '', hunk.lines[at - 1]?.text ?? '']) {
      const found = suppressionOf(text);
      if (found !== null && found.rule === hit.rule.rule.id) return { reason: found.reason };
    }
  }
  return null;
}
