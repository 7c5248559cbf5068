import { ToolError, type Finding } from '../contract/index.js';
import type { Chip, Dtype } from '../hardware/chip.js';
import { cubePeak, highestRoofOf } from '../hardware/lookup.js';
import { stepCost } from '../models/flops.js';
import type { ModelSpec } from '../models/spec.js';
import { number } from '../contract/index.js';
import { estimate, parallelOf, stepOf, type Estimate } from './analyze.js';
import { groupOf, stepsOf, type DeviceKernels, type Group, type Measurement } from './measured.js';
import type { Point } from './request.js';
import { gaps } from './thresholds.js';

export interface MeasuredGroup {
  readonly group: Group;
  readonly measured_us: number;
  readonly bound_us: number | null;
  readonly op_types: readonly string[];
}

/** A measured step beside its bound; the slowest device stands for the replica. */
export interface Measured {
  readonly device: number;
  readonly rank: number | null;
  readonly devices: number;
  readonly steps: number;
  readonly steps_source: 'attention-kernels' | 'markers';
  /** Compute kernels of one step. */
  readonly kernel_us: number;
  /** Span of the capture over its steps, idle time included; null without a time line. */
  readonly step_us: number | null;
  readonly mfu_pct: number;
  readonly mbu_pct: number;
  readonly mfu_step_pct: number | null;
  readonly mbu_step_pct: number | null;
  readonly groups: readonly MeasuredGroup[];
}

/** µs the cube needs at its peak for all multiplications, each at the peak of its element type. */
function cubeIdealUs(spec: ModelSpec, chip: Chip, point: Point): number {
  const sixteen = cubePeak(chip, 'bf16') ?? cubePeak(chip, 'fp16') ?? Number.NaN;
  const peak = (dtype: Dtype): number => cubePeak(chip, dtype) ?? sixteen;
  return stepCost(spec, parallelOf(point), stepOf(point), { draft: point.draft_layers === 0 ? 'none' : 'mtp', draft_layers: point.draft_layers ?? 1 }).compute.reduce((s, c) => s + c.flops / peak(c.dtype), 0) * 1e6;
}

const opsOf: Readonly<Record<Group, readonly string[]>> = {
  matmul: ['qkv_proj', 'o_proj', 'mlp', 'router', 'experts', 'shared_expert', 'lm_head'],
  attention: ['attention'],
  other: ['embed', 'norm', 'linear_attention', 'indexer'],
};

function groupsOf(device: DeviceKernels, steps: number, e: Estimate, point: Point): MeasuredGroup[] {
  return (['matmul', 'attention', 'other'] as const).map((group): MeasuredGroup => {
    const own = device.kernels.filter((k) => groupOf(k.op_type) === group);
    const bound = e.ops.filter((o) => opsOf[group].includes(o.op)).reduce((s, o) => s + (o.time_us ?? 0), 0);
    // Draft kernels carry the same names, so their groups cannot be told from the model's.
    return { group, measured_us: own.reduce((s, k) => s + k.total_us, 0) / steps, bound_us: point.num_speculative_tokens > 0 ? null : bound, op_types: own.slice(0, 5).map((k) => k.op_type) };
  });
}

interface Timed {
  readonly device: DeviceKernels;
  readonly steps: number;
  readonly source: Measured['steps_source'];
  readonly kernel_us: number;
  readonly step_us: number | null;
}

/**
 * The measured step. MFU = time the cube needs at its peak ÷ measured time; MBU = (weights touched + KV and state) ÷ (measured time × bandwidth), as msprof-analyze and the papers count.
 * @returns null when the number of steps cannot be told, or the plan has pipeline stages, whose layers a rank does not say
 * @throws ToolError E_ARG_CONFLICT when any device was faster than the bound at the highest reading of its peaks: capture and arguments do not belong together
 */
export function measure(measurement: Measurement, spec: ModelSpec, chip: Chip, point: Point, e: Estimate): Measured | null {
  if (point.pp > 1) return null;
  const timed: Timed[] = [];
  for (const device of measurement.devices) {
    const steps = stepsOf(device, measurement.marked_steps, spec, point);
    const total = device.kernels.reduce((s, k) => s + k.total_us, 0);
    if (steps !== null && steps.steps >= 1 && total > 0) timed.push({ device, steps: steps.steps, source: steps.source, kernel_us: total / steps.steps, step_us: device.span_us === null ? null : device.span_us / steps.steps });
  }
  const slowest = timed.reduce<Timed | null>((a, b) => (a === null || b.kernel_us > a.kernel_us ? b : a), null);
  if (slowest === null) return null;
  const least = estimate(spec, highestRoofOf(chip), point);
  for (const t of timed) refuseBelow(t, least, point);
  const cube = cubeIdealUs(spec, chip, point);
  const memory = ((e.weight_bytes + e.cache_bytes) / chip.memory_bytes_per_s.value) * 1e6;
  const pct = (part: number, whole: number | null): number | null => (whole === null ? null : (part / whole) * 100);
  return {
    device: slowest.device.device, rank: slowest.device.rank, devices: timed.length, steps: slowest.steps, steps_source: slowest.source, kernel_us: slowest.kernel_us, step_us: slowest.step_us,
    mfu_pct: (cube / slowest.kernel_us) * 100, mbu_pct: (memory / slowest.kernel_us) * 100, mfu_step_pct: pct(cube, slowest.step_us), mbu_step_pct: pct(memory, slowest.step_us),
    groups: groupsOf(slowest.device, slowest.steps, e, point),
  };
}

function refuseBelow(t: Timed, least: Estimate, point: Point): void {
  const [measured, bound, what] = t.step_us !== null && least.time_lower_bound_us !== null && t.step_us < least.time_lower_bound_us
    ? [t.step_us, least.time_lower_bound_us, 'step'] as const
    : [t.kernel_us, least.compute_us ?? 0, 'kernel time of a step'] as const;
  if (measured >= bound) return;
  throw new ToolError(
    'E_ARG_CONFLICT',
    `the measured ${what} of ${number(measured)} us (device ${String(t.device.device)}, ${number(t.steps)} steps) lies under the bound of ${number(bound)} us at the highest known peaks: this capture is not of this model, ${point.phase}, batch, length, quantisation, plan or chip`,
    'correct the arguments to what was captured (phase, batch per replica, lengths, quant, tp/dp/ep, chip: one die on A3), or give a capture of one phase only; unevenly routed experts and weights held in L2 also read less than is counted',
  );
}

/** Which group of kernels loses most against its bound. */
export function findings(m: Measured | null, path: string): Finding[] {
  if (m === null) return [];
  const lost = m.groups.filter((g) => g.bound_us !== null).map((g) => ({ g, us: g.measured_us - (g.bound_us ?? 0) })).sort((a, b) => b.us - a.us)[0];
  const share = lost === undefined ? 0 : lost.us / m.kernel_us;
  if (lost === undefined || share < gaps.seen.value) return [];
  return [{
    id: `above-bound-${lost.g.group}`, title: `${lost.g.group} kernels run ${number(Number((lost.us / 1000).toFixed(3)))} ms a step above their bound`, severity: share >= gaps.medium.value ? 'medium' : 'low',
    value: Number(lost.us.toFixed(3)), unit: 'us per step', share_pct: null, confidence: m.steps_source === 'attention-kernels' ? 'medium' : 'low',
    evidence: [{ path, where: 'measured.groups', detail: `measured ${number(Number(lost.g.measured_us.toFixed(3)))} us, bound ${number(Number((lost.g.bound_us ?? 0).toFixed(3)))} us, ${number(Number((share * 100).toFixed(1)))} % of kernel time` }],
    action: lost.g.group === 'other' ? 'profile_analyze with view fusion: small kernels are fused or hidden, not made faster' : 'profile_analyze with view kernel: compare its rows with the bound of the operators here, largest first',
  }];
}

export type Verdict = 'compute-bound' | 'memory-bound' | 'communication-bound' | 'inconclusive';

/** What bounds the step; inconclusive without a device, or when the links its traffic crosses are not known. */
export function verdictOf(e: Estimate): Verdict {
  return e.bound === null ? 'inconclusive' : `${e.bound}-bound`;
}
