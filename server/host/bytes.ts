import { open, stat } from 'node:fs/promises';

/** At most `max` bytes of a file from `offset`; empty when the file is not there or ends before. */
export async function readBytes(path: string, offset: number, max: number): Promise<Uint8Array> {
  const handle = await open(path, 'r').catch(() => null);
  if (handle === null) return new Uint8Array(0);
  try {
    const buffer = new Uint8Array(max);
    const { bytesRead } = await handle.read(buffer, 0, max, offset);
    return buffer.subarray(0, bytesRead);
  } catch {
    return new Uint8Array(0);
  } finally {
    await handle.close();
  }
}

/** The beginning and the end of a text file that may be very large. */
export interface Ends {
  readonly head: string;
  /** Empty when `head` is the whole file. */
  readonly tail: string;
  readonly skippedBytes: number;
}

/**
 * The first `headBytes` and last `tailBytes` of a file, cut at line ends where something is left out; null when it is not there.
 * @param until bytes of the file that count; null for all
 */
export async function readEnds(path: string, headBytes: number, tailBytes: number, until: number | null = null): Promise<Ends | null> {
  const info = await stat(path).catch(() => null);
  if (info === null || !info.isFile()) return null;
  const decoder = new TextDecoder();
  const size = Math.min(info.size, until ?? info.size);
  if (size <= headBytes + tailBytes) return { head: decoder.decode(await readBytes(path, 0, size)), tail: '', skippedBytes: 0 };
  const head = decoder.decode(await readBytes(path, 0, headBytes));
  const tail = new TextDecoder().decode(await readBytes(path, size - tailBytes, tailBytes));
  return { head: head.slice(0, head.lastIndexOf('\n') + 1), tail: tail.slice(tail.indexOf('\n') + 1), skippedBytes: size - headBytes - tailBytes };
}
