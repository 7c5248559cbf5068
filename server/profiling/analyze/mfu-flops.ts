import { plainOp } from './fusion.js';
import { tensorDims, tensorTexts, type ShapeGroup } from './shapes.js';

/** Why the arithmetic of a matrix or attention kernel is not known. Closed; the texts stand in `incomplete`. */
export const mfuReasons = {
  'no-shapes': 'the capture has no tensor shapes: capture with Level1 (torch_npu) or --task-time=l1 (msprof)',
  'shapes-unfit': 'the shapes do not fit one matrix product, so its FLOP cannot be counted',
  'lengths-unknown': 'the sequence lengths of paged or packed attention are values of the call, not shapes',
  'mask-unknown': 'an attention mask decides how many scores are computed',
  'layout-unknown': 'the shapes do not tell which dimension of the query is the sequence',
  'dtype-unknown': 'no cube peak is known for the type of the first input (FP32 runs as HF32 or in several passes)',
  'peak-unknown': 'neither the core count and clock nor a known chip name are in the capture: keep PROF_*/device_*/info.json.*',
  'above-peak': 'more FLOP per second than the peak allows: a shape, the core count or the clock is not what ran, so nothing is shown',
} as const;
export type MfuReason = keyof typeof mfuReasons;

export type Flops = { readonly flops: number; readonly causal: boolean; readonly upper: boolean } | { readonly reason: MfuReason };

/** A matrix operand as rows × cols of `batch` products; NZ storage is padded to whole fractals. */
interface Matrix {
  readonly batch: number;
  readonly rows: number;
  readonly cols: number;
  readonly padded: boolean;
}

const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

/**
 * Rows and columns of an operand. FRACTAL_NZ keeps (rows, cols) as […, cols/c0, rows/r0, r0, c0], r0 = 16 and c0 = 32 bytes
 * (CANN data-format reference); the rest leading dims are batch.
 */
function matrix(dims: readonly number[], format: string): Matrix | null {
  const nz = /NZ/.test(format);
  if (nz && dims.length >= 4) {
    const [c1, r1, r0, c0] = dims.slice(-4);
    if (c1 === undefined || r1 === undefined || r0 === undefined || c0 === undefined) return null;
    return { batch: product(dims.slice(0, -4)), rows: r1 * r0, cols: c1 * c0, padded: true };
  }
  const [rows, cols] = dims.slice(-2);
  if (rows === undefined || cols === undefined) return null;
  return { batch: product(dims.slice(0, -2)), rows, cols, padded: false };
}

/** A padded dimension holds the logical one when it is not smaller, and by less than one fractal (32 rows at INT8). */
const holds = (stored: number, logical: number, padded: boolean): boolean => stored === logical || (padded && stored > logical && stored - logical < 32);

/** K of A (M × K, or K × M when transposed); null when neither side of A is M. */
function reduction(a: Matrix, m: number): { k: number; padded: boolean } | null {
  if (holds(a.rows, m, a.padded)) return { k: a.cols, padded: a.padded };
  return holds(a.cols, m, a.padded) ? { k: a.rows, padded: a.padded } : null;
}

/** 4-bit weights are packed by 2 into INT8 or by 8 into INT32 storage. */
const packings = [1, 2, 8];

/** True when B holds K × N in either orientation, perhaps padded or packed. */
function fits(b: Matrix, k: number, n: number): boolean {
  return packings.some((p) => (holds(b.rows, k, b.padded) && holds(b.cols * p, n, b.padded)) || (holds(b.rows, n, b.padded) && holds(b.cols * p, k, b.padded)) || (holds(b.rows * p, k, b.padded) && holds(b.cols, n, b.padded)) || (holds(b.rows * p, n, b.padded) && holds(b.cols, k, b.padded)));
}

/** 2·M·K·N·batch of C[M,N] = A · B. M and N come from the output, so transposed and padded operands count right. */
function matmul(inputs: readonly (readonly number[] | null)[], formats: readonly string[], output: readonly number[]): Flops {
  const [first, second] = inputs;
  if (first == null || second == null) return { reason: 'shapes-unfit' };
  const a = matrix(first, formats[0] ?? '');
  const b = matrix(second, formats[1] ?? '');
  const nzOut = output.length >= 4 && a?.padded === true && output.at(-2) === 16 && (output.at(-1) ?? 0) % 16 === 0;
  const c = matrix(output, nzOut ? 'FRACTAL_NZ' : 'ND');
  if (a === null || b === null || c === null) return { reason: 'shapes-unfit' };
  const m = c.rows;
  // Leading dims of A may be folded into its rows, or those of the output: then K is what is left of its elements.
  const whole = c.batch * m;
  const own = reduction(a, m);
  const elements = a.batch * a.rows * a.cols;
  const folded = !a.padded && a.batch !== c.batch && elements % whole === 0 ? elements / whole : null;
  // K from the operand that is not padded, when there is one.
  const known = folded === null ? own : { k: folded, padded: false };
  if (known === null) return { reason: 'shapes-unfit' };
  let k = known.k;
  if (known.padded && !b.padded) k = b.rows === c.cols ? b.cols : b.rows;
  if (!fits(b, k, c.cols)) return { reason: 'shapes-unfit' };
  return { flops: 2 * whole * k * c.cols, causal: false, upper: known.padded && b.padded };
}

/** 2·B·M·K·N of a batched product whose operands are permuted: |A|·|W|·|C| = B³·(MKN)², W = [B, K, N]. */
function transposedBatch(inputs: readonly (readonly number[] | null)[], output: readonly number[]): Flops {
  const [a, w] = inputs;
  const b = w?.length === 3 ? w[0] : undefined;
  if (a == null || w == null || b === undefined) return { reason: 'shapes-unfit' };
  const flops = 2 * Math.sqrt((product(a) * product(w) * product(output)) / b);
  return Math.abs(flops - Math.round(flops)) < 1e-6 * flops ? { flops: Math.round(flops), causal: false, upper: false } : { reason: 'shapes-unfit' };
}

/** 2·M·K·N over all rows of all groups. Rows that belong to no group are counted too: the group list is a value, not a shape. */
function grouped(inputs: readonly (readonly number[] | null)[], formats: readonly string[], output: readonly number[]): Flops {
  const [x, weight] = inputs;
  if (x?.length !== 2 || weight == null) return { reason: 'shapes-unfit' };
  const [m = 0, k = 0] = x;
  const w = matrix(weight, formats[1] ?? '');
  if (w === null || weight.length < 3) return { reason: 'shapes-unfit' };
  const outN = output.at(-1) ?? 0;
  // The output says N, or half of it after a fused SwiGLU; the weight decides which.
  const n = [outN, outN * 2].find((wanted) => fits(w, k, wanted));
  return n === undefined ? { reason: 'shapes-unfit' } : { flops: 2 * m * k * n, causal: false, upper: true };
}

/** Compressed mask of the causal modes. Source: aclnnFusedInferAttentionScore, sparse_mode 2 to 4 take a fixed 2048 × 2048 mask. */
const compressedMask = '2048,2048';

/** Scores of one head of one sequence: all of them, or the lower triangle; null when the mask does not tell. */
function scores(mask: string, queries: number, keys: number): { count: number; causal: boolean } | null {
  if (mask === '') return { count: queries * keys, causal: false };
  return mask === compressedMask && queries === keys ? { count: (queries * (queries + 1)) / 2, causal: true } : null;
}

/**
 * 2·scores·(q_dim + v_dim) over the heads, when the shapes alone tell the sequences: FlashAttentionScore by its softmax output
 * (B, N, S, 8); the inference kernels when no block table and no list of lengths is given, or a list of one.
 * Source: msprof-analyze operator MFU.
 */
function attention(group: ShapeGroup, training: boolean): Flops {
  const texts = tensorTexts(group.inputShapes);
  const [q, k, v] = tensorDims(group.inputShapes);
  if (q == null || k == null || v == null) return { reason: texts.length === 0 ? 'no-shapes' : 'shapes-unfit' };
  const done = (batch: number, queries: number, keys: number, width: number, mask: string): Flops => {
    const seen = scores(mask, queries, keys);
    return seen === null ? { reason: 'mask-unknown' } : { flops: 2 * batch * seen.count * width, causal: seen.causal, upper: false };
  };
  if (training) {
    const softmax = tensorDims(group.outputShapes).find((d) => d?.length === 4);
    const [batch, heads, queries] = softmax ?? [];
    if (batch === undefined || heads === undefined || queries === undefined) return { reason: 'layout-unknown' };
    const width = product(q) / (batch * queries);
    // Keys of a sequence: the key holds batch × keys × its own heads, one of its dims is the sequence.
    const keys = k.length === 3 ? (k.filter((d) => d !== batch).slice(0, 1)[0] ?? queries) : queries;
    if (!Number.isInteger(width) || product(k) % (batch * keys) !== 0) return { reason: 'shapes-unfit' };
    return done(batch, queries, keys, 2 * width, texts[6] ?? '');
  }
  const mask = texts[4] ?? '';
  const lengths = texts[5] ?? '';
  const keyLengths = texts[6] ?? '';
  // Input 14 of FusedInferAttentionScore is the block table.
  if ((texts[14] ?? '') !== '') return { reason: 'lengths-unknown' };
  const [d0 = 0, d1 = 0, d2 = 0, d3 = 0] = q;
  const [e0 = 0, e1 = 0, e2 = 0] = k;
  if (q.length === 3 && k.length === 3 && v.length === 3 && d2 === e2 && lengths === '1' && (keyLengths === '1' || keyLengths === '') && d1 % e1 === 0) return done(1, d0, e0, d1 * (d2 + (v[2] ?? 0)), mask);
  if (lengths !== '' || keyLengths !== '') return { reason: 'lengths-unknown' };
  if (q.length === 4 && k.length === 4 && v.length === 4 && d0 === e0 && d3 === k[3]) {
    const vDim = v[3] ?? 0;
    // Heads and sequence change places between BNSD and BSND; grouped heads differ, self-attention lengths do not.
    if (d2 === e2 && d1 !== e1 && d1 % e1 === 0) return done(d0, d2, e2, d1 * (d3 + vDim), mask);
    if (d1 === e1 && d2 !== e2 && d2 % e2 === 0) return done(d0, d1, e1, d2 * (d3 + vDim), mask);
    return { reason: 'layout-unknown' };
  }
  return { reason: 'lengths-unknown' };
}

/** Which arithmetic an op type does; null: neither a matrix product nor attention. */
function kindOf(opType: string): 'matmul' | 'transposed-batch' | 'grouped' | 'attention' | 'flash' | null {
  const op = plainOp(opType).toLowerCase();
  if (/grad$/.test(op)) return null;
  if (/^(?:fusedinferattentionscore|incre?flashattention|promptflashattention|pagedattention|pagedmlaattention|multilatentattention|unpadflashattention|selfattention)/.test(op)) return 'attention';
  if (/^flashattentionscore/.test(op)) return 'flash';
  // Fused with a collective: the time is not the product's alone.
  if (/allreduce|allgather|reducescatter|alltoall/.test(op)) return null;
  if (/^(?:\w+_)?(?:quant)?groupedmatmul|^groupedmatmul/.test(op)) return 'grouped';
  if (/^transpose(?:quant)?batchmatmul/.test(op)) return 'transposed-batch';
  return /^(?:weight)?(?:quant)?(?:batch)?matmul/.test(op) ? 'matmul' : null;
}

/** FLOP of one call of a group; null for kernels this is not asked of. Multiply and add count two. */
export function flopsOf(group: ShapeGroup): Flops | null {
  const kind = kindOf(group.opType);
  if (kind === null) return null;
  if (kind === 'attention' || kind === 'flash') return attention(group, kind === 'flash');
  const inputs = tensorDims(group.inputShapes);
  const [output] = tensorDims(group.outputShapes);
  if (inputs.length === 0 || output === undefined) return { reason: 'no-shapes' };
  if (output === null) return { reason: 'shapes-unfit' };
  const formats = tensorTexts(group.inputFormats);
  if (kind === 'grouped') return grouped(inputs, formats, output);
  return kind === 'transposed-batch' ? transposedBatch(inputs, output) : matmul(inputs, formats, output);
}
