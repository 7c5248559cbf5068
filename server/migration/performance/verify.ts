import { type Finding, type OpPair, type OpPerformance } from '../../contract/index.js';
import type { Chip, Dtype } from '../../hardware/chip.js';
import { cubePeak } from '../../hardware/lookup.js';
import { round } from '../../profiles/derived/numbers.js';
import type { Outcome } from '../outcome.js';
import { performance } from '../thresholds.js';
import type { Case, Side } from './sides.js';

/** Cases of both sides that are the same work, and what was left without a partner. */
function paired(baseline: Side, candidate: Side): { pairs: (readonly [Case, Case])[]; unpaired: string[] } {
  const known = [...baseline.cases, ...candidate.cases].every((c) => c.shapes !== null);
  const name = (side: string, c: Case): string => `${side} ${c.shapes ?? c.name}`;
  if (known) {
    const partner = new Map(candidate.cases.map((c) => [c.shapes, c]));
    const pairs = baseline.cases.flatMap((b): (readonly [Case, Case])[] => {
      const c = partner.get(b.shapes);
      return c === undefined ? [] : [[b, c]];
    });
    const used = new Set(pairs.map(([b]) => b.shapes));
    return { pairs, unpaired: [...baseline.cases.filter((b) => !used.has(b.shapes)).map((b) => name('baseline', b)), ...candidate.cases.filter((c) => !used.has(c.shapes)).map((c) => name('candidate', c))] };
  }
  if (baseline.cases.length !== candidate.cases.length) return { pairs: [], unpaired: [...baseline.cases.map((b) => name('baseline', b)), ...candidate.cases.map((c) => name('candidate', c))] };
  return { pairs: baseline.cases.flatMap((b, i): (readonly [Case, Case])[] => (candidate.cases[i] === undefined ? [] : [[b, candidate.cases[i]]])), unpaired: [] };
}

const speedup = (b: Case, c: Case): number | null => (b.us === null || c.us === null || b.us <= 0 || c.us <= 0 ? null : b.us / c.us);

/** The device and the type of the products, for the roofline. */
export interface Roof {
  readonly chip: Chip;
  readonly dtype: Dtype;
}

/** Amount of work a µs as billions a second; null without a count or a time. */
function rate(amount: number | null | undefined, us: number | null): number | null {
  return amount == null || us === null || us <= 0 ? null : round(amount / us / 1000, 6);
}

/** Least time over measured time: bytes at the bandwidth of main memory, products at the peak of the matrix unit, whichever is longer. */
function rooflinePct({ work, us }: Case, roof: Roof | null): number | null {
  if (roof === null || us === null || us <= 0 || work?.bytes == null) return null;
  const peak = cubePeak(roof.chip, roof.dtype);
  const bound = Math.max(work.bytes / roof.chip.memory_bytes_per_s.value, peak === null ? 0 : (work.cubeOps ?? 0) / peak) * 1e6;
  return round((bound / us) * 100);
}

function rowOf([b, c]: readonly [Case, Case], roof: Roof | null): OpPair {
  const value = speedup(b, c);
  const ops = (x: Case): number | null | undefined => ((x.work?.cubeOps ?? 0) > 0 ? x.work?.cubeOps : x.work?.vectorOps);
  return {
    baseline: b.name, candidate: c.name, shapes: b.shapes, baseline_us: b.us === null ? null : round(b.us, 6), candidate_us: c.us === null ? null : round(c.us, 6),
    speedup: value === null ? null : round(value, 6), launches: [b.launches, c.launches], baseline_unit: b.unit, candidate_unit: c.unit, baseline_memory_peak_pct: b.memoryPeakPct, candidate_memory_peak_pct: c.memoryPeakPct,
    baseline_gbps: rate(b.work?.bytes, b.us), candidate_gbps: rate(c.work?.bytes, c.us), baseline_gflops: rate(ops(b), b.us), candidate_gflops: rate(ops(c), c.us),
    baseline_roofline_pct: rooflinePct(b, roof), candidate_roofline_pct: rooflinePct(c, roof),
  };
}

/** Reasons why times of the two sides may not be compared; empty when they may. */
function obstacles(kind: Side['kind'], pairs: readonly (readonly [Case, Case])[], unpaired: readonly string[]): string[] {
  const reasons: string[] = [];
  if (pairs.length === 0) return ['no shape stands on both sides: profile both with the same inputs in the same order'];
  if (unpaired.length > 0) reasons.push(`${unpaired.length} cases have no partner on the other side: all shapes are reported, none is picked`);
  if (pairs.some(([b, c]) => speedup(b, c) === null)) reasons.push('a time is missing');
  const few = pairs.filter(([b, c]) => Math.min(b.launches, c.launches) < performance.launches.value).length;
  if (kind === 'capture' && few > 0) reasons.push(`${few} shapes have fewer than ${performance.launches.value} launches on a side`);
  const clocks = pairs.filter(([b, c]) => b.mhz !== null && c.mhz !== null && b.mhz > 0 && Math.abs(c.mhz / b.mhz - 1) > performance.clock.value).length;
  if (clocks > 0) reasons.push(`${clocks} pairs ran at different clocks: collect both on an idle, cool card`);
  return reasons;
}

/** Speed-up a shape and over all, with the verdict of gate M7. Pure. */
export function verifyPerformance(baseline: Side, candidate: Side, minSpeedup: number, roof: Roof | null = null): Outcome & { readonly performance: OpPerformance } {
  const { pairs, unpaired } = paired(baseline, candidate);
  const ratios = pairs.map(([b, c]) => speedup(b, c));
  const known = ratios.filter((r) => r !== null);
  const all = known.length > 0 && known.length === ratios.length;
  const geomean = all ? Math.exp(known.reduce((a, r) => a + Math.log(r), 0) / known.length) : null;
  const worst = all ? Math.min(...known) : null;
  const body: OpPerformance = {
    kind: candidate.kind, pairs: pairs.map((p) => rowOf(p, roof)), geomean_speedup: geomean === null ? null : round(geomean, 6), worst_speedup: worst === null ? null : round(worst, 6),
    min_speedup: minSpeedup, slowest_allowed: performance.slowest.value, unpaired,
  };
  const incomplete = [...new Set([...baseline.notes, ...candidate.notes])].sort().map((code) => ({ code, detail: 'as the profile reader notes it: see profile_analyze of that profile' }));
  const stopped = baseline.kind === candidate.kind ? obstacles(candidate.kind, pairs, unpaired) : ['one side is an operator profile, the other a capture: their times are not measured alike'];
  if (stopped.length > 0 || geomean === null || worst === null) return { verdict: 'inconclusive', reasons: stopped, findings: [], incomplete, performance: body };
  const reasons: string[] = [];
  if (geomean < minSpeedup) reasons.push(`geometric mean speed-up ${round(geomean, 4)}, wanted ${minSpeedup}`);
  const slow = body.pairs.filter((p) => p.baseline_us !== null && p.candidate_us !== null && p.baseline_us / p.candidate_us < performance.slowest.value);
  if (slow.length > 0) reasons.push(`${slow.length} of ${pairs.length} shapes are slower than ${performance.slowest.value} of the baseline's speed`);
  const findings: Finding[] = slow.length === 0 ? [] : [{
    id: 'performance-slow-shape', title: 'A shape became slower than is accepted', severity: 'high', value: body.worst_speedup, unit: 'speed-up', confidence: 'medium',
    evidence: slow.slice(0, 3).map((p) => ({ path: 'profile_candidate', where: p.shapes ?? p.candidate, detail: `${p.baseline_us ?? 0} us before, ${p.candidate_us ?? 0} us now` })),
    action: 'Keep the old path for these shapes, chosen before execution, or give them tiles of their own.',
  }];
  return { verdict: reasons.length === 0 ? 'pass' : 'fail', reasons, findings, incomplete, performance: body };
}
