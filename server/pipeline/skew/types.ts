/**
 * What the ranks of one capture say about each other. Numbers are rounded to three decimals and ready for the artifact; null means
 * not known. Host, group and operator names are foreign text: they go through `cell()` before they are shown.
 */

/** Where the number of a rank comes from: the profile, its place in a communication group of all ranks, or the order of hosts and devices. */
export type RankSource = 'profile' | 'group' | 'order';

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
  /** Ranks it is compared with: of its group, at the same work. */
  readonly peers: number;
  /** Own time above the median of its peers, in percent of theirs: the median over steps. Null without peers. */
  readonly skew_pct: number | null;
  /** What its clock is ahead of the clock of the reference rank, at the middle of the capture; null when not aligned. */
  readonly clock_offset_us: number | null;
  /** How fast its clock runs away from the reference rank's; null when not aligned. */
  readonly clock_drift_ppm: number | null;
  /** Median distance of its collectives' ends from the ends of the others after alignment: how good the alignment is. */
  readonly clock_residual_us: number | null;
}

/**
 * `slow-rank`: one rank stays behind its peers; `slow-group`: all ranks of a communication group do, at the same work as far as can be seen (a
 * slower host, or longer contexts); `uneven-load`: some ranks have more work in the same steps; `slow-link`: transfers of one link are slower than those of its
 * peers; `uneven`: ranks wait for one another, but for no one in particular; `clock-skew`: only the clocks differ; `balanced`: none of these.
 * The first that holds, in this order. Ranks are skewed in the first three.
 */
export type SkewPattern = 'slow-rank' | 'slow-group' | 'uneven-load' | 'slow-link' | 'uneven' | 'clock-skew' | 'balanced';

/** Own-word codes of what hinders or limits the comparison. */
export type SkewReasonCode =
  | 'single-rank'
  | 'no-collectives'
  | 'not-matched'
  | 'rank-missing'
  | 'rank-unmatched'
  | 'separate-groups'
  | 'collectives-lost'
  | 'clock-ambiguous'
  | 'load-unknown'
  | 'links-unknown'
  | 'no-steps'
  | 'rank-inferred';

export interface SkewReason {
  readonly code: SkewReasonCode;
  /** Our own words and numbers only. */
  readonly detail: string;
}

/** What a step is for, by its tokens; a step of prefill chunks and decodes together is prefill. */
export type StepKind = 'prefill' | 'decode';

/** Part of the capture in which a rank is slower. Steps are indices into the steps of the clock reference rank. */
export interface SlowSpell {
  /** First slow step; null where no steps were found. 0 with `since_us` 0: from the beginning of what can be compared. */
  readonly since_step: number | null;
  /** Its beginning, from the first matched collective, on the reference rank's clock. */
  readonly since_us: number;
  /** First step after it; null when it lasts to the end, or where no steps were found. */
  readonly until_step: number | null;
  readonly until_us: number | null;
  /** Steps (or intervals) compared inside it. */
  readonly steps: number;
  /** The only kind of step in which the rank is slower; null: in all kinds, or the kinds are not known. */
  readonly stage: StepKind | null;
  /** Where the time beyond its peers' goes: kernels that take longer, idle time between kernels, or kernels its peers do not have. Null when not known. */
  readonly cause: 'kernels' | 'idle' | 'work' | null;
}

/** An op type in which the slow rank takes longer than its peers do for the same shapes, inside the spell. */
export interface SlowOp {
  /** Foreign text. */
  readonly op_type: string;
  readonly count: number;
  /** Time beyond that of its peers. */
  readonly excess_us: number;
  /** In percent of its peers' time for the same work. */
  readonly slower_pct: number;
  /** Share of all excess of kernels of the rank. */
  readonly share_pct: number;
}

/** A link that is slower than its peers of one kind and transfer size. Ranks as the group numbers them. */
export interface SlowLink {
  /** Foreign text, and the two below. */
  readonly group: string;
  readonly op: string;
  readonly link: string;
  readonly src: number;
  readonly dst: number;
  /** Ranks of the capture behind src and dst, where they are known. */
  readonly src_rank: number | null;
  readonly dst_rank: number | null;
  readonly transfers: number;
  readonly bandwidth_gbps: number;
  /** Median of the other links. */
  readonly peers_gbps: number;
  /** Time beyond what the peers' bandwidth gives, summed over its transfers in both directions. */
  readonly excess_us: number;
}

/** A communication group as the capture saw it. */
export interface GroupRow {
  /** Foreign text. */
  readonly group: string;
  /** Ranks it says it has; null when not known. */
  readonly size: number | null;
  readonly ranks: readonly number[];
  readonly collectives: number;
  /** Median over its collectives: end minus last arrival, clocks aligned; null when none was seen on all of its ranks. */
  readonly transfer_us_p50: number | null;
  /** Summed over ranks and collectives: last arrival minus own arrival. */
  readonly wait_us: number;
}

export interface RankSkew {
  readonly pattern: SkewPattern;
  /** Collectives seen on two ranks or more. */
  readonly collectives_matched: number;
  /** Of these, seen on every rank of their group that is in the capture. */
  readonly collectives_complete: number;
  /** From the first to the last matched collective, on the clock of the reference rank. */
  readonly span_us: number;
  /** Null below 5 % skew, when no rank stays behind beyond what chance gives, and when a group or the load is uneven, not a rank. */
  readonly slowest_rank: number | null;
  /** How much longer the slowest rank takes between collectives than the median of its peers, inside the spell; null when no rank has peers to measure by. */
  readonly skew_pct: number | null;
  /** Every rank that stays behind by 5 % or more, slowest first. With `slow-group` and `uneven-load`: the ranks concerned. */
  readonly slow_ranks: readonly number[];
  /** When, in which stage and why, of the first of `slow_ranks`; null without one. */
  readonly spell: SlowSpell | null;
  /** Most excess first; empty when kernels are not slower. */
  readonly slow_ops: readonly SlowOp[];
  /** Worst first. */
  readonly slow_links: readonly SlowLink[];
  /** Share of all ranks' time spent waiting for a later rank. */
  readonly wait_pct: number;
  /** Largest minus smallest clock offset, among ranks that could be aligned. */
  readonly clock_spread_us: number;
  readonly clock_reference_rank: number;
  readonly groups: readonly GroupRow[];
  readonly per_rank: readonly RankSkewRow[];
}

/** `skew` is null when ranks cannot be compared; `reasons` then says why, and else what limits the comparison. */
export interface SkewResult {
  readonly skew: RankSkew | null;
  readonly reasons: readonly SkewReason[];
}
