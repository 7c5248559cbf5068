import { parentPort, workerData } from 'node:worker_threads';
import { readPieces, type KernelFile, type KernelPiece, type KernelTarget } from './kernelPart.js';

/** What a thread is given: pieces, columns in memory that all threads see, and there which piece is next. */
export interface KernelWork {
  readonly file: KernelFile;
  readonly pieces: readonly KernelPiece[];
  readonly target: KernelTarget;
  readonly next: Int32Array;
}

/** The other end is kernelThreads.ts of this very version, so the shape is known. */
function isWork(value: unknown): value is KernelWork {
  return typeof value === 'object' && value !== null && 'file' in value && 'pieces' in value && 'target' in value && 'next' in value;
}

const work: unknown = workerData;
if (isWork(work)) parentPort?.postMessage(await readPieces(work.file, work.pieces, work.target, work.next));
