import type { CapacityPlanFacts, ToolOk, Warning } from '../contract/index.js';
import { openHost } from '../host/host.js';
import { describedNote, type Described } from '../models/description.js';
import type { ToolContext } from '../mcp/define.js';
import { freeFolder, inRun } from '../runs/places.js';
import { Runs } from '../runs/runs.js';
import { capacityDerivation, compute, type Params, type Result } from './derive.js';
import { describedModel, locateModel, type ModelRef } from './read.js';
import { headline } from './render.js';
import { settingsSchema, type Settings } from './shape.js';
import { limits } from './thresholds.js';

export interface PlanArgs extends Settings {
  readonly model: string;
  readonly draft_model?: string | undefined;
  readonly startup_log?: string | undefined;
  readonly run?: string | undefined;
}

function warnings(result: Result, described: Described | null): Warning[] {
  const { body } = result;
  const list: Warning[] = body.notes.map((n) => ({ code: `W-${n.code.toUpperCase()}`, detail: n.detail }));
  if (described !== null) list.push({ code: 'W-QUANT-FOUND', detail: describedNote(described) });
  if (result.derived.simulated) list.push({ code: 'W-SIMULATED', detail: 'the log was made by the simulated host' });
  if (body.per_rank.hbm_total_bytes === null) list.push({ code: 'W-NO-MEMORY-SIZE', detail: 'no chip, hbm_bytes or log names the memory of a device: blocks are not computed' });
  const differing = body.differences.filter((d) => d.status === 'differs');
  if (differing.length > 0) list.push({ code: 'W-PLAN-DIFFERS', detail: `plan and log differ in ${differing.map((d) => d.quantity).join(', ')}` });
  return list;
}

/** capacity_plan: reads model, draft and log, plans, writes the artifacts, answers the facts. */
export async function plan(args: PlanArgs, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const runs = new Runs(host);
  const by = { tool: 'capacity_plan', input: { ...args } };
  const known = args.run === undefined ? null : await runs.open(args.run);
  const { model: modelName, draft_model: draftName, startup_log: logPath } = args;
  const model = await locateModel(modelName, host);
  const described = args.quant === undefined ? await describedModel(model) : null;
  const asked = settingsSchema.parse(args);
  const kv = asked.kv_dtype ?? described?.kv_dtype ?? undefined;
  // Kept with the settings, so that the plan can be computed again without the description.
  const settings: Settings = described === null ? asked : { ...asked, quant: described.quant, ...(kv === undefined ? {} : { kv_dtype: kv }) };
  const draft = draftName === undefined ? null : await locateModel(draftName, host);
  const log = logPath === undefined ? null : await host.admit(logPath);
  const place = (path: string): string => (known === null ? path : inRun(known.dir, path));
  const stored = (ref: ModelRef): ModelRef => ('path' in ref ? { path: place(ref.path) } : ref);
  const params: Params = { folder: await freeFolder(known, 'capacity'), model: stored(model), draft: draft === null ? null : stored(draft), log: log === null ? null : place(log), settings };
  // Planned before a run is opened: a model that cannot be read leaves no empty run behind.
  const result = await compute(params, known?.dir ?? '/');
  const run = known ?? (await runs.create({ purpose: 'capacity plan', level: 'smoke' }, by));
  const artifacts = await run.writeComputed(by, { by: capacityDerivation, params }, result.derived);
  const { body } = result;
  const facts: CapacityPlanFacts = {
    run: run.id, limit: body.limit, per_rank: body.per_rank, ledger: body.ledger.map(({ name, bytes, worst_bytes }) => ({ name, bytes, worst_bytes })), tokens_per_request: body.tokens_per_request,
    max_concurrency: body.max_concurrency, max_concurrency_low: body.max_concurrency_low, observed: body.observed, differences: body.differences.slice(0, limits.shownDifferences), advice: body.advice,
  };
  const next: ToolOk['next'] = [];
  if (body.observed === null) next.push({ tool: 'capacity_plan', why: 'again with startup_log once the service is up: the log replaces the estimates' });
  if (body.verdict === 'pass' || body.verdict === 'risk') next.push({ tool: 'service_start', why: 'starts the service with the flags planned' });
  return { verdict: body.verdict, headline: headline(body), facts: { ...facts }, findings: [], artifacts, warnings: warnings(result, described), next };
}
