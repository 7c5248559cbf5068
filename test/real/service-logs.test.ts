import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { finishFacts } from '../../server/programs/service-log.js';
import { incidentOf } from '../../server/serving/judge.js';
import { fatalLines } from '../../server/serving/patterns.js';
import { LogReader } from '../../server/serving/read.js';

const data = '../shared/data';
const fatalOf = await fatalLines();
const present = existsSync(join(data, 'README.md'));
if (!present) console.warn('../shared/data is absent: real service logs are not read');

function read(path: string) {
  const reader = new LogReader('2026-01-01T00:00:00.000Z', fatalOf);
  const log = reader.rank({ rank: 0, path }, [{ text: readFileSync(join(data, path), 'utf8'), skippedBefore: 0 }]);
  return { facts: finishFacts(reader.facts), log, incident: incidentOf({ ranks: [log], facts: reader.facts, allJoined: false }, { cause: 'exit', rank: 0, code: 1, signal: null }) };
}

describe.skipIf(!present)('real service logs', () => {
  it('a whole vLLM start: version, weights, KV memory, capacity, graph; no incident in it', () => {
    const dir = 'serving-logs/cuda-vllm0101-dennislee';
    const { facts, log } = read(`${dir}/vllm-7B-1gpuA10080GB-0.25GRAM.log`);
    expect(facts).toMatchObject({ framework_version: '0.10.1.1', prefix_cache: true, graph: 'captured', graph_bytes: 0.5 * 1024 ** 3, kv_cache_bytes: Math.round(5.01 * 1024 ** 3), weights_bytes: Math.round(14.2488 * 1024 ** 3), max_concurrency: { tokens_per_request: 16_384, times: 5.73 } });
    // The log names 5,867 blocks in a wrapped line; vLLM's blocks hold 16 tokens there.
    expect(facts.token_capacity).toBe(5867 * 16);
    expect(log.hits).toEqual([]);
    expect(read(`${dir}/vllm-7B-2gpuA10080GB-0.5GRAM-same-node.log`).log.hits).toEqual([]);
  });
  it('SGLang on NPU and vLLM-Ascend: what their excerpts say', () => {
    expect(read('issue-logs/sglang-npu-qwen3vl-17157/server.log').facts).toMatchObject({ token_capacity: 192_896, kv_cache_bytes: Math.round(17.67 * 1024 ** 3), weights_bytes: Math.round(30.67 * 1024 ** 3) });
    expect(read('issue-logs/vllm-qwen3next-kvcache-5020/serve.log').facts).toMatchObject({ token_capacity: 282_240, max_concurrency: { tokens_per_request: 4096, times: 210.07 } });
  });
  // Class as the error codes of the excerpt mean (domain facts I09 … I33), by case folder.
  it.each([
    ['acl-507035-enginedead-2349', 'aicore'],
    ['acl-oom-207001-el0004-3141', 'hbm-oom'],
    ['aclgraph-207005-9564', 'graph'],
    ['aclgraph-207005-sqcq-8393', 'graph'],
    ['aclgraph-insufficient-streams-3389', 'graph'],
    ['aicore-0x800000-sglang-glmocr232', 'aicore'],
    ['aicore-507011-el0003-8360', 'aicore'],
    ['aicore-507034-ascend950-10299', 'aicore'],
    ['aicore-507035-nonzero-16072', 'aicore'],
    ['aicore-507035-plog-16234', 'aicore'],
    ['aicore-ez9999-aivec-2763', 'aicore'],
    ['aicore-gatherv3-assert-1115', 'aicore'],
    ['hccl-ei0002-507048-1443', 'hccl'],
    ['hccl-ei0006-allreduce-486', 'hccl'],
    ['hccl-ei0006-newformat-5461', 'hccl'],
    ['hccl-ei0009-transport-3162', 'hccl'],
    ['hccl-link-establish-1955', 'port'],
    ['hccl-stuck-lmdeploy-3354', 'hccl'],
    ['vllm-310P-507015-10122', 'aicore'],
    ['vllm-507018-aicpu-2105', 'aicpu'],
    ['vllm-507057-remote-10829', 'hccl'],
    ['pytorch-ge-500002-E40024-61', 'graph'],
  ])('%s is %s', (name, wanted) => {
    for (const file of readdirSync(join(data, 'issue-logs', name))) expect(read(`issue-logs/${name}/${file}`).incident?.class).toBe(wanted);
  });
  it('a device that could not be opened for want of memory is one of the two', () => {
    expect(['device', 'hbm-oom']).toContain(read('issue-logs/acl-507033-el0004-setdevice-ptoas341/err.log').incident?.class);
  });
  // Excerpts without a failure: metrics, progress, process tables.
  it.each(['aclgraph-capture-progress-3869', 'lmcache-ascend-3968', 'npusmi-proc-empty-name-9596', 'sglang-npu-qwen3vl-17157', 'vllm-glm5-mtp3-9803', 'vllm-specdecode-oldformat-24127'])('%s has no fatal line', (name) => {
    for (const file of readdirSync(join(data, 'issue-logs', name))) expect(read(`issue-logs/${name}/${file}`).log.hits).toEqual([]);
  });
  it('settings in CANN run logs that only name a timeout are no failure', () => {
    for (const worker of [0, 1, 2, 3]) {
      const folder = `plog/mindcluster-st_transport_init_testcase/worker-${worker}/process_log/run/plog`;
      for (const file of readdirSync(join(data, folder))) expect(read(`${folder}/${file}`).log.hits).toEqual([]);
    }
  });
});
