import { Fields, isObject } from './fields.js';
import type { VisionSpec } from './spec.js';

/** A pre-norm transformer block with biases: q, k, v, o; two matrices of the MLP; two LayerNorms with weight and bias. */
const block = (h: number, i: number): number => 4 * h * h + 4 * h + (2 * h * i + i + h) + 4 * h;

/**
 * Parameters of Qwen3-VL's tower: patch convolution, learned positions, blocks, a merger, and one more merger per deepstack level
 * whose norm runs after the shuffle. Source: transformers modeling_qwen3_vl; Qwen3-VL-8B comes out at 8,767,123,696 with its text model, as published.
 */
function qwen(fields: Fields): number {
  const h = fields.int('hidden_size');
  const patch = fields.int('patch_size');
  const merged = h * fields.int('spatial_merge_size') ** 2;
  const merger = merged * merged + merged + merged * fields.int('out_hidden_size') + fields.int('out_hidden_size');
  const conv = fields.int('in_channels') * fields.int('temporal_patch_size') * patch * patch * h + h;
  const deepstack = fields.numbers('deepstack_visual_indexes').length;
  return fields.int('depth') * block(h, fields.int('intermediate_size')) + conv + fields.int('num_position_embeddings') * h + (2 * h + merger) + deepstack * (2 * merged + merger);
}

/** Parameters of Kimi's MoonViT with its patch-merger projector: positions are learned in space and fixed in time. Source: modeling_kimi_k25 of the checkpoint's repository. */
function moonVit(fields: Fields): number {
  const h = fields.int('vt_hidden_size');
  const patch = fields.int('patch_size');
  const kernel = fields.numbers('merge_kernel_size').reduce((a, b) => a * b, 1);
  const merged = h * kernel;
  const text = fields.int('text_hidden_size');
  const positions = fields.int('init_pos_emb_height') * fields.int('init_pos_emb_width') * h;
  const tower = fields.int('vt_num_hidden_layers') * block(h, fields.int('vt_intermediate_size')) + (3 * patch * patch * h + h) + positions + 2 * h;
  return tower + 2 * h + (merged * merged + merged) + (merged * text + text);
}

/** The vision tower of a configuration; `params` is null for a layout not known, which never makes the text model fail. */
export function parseVision(config: unknown): VisionSpec | null {
  if (!isObject(config)) return null;
  const fields = new Fields(config, 'vision_config');
  if (fields.has('deepstack_visual_indexes') || (fields.has('num_position_embeddings') && fields.has('spatial_merge_size') && fields.has('out_hidden_size'))) return { kind: 'qwen3-vl', params: qwen(fields) };
  if (fields.has('vt_hidden_size') && fields.text('mm_projector_type') === 'patchmerger' && fields.text('pos_emb_type') === 'divided_fixed') return { kind: 'moonvit', params: moonVit(fields) };
  return { kind: 'unknown', params: null };
}
