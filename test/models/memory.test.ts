import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findModel, knownModels } from '../../server/models/known.js';
import { cacheCost, slotOf, defaultCacheOptions, gdnStateBytes } from '../../server/models/memory.js';
import { countParameters } from '../../server/models/parameters.js';
import { parseModelConfig } from '../../server/models/parse.js';
import { bytesPerElement, parseQuantization, quantizationByName } from '../../server/models/quantization.js';
import { weightsPerRank } from '../../server/models/weights.js';
import { failure, GiB, off, plan } from './helpers.js';

describe('KV bytes per token', () => {
  // Published: 128 KiB (Llama-8B), 68.6 KiB (DeepSeek-V3); the others are 2 · layers · kv_heads · head_dim · 2, R3 and the table of the fact page.
  it.each([
    ['Llama-3.1-8B', 131_072], ['Llama-3.1-70B', 327_680], ['Llama-3.1-405B', 516_096], ['Qwen3-8B', 147_456], ['Qwen3-14B', 163_840], ['Qwen3-30B-A3B', 98_304], ['Qwen3-32B', 262_144], ['Qwen3-235B-A22B', 192_512],
    ['GLM-4.5', 376_832], ['DeepSeek-V3', 70_272], ['DeepSeek-V3.2', 85_888], ['Qwen3-Next-80B-A3B', 24_576], ['Qwen3.5-27B', 65_536], ['Kimi-K2', 70_272], ['GLM-5', 109_824],
  ])('%s', (name, bytes) => {
    expect(cacheCost(findModel(name), plan()).kv_bytes_per_token).toBe(bytes);
  });
  it('KV heads are replicated beyond their number: Qwen3-235B at tp 4 and 8', () => {
    const spec = findModel('Qwen3-235B-A22B');
    expect(cacheCost(spec, plan(4)).kv_bytes_per_token).toBe(48_128);
    expect(cacheCost(spec, plan(8)).kv_bytes_per_token).toBe(48_128);
  });
  it('a latent cache is whole on every tp rank', () => {
    const spec = findModel('DeepSeek-V3');
    expect(cacheCost(spec, plan(16)).kv_bytes_per_token).toBe(70_272);
    expect(70_272 + (cacheCost(spec, plan()).draft_kv_bytes_per_token ?? NaN)).toBe(71_424);
  });
  it('an int8 index cache takes 132 bytes, an fp8 cache half', () => {
    expect(cacheCost(findModel('DeepSeek-V3.2'), plan(), { index_dtype: 'int8' }).kv_bytes_per_token).toBe(78_324);
    expect(cacheCost(findModel('Qwen3.5-27B'), plan(), { kv_dtype: 'fp8' }).kv_bytes_per_token).toBe(32_768);
  });
  it('scales beside a quantised cache: 8 bytes per KV head, 4 per latent', () => {
    const gqa = findModel('Qwen3-8B').layers[0]!.attention;
    expect(slotOf(gqa, 'bf16', 2, { ...defaultCacheOptions, kv_dtype: 'int8', scales: true })).toEqual({ slot_bytes: 2 * 4 * 128, index_bytes: 0, scale_bytes: 32 });
    const mla = findModel('DeepSeek-V3').layers[0]!.attention;
    expect(slotOf(mla, 'bf16', 2, { ...defaultCacheOptions, kv_dtype: 'int8', scales: true })).toEqual({ slot_bytes: 576, index_bytes: 0, scale_bytes: 4 });
  });
  it('sliding layers cost a window, not a token: gpt-oss-20b', () => {
    const spec = parseModelConfig({ model_type: 'gpt_oss', hidden_size: 2880, num_hidden_layers: 24, num_attention_heads: 64, num_key_value_heads: 8, head_dim: 64, intermediate_size: 2880, num_local_experts: 32, num_experts_per_tok: 4, sliding_window: 128, vocab_size: 201_088, torch_dtype: 'bfloat16' });
    const cost = cacheCost(spec, plan());
    expect(cost).toMatchObject({ full_layers: 12, window_layers: 12, kv_bytes_per_token: 12 * 2048, kv_window_bytes_per_seq: 12 * 2048 * (128 + 128) });
  });
});

describe('state of linear attention', () => {
  it('Qwen3-Next at tp 4: 12,288 of convolution and 262,144 of state per layer', () => {
    const layer = findModel('Qwen3-Next-80B-A3B').layers[0]!.attention;
    if (layer.kind !== 'gdn') throw new Error('not a delta net');
    expect(gdnStateBytes(layer, 'bf16', 4, 0)).toEqual({ conv_bytes: 12_288, ssm_bytes: 262_144 });
    // Two draft tokens: two more columns of the convolution, two more states.
    expect(gdnStateBytes(layer, 'bf16', 4, 2)).toEqual({ conv_bytes: (12_288 * 5) / 3, ssm_bytes: 3 * 262_144 });
  });
  it('146.8 MiB per sequence on Qwen3.5-27B with its fp32 state, 37.7 MiB on Qwen3-Next', () => {
    expect(cacheCost(findModel('Qwen3.5-27B'), plan()).linear_state_bytes_per_seq / 1024 ** 2).toBeCloseTo(146.8, 1);
    expect(cacheCost(findModel('Qwen3-Next-80B-A3B'), plan()).linear_state_bytes_per_seq / 1024 ** 2).toBeCloseTo(37.7, 1);
  });
});

describe('weights per rank', () => {
  it('Llama-8B at bf16 is the 14.99 GiB vLLM logs, to 0.3 %', () => {
    expect(off(weightsPerRank(findModel('Llama-3.1-8B'), plan()).weights_bytes / GiB, 14.9888)).toBeLessThan(0.003);
  });
  it('Qwen3-14B at bf16 is the 27.54 GiB vllm-ascend logs, to 0.2 %', () => {
    expect(off(weightsPerRank(findModel('Qwen3-14B'), plan()).weights_bytes / GiB, 27.5376)).toBeLessThan(0.002);
  });
  it('Qwen3-32B at W8A8 is the 31.981 of msmodeling, to 0.05 %', () => {
    expect(off(weightsPerRank(findModel('Qwen3-32B', { quant: 'w8a8' }), plan()).weights_bytes / GiB, 31.981)).toBeLessThan(0.0005);
  });
  it('Qwen3-235B and DeepSeek-V3 over experts and ranks', () => {
    const qwen = findModel('Qwen3-235B-A22B');
    expect(weightsPerRank(qwen, plan(8, 1, 8)).weights_bytes / GiB).toBeCloseTo(54.91, 2);
    expect(weightsPerRank(qwen, plan(16, 1, 16)).weights_bytes / GiB).toBeCloseTo(27.59, 2);
    const deepseek = findModel('DeepSeek-V3', { quant: 'w8a8' });
    expect(off(weightsPerRank(deepseek, plan(1, 16, 16)).weights_bytes / GiB, 57)).toBeLessThan(0.01);
    const tp = weightsPerRank(deepseek, plan(16, 1, 16));
    expect(off(tp.weights_bytes / GiB, 42.7)).toBeLessThan(0.01);
    expect(off((tp.stages[0]!.by_component.experts) / GiB, 38.06)).toBeLessThan(0.002);
  });
  it('what ranks hold together is the model plus what is replicated', () => {
    for (const name of ['Llama-3.1-70B', 'Qwen3-32B', 'Mixtral-8x7B']) {
      const spec = findModel(name);
      const one = weightsPerRank(spec, plan()).stages[0]!;
      const whole = weightsPerRank(spec, plan(4)).stages[0]!;
      const replicated = one.by_component.norm + one.by_component.router;
      expect(4 * whole.bytes).toBe(one.bytes + 3 * replicated);
      expect(one.bytes).toBe(2 * countParameters(spec).params_total);
    }
  });
  it('pipeline stages together are the model; a tied head is held twice', () => {
    const spec = findModel('Qwen3-8B');
    const staged = weightsPerRank(spec, plan(1, 1, 1, 4));
    expect(staged.stages.reduce((s, x) => s + x.bytes, 0)).toBe(2 * countParameters(spec).params_total);
    expect(staged.stages.map((s) => s.layers)).toEqual([9, 9, 9, 9]);
    const tied = findModel('Qwen3-0.6B');
    const p = countParameters(tied);
    expect(weightsPerRank(tied, plan(1, 1, 1, 2)).stages.reduce((s, x) => s + x.bytes, 0)).toBe(2 * (p.params_total + p.params_embeddings));
  });
  it('vocabulary padding: 64 in vLLM, only the ranks in xLLM', () => {
    const spec = parseModelConfig({ model_type: 'llama', hidden_size: 64, num_hidden_layers: 1, num_attention_heads: 4, intermediate_size: 64, vocab_size: 1001, torch_dtype: 'bfloat16' });
    const bytes = (engine: 'xllm' | 'vllm-ascend'): number => weightsPerRank(spec, plan(2), { engine }).stages[0]!.by_component.embed;
    expect(bytes('xllm')).toBe((1002 / 2) * 64 * 2);
    expect(bytes('vllm-ascend')).toBe((1024 / 2) * 64 * 2);
  });
  it('the draft layer is apart, and may hold embedding and head again', () => {
    const spec = findModel('DeepSeek-V3', { quant: 'none' });
    expect(weightsPerRank(spec, plan()).draft_bytes).toBe(2 * 11_610_068_224);
    expect(weightsPerRank(spec, plan(), { mtp_duplicates_embeddings: true }).draft_bytes).toBe(2 * (11_610_068_224 + 1_853_358_080));
  });
  it('a plan that does not divide the model is refused', () => {
    const spec = findModel('Qwen3-235B-A22B');
    for (const bad of [plan(3), plan(8, 1, 3), plan(1, 1, 1, 95), plan(128)]) expect(failure(() => weightsPerRank(spec, bad)).code).toBe('E_ARG_CONFLICT');
    for (const bad of [plan(0), plan(1.5), plan(-1), plan(NaN)]) expect(failure(() => weightsPerRank(spec, bad)).code).toBe('E_ARG_TYPE');
    expect(failure(() => cacheCost(findModel('Qwen3.5-27B'), plan(32))).code).toBe('E_ARG_CONFLICT');
  });
  it('more ranks never hold more each, fewer bits never take more', () => {
    fc.assert(fc.property(fc.constantFrom(...knownModels), fc.constantFrom(1, 2, 4), fc.constantFrom('w8a8', 'fp8', 'w4a16', 'mxfp4'), (name, tp, quant) => {
      const spec = findModel(name, { quant: 'none' });
      const one = weightsPerRank(spec, plan(tp)).weights_bytes;
      if (name !== 'Qwen3-14B' || tp < 4) expect(weightsPerRank(spec, plan(2 * tp)).weights_bytes).toBeLessThanOrEqual(one);
      expect(weightsPerRank(findModel(name, { quant }), plan(tp)).weights_bytes).toBeLessThan(one);
    }));
  });
});

describe('quantisation', () => {
  it('bytes per element of the schemes, as they are quoted', () => {
    const of = (name: string): number => bytesPerElement(quantizationByName(name)!);
    expect(of('fp8')).toBe(1 + 4 / 16_384);
    expect(of('w4a16')).toBe(0.53125);
    expect(of('mxfp4')).toBe(0.5 + 1 / 32);
    expect(of('W8A8-dynamic')).toBeCloseTo(1.0002, 4);
    expect(quantizationByName('BF16')).toBeNull();
    expect(failure(() => quantizationByName('w3a3')).next).toContain('w8a8');
  });
  it('the list of the checkpoint is honoured: only routed experts of Kimi-K2.5 are in 4 bits', () => {
    const ignore = ['lm_head', 're:.*self_attn.*', 're:.*shared_experts.*', 're:.*mlp\\.(gate|up|gate_up|down)_proj.*'];
    const weights = { num_bits: 4, type: 'int', strategy: 'group', group_size: 32, symmetric: true };
    const config = { quant_method: 'compressed-tensors', config_groups: { group_0: { targets: ['Linear'], weights, input_activations: null } }, ignore };
    const base = { model_type: 'kimi_k2', hidden_size: 7168, num_hidden_layers: 61, num_attention_heads: 64, q_lora_rank: 1536, kv_lora_rank: 512, qk_nope_head_dim: 128, qk_rope_head_dim: 64, v_head_dim: 128, intermediate_size: 18_432, moe_intermediate_size: 2048, n_routed_experts: 384, n_shared_experts: 1, num_experts_per_tok: 8, first_k_dense_replace: 1, topk_method: 'noaux_tc', vocab_size: 163_840, torch_dtype: 'bfloat16' };
    const spec = parseModelConfig({ ...base, quantization_config: config });
    const p = countParameters(spec);
    expect(p.params_total).toBe(1_026_408_232_448);
    const experts = p.by_component.experts;
    expect(weightsPerRank(spec, plan()).weights_bytes).toBe(2 * (p.params_total - experts) + experts * (0.5 + 2 / 32));
  });
  it('module names match whole parts only: "gate" is not gate_proj', () => {
    const moe = { model_type: 'qwen3_moe', hidden_size: 256, num_hidden_layers: 1, num_attention_heads: 4, head_dim: 64, num_experts: 4, num_experts_per_tok: 2, moe_intermediate_size: 128, vocab_size: 512, torch_dtype: 'bfloat16' };
    const spec = parseModelConfig({ ...moe, quantization_config: { quant_method: 'fp8', weight_block_size: [128, 128], modules_to_not_convert: ['gate', 'lm_head'] } });
    const stage = weightsPerRank(spec, plan()).stages[0]!;
    expect(stage.by_component.experts).toBe(4 * 3 * (256 * 128 + 2 * 4));
    expect(stage.by_component.router).toBe(2 * 256 * 4);
    expect(stage.by_component.lm_head).toBe(2 * 256 * 512);
  });
  it('a layer by number stays as it is', () => {
    const make = (skip: string[]): number => {
      const json = { model_type: 'llama', hidden_size: 256, num_hidden_layers: 3, num_attention_heads: 4, intermediate_size: 512, vocab_size: 512, torch_dtype: 'bfloat16', quantization_config: { quant_method: 'fp8', modules_to_not_convert: skip } };
      return weightsPerRank(parseModelConfig(json), plan()).weights_bytes;
    };
    expect(make(['model.layers.1.mlp', 'lm_head']) - make(['lm_head'])).toBe(3 * 256 * 512);
    expect(make(['model.layers.*.mlp', 'lm_head']) - make(['lm_head'])).toBe(3 * 3 * 256 * 512);
  });
  it('patterns that could run away are refused', () => {
    for (const pattern of ['re:(a+)+$', 're:.*(x*)*', 're:[\\s\\S]*', `re:${'.*a'.repeat(9)}`, `re:${'a'.repeat(400)}`]) {
      expect(failure(() => parseQuantization({ quant_method: 'compressed-tensors', config_groups: { g: { weights: { num_bits: 8 } } }, ignore: [pattern] })).code).toBe('E_MODEL_UNKNOWN');
    }
  });
});
