import { createHash, randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { access, link, mkdir, open, readFile, readdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { foreign, ToolError } from '../contract/index.js';

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Hash of a file, streamed. @throws ToolError E_FILE_UNREADABLE */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) if (chunk instanceof Uint8Array) hash.update(chunk);
  } catch (cause) {
    throw new ToolError('E_FILE_UNREADABLE', `${foreign(path, 300)} could not be read`, 'check its permissions', { cause });
  }
  return hash.digest('hex');
}

/**
 * Writes a file so that a reader sees the old bytes or the new ones, never a part: temporary file, fsync, rename, fsync of the folder.
 * With `exclusive` an existing file is kept and E_ARTIFACT_EXISTS thrown.
 */
export async function writeAtomic(path: string, data: string | Uint8Array, options: { exclusive?: boolean; mode?: number } = {}): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${randomBytes(8).toString('hex')}.tmp`);
  try {
    const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, options.mode ?? 0o644);
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (options.exclusive === true) {
      await link(temporary, path).catch((cause: unknown) => {
        throw new ToolError('E_ARTIFACT_EXISTS', `${foreign(path, 300)} is already there; raw evidence is written once`, 'open a new run, or a new job in this run', { cause });
      });
      await rm(temporary, { force: true });
    } else {
      await rename(temporary, path);
    }
    const dir = await open(folder, 'r');
    try {
      await dir.sync();
    } finally {
      await dir.close();
    }
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Appends one line and syncs it. The caller holds the run's lock. */
export async function appendLine(path: string, line: string): Promise<void> {
  const handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW, 0o644);
  try {
    await handle.writeFile(`${line}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A text file, or null when it is not there. @throws ToolError E_FILE_UNREADABLE beyond `maxBytes` or without permission */
export async function readText(path: string, maxBytes = 64 * 1024 * 1024): Promise<string | null> {
  const info = await stat(path).catch(() => null);
  if (info === null) return null;
  if (info.size > maxBytes) throw new ToolError('E_FILE_UNREADABLE', `${foreign(path, 300)} has ${info.size} bytes, more than the ${maxBytes} read of such a file`, 'give the file the tool writes, not a log or an archive');
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new ToolError('E_FILE_UNREADABLE', `${foreign(path, 300)} could not be read`, 'check its kind and its permissions', { cause });
  }
}

/** Removes a file; it being gone already is fine. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

export async function isFolder(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => null);
  return info !== null && info.isDirectory();
}

export async function fileSize(path: string): Promise<number> {
  return (await stat(path)).size;
}

export async function listFolder(path: string): Promise<string[]> {
  return (await readdir(path).catch(() => [])).sort();
}

/** Every regular file below a folder, relative, sorted, symlinks not followed. */
export async function walk(root: string): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isFile()) found.push(relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'));
  return found.sort();
}

/** Where a symbolic link points, as written; null when nothing or something else is there. */
export async function linkTarget(path: string): Promise<string | null> {
  return readlink(path).catch(() => null);
}

/** Makes a symbolic link and the folders above it. @throws ToolError E_PATH_KIND when something is there already */
export async function makeLink(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await symlink(target, path);
  } catch (cause) {
    throw new ToolError('E_PATH_KIND', `${foreign(path, 300)} is there already`, 'move it away, or keep it and leave this one out', { cause });
  }
}
