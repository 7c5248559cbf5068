import { cacheCost, slotOf, defaultCacheOptions, type CacheOptions } from '../models/memory.js';
import { dtypeBytes, type GdnAttention, type ModelSpec } from '../models/spec.js';
import { weightsPerRank, type RankWeights } from '../models/weights.js';
import type { Setup } from './request.js';

export interface Costs {
  readonly weights_bytes: number;
  readonly weights: RankWeights;
  /** null: a tower whose layout is not known. */
  readonly vision_bytes: number | null;
  /** Weights of the draft; low and high end. null: layout not known. */
  readonly draft: { readonly low: number; readonly high: number } | null;
  readonly kv_bytes_per_token: number;
  readonly draft_kv_bytes_per_token: number | null;
  readonly window_bytes_per_seq: number;
  readonly linear_bytes_per_seq: number;
  readonly full_layers: number;
  readonly window_layers: number;
  readonly linear_layers: number;
  /** A draft slot larger than the target's: xLLM refuses to start. */
  readonly draft_slot_too_large: boolean;
  readonly notes: readonly { readonly code: string; readonly detail: string }[];
}

/** How the cache of a framework is laid out. Source: facts of xLLM kv_cache_estimation.cpp; vLLM and SGLang keep no scales in the block formula. */
function cacheOptions(setup: Setup): Partial<CacheOptions> {
  const xllm = setup.framework === 'xllm';
  // xLLM keeps room to roll back drafts in the linear state of Qwen3.5 targets only.
  const rollback = setup.spec_tokens > 0 && (!xllm || setup.spec.model_type.startsWith('qwen3_5')) ? setup.spec_tokens : 0;
  return {
    kv_dtype: setup.kv_dtype,
    scales: xllm,
    index_layers: xllm ? 'all' : 'own',
    block_tokens: setup.block,
    prefill_chunk_tokens: 0,
    speculative_tokens: rollback,
    latent_tiles: xllm && setup.prefix && setup.spec.model_type === 'deepseek_v3',
  };
}

/** Bytes a token takes in one full layer of a model. */
function layerSlot(spec: ModelSpec, setup: Setup): number {
  const full = spec.layers.find((l) => l.attention.kind !== 'gdn')?.attention;
  if (full === undefined) return 0;
  const slot = slotOf(full, spec.dtype, setup.parallel.tp, { ...defaultCacheOptions, ...cacheOptions(setup) });
  return slot.slot_bytes + slot.index_bytes + slot.scale_bytes;
}

interface DraftCost {
  readonly weights: Costs['draft'];
  readonly kv: number | null;
  readonly tooLarge: boolean;
}

function draftCost(setup: Setup, weights: RankWeights, duplicated: RankWeights, own: number | null): DraftCost {
  if (setup.spec_tokens === 0) return { weights: { low: 0, high: 0 }, kv: 0, tooLarge: false };
  if (setup.draft !== null) {
    const bytes = Math.ceil(weightsPerRank(setup.draft, setup.parallel, { engine: setup.framework === 'xllm' ? 'xllm' : 'vllm-ascend' }).weights_bytes);
    const target = layerSlot(setup.spec, setup);
    const tooLarge = setup.framework === 'xllm' && layerSlot(setup.draft, setup) > target;
    // xLLM charges every draft layer the slot of the target (speculative_engine.cpp:132-268).
    const kv = setup.framework === 'xllm' ? setup.draft.layers.length * target : cacheCost(setup.draft, setup.parallel, cacheOptions(setup)).kv_bytes_per_token;
    return { weights: { low: bytes, high: bytes }, kv, tooLarge };
  }
  if (weights.draft_bytes === null) return { weights: null, kv: null, tooLarge: false };
  // xLLM loads an exported MTP as a model of its own, perhaps with a second embedding and head.
  const high = setup.framework === 'xllm' ? (duplicated.draft_bytes ?? weights.draft_bytes) : weights.draft_bytes;
  return { weights: { low: Math.ceil(weights.draft_bytes), high: Math.ceil(high) }, kv: own, tooLarge: false };
}

/**
 * What one rank pays, before anything is divided into blocks. Pure.
 * @throws ToolError E_ARG_CONFLICT for a draft the plan does not divide
 */
export function costsOf(setup: Setup): Costs {
  const { spec, parallel } = setup;
  const engine = setup.framework === 'xllm' ? 'xllm' : 'vllm-ascend';
  const weights = weightsPerRank(spec, parallel, { engine });
  const cache = cacheCost(spec, parallel, cacheOptions(setup));
  const duplicated = weightsPerRank(spec, parallel, { engine, mtp_duplicates_embeddings: true });
  const draft = draftCost(setup, weights, duplicated, cache.draft_kv_bytes_per_token);
  const notes: { code: string; detail: string }[] = spec.assumptions.map((detail) => ({ code: 'assumption', detail }));
  const vision = weights.vision_bytes === null ? null : Math.ceil(weights.vision_bytes);
  if (vision === null) notes.push({ code: 'vision-unknown', detail: 'the vision tower has a layout that is not known: its weights are missing from the ledger' });
  if (draft.weights === null) notes.push({ code: 'draft-unknown', detail: 'the layout of the MTP layers is not public: their weights and cache are missing' });
  if (setup.spec_tokens > 0 && setup.draft === null && spec.mtp.kind === 'none') notes.push({ code: 'no-draft', detail: 'speculative tokens without draft model or MTP layers: planned as suffix speculation, which loads nothing' });
  if (cache.window_layers > 0) notes.push({ code: 'sliding-layers', detail: 'sliding layers are counted as a fixed window per sequence; frameworks that give them whole blocks hold less' });
  if (setup.framework === 'xllm' && setup.kv_dtype !== 'auto' && dtypeBytes[setup.kv_dtype] === 1) notes.push({ code: 'kv-dtype-refused', detail: 'xLLM at 3906f5a9 ends on NPU with kv_cache_dtype other than auto (worker_impl.cpp:516): numbers are for a build that accepts it' });
  if (parallel.pp > 1) notes.push({ code: 'heaviest-stage', detail: 'the heaviest stage for weights and the heaviest for cache are planned as one rank' });
  return {
    weights_bytes: Math.ceil(weights.weights_bytes), weights, vision_bytes: vision, draft: draft.weights,
    kv_bytes_per_token: cache.kv_bytes_per_token, draft_kv_bytes_per_token: draft.kv, window_bytes_per_seq: cache.kv_window_bytes_per_seq, linear_bytes_per_seq: cache.linear_state_bytes_per_seq,
    full_layers: cache.full_layers, window_layers: cache.window_layers, linear_layers: cache.linear_layers, draft_slot_too_large: draft.tooLarge, notes,
  };
}

/** The delta-net layer of a hybrid; null without one. */
export function linearLayer(spec: ModelSpec): GdnAttention | null {
  for (const { attention } of spec.layers) if (attention.kind === 'gdn') return attention;
  return null;
}
