import type { Threshold } from '../../contract/index.js';

export const thresholds = {
  /** percent */
  skew: {
    value: 5,
    source: 'msprof-analyze slow rank (5 %), contract',
    why: 'below it ranks differ by chance and by shape',
  },
  /** standard errors, beyond the largest that as many comparisons give by chance */
  certainty: { value: 2, source: 'our rule', why: 'two standard errors on top of √(2 ln n), the expected largest of n normal deviates' },
  /** steps or intervals */
  fewSteps: { value: 3, source: 'our rule', why: 'a median of fewer is a single event' },
  /** share of the steps compared */
  spellShare: { value: 0.1, source: 'our rule', why: 'a rank that is late in fewer steps had a stall; it is not a slow rank' },
  /** ns behind a step: collectives end up to here */
  cutSlackNs: { value: 1_000_000, source: 'our rule', why: 'a stretch that ends later belongs to no step; longer than any clock residual' },
  /** percent of all ranks' time */
  uneven: { value: 5, source: 'our rule', why: 'the same size as the skew worth naming, but of no one rank' },
  /** pairs */
  fewPairs: { value: 3, source: 'our rule', why: 'a line through fewer points says nothing about two clocks' },
  /** collectives */
  fewCollectives: {
    value: 8,
    source: 'our rule',
    why: 'clocks and lateness are medians; of fewer they are single events',
  },
  /** µs */
  clockSpread: {
    value: 100,
    source: 'our rule',
    why: 'longer than a collective in decode: read side by side, the ranks show wrong waits',
  },
  /** share of events in a probe whose ends fit */
  fit: { value: 0.3, source: 'our rule', why: 'ends that meet by chance give about a tenth' },
  /** share of the better-sampled rank's collectives that must be matched */
  matched: {
    value: 0.5,
    source: 'our rule',
    why: 'with less than half of them in common, two ranks did not run the same program',
  },
  /** of the best share of ends that meet one */
  rate: { value: 0.9, source: 'our rule', why: 'under a wrong shift inside a step many ends meet none' },
  /** of the least distance of ends */
  sameFit: { value: 1.05, source: 'our rule', why: 'a difference that small is chance' },
  /** of the least distance of ends */
  ambiguous: { value: 1.3, source: 'our rule', why: 'two shifts this close cannot be told apart by the ends alone' },
  /** share of the steps compared */
  mostSteps: { value: 0.75, source: 'our rule', why: 'with less of it slow, a rank is not slow from the beginning' },
  /** steps */
  fewSpell: { value: 4, source: 'our rule', why: 'three late steps in the middle of a capture are a stall' },
  /** share of kernel time with input shapes */
  shaped: { value: 0.5, source: 'our rule', why: 'with less, equal work cannot be told from unequal' },
  /** share below the median of its peers, 0–1 */
  linkBelow: { value: 0.2, source: 'msprof communication parser (slow link > 20 % below mean)', why: 'links of one kind carry the same load in one collective' },
  /** share of kernel time in the same op types at the same shapes */
  sameWork: { value: 0.5, source: 'our rule', why: 'ranks of one tensor-parallel group share nearly all; ranks with other batches nearly nothing' },
  /** share of the excess */
  mainCause: { value: 0.5, source: 'our rule', why: 'what makes most of it names it' },
  /** share of the excess of all slower kernels */
  opShare: { value: 0.01, source: 'our rule', why: 'op types below it cost nothing that could be won back' },
  /** share of matched collectives */
  lost: { value: 0.01, source: 'our rule', why: 'fewer are the edges of captures that began and ended apart' },
  /** percent of the excess of slower kernels */
  attentionOnly: { value: 80, source: 'our rule', why: 'a slower chip is slower in matrix products too' },
  /** collectives per step */
  coupled: { value: 0.5, source: 'our rule', why: 'replicas that meet more rarely do not wait for each other' },
  /** transfers */
  linkTransfers: { value: 10, source: 'our rule', why: 'a mean of fewer transfers is noise' },
  /** standard deviations per median absolute deviation */
  deviation: { value: 1.4826, source: 'normal distribution: 1 / Φ⁻¹(3/4)', why: 'a spread that single stalls do not move' },
  /** standard error of a median against that of a mean */
  medianError: { value: 1.2533, source: 'normal distribution: √(π/2)', why: 'the level of a rank is a median over intervals' },
} as const satisfies Record<string, Threshold>;

/** Time constants of the alignment, ns. */
export const alignment = {
  /** Ends closer than this are always the same event: collectives are longer. */
  shortestTolerance: 3_000,
  longestTolerance: 200_000,
  /** Share of the tolerance within which ends of one collective lie on average; by chance it is a half. */
  meeting: 0.25,
  /** Ends that lie this close leave nothing to choose by: one tick of the device clock. */
  tickNs: 20,
  /** Events in a probe, and how many probes. */
  probe: 64,
  probes: 5,
  /** Events of a probe that rule most shifts out, when they fit half as well as they must. */
  sieve: 8,
  /** Probes always tried: the first event of one may be lost on the other rank. */
  leastProbes: 3,
  /** Fit of a probe after which no other is tried. */
  sure: 0.8,
  /** Shifts tried per probe. */
  candidates: 4_096,
  /** Share of a short gap between ends (the first decile) within which two ends can be one event. */
  ofShortGap: 0.4,
  /** Shifts that are followed, and how many events to either side. */
  followedShifts: 12,
  reach: 512,
  /** Pairs whose median shift is followed. */
  followed: 15,
} as const;

/** Collectives that end on all ranks together. Rooted and point-to-point ones do not. */
export const symmetric = /all_?reduce|all_?gather|reduce_?scatter|all_?to_?all|barrier|dispatch|combine/i;

/** Sizes that bound work and memory. */
export const limits = {
  /** intervals */
  intervals: { value: 16, source: 'our rule', why: 'where no steps are found: enough for a median and its spread, each long enough to hold whole steps' },
  /** distinct op types with shapes per rank */
  keys: { value: 2048, source: 'our rule', why: 'a model has some hundred; more are dynamic shapes, and an extract stays small' },
} as const satisfies Record<string, Threshold>;
