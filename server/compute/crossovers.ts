import { tokensPerStep } from '../models/counting.js';
import type { Roof } from '../models/roofline.js';
import { estimate, type Estimate, type Models } from './analyze.js';
import type { Point } from './request.js';
import { limits } from './thresholds.js';

/** Where something turns; `at` null: not up to `searched_to`. */
export interface BreakEven {
  readonly what: string;
  readonly at: number | null;
  readonly unit: 'sequences' | 'tokens' | 'drafts' | 'acceptance';
  readonly searched_to: number;
  readonly note: string;
}

const isCompute = (e: Estimate): boolean => e.bound === 'compute';
const isCommunication = (e: Estimate): boolean => e.bound === 'communication';
/** The multiplications whose weights are most of the model: experts where there are some, else the MLP. */
function gemmIsCompute(e: Estimate): boolean {
  const op = e.ops.find((o) => o.op === 'experts') ?? e.ops.find((o) => o.op === 'mlp');
  return op?.bound === 'compute';
}

/** Upper bound of tokens per µs of the replica. */
function rate(models: Models, roof: Roof, point: Point): number {
  const e = estimate(models.of(point), roof, point);
  return e.time_lower_bound_us === null ? 0 : e.tokens_per_step / e.time_lower_bound_us;
}

interface Search {
  readonly what: string;
  readonly holds: (e: Estimate) => boolean;
  readonly note: string;
}

/** First value of each search, all in one walk over every value. */
function walk(searches: readonly Search[], to: number, unit: BreakEven['unit'], at: (value: number) => Estimate): BreakEven[] {
  const found = new Map<string, number>();
  for (let value = 1; value <= to && found.size < searches.length; value += 1) {
    const e = at(value);
    for (const s of searches) if (!found.has(s.what) && s.holds(e)) found.set(s.what, value);
  }
  return searches.map((s) => ({ what: s.what, at: found.get(s.what) ?? null, unit, searched_to: to, note: s.note }));
}

/** The same step without drafts. */
export const withoutDrafts = (point: Point): Point => ({ ...point, num_speculative_tokens: 0 });

/**
 * Acceptance per draft at which k drafts neither gain nor lose: E(a, k) = t_k / t_0, solved by bisection; E grows with a.
 * Null: even with every draft accepted the longer step is not paid back.
 */
export function breakEvenAcceptance(ratio: number, drafts: number): number | null {
  if (ratio > drafts + 1) return null;
  if (ratio <= 1) return 0;
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i += 1) {
    const middle = (low + high) / 2;
    if (tokensPerStep(middle, drafts) < ratio) low = middle;
    else high = middle;
  }
  return high;
}

function drafting(models: Models, roof: Roof, point: Point): BreakEven[] {
  const out: BreakEven[] = [];
  const k = point.num_speculative_tokens;
  const a = point.acceptance_rate;
  const plain = withoutDrafts(point);
  if (k > 0) {
    const ratio = (estimate(models.of(point), roof, point).time_lower_bound_us ?? NaN) / (estimate(models.of(plain), roof, plain).time_lower_bound_us ?? NaN);
    out.push({ what: 'mtp-acceptance', at: breakEvenAcceptance(ratio, k), unit: 'acceptance', searched_to: 1, note: 'acceptance per draft below which these drafts lose time' });
  }
  if (a === null) return out;
  const able = point.draft_layers !== null || models.of(plain).mtp.kind === 'layers';
  if (!able) return out;
  let stops: number | null = null;
  let before = rate(models, roof, plain);
  for (let depth = 1; depth <= limits.drafts.value && stops === null; depth += 1) {
    const now = rate(models, roof, { ...point, num_speculative_tokens: depth });
    if (now <= before) stops = depth;
    before = now;
  }
  out.push({ what: 'mtp-depth', at: stops, unit: 'drafts', searched_to: limits.drafts.value, note: 'first depth whose last draft no longer raises tokens/s; one less is the depth to use' });
  if (k === 0) return out;
  let at: number | null = null;
  for (let batch = 1; batch <= limits.batch.value && at === null; batch += 1) {
    if (rate(models, roof, { ...point, batch }) <= rate(models, roof, { ...plain, batch })) at = batch;
  }
  out.push({ what: 'mtp-batch', at, unit: 'sequences', searched_to: limits.batch.value, note: 'first batch at which these drafts no longer raise tokens/s' });
  return out;
}

/**
 * Crossovers of the bound around a point, each the first value for which it holds with everything else unchanged.
 * decode-compute-bound, gemm-compute-bound, communication-bound: batch; prefill-…: input tokens; mtp-acceptance, mtp-depth, mtp-batch: drafting.
 */
export function crossovers(models: Models, roof: Roof, point: Point): BreakEven[] {
  const spec = models.of(point);
  const linked = point.tp * point.dp * point.pp > 1 && roof.links !== null;
  const communication: Search[] = linked ? [{ what: 'communication-bound', holds: isCommunication, note: 'communication takes longer than all else' }] : [];
  if (point.phase === 'prefill') {
    const searches: Search[] = [{ what: 'prefill-compute-bound', holds: isCompute, note: 'compute-bound operators take more than half of the time' }, ...communication];
    return walk(searches, limits.inputTokens.value, 'tokens', (tokens) => estimate(spec, roof, { ...point, input_tokens: tokens }));
  }
  const searches: Search[] = [
    { what: 'decode-compute-bound', holds: isCompute, note: 'compute-bound operators take more than half of the time' },
    { what: 'gemm-compute-bound', holds: gemmIsCompute, note: 'the weights of the MLP or the experts are reused often enough' },
    ...communication,
  ];
  return [...walk(searches, limits.batch.value, 'sequences', (batch) => estimate(spec, roof, { ...point, batch })), ...drafting(models, roof, point)];
}
