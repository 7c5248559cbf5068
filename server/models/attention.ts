import { unknownModel, type Fields } from './fields.js';
import type { GdnAttention, GqaAttention, MlaAttention, ModelDtype, SparseIndex } from './spec.js';

/** What the architecture fixes and the configuration does not say. */
export interface GqaTraits {
  readonly qkv_bias: 'never' | 'always' | 'attention_bias';
  readonly o_bias: 'never' | 'attention_bias';
  readonly qk_norm: 'none' | 'per-head' | 'full' | 'use_qk_norm';
  readonly output_gate: 'never' | 'always' | 'attn_output_gate';
  readonly sinks: boolean;
}

/**
 * Grouped-query attention. `num_key_value_heads` defaults to the query heads and `head_dim` to hidden over heads, as in transformers.
 * @throws ToolError E_MODEL_UNKNOWN
 */
export function parseGqa(fields: Fields, hidden: number, traits: GqaTraits): GqaAttention {
  const heads = fields.int('num_attention_heads');
  const kvHeads = fields.intOr('num_key_value_heads', heads);
  const headDim = fields.intOr('head_dim', hidden / heads);
  if (!Number.isInteger(headDim) || headDim === 0) throw unknownModel(fields.path('head_dim'), 'missing, and hidden_size is no multiple of the heads');
  if (kvHeads === 0 || heads % kvHeads !== 0) throw unknownModel(fields.path('num_key_value_heads'), 'does not divide the query heads');
  const bias = fields.flag('attention_bias', false) || fields.flag('qkv_bias', false);
  const norm = fields.flag('use_qk_norm', true);
  if (traits.output_gate === 'always') fields.skip('attn_output_gate');
  return {
    kind: 'gqa',
    q_heads: heads,
    kv_heads: kvHeads,
    head_dim: headDim,
    qkv_bias: traits.qkv_bias === 'always' || (traits.qkv_bias === 'attention_bias' && bias),
    o_bias: traits.o_bias === 'attention_bias' && bias,
    qk_norm: traits.qk_norm === 'use_qk_norm' ? (norm ? 'per-head' : 'none') : traits.qk_norm === 'full' && !norm ? 'none' : traits.qk_norm,
    output_gate: traits.output_gate === 'always' || (traits.output_gate === 'attn_output_gate' && fields.flag('attn_output_gate', true)),
    sinks: traits.sinks,
    window_tokens: null,
  };
}

/** Multi-head latent attention; `sparse` comes from {@link parseSparse}. @throws ToolError E_MODEL_UNKNOWN */
export function parseMla(fields: Fields): MlaAttention {
  fields.skip('num_key_value_heads', 'head_dim', 'qk_head_dim', 'rope_interleave');
  if (fields.flag('attention_bias', false)) throw unknownModel(fields.path('attention_bias'), 'biases in latent attention are not understood');
  const qRank = fields.intOr('q_lora_rank', null);
  return {
    kind: 'mla',
    heads: fields.int('num_attention_heads'),
    q_rank: qRank === 0 ? null : qRank,
    kv_rank: fields.int('kv_lora_rank'),
    nope_dim: fields.int('qk_nope_head_dim'),
    rope_dim: fields.int('qk_rope_head_dim'),
    v_dim: fields.int('v_head_dim'),
    sparse: null,
  };
}

/** Per layer, the sparse index; null where the model has none. @throws ToolError E_MODEL_UNKNOWN */
export function parseSparse(fields: Fields, layers: number): (SparseIndex | null)[] {
  const heads = fields.intOr('index_n_heads', 0);
  if (heads === 0) return Array.from({ length: layers }, () => null);
  const base = { heads, head_dim: fields.int('index_head_dim'), topk: fields.int('index_topk') };
  const types = fields.words('indexer_types');
  if (types === null) return Array.from({ length: layers }, () => ({ ...base, own: true }));
  // The list is the outcome of these three.
  fields.skip('index_topk_freq', 'index_skip_topk_offset', 'index_topk_pattern');
  const known = types.every((t) => t === 'full' || t === 'shared');
  if (types.length !== layers || !known || types[0] !== 'full') throw unknownModel(fields.path('indexer_types'), 'not one of full and shared per layer, beginning with full');
  return types.map((t) => ({ ...base, own: t === 'full' }));
}

/** Gated delta net of Qwen3-Next and Qwen3.5. @param dtype of the model, also of the state unless `mamba_ssm_dtype` says otherwise. @throws ToolError E_MODEL_UNKNOWN */
export function parseGdn(fields: Fields, dtype: ModelDtype): GdnAttention {
  const state = fields.text('mamba_ssm_dtype');
  return {
    kind: 'gdn',
    key_heads: fields.int('linear_num_key_heads'),
    value_heads: fields.int('linear_num_value_heads'),
    key_dim: fields.int('linear_key_head_dim'),
    value_dim: fields.int('linear_value_head_dim'),
    conv_kernel: fields.int('linear_conv_kernel_dim'),
    state_dtype: state === null ? dtype : parseDtype(state, fields.path('mamba_ssm_dtype')),
  };
}

/** @throws ToolError E_MODEL_UNKNOWN */
export function parseDtype(name: string, field: string): ModelDtype {
  switch (name.replace(/^torch\./, '')) {
    case 'bfloat16':
      return 'bf16';
    case 'float16':
      return 'fp16';
    case 'float32':
      return 'fp32';
    default:
      throw unknownModel(field, 'an element type that is not understood');
  }
}
