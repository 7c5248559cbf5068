import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { ToolError } from '../contract/index.js';
import type { Host } from '../host/host.js';
import type { CapacityLog } from '../programs/capacity-log.js';
import type { Derivations, Derived } from '../runs/runs.js';
import type { CapacityBody } from './body.js';
import { advise, judge, type Judgement } from './judge.js';
import { planOf, type Plan } from './plan.js';
import { differences, observedOf, type Difference } from './reconcile.js';
import { readLog, readModel } from './read.js';
import { resolve } from './request.js';
import { page } from './render.js';
import { settingsSchema } from './shape.js';

export const capacityDerivation = 'capacity-plan';

const modelRef = z.union([z.object({ name: z.string() }), z.object({ path: z.string() })]);

/** What a plan is repeated with. Paths inside the run root are relative to it. */
export const paramsSchema = z.object({ folder: z.string().min(1), model: modelRef, draft: modelRef.nullable(), log: z.string().nullable(), settings: settingsSchema });
export type Params = z.output<typeof paramsSchema>;

export interface Result {
  readonly plan: Plan;
  readonly judgement: Judgement;
  readonly body: CapacityBody;
  readonly differences: readonly Difference[];
  readonly derived: Derived;
}

function bodyOf(plan: Plan, judgement: Judgement, log: CapacityLog | null, diff: readonly Difference[]): CapacityBody {
  const { setup, costs, best, worst } = plan;
  return {
    verdict: judgement.verdict, limit: judgement.limit, reason: judgement.reason, framework: setup.framework,
    settings: setup.settings.map((s) => ({ ...s })),
    per_rank: {
      weights_bytes: costs.weights_bytes, draft_bytes: costs.draft?.low ?? null, kv_bytes_per_token: costs.kv_bytes_per_token, draft_kv_bytes_per_token: costs.draft_kv_bytes_per_token,
      kv_window_bytes_per_seq: costs.window_bytes_per_seq, linear_state_bytes_per_seq: costs.linear_bytes_per_seq,
      kv_pool_bytes: best?.pool.cache_bytes ?? null, blocks: best?.pool.blocks ?? null, blocks_low: worst?.pool.blocks ?? null, usable_blocks: best?.pool.usable_blocks ?? null,
      block_size: best?.pool.block_tokens ?? setup.block, token_capacity: best?.pool.token_capacity ?? null, token_capacity_low: worst?.pool.token_capacity ?? null, linear_slots: best?.pool.linear_slots ?? null,
      reserve: plan.reserves.map(({ name, low_bytes, high_bytes, source }) => ({ name, low_bytes, high_bytes, source })),
      hbm_total_bytes: setup.total_bytes, free_margin_bytes: best?.free_margin_bytes ?? null, free_margin_low_bytes: worst?.free_margin_bytes ?? null,
    },
    ledger: plan.ledger.map((r) => ({ ...r })),
    tokens_per_request: plan.tokens_per_request,
    max_concurrency: best?.max_concurrency ?? null,
    max_concurrency_low: worst?.max_concurrency ?? null,
    observed: log === null ? null : observedOf(log),
    differences: diff.map((d) => ({ ...d })),
    advice: advise(setup),
    notes: costs.notes.map((n) => ({ ...n })),
  };
}

/** Reads, plans, judges. A pure function of files and params. @throws ToolError of the readers, E_ARG_* */
export async function compute(params: Params, runDir: string): Promise<Result> {
  const at = (path: string): string => (isAbsolute(path) ? path : join(runDir, path));
  const place = (ref: Params['model']): Params['model'] => ('path' in ref ? { path: at(ref.path) } : ref);
  const spec = await readModel(place(params.model), params.settings);
  const draft = params.draft === null ? null : await readModel(place(params.draft), {});
  const log = params.log === null ? null : await readLog(at(params.log));
  if (log !== null && log.framework !== null && log.framework !== params.settings.framework) throw new ToolError('E_ARG_CONFLICT', `the log is of ${log.framework}, the plan of ${params.settings.framework}`, `plan with framework ${log.framework}`);
  const setup = resolve(params.settings, spec, draft, log);
  const plan = planOf(setup, log);
  const judgement = judge(plan, log);
  const diff = log === null ? [] : differences(planOf(setup, null), log);
  const body = bodyOf(plan, judgement, log, diff);
  const sources = [params.model, ...(params.draft === null ? [] : [params.draft])].flatMap((ref) => ('path' in ref ? [ref.path] : []));
  return {
    plan, judgement, body, differences: diff,
    derived: {
      simulated: log?.facts.simulated ?? false,
      sources: params.log === null ? sources : [...sources, params.log],
      files: [
        { path: `${params.folder}/plan.json`, kind: 'capacity-plan', schema: 'capacity-plan', body },
        { path: `${params.folder}/capacity.md`, kind: 'capacity-notes', schema: null, body: page(body) },
      ],
    },
  };
}

export const capacityDerivations: Derivations = {
  [capacityDerivation]: async (raw, host: Host, runDir) => {
    const checked = paramsSchema.safeParse(raw);
    if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the ledger names a plan whose parameters are not those of capacity_plan', 'plan again in a new run');
    const refs = [checked.data.model, checked.data.draft, checked.data.log === null ? null : { path: checked.data.log }];
    for (const ref of refs) if (ref !== null && 'path' in ref) await host.admit(isAbsolute(ref.path) ? ref.path : join(runDir, ref.path));
    return (await compute(checked.data, runDir)).derived;
  },
};
