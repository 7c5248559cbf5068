/**
 * Rules by which steps are found. All are our own; the planted captures and sequences of the tests hold them, no real capture has
 * been tried yet.
 */
export const rules = {
  /** Kernels looked at behind a sampler for the end of its step. */
  tailKernels: 16,
  /** Share of samplers that must be followed by a kernel at this distance, so that idle time there is the rule and not the end of the capture. */
  offsetSeen: 0.6,
  /** Idle time behind a later kernel must be this many times, and this many ns, longer to move the end of the step there: launch jitter is shorter. */
  longerIdle: 2,
  longerIdleNs: 2000,
  /** Share of the kernels of a verifying pass that a pass of the same model has: a draft model with as many would be no draft. Tasks may be dropped, and the verification is more kernels than a plain sampler. */
  wholeModel: 0.85,
  /** The pass of nine in ten by length is a whole one; a draft has less than half of its kernels. */
  wholePass: 0.9,
  draftPass: 0.5,
  /** Drafts are merged when at least three steps were seen and four in five have equally many. */
  draftRuns: 3,
  draftsAlike: 0.8,
  /** Kernels of one replayed graph; fewer come from ordinary calls that launch several kernels. */
  graphKernels: 16,
  /** Share of kernels that graphs must hold to be what the engine runs on. */
  graphMajority: 0.5,
  /** Share by which a graph and the period of the sequence may differ: sampling runs outside the graph. */
  graphPeriod: 0.2,
  /** Share of kernels that host calls must link to a marker. */
  linked: 0.9,
  /** A marker over more samplers than this is a request or a warm-up, not a step. */
  stepsPerMarker: 1.5,
  /** A section this many times the usual length lost its sampler: two steps in one. */
  doubled: 1.6,
  /** A section at the edge with fewer kernels than this share is torn by the capture's end. */
  torn: 0.5,
  /** Steps have the same size within this share: a sampler more or less. */
  sameSize: 0.05,
  /** Share of inner steps of the usual size for high, and for medium confidence. */
  regularHigh: 0.9,
  regularMedium: 0.7,
  /** Kernels in a fingerprint. Shorter ones recur by chance, longer ones break with each dropped task. */
  gram: 6,
  /** Periods looked at: the ones most kernels recur at. */
  candidates: 8,
  /** Two periods whose fit differs by less are told apart by length: the shorter one is the period, the longer its multiple. */
  fitSlack: 0.003,
  /** Share of kernels that recur after one period: below the first there is none, below the second confidence is not high. */
  fitSeen: 0.5,
  fitHigh: 0.98,
  /** A start may slip by this share of a period, or this many kernels, where tasks were dropped. */
  slip: 0.02,
  slipKernels: 2,
  /** A fingerprint that comes more often than this many times per period is part of a layer. */
  oncePerPeriod: 1.1,
  /** Share of its returns that must be one period apart. */
  regularStarts: 0.8,
} as const;
