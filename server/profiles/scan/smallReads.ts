import { readSync } from 'node:fs';
import { type FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { limits } from '../thresholds.js';

/**
 * Reads a file in pieces small enough that the scanner finds them in the processor's cache. As a task of its own each would cost more
 * than it takes, so they hold the thread, and give it back now and then: for an abort, a time limit, other calls.
 */
export class SmallReads {
  #since = 0;

  constructor(readonly handle: FileHandle, readonly signal: AbortSignal | undefined) {}

  /** @param length at most so many bytes @param position byte of the file; null: behind the last read. Gives how many were read. @throws the reason of an abort */
  async into(buffer: Buffer, at: number, length: number, position: number | null): Promise<number> {
    if (this.#since >= limits.turnBytes) {
      await setImmediate();
      this.#since = 0;
    }
    this.signal?.throwIfAborted();
    const bytes = readSync(this.handle.fd, buffer, at, length, position);
    this.#since += bytes;
    return bytes;
  }
}
