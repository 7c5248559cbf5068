import { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { foreign, ToolError } from '../../contract/index.js';
import { readBytes } from '../../host/bytes.js';
import { limits } from '../thresholds.js';

/** Bytes of one member of a file, in order. */
export interface ByteSource {
  /** Exactly `count` bytes. @throws ToolError E_FORMAT_UNKNOWN when the member ends before */
  read(count: number): Promise<Uint8Array>;
  close(): void;
}

function short(path: string): ToolError {
  return new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 300)} ends before its last element`, 'write or copy the file again, whole');
}

/** A range of a file as it lies there. */
export function plainSource(path: string, offset: number): ByteSource {
  let at = offset;
  return {
    read: async (count) => {
      const bytes = await readBytes(path, at, count);
      if (bytes.length !== count) throw short(path);
      at += count;
      return bytes;
    },
    close: () => undefined,
  };
}

async function* pieces(path: string, offset: number, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += limits.inflate.value) yield readBytes(path, offset + at, Math.min(limits.inflate.value, size - at));
}

/** A deflated range of a file; memory does not grow with it. */
export function deflatedSource(path: string, offset: number, size: number): ByteSource {
  const from = Readable.from(pieces(path, offset, size));
  const inflate = from.pipe(createInflateRaw());
  from.on('error', (error) => inflate.destroy(error));
  const chunks: AsyncIterator<unknown, unknown> = inflate[Symbol.asyncIterator]();
  let left: Uint8Array = new Uint8Array(0);
  const next = async (): Promise<Uint8Array> => {
    try {
      const step: IteratorResult<unknown, unknown> = await chunks.next();
      if (step.done !== true && step.value instanceof Uint8Array) return step.value;
    } catch (cause) {
      throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 300)} holds a compressed member that does not decompress`, 'write the archive again', { cause });
    }
    throw short(path);
  };
  return {
    read: async (count) => {
      const out = new Uint8Array(count);
      let filled = 0;
      while (filled < count) {
        if (left.length === 0) left = await next();
        const take = left.subarray(0, count - filled);
        out.set(take, filled);
        filled += take.length;
        left = left.subarray(take.length);
      }
      return out;
    },
    close: () => {
      from.destroy();
      inflate.destroy();
    },
  };
}
