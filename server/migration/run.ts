import { join } from 'node:path';
import { check, foreign, ToolError, type OpVerifyFacts, type ToolOk, type Warning } from '../contract/index.js';
import { chipText } from '../hardware/lookup.js';
import { openHost, type Host } from '../host/host.js';
import type { ToolContext } from '../mcp/define.js';
import { freeFolder, inRun } from '../runs/places.js';
import { readArtifact, Runs, type Run } from '../runs/runs.js';
import { migrationDerivation, type Params } from './derive.js';
import { computeInTime, handedOver } from './job.js';
import type { Body } from './outcome.js';
import { headline } from './render.js';
import { dtypeOf, type DType } from './tensors/dtypes.js';
import { limits } from './thresholds.js';

export interface VerifyArgs {
  readonly kind: 'route' | 'constraints' | 'accuracy' | 'performance';
  readonly op?: string | undefined;
  readonly from?: 'triton' | 'cuda' | 'torch' | undefined;
  readonly shapes?: string | undefined;
  readonly dtype?: string | undefined;
  readonly level?: 'L0' | 'L1' | 'L2' | undefined;
  readonly chip?: string | undefined;
  readonly golden?: string | undefined;
  readonly actual?: string | undefined;
  readonly benchmark?: string | undefined;
  readonly min_speedup?: number | undefined;
  readonly profile_baseline?: string | undefined;
  readonly profile_candidate?: string | undefined;
  readonly run?: string | undefined;
}

/** What each kind takes beside op and run; the first are required. */
const takes: Readonly<Record<VerifyArgs['kind'], { readonly needs: readonly (keyof VerifyArgs)[]; readonly may: readonly (keyof VerifyArgs)[] }>> = {
  route: { needs: ['op', 'from'], may: ['chip'] },
  constraints: { needs: ['shapes', 'dtype', 'chip'], may: ['from'] },
  accuracy: { needs: ['golden', 'actual'], may: ['benchmark', 'dtype', 'shapes', 'level'] },
  performance: { needs: ['profile_baseline', 'profile_candidate'], may: ['min_speedup', 'chip', 'dtype'] },
};

/** Arguments of another kind would be silently ignored, so they are refused. */
function fit(args: VerifyArgs): void {
  const { needs, may } = takes[args.kind];
  const given = Object.entries(args).filter(([, v]) => v !== undefined).map(([k]) => k);
  const missing = needs.filter((n) => args[n] === undefined);
  if (missing.length > 0) throw new ToolError('E_ARG_MISSING', `kind ${args.kind} needs ${missing.join(', ')}`, `give ${needs.join(', ')}${may.length === 0 ? '' : `; also possible: ${may.join(', ')}`}`);
  const strange = given.filter((k) => k !== 'kind' && k !== 'op' && k !== 'run' && !needs.some((n) => n === k) && !may.some((m) => m === k));
  if (strange.length > 0) throw new ToolError('E_ARG_CONFLICT', `kind ${args.kind} does not take ${strange.join(', ')}`, `kind ${args.kind} takes ${[...needs, ...may].join(', ')}, op and run`);
  if (args.level !== undefined && args.benchmark === undefined) throw new ToolError('E_ARG_CONFLICT', 'level without benchmark', 'levels belong to the double benchmark: give the output of a third implementation as benchmark, or leave level out');
}

function typed(name: string): DType {
  const dtype = dtypeOf(name);
  if (dtype === null) throw new ToolError('E_ARG_TYPE', `dtype ${foreign(name, 30)} is not known`, 'one of fp64, fp32, fp16, bf16, fp8_e4m3, fp8_e5m2, int8 to int64, uint8 to uint64, bool');
  return dtype;
}

/** "20,30" → [20, 30]. */
function dimensions(text: string): number[] {
  const list = text.trim().replace(/^\[|\]$/g, '').split(',').map((d) => d.trim());
  if (!list.every((d) => /^[1-9]\d{0,14}$/.test(d)) || !Number.isSafeInteger(list.reduce((a, d) => a * Number(d), 1))) throw new ToolError('E_ARG_TYPE', 'shapes of a .bin file are whole numbers with commas', 'give for example "20,30"');
  return list.map(Number);
}

/** A path, or path#name inside an archive: the whole text is tried as a path first. */
async function tensorPlace(text: string, host: Host, dir: string | null): Promise<{ path: string; name: string | null }> {
  const shown = (path: string): string => (dir === null ? path : inRun(dir, path));
  const cut = text.lastIndexOf('#');
  try {
    return { path: shown(await host.admit(text)), name: null };
  } catch (error) {
    if (cut <= 0 || !(error instanceof ToolError) || error.code !== 'E_PATH_MISSING') throw error;
    return { path: shown(await host.admit(text.slice(0, cut))), name: text.slice(cut + 1) };
  }
}

async function workOf(args: VerifyArgs, host: Host, dir: string | null): Promise<Params['work']> {
  switch (args.kind) {
    case 'route': return { kind: 'route', from: args.from ?? 'torch' };
    case 'constraints': return { kind: 'constraints', shapes: args.shapes ?? '', dtype: typed(args.dtype ?? ''), from: args.from ?? null };
    case 'accuracy': {
      const at = (text: string): Promise<{ path: string; name: string | null }> => tensorPlace(text, host, dir);
      return {
        kind: 'accuracy', golden: await at(args.golden ?? ''), actual: await at(args.actual ?? ''), benchmark: args.benchmark === undefined ? null : await at(args.benchmark),
        dtype: args.dtype === undefined ? null : typed(args.dtype), shape: args.shapes === undefined ? null : dimensions(args.shapes), level: args.level ?? null,
      };
    }
    case 'performance': {
      const at = async (text: string): Promise<string> => {
        const path = await host.admit(text);
        return dir === null ? path : inRun(dir, path);
      };
      return { kind: 'performance', baseline: await at(args.profile_baseline ?? ''), candidate: await at(args.profile_candidate ?? ''), min_speedup: args.min_speedup ?? limits.minSpeedup.value, dtype: args.dtype === undefined ? null : typed(args.dtype) };
    }
  }
}

/** Reports of the same operator in the run, oldest first. */
async function earlier(run: Run | null, op: string | null): Promise<string[]> {
  if (run === null || op === null) return [];
  const paths = [...(await run.files()).values()].filter((f) => f.schema === 'op-migration').map((f) => f.path).sort();
  const found: string[] = [];
  for (const path of paths) {
    const read = check('op-migration', await readArtifact(join(run.dir, path)));
    if (read.ok && read.value.op === op) found.push(path);
  }
  return found;
}

function factsOf(run: string, body: Body): OpVerifyFacts {
  const shown = limits.shown.value;
  const { accuracy, performance } = body;
  return {
    run, kind: body.kind, op: body.op, status: body.status, route: body.route,
    violations: (body.constraints ?? []).filter((c) => c.result !== 'ok').slice(0, shown),
    standard: accuracy?.standard ?? null, dtype: accuracy?.dtype ?? null, level: accuracy?.level ?? null, errors: accuracy?.errors ?? null, benchmark_errors: accuracy?.benchmark_errors ?? null,
    limits: accuracy?.limits ?? [], worst: (accuracy?.worst ?? []).slice(0, 4),
    speedup: performance?.geomean_speedup ?? null, worst_speedup: performance?.worst_speedup ?? null,
    pairs: [...(performance?.pairs ?? [])].sort((a, b) => (a.speedup ?? 0) - (b.speedup ?? 0)).slice(0, shown),
    // Open gates say nothing here that the artifact does not.
    gates: body.gates.filter((g) => g.state !== 'open'), reasons: body.reasons.slice(0, shown), job: null,
  };
}

function warningsOf(body: Body, simulated: boolean): Warning[] {
  const warnings: Warning[] = [];
  const pairs = body.performance?.pairs.length ?? 0;
  const rules = (body.constraints ?? []).filter((c) => c.result !== 'ok').length;
  if (simulated) warnings.push({ code: 'W-SIMULATED', detail: 'a profile was generated, not measured on an NPU' });
  if (body.performance !== null) warnings.push({ code: 'W-PROFILED', detail: 'kernel times under a profiler: TPOT and throughput come from an unprofiled benchmark' });
  if (body.performance?.kind === 'operator-profile') warnings.push({ code: 'W-ONE-LAUNCH', detail: 'msprof op gives one duration a launch, without a spread' });
  if (pairs > limits.shown.value || rules > limits.shown.value) warnings.push({ code: 'W-CUT', detail: 'the artifact holds all rows' });
  return warnings;
}

const after: Readonly<Record<VerifyArgs['kind'], string>> = {
  route: 'kind constraints with the tile you plan, on the chip it will run on',
  constraints: 'kind accuracy once the kernel runs: smallest, tail, one-row and largest shapes',
  accuracy: 'kind accuracy for the next shape in the same run, then kind performance against the NPU baseline',
  performance: 'kind accuracy again if the kernel was changed for speed',
};

/**
 * op_verify: one check of an operator, its gates, its report in the run root. Tensors that one call cannot compare go to a job.
 * @throws ToolError E_ARG_* , E_PATH_*, E_FORMAT_UNKNOWN, E_FILE_EMPTY and those of the profile readers; then no run is made
 */
export async function opVerify(args: VerifyArgs, ctx: ToolContext, allowedMs: number = limits.callMs.value): Promise<ToolOk> {
  fit(args);
  const host = openHost(ctx.config);
  const by = { tool: 'op_verify', input: { ...args } };
  const runs = new Runs(host);
  const known = args.run === undefined ? null : await runs.open(args.run);
  const op = args.op === undefined ? null : foreign(args.op, 160);
  const params: Params = { folder: await freeFolder(known, 'migration'), op, chip: args.chip === undefined ? null : chipText(args.chip), earlier: await earlier(known, op), work: await workOf(args, host, known?.dir ?? null) };
  // Nothing lies in a run that is not made yet, so names are the same before and after, and a refused check leaves no run behind.
  const done = await computeInTime(params, host, known?.dir ?? join(host.runsDir, '.none'), ctx, allowedMs);
  const run = known ?? (await runs.create({ purpose: 'operator migration', level: 'smoke' }, by));
  if (done === null) return handedOver(host, run, params);
  const { body, derived } = done;
  const artifacts = await run.writeComputed(by, { by: migrationDerivation, params }, derived);
  return {
    verdict: body.verdict, headline: headline(body), facts: { ...factsOf(run.id, body) }, findings: body.findings.slice(0, limits.shown.value), artifacts,
    warnings: warningsOf(body, derived.simulated),
    next: body.verdict === 'pass' ? [{ tool: 'op_verify', why: after[args.kind] }] : [{ tool: 'op_verify', why: `kind ${args.kind} again after the mend, in the same run` }],
  };
}
