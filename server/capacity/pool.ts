import { vllmBlocks, vllmCacheBytes, vllmHybridBlockTokens, vllmHybridTokens, xllmCacheBytes, xllmPool } from '../models/blocks.js';
import { gdnStateBytes } from '../models/memory.js';
import { linearLayer, type Costs } from './costs.js';
import type { Setup } from './request.js';

/** The cache as a framework cuts it. Bytes are of one rank, tokens and blocks of one DP rank. */
export interface Pool {
  /** What the framework hands to the cache; may be 0 or, where it does not fit, negative before it is clipped. */
  readonly cache_bytes: number;
  readonly blocks: number;
  readonly usable_blocks: number;
  readonly block_tokens: number;
  readonly block_bytes: number;
  readonly token_capacity: number;
  readonly linear_slots: number;
  readonly linear_bytes: number;
  /** Groups of layers that share blocks (vLLM hybrids); 1 otherwise. */
  readonly groups: number;
}

/** Memory on one rank when the cache is sized. */
export interface Sizing {
  readonly total_bytes: number;
  /** Weights, tower and draft. */
  readonly loaded_bytes: number;
  readonly context_bytes: number;
  /** Taken by the profiling run (vLLM): activations and buffers. */
  readonly profiled_bytes: number;
  /** Free after loading as a log prints it; null: total less loaded and context. */
  readonly free_bytes: number | null;
}

const nothing = { blocks: 0, usable_blocks: 0, token_capacity: 0, linear_slots: 0, linear_bytes: 0, groups: 1 } as const;

function xllm(setup: Setup, costs: Costs, at: Sizing): Pool {
  const free = at.free_bytes ?? at.total_bytes - at.loaded_bytes - at.context_bytes;
  const cache = xllmCacheBytes({ total_bytes: at.total_bytes, free_bytes: free, max_memory_utilization: setup.util, max_cache_bytes: 0 });
  const p = xllmPool({
    cache_bytes: cache, block_tokens: setup.block, kv_bytes_per_token: costs.kv_bytes_per_token, draft_kv_bytes_per_token: costs.draft_kv_bytes_per_token ?? 0,
    linear_state_bytes_per_seq: costs.linear_bytes_per_seq, max_seqs: setup.max_seqs ?? 0, prefix_cache: setup.prefix, max_linear_slots: 0,
  });
  return {
    cache_bytes: cache, blocks: p.blocks, usable_blocks: p.usable_blocks, block_tokens: setup.block * setup.cp, block_bytes: p.block_bytes,
    token_capacity: p.usable_blocks * setup.block * setup.cp, linear_slots: p.linear_slots, linear_bytes: Math.min(p.linear_bytes, cache), groups: 1,
  };
}

function vllm(setup: Setup, costs: Costs, at: Sizing): Pool {
  const whole = Math.trunc(vllmCacheBytes({ total_bytes: at.total_bytes, gpu_memory_utilization: setup.util, weights_bytes: at.loaded_bytes, activation_peak_bytes: at.profiled_bytes, non_torch_bytes: at.context_bytes }));
  const cache = setup.halved ? Math.floor(whole / 2) : whole;
  const perToken = costs.kv_bytes_per_token + (costs.draft_kv_bytes_per_token ?? 0);
  const gdn = linearLayer(setup.spec);
  if (gdn === null || costs.full_layers === 0) {
    const blocks = perToken === 0 ? 0 : vllmBlocks(cache, setup.block, perToken);
    return { ...nothing, cache_bytes: cache, blocks, usable_blocks: blocks, block_tokens: setup.block, block_bytes: setup.block * perToken, token_capacity: blocks * setup.block };
  }
  // A hybrid's attention page grows until it holds a linear state; equal groups of layers share the blocks.
  const state = gdnStateBytes(gdn, setup.spec.dtype, setup.parallel.tp, setup.spec_tokens);
  const perLayer = costs.kv_bytes_per_token / costs.full_layers;
  const tokens = Math.max(setup.block, vllmHybridBlockTokens(state.conv_bytes + state.ssm_bytes, perLayer));
  const groups = Math.ceil((costs.full_layers + costs.linear_layers) / costs.full_layers);
  const blockBytes = tokens * perToken;
  const blocks = vllmBlocks(cache, tokens, perToken);
  return { ...nothing, cache_bytes: cache, blocks, usable_blocks: blocks, block_tokens: tokens, block_bytes: blockBytes, token_capacity: vllmHybridTokens(blocks, groups, tokens), groups };
}

/** SGLang leaves a share of what was free before loading; its pool holds one page more than it counts. Source: profile_max_num_token, checked against an NPU log. */
function sglang(setup: Setup, costs: Costs, at: Sizing): Pool {
  const before = at.total_bytes - at.context_bytes;
  const free = at.free_bytes ?? before - at.loaded_bytes;
  const cache = Math.max(0, Math.trunc(free - (at.free_bytes === null ? before : at.total_bytes) * (1 - setup.util)));
  const perToken = costs.kv_bytes_per_token + (costs.draft_kv_bytes_per_token ?? 0);
  const blocks = perToken === 0 ? 0 : Math.floor(Math.floor(cache / perToken) / setup.block);
  return { ...nothing, cache_bytes: cache, blocks, usable_blocks: blocks, block_tokens: setup.block, block_bytes: setup.block * perToken, token_capacity: blocks * setup.block };
}

/** The pool by the framework's own rule; null where the rule is not known (SGLang hybrids). */
export function poolOf(setup: Setup, costs: Costs, at: Sizing): Pool | null {
  switch (setup.framework) {
    case 'xllm':
      return xllm(setup, costs, at);
    case 'vllm-ascend':
      return vllm(setup, costs, at);
    case 'sglang':
      return costs.linear_layers > 0 ? null : sglang(setup, costs, at);
  }
}
