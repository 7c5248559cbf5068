import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { triageFiles } from '../incident/helpers.js';

const data = join(import.meta.dirname, '../../../shared/data');

/** What each shared log is, from the issue or manual it cites: class of the root (null: nothing to diagnose), rank or card of origin where the log tells it. */
const labels: readonly (readonly [string, string | null, { rank?: number; device?: number; id?: string; verdict?: string }?])[] = [
  ['issue-logs/acl-507033-el0004-setdevice-ptoas341', 'hbm-oom'],
  ['issue-logs/acl-507035-enginedead-2349', 'aicore'],
  ['issue-logs/acl-oom-207001-el0004-3141', 'hbm-oom', { device: 7 }],
  ['issue-logs/aclgraph-207005-9564', 'graph', { rank: 3 }],
  ['issue-logs/aclgraph-207005-sqcq-8393', 'graph'],
  ['issue-logs/aclgraph-capture-progress-3869', null],
  ['issue-logs/aclgraph-insufficient-streams-3389', 'graph', { rank: 11, id: 'graph-streams' }],
  ['issue-logs/aicore-0x800000-sglang-glmocr232', 'aicore'],
  ['issue-logs/aicore-507011-el0003-8360', 'aicore', { rank: 9, device: 9 }],
  ['issue-logs/aicore-507014-timeout-4972', 'aicore', { id: 'aicore-timeout' }],
  ['issue-logs/aicore-507034-ascend950-10299', 'aicore', { id: 'aicore-timeout', rank: 0 }],
  ['issue-logs/aicore-507035-nonzero-16072', 'aicore', { rank: 4, device: 4 }],
  ['issue-logs/aicore-507035-plog-16234', 'aicore'],
  ['issue-logs/aicore-ez9999-aivec-2763', 'aicore'],
  ['issue-logs/aicore-gatherv3-assert-1115', 'aicore'],
  ['issue-logs/aicore-plog-910B4-6018', 'aicore'],
  ['issue-logs/hccl-ei0002-507048-1443', 'hccl', { verdict: 'suspected' }],
  ['issue-logs/hccl-ei0006-allreduce-486', 'hccl', { verdict: 'suspected' }],
  ['issue-logs/hccl-ei0006-newformat-5461', 'hccl', { verdict: 'suspected' }],
  ['issue-logs/hccl-ei0009-transport-3162', 'hccl', { rank: 0, verdict: 'suspected' }],
  ['issue-logs/hccl-ei9999-fftsplus-ascendpytorch54', 'hccl', { verdict: 'suspected' }],
  ['issue-logs/hccl-link-establish-1955', 'port', { id: 'hccl-port-busy' }],
  ['issue-logs/hccl-stuck-lmdeploy-3354', 'hccl', { device: 6, verdict: 'diagnosed' }],
  ['issue-logs/lmcache-ascend-3968', null],
  ['issue-logs/npusmi-proc-empty-name-9596', null],
  ['issue-logs/pytorch-ge-500002-E40024-61', 'build', { id: 'op-compile', device: 0 }],
  ['issue-logs/sglang-npu-qwen3vl-17157', null],
  ['issue-logs/vllm-310P-507015-10122', 'aicore', { id: 'aicore-exception' }],
  ['issue-logs/vllm-507018-aicpu-2105', 'aicpu'],
  ['issue-logs/vllm-507057-remote-10829', 'hccl', { id: 'remote-error', verdict: 'suspected' }],
  ['issue-logs/vllm-early-npu-backend-8054', null],
  ['issue-logs/vllm-glm5-mtp3-9803', null],
  ['issue-logs/vllm-qwen3next-kvcache-5020', 'framework', { rank: 2, verdict: 'suspected' }],
  ['issue-logs/vllm-specdecode-oldformat-24127', null],
  ['plog/oamtools-fascore-mte-aivector-910b', 'aicore', { device: 0 }],
  ['plog/oamtools-gatherv3-2025', 'aicore', { device: 0 }],
  ['plog/oamtools-l1-2025', 'aicore'],
  ['plog/oamtools-milan-addcustom', 'aicore'],
  ['plog/mindcluster-st_transport_init_testcase', 'hccl', { rank: 0, verdict: 'diagnosed' }],
  ['doc-logs/hccl-task_exec_stage/task_exec_stage-L57.txt', 'hccl', { device: 1 }],
  ['doc-logs/hccl-task_exec_stage/task_exec_stage-L256.txt', 'link'],
  ['doc-logs/hccl-param_link_stage/param_link_stage-L78.txt', 'port'],
  ['doc-logs/hccl-param_link_stage/param_link_stage-L104.txt', 'hbm-oom'],
  ['doc-logs/hccl-cluster_info_nego/cluster_info_nego-L59.txt', 'port'],
  ['doc-logs/hccl-env_config_error_EI0001/env_config_error_EI0001-L13.txt', 'configuration'],
  ['doc-logs/pypto-aicore-exception/aicore-exception-L7.txt', 'aicore'],
  ['doc-logs/runtime-faq/aclrtSetDevice调用失败-L10.txt', 'configuration'],
  ['doc-logs/runtime-faq/EE1023资源不足问题-L62.txt', 'graph'],
  ['doc-logs/runtime-faq/Runtime版本与CANN版本不匹配导致的问题-L10.txt', 'driver'],
  ['doc-logs/vllm-ascend-faqs/faqs-L210.txt', 'graph', { id: 'graph-streams' }],
  ['npu-smi/fail-8005-console', 'driver', { id: 'dcmi-init' }],
  ['npu-smi/a3-alarm-busy-truncated', 'device', { id: 'device-alarm' }],
  ['npu-smi/910B2-25.5.6-idle', null],
  // hccn_tool: records of the start and a check that does not succeed, nothing that failed; the second listing has `Health Status : Alarm`.
  ['npu-smi/mindcluster-envcheck', null],
  ['npu-smi/mindcluster-kgparse', 'device', { id: 'device-alarm' }],
  ['npu-smi/a3-26.1.1-vllm-16die', null],
  ['serving-logs/cuda-vllm0101-dennislee', null],
];

function files(path: string): { path: string; text: string }[] {
  const full = join(data, path);
  if (!statSync(full).isDirectory()) return [{ path: full, text: readFileSync(full, 'utf8') }];
  return readdirSync(full, { recursive: true, encoding: 'utf8' })
    .sort()
    .filter((f) => statSync(join(full, f)).isFile())
    .map((f) => ({ path: join(full, f), text: readFileSync(join(full, f), 'utf8') }));
}

describe.runIf(existsSync(data))('shared logs are what their sources say', () => {
  it.each(labels.map(([path, cls, more]) => ({ path, cls, more: more ?? {} })))('$path', async ({ path, cls, more }) => {
    const { body } = await triageFiles(files(path));
    expect(body.primary?.class ?? null, JSON.stringify(body.primary)).toBe(cls);
    if (cls === null) expect(body.verdict).toBe('no-known-signature');
    if (more.rank !== undefined) expect(body.primary?.origin.rank).toBe(more.rank);
    if (more.device !== undefined) expect(body.primary?.origin.device).toBe(more.device);
    if (more.id !== undefined) expect(body.primary?.id).toBe(more.id);
    if (cls !== null) expect(body.verdict).toBe(more.verdict ?? 'diagnosed');
  });
});
