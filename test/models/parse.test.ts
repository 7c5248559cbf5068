import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ToolError } from '../../server/contract/index.js';
import { findModel } from '../../server/models/known.js';
import { countParameters } from '../../server/models/parameters.js';
import { parseModelConfig } from '../../server/models/parse.js';
import { failure } from './helpers.js';

const dense = { model_type: 'qwen3', hidden_size: 64, num_hidden_layers: 4, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 16, intermediate_size: 128, vocab_size: 1000, torch_dtype: 'bfloat16' };
const moe = { ...dense, model_type: 'qwen3_moe', num_experts: 8, num_experts_per_tok: 2, moe_intermediate_size: 32 };
const mla = { model_type: 'deepseek_v3', hidden_size: 64, num_hidden_layers: 6, num_attention_heads: 4, q_lora_rank: 24, kv_lora_rank: 16, qk_nope_head_dim: 8, qk_rope_head_dim: 4, v_head_dim: 8, intermediate_size: 128, moe_intermediate_size: 32, n_routed_experts: 8, n_shared_experts: 1, num_experts_per_tok: 2, first_k_dense_replace: 2, vocab_size: 1000 };
const hybrid = { model_type: 'qwen3_5_text', hidden_size: 64, num_hidden_layers: 8, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 16, intermediate_size: 128, vocab_size: 1000, linear_num_key_heads: 2, linear_num_value_heads: 4, linear_key_head_dim: 16, linear_value_head_dim: 16, linear_conv_kernel_dim: 4 };
const kinds = (json: unknown): string[] => parseModelConfig(json).layers.map((l) => l.attention.kind);
const mlps = (json: unknown): string[] => parseModelConfig(json).layers.map((l) => l.mlp.kind);

describe('what is not understood is named, never guessed', () => {
  it.each([
    ['an unknown architecture', { ...dense, model_type: 'deepseek_v4' }, 'model_type'],
    ['no architecture', { ...dense, model_type: undefined }, 'model_type'],
    ['a prototype name', { ...dense, model_type: 'constructor' }, 'model_type'],
    ['a missing size', { ...dense, hidden_size: undefined }, 'hidden_size'],
    ['a size of the wrong type', { ...dense, hidden_size: '64' }, 'hidden_size'],
    ['a size that is not whole', { ...dense, num_hidden_layers: 4.5 }, 'num_hidden_layers'],
    ['an absurd number of layers', { ...dense, num_hidden_layers: 1e8 }, 'num_hidden_layers'],
    ['KV heads that do not divide', { ...dense, num_key_value_heads: 3 }, 'num_key_value_heads'],
    ['a new shape field', { ...dense, compress_ratios: [4, 128] }, 'compress_ratios'],
    ['a new low-rank output', { ...dense, o_lora_rank: 512 }, 'o_lora_rank'],
    ['hyper-connections', { ...dense, hc_mult: 4 }, 'hc_mult'],
    ['a new nested object', { ...dense, sparse_attention_config: { topk: 4 } }, 'sparse_attention_config'],
    ['a new bias', { ...dense, use_extra_bias: true }, 'use_extra_bias'],
    ['a layer kind of another family', { ...dense, layer_types: ['linear_attention', 'full_attention', 'full_attention', 'full_attention'] }, 'layer_types'],
    ['a list of the wrong length', { ...hybrid, layer_types: ['full_attention'] }, 'layer_types'],
    ['a sliding layer without its window', { ...dense, layer_types: ['sliding_attention', 'full_attention', 'full_attention', 'full_attention'] }, 'sliding_window'],
    ['lightning layers of MiniMax-01', { ...dense, model_type: 'minimax_m2', num_local_experts: 8, num_experts_per_tok: 2, attn_type_list: [0, 1, 1, 1] }, 'attn_type_list'],
    ['an indexer list that begins with shared', { ...mla, index_n_heads: 2, index_head_dim: 8, index_topk: 16, indexer_types: ['shared', 'full', 'full', 'full', 'full', 'full'] }, 'indexer_types'],
    ['shared indices without the list', { ...mla, index_n_heads: 2, index_head_dim: 8, index_topk: 16, index_topk_freq: 4 }, 'index_topk_freq'],
    ['an unknown quantisation', { ...dense, quantization_config: { quant_method: 'hqq' } }, 'quantization_config.quant_method'],
    ['MTP of a family without it', { ...dense, num_nextn_predict_layers: 1 }, 'num_nextn_predict_layers'],
    ['a nested field', { model_type: 'qwen3_vl', text_config: { ...dense, model_type: 'qwen3_vl_text', vocab_size: null } }, 'text_config.vocab_size'],
  ])('%s', (_, json, field) => {
    const error = failure(() => parseModelConfig(json));
    expect(error.code).toBe('E_MODEL_UNKNOWN');
    expect(error.seen).toContain(`field ${field}:`);
  });
  it('not an object', () => {
    for (const json of [null, 1, 'x', [], undefined]) expect(failure(() => parseModelConfig(json)).code).toBe('E_MODEL_UNKNOWN');
  });
  it('a hostile field name is cleaned', () => {
    const error = failure(() => parseModelConfig({ ...dense, ['\u001b]0;x\u0007num_\u202eheads_x']: 3, num_evil_heads: 1 }));
    expect(error.code).toBe('E_MODEL_UNKNOWN');
    expect(error.seen).not.toMatch(/[\u001b\u202e]/);
  });
  it('fields that change nothing are let through', () => {
    const spec = parseModelConfig({ ...dense, rope_scaling: { factor: 4 }, max_window_layers: 28, use_sliding_window: false, sliding_window: 4096, bos_token_id: 1, initializer_range: 0.02, transformers_version: '5', num_beams: 1, some_future_hint: 'x' });
    expect(countParameters(spec)).toEqual(countParameters(parseModelConfig(dense)));
  });
  it('any JSON gives a model or a ToolError', () => {
    fc.assert(fc.property(fc.record({ key: fc.constantFrom(...Object.keys(mla)), value: fc.jsonValue() }), ({ key, value }) => {
      try {
        const p = countParameters(parseModelConfig({ ...mla, [key]: value }));
        return p.params_total > 0 && p.params_active > 0 && p.params_active <= p.params_total;
      } catch (error) {
        return error instanceof ToolError;
      }
    }));
  });
});

describe('layers', () => {
  it('dense first, then experts', () => {
    expect(mlps(mla)).toEqual(['dense', 'dense', 'moe', 'moe', 'moe', 'moe']);
    expect(mlps({ ...mla, first_k_dense_replace: undefined })).toEqual(['moe', 'moe', 'moe', 'moe', 'moe', 'moe']);
    expect(mlps({ ...mla, moe_layer_freq: 2 })).toEqual(['dense', 'dense', 'moe', 'dense', 'moe', 'dense']);
    expect(mlps({ ...mla, mlp_layer_types: ['dense', 'sparse', 'sparse', 'dense', 'sparse', 'sparse'] })).toEqual(['dense', 'moe', 'moe', 'dense', 'moe', 'moe']);
  });
  it('sparse step and exceptions of Qwen', () => {
    expect(mlps({ ...moe, decoder_sparse_step: 2 })).toEqual(['dense', 'moe', 'dense', 'moe']);
    expect(mlps({ ...moe, mlp_only_layers: [0] })).toEqual(['dense', 'moe', 'moe', 'moe']);
  });
  it('every fourth layer of a hybrid is full, unless the list says otherwise', () => {
    expect(kinds(hybrid)).toEqual(['gdn', 'gdn', 'gdn', 'gqa', 'gdn', 'gdn', 'gdn', 'gqa']);
    expect(kinds({ ...hybrid, full_attention_interval: 2 }).filter((k) => k === 'gqa')).toHaveLength(4);
    const list = Array.from({ length: 8 }, (_, i) => (i === 0 ? 'full_attention' : 'linear_attention'));
    expect(kinds({ ...hybrid, layer_types: list }).indexOf('gqa')).toBe(0);
  });
  it('windows: mistral all, qwen2 above max_window_layers, gpt-oss every other', () => {
    const windows = (json: unknown): (number | null)[] => parseModelConfig(json).layers.map((l) => (l.attention.kind === 'gqa' ? l.attention.window_tokens : NaN));
    expect(windows({ ...dense, model_type: 'mistral', sliding_window: 32 })).toEqual([32, 32, 32, 32]);
    expect(windows({ ...dense, model_type: 'mistral', sliding_window: null })).toEqual([null, null, null, null]);
    expect(windows({ ...dense, model_type: 'qwen2', sliding_window: 32, use_sliding_window: true, max_window_layers: 3 })).toEqual([null, null, null, 32]);
    expect(windows({ ...dense, model_type: 'gpt_oss', sliding_window: 32, num_local_experts: 4, num_experts_per_tok: 2 })).toEqual([32, null, 32, null]);
  });
  it('biases: qwen2 always on q, k, v; llama on all four when told', () => {
    const of = (json: unknown): number => countParameters(parseModelConfig(json)).params_total;
    expect(of({ ...dense, model_type: 'qwen2' }) - of({ ...dense, model_type: 'llama' })).toBe(4 * (64 + 2 * 32));
    expect(of({ ...dense, model_type: 'llama', attention_bias: true }) - of({ ...dense, model_type: 'llama' })).toBe(4 * (64 + 2 * 32 + 64));
    expect(of(dense) - of({ ...dense, model_type: 'llama' })).toBe(4 * 2 * 16);
    expect(of({ ...dense, tie_word_embeddings: true })).toBe(of(dense) - 64_000);
  });
  it('layers that share indices carry no indexer; the MTP layer has its own', () => {
    const sparse = { ...mla, num_nextn_predict_layers: 1, index_n_heads: 2, index_head_dim: 8, index_topk: 16 };
    const all = countParameters(parseModelConfig(sparse));
    const few = countParameters(parseModelConfig({ ...sparse, indexer_types: ['full', 'shared', 'shared', 'full', 'shared', 'shared'] }));
    expect(few.by_component.indexer).toBe(all.by_component.indexer / 3);
    expect(few.params_mtp).toBe(all.params_mtp);
  });
  it('announced MTP of unknown layout is null, not 0', () => {
    const spec = parseModelConfig({ ...dense, model_type: 'minimax_m2', num_local_experts: 8, num_experts_per_tok: 2, use_mtp: true, num_mtp_modules: 3, mtp_transformer_layers: 1 });
    expect(countParameters(spec).params_mtp).toBeNull();
    expect(spec.assumptions.join()).toMatch(/MTP/);
  });
  it('a tower of unknown layout is null, and the text model still counts', () => {
    const spec = parseModelConfig({ model_type: 'x', text_config: dense, vision_config: { depth: 3, hidden_size: 8 } });
    expect(countParameters(spec).params_vision).toBeNull();
    expect(countParameters(spec).params_total).toBe(countParameters(parseModelConfig(dense)).params_total);
  });
  it('a wrapper says whether head and embedding are tied', () => {
    const of = (outer: object, inner: object): boolean => parseModelConfig({ model_type: 'qwen3_vl', ...outer, text_config: { ...dense, model_type: 'qwen3_vl_text', ...inner } }).tied_embeddings;
    expect(of({ tie_word_embeddings: true }, {})).toBe(true);
    expect(of({ tie_word_embeddings: false }, { tie_word_embeddings: true })).toBe(false);
    expect(of({}, { tie_word_embeddings: true })).toBe(true);
  });
  it('a silent dtype is told, a named one is taken', () => {
    expect(parseModelConfig({ ...dense, torch_dtype: undefined }).assumptions).toHaveLength(1);
    expect(parseModelConfig({ ...dense, torch_dtype: 'float16' })).toMatchObject({ dtype: 'fp16', assumptions: [] });
    expect(findModel('Qwen3-8B', { dtype: 'fp16' }).dtype).toBe('fp16');
  });
});
