import { cell, table } from '../contract/index.js';
import type { Body } from './analyze/analyze.js';

/** The answer in one sentence. */
export function headline(body: Body): string {
  if (body.verdict === 'inconclusive') return 'nothing in this diff could be looked at: it holds no added line of text';
  const size = `${String(body.lines_added)} added lines in ${String(body.files_changed)} files`;
  const { high, medium, low } = body.counts;
  return body.verdict === 'clean' ? `no rule of ${String(body.rules)} fires on ${size}; ${String(body.judgement_checklist.length)} questions are left to judgement` : `${String(high)} high, ${String(medium)} medium, ${String(low)} low on ${size}; each is a question to check in the code`;
}

/** review.md: findings worst first, then the questions. */
export function page(body: Body): string {
  const parts = [`# Review`, '', headline(body), ''];
  if (body.findings.length > 0) {
    parts.push('## Findings', '', 'A hit is a question, not a verdict: check it in the code, then mend it, or suppress it with `npu-review: ignore RULE reason`.', '');
    parts.push(table(['severity', 'rule', 'file', 'line', 'what', 'seen', 'mend'], body.findings.map((f) => [f.severity, f.rule ?? '', cell(f.file ?? ''), f.line ?? null, f.title, cell(f.evidence[0]?.detail ?? ''), f.action])), '');
  }
  if (body.judgement_checklist.length > 0) {
    parts.push('## Questions left to judgement', '', table(['id', 'topic', 'question', 'because of'], body.judgement_checklist.map((q) => [q.id, q.topic, q.ask, cell(q.because)])), '');
  }
  if (body.suppressed.length > 0) parts.push('## Suppressed', '', table(['rule', 'file', 'line', 'reason'], body.suppressed.map((s) => [s.rule, cell(s.file), s.line, cell(s.reason)])), '');
  if (body.skipped.length > 0) parts.push('## Not looked at', '', table(['file', 'why'], body.skipped.map((s) => [cell(s.file), s.why])), '');
  return `${parts.join('\n').trimEnd()}\n`;
}
