import type { Dtype } from './spec.js';

/** Operators of a step, as compute_simulate names them. */
export const opNames = ['embed', 'qkv_proj', 'attention', 'o_proj', 'mlp', 'router', 'experts', 'shared_expert', 'linear_attention', 'indexer', 'norm', 'lm_head', 'all_reduce', 'all_to_all', 'p2p', 'draft'] as const;
export type OpName = (typeof opNames)[number];

/** Work of one operator on one rank, summed over its calls in the step. */
export interface ComputeCost {
  readonly op: OpName;
  /** Kernels in the step, with q, k, v and gate, up fused as engines do. */
  readonly calls: number;
  /** Work of the cube unit; 2 per multiply-add. */
  readonly flops: number;
  readonly vector_flops: number;
  /** Weights read from memory. */
  readonly weight_bytes: number;
  /** KV cache, index cache or state, read and written. */
  readonly cache_bytes: number;
  /** Inputs and outputs; they may stay in L2 between operators. */
  readonly activation_bytes: number;
  /** Element type of the multiplication. */
  readonly dtype: Dtype;
}

export type Collective = 'all_reduce' | 'all_gather' | 'all_to_all' | 'p2p';

/** Communication of one rank, summed over its calls in the step. */
export interface LinkCost {
  readonly op: 'all_reduce' | 'all_to_all' | 'p2p';
  readonly collective: Collective;
  readonly purpose: 'layers' | 'experts' | 'embedding' | 'logits' | 'stage';
  readonly calls: number;
  /** Ranks taking part. */
  readonly group: number;
  /** The message M of one call: the whole reduced tensor, one rank's part of a gather, or what a rank hands out. */
  readonly message_bytes: number;
  /** Bytes a rank sends in all calls together. */
  readonly bytes_sent: number;
}

/** Adds up costs of the same operator and element type. */
export function mergeCosts(costs: readonly ComputeCost[]): ComputeCost[] {
  const merged = new Map<string, ComputeCost>();
  for (const c of costs) {
    const key = `${c.op} ${c.dtype}`;
    const known = merged.get(key);
    merged.set(key, known === undefined ? c : {
      op: c.op,
      dtype: c.dtype,
      calls: known.calls + c.calls,
      flops: known.flops + c.flops,
      vector_flops: known.vector_flops + c.vector_flops,
      weight_bytes: known.weight_bytes + c.weight_bytes,
      cache_bytes: known.cache_bytes + c.cache_bytes,
      activation_bytes: known.activation_bytes + c.activation_bytes,
    });
  }
  return [...merged.values()];
}
