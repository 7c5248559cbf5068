import type { AicMetrics, CaptureConfig, ChipFamily } from './capture.js';

export type Unfused = 'rmsnorm' | 'add-rmsnorm' | 'swiglu' | 'rotary' | 'quant' | 'attention';
export type Bound = 'cube' | 'mte2' | 'vector' | 'scalar';

export interface LlmShape {
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediate: number;
  readonly vocab: number;
}

/** What to plant. Without options: a balanced, device-bound decode on one rank. */
export interface DecodeOptions {
  readonly seed: number;
  readonly chip: string;
  /** Tensor-parallel ranks, one device each. */
  readonly ranks: number;
  /** Devices held by one process: 1 gives one PROF folder per rank. */
  readonly devicesPerProcess: number;
  /** Devices per host; more ranks than this spread over hosts. */
  readonly devicesPerHost: number;
  /** False: as in native msprof, nobody knows the rank. */
  readonly rankKnown: boolean;
  readonly model: LlmShape;
  readonly layers: number;
  readonly steps: number;
  /** Sequences per decode step. */
  readonly batch: number;
  readonly contextTokens: number;
  readonly startNs: bigint;
  readonly level: CaptureConfig['level'];
  readonly aicMetrics: AicMetrics | null;
  readonly cannVersion: string;
  /** Host time per launch; above the mean kernel time the host starves the device. */
  readonly launchUs: number;
  /** Host work between a step's result and the next launch; null: the next step is scheduled ahead. */
  readonly syncGapUs: number | null;
  /** Every n-th step is a prefill of `prefillTokens`; null: decode only. */
  readonly prefillEvery: number | null;
  readonly prefillTokens: number;
  /** What the matmuls are bound by; null: what the sizes say (decode: mte2, prefill: cube). */
  readonly bound: Bound | null;
  /** Payload time of each collective; null: from bytes and link speed. */
  readonly commUs: number | null;
  /** True: a collective runs under the next compute (two micro-batches). */
  readonly commOverlap: boolean;
  readonly transport: 'SDMA' | 'RDMA';
  readonly slowLink: { readonly src: number; readonly dst: number; readonly factor: number } | null;
  readonly slowRank: { readonly rank: number; readonly factor: number } | null;
  /** What each rank's clock is ahead; missing ranks have 0. */
  readonly clockSkewUs: readonly number[];
  /** One AICPU operator of this length per layer. */
  readonly aicpuFallbackUs: number | null;
  /** One AI CPU task of this length before every step but the first, which no operator is known for. */
  readonly aicpuHelperUs: number | null;
  /** Routed experts (64, 8 per token) in the place of the dense MLP. */
  readonly moe: boolean;
  /** A TransData before and after each o_proj. */
  readonly transDataPairs: boolean;
  readonly unfused: readonly Unfused[];
  readonly blockUnderUse: { readonly opType: string; readonly blocks: number } | null;
  readonly frequencyDrop: { readonly fromStep: number; readonly toStep: number; readonly mhz: number } | null;
  /** (reserved − allocated) / reserved at the peak, 0…1. */
  readonly fragmentation: number | null;
  /** Operators without static shapes, and a batch that changes from step to step. */
  readonly dynamicShape: boolean;
  /** So many kernels are compiled right before their first launch (aclopCompileAndExecute). */
  readonly opCompiles: number;
  readonly marks: 'none' | 'step' | 'mstx';
}

/** Qwen3-8B's published config.json. */
const qwen3: LlmShape = { hidden: 4096, heads: 32, kvHeads: 8, headDim: 128, intermediate: 12288, vocab: 151936 };

export const decodeDefaults: DecodeOptions = {
  seed: 1,
  chip: 'Ascend910B3',
  ranks: 1,
  devicesPerProcess: 1,
  devicesPerHost: 8,
  rankKnown: true,
  model: qwen3,
  layers: 4,
  steps: 4,
  batch: 16,
  contextTokens: 2048,
  // 2026-03-02 03:04:05.006 UTC: above 2^53 ns, like every real capture.
  startNs: 1_772_420_645_006_000_000n,
  level: 'l1',
  aicMetrics: 'PipeUtilization',
  cannVersion: '8.5.0',
  launchUs: 5,
  syncGapUs: null,
  prefillEvery: null,
  prefillTokens: 1024,
  bound: null,
  commUs: null,
  commOverlap: true,
  transport: 'SDMA',
  slowLink: null,
  slowRank: null,
  clockSkewUs: [],
  aicpuFallbackUs: null,
  aicpuHelperUs: null,
  moe: false,
  transDataPairs: false,
  unfused: [],
  blockUnderUse: null,
  frequencyDrop: null,
  fragmentation: null,
  dynamicShape: false,
  opCompiles: 0,
  marks: 'none',
};

export interface SimChip {
  readonly family: ChipFamily;
  readonly aicoreCount: number;
  readonly aivectorCount: number;
  readonly aicoreMhz: number;
  readonly hbmBytes: number;
  /** Bytes per microsecond the simulated kernels reach. */
  readonly hbmBytesPerUs: number;
}

/** Cores and clocks as the operator-MFU notes of msAgent have them; memory as sold. Bandwidth is 75 % of the data sheet. */
const chips: Readonly<Record<string, SimChip>> = {
  Ascend910B1: {
    family: 'Ascend910B',
    aicoreCount: 25,
    aivectorCount: 50,
    aicoreMhz: 1850,
    hbmBytes: 65_452_113_920,
    hbmBytesPerUs: 1_200_000,
  },
  Ascend910B2: {
    family: 'Ascend910B',
    aicoreCount: 24,
    aivectorCount: 48,
    aicoreMhz: 1800,
    hbmBytes: 65_452_113_920,
    hbmBytesPerUs: 1_200_000,
  },
  Ascend910B3: {
    family: 'Ascend910B',
    aicoreCount: 20,
    aivectorCount: 40,
    aicoreMhz: 1800,
    hbmBytes: 65_452_113_920,
    hbmBytesPerUs: 1_200_000,
  },
  Ascend910B4: {
    family: 'Ascend910B',
    aicoreCount: 20,
    aivectorCount: 40,
    aicoreMhz: 1650,
    hbmBytes: 32_726_056_960,
    hbmBytesPerUs: 600_000,
  },
  Ascend910_9392: {
    family: 'Ascend910B',
    aicoreCount: 24,
    aivectorCount: 48,
    aicoreMhz: 1800,
    hbmBytes: 65_452_113_920,
    hbmBytesPerUs: 1_200_000,
  },
  Ascend310P3: {
    family: 'Ascend310P',
    aicoreCount: 8,
    aivectorCount: 7,
    aicoreMhz: 1080,
    hbmBytes: 46_000_000_000,
    hbmBytesPerUs: 150_000,
  },
};

/** Unknown chips are taken for an Ascend910B3: the simulator never refuses a name. */
export function simChip(name: string): SimChip {
  return (
    chips[name] ?? {
      family: 'Ascend910B',
      aicoreCount: 20,
      aivectorCount: 40,
      aicoreMhz: 1800,
      hbmBytes: 65_452_113_920,
      hbmBytesPerUs: 1_200_000,
    }
  );
}
