import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { errorCodes, ToolError, type ErrorCode, type PipelineAnalysis } from '../contract/index.js';
import type { Host } from '../host/host.js';
import { parseBoundary } from '../profiles/derived/steps.js';
import { inRun } from '../runs/places.js';
import type { Derivations, Derived } from '../runs/runs.js';
import { whose, type Analysis } from './analyze/analyze.js';
import { noSteps } from './analyze/steps.js';
import { analyzePaths, type ReadOptions } from './captures/captures.js';
import { findingsOf } from './judge/findings.js';
import { judgeDevice, verdictOf } from './judge/verdict.js';
import { pipelineReasons, unreadable } from './reasons.js';
import { page, type Judged } from './render.js';
import { bubbleTable, layerTable, skewTable, stageTable } from './tables.js';

export const pipelineDerivation = 'pipeline.analysis';

/** What a derivation is repeated with. Paths inside the run root are relative to it, so that a run root may be moved. */
export const paramsSchema = z.object({
  paths: z.array(z.string().min(1)).min(1),
  /** Below the run root, e.g. `profiling/001/pipeline`. */
  folder: z.string().regex(/^profiling\/[^/]+\/pipeline$/),
  boundary: z.string().nullable(),
  ranks: z.array(z.number().int()).nullable(),
});
export type Params = z.output<typeof paramsSchema>;

/** The analysis as it stands in analysis.json, without the stamp every artifact gets. */
export type AnalysisBody = Omit<PipelineAnalysis, 'schema' | 'schema_version' | 'producer' | 'created_at' | 'simulated' | 'source'>;

/** What one call found: an analysis, or the code of the failure of a capture that cannot be read. */
export type Outcome = { readonly judged: Judged; readonly failure: null } | { readonly judged: null; readonly failure: ErrorCode };

/** Verdict and findings on an analysis. Pure. */
export function judgedAnalysis(analysis: Analysis): Judged {
  const classes = analysis.devices.map(judgeDevice);
  return {
    analysis,
    verdict: verdictOf(analysis, classes),
    devices: classes.map((c) => ({ ...c.facts.row, class: c.class })),
    findings: findingsOf(analysis),
    incomplete: [...analysis.incomplete, ...analysis.skew.reasons, ...analysis.profile.incomplete].map(({ code, detail }) => ({ code, detail })),
  };
}

export function body(result: Judged, given: boolean): AnalysisBody {
  const { analysis, verdict, devices, findings, incomplete } = result;
  const { profile, shown, skew } = analysis;
  const names = shown?.steps?.boundary ?? null;
  return {
    sources: profile.sources.map((s) => ({ path: s.path, kind: s.kind, rows: s.rows, bytes: s.bytes })),
    incomplete: [...incomplete],
    ranks: profile.devices.map((d) => ({ rank: d.rank, device: d.id, host: d.host })),
    verdict,
    ...(shown === null ? { device: null, rank: null } : whose(profile, shown.index)),
    method: shown?.steps?.method ?? null,
    confidence: shown?.steps?.confidence ?? null,
    boundary: names === null ? null : { before: names[0], after: names[1], given },
    steps: analysis.steps,
    stages: [...analysis.stages],
    bubbles: [...analysis.bubbles],
    layers: analysis.layers,
    rank_skew: skew.skew === null ? null : { ...skew.skew, slow_ranks: [...skew.skew.slow_ranks], slow_ops: [...skew.skew.slow_ops], slow_links: [...skew.skew.slow_links], groups: skew.skew.groups.map((g) => ({ ...g, ranks: [...g.ranks] })), per_rank: [...skew.skew.per_rank] },
    devices: [...devices],
    findings: [...findings],
  };
}

/** The body for a capture that cannot be read: every table empty, the reason inside. Only our own words, for paths may change. */
export function failedBody(code: ErrorCode): AnalysisBody {
  const detail = `${pipelineReasons['not-readable']}: ${code}, ${errorCodes[code]}`;
  return {
    sources: [], incomplete: [{ code: 'not-readable', detail }], ranks: [],
    verdict: { class: 'inconclusive', confidence: 'low', evidence: [{ metric: 'readable', value: 0, threshold: 1, source: detail }] },
    device: null, rank: null, method: null, confidence: null, boundary: null, steps: noSteps, stages: [], bubbles: [], layers: null, rank_skew: null, devices: [], findings: [],
  };
}

/** One sentence for a capture that cannot be read. */
export function failedHeadline(code: ErrorCode): string {
  return `inconclusive: ${pipelineReasons['not-readable']} (${code}: ${errorCodes[code]})`;
}

/** The six files of an analysis of a localised profile. Pure: no clock, no randomness, one order. */
export function derived(outcome: Outcome, params: Params): Derived {
  const whole = outcome.judged === null ? failedBody(outcome.failure) : body(outcome.judged, params.boundary !== null);
  const skew = outcome.judged?.analysis.skew.skew ?? null;
  const profile = outcome.judged?.analysis.profile ?? null;
  const text = (name: string, kind: string, content: string): Derived['files'][number] => ({ path: `${params.folder}/${name}`, kind, schema: null, body: content });
  return {
    simulated: profile?.simulated === true,
    sources: profile?.sources.map((s) => s.path) ?? [],
    files: [
      { path: `${params.folder}/analysis.json`, kind: 'pipeline-analysis', schema: 'pipeline-analysis', body: whole },
      text('stage-table.csv', 'stage-table', stageTable(whole.stages)),
      text('bubble-table.csv', 'bubble-table', bubbleTable(whole.bubbles)),
      text('layer-table.csv', 'layer-table', layerTable(whole.layers)),
      text('rank-skew-table.csv', 'rank-skew-table', skewTable(skew)),
      text('pipeline-analysis.md', 'pipeline-page', outcome.judged === null ? `${failedHeadline(outcome.failure)}\n\n# Pipeline\n\nNothing was computed. ${whole.incomplete[0]?.detail ?? ''}.\n` : page(outcome.judged)),
    ],
  };
}

/** The boundary of a call. @throws ToolError E_ARG_TYPE when it is not two names around an arrow */
export function boundaryOf(text: string | null): readonly [string, string] | null {
  if (text === null) return null;
  const parsed = parseBoundary(text);
  if (parsed === null) throw new ToolError('E_ARG_TYPE', 'boundary is not two op names around an arrow', 'give the last op of a step and the first of the next, e.g. "ArgMaxV2->GatherV2", or leave it out');
  return parsed;
}

/**
 * Reads and judges. A capture that holds nothing to read is an outcome, not an error.
 * @param localise what the profile's source paths become
 * @throws ToolError E_PATH_*, E_FORMAT_UNKNOWN, E_PROFILE_OPERATOR, E_ARG_TYPE
 */
export async function outcomeOf(paths: readonly string[], params: Pick<Params, 'boundary' | 'ranks'>, host: Host, localise: (path: string) => string, options: ReadOptions = {}): Promise<{ outcome: Outcome; error: ToolError | null }> {
  const boundary = boundaryOf(params.boundary);
  let analysis: Analysis;
  try {
    analysis = await analyzePaths(paths, host, { ...options, boundary, ranks: params.ranks });
  } catch (error) {
    if (error instanceof ToolError && unreadable.has(error.code)) return { outcome: { judged: null, failure: error.code }, error };
    throw error;
  }
  const profile = { ...analysis.profile, sources: analysis.profile.sources.map((s) => ({ ...s, path: localise(s.path) })) };
  return { outcome: { judged: judgedAnalysis({ ...analysis, profile }), failure: null }, error: null };
}

export const pipelineDerivations: Derivations = {
  [pipelineDerivation]: async (params, host, runDir) => {
    const checked = paramsSchema.safeParse(params);
    if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the ledger names an analysis whose parameters are not those of pipeline_analyze', 'analyse the capture again in a new run');
    const paths = await Promise.all(checked.data.paths.map((p) => host.admit(isAbsolute(p) ? p : join(runDir, p))));
    return derived((await outcomeOf(paths, checked.data, host, (p) => inRun(runDir, p))).outcome, checked.data);
  },
};
