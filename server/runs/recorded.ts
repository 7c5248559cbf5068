import { isAbsolute, join } from 'node:path';
import type { EventFile } from '../contract/index.js';
import { readText, sha256, sha256File } from '../host/files.js';

/** What became of a recorded file: its bytes are as written, other than written, or gone (or above the size asked). */
export interface Recorded {
  readonly state: 'same' | 'changed' | 'missing';
  /** Null when missing. */
  readonly text: string | null;
}

/** The path of a recorded file whose bytes are as written; null: gone or changed. For files that are not text. */
export async function recordedPath(runDir: string, file: EventFile): Promise<string | null> {
  const path = isAbsolute(file.path) ? file.path : join(runDir, file.path);
  return (await sha256File(path).catch(() => null)) === file.sha256 ? path : null;
}

/** The text of a file of the ledger, and whether it still is what was written. @param maxBytes a larger file counts as missing */
export async function readRecorded(runDir: string, file: EventFile, maxBytes = 32 * 1024 * 1024): Promise<Recorded> {
  if (file.bytes > maxBytes) return { state: 'missing', text: null };
  const text = await readText(isAbsolute(file.path) ? file.path : join(runDir, file.path)).catch(() => null);
  if (text === null) return { state: 'missing', text: null };
  return { state: sha256(text) === file.sha256 ? 'same' : 'changed', text };
}
