import type { RunManifest } from '../../contract/index.js';
import type { Evidence } from './evidence.js';
import { targetMetric } from './gates.js';
import type { LoopState } from './state.js';
import { thresholds } from './thresholds.js';

export interface Stop {
  readonly reason: NonNullable<LoopState['stop_reason']>;
  readonly detail: string;
}

/** Changes of the target metric as bench_compare computed them, oldest first; inadmissible and undecided ones are left out. */
function deltas(state: LoopState, manifest: RunManifest, evidence: Evidence): { readonly delta: number; readonly verdict: string; readonly equivalence: number; readonly starts: number; readonly reached: boolean }[] {
  const metric = targetMetric(manifest);
  const wished = manifest.identity.target_change_pct ?? null;
  return evidence.comparisons
    .filter((c) => c.value.created_at >= state.created_at && c.value.claim.metric === metric && !['inadmissible', 'inconclusive'].includes(c.value.verdict))
    .flatMap((c) => {
      const row = c.value.metrics.find((m) => m.primary && m.delta_pct !== null);
      if (row?.delta_pct === null || row === undefined) return [];
      const delta = row.delta_pct;
      const reached = c.value.verdict === 'supported' && (wished === null ? c.value.claim.threshold_pct !== null : wished < 0 ? delta <= wished : delta >= wished);
      return [{ delta, verdict: c.value.verdict, equivalence: c.value.claim.equivalence_pct, starts: Math.min(row.n_baseline, row.n_candidate), reached }];
    });
}

/** Percentage points of the wished change still missing after the best comparison; null before one, or without a wished change. */
export function gapPct(state: LoopState, manifest: RunManifest, evidence: Evidence): number | null {
  const wished = manifest.identity.target_change_pct ?? null;
  const all = deltas(state, manifest, evidence).map((d) => d.delta);
  if (wished === null || all.length === 0) return null;
  const missing = wished < 0 ? Math.min(...all) - wished : wished - Math.max(...all);
  return Number(Math.max(0, missing).toFixed(3));
}

/** Whether the loop has reached an end. Pure; the first that holds, in this order. */
export function stopOf(state: LoopState, manifest: RunManifest, evidence: Evidence): Stop | null {
  const all = deltas(state, manifest, evidence);
  const met = all.find((d) => d.reached);
  if (met !== undefined) return { reason: 'target-met', detail: `bench_compare supports ${String(met.delta)} % on the target metric` };
  const estimate = evidence.estimates.findLast((e) => e.value.measured?.step_us != null && e.value.time_lower_bound_us !== null);
  const measured = estimate?.value.measured?.step_us ?? null;
  const bound = estimate?.value.time_lower_bound_us ?? null;
  if (measured !== null && bound !== null && bound > 0 && (measured / bound - 1) * 100 <= thresholds.nearBound.value) {
    return { reason: 'hardware-bound', detail: `a step takes ${measured.toFixed(1)} us, its lower bound is ${bound.toFixed(1)} us` };
  }
  const ties = all.slice(-thresholds.tieRuns.value);
  if (ties.length === thresholds.tieRuns.value && ties.every((t) => t.verdict === 'equivalent' && t.equivalence <= thresholds.tie.value)) {
    return { reason: 'tie', detail: `${String(ties.length)} comparisons in a row lie within ${String(thresholds.tie.value)} %` };
  }
  const closed = state.attempts.filter((a) => a.closed_at !== null).slice(-thresholds.noGain.value);
  if (closed.length === thresholds.noGain.value && closed.every((a) => a.outcome !== 'gain')) return { reason: 'no-gain', detail: `${String(closed.length)} attempts in a row without gain` };
  return null;
}

/** Outcome of an attempt by the comparison that is younger than it; null: nothing decides it, so it is as stated. */
export function measuredOutcome(state: LoopState, manifest: RunManifest, evidence: Evidence, openedAt: string): { readonly outcome: 'gain' | 'no-gain' | 'regression'; readonly delta_pct: number } | null {
  const wished = manifest.identity.target_change_pct ?? null;
  const last = deltas({ ...state, created_at: openedAt }, manifest, evidence).at(-1);
  if (last === undefined) return null;
  const better = wished === null ? last.verdict === 'supported' : wished < 0 ? last.delta < 0 : last.delta > 0;
  return { outcome: last.verdict === 'equivalent' ? 'no-gain' : better ? (last.verdict === 'supported' || last.verdict === 'refuted' ? 'gain' : 'no-gain') : 'regression', delta_pct: last.delta };
}
