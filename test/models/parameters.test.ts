import { describe, expect, it } from 'vitest';
import { findModel, isKnownModel, knownModels } from '../../server/models/known.js';
import { countParameters } from '../../server/models/parameters.js';
import { parseModelConfig } from '../../server/models/parse.js';
import { components } from '../../server/models/tensors.js';
import { deepseekV3, qwen3_30b_a3b, qwen3_8b, total } from './checkpoint.js';
import { failure, off } from './helpers.js';
import { published } from './published.js';

const params = (name: string): ReturnType<typeof countParameters> => countParameters(findModel(name));

describe('against a checkpoint written out tensor by tensor', () => {
  it('a dense model', () => {
    expect(BigInt(params('Qwen3-8B').params_total)).toBe(total(qwen3_8b()));
  });
  it('a mixture of experts, and its active part', () => {
    const shapes = qwen3_30b_a3b();
    const p = params('Qwen3-30B-A3B');
    expect(BigInt(p.params_total)).toBe(total(shapes));
    const active = shapes.filter(([name]) => Number(/experts\.(\d+)/.exec(name)?.[1] ?? 0) < 8);
    expect(BigInt(p.params_active)).toBe(total(active));
  });
  it('latent attention with experts, MTP and its second embedding apart', () => {
    const shapes = deepseekV3();
    const mtp = shapes.filter(([name]) => name.startsWith('model.layers.61.'));
    const copies = mtp.filter(([name]) => /embed_tokens|head\.weight/.test(name));
    const p = params('DeepSeek-V3');
    expect(BigInt(p.params_total)).toBe(total(shapes) - total(mtp));
    expect(BigInt(p.params_mtp ?? 0)).toBe(total(mtp) - total(copies));
    expect(BigInt(p.params_mtp_duplicates)).toBe(total(copies));
  });
});

describe('exact totals of public models', () => {
  // R1 and R2 of the oracle list; 684,489,845,504 is what the DeepSeek-V3 repository holds.
  it.each([
    ['Llama-3.1-8B', 8_030_261_248], ['Llama-3.1-70B', 70_553_706_496], ['Llama-3.1-405B', 405_853_388_800], ['Qwen3-0.6B', 596_049_920], ['Qwen3-8B', 8_190_735_360], ['Qwen3-14B', 14_768_307_200],
    ['Qwen3-32B', 32_762_123_264], ['Qwen3-30B-A3B', 30_532_122_624], ['Qwen3-235B-A22B', 235_093_634_560], ['Qwen3-Coder-480B-A35B', 480_154_875_392], ['Mixtral-8x7B', 46_702_792_704],
    ['Mixtral-8x22B', 140_620_634_112], ['DeepSeek-V3', 671_026_419_200], ['DeepSeek-V3.2', 671_877_944_064], ['GLM-4.5', 352_797_829_024], ['Qwen3-Next-80B-A3B', 79_674_391_296],
    ['Kimi-K2', 1_026_408_232_448], ['GLM-5', 743_911_218_432],
  ])('%s', (name, expected) => {
    expect(params(name).params_total).toBe(expected);
  });
  it('DeepSeek-V3 with its MTP layer is what the hub holds', () => {
    const p = params('DeepSeek-V3');
    expect(p.params_mtp).toBe(11_610_068_224);
    expect(p.params_total + (p.params_mtp ?? 0) + p.params_mtp_duplicates).toBe(684_489_845_504);
  });
  it('GLM-4.5 and Qwen3-Next with MTP: 356.79 and 81.32', () => {
    const glm = params('GLM-4.5');
    expect(glm.params_mtp).toBe(3_988_069_792);
    const next = params('Qwen3-Next-80B-A3B');
    expect((next.params_total + (next.params_mtp ?? 0)) / 1e9).toBeCloseTo(81.32, 2);
  });
  it('gpt-oss-20b and 120b: 20.91 total and 3.61 active, 116.83 and 5.13, as their model card says', () => {
    const make = (layers: number, experts: number): ReturnType<typeof countParameters> =>
      countParameters(parseModelConfig({
        model_type: 'gpt_oss', hidden_size: 2880, num_hidden_layers: layers, num_attention_heads: 64, num_key_value_heads: 8, head_dim: 64, intermediate_size: 2880, num_local_experts: experts,
        num_experts_per_tok: 4, experts_per_token: 4, attention_bias: true, sliding_window: 128, layer_types: Array.from({ length: layers }, (_, i) => (i % 2 === 0 ? 'sliding_attention' : 'full_attention')), vocab_size: 201_088,
      }));
    const small = make(24, 32);
    expect(small.params_total / 1e9).toBeCloseTo(20.91, 2);
    // The card leaves the embedding out of the active count and keeps the head.
    expect((small.params_active - small.by_component.embed) / 1e9).toBeCloseTo(3.61, 2);
    const large = make(36, 128);
    expect(large.params_total / 1e9).toBeCloseTo(116.83, 2);
    expect((large.params_active - large.by_component.embed) / 1e9).toBeCloseTo(5.13, 2);
  });
  it('a Qwen3-VL tower: 8,767,123,696 with its text model, as the hub prints', () => {
    const vision = { model_type: 'qwen3_vl', depth: 27, hidden_size: 1152, intermediate_size: 4304, in_channels: 3, num_heads: 16, num_position_embeddings: 2304, out_hidden_size: 4096, patch_size: 16, spatial_merge_size: 2, temporal_patch_size: 2, deepstack_visual_indexes: [8, 16, 24] };
    const text = { model_type: 'qwen3_vl_text', hidden_size: 4096, num_hidden_layers: 36, num_attention_heads: 32, num_key_value_heads: 8, head_dim: 128, intermediate_size: 12_288, vocab_size: 151_936, dtype: 'bfloat16' };
    const p = countParameters(parseModelConfig({ model_type: 'qwen3_vl', text_config: text, vision_config: vision, tie_word_embeddings: false }));
    expect(p.params_total).toBe(8_190_735_360);
    expect(p.params_total + (p.params_vision ?? 0)).toBe(8_767_123_696);
  });
});

it('the MoonViT of Kimi, its weights written out', () => {
  const layer = 4 * (1152 * 1152 + 1152) + (4304 * 1152 + 4304) + (1152 * 4304 + 1152) + 4 * 1152;
  const tower = 27 * layer + (1152 * 3 * 14 * 14 + 1152) + 64 * 64 * 1152 + 2 * 1152;
  const projector = 2 * 1152 + (4608 * 4608 + 4608) + (7168 * 4608 + 7168);
  const vision = { patch_size: 14, init_pos_emb_height: 64, init_pos_emb_width: 64, pos_emb_type: 'divided_fixed', merge_kernel_size: [2, 2], mm_projector_type: 'patchmerger', text_hidden_size: 7168, vt_hidden_size: 1152, vt_intermediate_size: 4304, vt_num_attention_heads: 16, vt_num_hidden_layers: 27 };
  const text = { model_type: 'llama', hidden_size: 64, num_hidden_layers: 1, num_attention_heads: 4, intermediate_size: 64, vocab_size: 64 };
  expect(countParameters(parseModelConfig({ text_config: text, vision_config: vision })).params_vision).toBe(tower + projector);
});

describe('known names', () => {
  it('every one is within 1 % of its card, and active within 3 % of it, with or without embeddings', () => {
    for (const name of knownModels) {
      const p = params(name);
      const card = published.find(([pattern]) => pattern.test(name))?.[1];
      expect(card, name).toBeDefined();
      expect(off(p.params_total / 1e9, card?.total_b ?? NaN), name).toBeLessThan(card?.rounding ?? 0.01);
      if (card?.active_b != null) expect(Math.min(...[p.params_active, p.params_active_without_embeddings, p.params_active - p.by_component.embed].map((a) => off(a / 1e9, card.active_b ?? NaN))), name).toBeLessThan(0.03);
    }
  });
  it('items sum to the total', () => {
    for (const name of knownModels) {
      const p = params(name);
      expect(components.reduce((s, c) => s + p.by_component[c], 0)).toBe(p.params_total);
      expect(p.params_active).toBe(p.params_active_without_embeddings + p.params_embeddings);
    }
  });
  it('owner and suffix do not matter; an unknown name lists the known ones', () => {
    expect(isKnownModel('Qwen/Qwen3-32B')).toBe(true);
    expect(isKnownModel('meta-llama/Meta-Llama-3.1-8B-Instruct')).toBe(true);
    const error = failure(() => findModel('Qwen9-1T'));
    expect(error.code).toBe('E_ARG_TYPE');
    expect(error.next).toContain('Qwen3-32B');
  });
});
