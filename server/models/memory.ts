import { checkParallel, localKvHeads, stages, type Parallel } from './parallel.js';
import { dtypeBytes, type Attention, type GdnAttention, type LayerSpec, type ModelDtype, type ModelSpec } from './spec.js';

export interface CacheOptions {
  /** Element type of the cache; `auto`: the model's. */
  readonly kv_dtype: 'auto' | ModelDtype | 'int8' | 'fp8';
  /** Scales beside a cache that is not `auto`: 4 bytes for MLA, 2·4 per KV head for GQA (xLLM kv_cache_estimation.cpp). */
  readonly scales: boolean;
  /** int8: one byte and a 4-byte scale per index vector. */
  readonly index_dtype: 'auto' | 'int8';
  /** xLLM on NPU allocates the index cache for every sparse layer, also for those that share indices. */
  readonly index_layers: 'all' | 'own';
  readonly block_tokens: number;
  /** Tokens of a prefill chunk a sliding layer holds besides its window. */
  readonly prefill_chunk_tokens: number;
  /** Draft tokens a delta-net state must be able to roll back; xLLM only does so for Qwen3.5 targets. */
  readonly speculative_tokens: number;
  /** Both parts of a latent slot in tiles of 16 elements: xLLM on NPU for deepseek_v3 with prefix cache. */
  readonly latent_tiles?: boolean;
}

export const defaultCacheOptions: CacheOptions = { kv_dtype: 'auto', scales: false, index_dtype: 'auto', index_layers: 'all', block_tokens: 128, prefill_chunk_tokens: 0, speculative_tokens: 0 };

/** Bytes one token takes in one layer of one rank: the slot, its index vector and its scales. 0 for a delta net. */
export interface Slot {
  readonly slot_bytes: number;
  readonly index_bytes: number;
  readonly scale_bytes: number;
}

/**
 * Source: xLLM kv_cache_estimation.cpp:38-107. GQA keeps keys and values of its local heads; MLA keeps one latent vector and the rope key, on each rank in full.
 */
export function slotOf(attention: Attention, dtype: ModelDtype, tp: number, options: CacheOptions): Slot {
  const bytes = dtypeBytes[options.kv_dtype === 'auto' ? dtype : options.kv_dtype];
  const scaled = options.scales && options.kv_dtype !== 'auto';
  switch (attention.kind) {
    case 'gqa': {
      const heads = localKvHeads(attention.kv_heads, tp);
      return { slot_bytes: 2 * heads * attention.head_dim * bytes, index_bytes: 0, scale_bytes: scaled ? 2 * 4 * heads : 0 };
    }
    case 'mla': {
      const s = attention.sparse;
      const index = s === null || (options.index_layers === 'own' && !s.own) ? 0 : options.index_dtype === 'int8' ? s.head_dim + 4 : s.head_dim * dtypeBytes[dtype];
      const tiled = (size: number): number => (options.latent_tiles === true ? Math.ceil(size / 16) * 16 : size);
      return { slot_bytes: (tiled(attention.kv_rank) + tiled(attention.rope_dim)) * bytes, index_bytes: index, scale_bytes: scaled ? 4 : 0 };
    }
    case 'gdn':
      return { slot_bytes: 0, index_bytes: 0, scale_bytes: 0 };
  }
}

const slotTotal = (slot: Slot): number => slot.slot_bytes + slot.index_bytes + slot.scale_bytes;

/** State of one delta-net layer for one sequence, per rank: the convolution's tail and the recurrent state, with room for s draft tokens. Source: xLLM kv_cache_estimation.cpp:194-302. */
export function gdnStateBytes(a: GdnAttention, dtype: ModelDtype, tp: number, speculative: number): { readonly conv_bytes: number; readonly ssm_bytes: number } {
  const keys = a.key_heads / tp;
  const values = a.value_heads / tp;
  return {
    conv_bytes: dtypeBytes[dtype] * (2 * keys * a.key_dim + values * a.value_dim) * (a.conv_kernel - 1 + speculative),
    ssm_bytes: dtypeBytes[a.state_dtype] * values * a.key_dim * a.value_dim * (speculative + 1),
  };
}

export interface CacheCost {
  /** Full-attention layers, index and scales included; per rank, heaviest pipeline stage. */
  readonly kv_bytes_per_token: number;
  /** MTP layers, priced as xLLM does on NPU: the slot of the target model; null when their layout is not known. */
  readonly draft_kv_bytes_per_token: number | null;
  /** Sliding layers hold this per sequence whatever its length: window, one more block and a prefill chunk. */
  readonly kv_window_bytes_per_seq: number;
  /** Delta-net layers. */
  readonly linear_state_bytes_per_seq: number;
  readonly full_layers: number;
  readonly window_layers: number;
  readonly linear_layers: number;
}

function costOf(spec: ModelSpec, layers: readonly LayerSpec[], tp: number, options: CacheOptions): Omit<CacheCost, 'draft_kv_bytes_per_token'> {
  let [token, window, state, full, sliding, linear] = [0, 0, 0, 0, 0, 0];
  for (const { attention: a } of layers) {
    const slot = slotTotal(slotOf(a, spec.dtype, tp, options));
    if (a.kind === 'gdn') {
      const s = gdnStateBytes(a, spec.dtype, tp, options.speculative_tokens);
      state += s.conv_bytes + s.ssm_bytes;
      linear += 1;
    } else if (a.kind === 'gqa' && a.window_tokens !== null) {
      window += slot * (a.window_tokens + options.block_tokens + options.prefill_chunk_tokens);
      sliding += 1;
    } else {
      token += slot;
      full += 1;
    }
  }
  return { kv_bytes_per_token: token, kv_window_bytes_per_seq: window, linear_state_bytes_per_seq: state, full_layers: full, window_layers: sliding, linear_layers: linear };
}

/**
 * What tokens and sequences cost in the cache of one rank: the pipeline stage that pays most per token.
 * @throws ToolError E_ARG_TYPE, E_ARG_CONFLICT for a plan that does not divide the model
 */
export function cacheCost(spec: ModelSpec, parallel: Parallel, given: Partial<CacheOptions> = {}): CacheCost {
  checkParallel(spec, parallel);
  const options = { ...defaultCacheOptions, ...given };
  const costs = stages(spec, parallel).map((layers) => costOf(spec, layers, parallel.tp, options));
  const weight = (c: Omit<CacheCost, 'draft_kv_bytes_per_token'>): number => c.kv_bytes_per_token * 4096 + c.kv_window_bytes_per_seq + c.linear_state_bytes_per_seq;
  const heaviest = costs.reduce((a, b) => (weight(b) > weight(a) ? b : a));
  const draft = spec.mtp.kind === 'unknown' ? null : spec.mtp.kind === 'none' ? 0 : spec.mtp.layers.reduce((sum, layer) => sum + slotTotal(slotOf(layer.attention, spec.dtype, parallel.tp, options)), 0);
  return { ...heaviest, draft_kv_bytes_per_token: draft };
}
