import { cell, chance, fenced, number, table } from '../../contract/index.js';
import type { ComparisonBody } from './body.js';

const signed = (value: number | null): string => (value === null ? 'unknown' : `${value > 0 ? '+' : ''}${number(value)}`);

const reasons: Readonly<Record<ComparisonBody['cause'], string>> = {
  none: '',
  quality: '',
  truncation: 'the drop is one of answers that were cut off',
  'prompts-differ': 'the two sides have other prompts under the same ids',
  'settings-differ': 'the two sides were evaluated with other settings',
  'items-lost': 'samples of the candidate failed and fell out of its score',
  'too-few-items': 'the items can not tell',
};

/** One sentence with the number that matters. */
export function headline(b: ComparisonBody): string {
  if (b.n === 0) return 'no item is scored on both sides: nothing can be compared';
  const drop = `${signed(b.delta_pct)} points over ${b.n} items (95 % ${signed(b.ci?.low_pct ?? null)} to ${signed(b.ci?.high_pct ?? null)})`;
  if (b.verdict === 'no-regression') return `no regression beyond ${number(b.margin_pct)} point${b.margin_pct === 1 ? '' : 's'}: ${drop}`;
  if (b.verdict === 'regression') return `regression: ${drop}, ${b.baseline_only} items lost and ${b.candidate_only} won, p ${chance(b.p_value)}`;
  if (b.verdict === 'improvement') return `improvement: ${drop}, p ${chance(b.p_value)}`;
  return `inconclusive, ${reasons[b.cause]}: ${drop}; the smallest drop this many can show is ${number(b.min_detectable_drop_pct ?? 100)} points`;
}

/** comparison.md: the tables, then the lost items with both outputs. */
export function page(b: ComparisonBody): string {
  const lost = b.regressions.slice(0, 40).map((r) => [`### ${cell(r.id)} · ${r.cause}`, '', `Target: ${cell(r.target, 300)}`, '', fenced(r.baseline.text ?? '(no text)', `baseline, score ${r.baseline.score ?? 'none'}, ended by ${r.baseline.finish_reason ?? 'unknown'}`, 1200), '', fenced(r.candidate.text ?? '(no text)', `candidate, score ${r.candidate.score ?? 'none'}, ended by ${r.candidate.finish_reason ?? 'unknown'}`, 1200), ''].join('\n'));
  return [
    `# Accuracy comparison: ${b.verdict}`,
    '',
    headline(b),
    '',
    table(['', 'baseline', 'candidate'], [
      ['score %', b.scores.baseline.score_pct, b.scores.candidate.score_pct],
      ['Wilson 95 %', ...[b.scores.baseline, b.scores.candidate].map((s) => (s.low_pct === null || s.high_pct === null ? null : `${number(s.low_pct)} to ${number(s.high_pct)}`))],
      ...b.endings.map((e) => [e.what, e.baseline, e.candidate]),
    ]),
    '',
    `Both right ${b.both_right}, baseline better ${b.baseline_only}, candidate better ${b.candidate_only}, both wrong ${b.both_wrong}; exact McNemar p ${chance(b.p_value)}.`,
    '',
    '## Subsets',
    '',
    table(['dataset', 'subset', 'n', 'lost', 'won', 'delta', 'low', 'high', 'Holm p', 'smallest drop shown'], b.subsets.map((s) => [s.dataset, s.subset, s.n, s.baseline_only, s.candidate_only, s.delta_pct, s.low_pct, s.high_pct, s.p_adjusted, s.min_detectable_drop_pct])),
    '',
    ...(b.detectors.length === 0 ? [] : ['## Answers the detectors point at', '', table(['detector', 'baseline', 'candidate'], b.detectors.map((d) => [d.detector, d.baseline, d.candidate])), '']),
    ...(b.differences.length === 0 ? [] : ['## Settings that differ', '', table(['setting', 'baseline', 'candidate'], b.differences.map((d) => [d.field, d.baseline, d.candidate])), '']),
    ...(b.notes.length === 0 ? [] : ['## Notes', '', ...b.notes.map((n) => `- ${n.code}: ${cell(n.detail, 300)}`), '']),
    ...(lost.length === 0 ? [] : [`## Items the baseline scored higher on (${b.baseline_only}, ${lost.length} shown)`, '', ...lost]),
  ].join('\n');
}
