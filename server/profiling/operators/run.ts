import { isAbsolute } from 'node:path';
import { foreign, ToolError, type ProfileAnalyzeFacts, type ToolOk, type Warning } from '../../contract/index.js';
import type { Host } from '../../host/host.js';
import { readOperators } from '../../profiles/opprof.js';
import { Runs, type Run } from '../../runs/runs.js';
import { inRun } from '../../runs/places.js';
import { limits } from '../thresholds.js';
import { derivedOperators, operatorDerivation, placed, type OperatorParams } from './derive.js';
import { judgeOperators, type JudgedOperators } from './judge.js';
import { operatorBrief, operatorHeadline } from './render.js';

export interface OperatorArgs {
  readonly path: string | string[];
  readonly run?: string | undefined;
  readonly top: number;
  readonly view: string;
  readonly finding?: string | undefined;
  readonly compare_to?: string | string[] | undefined;
}

function shownFindings(judged: JudgedOperators, args: OperatorArgs): ToolOk['findings'] {
  if (args.view !== 'finding') return judged.findings.slice(0, limits.summaryFindings.value).map((f) => ({ ...f, evidence: f.evidence.slice(0, 1) }));
  const found = judged.findings.filter((f) => f.id === args.finding);
  if (found.length > 0) return found;
  const ids = judged.findings.map((f) => f.id).join(', ');
  throw new ToolError('E_ARG_TYPE', args.finding === undefined ? 'view finding needs the id of a finding' : `no finding ${foreign(args.finding, 60)} in this profile`, ids === '' ? 'this profile has no findings' : `findings here: ${ids}`);
}

/**
 * profile_analyze of an operator profile: reads, judges, writes analysis.json and operators.md.
 * @param folderFor where the artifacts go in the run, as for captures
 * @throws ToolError E_ARG_CONFLICT (compare_to), E_PROFILE_OPERATOR (no table)
 */
export async function analyzeOperators(args: OperatorArgs, paths: readonly string[], host: Host, signal: AbortSignal, folderFor: (run: Run, paths: readonly string[]) => Promise<string>): Promise<ToolOk> {
  if (args.compare_to !== undefined) throw new ToolError('E_ARG_CONFLICT', 'compare_to with an operator profile', 'compare captures of a service (PROF_… or …_ascend_pt); of operator profiles compare the operators tables of two answers');
  const by = { tool: 'profile_analyze', input: { ...args } };
  const runs = new Runs(host);
  const known = args.run === undefined ? null : await runs.open(args.run);
  const read = await readOperators(paths, host, { signal });
  const judged = judgeOperators(known === null ? read : placed(read, known.dir));
  const findings = shownFindings(judged, args);
  const run = known ?? (await runs.create({ purpose: 'operator profile analysis', level: 'smoke' }, by));
  const params: OperatorParams = { paths: paths.map((p) => inRun(run.dir, p)), folder: await folderFor(run, paths), top: args.top };
  for (const p of params.paths) if (p !== '' && !isAbsolute(p)) await run.recordRaw(by, p);
  const artifacts = await run.writeComputed(by, { by: operatorDerivation, params }, derivedOperators(judged, params));
  const rows = judged.rows.slice(0, args.view === 'summary' ? Math.min(args.top, limits.summaryRows.value) : args.top);
  const facts: ProfileAnalyzeFacts = {
    run: run.id,
    view: args.view,
    window: null,
    bottleneck: judged.bottleneck,
    tables: { kernel: null, communication: null, fusion: null, dispatch: null, memory: null },
    rows: { operators: rows.map(operatorBrief) },
    incomplete: judged.profiles.incomplete.map((n) => ({ code: n.code, detail: n.detail })),
    ranks: [],
    comparison: null,
    operators: judged.rows.length,
    job: null,
  };
  const warnings: Warning[] = [{ code: 'W-PROFILED', detail: 'an operator profile replays single kernels: it explains them, and says nothing of a service' }];
  if (judged.profiles.simulated) warnings.push({ code: 'W-SIMULATED', detail: 'the profile was generated, not measured on an NPU' });
  if (args.view !== 'finding' && findings.length < judged.findings.length) warnings.push({ code: 'W-CUT', detail: `findings shows ${findings.length} of ${judged.findings.length}; the artifact files hold all` });
  const next: ToolOk['next'] = [];
  if (args.view !== 'finding' && findings[0] !== undefined) next.push({ tool: 'profile_analyze', why: `view finding, finding ${findings[0].id}: its evidence in full` });
  return { verdict: judged.bottleneck.class, headline: operatorHeadline(judged), facts: { ...facts }, findings: [...findings], artifacts, warnings, next };
}
