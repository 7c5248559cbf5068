/**
 * What the ranks of one capture say about each other. Numbers are rounded to three decimals and ready for the artifact; null means
 * not known. Host, group and operator names are foreign text: they go through `cell()` before they are shown.
 */

/** Where the number of a rank comes from: the profile or the order of hosts and devices. */
export type RankSource = 'profile' | 'order';

/** One rank over the part of the capture that all ranks share. */
export interface RankSkewRow {
  readonly rank: number;
  readonly rank_source: RankSource;
  /** Device id as the profile counts it. */
  readonly device: number;
  readonly host: string | null;
  /** Matched collectives it took part in. */
  readonly collectives: number;
  /** Union of its compute kernels. */
  readonly compute_us: number | null;
  /** Time in which it was not only communicating: compute and idle. */
  readonly own_us: number | null;
  /** Summed over matched collectives: last arrival minus own arrival, clocks aligned. */
  readonly comm_wait_us: number | null;
  /** Median over matched collectives: own arrival minus first arrival, clocks aligned. Null when it took part in none. */
  readonly late_us_p50: number | null;
  /** Own time above the median of its peers, in percent of theirs: the median over intervals. Null without peers. */
  readonly skew_pct: number | null;
  /** What its clock is ahead of the clock of the reference rank, at the middle of the capture; null when not aligned. */
  readonly clock_offset_us: number | null;
  /** How fast its clock runs away from the reference rank's; null when not aligned. */
  readonly clock_drift_ppm: number | null;
  /** Median distance of its collectives' ends from the ends of the others after alignment: how good the alignment is. */
  readonly clock_residual_us: number | null;
}

/**
 * `slow-rank`: one rank stays behind; `uneven`: ranks wait for one another, but for no one in particular; `clock-skew`: only the clocks differ; `balanced`: none of these.
 */
export type SkewPattern = 'slow-rank' | 'uneven' | 'clock-skew' | 'balanced';

/** Own-word codes of what hinders or limits the comparison. */
export type SkewReasonCode =
  | 'single-rank'
  | 'no-collectives'
  | 'not-matched'
  | 'rank-missing'
  | 'rank-unmatched'
  | 'clock-ambiguous'
  | 'rank-inferred';

export interface SkewReason {
  readonly code: SkewReasonCode;
  /** Our own words and numbers only. */
  readonly detail: string;
}

export interface RankSkew {
  readonly pattern: SkewPattern;
  /** Collectives seen on two ranks or more. */
  readonly collectives_matched: number;
  /** Of these, seen on every rank of their group that is in the capture. */
  readonly collectives_complete: number;
  readonly groups: number;
  /** From the first to the last matched collective, on the clock of the reference rank. */
  readonly span_us: number;
  /** Null below 5 % skew, and when no rank stays behind beyond what chance gives. */
  readonly slowest_rank: number | null;
  /** How much longer the slowest rank takes between collectives than the median of its peers; null when no rank has peers to measure by. */
  readonly skew_pct: number | null;
  /** Every rank at or above 5 %, slowest first: more than one when the load of a whole group is larger. */
  readonly slow_ranks: readonly number[];
  /** Share of all ranks' time spent waiting for a later rank. */
  readonly wait_pct: number;
  /** Largest minus smallest clock offset; null when the clocks could not be aligned. */
  readonly clock_spread_us: number | null;
  readonly clock_reference_rank: number;
  readonly per_rank: readonly RankSkewRow[];
}

/** `skew` is null when ranks cannot be compared; `reasons` then says why, and else what limits the comparison. */
export interface SkewResult {
  readonly skew: RankSkew | null;
  readonly reasons: readonly SkewReason[];
}

export interface SkewOptions {
  /** Indices into `Profile.devices`; all when left out. */
  readonly devices?: readonly number[];
}
