import { describe, expect, it } from 'vitest';
import { blocksPerSequence, hcclBufferMb, vllmBlocks, vllmCacheBytes, vllmHybridBlockTokens, vllmHybridConcurrency, vllmHybridTokens, xllmCacheBytes, xllmPool } from '../../server/models/blocks.js';
import { findModel } from '../../server/models/known.js';
import { cacheCost, gdnStateBytes } from '../../server/models/memory.js';
import { weightsPerRank } from '../../server/models/weights.js';
import { GiB, plan } from './helpers.js';

describe('vLLM', () => {
  it('R4: the blocks two start-up logs print (vllm issue 10517)', () => {
    const kv = cacheCost(findModel('Llama-3.1-8B'), plan()).kv_bytes_per_token;
    const pool = (peak: number): number => vllmCacheBytes({ total_bytes: 23.58 * GiB, gpu_memory_utilization: 0.9, weights_bytes: 0, activation_peak_bytes: peak * GiB, non_torch_bytes: 0.35 * GiB });
    expect(pool(17.06) / GiB).toBeCloseTo(3.81, 2);
    // The log rounds the pool to 0.01 GiB, which is 5 blocks of 2 MiB.
    expect(Math.abs(vllmBlocks(pool(17.06), 16, kv) - 1952)).toBeLessThanOrEqual(5);
    expect(Math.abs(vllmBlocks(pool(17.98), 16, kv) - 1478)).toBeLessThanOrEqual(5);
    expect((1952 * 16) / 20_000).toBeCloseTo(1.56, 2);
  });
  it('R5: the pool a vllm-ascend log prints (PR 8289)', () => {
    const pool = vllmCacheBytes({ total_bytes: 61.27 * GiB, gpu_memory_utilization: 0.9, weights_bytes: 1.14 * GiB, activation_peak_bytes: 0.22 * GiB, non_torch_bytes: 0.13 * GiB });
    expect(Math.abs(pool - 0.04 * GiB - 150 * 1024 ** 2 - 57_403_864_576) / 57_403_864_576).toBeLessThan(0.001);
  });
  it('R6: 282,240 tokens and 210.07x of a hybrid log (vllm-ascend issue 5020)', () => {
    const spec = findModel('Qwen3-Next-80B-A3B');
    const gdn = spec.layers[0]!.attention;
    if (gdn.kind !== 'gdn') throw new Error('not a delta net');
    const state = gdnStateBytes(gdn, 'bf16', 4, 0);
    const cost = cacheCost(spec, plan(4));
    const block = vllmHybridBlockTokens(state.conv_bytes + state.ssm_bytes, cost.kv_bytes_per_token / cost.full_layers);
    expect(block).toBe(384);
    expect(vllmHybridTokens(2941, 4, block)).toBe(282_240);
    expect(vllmHybridConcurrency(2941, 4, block, 4096)).toBeCloseTo(210.07, 2);
  });
  it('R15: 66,340 tokens hold 4.05 requests of 16,384', () => {
    expect(vllmHybridConcurrency(66_340, 1, 1, 16_384)).toBeCloseTo(4.05, 2);
    expect(blocksPerSequence(16_384, 128)).toBe(128);
    expect(blocksPerSequence(16_385, 128)).toBe(129);
  });
});

describe('xLLM', () => {
  const total = 65_452_113_920;
  const spec = findModel('Qwen3-8B');
  const weights = weightsPerRank(spec, plan()).weights_bytes;
  const cost = cacheCost(spec, plan());
  const pool = (util: number): { bytes: number; blocks: number; usable: number; tokens: number } => {
    const bytes = xllmCacheBytes({ total_bytes: total, free_bytes: total - weights, max_memory_utilization: util, max_cache_bytes: 0 });
    const p = xllmPool({ cache_bytes: bytes, block_tokens: 128, kv_bytes_per_token: cost.kv_bytes_per_token, draft_kv_bytes_per_token: 0, linear_state_bytes_per_seq: 0, max_seqs: 200, prefix_cache: true, max_linear_slots: 0 });
    return { bytes, blocks: p.blocks, usable: p.usable_blocks, tokens: p.token_capacity };
  };
  it('R7: Qwen3-8B on one 64 GB card', () => {
    expect(weights).toBe(16_381_470_720);
    expect(pool(0.8)).toEqual({ bytes: 35_980_220_417, blocks: 1906, usable: 1905, tokens: 243_840 });
    expect([0.8, 0.86, 0.9].map((u) => pool(u).blocks)).toEqual([1906, 2114, 2253]);
    expect([0.8, 0.86, 0.9].map((u) => Math.floor(pool(u).usable / blocksPerSequence(4096 + 1024, 128)))).toEqual([47, 52, 56]);
  });
  it('a cap goes before the share of the card; nothing is never negative', () => {
    expect(xllmCacheBytes({ total_bytes: total, free_bytes: total, max_memory_utilization: 0.8, max_cache_bytes: 1000 })).toBe(1000);
    expect(xllmCacheBytes({ total_bytes: total, free_bytes: 1000, max_memory_utilization: 0.8, max_cache_bytes: 0 })).toBe(0);
    expect(xllmCacheBytes({ total_bytes: total, free_bytes: 1000, max_memory_utilization: 1, max_cache_bytes: 0 })).toBe(1000);
  });
  it('linear states take 47 % of the pool with prefix cache, max_seqs + 2 slots without', () => {
    const hybrid = findModel('Qwen3.5-27B');
    const c = cacheCost(hybrid, plan());
    const base = { cache_bytes: 20 * GiB, block_tokens: 128, kv_bytes_per_token: c.kv_bytes_per_token, draft_kv_bytes_per_token: 0, linear_state_bytes_per_seq: c.linear_state_bytes_per_seq, max_seqs: 16, max_linear_slots: 0 };
    const on = xllmPool({ ...base, prefix_cache: true });
    expect(on.linear_bytes / base.cache_bytes).toBeCloseTo(0.474, 2);
    const off = xllmPool({ ...base, prefix_cache: false });
    expect(off.linear_slots).toBe(18);
    expect(xllmPool({ ...base, prefix_cache: true, max_linear_slots: 8 }).linear_slots).toBe(10);
    // Never more slots than fit beside two blocks.
    expect(xllmPool({ ...base, prefix_cache: false, max_seqs: 100_000 }).blocks).toBeGreaterThan(0);
    expect(on.linear_bytes + on.blocks * on.block_bytes).toBeLessThanOrEqual(base.cache_bytes);
  });
  it('a draft layer pays in every block', () => {
    const deepseek = findModel('DeepSeek-V3');
    const c = cacheCost(deepseek, plan());
    const base = { cache_bytes: 10 * GiB, block_tokens: 128, kv_bytes_per_token: c.kv_bytes_per_token, linear_state_bytes_per_seq: 0, max_seqs: 16, prefix_cache: true, max_linear_slots: 0 };
    expect(xllmPool({ ...base, draft_kv_bytes_per_token: 0 }).block_bytes).toBe(128 * 1152 * 61);
    expect(xllmPool({ ...base, draft_kv_bytes_per_token: c.draft_kv_bytes_per_token ?? NaN }).block_bytes).toBe(128 * 1152 * 62);
  });
});

it('R16: HCCL buffers of four communicators, vLLM-Ascend and xLLM', () => {
  expect(hcclBufferMb(4)).toBe(1600);
  expect(hcclBufferMb(4, 512)).toBe(4096);
});
