import type { Threshold } from '../contract/index.js';

export const thresholds = {
  /** service starts a side */
  formalStarts: { value: 5, source: 'contract; exact tests: 5 + 5 reach p 0.008, 3 + 3 never pass 0.10', why: 'fewer starts can not reach 5 % without leaning on the shape of the noise' },
  /** pairs */
  formalPairs: { value: 6, source: 'contract; sign-flip test: 5 pairs 0.0625, 6 pairs 0.031', why: 'fewer pairs can not reach 5 % exactly' },
  /** percent */
  lengthPct: { value: 2, source: 'contract, F-LENGTH', why: 'longer answers cost more per request and dilute TTFT; 2 % is below what one asks to detect' },
  /** requests */
  tailRequests: { value: 299, source: 'order statistics: 1 − 0.99^n ≥ 0.95', why: 'with fewer requests not even the maximum bounds the p99' },
  /** requests per slot */
  requestsPerSlot: { value: 10, source: 'InferenceMAX: num_prompts = 10 × concurrency', why: 'ramp and drain cost about one request each; below ten they move the mean' },
  /** percent, default of no-regression */
  noRegressionPct: { value: 1, source: 'contract', why: 'a steady decode varies by about 1 % between service starts' },
  /** 0–1 */
  power: { value: 0.8, source: 'convention (Cohen 1988)', why: 'one true effect in five may be missed, as elsewhere' },
} as const satisfies Record<string, Threshold>;

/** Changes a plan is made for, in percent: from the noise of a steady decode to what papers claim. */
export const planEffectsPct = [1, 2, 3, 5, 10] as const;

export const limits = {
  /** service starts a plan is searched up to */
  planStarts: { value: 200, source: 'our rule', why: 'nobody restarts a service more often for one claim' },
  /** bytes of one artifact read */
  artifactBytes: { value: 16 * 1024 * 1024, source: 'our rule', why: 'metrics.json of a sweep has some kB' },
  /** rows of a result */
  shownMetrics: { value: 10, source: 'contract: a result stays under 8 kB', why: 'the report has all' },
} as const satisfies Record<string, Threshold>;
