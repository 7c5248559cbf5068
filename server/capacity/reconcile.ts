import type { CapacityLog } from '../programs/capacity-log.js';
import type { Plan } from './plan.js';
import { rules } from './thresholds.js';

export interface Observed {
  readonly hbm_total_bytes: number | null;
  readonly free_bytes: number | null;
  readonly weights_bytes: number | null;
  readonly kv_bytes: number | null;
  readonly blocks: number | null;
  readonly block_size: number | null;
  readonly token_capacity: number | null;
  readonly max_concurrency: number | null;
}

/** agrees: within what the log prints; explained: inside the planned interval, or it follows from other lines of the log by the rule; differs: neither. */
export interface Difference {
  readonly quantity: string;
  readonly unit: string;
  readonly planned_low: number | null;
  readonly planned_high: number | null;
  readonly observed: number;
  /** The framework's rule applied to other lines of the same log, with their rounding. */
  readonly recomputed_low: number | null;
  readonly recomputed_high: number | null;
  readonly status: 'agrees' | 'explained' | 'differs' | 'unplanned';
  readonly cause: string;
}

/** Half of the last digit of a size printed with two decimals of GiB. */
const printed = rules.printedGib.value * 1024 ** 3;

export function observedOf(log: CapacityLog): Observed {
  const f = log.facts;
  return {
    hbm_total_bytes: log.total_bytes, free_bytes: log.free_bytes, weights_bytes: f.weights_bytes, kv_bytes: f.kv_cache_bytes, blocks: f.kv_blocks,
    block_size: log.block, token_capacity: f.token_capacity, max_concurrency: f.max_concurrency?.times ?? null,
  };
}

type Ends = readonly [number, number] | null;

function row(quantity: string, unit: string, planned: Ends, observed: number | null, slack: number, recomputed: Ends, cause: string): Difference[] {
  if (observed === null) return [];
  const low = planned === null ? null : Math.min(...planned);
  const high = planned === null ? null : Math.max(...planned);
  const near = (ends: Ends, by: number): boolean => ends !== null && observed >= Math.min(...ends) - by && observed <= Math.max(...ends) + by;
  const exact = low !== null && low === high && near(planned, slack);
  const status = exact ? 'agrees' : near(planned, slack) || near(recomputed, 0) ? 'explained' : planned === null && recomputed === null ? 'unplanned' : 'differs';
  return [{ quantity, unit, planned_low: low, planned_high: high, observed, recomputed_low: recomputed === null ? null : Math.min(...recomputed), recomputed_high: recomputed === null ? null : Math.max(...recomputed), status, cause }];
}

/** Bytes of a token over all layers as the log's own lines give them; null where it prints no slot. */
function loggedPerToken(plan: Plan, log: CapacityLog): number | null {
  const slot = log.facts.slot_size_bytes;
  if (slot === null || plan.setup.framework !== 'xllm') return null;
  return (slot + (log.facts.index_slot_size_bytes ?? 0) + (log.scale_slot_bytes ?? 0)) * plan.costs.full_layers;
}

/** Plan and log, line by line. `plan` is made without the log's memory. Pure. */
export function differences(plan: Plan, log: CapacityLog): Difference[] {
  const { best, worst, costs, setup } = plan;
  const f = log.facts;
  const ends = (value: (e: NonNullable<Plan['best']>) => number): Ends => (best === null || worst === null ? null : [value(worst), value(best)]);
  const loaded = best?.sizing.loaded_bytes ?? costs.weights_bytes + (costs.vision_bytes ?? 0);
  const weightsSlack = loaded * rules.weightsMargin.value + printed;
  const perToken = costs.kv_bytes_per_token + (costs.draft_kv_bytes_per_token ?? 0);
  const list = [
    ...row('hbm_total_bytes', 'bytes', setup.total_bytes === null ? null : [setup.total_bytes, setup.total_bytes], log.total_bytes, printed, null, 'memory the device reports: another chip, or the nominal size given for the visible one'),
    ...row('free_bytes', 'bytes', setup.framework === 'vllm-ascend' ? null : ends((e) => e.sizing.total_bytes - e.sizing.loaded_bytes - e.sizing.context_bytes), log.free_bytes, weightsSlack, null, 'context, HCCL buffers made before sizing, or another process on the card'),
    ...row('weights_bytes', 'bytes', [loaded, loaded], f.weights_bytes, weightsSlack, null, 'beyond 1 %: quantisation, dtype, tp, tower or draft differ; within it rotary caches and padding'),
    ...row('slot_bytes_per_token', 'bytes', [costs.kv_bytes_per_token, costs.kv_bytes_per_token], loggedPerToken(plan, log), 0, null, 'KV heads per rank, head size, layers or cache type differ'),
  ];
  const kv = f.kv_cache_bytes;
  const fromFree: Ends = setup.framework === 'xllm' && log.free_bytes !== null && log.total_bytes !== null ? [log.free_bytes - log.total_bytes * (1 - setup.util) - 3 * printed, log.free_bytes - log.total_bytes * (1 - setup.util) + 3 * printed] : null;
  list.push(...row('kv_bytes', 'bytes', ends((e) => e.pool.cache_bytes), kv, printed, fromFree, 'memory free at sizing and max_memory_utilization set it; the profiling run too for vLLM'));
  list.push(...row('block_size', 'tokens', best === null ? [setup.block, setup.block] : [best.pool.block_tokens, best.pool.block_tokens], log.block, 0, null, 'block_size of the service'));
  const block = log.block ?? best?.pool.block_tokens ?? setup.block;
  const loggedToken = loggedPerToken(plan, log);
  const draftPart = costs.draft_kv_bytes_per_token ?? 0;
  const token = loggedToken === null ? perToken : loggedToken + draftPart;
  const linear = f.reserved_linear_bytes ?? 0;
  const linearSlack = linear === 0 ? 0 : printed;
  // A pool of vLLM hybrids is shared by groups of layers, so bytes alone do not give its tokens.
  const groups = best?.pool.groups ?? 1;
  const blocks: Ends = kv === null || token === 0 || groups > 1 ? null : [Math.floor((kv - linear - printed - linearSlack) / (token * block)), Math.floor((kv - linear + printed + linearSlack) / (token * block))];
  list.push(...row('blocks', 'blocks', ends((e) => e.pool.blocks), f.kv_blocks, 0, blocks, 'follows from kv_bytes, the linear state and the bytes of a block'));
  const spare = setup.framework === 'xllm' ? 1 : 0;
  list.push(...row('token_capacity', 'tokens', ends((e) => e.pool.token_capacity), f.token_capacity, 0, blocks === null ? null : [(blocks[0] - spare) * block, (blocks[1] - spare) * block], 'blocks times block size, block 0 of xLLM apart'));
  if (log.pool_bytes !== null && f.token_capacity !== null) list.push(...row('pool_bytes', 'bytes', null, log.pool_bytes, 0, [(f.token_capacity + block) * perToken - 2 * printed, (f.token_capacity + block) * perToken + 2 * printed], 'tokens and one page more, times bytes of a token'));
  const c = f.max_concurrency;
  if (c !== null && f.token_capacity !== null) {
    // Hybrids: any block count that gives these tokens may have been printed.
    const first = (f.token_capacity / (best?.pool.block_tokens ?? block)) * groups;
    const per = groups === 1 ? c.tokens_per_request / block : Math.ceil(c.tokens_per_request / (best?.pool.block_tokens ?? block)) + groups - 1;
    list.push(...row('max_concurrency', 'requests', null, c.times, 0, groups === 1 ? [f.token_capacity / c.tokens_per_request - rules.printedTimes.value, f.token_capacity / c.tokens_per_request + rules.printedTimes.value] : [first / per - rules.printedTimes.value, (first + groups - 1) / per + rules.printedTimes.value], `requests of ${String(c.tokens_per_request)} tokens the log counts`));
  }
  return list;
}
