/** Every number this room plans and judges by: its value, where it comes from, and why it is there. */
const GiB = 1024 ** 3;
const MiB = 1024 ** 2;

export interface Range {
  readonly low: number;
  readonly high: number;
  readonly source: string;
  readonly why: string;
}

/** Bytes nobody prints. Low and high ends; calibrate with one start-up log. */
export const reserves = {
  context: { low: Math.round(0.13 * GiB), high: Math.round(1.5 * GiB), source: 'vllm-ascend PR 8289 measured 0.13 GiB without collectives; high end our rule', why: 'runtime, streams and operator binaries take memory before anything is loaded' },
  graph: { low: 0, high: 2 * GiB, source: 'vllm-ascend PR 8289: 0.04 GiB for a tiny model; grows with captured sizes, high end our rule', why: 'captured graphs keep their buffers; xLLM captures after the cache is sized' },
} as const satisfies Record<string, Range>;

export const rules = {
  /** × 1 */
  activationOverlap: { value: 1.1, source: 'our rule, checked against vLLM profiling runs', why: 'what is alive beside the widest tensor of a layer' },
  activationHigh: { value: 2, source: 'two public estimates of the same step differ by 1.4 (aiconfigurator coefficients against the widest layer)', why: 'both are orders of magnitude; a start-up log replaces them' },
  /** bytes; HCCL counts MB as 2^20 */
  hcclBuffer: { value: 2 * 200 * MiB, source: 'hiascend HCCL_BUFFSIZE: two buffers of 200 MB per communicator', why: 'exclusive memory of each communicator' },
  hcclBufferXllm: { value: 2 * 512 * MiB, source: 'xLLM mapping_npu.cpp: 512 MB per ATB domain unless HCCL_BUFFSIZE is set', why: 'exclusive memory of each communicator' },
  /** shares, 0–1 */
  admission: { value: 0.95, source: 'xLLM prefill_scheduling_memory_usage_threshold', why: 'above it prefill waits and decode may preempt' },
  speculativeLoss: { value: 0.8, source: 'our rule', why: 'a draft that takes more than a fifth of the blocks must earn it back in acceptance' },
  /** GiB, times: half of the last digit a log prints */
  printedGib: { value: 0.005, source: 'logs print GiB with two decimals', why: 'what rounding hides is no difference' },
  printedTimes: { value: 0.005, source: 'vLLM prints concurrency with two decimals', why: 'what rounding hides is no difference' },
  weightsMargin: { value: 0.01, source: 'vLLM logs exceed computed weights by 0.2–0.5 % (rotary caches, padding)', why: 'weights within it agree' },
  utilStep: { value: 0.05, source: 'our rule', why: 'the step people turn this flag by' },
  utilLow: { value: 0.3, source: 'our rule', why: 'a card given away by two thirds is no advice' },
  utilHigh: { value: 0.95, source: 'our rule', why: 'above it the first larger activation is an out-of-memory' },
  /** tokens */
  leastTokens: { value: 2048, source: 'vLLM default of max_num_batched_tokens', why: 'smaller batches starve prefill' },
  leastLength: { value: 4096, source: 'our rule', why: 'shorter contexts are a change of product, not of setting' },
  adviceGain: { value: 1.05, source: 'our rule', why: 'smaller gains are not worth a restart' },
} as const;

/** Defaults in force when neither the caller nor the log names a setting. */
export const defaults = {
  xllm: { util: 0.8, block: 128, maxSeqs: 200, maxTokens: 10_240, prefix: true, source: 'xLLM 3906f5a9 flag defaults' },
  'vllm-ascend': { util: 0.9, block: 128, maxSeqs: 256, maxTokens: 2048, prefix: true, source: 'vLLM defaults of gpu_memory_utilization, max_num_seqs, max_num_batched_tokens; block 128 on NPU' },
  sglang: { util: 0.8, block: 128, maxSeqs: null, maxTokens: 8192, prefix: true, source: 'SGLang NPU logs: page 128, mem-fraction-static 0.8; it sets its own when absent' },
} as const;

/** Largest values taken as meant. */
export const limits = { logBytes: 64 * MiB, configBytes: 8 * MiB, descriptionBytes: 64 * MiB, advice: 5, shownDifferences: 14 } as const;
