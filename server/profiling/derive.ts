import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { ToolError, type ProfilingAnalysis } from '../contract/index.js';
import type { Host } from '../host/host.js';
import type { Profile } from '../profiles/profile.js';
import { inRun } from '../runs/places.js';
import type { Derivations, Derived } from '../runs/runs.js';
import { analyze, type Analysis } from './analyze/analyze.js';
import { analyzePaths } from './captures/captures.js';
import { compareAnalyses } from './compare/compare.js';
import { compareFindings } from './compare/findings.js';
import type { CompareFacts } from './compare/facts.js';
import { judge } from './judge/judge.js';
import { operatorDerivations } from './operators/derive.js';
import { fiveTables, timelineNotes, type Judged, type Shown } from './render.js';

export const derivationName = 'profiling.analysis';

/** What a derivation is repeated with. Paths inside the run root are relative to it, so that a run root may be moved. */
export const paramsSchema = z.object({
  paths: z.array(z.string().min(1)).min(1),
  /** The baseline of compare_to. */
  baseline: z.array(z.string().min(1)).min(1).optional(),
  /** Below the run root, e.g. `profiling/001`. */
  folder: z.string().min(1),
  top: z.number().int().positive(),
  min_share_pct: z.number().min(0),
});
export type Params = z.output<typeof paramsSchema>;

/** The analysis as it stands in analysis.json, without the stamp every artifact gets. */
export type AnalysisBody = Omit<ProfilingAnalysis, 'schema' | 'schema_version' | 'producer' | 'created_at' | 'simulated' | 'source'>;

/** An analysis that names files of the run root by their place in it. */
export function localised(analysis: Analysis, runDir: string): Analysis {
  const { profile, compare } = analysis;
  return {
    ...analysis,
    profile: { ...profile, sources: profile.sources.map((s) => ({ ...s, path: inRun(runDir, s.path) })) },
    compare: { ...compare, sources: compare.sources.map((path) => inRun(runDir, path)) },
  };
}

/** Verdict and findings on a profile that was read as a whole, as {@link judgedAnalysis}. Pure. */
export function judged(profile: Profile, baseline: CompareFacts | null = null): Judged {
  return judgedAnalysis(analyze(profile), baseline);
}

/** Tables, verdict and findings, against a baseline when there is one. Pure. @throws ToolError E_PROFILE_NO_DEVICE_DATA when it holds nothing to say */
export function judgedAnalysis(analysis: Analysis, baseline: CompareFacts | null): Judged {
  const { sources, stepTrace } = analysis.profile;
  const silent = analysis.windows.length === 0 && analysis.kernel === null && (analysis.communication ?? []).length === 0 && analysis.dispatch === null && (analysis.memory ?? []).length === 0 && stepTrace === 0;
  if (silent) throw new ToolError('E_PROFILE_NO_DEVICE_DATA', `${sources.length} files read, not one device task, collective, statistic or memory record in them`, 'give the folder of one capture (PROF_*, *_ascend_pt), exported; profile while requests are running');
  const comparison = baseline === null ? null : compareAnalyses(baseline, analysis.compare);
  const verdict = judge(analysis);
  const incomplete = baseline !== null && comparison === null ? [...analysis.incomplete, { code: 'comparison-null', detail: 'one of the two captures has no device time, so nothing is compared: give captures with device tasks' }] : analysis.incomplete;
  return { analysis: { ...analysis, incomplete }, ...verdict, findings: [...verdict.findings, ...compareFindings(comparison)], comparison };
}

export function body({ analysis, bottleneck, findings, comparison }: Judged): AnalysisBody {
  const { profile } = analysis;
  return {
    sources: profile.sources.map((s) => ({ path: s.path, kind: s.kind, rows: s.rows, bytes: s.bytes })),
    incomplete: [...analysis.incomplete],
    ranks: [...analysis.ranks],
    window: analysis.window,
    windows: [...analysis.windows],
    bottleneck,
    kernel: analysis.kernel === null ? null : [...analysis.kernel],
    communication: analysis.communication === null ? null : [...analysis.communication],
    fusion: analysis.fusion === null ? null : [...analysis.fusion],
    dispatch: analysis.dispatch === null ? null : [...analysis.dispatch],
    memory: analysis.memory === null ? null : [...analysis.memory],
    comparison,
    operators: null,
    findings: [...findings],
  };
}

/** The three files of an analysis of a localised profile. Pure: no clock, no randomness, one order. */
export function derived(result: Judged, params: Params): Derived {
  const { profile } = result.analysis;
  const shown: Shown = { top: params.top, minSharePct: params.min_share_pct };
  return {
    simulated: profile.simulated,
    sources: profile.sources.map((s) => s.path),
    files: [
      { path: `${params.folder}/analysis.json`, kind: 'profiling-analysis', schema: 'profiling-analysis', body: body(result) },
      { path: `${params.folder}/five_tables.md`, kind: 'five-tables', schema: null, body: fiveTables(result, shown) },
      { path: `${params.folder}/timeline_notes.md`, kind: 'timeline-notes', schema: null, body: timelineNotes(result) },
    ],
  };
}

/** Reads the profile of stored params again. @throws ToolError of the reader, E_PATH_* */
async function again(params: Params, host: Host, runDir: string): Promise<Derived> {
  const paths = await Promise.all(params.paths.map((p) => host.admit(isAbsolute(p) ? p : join(runDir, p))));
  const before = params.baseline === undefined ? null : await Promise.all(params.baseline.map((p) => host.admit(isAbsolute(p) ? p : join(runDir, p))));
  // Never from the cache: this is how others check what it said.
  const read = async (of: readonly string[]): Promise<Analysis> => localised(await analyzePaths(of, host, { cache: false }), runDir);
  const baseline = before === null ? null : (await read(before)).compare;
  return derived(judgedAnalysis(await read(paths), baseline), params);
}

export const profilingDerivations: Derivations = {
  ...operatorDerivations,
  [derivationName]: async (params, host, runDir) => {
    const checked = paramsSchema.safeParse(params);
    if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the ledger names an analysis whose parameters are not those of profile_analyze', 'analyse the capture again in a new run');
    return again(checked.data, host, runDir);
  },
};
