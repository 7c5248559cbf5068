import type { Threshold } from '../../contract/threshold.js';

/** When the loop stops, and what a formal run asks of its evidence. */
export const thresholds = {
  /** percent */
  tie: { value: 1, source: 'loop rule of the public xLLM workflow: tie within 1 % over 3 runs or more', why: 'differences below it are not worth a change' },
  /** comparisons, service starts a side */
  tieRuns: { value: 3, source: 'the same rule', why: 'one tie may be noise' },
  /** closed attempts in a row */
  noGain: { value: 3, source: 'the same rule: three rounds without gain', why: 'the next idea needs new evidence, not another try' },
  /** percent of the step time above the bound */
  nearBound: { value: 10, source: 'own: roofline bounds leave out what no kernel reaches, overlap and launch', why: 'what is left to win is smaller than what the bound ignores' },
  /** ladder level, L1–L5 */
  formalAccuracy: { value: 3, source: 'contract, loop_update: formal accuracy needs L3 or more', why: 'probes show garbage, not a drop' },
} as const satisfies Record<string, Threshold>;
