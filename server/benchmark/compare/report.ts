import type { ComparisonClaim, ComparisonReport } from '../../contract/index.js';
import { thresholds } from '../thresholds.js';
import { cautionsOf } from './cautions.js';
import { differencesOf } from './differences.js';
import { sideNames, type EarlierReport, type Evidence, type SideName } from './evidence.js';
import { blockersOf, Reasons } from './gate.js';
import { defaultMetrics, fallbackMetric, metrics } from './metrics.js';
import { orderOf } from './order.js';
import { sidesOf, type Sides } from './sides.js';
import { planOf, ranking, rowsOf } from './statistics.js';
import { claimVerdict, gradeOf } from './verdict.js';

/** What was asked; null where nothing was. */
export interface Question {
  readonly metric: string | null;
  readonly direction: ComparisonClaim['direction'] | null;
  readonly threshold_pct: number | null;
  readonly equivalence_pct: number;
  readonly sla_ttft_p99_ms: number | null;
  readonly sla_tpot_p99_ms: number | null;
  readonly confidence: number;
}

export type ReportBody = Omit<ComparisonReport, 'schema' | 'schema_version' | 'producer' | 'created_at' | 'simulated' | 'source'>;

function targetOf(evidence: Evidence): { metric: string; changePct: number | null } | null {
  const targets = evidence.roots.map((r) => r.manifest?.identity.target_metric ?? null);
  const [metric] = targets;
  if (metric === null || metric === undefined || new Set(targets).size !== 1 || !metrics.has(metric)) return null;
  const changes = new Set(evidence.roots.map((r) => r.manifest?.identity.target_change_pct ?? null));
  return { metric, changePct: changes.size === 1 ? ([...changes][0] ?? null) : null };
}

/** The claim in full, from what was asked, the manifests' target, and defaults. */
export function claimOf(evidence: Evidence, q: Question): { claim: ComparisonClaim; wishedPct: number | null } {
  const target = targetOf(evidence);
  const metric = q.metric ?? target?.metric ?? fallbackMetric;
  const aimed = target !== null && target.metric === metric && target.changePct !== null && target.changePct !== 0 ? target.changePct : null;
  const good = metrics.get(metric)?.better === 'higher' ? 'increase' : 'decrease';
  const direction = q.direction ?? (aimed === null ? good : aimed < 0 ? 'decrease' : 'increase');
  const threshold = q.threshold_pct === null ? (direction === 'no-regression' ? thresholds.noRegressionPct.value : null) : Math.abs(q.threshold_pct);
  const origin = q.metric !== null ? 'asked' : target !== null ? 'manifest' : 'default';
  return { claim: { metric, direction, threshold_pct: threshold, equivalence_pct: q.equivalence_pct, confidence: q.confidence, origin }, wishedPct: q.threshold_pct ?? aimed };
}

/** What a claim is about besides its numbers: the builds of both sides and the loads. */
export function subjectOf(report: Pick<ReportBody, 'inputs' | 'metrics'>): string {
  const commits = (side: SideName): string => [...new Set(report.inputs.filter((i) => i.side === side).map((i) => i.commit ?? ''))].sort().join(',');
  return `${commits('baseline')}|${commits('candidate')}|${[...new Set(report.metrics.filter((m) => m.primary).map((m) => m.load))].sort().join(',')}`;
}

export function claimKey(claim: ComparisonClaim): string {
  return JSON.stringify([claim.metric, claim.direction, claim.threshold_pct, claim.equivalence_pct]);
}

function inputs(sides: Sides): ReportBody['inputs'] {
  return sideNames.flatMap((side) =>
    sides[side].starts.map((s) => ({
      side,
      label: [...new Set(s.passes.map((p) => p.root.label))].join(', '),
      run: s.passes[0]?.root.run ?? null,
      commit: s.passes[0]?.root.manifest?.code.commit ?? null,
      service_started_at: s.startedAt,
      first_request_at: s.firstAt,
      passes: s.passes.length,
      metrics: [...new Map(s.passes.map((p) => [p.file.sha256 ?? p.file.path, { path: p.file.path, sha256: p.file.sha256 ?? '0'.repeat(64) }])).values()],
    })),
  );
}

/** The earlier formal report that this one confirms: same claim and builds, other and later service starts, same verdict. */
function confirmed(earlier: readonly EarlierReport[], verdict: string, claim: ComparisonClaim, body: Pick<ReportBody, 'inputs' | 'metrics'>): EarlierReport | null {
  const subject = subjectOf(body);
  const mine = new Set(body.inputs.flatMap((i) => i.metrics.map((m) => m.sha256)));
  const times = body.inputs.map((i) => i.first_request_at);
  return (
    earlier.find(
      (e) =>
        (e.grade === 'formal' || e.grade === 'reproduced') &&
        e.verdict === verdict &&
        e.claim === claimKey(claim) &&
        e.subject === subject &&
        !e.metrics.some((m) => mine.has(m)) &&
        e.last_request_at !== null &&
        times.every((t) => t !== null && Date.parse(t) > Date.parse(e.last_request_at ?? '')),
    ) ?? null
  );
}

/** The whole comparison: gate, statistics, verdict, grade. Pure. */
export function compare(evidence: Evidence, q: Question): ReportBody {
  const sides = sidesOf(evidence);
  const order = orderOf(sides);
  const { claim, wishedPct } = claimOf(evidence, q);
  const asksSla = q.sla_ttft_p99_ms !== null || q.sla_tpot_p99_ms !== null;
  const reasons = new Reasons();
  blockersOf(sides, reasons);
  cautionsOf(sides, order, claim.metric.endsWith('.p99') || asksSla, reasons);
  const found = reasons.list();
  const inadmissible = found.some((r) => r.severity === 'blocker');
  const paths = [...defaultMetrics, ...(q.sla_ttft_p99_ms === null ? [] : ['ttft_ms.p99']), ...(q.sla_tpot_p99_ms === null ? [] : ['tpot_ms.p99'])];
  const rows = rowsOf(sides, order, claim.metric, paths, { direction: claim.direction, thresholdPct: claim.threshold_pct, equivalencePct: claim.equivalence_pct }, q.confidence);
  const primary = rows.filter((r) => r.metric.primary);
  const verdict = inadmissible ? 'inadmissible' : claimVerdict(primary.map((r) => ({ verdict: r.metric.verdict, strict: r.strict })));
  const metricsBody = rows.map((r) => r.metric);
  const listed = inputs(sides);
  const decided = verdict === 'supported' || verdict === 'refuted' || verdict === 'equivalent';
  const confirms = decided ? confirmed(evidence.earlier, verdict, claim, { inputs: listed, metrics: metricsBody }) : null;
  const grade = gradeOf({
    inadmissible,
    codes: new Set(found.map((r) => r.code)),
    cautions: found.filter((r) => r.severity === 'caution').length,
    starts: sideNames.map((s) => sides[s].starts.length),
    // The probe is for smoke, whatever the run was opened for.
    levels: evidence.roots.map((r) => (r.metrics.some((m) => m.artifact.points.some((p) => p.client.name === 'probe')) ? 'smoke' : (r.manifest?.identity.level ?? null))),
    confirms: confirms !== null,
  });
  const differences = differencesOf(sides);
  const notes: ReportBody['notes'] = [];
  if (primary.every((r) => r.metric.n_baseline === 0 || r.metric.n_candidate === 0)) notes.push({ code: 'W-METRIC-MISSING', detail: `a side has no value of ${claim.metric}` });
  if (evidence.roots.some((r) => r.manifest?.identity.level !== 'formal')) notes.push({ code: 'W-LEVEL', detail: 'not every run was opened at level formal: at most indicative' });
  if (sideNames.some((s) => sides[s].passes.some((p) => (p.point.graph_captures ?? null) === null))) notes.push({ code: 'W-GRAPH-UNCHECKED', detail: 'whether graphs were captured inside a window was not looked for in every run' });
  if (differences.length === 0) notes.push({ code: 'W-SAME', detail: 'the manifests show no difference between the sides: this measures noise (A/A)' });
  if (primary.some((r) => r.metric.cv_baseline_pct === 0 && r.metric.cv_candidate_pct === 0)) notes.push({ code: 'W-NO-SPREAD', detail: 'every service start gave the same number; real measurements do not' });
  return {
    verdict,
    grade,
    claim,
    reasons: found,
    metrics: metricsBody,
    inputs: listed,
    order: order.facts,
    ranking: ranking(sides, { ttftP99Ms: q.sla_ttft_p99_ms, tpotP99Ms: q.sla_tpot_p99_ms }),
    plan: planOf(metricsBody[0], wishedPct, q.confidence, evidence.noise.find((n) => n.metric === metricsBody[0]?.metric) ?? null),
    differences,
    confirms: confirms?.path ?? null,
    notes,
  };
}
