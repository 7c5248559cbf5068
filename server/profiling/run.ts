import { isAbsolute, join } from 'node:path';
import { foreign, ToolError, type ComparisonFacts, type Finding, type ProfileAnalyzeFacts, type ProfileComparison, type ProfileQueryFacts, type ToolOk, type Warning } from '../contract/index.js';
import { openHost, type Host } from '../host/host.js';
import { isInside } from '../host/paths.js';
import { pathList, type ToolContext } from '../mcp/define.js';
import { isOperatorPath } from '../profiles/opprof.js';
import { freeFolder, inRun } from '../runs/places.js';
import { Runs, type Run } from '../runs/runs.js';
import type { Analysis } from './analyze/analyze.js';
import { handedOver, readInTime, startReading, type Allowed } from './captures/inTime.js';
import { planned, type Plan } from './captures/captures.js';
import { derivationName, derived, judgedAnalysis, localised, type Params } from './derive.js';
import { analyzeOperators } from './operators/run.js';
import { cachedDatabase, discard, isDamaged } from './query/cached.js';
import { runQuery, type QueryResult } from './query/query.js';
import { headline, type Judged } from './render.js';
import { limits } from './thresholds.js';
import type { View } from './views.js';

async function admitAll(host: Host, path: string | readonly string[]): Promise<string[]> {
  return Promise.all(pathList(path).map((p) => host.admit(p)));
}

/**
 * Where the analysis goes: beside the capture when that lies in a job's folder of the run (`profiling/<job>/PROF_*`) and was not
 * analysed yet, else the next free number.
 */
async function folderFor(run: Run, paths: readonly string[]): Promise<string> {
  const taken = new Set([...(await run.files()).keys()].filter((f) => f.endsWith('/analysis.json')).map((f) => f.slice(0, -'/analysis.json'.length)));
  const jobs = new Set(paths.map((p) => (isInside(join(run.dir, 'profiling'), p) ? inRun(join(run.dir, 'profiling'), p).split('/') : [])).map((parts) => (parts.length > 1 ? (parts[0] ?? '') : '')));
  const [job] = jobs;
  if (jobs.size === 1 && job !== undefined && job !== '' && !taken.has(`profiling/${job}`)) return `profiling/${job}`;
  return freeFolder(run, 'profiling');
}

type Table = Exclude<View, 'summary' | 'finding' | 'comparison'>;

/** The longest rows of a table first, where its own order is by device and stream. */
function topRows(analysis: Analysis, view: Table, top: number, minSharePct: number): readonly object[] | null {
  switch (view) {
    case 'kernel':
      return analysis.kernel?.filter((r) => r.share_pct >= minSharePct).slice(0, top) ?? null;
    case 'dispatch':
      return analysis.dispatch === null ? null : [...analysis.dispatch].sort((a, b) => b.busy_us - a.busy_us).slice(0, top);
    default:
      return analysis[view]?.slice(0, top) ?? null;
  }
}

/** Table that shows the rows a finding is about. */
function tableOf(id: string): Table {
  if (id.startsWith('unfused')) return 'fusion';
  if (id.startsWith('host-bound') || id === 'device-idle' || id === 'op-compile') return 'dispatch';
  if (id.startsWith('memory')) return 'memory';
  return id === 'comm-exposed' || id === 'slow-link' ? 'communication' : 'kernel';
}

interface Shown {
  readonly view: View;
  readonly top: number;
  readonly minSharePct: number;
  readonly finding: string | undefined;
}

function rowsFor(judged: Judged, shown: Shown): { rows: Record<string, unknown>; findings: Finding[] } {
  const { analysis, findings } = judged;
  const { view, top, minSharePct } = shown;
  const compared = judged.comparison?.contributions;
  if (view === 'finding') {
    const found = findings.filter((f) => f.id === shown.finding);
    if (found.length === 0) {
      const ids = [...new Set(findings.map((f) => f.id))].join(', ');
      throw new ToolError('E_ARG_TYPE', shown.finding === undefined ? 'view finding needs the id of a finding' : `no finding ${foreign(shown.finding, 60)} in this profile`, ids === '' ? 'this profile has no findings' : `findings here: ${ids}`);
    }
    if (found.some((f) => f.id.startsWith('compared-'))) return { rows: { comparison: compared?.slice(0, top) ?? null }, findings: found };
    const about = tableOf(shown.finding ?? '');
    return { rows: { [about]: topRows(analysis, about, top, minSharePct) }, findings: found };
  }
  if (view === 'comparison') {
    if (compared === undefined) throw new ToolError('E_ARG_MISSING', 'view comparison without a comparison', 'give compare_to: the capture to compare with, one with device time');
    return { rows: { comparison: compared.slice(0, top) }, findings: findings.filter((f) => f.id.startsWith('compared-')) };
  }
  if (view !== 'summary') return { rows: { [view]: topRows(analysis, view, top, minSharePct) }, findings: [] };
  const few = Math.min(top, limits.summaryRows.value);
  return {
    rows: { kernel: topRows(analysis, 'kernel', few, minSharePct), communication: topRows(analysis, 'communication', few, minSharePct), fusion: topRows(analysis, 'fusion', few, minSharePct), ...(compared === undefined ? {} : { comparison: compared.slice(0, few) }) },
    findings: findings.slice(0, limits.summaryFindings.value).map((f) => ({ ...f, evidence: f.evidence.slice(0, 1) })),
  };
}

function warnings({ analysis, findings }: Judged, shown: readonly Finding[], view: View): Warning[] {
  const list: Warning[] = [{ code: 'W-PROFILED', detail: 'profiling explains, it never measures: take performance numbers from runs without a profiler' }];
  if (analysis.profile.simulated) list.push({ code: 'W-SIMULATED', detail: 'the capture was generated, not measured on an NPU' });
  const damaged = findings.find((f) => f.id === 'capture-incomplete');
  if (damaged !== undefined) list.push({ code: 'W-CAPTURE-INCOMPLETE', detail: `the capture is damaged or cut off: ${damaged.evidence.map((e) => e.where).join(', ')}` });
  if (view === 'summary' && shown.length < findings.length) list.push({ code: 'W-CUT', detail: `findings shows ${shown.length} of ${findings.length}; the artifact files hold all` });
  return list;
}

function nextSteps({ analysis, bottleneck, findings }: Judged, view: View): ToolOk['next'] {
  const next: ToolOk['next'] = [];
  const first = findings.find((f) => f.severity === 'high' || f.severity === 'medium') ?? findings[0];
  if (view === 'summary' && first !== undefined) next.push({ tool: 'profile_analyze', why: `view finding, finding ${first.id}: its evidence in full` });
  const open = analysis.incomplete.find((n) => n.code === 'level-0' || n.code === 'kernel-null' || n.code === 'bound-null' || n.code === 'no-pmu');
  if (bottleneck.class === 'inconclusive' && open !== undefined) next.push({ tool: 'profile_analyze', why: `capture again first: ${open.code} in incomplete says with which flag` });
  next.push({ tool: 'profile_query', why: 'any other question to the same capture, in SQL over tasks, comm_ops, apis and pmu' });
  return next;
}

/** The comparison without its rows. */
function comparisonFacts(comparison: ProfileComparison | null): ComparisonFacts | null {
  if (comparison === null) return null;
  const { baseline, candidate, delta_us, delta_pct, contributions, notes } = comparison;
  return { baseline, candidate, delta_us, delta_pct, contributions: contributions.length, notes };
}

function sizes(analysis: Analysis): ProfileAnalyzeFacts['tables'] {
  return { kernel: analysis.kernel?.length ?? null, communication: analysis.communication?.length ?? null, fusion: analysis.fusion?.length ?? null, dispatch: analysis.dispatch?.length ?? null, memory: analysis.memory?.length ?? null };
}

export interface AnalyzeArgs {
  readonly path: string | string[];
  readonly run?: string | undefined;
  readonly top: number;
  readonly min_share_pct: number;
  readonly view: View;
  readonly finding?: string | undefined;
  readonly compare_to?: string | string[] | undefined;
}

/** What there is to read of a capture; null for an operator profile, which says so by its name or is found when no capture is. */
async function planCapture(paths: readonly string[], host: Host): Promise<Plan | null> {
  if (paths.every(isOperatorPath)) return null;
  try {
    return await planned(paths, host, true);
  } catch (error) {
    if (error instanceof ToolError && error.code === 'E_PROFILE_OPERATOR') return null;
    throw error;
  }
}

/** profile_analyze: reads, judges, writes the artifacts, answers the top of them. @param allowed how long and how much one call may read */
export async function analyzeProfile(args: AnalyzeArgs, ctx: ToolContext, allowed: Allowed = { ms: limits.callMs.value, bytes: limits.jobBytes.value }): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const by = { tool: 'profile_analyze', input: { ...args } };
  const paths = await admitAll(host, args.path);
  const runs = new Runs(host);
  const known = args.run === undefined ? null : await runs.open(args.run);
  // Read and judge before a run is opened: a path that cannot be read leaves no empty run behind.
  const plan = await planCapture(paths, host);
  if (plan === null) return analyzeOperators(args, paths, host, ctx.signal, folderFor);
  const before = args.compare_to === undefined ? null : await admitAll(host, args.compare_to);
  const planBefore = before === null ? null : await planned(before, host, true);
  const read = await readInTime([plan, ...(planBefore === null ? [] : [planBefore])], host, ctx, allowed);
  if (read === null) {
    const run = known ?? (await runs.create({ purpose: 'profile analysis', level: 'smoke' }, by));
    return handedOver(args, run, await startReading(host, run, paths, before));
  }
  const [own, compared] = read.map((a) => (known === null ? a : localised(a, known.dir)));
  if (own === undefined) throw new ToolError('E_INTERNAL', 'no analysis of what was read', 'report this as a defect of the server');
  const result = judgedAnalysis(own, compared?.compare ?? null);
  const { rows, findings } = rowsFor(result, { view: args.view, top: args.top, minSharePct: args.min_share_pct, finding: args.finding });
  const run = known ?? (await runs.create({ purpose: 'profile analysis', level: 'smoke' }, by));
  const params: Params = { paths: paths.map((p) => inRun(run.dir, p)), folder: await folderFor(run, paths), top: args.top, min_share_pct: args.min_share_pct, ...(before === null ? {} : { baseline: before.map((p) => inRun(run.dir, p)) }) };
  // A capture that lies in the run root is evidence as a whole, the files this reading did not need included.
  for (const p of [...params.paths, ...(params.baseline ?? [])]) if (p !== '' && !isAbsolute(p)) await run.recordRaw(by, p);
  const artifacts = await run.writeComputed(by, { by: derivationName, params }, derived(result, params));
  const { analysis, bottleneck } = result;
  const facts: ProfileAnalyzeFacts = {
    run: run.id,
    view: args.view,
    window: analysis.window,
    bottleneck,
    tables: sizes(analysis),
    rows,
    incomplete: [...analysis.incomplete],
    ranks: [...analysis.ranks],
    comparison: comparisonFacts(result.comparison),
    operators: null,
    job: null,
  };
  return {
    verdict: bottleneck.class,
    headline: headline(result),
    facts: { ...facts },
    findings,
    artifacts,
    warnings: warnings(result, findings, args.view),
    next: nextSteps(result, args.view),
  };
}

export interface QueryArgs {
  readonly path: string | string[];
  readonly sql: string;
  readonly limit: number;
}

/** The cached file was not what had been written; it is gone now. */
class Damaged extends Error {}

/** profile_query: one read-only statement over the cached, normalised profile. */
export async function queryProfile(args: QueryArgs, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const paths = await admitAll(host, args.path);
  const ask = async (): Promise<QueryResult> => {
    const database = await cachedDatabase(paths, host, ctx, limits.loadMs.value);
    try {
      return await runQuery(database, args.sql, { rows: args.limit, timeoutMs: limits.sqlTimeoutMs.value, bytes: limits.sqlBytes.value, signal: ctx.signal });
    } catch (error) {
      // A refusal or a timeout says nothing of the file; anything else may be damage of it.
      if (error instanceof ToolError && error.code !== 'E_SQL_FAILED') throw error;
      if (!(await isDamaged(database))) throw error;
      await discard(database);
      throw new Damaged();
    }
  };
  const result = await ask().catch((error: unknown) => {
    if (error instanceof Damaged) return ask();
    throw error;
  });
  const facts: ProfileQueryFacts = { columns: result.columns, rows: result.rows, truncated: result.truncated, row_count: result.rows.length };
  return {
    verdict: 'ok',
    headline: `${result.rows.length} rows of ${result.columns.length} columns${result.truncated ? '; there are more, or longer ones, than are shown' : ''}`,
    facts: { ...facts },
    findings: [],
    artifacts: [],
    warnings: result.simulated ? [{ code: 'W-SIMULATED', detail: 'the capture was generated, not measured on an NPU' }] : [],
    next: [],
  };
}
