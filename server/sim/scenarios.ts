import type { DecodeOptions } from './llm-options.js';

/** A named plant: its options, and the finding ids a reader of the capture should come to. */
export interface Scenario {
  readonly options: Partial<DecodeOptions>;
  readonly expect: readonly string[];
  readonly about: string;
}

/** Each plants one thing; everything else stays as in a balanced decode. */
export const scenarios = {
  balanced: { options: { layers: 8 }, expect: [], about: 'device-bound decode, steps scheduled ahead' },
  'host-bound-launch': {
    options: { launchUs: 150 },
    expect: ['host-bound-launch'],
    about: 'launches slower than kernels',
  },
  'host-bound-sync': {
    options: { syncGapUs: 900 },
    expect: ['host-bound-sync', 'decode-bubble'],
    about: 'host works between a step and the next launch',
  },
  'cube-bound': {
    options: { bound: 'cube', batch: 1024, contextTokens: 64 },
    expect: ['cube-bound'],
    about: 'large batch, matmuls at the cube',
  },
  'mte2-bound': { options: { bound: 'mte2' }, expect: ['mte2-bound'], about: 'small batch, matmuls read weights' },
  'vector-bound': {
    options: { bound: 'vector', batch: 256, contextTokens: 64 },
    expect: ['vector-bound'],
    about: 'elementwise kernels compute too much',
  },
  'scalar-bound': { options: { bound: 'scalar' }, expect: ['scalar-bound'], about: 'control flow in the kernels' },
  'comm-exposed': {
    options: { ranks: 2, commOverlap: false, commUs: 120 },
    expect: ['comm-exposed'],
    about: 'every collective waits for, and stops, compute',
  },
  'slow-link': {
    options: { ranks: 4, slowLink: { src: 0, dst: 1, factor: 4 } },
    expect: ['slow-link'],
    about: 'one pair of ranks has a quarter of the bandwidth',
  },
  'slow-rank': {
    options: { ranks: 4, commOverlap: false, slowRank: { rank: 2, factor: 1.4 } },
    expect: ['slow-rank'],
    about: 'one rank computes slower, the others wait',
  },
  'clock-skew': {
    options: { ranks: 2, clockSkewUs: [0, 750] },
    expect: ['clock-skew'],
    about: 'the second host clock is ahead',
  },
  'aicpu-fallback': {
    options: { aicpuFallbackUs: 180 },
    expect: ['aicpu-fallback'],
    about: 'an operator of every layer runs on the AI CPU',
  },
  'op-compile': { options: { opCompiles: 25 }, expect: ['op-compile'], about: 'operators are compiled in the window' },
  'layout-conversion': {
    options: { transDataPairs: true, batch: 512, contextTokens: 64 },
    expect: ['layout-conversion'],
    about: 'TransData before and after a matmul',
  },
  'unfused-rmsnorm': { options: { unfused: ['rmsnorm'] }, expect: ['unfused-rmsnorm'], about: 'RMSNorm in pieces' },
  'unfused-add-rmsnorm': {
    options: { unfused: ['add-rmsnorm'] },
    expect: ['unfused-add-rmsnorm'],
    about: 'Add, then RmsNorm',
  },
  'unfused-swiglu': { options: { unfused: ['swiglu'] }, expect: ['unfused-swiglu'], about: 'Slice, Swish, Mul' },
  'unfused-rotary': {
    options: { unfused: ['rotary'] },
    expect: ['unfused-rotary'],
    about: 'Slice, Neg, Concat, Mul, Add',
  },
  'unfused-quant': { options: { unfused: ['quant'] }, expect: ['unfused-quant'], about: 'RmsNorm, then DynamicQuant' },
  'unfused-attention': {
    options: { unfused: ['attention'] },
    expect: ['unfused-attention'],
    about: 'Softmax between two batched matmuls',
  },
  'block-under-use': {
    options: { blockUnderUse: { opType: 'MatMulV3', blocks: 6 } },
    expect: ['block-under-use'],
    about: 'matmuls on 6 of 20 cores',
  },
  'freq-drop': {
    options: { frequencyDrop: { fromStep: 2, toStep: 3, mhz: 1200 } },
    expect: ['freq-drop'],
    about: 'the AI core clock falls under load',
  },
  'memory-fragmentation': {
    options: { fragmentation: 0.35 },
    expect: ['memory-fragmentation'],
    about: 'a third of the reserved memory is unused at the peak',
  },
  'dynamic-shape': { options: { dynamicShape: true }, expect: ['dynamic-shape'], about: 'no static operator' },
  'prefill-decode': {
    options: { prefillEvery: 4, steps: 8, prefillTokens: 2048 },
    expect: [],
    about: 'prefill bursts between decode steps',
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof scenarios;
