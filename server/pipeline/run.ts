import { isAbsolute, join } from 'node:path';
import type { ToolOk, Warning } from '../contract/index.js';
import { openHost } from '../host/host.js';
import { isInside } from '../host/paths.js';
import { pathList, type ToolContext } from '../mcp/define.js';
import { freeFolder, inRun } from '../runs/places.js';
import { Runs, type Run } from '../runs/runs.js';
import { shownOf } from './answer.js';
import { body, derived, failedBody, failedHeadline, outcomeOf, pipelineDerivation, type AnalysisBody, type Outcome, type Params } from './derive.js';
import { headline } from './render.js';
import type { View } from './views.js';

export interface PipelineArgs {
  readonly path: string | string[];
  readonly run?: string | undefined;
  readonly boundary?: string | undefined;
  readonly ranks?: number[] | undefined;
  readonly view: View;
}

/** Beside the capture when that lies in a job's folder of the run (`profiling/<job>/PROF_*`) and was not analysed yet, else the next free number. */
async function folderFor(run: Run, paths: readonly string[]): Promise<string> {
  const taken = new Set((await run.files()).keys());
  const root = join(run.dir, 'profiling');
  const jobs = new Set(paths.map((p) => (isInside(root, p) ? inRun(root, p).split('/') : [])).map((parts) => (parts.length > 1 ? (parts[0] ?? '') : '')));
  const [job = ''] = jobs;
  if (jobs.size === 1 && job !== '' && !taken.has(`profiling/${job}/pipeline/analysis.json`)) return `profiling/${job}/pipeline`;
  return `${await freeFolder(run, 'profiling')}/pipeline`;
}

function warnings(outcome: Outcome, whole: AnalysisBody, shown: ReturnType<typeof shownOf>, failed: string | null): Warning[] {
  const list: Warning[] = [{ code: 'W-PROFILED', detail: 'profiling explains, it never measures: take performance numbers from runs without a profiler' }];
  if (failed !== null) list.push({ code: 'W-NOT-READABLE', detail: failed });
  if (outcome.judged?.analysis.profile.simulated === true) list.push({ code: 'W-SIMULATED', detail: 'the capture was generated, not measured on an NPU' });
  if (whole.findings.some((f) => f.id === 'capture-incomplete')) list.push({ code: 'W-CAPTURE-INCOMPLETE', detail: 'the capture is damaged or cut off; incomplete says where' });
  const { facts } = shown;
  if (facts.bubbles.length < whole.bubbles.length || facts.stages.length < whole.stages.length || (facts.rank_skew?.per_rank.length ?? 0) < (whole.rank_skew?.per_rank.length ?? 0)) list.push({ code: 'W-CUT', detail: 'lists are cut to the view; tables says how many rows the files hold' });
  return list;
}

function nextSteps(whole: AnalysisBody, view: View): ToolOk['next'] {
  const next: ToolOk['next'] = [];
  const codes = new Set(whole.incomplete.map((n) => n.code));
  if (codes.has('not-readable') || codes.has('no-kernels') || codes.has('no-window')) next.push({ tool: 'profile_start', why: 'capture again while requests are running; incomplete says what is missing' });
  else if (codes.has('boundary-not-found') || codes.has('no-pattern') || codes.has('low-confidence')) next.push({ tool: 'profile_analyze', why: 'view kernel shows the op types a boundary can be made of' });
  if (view === 'summary' && whole.verdict.class === 'rank-skewed') next.push({ tool: 'pipeline_analyze', why: 'view rank_skew: each rank\'s compute, waits and lateness' });
  else if (view === 'summary' && whole.bubbles.length > 0) next.push({ tool: 'pipeline_analyze', why: 'view bubbles: every gap with its class and the host calls that cover it' });
  if (whole.devices.length > 0) next.push({ tool: 'profile_analyze', why: 'the kernels and collectives inside the steps' });
  return next;
}

/** pipeline_analyze: reads, judges, writes the six files, answers the part the view asks for. @throws ToolError of admission and the reader, E_ARG_TYPE, E_RUN_* */
export async function analyzePipeline(args: PipelineArgs, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const by = { tool: 'pipeline_analyze', input: { ...args } };
  const paths = await Promise.all(pathList(args.path).map((p) => host.admit(p)));
  const runs = new Runs(host);
  const known = args.run === undefined ? null : await runs.open(args.run);
  const asked = { boundary: args.boundary ?? null, ranks: args.ranks ?? null };
  // Read and judged before a run is opened: a path that cannot be admitted leaves no empty run behind.
  const { outcome, error } = await outcomeOf(paths, asked, host, (p) => (known === null ? p : inRun(known.dir, p)), { signal: ctx.signal, progress: ctx.progress });
  const run = known ?? (await runs.create({ purpose: 'pipeline analysis', level: 'smoke' }, by));
  const params: Params = { paths: paths.map((p) => inRun(run.dir, p)), folder: await folderFor(run, paths), ...asked };
  // A capture that lies in the run root is evidence as a whole, the files this reading did not need included.
  for (const p of params.paths) if (p !== '' && !isAbsolute(p)) await run.recordRaw(by, p);
  const artifacts = await run.writeComputed(by, { by: pipelineDerivation, params }, derived(outcome, params));
  const whole = outcome.judged === null ? failedBody(outcome.failure) : body(outcome.judged, args.boundary !== undefined);
  const shown = shownOf(whole, run.id, args.view);
  return {
    verdict: whole.verdict.class,
    headline: outcome.judged === null ? failedHeadline(outcome.failure) : headline(outcome.judged),
    facts: { ...shown.facts },
    findings: shown.findings,
    artifacts,
    warnings: warnings(outcome, whole, shown, error === null ? null : `${error.seen}; ${error.next}`),
    next: nextSteps(whole, args.view),
  };
}
