import { foreign, ToolError } from '../contract/index.js';
import { plainName } from './flags.js';

/**
 * Flags a help page offers, without dashes. Reads xLLM's own page (`  --name: text`), gflags (`    -name (text) type: …`) and
 * argparse (`  --name NAME, -n NAME  text`, `--flag, --no-flag`). Only the head of a line counts, so flags in prose are passed over.
 */
export function parseHelp(text: string): Set<string> {
  const found = new Set<string>();
  for (const line of text.split(/\r?\n/)) {
    let rest = /^\s{0,12}(-.*)$/.exec(line)?.[1];
    while (rest !== undefined) {
      const match = /^--?([A-Za-z][\w-]*)(?:[ =](?!\()(?:\[[^\]]*\]|\{[^}]*\}|<[^>]*>|"[^"]*"|[^\s,:]+(?: \.\.\.)?))?/.exec(rest);
      if (match === null) break;
      found.add(match[1] ?? '');
      rest = /^,\s+(-.*)$/.exec(rest.slice(match[0].length))?.[1];
    }
  }
  return found;
}

/** Edits (insert, delete, replace) between two names; Levenshtein's recurrence in one row. */
export function distance(a: string, b: string): number {
  const row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    let diagonal = row[0] ?? 0;
    row[0] = i;
    for (let j = 1; j <= b.length; j += 1) {
      const above = row[j] ?? 0;
      row[j] = Math.min(above + 1, (row[j - 1] ?? 0) + 1, diagonal + (a[i - 1] === b[j - 1] ? 0 : 1));
      diagonal = above;
    }
  }
  return row[b.length] ?? 0;
}

/** The known names closest to one that is not known; a name that shares a word of it counts as close. */
export function nearest(name: string, known: Iterable<string>, count = 3): string[] {
  const wanted = plainName(name);
  const words = new Set(wanted.split('_').filter((w) => w.length > 3));
  const scored = [...new Set([...known].map(plainName))].map((candidate) => {
    const shared = candidate.split('_').filter((w) => words.has(w)).length;
    return { candidate, score: distance(wanted, candidate) - 3 * shared };
  });
  scored.sort((a, b) => a.score - b.score || (a.candidate < b.candidate ? -1 : 1));
  return scored.slice(0, count).map((s) => s.candidate);
}

/**
 * Refuses the first flag that no list knows, naming the nearest.
 * @param removed what became of flags that existed once
 * @throws ToolError E_ARG_UNKNOWN
 */
export function refuseUnknown(names: readonly string[], known: ReadonlySet<string>, program: string, removed: Readonly<Record<string, string>> = {}): void {
  const plain = new Set([...known].map(plainName));
  for (const name of names) {
    const wanted = plainName(name);
    if (plain.has(wanted) || plain.has(`no_${wanted}`) || (wanted.startsWith('no_') && plain.has(wanted.slice(3)))) continue;
    const gone = removed[wanted];
    const near = nearest(name, plain).join(', ');
    throw new ToolError('E_ARG_UNKNOWN', `${program} has no flag ${foreign(name, 80)}${gone === undefined ? '' : ` (${gone})`}`, `nearest: ${near}`);
  }
}
