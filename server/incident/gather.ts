import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { Readable } from 'node:stream';
import { ToolError } from '../contract/index.js';
import { readBytes } from '../host/bytes.js';
import { fileSize, isFolder, walk } from '../host/files.js';
import type { Host } from '../host/host.js';
import type { Source } from './extract.js';
import { fileName } from './names.js';
import { limits } from './thresholds.js';

/** Files that are no logs by their name; everything else is read. */
const noLog = /\.(?:json|bin|db|csv|safetensors|so|py|pyc|png|jpg|html|tar|tgz|zip|whl|npy|pt|pth|o|h|cpp|core)$|\.(?:tar\.gz|json\.gz)$/i;

/** Bytes of a file in pieces, from `from`. */
async function* pieces(path: string, from: number, until: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let offset = from; offset < until; ) {
    signal.throwIfAborted();
    const chunk = await readBytes(path, offset, Math.min(limits.chunkBytes.value, until - offset));
    if (chunk.length === 0) return;
    offset += chunk.length;
    yield chunk;
  }
}

async function* unzipped(path: string, size: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: 1024 * 1024 });
  const input = Readable.from(pieces(path, 0, size, signal));
  input.on('error', (error) => gunzip.destroy(error));
  let total = 0;
  for await (const chunk of input.pipe(gunzip)) {
    if (!(chunk instanceof Uint8Array)) continue;
    total += chunk.length;
    if (total > limits.totalBytes.value) throw new Error('invalid: too much data');
    yield chunk;
  }
}

/** A file as pieces of text, decompressed when its first bytes are gzip's. @param tail only the last bytes; null: all */
async function sourceOf(path: string, shown: string, tail: number | null, signal: AbortSignal): Promise<Source> {
  const size = await fileSize(path);
  const head = await readBytes(path, 0, 2);
  if (head[0] === 0x1f && head[1] === 0x8b) return { path: shown, chunks: unzipped(path, size, signal) };
  return { path: shown, chunks: pieces(path, tail === null ? 0 : Math.max(0, size - tail), size, signal) };
}

export interface LogFile {
  readonly real: string;
  readonly shown: string;
}

/**
 * Log files below the given paths, rotated pieces included, in a fixed order. Names are shown relative to the given folder's parent.
 * @throws ToolError E_PATH_*, E_FORMAT_UNKNOWN when a folder holds no log file
 */
export async function logFiles(host: Host, paths: readonly string[]): Promise<LogFile[]> {
  const found: LogFile[] = [];
  for (const path of paths) {
    const real = await host.admit(path);
    if (!(await isFolder(real))) {
      found.push({ real, shown: real });
      continue;
    }
    for (const name of await walk(real)) if (!noLog.test(name)) found.push({ real: join(real, name), shown: join(real, name) });
  }
  if (found.length === 0) throw new ToolError('E_FORMAT_UNKNOWN', 'no log file below the given paths', 'give the folder of plogs, the log folder of the framework, or text');
  if (found.length > limits.files.value) throw new ToolError('E_ARG_TYPE', `${found.length} files, more than ${limits.files.value}`, 'give the log folders of one incident');
  const unique = new Map(found.map((f) => [f.real, f]));
  return [...unique.values()].sort((a, b) => (a.real < b.real ? -1 : 1));
}

/** The file as a source, opened when its turn comes. @param index its place among those given @throws ToolError E_FILE_UNREADABLE */
export async function openLog(file: LogFile, tail: number | null, signal: AbortSignal, index = 0): Promise<Source> {
  try {
    return await sourceOf(file.real, file.shown, tail, signal);
  } catch (cause) {
    throw new ToolError('E_FILE_UNREADABLE', `${fileName(file.real, index)} of those given, in the order of their paths, could not be opened`, 'check its permissions', { cause });
  }
}

/** Text as a source. */
export function textSource(path: string, text: string): Source {
  return { path, chunks: Readable.from([Buffer.from(text, 'utf8')]) };
}
