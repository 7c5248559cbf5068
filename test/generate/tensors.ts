import { deflateRawSync } from 'node:zlib';

/** Bits of the nearest fp16, ties to even: a second implementation of the format, by search over its grid. */
export function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size || 2 ** -30)));
  const step = 2 ** (exponent - 10);
  const q = size / step;
  const low = Math.floor(q);
  const rounded = q - low > 0.5 || (q - low === 0.5 && low % 2 === 1) ? low + 1 : low;
  const n = rounded * step;
  if (n < 2 ** -14) return sign | Math.round(n * 2 ** 24);
  const e = Math.floor(Math.log2(n));
  return sign | ((e + 15) << 10) | Math.round((n / 2 ** e - 1) * 1024);
}

/** Bits of the nearest bf16, ties to even. */
export function brainBits(value: number): number {
  const word = Buffer.alloc(4);
  word.writeFloatBE(value);
  const bits = word.readUInt32BE();
  const low = bits & 0xffff;
  const high = bits >>> 16;
  return low > 0x8000 || (low === 0x8000 && high % 2 === 1) ? (high + 1) & 0xffff : high;
}

type Kind = 'fp64' | 'fp32' | 'fp16' | 'bf16' | 'int64' | 'int32' | 'int8' | 'uint8' | 'bool';

/** Little-endian bytes of values. */
export function raw(kind: Kind, values: readonly (number | bigint)[]): Buffer {
  const each = { fp64: 8, fp32: 4, fp16: 2, bf16: 2, int64: 8, int32: 4, int8: 1, uint8: 1, bool: 1 }[kind];
  const out = Buffer.alloc(values.length * each);
  values.forEach((value, i) => {
    const at = i * each;
    const v = Number(value);
    if (kind === 'fp64') out.writeDoubleLE(v, at);
    else if (kind === 'fp32') out.writeFloatLE(v, at);
    else if (kind === 'fp16') out.writeUInt16LE(halfBits(v), at);
    else if (kind === 'bf16') out.writeUInt16LE(brainBits(v), at);
    else if (kind === 'int64') out.writeBigInt64LE(BigInt(value), at);
    else if (kind === 'int32') out.writeInt32LE(v, at);
    else if (kind === 'int8') out.writeInt8(v, at);
    else out.writeUInt8(v, at);
  });
  return out;
}

const numpy: Record<Kind, string> = { fp64: '<f8', fp32: '<f4', fp16: '<f2', bf16: '|V2', int64: '<i8', int32: '<i4', int8: '|i1', uint8: '|u1', bool: '|b1' };

/** A .npy as numpy writes it: header padded to 64 bytes. */
export function npy(kind: Kind, shape: readonly number[], values: readonly (number | bigint)[] | Buffer, options: { fortran?: boolean; descr?: string } = {}): Buffer {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${options.descr ?? numpy[kind]}', 'fortran_order': ${options.fortran === true ? 'True' : 'False'}, 'shape': (${dims}), }`;
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10;
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY', 'latin1');
  head.writeUInt8(1, 6);
  head.writeUInt16LE(length, 8);
  return Buffer.concat([head, Buffer.from(dict.padEnd(length - 1) + '\n'), Buffer.isBuffer(values) ? values : raw(kind, values)]);
}

/** CRC-32 bit by bit, as APPNOTE 4.4.7 defines it. */
export function crcByBits(data: Buffer): number {
  let c = 0xffffffff;
  for (const byte of data) {
    c ^= byte;
    for (let k = 0; k < 8; k += 1) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return (c ^ 0xffffffff) >>> 0;
}

/** A zip of stored or deflated members; `zip64` fills the short sizes with ones, as archives of large arrays do. */
export function zip(files: Readonly<Record<string, Buffer>>, options: { deflate?: boolean; zip64?: boolean } = {}): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, data] of Object.entries(files)) {
    const packed = options.deflate === true ? deflateRawSync(data) : data;
    const method = options.deflate === true ? 8 : 0;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(method, 8);
    const checksum = crcByBits(data);
    local.writeUInt32LE(checksum, 14);
    local.writeUInt32LE(packed.length, 18);
    local.writeUInt32LE(data.length, 22);
    local.writeUInt16LE(name.length, 26);
    const wide = options.zip64 === true;
    const extra = Buffer.alloc(wide ? 28 : 0);
    if (wide) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      extra.writeBigUInt64LE(BigInt(data.length), 4);
      extra.writeBigUInt64LE(BigInt(packed.length), 12);
      extra.writeBigUInt64LE(BigInt(offset), 20);
    }
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(checksum, 16);
    entry.writeUInt32LE(wide ? 0xffffffff : packed.length, 20);
    entry.writeUInt32LE(wide ? 0xffffffff : data.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt16LE(extra.length, 30);
    entry.writeUInt32LE(wide ? 0xffffffff : offset, 42);
    central.push(entry, Buffer.from(name), extra);
    parts.push(local, Buffer.from(name), packed);
    offset += 30 + name.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, directory, end]);
}

const safeNames: Record<Kind, string> = { fp64: 'F64', fp32: 'F32', fp16: 'F16', bf16: 'BF16', int64: 'I64', int32: 'I32', int8: 'I8', uint8: 'U8', bool: 'BOOL' };

export function safetensors(tensors: Readonly<Record<string, { kind: Kind; shape: readonly number[]; values: readonly number[] }>>): Buffer {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  const data: Buffer[] = [];
  let at = 0;
  for (const [name, { kind, shape, values }] of Object.entries(tensors)) {
    const bytes = raw(kind, values);
    header[name] = { dtype: safeNames[kind], shape, data_offsets: [at, at + bytes.length] };
    data.push(bytes);
    at += bytes.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...data]);
}

/** Reproducible numbers in [−1, 1). */
export function numbers(count: number, seed = 1): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
