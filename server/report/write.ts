import type { Run } from '../runs/runs.js';
import { gather, type ReadLatencies } from './gather.js';
import { reportHtml } from './html/page.js';
import { prNotes } from './notes.js';
import { replayScript } from './replay.js';
import { summary } from './summary.js';
import { wordsOf, type Language } from './words.js';

export interface Wanted {
  /** Null: all of them. */
  readonly format: 'md' | 'html' | 'pr' | null;
  readonly language: Language;
}

export interface ReportFile {
  readonly path: string;
  readonly kind: string;
  readonly text: string;
  /** What the file could not answer, a line each. */
  readonly open: readonly string[];
}

/** The report files of a run, replay.sh always among them. `read` finds the requests in the files of benchmark clients. The same run root gives the same bytes. @throws ToolError E_MANIFEST_EMPTY, E_MANIFEST_BROKEN */
export async function report(run: Run, wanted: Wanted, read?: ReadLatencies): Promise<ReportFile[]> {
  const e = await gather(run, read);
  const w = wordsOf(wanted.language);
  const files: ReportFile[] = [];
  if (wanted.format === null || wanted.format === 'md') for (const file of await summary(run, wanted.language, e)) files.push({ ...file, open: [] });
  if (wanted.format === null || wanted.format === 'html') files.push({ path: 'report.html', kind: 'report-html', text: reportHtml(e, wanted.language, w), open: [] });
  if (wanted.format === null || wanted.format === 'pr') files.push({ path: 'pr_notes.md', kind: 'pr-notes', ...prNotes(e, w) });
  files.push({ path: 'replay.sh', kind: 'replay', text: replayScript(e), open: [] });
  return files;
}
