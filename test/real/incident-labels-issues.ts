import { clean, effect, root, silent, unexplained, type Label } from './incident-labels.js';

/** issue-logs: excerpts of public issues; serving-logs: starts of vLLM on other hardware. */
export const issueLabels: readonly Label[] = [
  // EL0004 while the card is opened: 507033 is the call that failed for want of memory (domain.md I12, I22).
  root('issue-logs/acl-507033-el0004-setdevice-ptoas341/err.log', 'hbm-oom', [2, 6], { begins: 1 }),
  root('issue-logs/acl-507035-enginedead-2349/err.log', 'aicore', [4], { begins: 1 }),
  // The block of line 5 is ten seconds older than the line of rank 7 that prints it.
  root('issue-logs/acl-oom-207001-el0004-3141/err.log', 'hbm-oom', [1, 5], { rank: 7, device: 7 }),
  root('issue-logs/aclgraph-207005-9564/err.log', 'graph', [2], { rank: 3, begins: 1 }),
  // torch_npu words 207005 as "Failed to apply for memory"; it is no memory of the card (domain.md I11).
  root('issue-logs/aclgraph-207005-sqcq-8393/err.log', 'graph', [1]),
  clean('issue-logs/aclgraph-capture-progress-3869/serve.log'),
  root('issue-logs/aclgraph-insufficient-streams-3389/serve.log', 'graph', [3, 4], { rank: 11, begins: 3 }),
  root('issue-logs/aicore-0x800000-sglang-glmocr232/err.log', 'aicore', [1]),
  root('issue-logs/aicore-507011-el0003-8360/err.log', 'aicore', [8], { rank: 9, device: 9, begins: 1 }),
  // Rank 7 shows its watchdog only; the time-out is named by the process of card 4.
  root('issue-logs/aicore-507014-timeout-4972/err.log', 'aicore', [6, 8, 11, 12], { device: 4, begins: 1 }),
  // The kernel that ran out of time is MoeDistributeDispatchV2: it waits for another rank (domain.md I19).
  effect('issue-logs/aicore-507014-timeout-4972/err2.log', 'hccl', [null]),
  // Line 1 is the answer to a client.
  root('issue-logs/aicore-507034-ascend950-10299/err.log', 'aicore', [2, 3], { rank: 0, begins: 1 }),
  root('issue-logs/aicore-507035-nonzero-16072/err.log', 'aicore', [1, 3, 7], { rank: 4, device: 4 }),
  root('issue-logs/aicore-507035-plog-16234/plog.log', 'aicore', [2, 5], { begins: 1 }),
  root('issue-logs/aicore-ez9999-aivec-2763/err.log', 'aicore', [2], { rank: 0, begins: 1 }),
  root('issue-logs/aicore-gatherv3-assert-1115/err.log', 'aicore', [3], { rank: 0, begins: 2 }),
  // Line 1 is a wait that broke off a millisecond before the core error of the same card was told.
  root('issue-logs/aicore-plog-910B4-6018/plog.log', 'aicore', [3], { begins: 1 }),
  effect('issue-logs/hccl-ei0002-507048-1443/err.log', 'hccl', [null]),
  effect('issue-logs/hccl-ei0006-allreduce-486/err.log', 'hccl', [null]),
  effect('issue-logs/hccl-ei0006-newformat-5461/err.log', 'hccl', [null]),
  effect('issue-logs/hccl-ei0009-transport-3162/err.log', 'hccl', [null], { rank: 0 }),
  effect('issue-logs/hccl-ei9999-fftsplus-ascendpytorch54/err.log', 'hccl', [null]),
  // HCCL prints its own rank when it waits for a socket (hccl_socket_manager.cc): the port is busy at rank 12.
  root('issue-logs/hccl-link-establish-1955/plog.log', 'port', [1], { rank: 12 }),
  silent('issue-logs/hccl-stuck-lmdeploy-3354/err.log', { device: 6, rank: [6, null] }),
  clean('issue-logs/lmcache-ascend-3968/serve.log'),
  clean('issue-logs/npusmi-proc-empty-name-9596/npu-smi-procs.txt'),
  // Python of the operator compiler: its binding was built for another Python (domain.md I35, I41).
  root('issue-logs/pytorch-ge-500002-E40024-61/serve.log', 'build', [5], { device: 0, begins: 1 }),
  clean('issue-logs/sglang-npu-qwen3vl-17157/server.log'),
  root('issue-logs/vllm-310P-507015-10122/serve.log', 'aicore', [1]),
  root('issue-logs/vllm-507018-aicpu-2105/serve.log', 'aicpu', [2, 3], { begins: 1 }),
  // A peer failed first; which one is not told (domain.md I33).
  effect('issue-logs/vllm-507057-remote-10829/serve.log', 'hccl|link', [1]),
  // Cut before the traceback comes to its error.
  unexplained('issue-logs/vllm-early-npu-backend-8054/run.log', [4]),
  clean('issue-logs/vllm-glm5-mtp3-9803/serve.log'),
  effect('issue-logs/vllm-qwen3next-kvcache-5020/serve.log', 'framework', [3], { rank: 2 }),
  clean('issue-logs/vllm-specdecode-oldformat-24127/serve.log'),
  clean('serving-logs/cuda-vllm0101-dennislee/vllm-7B-1gpuA10080GB-0.25GRAM.log'),
  clean('serving-logs/cuda-vllm0101-dennislee/vllm-7B-2gpuA10080GB-0.5GRAM-same-node.log'),
];
