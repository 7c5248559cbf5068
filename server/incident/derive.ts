import { join } from 'node:path';
import { z } from 'zod';
import { ToolError } from '../contract/index.js';
import { readText } from '../host/files.js';
import type { Derivations, Derived } from '../runs/runs.js';
import { catalogue } from './catalogue.js';
import { parseEvidence } from './evidence.js';
import { reportText } from './render.js';
import { reportOf, type ReportBody } from './report.js';
import { limits } from './thresholds.js';

export const incidentDerivation = 'incident.report';

const paramsSchema = z.object({
  /** Below the run root, e.g. `incident/001`. */
  folder: z.string().regex(/^incident\/\d+$/),
});
export type IncidentParams = z.output<typeof paramsSchema>;

export function evidencePath(folder: string): string {
  return `${folder}/raw/evidence.json`;
}

/** The report that the stored evidence gives. @throws ToolError E_PATH_MISSING, E_RUN_TAMPERED */
export async function computeIncident(params: IncidentParams, runDir: string): Promise<{ body: ReportBody; derived: Derived }> {
  const text = await readText(join(runDir, evidencePath(params.folder)), limits.evidenceBytes.value);
  if (text === null) throw new ToolError('E_PATH_MISSING', `the evidence of ${params.folder} is gone`, 'restore the run root from a copy, or triage again');
  const evidence = parseEvidence(text);
  const body = reportOf(evidence, await catalogue());
  return {
    body,
    derived: {
      files: [
        { path: `${params.folder}/report.json`, kind: 'incident-report', schema: 'incident-report', body },
        { path: `${params.folder}/report.md`, kind: 'incident-text', schema: null, body: reportText(body) },
      ],
      sources: [evidencePath(params.folder)],
      simulated: evidence.files.some((f) => f.simulated),
    },
  };
}

/** How this room's reports are computed again. */
export const incidentDerivations: Derivations = {
  [incidentDerivation]: async (params, _host, runDir) => {
    const checked = paramsSchema.safeParse(params);
    if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the ledger names a triage whose parameters are not those of incident_triage', 'triage again');
    return (await computeIncident(checked.data, runDir)).derived;
  },
};
