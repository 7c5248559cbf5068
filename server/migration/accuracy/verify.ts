import { foreign, ToolError, type Finding, type OpAccuracy, type OpTensor } from '../../contract/index.js';
import type { Outcome, Watch } from '../outcome.js';
import { levelOf, singleLimits, smallValues, type Level } from '../thresholds.js';
import { isExact, width, type DType } from '../tensors/dtypes.js';
import { openTensor, type Tensor } from '../tensors/open.js';
import { compareTensors } from './compare.js';
import { judgeErrors, type Standard } from './judge.js';

/** A tensor as it is named: an admitted path, as the artifact shall show it, and a name inside an archive. */
export interface Place {
  readonly path: string;
  readonly shown: string;
  readonly name: string | null;
}

export interface AccuracyInput {
  readonly op: string | null;
  readonly golden: Place;
  readonly actual: Place;
  readonly benchmark: Place | null;
  readonly dtype: DType | null;
  readonly shape: readonly number[] | null;
  readonly level: Level | null;
}

const described = (place: Place, t: Tensor): OpTensor => ({ path: place.shown, name: t.name === null ? null : foreign(t.name, 160), dtype: t.dtype, shape: [...t.shape] });
const dims = (t: Tensor): string => `[${t.shape.join(', ')}]`;

/** The float type a value may be narrowed to on request; null: judged as it is stored. */
function narrowed(asked: DType | null, actual: Tensor): 'fp32' | 'fp16' | 'bf16' | null {
  if (asked === null || asked === actual.dtype) return null;
  const narrow = asked === 'fp32' || asked === 'fp16' || asked === 'bf16' ? asked : null;
  if (narrow === null || isExact(actual.dtype) || width[narrow] >= width[actual.dtype]) throw new ToolError('E_ARG_CONFLICT', `dtype ${asked}, but actual holds ${actual.dtype}`, 'leave dtype out: errors are judged by the dtype of actual');
  return narrow;
}

/** Why two tensors cannot be compared element by element; null when they can. */
function misfit(golden: Tensor, other: Tensor, what: string): { readonly reason: string; readonly shape: boolean } | null {
  if (golden.shape.join() !== other.shape.join()) return { reason: `${what} has shape ${dims(other)}, the golden ${dims(golden)}`, shape: true };
  if (golden.order !== other.order) return { reason: `${what} and the golden are stored in different orders (C and Fortran): save both with numpy.ascontiguousarray`, shape: false };
  return isExact(golden.dtype) === isExact(other.dtype) ? null : { reason: `${what} holds ${other.dtype}, the golden ${golden.dtype}`, shape: false };
}

function findings(body: OpAccuracy): Finding[] {
  const first = body.worst[0];
  return body.limits.filter((l) => !l.ok).map((l) => ({
    id: `accuracy-${l.metric.replaceAll('_', '-')}`,
    title: `${l.metric} is above its limit`,
    severity: 'high',
    value: l.value,
    unit: l.metric.endsWith('_ratio') ? 'error of the NPU over error of the benchmark' : l.metric === 'nan_inf' || l.metric === 'mismatches' ? 'elements' : 'relative error',
    evidence: [{ path: body.actual.path, where: first === undefined ? 'whole tensor' : `worst at [${first.index.join(', ')}]`, detail: first === undefined ? `limit ${l.limit}` : `golden ${first.golden}, actual ${first.actual}; limit ${l.limit}` }],
    confidence: 'high',
    action: 'Look at the pattern of the worst indices: stripes are tile offsets, a tail is a tail length, everything is a wrong argument; fp16 alone is a missing upcast.',
  }));
}

/**
 * Errors of actual against golden by the single benchmark, or by the double one when a third implementation's output is there.
 * A shape that differs fails; a dtype without a public limit, or an empty tensor, is inconclusive.
 * @throws ToolError of {@link openTensor} and {@link compareTensors}; E_ARG_CONFLICT for a dtype that actual does not have
 */
export async function verifyAccuracy(input: AccuracyInput, watch?: Watch): Promise<Outcome & { readonly accuracy: OpAccuracy }> {
  const given = { dtype: input.dtype, shape: input.shape };
  const actual = await openTensor(input.actual.path, input.actual.name, { ...given, wider: false });
  const golden = await openTensor(input.golden.path, input.golden.name, { ...given, wider: true });
  const third = input.benchmark === null ? null : { place: input.benchmark, tensor: await openTensor(input.benchmark.path, input.benchmark.name, { ...given, wider: true }) };
  const narrow = narrowed(input.dtype, actual);
  const dtype = narrow ?? actual.dtype;
  const exact = isExact(dtype);
  const level: Level | null = third === null || exact ? null : (input.level ?? levelOf[(input.op ?? '').toLowerCase()] ?? 'L0');
  const standard: Standard = exact ? 'exact' : third !== null ? 'double' : singleLimits[dtype] === undefined ? 'none' : 'single';
  const frame = { standard, dtype, level, golden: described(input.golden, golden), actual: described(input.actual, actual), benchmark: third === null ? null : described(third.place, third.tensor) };
  const stop = (verdict: 'fail' | 'inconclusive', reason: string): Outcome & { readonly accuracy: OpAccuracy } => ({
    verdict, reasons: [reason], findings: [], incomplete: [], accuracy: { ...frame, standard: 'none', errors: null, benchmark_errors: null, limits: [], worst: [] },
  });
  const wrong = misfit(golden, actual, 'actual');
  // A kernel that gives another shape is wrong; a benchmark of another shape is only the wrong file.
  if (wrong !== null) return stop(wrong.shape ? 'fail' : 'inconclusive', wrong.reason);
  const wrongThird = third === null ? null : misfit(golden, third.tensor, 'benchmark');
  if (wrongThird !== null) return stop('inconclusive', wrongThird.reason);
  if (golden.count === 0) return stop('inconclusive', 'the tensors hold no element');
  const small = standard === 'single' || standard === 'double' ? smallValues[dtype] : undefined;
  const rules = { region: small?.region.value ?? 0, tolerance: small?.tolerance.value ?? 0, mode: exact ? 'exact' as const : standard === 'double' ? 'double' as const : 'single' as const };
  const { errors, benchmark, worst } = await compareTensors(golden, actual, third?.tensor ?? null, rules, narrow, watch);
  const limits = judgeErrors(standard, dtype, level, errors, benchmark);
  const body: OpAccuracy = { ...frame, errors, benchmark_errors: benchmark, limits, worst: [...worst] };
  const broken = limits.filter((l) => !l.ok);
  const reasons = broken.map((l) => `${l.metric} ${l.value === null ? 'has no finite value' : `is ${l.value}`}, limit ${l.limit}`);
  // NaN everywhere on both sides agrees, and measures nothing.
  if (!exact && errors.nan_inf === 0 && errors.max_abs === null && errors.mismatches === 0) return stop('inconclusive', 'not one pair of finite elements');
  if (broken.length > 0) return { verdict: 'fail', reasons, findings: findings(body), incomplete: [], accuracy: body };
  if (standard === 'none') return { verdict: 'inconclusive', reasons: [`no public limit is known for ${dtype}: give the output of a third implementation as benchmark`], findings: [], incomplete: [], accuracy: body };
  return { verdict: 'pass', reasons: [], findings: [], incomplete: [], accuracy: body };
}
