import { cell } from '../../contract/index.js';
import type { RankSkew, SkewResult, SlowSpell } from './types.js';

/** Columns of rank-skew-table.csv, in order. */
export const skewColumns = [
  'rank',
  'rank_source',
  'device',
  'host',
  'collectives',
  'compute_us',
  'own_us',
  'comm_wait_us',
  'late_us_p50',
  'peers',
  'skew_pct',
  'slow',
  'since_step',
  'clock_offset_us',
  'clock_drift_ppm',
  'clock_residual_us',
] as const;

export type SkewTableRow = Readonly<Record<(typeof skewColumns)[number], string | number | null>>;

/** One row per rank; `slow` is yes for ranks that stay behind, and `since_step` stands with the first of them. Host names are foreign text. */
export function skewRows(skew: RankSkew): SkewTableRow[] {
  return skew.per_rank.map((row) => ({
    ...row,
    slow: skew.slow_ranks.includes(row.rank) ? 'yes' : 'no',
    since_step: row.rank === skew.slow_ranks[0] ? (skew.spell?.since_step ?? null) : null,
  }));
}

const list = (ranks: readonly number[]): string => `${ranks.length === 1 ? 'Rank' : 'Ranks'} ${ranks.join(', ')}`;

const headlines: Readonly<Record<RankSkew['pattern'], (skew: RankSkew) => string>> = {
  'slow-rank': (s) => `${list(s.slow_ranks)} ${s.slow_ranks.length === 1 ? 'stays' : 'stay'} behind: ${s.skew_pct ?? '?'} % more time between collectives than the median of the peers; the others wait.`,
  'slow-group': (s) => `${list(s.slow_ranks)}, all of one communication group, stay behind the other groups by ${s.skew_pct ?? '?'} %: a slower host, a lower clock, or longer contexts; none is slower than the rest of its group.`,
  'uneven-load': (s) => `${list(s.slow_ranks)} ${s.slow_ranks.length === 1 ? 'has' : 'have'} more work in the same steps (${s.skew_pct ?? '?'} % more time): uneven load, not a slow rank.`,
  'slow-link': () => 'No rank is slow; a link is.',
  uneven: (s) => `Ranks wait for each other ${s.wait_pct} % of the time, but for no rank in particular: the work of a step varies from rank to rank.`,
  'clock-skew': (s) => `Only the clocks differ, by up to ${s.clock_spread_us} µs: waits read off the raw times of several ranks are wrong by as much.`,
  balanced: () => 'The ranks are balanced.',
};

const causes = {
  kernels: 'its kernels take longer at the same shapes',
  idle: 'it idles between kernels: its host launches late',
  work: 'it runs kernels its peers do not have, or larger ones',
} as const;

function when(spell: SlowSpell): string {
  const at = (step: number | null, us: number | null): string => `${step === null ? '' : `step ${step}, `}${us ?? '?'} µs`;
  const since = spell.since_us === 0 ? 'From the beginning' : `Since ${at(spell.since_step, spell.since_us)}`;
  const until = spell.until_us === null ? '' : ` until ${at(spell.until_step, spell.until_us)}`;
  const stage = spell.stage === null ? '' : `, only in ${spell.stage} steps`;
  const cause = spell.cause === null ? '' : `; ${causes[spell.cause]}`;
  return `${since}${until}${stage}${cause} (${spell.steps} ${spell.since_step === null ? 'intervals' : 'steps'} compared).`;
}

/** What the comparison says, a sentence a line, for a Markdown document. Operator and link names are foreign and go through `cell()`. */
export function skewNotes({ skew, reasons }: SkewResult): string[] {
  const limits = reasons.map((r) => `${r.code}: ${r.detail}.`);
  if (skew === null) return ['The ranks could not be compared.', ...limits];
  const notes = [headlines[skew.pattern](skew)];
  if (skew.spell !== null) notes.push(when(skew.spell));
  if (skew.slow_ops.length > 0)
    notes.push(`Slower op types: ${skew.slow_ops.slice(0, 5).map((o) => `${cell(o.op_type)} +${o.slower_pct} % (${o.excess_us} µs)`).join(', ')}.`);
  for (const l of skew.slow_links.slice(0, 5)) {
    const ends = l.src_rank === null || l.dst_rank === null ? `${l.src} and ${l.dst} of the group` : `ranks ${l.src_rank} and ${l.dst_rank}`;
    notes.push(`Slow link between ${ends} (${cell(l.link)}, ${cell(l.op)}, group ${cell(l.group)}): ${l.bandwidth_gbps} GB/s, its peers ${l.peers_gbps} GB/s.`);
  }
  if (skew.pattern !== 'clock-skew' && skew.clock_spread_us > 0) notes.push(`Clocks differ by up to ${skew.clock_spread_us} µs; lateness and waits are computed with the clocks aligned.`);
  return [...notes, ...limits];
}
