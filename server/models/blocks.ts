/** From bytes to blocks: how the engines cut their cache pool. Pure arithmetic; what is free and what is reserved comes from the caller. */

/** Bytes xLLM gives the cache: free after loading, less the part of the whole card it must leave alone. Source: xLLM llm_engine.cpp:447-501, worker_impl.cpp:688-705. */
export function xllmCacheBytes(input: { readonly total_bytes: number; readonly free_bytes: number; readonly max_memory_utilization: number; readonly max_cache_bytes: number }): number {
  const { total_bytes, free_bytes, max_memory_utilization: util, max_cache_bytes } = input;
  // Truncated as the engine does, on the same double product.
  const left = free_bytes - (util < 1 ? Math.trunc(total_bytes * (1 - util)) : 0);
  return Math.max(0, max_cache_bytes > 0 ? Math.min(left, max_cache_bytes) : left);
}

export interface XllmPool {
  readonly blocks: number;
  /** Block 0 is padding (block_manager_impl.cpp:74). */
  readonly usable_blocks: number;
  readonly token_capacity: number;
  readonly block_bytes: number;
  /** Sequences the linear state has room for, the two padding slots included; 0 without linear layers. */
  readonly linear_slots: number;
  readonly linear_bytes: number;
}

/**
 * Blocks of xLLM's pool. Source: kv_cache_estimation.cpp:109-124, 194-302, 483-550; speculative_engine.cpp:132-268.
 * @param cache_bytes from {@link xllmCacheBytes}, the least over the workers
 * @param kv_bytes_per_token all full layers of one rank, index and scales included
 * @param draft_kv_bytes_per_token 0 without a draft model
 * @param linear_state_bytes_per_seq all linear layers of one rank; 0 without
 * @param max_linear_slots `max_linear_state_cache_slots`; 0: the engine decides
 */
export function xllmPool(input: {
  readonly cache_bytes: number;
  readonly block_tokens: number;
  readonly kv_bytes_per_token: number;
  readonly draft_kv_bytes_per_token: number;
  readonly linear_state_bytes_per_seq: number;
  readonly max_seqs: number;
  readonly prefix_cache: boolean;
  readonly max_linear_slots: number;
}): XllmPool {
  const { cache_bytes: pool, block_tokens, linear_state_bytes_per_seq: state } = input;
  const block = block_tokens * (input.kv_bytes_per_token + input.draft_kv_bytes_per_token);
  const slots = state === 0 ? 0 : linearSlots(pool, block_tokens * input.kv_bytes_per_token, input);
  const linear = slots * state;
  const blocks = Math.max(0, Math.floor((pool - linear) / block));
  const usable = Math.max(0, blocks - 1);
  return { blocks, usable_blocks: usable, token_capacity: usable * block_tokens, block_bytes: block, linear_slots: slots, linear_bytes: linear };
}

/** kPaddingLinearStateBlocks of xLLM common/constants.h. */
const paddingSlots = 2;

function linearSlots(pool: number, block: number, input: { readonly linear_state_bytes_per_seq: number; readonly max_seqs: number; readonly prefix_cache: boolean; readonly max_linear_slots: number }): number {
  const state = input.linear_state_bytes_per_seq;
  if (input.max_linear_slots > 0) return input.max_linear_slots + paddingSlots;
  const fits = Math.max(paddingSlots, Math.min(Math.floor((pool - 1) / state), Math.floor((pool + 2 * block) / (state + block))));
  if (!input.prefix_cache) return Math.min(input.max_seqs + paddingSlots, fits);
  // With prefix cache the engine splits the pool 0.9 to 1 between states and blocks.
  return Math.min(fits, Math.max(paddingSlots, Math.floor((pool * 0.9) / 1.9 / state)));
}

/** Bytes vLLM-Ascend gives the cache: its share of the card less what the profiling run saw. Source: vllm-ascend worker.py. Graph memory is not part of it. */
export function vllmCacheBytes(input: { readonly total_bytes: number; readonly gpu_memory_utilization: number; readonly weights_bytes: number; readonly activation_peak_bytes: number; readonly non_torch_bytes: number }): number {
  return Math.max(0, input.total_bytes * input.gpu_memory_utilization - input.weights_bytes - input.activation_peak_bytes - input.non_torch_bytes);
}

/** Blocks of vLLM's pool for a model of equal layers. @param kv_bytes_per_token of all layers of one rank */
export function vllmBlocks(cacheBytes: number, blockTokens: number, kvBytesPerToken: number): number {
  return Math.floor(cacheBytes / (blockTokens * kvBytesPerToken));
}

/** Block size vLLM-Ascend takes for a hybrid: the smallest multiple of 128 tokens whose page holds a linear state (v0.12 rule). */
export function vllmHybridBlockTokens(stateBytesPerLayer: number, kvBytesPerTokenAndLayer: number): number {
  return 128 * Math.ceil(stateBytesPerLayer / (128 * kvBytesPerTokenAndLayer));
}

/** Tokens of a hybrid pool whose layers form `groups` equal groups that share blocks. */
export function vllmHybridTokens(blocks: number, groups: number, blockTokens: number): number {
  return Math.floor(blocks / groups) * blockTokens;
}

/** Requests of one length a hybrid pool holds: blocks over the request's own plus one per linear group. */
export function vllmHybridConcurrency(blocks: number, groups: number, blockTokens: number, tokens: number): number {
  return blocks / (Math.ceil(tokens / blockTokens) + groups - 1);
}

/** Blocks one sequence takes. */
export function blocksPerSequence(tokens: number, blockTokens: number): number {
  return Math.ceil(tokens / blockTokens);
}

/** Buffers of HCCL: two of `buffer_mb` per communicator, never shared. Source: hiascend HCCL_BUFFSIZE; 200 by default, 512 in xLLM's ATB domains unless set. In MB as HCCL counts them. */
export function hcclBufferMb(communicators: number, bufferMb = 200): number {
  return 2 * bufferMb * communicators;
}
