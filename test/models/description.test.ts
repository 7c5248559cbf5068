import { describe, expect, it } from 'vitest';
import { findDescription, parseDescription } from '../../server/models/description.js';

/** Lines as msModelSlim writes them: one per tensor, FLOAT where nothing was quantised. */
function lines(type: string, kinds: Readonly<Record<string, string>>): string {
  const tensors = Object.fromEntries(Object.entries(kinds).flatMap(([module, kind]) => [[`${module}.weight`, kind], ...(kind === 'FLOAT' ? [] : [[`${module}.weight_scale`, kind], [`${module}.weight_offset`, kind]])]));
  return JSON.stringify({ model_quant_type: type, version: '1.0.0', ...tensors }, null, 2);
}

describe('description beside quantised weights', () => {
  it('names the scheme, dynamic or static', () => {
    expect(parseDescription(lines('W8A8_DYNAMIC', { 'model.embed_tokens': 'FLOAT', 'model.layers.0.mlp.up_proj': 'W8A8_DYNAMIC' }))).toEqual({ quant: 'w8a8', kv_dtype: null, others: [] });
    expect(parseDescription('{"model_quant_type": "W8A16"}')?.quant).toBe('w8a16');
  });
  it('goes by most matrices where two schemes are mixed, and names the other', () => {
    const experts = Object.fromEntries(Array.from({ length: 8 }, (_, e) => [`model.layers.3.mlp.experts.${String(e)}.up_proj`, 'W4A8_DYNAMIC']));
    expect(parseDescription(lines('W8A8_DYNAMIC', { 'model.layers.3.self_attn.o_proj': 'W8A8_DYNAMIC', ...experts }))).toEqual({ quant: 'w4a8', kv_dtype: null, others: ['w8a8'] });
  });
  it('C8 is a cache of one byte', () => {
    expect(parseDescription('{"model_quant_type":"W8A8","kv_cache_type":"C8","model.layers.0.self_attn.q_proj.weight":"W8A8"}')?.kv_dtype).toBe('int8');
  });
  it('is silent about schemes it does not know, and where no file is', async () => {
    expect(parseDescription(lines('NF4', { 'model.layers.0.mlp.up_proj': 'NF4' }))).toBeNull();
    expect(await findDescription(() => Promise.resolve(null))).toBeNull();
  });
});
