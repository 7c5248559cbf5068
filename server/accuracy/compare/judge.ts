import { foreign, type AccuracyCauses, type AccuracyDifference, type AccuracyEnding, type AccuracySideScore, type AccuracySubset, type Warning } from '../../contract/index.js';
import { byText, round, significant } from '../../profiles/derived/numbers.js';
import { holm } from '../../stats/multiple.js';
import { wilson } from '../../stats/proportions.js';
import { detectorNames } from '../detect/detectors.js';
import { scoreOf, type Side } from '../read/items.js';
import { limits, thresholds } from '../thresholds.js';
import { causeOf, endingsOf, look, type Looked } from './answers.js';
import type { ComparisonBody } from './body.js';
import { findingsOf } from './findings.js';
import { join, worstAnswer, type Join } from './join.js';
import { outcomeOf, paired, type Paired } from './statistics.js';

export interface SideInput {
  readonly side: 'baseline' | 'candidate';
  readonly path: string;
  readonly data: Side;
}

const points = (share: number): number => round(share * 100, 4);
const difference = (l: { readonly baselineScore: number; readonly candidateScore: number }): number => l.candidateScore - l.baselineScore;

function sideScore(scores: readonly number[]): AccuracySideScore {
  if (scores.length === 0) return { score_pct: null, low_pct: null, high_pct: null };
  const sum = scores.reduce((s, v) => s + v, 0);
  const interval = scores.every((s) => s === 0 || s === 1) ? wilson(sum, scores.length) : null;
  return { score_pct: points(sum / scores.length), low_pct: interval === null ? null : points(interval.low), high_pct: interval === null ? null : points(interval.high) };
}

function subsetsOf(looked: readonly Looked[]): AccuracySubset[] {
  const groups = new Map<string, Looked[]>();
  for (const l of looked) {
    const key = `${l.baseline.dataset}\n${l.baseline.subset}`;
    groups.set(key, [...(groups.get(key) ?? []), l]);
  }
  const rows = [...groups.values()].flatMap((group) => {
    const test = paired(group.map(difference));
    const first = group[0];
    return test === null || first === undefined ? [] : [{ group, test, dataset: first.baseline.dataset, subset: first.baseline.subset }];
  });
  const adjusted = holm(rows.map((r) => r.test.p));
  return rows
    .map(({ group, test, dataset, subset }, i) => ({
      dataset,
      subset,
      n: test.n,
      baseline_only: test.baselineOnly,
      candidate_only: test.candidateOnly,
      baseline_pct: points(group.reduce((s, l) => s + l.baselineScore, 0) / group.length),
      candidate_pct: points(group.reduce((s, l) => s + l.candidateScore, 0) / group.length),
      delta_pct: points(test.delta),
      low_pct: points(test.low),
      high_pct: points(test.high),
      p_value: significant(test.p),
      p_adjusted: round(adjusted[i] ?? 1, 6),
      min_detectable_drop_pct: points(test.minDetectableDrop),
    }))
    .sort((a, b) => a.delta_pct - b.delta_pct || byText(a.dataset, b.dataset) || byText(a.subset, b.subset));
}

function settingDifferences(baseline: Side, candidate: Side): AccuracyDifference[] {
  const names = [...new Set([...Object.keys(baseline.settings), ...Object.keys(candidate.settings)])].sort(byText);
  return names.flatMap((field) => {
    const [b, c] = [baseline.settings[field] ?? null, candidate.settings[field] ?? null];
    return b === c ? [] : [{ field, baseline: b?.slice(0, 200) ?? null, candidate: c?.slice(0, 200) ?? null }];
  });
}

/** Settings that make the items other questions, or their answers other answers. */
const binding = /(?:^|\.)(?:few_shot_num|prompt_template|few_shot_prompt_template|system_prompt|filters|evaluation_version|chat_template|generation_config\.(?:temperature|top_p|top_k|reasoning_effort|extra_body|stop_seqs|n)|temperature)$/;

function bound(differences: readonly AccuracyDifference[]): AccuracyDifference[] {
  // A setting only one side tells of is not known to differ.
  return differences.filter((d) => binding.test(d.field) && d.baseline !== null && d.candidate !== null);
}

/** True when the drop is one of answers that were cut off: more of them, in no loop, and no drop among the others. */
function onlyTruncation(looked: readonly Looked[], endings: readonly AccuracyEnding[], marginPct: number): boolean {
  const cut = endings.find((e) => e.what === 'truncated');
  if (cut === undefined || cut.baseline === null || cut.candidate === null || cut.candidate <= cut.baseline || (cut.p_value ?? 1) >= thresholds.significance.value) return false;
  const whole = looked.filter((l) => !isCut(l.candidate) && !isCut(l.baseline));
  const rest = paired(whole.map(difference));
  return rest === null || outcomeOf(rest, marginPct) !== 'regression';
}

function isCut(item: Looked['baseline']): boolean {
  return item.answers.some((a) => a.finish === 'length') && causeOf(item) !== 'looping';
}

interface Ruling {
  readonly verdict: ComparisonBody['verdict'];
  readonly cause: ComparisonBody['cause'];
}

function lostRight(joined: Join): number {
  return joined.baselineOnly.reduce((s, i) => s + (scoreOf(i) ?? 0), 0);
}

function rule(test: Paired | null, joined: Join, looked: readonly Looked[], endings: readonly AccuracyEnding[], differences: readonly AccuracyDifference[], marginPct: number): Ruling {
  if (joined.promptsDiffer > thresholds.changedPrompts.value * (joined.promptsDiffer + looked.length)) return { verdict: 'inconclusive', cause: 'prompts-differ' };
  if (test === null) return { verdict: 'inconclusive', cause: 'too-few-items' };
  if (bound(differences).length > 0) return { verdict: 'inconclusive', cause: 'settings-differ' };
  const outcome = outcomeOf(test, marginPct);
  if (outcome === 'regression') return onlyTruncation(looked, endings, marginPct) ? { verdict: 'inconclusive', cause: 'truncation' } : { verdict: 'regression', cause: 'quality' };
  if (outcome !== 'no-regression') return { verdict: outcome, cause: outcome === 'inconclusive' ? 'too-few-items' : 'none' };
  // Failed requests fall out of a score and raise it: the claim must hold with them counted as wrong.
  const lost = joined.baselineOnly;
  if (lost.length > 0 && lost.length <= thresholds.lostShare.value * (lost.length + looked.length)) {
    const strict = paired([...looked.map(difference), ...lost.map((i) => -(scoreOf(i) ?? 0))]);
    if (strict !== null && outcomeOf(strict, marginPct) !== 'no-regression') return { verdict: 'inconclusive', cause: 'items-lost' };
  }
  return { verdict: 'no-regression', cause: 'none' };
}

const cut = (text: string | null): string | null => (text === null ? null : text.slice(0, limits.keptText.value));

function regressionsOf(looked: readonly Looked[]): ComparisonBody['regressions'] {
  const output = (item: Looked['baseline']): ComparisonBody['regressions'][number]['baseline'] => {
    const answer = worstAnswer(item);
    return { score: scoreOf(item), extracted: cut(answer?.extracted ?? null), finish_reason: answer?.finish ?? null, text: cut(answer?.text ?? null) };
  };
  return looked
    .filter((l) => difference(l) < 0)
    .slice(0, limits.keptRegressions.value)
    .map((l) => ({ id: l.baseline.id, dataset: l.baseline.dataset, subset: l.baseline.subset, target: cut(l.baseline.target), cause: causeOf(l.candidate, l.candidateHits), baseline: output(l.baseline), candidate: output(l.candidate) }));
}

function causesOf(looked: readonly Looked[]): AccuracyCauses {
  const counts = { empty: 0, truncated: 0, looping: 0, garbled: 0, unparsed: 0, wrong: 0 };
  for (const l of looked) if (difference(l) < 0) counts[causeOf(l.candidate, l.candidateHits)] += 1;
  return counts;
}

function notesOf(inputs: readonly SideInput[], joined: Join, shown: readonly AccuracyDifference[]): Warning[] {
  const notes: Warning[] = inputs.flatMap(({ side, data }) => data.notes.map((n) => ({ code: n.code, detail: `${side}: ${n.detail}` })));
  for (const { side, data } of inputs) {
    const scored = data.items.filter((i) => scoreOf(i) !== null).length;
    if (scored < data.items.length) notes.push({ code: 'W-UNSCORED', detail: `${side}: ${data.items.length - scored} of ${data.items.length} items have no score and are left out` });
    const samples = data.items.reduce((s, i) => s + i.answers.filter((a) => a.score !== null).length, 0);
    if (data.requested !== null && data.requested > samples) notes.push({ code: 'W-ERRORED', detail: `${side}: ${data.requested - samples} of ${data.requested} samples asked for have no score; failures raise the score` });
  }
  if (joined.baselineOnly.length + joined.candidateOnly.length > 0) notes.push({ code: 'W-UNMATCHED', detail: `${joined.baselineOnly.length} scored items only in the baseline, ${joined.candidateOnly.length} only in the candidate; they are in no number but unmatched` });
  if (joined.promptsDiffer > 0) notes.push({ code: 'W-PROMPTS', detail: `${joined.promptsDiffer} items have another prompt or target on the two sides and are left out` });
  if (shown.length > 0) notes.push({ code: 'W-SETTINGS', detail: `the settings differ in ${shown.map((d) => foreign(d.field, 60)).slice(0, 8).join(', ')}` });
  if (inputs.some(({ data }) => Number(data.settings['generation_config.temperature'] ?? data.settings['temperature'] ?? 0) > 0)) notes.push({ code: 'W-SAMPLED', detail: 'answers were sampled (temperature above 0): compare the baseline with a second run of itself to know how many items flip by chance' });
  return notes;
}

function garbledOf(looked: readonly Looked[]): Pick<ComparisonBody, 'garbled' | 'detectors'> {
  const rows = looked.flatMap((l) => (['candidate', 'baseline'] as const).flatMap((side) => l[`${side}Hits`].filter((h) => h.detector !== 'truncated').map((h) => ({ id: l.baseline.id, side, detector: h.detector, value: h.value }))));
  const sorted = [...rows.filter((r) => r.side === 'candidate'), ...rows.filter((r) => r.side === 'baseline')];
  const detectors = detectorNames
    .map((detector) => ({ detector, baseline: looked.filter((l) => l.baselineHits.some((h) => h.detector === detector)).length, candidate: looked.filter((l) => l.candidateHits.some((h) => h.detector === detector)).length }))
    .filter((d) => d.baseline + d.candidate > 0);
  return { garbled: sorted.slice(0, limits.keptGarbled.value), detectors };
}

/** Two evaluations of the same items compared. Pure. */
export function compareSides(baseline: SideInput, candidate: SideInput, marginPct: number): ComparisonBody {
  const inputs = [baseline, candidate];
  const joined = join(baseline.data, candidate.data);
  const looked = look(joined.joined);
  const test = paired(looked.map(difference));
  const endings = endingsOf(looked);
  const differences = settingDifferences(baseline.data, candidate.data);
  const ruling = rule(test, joined, looked, endings, differences, marginPct);
  const subsets = subsetsOf(looked);
  const unseen = looked.filter((l) => !l.seen).length;
  const body = {
    ...ruling,
    margin_pct: marginPct,
    sides: inputs.map(({ side, path, data }) => ({ side, path, format: data.format, items: data.items.length, scored: data.items.filter((i) => scoreOf(i) !== null).length, requested: data.requested })),
    n: looked.length,
    both_right: looked.filter((l) => difference(l) === 0 && l.baselineScore >= 1).length,
    baseline_only: test?.baselineOnly ?? 0,
    candidate_only: test?.candidateOnly ?? 0,
    both_wrong: looked.filter((l) => difference(l) === 0 && l.baselineScore < 1).length,
    scores: { baseline: sideScore(looked.map((l) => l.baselineScore)), candidate: sideScore(looked.map((l) => l.candidateScore)) },
    delta_pct: test === null ? null : points(test.delta),
    ci: test === null ? null : { low_pct: points(test.low), high_pct: points(test.high), method: test.method },
    p_value: test === null ? null : significant(test.p),
    min_detectable_drop_pct: test === null ? null : points(test.minDetectableDrop),
    subsets,
    endings: endings.map((e) => ({ ...e, p_value: e.p_value === null ? null : significant(e.p_value) })),
    causes: causesOf(looked),
    unmatched: { baseline: joined.baselineOnly.length, candidate: joined.candidateOnly.length, prompts_differ: joined.promptsDiffer, lost_right: round(lostRight(joined)) },
    differences,
    regressions: regressionsOf(looked),
    ...garbledOf(looked),
    notes: [...notesOf(inputs, joined, differences), ...(unseen === 0 ? [] : [{ code: 'W-DETECTORS-SAMPLED', detail: `the detectors looked at ${looked.length - unseen} of ${looked.length} items: all whose score differs, and a fixed share of the others` }])],
  };
  return { ...body, findings: findingsOf(body) };
}
