import { noncentralTCdf, rootOf, tCritical } from './distributions.js';

/** Noise of the difference of two means, as a t test sees it. */
export interface Noise {
  /** Standard error of the difference, in percent of the baseline mean. */
  readonly sePct: number;
  readonly df: number;
}

/** Two independent sides. @param cvBaselinePct @param cvCandidatePct spread between service starts, in percent of the mean */
export function unpairedNoise(cvBaselinePct: number, nBaseline: number, cvCandidatePct: number, nCandidate: number): Noise | null {
  if (nBaseline < 2 || nCandidate < 2) return null;
  const a = cvBaselinePct ** 2 / nBaseline;
  const b = cvCandidatePct ** 2 / nCandidate;
  const df = a + b === 0 ? nBaseline + nCandidate - 2 : (a + b) ** 2 / (a ** 2 / (nBaseline - 1) + b ** 2 / (nCandidate - 1));
  return { sePct: Math.sqrt(a + b), df };
}

/** Pairs. @param sdPct standard deviation of the pairs' differences, in percent of the baseline mean */
export function pairedNoise(sdPct: number, pairs: number): Noise | null {
  return pairs < 2 ? null : { sePct: sdPct / Math.sqrt(pairs), df: pairs - 1 };
}

/** Probability that a two-sided t test finds a true change of `effectPct`; noncentral t, both rejections counted. */
export function power(effectPct: number, noise: Noise, confidence = 0.95): number {
  if (noise.sePct === 0) return effectPct === 0 ? 1 - confidence : 1;
  const critical = tCritical(1 - confidence, noise.df);
  const delta = Math.abs(effectPct) / noise.sePct;
  return 1 - noncentralTCdf(critical, noise.df, delta) + noncentralTCdf(-critical, noise.df, delta);
}

/** Smallest true change found with `wanted` power. 5 + 5 starts at CV 1 %: 2.0 %. */
export function minimumDetectablePct(noise: Noise, confidence = 0.95, wanted = 0.8): number {
  if (noise.sePct === 0) return 0;
  const critical = tCritical(1 - confidence, noise.df);
  const delta = rootOf((d) => 1 - noncentralTCdf(critical, noise.df, d), wanted, 0, critical + 40);
  return delta * noise.sePct;
}

/** Values each side needs for `wanted` power at equal spread; null beyond `limit`. */
export function requiredPerSide(effectPct: number, cvPct: number, confidence = 0.95, wanted = 0.8, limit = 200): number | null {
  const enough = (n: number): boolean => {
    const noise = unpairedNoise(cvPct, n, cvPct, n);
    return noise !== null && power(effectPct, noise, confidence) >= wanted;
  };
  if (!enough(limit)) return null;
  let low = 1;
  let high = limit;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}
