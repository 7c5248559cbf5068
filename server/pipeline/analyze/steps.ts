import type { OutlierStep, Quantiles, StepKindRow, StepsTable } from '../../contract/index.js';
import type { Covered } from '../../profiles/derived/covered.js';
import { known, nearestRank, round, us } from '../../profiles/derived/numbers.js';
import type { StepKind, StepKinds } from '../../profiles/derived/stages.js';
import type { Steps } from '../../profiles/derived/steps.js';
import { limits, madToSigma, thresholds } from '../thresholds.js';

/** Length and idle time of each step, ns. */
export interface StepTimes {
  readonly periodNs: Float64Array;
  readonly bubbleNs: Float64Array;
  /** Indices of the steps whose successor is there. */
  readonly whole: readonly number[];
}

export function stepTimes(steps: Steps, free: Covered): StepTimes {
  const period = steps.startNs.map((start, i) => (steps.endNs[i] ?? start) - start);
  const bubble = steps.startNs.map((start, i) => free.within(start, steps.endNs[i] ?? start));
  return { periodNs: period, bubbleNs: bubble, whole: [...steps.startNs.keys()].filter((i) => steps.whole[i] === 1) };
}

/** Quantiles in µs of values in ns, which are sorted in place; null for none. */
export function quantiles(values: Float64Array): Quantiles | null {
  if (values.length === 0) return null;
  values.sort();
  return { p50: us(nearestRank(values, 50)), p90: us(nearestRank(values, 90)), p99: us(nearestRank(values, 99)) };
}

/** Median of values, which are sorted in place. */
function median(values: Float64Array): number {
  return nearestRank(values.sort(), 50);
}

/** Median of what is known; null when nothing is. */
function middle(values: Float64Array): number | null {
  return known(median(values.filter((v) => !Number.isNaN(v))));
}

/** Values at some places. */
function at(values: Float64Array, places: readonly number[]): Float64Array {
  const out = new Float64Array(places.length);
  for (let i = 0; i < out.length; i += 1) out[i] = values[places[i] ?? 0] ?? 0;
  return out;
}

/** Quantiles of length, work and idle time over some whole steps. */
function paceOf(whole: readonly number[], { periodNs, bubbleNs }: StepTimes): Pick<StepKindRow, 'period_us' | 'busy_us' | 'bubble_us'> {
  const [period, bubble] = [at(periodNs, whole), at(bubbleNs, whole)];
  const busy = period.slice();
  for (let i = 0; i < busy.length; i += 1) busy[i] = (period[i] ?? 0) - (bubble[i] ?? 0);
  return { period_us: quantiles(period), busy_us: quantiles(busy), bubble_us: quantiles(bubble) };
}

const kindOrder: readonly StepKind[] = ['prefill', 'mixed', 'decode', null];

/** Steps far above the median of their kind: by a fifth, and by five deviations of the usual spread. */
function outliersOf(own: readonly number[], stage: StepKind, steps: Steps, times: StepTimes): OutlierStep[] {
  const values = at(times.periodNs, own);
  const usual = median(values);
  const spread = madToSigma * median(values.map((v) => Math.abs(v - usual)));
  return own
    .filter((i) => (times.periodNs[i] ?? 0) > Math.max(usual * thresholds.outlier.value, usual + thresholds.outlierSpread.value * spread))
    .map((i) => {
      const [period, bubble] = [times.periodNs[i] ?? 0, times.bubbleNs[i] ?? 0];
      return { step: i, start_us: us((steps.startNs[i] ?? 0) - (steps.startNs[0] ?? 0)), stage, period_us: us(period), busy_us: us(period - bubble), bubble_us: us(bubble), excess_us: round(us(period - usual)) };
    });
}

export const noSteps: StepsTable = { count: 0, whole: 0, period_us: null, busy_us: null, bubble_us: null, kinds: [], outliers: [] };

export function stepsTable(steps: Steps, times: StepTimes, kinds: StepKinds): StepsTable {
  const isWhole = new Uint8Array(steps.startNs.length);
  for (const i of times.whole) isWhole[i] = 1;
  const groups = kindOrder
    .map((stage) => ({ stage, own: [...kinds.kind.keys()].filter((i) => kinds.kind[i] === stage) }))
    .filter((g) => g.own.length > 0)
    .map((g) => ({ ...g, whole: g.own.filter((i) => isWhole[i] === 1) }));
  const outliers = groups.flatMap((g) => outliersOf(g.whole, g.stage, steps, times)).sort((a, b) => b.excess_us - a.excess_us || a.step - b.step);
  const all = paceOf(times.whole, times);
  return {
    count: steps.startNs.length,
    whole: times.whole.length,
    ...all,
    // Of one kind only, the steps of the kind are all steps.
    kinds: groups.map(({ stage, own, whole }) => ({ stage, count: own.length, tokens_p50: middle(at(kinds.tokens, own)), sequences_p50: middle(at(kinds.sequences, own)), ...(groups.length === 1 ? all : paceOf(whole, times)) })),
    outliers: outliers.slice(0, limits.outliers.value),
  };
}
