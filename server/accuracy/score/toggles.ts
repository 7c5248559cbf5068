import { table } from '../../contract/index.js';

/** One switch to change alone: what to start with, and what it means when the failed cases are right then. */
export interface Toggle {
  readonly id: string;
  readonly xllm: string;
  readonly vllmAscend: string;
  readonly suspect: string;
}

/** Cheapest first. Flags are those of the engines; meanings are from fixed defects of xLLM and vLLM-Ascend (skill xllm-npu-accuracy-debug, references/toggles.md). */
export const toggles: readonly Toggle[] = [
  { id: 'request', xllm: 'one request at a time, temperature 0, a prompt with a new beginning', vllmAscend: 'the same', suspect: 'batch composition, padding, sampling, or a reused prefix' },
  { id: 'graph', xllm: '--enable_graph=false', vllmAscend: '--enforce-eager', suspect: 'host values frozen at capture, warm-up data in the graph, padding of a bucket, an update that is missing' },
  { id: 'graph-double-buffer', xllm: '--enable_graph_double_buffer=false', vllmAscend: '(none)', suspect: 'a race on the buffers of the graph' },
  { id: 'prefill-graph', xllm: '--enable_prefill_piecewise_graph=false', vllmAscend: '--enforce-eager', suspect: 'plan information that is stale in prefill' },
  { id: 'speculation', xllm: 'without --draft_model, --num_speculative_tokens=0', vllmAscend: 'without --speculative-config', suspect: 'width of the verify step, acceptance, KV slots the draft wrote' },
  { id: 'chunked-prefill', xllm: '--enable_chunked_prefill=false', vllmAscend: '--no-enable-chunked-prefill', suspect: 'positions, handing over of recurrent state, mask, block table between chunks' },
  { id: 'prefix-cache', xllm: '--enable_prefix_cache=false', vllmAscend: '--no-enable-prefix-caching', suspect: 'reuse of the wrong block, its hash, linear state that is not valid' },
  { id: 'overlap', xllm: '--enable_schedule_overlap=false', vllmAscend: '--no-async-scheduling', suspect: 'placeholder tokens, a race between host and device' },
  { id: 'shm', xllm: '--enable_shm=false', vllmAscend: '(none)', suspect: 'inputs copied while a graph replays' },
  { id: 'data-parallel', xllm: '--dp_size=1', vllmAscend: '--data-parallel-size 1', suspect: 'padding of an idle rank, dispatch and combine' },
  { id: 'tensor-parallel', xllm: 'one process, where the model fits', vllmAscend: '--tensor-parallel-size 1', suspect: 'sharding, all-reduce, replication of KV heads, ranks that sample apart' },
  { id: 'backend', xllm: '--npu_kernel_backend=TORCH (or ATB, the other one)', vllmAscend: 'custom operators off', suspect: 'one kernel' },
  { id: 'prefill-decode', xllm: 'one mixed instance instead of prefill and decode apart', vllmAscend: 'the same', suspect: 'KV transfer: blocks that are missing or sent twice' },
  { id: 'quantization', xllm: 'the unquantised weights', vllmAscend: 'the unquantised weights', suspect: 'scales, a dequantising operator' },
];

/** toggles.md: the order of one-at-a-time starts for a framework that is known, both columns otherwise. */
export function togglePage(framework: string | null): string {
  const columns = framework === 'xllm' ? ['xllm'] as const : framework === 'vllm-ascend' ? ['vllmAscend'] as const : ['xllm', 'vllmAscend'] as const;
  const names = { xllm: 'xLLM', vllmAscend: 'vLLM-Ascend' } as const;
  return [
    '# One switch at a time',
    '',
    'Start the service with one row changed against the failing start, nothing else, and run the same level again. Stop at the first row',
    'that makes the failed cases right; then switch it back and see them fail again. Two switches may only fail together (graph with',
    'chunked prefill, graph with speculation and data parallelism): when no row helps, change those pairs.',
    '',
    table(['switch', ...columns.map((c) => names[c]), 'right with it: look at'], toggles.map((t) => [t.id, ...columns.map((c) => t[c]), t.suspect])),
    '',
    'Still wrong with every row: weights, chat template, stop tokens, or what did not change with the commit (driver, CANN). Right one time',
    'and wrong the next with one request at a time: memory that is not set, or a race.',
    '',
  ].join('\n');
}
