import { foreign, ToolError } from '../contract/index.js';
import { Fields, isObject, unknownModel, type JsonObject } from './fields.js';
import { dtypeBytes, type Dtype, type Quantization } from './spec.js';

/**
 * Schemes by name, as users and engines call them.
 * Bytes per element as in the checkpoint formats: W8A8 one byte and a 4-byte scale per output channel; FP8 block 128×128 with a 4-byte scale;
 * W4 with group 128 and a 2-byte scale, 4 bytes with zero point; MX formats one byte per 32 elements.
 */
const schemes: Readonly<Record<string, Quantization>> = {
  w8a8: { name: 'w8a8', weight_dtype: 'int8', compute_dtype: 'int8', scale: { kind: 'channel', bytes: 4 }, skip: null },
  w8a16: { name: 'w8a16', weight_dtype: 'int8', compute_dtype: null, scale: { kind: 'channel', bytes: 4 }, skip: null },
  w4a8: { name: 'w4a8', weight_dtype: 'int4', compute_dtype: 'int8', scale: { kind: 'group', size: 128, bytes: 4 }, skip: null },
  w4a16: { name: 'w4a16', weight_dtype: 'int4', compute_dtype: null, scale: { kind: 'group', size: 128, bytes: 4 }, skip: null },
  fp8: { name: 'fp8', weight_dtype: 'fp8', compute_dtype: 'fp8', scale: { kind: 'block', rows: 128, columns: 128, bytes: 4 }, skip: null },
  mxfp8: { name: 'mxfp8', weight_dtype: 'fp8', compute_dtype: 'fp8', scale: { kind: 'group', size: 32, bytes: 1 }, skip: null },
  mxfp4: { name: 'mxfp4', weight_dtype: 'fp4', compute_dtype: 'fp4', scale: { kind: 'group', size: 32, bytes: 1 }, skip: null },
};

/**
 * @param name e.g. `w8a8`, `W8A8-dynamic`; `none`, `bf16`, `fp16` mean no quantisation
 * @throws ToolError E_ARG_TYPE for a name not known
 */
export function quantizationByName(name: string): Quantization | null {
  const plain = name.toLowerCase().replace(/[-_ ]?(?:dynamic|static|per[-_]?channel)$/, '').replace(/[^a-z0-9]/g, '');
  if (plain === 'none' || plain === 'bf16' || plain === 'fp16' || plain === 'bfloat16' || plain === 'float16') return null;
  const scheme = Object.hasOwn(schemes, plain) ? schemes[plain] : undefined;
  if (scheme === undefined) throw new ToolError('E_ARG_TYPE', `quantisation ${foreign(name, 40)} is not known`, `give one of none, ${Object.keys(schemes).join(', ')}`);
  return scheme;
}

/** Only plain text, `.*`, digits and alternatives of plain words: foreign patterns must not make the engine backtrack. */
const simplePattern = /^(?:\.\*|\\\.|\\d\+|\[0-9\]\+|\.|\^|\$|[A-Za-z0-9_-]|\((?:\?:)?[A-Za-z0-9_|]+\))*$/;

function checkedPatterns(value: unknown, field: string): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > 20_000 || !value.every((v): v is string => typeof v === 'string' && v.length <= 300)) throw unknownModel(field, 'not a list of module names');
  for (const pattern of value) {
    if (!pattern.startsWith('re:')) continue;
    const body = pattern.slice(3);
    if (!simplePattern.test(body) || body.split('.*').length > 6) throw unknownModel(field, 'holds a pattern that is not understood');
  }
  return value;
}

/** Whether a module is named by a skip pattern: `re:` from the start of the name, otherwise whole dotted parts, `*` for one part. */
function named(pattern: string, module: string): boolean {
  if (pattern.startsWith('re:')) return new RegExp(`^(?:${pattern.slice(3)})`).test(module);
  const want = pattern.split('.');
  const have = module.split('.');
  for (let start = 0; start + want.length <= have.length; start += 1) {
    if (want.every((part, i) => part === '*' || part === have[start + i])) return true;
  }
  return false;
}

/** Kept in the model's dtype when the checkpoint does not list its own: embed, head, norms, router, MLA's kv_b (absorbed), indexer weights, MTP projection, the small parts of a delta net. */
const generalSkip = ['embed_tokens', 'lm_head', 'mlp.gate', 'mlp.router', 'mlp.shared_expert_gate', 'kv_b_proj', 'weights_proj', 'eh_proj', 'in_proj_ba', 'conv1d'];

/** @param module dotted name as in the checkpoint, @param vector biases, norms and other one-dimensional weights are never quantised */
export function isQuantized(quantization: Quantization | null, module: string, vector: boolean): boolean {
  if (quantization === null || vector) return false;
  const skip = quantization.skip === null ? generalSkip : [...quantization.skip, 'embed_tokens', 'mlp.gate', 'mlp.router'];
  return !skip.some((pattern) => named(pattern, module));
}

/** Bytes of the scales of one stored matrix. */
export function scaleBytes(quantization: Quantization, out: number, into: number): number {
  const { scale } = quantization;
  switch (scale.kind) {
    case 'none':
      return 0;
    case 'channel':
      return out * scale.bytes;
    case 'group':
      return out * Math.ceil(into / scale.size) * scale.bytes;
    case 'block':
      return Math.ceil(out / scale.rows) * Math.ceil(into / scale.columns) * scale.bytes;
  }
}

/** Bytes one element takes with its share of the scales, for a large square matrix: how schemes are usually quoted. */
export function bytesPerElement(quantization: Quantization): number {
  const side = 16_384;
  return dtypeBytes[quantization.weight_dtype] + scaleBytes(quantization, side, side) / (side * side);
}

function compressedTensors(fields: Fields, config: JsonObject): Quantization {
  const groups = isObject(config['config_groups']) ? Object.values(config['config_groups']) : [];
  const [group, more] = groups;
  if (!isObject(group) || more !== undefined) throw unknownModel(fields.path('config_groups'), 'not exactly one group');
  const weights = group['weights'];
  if (!isObject(weights)) throw unknownModel(fields.path('config_groups'), 'without weights');
  const w = new Fields(weights, fields.path('config_groups.*.weights'));
  const bits = w.int('num_bits');
  const type = w.text('type') ?? 'int';
  const table: Readonly<Record<string, Dtype>> = { int4: 'int4', int8: 'int8', float8: 'fp8', float4: 'fp4' };
  const dtype = table[`${type}${String(bits)}`];
  if (dtype === undefined) throw unknownModel(w.path('num_bits'), 'a width that is not understood');
  const strategy = w.text('strategy') ?? 'tensor';
  const zero = w.flag('symmetric', true) ? 0 : 2;
  const activations = group['input_activations'];
  const compute = activations === null || activations === undefined ? null : dtype === 'int4' ? 'int8' : dtype;
  const scale: Quantization['scale'] | null =
    strategy === 'group' ? { kind: 'group', size: w.int('group_size'), bytes: 2 + zero }
    : strategy === 'channel' ? { kind: 'channel', bytes: 2 + zero }
    : strategy === 'tensor' ? { kind: 'none' }
    : null;
  if (scale === null) throw unknownModel(w.path('strategy'), 'a strategy that is not understood');
  return { name: 'compressed-tensors', weight_dtype: dtype, compute_dtype: compute, scale, skip: checkedPatterns(config['ignore'], fields.path('ignore')) };
}

/**
 * `quantization_config` of a config.json.
 * @throws ToolError E_MODEL_UNKNOWN for a method or a layout not known
 */
export function parseQuantization(config: unknown): Quantization | null {
  if (config === undefined || config === null) return null;
  if (!isObject(config)) throw unknownModel('quantization_config', 'not an object');
  const fields = new Fields(config, 'quantization_config');
  const method = fields.text('quant_method');
  const listed = config['modules_to_not_convert'] ?? config['ignored_layers'];
  const skip = listed === undefined || listed === null ? null : checkedPatterns(listed, fields.path('modules_to_not_convert'));
  switch (method) {
    case 'fp8': {
      const block = fields.numbers('weight_block_size');
      const [rows, columns] = block;
      const scale: Quantization['scale'] = rows !== undefined && columns !== undefined && rows > 0 && columns > 0 ? { kind: 'block', rows, columns, bytes: 4 } : { kind: 'none' };
      return { name: 'fp8', weight_dtype: 'fp8', compute_dtype: 'fp8', scale, skip };
    }
    case 'mxfp4':
      return { name: 'mxfp4', weight_dtype: 'fp4', compute_dtype: 'fp4', scale: { kind: 'group', size: 32, bytes: 1 }, skip };
    case 'awq':
    case 'gptq': {
      const bits = fields.int('bits');
      if (bits !== 4 && bits !== 8) throw unknownModel(fields.path('bits'), 'a width that is not understood');
      const zero = method === 'awq' ? fields.flag('zero_point', true) : !fields.flag('sym', true);
      return { name: method, weight_dtype: bits === 4 ? 'int4' : 'int8', compute_dtype: null, scale: { kind: 'group', size: fields.int('group_size'), bytes: zero ? 4 : 2 }, skip };
    }
    case 'compressed-tensors':
      return compressedTensors(fields, config);
    default:
      throw unknownModel(fields.path('quant_method'), 'a method that is not understood; name the scheme by hand');
  }
}
