export type Language = 'cpp' | 'python' | 'other';

/** By the ending of the path. */
export function languageOf(path: string): Language {
  if (/\.(?:cpp|cc|cxx|c|h|hpp|hh|inc|cce|asc)$/.test(path)) return 'cpp';
  return /\.pyi?$/.test(path) ? 'python' : 'other';
}

/** What may begin a string or a comment. */
const mark = /["'/#]/g;

/**
 * Lines with comments and the inside of strings blanked, columns kept. State is carried from line to line of a hunk; a hunk that begins
 * inside a comment or a docstring is recognised by the first line that only makes sense there (a leading `*`).
 */
export function cleaned(lines: readonly string[], language: Language): string[] {
  if (language === 'other') return [...lines];
  let open: '/*' | '"""' | "'''" | null = null;
  // Most lines hold neither a quote nor the beginning of a comment.
  const some = language === 'cpp' ? /["'/]|^\s*\*/ : /["'#]/;
  return lines.map((line) => {
    if (open === null && !some.test(line)) return line;
    let out = '';
    let at = 0;
    if (open === null && language === 'cpp' && /^\s*\*(?:\s|\/|$)/.test(line)) return ' '.repeat(line.length);
    while (at < line.length) {
      if (open !== null) {
        const close: string = open === '/*' ? '*/' : open;
        const end = line.indexOf(close, at);
        const stop = end === -1 ? line.length : end + close.length;
        out += ' '.repeat(stop - at);
        at = stop;
        if (end !== -1) open = null;
        continue;
      }
      const c = line[at] ?? '';
      if (language === 'cpp' && c === '/' && line[at + 1] === '/') break;
      if (language === 'python' && c === '#') break;
      if (language === 'cpp' && c === '/' && line[at + 1] === '*') {
        const end = line.indexOf('*/', at + 2);
        // Names of constant arguments are kept: rules look at them.
        if (end !== -1 && /^\/\*\s*\w+\s*=\s*\*\/$/.test(line.slice(at, end + 2))) {
          out += line.slice(at, end + 2);
          at = end + 2;
          continue;
        }
        open = '/*';
        continue;
      }
      if (language === 'python' && (line.startsWith('"""', at) || line.startsWith("'''", at))) {
        open = line.startsWith('"""', at) ? '"""' : "'''";
        out += '   ';
        at += 3;
        continue;
      }
      // A digit separator of C++ is no character literal.
      if (c === '"' || (c === "'" && !(language === 'cpp' && /\w/.test(line[at - 1] ?? '')))) {
        let end = at + 1;
        while (end < line.length && line[end] !== c) end += line[end] === '\\' ? 2 : 1;
        const stop = Math.min(line.length, end + 1);
        out += c + ' '.repeat(Math.max(0, stop - at - 2)) + (stop - at > 1 ? c : '');
        at = stop;
        continue;
      }
      // Up to the next character that may begin something, in one piece.
      mark.lastIndex = at + 1;
      const end = mark.exec(line)?.index ?? line.length;
      out += line.slice(at, end);
      at = end;
    }
    return out.padEnd(line.length);
  });
}

/** Which comment suppresses a rule on this line: `npu-review: ignore RULE reason`. */
const suppression = /npu-review:\s*ignore\s+([A-Z]\d{2})\b[ \t]*(.*?)\s*(?:\*\/)?\s*$/;

export interface Suppression {
  readonly rule: string;
  readonly reason: string;
}

export function suppressionOf(line: string): Suppression | null {
  const found = suppression.exec(line);
  return found === null ? null : { rule: found[1] ?? '', reason: found[2] ?? '' };
}
