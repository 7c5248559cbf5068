import { foreign, type AccuracyCompareFacts, type ToolOk } from '../../contract/index.js';
import { openHost } from '../../host/host.js';
import type { ToolContext } from '../../mcp/define.js';
import { freeFolder, inRun } from '../../runs/places.js';
import { Runs } from '../../runs/runs.js';
import { limits } from '../thresholds.js';
import { comparisonDerivation, computeComparison, type ComparisonParams } from './derive.js';
import type { ComparisonBody } from './body.js';
import { headline } from './render.js';

export interface CompareArgs {
  readonly baseline: string;
  readonly candidate: string;
  readonly run?: string | undefined;
  readonly margin_pct: number;
}

const short = (value: string | null): string | null => (value === null ? null : foreign(value, 60));

function nextSteps(b: ComparisonBody): ToolOk['next'] {
  if (b.verdict === 'regression') return [{ tool: 'accuracy_start', why: 'replay the lost items with one switch changed at a time; bisect_good, bisect_bad and bisect_command find the commit' }];
  if (b.cause === 'truncation') return [{ tool: 'accuracy_start', why: 'evaluate both sides again with a larger max_tokens' }];
  if (b.cause === 'too-few-items') return [{ tool: 'accuracy_start', why: 'a higher level or limit: more items are needed to show a drop of the margin' }];
  if (b.verdict === 'inconclusive') return [{ tool: 'accuracy_start', why: 'evaluate both sides again under equal conditions; findings name what differs' }];
  return [{ tool: 'run_report', why: 'writes the comparison into the report' }];
}

/** accuracy_compare: reads both sides, compares item by item, keeps the comparison with the hashes of all it read. */
export async function compareAccuracy(args: CompareArgs, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const by = { tool: 'accuracy_compare', input: { ...args } };
  const [baseline, candidate] = [await host.admit(args.baseline), await host.admit(args.candidate)];
  const runs = new Runs(host);
  const known = args.run === undefined ? null : await runs.open(args.run);
  ctx.progress('reading both sides');
  // Read once before a run is opened: what can not be read leaves no empty run behind.
  const folder = await freeFolder(known, 'accuracy');
  const place = (path: string): string => (known === null ? path : inRun(known.dir, path));
  const params: ComparisonParams = { folder, baseline: place(baseline), candidate: place(candidate), margin_pct: args.margin_pct };
  const { body, derived } = await computeComparison(params, host, known?.dir ?? null);
  const run = known ?? (await runs.create({ purpose: 'accuracy comparison', level: 'smoke' }, by));
  const artifacts = await run.writeComputed(by, { by: comparisonDerivation, params }, derived);
  const shown = limits.shownRows.value;
  const { n, both_right, baseline_only, candidate_only, both_wrong, scores, delta_pct, ci, p_value, min_detectable_drop_pct, margin_pct, cause, causes, endings, unmatched, detectors } = body;
  const facts: AccuracyCompareFacts = {
    run: run.id, n, both_right, baseline_only, candidate_only, both_wrong, scores, delta_pct, ci, p_value, min_detectable_drop_pct, margin_pct, cause, causes, endings, unmatched, detectors,
    // Names and settings are others' text: shown safe and short, whole in the artifact.
    subsets: body.subsets.slice(0, shown).map((s) => ({ ...s, dataset: foreign(s.dataset, 60), subset: foreign(s.subset, 60) })),
    differences: body.differences.slice(0, shown).map((d) => ({ field: foreign(d.field, 80), baseline: short(d.baseline), candidate: short(d.candidate) })),
    garbled: body.garbled.slice(0, shown).map((g) => ({ ...g, id: foreign(g.id, 80) })),
  };
  const warnings = [...body.notes];
  if (baseline === candidate) warnings.push({ code: 'W-SAME-PLACE', detail: 'baseline and candidate are the same files: this says nothing about a change' });
  if (body.subsets.length > shown || body.garbled.length > shown || body.differences.length > shown) warnings.push({ code: 'W-CUT', detail: `subsets, garbled and differences show ${shown} rows at most; comparison.json has ${body.subsets.length}, ${body.garbled.length} and ${body.differences.length}` });
  return { verdict: body.verdict, headline: headline(body), facts: { ...facts }, findings: body.findings, artifacts, warnings, next: nextSteps(body) };
}
