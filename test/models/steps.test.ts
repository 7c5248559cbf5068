import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findChip, roofOf } from '../../server/hardware/lookup.js';
import { allReduceBytes, attendedPairs, distinctRanks, expertsTouched, tokensPerStep, tokensPerStepByPosition } from '../../server/models/counting.js';
import { stepCost, type Step } from '../../server/models/flops.js';
import { findModel, knownModels } from '../../server/models/known.js';
import { groupBandwidth, linkTimeUs } from '../../server/models/links.js';
import { cacheCost } from '../../server/models/memory.js';
import { countParameters } from '../../server/models/parameters.js';
import { parseModelConfig } from '../../server/models/parse.js';
import { achievable, ideal, stepTimeUs, type Roof } from '../../server/models/roofline.js';
import type { ModelSpec } from '../../server/models/spec.js';
import { decode, failure, off, plan, prefill } from './helpers.js';

const b3 = roofOf(findChip('910B3'));
const die = roofOf(findChip('Ascend910_9392'));
const op = (spec: ModelSpec, step: Step, name: string, parallel = plan()): { flops: number; cache_bytes: number; weight_bytes: number } => {
  const own = stepCost(spec, parallel, step).compute.filter((c) => c.op === name);
  return { flops: own.reduce((s, c) => s + c.flops, 0), cache_bytes: own.reduce((s, c) => s + c.cache_bytes, 0), weight_bytes: own.reduce((s, c) => s + c.weight_bytes, 0) };
};

describe('closed forms', () => {
  it('causal pairs are what a double loop counts', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 50 }), (q, prefix, cap) => {
      let pairs = 0;
      for (let i = 1; i <= q; i += 1) for (let j = 1; j <= prefix + i; j += 1) if (j > prefix + i - cap) pairs += 1;
      return attendedPairs(q, prefix, cap) === pairs;
    }));
  });
  it('R8: experts touched', () => {
    expect([1, 8, 16, 32, 64, 128].map((t) => Number(expertsTouched(256, 8, t).toFixed(2)))).toEqual([8, 57.42, 101.96, 163.31, 222.44, 251.6]);
    expect(expertsTouched(128, 8, 32)).toBeCloseTo(111.77, 2);
    expect(expertsTouched(8, 2, 8)).toBeCloseTo(7.2, 2);
  });
  it('distinct ranks of eight experts out of 256', () => {
    for (const [ranks, expected] of [[8, 5.295], [16, 6.523], [32, 7.267], [64, 7.676]] as const) expect(distinctRanks(256, 8, ranks)).toBeCloseTo(expected, 3);
    expect(distinctRanks(256, 8, 1)).toBe(1);
    expect(distinctRanks(8, 8, 8)).toBeCloseTo(8, 12);
  });
  it('both expectations agree with enumerating every choice of 2 out of 6', () => {
    const picks: number[][] = [];
    for (let i = 0; i < 6; i += 1) for (let j = i + 1; j < 6; j += 1) picks.push([i, j]);
    let touched = 0;
    for (const a of picks) for (const b of picks) touched += new Set([...a, ...b]).size;
    expect(expertsTouched(6, 2, 2)).toBeCloseTo(touched / picks.length ** 2, 12);
    const ranks = picks.reduce((s, p) => s + new Set(p.map((e) => Math.floor(e / 2))).size, 0) / picks.length;
    expect(distinctRanks(6, 2, 3)).toBeCloseTo(ranks, 12);
  });
  it('R11: tokens per step', () => {
    expect([[0.85, 1], [0.9, 1], [0.8, 3], [0.7, 2]].map(([a, k]) => Number(tokensPerStep(a!, k!).toFixed(3)))).toEqual([1.85, 1.9, 2.952, 2.19]);
    expect(tokensPerStep(1, 3)).toBe(4);
    expect(tokensPerStepByPosition([0.9, 0.6, 0.4])).toBeCloseTo(2.9, 12);
  });
  it('a ring all-reduce sends almost twice the message', () => {
    expect(allReduceBytes(8, 80)).toBe(140);
    expect(allReduceBytes(1, 80)).toBe(0);
  });
});

describe('worked steps', () => {
  it('R9: Llama-70B at tp 8 on 910B3, batch 32, context 4096', () => {
    const t = stepTimeUs(findModel('Llama-3.1-70B'), b3, plan(8), decode(32, 4096));
    expect(off(t.weight_bytes, 17.376e9)).toBeLessThan(0.001);
    expect(off(t.cache_bytes, 5.369e9)).toBeLessThan(0.001);
    expect(off(t.time_lower_bound_us, 14_220)).toBeLessThan(0.001);
    expect(off(t.flops, 599e9)).toBeLessThan(0.001);
    expect(t.bound).toBe('memory');
    const layers = stepCost(findModel('Llama-3.1-70B'), plan(8), decode(32, 4096)).links.find((l) => l.purpose === 'layers')!;
    expect(layers.calls).toBe(160);
    expect(off(layers.bytes_sent, 146.8e6)).toBeLessThan(0.001);
    expect(off(linkTimeUs(layers, b3.links, 1) ?? NaN, 750)).toBeLessThan(0.01);
  });
  it('R10: Llama-8B, 4096 new tokens: 57.175 + 4.399 + 0.001 TFLOP', () => {
    const spec = findModel('Llama-3.1-8B');
    const one = prefill(1, 4096);
    expect(op(spec, one, 'attention').flops / 1e12).toBeCloseTo(4.399, 3);
    expect(op(spec, one, 'lm_head').flops / 1e12).toBeCloseTo(0.001, 3);
    const rest = ['qkv_proj', 'o_proj', 'mlp'].reduce((s, name) => s + op(spec, one, name).flops, 0);
    expect(rest / 1e12).toBeCloseTo(57.175, 3);
  });
  it('R14: the bound of one weight matrix lies under the 136 µs measured on an A3 die, at ratio 0.82', () => {
    // A single 5120 × 17408 multiplication on 16 rows, as in that trace.
    const spec = parseModelConfig({ model_type: 'llama', hidden_size: 5120, num_hidden_layers: 1, num_attention_heads: 1, head_dim: 1, intermediate_size: 17_408, vocab_size: 1, torch_dtype: 'bfloat16' });
    const mlp = stepTimeUs(spec, die, plan(), decode(16, 1)).ops.find((o) => o.op === 'mlp')!;
    const gate = (mlp.time_us ?? NaN) / 3;
    expect(gate).toBeCloseTo(111.4, 1);
    expect(gate / 136).toBeCloseTo(0.82, 2);
    const real = stepTimeUs(spec, die, plan(), decode(16, 1), { efficiency: { ...achievable, launch_us: 0 } }).ops.find((o) => o.op === 'mlp')!;
    expect(off((real.time_us ?? NaN) / 3, 136)).toBeLessThan(0.05);
  });
  it('absorbed latent decode does 242 FLOP per byte of cache at 128 heads, above the ridge of every A2 and A3', () => {
    const cost = op(findModel('DeepSeek-V3'), decode(1, 10_000), 'attention');
    expect(cost.flops / cost.cache_bytes).toBeCloseTo(241.8, 1);
    const attention = stepTimeUs(findModel('DeepSeek-V3'), die, plan(1, 16, 16), decode(256, 4096)).ops.find((o) => o.op === 'attention')!;
    expect(attention.bound).toBe('compute');
    expect(stepTimeUs(findModel('Qwen3-32B'), b3, plan(4), decode(32, 4096)).ops.find((o) => o.op === 'attention')!.bound).toBe('memory');
  });
  it('latent prefill pays 320 per pair and head instead of 1088', () => {
    const spec = findModel('DeepSeek-V3');
    const pairs = attendedPairs(512, 0);
    expect(op(spec, prefill(1, 512), 'attention').flops).toBe(61 * 2 * 128 * 320 * pairs);
    expect(op(spec, decode(1, 512), 'attention').flops).toBe(61 * 2 * 128 * 1088 * 512);
  });
  it('sparse attention reads 2048 tokens of its cache and all of its index', () => {
    const spec = findModel('DeepSeek-V3.2');
    expect(op(spec, decode(4, 50_000), 'attention').cache_bytes).toBe(61 * 4 * 2048 * 1152);
    expect(op(spec, decode(4, 50_000), 'indexer').cache_bytes).toBe(61 * 4 * 50_000 * 256);
    expect(op(spec, decode(4, 50_000), 'indexer').flops).toBeGreaterThanOrEqual(61 * 4 * 2 * 64 * 128 * 50_000);
    expect(op(spec, decode(4, 1000), 'attention').cache_bytes).toBe(61 * 4 * 1000 * 1152);
  });
  it('verification of drafts touches more experts: 57.4 become 102.0 of 256 at batch 8', () => {
    const spec = findModel('DeepSeek-V3', { quant: 'none' });
    const bytes = (k: number): number => op(spec, decode(8, 1000, k), 'experts').weight_bytes;
    const one = 58 * 3 * 7168 * 2048 * 2;
    expect(bytes(0) / one).toBeCloseTo(57.42, 2);
    expect(bytes(1) / one).toBeCloseTo(101.96, 2);
  });
  it('a delta net moves its whole state twice, whatever the context', () => {
    const spec = findModel('Qwen3.5-27B');
    const state = cacheCost(spec, plan()).linear_state_bytes_per_seq;
    expect(op(spec, decode(8, 100), 'linear_attention').cache_bytes).toBe(2 * 8 * state);
    expect(op(spec, decode(8, 100_000), 'linear_attention').cache_bytes).toBe(2 * 8 * state);
  });
  it('a window caps what is read and computed', () => {
    const make = (window: number | null): ModelSpec => parseModelConfig({ model_type: 'mistral', hidden_size: 256, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 512, vocab_size: 512, sliding_window: window, torch_dtype: 'bfloat16' });
    expect(op(make(128), decode(1, 4096), 'attention')).toMatchObject({ flops: op(make(null), decode(1, 128), 'attention').flops, cache_bytes: op(make(null), decode(1, 128), 'attention').cache_bytes });
  });
  it('MTP runs once per draft, and lacks a layer where there is none', () => {
    const spec = findModel('DeepSeek-V3', { quant: 'none' });
    const draft = (k: number): number => op(spec, decode(8, 1000, k), 'draft').weight_bytes;
    expect(draft(3)).toBeCloseTo(3 * draft(1), 0);
    // The layer's attention, its projection, the head, and the experts eight tokens touch.
    const p = countParameters(spec);
    const expert = 3 * 7168 * 2048;
    const expected = 2 * ((p.params_mtp ?? NaN) - (256 - expertsTouched(256, 8, 8)) * expert + 129_280 * 7168);
    expect(off(draft(1), expected)).toBeLessThan(0.001);
    expect(failure(() => stepCost(findModel('Qwen3-32B'), plan(), decode(8, 1000, 1))).code).toBe('E_ARG_CONFLICT');
    expect(op(findModel('Qwen3-32B'), decode(8, 1000, 0), 'draft').weight_bytes).toBe(0);
    const small = stepCost(findModel('Qwen3-32B'), plan(), decode(8, 1000, 2), { draft: findModel('Qwen3-0.6B') });
    expect(small.compute.find((c) => c.op === 'draft')!.flops).toBeGreaterThan(0);
    expect(stepCost(findModel('Qwen3-32B'), plan(), decode(8, 1000, 2), { draft: 'none' }).compute.some((c) => c.op === 'draft')).toBe(false);
  });
});

describe('laws every model and plan keeps', () => {
  const anyStep = fc.oneof(
    fc.record({ batch: fc.integer({ min: 1, max: 64 }), context: fc.integer({ min: 1, max: 20_000 }) }).map((s) => decode(s.batch, s.context)),
    fc.record({ batch: fc.integer({ min: 1, max: 8 }), tokens: fc.integer({ min: 1, max: 4000 }), prefix: fc.integer({ min: 0, max: 4000 }) }).map((s) => prefill(s.batch, s.tokens, s.prefix)),
  );
  const anyName = fc.constantFrom(...knownModels);

  it('operators sum to the totals, and every number is finite', () => {
    fc.assert(fc.property(anyName, anyStep, fc.constantFrom(plan(), plan(2), plan(2, 2, 4)), (name, step, parallel) => {
      const t = stepTimeUs(findModel(name), die, parallel, step);
      const compute = t.ops.filter((o) => o.bound !== 'communication');
      expect(off(compute.reduce((s, o) => s + o.flops, 0) + 1, t.flops + t.vector_flops + 1)).toBeLessThan(1e-9);
      expect(off(compute.reduce((s, o) => s + o.bytes, 0), t.bytes)).toBeLessThan(1e-9);
      expect(off(t.ops.reduce((s, o) => s + (o.time_us ?? NaN), 0), t.time_no_overlap_us ?? NaN)).toBeLessThan(1e-9);
      expect(t.time_lower_bound_us).toBe(Math.max(t.compute_us, t.communication_us ?? NaN));
      for (const o of t.ops) expect(Number.isFinite(o.flops + o.bytes + (o.time_us ?? NaN)) && o.bytes >= 0 && o.flops >= 0).toBe(true);
    }), { numRuns: 60 });
  });
  it('2 FLOP per active parameter and token, embedding aside, plus attention', () => {
    for (const name of ['Qwen3-8B', 'Qwen3-30B-A3B', 'Mixtral-8x7B', 'GLM-4.5-Air']) {
      const spec = findModel(name);
      const p = countParameters(spec);
      const cost = stepCost(spec, plan(), decode(4, 1));
      const flops = cost.compute.filter((c) => c.op !== 'attention').reduce((s, c) => s + c.flops, 0);
      expect(off(flops, 2 * 4 * (p.params_active - p.by_component.embed)), name).toBeLessThan(0.001);
    }
  });
  it('one token reads the active parameters: a MoE touches k experts', () => {
    for (const name of ['Qwen3-30B-A3B', 'DeepSeek-V3', 'Qwen3-8B']) {
      const spec = findModel(name, { quant: 'none' });
      const p = countParameters(spec);
      const t = stepTimeUs(spec, die, plan(), decode(1, 1));
      expect(off(t.weight_bytes, 2 * (p.params_active - p.by_component.embed + spec.hidden)), name).toBeLessThan(1e-9);
    }
  });
  it('more sequences, more context, more layers never take less', () => {
    const json = (layers: number): ModelSpec => parseModelConfig({ model_type: 'qwen3_moe', hidden_size: 512, num_hidden_layers: layers, num_attention_heads: 8, num_key_value_heads: 4, head_dim: 64, num_experts: 16, num_experts_per_tok: 2, moe_intermediate_size: 256, vocab_size: 4096, torch_dtype: 'bfloat16' });
    fc.assert(fc.property(anyName, anyStep, fc.integer({ min: 1, max: 32 }), fc.integer({ min: 1, max: 8000 }), (name, step, sequences, tokens) => {
      const time = (s: Step): number => stepTimeUs(findModel(name), b3, plan(2), s).time_lower_bound_us;
      const base = time(step) * (1 - 1e-12);
      expect(time({ ...step, batch: step.batch + sequences })).toBeGreaterThanOrEqual(base);
      expect(time({ ...step, context_tokens: step.context_tokens + tokens })).toBeGreaterThanOrEqual(base);
      if (step.phase === 'prefill') expect(time({ ...step, input_tokens: step.input_tokens + tokens })).toBeGreaterThanOrEqual(base);
    }), { numRuns: 60 });
    for (const step of [decode(8, 500), prefill(2, 300)]) {
      const times = [1, 2, 5, 20].map((l) => stepTimeUs(json(l), b3, plan(2), step).time_lower_bound_us);
      expect([...times].sort((a, b) => a - b)).toEqual(times);
    }
  });
  it('real efficiency is never faster than the bound', () => {
    fc.assert(fc.property(anyName, anyStep, (name, step) => {
      const spec = findModel(name);
      expect(stepTimeUs(spec, b3, plan(2), step, { efficiency: achievable }).time_lower_bound_us).toBeGreaterThan(stepTimeUs(spec, b3, plan(2), step, { efficiency: ideal }).time_lower_bound_us);
    }), { numRuns: 30 });
  });
  it('tp ranks of a dense model share its work exactly', () => {
    for (const step of [decode(16, 3000), prefill(2, 1000, 200)]) {
      const spec = findModel('Llama-3.1-70B');
      const flops = (tp: number): number => stepCost(spec, plan(tp), step).compute.reduce((s, c) => s + c.flops, 0);
      expect(off(8 * flops(8), flops(1))).toBeLessThan(1e-9);
    }
  });
  it('dp ranks share sequences, ep ranks share experts', () => {
    const spec = findModel('DeepSeek-V3', { quant: 'none' });
    const cost = (parallel: ReturnType<typeof plan>): number => op(spec, decode(64, 1000), 'attention', parallel).flops;
    expect(cost(plan(1, 8, 8))).toBe(cost(plan()) / 8);
    const experts = (parallel: ReturnType<typeof plan>): number => op(spec, decode(64, 1000), 'experts', parallel).weight_bytes;
    expect(off(experts(plan(1, 8, 8)), experts(plan()) / 8)).toBeLessThan(1e-9);
    expect(off(experts(plan(8, 1, 1)), experts(plan()) / 8)).toBeLessThan(1e-9);
    expect(op(spec, decode(64, 1000), 'experts', plan(1, 8, 8)).flops).toBe(58 * 6 * ((64 * 8) / 8) * 7168 * 2048);
    expect(stepCost(spec, plan(1, 8, 8), decode(3, 1000)).sequences_per_rank).toBe(1);
  });
  it('a whole shared expert is read in full and works on the rank\'s slice; a divided one the other way round', () => {
    const spec = findModel('DeepSeek-V3', { quant: 'none' });
    const one = 3 * 7168 * 2048;
    expect(op(spec, decode(64, 1000), 'shared_expert', plan(8, 1, 8))).toMatchObject({ weight_bytes: 58 * 2 * one, flops: 58 * 2 * (64 / 8) * one });
    expect(op(spec, decode(64, 1000), 'shared_expert', plan(8, 1, 1))).toMatchObject({ weight_bytes: (58 * 2 * one) / 8, flops: (58 * 2 * 64 * one) / 8 });
  });
  it('a latent prefill after cached tokens expands those again', () => {
    const spec = findModel('DeepSeek-V3', { quant: 'none' });
    const projections = (prefix: number): number => op(spec, prefill(2, 100, prefix), 'qkv_proj').flops;
    expect(projections(900) - projections(0)).toBe(61 * 2 * 2 * 900 * 512 * 128 * 256);
  });
});

describe('links', () => {
  it('two cards of a full mesh have one of seven links', () => {
    expect(groupBandwidth(b3.links!, 2)).toBe(28e9);
    expect(groupBandwidth(b3.links!, 8)).toBe(196e9);
    expect(groupBandwidth(die.links!, 2)).toBe(196e9);
  });
  it('over two servers the network carries an eighth of an all-reduce', () => {
    const links = stepCost(findModel('Llama-3.1-405B'), plan(16), decode(8, 100)).links.find((l) => l.purpose === 'layers')!;
    const across = linkTimeUs(links, b3.links, 1) ?? NaN;
    // Two domains of eight: 2·(1/2)·M/8 bytes at 25 GB/s, beside 2·(7/8)·M at 196 GB/s inside; the larger holds.
    const message = links.message_bytes * links.calls;
    expect(across).toBeCloseTo(Math.max(message / 8 / 25e9, (2 * 7 * message) / 8 / 196e9) * 1e6, 6);
  });
  it('expert parallelism over dp sends tokens out and back; with tp alone it sums', () => {
    const spec = findModel('DeepSeek-V3', { quant: 'none' });
    const ep = stepCost(spec, plan(1, 16, 16), decode(160, 100)).links.filter((l) => l.op === 'all_to_all');
    expect(ep).toHaveLength(2);
    // Ten tokens, 6.52 ranks each, 7168 · 2 bytes, 15 of 16 to others, 58 layers.
    for (const l of ep) expect(off(l.bytes_sent, 58 * 10 * distinctRanks(256, 8, 16) * 7168 * 2 * (15 / 16))).toBeLessThan(1e-9);
    // Beside tp each rank sends its slice; in 8 bits a row takes 7168 bytes and a 4-byte scale on the way out.
    const [out, back] = stepCost(findModel('DeepSeek-V3', { quant: 'w8a8' }), plan(2, 8, 16), decode(160, 100)).links.filter((l) => l.op === 'all_to_all');
    const rows = 58 * (20 / 2) * distinctRanks(256, 8, 16) * (15 / 16);
    expect(off(out!.bytes_sent, rows * (7168 + 4))).toBeLessThan(1e-9);
    expect(off(back!.bytes_sent, rows * 7168 * 2)).toBeLessThan(1e-9);
    expect(stepCost(spec, plan(16, 1, 16), decode(160, 100)).links.some((l) => l.op === 'all_to_all')).toBe(false);
    expect(stepCost(spec, plan(1, 1, 1, 4), decode(8, 100)).links).toEqual([expect.objectContaining({ op: 'p2p', calls: 3, bytes_sent: 3 * 8 * 7168 * 2 })]);
  });
  it('logits are gathered from each of the other ranks, in prefill for the last token only', () => {
    const logits = (step: Step): number => stepCost(findModel('Qwen3-8B'), plan(4), step).links.find((l) => l.purpose === 'logits')!.bytes_sent;
    expect(logits(decode(8, 100))).toBe(8 * (151_936 / 4) * 2 * 3);
    expect(logits(prefill(8, 100))).toBe(8 * (151_936 / 4) * 2 * 3);
  });
  it('without known links communication is null, and the bound still stands', () => {
    const roof: Roof = { ...b3, links: null };
    const t = stepTimeUs(findModel('Qwen3-32B'), roof, plan(4), decode(8, 100));
    expect(t.communication_us).toBeNull();
    expect(t.time_no_overlap_us).toBeNull();
    expect(t.time_lower_bound_us).toBe(t.compute_us);
    const alone = stepTimeUs(findModel('Qwen3-32B'), roof, plan(), decode(8, 100));
    expect(alone.time_no_overlap_us).toBe(alone.compute_us);
  });
});

describe('element types', () => {
  it('W8A8 halves weights and doubles the peak; FP8 without such a cube falls back to 16 bit', () => {
    const time = (quant: string, roof: Roof, step: Step): number => stepTimeUs(findModel('Qwen3-32B', { quant }), roof, plan(4), step).ops.find((o) => o.op === 'mlp')?.time_us ?? NaN;
    expect(off(time('w8a8', b3, decode(1, 1)), time('none', b3, decode(1, 1)) / 2)).toBeLessThan(0.001);
    const big = prefill(1, 8192);
    expect(off(time('w8a8', b3, big), time('none', b3, big) / 2)).toBeLessThan(0.001);
    expect(off(time('fp8', b3, big), time('none', b3, big))).toBeLessThan(0.001);
    const atlas = roofOf(findChip('Atlas350'));
    expect(off(time('fp8', atlas, big), time('none', atlas, big) / 2)).toBeLessThan(0.001);
  });
  it('activations cost memory only beyond L2', () => {
    const spec = findModel('Qwen3-8B');
    const bytes = (l2: number | null): number => stepTimeUs(spec, { ...b3, l2_bytes: l2 }, plan(), prefill(1, 4096)).bytes;
    expect(bytes(null)).toBe(bytes(1e12));
    expect(bytes(0)).toBeGreaterThan(bytes(b3.l2_bytes));
    const compulsory = stepTimeUs(spec, b3, plan(), decode(8, 100));
    expect(compulsory.bytes).toBe(compulsory.weight_bytes + compulsory.cache_bytes);
  });
});

describe('efficiency', () => {
  const spec = findModel('DeepSeek-V3', { quant: 'none' });
  const time = (name: string, efficiency: typeof ideal, step: Step, model = spec): number => stepTimeUs(model, die, plan(1, 16, 16), step, { efficiency }).ops.find((o) => o.op === name)?.time_us ?? NaN;
  it('each share slows what it belongs to', () => {
    const long = prefill(512, 2048);
    expect(time('experts', { ...ideal, grouped_cube: 0.5 }, long)).toBeCloseTo(2 * time('experts', ideal, long), 3);
    expect(time('o_proj', { ...ideal, grouped_cube: 0.5 }, long)).toBe(time('o_proj', ideal, long));
    expect(time('o_proj', { ...ideal, cube: 0.5 }, long)).toBeCloseTo(2 * time('o_proj', ideal, long), 3);
    expect(time('lm_head', { ...ideal, memory: 0.5 }, decode(16, 100))).toBeCloseTo(2 * time('lm_head', ideal, decode(16, 100)), 6);
    expect(time('all_to_all', { ...ideal, link: 0.5 }, decode(16, 100))).toBeCloseTo(2 * time('all_to_all', ideal, decode(16, 100)), 6);
  });
  it('a launch costs its time per kernel: one each for qkv, o, gate-up and down of a layer', () => {
    const dense = findModel('Qwen3-8B');
    for (const [name, kernels] of [['qkv_proj', 36], ['o_proj', 36], ['mlp', 72], ['norm', 72], ['lm_head', 1]] as const) {
      const t = (launch_us: number): number => stepTimeUs(dense, die, plan(), decode(1, 100), { efficiency: { ...ideal, launch_us } }).ops.find((o) => o.op === name)?.time_us ?? NaN;
      expect(t(10) - t(0)).toBeCloseTo(10 * kernels, 6);
    }
  });
  it('work of the vector unit bounds a step where it outlasts cube and memory', () => {
    const hybrid = findModel('Qwen3.5-27B');
    const slow: Roof = { ...die, vector_flops_per_s: 1e9 };
    const t = stepTimeUs(hybrid, slow, plan(), decode(1, 100)).ops.find((o) => o.op === 'linear_attention')!;
    // 7 per state element, and 4 taps of multiply-add per channel, on 48 layers.
    expect(t.time_us).toBeCloseTo(((48 * (7 * 48 * 128 * 128 + 2 * 4 * (2 * 16 * 128 + 48 * 128))) / 1e9) * 1e6, 3);
    expect(t.bound).toBe('compute');
  });
});

describe('refusals', () => {
  it('steps that are none', () => {
    const spec = findModel('Qwen3-8B');
    for (const bad of [decode(0, 10), decode(1, 0), decode(1.5, 10), decode(1, NaN), prefill(1, 0), prefill(1, 10, -1), decode(1, 10, -1)]) expect(failure(() => stepCost(spec, plan(), bad)).code).toBe('E_ARG_TYPE');
    for (const cube of [0, -1, 1.5, NaN]) expect(failure(() => stepTimeUs(spec, b3, plan(), decode(1, 1), { efficiency: { ...ideal, cube } })).code).toBe('E_ARG_TYPE');
  });
});
