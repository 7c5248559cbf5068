import { join } from 'node:path';
import { z } from 'zod';
import { check, ToolError, type LoadSearch, type PerfPoint } from '../../contract/index.js';
import { readArtifact, type Derivations, type Derive, type Derived } from '../../runs/runs.js';
import type { BenchRequest } from './request.js';
import { nextStep, type SearchOptions, type Step, type Try } from './search.js';
import { limits } from './thresholds.js';

export const searchDerivation = 'bench-search';
export type Level = NonNullable<BenchRequest['sla']>;

export const searchParams = z.object({
  out: z.string(),
  job: z.string(),
  by: z.enum(['parallel', 'rate']),
  sla: z.object({ ttft_p99_ms: z.number().nullable(), tpot_p99_ms: z.number().nullable() }),
  start: z.number(),
  repeats: z.number().int(),
  /** Load and perf-metrics of each pass, in the order they were made. */
  tries: z.array(z.object({ load: z.number(), metrics: z.string() })),
});
export type SearchParams = z.output<typeof searchParams>;
export type SearchBody = Omit<LoadSearch, 'schema' | 'schema_version' | 'producer' | 'created_at' | 'simulated' | 'source'>;

export function searchOptions(params: Pick<SearchParams, 'by' | 'start' | 'repeats'>): SearchOptions {
  return { start: params.start, cap: limits.searchCap.value, repeats: params.repeats, resolution: limits.searchResolution.value, whole: params.by === 'parallel', passes: limits.searchPasses.value };
}

/** Whether a point meets the level; null: it does not say. A failed request does not meet it. */
export function meets(point: PerfPoint | undefined, sla: Level): boolean | null {
  if (point === undefined || point.failed === null) return null;
  if (point.failed > 0) return false;
  let all: boolean | null = true;
  for (const [bound, value] of [[sla.ttft_p99_ms, point.ttft_ms.p99], [sla.tpot_p99_ms, point.tpot_ms.p99]] as const) {
    if (bound === null) continue;
    if (value === null) all = null;
    else if (value > bound) return false;
  }
  return all;
}

/** The next pass of a search, or its end. */
export function stepOf(tries: readonly Try[], params: Pick<SearchParams, 'by' | 'start' | 'repeats'>): Step {
  return nextStep(tries, searchOptions(params));
}

/** How a search came out, in one sentence. */
export function searchWords(found: LoadSearch['result'], by: SearchParams['by']): string {
  const unit = by === 'parallel' ? 'in flight' : 'requests/s';
  const sure = `${found.surely_met === null ? 'no load met it in every pass' : `every pass up to ${found.surely_met} met it`}, ${found.surely_failed === null ? 'no load failed it in every pass' : `every pass from ${found.surely_failed} on failed it`}`;
  const doubt = `${found.monotone ? '' : '; a higher load met it that a lower one failed, so the edge is not sharp'}${found.tail_known ? '' : `; a p99 rests on fewer than ${limits.tailRequests.value} requests`}`;
  switch (found.end) {
    case 'edge-found':
      return `the largest load that meets the service level is ${found.largest ?? 'none'} ${unit} (${sure})${doubt}`;
    case 'cap-met':
      return `every load up to ${found.largest ?? 'none'} ${unit} meets the service level${doubt}`;
    case 'none-met':
      return `no load meets the service level, not even ${found.smallest_failing ?? 'the smallest'} ${unit}${doubt}`;
    case 'passes-spent':
      return `the search did not end within ${found.passes} passes: ${sure}${doubt}`;
    case 'unjudged':
      return 'a pass has no p99, so nothing was searched further';
  }
}

/** The search's artifact from the metrics of its passes alone. @throws ToolError E_RUN_TAMPERED */
export async function computeSearch(params: SearchParams, runDir: string): Promise<{ body: SearchBody; derived: Derived }> {
  const tries: SearchBody['tries'] = [];
  let tail = true;
  let simulated = false;
  for (const { load, metrics } of params.tries) {
    const checked = check('perf-metrics', await readArtifact(join(runDir, metrics)));
    if (!checked.ok) throw new ToolError('E_RUN_TAMPERED', 'a pass of the search has no readable metrics.json', 'measure again in a new run');
    const point = checked.value.points[0];
    simulated = simulated || checked.value.simulated;
    if ((point?.success ?? 0) < limits.tailRequests.value) tail = false;
    tries.push({ load, number: point?.number ?? null, metrics, ttft_p99_ms: point?.ttft_ms.p99 ?? null, tpot_p99_ms: point?.tpot_ms.p99 ?? null, failed: point?.failed ?? null, meets: meets(point, params.sla) });
  }
  // The passes of a search that was cut off still say what they say.
  const step = nextStep(tries, searchOptions(params));
  const last = 'done' in step ? step : nextStep(tries, { ...searchOptions(params), passes: tries.length });
  if (!('done' in last)) throw new ToolError('E_INTERNAL', 'a search without an end', 'report this as a defect of the server');
  const result = { ...last.done, tail_known: tail };
  const body: SearchBody = { job: params.job, by: params.by, sla: params.sla, repeats: params.repeats, resolution: limits.searchResolution.value, tries, result, words: searchWords(result, params.by) };
  return { body, derived: { files: [{ path: params.out, kind: 'load-search', schema: 'load-search', body }], sources: params.tries.map((t) => t.metrics), simulated } };
}

const derive: Derive = async (raw, _host, runDir) => {
  const checked = searchParams.safeParse(raw);
  if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the ledger names a search whose parameters are not those of bench_start', 'measure again in a new run');
  return (await computeSearch(checked.data, runDir)).derived;
};

export const benchSearchDerivations: Derivations = { [searchDerivation]: derive };
