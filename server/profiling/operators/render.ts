import { cell, number, table, type OperatorRow } from '../../contract/index.js';
import { round } from '../../profiles/derived/numbers.js';
import { findingLines } from '../render.js';
import type { JudgedOperators } from './judge.js';

/** The answer in one sentence; only our own words and numbers. */
export function operatorHeadline({ rows, bottleneck }: JudgedOperators): string {
  const timed = rows.filter((r) => r.duration_us !== null);
  const total = timed.reduce((a, r) => a + (r.duration_us ?? 0), 0);
  const [longest] = rows;
  const units = [...(longest?.units ?? [])].sort((a, b) => b.ratio_mean - a.ratio_mean);
  const busiest = units[0] === undefined ? 'no unit ratios' : `busiest unit of the longest: ${units[0].unit} at ${number(round(units[0].ratio_mean * 100, 1))} %`;
  return `${bottleneck.class} (confidence ${bottleneck.confidence}): operator profile of ${rows.length} kernel${rows.length === 1 ? '' : 's'}${timed.length === 0 ? '' : `, ${number(round(total))} us of device time`}; ${busiest}`;
}

/** The largest imbalance of its kinds of core, percent; null when none is known. */
function longestOverMean(r: OperatorRow): number | null {
  return r.cores.reduce<number | null>((most, c) => (c.imbalance_pct === null ? most : Math.max(most ?? c.imbalance_pct, c.imbalance_pct)), null);
}

/** What of a kernel is shown in a result: the artifact holds the rest. */
export function operatorBrief(r: OperatorRow): Record<string, string | number | null> {
  const imbalance = longestOverMean(r);
  const units = [...r.units].sort((a, b) => b.ratio_mean - a.ratio_mean);
  return {
    op: r.op,
    op_type: r.op_type,
    device: r.device,
    sequence: r.sequence,
    blocks: r.blocks,
    duration_us: r.duration_us,
    bound: r.bound,
    busiest_unit: units[0]?.unit ?? null,
    busiest_ratio: units[0]?.ratio_mean ?? null,
    imbalance_pct: imbalance,
    memory_bytes: r.roofline?.memory_bytes ?? null,
    achieved_gbps: r.roofline?.achieved_gbps ?? null,
    intensity: r.roofline?.intensity ?? null,
    l2_hit_pct: r.l2?.total_hit_pct ?? null,
  };
}

function unitColumns(r: OperatorRow): string {
  return r.units.map((u) => `${u.core === 'cube' ? 'aic' : 'aiv'} ${u.unit} ${number(round(u.ratio_mean * 100, 1))}/${number(round(u.ratio_max * 100, 1))}`).join(', ');
}

/** operators.md: the answer, the kernels, their roofline, their units, findings, what is missing. */
export function operatorTables(judged: JudgedOperators, top: number): string {
  const rows = judged.rows.slice(0, top);
  const where = (r: OperatorRow): readonly (string | number | null)[] => [r.op, r.device, r.sequence];
  const lines = [
    operatorHeadline(judged),
    '',
    '# Operator profile',
    '',
    'Counters of single kernels that were replayed alone (msprof op): they explain a kernel, not a service.',
    '',
    '## Kernels',
    '',
    table(
      ['kernel', 'device', 'run', 'type', 'blocks', 'mix blocks', 'duration us', 'MHz', 'bound', 'longest block over mean %'],
      rows.map((r) => [...where(r), r.op_type, r.blocks, r.mix_blocks, r.duration_us, r.current_mhz, r.bound, longestOverMean(r)]),
    ),
    '',
    '## Roofline',
    '',
    table(
      ['kernel', 'device', 'run', 'cube ops', 'vector ops', 'main memory bytes', 'ops per byte', 'GFLOP/s', 'GB/s', 'memory route % of peak', 'L2 hit %'],
      rows.map((r) => [...where(r), r.roofline?.cube_ops, r.roofline?.vector_ops, r.roofline?.memory_bytes, r.roofline?.intensity, r.roofline?.achieved_gflops, r.roofline?.achieved_gbps, r.roofline?.memory_peak_pct, r.l2?.total_hit_pct]),
    ),
    '',
    '## Units, busy % of cycles, mean / longest over blocks',
    '',
    ...rows.map((r) => `- ${cell(r.op)}: ${r.units.length === 0 ? 'not collected' : unitColumns(r)}`),
    ...(rows.length < judged.rows.length ? ['', `${rows.length} of ${judged.rows.length} kernels; analysis.json holds all.`] : []),
    ...findingLines(judged.findings),
    '',
    '## What the profile does not hold',
    '',
    judged.profiles.incomplete.length === 0 ? 'Nothing is missing.' : judged.profiles.incomplete.map((n) => `- ${n.code}: ${cell(n.detail, 400)}`).join('\n'),
  ];
  return `${lines.join('\n').replace(/\n{3,}/g, '\n\n')}\n`;
}
