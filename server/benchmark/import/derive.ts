import { join } from 'node:path';
import { z } from 'zod';
import { ToolError, type PerfMetrics } from '../../contract/index.js';
import type { Host } from '../../host/host.js';
import type { Derivations, Derived } from '../../runs/runs.js';
import { readClientOutput } from '../points/read.js';
import { clientNames, type ClientOutput } from '../points/types.js';

export const importDerivation = 'benchmark.import';

const paramsSchema = z.object({
  /** Below the run root, e.g. `perf/001/parallel_4_number_40`. */
  folder: z.string().regex(/^perf\/\d+\/[\w.-]+$/),
  /** Names in its raw folder. */
  files: z.array(z.string().regex(/^[^/]+$/)).min(1),
  client: z.enum(clientNames),
  /** As stated; what the files say goes before it. */
  client_version: z.string().nullable(),
  /** Which pass of its load this is, where several were imported at once. */
  repeat: z.number().int().positive().nullable(),
});
export type ImportParams = z.output<typeof paramsSchema>;

export type MetricsBody = Omit<PerfMetrics, 'schema' | 'schema_version' | 'producer' | 'created_at' | 'simulated' | 'source'>;

/** perf-metrics out of the raw files of one load. @throws ToolError of the readers */
export async function computeImport(params: ImportParams, host: Host, runDir: string): Promise<{ output: ClientOutput; body: MetricsBody; derived: Derived }> {
  const names = params.files.map((name) => ({ name, place: `${params.folder}/raw/${name}` }));
  const files = await Promise.all(names.map(async ({ name, place }) => ({ name, path: await host.admit(join(runDir, place)) })));
  const output = await readClientOutput(files, params.client, params.client_version);
  const points = output.points.map((p) => (params.repeat === null ? p : { ...p, repeat: params.repeat }));
  const body: MetricsBody = { job: null, service_job: null, service_started_at: null, points, incomplete: [...output.incomplete] };
  return {
    output,
    body,
    derived: { files: [{ path: `${params.folder}/metrics.json`, kind: 'perf-metrics', schema: 'perf-metrics', body }], sources: names.map((n) => n.place), simulated: false },
  };
}

/** How imported results are computed again. */
export const importDerivations: Derivations = {
  [importDerivation]: async (params, host, runDir) => {
    const checked = paramsSchema.safeParse(params);
    if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the ledger names an import whose parameters are not those of bench_import', 'import the result again in a new run');
    return (await computeImport(checked.data, host, runDir)).derived;
  },
};
