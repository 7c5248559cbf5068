import type { Scheduler } from './scheduler.js';
import type { StepReport } from './engine.js';

/** vLLM's /metrics: Prometheus names and types of the V1 engine. */

const seconds = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80];
const sizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000];

class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  add(value: number): void {
    this.#sum += value;
    this.#count += 1;
    this.#bounds.forEach((bound, i) => {
      if (value <= bound) this.#counts[i] = (this.#counts[i] ?? 0) + 1;
    });
  }

  text(name: string, labels: string): string {
    const rows = this.#bounds.map((bound, i) => `${name}_bucket{${labels},le="${Number.isInteger(bound) ? bound.toFixed(1) : bound}"} ${(this.#counts[i] ?? 0).toFixed(1)}\n`);
    return `# HELP ${name} ${name}\n# TYPE ${name} histogram\n${rows.join('')}${name}_bucket{${labels},le="+Inf"} ${this.#count.toFixed(1)}\n${name}_count{${labels}} ${this.#count.toFixed(1)}\n${name}_sum{${labels}} ${this.#sum}\n`;
  }
}

const counterNames = ['prefix_cache_queries', 'prefix_cache_hits', 'num_preemptions', 'prompt_tokens', 'generation_tokens', 'spec_decode_num_drafts', 'spec_decode_num_draft_tokens', 'spec_decode_num_accepted_tokens'] as const;
const histogramNames = ['time_to_first_token_seconds', 'inter_token_latency_seconds', 'time_per_output_token_seconds', 'e2e_request_latency_seconds', 'request_queue_time_seconds', 'request_prefill_time_seconds', 'request_decode_time_seconds', 'request_inference_time_seconds'] as const;

export class VllmMetrics {
  readonly #labels: string;
  readonly #counters = new Map<string, number>(counterNames.map((n) => [n, 0]));
  readonly #success = new Map<string, number>([['stop', 0], ['length', 0], ['abort', 0]]);
  readonly #perPosition: number[] = [];
  readonly #histograms = new Map<string, Histogram>(histogramNames.map((n) => [n, new Histogram(seconds)]));
  readonly #iteration = new Histogram(sizes);
  #window = { prompt: 0, generated: 0, sinceMs: performance.now() };

  constructor(model: string) {
    this.#labels = `engine="0",model_name="${model.replace(/["\\\n]/g, '_')}"`;
  }

  add(name: (typeof counterNames)[number], amount: number): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + amount);
  }

  record(name: (typeof histogramNames)[number], value: number): void {
    this.#histograms.get(name)?.add(value);
  }

  finished(reason: string): void {
    this.#success.set(reason, (this.#success.get(reason) ?? 0) + 1);
  }

  step(report: StepReport): void {
    this.add('prompt_tokens', report.promptTokens);
    this.add('generation_tokens', report.generatedTokens);
    this.add('num_preemptions', report.preempted);
    this.#window.prompt += report.promptTokens;
    this.#window.generated += report.generatedTokens;
    this.#iteration.add(report.promptTokens + report.generatedTokens);
    for (const ms of report.firstTokens_ms) this.record('time_to_first_token_seconds', ms / 1000);
    for (const ms of report.tokenGaps_ms) this.record('inter_token_latency_seconds', ms / 1000);
    const s = report.speculation;
    if (s === null) return;
    this.add('spec_decode_num_drafts', s.drafts);
    this.add('spec_decode_num_draft_tokens', s.draftTokens);
    this.add('spec_decode_num_accepted_tokens', s.accepted);
    s.perPosition.forEach((count, p) => (this.#perPosition[p] = (this.#perPosition[p] ?? 0) + count));
  }

  /** The line the server logs every ten seconds; resets its window. */
  statsLine(scheduler: Scheduler): string {
    const elapsed = Math.max(0.001, (performance.now() - this.#window.sinceMs) / 1000);
    const { prompt, generated } = this.#window;
    this.#window = { prompt: 0, generated: 0, sinceMs: performance.now() };
    const usage = Math.max(...scheduler.pools.map((p) => p.utilization));
    const queries = this.#counters.get('prefix_cache_queries') ?? 0;
    const hits = this.#counters.get('prefix_cache_hits') ?? 0;
    return `Engine 000: Avg prompt throughput: ${(prompt / elapsed).toFixed(1)} tokens/s, Avg generation throughput: ${(generated / elapsed).toFixed(1)} tokens/s, Running: ${scheduler.running} reqs, Waiting: ${scheduler.waiting} reqs, GPU KV cache usage: ${(100 * usage).toFixed(1)}%, Prefix cache hit rate: ${(queries === 0 ? 0 : (100 * hits) / queries).toFixed(1)}%`;
  }

  text(scheduler: Scheduler, cache: { readonly blocks: number; readonly blockSize: number; readonly utilization: number; readonly prefix: boolean }): string {
    const l = this.#labels;
    const one = (name: string, type: 'gauge' | 'counter', rows: readonly (readonly [string, number])[]): string =>
      `# HELP vllm:${name} ${name}\n# TYPE vllm:${name} ${type}\n${rows.map(([labels, value]) => `vllm:${name}${type === 'counter' ? '_total' : ''}{${l}${labels}} ${Number.isInteger(value) ? value.toFixed(1) : value}\n`).join('')}`;
    return [
      one('num_requests_running', 'gauge', [['', scheduler.running]]),
      one('num_requests_waiting', 'gauge', [['', scheduler.waiting]]),
      one('kv_cache_usage_perc', 'gauge', [['', Math.max(...scheduler.pools.map((p) => p.utilization))]]),
      ...counterNames.map((name) => one(name, 'counter', [['', this.#counters.get(name) ?? 0]])),
      one('request_success', 'counter', [...this.#success].map(([reason, value]) => [`,finished_reason="${reason}"`, value])),
      one('spec_decode_num_accepted_tokens_per_pos', 'counter', this.#perPosition.map((value, p) => [`,position="${p}"`, value])),
      one('cache_config_info', 'gauge', [[`,block_size="${cache.blockSize}",enable_prefix_caching="${cache.prefix ? 'True' : 'False'}",gpu_memory_utilization="${cache.utilization}",num_gpu_blocks="${cache.blocks}"`, 1]]),
      this.#iteration.text('vllm:iteration_tokens_total', l),
      ...[...this.#histograms].map(([name, h]) => h.text(`vllm:${name}`, l)),
    ].join('');
  }
}
