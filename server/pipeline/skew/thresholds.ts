import type { Threshold } from '../../contract/index.js';

export const thresholds = {
  /** percent */
  skew: {
    value: 5,
    source: 'msprof-analyze slow rank (5 %), contract',
    why: 'below it ranks differ by chance and by shape',
  },
  /** standard errors */
  certainty: {
    value: 4,
    source: 'our rule',
    why: 'ranks and start points are searched, so more than the usual two or three',
  },
  /** percent of all ranks' time */
  uneven: { value: 5, source: 'our rule', why: 'the same size as the skew worth naming, but of no one rank' },
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
  /** of the best fit */
  ambiguous: { value: 0.92, source: 'our rule', why: 'two shifts this close cannot be told apart by the ends alone' },
  /** intervals the shared part of the capture is cut in */
  intervals: { value: 16, source: 'our rule', why: 'enough for a median and its spread, each long enough to hold whole steps' },
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
  /** Clocks of one host, or of hosts under NTP, differ by less: between equal fits the nearer clock is taken. */
  nearClock: 5_000_000,
  /** Events in a probe, and how many probes. */
  probe: 64,
  probes: 5,
  /** Events of a probe that rule most shifts out, when they fit half as well as they must. */
  sieve: 8,
  /** Share of a short gap between ends (the first decile) within which two ends can be one event. */
  ofShortGap: 0.4,
  /** Pairs whose median shift is followed. */
  followed: 15,
} as const;

/** Collectives that end on all ranks together. Rooted and point-to-point ones do not. */
export const symmetric = /all_?reduce|all_?gather|reduce_?scatter|all_?to_?all|barrier|dispatch|combine/i;
