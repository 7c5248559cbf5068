import { ToolError, type ComputeEstimate, type Finding, type Warning } from '../contract/index.js';
import type { Chip, Confidence } from '../hardware/chip.js';
import { chipOf, cubePeak, withOverrides } from '../hardware/lookup.js';
import { countParameters } from '../models/parameters.js';
import { estimate, memoryOf, Models, roofOrNull, type Estimate, type ModelSource } from './analyze.js';
import { crossovers, withoutDrafts } from './crossovers.js';
import { findings, measure, verdictOf, type Measured } from './judge.js';
import type { Measurement } from './measured.js';
import { changed, type Change, type Point } from './request.js';
import { gaps } from './thresholds.js';

export type Body = Omit<ComputeEstimate, 'schema' | 'schema_version' | 'producer' | 'created_at' | 'simulated' | 'source'>;

export interface Question {
  readonly model: ModelSource;
  readonly name: string;
  readonly point: Point;
  readonly changes: readonly Change[];
  readonly measurement: Measurement | null;
  /** Where the artifact goes, for evidence. */
  readonly artifact: string;
}

export interface Answer {
  readonly body: Body;
  readonly warnings: readonly Warning[];
}

const whole = Math.round;
/** Three decimals of a µs are a nanosecond; bytes of the artifact do not depend on the last bit. */
const fine = (value: number): number => Number(value.toFixed(3));
const fineOr = (value: number | null): number | null => (value === null ? null : fine(value));

/** The chip with the cores and clock the capture read from the card; they go before the catalogue. */
function measuredChip(name: string | null, measurement: Measurement | null): { chip: Chip | null; fromCard: boolean } {
  if (name === null) return { chip: null, fromCard: false };
  const chip = chipOf(name);
  const device = measurement?.devices.find((d) => d.cube_cores !== null && d.clock_mhz !== null);
  if (device === undefined || device.cube_cores === null || device.clock_mhz === null) return { chip, fromCard: false };
  // What the caller wrote goes before what the card said.
  if (chip.cube_cores.source === 'override' || chip.clock_mhz.source === 'override') return { chip, fromCard: false };
  if (device.cube_cores === chip.cube_cores.value && device.clock_mhz === chip.clock_mhz.value) return { chip, fromCard: true };
  return { chip: withOverrides(chip, { cube_cores: device.cube_cores, clock_mhz: device.clock_mhz }), fromCard: true };
}

function confidenceOf(chip: Chip): Confidence {
  const all = [chip.cube_cores, chip.clock_mhz, chip.memory_bytes_per_s].map((c) => c.confidence);
  return all.includes('low') ? 'low' : all.includes('medium') ? 'medium' : 'high';
}

function deviceFacts(chip: Chip, fromCard: boolean): NonNullable<Body['device']> {
  const tera = (peak: number | null): number | null => (peak === null ? null : fine(peak / 1e12));
  return {
    soc: chip.soc, device: chip.device, cube_cores: chip.cube_cores.value, clock_mhz: chip.clock_mhz.value, cube_fp16_tflops: tera(cubePeak(chip, 'fp16')), cube_int8_tops: tera(cubePeak(chip, 'int8')),
    marketing_fp16_tflops: chip.marketing_fp16_tflops?.value ?? null, memory_bytes_per_s: chip.memory_bytes_per_s.value, confidence: confidenceOf(chip), from_card: fromCard,
  };
}

function row(models: Models, base: { point: Point; estimate: Estimate; factor: number | null }, change: Change, measurement: Measurement | null): Body['what_if'][number] {
  const shown = { ...change };
  try {
    const point = changed(base.point, change);
    const spec = models.of(point);
    const { chip } = measuredChip(point.chip, point.chip === base.point.chip ? measurement : null);
    const e = estimate(spec, roofOrNull(chip), point);
    const before = base.estimate.tokens_per_s_upper_bound;
    const now = e.tokens_per_s_upper_bound;
    return {
      change: shown, flops: whole(e.flops), bytes: whole(e.bytes), bound: e.bound, time_lower_bound_us: fineOr(e.time_lower_bound_us), time_no_overlap_us: fineOr(e.time_no_overlap_us), tokens_per_s_upper_bound: fineOr(now),
      tokens_per_s_change_pct: now === null || before === null ? null : fine((now / before - 1) * 100), time_calibrated_us: base.factor === null || e.time_lower_bound_us === null ? null : fine(e.time_lower_bound_us * base.factor),
      fits: memoryOf(spec, chip, point).fits, error: null,
    };
  } catch (error) {
    // One impossible plan of a table leaves the other rows standing.
    if (!(error instanceof ToolError)) throw error;
    return { change: shown, flops: null, bytes: null, bound: null, time_lower_bound_us: null, time_no_overlap_us: null, tokens_per_s_upper_bound: null, tokens_per_s_change_pct: null, time_calibrated_us: null, fits: null, error: `${error.code}: ${error.seen}` };
  }
}

function roundedMeasured(m: Measured | null): Body['measured'] {
  if (m === null) return null;
  return {
    ...m, steps: fine(m.steps), kernel_us: fine(m.kernel_us), step_us: fineOr(m.step_us), mfu_pct: fine(m.mfu_pct), mbu_pct: fine(m.mbu_pct), mfu_step_pct: fineOr(m.mfu_step_pct), mbu_step_pct: fineOr(m.mbu_step_pct),
    groups: m.groups.map((g) => ({ group: g.group, measured_us: fine(g.measured_us), bound_us: fineOr(g.bound_us), op_types: [...g.op_types] })),
  };
}

function warningsOf(q: Question, a: { chip: Chip | null; e: Estimate; measured: Measured | null; fits: boolean | null; assumptions: readonly string[] }): Warning[] {
  const list: Warning[] = [];
  const { chip, e, measured, fits } = a;
  const { point } = q;
  if (measured === null) list.push({ code: 'W-NOT-CALIBRATED', detail: 'a bound nothing was compared with: real steps take longer; give profile to see by how much' });
  else list.push({ code: 'W-PROFILED', detail: 'MFU and MBU are of a profiled run: they explain, benchmark numbers come from runs without a profiler' });
  if (chip === null) list.push({ code: 'W-NO-CHIP', detail: 'no chip is given or known from the run or the profile: work and bytes only, no times' });
  else if (confidenceOf(chip) === 'low') list.push({ code: 'W-CHIP-WEAK', detail: 'cores, clock or bandwidth of this chip are known with low confidence: read the card with npu-smi info -t common' });
  if (chip !== null && e.communication_us === null) list.push({ code: 'W-LINKS-UNKNOWN', detail: 'the links of this chip, or the network between its servers, are not known: communication is not timed' });
  if (point.phase === 'decode' && point.num_speculative_tokens > 0 && point.acceptance_rate === null) list.push({ code: 'W-ACCEPTANCE', detail: 'no acceptance_rate: every draft counts as accepted, which holds for an upper bound only' });
  if (fits === false) list.push({ code: 'W-DOES-NOT-FIT', detail: 'weights and cache of this step exceed the memory of a rank: capacity_plan says what fits' });
  if (point.pp > 1) list.push({ code: 'W-PIPELINE', detail: 'work and time are of one walk through all stages; tokens/s takes pp steps in flight' });
  if (q.measurement !== null && measured === null) list.push({ code: 'W-NO-STEPS', detail: point.pp > 1 ? 'with pipeline stages the capture does not say which layers a rank ran: not measured' : 'the number of steps in the capture cannot be told (no attention kernels, no step marks), or no chip is known: not measured' });
  if (measured !== null && Math.abs(measured.steps - Math.round(measured.steps)) > gaps.wholeStep.value) list.push({ code: 'W-STEPS-BROKEN', detail: 'attention kernels are no whole number of steps of this model: the capture is cut inside a step, or mixes phases' });
  if (q.measurement?.simulated === true) list.push({ code: 'W-SIMULATED', detail: 'the capture was generated, not measured on an NPU' });
  for (const text of a.assumptions) list.push({ code: 'W-ASSUMED', detail: text });
  return list;
}

/**
 * Everything compute_simulate says, from its question alone. Pure.
 * @throws ToolError E_MODEL_UNKNOWN, E_ARG_TYPE, E_ARG_CONFLICT (also: measured faster than the bound)
 */
export function answer(q: Question): Answer {
  const models = new Models(q.model);
  const { point } = q;
  const { chip, fromCard } = measuredChip(point.chip, q.measurement);
  const spec = models.of(point);
  const roof = roofOrNull(chip);
  const e = estimate(spec, roof, point);
  const measured = q.measurement === null || chip === null ? null : measure(q.measurement, spec, chip, point, e);
  const memory = memoryOf(spec, chip, point);
  const parameters = countParameters(spec);
  const took = measured === null ? null : (measured.step_us ?? measured.kernel_us);
  const factor = took === null || e.time_lower_bound_us === null ? null : took / e.time_lower_bound_us;
  const drafts = point.phase === 'decode' && point.num_speculative_tokens > 0;
  const plain = drafts ? estimate(spec, roof, withoutDrafts(point)) : null;
  const found: Finding[] = findings(measured, q.artifact);
  const body: Body = {
    verdict: verdictOf(e),
    point: { ...point, chip: chip === null ? null : chip.soc },
    model: { name: q.name, model_type: spec.model_type, layers: spec.layers.length, params_total: parameters.params_total, params_active: whole(parameters.params_active), params_mtp: parameters.params_mtp },
    device: chip === null ? null : deviceFacts(chip, fromCard),
    params_total: parameters.params_total, params_active: whole(parameters.params_active),
    flops: whole(e.flops), cube_flops: whole(e.cube_flops), vector_flops: whole(e.vector_flops), weight_bytes: whole(e.weight_bytes), cache_bytes: whole(e.cache_bytes), bytes: whole(e.bytes), bytes_sent: whole(e.bytes_sent),
    compute_us: fineOr(e.compute_us), communication_us: fineOr(e.communication_us), time_lower_bound_us: fineOr(e.time_lower_bound_us), time_no_overlap_us: fineOr(e.time_no_overlap_us),
    tokens_per_step: fine(e.tokens_per_step), tokens_per_s_upper_bound: fineOr(e.tokens_per_s_upper_bound),
    ops: e.ops.map((o) => ({ op: o.op, calls: o.calls, flops: whole(o.flops), bytes: whole(o.bytes), time_us: fineOr(o.time_us), bound: o.bound })),
    memory: { ...memory, weights_bytes: whole(memory.weights_bytes), cache_bytes: whole(memory.cache_bytes) },
    speculation: plain === null ? null : {
      tokens_per_sequence_step: fine(e.tokens_per_step / point.batch), time_without_us: fineOr(plain.time_lower_bound_us),
      speedup_bound: plain.tokens_per_s_upper_bound === null || e.tokens_per_s_upper_bound === null ? null : fine(e.tokens_per_s_upper_bound / plain.tokens_per_s_upper_bound),
    },
    calibrated: measured !== null,
    measured: roundedMeasured(measured), mfu_pct: measured === null ? null : fine(measured.mfu_pct), mbu_pct: measured === null ? null : fine(measured.mbu_pct),
    what_if: q.changes.map((change) => row(models, { point, estimate: e, factor }, change, q.measurement)),
    break_even: roof === null ? [] : crossovers(models, roof, point).map((b) => ({ ...b, at: b.at === null ? null : Number(b.at.toFixed(6)) })),
    assumptions: [...spec.assumptions],
    findings: found,
  };
  return { body, warnings: warningsOf(q, { chip, e, measured, fits: memory.fits, assumptions: spec.assumptions }) };
}
