import type { StepReport } from './engine.js';
import type { KvPlan } from './kv-plan.js';
import type { Scheduler } from './scheduler.js';
import { Labelled, Recorder, Registry, Value } from './bvar.js';

/** Metrics of xLLM by their names in metrics.cpp. Those the NPU build defines and never writes stay 0, as there. */

const gauges = [
  'num_pending_requests', 'num_running_requests', 'num_waiting_requests', 'num_preempted_requests', 'num_running_sequences', 'num_concurrent_requests', 'kv_cache_utilization_perc',
  'num_free_blocks', 'num_used_blocks', 'num_blocks_in_prefix_cache', 'total_kv_cache_size_in_kilobytes', 'weight_size_in_kilobytes', 'total_memory_size_in_kilobytes',
  'total_activation_size_in_kilobytes', 'speculative_mean_tokens_per_decode_step',
] as const;
const counters = [
  'num_processing_tokens_total_prompt', 'num_processing_tokens_total_generated', 'num_model_execution_total_eager', 'scheduling_latency_seconds', 'engine_latency_seconds',
  'execution_latency_seconds_model', 'execution_latency_seconds_sampling', 'worker_service_latency_seconds', 'tokenization_latency_seconds', 'chat_template_latency_seconds',
  'detokenization_latency_seconds_stream', 'detokenization_latency_seconds_non_stream', 'responsing_latency_seconds_stream', 'responsing_latency_seconds_non_stream',
  'prefix_cache_latency_seconds_insert', 'prefix_cache_latency_seconds_match', 'prefix_cache_latency_seconds_evict', 'prefix_cache_match_length_total', 'allocate_blocks_latency_seconds',
  'request_status_total_ok', 'request_status_total_cancelled', 'request_status_total_unknown', 'request_status_total_invalid_argument', 'request_status_total_deadline_exceeded',
  'request_status_total_resource_exhausted', 'request_status_total_unauthenticated', 'request_status_total_unavailable', 'request_status_total_unimplemented', 'server_request_in_total',
  'server_request_total_ok', 'server_request_total_fail', 'server_request_total_limit', 'request_handling_latency_seconds_chat', 'request_handling_latency_seconds_completion',
  'speculative_num_drafts_total', 'speculative_num_draft_tokens_total', 'speculative_num_accepted_tokens_total', 'speculative_num_committed_tokens_total',
  'speculative_execution_latency_seconds_draft', 'speculative_execution_latency_seconds_target', 'speculative_execution_latency_seconds_validation', 'speculative_draft_token_handoff_fallback_total',
] as const;
const recorders = [
  'time_to_first_token_latency_milliseconds', 'inter_token_latency_milliseconds', 'inter_token_latency_microseconds', 'end_2_end_latency_milliseconds', 'num_prompt_tokens_per_request',
  'num_generated_tokens_per_request', 'prefix_cache_block_matched_rate', 'prefix_cache_block_matched_num',
] as const;

type Gauge = (typeof gauges)[number];
type Counter = (typeof counters)[number];
type Histogram = (typeof recorders)[number];

/** Share of a step that sampling takes, in the counters only. */
const samplingShare = 0.03;
/** Share of a speculative step that drafting takes, in the counters only. */
const draftShare = 0.15;

export class XllmMetrics {
  readonly registry = new Registry();
  readonly #values = new Map<string, Value>();
  readonly #recorders = new Map<string, Recorder>();
  readonly #perPosition = new Labelled('position');
  readonly #activeKv = new Labelled('dp_rank');

  constructor() {
    for (const name of [...gauges, ...counters]) this.#values.set(name, this.registry.register(name, new Value()));
    for (const name of recorders) this.#recorders.set(name, this.registry.register(name, new Recorder()));
    this.registry.register('speculative_num_accepted_tokens_per_pos', this.#perPosition);
    this.registry.register('active_kv_cache_size_in_kilobytes', this.#activeKv);
  }

  set(name: Gauge, value: number): void {
    this.#values.get(name)?.set(value);
  }

  add(name: Counter, amount = 1): void {
    this.#values.get(name)?.add(amount);
  }

  record(name: Histogram, value: number): void {
    this.#recorders.get(name)?.add(value);
  }

  memory(plan: KvPlan, freeBytes: number, totalBytes: number): void {
    this.set('total_kv_cache_size_in_kilobytes', Math.floor(plan.kvBytes / 1024));
    this.set('weight_size_in_kilobytes', Math.floor((totalBytes - freeBytes) / 1024));
    this.set('total_memory_size_in_kilobytes', Math.floor(totalBytes / 1024));
  }

  /** Gauges of queue and cache: the ratio is of the data-parallel rank with most free blocks. */
  queue(scheduler: Scheduler, concurrent: number): void {
    const pools = scheduler.pools;
    this.set('num_running_requests', scheduler.running);
    this.set('num_waiting_requests', scheduler.waiting);
    this.set('num_running_sequences', scheduler.running);
    this.set('num_concurrent_requests', concurrent);
    this.set('num_free_blocks', Math.max(...pools.map((p) => p.available)));
    this.set('num_used_blocks', Math.min(...pools.map((p) => p.used)));
    this.set('num_blocks_in_prefix_cache', Math.min(...pools.map((p) => p.cached)));
    this.set('kv_cache_utilization_perc', Math.min(...pools.map((p) => p.utilization)));
  }

  step(report: StepReport, graphsEnabled: boolean): void {
    const { record, speculation } = report;
    const seconds = (record.duration_us + record.hostGap_us) / 1e6;
    this.add('num_processing_tokens_total_prompt', report.promptTokens);
    this.add('num_processing_tokens_total_generated', report.generatedTokens);
    if (graphsEnabled && !record.graph && !record.capture) this.add('num_model_execution_total_eager');
    this.add('scheduling_latency_seconds', record.hostGap_us / 1e6);
    this.add('engine_latency_seconds', seconds);
    this.add('worker_service_latency_seconds', record.duration_us / 1e6);
    this.add('execution_latency_seconds_model', (record.duration_us / 1e6) * (1 - samplingShare));
    this.add('execution_latency_seconds_sampling', (record.duration_us / 1e6) * samplingShare);
    this.set('num_preempted_requests', report.preempted);
    for (const ms of report.firstTokens_ms) this.record('time_to_first_token_latency_milliseconds', ms);
    for (const ms of report.tokenGaps_ms) {
      this.record('inter_token_latency_milliseconds', ms);
      this.record('inter_token_latency_microseconds', ms * 1000);
    }
    if (speculation === null) return;
    this.add('speculative_num_drafts_total', speculation.drafts);
    this.add('speculative_num_draft_tokens_total', speculation.draftTokens);
    this.add('speculative_num_accepted_tokens_total', speculation.accepted);
    this.add('speculative_num_committed_tokens_total', speculation.committed);
    this.set('speculative_mean_tokens_per_decode_step', speculation.committed / speculation.drafts);
    speculation.perPosition.forEach((count, p) => this.#perPosition.at(String(p)).add(count));
    this.add('speculative_execution_latency_seconds_draft', (record.duration_us / 1e6) * draftShare);
    this.add('speculative_execution_latency_seconds_target', (record.duration_us / 1e6) * (1 - draftShare));
  }
}
