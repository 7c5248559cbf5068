import type { GqaTraits } from './attention.js';

const plain: GqaTraits = { qkv_bias: 'attention_bias', o_bias: 'attention_bias', qk_norm: 'none', output_gate: 'never', sinks: false };
const qwen3: GqaTraits = { ...plain, qk_norm: 'per-head' };
const qwenHybrid: GqaTraits = { ...plain, qk_norm: 'per-head', output_gate: 'attn_output_gate' };

/** How a family is put together where its config.json does not say it. */
export interface Family {
  readonly attention: { readonly kind: 'gqa'; readonly traits: GqaTraits } | { readonly kind: 'mla' };
  /** Where the MoE layers are and how their fields are called; null: dense only. */
  readonly moe: 'qwen' | 'deepseek' | 'mixtral' | 'minimax' | 'gpt-oss' | null;
  /** Delta-net layers between the full ones. */
  readonly hybrid: boolean;
  /** Every router has a correction bias; `noaux_tc`: only with that topk_method. */
  readonly correctionBias: 'always' | 'never' | 'noaux_tc' | 'use_routing_bias';
  /** A gate on the shared expert. */
  readonly sharedGate: boolean;
  readonly mtp: 'nextn' | 'qwen' | 'minimax' | 'none';
  /** MTP layers the checkpoint is known to have when the configuration is silent. */
  readonly mtpDefault: number;
}

const dense = (traits: GqaTraits): Family => ({ attention: { kind: 'gqa', traits }, moe: null, hybrid: false, correctionBias: 'never', sharedGate: false, mtp: 'none', mtpDefault: 0 });
const deepseek: Family = { attention: { kind: 'mla' }, moe: 'deepseek', hybrid: false, correctionBias: 'noaux_tc', sharedGate: false, mtp: 'nextn', mtpDefault: 0 };
const qwenMoe = (traits: GqaTraits): Family => ({ ...dense(traits), moe: 'qwen' });
const hybrid = (moe: 'qwen' | null, mtpDefault: number): Family => ({ ...dense(qwenHybrid), moe, hybrid: true, sharedGate: true, mtp: 'qwen', mtpDefault });

/**
 * The families by `model_type` of the text model. Source: transformers modelling code of each, and the checkpoints' tensor names;
 * the totals of the public models are the check (test/models/parameters.test.ts).
 */
export const families: Readonly<Record<string, Family>> = {
  llama: dense(plain),
  mistral: dense({ ...plain, qkv_bias: 'never', o_bias: 'never' }),
  qwen2: dense({ ...plain, qkv_bias: 'always', o_bias: 'never' }),
  qwen3: dense(qwen3),
  qwen3_vl_text: dense(qwen3),
  mixtral: { ...dense({ ...plain, qkv_bias: 'never', o_bias: 'never' }), moe: 'mixtral' },
  qwen2_moe: { ...qwenMoe({ ...plain, qkv_bias: 'always', o_bias: 'never' }), sharedGate: true },
  qwen3_moe: qwenMoe(qwen3),
  qwen3_vl_moe_text: qwenMoe(qwen3),
  // The public Qwen3-Next checkpoints carry one MTP layer their config.json does not mention.
  qwen3_next: { ...hybrid('qwen', 1), attention: { kind: 'gqa', traits: { ...qwenHybrid, output_gate: 'always' } } },
  qwen3_5_text: hybrid(null, 0),
  qwen3_5_moe_text: hybrid('qwen', 0),
  deepseek_v2: deepseek,
  deepseek_v3: deepseek,
  deepseek_v32: deepseek,
  kimi_k2: deepseek,
  glm_moe_dsa: deepseek,
  glm4_moe: { ...dense({ ...plain, o_bias: 'never', qk_norm: 'use_qk_norm' }), moe: 'deepseek', correctionBias: 'always', mtp: 'nextn' },
  minimax_m2: { ...dense({ ...plain, qk_norm: 'full' }), moe: 'minimax', correctionBias: 'use_routing_bias', mtp: 'minimax' },
  gpt_oss: { ...dense({ ...plain, sinks: true }), moe: 'gpt-oss' },
};
