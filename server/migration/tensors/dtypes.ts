/** Element types read from files. */
export const dtypes = ['fp64', 'fp32', 'fp16', 'bf16', 'fp8_e4m3', 'fp8_e5m2', 'int64', 'int32', 'int16', 'int8', 'uint64', 'uint32', 'uint16', 'uint8', 'bool'] as const;
export type DType = (typeof dtypes)[number];

/** Bytes of one element. */
export const width: Readonly<Record<DType, number>> = { fp64: 8, fp32: 4, fp16: 2, bf16: 2, fp8_e4m3: 1, fp8_e5m2: 1, int64: 8, int32: 4, int16: 2, int8: 1, uint64: 8, uint32: 4, uint16: 2, uint8: 1, bool: 1 };

const names: Readonly<Record<string, DType>> = {
  float64: 'fp64', double: 'fp64', f64: 'fp64', float32: 'fp32', float: 'fp32', f32: 'fp32', float16: 'fp16', half: 'fp16', f16: 'fp16', bfloat16: 'bf16',
  f8_e4m3: 'fp8_e4m3', f8_e5m2: 'fp8_e5m2', float8_e4m3fn: 'fp8_e4m3', float8_e5m2: 'fp8_e5m2', fp8_e4m3fn: 'fp8_e4m3',
  i64: 'int64', i32: 'int32', i16: 'int16', i8: 'int8', u64: 'uint64', u32: 'uint32', u16: 'uint16', u8: 'uint8',
};

const isDType = (name: string): name is DType => Object.hasOwn(width, name);

/** The dtype of a name in the spelling of torch, numpy or safetensors; null for none of them. */
export function dtypeOf(name: string): DType | null {
  const plain = name.toLowerCase().replace(/^torch\./, '');
  if (isDType(plain)) return plain;
  return Object.hasOwn(names, plain) ? (names[plain] ?? null) : null;
}

/** True for types that are compared exactly. */
export function isExact(dtype: DType): boolean {
  return /^(?:u?int|bool)/.test(dtype);
}

/** Value of a small float: `mantissa` bits, exponent `bias`; `finite`: the all-ones exponent is a number too (e4m3fn), only its last pattern is NaN. */
function small(bits: number, exponentBits: number, mantissa: number, bias: number, finite: boolean): number {
  const sign = bits >> (exponentBits + mantissa) === 0 ? 1 : -1;
  const exponent = (bits >> mantissa) & ((1 << exponentBits) - 1);
  const fraction = bits & ((1 << mantissa) - 1);
  const top = (1 << exponentBits) - 1;
  if (exponent === top && !finite) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === top && fraction === (1 << mantissa) - 1) return NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias - mantissa) : sign * (1 + fraction / 2 ** mantissa) * 2 ** (exponent - bias);
}

const tables = new Map<DType, Float64Array>();

/** All values of a type of at most 16 bits. */
function tableOf(dtype: 'fp16' | 'fp8_e4m3' | 'fp8_e5m2'): Float64Array {
  const made = tables.get(dtype) ?? Float64Array.from({ length: dtype === 'fp16' ? 65_536 : 256 }, (_, bits) => (dtype === 'fp16' ? small(bits, 5, 10, 15, false) : dtype === 'fp8_e4m3' ? small(bits, 4, 3, 7, true) : small(bits, 5, 2, 15, false)));
  tables.set(dtype, made);
  return made;
}

function copy(from: ArrayLike<number>, out: Float64Array): void {
  for (let i = 0; i < from.length; i += 1) out[i] = from[i] ?? NaN;
}

/** Values of `count` elements, little-endian, into `out`; 64-bit integers beyond 2⁵³ lose digits there. */
export function decode(dtype: DType, bytes: Uint8Array, count: number, out: Float64Array): void {
  // Views need an aligned start.
  const whole = bytes.byteOffset % width[dtype] === 0 ? bytes : Uint8Array.from(bytes);
  const { buffer, byteOffset: at } = whole;
  switch (dtype) {
    case 'fp64': out.set(new Float64Array(buffer, at, count)); return;
    case 'fp32': out.set(new Float32Array(buffer, at, count)); return;
    case 'int32': out.set(new Int32Array(buffer, at, count)); return;
    case 'int16': out.set(new Int16Array(buffer, at, count)); return;
    case 'int8': out.set(new Int8Array(buffer, at, count)); return;
    case 'uint32': out.set(new Uint32Array(buffer, at, count)); return;
    case 'uint16': out.set(new Uint16Array(buffer, at, count)); return;
    case 'uint8': out.set(new Uint8Array(buffer, at, count)); return;
    case 'bool': copy(new Uint8Array(buffer, at, count).map((v) => (v === 0 ? 0 : 1)), out); return;
    case 'int64': copy(Float64Array.from(new BigInt64Array(buffer, at, count), Number), out); return;
    case 'uint64': copy(Float64Array.from(new BigUint64Array(buffer, at, count), Number), out); return;
    case 'bf16': {
      const halves = new Uint16Array(buffer, at, count);
      const wide = new Uint32Array(count);
      for (let i = 0; i < count; i += 1) wide[i] = (halves[i] ?? 0) << 16;
      out.set(new Float32Array(wide.buffer));
      return;
    }
    case 'fp16': {
      const table = tableOf('fp16');
      const codes = new Uint16Array(buffer, at, count);
      for (let i = 0; i < count; i += 1) out[i] = table[codes[i] ?? 0] ?? NaN;
      return;
    }
    case 'fp8_e4m3':
    case 'fp8_e5m2': {
      const table = tableOf(dtype);
      for (let i = 0; i < count; i += 1) out[i] = table[whole[i] ?? 0] ?? NaN;
    }
  }
}

const word = new Float32Array(1);
const bits = new Uint32Array(word.buffer);

/** True when a value is a number of a narrower float type; NaN and infinities are of every type. */
export function fits(dtype: 'fp32' | 'fp16' | 'bf16', value: number): boolean {
  if (!Number.isFinite(value) || value === 0) return true;
  word[0] = value;
  if (word[0] !== value) return false;
  const pattern = bits[0] ?? 0;
  if (dtype === 'fp32') return true;
  if (dtype === 'bf16') return (pattern & 0xffff) === 0;
  const size = Math.abs(value);
  if (size > 65_504) return false;
  return size < 2 ** -14 ? Number.isInteger(value * 2 ** 24) : (pattern & 0x1fff) === 0;
}
