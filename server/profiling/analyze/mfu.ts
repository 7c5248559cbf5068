import { ToolError, type Incomplete } from '../../contract/index.js';
import type { Chip, Dtype } from '../../hardware/chip.js';
import { findChip } from '../../hardware/lookup.js';
import type { Device, Profile } from '../../profiles/profile.js';
import { byText, percent } from '../../profiles/derived/numbers.js';
import { flopsOf, mfuReasons, type MfuReason } from './mfu-flops.js';
import { shapeGroups, tensorTexts, type ShapeGroup } from './shapes.js';

/** Model FLOP utilisation of the kernels of one device, op type and core type. */
export interface KernelMfu {
  /** Summed over the calls whose shapes give it; null: no such call, or numbers above the peak. */
  readonly flops: number | null;
  /** Time at the peak over time taken, of those calls, in percent; null also without a peak. */
  readonly mfuPct: number | null;
}

export interface MfuTable {
  readonly rows: ReadonlyMap<string, KernelMfu>;
  /** Kernels without MFU by the reason, and what was assumed for others; {@link mfuNotes} says it in words. */
  readonly missing: readonly (readonly [MfuReason, number])[];
  readonly assumed: readonly Assumed[];
}

/** Where a group's MFU stands in the table. */
export function mfuKey(device: number, opType: string, taskType: string): string {
  return `${device}\n${opType}\n${taskType}`;
}

/** FLOP per cycle of a cube core: 16·16·16 multiply-adds at FP16, K doubled at INT8. Source: msprof-analyze operator MFU. */
const identity: Partial<Record<Dtype, number>> = { fp16: 8192, bf16: 8192, int8: 16384 };

function dtypeOf(types: string): Dtype | null {
  const first = (tensorTexts(types)[0] ?? '').replace(/^DT_/, '').toUpperCase();
  if (first === 'FLOAT16') return 'fp16';
  if (first === 'BF16' || first === 'BFLOAT16') return 'bf16';
  if (first === 'INT8') return 'int8';
  if (first === 'INT4') return 'int4';
  return /^FLOAT8|^HIFLOAT8|^FP8/.test(first) ? 'fp8' : null;
}

function chipOf(name: string | null): Chip | null {
  if (name === null) return null;
  try {
    return findChip(name);
  } catch (error) {
    if (error instanceof ToolError) return null;
    throw error;
  }
}

/** FLOP per ns of a device: the capture's own cores and clock, else the catalogue's for its chip; null: not known. */
function peakOf(device: Device | undefined): (dtype: Dtype) => number | null {
  const chip = chipOf(device?.chip ?? null);
  const cores = device?.aicoreCount ?? chip?.cube_cores.value ?? null;
  const mhz = device?.aicoreMhz ?? chip?.clock_mhz.value ?? null;
  return (dtype) => {
    const perCycle = chip === null ? (identity[dtype] ?? null) : chip.cube_flops_per_cycle[dtype];
    return cores === null || mhz === null || perCycle === null || !(cores > 0) || !(mhz > 0) ? null : (cores * mhz * perCycle) / 1000;
  };
}

interface Sum {
  flops: number;
  /** Time the counted calls would take at the peak, and the time they took; both only where the peak is known. */
  idealNs: number;
  ns: number;
  counted: number;
  broken: boolean;
}

/** What went into the table under an assumption; told in the notes. */
const assumed = {
  'mfu-causal': 'attention with the compressed 2048 x 2048 mask is counted as causal (half of the scores); a band computes less',
  'mfu-upper': 'some MFU are upper ends: grouped products count every row, also of groups that are not local, and FRACTAL_NZ shapes count their padding',
} as const;

type Assumed = keyof typeof assumed;

/** Why kernels have no MFU, and under which assumptions others have one, over all captures. */
export function mfuNotes(tables: readonly Pick<MfuTable, 'missing' | 'assumed'>[]): Incomplete[] {
  const missing = new Map<MfuReason, number>();
  for (const [reason, calls] of tables.flatMap((t) => t.missing)) missing.set(reason, (missing.get(reason) ?? 0) + calls);
  const reasons = [...missing].sort(([a], [b]) => byText(a, b)).map(([reason, calls]) => ({ code: `mfu-${reason}`, detail: `${calls} matrix or attention kernels have no MFU: ${mfuReasons[reason]}` }));
  const told = new Set(tables.flatMap((t) => t.assumed));
  return [...reasons, ...[...told].sort(byText).map((code) => ({ code, detail: assumed[code] }))];
}

/**
 * MFU of every matrix and attention op type: Σ FLOP / peak ÷ Σ time, FLOP by shapes (2·M·K·N; attention 2·scores·(q + v)),
 * peak = cube cores × clock × FLOP per cycle. A type with one shape above 100 % has null: never a clipped number. Pure.
 * @param groups of {@link shapeGroups}, when the caller has them already
 */
export function mfuTable(profile: Profile, groups: readonly ShapeGroup[] = shapeGroups(profile)): MfuTable {
  const sums = new Map<string, Sum>();
  const missing = new Map<MfuReason, number>();
  const told = new Set<Assumed>();
  const miss = (reason: MfuReason, group: ShapeGroup): void => {
    missing.set(reason, (missing.get(reason) ?? 0) + group.count);
  };
  const peaks = profile.devices.map((d) => peakOf(d));
  for (const group of groups) {
    const found = flopsOf(group);
    if (found === null) continue;
    const key = mfuKey(group.device, group.opType, group.taskType);
    const sum = sums.get(key) ?? { flops: 0, idealNs: 0, ns: 0, counted: 0, broken: false };
    sums.set(key, sum);
    if ('reason' in found) {
      miss(found.reason, group);
      continue;
    }
    const flops = found.flops * group.count;
    sum.flops += flops;
    sum.counted += group.count;
    const dtype = dtypeOf(group.inputTypes);
    const perNs = dtype === null ? null : (peaks[group.device]?.(dtype) ?? null);
    if (perNs === null) {
      const known = peaks[group.device]?.('fp16') != null;
      miss(dtype === null || known ? 'dtype-unknown' : 'peak-unknown', group);
      continue;
    }
    if (flops / perNs > group.totalNs) {
      sum.broken = true;
      miss('above-peak', group);
      continue;
    }
    if (found.causal) told.add('mfu-causal');
    if (found.upper) told.add('mfu-upper');
    sum.idealNs += flops / perNs;
    sum.ns += group.totalNs;
  }
  const rows = new Map<string, KernelMfu>();
  for (const [key, s] of sums) rows.set(key, s.broken ? { flops: null, mfuPct: null } : { flops: s.counted > 0 ? s.flops : null, mfuPct: s.ns > 0 ? percent(s.idealNs, s.ns) : null });
  return { rows, missing: [...missing], assumed: [...told] };
}
