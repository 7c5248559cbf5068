/** Counters of a running service: names of xLLM, vLLM and SGLang, and the numbers of their metrics pages. Pure. */

/** Counters of a service, by our names. Absent: the service does not have it. */
export type Counters = Readonly<Partial<Record<CounterName, number>>>;
export type CounterName = 'drafts' | 'draft_tokens' | 'accepted_tokens' | 'committed_tokens' | 'prefix_queries' | 'prefix_hits' | 'preemptions' | 'finished' | 'refused' | 'prompt_tokens' | 'generated_tokens' | 'eager_steps' | 'running' | 'waiting';

/**
 * Names of xLLM (metrics.cpp, /vars and /brpc_metrics), vLLM (`_total` behind counters) and SGLang. Several names of one kind are
 * summed when all are parts (`finished`), else the first that is there counts (old and new spelling).
 */
const names: Readonly<Record<CounterName, { readonly sum?: readonly string[]; readonly first?: readonly string[] }>> = {
  drafts: { first: ['speculative_num_drafts_total', 'vllm:spec_decode_num_drafts_total', 'vllm:spec_decode_num_drafts'] },
  draft_tokens: { first: ['speculative_num_draft_tokens_total', 'vllm:spec_decode_num_draft_tokens_total', 'vllm:spec_decode_num_draft_tokens'] },
  accepted_tokens: { first: ['speculative_num_accepted_tokens_total', 'vllm:spec_decode_num_accepted_tokens_total', 'vllm:spec_decode_num_accepted_tokens'] },
  committed_tokens: { first: ['speculative_num_committed_tokens_total'] },
  prefix_queries: { first: ['vllm:prefix_cache_queries_total', 'vllm:prefix_cache_queries', 'vllm:gpu_prefix_cache_queries_total', 'vllm:gpu_prefix_cache_queries', 'sglang:prompt_tokens_total'] },
  prefix_hits: { first: ['vllm:prefix_cache_hits_total', 'vllm:prefix_cache_hits', 'vllm:gpu_prefix_cache_hits_total', 'vllm:gpu_prefix_cache_hits', 'sglang:cached_tokens_total', 'prefix_cache_match_length_total'] },
  preemptions: { first: ['vllm:num_preemptions_total', 'vllm:num_preemptions'] },
  finished: { sum: ['server_request_total_ok', 'server_request_total_fail', 'server_request_total_limit'], first: ['vllm:request_success_total', 'vllm:request_success', 'sglang:num_requests_total'] },
  // vLLM and SGLang refuse by HTTP status, which every client sees.
  refused: { sum: ['server_request_total_fail', 'server_request_total_limit'] },
  prompt_tokens: { first: ['num_processing_tokens_total_prompt', 'vllm:prompt_tokens_total', 'vllm:prompt_tokens', 'sglang:prompt_tokens_total'] },
  generated_tokens: { first: ['num_processing_tokens_total_generated', 'vllm:generation_tokens_total', 'vllm:generation_tokens', 'sglang:generation_tokens_total'] },
  eager_steps: { first: ['num_model_execution_total_eager'] },
  running: { first: ['num_concurrent_requests', 'num_running_requests', 'vllm:num_requests_running', 'sglang:num_running_reqs'] },
  waiting: { first: ['num_waiting_requests', 'vllm:num_requests_waiting', 'sglang:num_queue_reqs'] },
};

const line = /^([A-Za-z_:][\w:]*)(?:\{[^}]*\})?(?:\s*:\s*|\s+)([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*$/;

/** Numbers of a metrics page, summed over labels: Prometheus text, or brpc's `name : value`. Other lines are passed over. */
export function parseMetrics(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const row of text.split(/\r?\n/)) {
    const m = row.startsWith('#') ? null : line.exec(row);
    if (m?.[1] === undefined) continue;
    found.set(m[1], (found.get(m[1]) ?? 0) + Number(m[2]));
  }
  return found;
}

/** Where services have their metrics page: xLLM (brpc) at all three, vLLM and SGLang at the first. */
export const metricsRoutes = ['/metrics', '/vars', '/brpc_metrics'] as const;

/** Whether a name is one of ours. */
export function isCounter(name: string): name is CounterName {
  return Object.hasOwn(names, name);
}

/** The counters a metrics page holds. */
export function countersOf(text: string): Counters {
  const values = parseMetrics(text);
  const out: Partial<Record<CounterName, number>> = {};
  for (const [name, { sum, first }] of Object.entries(names)) {
    if (!isCounter(name)) continue;
    const parts = (sum ?? []).flatMap((n) => values.get(n) ?? []);
    const one = (first ?? []).map((n) => values.get(n)).find((v) => v !== undefined);
    const value = parts.length > 0 ? parts.reduce((a, b) => a + b, 0) : one;
    if (value !== undefined) out[name] = value;
  }
  return out;
}
