import type { KernelRow } from '../../contract/index.js';
import { stageNames, type TaskStages } from '../../profiles/derived/stages.js';
import { limitsOf, ratioSteps, unlimited, unmeasured, type LimitRules, type TaskLimits } from '../../profiles/limits.js';
import { taskClass, type Profile } from '../../profiles/profile.js';
import { thresholds } from '../thresholds.js';
import { mfuKey, mfuTable, type MfuTable } from './mfu.js';
import { byText, round, rowsOf, us } from '../../profiles/derived/numbers.js';
import type { Placed } from './placed.js';

export type Bound = Exclude<KernelRow['bound'], null>;
export type KernelStage = KernelRow['stage'];

/** Kernels of one device, op type and core type, summed. */
export interface KernelGroup {
  readonly device: number;
  readonly opType: string;
  readonly taskType: string;
  readonly count: number;
  readonly totalNs: number;
  /** Null when only statistics were exported and they do not say. */
  readonly maxNs: number | null;
  /** Time of the kernels long enough for their PMU ratios to count; 0 without PMU. */
  readonly pmuNs: number;
  readonly bound: Bound | null;
  /** Mean ratio of the kernels that decided the bound; null without one. */
  readonly ratio: number | null;
  /** Of `pmuNs`, the time of kernels that a unit limits. A type may have both: a matrix product in prefill and in decode. */
  readonly units: Partial<Record<Bound, number>>;
  /** The one stage that holds (nearly) all its time; null when it serves several, or none is known. */
  readonly stage: KernelStage;
}

/** In the order of the decision; a unit's ratio may stand under several names, by chip and msprof version. */
const rules: readonly { unit: Bound; stems: readonly string[]; threshold: number }[] = [
  { unit: 'cube', stems: ['aic_mac_ratio', 'aic_mac_ratio_extra', 'mac_ratio', 'mac_ratio_extra', 'mac_exe_ratio'], threshold: thresholds.cubeRatio.value },
  { unit: 'mte2', stems: ['aic_mte2_ratio', 'mte2_ratio', 'mte2_exe_ratio'], threshold: thresholds.mte2Ratio.value },
  { unit: 'fixpipe', stems: ['aic_fixpipe_ratio', 'fixpipe_ratio', 'fixpipe_exe_ratio'], threshold: thresholds.fixpipeRatio.value },
  { unit: 'mte1', stems: ['aic_mte1_ratio', 'aic_mte1_ratio_extra', 'mte1_ratio', 'mte1_ratio_extra', 'mte1_exe_ratio'], threshold: thresholds.mte1Ratio.value },
  { unit: 'vector', stems: ['aiv_vec_ratio', 'vec_ratio', 'vec_exe_ratio'], threshold: thresholds.vectorRatio.value },
  { unit: 'mte2', stems: ['aiv_mte2_ratio'], threshold: thresholds.vectorMoveRatio.value },
  { unit: 'mte3', stems: ['aiv_mte3_ratio', 'mte3_ratio', 'mte3_exe_ratio'], threshold: thresholds.vectorMoveRatio.value },
  { unit: 'scalar', stems: ['aic_scalar_ratio', 'scalar_ratio', 'scalar_exe_ratio'], threshold: thresholds.scalarRatio.value },
  { unit: 'scalar', stems: ['aiv_scalar_ratio'], threshold: thresholds.scalarRatio.value },
];

/** The rules as the reader applies them: a profile read for the tables keeps what limits each kernel, and none of its counters. */
export const limitRules: LimitRules = {
  minimumNs: thresholds.pmuMinimumUs.value * 1000,
  // Scalar instructions run beside everything: they limit only what nothing else keeps busier.
  rules: rules.map(({ unit, stems, threshold }) => ({ stems, threshold, highestOnly: unit === 'scalar' })),
};

/** Places in {@link Sum.ns}: the total, the longest, the time with counters, then per rule the time its unit limits, then per rule Σ ratio × that time. */
const place = { total: 0, max: 1, pmu: 2, limited: 3, weighted: 3 + rules.length } as const;

interface Sum {
  count: number;
  /** In one array of doubles: fields of an object would be made anew with every kernel. */
  readonly ns: Float64Array;
  /** Stage of its first kernel, as an index into `TaskStages.names`. */
  stage: number;
  /** Time by stage; null while all its kernels have the stage of the first. */
  stages: Float64Array | null;
}

const newSum = (): Sum => ({ count: 0, ns: new Float64Array(3 + 2 * rules.length), stage: 0, stages: null });

/**
 * The rule that limits each kernel: cube, then reads, write-back, L1 moves, vector, vector moves, and scalar only when it is the
 * highest of all. Ratios overlap, the units run side by side; they do not sum to one.
 */
export function kernelLimits({ tasks }: Profile): TaskLimits {
  return tasks.limits ?? limitsOf(limitRules, tasks.pmu, tasks.durationNs);
}

/** The unit that limits at least half of the measured time of a group, so that a few long kernels weigh as they should. */
function boundOf(sum: Sum): { bound: Bound | null; ratio: number | null } {
  const byUnit = new Map<Bound, { ns: number; weighted: number }>();
  for (const [i, rule] of rules.entries()) {
    const of = byUnit.get(rule.unit) ?? { ns: 0, weighted: 0 };
    byUnit.set(rule.unit, of);
    of.ns += sum.ns[place.limited + i] ?? 0;
    of.weighted += sum.ns[place.weighted + i] ?? 0;
  }
  for (const [unit, of] of byUnit) if (of.ns > 0 && of.ns >= (sum.ns[place.pmu] ?? 0) * thresholds.boundMajority.value) return { bound: unit, ratio: of.weighted / of.ns };
  return { bound: null, ratio: null };
}

/** Measured time by the unit that limits it. */
function unitTimes(sum: Sum): Partial<Record<Bound, number>> {
  const times: Partial<Record<Bound, number>> = {};
  for (const [i, rule] of rules.entries()) {
    const ns = sum.ns[place.limited + i] ?? 0;
    if (ns > 0) times[rule.unit] = (times[rule.unit] ?? 0) + ns;
  }
  return times;
}

/** Books the time of one kernel under its stage. The total of the group does not hold it yet. */
function addStage(sum: Sum, stage: number, duration: number): void {
  if (sum.stages === null) {
    if (sum.count === 0) sum.stage = stage;
    if (stage === sum.stage) return;
    sum.stages = new Float64Array(stageNames.length);
    sum.stages[sum.stage] = sum.ns[place.total] ?? 0;
  }
  sum.stages[stage] = (sum.stages[stage] ?? 0) + duration;
}

/** The stage that holds nearly all time of a group. Groups hold no collectives, and helpers of the AI CPU belong to no stage. */
function stageOf(sum: Sum): KernelStage {
  const told = (id: number): KernelStage => {
    const name = stageNames[id] ?? null;
    return name === 'communication' || name === 'other' ? null : name;
  };
  if (sum.stages === null) return told(sum.stage);
  const wanted = (sum.ns[place.total] ?? 0) * thresholds.stageShare.value;
  const id = sum.stages.findIndex((ns) => ns > 0 && ns >= wanted);
  return id < 0 ? null : told(id);
}

/** Compute and AI CPU tasks by device, op type and core type. */
function fromTasks(profile: Profile, stages: TaskStages | null, limits: TaskLimits): KernelGroup[] {
  const { tasks, strings } = profile;
  const { operators } = tasks;
  const groups: KernelGroup[] = [];
  for (let device = 0; device < profile.devices.length; device += 1) {
    const [from, to] = rowsOf(tasks.device, tasks.length, device);
    const sums = new Map<number, Sum>();
    /** The sum of an operator with a type; without one (task-time l0) the name is all there is to group by. */
    const known = new Array<Sum | undefined>(operators.length);
    for (let row = from; row < to; row += 1) {
      const kind = tasks.class[row];
      const duration = tasks.durationNs[row] ?? Number.NaN;
      if ((kind !== taskClass.compute && kind !== taskClass.aicpu) || !Number.isFinite(duration)) continue;
      const operator = tasks.operator[row] ?? 0;
      let sum = known[operator];
      if (sum === undefined) {
        const type = operators.opType[operator] ?? 0;
        const key = (type === 0 ? (tasks.name[row] ?? 0) : type) * strings.size + (operators.taskType[operator] ?? 0);
        sum = sums.get(key);
        if (sum === undefined) sums.set(key, (sum = newSum()));
        if (type !== 0) known[operator] = sum;
      }
      if (stages !== null) addStage(sum, stages.stage[row] ?? 0, duration);
      const { ns } = sum;
      sum.count += 1;
      ns[place.total] = (ns[place.total] ?? 0) + duration;
      if (duration > (ns[place.max] ?? 0)) ns[place.max] = duration;
      const limit = limits.rule[row] ?? unmeasured;
      if (limit === unmeasured) continue;
      ns[place.pmu] = (ns[place.pmu] ?? 0) + duration;
      if (limit === unlimited) continue;
      ns[place.limited + limit] = (ns[place.limited + limit] ?? 0) + duration;
      ns[place.weighted + limit] = (ns[place.weighted + limit] ?? 0) + ((limits.ratio[row] ?? 0) / ratioSteps) * duration;
    }
    for (const [key, sum] of sums) {
      groups.push({
        device,
        opType: strings.get(Math.floor(key / strings.size)),
        taskType: strings.get(key % strings.size),
        count: sum.count,
        totalNs: sum.ns[place.total] ?? 0,
        maxNs: sum.ns[place.max] ?? 0,
        pmuNs: sum.ns[place.pmu] ?? 0,
        ...boundOf(sum),
        units: unitTimes(sum),
        stage: stageOf(sum),
      });
    }
  }
  return groups;
}

/** The exporter's own statistics, when a capture has no rows per task. */
function fromStatistics(profile: Profile): KernelGroup[] {
  return profile.opStatistic.map((row) => ({
    device: row.device,
    opType: row.opType,
    taskType: row.coreType,
    count: row.count,
    totalNs: Math.round(row.totalUs * 1000),
    maxNs: row.maxUs === null ? null : Math.round(row.maxUs * 1000),
    pmuNs: 0,
    bound: null,
    ratio: null,
    units: {},
    stage: null,
  }));
}

/**
 * Kernel groups, largest first within a device; null when the capture holds no kernel at all.
 * @param stages of `profile`; without them no group has a stage @param limits of the same tasks
 */
export function kernelGroups(profile: Profile, stages: TaskStages | null = null, limits: TaskLimits = kernelLimits(profile)): KernelGroup[] | null {
  const measured = fromTasks(profile, stages, limits);
  const groups = measured.length > 0 ? measured : fromStatistics(profile).filter((g) => g.count > 0);
  if (groups.length === 0) return null;
  return groups.sort((a, b) => a.device - b.device || b.totalNs - a.totalNs || byText(a.opType, b.opType) || byText(a.taskType, b.taskType));
}

/** Summed kernel time by device index. */
export function kernelTime(groups: readonly KernelGroup[]): Map<number, number> {
  const total = new Map<number, number>();
  for (const g of groups) total.set(g.device, (total.get(g.device) ?? 0) + g.totalNs);
  return total;
}

/** Rows of the kernel table. `share_pct` is of the device's summed kernel time; `mfu_pct` stands at matrix and attention types only. */
export function kernelRows(profile: Profile, groups: readonly KernelGroup[], mfu: MfuTable = mfuTable(profile)): Placed<KernelRow>[] {
  const total = kernelTime(groups);
  return groups.map((g) => {
    const device = profile.devices[g.device];
    const whole = total.get(g.device) ?? 0;
    const work = mfu.rows.get(mfuKey(g.device, g.opType, g.taskType));
    const row: KernelRow = {
      device: device?.id ?? g.device,
      rank: device?.rank ?? null,
      op_type: g.opType === '' ? 'N/A' : g.opType,
      task_type: g.taskType === '' ? 'N/A' : g.taskType,
      count: g.count,
      total_us: us(g.totalNs),
      avg_us: round(g.totalNs / g.count / 1000),
      max_us: g.maxNs === null ? null : us(g.maxNs),
      share_pct: whole > 0 ? round((g.totalNs / whole) * 100) : 0,
      bound: g.bound,
      flops: work?.flops ?? null,
      mfu_pct: work?.mfuPct ?? null,
      stage: g.stage,
    };
    return { at: g.device, row };
  });
}
