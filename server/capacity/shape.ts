import { z } from 'zod';

export const frameworks = ['xllm', 'vllm-ascend', 'sglang'] as const;
export type Framework = (typeof frameworks)[number];

const n = z.number().optional();
const s = z.string().max(200).optional();

/** Inputs of a plan besides the files; ranges are checked in request.ts so that the tool's schema stays short. */
export const settingsShape = {
  framework: z.enum(frameworks),
  chip: s,
  hbm_bytes: n.describe('as aclrtGetMemInfo shows'),
  tp: n,
  dp: n,
  ep: n,
  pp: n,
  cp: n,
  dtype: s,
  quant: s,
  kv_dtype: s,
  max_memory_utilization: n,
  block_size: n,
  max_model_len: n,
  max_seqs: n,
  max_tokens_per_batch: n,
  num_speculative_tokens: n,
  prefix_cache: z.boolean().optional(),
  input_tokens: n,
  output_tokens: n,
  concurrency: n,
} as const;

export const settingsSchema = z.object(settingsShape);
export type Settings = z.output<typeof settingsSchema>;
