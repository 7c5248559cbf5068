import { httpRequest } from '../../host/http.js';
import { limits } from './thresholds.js';

/** Counters of a service, by our names. Absent: the service does not have it. */
export type Counters = Readonly<Partial<Record<CounterName, number>>>;
export type CounterName = 'drafts' | 'draft_tokens' | 'accepted_tokens' | 'committed_tokens' | 'prefix_queries' | 'prefix_hits' | 'preemptions' | 'finished' | 'refused' | 'prompt_tokens' | 'generated_tokens' | 'eager_steps' | 'running' | 'waiting';

export interface Snapshot {
  /** Route it was read from; null when none answered. */
  readonly route: string | null;
  readonly counters: Counters;
}

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
  running: { first: ['num_concurrent_requests', 'vllm:num_requests_running', 'sglang:num_running_reqs'] },
  waiting: { first: ['num_waiting_requests', 'vllm:num_requests_waiting', 'sglang:num_queue_reqs'] },
};

/** Gauges have no difference. */
const gauges: ReadonlySet<string> = new Set(['running', 'waiting']);

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

function isCounter(name: string): name is CounterName {
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

/** Reads the service's counters now: /metrics, else brpc's /vars or /brpc_metrics. */
export async function readCounters(endpoint: string): Promise<Snapshot> {
  for (const route of ['/metrics', '/vars', '/brpc_metrics']) {
    const answer = await httpRequest(`${endpoint}${route}`, { timeoutMs: limits.counterMs.value, maxBytes: limits.counterBytes.value });
    if (answer?.status !== 200) continue;
    const counters = countersOf(answer.body);
    if (Object.keys(counters).length > 0) return { route, counters };
  }
  return { route: null, counters: {} };
}

/**
 * What the counters gained. A counter that fell belongs to a service that was started again in between: then none counts.
 * @returns null when there is nothing to tell apart
 */
export function gained(before: Counters, after: Counters): { readonly counters: Counters; readonly restarted: boolean } {
  const out: Partial<Record<CounterName, number>> = {};
  let restarted = false;
  for (const [name, end] of Object.entries(after)) {
    if (!isCounter(name) || gauges.has(name)) continue;
    const begin = before[name];
    if (begin === undefined) continue;
    if (end < begin) restarted = true;
    out[name] = end - begin;
  }
  return restarted ? { counters: {}, restarted } : { counters: out, restarted };
}

/** Speculative decoding as the service counted it over the window; null without a drafted token. */
export function speculationOf(d: Counters): { accepted_tokens: number; draft_tokens: number; acceptance_rate: number | null; tokens_per_step: number | null; source: 'server' } | null {
  const { draft_tokens: drafted, accepted_tokens: accepted, drafts } = d;
  if (drafted === undefined || accepted === undefined || drafted <= 0) return null;
  // A step commits what was accepted and one token of the target model itself.
  const perStep = drafts === undefined || drafts <= 0 ? null : d.committed_tokens !== undefined && d.committed_tokens > 0 ? d.committed_tokens / drafts : 1 + accepted / drafts;
  return { accepted_tokens: accepted, draft_tokens: drafted, acceptance_rate: accepted <= drafted ? accepted / drafted : null, tokens_per_step: perStep, source: 'server' };
}
