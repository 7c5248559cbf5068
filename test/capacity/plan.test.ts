import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CapacityPlanFacts, ToolFailed, ToolOk } from '../../server/contract/index.js';
import { capacityDerivations } from '../../server/capacity/derive.js';
import { capacityPlan } from '../../server/capacity/tools.js';
import { openHost } from '../../server/host/host.js';
import { Registry } from '../../server/mcp/registry.js';
import { xllmPool } from '../../server/models/blocks.js';
import { Runs } from '../../server/runs/runs.js';
import { verifyRun } from '../../server/runs/verify.js';
import { tempFolder, testContext } from '../helpers/temp.js';

const dir = await tempFolder();
const ctx = testContext(dir);
const registry = new Registry([capacityPlan], (line) => console.error(line));
const total = 65_452_113_920;
const GiB = 1024 ** 3;
let run = '';

async function call(args: Record<string, unknown>): Promise<ToolOk & { facts: CapacityPlanFacts }> {
  const answer = await registry.call('capacity_plan', { run, ...args }, ctx);
  if (answer.isError) throw new Error(answer.text);
  return answer.structured as ToolOk & { facts: CapacityPlanFacts };
}
async function fail(args: Record<string, unknown>): Promise<ToolFailed['error']> {
  const answer = await registry.call('capacity_plan', { run, ...args }, ctx);
  expect(answer.isError).toBe(true);
  return (answer.structured as ToolFailed).error;
}
beforeAll(async () => {
  run = (await new Runs(openHost(ctx.config)).create({ purpose: 'capacity', level: 'smoke' }, { tool: 'run_create', input: {} })).id;
});
const sums = (f: CapacityPlanFacts): void => {
  expect(f.ledger.reduce((sum, r) => sum + r.bytes, 0)).toBe(f.per_rank.hbm_total_bytes);
  expect(f.ledger.reduce((sum, r) => sum + r.worst_bytes, 0)).toBe(f.per_rank.hbm_total_bytes);
  expect(f.ledger.at(-1)).toMatchObject({ name: 'free_margin', bytes: f.per_rank.free_margin_bytes, worst_bytes: f.per_rank.free_margin_low_bytes });
};

describe('xLLM', () => {
  // R7 of the model facts has no context overhead; 0.13 GiB of it cost 0.4 % of the blocks.
  it.each([[0.8, 1906, 47], [0.86, 2114, 52], [0.9, 2253, 56]])('Qwen3-8B, one 64 GB card, utilization %s: %s blocks within 1 %, %s requests of 5,120', async (util, blocks, requests) => {
    const { facts, verdict } = await call({ model: 'Qwen3-8B', chip: 'Ascend910B3', framework: 'xllm', max_memory_utilization: util, input_tokens: 4096, output_tokens: 1024 });
    expect(Math.abs((facts.per_rank.blocks ?? 0) - blocks) / blocks).toBeLessThan(0.01);
    expect(facts.max_concurrency).toBe(requests);
    expect(facts).toMatchObject({ limit: 'kv-blocks', per_rank: { weights_bytes: 16_381_470_720, hbm_total_bytes: total, kv_bytes_per_token: 147_456, block_size: 128 } });
    expect(verdict).toBe('pass');
    sums(facts);
  });
  it.each([['Llama-3.1-8B', 131_072], ['Llama-3.1-70B', 327_680], ['Qwen3-32B', 262_144], ['GLM-4.5', 376_832], ['DeepSeek-V3', 70_272], ['DeepSeek-V3.2', 85_888], ['Qwen3-Next-80B-A3B', 24_576], ['Qwen3.5-27B', 65_536]])('%s: %s bytes of cache per token', async (model, bytes) => {
    expect((await call({ model, hbm_bytes: 4e12, framework: 'xllm', quant: 'none' })).facts.per_rank.kv_bytes_per_token).toBe(bytes);
  });
  it('KV heads are replicated beyond their number: 48,128 bytes at tp 4 and tp 8', async () => {
    for (const tp of [4, 8]) expect((await call({ model: 'Qwen3-235B-A22B', chip: '910B3', framework: 'xllm', tp })).facts.per_rank.kv_bytes_per_token).toBe(48_128);
  });
  it('the description a quantisation tool left beside config.json decides like quant by hand, and recomputes without it', async () => {
    const folder = join(dir, 'described');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: 'llama', hidden_size: 4096, num_hidden_layers: 32, num_attention_heads: 32, num_key_value_heads: 8, intermediate_size: 14_336, vocab_size: 128_256, max_position_embeddings: 8192, torch_dtype: 'bfloat16' }));
    const base = { model: folder, chip: '910B3', framework: 'vllm-ascend' };
    const plain = await call(base);
    await writeFile(join(folder, 'quant_model_description.json'), JSON.stringify({ model_quant_type: 'W8A8_DYNAMIC', 'model.layers.0.mlp.up_proj.weight': 'W8A8_DYNAMIC' }));
    const found = await call(base);
    expect(found.warnings.map((w) => w.code)).toContain('W-QUANT-FOUND');
    expect(found.facts.per_rank.weights_bytes).toBe((await call({ ...base, quant: 'w8a8' })).facts.per_rank.weights_bytes);
    expect(found.facts.per_rank.weights_bytes).toBeLessThan(0.6 * plain.facts.per_rank.weights_bytes);
    expect((await call({ ...base, quant: 'none' })).facts.per_rank.weights_bytes).toBe(plain.facts.per_rank.weights_bytes);
  });
  it('weights that do not fit fail as hbm-hard, and more tp is the advice', async () => {
    const { facts, verdict } = await call({ model: 'Llama-3.1-70B', chip: '910B3', framework: 'xllm', tp: 2 });
    expect([verdict, facts.limit]).toEqual(['fail', 'hbm-hard']);
    expect(facts.advice.find((a) => a.parameter === 'tp')).toMatchObject({ from: 2, to: 4 });
  });
  it('what is taken after sizing must fit in what utilization leaves: 1 % of the card does not hold a step', async () => {
    const { facts, verdict } = await call({ model: 'Qwen3-8B', chip: '910B3', framework: 'xllm', max_memory_utilization: 0.99, max_tokens_per_batch: 65_536 });
    expect([verdict, facts.limit]).toEqual(['fail', 'workspace']);
    expect(facts.per_rank.free_margin_bytes).toBeLessThan(0);
    sums(facts);
  });
  it('a request too long is kv-blocks, too many are the limit that stops them', async () => {
    const base = { model: 'Qwen3-8B', chip: '910B3', framework: 'xllm' };
    expect(await call({ ...base, input_tokens: 300_000 })).toMatchObject({ verdict: 'fail', facts: { limit: 'kv-blocks' } });
    expect(await call({ ...base, input_tokens: 4096, output_tokens: 1024, concurrency: 60 })).toMatchObject({ verdict: 'fail', facts: { limit: 'kv-blocks' } });
    expect(await call({ ...base, input_tokens: 4096, output_tokens: 1024, concurrency: 20 })).toMatchObject({ verdict: 'pass', facts: { limit: 'none' } });
    expect(await call({ ...base, input_tokens: 100, output_tokens: 20, concurrency: 300 })).toMatchObject({ verdict: 'fail', facts: { limit: 'scheduler-budget', max_concurrency: 200 } });
  });
  it('a hybrid with prefix cache gives 0.9/1.9 of the pool to states', async () => {
    const { facts } = await call({ model: 'Qwen3.5-27B', chip: '910B3', framework: 'xllm', tp: 4, input_tokens: 100, output_tokens: 28 });
    const at = (name: string): number => facts.ledger.find((r) => r.name === name)?.bytes ?? NaN;
    expect(at('linear_state') / (facts.per_rank.kv_pool_bytes ?? NaN)).toBeCloseTo(0.9 / 1.9, 2);
    expect(facts.per_rank.linear_state_bytes_per_seq * 4).toBeCloseTo(146.8 * 1024 ** 2, -5);
    sums(facts);
  });
  it('an MTP layer pays one more slot per token', async () => {
    const { facts } = await call({ model: 'DeepSeek-V3', hbm_bytes: 200 * GiB, framework: 'xllm', quant: 'w8a8', tp: 8, ep: 8, num_speculative_tokens: 1 });
    expect(facts.per_rank.draft_kv_bytes_per_token).toBe(1152);
    expect(facts.ledger.find((r) => r.name === 'draft')?.worst_bytes).toBeGreaterThan(facts.ledger.find((r) => r.name === 'draft')?.bytes ?? NaN);
  });
  it('more batch, more context or more layers never hold more requests', async () => {
    const plan = async (args: Record<string, unknown>): Promise<number> => (await call({ model: 'Qwen3-8B', chip: '910B3', framework: 'xllm', output_tokens: 128, ...args })).facts.max_concurrency ?? NaN;
    const byContext = [await plan({ input_tokens: 1000 }), await plan({ input_tokens: 4000 }), await plan({ input_tokens: 16_000 })];
    expect(byContext).toEqual([...byContext].sort((a, b) => b - a));
    const config = { model_type: 'qwen3', hidden_size: 1024, num_attention_heads: 16, num_key_value_heads: 8, head_dim: 128, intermediate_size: 3072, vocab_size: 1000, torch_dtype: 'bfloat16' };
    const byLayers: number[] = [];
    for (const layers of [30, 60, 90]) {
      await mkdir(join(dir, `m${layers}`), { recursive: true });
      await writeFile(join(dir, `m${layers}`, 'config.json'), JSON.stringify({ ...config, num_hidden_layers: layers }));
      byLayers.push(await plan({ model: join(dir, `m${layers}`), input_tokens: 8000 }));
    }
    expect(byLayers).toEqual([...byLayers].sort((a, b) => b - a));
    expect(new Set(byLayers).size).toBe(3);
  });
});

describe('block count against a second implementation, from the text of the facts', () => {
  // Integers throughout (BigInt), written from xllm.md 4.3–4.5 and not from the code.
  function second(kv: bigint, blk: bigint, draft: bigint, state: bigint, seqs: bigint, prefix: boolean): { blocks: bigint; slots: bigint } {
    if (state === 0n) return { blocks: kv / (blk + draft), slots: 0n };
    const a = (kv - 1n) / state;
    const b = (kv + 2n * blk) / (state + blk);
    const cap = a < b ? a : b;
    const atLeastTwo = cap < 2n ? 2n : cap;
    const wanted = prefix ? (kv * 9n) / 19n / state : seqs + 2n;
    const low = wanted < 2n ? 2n : wanted;
    const slots = low < atLeastTwo ? low : atLeastTwo;
    const rest = kv - slots * state;
    return { blocks: rest <= 0n ? 0n : rest / (blk + draft), slots };
  }
  it('500 configurations', () => {
    let seed = 12_345;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };
    for (let i = 0; i < 500; i += 1) {
      const token = 512 * (1 + random(1000));
      const block = [16, 64, 128, 256][random(4)] ?? 128;
      const state = random(2) === 0 ? 0 : 4096 * (1 + random(20_000));
      const draft = random(2) === 0 ? 0 : token / 16;
      const kv = 1_000_000 + random(2 ** 31) * 24 + random(1000);
      const seqs = 1 + random(512);
      const prefix = random(2) === 0;
      const mine = xllmPool({ cache_bytes: kv, block_tokens: block, kv_bytes_per_token: token, draft_kv_bytes_per_token: draft, linear_state_bytes_per_seq: state, max_seqs: seqs, prefix_cache: prefix, max_linear_slots: 0 });
      const want = second(BigInt(kv), BigInt(block * token), BigInt(block * draft), BigInt(state), BigInt(seqs), prefix);
      expect([mine.blocks, mine.linear_slots], `case ${String(i)}`).toEqual([Number(want.blocks), Number(want.slots)]);
      expect(mine.usable_blocks).toBe(Math.max(0, Number(want.blocks) - 1));
    }
  });
});

describe('other frameworks and input', () => {
  it('vLLM-Ascend: the pool is requested less everything before it; 310P halves it', async () => {
    const { facts } = await call({ model: 'Qwen3-8B', hbm_bytes: 60 * GiB, framework: 'vllm-ascend' });
    const before = facts.ledger.filter((r) => ['weights', 'context', 'hccl', 'activation'].includes(r.name)).reduce((s, r) => s + r.bytes, 0);
    expect(facts.per_rank.kv_pool_bytes).toBe(Math.trunc(60 * GiB * 0.9 - before));
    sums(facts);
    const half = (await call({ model: 'Qwen3-8B', chip: '310P3', hbm_bytes: 60 * GiB, framework: 'vllm-ascend' })).facts;
    expect(half.per_rank.kv_pool_bytes).toBe(Math.floor((facts.per_rank.kv_pool_bytes ?? NaN) / 2));
  });
  it('a hybrid of vLLM has blocks of 384 tokens (vllm-ascend issue 5020); SGLang hybrids are not known', async () => {
    expect((await call({ model: 'Qwen3-Next-80B-A3B', chip: '910B3', framework: 'vllm-ascend', tp: 4 })).facts.per_rank.block_size).toBe(384);
    expect(await call({ model: 'Qwen3-Next-80B-A3B', chip: '910B3', framework: 'sglang', tp: 4 })).toMatchObject({ verdict: 'inconclusive', facts: { per_rank: { blocks: null } } });
  });
  it('without a memory size it is inconclusive, with the cost per token known', async () => {
    const answer = await call({ model: 'Qwen3-8B', framework: 'xllm' });
    expect(answer).toMatchObject({ verdict: 'inconclusive', facts: { per_rank: { hbm_total_bytes: null, blocks: null, kv_bytes_per_token: 147_456 } } });
    expect(answer.warnings.map((w) => w.code)).toContain('W-NO-MEMORY-SIZE');
  });
  it('bad input is named', async () => {
    await writeFile(join(dir, 'odd.json'), JSON.stringify({ model_type: 'never_seen', hidden_size: 1 }));
    await writeFile(join(dir, 'broken.json'), '{');
    await writeFile(join(dir, 'note.log'), 'hello\n');
    const odd = await fail({ model: join(dir, 'odd.json'), framework: 'xllm' });
    expect([odd.code, odd.seen]).toEqual(['E_MODEL_UNKNOWN', expect.stringContaining('model_type')]);
    expect((await fail({ model: join(dir, 'broken.json'), framework: 'xllm' })).code).toBe('E_JSON_BROKEN');
    const base = { model: 'Qwen3-8B', chip: '910B3', framework: 'xllm' };
    expect((await fail({ ...base, tp: 3 })).code).toBe('E_ARG_CONFLICT');
    expect((await fail({ ...base, tp: 1.5 })).code).toBe('E_ARG_TYPE');
    expect((await fail({ ...base, max_memory_utilization: 80 })).code).toBe('E_ARG_TYPE');
    expect((await fail({ ...base, pp: 2 })).code).toBe('E_ARG_CONFLICT');
    expect((await fail({ ...base, draft_model: 'Qwen3-0.6B' })).code).toBe('E_ARG_CONFLICT');
    expect((await fail({ ...base, startup_log: join(dir, 'note.log') })).code).toBe('E_FORMAT_UNKNOWN');
  });
});

describe('start-up log', () => {
  // Lines of llm_engine.cpp at 3906f5a9 with the figures of R7.
  const log = (util: number, free: string, kv: string, blocks: number): string =>
    `I20261124 06:25:28.1 1 llm_engine.cpp:273] Block info, block_size: 128, n_local_kv_heads: 8, head_dim: 128, n_layers: 36, dtype: BFloat16, kv_cache_dtype: auto
I20261124 06:25:29.1 1 llm_engine.cpp:482] worker #0: available memory: ${free} GB, total memory: 60.96 GB. Using max_memory_utilization: ${util}, max_cache_size: 0.00 B
I20261124 06:25:29.2 1 llm_engine.cpp:554] kv cache capacity: ${kv} GB, blocks: ${blocks}, slot_size: 4096, index_slot_size: 0, indexer_layers: 0, scale_slot_size: 0, linear_slot_size: 0, linear_blocks: 0, linear_state_slots: 0, max_linear_state_cache_slots: 0, reserved_linear_bytes: 0.00 B, n_layers: 36, kv_cache_dtype: auto
`;
  const args = { model: 'Qwen3-8B', framework: 'xllm', chip: '910B3' };
  it('every line agrees or is explained when the service did what the rule says', async () => {
    const path = join(dir, 'good.log');
    await writeFile(path, log(0.8, '45.60', '33.41', 1900));
    const { facts } = await call({ ...args, startup_log: path });
    expect(facts.observed).toMatchObject({ blocks: 1900, block_size: 128, token_capacity: 1899 * 128 });
    expect(facts.differences.length).toBeGreaterThanOrEqual(6);
    expect(facts.differences.filter((d) => d.status === 'differs')).toEqual([]);
    // The plan itself now rests on the memory that was free: 45.60 of 60.957 GiB.
    expect(Math.abs((facts.per_rank.blocks ?? NaN) - 1900)).toBeLessThanOrEqual(1);
    sums(facts);
  });
  it('another tenant on the card shows as free_bytes, a broken block count as blocks', async () => {
    const path = join(dir, 'bad.log');
    await writeFile(path, log(0.8, '35.60', '23.41', 1200));
    const { facts, warnings } = await call({ ...args, startup_log: path });
    expect(facts.differences.filter((d) => d.status === 'differs').map((d) => d.quantity)).toEqual(['free_bytes', 'blocks', 'token_capacity']);
    expect(warnings.map((w) => w.code)).toContain('W-PLAN-DIFFERS');
  });
  it('a refused allocation beside as much unused memory is fragmentation', async () => {
    const path = join(dir, 'oom.log');
    await writeFile(path, `${log(0.8, '45.60', '33.41', 1900)}RuntimeError: NPU out of memory. Tried to allocate 2.00 GiB (NPU 0; 60.96 GiB total capacity; 54.00 GiB already allocated; 54.00 GiB current active; 1.20 GiB free; 58.00 GiB reserved in total by PyTorch)\n`);
    expect(await call({ ...args, startup_log: path })).toMatchObject({ verdict: 'fail', facts: { limit: 'fragmentation' } });
  });
  it('plans come out byte for byte the same again', async () => {
    const host = openHost(ctx.config);
    const opened = await new Runs(host).open(run);
    const verified = await verifyRun(opened, host, capacityDerivations);
    expect(verified.facts.recomputed_equal).toBe(true);
  });
});
