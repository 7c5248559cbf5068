import type { Threshold } from '../contract/threshold.js';

/** Sizes of this room. */
export const limits = {
  /** characters of a quoted line or path */
  quoted: { value: 160, source: 'own', why: 'enough to recognise a line, too little to carry a message' },
  /** characters of the reason of a suppression */
  reason: { value: 8, source: 'own', why: 'a suppression without a reason hides a finding' },
  /** bytes of a diff */
  diffBytes: { value: 64 * 1024 * 1024, source: 'own', why: 'a diff above it is a merge of repositories, not a change' },
  /** lines of context asked of git: what encloses a change must be seen */
  context: { value: 30, source: 'own, most functions are shorter', why: 'rules look at the block around a line' },
  /** findings and questions of one answer; the artifact holds all */
  shown: { value: 12, source: 'result budget of 8 kB', why: 'the worst come first' },
} as const satisfies Record<string, Threshold>;
