import type { FusionRow } from '../../contract/index.js';
import { foreign } from '../../contract/index.js';
import { taskClass, type Profile } from '../../profiles/profile.js';
import { byText, rowsOf, us } from '../../profiles/derived/numbers.js';
import type { Placed } from './placed.js';

/** One step of a sequence: the op types it may be, and whether it may be left out. */
interface Step {
  readonly any: readonly string[];
  readonly optional?: true;
}

export interface Pattern {
  readonly finding: string;
  readonly pattern: string;
  /** An operator that exists in torch_npu or in xLLM's aclnn set. */
  readonly fusedOp: string;
  readonly steps: readonly Step[];
  /** True when each kernel reads what the one before it wrote, so that shapes can confirm it. */
  readonly chain: boolean;
}

const matmul = ['BatchMatMul', 'MatMul'];
const softmax = ['Softmax'];
const split = ['Slice', 'StridedSlice', 'StridedSliceD', 'Split', 'SplitD', 'SplitVD'];
const concat = ['Concat', 'ConcatD'];

/**
 * Device kernel sequences that one fused operator replaces, longest first: at a position the first that matches is taken.
 * Kernel names without version and suffix (`MatMulV3` is `MatMul`).
 */
export const patterns: readonly Pattern[] = [
  {
    finding: 'unfused-attention',
    pattern: 'BatchMatMul → (scale) → (mask) → Softmax → BatchMatMul',
    fusedOp: 'npu_fused_infer_attention_score',
    chain: true,
    steps: [{ any: matmul }, { any: ['Mul', 'Muls', 'RealDiv', 'Div'], optional: true }, { any: ['Add', 'MaskedFill', 'Select', 'Sub'], optional: true }, { any: ['Cast'], optional: true }, { any: softmax }, { any: ['Cast'], optional: true }, { any: matmul }],
  },
  {
    finding: 'unfused-rmsnorm',
    pattern: '(Cast) → Pow → ReduceMean → Add → Rsqrt → Mul → (Cast) → (Mul)',
    fusedOp: 'npu_rms_norm',
    chain: false,
    steps: [{ any: ['Cast'], optional: true }, { any: ['Pow', 'Square'] }, { any: ['ReduceMean', 'ReduceMeanD'] }, { any: ['Add', 'Adds'] }, { any: ['Rsqrt'] }, { any: ['Mul'] }, { any: ['Cast'], optional: true }, { any: ['Mul'], optional: true }],
  },
  {
    finding: 'unfused-rotary',
    pattern: 'Slice → (Slice) → Neg → Concat → Mul → (Mul) → Add',
    fusedOp: 'npu_rotary_mul',
    chain: false,
    steps: [{ any: split }, { any: split, optional: true }, { any: ['Neg'] }, { any: concat }, { any: ['Mul'] }, { any: ['Mul'], optional: true }, { any: ['Add'] }],
  },
  {
    finding: 'unfused-add-rmsnorm',
    pattern: 'Add → RmsNorm',
    fusedOp: 'npu_add_rms_norm',
    chain: true,
    steps: [{ any: ['Add'] }, { any: ['RmsNorm'] }],
  },
  {
    finding: 'unfused-quant',
    pattern: 'RmsNorm → quantise',
    fusedOp: 'aclnnRmsNormDynamicQuant',
    chain: true,
    steps: [{ any: ['RmsNorm', 'AddRmsNorm'] }, { any: ['Quant', 'Quantize', 'AscendQuant', 'DynamicQuant'] }],
  },
  {
    finding: 'unfused-swiglu',
    pattern: '(Slice) → (Slice) → Silu → Mul',
    fusedOp: 'npu_swiglu',
    chain: false,
    steps: [{ any: split, optional: true }, { any: split, optional: true }, { any: ['Swish', 'Silu'] }, { any: ['Mul'] }],
  },
  {
    finding: 'unfused-swiglu',
    pattern: 'Sigmoid → Mul → Mul',
    fusedOp: 'npu_swiglu',
    chain: true,
    steps: [{ any: ['Sigmoid'] }, { any: ['Mul'] }, { any: ['Mul'] }],
  },
  {
    finding: 'layout-conversion',
    pattern: 'TransData → MatMul → TransData',
    fusedOp: 'MatMul on ND tensors',
    chain: false,
    steps: [{ any: ['TransData'] }, { any: matmul }, { any: ['TransData'] }],
  },
];

/** The plain name of a device kernel type: `MatMulV3` → `MatMul`, `ArgMaxV2AiCore` → `ArgMax`. */
export function plainOp(opType: string): string {
  return opType.replace(/(?:AiCore|AiCpu)$/, '').replace(/V\d+$/, '').replace(/^aclnn/, '');
}

/** First dims of a shape text: `"8,4096;4096"` → `8,4096`; empty when unknown. */
function tensors(text: string): string[] {
  const bare = text.replaceAll('"', '').trim();
  return bare === '' || bare === 'N/A' ? [] : bare.split(';').map((t) => t.trim());
}

interface Match {
  readonly pattern: Pattern;
  /** Positions taken. */
  readonly taken: number;
}

/** Matches from one position, greedy in optional steps, backing off when that fails. @param ops plain name of the kernel at a position */
function matchSteps(steps: readonly Step[], step: number, ops: (at: number) => string | undefined, at: number): number | null {
  const here = steps[step];
  if (here === undefined) return at;
  const op = ops(at);
  if (op !== undefined && here.any.includes(op)) {
    const rest = matchSteps(steps, step + 1, ops, at + 1);
    if (rest !== null) return rest;
  }
  return here.optional === true ? matchSteps(steps, step + 1, ops, at) : null;
}

/** Patterns by the op they may begin with: at most kernels there is none. */
const startingWith = new Map<string, Pattern[]>();
for (const pattern of patterns) {
  for (const step of pattern.steps) {
    for (const op of step.any) {
      const list = startingWith.get(op) ?? [];
      startingWith.set(op, list);
      if (!list.includes(pattern)) list.push(pattern);
    }
    if (step.optional !== true) break;
  }
}

function matchAt(candidates: readonly Pattern[], ops: (at: number) => string | undefined, at: number): Match | null {
  for (const pattern of candidates) {
    const end = matchSteps(pattern.steps, 0, ops, at);
    if (end !== null) return { pattern, taken: end - at };
  }
  return null;
}

/** Rows of the compute kernels of a device by stream, streams ascending. */
function byStream({ tasks }: Profile, from: number, to: number): [number, Int32Array][] {
  const counts = new Map<number, number>();
  let [last, count] = [Number.NaN, 0];
  for (let row = from; row < to; row += 1) {
    if (tasks.class[row] !== taskClass.compute) continue;
    const stream = tasks.stream[row] ?? -1;
    if (stream !== last) {
      if (count > 0) counts.set(last, count);
      [last, count] = [stream, counts.get(stream) ?? 0];
    }
    count += 1;
  }
  if (count > 0) counts.set(last, count);
  const lists = new Map([...counts].map(([stream, n]): [number, { rows: Int32Array; length: number }] => [stream, { rows: new Int32Array(n), length: 0 }]));
  for (let row = from; row < to; row += 1) {
    const list = tasks.class[row] === taskClass.compute ? lists.get(tasks.stream[row] ?? -1) : undefined;
    if (list !== undefined) list.rows[list.length++] = row;
  }
  return [...lists].map(([stream, { rows }]): [number, Int32Array] => [stream, rows]).sort((a, b) => a[0] - b[0]);
}

interface Found {
  readonly pattern: Pattern;
  occurrences: number;
  totalNs: number;
  savingNs: number;
  readonly stream: number;
  readonly first: number;
}

/**
 * Kernel sequences per device and stream that a fused operator replaces. Where shapes are known, each kernel must read what the
 * one before it wrote. The saving counts every kernel of the sequence but the longest: an upper bound for the kernel time, launch
 * gaps not counted. Null when no op type is known.
 */
export function fusionRows(profile: Profile): Placed<FusionRow>[] | null {
  const { tasks, strings } = profile;
  const { operators } = tasks;
  const plain = Array.from(operators.opType, (id) => plainOp(strings.get(id)));
  const candidates = plain.map((op) => startingWith.get(op) ?? []);
  const rows: Placed<FusionRow>[] = [];
  let typed = false;
  for (const [index, device] of profile.devices.entries()) {
    const [from, to] = rowsOf(tasks.device, tasks.length, index);
    for (let row = from; row < to && !typed; row += 1) typed = tasks.class[row] === taskClass.compute && (operators.opType[tasks.operator[row] ?? 0] ?? 0) !== 0;
    const found = new Map<Pattern, Found>();
    for (const [stream, list] of byStream(profile, from, to)) {
      const ops = (at: number): string | undefined => (at < list.length ? plain[tasks.operator[list[at] ?? 0] ?? 0] : undefined);
      for (let at = 0; at < list.length; ) {
        const possible = candidates[tasks.operator[list[at] ?? 0] ?? 0] ?? [];
        const match = possible.length === 0 ? null : matchAt(possible, ops, at);
        const taken = match === null ? [] : [...list.subarray(at, at + match.taken)];
        if (match === null || (match.pattern.chain && !flows(profile, taken))) {
          at += 1;
          continue;
        }
        const durations = taken.map((row) => tasks.durationNs[row] ?? 0);
        const total = durations.reduce((a, b) => a + b, 0);
        const sum = found.get(match.pattern) ?? { pattern: match.pattern, occurrences: 0, totalNs: 0, savingNs: 0, stream, first: taken[0] ?? 0 };
        sum.occurrences += 1;
        sum.totalNs += total;
        sum.savingNs += total - Math.max(...durations);
        found.set(match.pattern, sum);
        at += match.taken;
      }
    }
    for (const sum of found.values()) {
      const row: FusionRow = {
        device: device.id,
        rank: device.rank,
        pattern: sum.pattern.pattern,
        fused_op: sum.pattern.fusedOp,
        occurrences: sum.occurrences,
        total_us: us(sum.totalNs),
        saving_us_estimate: us(sum.savingNs),
        evidence: `${sum.stream < 0 ? 'stream not known' : `stream ${sum.stream}`}, first at kernel ${foreign(strings.get(tasks.name[sum.first] ?? 0), 80)}`,
      };
      rows.push({ at: index, row });
    }
  }
  return typed ? rows : null;
}

/** By device and rank, longest first. */
export function byFusion(a: FusionRow, b: FusionRow): number {
  return a.device - b.device || (a.rank ?? -1) - (b.rank ?? -1) || b.total_us - a.total_us || byText(a.pattern, b.pattern);
}

/** False when the shapes say that a kernel of the sequence does not read the output of the one before it. */
function flows(profile: Profile, rows: readonly number[]): boolean {
  const { tasks, strings } = profile;
  const { operators } = tasks;
  for (let i = 1; i < rows.length; i += 1) {
    const outputs = tensors(strings.get(operators.outputShapes[tasks.operator[rows[i - 1] ?? 0] ?? 0] ?? 0));
    const inputs = tensors(strings.get(operators.inputShapes[tasks.operator[rows[i] ?? 0] ?? 0] ?? 0));
    if (outputs.length > 0 && inputs.length > 0 && !outputs.some((o) => inputs.includes(o))) return false;
  }
  return true;
}
