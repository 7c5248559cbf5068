/** Where a rule begins, where that number comes from, and why it is there. */
interface Threshold {
  readonly value: number;
  readonly source: string;
  readonly why: string;
}

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
  /** intervals */
  fewIntervals: { value: 4, source: 'our rule', why: 'a spread of fewer is not known' },
  /** collectives */
  fewCollectives: {
    value: 8,
    source: 'our rule',
    why: 'clocks and lateness are medians; of fewer they are single events',
  },
  /** intervals the capture is cut in */
  intervals: {
    value: 160,
    source: 'our rule',
    why: 'fine enough to date the start of a slow phase, coarse enough to average jitter',
  },
  collectivesPerInterval: { value: 4, source: 'our rule', why: 'two layers of a tensor-parallel model' },
  /** times the spread of an interval's skew (scaled median deviation) */
  stall: { value: 5, source: 'our rule', why: 'a single stall is an event, not the pace of a rank' },
  /** absolute, of the peers' own time */
  stallFloor: {
    value: 0.05,
    source: 'our rule',
    why: 'without jitter the spread is zero and everything would be a stall',
  },
  /** share of the skew that may be there before the start of a slow phase */
  before: {
    value: 0.5,
    source: 'our rule',
    why: 'a phase that only doubles what was there before has no start worth naming',
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
  /** share */
  linkBelow: {
    value: 0.2,
    source: 'msprof communication parser (slow link > 20 % below mean)',
    why: 'links of one kind in one collective carry the same load',
  },
  /** transfers */
  linkTransfers: { value: 10, source: 'our rule', why: 'a rate of fewer transfers is noise' },
  /** share of the excess */
  dominant: { value: 2 / 3, source: 'our rule', why: 'less is mixed' },
  /** share of compute time (without load-dependent operators) that must be slower for the device to be the cause */
  broad: { value: 0.5, source: 'our rule', why: 'a slow clock touches every kernel; a slow operator only itself' },
  /** share */
  slowerType: { value: 0.02, source: 'our rule', why: 'means of kernels on one shape differ by less' },
  /** rows */
  opTypes: { value: 10, source: 'our rule', why: 'more are not read' },
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
} as const;

/** Operators whose time depends on more than the shapes in the profile: context lengths, tokens per expert. */
export const loadDependent =
  /attention|^(?:FIA|PagedAttention|MLA|Mla|MLAPO)|GroupedMatmul|Gmm|Moe|LightningIndexer|KvCache|Sparse/;

/** Collectives that end on all ranks together. Rooted and point-to-point ones do not. */
export const symmetric = /all_?reduce|all_?gather|reduce_?scatter|all_?to_?all|barrier|dispatch|combine/i;
