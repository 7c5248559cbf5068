import type { Threshold } from '../contract/threshold.js';
import type { DType } from './tensors/dtypes.js';

/** Level of the double benchmark: how much an operator matters. */
export type Level = 'L0' | 'L1' | 'L2';

const ecosystem = 'Ascend operator precision standard for contributed operators: MERE < T and MARE < 10 T';
const benchmark = 'msprobe benchmark comparison and the Ascend commercial operator standard';

/** Largest mean relative error by dtype; the largest single one is ten times it. A dtype that is not here has no public limit. */
export const singleLimits: Partial<Record<DType, Threshold>> = {
  fp32: { value: 2 ** -13, source: ecosystem, why: 'ten bits of the mantissa may be lost to another order of sums' },
  fp16: { value: 2 ** -10, source: ecosystem, why: 'one unit of the last place' },
  bf16: { value: 2 ** -7, source: ecosystem, why: 'one unit of the last place' },
  fp8_e4m3: { value: 2 ** -3, source: ecosystem, why: 'one unit of the last place' },
  fp8_e5m2: { value: 2 ** -2, source: ecosystem, why: 'one unit of the last place' },
};

/** Below `region` a relative error says little, so an element is judged by `tolerance`. */
export const smallValues: Partial<Record<DType, { readonly region: Threshold; readonly tolerance: Threshold }>> = {
  fp32: { region: { value: 2 ** -14, source: benchmark, why: 'below it a relative error measures rounding' }, tolerance: { value: 2 ** -30, source: benchmark, why: 'absolute error allowed there' } },
  fp16: { region: { value: 2 ** -11, source: benchmark, why: 'below it a relative error measures rounding' }, tolerance: { value: 2 ** -16, source: benchmark, why: 'absolute error allowed there' } },
  bf16: { region: { value: 2 ** -8, source: benchmark, why: 'below it a relative error measures rounding' }, tolerance: { value: 2 ** -16, source: benchmark, why: 'absolute error allowed there' } },
};

/** Largest ratio of the NPU's error to that of the third implementation. */
export const doubleLimits: Record<Level, { readonly mare: Threshold; readonly mere: Threshold; readonly rmse: Threshold; readonly small: Threshold }> = {
  L0: { mare: ratio(10), mere: ratio(2), rmse: ratio(2), small: ratio(2) },
  L1: { mare: ratio(5), mere: ratio(1.5), rmse: ratio(1.5), small: ratio(2) },
  L2: { mare: ratio(2), mere: ratio(1.2), rmse: ratio(1.2), small: ratio(2) },
};

function ratio(value: number): Threshold {
  return { value, source: benchmark, why: 'error of the NPU over error of the third implementation, both against the golden' };
}

export const accuracy = {
  mareFactor: { value: 10, source: ecosystem, why: 'one element may be ten times worse than the mean' },
  epsilon: { value: 1e-7, source: ecosystem, why: 'added to |golden| so that a zero divides' },
  /** Of NaN and infinities, of integers, and of elements in the small-value region of the single benchmark. */
  none: { value: 0, source: benchmark, why: 'a single such element is wrong' },
} as const satisfies Record<string, Threshold>;

/** Operators that msprobe guards above L0. */
export const levelOf: Readonly<Record<string, Level>> = {
  embedding: 'L1', npu_fusion_attention: 'L1', npu_fusion_attention_grad: 'L1', scatter_: 'L1', scatter_add_: 'L1',
  addmm: 'L2', gelu: 'L2', npu_cross_entropy_loss: 'L2',
};

const agentSkills = 'Ascend agent-skills, operator design';
const tritonAscend = 'Triton-Ascend programming guide';
const tileLang = 'xLLM TileLang-Ascend kernel guide';

export const constraint = {
  /** bytes */
  ubRow: { value: 32, source: tritonAscend, why: 'vector instructions and moves work on 32-byte blocks of the unified buffer' },
  /** bytes */
  cubeRow: { value: 512, source: tritonAscend, why: 'moves between cube and vector want 512-byte rows' },
  /** elements */
  matrix: { value: 16, source: agentSkills, why: 'the matrix unit works on 16 × 16 fractals' },
  /** product of the grid */
  grid: { value: 65_535, source: tritonAscend, why: 'the launch keeps the block count in 16 bits' },
  repeat: { value: 255, source: agentSkills, why: 'repeatTime is 8 bits: 256 becomes 0 and nothing is computed' },
  /** bytes of one accumulator */
  accumulator: { value: 4, source: agentSkills, why: 'L0C holds fp32 or int32 sums' },
  threads: { value: 2, source: tileLang, why: 'a TileLang-Ascend kernel runs with 1 or 2 threads' },
  buffers: { value: 64, source: agentSkills, why: 'InitBuffer holds at most 64 buffers' },
  /** share of L0C */
  l0cShare: { value: 0.5, source: `${tileLang}: 16384 of 32768 sums`, why: 'half leaves room for double buffering' },
} as const satisfies Record<string, Threshold>;

export const performance = {
  /** launches of one shape on one side of a capture */
  launches: { value: 5, source: 'migration gate M7: warm 5, active 5', why: 'fewer launches are one accident away from another median' },
  /** speed-up */
  slowest: { value: 0.95, source: 'migration gate M7', why: 'no shape of the production set may be more than 5 % slower' },
  /** share */
  clock: { value: 0.01, source: 'our rule', why: 'kernels at different clocks are not compared: the clock alone would make the difference' },
} as const satisfies Record<string, Threshold>;

/** Sizes of this room. */
export const limits = {
  /** elements read at a time */
  chunk: { value: 1 << 19, source: 'own', why: '512 Ki elements: 4 MB of doubles a tensor, so memory does not grow with the file' },
  /** chunks between two words of progress */
  reported: { value: 32, source: 'own', why: '16 Mi elements: about a second of work' },
  /** elements named as the worst */
  worst: { value: 8, source: 'own', why: 'enough to see a pattern (stripe, tail, one core)' },
  /** speed-up wanted when none is given */
  minSpeedup: { value: 1.05, source: 'migration gate M7', why: 'a smaller gain does not pay for a kernel that has to be maintained' },
  /** of one answer; the artifact holds all */
  shown: { value: 8, source: 'result budget of 8 kB', why: 'the worst come first' },
  /** bytes of a safetensors or npy header */
  header: { value: 64 << 20, source: 'safetensors allows 100 MB', why: 'a longer header is no header' },
  /** ms of one call */
  callMs: { value: 40_000, source: 'contract: what takes longer than 45 s becomes a job', why: 'the answer still has to be written' },
  /** bytes compared at a time of a deflated archive */
  inflate: { value: 1 << 20, source: 'own', why: 'one read of a compressed member' },
} as const satisfies Record<string, Threshold>;
