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

/** Quantiles in µs of values in ns; null for none. */
export function quantiles(values: readonly number[]): Quantiles | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  return { p50: us(nearestRank(sorted, 50)), p90: us(nearestRank(sorted, 90)), p99: us(nearestRank(sorted, 99)) };
}

function median(values: readonly number[]): number {
  return nearestRank(Float64Array.from(values).sort(), 50);
}

/** Median of what is known; null when nothing is. */
function middle(values: readonly number[]): number | null {
  return known(median(values.filter((v) => !Number.isNaN(v))));
}

const kindOrder: readonly StepKind[] = ['prefill', 'mixed', 'decode', null];

/** @param times with the whole steps of this kind */
function kindRow(stage: StepKind, own: readonly number[], times: StepTimes, kinds: StepKinds): StepKindRow {
  const of = (values: Float64Array): number[] => own.map((i) => values[i] ?? 0);
  const { whole } = times;
  return {
    stage,
    count: own.length,
    tokens_p50: middle(of(kinds.tokens)),
    sequences_p50: middle(of(kinds.sequences)),
    period_us: quantiles(whole.map((i) => times.periodNs[i] ?? 0)),
    busy_us: quantiles(whole.map((i) => (times.periodNs[i] ?? 0) - (times.bubbleNs[i] ?? 0))),
    bubble_us: quantiles(whole.map((i) => times.bubbleNs[i] ?? 0)),
  };
}

/** Steps far above the median of their kind: by a fifth, and by five deviations of the usual spread. */
function outliersOf(own: readonly number[], stage: StepKind, steps: Steps, times: StepTimes): OutlierStep[] {
  const values = own.map((i) => times.periodNs[i] ?? 0);
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
  const groups = kindOrder.map((stage) => ({ stage, own: [...kinds.kind.keys()].filter((i) => kinds.kind[i] === stage) })).filter((g) => g.own.length > 0);
  const outliers = groups.flatMap((g) => outliersOf(g.own.filter((i) => isWhole[i] === 1), g.stage, steps, times)).sort((a, b) => b.excess_us - a.excess_us || a.step - b.step);
  const all = (values: (i: number) => number): Quantiles | null => quantiles(times.whole.map(values));
  return {
    count: steps.startNs.length,
    whole: times.whole.length,
    period_us: all((i) => times.periodNs[i] ?? 0),
    busy_us: all((i) => (times.periodNs[i] ?? 0) - (times.bubbleNs[i] ?? 0)),
    bubble_us: all((i) => times.bubbleNs[i] ?? 0),
    kinds: groups.map((g) => kindRow(g.stage, g.own, { ...times, whole: g.own.filter((i) => isWhole[i] === 1) }, kinds)),
    outliers: outliers.slice(0, limits.outliers.value),
  };
}
