import { foreign, number, type Contribution, type Finding, type ProfileComparison } from '../../contract/index.js';
import { thresholds } from '../thresholds.js';

type Cause = Contribution['cause'];

const texts: Record<Cause, { title: string; action: string }> = {
  new: { title: 'An operator the baseline does not have', action: 'Find the change that brought it: a fusion that no longer matches, another backend, or added work.' },
  gone: { title: 'An operator only the baseline has', action: 'Check which operator took its place: the new one stands among the contributions.' },
  'per-call': { title: 'The same calls take another time', action: 'Look at its bound, blocks and clock in both kernel tables, and at the kernel version.' },
  calls: { title: 'An operator is called another number of times', action: 'Compare steps and batches first; at the same amount of work look for lost or gained fusion.' },
  shapes: { title: 'An operator runs with other shapes', action: 'Compare batch, sequence and parallel sizes of the two captures before anything else.' },
  'kernel-overlap': { title: 'Kernels run side by side to another degree', action: 'Compare the streams in the dispatch tables.' },
  'exposed-communication': { title: 'Communication that nothing hides changed', action: 'Compare wait and transit in both communication tables.' },
  memcpy: { title: 'Exposed copies changed', action: 'Compare where results are read back and inputs are copied.' },
  'event-wait': { title: 'Exposed waits for events changed', action: 'Compare how the streams wait for each other.' },
  aicpu: { title: 'Exposed AI CPU time changed', action: 'Compare the AI CPU rows of both kernel tables.' },
  idle: { title: 'Idle time changed', action: 'Compare the dispatch tables: launch latency, graph mode, host load.' },
  free: { title: 'Free time changed', action: 'Capture both with a time line to split it into copies, waits and idle.' },
};

/** What moved the span by a twentieth of the baseline or more, largest first, at most three. Shorter is information, longer a finding. */
export function compareFindings(comparison: ProfileComparison | null): Finding[] {
  if (comparison === null) return [];
  const differs = comparison.notes.some((n) => n.code === 'compare-steps' || n.code === 'compare-devices');
  const seen = comparison.contributions.filter((c) => Math.abs(c.share_pct ?? 0) >= thresholds.comparedSeen.value * 100);
  return seen.slice(0, 3).map((c) => ({
    id: `compared-${c.cause}`,
    ...texts[c.cause],
    severity: c.delta_us < 0 ? 'info' : (c.share_pct ?? 0) >= thresholds.comparedMedium.value * 100 ? 'medium' : 'low',
    value: c.delta_us,
    unit: 'us against the baseline',
    share_pct: c.share_pct,
    evidence: [{ path: comparison.baseline_sources[0] ?? '', where: 'comparison', detail: `${c.op === null ? 'window' : foreign(c.op, 60)}: ${c.baseline_count === null ? '' : `${c.baseline_count} calls, `}${number(c.baseline_us)} us before, ${c.candidate_count === null ? '' : `${c.candidate_count} calls, `}${number(c.candidate_us)} us now` }],
    confidence: differs ? 'low' : 'medium',
  }));
}
