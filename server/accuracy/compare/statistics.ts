import { tCritical } from '../../stats/distributions.js';
import { deviation, mean } from '../../stats/moments.js';
import { detectableDrop, mcnemarP, pairedScoreInterval } from '../../stats/proportions.js';
import { thresholds } from '../thresholds.js';

/** A paired comparison; differences are candidate − baseline, −1..1. */
export interface Paired {
  readonly n: number;
  readonly baselineOnly: number;
  readonly candidateOnly: number;
  readonly delta: number;
  readonly low: number;
  readonly high: number;
  readonly method: 'tango' | 'paired-t';
  readonly p: number;
  readonly minDetectableDrop: number;
}

/** The comparison of items by their differences of score, −1..1 each. Null without items. */
export function paired(differences: readonly number[]): Paired | null {
  const n = differences.length;
  const delta = mean(differences);
  if (delta === null) return null;
  const baselineOnly = differences.filter((d) => d < 0).length;
  const candidateOnly = differences.filter((d) => d > 0).length;
  const whole = differences.every((d) => Number.isInteger(d));
  const spread = deviation(differences);
  const half = whole || spread === null ? 0 : (tCritical(1 - 0.95, n - 1) * spread) / Math.sqrt(n);
  const interval = whole || spread === null ? pairedScoreInterval(baselineOnly, candidateOnly, n) : { low: delta - half, high: delta + half };
  return {
    n,
    baselineOnly,
    candidateOnly,
    delta,
    ...interval,
    method: whole || spread === null ? 'tango' : 'paired-t',
    p: mcnemarP(baselineOnly, candidateOnly),
    minDetectableDrop: Math.min(1, Math.max(detectableDrop(n, (baselineOnly + candidateOnly) / n) ?? 1, thresholds.fewestFlips.value / n)),
  };
}

/** What the numbers alone say. `no-regression` first: a drop inside the margin is one that is given away. */
export function outcomeOf(test: Paired, marginPct: number): 'no-regression' | 'regression' | 'improvement' | 'inconclusive' {
  if (test.low * 100 > -marginPct) return 'no-regression';
  if (test.p >= thresholds.significance.value) return 'inconclusive';
  return test.delta < 0 ? 'regression' : 'improvement';
}
