import { gdnStateBytes, slotOf, defaultCacheOptions } from '../../models/memory.js';
import { dtypeBytes, type GdnAttention, type ModelSpec } from '../../models/spec.js';

/** How xLLM sizes its KV cache (llm_engine.cpp:447-572, kv_cache_estimation.cpp:38-302, 483-550, speculative_engine.cpp:132-268). */

export interface KvRequest {
  readonly spec: ModelSpec;
  /** Layers of a draft model on the same device; 0 without one. */
  readonly draftLayers: number;
  readonly tp: number;
  readonly blockSize: number;
  readonly utilization: number;
  /** Cap in bytes; 0: none. */
  readonly maxCacheBytes: number;
  readonly prefixCache: boolean;
  readonly maxSeqs: number;
  readonly maxLinearSlots: number;
  readonly speculativeTokens: number;
  readonly indexerInt8: boolean;
  /** Free memory after all weights are loaded, per worker. */
  readonly freeBytes: readonly number[];
  readonly totalBytes: number;
}

export interface KvPlan {
  readonly kvBytes: number;
  readonly blocks: number;
  readonly slotSize: number;
  readonly indexSlotSize: number;
  readonly indexerLayers: number;
  readonly linearSlotSize: number;
  readonly linearBlocks: number;
  readonly reservedLinearBytes: number;
  readonly fullLayers: number;
  readonly layers: number;
}

export type KvResult = { readonly ok: true; readonly plan: KvPlan } | { readonly ok: false; readonly where: string; readonly message: string };

const nzAlignment = 16;
const nz = (size: number): number => Math.ceil(size / nzAlignment) * nzAlignment;

/** Two linear-state slots are padding (kPaddingLinearStateBlocks). */
const paddingLinearBlocks = 2;

interface Slots {
  readonly slot: number;
  readonly index: number;
}

/** Bytes per token of one full layer. DeepSeek-V3 with prefix cache keeps both parts in 16-element tiles on NPU. */
export function slotSizes(spec: ModelSpec, tp: number, prefixCache: boolean, indexerInt8: boolean): Slots {
  const full = spec.layers.find((l) => l.attention.kind !== 'gdn')?.attention;
  if (full === undefined) return { slot: 0, index: 0 };
  const sizes = slotOf(full, spec.dtype, tp, { ...defaultCacheOptions, index_dtype: indexerInt8 ? 'int8' : 'auto' });
  const tiled = full.kind === 'mla' && prefixCache && spec.model_type === 'deepseek_v3';
  return { slot: tiled ? dtypeBytes[spec.dtype] * (nz(full.kv_rank) + nz(full.rope_dim)) : sizes.slot_bytes, index: sizes.index_bytes };
}

function linearSlot(spec: ModelSpec, gdn: GdnAttention, tp: number, speculative: number): number {
  // Only Qwen3.5 targets keep room to roll drafts back.
  const rolled = spec.model_type.startsWith('qwen3_5') ? speculative : 0;
  const state = gdnStateBytes(gdn, spec.dtype, tp, rolled);
  return state.conv_bytes + state.ssm_bytes;
}

/** Bytes a worker may use: free memory less the part of the total that is kept back, capped. */
export function availableBytes(free: number, total: number, utilization: number, cap: number): number {
  const left = utilization < 1 ? free - Math.trunc(total * (1 - utilization)) : free;
  return cap > 0 ? Math.min(left, cap) : left;
}

/** Blocks of the cache, or the CHECK that fails. */
export function planKv(r: KvRequest): KvResult {
  const kvBytes = Math.max(0, Math.min(...r.freeBytes.map((free) => availableBytes(free, r.totalBytes, r.utilization, r.maxCacheBytes))));
  if (kvBytes <= 0) return { ok: false, where: 'llm_engine.cpp:501', message: 'Check failed: kv_cache_cap.cache_size_in_bytes > 0 (0 vs. 0) Available kv cache size must be greater than 0' };
  const { slot, index } = slotSizes(r.spec, r.tp, r.prefixCache, r.indexerInt8);
  const linear = r.spec.layers.flatMap((l) => (l.attention.kind === 'gdn' ? [l.attention] : []));
  const fullLayers = r.spec.layers.length - linear.length;
  const indexerLayers = index > 0 ? fullLayers : 0;
  const targetBlock = r.blockSize * (Math.max(fullLayers, 1) * slot + indexerLayers * index);
  const draftBlock = r.blockSize * r.draftLayers * (slot + index);
  const [gdn] = linear;
  const perSlot = gdn === undefined ? 0 : linearSlot(r.spec, gdn, r.tp, r.speculativeTokens);
  const perSlotAll = perSlot * linear.length;
  const linearBlocks = gdn === undefined ? 0 : linearBlocksOf(r, kvBytes, perSlotAll, targetBlock);
  if (linearBlocks < 0) {
    const fit = Math.floor(kvBytes / perSlotAll);
    return { ok: false, where: 'kv_cache_estimation.cpp:268', message: `Check failed: max_linear_state_cache_slots requires ${r.maxLinearSlots + paddingLinearBlocks} linear-state blocks, but only ${fit} fit` };
  }
  const reservedLinearBytes = linearBlocks * perSlotAll;
  const blocks = Math.floor((kvBytes - reservedLinearBytes) / (targetBlock + draftBlock));
  if (blocks <= 0) return { ok: false, where: 'llm_engine.cpp:574', message: reservedLinearBytes > 0 ? 'Check failed: no memory left for full-attention kv cache after reserving linear state cache' : `Check failed: kv_cache_cap.n_blocks > 0 (${blocks} vs. 0) no n_blocks for kv cache` };
  return { ok: true, plan: { kvBytes, blocks, slotSize: slot, indexSlotSize: index, indexerLayers, linearSlotSize: perSlot, linearBlocks, reservedLinearBytes, fullLayers, layers: r.spec.layers.length } };
}

/** Slots for recurrent states: asked, by sequences, or with prefix cache 0.9/1.9 of the pool. Negative: asked for more than fits. */
function linearBlocksOf(r: KvRequest, kvBytes: number, perSlotAll: number, block: number): number {
  const cap = Math.max(paddingLinearBlocks, Math.floor(Math.min((kvBytes - 1) / perSlotAll, (kvBytes + 2 * block) / (perSlotAll + block))));
  if (r.maxLinearSlots > 0) return r.maxLinearSlots + paddingLinearBlocks <= cap ? r.maxLinearSlots + paddingLinearBlocks : -1;
  if (!r.prefixCache) return Math.min(r.maxSeqs + paddingLinearBlocks, cap);
  return Math.min(cap, Math.max(paddingLinearBlocks, Math.floor((kvBytes * (0.9 / 1.9)) / perSlotAll)));
}
