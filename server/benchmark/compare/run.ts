import { join } from 'node:path';
import { check, foreign, redactText, redactValue, ToolError, type BenchCompareFacts, type ToolOk } from '../../contract/index.js';
import { openHost, type Host } from '../../host/host.js';
import { sha256File } from '../../host/files.js';
import { pathList, type ToolContext } from '../../mcp/define.js';
import { freeFolder } from '../../runs/places.js';
import { readArtifact, Runs, type Run } from '../../runs/runs.js';
import { remembered } from '../noise/memory.js';
import { noiseKeyOf, noiseMetrics, noiseOf } from '../noise/noise.js';
import { limits } from '../thresholds.js';
import { comparisonDerivation, computeComparison, evidencePath, type ComparisonParams } from './derive.js';
import { parseEvidence, type EarlierReport, type Evidence, type RootEvidence } from './evidence.js';
import { gather, refuseDoubles } from './gather.js';
import { metrics } from './metrics.js';
import { headline } from './render.js';
import { claimKey, subjectOf, type ReportBody } from './report.js';

export interface CompareArgs {
  readonly baseline: string | string[];
  readonly candidate: string | string[];
  readonly run?: string | undefined;
  readonly metric?: string | undefined;
  readonly direction?: 'decrease' | 'increase' | 'no-regression' | undefined;
  readonly threshold_pct?: number | undefined;
  readonly equivalence_pct: number;
  readonly sla_ttft_p99_ms?: number | undefined;
  readonly sla_tpot_p99_ms?: number | undefined;
  readonly confidence: number;
}

/** Reports already in the run root whose files are as the ledger has them. */
async function earlierReports(run: Run): Promise<EarlierReport[]> {
  const found: EarlierReport[] = [];
  for (const file of (await run.files()).values()) {
    if (file.schema !== 'comparison-report' || (await sha256File(join(run.dir, file.path)).catch(() => '')) !== file.sha256) continue;
    const checked = check('comparison-report', await readArtifact(join(run.dir, file.path)));
    if (!checked.ok) continue;
    const r = checked.value;
    const times = r.inputs.map((i) => i.first_request_at);
    const last = times.filter((t): t is string => t !== null).sort((a, b) => Date.parse(b) - Date.parse(a))[0];
    found.push({
      path: file.path,
      grade: r.grade,
      verdict: r.verdict,
      claim: claimKey(r.claim),
      subject: subjectOf(r),
      metrics: r.inputs.flatMap((i) => i.metrics.map((m) => m.sha256)),
      last_request_at: times.includes(null) ? null : (last ?? null),
    });
  }
  return found;
}

async function gatherAll(host: Host, args: CompareArgs, ctx: ToolContext): Promise<RootEvidence[]> {
  const roots: RootEvidence[] = [];
  for (const side of ['baseline', 'candidate'] as const) {
    for (const label of pathList(args[side])) {
      ctx.signal.throwIfAborted();
      ctx.progress(`reading and hashing the ${side}`);
      roots.push(await gather(host, side, label));
    }
  }
  refuseDoubles(roots);
  return roots;
}

function nextSteps(body: ReportBody, primary: ReportBody['metrics'][number] | undefined): ToolOk['next'] {
  const codes = new Set(body.reasons.map((r) => r.code));
  if (codes.has('F-HASH') || codes.has('F-RAW')) return [{ tool: 'run_validate', why: 'names every file that is gone or was changed; measure again what can not be restored' }];
  if (body.verdict === 'inadmissible') return [{ tool: 'run_show', why: 'what a run lacks for a formal claim; the reasons name what must be made equal before measuring again' }];
  const wished = body.plan?.effects.find((e) => e.wished) ?? body.plan?.effects.find((e) => e.effect_pct >= Math.abs(primary?.delta_pct ?? 1));
  if (body.verdict === 'inconclusive' && wished !== undefined) return [{ tool: 'service_start', why: `more service starts, the sides in turn: a change of ${wished.effect_pct} % needs ${wished.starts_per_side ?? 'more than 200'} a side at this spread` }];
  if (codes.has('F-REPLICATES')) return [{ tool: 'service_start', why: 'at least 5 + 5 service starts, the sides in turn, make this formal' }];
  return [{ tool: 'run_report', why: 'writes the comparison into the report' }];
}

/** The host's own noise for the first load of the baseline, by metric; empty where nothing is remembered. */
async function noiseFor(host: Host, roots: readonly RootEvidence[]): Promise<Evidence['noise']> {
  const first = roots.find((r) => r.side === 'baseline' && r.manifest !== null);
  const point = first?.metrics[0]?.artifact.points[0];
  const key = first?.manifest == null || point === undefined ? null : noiseKeyOf(first.manifest, point);
  if (key === null) return [];
  const rows = await remembered(host);
  return noiseMetrics.flatMap((metric) => {
    const noise = noiseOf(rows, key, metric);
    return noise === null ? [] : [{ metric, ...noise }];
  });
}

/** bench_compare: gathers and re-hashes the evidence, keeps it, computes the report from it alone. */
export async function compareRuns(args: CompareArgs, ctx: ToolContext): Promise<ToolOk> {
  const metric = args.metric === undefined ? undefined : metrics.get(args.metric);
  if (args.metric !== undefined && metric === undefined) throw new ToolError('E_ARG_TYPE', `no metric ${foreign(args.metric, 60)}`, `metrics are paths into a point, e.g. ${[...metrics.keys()].slice(0, 12).join(', ')}`);
  if (metric?.better === null && args.direction !== 'decrease' && args.direction !== 'increase') throw new ToolError('E_ARG_MISSING', `${metric.path} has no good direction of its own`, 'give direction decrease or increase');
  const host = openHost(ctx.config);
  const by = { tool: 'bench_compare', input: { ...args } };
  const runs = new Runs(host);
  const known = args.run === undefined ? null : await runs.open(args.run);
  // Read before a run is opened: an input that cannot be read leaves no empty run behind.
  const roots = await gatherAll(host, args, ctx);
  const gathered: Evidence = { roots, earlier: known === null ? [] : await earlierReports(known), noise: await noiseFor(host, roots) };
  const text = `${JSON.stringify(redactValue(gathered), null, 1)}\n`;
  parseEvidence(redactText(text));
  const run = known ?? (await runs.create({ purpose: 'comparison', level: 'smoke' }, by));
  const folder = await freeFolder(run, 'comparison');
  const kept = await run.writeRaw(by, [{ path: evidencePath(folder), kind: 'comparison-evidence', text }]);
  const params: ComparisonParams = {
    folder,
    question: {
      metric: args.metric ?? null,
      direction: args.direction ?? null,
      threshold_pct: args.threshold_pct ?? null,
      equivalence_pct: args.equivalence_pct,
      sla_ttft_p99_ms: args.sla_ttft_p99_ms ?? null,
      sla_tpot_p99_ms: args.sla_tpot_p99_ms ?? null,
      confidence: args.confidence,
    },
  };
  const { body, derived } = await computeComparison(params, run.dir);
  const artifacts = await run.writeComputed(by, { by: comparisonDerivation, params }, derived);
  if (known !== null) await run.updateManifest(by, 'captured', { comparison: { baseline: pathList(args.baseline), candidate: pathList(args.candidate) } });
  const shown = body.metrics.slice(0, limits.shownMetrics.value);
  const facts: BenchCompareFacts = { run: run.id, grade: body.grade, claim: body.claim, reasons: body.reasons, metrics: shown, order: body.order, ranking: body.ranking, plan: body.plan, differences: body.differences, confirms: body.confirms };
  const warnings = [...body.notes];
  if (shown.length < body.metrics.length) warnings.push({ code: 'W-CUT', detail: `metrics shows ${shown.length} of ${body.metrics.length} rows; report.json has all` });
  return { verdict: body.verdict, headline: headline(body), facts: { ...facts }, findings: [], artifacts: [...artifacts, ...kept], warnings, next: nextSteps(body, body.metrics[0]) };
}
