import { describe, expect, it } from 'vitest';
import { gained, speculationOf } from '../../server/benchmark/run/counters.js';
import { countersOf, parseMetrics } from '../../server/programs/service-counters.js';
import { withoutSilent } from '../../server/benchmark/run/record.js';
import type { PerfPoint } from '../../server/contract/index.js';
import { graphLine } from '../../server/benchmark/run/service.js';

const vllm = (accepted: number, drafts: number, hits: number, ok: number): string => `# HELP vllm:x x
# TYPE vllm:spec_decode_num_drafts counter
vllm:spec_decode_num_drafts_total{engine="0",model_name="m"} ${drafts}.0
vllm:spec_decode_num_draft_tokens_total{engine="0",model_name="m"} ${drafts * 3}.0
vllm:spec_decode_num_accepted_tokens_total{engine="0",model_name="m"} ${accepted}.0
vllm:spec_decode_num_accepted_tokens_per_pos_total{engine="0",position="0"} 999.0
vllm:prefix_cache_hits_total{engine="0"} ${hits}.0
vllm:prefix_cache_hits_total{engine="1"} ${hits}.0
vllm:num_preemptions_total{engine="0"} 2.0
vllm:request_success_total{finished_reason="stop"} ${ok}.0
vllm:request_success_total{finished_reason="length"} 1.0
vllm:num_requests_running{engine="0"} 5.0
vllm:e2e_request_latency_seconds_bucket{le="+Inf"} 12.0
process_start_time_seconds 1.76e+09
`;

describe('server counters', () => {
  it('reads Prometheus text summed over engines and reasons, and brpc lines', () => {
    const c = countersOf(vllm(120, 50, 7, 4));
    expect(c).toMatchObject({ drafts: 50, draft_tokens: 150, accepted_tokens: 120, prefix_hits: 14, preemptions: 2, finished: 5, running: 5 });
    expect(countersOf('server_request_total_ok : 11\nserver_request_total_fail : 2\nserver_request_total_limit : 1\nspeculative_num_drafts_total : 4\nnum_concurrent_requests : 0\n')).toEqual({ finished: 14, refused: 3, drafts: 4, running: 0 });
    expect(parseMetrics('a 1e3\nb{x="1"} -0.5\nnot a metric\nc : 3\n')).toEqual(new Map([['a', 1000], ['b', -0.5], ['c', 3]]));
  });

  it('acceptance is of the window: what was counted before does not weigh', () => {
    // Before: 20 of 150 drafted tokens accepted. Inside: 90 of 150.
    const { counters } = gained(countersOf(vllm(20, 50, 0, 1)), countersOf(vllm(110, 100, 0, 9)));
    expect(speculationOf(counters)).toEqual({ accepted_tokens: 90, draft_tokens: 150, acceptance_rate: 0.6, tokens_per_step: 1 + 90 / 50, source: 'server' });
    expect(counters.finished).toBe(8);
    expect(counters.preemptions).toBe(0);
  });

  it('counts nothing across a restart, and has no speculation where nothing was drafted', () => {
    expect(gained({ finished: 10, drafts: 5 }, { finished: 3, drafts: 9 })).toEqual({ counters: {}, restarted: true });
    expect(gained({}, { finished: 3 })).toEqual({ counters: {}, restarted: false });
    expect(speculationOf({ draft_tokens: 0, accepted_tokens: 0, drafts: 0 })).toBeNull();
    expect(speculationOf({ finished: 4 })).toBeNull();
  });

  it('xLLM counts committed tokens itself', () => {
    expect(speculationOf({ draft_tokens: 30, accepted_tokens: 12, drafts: 10, committed_tokens: 21 })?.tokens_per_step).toBe(2.1);
  });
});

describe('lines that tell of graph capture', () => {
  it('are told from ordinary ones', () => {
    const yes = ['I20261124 14:05:21.796 1 acl_graph_executor_impl.cpp:1134] Lazy capturing ACL graph for bucket num_tokens: 48', 'INFO 11-24 06:25:28 [model_runner_v1.py:3900] Graph capturing finished in 12 secs, took 0.31 GiB', 'INFO 11-24 06:25:28 [worker.py:1] Compile and warming up model for size 8'];
    const no = ['I20261124 14:05:21.796 1 request.cpp:108] x-request-id: req, finish_reason: length', 'INFO 11-24 06:25:28 [loggers.py:127] Engine 000: Avg prompt throughput: 1.0 tokens/s', 'Compilation disabled, using eager mode by default'];
    expect(yes.map((l) => graphLine.test(l))).toEqual([true, true, true]);
    expect(no.map((l) => graphLine.test(l))).toEqual([false, false, false]);
  });
});

describe('requests a client took for answered', () => {
  const latency = { mean: 5, p50: 5, p90: 5, p95: 5, p99: 5 };
  const point = (success: number, failed: number, tokens: number): PerfPoint => ({
    id: 'parallel_1_number_10', parallel: 1, rate: null, number: 10, success, failed, duration_s: 1, warmup: 1, repeats: 1, stream: true, sampling: { temperature: 0, top_p: null, top_k: null, seed: null, ignore_eos: true },
    ttft_ms: latency, tpot_ms: latency, itl_ms: latency, e2el_ms: latency, output_tps: 8, total_tps: 9, request_tps: 10, input_tokens: { mean: 1 }, output_tokens: { mean: tokens }, speculative: null, client: { name: 'evalscope', version: '1.14.1', output_generation: null },
  });

  it('count as failed when the service says it refused them', () => {
    const { point: counted, silent } = withoutSilent(point(10, 0, 8), 3);
    expect([silent, counted.success, counted.failed, counted.ttft_ms.mean]).toEqual([3, 7, 3, 5]);
    // Failures the client saw itself are not counted again.
    expect(withoutSilent(point(7, 3, 8), 3).silent).toBe(0);
  });

  it('are all failed when no token came, and then there are no averages', () => {
    const { point: counted } = withoutSilent(point(10, 0, 0), 0);
    expect(counted).toMatchObject({ success: 0, failed: 10, ttft_ms: { mean: null }, e2el_ms: { p99: null }, request_tps: null, output_tps: null, output_tokens: { mean: null } });
  });
});
