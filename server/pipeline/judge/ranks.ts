import { cell, foreign, number, type Finding } from '../../contract/index.js';
import { round } from '../../profiles/derived/numbers.js';
import type { Analysis } from '../analyze/analyze.js';
import { thresholds } from '../thresholds.js';
import { thresholds as skewThresholds } from '../skew/thresholds.js';
import { skewNotes } from '../skew/tables.js';
import type { RankSkew } from '../skew/types.js';
import { sourceOf, taskFiles } from './sources.js';

const texts = {
  'slow-rank': { id: 'slow-rank', title: 'One rank is slower than its peers, which wait for it', action: 'Look at the host and card of this rank first: clock, power, temperature, other processes, CPU binding. The op types in which it is slower stand in the evidence.' },
  'slow-group': { id: 'slow-group', title: 'One communication group is slower than the others at the same work', action: 'Look at the host this group runs on, and at the context lengths its scheduler gave it.' },
  'uneven-load': { id: 'uneven-load', title: 'Some ranks have more work than their peers in the same steps', action: 'Balance requests (or experts) over the ranks: no rank is slow.' },
} as const;

function evidence(analysis: Analysis, skew: RankSkew): Finding['evidence'] {
  const path = sourceOf(analysis.profile, taskFiles);
  const notes = skewNotes(analysis.skew).slice(0, 3).map((detail) => ({ path, where: 'rank skew table', detail: foreign(detail, 300) }));
  const rows = skew.per_rank
    .filter((r) => skew.slow_ranks.includes(r.rank))
    .slice(0, 2)
    .map((r) => ({ path, where: `rank skew table, rank ${r.rank}, device ${r.device}`, detail: `compute ${cell(r.compute_us)} us, waits for others ${cell(r.comm_wait_us)} us, late by ${cell(r.late_us_p50)} us (median)` }));
  return [...notes, ...rows];
}

/** What ranks say about each other: a slow rank, group or link, uneven load, clocks that differ. */
export function rankFindings(analysis: Analysis): Finding[] {
  const { skew } = analysis.skew;
  if (skew === null) return [];
  const path = sourceOf(analysis.profile, taskFiles);
  const found: Finding[] = [];
  const sure = analysis.skew.reasons.length === 0 ? 'high' : 'medium';
  if ((skew.pattern === 'slow-rank' || skew.pattern === 'slow-group' || skew.pattern === 'uneven-load') && (skew.skew_pct ?? 0) >= thresholds.rankSkew.value) {
    found.push({
      ...texts[skew.pattern],
      severity: skew.wait_pct >= thresholds.bubbleSeen.value * 100 ? 'high' : 'medium',
      value: skew.pattern === 'slow-rank' ? skew.slowest_rank : skew.slow_ranks.join(', '),
      unit: skew.slow_ranks.length > 1 ? 'ranks' : 'rank',
      share_pct: round(skew.wait_pct),
      evidence: evidence(analysis, skew),
      confidence: sure,
    });
  }
  const [link] = skew.slow_links;
  if (link !== undefined) {
    found.push({
      id: 'slow-link',
      title: 'One link between chips is slower than its peers',
      severity: 'medium',
      value: round(link.bandwidth_gbps),
      unit: 'GB/s',
      share_pct: null,
      evidence: skew.slow_links.slice(0, 3).map((l) => ({ path, where: `transfers of collectives, ${l.src_rank === null || l.dst_rank === null ? `${l.src} to ${l.dst} as the group counts` : `rank ${l.src_rank} to ${l.dst_rank}`}`, detail: `${foreign(l.link, 20)}, ${foreign(l.op, 40)}: ${number(l.bandwidth_gbps)} GB/s, its peers ${number(l.peers_gbps)} GB/s over ${l.transfers} transfers` })),
      confidence: 'medium',
      action: 'Check the link between these two chips (topology, errors, retraining) and run the collective test on it alone.',
    });
  }
  if (skew.clock_spread_us >= skewThresholds.clockSpread.value) {
    found.push({
      id: 'clock-skew',
      title: 'The clocks of the ranks differ: raw times of several ranks must not be compared',
      severity: 'info',
      value: skew.clock_spread_us,
      unit: 'us',
      share_pct: null,
      evidence: skew.per_rank.filter((r) => r.clock_offset_us !== null).slice(0, 3).map((r) => ({ path, where: `rank skew table, rank ${r.rank}`, detail: `clock ahead by ${number(r.clock_offset_us ?? 0)} us of rank ${skew.clock_reference_rank}; its collectives' ends then agree to ${cell(r.clock_residual_us)} us` })),
      confidence: sure,
      action: 'Nothing to mend for serving; compare ranks only as here, with clocks aligned by collective ends, and synchronise the hosts before the next capture.',
    });
  }
  return found;
}
