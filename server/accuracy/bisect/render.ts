import { cell, foreign, table } from '../../contract/index.js';
import type { Step } from './state.js';
import type { Decision } from './search.js';

export interface BisectReport {
  readonly verdict: 'found' | 'range';
  /** The first bad commit; null where commits that can not be judged lie before it. */
  readonly commit: string | null;
  /** What may be the first bad commit, oldest first. */
  readonly candidates: readonly string[];
  readonly good: string;
  readonly bad: string;
  /** Different commits that were judged good or bad, ends included. */
  readonly judged: number;
  readonly skipped: number;
  readonly undecided: number;
  readonly runs: number;
  readonly range: number;
  readonly merge: boolean;
  readonly resumed: number;
}

const short = (hash: string): string => hash.slice(0, 12);

export function bisectHeadline(r: BisectReport): string {
  const effort = `${r.judged} commits judged in ${r.runs} runs, ${r.skipped} passed over`;
  if (r.commit !== null) return `first bad commit ${short(r.commit)} of ${r.range}; ${effort}`;
  return `the first bad commit is one of ${r.candidates.length}: those between can not be judged; ${effort}`;
}

/** What `git bisect replay` reads: the newest good, what was passed over, then the bad ones down to the first. @param decided oldest first */
export function gitLog(r: BisectReport, decided: readonly { readonly commit: string; readonly decision: Decision }[]): string {
  const first = decided.findIndex((d) => d.commit === r.candidates.at(-1));
  const lines = (kept: readonly { readonly commit: string }[], word: string): string[] => kept.map((d) => `git bisect ${word} ${d.commit}`);
  return [
    `git bisect start '--first-parent' '${r.bad}' '${r.good}'`,
    ...lines(decided.slice(0, Math.max(0, first)).filter((d) => d.decision === 'good'), 'good'),
    ...lines(decided.filter((d) => d.decision === 'skipped' || d.decision === 'undecided'), 'skip'),
    ...lines(decided.slice(Math.max(0, first)).filter((d) => d.decision === 'bad').reverse(), 'bad'),
    '',
  ].join('\n');
}

export function bisectPage(r: BisectReport, subject: string | null, steps: readonly Step[]): string {
  return [
    `# Bisection: ${r.verdict}`,
    '',
    bisectHeadline(r),
    '',
    ...(subject === null ? [] : [`Subject, as its author wrote it: ${cell(foreign(subject, 160))}`, '']),
    ...(r.merge ? ['It is a merge: the change lies in what it merged. Bisect again between its first and its second parent.', ''] : []),
    ...(r.commit === null ? ['Candidates:', '', ...r.candidates.map((c) => `- ${c}`), ''] : []),
    ...(r.resumed > 0 ? [`${r.resumed} runs were taken over from an interrupted bisection of the same question.`, ''] : []),
    '## Every run',
    '',
    table(['n', 'commit', 'run', 'verdict', 'reason', 'exit', 'judged by', 'log'], steps.map((s) => [s.n, short(s.commit), s.run, s.verdict, s.reason, s.exit, s.by, s.log])),
    '',
  ].join('\n');
}
