import { foreign, number, type Bottleneck, type Finding, type OperatorRow } from '../../contract/index.js';
import { round } from '../../profiles/derived/numbers.js';
import type { OperatorProfile, OperatorProfiles } from '../../profiles/opprof.js';
import { fewestCores, thresholds, unitRules } from './thresholds.js';

/** An operator profile with its verdict. */
export interface JudgedOperators {
  readonly profiles: OperatorProfiles;
  /** Longest kernel first. */
  readonly rows: readonly OperatorRow[];
  readonly bottleneck: Bottleneck;
  readonly findings: readonly Finding[];
}

function boundOf(op: OperatorProfile): { bound: OperatorRow['bound']; ratio: number | null } {
  const highest = op.units.reduce((a, u) => Math.max(a, u.ratio_mean), 0);
  for (const rule of unitRules) {
    const seen = op.units.find((u) => u.core === rule.core && u.unit === rule.unit);
    if (seen !== undefined && seen.ratio_mean >= rule.threshold.value && (rule.unit !== 'scalar' || seen.ratio_mean >= highest)) return { bound: rule.unit, ratio: seen.ratio_mean };
  }
  return { bound: null, ratio: null };
}

/** Operations, bytes and what was reached over the task duration. Routes to main memory are those that end in GM or are named so. */
function roofline(op: OperatorProfile): OperatorRow['roofline'] {
  const { cube_ops, vector_ops, memory_bytes } = op.work;
  const ops = cube_ops === null && vector_ops === null ? null : (cube_ops ?? 0) + (vector_ops ?? 0);
  const use = op.bandwidth.filter((b) => b.unit === '%' && /GM/.test(b.route)).map((b) => b.max);
  if (ops === null && memory_bytes === null) return null;
  const perUs = (value: number | null): number | null => (value === null || op.duration_us === null || op.duration_us <= 0 ? null : round(value / op.duration_us / 1000, 6));
  return {
    cube_ops,
    vector_ops,
    memory_bytes,
    intensity: ops === null || memory_bytes === null || memory_bytes === 0 ? null : round(ops / memory_bytes, 6),
    achieved_gflops: perUs(ops),
    achieved_gbps: perUs(memory_bytes),
    memory_peak_pct: use.length === 0 ? null : Math.max(...use),
  };
}

function rowOf(op: OperatorProfile): OperatorRow {
  const { bound, ratio } = boundOf(op);
  return {
    path: op.path,
    op: op.op,
    op_type: op.op_type,
    device: op.device,
    sequence: op.sequence,
    blocks: op.blocks,
    mix_blocks: op.mix_blocks,
    duration_us: op.duration_us,
    current_mhz: op.current_mhz,
    rated_mhz: op.rated_mhz,
    bound,
    bound_ratio: ratio,
    cores: [...op.cores],
    units: [...op.units],
    bandwidth: [...op.bandwidth],
    conflicts: [...op.conflicts],
    l2: op.l2,
    roofline: roofline(op),
  };
}

const computes = (row: OperatorRow): boolean => row.bound === 'cube' || row.bound === 'vector' || row.bound === 'scalar';

/** The class most of the kernel time agrees on; kernels without a duration count once each when none has one. */
function bottleneckOf(rows: readonly OperatorRow[]): Bottleneck {
  const known = rows.filter((r) => r.units.length > 0);
  const timed = rows.every((r) => r.duration_us !== null);
  const weigh = (list: readonly OperatorRow[]): number => list.reduce((a, r) => a + (timed ? (r.duration_us ?? 0) : 1), 0);
  const whole = weigh(rows);
  const unit = timed ? 'pct_of_kernel_time' : 'pct_of_kernels';
  const evidence = (metric: string, part: number): Bottleneck['evidence'][number] => ({ metric: `${metric}_${unit}`, value: whole > 0 ? round((part / whole) * 100) : null, threshold: round(thresholds.majority.value * 100), source: `operators table, bound by mean over blocks; threshold: ${thresholds.majority.source}` });
  if (known.length === 0) return { class: 'inconclusive', confidence: 'low', evidence: [{ metric: 'operators_with_unit_ratios', value: 0, threshold: 1, source: 'no table with the ratios of the units' }] };
  const compute = weigh(known.filter(computes));
  const memory = weigh(known.filter((r) => r.bound !== null && !computes(r)));
  const list = [evidence('core_bound', compute), evidence('memory_bound', memory), evidence('without_bound', weigh(known.filter((r) => r.bound === null)))];
  const share = Math.max(compute, memory) / whole;
  // Short kernels end before their counters mean much.
  const short = !timed || known.filter((r) => r.bound !== null).every((r) => (r.duration_us ?? 0) < thresholds.pmuMinimumUs.value);
  const confidence = short ? 'low' : share >= thresholds.sure.value ? 'high' : 'medium';
  if (share >= thresholds.majority.value && compute !== memory) return { class: compute > memory ? 'compute-bound' : 'memory-bound', confidence, evidence: list };
  if ((compute + memory) / whole >= thresholds.majority.value) return { class: 'mixed', confidence: 'low', evidence: list };
  return { class: 'inconclusive', confidence: 'low', evidence: list };
}

const unitTexts: Record<Exclude<OperatorRow['bound'], null>, { title: string; action: string }> = {
  cube: { title: 'Kernels are limited by the matrix unit', action: 'The tiling feeds the unit: only less work or a narrower type helps.' },
  vector: { title: 'Kernels are limited by the vector unit', action: 'Use fewer or wider vector instructions, and move products to the matrix unit.' },
  mte2: { title: 'Kernels are limited by reading memory', action: 'Reuse tiles in L1 or the unified buffer, make reads larger and 512-byte aligned, and double-buffer them.' },
  mte1: { title: 'Kernels are limited by moves between L1 and L0', action: 'Enlarge the tiles in L0 so that each move feeds more products.' },
  mte3: { title: 'Kernels are limited by writing from the unified buffer', action: 'Write larger pieces, and keep intermediate results on the core.' },
  fixpipe: { title: 'Kernels are limited by writing results back', action: 'Accumulate longer in L0C before results leave it.' },
  scalar: { title: 'Kernels are limited by scalar control code', action: 'Move address arithmetic and branches out of the inner loop, and unroll it.' },
};

const named = (row: OperatorRow): string => `${foreign(row.op ?? 'unnamed kernel', 60)}${row.device === null ? '' : `, device ${row.device}`}${row.sequence === null ? '' : `, run ${row.sequence}`}`;

interface Sketch {
  readonly id: string;
  readonly title: string;
  readonly action: string;
  readonly severity: Finding['severity'];
  readonly value: number;
  readonly unit: string;
  readonly confidence: Finding['confidence'];
}

function finding(sketch: Sketch, rows: readonly OperatorRow[], detail: (row: OperatorRow) => string): Finding {
  return { ...sketch, value: round(sketch.value), share_pct: null, evidence: rows.slice(0, 3).map((r) => ({ path: r.path, where: named(r), detail: detail(r) })) };
}

const us = (value: number | null): string => (value === null ? 'unknown time' : `${number(value)} us`);

function unitFindings(rows: readonly OperatorRow[]): Finding[] {
  const units = [...new Set(rows.map((r) => r.bound))].filter((u) => u !== null);
  return units.map((unit) => {
    const of = rows.filter((r) => r.bound === unit);
    const long = of.some((r) => (r.duration_us ?? 0) >= thresholds.pmuMinimumUs.value);
    return finding({ id: `${unit}-bound`, ...unitTexts[unit], severity: 'low', value: of[0]?.bound_ratio ?? 0, unit: 'busy ratio', confidence: long ? 'high' : 'low' }, of, (r) => `${us(r.duration_us)}, mean ratio ${number(round(r.bound_ratio ?? 0))} over blocks`);
  });
}

function latencyFinding(rows: readonly OperatorRow[]): Finding[] {
  const of = rows.filter((r) => r.bound === null && r.units.length > 0);
  const top = (r: OperatorRow): number => r.units.reduce((a, u) => Math.max(a, u.ratio_mean), 0);
  if (of.length === 0) return [];
  return [
    finding(
      { id: 'operator-latency', title: 'No unit is busy enough to be the limit', severity: 'low', value: of[0] === undefined ? 0 : top(of[0]), unit: 'highest busy ratio', confidence: 'medium', action: 'The kernel waits between its stages, or is too small for the launch: overlap the stages (double buffering), use more blocks, or fuse it.' },
      of,
      (r) => `${us(r.duration_us)}, highest mean ratio ${number(round(top(r)))}`,
    ),
  ];
}

/** Blocks of one kind of core that take much longer than their mean. */
function imbalanceFinding(rows: readonly OperatorRow[]): Finding[] {
  const worst = (r: OperatorRow): number => r.cores.filter((c) => c.blocks >= thresholds.imbalanceBlocks.value).reduce((a, c) => Math.max(a, c.imbalance_pct ?? 0), 0);
  const of = rows.filter((r) => worst(r) >= thresholds.imbalanceSeen.value).sort((a, b) => worst(b) - worst(a));
  const value = of[0] === undefined ? 0 : worst(of[0]);
  if (of.length === 0) return [];
  const severity = value >= thresholds.imbalanceMedium.value ? 'medium' : 'low';
  return [finding({ id: 'block-imbalance', title: 'Blocks of a kernel take different times', severity, value, unit: '% above the mean', confidence: 'high', action: 'Split the work by elements, not by rows of unequal length, and give the tail to the blocks that end first.' }, of, (r) => r.cores.map((c) => `${c.blocks} ${c.core} blocks: mean ${number(round(c.time_us_mean))} us, longest ${number(round(c.time_us_max))} us`).join('; '))];
}

/** Blocks by the launch, and the fewest cores any chip with such cores has. */
function blockUse(row: OperatorRow): { blocks: number; cores: number } | null {
  const core = row.cores.some((c) => c.core === 'cube') ? 'cube' : 'vector';
  return row.blocks === null || row.cores.length === 0 ? null : { blocks: row.blocks, cores: fewestCores(core) };
}

function underUseFinding(rows: readonly OperatorRow[]): Finding[] {
  const of = rows.filter((r) => {
    const use = blockUse(r);
    return use !== null && use.blocks < use.cores;
  });
  const first = of[0] === undefined ? null : blockUse(of[0]);
  if (first === null) return [];
  return [
    finding(
      { id: 'block-under-use', title: 'A kernel uses fewer blocks than the chip has cores', severity: 'medium', value: (1 - first.blocks / first.cores) * 100, unit: '% of the cores idle at least', confidence: 'high', action: 'Launch at least one block a core when the work can be split; a kernel this small is better fused with its neighbours.' },
      of,
      (r) => `${r.blocks ?? 0} blocks; the smallest chip with such cores has ${blockUse(r)?.cores ?? 0}`,
    ),
  ];
}

function clockFinding(rows: readonly OperatorRow[]): Finding[] {
  const drop = (r: OperatorRow): number => (r.current_mhz === null || r.rated_mhz === null || r.rated_mhz <= 0 ? 0 : 1 - r.current_mhz / r.rated_mhz);
  const of = rows.filter((r) => drop(r) >= thresholds.frequencyDrop.value).sort((a, b) => drop(b) - drop(a));
  if (of[0] === undefined) return [];
  return [finding({ id: 'freq-drop', title: 'The kernel ran below the rated clock', severity: 'medium', value: drop(of[0]) * 100, unit: '% below rated', confidence: 'high', action: 'Collect again on an idle, cool card before kernels are compared.' }, of, (r) => `${number(r.current_mhz ?? 0)} MHz of ${number(r.rated_mhz ?? 0)} MHz`)];
}

function conflictFinding(rows: readonly OperatorRow[]): Finding[] {
  const conflict = (r: OperatorRow): number => r.conflicts.find((c) => c.name === 'aiv_vec_total_cflt_ratio')?.ratio_mean ?? 0;
  const of = rows.filter((r) => conflict(r) >= thresholds.conflictSeen.value).sort((a, b) => conflict(b) - conflict(a));
  if (of[0] === undefined) return [];
  return [finding({ id: 'bank-conflict', title: 'Vector instructions wait for bank conflicts', severity: 'low', value: conflict(of[0]) * 100, unit: '% of cycles', confidence: 'high', action: 'Shift operands in the unified buffer so that they do not share a bank group.' }, of, (r) => `conflicts ${number(round(conflict(r)))} of the cycles`)];
}

/** Rows, verdict and findings of operator profiles. Pure. */
export function judgeOperators(profiles: OperatorProfiles): JudgedOperators {
  const rows = profiles.operators.map(rowOf).sort((a, b) => (b.duration_us ?? -1) - (a.duration_us ?? -1) || (a.path < b.path ? -1 : 1));
  const order = { high: 0, medium: 1, low: 2, info: 3 };
  const findings = [...underUseFinding(rows), ...imbalanceFinding(rows), ...clockFinding(rows), ...unitFindings(rows), ...latencyFinding(rows), ...conflictFinding(rows)].sort((a, b) => order[a.severity] - order[b.severity]);
  return { profiles, rows, bottleneck: bottleneckOf(rows), findings };
}
