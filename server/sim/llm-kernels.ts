import type { CoreType, HostTaskType, SimKernel } from './capture.js';
import { simChip, type DecodeOptions, type SimChip, type Unfused } from './llm-options.js';
import type { PipeProfile } from './llm-pmu.js';

/** One kernel to launch, before it has a time. */
export interface KernelPlan {
  readonly name: string;
  readonly hostType: HostTaskType;
  readonly kernel: SimKernel;
  /** At the rated clock. */
  readonly ns: number;
  readonly profile: PipeProfile;
  /** Set where the kernel belongs to a planted pattern. */
  readonly pattern: string | null;
}

export type StepItem =
  { readonly kind: 'kernel'; readonly plan: KernelPlan } | { readonly kind: 'all-reduce'; readonly elements: number };

interface Sketch {
  readonly op: string;
  readonly api: string;
  readonly core: CoreType;
  readonly inputs: readonly (readonly number[])[];
  readonly outputs: readonly (readonly number[])[];
  /** Bytes moved and, for matmuls, floating-point operations. */
  readonly bytes: number;
  readonly flops?: number;
  readonly type?: string;
  readonly formats?: readonly string[];
  readonly profile: PipeProfile;
  readonly pattern?: string;
  readonly us?: number;
}

const hostTypes: Record<CoreType, HostTaskType> = {
  AI_CORE: 'KERNEL_AICORE',
  AI_VECTOR_CORE: 'KERNEL_AIVEC',
  MIX_AIC: 'KERNEL_MIX_AIC',
  MIX_AIV: 'KERNEL_MIX_AIV',
  AI_CPU: 'KERNEL_AICPU',
};
const shapes = (list: readonly (readonly number[])[]): string => list.map((dims) => dims.join(',')).join(';');
const repeat = (text: string, count: number): string => Array.from({ length: count }, () => text).join(';');

/** Shortest kernel the simulator makes; launches of real elementwise kernels take about this. */
const floorUs = 2.2;
const vectorBoundFactor = 20;
/** fp16 on the cube: 16·16·16 multiply-adds per cycle and core, of which the simulated kernels reach 70 %. */
const flopsPerCycle = 8192;
const reachedShare = 0.7;
/** From so many rows on a matmul is limited by the cube, not by reading weights (910B: about 300 operations per byte). */
const cubeRows = 256;
/** Tokens per block of the KV cache, as xLLM and vLLM-Ascend set it. */
const blockTokens = 128;
const experts = 64;
const expertsPerToken = 8;

/** The kernels of one step, in launch order, for one rank. `tokens` is the batch in decode, the prompt in prefill. */
export class StepProgram {
  readonly #options: DecodeOptions;
  readonly #chip: SimChip;
  readonly #tokens: number;
  readonly #prefill: boolean;
  readonly #items: StepItem[] = [];

  constructor(options: DecodeOptions, prefill: boolean) {
    this.#options = options;
    this.#chip = simChip(options.chip);
    this.#prefill = prefill;
    this.#tokens = prefill ? options.prefillTokens : options.batch;
  }

  items(): readonly StepItem[] {
    const { layers, model, ranks } = this.#options;
    const h = model.hidden;
    this.#vector(
      'GatherV2',
      'aclnnEmbedding_GatherV2AiCore',
      [[model.vocab, h], [this.#tokens]],
      [[this.#tokens, h]],
      this.#tokens * h * 4,
    );
    for (let layer = 0; layer < layers; layer += 1) this.#layer(layer);
    this.#norm(true);
    this.#matmul('aclnnMatmul_MatMulCommon', this.#options.batch, h, Math.ceil(model.vocab / ranks));
    this.#vector(
      'ArgMaxV2',
      'aclnnArgMax_ArgMaxAiCore',
      [[this.#options.batch, model.vocab]],
      [[this.#options.batch]],
      this.#options.batch * model.vocab * 2,
    );
    return this.#items;
  }

  #layer(layer: number): void {
    const { model, ranks, unfused } = this.#options;
    const t = this.#tokens;
    const q = (model.heads * model.headDim) / ranks;
    const kv = (Math.max(model.kvHeads, ranks) * model.headDim) / ranks;
    const inter = model.intermediate / ranks;
    this.#norm(layer === 0);
    this.#matmul('aclnnMatmul_MatMulCommon', t, model.hidden, q + 2 * kv);
    this.#rotary(t, q + kv);
    this.#vector('ScatterPaKvCache', 'aclnnScatterPaKvCache', [[t, kv], [t, kv], [t]], [[t, kv]], t * kv * 8);
    this.#attention(t, q, kv);
    if (this.#options.aicpuFallbackUs !== null)
      this.#add({
        op: 'IndexPutV2',
        api: 'aclnnIndexPutImpl',
        core: 'AI_CPU',
        inputs: [[t, kv], [t]],
        outputs: [[t, kv]],
        bytes: 0,
        profile: 'none',
        us: this.#options.aicpuFallbackUs,
        pattern: 'aicpu-fallback',
      });
    if (this.#options.transDataPairs) this.#transData(t, q, ['ND'], 'FRACTAL_NZ');
    this.#matmul('aclnnMatmul_MatMulCommon', t, q, model.hidden);
    if (this.#options.transDataPairs) this.#transData(t, model.hidden, ['FRACTAL_NZ'], 'ND');
    this.#allReduce(t * model.hidden);
    this.#norm(false);
    if (this.#options.moe) {
      this.#experts(t, inter);
      this.#allReduce(t * model.hidden);
      return;
    }
    this.#matmul('aclnnMatmul_MatMulCommon', t, model.hidden, 2 * inter);
    if (unfused.includes('swiglu')) {
      for (const op of ['Slice', 'Slice', 'Swish', 'Mul'])
        this.#vector(op, `aclnn${op}_${op}AiCore`, [[t, inter]], [[t, inter]], t * inter * 4, 'unfused-swiglu');
    } else this.#vector('SwiGlu', 'aclnnSwiGlu_SwiGluAiCore', [[t, 2 * inter]], [[t, inter]], t * inter * 6);
    this.#matmul('aclnnMatmul_MatMulCommon', t, inter, model.hidden);
    this.#allReduce(t * model.hidden);
  }

  /** Router, permutation, two grouped products over the experts that were hit (an eighth of the dense width each), and back. */
  #experts(t: number, inter: number): void {
    const h = this.#options.model.hidden;
    const width = Math.ceil(inter / expertsPerToken);
    const rows = t * expertsPerToken;
    const hit = Math.min(experts, rows);
    const grouped = (k: number, n: number): void =>
      this.#add({ op: 'GroupedMatmul', api: 'aclnnGroupedMatmulV4', core: 'MIX_AIC', inputs: [[rows, k], [experts, k, n]], outputs: [[rows, n]], bytes: 2 * (rows * (k + n) + hit * k * n), flops: 2 * rows * k * n, profile: rows / hit >= cubeRows ? 'cube' : 'mte2' });
    this.#vector('MoeGatingTopK', 'aclnnMoeGatingTopK', [[t, experts]], [[t, expertsPerToken]], t * experts * 4);
    this.#vector('MoeInitRoutingV2', 'aclnnMoeInitRoutingV2', [[t, h]], [[rows, h]], rows * h * 4);
    grouped(h, 2 * width);
    this.#vector('SwiGlu', 'aclnnSwiGlu_SwiGluAiCore', [[rows, 2 * width]], [[rows, width]], rows * width * 6);
    grouped(width, h);
    this.#vector('MoeFinalizeRoutingV2', 'aclnnMoeFinalizeRoutingV2', [[rows, h]], [[t, h]], rows * h * 4);
  }

  #norm(first: boolean): void {
    const { model, unfused } = this.#options;
    const t = this.#tokens;
    const h = model.hidden;
    const one = (op: string, pattern: Unfused, inputs = 1, width = h): void =>
      this.#vector(
        op,
        `aclnn${op}_${op}AiCore`,
        Array.from({ length: inputs }, () => [t, h]),
        [[t, width]],
        t * h * 2 * (inputs + 1),
        `unfused-${pattern}`,
      );
    if (unfused.includes('rmsnorm')) {
      if (!first)
        this.#vector(
          'Add',
          'aclnnAdd_AddAiCore',
          [
            [t, h],
            [t, h],
          ],
          [[t, h]],
          t * h * 6,
        );
      one('Pow', 'rmsnorm');
      one('ReduceMean', 'rmsnorm', 1, 1);
      one('Adds', 'rmsnorm', 1, 1);
      one('Rsqrt', 'rmsnorm', 1, 1);
      one('Mul', 'rmsnorm', 2);
      one('Mul', 'rmsnorm', 2);
    } else if (first || unfused.includes('add-rmsnorm')) {
      if (!first) one('Add', 'add-rmsnorm', 2);
      this.#vector(
        'RmsNorm',
        'aclnnRmsNorm_RmsNormAiCore',
        [[t, h], [h]],
        [
          [t, h],
          [t, 1],
        ],
        t * h * 4,
        first ? undefined : 'unfused-add-rmsnorm',
      );
    } else
      this.#vector(
        'AddRmsNorm',
        'aclnnAddRmsNorm_AddRmsNormAiCore',
        [[t, h], [t, h], [h]],
        [
          [t, h],
          [t, 1],
          [t, h],
        ],
        t * h * 8,
      );
    if (unfused.includes('quant'))
      this.#vector(
        'DynamicQuant',
        'aclnnDynamicQuant_DynamicQuantAiCore',
        [[t, h]],
        [[t, h], [t]],
        t * h * 3,
        'unfused-quant',
      );
  }

  #rotary(t: number, width: number): void {
    if (!this.#options.unfused.includes('rotary')) {
      this.#vector(
        'ApplyRotaryPosEmb',
        'aclnnApplyRotaryPosEmbV2',
        [
          [t, width],
          [t, this.#options.model.headDim],
          [t, this.#options.model.headDim],
        ],
        [[t, width]],
        t * width * 4,
      );
      return;
    }
    for (const op of ['Slice', 'Slice', 'Neg', 'ConcatD', 'Mul', 'Mul', 'Add'])
      this.#vector(op, `aclnn${op}_${op}AiCore`, [[t, width]], [[t, width]], t * width * 4, 'unfused-rotary');
  }

  #attention(t: number, q: number, kv: number): void {
    const { model, contextTokens, unfused } = this.#options;
    const heads = q / model.headDim;
    const kvTokens = this.#prefill ? t : t * contextTokens;
    const bytes = kvTokens * kv * 4;
    const flops = this.#prefill ? 2 * t * t * q : 4 * t * contextTokens * q;
    if (unfused.includes('attention')) {
      const score = [heads, t, this.#prefill ? t : contextTokens];
      const cube = { core: 'MIX_AIC', profile: this.#prefill ? 'cube' : 'mte2', pattern: 'unfused-attention' } as const;
      this.#add({
        op: 'BatchMatMulV2',
        api: 'aclnnBatchMatMul',
        inputs: [
          [t, q],
          [kvTokens, kv],
        ],
        outputs: [score],
        bytes: bytes / 2,
        flops: flops / 2,
        ...cube,
      });
      this.#vector('Mul', 'aclnnMuls_Muls', [score], [score], t * contextTokens * 4, 'unfused-attention');
      this.#vector(
        'SoftmaxV2',
        'aclnnSoftmax_SoftmaxAiCore',
        [score],
        [score],
        t * contextTokens * 4,
        'unfused-attention',
      );
      this.#add({
        op: 'BatchMatMulV2',
        api: 'aclnnBatchMatMul',
        inputs: [score, [kvTokens, kv]],
        outputs: [[t, q]],
        bytes: bytes / 2,
        flops: flops / 2,
        ...cube,
      });
      return;
    }
    // FusedInferAttentionScore tells the query length by its shape: tokens,heads,dim in prefill, batch,1,heads,dim in decode.
    const query = this.#prefill ? [t, heads, model.headDim] : [t, 1, heads, model.headDim];
    const cache = [Math.ceil(kvTokens / blockTokens), blockTokens, kv];
    this.#add({
      op: 'FusedInferAttentionScore',
      api: 'aclnnFusedInferAttentionScoreV3',
      core: 'MIX_AIC',
      inputs: [query, cache, cache],
      outputs: [query],
      bytes,
      flops,
      profile: this.#prefill ? 'cube' : 'mte2',
    });
  }

  #matmul(api: string, m: number, k: number, n: number): void {
    const natural = m >= cubeRows ? 'cube' : 'mte2';
    this.#add({
      op: 'MatMulV3',
      api,
      core: 'AI_CORE',
      inputs: [
        [m, k],
        [k, n],
      ],
      outputs: [[m, n]],
      bytes: 2 * (m * k + k * n + m * n),
      flops: 2 * m * k * n,
      profile: this.#options.bound === null || this.#options.bound === 'vector' ? natural : this.#options.bound,
    });
  }

  #transData(t: number, width: number, from: readonly string[], to: string): void {
    this.#add({
      op: 'TransData',
      api: 'trans_TransData',
      core: 'AI_VECTOR_CORE',
      inputs: [[t, width]],
      outputs: [[t, width]],
      bytes: t * width * 4,
      formats: [...from, to],
      profile: 'vector-memory',
      pattern: 'layout-conversion',
    });
  }

  #vector(
    op: string,
    api: string,
    inputs: readonly (readonly number[])[],
    outputs: readonly (readonly number[])[],
    bytes: number,
    pattern?: string,
  ): void {
    const profile = this.#options.bound === 'vector' ? 'vector' : 'vector-memory';
    this.#add({
      op,
      api,
      core: 'AI_VECTOR_CORE',
      inputs,
      outputs,
      bytes,
      profile,
      ...(pattern === undefined ? {} : { pattern }),
    });
  }

  #allReduce(elements: number): void {
    if (this.#options.ranks > 1) this.#items.push({ kind: 'all-reduce', elements });
  }

  #add(sketch: Sketch): void {
    const chip = this.#chip;
    const stars = chip.family === 'Ascend910B';
    const core: CoreType = stars || sketch.core === 'AI_CPU' ? sketch.core : 'AI_CORE';
    const flopsPerUs = chip.aicoreCount * chip.aicoreMhz * flopsPerCycle * reachedShare;
    // Planted vector bound: elementwise kernels that compute twenty times what their bytes ask for.
    const work = sketch.profile === 'vector' && core !== 'AI_CPU' ? vectorBoundFactor : 1;
    const us =
      sketch.us ?? Math.max(floorUs, sketch.bytes / chip.hbmBytesPerUs, (sketch.flops ?? 0) / flopsPerUs) * work;
    const full = core === 'AI_VECTOR_CORE' ? chip.aivectorCount : chip.aicoreCount;
    const under = this.#options.blockUnderUse;
    const few = under?.opType === sketch.op ? under.blocks : null;
    // Fewer blocks than cores: the same work on fewer cores takes longer.
    const slower = few === null ? 1 : Math.max(1, full / few);
    const type = sketch.type ?? 'DT_BF16';
    const [inFormat, outFormat] = sketch.formats ?? ['ND', 'ND'];
    const kernel: SimKernel = {
      opType: sketch.op,
      coreType: core,
      opState: this.#options.dynamicShape ? 'dynamic' : 'static',
      blockNum: core === 'AI_CPU' ? 1 : (few ?? full),
      mixBlockNum: core === 'MIX_AIC' ? 2 * (few ?? full) : 0,
      hf32: 'NO',
      inputShapes: shapes(sketch.inputs),
      inputTypes: repeat(type, sketch.inputs.length),
      inputFormats: repeat(inFormat ?? 'ND', sketch.inputs.length),
      outputShapes: shapes(sketch.outputs),
      outputTypes: repeat(type, sketch.outputs.length),
      outputFormats: repeat(outFormat ?? 'ND', sketch.outputs.length),
    };
    const pattern = few === null ? (sketch.pattern ?? null) : 'block-under-use';
    this.#items.push({
      kind: 'kernel',
      plan: {
        name: `${sketch.api}_${sketch.op}`,
        hostType: stars ? hostTypes[core] : core === 'AI_CPU' ? 'KERNEL_AICPU' : 'KERNEL_AICORE',
        kernel,
        ns: Math.round(us * slower * 1000),
        profile: core === 'AI_CPU' ? 'none' : sketch.profile,
        pattern,
      },
    });
  }
}
