import { catalogue } from '../../server/incident/catalogue.js';
import type { Evidence } from '../../server/incident/evidence.js';
import { Extraction } from '../../server/incident/extract.js';
import { textSource } from '../../server/incident/gather.js';
import { reportOf, type ReportBody } from '../../server/incident/report.js';

const now = '2026-11-24T00:00:00.000Z';

export async function triageFiles(files: readonly { path: string; text: string }[]): Promise<{ evidence: Evidence; body: ReportBody }> {
  const known = await catalogue();
  const extraction = new Extraction(known, now);
  for (const f of files) await extraction.add(textSource(f.path, f.text));
  const evidence = extraction.finish();
  return { evidence, body: reportOf(evidence, known) };
}

export const triageText = async (text: string, path = 'text'): Promise<ReportBody> => (await triageFiles([{ path, text }])).body;
