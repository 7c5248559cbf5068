import type { ProfilingAnalysis } from '../contract/index.js';
import { byText, rowsOf } from '../profiles/derived/numbers.js';
import { deviceWindows } from '../profiles/derived/window.js';
import { taskClass, type Profile } from '../profiles/profile.js';
import type { ModelSpec } from '../models/spec.js';
import type { Point } from './request.js';

export interface Kernel {
  readonly op_type: string;
  readonly count: number;
  readonly total_us: number;
}

/** Compute kernels of one device; collectives and AI CPU tasks left out. */
export interface DeviceKernels {
  readonly device: number;
  readonly rank: number | null;
  readonly kernels: readonly Kernel[];
  /** First to last work of the device; null when the capture has no time line. */
  readonly span_us: number | null;
  readonly chip: string | null;
  readonly cube_cores: number | null;
  readonly clock_mhz: number | null;
}

/** What a capture says, whichever way it was read. */
export interface Measurement {
  readonly devices: readonly DeviceKernels[];
  /** Marked steps; 0 without marks. */
  readonly marked_steps: number;
  readonly simulated: boolean;
  readonly sources: readonly string[];
}

const isCompute = (coreType: string): boolean => !/AI_?CPU|COMMUNICATION|HCCL/i.test(coreType);

function summed(rows: Iterable<Kernel>): Kernel[] {
  const by = new Map<string, { count: number; total_us: number }>();
  for (const { op_type, count, total_us } of rows) {
    const known = by.get(op_type) ?? { count: 0, total_us: 0 };
    known.count += count;
    known.total_us += total_us;
    by.set(op_type, known);
  }
  return [...by].map(([op_type, k]) => ({ op_type, ...k })).sort((a, b) => b.total_us - a.total_us || byText(a.op_type, b.op_type));
}

function* taskKernels(profile: Profile, device: number): Generator<Kernel> {
  const { tasks, strings } = profile;
  const [from, to] = rowsOf(tasks.device, tasks.length, device);
  const { operators } = tasks;
  for (let row = from; row < to; row += 1) {
    const ns = tasks.durationNs[row] ?? Number.NaN;
    const operator = tasks.operator[row] ?? 0;
    if (tasks.class[row] !== taskClass.compute || !Number.isFinite(ns) || !isCompute(strings.get(operators.taskType[operator] ?? 0))) continue;
    const type = strings.get(operators.opType[operator] ?? 0);
    yield { op_type: type === '' ? strings.get(tasks.name[row] ?? 0) : type, count: 1, total_us: ns / 1000 };
  }
}

/** A profile as kernel sums per device; exported statistics stand in where there are no task rows. */
export function ofProfile(profile: Profile): Measurement {
  const windows = deviceWindows(profile);
  const devices = profile.devices.map((d, index): DeviceKernels => {
    const tasks = summed(taskKernels(profile, index));
    const statistic = profile.opStatistic.filter((r) => r.device === index && isCompute(r.coreType)).map((r) => ({ op_type: r.opType, count: r.count, total_us: r.totalUs }));
    const window = windows.find((w) => w.device === index && w.source === 'tasks');
    return { device: d.id, rank: d.rank, kernels: tasks.length > 0 ? tasks : summed(statistic), span_us: window === undefined ? null : window.spanNs / 1000, chip: d.chip, cube_cores: d.aicoreCount, clock_mhz: d.aicoreMhz };
  });
  const marks = new Set(profile.markers.filter((m) => /^ProfilerStep|^STEP/i.test(m.name)).map((m) => `${m.name} ${String(m.startNs)}`));
  return { devices, marked_steps: devices.length > 1 ? 0 : marks.size, simulated: profile.simulated, sources: profile.sources.map((s) => s.path) };
}

/** The same out of an analysis that profile_analyze wrote. */
export function ofAnalysis(analysis: ProfilingAnalysis, path: string): Measurement {
  const ids = [...new Set([...(analysis.kernel ?? []).map((k) => k.device), ...analysis.windows.map((w) => w.device)])].sort((a, b) => a - b);
  const devices = ids.map((id): DeviceKernels => {
    const rows = (analysis.kernel ?? []).filter((k) => k.device === id && isCompute(k.task_type));
    const window = analysis.windows.find((w) => w.device === id);
    return { device: id, rank: rows[0]?.rank ?? window?.rank ?? null, kernels: summed(rows), span_us: window?.span_us ?? null, chip: null, cube_cores: null, clock_mhz: null };
  });
  return { devices, marked_steps: 0, simulated: analysis.simulated, sources: [path] };
}

export type Group = 'matmul' | 'attention' | 'other';

/** Group of a kernel by its op type; names of CANN, ATB and vllm-ascend operators. */
export function groupOf(opType: string): Group {
  if (/attention|flash.?attn|ring.?mla/i.test(opType) && !/index|cache|prolog|preprocess|update|combine|rope|norm/i.test(opType)) return 'attention';
  return /mat.?mul|gemm|linear|dispatchffn|mlaprolog|mlapreprocess/i.test(opType) ? 'matmul' : 'other';
}

export interface Steps {
  readonly steps: number;
  readonly source: 'attention-kernels' | 'markers';
}

/**
 * Steps of one device: attention kernels over the attention kernels of a step (one per attention layer, one more per draft and draft layer),
 * for engines mark no steps (msprof facts: xLLM and vLLM write none); marks only where there is no attention kernel. Null: cannot be told.
 */
export function stepsOf(device: DeviceKernels, markedSteps: number, spec: ModelSpec, point: Point): Steps | null {
  const layers = spec.layers.filter((l) => l.attention.kind !== 'gdn').length;
  const passes = point.num_speculative_tokens === 0 || point.draft_layers === 0 ? 0 : (point.phase === 'decode' ? point.num_speculative_tokens : 1) * (point.draft_layers ?? 1);
  const count = device.kernels.filter((k) => groupOf(k.op_type) === 'attention').reduce((s, k) => s + k.count, 0);
  if (count > 0 && layers > 0) return { steps: count / (layers + passes), source: 'attention-kernels' };
  return markedSteps > 0 ? { steps: markedSteps, source: 'markers' } : null;
}
