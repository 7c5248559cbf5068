import type { Card } from './store.js';

type Effect = Card['effect'][number];
const pr = (n: number, note: string): Card['evidence'][number] => ({ url: `https://github.com/xLLM-AI/xllm/pull/${String(n)}`, note });
const effect = (metric: string, before: number | null, after: number | null, conditions: string): Effect => ({ metric, before, after, delta_pct: before === null || after === null ? null : Number(((after / before - 1) * 100).toFixed(1)), conditions });
const docs = { url: 'https://github.com/xLLM-AI/xllm', note: 'numbers as the documentation of the project prints them; not measured by this project' };
/** The day the sources were read. */
const created_at = '2026-08-20T00:00:00.000Z';

interface Given extends Omit<Card, 'created_at' | 'framework' | 'effect' | 'touched_paths' | 'status' | 'confidence'> {
  readonly framework?: Card['framework'];
  readonly effect?: Effect[];
  readonly touched_paths?: string[];
  readonly status?: Card['status'];
  readonly confidence?: Card['confidence'];
}
const card = (given: Given): Card => ({ framework: 'xllm', effect: [], touched_paths: [], status: 'suspected', confidence: 'medium', created_at, ...given });

/**
 * Lessons of public changes. None is `verified`: nothing here was measured by this project; numbers stand as their sources print them.
 * Sources: pull requests and documentation of xLLM at 3906f5a9, and public optimisation records of it.
 */
export const shippedCards: readonly Card[] = [
  card({
    id: 'mtp-depth-scan', title: 'Speculative depth has an optimum that depends on the workload', model_family: 'Qwen3.5', scenario: 'MTP draft depth, decode, single concurrency, 20k in 1k out, TP4',
    change: 'num_speculative_tokens from 0 to 5',
    effect: [effect('output_tps', 46.39, 66.82, 'depth 0 to 3, TP4, one request at a time; depth 4 gave 61.49 and 5 gave 56.83'), effect('tpot_ms', 18.67, 12.05, 'depth 0 to 3, same runs')],
    evidence: [{ url: 'https://github.com/xLLM-AI/xllm', note: 'public optimisation record of a depth scan; acceptance 46.8 % at depth 1 and 72.0 % at depth 4' }],
    risks: ['there is no best depth for all loads: on long input depth 2 was slower than depth 1 in another case', 'TTFT stayed at 2.5 to 2.6 s: only decode gains'],
    next_checks: ['scan depth on the real workload', 'take acceptance from the server, not from the client', 'compute_simulate break_even before each depth'],
  }),
  card({
    id: 'mtp-layout-transpose', title: 'Removing a layout transpose in front of the MTP head', model_family: 'Qwen3.5', scenario: 'MTP decode on A3, 27B, TransData and Transpose dominate small kernels',
    change: 'keep the layout the next operator wants',
    effect: [effect('transpose calls', 14_400, 960, 'dominant transpose of one capture: 207.8 ms to 17.3 ms'), effect('output_tps', 36.11, 39.54, 'A3, 27B, acceptance 47.7 % on both sides'), effect('tpot_ms', 24.2, 21.9, 'same runs')],
    evidence: [{ url: 'https://github.com/xLLM-AI/xllm', note: 'public optimisation record; profile and benchmark of one change' }],
    risks: ['a change of layout is a change of meaning where a square state is transposed: statistics look equal', 'local mitigation only'],
    next_checks: ['accuracy on a dataset slice, not probes only', 'profile_analyze with compare_to: layout-conversion'],
  }),
  card({
    id: 'mtp-first-draft-token', title: 'One draft token on a two-card 27B', model_family: 'Qwen3.5', scenario: 'MTP depth 1, TP2, decode',
    change: 'num_speculative_tokens=1', effect: [effect('output_tps', 29.88, 36.11, 'TP2, 27B; device time +110 %, host stream synchronisation +121 %; acceptance 47.7 %')],
    evidence: [pr(1409, 'MTP for the family'), pr(1541, 'overlap of draft preparation, no stable gain')],
    risks: ['allreduce 40.2 % and matmul 38.6 % of device time afterwards: communication is next', 'rewriting the acceptance mask did not help'],
    next_checks: ['pipeline_analyze for host-sync bubbles', 'communication overlap'],
  }),
  card({
    id: 'mtp-conv-reuse-revert', title: 'Reusing causal conv1d state under MTP was reverted for accuracy', model_family: 'Qwen3.5', scenario: 'MTP with gated delta net, accuracy drop', change: 'reuse of causal_conv1d in verification',
    evidence: [pr(1536, 'reuse'), pr(1614, 'follow-up'), pr(1629, 'revert')], confidence: 'high',
    risks: ['a faster path that was taken back for precision'], next_checks: ['bringing it back needs a dataset slice first'],
  }),
  card({
    id: 'mtp-state-bugs', title: 'Speculative state: stale ids, wrong accepted counts, verify shapes', model_family: 'any', scenario: 'MTP acceptance low, garbled or wrong tokens with speculative decoding', change: 'several fixes of draft state',
    evidence: [pr(1597, 'verify shape for more than one draft token'), pr(1887, 'acceptance restored'), pr(1931, 'stale embedding id'), pr(2249, 'true number of accepted tokens'), pr(2253, 'raw hidden states')],
    risks: ['a low acceptance may be a defect, not the draft model'], next_checks: ['acceptance by position', 'accuracy with drafts off and on at temperature 0'],
  }),
  card({
    id: 'gdn-prefill-fp16', title: 'Gated delta net prefill in bf16 loops "!" beyond about 1700 tokens', model_family: 'Qwen3.5', scenario: 'garbled output, repetition of one character after long prefill', change: 'fp16 forced for the recurrent state',
    evidence: [pr(1999, 'the faster path'), pr(2055, 'the mend')], confidence: 'high',
    risks: ['8 bits of mantissa accumulate over the chunks'], next_checks: ['a prompt above 2,000 tokens in the L1 probes', 'detectors: repetition'],
  }),
  card({
    id: 'gdn-uninitialised', title: 'Uninitialised buffers of chunked delta net give NaN at partial chunks', model_family: 'Qwen3.5', scenario: 'garbled output or NaN at chunk edges, chunked prefill', change: 'empty to zeros for a, a_inv, h and final_state',
    evidence: [pr(2023, 'the mend')], confidence: 'high', risks: ['results depend on what was in memory: not repeatable'], next_checks: ['review: empty buffers of padded kernels', 'lengths around multiples of the chunk'],
  }),
  card({
    id: 'graph-frozen-host', title: 'Host parameters frozen into a captured graph', model_family: 'any', scenario: 'graph mode, accuracy drop in decode, first steps right', change: 'device-side indices in the place of host arrays',
    evidence: [pr(1636, 'convolution indices frozen at capture'), pr(1635, 'related'), pr(1638, 'related')], confidence: 'high',
    risks: ['eager is right, graph is wrong: the toggle shows it'], next_checks: ['review_diff: host values in capture', 'accuracy with graph off'],
  }),
  card({
    id: 'graph-warmup-garbled-first', title: 'Dense warm-up capture garbled the first request', model_family: 'DeepSeek-V3.2', scenario: 'first request after start garbled, graph warm-up', change: 'warm-up capture off for the dense attention path',
    evidence: [pr(2201, 'the mend')], confidence: 'high', risks: ['only the first decode is wrong: warm-up requests of a benchmark hide it'], next_checks: ['probe directly after start, without warm-up'],
  }),
  card({
    id: 'graph-small-models', title: 'Graph mode on small dense models', model_family: 'Qwen3', scenario: 'host-bound decode of 0.6B and 1.7B models', change: 'enable_graph=true',
    effect: [{ metric: 'decode throughput', before: null, after: null, delta_pct: 9, conditions: 'documentation says 8 to 10 %; Qwen3-0.6B and 1.7B' }],
    evidence: [docs], risks: ['operators must take dynamic dimensions as parameters', 'graph memory is taken after the KV pool is sized'], next_checks: ['capacity_plan with the graph reserve', 'pipeline_analyze: host-launch bubbles before and after'],
  }),
  card({
    id: 'graph-host-tensor-sync', title: 'Host tensors in the graph loop brought a TPOT regression', model_family: 'any', scenario: 'graph mode slower than before, host-sync bubbles', change: 'no .cpu() or .item() in the replay loop',
    evidence: [{ url: 'https://github.com/xLLM-AI/xllm/commit/3f7c5f19', note: 'commit that skips host tensors in the graph loop' }], risks: ['one synchronisation a step is enough'], next_checks: ['review_diff: host synchronisation', 'pipeline_analyze class host-sync'],
  }),
  card({
    id: 'kv-linear-slots', title: 'Linear state slots must cover concurrency and spares', model_family: 'Qwen3.5', scenario: 'hybrid model, KV capacity, out of linear state slots', change: 'slots are max_concurrent_requests plus two',
    evidence: [pr(1496, 'capacity rule')], confidence: 'high', risks: ['the vision branch owns its own configuration'], next_checks: ['capacity_plan limit linear-state'],
  }),
  card({
    id: 'kv-placeholder-block0', title: 'Placeholder writes must go to the reserved block 0', model_family: 'any', scenario: 'KV corruption, garbled output under padding or data parallel', change: 'placeholder KV redirected to padding block 0',
    evidence: [pr(1944, 'the mend')], confidence: 'high', risks: ['good blocks of other requests are damaged'], next_checks: ['accuracy at high concurrency, not at one request'],
  }),
  card({
    id: 'tilelang-gdn-reverts', title: 'A TileLang delta net kernel was reverted twice', model_family: 'Qwen3.5', scenario: 'operator migration, local speed against accuracy', change: 'TileLang kernel for the delta net',
    evidence: [pr(1537, 'first revert'), pr(1571, 'brought back'), pr(1628, 'second revert')], confidence: 'high', risks: ['the accuracy gate outranks local speed'], next_checks: ['op_verify accuracy over shapes of real requests', 'dataset slice before merge'],
  }),
  card({
    id: 'glm-moe-mtp', title: 'MTP on a GLM MoE under ShareGPT', model_family: 'GLM-4.5', scenario: 'MTP, concurrency 1 to 4, ShareGPT 2500 in 1500 out', change: 'MTP on',
    effect: [effect('tpot_ms', 40.61, 28.33, 'concurrency 1'), effect('tpot_ms', 42.69, 29.81, 'concurrency 2'), effect('tpot_ms', 46.18, 33.54, 'concurrency 4'), effect('output_tps', 24.2, 35.19, 'concurrency 1')],
    evidence: [docs], risks: ['TTFT rose by up to 7 %', 'prefix cache and chunked prefill were off'], next_checks: ['repeat with prefix cache and chunked prefill as served'],
  }),
  card({
    id: 'chunked-prefill-not-splitting', title: 'max_tokens_per_chunk does not split a lone prompt', model_family: 'any', scenario: 'chunked prefill seems off, long TTFT', change: 'none: by design',
    evidence: [pr(1350, 'chunked prefill'), pr(1433, 'follow-up')], risks: ['without decode beside it, a prompt below max_tokens_per_batch runs whole'], next_checks: ['count kernels per prefill in profile_analyze', 'measure under mixed load'],
  }),
  card({
    id: 'contaminated-host', title: 'Idle AI cores with occupied HBM are a contaminated host', model_family: 'any', framework: 'any', scenario: 'environment, benchmark noise, ghost processes hold memory', change: 'clean the cards or take others',
    evidence: [{ url: 'https://github.com/xLLM-AI/xllm', note: 'public optimisation record: runs beside ghost processes were thrown away' }], risks: ['AI core usage 0 % does not mean free'], next_checks: ['env_probe before, idle, after'],
  }),
  card({
    id: 'negative-evidence-tuning', title: 'Flags that brought nothing in a hybrid optimisation', model_family: 'Qwen3.5', scenario: 'throughput tuning, chunked prefill, memory policy, piecewise graph, padding, batch strategy', change: 'several flags, one at a time',
    evidence: [{ url: 'https://github.com/xLLM-AI/xllm', note: 'public optimisation record of failed attempts' }], risks: ['other workloads may differ'], next_checks: ['do not repeat without new evidence from a profile'],
  }),
  card({
    id: 'vllm-graph-chunked-accuracy', title: 'Full graph together with chunked prefill lost accuracy', model_family: 'any', framework: 'vllm-ascend', scenario: 'accuracy drop, two flags interact', change: 'full graph with chunked prefill',
    effect: [effect('accuracy score', 96.13, 56.71, 'eager 96.13, full graph without chunks 95.68, with chunks 56.71')],
    evidence: [{ url: 'https://github.com/vllm-project/vllm-ascend/issues/3444', note: 'report with the three scores' }], risks: ['each flag alone looks fine'], next_checks: ['toggle pairs when single toggles show nothing'],
  }),
];
