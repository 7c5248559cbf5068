import { foreign, type ReviewReport } from '../../contract/index.js';
import { parseDiff, type DiffFile } from '../read/diff.js';
import type { Compiled, Question, RuleBook } from '../rules.js';
import { limits } from '../thresholds.js';
import { scanWhole } from './checks.js';
import { prepare, scanFile, suppressedBy, type Hit, type Prepared } from './scan.js';

type Finding = ReviewReport['findings'][number];
export type Body = Omit<ReviewReport, 'schema' | 'schema_version' | 'producer' | 'created_at' | 'simulated' | 'source' | 'base' | 'head'>;

function kindOf(files: readonly DiffFile[]): Body['repository_kind'] {
  const count = (pattern: RegExp): number => files.filter((f) => pattern.test(f.path)).length;
  const kinds = [['xllm', count(/^xllm\//)], ['vllm-ascend', count(/^(?:vllm_ascend|csrc)\//)], ['operators', count(/(?:^|\/)(?:op_kernel|op_host|torch_npu_ops|triton_src)\//)]] as const;
  const [best] = [...kinds].sort((a, b) => b[1] - a[1]);
  return best === undefined || best[1] === 0 ? 'unknown' : best[0];
}

function finding(hit: Hit): Finding {
  const { rule } = hit.rule;
  return {
    id: `review-${rule.id.toLowerCase()}`, title: rule.title, severity: rule.severity, value: null, unit: '',
    evidence: [{ path: hit.file, where: hit.line === null ? 'file' : `line ${String(hit.line)}`, detail: foreign(hit.text.trim(), limits.quoted.value) }],
    confidence: rule.check === undefined ? 'medium' : 'high',
    action: `${rule.fix} (${rule.why})`,
    file: hit.file, line: hit.line, rule: rule.id,
  };
}

/** Where a file raises a question: its path, or the first added line. */
function raisedBy(f: Prepared, q: Question): string | null {
  const path = foreign(f.file.path, limits.quoted.value);
  if (q.touches.test(f.file.path)) return path;
  if (!q.touches.test(f.cleanText)) return null;
  for (const { hunk, clean } of f.hunks) {
    const at = hunk.lines.findIndex((l, i) => l.added && q.touches.test(clean[i] ?? ''));
    if (at !== -1) return `${path}:${String(hunk.lines[at]?.line ?? 0)}`;
  }
  return null;
}

/** Questions the diff raises, by its paths and added lines, each with the first file that does. */
function checklist(files: readonly Prepared[], questions: readonly Question[]): Body['judgement_checklist'] {
  const raised = new Map<Question, string>();
  let open = questions;
  let any: RegExp | null = null;
  for (const f of files) {
    if (f.language === 'other' || open.length === 0) continue;
    // Most files raise nothing new: one pattern of all open questions decides that.
    any ??= new RegExp(open.map((q) => `(?:${q.touches.source})`).join('|'), 'i');
    if (!any.test(f.file.path) && !any.test(f.cleanText)) continue;
    const left = open.filter((q) => {
      const because = raisedBy(f, q);
      if (because !== null) raised.set(q, because);
      return because === null;
    });
    if (left.length < open.length) any = null;
    open = left;
  }
  return questions.flatMap((q) => {
    const because = raised.get(q);
    return because === undefined ? [] : [{ id: q.id, topic: q.topic, ask: q.ask, because }];
  });
}

const order = { high: 0, medium: 1, low: 2, info: 3 } as const;

/** Rules of a focus: a family of rules, one rule, or a topic of the checklist. */
function focused(book: RuleBook, focus: string | null): { rules: readonly Compiled[]; questions: readonly Question[] } {
  if (focus === null) return book;
  const wanted = focus.toLowerCase();
  return { rules: book.rules.filter((r) => r.family === wanted || r.rule.id.toLowerCase() === wanted || r.rule.title.toLowerCase().includes(wanted)), questions: book.questions.filter((q) => q.topic.toLowerCase().includes(wanted) || q.id.toLowerCase() === wanted) };
}

/** The whole review of a diff text. Pure. @param focus family, rule id or words of a title or topic; null for everything */
export function review(text: string, book: RuleBook, focus: string | null): Body {
  const { rules, questions } = focused(book, focus);
  const files = parseDiff(text);
  const prepared = files.filter((f) => f.kind !== 'binary' && f.kind !== 'deleted').map(prepare);
  const all = [...prepared.flatMap((p) => scanFile(p, rules).map((hit) => ({ hit, prepared: p }))), ...scanWhole(prepared, rules)];
  const findings: Finding[] = [];
  const suppressed: Body['suppressed'] = [];
  for (const { hit, prepared: p } of all) {
    const by = suppressedBy(p, hit);
    // A reason is asked for: without one the finding stays.
    if (by !== null && by.reason.length >= limits.reason.value) suppressed.push({ rule: hit.rule.rule.id, file: hit.file, line: hit.line, reason: foreign(by.reason, limits.quoted.value) });
    else findings.push(finding(hit));
  }
  findings.sort((a, b) => order[a.severity] - order[b.severity] || ((a.file ?? '') < (b.file ?? '') ? -1 : (a.file ?? '') > (b.file ?? '') ? 1 : (a.line ?? 0) - (b.line ?? 0)));
  const count = (severity: Finding['severity']): number => findings.filter((f) => f.severity === severity).length;
  const added = files.reduce((sum, f) => sum + f.added, 0);
  const looked = prepared.some((p) => p.file.added > 0 || p.file.kind === 'submodule');
  return {
    verdict: findings.length > 0 ? 'findings' : files.length === 0 || (!looked && files.every((f) => f.kind === 'binary')) ? 'inconclusive' : 'clean',
    repository_kind: kindOf(files),
    focus,
    files_changed: files.length,
    lines_added: added,
    lines_removed: files.reduce((sum, f) => sum + f.removed, 0),
    counts: { high: count('high'), medium: count('medium'), low: count('low') },
    findings,
    judgement_checklist: checklist(prepared, questions),
    suppressed,
    skipped: files.filter((f) => f.kind === 'binary').map((f) => ({ file: foreign(f.path, limits.quoted.value), why: 'binary' })),
    rules: rules.length,
  };
}
