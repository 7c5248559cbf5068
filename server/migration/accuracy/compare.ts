import { foreign, ToolError, type OpErrors, type OpWorst } from '../../contract/index.js';
import type { Watch } from '../outcome.js';
import { limits } from '../thresholds.js';
import { decode, fits, isExact, width, type DType } from '../tensors/dtypes.js';
import { chunksOf, type Tensor } from '../tensors/open.js';
import { Errors, type Rules } from './errors.js';

export interface Compared {
  readonly errors: OpErrors;
  readonly benchmark: OpErrors | null;
  readonly worst: readonly OpWorst[];
}

/** Exact differences of two chunks of 64-bit integers. */
function differences(golden: Uint8Array, actual: Uint8Array, count: number, signed: boolean): Float64Array {
  const list = (bytes: Uint8Array): BigInt64Array | BigUint64Array => (signed ? new BigInt64Array(bytes.buffer, bytes.byteOffset, count) : new BigUint64Array(bytes.buffer, bytes.byteOffset, count));
  const [g, a] = [list(golden), list(actual)];
  return Float64Array.from({ length: count }, (_, i) => Number((a[i] ?? 0n) - (g[i] ?? 0n)));
}

/** Next chunk of a tensor; the caller asks for as many as the first has. */
async function next(chunks: AsyncGenerator<{ readonly bytes: Uint8Array; readonly count: number }>, path: string): Promise<{ readonly bytes: Uint8Array; readonly count: number }> {
  const step: IteratorResult<{ readonly bytes: Uint8Array; readonly count: number }, unknown> = await chunks.next();
  if (step.done === true) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 300)} ends before the golden does`, 'write the file again');
  return step.value;
}

/**
 * Reads golden, actual and benchmark side by side, a chunk of each at a time: memory does not grow with the files.
 * Shapes and orders are the same, the caller saw to it.
 * @param narrow the actual's container is wider than its dtype: every value must be one of that dtype
 * @throws ToolError E_ARG_CONFLICT when one is not; E_FORMAT_UNKNOWN
 */
export async function compareTensors(golden: Tensor, actual: Tensor, benchmark: Tensor | null, rules: Rules, narrow: 'fp32' | 'fp16' | 'bf16' | null, watch?: Watch): Promise<Compared> {
  const chunk = limits.chunk.value;
  const buffer = (): Float64Array => new Float64Array(Math.min(chunk, golden.count));
  const [g, a, b] = [buffer(), buffer(), benchmark === null ? null : buffer()];
  const errors = new Errors(rules);
  const others = new Errors(rules);
  const wide: DType | null = golden.dtype === actual.dtype && isExact(golden.dtype) && width[golden.dtype] === 8 ? golden.dtype : null;
  const [fromGolden, fromActual, fromBenchmark] = [chunksOf(golden, chunk), chunksOf(actual, chunk), benchmark === null ? null : chunksOf(benchmark, chunk)];
  let strangers = 0;
  let read = 0;
  try {
    for await (const { bytes, count } of fromGolden) {
      watch?.signal.throwIfAborted();
      // Large tensors take minutes: the client hears that work goes on.
      if (read > 0 && read % (limits.reported.value * chunk) === 0) watch?.progress(`${Math.floor((read / golden.count) * 100)} % of ${golden.count} elements compared`);
      read += count;
      decode(golden.dtype, bytes, count, g);
      const own = await next(fromActual, actual.path);
      decode(actual.dtype, own.bytes, count, a);
      if (narrow !== null) for (let i = 0; i < count; i += 1) if (!fits(narrow, a[i] ?? 0)) strangers += 1;
      errors.add(g, a, count, wide === null ? null : differences(bytes, own.bytes, count, wide === 'int64'));
      if (fromBenchmark !== null && benchmark !== null && b !== null) {
        decode(benchmark.dtype, (await next(fromBenchmark, benchmark.path)).bytes, count, b);
        others.add(g, b, count);
      }
    }
  } finally {
    await fromActual.return(undefined);
    await fromBenchmark?.return(undefined);
  }
  if (strangers > 0 && narrow !== null) {
    throw new ToolError('E_ARG_CONFLICT', `dtype ${narrow}, but ${strangers} of ${actual.count} elements of actual are not ${narrow} numbers`, `leave dtype out to judge them as ${actual.dtype}, or give the output of the ${narrow} kernel`);
  }
  return { errors: errors.result(), benchmark: benchmark === null ? null : others.result(), worst: errors.worst(golden.shape, golden.order) };
}
