import { ToolError } from '../contract/index.js';
import { parseDtype, parseGdn, parseGqa, parseMla, parseSparse } from './attention.js';
import { families, type Family } from './families.js';
import { Fields, isObject, unknownModel, type JsonObject } from './fields.js';
import { parseQuantization, quantizationByName } from './quantization.js';
import type { Attention, DenseMlp, LayerSpec, MoeMlp, ModelDtype, ModelSpec, MtpSpec } from './spec.js';
import { parseVision } from './vision.js';

export interface ParseOptions {
  /** A scheme by name that goes before `quantization_config`; `none` for the model's own dtype. */
  readonly quant?: string;
  /** `bf16` or `fp16` in the place of the file's dtype. */
  readonly dtype?: ModelDtype;
}

/**
 * The shape of a model out of the JSON of its Hugging Face config.json.
 * Wrappers with `text_config` are unwrapped; a vision tower is counted apart.
 * @param json parsed JSON, @param options what the user knows better
 * @throws ToolError E_MODEL_UNKNOWN naming the field that is not understood: nothing is guessed. E_ARG_TYPE for an unknown `quant`
 */
export function parseModelConfig(json: unknown, options: ParseOptions = {}): ModelSpec {
  if (!isObject(json)) throw new ToolError('E_MODEL_UNKNOWN', 'the configuration is not a JSON object', 'give the config.json of a Hugging Face checkpoint');
  const nested = json['text_config'];
  const inner = isObject(nested) ? nested : json;
  const fields = new Fields(inner, inner === json ? '' : 'text_config');
  const assumptions: string[] = [];

  const modelType = fields.text('model_type');
  if (modelType === null) throw unknownModel(fields.path('model_type'), 'missing');
  const family = Object.hasOwn(families, modelType) ? families[modelType] : undefined;
  if (family === undefined) throw unknownModel(fields.path('model_type'), 'an architecture that is not known');

  const hidden = fields.int('hidden_size');
  const count = fields.int('num_hidden_layers');
  if (count > 1000) throw unknownModel(fields.path('num_hidden_layers'), 'more than a thousand layers');
  const vocab = fields.int('vocab_size');
  const dtype = options.dtype ?? dtypeOf(fields, json, assumptions);
  const attention = attentions(fields, family, { hidden, count, dtype });
  const mlps = mlpsOf(fields, family, count);
  const layers = attention.map((a, i): LayerSpec => ({ attention: a, mlp: mlps[i] ?? { kind: 'dense', intermediate: 0, bias: false } }));
  const mtp = mtpOf(fields, family, layers, assumptions);
  const maxPositions = fields.intOr('max_position_embeddings', null);
  const tied = inner === json ? fields.flag('tie_word_embeddings', false) : tiedOf(fields, json);
  fields.skip('max_window_layers', 'hidden_act', 'n_positions');
  fields.finish();

  const vision = inner === json ? parseVision(json['vision_config']) : parseVision(json['vision_config'] ?? null);
  if (vision !== null && vision.params === null) assumptions.push('the vision tower has a layout that is not known: its parameters are not counted');
  const quantization = options.quant === undefined ? parseQuantization(inner['quantization_config'] ?? json['quantization_config']) : quantizationByName(options.quant);
  if (quantization !== null && quantization.skip === null) assumptions.push('which matrices are quantised follows the general rule; the checkpoint lists none');

  return { model_type: modelType, hidden, vocab, layers, tied_embeddings: tied, dtype, max_positions: maxPositions, mtp, vision, quantization, assumptions };
}

function tiedOf(fields: Fields, outer: JsonObject): boolean {
  const inner = fields.flag('tie_word_embeddings', false);
  const value = outer['tie_word_embeddings'];
  return typeof value === 'boolean' ? value : inner;
}

function dtypeOf(fields: Fields, outer: JsonObject, assumptions: string[]): ModelDtype {
  for (const [value, at] of [[fields.text('dtype'), 'dtype'], [fields.text('torch_dtype'), 'torch_dtype'], [outer['torch_dtype'], 'torch_dtype'], [outer['dtype'], 'dtype']] as const) {
    if (typeof value === 'string' && value !== 'auto') return parseDtype(value, at);
  }
  assumptions.push('the configuration names no dtype: bf16 is taken');
  return 'bf16';
}

function attentions(fields: Fields, family: Family, shape: { hidden: number; count: number; dtype: ModelDtype }): Attention[] {
  const { count } = shape;
  if (family.attention.kind === 'mla') {
    const base = parseMla(fields);
    return parseSparse(fields, count).map((sparse) => ({ ...base, sparse }));
  }
  const full = parseGqa(fields, shape.hidden, family.attention.traits);
  const types = layerTypes(fields, family, count);
  const gdn = types.includes('linear_attention') ? parseGdn(fields, shape.dtype) : null;
  const window = fields.intOr('sliding_window', null);
  const used = fields.flag('use_sliding_window', true);
  if (family.moe === 'minimax' && fields.numbers('attn_type_list').some((t) => t !== 1)) throw unknownModel(fields.path('attn_type_list'), 'lightning layers are not understood');
  return types.map((type): Attention => {
    if (type === 'linear_attention' && gdn !== null) return gdn;
    if (type === 'full_attention') return full;
    if (window === null || window === 0 || !used) throw unknownModel(fields.path('sliding_window'), 'missing while layer_types names sliding layers');
    return { ...full, window_tokens: window };
  });
}

type LayerType = 'full_attention' | 'linear_attention' | 'sliding_attention';
const isLayerType = (t: string): t is LayerType => t === 'full_attention' || t === 'linear_attention' || t === 'sliding_attention';

/** `layer_types` where given; else the interval of full layers of a hybrid, or the window rule of the family (transformers configuration classes). */
function layerTypes(fields: Fields, family: Family, count: number): LayerType[] {
  const listed = fields.words('layer_types');
  const interval = fields.intOr('full_attention_interval', 4);
  if (listed !== null) {
    if (listed.length !== count) throw unknownModel(fields.path('layer_types'), 'not one entry per layer');
    return listed.map((t) => {
      if (!isLayerType(t) || (t === 'linear_attention' && !family.hybrid)) throw unknownModel(fields.path('layer_types'), 'holds a kind of layer that is not understood');
      return t;
    });
  }
  const layers = Array.from({ length: count }, (_, i) => i);
  if (family.hybrid) return layers.map((i) => (interval > 0 && (i + 1) % interval !== 0 ? 'linear_attention' : 'full_attention'));
  const window = fields.intOr('sliding_window', null);
  const slides = window !== null && window > 0 && fields.flag('use_sliding_window', true);
  if (!slides) return layers.map(() => 'full_attention');
  if (family.moe === 'gpt-oss') return layers.map((i) => (i % 2 === 0 ? 'sliding_attention' : 'full_attention'));
  const first = fields.intOr('max_window_layers', 0);
  return layers.map((i) => (i >= first ? 'sliding_attention' : 'full_attention'));
}

function mlpsOf(fields: Fields, family: Family, count: number): (DenseMlp | MoeMlp)[] {
  const layers = Array.from({ length: count }, (_, i) => i);
  const dense = (): DenseMlp => ({ kind: 'dense', intermediate: fields.int('intermediate_size'), bias: fields.flag('mlp_bias', false) });
  if (family.moe === null) {
    fields.skip('mlp_only_layers');
    const mlp = dense();
    return layers.map(() => mlp);
  }
  const moe = moeOf(fields, family);
  const sparse = sparseLayers(fields, family, count);
  const mlp = sparse.every((s) => s) ? null : dense();
  fields.skip('intermediate_size', 'mlp_bias');
  return layers.map((i) => (mlp === null || sparse[i] === true ? moe : mlp));
}

function sparseLayers(fields: Fields, family: Family, count: number): boolean[] {
  const layers = Array.from({ length: count }, (_, i) => i);
  switch (family.moe) {
    case 'qwen': {
      const only = new Set(fields.numbers('mlp_only_layers'));
      const step = fields.intOr('decoder_sparse_step', 1);
      return layers.map((i) => !only.has(i) && step > 0 && (i + 1) % step === 0);
    }
    case 'deepseek': {
      const first = fields.intOr('first_k_dense_replace', 0);
      const freq = fields.intOr('moe_layer_freq', 1);
      const listed = fields.words('mlp_layer_types');
      if (listed === null) return layers.map((i) => i >= first && (freq <= 1 || i % freq === 0));
      if (listed.length !== count || !listed.every((t) => t === 'dense' || t === 'sparse')) throw unknownModel(fields.path('mlp_layer_types'), 'not one of dense and sparse per layer');
      return listed.map((t) => t === 'sparse');
    }
    default:
      return layers.map(() => true);
  }
}

function moeOf(fields: Fields, family: Family): MoeMlp {
  const common = { kind: 'moe', shared_intermediate: 0, shared_gate: false, correction_bias: false, biases: false, per_token: fields.int('num_experts_per_tok', 'experts_per_token') } as const;
  fields.skip('experts_per_token');
  switch (family.moe) {
    case 'qwen': {
      const shared = fields.intOr('shared_expert_intermediate_size', 0);
      return { ...common, experts: fields.int('num_experts', 'n_routed_experts'), intermediate: fields.int('moe_intermediate_size'), shared_intermediate: shared, shared_gate: family.sharedGate && shared > 0 };
    }
    case 'deepseek': {
      const intermediate = fields.int('moe_intermediate_size');
      const shared = fields.intOr('n_shared_experts', null) ?? fields.intOr('num_shared_experts', 0);
      const bias = family.correctionBias === 'always' || fields.text('topk_method') === 'noaux_tc';
      return { ...common, experts: fields.int('n_routed_experts', 'num_routed_experts', 'num_experts'), intermediate, shared_intermediate: shared * intermediate, correction_bias: bias };
    }
    case 'minimax':
      fields.skip('mlp_intermediate_size', 'qk_norm_type');
      if (fields.intOr('shared_intermediate_size', 0) > 0) throw unknownModel(fields.path('shared_intermediate_size'), 'shared experts of MiniMax are not understood');
      return { ...common, experts: fields.int('num_local_experts'), intermediate: fields.int('intermediate_size'), correction_bias: fields.flag('use_routing_bias', true) };
    case 'gpt-oss':
      return { ...common, experts: fields.int('num_local_experts'), intermediate: fields.int('intermediate_size'), biases: true };
    default:
      return { ...common, experts: fields.int('num_local_experts'), intermediate: fields.int('intermediate_size') };
  }
}

function mtpOf(fields: Fields, family: Family, layers: readonly LayerSpec[], assumptions: string[]): MtpSpec {
  const last = layers.at(-1);
  if (last === undefined) return { kind: 'none' };
  if (family.mtp === 'minimax') {
    const announced = fields.flag('use_mtp', false) ? fields.intOr('num_mtp_modules', 0) * fields.intOr('mtp_transformer_layers', 1) : 0;
    fields.skip('num_mtp_modules', 'mtp_transformer_layers');
    if (announced === 0) return { kind: 'none' };
    assumptions.push('the configuration announces MTP layers whose layout is not public: they are not counted');
    return { kind: 'unknown', announced };
  }
  if (family.mtp === 'none') {
    const silent = fields.intOr('num_nextn_predict_layers', 0);
    if (silent > 0) throw unknownModel(fields.path('num_nextn_predict_layers'), 'MTP layers of this architecture are not understood');
    return { kind: 'none' };
  }
  const name = family.mtp === 'qwen' ? 'mtp_num_hidden_layers' : 'num_nextn_predict_layers';
  const declared = fields.intOr(name, null);
  const count = declared ?? family.mtpDefault;
  const dedicated = fields.flag('mtp_use_dedicated_embeddings', false);
  if (count === 0) return { kind: 'none' };
  if (declared === null) assumptions.push('one MTP layer is taken, as the public checkpoints have it; the configuration is silent');
  // A layer of the same kind as the last one; it has an indexer of its own where the model shares indices.
  const own: Attention = last.attention.kind === 'mla' && last.attention.sparse !== null ? { ...last.attention, sparse: { ...last.attention.sparse, own: true } } : last.attention;
  const full = layers.find((l) => l.attention.kind !== 'gdn')?.attention ?? own;
  const layer: LayerSpec = { attention: own.kind === 'gdn' ? full : own, mlp: last.mlp };
  return { kind: 'layers', layers: Array.from({ length: count }, () => layer), projections: family.mtp === 'qwen' ? 1 : count, dedicated_embeddings: dedicated };
}
