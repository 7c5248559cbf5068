import { ToolError } from '../contract/index.js';
import { collectives, type LinkOptions } from './collectives.js';
import { mergeCosts, type ComputeCost, type LinkCost, type OpName } from './costs.js';
import { attendedPairs, expertsTouched } from './counting.js';
import { defaultCacheOptions, gdnStateBytes, slotOf, type CacheOptions } from './memory.js';
import { checkParallel, type Parallel } from './parallel.js';
import { dtypeBytes, layerKinds, type Dtype, type LayerSpec, type MlaAttention, type ModelSpec } from './spec.js';
import { embedTensor, headTensors, layerTensors, mtpTensors, type Component, type WeightTensor } from './tensors.js';
import { defaultWeightOptions, shareOf, tensorBytes, type WeightOptions } from './weights.js';

/** One step of the engine, the same for every sequence in it. */
export interface Step {
  readonly phase: 'prefill' | 'decode';
  /** Sequences of the whole replica; each of the dp ranks serves its part, the fullest rank is priced. */
  readonly batch: number;
  /** Prefill: new prompt tokens per sequence. Decode: ignored. */
  readonly input_tokens: number;
  /** Prefill: tokens already in the cache. Decode: tokens the first query sees, itself included. */
  readonly context_tokens: number;
  /** Draft tokens verified with each token; a decode step then has 1 + k queries per sequence. */
  readonly speculative_tokens: number;
}

export interface StepOptions {
  readonly weights: WeightOptions;
  readonly cache: CacheOptions;
  readonly links: LinkOptions;
  /** What proposes the drafts: the model's MTP layer, run k times; another model, run k times; or nothing that costs time (suffix, n-gram). */
  readonly draft: 'mtp' | 'none' | ModelSpec;
  /** MTP layers one draft pass runs through; one, as the public models are trained. */
  readonly draft_layers: number;
}

export const defaultStepOptions: StepOptions = { weights: defaultWeightOptions, cache: defaultCacheOptions, links: { moe: 'auto', dispatch_bytes: null, deduplicate: true, gather_logits: true, sum_embedding: true }, draft: 'mtp', draft_layers: 1 };

export interface StepCost {
  readonly compute: readonly ComputeCost[];
  readonly links: readonly LinkCost[];
  /** Tokens the step processes on one rank. */
  readonly tokens_per_rank: number;
  /** Sequences on one rank. */
  readonly sequences_per_rank: number;
}

/** Sizes of the step on one rank. */
interface Sizes {
  readonly sequences: number;
  /** New tokens per sequence. */
  readonly q: number;
  readonly prefix: number;
  readonly tokens: number;
  /** Tokens of all dp ranks. */
  readonly replicaTokens: number;
  readonly decode: boolean;
}

/** @throws ToolError E_ARG_TYPE */
export function checkStep(step: Step): void {
  const whole = (name: string, value: number, least: number): void => {
    if (!Number.isSafeInteger(value) || value < least || value > 1e9) throw new ToolError('E_ARG_TYPE', `${name} is not a whole number from ${String(least)}`, `give ${name} as a whole number`);
  };
  whole('batch', step.batch, 1);
  whole('context_tokens', step.context_tokens, step.phase === 'decode' ? 1 : 0);
  whole('num_speculative_tokens', step.speculative_tokens, 0);
  if (step.phase === 'prefill') whole('input_tokens', step.input_tokens, 1);
}

function sizesOf(step: Step, parallel: Parallel): Sizes {
  const sequences = Math.ceil(step.batch / parallel.dp);
  const decode = step.phase === 'decode';
  const q = decode ? 1 + step.speculative_tokens : step.input_tokens;
  return { sequences, q, prefix: decode ? step.context_tokens - 1 : step.context_tokens, tokens: sequences * q, replicaTokens: step.batch * q, decode };
}

interface Frame {
  readonly spec: ModelSpec;
  readonly parallel: Parallel;
  readonly options: StepOptions;
  readonly sizes: Sizes;
}

const empty = { flops: 0, vector_flops: 0, weight_bytes: 0, cache_bytes: 0, activation_bytes: 0 } as const;

function opOf(component: Component): OpName {
  return component === 'mtp_proj' ? 'mlp' : component;
}

/** The matrix multiplications of some weights on `tokens` rows: 2 · rows · elements, weights read once, rows in and out. */
function gemms(frame: Frame, tensors: readonly WeightTensor[], calls: number, tokens: number, touched = 1): ComputeCost[] {
  const { spec, parallel, options } = frame;
  return tensors.map((tensor): ComputeCost => {
    const share = shareOf(tensor, parallel, options.weights);
    const bytes = tensorBytes(spec, tensor, parallel, options.weights, `model.layers.0.${tensor.module}`);
    const dtype: Dtype = bytes.quantized ? (spec.quantization?.compute_dtype ?? spec.dtype) : spec.dtype;
    const rows = tensor.vector ? 0 : tokens;
    return {
      ...empty,
      op: opOf(tensor.component),
      // Vectors ride along, and fused matrices run with the one before.
      calls: tensor.vector || tensor.fused === true ? 0 : calls,
      dtype,
      flops: calls * 2 * rows * share.out * share.into,
      weight_bytes: calls * (bytes.weight_bytes + bytes.scale_bytes) * touched,
      activation_bytes: calls * rows * (share.out + (tensor.fused === true ? 0 : share.into)) * dtypeBytes[spec.dtype],
    };
  });
}

/** Queries per head times keys, and what the cache moves. */
function attentionCost(frame: Frame, layer: LayerSpec, calls: number): ComputeCost[] {
  const { spec, parallel, options, sizes } = frame;
  const { sequences: n, q, prefix, decode, tokens } = sizes;
  const a = layer.attention;
  const { tp } = parallel;
  const b = dtypeBytes[spec.dtype];
  const base = { ...empty, calls, dtype: spec.dtype };
  const slot = slotOf(a, spec.dtype, tp, options.cache);
  const cached = prefix + q;
  switch (a.kind) {
    case 'gqa': {
      const heads = a.q_heads / tp;
      const window = a.window_tokens ?? Infinity;
      const seen = Math.min(cached, window === Infinity ? cached : window - 1 + q);
      return [{
        ...base, op: 'attention',
        flops: calls * 4 * heads * a.head_dim * n * attendedPairs(q, prefix, window),
        cache_bytes: calls * n * seen * (slot.slot_bytes + slot.scale_bytes),
        activation_bytes: calls * tokens * 2 * heads * a.head_dim * b,
      }];
    }
    case 'mla':
      return mlaCost(frame, a, calls, slot);
    case 'gdn': {
      const state = gdnStateBytes(a, spec.dtype, tp, 0);
      const values = a.value_heads / tp;
      const channels = (2 * a.key_heads * a.key_dim) / tp + values * a.value_dim;
      // About 7 operations per state element and token; a decode step runs them on the vector unit, prefill in chunks on the cube.
      const recurrence = calls * 7 * values * a.key_dim * a.value_dim * tokens;
      const moves = decode || prefix > 0 ? 2 : 1;
      return [{
        ...base, op: 'linear_attention',
        flops: decode ? 0 : recurrence,
        vector_flops: (decode ? recurrence : 0) + calls * 2 * a.conv_kernel * channels * tokens,
        cache_bytes: calls * n * moves * (state.conv_bytes + state.ssm_bytes),
        activation_bytes: calls * tokens * 2 * channels * b,
      }];
    }
  }
}

/**
 * Latent attention. Prefill expands keys and values (the kv_b projection is counted with qkv_proj); decode stays in the latent space
 * with W_UK and W_UV absorbed, which costs 2·kv_rank + rope per pair instead of nope + rope + v.
 */
function mlaCost(frame: Frame, a: MlaAttention, calls: number, slot: { readonly slot_bytes: number; readonly index_bytes: number; readonly scale_bytes: number }): ComputeCost[] {
  const { spec, parallel, sizes } = frame;
  const { sequences: n, q, prefix, decode, tokens } = sizes;
  const heads = a.heads / parallel.tp;
  const b = dtypeBytes[spec.dtype];
  const cached = prefix + q;
  const topk = a.sparse?.topk ?? Infinity;
  const perPair = decode ? 2 * a.kv_rank + a.rope_dim : a.nope_dim + a.rope_dim + a.v_dim;
  const read = decode ? Math.min(cached, topk === Infinity ? cached : topk - 1 + q) : cached;
  const main: ComputeCost = {
    ...empty, calls, dtype: spec.dtype, op: 'attention',
    flops: calls * 2 * heads * perPair * n * attendedPairs(q, prefix, topk),
    cache_bytes: calls * n * read * (slot.slot_bytes + slot.scale_bytes),
    activation_bytes: calls * tokens * heads * (decode ? 2 * a.kv_rank + a.rope_dim : a.nope_dim + a.rope_dim + a.v_dim) * b,
  };
  if (a.sparse?.own !== true) return [main];
  return [main, {
    ...empty, calls, dtype: spec.dtype, op: 'indexer',
    flops: calls * 2 * a.sparse.heads * a.sparse.head_dim * n * attendedPairs(q, prefix),
    cache_bytes: calls * n * cached * slot.index_bytes,
    activation_bytes: calls * tokens * a.sparse.heads * a.sparse.head_dim * b,
  }];
}

/** Experts: k per token, spread evenly over all expert ranks; weights of the experts some token of the replica goes to. */
function expertCost(frame: Frame, layer: LayerSpec, tensors: readonly WeightTensor[], calls: number): ComputeCost[] {
  const { mlp } = layer;
  if (mlp.kind !== 'moe') return [];
  const { sizes, parallel } = frame;
  const touched = expertsTouched(mlp.experts, mlp.per_token, sizes.replicaTokens) / mlp.experts;
  return gemms(frame, tensors, calls, (sizes.replicaTokens * mlp.per_token) / parallel.ep, touched);
}

function layerCosts(frame: Frame, layer: LayerSpec, calls: number): ComputeCost[] {
  const { sizes, spec, parallel, options } = frame;
  const tensors = layerTensors(layer, spec.hidden);
  const of = (...names: readonly Component[]): WeightTensor[] => tensors.filter((t) => names.includes(t.component));
  // A dense prefill after cached tokens expands their latents again.
  const latentRows = !sizes.decode && layer.attention.kind === 'mla' ? sizes.sequences * (sizes.prefix + sizes.q) : sizes.tokens;
  const latent = of('qkv_proj').filter((t) => t.module === 'self_attn.kv_b_proj');
  const sharedWhole = parallel.ep > 1 && options.weights.shared_experts === 'replicated';
  // Two norms, each with the residual added: read two, write two.
  const norm: ComputeCost = { ...empty, op: 'norm', calls: 2 * calls, dtype: spec.dtype, activation_bytes: calls * 2 * 4 * sizes.tokens * spec.hidden * dtypeBytes[spec.dtype] };
  return [
    ...gemms(frame, of('qkv_proj').filter((t) => !latent.includes(t)), calls, sizes.tokens),
    ...gemms(frame, latent, calls, latentRows),
    ...gemms(frame, of('attention', 'linear_attention', 'indexer', 'o_proj', 'mlp', 'router', 'norm'), calls, sizes.tokens),
    // A whole shared expert works on the rank's slice of the tokens; a divided one on all of them.
    ...gemms(frame, of('shared_expert'), calls, sharedWhole ? Math.ceil(sizes.tokens / parallel.tp) : sizes.tokens),
    ...expertCost(frame, layer, of('experts'), calls),
    ...attentionCost(frame, layer, calls),
    norm,
  ];
}

function edgeCosts(frame: Frame): ComputeCost[] {
  const { spec, sizes, options, parallel } = frame;
  const b = dtypeBytes[spec.dtype];
  const ranks = options.weights.embedding === 'replicated' ? 1 : parallel.tp;
  const rows = sizes.decode ? sizes.tokens : sizes.sequences;
  const embed: ComputeCost = { ...empty, op: 'embed', calls: 1, dtype: spec.dtype, weight_bytes: (sizes.tokens * spec.hidden * b) / ranks, activation_bytes: sizes.tokens * spec.hidden * b };
  const head = spec.tied_embeddings ? [{ ...embedTensor(spec), component: 'lm_head' } as const] : headTensors(spec).filter((t) => t.component === 'lm_head');
  const norm = headTensors(spec).filter((t) => t.component === 'norm');
  return [embed, ...gemms(frame, norm, 1, sizes.tokens), ...gemms(frame, head, 1, rows)];
}

const kindsOf = new WeakMap<readonly LayerSpec[], ReturnType<typeof layerKinds>>();

/** Kinds of a list of layers, found once: a scan over batches prices the same model thousands of times. */
function kinds(layers: readonly LayerSpec[]): ReturnType<typeof layerKinds> {
  const known = kindsOf.get(layers);
  if (known !== undefined) return known;
  const found = layerKinds(layers);
  kindsOf.set(layers, found);
  return found;
}

function costsOf(frame: Frame): ComputeCost[] {
  return mergeCosts([...edgeCosts(frame), ...kinds(frame.spec.layers).flatMap(({ layer, count }) => layerCosts(frame, layer, count))]);
}

/** A whole embedding on each rank needs no sum over ranks. */
function linkOptions(options: StepOptions): LinkOptions {
  return options.weights.embedding === 'replicated' ? { ...options.links, sum_embedding: false } : options.links;
}

const mtpModels = new WeakMap<ModelSpec, Map<number, ModelSpec>>();

/** The MTP layers as a small model: one pass through the first `layers` of them predicts one token further. */
function mtpModel(spec: ModelSpec, layers: number): ModelSpec | null {
  if (spec.mtp.kind !== 'layers') return null;
  const made = mtpModels.get(spec) ?? new Map<number, ModelSpec>();
  mtpModels.set(spec, made);
  const model = made.get(layers) ?? { ...spec, layers: spec.mtp.layers.slice(0, layers), mtp: { kind: 'none' } };
  made.set(layers, model);
  return model;
}

/**
 * What proposing k drafts costs, as one operator: k passes over one token per sequence; in prefill one pass over the prompt, which fills the draft's cache.
 * @throws ToolError E_ARG_CONFLICT when the model has no MTP layer to draft with
 */
function draftCosts(frame: Frame, step: Step): { compute: ComputeCost[]; links: LinkCost[] } {
  const { spec, parallel, options } = frame;
  if (step.speculative_tokens === 0 || options.draft === 'none') return { compute: [], links: [] };
  const model = options.draft === 'mtp' ? mtpModel(spec, options.draft_layers) : options.draft;
  if (model === null) throw new ToolError('E_ARG_CONFLICT', 'drafts are asked for, but the model has no known MTP layer', 'name a draft model, or set num_speculative_tokens to 0');
  if (options.draft !== 'mtp') checkParallel(model, parallel);
  const one: Step = { ...step, speculative_tokens: 0 };
  const passes = step.phase === 'decode' ? step.speculative_tokens : 1;
  const sizes = sizesOf(one, parallel);
  const inner: Frame = { spec: model, parallel, options, sizes };
  const projection = options.draft === 'mtp' ? mtpTensors(spec).filter((t) => t.component === 'mtp_proj').slice(0, 1) : [];
  const compute = [...costsOf(inner), ...gemms(inner, projection, 1, sizes.tokens)].map((c): ComputeCost => ({
    op: 'draft', dtype: c.dtype, calls: c.calls * passes, flops: c.flops * passes, vector_flops: c.vector_flops * passes,
    weight_bytes: c.weight_bytes * passes, cache_bytes: c.cache_bytes * passes, activation_bytes: c.activation_bytes * passes,
  }));
  const links = collectives(model, { ...parallel, pp: 1 }, sizes, linkOptions(options)).map((l) => ({ ...l, calls: l.calls * passes, bytes_sent: l.bytes_sent * passes }));
  return { compute: mergeCosts(compute), links };
}

/**
 * Work and traffic of one step on one rank, operator by operator. With pp above 1 it is one walk through all stages.
 * Source: standard counting (2 FLOP per multiply-add, causal half, weights read once per step, cache read once per grouped head);
 * MLA, sparse index and delta-net forms from their papers and xLLM's kernels.
 * @throws ToolError E_ARG_TYPE, E_ARG_CONFLICT
 */
export function stepCost(spec: ModelSpec, parallel: Parallel, step: Step, given: Partial<StepOptions> = {}): StepCost {
  checkParallel(spec, parallel);
  checkStep(step);
  const options = { ...defaultStepOptions, ...given };
  const sizes = sizesOf(step, parallel);
  const frame: Frame = { spec, parallel, options, sizes };
  const draft = draftCosts(frame, step);
  return {
    compute: [...costsOf(frame), ...draft.compute],
    links: [...collectives(spec, parallel, sizes, linkOptions(options)), ...draft.links],
    tokens_per_rank: sizes.tokens,
    sequences_per_rank: sizes.sequences,
  };
}
