import { join } from 'node:path';
import { check, ToolError } from '../../contract/index.js';
import type { JobContext, JobKinds } from '../../jobs/worker.js';
import { inRun } from '../../runs/places.js';
import { readArtifact, type Run } from '../../runs/runs.js';
import { remember } from '../noise/memory.js';
import { findClient } from './client.js';
import { makePass, type Bench, type PassResult } from './pass.js';
import { loadId, passesOf, workloadOf, type Pass } from './plan.js';
import { planFile, planShape } from './record.js';
import { requestShape } from './request.js';
import type { Try } from './search.js';
import { findTarget } from './service.js';
import { computeSearch, meets, searchDerivation, stepOf, type Level, type SearchBody, type SearchParams } from './sla.js';
import { limits } from './thresholds.js';

/** Requests earlier passes of the run sent to the same service: their prompts are not sent again. */
export async function sentBefore(run: Run, serviceJob: string | null): Promise<number> {
  let sent = 0;
  for (const path of (await run.files()).keys()) {
    if (!path.startsWith('perf/') || !path.endsWith(`/${planFile}`)) continue;
    const checked = planShape.safeParse(await readArtifact(join(run.dir, path)));
    if (checked.success && checked.data.service_job === serviceJob) sent += checked.data.number + checked.data.warmup;
  }
  return sent;
}

function shown(result: PassResult): Record<string, unknown> {
  const p = result.body.points[0];
  return {
    id: result.pass.id,
    repeat: result.pass.repeat,
    metrics: result.path,
    success: p?.success ?? null,
    failed: p?.failed ?? null,
    output_tps: p?.output_tps ?? null,
    request_tps: p?.request_tps ?? null,
    ttft_ms_mean: p?.ttft_ms.mean ?? null,
    ttft_ms_p99: p?.ttft_ms.p99 ?? null,
    tpot_ms_mean: p?.tpot_ms.mean ?? null,
    tpot_ms_p99: p?.tpot_ms.p99 ?? null,
    acceptance_rate: p?.speculative?.acceptance_rate ?? null,
    graph_captures: p?.graph_captures ?? null,
    doubts: result.body.incomplete.slice(0, 5).map((i) => i.code),
  };
}

/** A pass none of whose requests succeeded measured nothing, whatever the client's exit code. @throws ToolError E_SERVICE_FAILED */
function refuseAllFailed(result: PassResult): void {
  const p = result.body.points[0];
  if (p === undefined || (p.success ?? 0) > 0) return;
  throw new ToolError('E_SERVICE_FAILED', `none of ${p.failed ?? result.pass.number} requests of ${result.pass.id} succeeded`, 'check endpoint and model, and that the lengths fit the longest context; the client\'s own words are in raw/client.log of the pass, incident_triage reads the service logs');
}

async function run(bench: Bench, pass: Pass, results: PassResult[], of: string, extra: Record<string, unknown>): Promise<PassResult> {
  const { ctx } = bench;
  ctx.signal.throwIfAborted();
  bench.stage = `${of}: ${pass.id}${pass.repeat === 1 ? '' : `, pass ${pass.repeat}`}`;
  await ctx.report(bench.stage, null, { ...extra, points: results.slice(-24).map(shown) });
  const result = await makePass(bench, pass);
  results.push(result);
  const point = result.body.points[0];
  // A memory that cannot be written costs no measurement.
  if (point !== undefined) await remember(ctx.host, await ctx.run.manifest(), point, bench.target.startedAt).catch((error: unknown) => ctx.log(error instanceof Error ? error.message : 'the noise memory could not be written'));
  return result;
}

/** Measures what the search asks for until it has its answer; the answer is written whatever ends it. */
async function search(bench: Bench, sla: Level, sent: number, results: PassResult[], facts: Record<string, unknown>): Promise<SearchBody> {
  const { ctx, request } = bench;
  const parallel = request.parallel[0] ?? null;
  const rule = { by: parallel === null ? 'rate' : 'parallel', start: parallel ?? request.rate ?? 1, repeats: request.repeats } as const;
  const tries: Try[] = [];
  const params: SearchParams = { out: `perf/${ctx.job}/search.json`, job: ctx.job, sla, ...rule, tries: [] };
  let offset = sent;
  try {
    for (;;) {
      const step = stepOf(tries, rule);
      if ('done' in step) break;
      const asked = request.number[0] ?? 1;
      const load = rule.by === 'parallel' ? { parallel: step.measure, rate: request.rate, number: Math.max(asked, limits.searchPerSlot.value * step.measure) } : { parallel: null, rate: step.measure, number: asked };
      const pass = { id: loadId(load), repeat: tries.filter((t) => t.load === step.measure).length + 1, ...load, offset };
      const result = await run(bench, pass, results, `search, pass ${tries.length + 1}`, facts);
      offset += load.number + request.warmup;
      if (tries.length === 0) refuseAllFailed(result);
      tries.push({ load: step.measure, meets: meets(result.body.points[0], sla) });
      params.tries.push({ load: step.measure, metrics: inRun(ctx.run.dir, result.path) });
    }
  } catch (error) {
    if (params.tries.length > 0) await writeSearch(bench, params);
    throw error;
  }
  return writeSearch(bench, params);
}

async function writeSearch({ ctx, request }: Bench, params: SearchParams): Promise<SearchBody> {
  const { body, derived } = await computeSearch(params, ctx.run.dir);
  await ctx.run.writeComputed({ tool: 'bench_start', input: { ...request } }, { by: searchDerivation, params }, derived);
  return body;
}

/**
 * Measures every load, or searches the largest one that meets the service level. Each pass leaves its own metrics.json, so what was
 * measured before a failure or a cancel stays.
 */
async function bench(raw: Record<string, unknown>, ctx: JobContext): Promise<Record<string, unknown>> {
  const request = requestShape.parse(raw);
  await ctx.report('looking at client and service');
  const target = await findTarget(ctx.run, request.endpoint);
  const client = request.client === 'probe' ? null : await findClient(request.client, ctx.host, limits.jobVersionMs.value);
  const work: Bench = { ctx, request, target, client, stage: '', commands: [] };
  const by = { tool: 'bench_start', input: { ...request } };
  const version = client === null ? '1' : client.version;
  await ctx.run.updateManifest(by, 'captured', { workload: workloadOf(request, version, []), ...(target.simulated ? { simulated: true } : {}) });
  const results: PassResult[] = [];
  const facts = { client: request.client, client_version: version, service_job: target.job };
  const sent = await sentBefore(ctx.run, target.job);
  let found: SearchBody | null = null;
  try {
    if (request.sla !== null) found = await search(work, request.sla, sent, results, facts);
    else {
      const passes = passesOf(request, sent);
      for (const [i, pass] of passes.entries()) refuseAllFailed(await run(work, pass, results, `pass ${i + 1} of ${passes.length}`, facts));
    }
  } finally {
    const before = await ctx.run.manifest();
    const known = before.workload.command ?? [];
    if (work.commands.length > 0) {
      const searched = request.sla === null ? {} : { parallel: [...new Set(results.flatMap((r) => r.pass.parallel ?? []))], number: [...new Set(results.map((r) => r.pass.number))] };
      await ctx.run.updateManifest(by, 'captured', { workload: { command: [...known, ...work.commands.map((argv) => [...argv])], ...searched } });
    }
  }
  return { ...facts, points: results.slice(-24).map(shown), passes: results.length, ...(found === null ? {} : { search: { ...found.result, by: found.by }, headline: found.words }), next: 'bench_compare with this run once its counterpart is measured; env_probe phase after first' };
}

/** Whether an artifact is a clean snapshot of its phase. */
export async function gateOf(run: Run, phase: 'before' | 'idle', since: string | null): Promise<string | null> {
  const checked = check('env-snapshot', await readArtifact(join(run.dir, 'env', `${phase}.json`)));
  if (!checked.ok) return `no env_probe of phase ${phase}`;
  if (checked.value.verdict !== 'clean') return `env_probe of phase ${phase} is ${checked.value.verdict}`;
  return phase === 'idle' && since !== null && checked.value.created_at < since ? 'env_probe of phase idle is older than the service' : null;
}

export const benchJobs: JobKinds = { bench };
