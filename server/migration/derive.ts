import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { check, ToolError, type OpMigration } from '../contract/index.js';
import type { Dtype } from '../hardware/chip.js';
import { chipOf } from '../hardware/lookup.js';
import type { Host } from '../host/host.js';
import { inRun } from '../runs/places.js';
import { readArtifact, type Derivations, type Derived } from '../runs/runs.js';
import { verifyAccuracy, type Place } from './accuracy/verify.js';
import { checkConstraints } from './constraints/constraints.js';
import { kernelShape } from './constraints/shape.js';
import { gatesOf, statusOf } from './gates.js';
import type { Body, Outcome, Watch } from './outcome.js';
import { readSide } from './performance/sides.js';
import { verifyPerformance } from './performance/verify.js';
import { page } from './render.js';
import { chooseRoute } from './route/route.js';
import { dtypes, type DType } from './tensors/dtypes.js';

export const migrationDerivation = 'migration.verify';

const place = z.object({ path: z.string().min(1), name: z.string().nullable() });
const level = z.enum(['L0', 'L1', 'L2']).nullable();
const dtype = z.enum(dtypes);

/** What a check is repeated with; paths inside the run root are relative to it. */
export const paramsSchema = z.object({
  folder: z.string().min(1),
  op: z.string().nullable(),
  chip: z.string().nullable(),
  /** Reports of the same operator that were there before, oldest first. */
  earlier: z.array(z.string().min(1)),
  work: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('route'), from: z.enum(['triton', 'cuda', 'torch']) }),
    z.object({ kind: z.literal('constraints'), shapes: z.string(), dtype, from: z.enum(['triton', 'cuda', 'torch']).nullable() }),
    z.object({ kind: z.literal('accuracy'), golden: place, actual: place, benchmark: place.nullable(), dtype: dtype.nullable(), shape: z.array(z.number().int().positive()).nullable(), level }),
    z.object({ kind: z.literal('performance'), baseline: z.string().min(1), candidate: z.string().min(1), min_speedup: z.number().positive(), dtype: dtype.nullable() }),
  ]),
});
export type Params = z.output<typeof paramsSchema>;

type Parts = Pick<Body, 'route' | 'constraints' | 'accuracy' | 'performance'>;

interface Checked {
  readonly outcome: Outcome & Partial<Parts>;
  /** As the artifact names them. */
  readonly sources: readonly string[];
  readonly simulated: boolean;
}

/** The type the matrix unit is asked for; fp16 when none is given, for its peak is that of bf16 too. */
function roofType(name: DType | null): Dtype {
  if (name === null) return 'fp16';
  return name === 'fp32' || name === 'bf16' || name === 'int8' ? name : name.startsWith('fp8') ? 'fp8' : 'fp16';
}

const inside = (path: string, dir: string): string => (isAbsolute(path) ? path : join(dir, path));

async function checked({ op, chip, work }: Params, host: Host, runDir: string, watch?: Watch): Promise<Checked> {
  const pure = (outcome: Checked['outcome']): Checked => ({ outcome, sources: [], simulated: false });
  switch (work.kind) {
    case 'route': return pure(chooseRoute(op ?? '', work.from, chip === null ? null : chipOf(chip)));
    case 'constraints': return pure(checkConstraints({ shape: kernelShape(work.shapes), dtype: work.dtype, chip: chipOf(chip ?? ''), from: work.from }));
    case 'accuracy': {
      const at = async (p: { path: string; name: string | null }): Promise<Place> => ({ path: await host.admit(inside(p.path, runDir)), shown: p.path, name: p.name });
      const benchmark = work.benchmark === null ? null : await at(work.benchmark);
      const outcome = await verifyAccuracy({ op, golden: await at(work.golden), actual: await at(work.actual), benchmark, dtype: work.dtype, shape: work.shape, level: work.level }, watch);
      return { outcome, sources: [work.golden.path, work.actual.path, ...(work.benchmark === null ? [] : [work.benchmark.path])], simulated: false };
    }
    case 'performance': {
      const [before, after] = [await host.admit(inside(work.baseline, runDir)), await host.admit(inside(work.candidate, runDir))];
      const baseline = await readSide(before, op, 'profile_baseline', host, watch?.signal);
      const candidate = await readSide(after, op, 'profile_candidate', host, watch?.signal);
      return { outcome: verifyPerformance(baseline, candidate, work.min_speedup, chip === null ? null : { chip: chipOf(chip), dtype: roofType(work.dtype) }), sources: [...baseline.sources, ...candidate.sources].map((s) => inRun(runDir, s)), simulated: baseline.simulated || candidate.simulated };
    }
  }
}

/** Earlier reports that are still whole. @throws ToolError E_RUN_TAMPERED when one is gone or broken */
async function reports(paths: readonly string[], runDir: string): Promise<OpMigration[]> {
  return Promise.all(paths.map(async (path) => {
    const read = check('op-migration', await readArtifact(join(runDir, path)));
    if (!read.ok) throw new ToolError('E_RUN_TAMPERED', 'an earlier report of this operator is gone or broken', 'run_validate names it; restore it, or verify again in a new run');
    return read.value;
  }));
}

/**
 * The check, its gates and its two files. Pure but for reading.
 * @throws ToolError of the readers, E_PATH_*
 */
export async function compute(params: Params, host: Host, runDir: string, watch?: Watch): Promise<{ readonly body: Body; readonly derived: Derived }> {
  const { outcome, sources, simulated } = await checked(params, host, runDir, watch);
  const own = { kind: params.work.kind, verdict: outcome.verdict, route: outcome.route ?? null, constraints: outcome.constraints ?? null, accuracy: outcome.accuracy ?? null, performance: outcome.performance ?? null };
  const gates = gatesOf([...(await reports(params.earlier, runDir)), own]);
  const body: Body = { ...own, status: statusOf(gates), op: params.op, chip: params.chip, gates, reasons: outcome.reasons, findings: outcome.findings, incomplete: outcome.incomplete };
  return {
    body,
    derived: {
      simulated,
      sources: [...sources, ...params.earlier],
      files: [
        { path: `${params.folder}/report.json`, kind: 'op-migration', schema: 'op-migration', body },
        { path: `${params.folder}/report.md`, kind: 'op-migration-page', schema: null, body: page(body) },
      ],
    },
  };
}

export const migrationDerivations: Derivations = {
  [migrationDerivation]: async (raw, host, runDir) => {
    const params = paramsSchema.safeParse(raw);
    if (!params.success) throw new ToolError('E_RUN_TAMPERED', 'the ledger names a check whose parameters are not those of op_verify', 'verify again in a new run');
    return (await compute(params.data, host, runDir)).derived;
  },
};
