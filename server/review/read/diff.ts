/** A line of the new side of a hunk. `added` lines are judged, the others are what stands around them. */
export interface DiffLine {
  readonly text: string;
  /** Line number on the new side. */
  readonly line: number;
  readonly added: boolean;
}

export interface Hunk {
  /** What git prints after the second @@: the function or class around it, often. */
  readonly section: string;
  readonly lines: readonly DiffLine[];
  /** Removed lines, as they were. */
  readonly removed: readonly string[];
}

export interface DiffFile {
  /** Path on the new side; the old one of a deleted file. */
  readonly path: string;
  readonly kind: 'changed' | 'new' | 'deleted' | 'binary' | 'submodule';
  readonly hunks: readonly Hunk[];
  readonly added: number;
  readonly removed: number;
}

interface Building {
  path: string;
  kind: DiffFile['kind'];
  hunks: { section: string; lines: DiffLine[]; removed: string[] }[];
  added: number;
  removed: number;
}

const header = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$/;

/** Path after `+++ b/`, quoted names included. */
function pathOf(text: string): string {
  const bare = text.replace(/\t.*$/, '');
  const plain = bare.startsWith('"') && bare.endsWith('"') ? bare.slice(1, -1).replace(/\\([\\"])/g, '$1') : bare;
  return plain.replace(/^[a-z]\//, '');
}

/**
 * A unified diff as git or diff -u writes it. Lines end with LF or CRLF; text before the first file is left out.
 * Counts in a hunk header decide where it ends, so that added lines which look like headers stay lines.
 */
export function parseDiff(text: string): DiffFile[] {
  const files: Building[] = [];
  let file: Building | null = null;
  let hunk: Building['hunks'][number] | null = null;
  let next = 0;
  let oldLeft = 0;
  let newLeft = 0;
  const open = (path: string): Building => {
    const made: Building = { path, kind: 'changed', hunks: [], added: 0, removed: 0 };
    files.push(made);
    hunk = null;
    return made;
  };
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    const stop = end === -1 ? text.length : end;
    const line = text.charCodeAt(stop - 1) === 13 ? text.slice(at, stop - 1) : text.slice(at, stop);
    at = stop + 1;
    if (file !== null && hunk !== null && (oldLeft > 0 || newLeft > 0)) {
      const mark = line[0];
      if (mark === '+') {
        hunk.lines.push({ text: line.slice(1), line: next, added: true });
        file.added += 1;
        next += 1;
        newLeft -= 1;
        continue;
      }
      if (mark === '-') {
        hunk.removed.push(line.slice(1));
        file.removed += 1;
        oldLeft -= 1;
        continue;
      }
      if (mark === ' ' || mark === undefined) {
        hunk.lines.push({ text: line.slice(1), line: next, added: false });
        next += 1;
        oldLeft -= 1;
        newLeft -= 1;
        continue;
      }
      if (mark === '\\') continue;
      // A cut diff: the hunk is shorter than it says.
      hunk = null;
    }
    if (line.startsWith('diff --git ')) {
      const names = / b\/(.*)$/.exec(line) ?? / "b\/(.*)"$/.exec(line);
      file = open(names?.[1] ?? line.slice(11));
    } else if (line.startsWith('--- ') && (file === null || file.hunks.length > 0)) {
      file = open(pathOf(line.slice(4)));
      if (line.startsWith('--- /dev/null')) file.kind = 'new';
    } else if (line.startsWith('+++ ') && file !== null) {
      const path = pathOf(line.slice(4));
      if (path !== '/dev/null' && path !== 'dev/null') file.path = path;
      else file.kind = 'deleted';
    } else if (file !== null && line.startsWith('new file mode')) {
      file.kind = line.includes('160000') ? 'submodule' : 'new';
    } else if (file !== null && line.startsWith('--- /dev/null')) {
      if (file.kind === 'changed') file.kind = 'new';
    } else if (file !== null && line.startsWith('deleted file mode')) {
      file.kind = 'deleted';
    } else if (file !== null && /^index [0-9a-f]+\.\.[0-9a-f]+ 160000/.test(line)) {
      file.kind = 'submodule';
    } else if (file !== null && (line.startsWith('Binary files ') || line.startsWith('GIT binary patch'))) {
      file.kind = 'binary';
    } else if (file !== null && line.startsWith('@@ ')) {
      const found = header.exec(line);
      if (found === null) continue;
      oldLeft = Number(found[1] ?? 1);
      next = Number(found[2]);
      newLeft = Number(found[3] ?? 1);
      hunk = { section: found[4] ?? '', lines: [], removed: [] };
      file.hunks.push(hunk);
    }
  }
  return files;
}
