import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compute } from '../../server/capacity/derive.js';
import { tempFolder } from '../helpers/temp.js';

const data = join(process.cwd(), '..', 'shared', 'data');
const present = existsSync(join(data, 'README.md'));
if (!present) console.warn('../shared/data is absent: real start-up logs are not reconciled');
const dir = await tempFolder();
// Shape of Qwen2-7B-Instruct's public config.json.
const qwen2 = { model_type: 'qwen2', hidden_size: 3584, num_hidden_layers: 28, num_attention_heads: 28, num_key_value_heads: 4, intermediate_size: 18_944, vocab_size: 152_064, max_position_embeddings: 32_768, torch_dtype: 'bfloat16' };
mkdirSync(dir, { recursive: true });
writeFileSync(join(dir, 'qwen2.json'), JSON.stringify(qwen2));
const status = (result: Awaited<ReturnType<typeof compute>>): Record<string, string> => Object.fromEntries(result.differences.map((d) => [d.quantity, d.status]));

describe.skipIf(!present)('real start-up logs against the plan', () => {
  it.each([['1gpuA10080GB-0.25GRAM', 5867, 93_872], ['2gpuA10080GB-0.5GRAM-same-node', 74_510, 1_192_160]])('vLLM %s: every line but the pool of the second is explained', async (name, blocks, tokens) => {
    const log = join(data, 'serving-logs/cuda-vllm0101-dennislee', `vllm-7B-${name}.log`);
    const result = await compute({ folder: 'capacity/001', model: { path: join(dir, 'qwen2.json') }, draft: null, log, settings: { framework: 'vllm-ascend', hbm_bytes: Math.round(79.25 * 1024 ** 3) } }, '/');
    expect(result.body.observed).toMatchObject({ blocks, block_size: 16, token_capacity: tokens });
    const s = status(result);
    expect(s).toMatchObject({ weights_bytes: 'agrees', blocks: 'explained', token_capacity: 'explained', max_concurrency: 'explained', block_size: 'agrees' });
    // These two ran on A100: with two ranks NCCL stands where the plan has HCCL's buffers, so the pool may differ by those.
    expect(Object.entries(s).filter(([k, v]) => v === 'differs' && !(name.startsWith('2') && k === 'kv_bytes'))).toEqual([]);
  });
  it('SGLang on NPU, DP attention: pool, tokens and page follow from what was free', async () => {
    const log = join(data, 'issue-logs/sglang-npu-qwen3vl-17157/server.log');
    const result = await compute({ folder: 'capacity/001', model: { name: 'Qwen3-30B-A3B' }, draft: null, log, settings: { framework: 'sglang', chip: '910B3', dp: 2, ep: 2 } }, '/');
    // The pool, planned from the free memory the log prints, to two digits of what it prints.
    expect((result.body.per_rank.kv_pool_bytes ?? NaN) / 1024 ** 3).toBeCloseTo(17.67, 1);
    expect(Math.abs((result.body.per_rank.token_capacity ?? NaN) - 192_896)).toBeLessThanOrEqual(128);
    expect(status(result)).toMatchObject({ token_capacity: 'explained', pool_bytes: 'explained' });
    // The tower is not part of the known model: its 0.54 G parameters are the difference the weights line names.
    expect(status(result)['weights_bytes']).toBe('differs');
  });
  it('vLLM-Ascend hybrid: the printed concurrency is one of those its tokens allow (issue 5020)', async () => {
    const log = join(data, 'issue-logs/vllm-qwen3next-kvcache-5020/serve.log');
    const result = await compute({ folder: 'capacity/001', model: { name: 'Qwen3-Next-80B-A3B' }, draft: null, log, settings: { framework: 'vllm-ascend', chip: '910B3', tp: 4 } }, '/');
    expect(status(result)['max_concurrency']).toBe('explained');
    const row = result.differences.find((d) => d.quantity === 'max_concurrency');
    expect((row?.recomputed_high ?? NaN) - (row?.recomputed_low ?? NaN)).toBeLessThan(0.3);
  });
});
