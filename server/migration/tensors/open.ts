import { extname } from 'node:path';
import { foreign, ToolError } from '../../contract/index.js';
import { fileSize } from '../../host/files.js';
import { limits } from '../thresholds.js';
import { dtypeOf, width, type DType } from './dtypes.js';
import { plainSource, type ByteSource } from './source.js';
import { members } from './zip.js';

/** A tensor in a file; its elements are not read yet. */
export interface Tensor {
  readonly path: string;
  /** Inside an archive; null for a file of one tensor. */
  readonly name: string | null;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly count: number;
  /** Order of the elements in the file; a vector is both, and counts as C. */
  readonly order: 'C' | 'F';
  readonly bigEndian: boolean;
  /** At the first element. */
  readonly open: () => Promise<ByteSource>;
}

/** What a file does not say by itself. */
export interface Given {
  readonly dtype: DType | null;
  /** Of a .bin file. */
  readonly shape: readonly number[] | null;
  /** A golden .bin may be wider than the dtype: its own size says fp32 or fp64. */
  readonly wider: boolean;
}

const size = (shape: readonly number[]): number => shape.reduce((a, n) => a * n, 1);

function unknown(path: string, what: string, next = 'save it with numpy.save, or as safetensors'): ToolError {
  return new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 300)}: ${what}`, next);
}

const numpyKinds: Readonly<Record<string, DType>> = { f8: 'fp64', f4: 'fp32', f2: 'fp16', i8: 'int64', i4: 'int32', i2: 'int16', i1: 'int8', u8: 'uint64', u4: 'uint32', u2: 'uint16', u1: 'uint8', b1: 'bool' };

/** dtype and byte order of a numpy descr; bfloat16 is saved as two raw bytes (V2), so it must be said. */
function numpyType(path: string, descr: string, given: Given): { dtype: DType; bigEndian: boolean } {
  const kind = descr.replace(/^[<>|=]/, '');
  const dtype = Object.hasOwn(numpyKinds, kind) ? numpyKinds[kind] : kind === 'V2' && given.dtype === 'bf16' ? 'bf16' : undefined;
  if (dtype === undefined) throw unknown(path, kind === 'V2' ? 'elements of two raw bytes' : 'elements that are no numbers', kind === 'V2' ? 'give dtype bf16 if that is what they are' : 'save an array of floats or integers');
  return { dtype, bigEndian: descr.startsWith('>') };
}

/** The header of NEP 1: magic, version, length, a Python dict. Leaves the source at the first element. */
async function npyHeader(path: string, source: ByteSource, given: Given): Promise<Omit<Tensor, 'path' | 'name' | 'open'> & { readonly header: number }> {
  const start = await source.read(10);
  if (start[0] !== 0x93 || new TextDecoder().decode(start.subarray(1, 6)) !== 'NUMPY') throw unknown(path, 'not an npy file: its first bytes are others');
  let header = (start[8] ?? 0) + 256 * (start[9] ?? 0);
  let before = 10;
  if ((start[6] ?? 1) > 1) {
    const more = await source.read(2);
    header += 65_536 * ((more[0] ?? 0) + 256 * (more[1] ?? 0));
    before = 12;
  }
  if (header > limits.header.value) throw unknown(path, 'a header that is too long to be one');
  const text = new TextDecoder().decode(await source.read(header));
  const descr = /'descr':\s*'([^']{1,20})'/.exec(text)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const dims = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || dims === undefined) throw unknown(path, 'an npy header without dtype, order or shape', 'save a plain array, not a structured one');
  const shape = dims.split(',').map((d) => d.trim()).filter((d) => d !== '').map(Number);
  return { ...numpyType(path, descr, given), shape, count: size(shape), order: order === 'True' && shape.filter((n) => n !== 1).length > 1 ? 'F' : 'C', header: before + header };
}

async function npyTensor(path: string, name: string | null, bytes: number, open: () => Promise<ByteSource>, given: Given): Promise<Tensor> {
  const first = await open();
  try {
    const { header, ...rest } = await npyHeader(path, first, given);
    const need = header + rest.count * width[rest.dtype];
    if (bytes !== need) throw unknown(path, `${bytes} bytes where its header needs ${need}`, 'write or copy the file again, whole');
    return {
      path, name, ...rest,
      open: async () => {
        const source = await open();
        await source.read(header);
        return source;
      },
    };
  } finally {
    first.close();
  }
}

function pick<T>(path: string, wanted: string | null, names: ReadonlyMap<string, T>): readonly [string, T] {
  const list = [...names.keys()].slice(0, 8).map((n) => foreign(n, 60)).join(', ');
  if (wanted === null && names.size === 1) for (const only of names) return only;
  const found = wanted === null ? undefined : names.get(wanted);
  if (wanted === null || found === undefined) throw new ToolError(wanted === null ? 'E_ARG_MISSING' : 'E_ARG_TYPE', `${foreign(path, 300)} holds ${names.size} tensors${wanted === null ? '' : ', none of that name'}`, `write path#name; names: ${list}`);
  return [wanted, found];
}

async function npzTensor(path: string, wanted: string | null, given: Given): Promise<Tensor> {
  const all = new Map((await members(path)).filter((m) => m.name.endsWith('.npy')).map((m) => [m.name.slice(0, -4), m]));
  const [name, member] = pick(path, wanted, all);
  return npyTensor(path, name, member.size, member.open, given);
}

interface SafeEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function safeEntry(value: unknown): SafeEntry | null {
  if (typeof value !== 'object' || value === null || !('dtype' in value) || !('shape' in value) || !('data_offsets' in value)) return null;
  const { dtype, shape, data_offsets: place } = value;
  const [from, to] = isNumbers(place) ? place : [];
  return typeof dtype === 'string' && isNumbers(shape) && from !== undefined && to !== undefined ? { dtype, shape, from, to } : null;
}

/** A safetensors file: 8 bytes of header length, JSON, data. Source: huggingface/safetensors format description. */
async function safeTensor(path: string, bytes: number, wanted: string | null): Promise<Tensor> {
  const start = await plainSource(path, 0).read(8);
  const header = Number(new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true));
  if (header > limits.header.value || 8 + header > bytes) throw unknown(path, 'no safetensors header');
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(await plainSource(path, 8).read(header)));
  } catch (cause) {
    throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 300)} has no safetensors header that can be read`, 'write the file again', { cause });
  }
  const entries = new Map<string, SafeEntry>();
  for (const [name, value] of Object.entries(typeof parsed === 'object' && parsed !== null ? parsed : {})) {
    const entry = name === '__metadata__' ? null : safeEntry(value);
    if (entry !== null) entries.set(name, entry);
  }
  const [name, entry] = pick(path, wanted, entries);
  const dtype = dtypeOf(entry.dtype);
  if (dtype === null) throw unknown(path, 'a dtype that is not read', 'convert it to a float or an integer type');
  const count = size(entry.shape);
  if (entry.to - entry.from !== count * width[dtype] || 8 + header + entry.to > bytes) throw unknown(path, 'a tensor whose bytes do not fit its shape', 'write or copy the file again, whole');
  return { path, name, dtype, shape: entry.shape, count, order: 'C', bigEndian: false, open: () => Promise.resolve(plainSource(path, 8 + header + entry.from)) };
}

function binTensor(path: string, bytes: number, given: Given): Tensor {
  if (given.dtype === null || given.shape === null) throw new ToolError('E_ARG_MISSING', 'a .bin file without dtype or shapes', 'give dtype (fp16, bf16, fp32, int8 …) and shapes ("20,30")');
  const count = size(given.shape);
  const each = bytes / count;
  const wide = given.wider && each !== width[given.dtype] ? (each === 4 ? 'fp32' : each === 8 ? 'fp64' : null) : null;
  const dtype = wide ?? given.dtype;
  if (each !== width[dtype]) throw unknown(path, `${bytes} bytes are not ${count} elements of ${dtype}`, 'correct shapes or dtype');
  return { path, name: null, dtype, shape: given.shape, count, order: 'C', bigEndian: false, open: () => Promise.resolve(plainSource(path, 0)) };
}

/**
 * The tensor of a .npy, .npz, .safetensors or .bin file. Only its header is read.
 * @param name inside an archive; null when it holds one
 * @throws ToolError E_FILE_EMPTY, E_FORMAT_UNKNOWN, E_ARG_MISSING (dtype and shapes of a .bin, name inside an archive), E_ARG_TYPE (no such name)
 */
export async function openTensor(path: string, name: string | null, given: Given): Promise<Tensor> {
  const bytes = await fileSize(path);
  if (bytes === 0) throw new ToolError('E_FILE_EMPTY', `${foreign(path, 300)} has no byte`, 'write the tensor again');
  switch (extname(path).toLowerCase()) {
    case '.npy': return npyTensor(path, null, bytes, () => Promise.resolve(plainSource(path, 0)), given);
    case '.npz': return npzTensor(path, name, given);
    case '.safetensors': return safeTensor(path, bytes, name);
    case '.bin': return binTensor(path, bytes, given);
    default: throw unknown(path, 'its name does not end in .npy, .npz, .safetensors or .bin', 'a .pt file: load it with torch and save it as .npy or safetensors');
  }
}

/** Elements of a tensor in file order. */
export async function* chunksOf(tensor: Tensor, chunk: number): AsyncGenerator<{ readonly bytes: Uint8Array; readonly count: number }> {
  const source = await tensor.open();
  const each = width[tensor.dtype];
  try {
    for (let at = 0; at < tensor.count; at += chunk) {
      const count = Math.min(chunk, tensor.count - at);
      const bytes = await source.read(count * each);
      if (tensor.bigEndian && each > 1) {
        const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        if (each === 2) whole.swap16();
        else if (each === 4) whole.swap32();
        else whole.swap64();
      }
      yield { bytes, count };
    }
  } finally {
    source.close();
  }
}
