import { join } from 'node:path';
import { z } from 'zod';
import { check, ToolError } from '../../contract/index.js';
import { inRun } from '../../runs/places.js';
import type { Derivations, Derived, DerivedFile } from '../../runs/runs.js';
import type { Item, Side } from '../read/items.js';
import { readLines } from '../read/lines.js';
import { readRows } from '../read/rows.js';
import { configName, readEvaluationOf, rowsName } from '../read/side.js';
import { scoreRun, type ScoreBody } from './score.js';
import { togglePage } from './toggles.js';

export const scoreDerivation = 'accuracy.score';

const paramsSchema = z.object({
  /** Below the run root, e.g. `accuracy/accuracy-001`. */
  folder: z.string().regex(/^accuracy\/[a-z]+-\d+$/),
  job: z.string(),
  level: z.enum(['L1', 'L2', 'L3', 'L4', 'L5']),
  method: z.enum(['probe', 'evalscope']),
  endpoint: z.string(),
  model: z.string(),
  /** Of the service, as the manifest had it; null: not known. */
  framework: z.string().nullable(),
});
export type ScoreParams = z.output<typeof paramsSchema>;

function rowText(item: Item): string {
  return item.answers
    .map((a, repeat) => JSON.stringify({ id: item.id, dataset: item.dataset, subset: item.subset, repeat, prompt: item.prompt, target: item.target, prediction: a.text, extracted: a.extracted, score: a.score, finish_reason: a.finish, output_tokens: a.outputTokens }))
    .join('\n');
}

/** score.json and failed_cases.jsonl, and for evalscope its answers as rows. @throws ToolError E_ARTIFACT_INVALID, E_PATH_MISSING, E_FORMAT_UNKNOWN */
export async function computeScore(params: ScoreParams, runDir: string): Promise<{ body: ScoreBody; derived: Derived }> {
  const { folder, framework, ...context } = params;
  const place = join(runDir, folder);
  const probe = params.method === 'probe';
  const side: Side = probe ? await readRows(join(place, rowsName), join(place, configName)) : await readEvaluationOf(join(place, 'raw'));
  const errored = probe ? (await readLines(join(place, rowsName))).rows.filter((r) => typeof r['error'] === 'string').length : null;
  const { body, failed } = scoreRun(side, context, errored);
  for (const row of failed) {
    const checked = check('failed-case', row);
    if (!checked.ok) throw new ToolError('E_ARTIFACT_INVALID', `a failed case: ${checked.problems.slice(0, 3).join('; ')}`, 'report this as a defect of the server');
  }
  const files: DerivedFile[] = [
    { path: `${folder}/score.json`, kind: 'accuracy-score', schema: 'accuracy-score', body },
    { path: `${folder}/failed_cases.jsonl`, kind: 'failed-cases', schema: null, body: failed.map((f) => `${JSON.stringify(f)}\n`).join('') },
  ];
  if (!probe) files.push({ path: `${folder}/${rowsName}`, kind: 'accuracy-rows', schema: null, body: side.items.map((i) => `${rowText(i)}\n`).join('') });
  if (body.verdict === 'broken') files.push({ path: `${folder}/toggles.md`, kind: 'toggle-plan', schema: null, body: togglePage(framework) });
  return { body, derived: { files, sources: side.sources.map((s) => inRun(runDir, s)), simulated: side.simulated } };
}

export const scoreDerivations: Derivations = {
  [scoreDerivation]: async (params, _host, runDir) => {
    const checked = paramsSchema.safeParse(params);
    if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the ledger names a score whose parameters are not those of accuracy_start', 'run the evaluation again');
    return (await computeScore(checked.data, runDir)).derived;
  },
};
