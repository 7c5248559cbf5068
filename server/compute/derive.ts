import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { ToolError } from '../contract/index.js';
import { readText } from '../host/files.js';
import type { Host } from '../host/host.js';
import { inRun } from '../runs/places.js';
import type { Derivations, Derived } from '../runs/runs.js';
import { answer, type Answer } from './answer.js';
import type { ModelSource } from './analyze.js';
import type { Measurement } from './measured.js';
import { parseConfig, readMeasurement } from './read.js';
import { page } from './render.js';
import { changeSchema, pointSchema } from './request.js';

export const derivationName = 'compute.estimate';

/** What a derivation is repeated with; paths inside the run root are relative to it. */
export const paramsSchema = z.object({
  folder: z.string().min(1),
  /** Known name, or the name shown for a config.json kept at `config`. */
  name: z.string(),
  config: z.string().min(1).nullable(),
  point: pointSchema,
  changes: z.array(changeSchema),
  profile: z.array(z.string().min(1)),
});
export type Params = z.output<typeof paramsSchema>;

export const answered = (params: Params, model: ModelSource, measurement: Measurement | null): Answer => answer({ model, name: params.name, point: params.point, changes: params.changes, measurement, artifact: `${params.folder}/estimate.json` });

export function derived({ body }: Answer, params: Params, measurement: Measurement | null, runDir: string): Derived {
  return {
    simulated: measurement?.simulated ?? false,
    sources: [...(params.config === null ? [] : [params.config]), ...(measurement?.sources ?? []).map((s) => inRun(runDir, s))],
    files: [
      { path: `${params.folder}/estimate.json`, kind: 'compute-estimate', schema: 'compute-estimate', body },
      { path: `${params.folder}/compute.md`, kind: 'compute-page', schema: null, body: page(body) },
    ],
  };
}

async function again(params: Params, host: Host, runDir: string): Promise<Derived> {
  const model: ModelSource = params.config === null ? { kind: 'known', name: params.name } : parseConfig((await readText(join(runDir, params.config))) ?? '');
  const paths = await Promise.all(params.profile.map((p) => host.admit(isAbsolute(p) ? p : join(runDir, p))));
  const measurement = paths.length === 0 ? null : await readMeasurement(paths, host);
  return derived(answered(params, model, measurement), params, measurement, runDir);
}

export const computeDerivations: Derivations = {
  [derivationName]: async (params, host, runDir) => {
    const checked = paramsSchema.safeParse(params);
    if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the ledger names an estimate whose parameters are not those of compute_simulate', 'ask compute_simulate again in a new run');
    return again(checked.data, host, runDir);
  },
};
