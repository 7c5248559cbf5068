import { rootOf, tTail } from './distributions.js';
import { deviation, mean } from './moments.js';

/** A ratio of means with its interval. `low` or `high` null: the data set no bound on that side. */
export interface RatioTest {
  /** Candidate mean over baseline mean. */
  readonly ratio: number;
  readonly low: number | null;
  readonly high: number | null;
  /** Two-sided p of ratio = 1. */
  readonly p: number;
}

/** Largest ratio looked at: beyond it the baseline mean is not told from 0. */
const largestRatio = 1e9;

/** The interval of all ratios that a test with p-value `pOf` does not reject at 1 − confidence. */
function inverted(ratio: number, pOf: (ratio: number) => number, confidence: number): RatioTest {
  const alpha = 1 - confidence;
  let far = Math.max(ratio, 1e-9) * 1.01;
  while (pOf(far) > alpha && far < largestRatio) far = ratio + (far - ratio) * 2;
  const high = pOf(far) > alpha ? null : rootOf((r) => -pOf(r), -alpha, ratio, far);
  const low = pOf(0) > alpha ? null : rootOf(pOf, alpha, 0, ratio);
  return { ratio, low, high, p: pOf(1) };
}

/** p of a difference with standard error `se`; without any spread only equality is compatible. */
function tTest(difference: number, se: number, df: number): number {
  if (se === 0) return Math.abs(difference) < 1e-12 ? 1 : 0;
  return tTail(difference / se, df);
}

/**
 * Ratio of two independent means: Welch's t test of `candidate − r·baseline = 0`, inverted over r (Fieller's interval with Welch and
 * Satterthwaite's degrees of freedom at each r). At r = 1 it is Welch's test itself, so interval and p agree.
 * Null below two values on a side or with a mean that is not above 0.
 */
export function welchRatio(baseline: readonly number[], candidate: readonly number[], confidence = 0.95): RatioTest | null {
  const [m1, m2, s1, s2] = [mean(baseline), mean(candidate), deviation(baseline), deviation(candidate)];
  if (m1 === null || m2 === null || s1 === null || s2 === null || m1 <= 0 || m2 <= 0) return null;
  const v1 = s1 ** 2 / baseline.length;
  const v2 = s2 ** 2 / candidate.length;
  const pOf = (r: number): number => {
    const a = r * r * v1;
    const variance = a + v2;
    const df = variance === 0 ? 1 : variance ** 2 / (a ** 2 / (baseline.length - 1) + v2 ** 2 / (candidate.length - 1));
    return tTest(m2 - r * m1, Math.sqrt(variance), df);
  };
  return inverted(m2 / m1, pOf, confidence);
}

/**
 * The same ratio from pairs (`baseline[i]` beside `candidate[i]`): one-sample t test of `candidate − r·baseline`, inverted over r.
 * Drift that both of a pair share cancels. Null below two pairs or with a mean that is not above 0.
 */
export function pairedRatio(baseline: readonly number[], candidate: readonly number[], confidence = 0.95): RatioTest | null {
  const [m1, m2] = [mean(baseline), mean(candidate)];
  const n = baseline.length;
  if (n < 2 || n !== candidate.length || m1 === null || m2 === null || m1 <= 0 || m2 <= 0) return null;
  const pOf = (r: number): number => {
    const d = candidate.map((c, i) => c - r * (baseline[i] ?? 0));
    return tTest(mean(d) ?? 0, (deviation(d) ?? 0) / Math.sqrt(n), n - 1);
  };
  return inverted(m2 / m1, pOf, confidence);
}
