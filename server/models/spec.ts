/** What a model is made of, as the planners need it. Built by parseModelConfig; never edited afterwards. */

export type ModelDtype = 'bf16' | 'fp16' | 'fp32';
/** Element types of weights, caches and matrix multiplications. */
export type Dtype = ModelDtype | 'int8' | 'fp8' | 'int4' | 'fp4';

/** Multi-head, grouped-query or multi-query attention with a key and a value per token in the cache. */
export interface GqaAttention {
  readonly kind: 'gqa';
  readonly q_heads: number;
  readonly kv_heads: number;
  readonly head_dim: number;
  readonly qkv_bias: boolean;
  readonly o_bias: boolean;
  /** per-head: one vector of head_dim each for q and k. full: a vector over all heads. */
  readonly qk_norm: 'none' | 'per-head' | 'full';
  /** The q projection is doubled by an output gate (Qwen3-Next, Qwen3.5). */
  readonly output_gate: boolean;
  /** One learned sink logit per head (gpt-oss). */
  readonly sinks: boolean;
  /** Tokens a query sees; null: all. */
  readonly window_tokens: number | null;
}

/** Multi-head latent attention: one compressed vector per token in the cache. */
export interface MlaAttention {
  readonly kind: 'mla';
  readonly heads: number;
  /** null: queries are not compressed (DeepSeek-V2-Lite). */
  readonly q_rank: number | null;
  readonly kv_rank: number;
  readonly nope_dim: number;
  readonly rope_dim: number;
  readonly v_dim: number;
  /** DeepSeek sparse attention; null: dense. */
  readonly sparse: SparseIndex | null;
}

export interface SparseIndex {
  readonly heads: number;
  readonly head_dim: number;
  /** Tokens of the context the main attention reads. */
  readonly topk: number;
  /** False: the layer takes the indices of the last layer that has an indexer (GLM-5.2), and carries no indexer weights. */
  readonly own: boolean;
}

/** Gated delta net: a state per sequence instead of a cache per token. */
export interface GdnAttention {
  readonly kind: 'gdn';
  readonly key_heads: number;
  readonly value_heads: number;
  readonly key_dim: number;
  readonly value_dim: number;
  readonly conv_kernel: number;
  /** Element type of the recurrent state. */
  readonly state_dtype: ModelDtype;
}

export type Attention = GqaAttention | MlaAttention | GdnAttention;

export interface DenseMlp {
  readonly kind: 'dense';
  readonly intermediate: number;
  readonly bias: boolean;
}

export interface MoeMlp {
  readonly kind: 'moe';
  readonly experts: number;
  readonly per_token: number;
  readonly intermediate: number;
  /** Width of all shared experts together; 0: none. */
  readonly shared_intermediate: number;
  /** A scalar gate on the shared expert (Qwen2-MoE, Qwen3-Next). */
  readonly shared_gate: boolean;
  /** One correction bias per expert in the router (DeepSeek-V3, GLM, Kimi, MiniMax). */
  readonly correction_bias: boolean;
  /** Biases inside router and experts (gpt-oss). */
  readonly biases: boolean;
}

export interface LayerSpec {
  readonly attention: Attention;
  readonly mlp: DenseMlp | MoeMlp;
}

/** Multi-token-prediction layers of the checkpoint. `unknown`: the configuration announces some, their layout is not public. */
export type MtpSpec =
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown'; readonly announced: number }
  | {
      readonly kind: 'layers';
      readonly layers: readonly LayerSpec[];
      /** How often the projection of (embedding, hidden) and its three norms occur. */
      readonly projections: number;
      /** True: an embedding and head of their own. */
      readonly dedicated_embeddings: boolean;
    };

/** A vision tower; `params` is null when its layout is not known. */
export interface VisionSpec {
  readonly kind: string;
  readonly params: number | null;
}

export interface ModelSpec {
  readonly model_type: string;
  readonly hidden: number;
  readonly vocab: number;
  readonly layers: readonly LayerSpec[];
  readonly tied_embeddings: boolean;
  readonly dtype: ModelDtype;
  readonly max_positions: number | null;
  readonly mtp: MtpSpec;
  /** null: a text model. */
  readonly vision: VisionSpec | null;
  /** null: weights in `dtype`. */
  readonly quantization: Quantization | null;
  /** What was taken as given because the file does not say it. */
  readonly assumptions: readonly string[];
}

/** How matrix weights are stored and multiplied. */
export interface Quantization {
  readonly name: string;
  readonly weight_dtype: Dtype;
  /** Element type both operands have in the multiplication; null: weights are expanded to the model's dtype first. */
  readonly compute_dtype: Dtype | null;
  readonly scale:
    | { readonly kind: 'none' }
    | { readonly kind: 'channel'; readonly bytes: number }
    | { readonly kind: 'group'; readonly size: number; readonly bytes: number }
    | { readonly kind: 'block'; readonly rows: number; readonly columns: number; readonly bytes: number };
  /** Patterns of module names that stay in the model's dtype; null: the general rule applies (an estimate). */
  readonly skip: readonly string[] | null;
}

/** Bytes of one element. */
export const dtypeBytes: Readonly<Record<Dtype, number>> = { fp32: 4, bf16: 2, fp16: 2, int8: 1, fp8: 1, int4: 0.5, fp4: 0.5 };

/** Equal layers together, in order of first appearance: a model of 94 layers has two or three kinds. */
export function layerKinds(layers: readonly LayerSpec[]): { readonly layer: LayerSpec; readonly count: number }[] {
  const kinds = new Map<string, { layer: LayerSpec; count: number }>();
  for (const layer of layers) {
    const key = JSON.stringify(layer);
    const known = kinds.get(key);
    if (known === undefined) kinds.set(key, { layer, count: 1 });
    else known.count += 1;
  }
  return [...kinds.values()];
}
