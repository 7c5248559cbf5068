import { checkParallel, expertTensorRanks, localKvHeads, stages, type Parallel } from './parallel.js';
import { isQuantized, scaleBytes } from './quantization.js';
import { dtypeBytes, type LayerSpec, type ModelSpec } from './spec.js';
import { components, embedTensor, headTensors, layerTensors, mtpTensors, type Component, type WeightTensor } from './tensors.js';

export interface WeightOptions {
  /** vLLM-Ascend pads the vocabulary to 64; xLLM only to a multiple of the ranks it is divided over (base_loader.cpp:329). */
  readonly engine: 'xllm' | 'vllm-ascend';
  /** Shared experts under expert parallelism: whole on each rank, or divided by tp. */
  readonly shared_experts: 'replicated' | 'tensor';
  /** Embedding on each rank whole, or divided by tp. */
  readonly embedding: 'replicated' | 'tensor';
  /** Router weights kept in 4 bytes, as several engines do. */
  readonly router_fp32: boolean;
  /** Further experts a rank holds for load balancing. */
  readonly redundant_experts_per_rank: number;
  /** The draft engine holds embedding and head a second time. */
  readonly mtp_duplicates_embeddings: boolean;
}

export const defaultWeightOptions: WeightOptions = { engine: 'xllm', shared_experts: 'replicated', embedding: 'tensor', router_fp32: false, redundant_experts_per_rank: 0, mtp_duplicates_embeddings: false };

/** One rank's part of a weight. */
export interface Share {
  readonly out: number;
  readonly into: number;
  readonly copies: number;
}

const part = (size: number, ranks: number): number => Math.ceil(size / ranks);

/** What one rank holds of a weight. */
export function shareOf(tensor: WeightTensor, parallel: Parallel, options: WeightOptions): Share {
  const { tp, ep } = parallel;
  const { out, into, copies } = tensor;
  const sharedRanks = ep > 1 && options.shared_experts === 'replicated' ? 1 : tp;
  switch (tensor.shard) {
    case 'replicated':
      return { out, into, copies };
    case 'column':
      return { out: part(out, tp), into, copies };
    case 'row':
      return { out, into: part(into, tp), copies };
    case 'kv':
      return { out: (out / (tensor.heads ?? 1)) * localKvHeads(tensor.heads ?? 1, tp), into, copies };
    case 'vocab': {
      const ranks = tensor.component === 'embed' && options.embedding === 'replicated' ? 1 : tp;
      const step = options.engine === 'xllm' ? ranks : 64;
      return { out: part(Math.ceil(out / step) * step, ranks), into, copies };
    }
    case 'expert-column':
      return { out: part(out, expertTensorRanks(parallel)), into, copies: copies / ep + options.redundant_experts_per_rank };
    case 'expert-row':
      return { out, into: tensor.vector ? into : part(into, expertTensorRanks(parallel)), copies: copies / ep + options.redundant_experts_per_rank };
    case 'shared-column':
      return { out: part(out, sharedRanks), into, copies };
    case 'shared-row':
      return { out, into: part(into, sharedRanks), copies };
  }
}

export interface TensorBytes {
  readonly elements: number;
  readonly weight_bytes: number;
  readonly scale_bytes: number;
  readonly quantized: boolean;
}

/** Bytes one rank holds of a weight, scales apart. @param module full dotted name, for the skip list of the checkpoint */
export function tensorBytes(spec: ModelSpec, tensor: WeightTensor, parallel: Parallel, options: WeightOptions, module: string): TensorBytes {
  const share = shareOf(tensor, parallel, options);
  const elements = share.out * share.into * share.copies;
  const q = spec.quantization;
  if (q !== null && isQuantized(q, module, tensor.vector)) {
    return { elements, weight_bytes: elements * dtypeBytes[q.weight_dtype], scale_bytes: share.copies * scaleBytes(q, share.out, share.into), quantized: true };
  }
  const bytes = tensor.component === 'router' && options.router_fp32 ? 4 : dtypeBytes[spec.dtype];
  return { elements, weight_bytes: elements * bytes, scale_bytes: 0, quantized: false };
}

export interface StageWeights {
  readonly layers: number;
  readonly bytes: number;
  readonly scale_bytes: number;
  readonly by_component: Readonly<Record<Component, number>>;
}

export interface RankWeights {
  /** Bytes of the heaviest pipeline stage, scales included; engines size the cache by the heaviest rank. */
  readonly weights_bytes: number;
  /** Part of it that is quantisation scales. */
  readonly scale_bytes: number;
  readonly heaviest_stage: number;
  readonly stages: readonly StageWeights[];
  /** MTP layers, on the rank that runs them; null when their layout is not known. */
  readonly draft_bytes: number | null;
  /** The tower, whole on each rank and in the model's dtype; null when its layout is not known. */
  readonly vision_bytes: number | null;
}

interface Named {
  readonly tensor: WeightTensor;
  readonly module: string;
}

const named = (layer: LayerSpec, hidden: number, index: number): Named[] => layerTensors(layer, hidden).map((tensor) => ({ tensor, module: `model.layers.${String(index)}.${tensor.module}` }));

function sumStage(spec: ModelSpec, tensors: readonly Named[], parallel: Parallel, options: WeightOptions, layers: number): StageWeights {
  const by = new Map<Component, number>();
  let scales = 0;
  for (const { tensor, module } of tensors) {
    const b = tensorBytes(spec, tensor, parallel, options, module);
    scales += b.scale_bytes;
    by.set(tensor.component, (by.get(tensor.component) ?? 0) + b.weight_bytes + b.scale_bytes);
  }
  const at = (c: Component): number => by.get(c) ?? 0;
  return {
    layers,
    bytes: components.reduce((sum, c) => sum + at(c), 0),
    scale_bytes: scales,
    by_component: {
      embed: at('embed'), qkv_proj: at('qkv_proj'), attention: at('attention'), o_proj: at('o_proj'), mlp: at('mlp'), router: at('router'), experts: at('experts'),
      shared_expert: at('shared_expert'), linear_attention: at('linear_attention'), indexer: at('indexer'), norm: at('norm'), lm_head: at('lm_head'), mtp_proj: at('mtp_proj'),
    },
  };
}

/**
 * Weight bytes of a rank.
 * Source: sharding of xLLM and vLLM-Ascend loaders; bytes per element and scales of quantization.ts.
 * @throws ToolError E_ARG_TYPE, E_ARG_CONFLICT for a plan that does not divide the model
 */
export function weightsPerRank(spec: ModelSpec, parallel: Parallel, given: Partial<WeightOptions> = {}): RankWeights {
  checkParallel(spec, parallel);
  const options = { ...defaultWeightOptions, ...given };
  let index = 0;
  const split = stages(spec, parallel);
  const all = split.map((layers, stage) => {
    const tensors: Named[] = [];
    const add = (tensor: WeightTensor, module: string): number => tensors.push({ tensor, module });
    const last = stage === split.length - 1;
    if (stage === 0) add(embedTensor(spec), 'model.embed_tokens');
    for (const layer of layers) {
      tensors.push(...named(layer, spec.hidden, index));
      index += 1;
    }
    if (last) for (const tensor of headTensors(spec)) add(tensor, tensor.component === 'lm_head' ? 'lm_head' : 'model.norm');
    // A tied head on another rank than the embedding needs its own copy.
    if (last && stage > 0 && spec.tied_embeddings) add(embedTensor(spec), 'model.embed_tokens');
    return sumStage(spec, tensors, parallel, options, layers.length);
  });
  let heaviest = 0;
  all.forEach((stage, i) => {
    if (stage.bytes > (all[heaviest]?.bytes ?? 0)) heaviest = i;
  });
  const draft = mtpTensors(spec).map((tensor): Named => ({ tensor, module: `model.layers.${String(spec.layers.length)}.${tensor.module}` }));
  if (options.mtp_duplicates_embeddings && spec.mtp.kind === 'layers' && !spec.mtp.dedicated_embeddings) {
    for (const tensor of [embedTensor(spec), ...headTensors({ ...spec, tied_embeddings: false }).filter((t) => t.component === 'lm_head')]) draft.push({ tensor, module: tensor.module });
  }
  return {
    weights_bytes: all[heaviest]?.bytes ?? 0,
    scale_bytes: all[heaviest]?.scale_bytes ?? 0,
    heaviest_stage: heaviest,
    stages: all,
    draft_bytes: spec.mtp.kind === 'unknown' ? null : sumStage(spec, draft, parallel, options, 0).bytes,
    vision_bytes: spec.vision === null ? 0 : spec.vision.params === null ? null : spec.vision.params * dtypeBytes[spec.dtype],
  };
}
