import { ToolError } from '../contract/index.js';
import type { ComputeCost, LinkCost, OpName } from './costs.js';
import { stepCost, type Step, type StepOptions } from './flops.js';
import { linkTimeUs, type Links } from './links.js';
import type { Parallel } from './parallel.js';
import type { Dtype, ModelSpec } from './spec.js';
import { typical } from './thresholds.js';

/** Peaks of one device; `roofOf` of hardware/ gives it. */
export interface Roof {
  readonly name: string;
  readonly cube_flops_per_s: Readonly<Record<Dtype, number | null>>;
  readonly vector_flops_per_s: number | null;
  readonly memory_bytes_per_s: number;
  /** null: unknown; activations are then taken to stay on the chip. */
  readonly l2_bytes: number | null;
  /** null: unknown; communication is then not timed. */
  readonly links: Links | null;
}

/** Shares of the peaks that are reached, 0–1, and a fixed time per operator. All 1 and 0 µs give the bound nothing can beat. */
export interface Efficiency {
  readonly cube: number;
  /** Grouped multiplications of routed experts. */
  readonly grouped_cube: number;
  readonly vector: number;
  readonly memory: number;
  readonly link: number;
  readonly launch_us: number;
}

export const ideal: Efficiency = { cube: 1, grouped_cube: 1, vector: 1, memory: 1, link: 1, launch_us: 0 };
/** What public measurements reach; see thresholds.ts. For estimates and simulation, never for a bound. */
export const achievable: Efficiency = { cube: typical.cube.value, grouped_cube: typical.grouped_cube.value, vector: typical.vector.value, memory: typical.memory.value, link: typical.link.value, launch_us: typical.launch_us.value };

export type Bound = 'compute' | 'memory' | 'communication';

export interface OpTime {
  readonly op: OpName;
  readonly calls: number;
  readonly flops: number;
  /** What must come from memory; for a collective, what the rank sends. */
  readonly bytes: number;
  /** null: a collective over links that are not known. */
  readonly time_us: number | null;
  readonly bound: Bound;
}

export interface StepTime {
  readonly ops: readonly OpTime[];
  readonly flops: number;
  readonly vector_flops: number;
  readonly weight_bytes: number;
  readonly cache_bytes: number;
  /** From memory, per rank: weights, cache, and activations beyond L2. */
  readonly bytes: number;
  readonly bytes_sent: number;
  readonly compute_us: number;
  /** null when links are not known and something is sent. */
  readonly communication_us: number | null;
  /** Communication wholly hidden behind compute: the larger of the two. */
  readonly time_lower_bound_us: number;
  /** Communication wholly exposed: their sum; null when links are not known. */
  readonly time_no_overlap_us: number | null;
  readonly bound: Bound;
  /** Tokens of the whole replica the step works on; with speculation the tokens verified, not the tokens accepted. */
  readonly tokens: number;
}

/** Falls back to 16-bit multiplication where the cube lacks a mode, as weights are then expanded first. @throws ToolError E_ARG_CONFLICT when the cube has no 16-bit mode either */
function peakOf(roof: Roof, wanted: Dtype): number {
  const peaks = roof.cube_flops_per_s;
  const peak = peaks[wanted] ?? peaks.bf16 ?? peaks.fp16;
  if (peak === null) throw new ToolError('E_ARG_CONFLICT', 'the device has no known matrix peak', 'choose another chip, or give its cores and clock');
  return peak;
}

interface Timed {
  readonly cost: ComputeCost;
  readonly bytes: number;
  readonly compute_us: number;
  readonly memory_us: number;
  readonly time_us: number;
}

function timed(cost: ComputeCost, roof: Roof, eff: Efficiency): Timed {
  const calls = Math.max(1, cost.calls);
  const spilled = roof.l2_bytes === null ? 0 : calls * Math.max(0, cost.activation_bytes / calls - roof.l2_bytes);
  const bytes = cost.weight_bytes + cost.cache_bytes + spilled;
  const cube = cost.flops / (peakOf(roof, cost.dtype) * (cost.op === 'experts' ? eff.grouped_cube : eff.cube));
  const vector = roof.vector_flops_per_s === null ? 0 : cost.vector_flops / (roof.vector_flops_per_s * eff.vector);
  // Cube, vector and memory run side by side in a fused kernel: the slowest of the three is the least it can take.
  const compute_us = Math.max(cube, vector) * 1e6;
  const memory_us = (bytes / (roof.memory_bytes_per_s * eff.memory)) * 1e6;
  return { cost, bytes, compute_us, memory_us, time_us: Math.max(compute_us, memory_us) + calls * eff.launch_us };
}

function mergeTimes(parts: readonly Timed[]): OpTime[] {
  const names = [...new Set(parts.map((p) => p.cost.op))];
  return names.map((op) => {
    const own = parts.filter((p) => p.cost.op === op);
    const sum = (pick: (p: Timed) => number): number => own.reduce((s, p) => s + pick(p), 0);
    return {
      op,
      calls: sum((p) => p.cost.calls),
      flops: sum((p) => p.cost.flops + p.cost.vector_flops),
      bytes: sum((p) => p.bytes),
      time_us: sum((p) => p.time_us),
      bound: sum((p) => p.compute_us) > sum((p) => p.memory_us) ? 'compute' : 'memory',
    };
  });
}

function mergeLinks(links: readonly LinkCost[], roof: Roof, eff: Efficiency): OpTime[] {
  const names = [...new Set(links.map((l) => l.op))];
  return names.map((op) => {
    const own = links.filter((l) => l.op === op);
    let time: number | null = 0;
    for (const link of own) {
      const t = linkTimeUs(link, roof.links, eff.link);
      time = t === null || time === null ? null : time + t;
    }
    const calls = own.reduce((s, l) => s + l.calls, 0);
    return { op, calls, flops: 0, bytes: own.reduce((s, l) => s + l.bytes_sent, 0), time_us: time === null ? null : time + calls * eff.launch_us, bound: 'communication' };
  });
}

/**
 * Time of one step on one rank, operator by operator.
 * Each operator takes the larger of its work over the peak and its bytes over the bandwidth; activations count as bytes only beyond what L2 holds,
 * because between operators they need not leave the chip. With {@link ideal} the result is a lower bound: a measured time under it means a wrong shape, dtype, clock or device.
 * With pp above 1 it is one walk through all stages, one after the other; a full pipeline hides all but the slowest.
 * @param roof peaks of one device (one die on A3), @param efficiency default ideal
 * @throws ToolError E_ARG_TYPE, E_ARG_CONFLICT
 */
export function stepTimeUs(spec: ModelSpec, roof: Roof, parallel: Parallel, step: Step, given: { readonly efficiency?: Efficiency; readonly options?: Partial<StepOptions> } = {}): StepTime {
  const eff = given.efficiency ?? ideal;
  for (const share of [eff.cube, eff.grouped_cube, eff.vector, eff.memory, eff.link]) {
    if (!(share > 0 && share <= 1)) throw new ToolError('E_ARG_TYPE', 'an efficiency outside 0 to 1', 'give shares of the peak between 0 and 1');
  }
  const cost = stepCost(spec, parallel, step, given.options);
  const parts = cost.compute.map((c) => timed(c, roof, eff));
  const computeOps = mergeTimes(parts);
  const linkOps = mergeLinks(cost.links, roof, eff);
  const compute = computeOps.reduce((s, o) => s + (o.time_us ?? 0), 0);
  const communication = linkOps.some((o) => o.time_us === null) ? null : linkOps.reduce((s, o) => s + (o.time_us ?? 0), 0);
  const sum = (pick: (c: ComputeCost) => number): number => cost.compute.reduce((s, c) => s + pick(c), 0);
  const byCompute = computeOps.reduce((s, o) => s + (o.bound === 'compute' ? (o.time_us ?? 0) : 0), 0);
  return {
    ops: [...computeOps, ...linkOps],
    flops: sum((c) => c.flops),
    vector_flops: sum((c) => c.vector_flops),
    weight_bytes: sum((c) => c.weight_bytes),
    cache_bytes: sum((c) => c.cache_bytes),
    bytes: parts.reduce((s, p) => s + p.bytes, 0),
    bytes_sent: linkOps.reduce((s, o) => s + o.bytes, 0),
    compute_us: compute,
    communication_us: communication,
    time_lower_bound_us: Math.max(compute, communication ?? 0),
    time_no_overlap_us: communication === null ? null : compute + communication,
    bound: communication !== null && communication > compute ? 'communication' : byCompute > compute / 2 ? 'compute' : 'memory',
    tokens: step.batch * (step.phase === 'decode' ? 1 + step.speculative_tokens : step.input_tokens),
  };
}
