import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createGunzip } from 'node:zlib';
import { redactText, redactValue } from '../contract/index.js';
import { sha256File } from './files.js';

/** Text is redacted in pieces of about this many characters, cut at a line end. */
const pieceChars = 8 * 1024 * 1024;
/** A piece without a line end grows up to this before it is cut where it stands: a string of Node.js holds twice as much. */
const longestPiece = 256 * 1024 * 1024;
/** How much of a compressed file is unpacked to look for secrets. */
const gunzipBytes = 4 * 1024 * 1024 * 1024;

export interface RedactedCopy {
  /** `secret`: a secret stands in a file that is not text; nothing was copied. */
  readonly state: 'same' | 'redacted' | 'secret';
  /** Of the copy; those of the original where nothing was copied. */
  readonly bytes: number;
  readonly sha256: string;
}

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** Redacted text; JSON that text rules would break (a secret that is a number) is redacted by key and value instead. */
function redactJson(text: string): string {
  const out = redactText(text);
  return out === text || parses(out) || !parses(text) ? out : JSON.stringify(redactValue(JSON.parse(text)));
}

function redactPiece(text: string, name: string): string {
  if (name.endsWith('.jsonl')) return text.split('\n').map(redactJson).join('\n');
  return name.endsWith('.json') ? redactJson(text) : redactText(text);
}

/** Where a piece may end: after a line that no secret runs on from; 0 when there is no such place yet. */
function cutAt(text: string): number {
  const key = text.lastIndexOf('-----BEGIN ');
  const open = key >= 0 && !text.includes('-----END ', key) ? key : text.length;
  for (let at = text.lastIndexOf('\n', open - 1); at > 0; at = text.lastIndexOf('\n', at - 1)) if (!/(?:[=:]|--?[A-Za-z][\w-]*|bearer|basic|token)\s*$/i.test(text.slice(Math.max(0, at - 200), at))) return at + 1;
  return 0;
}

interface Kind {
  readonly text: boolean;
  readonly encoding: 'utf8' | 'latin1';
  readonly gzip: boolean;
}

/** Text has no NUL byte. What is not UTF-8 is read byte by byte (latin1), so that it comes out as it was. */
async function kindOf(path: string): Promise<Kind> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let utf8 = true;
  let gzip = false;
  let first = true;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    if (!(chunk instanceof Uint8Array)) continue;
    if (first) gzip = chunk[0] === 0x1f && chunk[1] === 0x8b;
    first = false;
    if (chunk.includes(0)) return { text: false, encoding: 'latin1', gzip };
    if (!utf8) continue;
    try {
      decoder.decode(chunk, { stream: true });
    } catch {
      utf8 = false;
    }
  }
  return { text: !gzip, encoding: utf8 ? 'utf8' : 'latin1', gzip };
}

/** Runs of printable characters of a file that is not text, as `strings` gives them. */
async function secretInBinary(path: string, gzip: boolean): Promise<boolean> {
  const stream = gzip ? createReadStream(path).pipe(createGunzip()) : createReadStream(path, { highWaterMark: 1 << 20 });
  let rest = '';
  let seen = 0;
  try {
    for await (const chunk of stream) {
      if (!(chunk instanceof Uint8Array)) continue;
      seen += chunk.length;
      const runs = (rest + Buffer.from(chunk).toString('latin1')).split(/[^\t\n\r\x20-\x7e]+/);
      rest = (runs.pop() ?? '').slice(-65_536);
      for (const run of [...runs, rest]) if (run.length >= 8 && redactText(run) !== run) return true;
      if (gzip && seen > gunzipBytes) break;
    }
  } catch {
    // A cut-off archive: what could be unpacked was looked at.
  }
  return false;
}

/** Copies a text file without its secrets, in pieces. */
async function copyText(from: string, to: string, encoding: Kind['encoding']): Promise<Omit<RedactedCopy, 'state'> & { changed: boolean }> {
  const hash = createHash('sha256');
  let bytes = 0;
  let changed = false;
  let pending = '';
  const out = await open(to, 'w', 0o644);
  const put = async (piece: string): Promise<void> => {
    const clean = redactPiece(piece, from);
    changed ||= clean !== piece;
    const data = Buffer.from(clean, encoding);
    hash.update(data);
    bytes += data.length;
    await out.writeFile(data);
  };
  try {
    for await (const chunk of createReadStream(from, { encoding, highWaterMark: 1 << 20 })) {
      pending += String(chunk);
      if (pending.length < pieceChars) continue;
      const cut = pending.length > longestPiece ? pending.length : cutAt(pending);
      if (cut === 0) continue;
      await put(pending.slice(0, cut));
      pending = pending.slice(cut);
    }
    await put(pending);
  } finally {
    await out.close();
  }
  return { bytes, sha256: hash.digest('hex'), changed };
}

/** Copies one file without the secrets in it. Compressed files (gzip) are looked into and never changed. @throws ToolError E_FILE_UNREADABLE */
export async function copyRedacted(from: string, to: string): Promise<RedactedCopy> {
  await mkdir(dirname(to), { recursive: true });
  const kind = await kindOf(from);
  if (kind.text) {
    const { changed, ...copy } = await copyText(from, to, kind.encoding);
    return { state: changed ? 'redacted' : 'same', ...copy };
  }
  const bytes = await copyWhole(from, to);
  const secret = await secretInBinary(to, kind.gzip);
  const sha256 = await sha256File(to);
  if (secret) await rm(to);
  return { state: secret ? 'secret' : 'same', bytes, sha256 };
}

/** Copies one file as it is. @returns its size */
export async function copyWhole(from: string, to: string): Promise<number> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
  const handle = await open(to, 'r');
  try {
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}
