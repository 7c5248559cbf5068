import { join } from 'node:path';
import { ToolError, type ReviewDiffFacts, type ToolOk, type Warning } from '../contract/index.js';
import { openHost } from '../host/host.js';
import type { ToolContext } from '../mcp/define.js';
import { freeFolder } from '../runs/places.js';
import { Runs } from '../runs/runs.js';
import { compute, reviewDerivation, type Params } from './derive.js';
import { diffFile, diffOf } from './read/source.js';
import { headline } from './render.js';
import { ruleBook } from './rules.js';
import { limits } from './thresholds.js';

export interface ReviewArgs {
  readonly diff_path?: string | undefined;
  readonly repo?: string | undefined;
  readonly base?: string | undefined;
  readonly head?: string | undefined;
  readonly run?: string | undefined;
  readonly focus?: string | undefined;
}

/** review_diff: reads the diff, keeps it, applies the rules, answers the worst of it. */
export async function reviewDiff(args: ReviewArgs, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  if ((args.diff_path === undefined) === (args.repo === undefined)) throw new ToolError('E_ARG_CONFLICT', args.repo === undefined ? 'neither diff_path nor repo' : 'both diff_path and repo', 'give a diff file, or a repository with base and head');
  if (args.diff_path !== undefined && (args.base !== undefined || args.head !== undefined)) throw new ToolError('E_ARG_CONFLICT', 'base and head beside diff_path', 'they belong to repo');
  // The rules are read and compiled while git works; a failure of theirs is told where they are used.
  ruleBook().catch(() => undefined);
  const source = args.repo === undefined ? await diffFile(args.diff_path ?? '', host) : await diffOf(args.repo, args.base, args.head, host);
  const by = { tool: 'review_diff', input: { ...args } };
  const run = await new Runs(host).openOrCreate(args.run, 'review', by);
  const folder = await freeFolder(run, 'review');
  const diff = `${folder}/raw/change.diff`;
  await run.writeRaw(by, [{ path: diff, kind: 'diff', text: source.text }]);
  const params: Params = { folder, diff, focus: args.focus ?? null, base: source.base, head: source.head };
  const { body, derived } = await compute(params, run.dir);
  if (body.rules === 0 && body.judgement_checklist.length === 0) throw new ToolError('E_ARG_TYPE', 'focus names no rule, family or topic', 'give graph, memory, kernels, distributed, a rule id, or words of a topic such as KV cache');
  const artifacts = await run.writeComputed(by, { by: reviewDerivation, params }, derived);
  const warnings: Warning[] = [];
  if (body.skipped.length > 0) warnings.push({ code: 'W-SKIPPED', detail: `${String(body.skipped.length)} binary files were not looked at` });
  if (body.findings.length > limits.shown.value) warnings.push({ code: 'W-CUT', detail: `${String(limits.shown.value)} of ${String(body.findings.length)} findings; all are in ${join(run.dir, folder, 'review.md')}` });
  const facts: ReviewDiffFacts = {
    run: run.id, repository_kind: body.repository_kind, files_changed: body.files_changed, lines_added: body.lines_added, counts: body.counts,
    judgement_checklist: body.judgement_checklist.slice(0, limits.shown.value), suppressed: body.suppressed.length, rules: body.rules,
  };
  return {
    verdict: body.verdict, headline: headline(body), facts: { ...facts }, findings: body.findings.slice(0, limits.shown.value), artifacts, warnings,
    next: body.verdict === 'findings' ? [{ tool: 'review_diff', why: 'again after the mend; a hit that is right as it is takes a comment npu-review: ignore RULE reason' }] : [{ tool: 'accuracy_start', why: 'a clean review says nothing of accuracy' }],
  };
}
