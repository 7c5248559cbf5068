import { number, ToolError, type RunManifest, type ToolOk } from '../contract/index.js';
import { openHost } from '../host/host.js';
import { Jobs } from '../jobs/jobs.js';
import type { ToolContext } from '../mcp/define.js';
import { missingForFormal, type ManifestPatch } from '../runs/manifest.js';
import { Runs, type Run } from '../runs/runs.js';
import { verifyRun } from '../runs/verify.js';
import { jobHandle } from './job-run.js';
import { jsonObject, statedManifest } from './read.js';
import type { CreateArgs, ReportArgs, RunParts, ShowArgs, ValidateArgs } from './inputs.js';

function ok(partial: Pick<ToolOk, 'verdict' | 'headline' | 'facts'> & Partial<ToolOk>): ToolOk {
  return { findings: [], artifacts: [], warnings: [], next: [], ...partial };
}

async function missingOf(run: Run, manifest: RunManifest): Promise<string[]> {
  return missingForFormal(manifest, [...(await run.files()).keys()]);
}

function numbers(name: string, value: Record<string, unknown>): Record<string, number> {
  const out: Record<string, number> = {};
  for (const [key, v] of Object.entries(value)) {
    if (typeof v !== 'number') throw new ToolError('E_ARG_TYPE', `${name}: a value that is not a number`, 'give an object of numbers, e.g. {"ttft_p99_ms":1000}');
    out[key] = v;
  }
  return out;
}

/** run_create. @throws ToolError E_ARG_TYPE, E_ARG_UNKNOWN */
export async function createRun(args: CreateArgs, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const stated = statedManifest(args.manifest_json);
  const patch: ManifestPatch = { ...stated };
  if (args.framework !== undefined) patch.service = { ...stated.service, framework: args.framework };
  if (args.model !== undefined) patch.model = { ...stated.model, ...(/^[./~]/.test(args.model) ? { path: args.model } : { name: args.model }) };
  if (args.chip !== undefined || args.devices !== undefined) {
    patch.environment = { ...stated.environment, ...(args.chip === undefined ? {} : { chip: args.chip }), ...(args.devices === undefined ? {} : { devices: args.devices }) };
  }
  if (args.workload_json !== undefined) patch.workload = { ...stated.workload, ...jsonObject('workload_json', args.workload_json) };
  const sla = args.sla_json === undefined ? null : numbers('sla_json', jsonObject('sla_json', args.sla_json));
  const by = { tool: 'run_create', input: { ...args } };
  const run = await new Runs(host).create(
    { purpose: args.purpose, level: args.level, targetMetric: args.target_metric ?? null, targetChangePct: args.target_change_pct ?? null, sla },
    by,
    patch,
  );
  const manifest = await run.manifest();
  const missing = await missingOf(run, manifest);
  return ok({
    verdict: 'created',
    headline: `run ${run.id} is open at level ${args.level}${args.level === 'formal' ? `; ${missing.length} facts are still needed for a formal claim` : ''}`,
    facts: { run: run.id, run_dir: run.dir, missing_for_formal: missing },
    artifacts: (await run.artifacts()).filter((a) => a.kind === 'run-manifest'),
    next: [{ tool: 'env_probe', why: 'captures the host before anything runs; pass run and phase before' }],
  });
}

/** run_show. @throws ToolError E_RUN_MISSING */
export async function showRuns(args: ShowArgs, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const runs = new Runs(host);
  if (args.run === undefined) {
    const rows = [];
    for (const id of await runs.list()) {
      const manifest = await (await runs.open(id)).manifest().catch(() => null);
      rows.push({ run: id, purpose: manifest?.identity.purpose ?? null, level: manifest?.identity.level ?? null, created_at: manifest?.created_at ?? null, simulated: manifest?.simulated ?? null });
    }
    return ok({ verdict: 'ok', headline: `${rows.length} runs`, facts: { runs: rows }, next: rows.length === 0 ? [{ tool: 'run_create', why: 'no run yet' }] : [] });
  }
  const run = await runs.open(args.run);
  const manifest = await run.manifest();
  const missing = await missingOf(run, manifest);
  const headline = `run ${run.id}, level ${manifest.identity.level}${manifest.simulated ? ', simulated' : ''}: ${missing.length} facts missing for a formal claim`;
  const artifacts = await run.artifacts();
  const facts = {
    manifest: { manifest },
    artifacts: { artifacts },
    jobs: { jobs: (await new Jobs(host).list(run)).map((s) => ({ job: jobHandle(s), kind: s.kind, state: s.state, stage: s.stage, started_at: s.started_at, ended_at: s.ended_at })) },
    events: { events: (await run.events()).slice(-50) },
  }[args.what];
  return ok({ verdict: 'ok', headline, facts: { ...facts, missing_for_formal: missing }, artifacts: artifacts.filter((a) => a.kind === 'run-manifest'), next: [{ tool: 'run_validate', why: 'checks every hash' }] });
}

/** run_validate. @throws ToolError E_RUN_MISSING */
export async function validateRun(args: ValidateArgs, ctx: ToolContext, parts: RunParts): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const run = await new Runs(host).open(args.run);
  const { verdict, facts, notes, redacted, leftOut } = await verifyRun(run, host, args.recompute ? await parts.derivations() : null);
  const bad = [...facts.hash_mismatches, ...facts.violations.map((v) => v.path)];
  const headline = {
    complete: `every file of run ${run.id} is as it was ${redacted.length + leftOut.length > 0 ? 'bundled' : 'written'}${facts.recomputed_equal === true ? ` and ${facts.recomputed ?? 0} computed files came out the same again` : ''}`,
    incomplete: `run ${run.id} lacks ${facts.missing.length} recorded files and has ${facts.violations.length} violations and ${facts.missing_for_formal?.length ?? 0} facts missing for a formal claim`,
    tampered: `${new Set(bad).size} files of run ${run.id} are not what was written`,
    inconclusive: `run ${run.id} is intact, but ${notes.length} derivations could not be computed again by this version`,
  }[verdict];
  return ok({
    verdict,
    headline,
    facts: { ...facts },
    warnings: [
      ...(redacted.length === 0 ? [] : [{ code: 'W-REDACTED', detail: `${redacted.length} raw files have other bytes than the run had: bundling redacted them, and bundle.json lists both hashes` }]),
      ...(leftOut.length === 0 ? [] : [{ code: 'W-LEFT-OUT', detail: `${leftOut.length} recorded files were not taken into the bundle; bundle.json says why` }]),
      ...notes.map((detail) => ({ code: 'W-RECOMPUTE', detail })), ...(facts.unrecorded ?? []).slice(0, 5).map((detail) => ({ code: 'W-UNRECORDED', detail })),
    ],
    next: verdict === 'tampered' ? [{ tool: 'run_create', why: 'nothing may be claimed from this run; measure again in a new one' }] : [],
  });
}

/** run_report. @throws ToolError E_RUN_MISSING */
export async function reportRun(args: ReportArgs, ctx: ToolContext, parts: RunParts): Promise<ToolOk> {
  const run = await new Runs(openHost(ctx.config)).open(args.run);
  const files = await parts.report(run, { format: args.format ?? null, language: args.language });
  const artifacts = await run.writeReport({ tool: 'run_report', input: { ...args } }, files);
  return ok({
    verdict: 'written',
    headline: `${number(artifacts.length)} report files of run ${run.id} are written`,
    facts: { files: artifacts.map((a) => a.path) },
    artifacts,
    warnings: files.flatMap((f) => (f.open ?? []).map((detail) => ({ code: 'W-UNANSWERED', detail }))),
    next: [{ tool: 'run_validate', why: 'proves that the report rests on untouched files' }],
  });
}
