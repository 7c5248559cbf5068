import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { ToolError } from '../contract/index.js';
import { readText } from '../host/files.js';
import type { Derivations, Derived } from '../runs/runs.js';
import { review, type Body } from './analyze/analyze.js';
import { page } from './render.js';
import { ruleBook } from './rules.js';
import { sarif } from './sarif.js';
import { limits } from './thresholds.js';

export const reviewDerivation = 'review';

/** What a review is repeated with; the diff lies in the run root. */
export const paramsSchema = z.object({ folder: z.string().min(1), diff: z.string().min(1), focus: z.string().nullable(), base: z.string().nullable(), head: z.string().nullable() });
export type Params = z.output<typeof paramsSchema>;

/** @throws ToolError E_PATH_MISSING when the kept diff is gone */
export async function compute(params: Params, runDir: string): Promise<{ body: Body; derived: Derived }> {
  const text = await readText(isAbsolute(params.diff) ? params.diff : join(runDir, params.diff), limits.diffBytes.value);
  if (text === null) throw new ToolError('E_PATH_MISSING', 'the diff of the review is gone', 'restore it, or review again');
  const book = await ruleBook();
  const body = review(text, book, params.focus);
  return {
    body,
    derived: {
      simulated: false,
      sources: [params.diff],
      files: [
        { path: `${params.folder}/report.json`, kind: 'review-report', schema: 'review-report', body: { ...body, base: params.base, head: params.head } },
        { path: `${params.folder}/review.sarif`, kind: 'sarif', schema: null, body: sarif(body, book) },
        { path: `${params.folder}/review.md`, kind: 'review-page', schema: null, body: page(body) },
      ],
    },
  };
}

export const reviewDerivations: Derivations = {
  [reviewDerivation]: async (raw, _host, runDir) => {
    const checked = paramsSchema.safeParse(raw);
    if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the ledger names a review whose parameters are not those of review_diff', 'review again in a new run');
    return (await compute(checked.data, runDir)).derived;
  },
};
