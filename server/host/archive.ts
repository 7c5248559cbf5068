import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { create, extract, type ReadEntry } from 'tar';
import { foreign, ToolError } from '../contract/index.js';

/** What an archive may hold, so that a small file cannot fill a disk. */
export interface ArchiveLimits {
  readonly files: number;
  /** All files together, unpacked. */
  readonly bytes: number;
  /** Unpacked bytes for each packed one, counted once `bytes` / 64 are unpacked: text logs reach about 50, deflate's own limit is 1032. */
  readonly ratio: number;
}

export const archiveLimits: ArchiveLimits = { files: 200_000, bytes: 32 * 1024 ** 3, ratio: 400 };

/** A folder of our own in `parent` (the system's temporary folder by default), and how to be rid of it. */
export async function temporaryFolder(parent = tmpdir(), prefix = 'xllm-npu-'): Promise<{ path: string; remove: () => Promise<void> }> {
  await mkdir(parent, { recursive: true });
  const path = await realpath(await mkdtemp(join(parent, prefix)));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** The names in a folder, whatever they are. */
export async function names(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}

/** True for a file that begins as gzip does. */
export async function isGzip(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
}

/**
 * Packs files into a `.tar.gz` whose bytes depend on names, modes and content alone: order as given, no times, no owners.
 * It appears whole or not at all. @param files relative to `folder`
 */
export async function pack(folder: string, files: readonly string[], to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const temporary = join(dirname(to), `.${randomBytes(8).toString('hex')}.tmp`);
  try {
    // Times, owners and the gzip header's system byte are left out by `portable`; jobs: 1 keeps the order.
    await pipeline(create({ cwd: folder, portable: true, mtime: new Date(0), gzip: { level: 6 }, jobs: 1, noDirRecurse: true, strict: true }, [...files]), createWriteStream(temporary, { flags: 'wx', mode: 0o644 }));
    const handle = await open(temporary, 'r+');
    await handle.sync();
    await handle.close();
    await rename(temporary, to);
  } finally {
    await rm(temporary, { force: true });
  }
}

function refused(seen: string, cause?: unknown): ToolError {
  return new ToolError('E_ARCHIVE_REFUSED', seen, 'nothing of it was kept; ask for a new bundle, made with xllm-npu bundle', cause === undefined ? {} : { cause });
}

/** Why an entry may not be unpacked; null: it may. Only plain files and folders with plain relative names. */
function objection(entry: ReadEntry): string | null {
  const name = foreign(entry.path, 120);
  if (entry.type !== 'File' && entry.type !== 'OldFile' && entry.type !== 'Directory') return `${name} is a ${foreign(entry.type, 30)}, not a plain file`;
  if (entry.path.startsWith('/') || /^[A-Za-z]:|[\\\0\r\n]/.test(entry.path) || entry.path.split('/').some((part) => part === '..' || part === '.')) return `${name} is not a plain relative name`;
  return null;
}

/**
 * Unpacks a `.tar.gz` into an empty folder of our own. Every entry is judged before a byte of it is written.
 * @throws ToolError E_ARCHIVE_REFUSED for links, devices, absolute names, `..`, a name twice, and anything beyond the limits
 */
export async function unpack(archive: string, folder: string, limits: ArchiveLimits = archiveLimits): Promise<void> {
  const seen = new Set<string>();
  let declared = 0;
  let packed = 0;
  let unpacked = 0;
  const state: { problem: string | null } = { problem: null };
  const refuse = (why: string): false => {
    state.problem ??= why;
    return false;
  };
  const count = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      packed += chunk.length;
      done(null, chunk);
    },
  });
  const guard = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      unpacked += chunk.length;
      if (unpacked > limits.bytes + limits.files * 2048) refuse(`it unpacks to more than ${limits.bytes} bytes`);
      else if (unpacked > limits.bytes / 64 && unpacked > packed * limits.ratio) refuse(`it unpacks to more than ${limits.ratio} times its size`);
      if (state.problem === null) done(null, chunk);
      else done(new Error(state.problem));
    },
  });
  const reader = extract({
    cwd: folder,
    strict: true,
    preserveOwner: false,
    noMtime: true,
    filter: (_path, entry) => {
      if (state.problem !== null || !('type' in entry && 'path' in entry)) return false;
      const why = objection(entry);
      if (why !== null) return refuse(why);
      const name = entry.path.replace(/\/+$/, '');
      if (seen.has(name)) return refuse(`${foreign(entry.path, 120)} is in it twice`);
      seen.add(name);
      declared += entry.size;
      if (seen.size > limits.files) return refuse(`it holds more than ${limits.files} files`);
      if (declared > limits.bytes) return refuse(`it unpacks to more than ${limits.bytes} bytes`);
      return true;
    },
  });
  try {
    await pipeline(createReadStream(archive), count, createGunzip(), guard, reader);
  } catch (cause) {
    throw refused(state.problem ?? 'it is not a whole .tar.gz', cause);
  }
  // The reader may have ended before the guard saw what the filter refused.
  if (state.problem !== null) throw refused(state.problem);
}
