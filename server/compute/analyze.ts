import { ToolError } from '../contract/index.js';
import type { Chip } from '../hardware/chip.js';
import { roofOf } from '../hardware/lookup.js';
import { tokensPerStep } from '../models/counting.js';
import type { OpName } from '../models/costs.js';
import { stepCost, type Step, type StepOptions } from '../models/flops.js';
import { findModel } from '../models/known.js';
import { cacheCost } from '../models/memory.js';
import type { Parallel } from '../models/parallel.js';
import { parseModelConfig } from '../models/parse.js';
import { stepTimeUs, type Bound, type Roof } from '../models/roofline.js';
import type { LayerSpec, ModelSpec } from '../models/spec.js';
import { weightsPerRank } from '../models/weights.js';
import type { Point } from './request.js';

/** Where the shape of the model comes from: a name of the catalogue, or the JSON of a config.json. */
export type ModelSource = { readonly kind: 'known'; readonly name: string } | { readonly kind: 'config'; readonly json: unknown };

/** Models of one source, parsed once per quantisation, dtype and draft: scans price the same model thousands of times. */
export class Models {
  readonly #source: ModelSource;
  readonly #made = new Map<string, ModelSpec>();

  constructor(source: ModelSource) {
    this.#source = source;
  }

  /**
   * The model of a point; `draft_layers` gives it that many draft layers of its own kind.
   * @throws ToolError E_MODEL_UNKNOWN, E_ARG_TYPE, E_ARG_CONFLICT for drafts without anything known to draft with
   */
  of(point: Point): ModelSpec {
    const key = JSON.stringify([point.quant, point.dtype, point.draft_layers]);
    const known = this.#made.get(key);
    const spec = known ?? withDraft(this.#parse(point), point.draft_layers);
    this.#made.set(key, spec);
    if (point.num_speculative_tokens > 0 && point.draft_layers !== 0 && spec.mtp.kind !== 'layers') {
      throw new ToolError('E_ARG_CONFLICT', 'drafts are asked for, but the model has no known MTP layer', 'give draft_layers (0: drafting costs nothing, as with n-grams), or set num_speculative_tokens to 0');
    }
    return spec;
  }

  #parse(point: Point): ModelSpec {
    const options = { ...(point.quant === null ? {} : { quant: point.quant }), ...(point.dtype === null ? {} : { dtype: point.dtype }) };
    return this.#source.kind === 'known' ? findModel(this.#source.name, options) : parseModelConfig(this.#source.json, options);
  }
}

function withDraft(spec: ModelSpec, layers: number | null): ModelSpec {
  if (layers === null || layers === 0) return spec;
  const own = spec.mtp.kind === 'layers' ? spec.mtp.layers[0] : undefined;
  const last: LayerSpec | undefined = own ?? spec.layers.findLast((l) => l.attention.kind !== 'gdn') ?? spec.layers.at(-1);
  if (last === undefined) return spec;
  return { ...spec, mtp: { kind: 'layers', layers: Array.from({ length: layers }, () => last), projections: 1, dedicated_embeddings: false } };
}

export function parallelOf(point: Point): Parallel {
  return { tp: point.tp, dp: point.dp, ep: point.ep, pp: point.pp };
}

export function stepOf(point: Point): Step {
  return { phase: point.phase, batch: point.batch, input_tokens: point.input_tokens ?? 0, context_tokens: point.context_tokens, speculative_tokens: point.num_speculative_tokens };
}

function optionsOf(point: Point): Partial<StepOptions> {
  return { draft: point.draft_layers === 0 ? 'none' : 'mtp', draft_layers: point.draft_layers ?? 1 };
}

export interface OpEstimate {
  readonly op: OpName;
  readonly calls: number;
  readonly flops: number;
  readonly bytes: number;
  readonly time_us: number | null;
  readonly bound: Bound | null;
}

/** One step: work, traffic and, with a device, the bound of its time. Units in the names; per rank, tokens per replica. */
export interface Estimate {
  readonly flops: number;
  readonly cube_flops: number;
  readonly vector_flops: number;
  readonly weight_bytes: number;
  readonly cache_bytes: number;
  readonly bytes: number;
  readonly bytes_sent: number;
  readonly compute_us: number | null;
  readonly communication_us: number | null;
  readonly time_lower_bound_us: number | null;
  readonly time_no_overlap_us: number | null;
  /** Tokens the replica gains per step: accepted ones in decode, prompt tokens in prefill. */
  readonly tokens_per_step: number;
  readonly tokens_per_s_upper_bound: number | null;
  readonly bound: Bound | null;
  readonly ops: readonly OpEstimate[];
}

/**
 * Tokens gained per step. Decode: sequences × (1 − a^(k+1))/(1 − a), constant acceptance a per draft; without a rate all drafts count as accepted, which only an upper bound may do.
 */
export function tokensOf(point: Point): number {
  if (point.phase === 'prefill') return point.batch * (point.input_tokens ?? 0);
  return point.batch * tokensPerStep(point.acceptance_rate ?? 1, point.num_speculative_tokens);
}

/**
 * Prices one step. `flops` is cube and vector work together and the sum over the operators; `bytes` is memory traffic, the sum over all but the collectives.
 * With pp above 1 the step walks through all stages and pp steps are in flight, so no more than pp steps end in the time of one.
 * @param roof null: no device is known, so no time either
 * @throws ToolError E_ARG_TYPE, E_ARG_CONFLICT
 */
export function estimate(spec: ModelSpec, roof: Roof | null, point: Point): Estimate {
  const tokens = tokensOf(point);
  if (roof === null) {
    const cost = stepCost(spec, parallelOf(point), stepOf(point), optionsOf(point));
    const compute = cost.compute.map((c): OpEstimate => ({ op: c.op, calls: c.calls, flops: c.flops + c.vector_flops, bytes: c.weight_bytes + c.cache_bytes, time_us: null, bound: null }));
    const links = cost.links.map((l): OpEstimate => ({ op: l.op, calls: l.calls, flops: 0, bytes: l.bytes_sent, time_us: null, bound: 'communication' }));
    const sum = (pick: (c: (typeof cost.compute)[number]) => number): number => cost.compute.reduce((s, c) => s + pick(c), 0);
    return {
      flops: sum((c) => c.flops + c.vector_flops), cube_flops: sum((c) => c.flops), vector_flops: sum((c) => c.vector_flops), weight_bytes: sum((c) => c.weight_bytes), cache_bytes: sum((c) => c.cache_bytes),
      bytes: sum((c) => c.weight_bytes + c.cache_bytes), bytes_sent: cost.links.reduce((s, l) => s + l.bytes_sent, 0),
      compute_us: null, communication_us: null, time_lower_bound_us: null, time_no_overlap_us: null, tokens_per_step: tokens, tokens_per_s_upper_bound: null, bound: null, ops: merged([...compute, ...links]),
    };
  }
  const t = stepTimeUs(spec, roof, parallelOf(point), stepOf(point), { options: optionsOf(point) });
  return {
    flops: t.flops + t.vector_flops, cube_flops: t.flops, vector_flops: t.vector_flops, weight_bytes: t.weight_bytes, cache_bytes: t.cache_bytes, bytes: t.bytes, bytes_sent: t.bytes_sent,
    compute_us: t.compute_us, communication_us: t.communication_us, time_lower_bound_us: t.time_lower_bound_us, time_no_overlap_us: t.time_no_overlap_us,
    tokens_per_step: tokens, tokens_per_s_upper_bound: ((tokens * point.pp) / t.time_lower_bound_us) * 1e6,
    // Traffic over links nobody knows may be what bounds the step.
    bound: t.communication_us === null ? null : t.bound,
    ops: t.ops,
  };
}

function merged(ops: readonly OpEstimate[]): OpEstimate[] {
  const by = new Map<OpName, OpEstimate>();
  for (const o of ops) {
    const k = by.get(o.op);
    by.set(o.op, k === undefined ? o : { ...o, calls: k.calls + o.calls, flops: k.flops + o.flops, bytes: k.bytes + o.bytes });
  }
  return [...by.values()];
}

export interface Memory {
  readonly weights_bytes: number;
  /** KV cache and states of the sequences of the step, on the fullest rank. */
  readonly cache_bytes: number;
  /** What CANN shows of the device's memory, nominal where no reading is known; null without a device. */
  readonly device_bytes: number | null;
  /** False: weights and cache alone are more than the device has. True proves nothing, the reserves are not counted. Null without a device. */
  readonly fits: boolean | null;
}

/** Whether the step could be held at all; capacity planning proper is another room's work. */
export function memoryOf(spec: ModelSpec, chip: Chip | null, point: Point): Memory {
  const parallel = parallelOf(point);
  const weights = weightsPerRank(spec, parallel);
  const cache = cacheCost(spec, parallel);
  const drafts = point.num_speculative_tokens > 0 && point.draft_layers !== 0 ? 1 : 0;
  const sequences = Math.ceil(point.batch / point.dp);
  const tokens = point.context_tokens + (point.phase === 'decode' ? point.num_speculative_tokens : (point.input_tokens ?? 0));
  const bytes = weights.weights_bytes + drafts * (weights.draft_bytes ?? 0);
  const kv = sequences * (tokens * (cache.kv_bytes_per_token + drafts * (cache.draft_kv_bytes_per_token ?? 0)) + cache.kv_window_bytes_per_seq + cache.linear_state_bytes_per_seq);
  const device = chip === null ? null : (chip.memory_visible_bytes ?? chip.memory_nominal_bytes).value;
  return { weights_bytes: bytes, cache_bytes: kv, device_bytes: device, fits: device === null ? null : bytes + kv <= device };
}

export const roofOrNull = (chip: Chip | null): Roof | null => (chip === null ? null : roofOf(chip));
