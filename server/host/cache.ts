import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { readText, sha256File, walk, writeAtomic } from './files.js';
import { admitWrite } from './paths.js';

/**
 * Identity of files by path, inode, size and both times of change, not by content: cheap for captures of many GB. A file whose
 * modification time was put back still differs, for its status change time cannot be set.
 * @param paths real paths of files or folders
 */
export async function fingerprint(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of [...paths].sort()) {
    const info = await stat(path);
    const files = info.isDirectory() ? (await walk(path)).map((f) => join(path, f)) : [path];
    for (const file of files) {
      const s = await stat(file, { bigint: true }).catch(() => null);
      if (s !== null) hash.update(`${file}\0${s.ino}\0${s.size}\0${s.mtimeNs}\0${s.ctimeNs}\n`);
    }
  }
  return hash.digest('hex');
}

/**
 * Milliseconds in which a file whose status just changed may change again without a trace, for file times come in steps. A time with
 * a part below 1 ms is of a file system that takes the kernel's clock, whose longest step is 10 ms (HZ 100); others may step by 2 s (FAT).
 */
const freshMs = (ctimeNs: bigint): number => (ctimeNs % 1_000_000n === 0n ? 3000 : 100);

/** What files are now. */
export interface Identity {
  /** Over path, inode, size and both times of change. */
  readonly key: string;
  /** Content hashes of files that changed a moment ago: an edit within one step of the file system's clock does not show in the key. */
  readonly fresh: readonly (readonly [path: string, sha256: string])[];
}

/** Identity of single files, in the given order; absent ones count as absent. @param paths real paths */
export async function identityOf(paths: readonly string[]): Promise<Identity> {
  const hash = createHash('sha256');
  const fresh: [string, string][] = [];
  for (const path of paths) {
    const s = await stat(path, { bigint: true }).catch(() => null);
    hash.update(s === null ? `${path}\0absent\n` : `${path}\0${s.ino}\0${s.size}\0${s.mtimeNs}\0${s.ctimeNs}\n`);
    if (s !== null && Date.now() - Number(s.ctimeNs / 1_000_000n) < freshMs(s.ctimeNs)) fresh.push([path, await sha256File(path)]);
  }
  return { key: hash.digest('hex'), fresh };
}

/** True when files that were fresh once still have the content they had. */
export async function unchanged(fresh: Identity['fresh']): Promise<boolean> {
  for (const [path, hash] of fresh) if ((await sha256File(path).catch(() => '')) !== hash) return false;
  return true;
}

/**
 * A file that can be made again at any time. `build` writes it under a temporary name; it appears whole or not at all. The least
 * recently used files of the same ending beyond `keep` go.
 * @param root folder that holds the cache @param name path below it, from our own words
 * @param sound false for a file that was damaged meanwhile: it is made again
 * @throws ToolError E_PATH_OUTSIDE when a symlink lies on the way
 */
export async function cachedFile(root: string, name: string, keep: number, build: (temporary: string) => Promise<void>, sound: (path: string) => Promise<boolean> = () => Promise.resolve(true)): Promise<string> {
  const path = await admitWrite(root, name);
  const now = new Date();
  if (await utimes(path, now, now).then(() => sound(path), () => false)) return path;
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${randomBytes(8).toString('hex')}.tmp`);
  try {
    await build(temporary);
    await rename(temporary, path);
  } finally {
    for (const left of ['', '.wal', '.tmp']) await rm(`${temporary}${left}`, { force: true, recursive: true });
  }
  await prune(folder, extname(path), keep, basename(path));
  return path;
}

/** Bytes from which a hash is worth remembering. Measured: 16 MB take 12 ms to hash. */
const largeBytes = 16 << 20;
/** Hashes kept; a file of 64 characters each. */
const hashesKept = 512;

/**
 * SHA-256 of a file. That of a large one is remembered below `root` for as long as its path, inode, size and both times of change stay
 * as they are; it is for new records only, and whoever checks a record hashes the file itself.
 * @throws ToolError E_FILE_UNREADABLE
 */
export async function rememberedHash(root: string, path: string): Promise<string> {
  const look = async (): Promise<string | null> => {
    const s = await stat(path).catch(() => null);
    if (s?.isFile() !== true || s.size < largeBytes) return null;
    const { key, fresh } = await identityOf([path]);
    return fresh.length === 0 ? key : null;
  };
  const before = await look();
  if (before === null) return sha256File(path);
  const name = `.cache/hashes/${before}.txt`;
  const known = /^[0-9a-f]{64}$/.exec((await readText(await admitWrite(root, name)).catch(() => null)) ?? '');
  if (known !== null) return known[0];
  const hash = await sha256File(path);
  if ((await look()) === before) await cachedFile(root, name, hashesKept, (temporary) => writeAtomic(temporary, hash));
  return hash;
}

async function prune(folder: string, ending: string, keep: number, newest: string): Promise<void> {
  const files: { path: string; used: number }[] = [];
  for (const name of await readdir(folder)) {
    if (extname(name) !== ending || name === newest || name.startsWith('.')) continue;
    const info = await stat(join(folder, name)).catch(() => null);
    if (info?.isFile() === true) files.push({ path: join(folder, name), used: info.mtimeMs });
  }
  files.sort((a, b) => b.used - a.used);
  for (const file of files.slice(Math.max(0, keep - 1))) await rm(file.path, { force: true });
}
