import { chance, foreign, number, type ComparisonMetric, type ComparisonReport } from '../contract/index.js';
import type { Evidence } from './gather.js';
import type { Words } from './words.js';

export type Tone = 'good' | 'bad' | 'warn' | 'plain';

/** What one artifact says: its verdict and one line with the number that matters. */
export interface Answer {
  /** The answer of highest rank is the run's: later kinds answer more of the question a run asks. */
  readonly rank: number;
  readonly area: string;
  readonly verdict: string;
  readonly tone: Tone;
  readonly text: string;
  readonly path: string;
}

const n = (value: number | null | undefined, digits = 1): string => (value === null || value === undefined ? '–' : number(Number(value.toFixed(digits))));
/** A change in percent, always with its sign. */
export const signed = (value: number | null): string => (value === null ? '–' : `${value > 0 ? '+' : value < 0 ? '−' : ''}${n(Math.abs(value), 2)} %`);

/** The row the verdict rests on; the first row when none is marked. */
export function primaryRow(report: ComparisonReport): ComparisonMetric | null {
  return report.metrics.find((m) => m.primary) ?? report.metrics[0] ?? null;
}

/** "−12.3 % [−13.1 %, −11.2 %]"; a bound that is missing shows as –. */
export function change(row: ComparisonMetric): string {
  return `${signed(row.delta_pct)} [${signed(row.ci_low_pct)}, ${signed(row.ci_high_pct)}]`;
}

const tones: Readonly<Record<string, Tone>> = {
  supported: 'good', equivalent: 'plain', refuted: 'bad', inadmissible: 'bad', inconclusive: 'warn',
  'no-regression': 'good', improvement: 'good', regression: 'bad', clean: 'good', contaminated: 'bad', unavailable: 'warn', broken: 'bad',
  pass: 'good', risk: 'warn', fail: 'bad', diagnosed: 'bad', suspected: 'warn', findings: 'warn', failed: 'bad', lost: 'bad',
};
const tone = (verdict: string): Tone => tones[verdict] ?? 'plain';

function comparisons(e: Evidence, w: Words): Answer[] {
  return e.of('comparison-report').map(({ path, value }) => {
    const row = primaryRow(value);
    const codes = [...new Set(value.reasons.filter((r) => r.severity === 'blocker').map((r) => r.code))];
    const starts = row === null ? '' : `; n ${row.n_baseline} + ${row.n_candidate}; p ${chance(row.p_value)}`;
    const text = `${value.claim.metric} ${value.claim.direction}: ${row === null ? '–' : `${foreign(row.load, 60)}: ${change(row)}${starts}`}${codes.length === 0 ? '' : `; ${codes.join(', ')}`}`;
    return { rank: 8, area: w.comparison, verdict: `${value.verdict} (${value.grade})`, tone: tone(value.verdict), text, path };
  });
}

function accuracy(e: Evidence, w: Words): Answer[] {
  const scores = e.of('accuracy-score').map(({ path, value }): Answer => ({
    rank: 5, area: w.accuracy, verdict: value.verdict, tone: tone(value.verdict), path,
    text: `${value.level} (${value.scope}): ${n(value.score_pct, 2)} % [${n(value.low_pct, 2)}, ${n(value.high_pct, 2)}], n ${value.items}; ${w.failedCases} ${value.failed_cases}`,
  }));
  const compared = e.of('accuracy-comparison').map(({ path, value }): Answer => ({
    // Speed that costs accuracy is no gain: a regression goes before the comparison of performance.
    rank: value.verdict === 'regression' ? 9 : 7, area: w.accuracy, verdict: value.verdict, tone: tone(value.verdict), path,
    text: `${signed(value.delta_pct)}${value.ci === null ? '' : ` [${signed(value.ci.low_pct)}, ${signed(value.ci.high_pct)}]`}, n ${value.n}; ${value.cause}`,
  }));
  return [...scores, ...compared];
}

function profiles(e: Evidence, w: Words): Answer[] {
  const found = e.of('profiling-analysis').map(({ path, value }): Answer => {
    const x = value.window;
    const of = x === null ? '–' : `${w.device} ${x.device}, ${n(x.span_us / 1000, 3)} ms: ${w.computing} ${n(x.computing_us / 1000, 3)} ms, ${w.exposed} ${n(x.communication_not_overlapped_us / 1000, 3)} ms, ${w.free} ${n(x.free_us / 1000, 3)} ms`;
    return { rank: 3, area: w.profile, verdict: value.bottleneck.class, tone: tone(value.bottleneck.class), text: `${of} (${w.confidence} ${value.bottleneck.confidence})`, path };
  });
  const pipelines = e.of('pipeline-analysis').map(({ path, value }): Answer => {
    const skew = value.rank_skew;
    const steps = `${value.steps.count} steps, p50 ${n(value.steps.period_us === null ? null : value.steps.period_us.p50 / 1000, 2)} ms, ${w.bubble} p50 ${n(value.steps.bubble_us === null ? null : value.steps.bubble_us.p50 / 1000, 2)} ms`;
    return { rank: 4, area: w.pipeline, verdict: value.verdict.class, tone: tone(value.verdict.class), text: `${steps}${skew === null ? '' : `; ${skew.pattern}, ${w.rank} ${skew.slowest_rank ?? '–'}, ${n(skew.skew_pct)} %`}`, path };
  });
  return [...found, ...pipelines];
}

/** One answer for all points: the load of highest output throughput. */
function benchmarks(e: Evidence, w: Words): Answer[] {
  const points = e.of('perf-metrics').flatMap(({ path, value }) => value.points.map((p) => ({ path, p })));
  const [first] = points;
  if (first === undefined) return [];
  const { path, p } = points.reduce((best, x) => ((x.p.output_tps ?? -1) > (best.p.output_tps ?? -1) ? x : best), first);
  const failed = points.reduce((sum, x) => sum + (x.p.failed ?? 0), 0);
  const text = `${w.points(points.length)}; ${foreign(p.id, 60)}: ${n(p.output_tps)} tok/s, TTFT p50 ${n(p.ttft_ms.p50, 2)} ms, p99 ${n(p.ttft_ms.p99, 2)} ms, TPOT ${n(p.tpot_ms.mean, 3)} ms`;
  return [{ rank: 2, area: w.benchmark, verdict: failed > 0 ? `${failed} failed requests` : 'measured', tone: failed > 0 ? 'bad' : 'plain', path, text }];
}

function plans(e: Evidence, w: Words): Answer[] {
  const capacity = e.of('capacity-plan').map(({ path, value }): Answer => ({
    rank: 1, area: w.capacity, verdict: value.verdict, tone: tone(value.verdict), path,
    text: `limit ${value.limit}; max_concurrency ${n(value.max_concurrency, 0)}; token_capacity ${n(value.per_rank.token_capacity, 0)}`,
  }));
  const compute = e.of('compute-estimate').map(({ path, value }): Answer => ({
    rank: 1, area: w.compute, verdict: value.verdict, tone: tone(value.verdict), path,
    text: `${value.point.phase}, batch ${value.point.batch}: ≥ ${n(value.time_lower_bound_us)} us, ≤ ${n(value.tokens_per_s_upper_bound)} tok/s${value.mfu_pct === null && value.mbu_pct === null ? '' : `; MFU ${n(value.mfu_pct)} %, MBU ${n(value.mbu_pct)} %`}`,
  }));
  return [...capacity, ...compute];
}

function troubles(e: Evidence, w: Words): Answer[] {
  const incidents = e.of('incident-report').map(({ path, value }): Answer => ({
    rank: 6, area: w.incident, verdict: value.verdict, tone: tone(value.verdict), path,
    text: value.primary === null ? '–' : `${foreign(value.primary.id, 60)}: ${value.primary.class}, ${value.primary.layer}; ${w.rank} ${value.primary.origin.rank ?? '–'}`,
  }));
  const reviews = e.of('review-report').map(({ path, value }): Answer => ({
    rank: 1, area: w.review, verdict: value.verdict, tone: value.counts.high > 0 ? 'bad' : tone(value.verdict), path,
    text: `high ${value.counts.high}, medium ${value.counts.medium}, low ${value.counts.low}; ${value.rules} rules`,
  }));
  const services = e.of('service-record').map(({ path, value }): Answer => ({
    rank: value.incident === null ? 0 : 5, area: w.service, verdict: value.outcome, tone: value.incident === null ? tone(value.outcome) : 'bad', path,
    text: `${value.framework}, ${w.device} ${value.devices.join(', ')}${value.profiling_mode ? ', PROFILING_MODE' : ''}${value.incident === null ? '' : `; ${foreign(value.incident.class, 60)}, ${w.rank} ${value.incident.rank ?? '–'}`}`,
  }));
  const environments = e.of('env-snapshot').map(({ path, value }): Answer => ({
    rank: 0, area: w.environment, verdict: value.verdict, tone: tone(value.verdict), path,
    text: `${value.phase ?? '–'}: ${value.chips.length} chips on ${foreign(value.host ?? '–', 60)}; CANN ${foreign(value.cann_version ?? '–', 40)}${value.reasons.length === 0 ? '' : `; ${value.reasons.slice(0, 5).map((r) => r.code).join(', ')}`}`,
  }));
  const loops = e.of('loop-state').map(({ path, value }): Answer => ({
    rank: 0, area: w.loop, verdict: value.stop_reason ?? value.phase, tone: value.stop_reason === 'target-met' ? 'good' : 'plain', path,
    text: `${value.attempts.length} attempts; gap_pct ${n(value.gap_pct, 2)}`,
  }));
  return [...incidents, ...reviews, ...services, ...environments, ...loops];
}

/** Every artifact's answer, that of highest rank first; equals in the order of the ledger, newest first. */
export function answers(e: Evidence, w: Words): Answer[] {
  const all = [...troubles(e, w), ...plans(e, w), ...benchmarks(e, w), ...profiles(e, w), ...accuracy(e, w), ...comparisons(e, w)].reverse();
  return all.sort((a, b) => b.rank - a.rank);
}
