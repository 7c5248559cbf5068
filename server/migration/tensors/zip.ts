import { crc32 } from 'node:zlib';
import { foreign, ToolError } from '../../contract/index.js';
import { readBytes } from '../../host/bytes.js';
import { fileSize } from '../../host/files.js';
import { deflatedSource, plainSource, type ByteSource } from './source.js';

/** One file of an archive. Layout: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.14–4.3.16 and 4.5.3. */
export interface Member {
  readonly name: string;
  /** Bytes, decompressed. */
  readonly size: number;
  readonly open: () => Promise<ByteSource>;
}

const tailBytes = 65_557;
const most = 0xffff_ffff;

function broken(path: string, what: string): ToolError {
  return new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 300)} is no whole zip archive: ${what}`, 'write it again with numpy.savez or numpy.savez_compressed');
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const big = (v: DataView, at: number): number => Number(v.getBigUint64(at, true));

/** A member that is checked against the directory's CRC-32 once its last byte was read. */
function whole(source: ByteSource, path: string, size: number, expected: number): ByteSource {
  let read = 0;
  let sum = 0;
  return {
    read: async (count) => {
      const bytes = await source.read(count);
      sum = crc32(bytes, sum);
      read += bytes.length;
      if (read === size && sum !== expected) throw broken(path, 'the checksum of a member is wrong, so its data were damaged');
      return bytes;
    },
    close: () => source.close(),
  };
}

/** Where the central directory lies. */
async function directory(path: string, size: number): Promise<{ offset: number; bytes: number }> {
  const start = Math.max(0, size - tailBytes);
  const tail = await readBytes(path, start, size - start);
  const v = view(tail);
  for (let at = tail.length - 22; at >= 0; at -= 1) {
    if (v.getUint32(at, true) !== 0x0605_4b50) continue;
    const [bytes, offset] = [v.getUint32(at + 12, true), v.getUint32(at + 16, true)];
    if (offset !== most && bytes !== most) return { offset, bytes };
    if (at < 20 || v.getUint32(at - 20, true) !== 0x0706_4b50) throw broken(path, 'no zip64 locator');
    const record = view(await readBytes(path, big(v, at - 12), 56));
    if (record.byteLength < 56 || record.getUint32(0, true) !== 0x0606_4b50) throw broken(path, 'no zip64 record');
    return { bytes: big(record, 40), offset: big(record, 48) };
  }
  throw broken(path, 'no end of its directory');
}

/** Sizes and place of a member, from the zip64 field where the short ones are full. */
function wide(v: DataView, at: number, name: number, extra: number): { size: number; packed: number; offset: number } {
  const short = { size: v.getUint32(at + 24, true), packed: v.getUint32(at + 20, true), offset: v.getUint32(at + 42, true) };
  const end = at + 46 + name + extra;
  for (let p = at + 46 + name; p + 4 <= end; p += 4 + v.getUint16(p + 2, true)) {
    if (v.getUint16(p, true) !== 1) continue;
    let q = p + 4;
    const take = (value: number): number => {
      if (value !== most) return value;
      q += 8;
      return big(v, q - 8);
    };
    return { size: take(short.size), packed: take(short.packed), offset: take(short.offset) };
  }
  return short;
}

/** The members of a zip archive. @throws ToolError E_FORMAT_UNKNOWN for a damaged, encrypted or otherwise packed one */
export async function members(path: string): Promise<Member[]> {
  const size = await fileSize(path);
  const { offset, bytes } = await directory(path, size);
  if (offset + bytes > size) throw broken(path, 'its directory lies behind its end');
  const v = view(await readBytes(path, offset, bytes));
  const found: Member[] = [];
  for (let at = 0; at + 46 <= v.byteLength; ) {
    if (v.getUint32(at, true) !== 0x0201_4b50) throw broken(path, 'a damaged directory');
    const [flags, method, nameBytes, extra, comment] = [v.getUint16(at + 8, true), v.getUint16(at + 10, true), v.getUint16(at + 28, true), v.getUint16(at + 30, true), v.getUint16(at + 32, true)];
    const next = at + 46 + nameBytes + extra + comment;
    if (next > v.byteLength) throw broken(path, 'a damaged directory');
    if ((flags & 1) !== 0 || (method !== 0 && method !== 8)) throw broken(path, 'a member that is encrypted, or packed by another method than deflate');
    const name = new TextDecoder().decode(new Uint8Array(v.buffer, v.byteOffset + at + 46, nameBytes));
    const place = wide(v, at, nameBytes, extra);
    const checksum = v.getUint32(at + 16, true);
    found.push({
      name,
      size: place.size,
      open: async () => {
        const local = view(await readBytes(path, place.offset, 30));
        if (local.byteLength < 30 || local.getUint32(0, true) !== 0x0403_4b50) throw broken(path, 'a member that is not where the directory says');
        const data = place.offset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
        return whole(method === 0 ? plainSource(path, data) : deflatedSource(path, data, place.packed), path, place.size, checksum);
      },
    });
    at = next;
  }
  return found;
}
