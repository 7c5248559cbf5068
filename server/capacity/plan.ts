import type { CapacityLog } from '../programs/capacity-log.js';
import { costsOf, type Costs } from './costs.js';
import { poolOf, type Pool, type Sizing } from './pool.js';
import { reservesOf, type Reserve } from './reserves.js';
import type { Setup } from './request.js';

export type Limit = 'hbm-hard' | 'kv-blocks' | 'linear-state' | 'workspace' | 'speculative-reserve' | 'scheduler-budget' | 'fragmentation' | 'none';

/** The plan with every interval at one end. */
export interface End {
  readonly pool: Pool;
  readonly sizing: Sizing;
  /** Total less everything in the ledger; negative: it does not fit. */
  readonly free_margin_bytes: number;
  readonly max_concurrency: number | null;
  readonly concurrency_limit: Limit;
}

export interface LedgerRow {
  readonly name: string;
  readonly bytes: number;
  readonly worst_bytes: number;
  readonly source: string;
}

export interface Plan {
  readonly setup: Setup;
  readonly costs: Costs;
  readonly reserves: readonly Reserve[];
  /** Reserves at their low end; null: no memory size, or a rule that is not known. */
  readonly best: End | null;
  /** Reserves at their high end. */
  readonly worst: End | null;
  readonly ledger: readonly LedgerRow[];
  readonly tokens_per_request: number | null;
}

/** Tokens one request ends with: input and output, else the longest the service accepts. */
export function requestTokens(setup: Setup): number | null {
  return setup.input !== null || setup.output !== null ? (setup.input ?? 0) + (setup.output ?? 0) : setup.max_len;
}

/** Blocks of one request, drafts included. */
export function blocksPerRequest(setup: Setup, pool: Pool, tokens: number): number {
  return Math.ceil((tokens + setup.spec_tokens) / pool.block_tokens) + pool.groups - 1;
}

/** Requests that run at once on the whole replica, and what stops the next one. */
function concurrency(setup: Setup, costs: Costs, pool: Pool, tokens: number | null): { max: number | null; limit: Limit } {
  if (tokens === null) return { max: null, limit: 'none' };
  const per = blocksPerRequest(setup, pool, tokens);
  const window = costs.window_bytes_per_seq;
  const byBlocks = window === 0 ? Math.floor(pool.usable_blocks / per) : Math.floor((pool.usable_blocks * pool.block_bytes) / (per * pool.block_bytes + window));
  const dp = setup.parallel.dp;
  const scheduled = Math.min(setup.max_seqs ?? Infinity, Math.floor(setup.max_tokens / (setup.spec_tokens + 1)));
  // vLLM schedules each DP rank by itself; the others have one scheduler, so the limit is taken once.
  const candidates: { max: number; limit: Limit }[] = [
    { max: byBlocks * dp, limit: 'kv-blocks' },
    { max: setup.framework === 'vllm-ascend' ? scheduled * dp : scheduled, limit: 'scheduler-budget' },
  ];
  if (costs.linear_layers > 0 && setup.framework === 'xllm') candidates.push({ max: Math.max(0, pool.linear_slots - 2) * dp, limit: 'linear-state' });
  return candidates.reduce((a, b) => (b.max < a.max ? b : a));
}

function end(setup: Setup, costs: Costs, reserves: readonly Reserve[], which: 'low_bytes' | 'high_bytes', draft: number, freeBytes: number | null): End | null {
  if (setup.total_bytes === null || costs.vision_bytes === null) return null;
  const before = reserves.filter((r) => r.before_sizing && r.name !== 'context').reduce((sum, r) => sum + r[which], 0);
  const context = reserves.find((r) => r.name === 'context')?.[which] ?? 0;
  const loaded = costs.weights_bytes + costs.vision_bytes + draft;
  // A printed free memory says what the context really took.
  const measured = freeBytes === null ? context : Math.max(0, setup.total_bytes - freeBytes - loaded);
  const sizing: Sizing = { total_bytes: setup.total_bytes, loaded_bytes: loaded, context_bytes: measured, profiled_bytes: before, free_bytes: freeBytes };
  const pool = poolOf(setup, costs, sizing);
  if (pool === null) return null;
  const late = reserves.filter((r) => !r.before_sizing).reduce((sum, r) => sum + r[which], 0);
  const { max, limit } = concurrency(setup, costs, pool, requestTokens(setup));
  return { pool, sizing, free_margin_bytes: setup.total_bytes - loaded - measured - before - pool.cache_bytes - late, max_concurrency: max, concurrency_limit: limit };
}

/** Every byte of a rank by name; each column and its free margin sum to the total exactly. */
function ledgerOf(setup: Setup, costs: Costs, reserves: readonly Reserve[], best: End, worst: End): LedgerRow[] {
  const row = (name: string, source: string, value: (e: End) => number): LedgerRow => ({ name, bytes: value(best), worst_bytes: value(worst), source });
  const rows = [
    row('weights', 'sum over tensors, heaviest rank', () => costs.weights_bytes),
    row('vision', 'tower, whole on each rank', () => costs.vision_bytes ?? 0),
    row('draft', 'draft model or MTP layers; the high end holds a second embedding and head', (e) => e.sizing.loaded_bytes - costs.weights_bytes - (costs.vision_bytes ?? 0)),
  ];
  for (const r of reserves) rows.push(r.name === 'context' ? row('context', best.sizing.free_bytes === null ? r.source : 'start-up log: total less free and weights', (e) => e.sizing.context_bytes) : { name: r.name, bytes: r.low_bytes, worst_bytes: r.high_bytes, source: r.source });
  rows.push(
    row('kv_pool', `${setup.framework} block rule`, (e) => e.pool.blocks * e.pool.block_bytes),
    row('linear_state', `${setup.framework} rule for linear layers`, (e) => e.pool.linear_bytes),
    row('pool_remainder', 'less than a block', (e) => e.pool.cache_bytes - e.pool.blocks * e.pool.block_bytes - e.pool.linear_bytes),
    row('free_margin', 'total less everything above', (e) => e.free_margin_bytes),
  );
  return rows;
}

/**
 * The whole plan. Pure.
 * @param log measured free and graph memory go before the estimates; null: plan from settings alone
 */
export function planOf(setup: Setup, log: CapacityLog | null): Plan {
  const costs = costsOf(setup);
  const reserves = reservesOf(setup, log?.facts.graph_bytes ?? null);
  const measured = setup.framework === 'vllm-ascend' ? null : (log?.free_bytes ?? null);
  const best = costs.draft === null ? null : end(setup, costs, reserves, 'low_bytes', costs.draft.low, measured);
  const worst = costs.draft === null ? null : end(setup, costs, reserves, 'high_bytes', costs.draft.high, measured);
  return { setup, costs, reserves, best, worst, ledger: best === null || worst === null ? [] : ledgerOf(setup, costs, reserves, best, worst), tokens_per_request: requestTokens(setup) };
}
