import type { Attention, DenseMlp, LayerSpec, MlaAttention, ModelSpec, MoeMlp } from './spec.js';

/** Part of the model a weight belongs to; the operators of a step carry the same names. */
export const components = ['embed', 'qkv_proj', 'attention', 'o_proj', 'mlp', 'router', 'experts', 'shared_expert', 'linear_attention', 'indexer', 'norm', 'lm_head', 'mtp_proj'] as const;
export type Component = (typeof components)[number];

/**
 * How a weight is divided over ranks.
 * `column`: outputs by tp. `row`: inputs by tp. `kv`: by tp until one KV head is left, then replicated. `vocab`: outputs by tp after padding.
 * `expert-column`, `expert-row`: whole experts by ep, then each by the tensor parallelism left to experts. `shared-…`: as the option for shared experts says.
 */
export type Shard = 'replicated' | 'column' | 'row' | 'kv' | 'vocab' | 'expert-column' | 'expert-row' | 'shared-column' | 'shared-row';

/** One weight, or `copies` equal ones. Vectors have `into` = 1. */
export interface WeightTensor {
  /** Dotted name inside its layer, as in the checkpoint. */
  readonly module: string;
  readonly component: Component;
  readonly out: number;
  readonly into: number;
  readonly copies: number;
  readonly shard: Shard;
  /** Bias, norm, sink, state parameter: never quantised, no matrix multiplication. */
  readonly vector: boolean;
  /** Heads of a `kv` shard. */
  readonly heads?: number;
  /** Engines run it in one multiplication with the matrix before it: the rows are read once. */
  readonly fused?: boolean;
}

type Rest = { readonly copies?: number; readonly heads?: number; readonly fused?: boolean };
const matrix = (module: string, component: Component, out: number, into: number, shard: Shard, rest: Rest = {}): WeightTensor => ({ module, component, out, into, copies: 1, shard, vector: false, ...rest });
const vector = (module: string, component: Component, out: number, shard: Shard = 'replicated', rest: Rest = {}): WeightTensor => ({ module, component, out, into: 1, copies: 1, shard, vector: true, ...rest });

export function numel(tensor: WeightTensor): number {
  return tensor.out * tensor.into * tensor.copies;
}

function mla(a: MlaAttention, h: number): WeightTensor[] {
  const q = a.heads * (a.nope_dim + a.rope_dim);
  const out = [
    matrix('self_attn.kv_a_proj_with_mqa', 'qkv_proj', a.kv_rank + a.rope_dim, h, 'replicated'),
    vector('self_attn.kv_a_layernorm', 'norm', a.kv_rank),
    matrix('self_attn.kv_b_proj', 'qkv_proj', a.heads * (a.nope_dim + a.v_dim), a.kv_rank, 'column'),
    matrix('self_attn.o_proj', 'o_proj', h, a.heads * a.v_dim, 'row'),
  ];
  if (a.q_rank === null) out.push(matrix('self_attn.q_proj', 'qkv_proj', q, h, 'column'));
  else out.push(matrix('self_attn.q_a_proj', 'qkv_proj', a.q_rank, h, 'replicated'), vector('self_attn.q_a_layernorm', 'norm', a.q_rank), matrix('self_attn.q_b_proj', 'qkv_proj', q, a.q_rank, 'column'));
  if (a.sparse?.own === true) {
    const { heads, head_dim: d } = a.sparse;
    out.push(
      matrix('self_attn.indexer.wq_b', 'indexer', heads * d, a.q_rank ?? h, 'replicated'),
      matrix('self_attn.indexer.wk', 'indexer', d, h, 'replicated'),
      vector('self_attn.indexer.k_norm', 'indexer', 2 * d),
      matrix('self_attn.indexer.weights_proj', 'indexer', heads, h, 'replicated'),
    );
  }
  return out;
}

function attentionTensors(a: Attention, h: number): WeightTensor[] {
  switch (a.kind) {
    case 'mla':
      return mla(a, h);
    case 'gqa': {
      const q = a.q_heads * a.head_dim;
      const kv = a.kv_heads * a.head_dim;
      const gated = a.output_gate ? 2 * q : q;
      const heads = { heads: a.kv_heads };
      const fusedHeads = { heads: a.kv_heads, fused: true };
      const out = [
        matrix('self_attn.q_proj', 'qkv_proj', gated, h, 'column'),
        matrix('self_attn.k_proj', 'qkv_proj', kv, h, 'kv', fusedHeads),
        matrix('self_attn.v_proj', 'qkv_proj', kv, h, 'kv', fusedHeads),
        matrix('self_attn.o_proj', 'o_proj', h, q, 'row'),
      ];
      if (a.qkv_bias) out.push(vector('self_attn.q_proj.bias', 'qkv_proj', gated, 'column'), vector('self_attn.k_proj.bias', 'qkv_proj', kv, 'kv', heads), vector('self_attn.v_proj.bias', 'qkv_proj', kv, 'kv', heads));
      if (a.o_bias) out.push(vector('self_attn.o_proj.bias', 'o_proj', h));
      if (a.qk_norm === 'per-head') out.push(vector('self_attn.q_norm', 'norm', a.head_dim), vector('self_attn.k_norm', 'norm', a.head_dim));
      if (a.qk_norm === 'full') out.push(vector('self_attn.q_norm', 'norm', q, 'column'), vector('self_attn.k_norm', 'norm', kv, 'kv', heads));
      if (a.sinks) out.push(vector('self_attn.sinks', 'attention', a.q_heads, 'column'));
      return out;
    }
    case 'gdn': {
      const k = a.key_heads * a.key_dim;
      const v = a.value_heads * a.value_dim;
      return [
        matrix('linear_attn.in_proj_qkvz', 'qkv_proj', 2 * k + 2 * v, h, 'column'),
        matrix('linear_attn.in_proj_ba', 'qkv_proj', 2 * a.value_heads, h, 'column', { fused: true }),
        // A depthwise convolution: work of the vector unit, so not a matrix multiplication.
        vector('linear_attn.conv1d', 'linear_attention', (2 * k + v) * a.conv_kernel, 'column'),
        vector('linear_attn.dt_bias', 'linear_attention', a.value_heads, 'column'),
        vector('linear_attn.A_log', 'linear_attention', a.value_heads, 'column'),
        vector('linear_attn.norm', 'linear_attention', a.value_dim),
        matrix('linear_attn.out_proj', 'o_proj', h, v, 'row'),
      ];
    }
  }
}

function mlpTensors(m: DenseMlp | MoeMlp, h: number): WeightTensor[] {
  if (m.kind === 'dense') {
    const i = m.intermediate;
    const out = [matrix('mlp.gate_proj', 'mlp', i, h, 'column'), matrix('mlp.up_proj', 'mlp', i, h, 'column', { fused: true }), matrix('mlp.down_proj', 'mlp', h, i, 'row')];
    if (m.bias) out.push(vector('mlp.gate_proj.bias', 'mlp', i, 'column'), vector('mlp.up_proj.bias', 'mlp', i, 'column'), vector('mlp.down_proj.bias', 'mlp', h));
    return out;
  }
  const { experts, intermediate: i, shared_intermediate: s } = m;
  const many = { copies: experts };
  const out = [
    matrix('mlp.gate', 'router', experts, h, 'replicated'),
    matrix('mlp.experts.*.gate_proj', 'experts', i, h, 'expert-column', many),
    matrix('mlp.experts.*.up_proj', 'experts', i, h, 'expert-column', { ...many, fused: true }),
    matrix('mlp.experts.*.down_proj', 'experts', h, i, 'expert-row', many),
  ];
  if (m.correction_bias) out.push(vector('mlp.gate.e_score_correction_bias', 'router', experts));
  if (m.biases) {
    out.push(
      vector('mlp.gate.bias', 'router', experts),
      vector('mlp.experts.*.gate_proj.bias', 'experts', i, 'expert-column', many),
      vector('mlp.experts.*.up_proj.bias', 'experts', i, 'expert-column', many),
      vector('mlp.experts.*.down_proj.bias', 'experts', h, 'expert-row', many),
    );
  }
  if (s > 0) {
    out.push(matrix('mlp.shared_experts.gate_proj', 'shared_expert', s, h, 'shared-column'), matrix('mlp.shared_experts.up_proj', 'shared_expert', s, h, 'shared-column', { fused: true }), matrix('mlp.shared_experts.down_proj', 'shared_expert', h, s, 'shared-row'));
    if (m.shared_gate) out.push(matrix('mlp.shared_expert_gate', 'shared_expert', 1, h, 'replicated'));
  }
  return out;
}

/** Every weight of one layer, its two norms included. */
export function layerTensors(layer: LayerSpec, hidden: number): WeightTensor[] {
  return [...attentionTensors(layer.attention, hidden), ...mlpTensors(layer.mlp, hidden), vector('input_layernorm', 'norm', hidden), vector('post_attention_layernorm', 'norm', hidden)];
}

export function embedTensor(spec: ModelSpec): WeightTensor {
  return matrix('embed_tokens', 'embed', spec.vocab, spec.hidden, 'vocab');
}

/** Final norm and head; a tied head is the embedding again and has no weight of its own. */
export function headTensors(spec: ModelSpec): WeightTensor[] {
  const norm = vector('norm', 'norm', spec.hidden);
  return spec.tied_embeddings ? [norm] : [norm, matrix('lm_head', 'lm_head', spec.vocab, spec.hidden, 'vocab')];
}

/**
 * Weights of the MTP layers without embedding and head, which they share with the model: the layers, and per projection
 * eh_proj (2h → h) and three norms. Source: DeepSeek-V3 checkpoint (model.layers.61), Qwen3-Next checkpoint (mtp.*).
 */
export function mtpTensors(spec: ModelSpec): WeightTensor[] {
  if (spec.mtp.kind !== 'layers') return [];
  const h = spec.hidden;
  const out = spec.mtp.layers.flatMap((layer) => layerTensors(layer, h));
  for (let i = 0; i < spec.mtp.projections; i += 1) out.push(matrix('eh_proj', 'mtp_proj', h, 2 * h, 'replicated'), vector('enorm', 'norm', h), vector('hnorm', 'norm', h), vector('shared_head.norm', 'norm', h));
  if (spec.mtp.dedicated_embeddings) out.push(matrix('embed_tokens', 'embed', spec.vocab, h, 'vocab'), matrix('lm_head', 'lm_head', spec.vocab, h, 'vocab'));
  return out;
}
