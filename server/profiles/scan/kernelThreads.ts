import { open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { isMainThread, Worker } from 'node:worker_threads';
import { limits } from '../thresholds.js';
import { readPieces, type KernelFile, type KernelParts, type KernelPiece, type KernelTarget } from './kernelPart.js';
import { type KernelWork } from './kernelWorker.js';

/** A piece of a CSV that begins with a record, as far as a line break can tell, and about how many rows it has. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
}

/** Bytes looked at in one place to find a line break and the length of a row. */
const sampleBytes = 1 << 14;
/** Places looked at in a piece. */
const samples = 8;

/** Threads a CSV of so many bytes is worth. Compiled code only: Node.js does not run TypeScript in a thread. */
export function threadsFor(bytes: number): number {
  // A thread that reads one of many captures has the others beside it.
  if (!isMainThread || bytes < limits.threadedBytes || !import.meta.url.endsWith('.js')) return 1;
  return Math.max(1, Math.min(limits.csvThreads, availableParallelism(), Math.floor((2 * bytes) / limits.threadedBytes)));
}

/**
 * Cuts [from, size) at line breaks into at most `count` pieces. A line break inside a quoted cell is found out by the reading.
 * @param room rows of a piece against those that the places looked at make likely
 */
export async function pieces(path: string, from: number, size: number, count: number, room: number): Promise<Piece[]> {
  const file = await open(path, 'r');
  const buffer = Buffer.alloc(sampleBytes);
  const read = async (at: number): Promise<Buffer> => buffer.subarray(0, (await file.read(buffer, 0, sampleBytes, at)).bytesRead);
  try {
    const edges = [from];
    for (let i = 1; i < count; i++) {
      const at = from + Math.floor(((size - from) * i) / count);
      const found = (await read(at)).indexOf(0x0a);
      if (found >= 0 && at + found + 1 > (edges.at(-1) ?? 0) && at + found + 1 < size) edges.push(at + found + 1);
    }
    edges.push(size);
    const list: Piece[] = [];
    for (const [i, to] of edges.slice(1).entries()) {
      const start = edges[i] ?? from;
      let [seen, breaks] = [0, 0];
      for (let k = 0; k < samples; k++) {
        const at = start + Math.floor(((to - start) * k) / samples);
        const sample = (await read(at)).subarray(0, to - at);
        seen += sample.length;
        for (let j = sample.indexOf(0x0a); j >= 0; j = sample.indexOf(0x0a, j + 1)) breaks++;
      }
      list.push({ from: start, to, rows: Math.ceil(((to - start) * breaks * room) / Math.max(1, seen)) + 64 });
    }
    return list;
  } finally {
    await file.close();
  }
}

function inThread(work: KernelWork, signal: AbortSignal | undefined): Promise<KernelParts | null> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL('./kernelWorker.js', import.meta.url), { workerData: work });
    const stop = (): void => void worker.terminate();
    const end = (parts: KernelParts | null): void => {
      signal?.removeEventListener('abort', stop);
      resolve(parts);
    };
    signal?.addEventListener('abort', stop, { once: true });
    worker.on('message', end).on('error', () => end(null)).on('exit', () => end(null));
  });
}

/**
 * Reads the pieces side by side, on this thread too; each thread takes the next piece when it is done with one, so that none waits for one
 * that started late. Null when a thread failed.
 */
export async function readSideBySide(file: KernelFile, list: readonly KernelPiece[], target: KernelTarget, threads: number, signal: AbortSignal | undefined): Promise<KernelParts[] | null> {
  const next = new Int32Array(new SharedArrayBuffer(4));
  const others = Array.from({ length: threads - 1 }, () => inThread({ file, pieces: list, target, next }, signal));
  const all = await Promise.all([readPieces(file, list, target, next, signal), ...others]);
  signal?.throwIfAborted();
  const whole = all.filter((parts) => parts !== null);
  return whole.length === all.length ? whole : null;
}
