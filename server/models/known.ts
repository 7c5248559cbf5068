import { foreign, ToolError } from '../contract/index.js';
import { parseModelConfig, type ParseOptions } from './parse.js';
import type { ModelSpec } from './spec.js';

type Config = Readonly<Record<string, unknown>>;

const llama = (hidden: number, layers: number, heads: number, intermediate: number): Config => ({
  model_type: 'llama', hidden_size: hidden, num_hidden_layers: layers, num_attention_heads: heads, num_key_value_heads: 8, intermediate_size: intermediate, vocab_size: 128_256, max_position_embeddings: 131_072, torch_dtype: 'bfloat16',
});
const qwen3 = (hidden: number, layers: number, heads: number, intermediate: number, tied = false): Config => ({
  model_type: 'qwen3', hidden_size: hidden, num_hidden_layers: layers, num_attention_heads: heads, num_key_value_heads: 8, head_dim: 128, intermediate_size: intermediate, vocab_size: 151_936, max_position_embeddings: 40_960, tie_word_embeddings: tied, torch_dtype: 'bfloat16',
});
const qwen3Moe = (hidden: number, layers: number, heads: number, kvHeads: number, experts: number, expert: number, positions: number): Config => ({
  model_type: 'qwen3_moe', hidden_size: hidden, num_hidden_layers: layers, num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: 128, num_experts: experts, num_experts_per_tok: 8, moe_intermediate_size: expert, vocab_size: 151_936, max_position_embeddings: positions, torch_dtype: 'bfloat16',
});
const mixtral = (hidden: number, layers: number, heads: number, intermediate: number, vocab: number): Config => ({
  model_type: 'mixtral', hidden_size: hidden, num_hidden_layers: layers, num_attention_heads: heads, num_key_value_heads: 8, intermediate_size: intermediate, num_local_experts: 8, num_experts_per_tok: 2, vocab_size: vocab, torch_dtype: 'bfloat16',
});
const deepseekV3 = {
  model_type: 'deepseek_v3', hidden_size: 7168, num_hidden_layers: 61, num_attention_heads: 128, q_lora_rank: 1536, kv_lora_rank: 512, qk_nope_head_dim: 128, qk_rope_head_dim: 64, v_head_dim: 128,
  intermediate_size: 18_432, moe_intermediate_size: 2048, n_routed_experts: 256, n_shared_experts: 1, num_experts_per_tok: 8, first_k_dense_replace: 3, moe_layer_freq: 1, topk_method: 'noaux_tc',
  num_nextn_predict_layers: 1, vocab_size: 129_280, max_position_embeddings: 163_840, torch_dtype: 'bfloat16',
  quantization_config: { quant_method: 'fp8', weight_block_size: [128, 128] },
} as const;
const glm = {
  model_type: 'glm4_moe', attention_bias: true, head_dim: 128, num_attention_heads: 96, num_key_value_heads: 8, n_shared_experts: 1, num_experts_per_tok: 8, num_nextn_predict_layers: 1, vocab_size: 151_552, max_position_embeddings: 131_072, torch_dtype: 'bfloat16',
} as const;

/** Models that can be named instead of handed over. Source of the shapes: the public model cards; the exact totals in test/models/parameters.test.ts hold them. */
const known: Readonly<Record<string, Config>> = {
  'Llama-3.1-8B': llama(4096, 32, 32, 14_336),
  'Llama-3.1-70B': llama(8192, 80, 64, 28_672),
  'Llama-3.1-405B': llama(16_384, 126, 128, 53_248),
  'Qwen3-0.6B': qwen3(1024, 28, 16, 3072, true),
  'Qwen3-8B': qwen3(4096, 36, 32, 12_288),
  'Qwen3-14B': qwen3(5120, 40, 40, 17_408),
  'Qwen3-32B': qwen3(5120, 64, 64, 25_600),
  'Qwen3-30B-A3B': qwen3Moe(2048, 48, 32, 4, 128, 768, 40_960),
  'Qwen3-235B-A22B': qwen3Moe(4096, 94, 64, 4, 128, 1536, 40_960),
  'Qwen3-Coder-480B-A35B': qwen3Moe(6144, 62, 96, 8, 160, 2560, 262_144),
  'Mixtral-8x7B': mixtral(4096, 32, 32, 14_336, 32_000),
  'Mixtral-8x22B': mixtral(6144, 56, 48, 16_384, 32_000),
  'DeepSeek-V3': deepseekV3,
  'DeepSeek-R1': deepseekV3,
  'DeepSeek-V3.2': { ...deepseekV3, model_type: 'deepseek_v32', index_n_heads: 64, index_head_dim: 128, index_topk: 2048 },
  'Kimi-K2': { ...deepseekV3, model_type: 'kimi_k2', num_attention_heads: 64, n_routed_experts: 384, first_k_dense_replace: 1, num_nextn_predict_layers: 0, vocab_size: 163_840, max_position_embeddings: 131_072 },
  'GLM-5': {
    ...deepseekV3, model_type: 'glm_moe_dsa', hidden_size: 6144, num_hidden_layers: 78, num_attention_heads: 64, q_lora_rank: 2048, qk_nope_head_dim: 192, v_head_dim: 256, intermediate_size: 12_288,
    index_n_heads: 32, index_head_dim: 128, index_topk: 2048, vocab_size: 154_880, max_position_embeddings: 202_752, quantization_config: null,
  },
  'GLM-4.5': { ...glm, hidden_size: 5120, num_hidden_layers: 92, intermediate_size: 12_288, n_routed_experts: 160, moe_intermediate_size: 1536, first_k_dense_replace: 3, use_qk_norm: true },
  'GLM-4.5-Air': { ...glm, hidden_size: 4096, num_hidden_layers: 46, intermediate_size: 10_944, n_routed_experts: 128, moe_intermediate_size: 1408, first_k_dense_replace: 1, use_qk_norm: false },
  'Qwen3-Next-80B-A3B': {
    model_type: 'qwen3_next', hidden_size: 2048, num_hidden_layers: 48, num_attention_heads: 16, num_key_value_heads: 2, head_dim: 256, full_attention_interval: 4,
    linear_num_key_heads: 16, linear_num_value_heads: 32, linear_key_head_dim: 128, linear_value_head_dim: 128, linear_conv_kernel_dim: 4,
    num_experts: 512, num_experts_per_tok: 10, moe_intermediate_size: 512, shared_expert_intermediate_size: 512, vocab_size: 151_936, max_position_embeddings: 262_144, torch_dtype: 'bfloat16',
  },
  'Qwen3.5-27B': {
    model_type: 'qwen3_5_text', hidden_size: 5120, num_hidden_layers: 64, num_attention_heads: 24, num_key_value_heads: 4, head_dim: 256, full_attention_interval: 4, attn_output_gate: true,
    linear_num_key_heads: 16, linear_num_value_heads: 48, linear_key_head_dim: 128, linear_value_head_dim: 128, linear_conv_kernel_dim: 4, mamba_ssm_dtype: 'float32',
    intermediate_size: 17_408, mtp_num_hidden_layers: 1, vocab_size: 248_320, max_position_embeddings: 262_144, dtype: 'bfloat16',
  },
};

export const knownModels: readonly string[] = Object.keys(known);

const plain = (name: string): string => name.toLowerCase().replace(/^.*\//, '').replace(/^meta-/, '').replace(/-(?:instruct|chat|base|thinking)$/, '').replace(/[^a-z0-9]/g, '');

/** Whether a name is one of {@link knownModels}; owner and suffixes such as `-Instruct` do not matter. */
export function isKnownModel(name: string): boolean {
  return knownModels.some((k) => plain(k) === plain(name));
}

/**
 * The shape of a well-known text model by name; vision towers are not part of it.
 * @throws ToolError E_ARG_TYPE for a name not known
 */
export function findModel(name: string, options: ParseOptions = {}): ModelSpec {
  const hit = Object.entries(known).find(([k]) => plain(k) === plain(name));
  if (hit === undefined) throw new ToolError('E_ARG_TYPE', `model ${foreign(name, 60)} is not a known name`, `give the folder or config.json of the model, or one of ${knownModels.join(', ')}`);
  return parseModelConfig(hit[1], options);
}
