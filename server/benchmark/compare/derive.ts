import { join } from 'node:path';
import { z } from 'zod';
import { ToolError } from '../../contract/index.js';
import { readText } from '../../host/files.js';
import type { Derivations, Derived } from '../../runs/runs.js';
import { limits } from '../thresholds.js';
import { parseEvidence } from './evidence.js';
import { comparisonTable } from './render.js';
import { compare, type ReportBody } from './report.js';

export const comparisonDerivation = 'benchmark.comparison';

const paramsSchema = z.object({
  /** Below the run root, e.g. `comparison/001`. */
  folder: z.string().regex(/^comparison\/\d+$/),
  question: z.object({
    metric: z.string().nullable(),
    direction: z.enum(['decrease', 'increase', 'no-regression']).nullable(),
    threshold_pct: z.number().nullable(),
    equivalence_pct: z.number(),
    sla_ttft_p99_ms: z.number().nullable(),
    sla_tpot_p99_ms: z.number().nullable(),
    confidence: z.number(),
  }),
});
export type ComparisonParams = z.output<typeof paramsSchema>;

export function evidencePath(folder: string): string {
  return `${folder}/raw/evidence.json`;
}

/** The comparison that the stored evidence gives. @throws ToolError E_PATH_MISSING, E_RUN_TAMPERED */
export async function computeComparison(params: ComparisonParams, runDir: string): Promise<{ body: ReportBody; derived: Derived }> {
  const text = await readText(join(runDir, evidencePath(params.folder)), limits.artifactBytes.value * 4);
  if (text === null) throw new ToolError('E_PATH_MISSING', `the evidence of ${params.folder} is gone`, 'restore the run root from a copy, or compare again');
  const evidence = parseEvidence(text);
  const body = compare(evidence, params.question);
  return {
    body,
    derived: {
      files: [
        { path: `${params.folder}/report.json`, kind: 'comparison-report', schema: 'comparison-report', body },
        { path: `${params.folder}/table.md`, kind: 'comparison-table', schema: null, body: comparisonTable(body) },
      ],
      sources: [evidencePath(params.folder)],
      simulated: body.reasons.some((r) => r.code === 'F-SIMULATED'),
    },
  };
}

/** How this room's comparisons are computed again. */
export const comparisonDerivations: Derivations = {
  [comparisonDerivation]: async (params, _host, runDir) => {
    const checked = paramsSchema.safeParse(params);
    if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the ledger names a comparison whose parameters are not those of bench_compare', 'compare again');
    return (await computeComparison(checked.data, runDir)).derived;
  },
};
