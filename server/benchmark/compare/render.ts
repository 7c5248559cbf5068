import { cell, number, table } from '../../contract/index.js';
import type { ReportBody } from './report.js';

const signed = (value: number | null): string => (value === null ? 'no bound' : `${value > 0 ? '+' : ''}${value.toFixed(2)} %`);

/** The change of the claim's metric, with its interval, in one phrase of our own words. */
function change(r: ReportBody): string {
  const row = r.metrics.find((m) => m.primary && m.delta_pct !== null);
  if (row === undefined) return `${r.claim.metric} was not measured on both sides`;
  const interval = row.method === null ? 'no interval' : `${number(r.claim.confidence * 100)} % interval ${signed(row.ci_low_pct)} to ${signed(row.ci_high_pct)}`;
  return `${row.metric} ${signed(row.delta_pct)} (${interval}, ${row.n_baseline} + ${row.n_candidate} service starts)`;
}

/** One sentence with the number that matters. */
export function headline(r: ReportBody): string {
  const blockers = r.reasons.filter((x) => x.severity === 'blocker').map((x) => x.code);
  const cautions = r.reasons.filter((x) => x.severity === 'caution').map((x) => x.code);
  if (r.verdict === 'inadmissible') return `inadmissible for ${blockers.length} reasons (${blockers.slice(0, 6).join(', ')}${blockers.length > 6 ? ' …' : ''}); as measured ${change(r)}`;
  return `${r.claim.direction} of ${r.claim.metric} ${r.verdict}, grade ${r.grade}: ${change(r)}${cautions.length === 0 ? '' : `; cautions ${cautions.join(', ')}`}`;
}

const short = (v: number | null): string => (v === null ? '–' : number(v));

/** The comparison for a pull request. */
export function comparisonTable(r: ReportBody): string {
  const lines = [
    '# Comparison',
    '',
    `**${r.verdict}** (grade ${r.grade}): ${headline(r)}`,
    '',
    `Claim: ${r.claim.direction} of \`${r.claim.metric}\`${r.claim.threshold_pct === null ? '' : `, threshold ${r.claim.threshold_pct} %`}, equivalence ±${r.claim.equivalence_pct} %, confidence ${r.claim.confidence}. One value per service start; interval of the ratio of the means.`,
    '',
    table(
      ['metric', 'load', 'baseline', 'candidate', 'change', 'interval', 'p', 'p (Holm)', 'n', 'detectable', 'verdict'],
      r.metrics.map((m) => [m.metric, m.load, short(m.baseline), short(m.candidate), m.delta_pct === null ? '–' : signed(m.delta_pct), m.method === null ? '–' : `${signed(m.ci_low_pct)} to ${signed(m.ci_high_pct)}`, m.p_value === null ? '–' : m.p_value.toPrecision(2), m.p_holm === null ? '–' : m.p_holm.toPrecision(2), `${m.n_baseline} + ${m.n_candidate}`, m.mde_pct === null ? '–' : `${m.mde_pct.toFixed(2)} %`, m.verdict]),
    ),
    '',
    '## Reasons',
    '',
    r.reasons.length === 0 ? 'None: the gate found nothing against it.' : table(['code', 'severity', 'baseline', 'candidate', 'meaning'], r.reasons.map((x) => [x.code, x.severity, x.baseline, x.candidate, x.detail])),
    '',
    '## What differs',
    '',
    r.differences.length === 0 ? 'Nothing that the manifests show.' : table(['field', 'baseline', 'candidate'], r.differences.map((d) => [d.field, d.baseline, d.candidate])),
    '',
    '## Ranking',
    '',
    table(['rank', 'side', 'load', 'service level met', 'requests/s', 'output tokens/s', 'p50 TTFT ms', 'p50 TPOT ms'], r.ranking.map((x) => [x.rank, x.side, x.load, x.sla_met, short(x.request_tps), short(x.output_tps), short(x.ttft_p50_ms), short(x.tpot_p50_ms)])),
  ];
  if (r.plan !== null) {
    lines.push('', '## Service starts needed', '', `Spread ${short(r.plan.noise_cv_pct)} % (${cell(r.plan.noise_from)}), power ${r.plan.power}.`, '', table(['change', 'starts per side'], r.plan.effects.map((e) => [`${e.effect_pct} %${e.wished ? ' (wished)' : ''}`, e.starts_per_side === null ? 'more than 200' : String(e.starts_per_side)])));
  }
  lines.push('', '## Service starts', '', table(['side', 'input', 'commit', 'started', 'first request', 'passes'], r.inputs.map((i) => [i.side, i.label, i.commit, i.service_started_at, i.first_request_at, i.passes])));
  if (r.notes.length > 0) lines.push('', ...r.notes.map((n) => `- ${n.code}: ${cell(n.detail, 300)}`));
  return `${lines.join('\n')}\n`;
}
