interface Limit {
  readonly value: number;
  readonly source: string;
  readonly why: string;
}

/** How far crossovers are searched, and how much is shown. Every value in between is tried, so that a crossover is the first one, whatever the curve does. */
export const limits = {
  /** sequences of the replica */
  batch: { value: 1024, source: 'our rule', why: 'above the ridge of every part at 8 bit (369 rows on 910B3); larger batches seldom fit a cache' },
  /** tokens */
  inputTokens: { value: 4096, source: 'our rule', why: 'prefill turns compute-bound at some hundred tokens, if it does' },
  /** drafts */
  drafts: { value: 16, source: 'our rule', why: 'engines verify at most a few drafts; 16 is beyond every public setting' },
  /** rows */
  whatIf: { value: 64, source: 'our rule', why: 'a larger table is a sweep, not a question' },
  /** rows */
  whatIfShown: { value: 12, source: 'contract: a result stays under 8 kB', why: 'the artifact holds all rows' },
  /** bytes */
  configBytes: { value: 8 * 1024 * 1024, source: 'our rule', why: 'config.json files have some kB' },
  /** bytes */
  quantFileBytes: { value: 64 * 1024 * 1024, source: 'our rule', why: 'one line per tensor of a large model has some MB' },
} as const satisfies Record<string, Limit>;

/** When a measured group of kernels is worth a finding. */
export const gaps = {
  /** share of the measured kernel time a group spends above its bound, 0–1 */
  seen: { value: 0.1, source: 'our rule', why: 'a tenth of the kernel time is worth a look' },
  medium: { value: 0.3, source: 'our rule', why: 'nearly a third of the kernel time could go at most' },
  /** share of a step by which a count of kernels may miss a whole number of steps, 0–1 */
  wholeStep: { value: 0.001, source: 'our rule', why: 'a capture is cut at its ends; anything else is rounding' },
} as const satisfies Record<string, Limit>;
