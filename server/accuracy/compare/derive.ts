import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { ToolError } from '../../contract/index.js';
import type { Host } from '../../host/host.js';
import { inRun } from '../../runs/places.js';
import type { Derivations, Derived } from '../../runs/runs.js';
import { readSide } from '../read/side.js';
import type { ComparisonBody } from './body.js';
import { compareSides } from './judge.js';
import { page } from './render.js';

export const comparisonDerivation = 'accuracy.comparison';

const paramsSchema = z.object({ folder: z.string().regex(/^accuracy\/\d+$/), baseline: z.string().min(1), candidate: z.string().min(1), margin_pct: z.number().nonnegative() });
export type ComparisonParams = z.output<typeof paramsSchema>;

/** The comparison of two places, paths inside the run root relative to it. @param runDir null: the run is not open yet, no path lies in it @throws ToolError what reading the sides throws */
export async function computeComparison(params: ComparisonParams, host: Host, runDir: string | null): Promise<{ body: ComparisonBody; derived: Derived }> {
  const side = async (name: 'baseline' | 'candidate'): Promise<Parameters<typeof compareSides>[0]> => ({ side: name, path: params[name], data: await readSide(await host.admit(isAbsolute(params[name]) ? params[name] : join(runDir ?? host.cwd, params[name]))) });
  const [baseline, candidate] = [await side('baseline'), await side('candidate')];
  const body = compareSides(baseline, candidate, params.margin_pct);
  return {
    body,
    derived: {
      files: [
        { path: `${params.folder}/comparison.json`, kind: 'accuracy-comparison', schema: 'accuracy-comparison', body },
        { path: `${params.folder}/comparison.md`, kind: 'accuracy-page', schema: null, body: page(body) },
      ],
      sources: [...baseline.data.sources, ...candidate.data.sources].map((s) => (runDir === null ? s : inRun(runDir, s))),
      simulated: baseline.data.simulated || candidate.data.simulated,
    },
  };
}

export const comparisonDerivations: Derivations = {
  [comparisonDerivation]: async (params, host, runDir) => {
    const checked = paramsSchema.safeParse(params);
    if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the ledger names a comparison whose parameters are not those of accuracy_compare', 'compare again');
    return (await computeComparison(checked.data, host, runDir)).derived;
  },
};
