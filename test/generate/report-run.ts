import type { SchemaName } from '../../server/contract/index.js';
import type { Host } from '../../server/host/host.js';
import { Runs, type Run } from '../../server/runs/runs.js';
import { minimal } from '../helpers/minimal.js';

const by = { tool: 'generate', input: {} };
const envelope = ['schema', 'schema_version', 'producer', 'created_at', 'simulated', 'source'];

/** A schema-valid artifact of a run, hashed and in the ledger: `over` on the smallest value of its schema. */
export async function put(run: Run, path: string, schema: SchemaName, over: Record<string, unknown>, tool = 'generate', input: Record<string, unknown> = {}): Promise<void> {
  const body = Object.fromEntries(Object.entries(minimal(schema, over)).filter(([key]) => !envelope.includes(key)));
  await run.writeComputed({ tool, input }, { by: 'generate', params: {} }, { simulated: false, sources: [], files: [{ path, kind: schema, schema, body }] });
}

const latency = (over: Record<string, unknown> = {}): Record<string, unknown> => ({ mean: null, p50: null, p90: null, p95: null, p99: null, ...over });
const def = (name: string, over: Record<string, unknown>): Record<string, unknown> => minimal(name, over);

/** A point of perf-metrics. */
export function point(over: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'parallel_4_number_40', repeat: 1, parallel: 4, rate: null, number: 40, success: 40, failed: 0, duration_s: 10, started_at: '2026-01-01T00:10:00.000Z', ended_at: '2026-01-01T00:11:00.000Z', warmup: 4, repeats: 1,
    repeated_prompts: false, graph_captures: 0, stream: true, sampling: { temperature: 0, top_p: null, top_k: null, seed: null, ignore_eos: true }, ttft_ms: latency(), tpot_ms: latency(), itl_ms: latency(), e2el_ms: latency(),
    output_tps: 100, total_tps: 200, request_tps: 1, input_tokens: latency({ mean: 128 }), output_tokens: latency({ mean: 128 }), speculative: null, client: { name: 'evalscope', version: '1.14.0', output_generation: null }, ...over,
  };
}

/** Values whose distribution is known: n requests, the i-th with TTFT `base + i` ms and TPOT `tpot` ms over 11 tokens. */
export function requestLines(n: number, base: number, tpot: number): string {
  return `${Array.from({ length: n }, (_, i) => JSON.stringify({ ok: true, status: 200, start_ms: i, ttft_ms: base + i, e2el_ms: base + i + tpot * 10, itl_ms: [], prompt_tokens: 8, completion_tokens: 11 })).join('\n')}\n`;
}

/** A text that would break out of HTML, Markdown and shell if it were not escaped. */
export const hostile = '</script><script>alert(1)</script>"\'`|$(touch pwned)\u202e';

async function performance(run: Run): Promise<void> {
  const loads = [[1, 40, 100, 18], [4, 60, 380, 19], [16, 120, 1250, 22], [32, 260, 1900, 29]] as const;
  for (const [service, gain] of [['service-001', 1], ['service-002', 0.88]] as const) {
    for (const [parallel, ttft, tps, tpot] of loads) {
      for (const repeat of [1, 2]) {
        const job = service === 'service-001' ? 'bench-001' : 'bench-002';
        const folder = `perf/${job}/parallel_${String(parallel)}_number_40${repeat === 1 ? '' : '_r2'}`;
        const factor = gain * (repeat === 1 ? 1 : 1.04);
        await run.writeRaw(by, [
          { path: `${folder}/raw/pass.json`, kind: 'bench-pass', text: JSON.stringify({ command: ['evalscope', 'perf', '--parallel', String(parallel), '--prompt', "it's $HOME"] }) },
          { path: `${folder}/raw/requests.jsonl`, kind: 'raw', text: requestLines(40, ttft * factor, tpot * factor) },
        ]);
        const p = point({
          id: `parallel_${String(parallel)}_number_40`, repeat, repeats: 2, parallel, output_tps: tps / factor,
          ttft_ms: latency({ mean: ttft * factor + 20, p50: ttft * factor + 20, p90: ttft * factor + 36, p95: ttft * factor + 38, p99: ttft * factor + 39.6 }),
          tpot_ms: latency({ mean: tpot * factor, p50: tpot * factor, p90: tpot * factor * 1.1, p95: tpot * factor * 1.2, p99: tpot * factor * 1.4 }),
        });
        await put(run, `${folder}/metrics.json`, 'perf-metrics', { job, service_job: service, points: [p] });
      }
    }
  }
  const metric = (over: Record<string, unknown>): Record<string, unknown> => def('comparison-report.schema.json#/$defs/metric', { n_baseline: 5, n_candidate: 5, method: 'welch', load: 'parallel_16_number_40', ...over });
  await put(run, 'comparison/001/report.json', 'comparison-report', {
    verdict: 'supported', grade: 'formal', claim: { metric: 'tpot_ms.mean', direction: 'decrease', threshold_pct: null, equivalence_pct: 1, confidence: 0.95, origin: 'asked' },
    reasons: [{ code: 'F-TAIL', severity: 'caution', baseline: '40', candidate: '40', detail: 'p99 of 40 requests' }],
    metrics: [
      metric({ metric: 'tpot_ms.mean', primary: true, baseline: 22, candidate: 19.4, delta_pct: -12, ci_low_pct: -13.1, ci_high_pct: -10.9, p_value: 0.0001, verdict: 'supported' }),
      metric({ metric: 'ttft_ms.p99', baseline: 160, candidate: 163, delta_pct: 1.9, ci_low_pct: -2.5, ci_high_pct: 6.3, p_value: 0.38, verdict: 'inconclusive' }),
      metric({ metric: 'output_tps', baseline: 1250, candidate: 1180, delta_pct: -5.6, ci_low_pct: -7, ci_high_pct: -4.2, p_value: 0.001, verdict: 'refuted' }),
      metric({ metric: 'e2el_ms.mean', baseline: 3000, candidate: 3004, delta_pct: 0.1, ci_low_pct: -0.5, ci_high_pct: 0.7, p_value: 0.8, verdict: 'equivalent' }),
    ],
  }, 'bench_compare', { baseline: ['a'], candidate: ['b'], metric: 'tpot_ms.mean' });
}

async function diagnosis(run: Run): Promise<void> {
  const windows = [0, 1, 2, 3].map((d) => def('profiling-analysis.schema.json#/$defs/window', { device: d, rank: d, span_us: 200_000, computing_us: 120_000 - d * 8000, communication_us: 50_000, communication_not_overlapped_us: 30_000 + d * 8000, free_us: 50_000 }));
  const kernels = [['MatMulV3', 46.5], ['PagedAttentionMaskNdKernel', 28.2], ['RmsNorm', 9.1], ['SwiGlu', 6.4], [hostile, 5.2], ['Cast', 4.6]] as const;
  const finding = (over: Record<string, unknown>): Record<string, unknown> => ({ id: 'host-bound-launch', title: 'Launches are the limit', severity: 'high', value: 25, unit: '%', evidence: [], confidence: 'high', action: 'capture the decode step as a graph', ...over });
  await put(run, 'profiling/001/analysis.json', 'profiling-analysis', {
    windows, window: windows[0], bottleneck: { class: 'host-bound', confidence: 'high', evidence: [] }, findings: [finding({}), finding({ id: 'unfused-rmsnorm', title: 'Unfused RMSNorm', severity: 'low', value: 9.1, action: 'use npu_add_rms_norm' })],
    kernel: kernels.map(([op_type, share]) => def('profiling-analysis.schema.json#/properties/kernel/items', { device: 0, rank: 0, op_type, task_type: 'AI_CORE', count: 360, total_us: share * 1200, avg_us: (share * 1200) / 360, share_pct: share })),
  }, 'profile_analyze', { path: 'profiling/001', run: run.id });
  const q = (p50: number): Record<string, number> => ({ p50, p90: p50 * 1.2, p99: p50 * 1.6 });
  const bubble = (name: string, total: number): Record<string, unknown> => def('pipeline-analysis.schema.json#/$defs/bubble', { device: 0, rank: 0, before: 'MatMulV3', after: 'RmsNorm', class: name, count: 100, total_us: total, p50_us: 40, p99_us: 90, max_us: 120, share_pct: total / 2000 });
  const rank = (r: number): Record<string, unknown> => def('pipeline-analysis.schema.json#/$defs/rank_skew/properties/per_rank/items', { rank: r, device: r, host: 'node-1', collectives: 640, compute_us: r === 5 ? 140_000 : 120_000 + r * 50, own_us: 110_000, comm_wait_us: r === 5 ? 900 : 20_000, late_us_p50: r === 5 ? 310 : 4, skew_pct: r === 5 ? 16 : 0.4 });
  await put(run, 'profiling/001/pipeline/analysis.json', 'pipeline-analysis', {
    verdict: { class: 'rank-skewed', confidence: 'high', evidence: [] }, device: 0, rank: 0, method: 'markers', confidence: 'high',
    steps: def('pipeline-analysis.schema.json#/$defs/steps', { count: 40, whole: 39, period_us: q(22_000), busy_us: q(17_000), bubble_us: q(5_000) }),
    bubbles: [bubble('host-launch', 92_000), bubble('comm-wait', 61_000), bubble('untraced', 9_000)],
    rank_skew: def('pipeline-analysis.schema.json#/$defs/rank_skew', { pattern: 'slow-rank', slowest_rank: 5, skew_pct: 16, per_rank: [0, 1, 2, 3, 4, 5, 6, 7].map(rank) }),
  });
  const moment = (time: string | null, r: number, role: string): Record<string, unknown> => ({ time, rank: r, host: 'node-1', id: role === 'root' ? 'aicore-exception' : 'hccl-timeout', role, file: `service/service-001/node_${String(r)}.log`, line: 12, text: hostile });
  await put(run, 'incident/001/report.json', 'incident-report', { verdict: 'suspected', timeline: [moment('2026-01-01T00:20:01.100', 2, 'root'), moment('2026-01-01T00:20:31.400', 0, 'timeout'), moment('2026-01-01T00:20:31.900', 1, 'timeout'), moment('2026-01-01T00:20:33.000', 3, 'cascade'), moment(null, 3, 'cascade')] });
}

async function plans(run: Run): Promise<void> {
  const op = (name: string, flops: number, bytes: number, bound: string): Record<string, unknown> => ({ op: name, calls: 36, flops, bytes, time_us: bound === 'compute' ? flops / 2.95e8 : bytes / 1.6e6, bound });
  await put(run, 'compute/001/estimate.json', 'compute-estimate', {
    verdict: 'memory-bound', time_lower_bound_us: 8000, tokens_per_s_upper_bound: 4000,
    device: def('compute-estimate.schema.json#/$defs/device', { soc: 'Ascend910B3', device: 'chip', cube_cores: 20, clock_mhz: 1800, cube_fp16_tflops: 295, cube_int8_tops: 590, memory_bytes_per_s: 1.6e12, confidence: 'high' }),
    ops: [op('qkv_proj', 2e10, 4e8, 'memory'), op('attention', 3e9, 2e9, 'memory'), op('mlp', 9e10, 1.5e9, 'memory'), op('lm_head', 1.5e10, 3e8, 'memory'), op('experts', 9e12, 4e9, 'compute')],
  });
  const GiB = 1024 ** 3;
  const row = (name: string, gib: number): Record<string, unknown> => ({ name, bytes: gib * GiB, worst_bytes: gib * GiB, source: 'generated' });
  await put(run, 'capacity/001/plan.json', 'capacity-plan', {
    verdict: 'pass', limit: 'kv-blocks', max_concurrency: 96, ledger: [row('weights', 15.25), row('kv_pool', 38), row('activation', 2.5), row('context', 0.75)],
    per_rank: def('capacity-plan.schema.json#/properties/per_rank', { hbm_total_bytes: 61 * GiB, free_margin_bytes: 4.5 * GiB, token_capacity: 276_000 }),
  });
}

/** A run root with something of everything a report draws; every number made up, every artifact true to its schema. */
export async function richRun(host: Host): Promise<Run> {
  const run = await new Runs(host).create({ purpose: `graph mode ${hostile}`, level: 'formal', targetMetric: 'tpot_ms.mean', targetChangePct: -10 }, by);
  await run.updateManifest(by, 'captured', {
    code: { repo: 'xllm', branch: 'graph', commit: 'abcdef1', dirty: false },
    environment: { host: 'node-1', chip: 'Ascend910B3', devices: [0, 1, 2, 3], cann_version: '8.2.RC1', driver_version: '25.2.0' },
    model: { name: 'Qwen3-8B', path: '/models/Qwen3-8B', weights_sha256: 'a'.repeat(64), tokenizer_sha256: 'b'.repeat(64), dtype: 'bfloat16', quantization: 'none' },
    service: { framework: 'xllm', framework_version: '0.7.1', profiling_mode: false, command: [['xllm', '--model', '/models/Qwen3-8B', '--note', "it's $HOME"]] },
  });
  for (const phase of ['before', 'idle', 'after']) await put(run, `env/${phase}.json`, 'env-snapshot', { phase, verdict: 'clean', origin: 'host' });
  await plans(run);
  await performance(run);
  await diagnosis(run);
  await run.writeRaw(by, [{ path: 'accuracy/accuracy-001/request_config.json', kind: 'accuracy-config', text: JSON.stringify({ method: 'evalscope', command: ['evalscope', 'eval', '--datasets', 'gsm8k'] }) }]);
  await put(run, 'accuracy/accuracy-001/score.json', 'accuracy-score', { level: 'L4', scope: 'one-task', method: 'evalscope', verdict: 'measured', items: 500, samples: 500, right: 412, score_pct: 82.4, low_pct: 78.8, high_pct: 85.5, failed_cases: 88 });
  await put(run, 'profiling/001/capture.json', 'capture-record', { attached_at: '2026-01-01T00:30:00.000Z', started_at: '2026-01-01T00:30:05.000Z', stopped_at: '2026-01-01T00:30:25.000Z', detached_at: '2026-01-01T00:30:40.000Z', command: [['msprof', '--dynamic=on', '--pid=4711']] });
  await put(run, 'loop.json', 'loop-state', { run: run.id, phase: 'record', attempts: [{ n: 1, hypothesis: 'launches are the limit', change: 'enable_graph=true', opened_at: '2026-01-01T00:00:00.000Z', closed_at: '2026-01-01T01:00:00.000Z', outcome: 'gain', reason: null, delta_pct: -12, evidence: [] }], gap_pct: 0, stop_reason: 'target-met' });
  return run;
}
