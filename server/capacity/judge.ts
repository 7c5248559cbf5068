import type { CapacityLog } from '../programs/capacity-log.js';
import { ToolError } from '../contract/index.js';
import { blocksPerRequest, planOf, type End, type Limit, type Plan } from './plan.js';
import { poolOf } from './pool.js';
import type { Setup } from './request.js';
import { limits, rules } from './thresholds.js';

export type Verdict = 'pass' | 'risk' | 'fail' | 'inconclusive';
export interface Judgement {
  readonly verdict: Verdict;
  readonly limit: Limit;
  /** Why, in our own words. */
  readonly reason: string;
}

/** The first rule one end of the plan breaks; null: it holds all. Order of the classes: model facts, section 6. */
function broken(plan: Plan, e: End): { limit: Limit; reason: string } | null {
  const { setup, costs } = plan;
  const { pool, sizing } = e;
  if (sizing.loaded_bytes > sizing.total_bytes * setup.util || pool.cache_bytes <= 0) return { limit: 'hbm-hard', reason: 'weights and what is taken before sizing leave nothing for the cache' };
  if (costs.draft_slot_too_large) return { limit: 'speculative-reserve', reason: 'a slot of the draft is larger than one of the target: xLLM refuses it' };
  const asked = setup.input !== null || setup.output !== null || setup.max_len_given || setup.framework === 'vllm-ascend';
  const need = plan.tokens_per_request !== null && asked ? blocksPerRequest(setup, pool, plan.tokens_per_request) : 1;
  if (pool.usable_blocks < need) {
    if (pool.linear_bytes > 0 && pool.cache_bytes / pool.block_bytes > need) return { limit: 'linear-state', reason: 'linear states leave too few blocks for one request' };
    const without = poolOf(setup, { ...costs, draft_kv_bytes_per_token: 0 }, { ...sizing, loaded_bytes: costs.weights_bytes + (costs.vision_bytes ?? 0) });
    if (setup.spec_tokens > 0 && without !== null && without.usable_blocks >= need) return { limit: 'speculative-reserve', reason: 'the draft leaves too few blocks for one request' };
    return { limit: 'kv-blocks', reason: 'the pool does not hold one request of the length planned' };
  }
  if (e.free_margin_bytes < 0) return { limit: 'workspace', reason: 'activations, workspace, graphs and HCCL buffers do not fit beside the pool' };
  if (setup.concurrency !== null && e.max_concurrency !== null && setup.concurrency > e.max_concurrency) return { limit: e.concurrency_limit, reason: 'the concurrency asked does not run at once' };
  return null;
}

function softRisk(plan: Plan, best: End): { limit: Limit; reason: string } | null {
  const { setup, costs } = plan;
  if (costs.notes.some((n) => n.code === 'kv-dtype-refused')) return { limit: 'none', reason: 'xLLM on NPU is not known to accept this kv_dtype' };
  if (setup.concurrency !== null && best.max_concurrency !== null && best.concurrency_limit === 'kv-blocks' && setup.concurrency > best.max_concurrency * rules.admission.value) return { limit: 'kv-blocks', reason: 'above 95 % of the pool prefill waits' };
  const bare = setup.spec_tokens === 0 ? null : poolOf(setup, { ...costs, draft_kv_bytes_per_token: 0 }, { ...best.sizing, loaded_bytes: costs.weights_bytes + (costs.vision_bytes ?? 0) });
  if (bare !== null && best.sizing.free_bytes === null && best.pool.blocks < bare.blocks * rules.speculativeLoss.value) return { limit: 'speculative-reserve', reason: 'the draft takes more than a fifth of the blocks' };
  return null;
}

/** What a log that shows a failure says; null for a log without one. */
function failed(log: CapacityLog | null): { limit: Limit; reason: string } | null {
  const r = log?.refused ?? null;
  if (r !== null) {
    const scattered = r.free_bytes + r.reserved_bytes - r.allocated_bytes >= r.tried_bytes;
    return scattered ? { limit: 'fragmentation', reason: 'the log shows a refused allocation although as much memory was free or reserved unused' } : { limit: 'workspace', reason: 'the log shows a refused allocation with the memory used up' };
  }
  switch (log?.sizing_failed ?? null) {
    case 'kv':
      return { limit: 'kv-blocks', reason: 'the log says that no memory was left for the cache' };
    case 'linear':
      return { limit: 'linear-state', reason: 'the log says that linear states did not fit' };
    case 'speculative':
      return { limit: 'speculative-reserve', reason: 'the log says that target and draft did not share the cache' };
    case null:
      return null;
  }
}

/** Interval rule: both ends fit, pass; one, risk; none, fail; something missing, inconclusive. Pure. */
export function judge(plan: Plan, log: CapacityLog | null): Judgement {
  const seen = failed(log);
  if (seen !== null) return { verdict: 'fail', ...seen };
  const { best, worst } = plan;
  if (best === null || worst === null) return { verdict: 'inconclusive', limit: 'none', reason: plan.setup.total_bytes === null ? 'no memory size: give chip or hbm_bytes' : 'a part of the ledger is not known; the notes say which' };
  const low = broken(plan, best);
  if (low !== null) return { verdict: 'fail', ...low };
  const high = broken(plan, worst) ?? softRisk(plan, best);
  if (high !== null) return { verdict: 'risk', ...high };
  return { verdict: 'pass', limit: plan.setup.concurrency === null ? best.concurrency_limit : 'none', reason: 'holds with every reserve at its high end' };
}

export interface Advice {
  readonly parameter: string;
  readonly from: number | string | boolean | null;
  readonly to: number | string | boolean | null;
  readonly verdict: Verdict;
  readonly max_concurrency: number | null;
  readonly blocks: number;
  readonly free_margin_bytes: number;
}

const order: Readonly<Record<Verdict, number>> = { pass: 0, risk: 1, inconclusive: 2, fail: 3 };
const share = (value: number): number => Math.round(value * 100) / 100;

/** Single changes that help, each planned again from settings; best first. Pure. */
export function advise(setup: Setup): Advice[] {
  const base = planOf(setup, null);
  const now = judge(base, null);
  if (base.best === null) return [];
  const changes: { parameter: string; from: Advice['from']; to: Advice['to']; setup: Setup }[] = [];
  const add = (parameter: string, from: Advice['from'], to: Advice['to'], change: Partial<Setup>): number => changes.push({ parameter, from, to, setup: { ...setup, ...change } });
  for (const util of [share(setup.util + rules.utilStep.value), share(setup.util - rules.utilStep.value)]) if (util > rules.utilLow.value && util <= rules.utilHigh.value) add('max_memory_utilization', setup.util, util, { util });
  add('tp', setup.parallel.tp, setup.parallel.tp * 2, { parallel: { ...setup.parallel, tp: setup.parallel.tp * 2 } });
  if (setup.max_tokens > rules.leastTokens.value) add('max_tokens_per_batch', setup.max_tokens, Math.floor(setup.max_tokens / 2), { max_tokens: Math.floor(setup.max_tokens / 2) });
  if (setup.input === null && setup.max_len !== null && setup.max_len > rules.leastLength.value) add('max_model_len', setup.max_len, Math.floor(setup.max_len / 2), { max_len: Math.floor(setup.max_len / 2), max_len_given: true });
  if (setup.kv_dtype === 'auto' && setup.framework !== 'xllm') add('kv_dtype', 'auto', 'int8', { kv_dtype: 'int8' });
  if (base.costs.linear_layers > 0 && setup.framework === 'xllm' && setup.prefix) add('prefix_cache', true, false, { prefix: false });
  if (setup.max_seqs !== null && base.best.concurrency_limit === 'scheduler-budget') add('max_seqs', setup.max_seqs, setup.max_seqs * 2, { max_seqs: setup.max_seqs * 2 });
  if (setup.spec_tokens > 0) add('num_speculative_tokens', setup.spec_tokens, 0, { spec_tokens: 0, draft: null });
  const found: Advice[] = [];
  for (const change of changes) {
    try {
      const plan = planOf(change.setup, null);
      const verdict = judge(plan, null).verdict;
      if (plan.best === null) continue;
      const better = order[verdict] < order[now.verdict];
      const more = order[verdict] === order[now.verdict] && (plan.best.max_concurrency ?? 0) >= (base.best.max_concurrency ?? 0) * rules.adviceGain.value && plan.best.pool.blocks > 0;
      if (better || more) found.push({ parameter: change.parameter, from: change.from, to: change.to, verdict, max_concurrency: plan.best.max_concurrency, blocks: plan.best.pool.blocks, free_margin_bytes: plan.best.free_margin_bytes });
    } catch (error) {
      // A change the model does not divide by is no advice.
      if (!(error instanceof ToolError)) throw error;
    }
  }
  return found.sort((a, b) => order[a.verdict] - order[b.verdict] || (b.max_concurrency ?? 0) - (a.max_concurrency ?? 0) || a.parameter.localeCompare(b.parameter)).slice(0, limits.advice);
}
