import { chance, type Finding } from '../../contract/index.js';
import { thresholds } from '../thresholds.js';
import type { ComparisonBody } from './body.js';

type Judged = Omit<ComparisonBody, 'findings'>;

const file = 'comparison.json';

function row(id: string, title: string, severity: Finding['severity'], value: Finding['value'], unit: string, where: string, detail: string, action: string, confidence: Finding['confidence'] = 'high'): Finding {
  return { id, title, severity, value, unit, evidence: [{ path: file, where, detail }], confidence, action };
}

function dropFindings(b: Judged): Finding[] {
  const found: Finding[] = [];
  if (b.verdict === 'regression') found.push(row('accuracy-regression', 'the candidate answers fewer items right', 'high', b.delta_pct, 'points', 'ci, p_value', `${b.baseline_only} items lost, ${b.candidate_only} won, of ${b.n}; p ${chance(b.p_value)}`, 'replay the lost items of regressions alone, then change one switch at a time; bisect when no switch explains it'));
  const worst = b.subsets.filter((s) => s.delta_pct < 0 && s.p_adjusted < thresholds.significance.value);
  const first = worst[0];
  if (first !== undefined && b.subsets.length > 1) found.push(row('subset-regression', `${worst.length} subset${worst.length === 1 ? ' is' : 's are'} worse after correction for ${b.subsets.length} subsets`, 'high', first.delta_pct, 'points', 'subsets[0]', `n ${first.n}, ${first.baseline_only} lost, ${first.candidate_only} won, Holm p ${chance(first.p_adjusted)}`, 'replay the lost items of this subset; a whole score hides it'));
  return found;
}

/** A difference in how answers end, when it is significant. */
function endingFindings(b: Judged): Finding[] {
  const found: Finding[] = [];
  for (const e of b.endings) {
    if (e.baseline === null || e.candidate === null || e.candidate <= e.baseline || (e.p_value ?? 1) >= thresholds.significance.value) continue;
    const detail = `baseline ${e.baseline}, candidate ${e.candidate} of ${b.n}; p ${chance(e.p_value)}`;
    if (e.what === 'truncated') found.push(row('truncation', 'the candidate\'s answers are cut off more often', b.cause === 'truncation' ? 'high' : 'medium', e.candidate, 'items', 'endings', detail, b.causes.looping > b.causes.truncated ? 'most cut answers loop: this is quality, look at the stop tokens and at decode' : 'give both sides the same max_tokens, larger than the longest sound answer, and evaluate again'));
    else if (e.what === 'unparsed') found.push(row('answers-unparsed', 'no answer can be read out of more of the candidate\'s texts', 'medium', e.candidate, 'items', 'endings', detail, 'read a few: a changed template or reasoning block breaks the extraction, not the model'));
    else if (e.what === 'garbled') found.push(row('garbled-output', 'more of the candidate\'s texts are broken', 'high', e.candidate, 'items', 'endings, garbled', detail, 'look at the named answers; then graph mode, speculative decoding, chunked prefill and prefix cache off, one at a time'));
    else found.push(row('empty-answers', 'more of the candidate\'s answers are empty', 'high', e.candidate, 'items', 'endings', detail, 'look at stop tokens, the chat template and the reasoning switch'));
  }
  const garbled = b.endings.find((e) => e.what === 'garbled');
  if (garbled?.candidate !== undefined && garbled.candidate !== null && garbled.candidate > (garbled.baseline ?? 0) && !found.some((f) => f.id === 'garbled-output')) found.push(row('garbled-output', 'some of the candidate\'s texts look broken', 'low', garbled.candidate, 'items', 'garbled', `baseline ${garbled.baseline ?? 'unknown'}, candidate ${garbled.candidate} of ${b.n}: too few to tell from chance`, 'look at the named answers; a detector points, it does not judge', 'low'));
  return found;
}

function blockFindings(b: Judged): Finding[] {
  if (b.cause === 'prompts-differ') return [row('prompts-differ', 'the two sides answered other questions', 'high', b.unmatched.prompts_differ, 'items', 'unmatched', 'items of one id have another prompt or target', 'evaluate both with the same client version, dataset, template and few-shot setting')];
  if (b.cause === 'settings-differ') return [row('settings-differ', 'the two sides were evaluated differently', 'high', b.differences.length, 'settings', 'differences', 'a setting that changes answers is not the same', 'evaluate both with the same settings')];
  if (b.cause === 'items-lost') return [row('items-lost', 'failed samples of the candidate fell out of its score', 'high', b.unmatched.baseline, 'items', 'unmatched', 'counted as wrong they leave the margin', 'mend what made them fail and evaluate them again')];
  return [];
}

/** In order: what forbids a verdict, what dropped, how answers end. */
export function findingsOf(body: Judged): Finding[] {
  return [...blockFindings(body), ...dropFindings(body), ...endingFindings(body)];
}
