import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join, normalize } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ToolError } from '../../contract/index.js';
import type { Chip } from '../../hardware/chip.js';
import { roofOf } from '../../hardware/lookup.js';
import { cacheCost } from '../../models/memory.js';
import { parseModelConfig } from '../../models/parse.js';
import type { Parallel } from '../../models/parallel.js';
import { achievable, stepTimeUs } from '../../models/roofline.js';
import type { ModelSpec } from '../../models/spec.js';
import { weightsPerRank } from '../../models/weights.js';
import { assumed } from '../assumptions.js';
import type { CostModel, StepCost, StepLoad } from './step-cost.js';

/** A model folder as the engines read it. */
export interface LoadedModel {
  readonly path: string;
  readonly id: string;
  readonly modelType: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly spec: ModelSpec;
  /** Positions the model knows; prompts must be shorter. */
  readonly maxPositions: number;
}

export type ModelFailure = 'no-path' | 'no-config' | 'bad-config' | 'unsupported';

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A draft exported by xLLM's tool names its type with a suffix; the layers are those of the plain type. */
const withoutSuffix = (type: string): string => type.replace(/_mtp$|_nextn$/, '');

/**
 * Reads `config.json` of a model folder. No weights are needed.
 * @returns the model, or why there is none, with the model type where it is known
 */
export function loadModel(path: string): { readonly model: LoadedModel } | { readonly failure: ModelFailure; readonly modelType: string } {
  if (path === '' || !existsSync(path)) return { failure: 'no-path', modelType: '' };
  const file = join(path, 'config.json');
  if (!statSync(path).isDirectory() || !existsSync(file)) return { failure: 'no-config', modelType: '' };
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { failure: 'bad-config', modelType: '' };
  }
  if (!isObject(config) || typeof config['model_type'] !== 'string') return { failure: 'bad-config', modelType: '' };
  const modelType = config['model_type'];
  try {
    const spec = parseModelConfig({ ...config, model_type: withoutSuffix(modelType) });
    return { model: { path, id: basename(normalize(path)), modelType, config, spec, maxPositions: spec.max_positions ?? 32_768 } };
  } catch (error) {
    if (error instanceof ToolError) return { failure: 'unsupported', modelType };
    throw error;
  }
}

export interface Placement {
  readonly chip: Chip;
  readonly parallel: Parallel;
}

/** Bytes one rank holds: weights of the model, and of a draft beside it. */
export function weightBytes(model: LoadedModel, parallel: Parallel): number {
  return Math.ceil(weightsPerRank(model.spec, parallel).weights_bytes);
}

/** True when both folders describe the same model: an MTP draft kept in the folder of its target. */
function isSame(a: LoadedModel, b: LoadedModel): boolean {
  return isDeepStrictEqual(a.config, b.config);
}

/** The layers that draft: the draft folder's own, or the MTP layers of the target when both folders are the same. */
export function draftSpec(target: LoadedModel, draft: LoadedModel): ModelSpec {
  const { mtp } = target.spec;
  if (isSame(target, draft) && mtp.kind === 'layers') return { ...target.spec, layers: mtp.layers, mtp: { kind: 'none' } };
  return draft.spec;
}

/** Contexts are priced in steps of this many tokens: the price changes little within one, and equal steps are priced once. */
const contextGrain = 64;

/**
 * Step times from the roofline of models/ at the shares of the peaks that public measurements reach.
 * A step with both phases is priced as a prefill of all its tokens plus the cache the decoding sequences read.
 */
export function costModel(spec: ModelSpec, place: Placement, draft: ModelSpec | null): CostModel {
  const roof = roofOf(place.chip);
  const { parallel } = place;
  const kernels = spec.layers.length * assumed('kernelsPerLayer') + assumed('kernelsPerStep');
  const draftKernels = draft === null ? 0 : draft.layers.length * assumed('kernelsPerLayer') + assumed('kernelsPerStep');
  const cacheBytes = cacheCost(spec, parallel).kv_bytes_per_token;
  const memo = new Map<string, StepCost>();
  const price = (phase: 'prefill' | 'decode', sequences: number, input: number, context: number, speculative: number): { compute_us: number; communication_us: number } => {
    const step = { phase, batch: sequences * parallel.dp, input_tokens: input, context_tokens: context, speculative_tokens: speculative };
    const time = stepTimeUs(spec, roof, parallel, step, { efficiency: achievable, options: { draft: draft ?? 'none' } });
    return { compute_us: time.compute_us, communication_us: time.communication_us ?? 0 };
  };
  return (load: StepLoad): StepCost => {
    const rounded = (tokens: number): number => Math.max(1, Math.ceil(tokens / contextGrain) * contextGrain);
    const perDecode = rounded(load.decodeContextTokens / Math.max(1, load.decodeSequences));
    const prefix = load.prefillContextTokens === 0 ? 0 : rounded(load.prefillContextTokens / Math.max(1, load.prefillSequences));
    const key = `${load.prefillSequences} ${load.prefillTokens} ${prefix} ${load.decodeSequences} ${load.queryTokens} ${perDecode}`;
    const known = memo.get(key);
    if (known !== undefined) return known;
    const drafts = load.queryTokens - 1;
    let cost: StepCost;
    if (load.prefillSequences === 0) cost = { ...price('decode', Math.max(1, load.decodeSequences), 1, perDecode, drafts), kernels: kernels + drafts * draftKernels };
    else {
      const tokens = load.prefillTokens + load.decodeSequences * load.queryTokens;
      const base = price('prefill', load.prefillSequences, Math.max(1, Math.ceil(tokens / load.prefillSequences)), prefix, 0);
      const read = (load.decodeContextTokens * cacheBytes) / (roof.memory_bytes_per_s * achievable.memory);
      cost = { compute_us: base.compute_us + read * 1e6, communication_us: base.communication_us, kernels };
    }
    memo.set(key, cost);
    return cost;
  };
}
