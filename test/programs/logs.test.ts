import { describe, expect, it } from 'vitest';
import { lineTime } from '../../server/programs/log-time.js';
import { emptyFacts, finishFacts, readLine, sizeBytes, type StartupFacts } from '../../server/programs/service-log.js';

function facts(lines: string): StartupFacts {
  const f = emptyFacts();
  for (const line of lines.split('\n')) readLine(line, f);
  return finishFacts(f);
}

describe('start-up logs', () => {
  it("xLLM: memory of every worker, the target's KV line before the draft's, capacity without block 0", () => {
    const p = 'I20260821 10:00:00.123456 4242 llm_engine.cpp:482] ';
    const f = facts(
      [
        `${p}  version 0.11.0`,
        `${p}Master init options: Options: [model_path: /m, enable_prefix_cache: false, block_size: 128]`,
        `${p}Resolved npu_kernel_backend=TORCH for model_type=qwen3_5`,
        `${p}Block info, block_size: 128, n_local_kv_heads: 4, head_dim: 128, n_layers: 36, dtype: bfloat16, kv_cache_dtype: auto`,
        `${p}worker #1: available memory: 34.00 GB, total memory: 60.96 GB. Using max_memory_utilization: 0.9, max_cache_size: 0.00 B`,
        `${p}worker #0: available memory: 35.50 GB, total memory: 60.96 GB. Using max_memory_utilization: 0.9, max_cache_size: 0.00 B`,
        `${p}kv cache capacity: 34.00 GB, blocks: 3000, slot_size: 2048, index_slot_size: 0, indexer_layers: 0, scale_slot_size: 0, linear_slot_size: 99, linear_blocks: 12, linear_state_slots: 10, max_linear_state_cache_slots: 0, reserved_linear_bytes: 1.50 GB, n_layers: 36, kv_cache_dtype: auto`,
        `${p}kv cache capacity: 34.00 GB, blocks: 3000, slot_size: 512, index_slot_size: 0, indexer_layers: 0, scale_slot_size: 0, linear_slot_size: 0, linear_blocks: 0, linear_state_slots: 0, max_linear_state_cache_slots: 0, reserved_linear_bytes: 0.00 B, n_layers: 1, kv_cache_dtype: auto`,
        `${p}Decode warmup completed: bucket_count=5, decode_max_token_bucket=16, decode_max_sequence_batch=16, decode_seq_len=1, decode_total_latency=10.0 ms`,
      ].join('\n'),
    );
    expect(f.workers).toEqual([
      { worker: 0, available_bytes: 38_117_834_752, total_bytes: 65_455_301_591 },
      { worker: 1, available_bytes: 36_507_222_016, total_bytes: 65_455_301_591 },
    ]);
    expect(f).toMatchObject({ kv_cache_bytes: 34 * 1024 ** 3, kv_blocks: 3000, block_size: 128, slot_size_bytes: 2048, linear_blocks: 12, reserved_linear_bytes: 1.5 * 1024 ** 3, n_layers: 36, token_capacity: 2999 * 128, graph: 'captured', backend: 'TORCH', framework_version: '0.11.0', prefix_cache: false });
  });
  it('vLLM-Ascend, old and new wording', () => {
    const f = facts(
      [
        '(APIServer pid=1) INFO 11-24 06:25:28 [api_server.py:1] vLLM API server version 0.11.0rc1',
        "(EngineCore_DP0 pid=2) INFO 11-24 06:25:28 [core.py:74] Initializing a V1 LLM engine (v0.11.0rc1) with config: model='/m', enable_prefix_caching=True, enforce_eager=False",
        '(Worker_TP0 pid=3) INFO 11-24 06:25:29 [model_runner_v1.py:3571] Loading model weights took 15.2700 GB',
        '(Worker_TP0 pid=3) INFO 11-24 06:25:30 [worker.py:570] Available KV cache memory: 36.84 GiB',
        '(EngineCore_DP0 pid=2) INFO 11-24 06:25:30 [kv_cache_utils.py:1] GPU KV cache size: 282,240 tokens',
        '(EngineCore_DP0 pid=2) INFO 11-24 06:25:30 [kv_cache_utils.py:2] Maximum concurrency for 32,768 tokens per request: 8.61x',
        '(Worker_TP0 pid=3) INFO 11-24 06:25:39 [model_runner_v1.py:1] Graph capturing finished in 7 secs, took 0.42 GiB',
      ].join('\n'),
    );
    expect(f).toMatchObject({ framework_version: '0.11.0rc1', prefix_cache: true, token_capacity: 282_240, max_concurrency: { tokens_per_request: 32_768, times: 8.61 }, graph: 'captured', graph_bytes: Math.round(0.42 * 1024 ** 3), kv_cache_bytes: Math.round(36.84 * 1024 ** 3), weights_bytes: Math.round(15.27 * 1024 ** 3) });
  });
  it('a size with an unknown unit is not a number', () => {
    expect([sizeBytes('1.00', 'TB'), sizeBytes('2', 'PB'), sizeBytes('x', 'GB')]).toEqual([1024 ** 4, null, null]);
  });
});

describe('times of lines', () => {
  const start = '2026-11-24T06:00:00.000Z';
  it.each([
    ['I20260821 10:00:00.123456 4242 a.cpp:1] x', '2026-08-21T10:00:00.123Z'],
    ['W0821 10:00:00.500000 4242 a.cpp:1] x', '2026-08-21T10:00:00.500Z'],
    ['F10:00:00.500 4242 a.cpp:1] x', '2026-11-24T10:00:00.500Z'],
    ['INFO 11-24 06:25:28 [__init__.py:1] x', '2026-11-24T06:25:28.000Z'],
    ['(EngineCore_DP0 pid=804) ERROR 12-16 02:10:29 [m.py:8] x', '2026-12-16T02:10:29.000Z'],
    ['[2026-01-15 13:56:49 DP1 TP1] Load weight end.', '2026-01-15T13:56:49.000Z'],
    ['[ERROR] 2025-09-28-07:22:30 (PID:316198, Device:7, RankID:-1) ERR00100', '2025-09-28T07:22:30.000Z'],
    ['EL0004: [PID: 316198] 2025-09-28-07:22:29.827.496 Failed to allocate memory.', '2025-09-28T07:22:29.827Z'],
    ['[ERROR] HCCL(1,python):2024-09-12-16:40:15.123.456 [a.cc:1]', '2024-09-12T16:40:15.123Z'],
  ])('%s', (line, wanted) => {
    expect(Math.floor(lineTime(line, start) ?? NaN)).toBe(Date.parse(wanted));
  });
  it('a line without one has none', () => {
    expect(lineTime('Traceback (most recent call last):', start)).toBeNull();
  });
});
