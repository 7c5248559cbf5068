import { isAbsolute, join, relative, sep } from 'node:path';
import { z } from 'zod';
import { foreign, isRunId, ToolError, type RunManifest } from '../../contract/index.js';
import { isFolder, readText, sha256 } from '../../host/files.js';
import type { Host } from '../../host/host.js';
import { Runs, type Run } from '../../runs/runs.js';

/** The fields of each artifact that gates look at; the whole was checked against its schema when it was written. */
const shapes = {
  'env-snapshot': z.object({ phase: z.string().nullable(), verdict: z.string(), created_at: z.string() }),
  'service-record': z.object({ command: z.array(z.array(z.string())), created_at: z.string() }),
  'perf-metrics': z.object({ created_at: z.string(), points: z.array(z.looseObject({ warmup: z.number().nullable().optional(), success: z.number().nullable(), failed: z.number().nullable() })) }),
  'profiling-analysis': z.object({ created_at: z.string(), bottleneck: z.object({ class: z.string() }) }),
  'pipeline-analysis': z.looseObject({ created_at: z.string(), verdict: z.string() }),
  'incident-report': z.looseObject({ created_at: z.string(), verdict: z.string() }),
  'compute-estimate': z.object({ created_at: z.string(), time_lower_bound_us: z.number().nullable(), measured: z.object({ step_us: z.number().nullable() }).nullable() }),
  'review-report': z.looseObject({ created_at: z.string(), verdict: z.string(), findings: z.array(z.looseObject({ severity: z.string() })) }),
  'accuracy-score': z.looseObject({ created_at: z.string(), level: z.string() }),
  'accuracy-comparison': z.looseObject({ created_at: z.string(), verdict: z.string() }),
  'comparison-report': z.object({
    created_at: z.string(), verdict: z.string(), grade: z.string(),
    claim: z.object({ metric: z.string(), direction: z.string(), threshold_pct: z.number().nullable(), equivalence_pct: z.number() }),
    metrics: z.array(z.looseObject({ metric: z.string(), primary: z.boolean(), delta_pct: z.number().nullable(), n_baseline: z.number(), n_candidate: z.number() })),
  }),
} as const;
type Shapes = typeof shapes;
export type Kind = keyof Shapes;

/** One artifact whose bytes are those the ledger knows. */
export interface ItemOf<T> {
  readonly run: string;
  /** Absolute. */
  readonly path: string;
  readonly sha256: string;
  readonly value: T;
}
export type Item<K extends Kind> = ItemOf<z.output<Shapes[K]>>;

/** Artifacts and manifests of the run and of the runs that belong to it; each list oldest first. */
export interface Evidence {
  readonly manifests: ReadonlyMap<string, RunManifest>;
  /** Recorded artifacts that are gone or no longer what was written. */
  readonly tampered: readonly string[];
  readonly environments: readonly Item<'env-snapshot'>[];
  readonly services: readonly Item<'service-record'>[];
  readonly benchmarks: readonly Item<'perf-metrics'>[];
  readonly profiles: readonly Item<'profiling-analysis'>[];
  readonly pipelines: readonly Item<'pipeline-analysis'>[];
  readonly incidents: readonly Item<'incident-report'>[];
  readonly estimates: readonly Item<'compute-estimate'>[];
  readonly reviews: readonly Item<'review-report'>[];
  readonly scores: readonly Item<'accuracy-score'>[];
  readonly accuracies: readonly Item<'accuracy-comparison'>[];
  readonly comparisons: readonly Item<'comparison-report'>[];
}

/** Runs the given evidence belongs to, by id or by a path inside them. @throws ToolError E_PATH_*, E_ARG_TYPE for a path outside every run */
export async function runsOf(evidence: readonly string[], host: Host): Promise<string[]> {
  const ids: string[] = [];
  for (const item of evidence) {
    if (isRunId(item)) {
      ids.push(item);
      continue;
    }
    const path = await host.admit(item);
    const inside = relative(host.runsDir, path);
    const [id = ''] = inside.split(sep);
    if (inside.startsWith('..') || isAbsolute(inside) || !isRunId(id)) throw new ToolError('E_ARG_TYPE', `${foreign(item, 200)} is in no run root`, 'give artifacts of runs, or run ids; results of elsewhere come in through bench_import');
    ids.push(id);
  }
  return [...new Set(ids)].sort();
}

interface Found {
  readonly kind: string;
  readonly run: string;
  readonly path: string;
  readonly sha256: string;
  readonly value: unknown;
}

async function found(run: Run, tampered: string[]): Promise<Found[]> {
  const items: Found[] = [];
  for (const { schema, path, sha256: hash } of await run.artifacts()) {
    if (schema === null || !Object.hasOwn(shapes, schema)) continue;
    const text = await readText(path);
    if (text === null || sha256(text) !== hash) {
      tampered.push(relative(run.dir, path));
      continue;
    }
    items.push({ kind: schema, run: run.id, path, sha256: hash, value: JSON.parse(text) });
  }
  return items;
}

/** @throws ToolError E_RUN_* for a run that is gone */
export async function gather(ids: readonly string[], host: Host): Promise<Evidence> {
  const runs = new Runs(host);
  const manifests = new Map<string, RunManifest>();
  const tampered: string[] = [];
  const items: Found[] = [];
  for (const id of ids) {
    if (!(await isFolder(join(host.runsDir, id)))) throw new ToolError('E_RUN_MISSING', `run ${foreign(id, 80)} is gone`, 'restore it, or go on in a new run');
    const run = await runs.open(id);
    manifests.set(id, await run.manifest());
    items.push(...(await found(run, tampered)));
  }
  const list = <T extends { readonly created_at: string }>(kind: Kind, shape: z.ZodType<T>): ItemOf<T>[] =>
    items
      .filter((i) => i.kind === kind)
      .flatMap((i) => {
        const read = shape.safeParse(i.value);
        return read.success ? [{ run: i.run, path: i.path, sha256: i.sha256, value: read.data }] : [];
      })
      .sort((a, b) => (a.value.created_at < b.value.created_at ? -1 : a.value.created_at > b.value.created_at ? 1 : a.path < b.path ? -1 : 1));
  return {
    manifests,
    tampered,
    environments: list('env-snapshot', shapes['env-snapshot']),
    services: list('service-record', shapes['service-record']),
    benchmarks: list('perf-metrics', shapes['perf-metrics']),
    profiles: list('profiling-analysis', shapes['profiling-analysis']),
    pipelines: list('pipeline-analysis', shapes['pipeline-analysis']),
    incidents: list('incident-report', shapes['incident-report']),
    estimates: list('compute-estimate', shapes['compute-estimate']),
    reviews: list('review-report', shapes['review-report']),
    scores: list('accuracy-score', shapes['accuracy-score']),
    accuracies: list('accuracy-comparison', shapes['accuracy-comparison']),
    comparisons: list('comparison-report', shapes['comparison-report']),
  };
}
