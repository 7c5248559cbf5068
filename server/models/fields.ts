import { foreign, ToolError } from '../contract/index.js';

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The configuration cannot be understood. `field` is a name out of the file, so it is cleaned. */
export function unknownModel(field: string, why: string): ToolError {
  return new ToolError('E_MODEL_UNKNOWN', `field ${foreign(field, 80)}: ${why}`, 'give a config.json of a supported architecture, or the name of a known model');
}

/** Names that look like part of the model's shape. */
const shapeWord = /(?:^|_)(?:n|num|dims?|size|ranks?|heads?|layers?|experts?|groups?|ratios?|interval|kernel|types?|freq|pattern|list|window|mult|modules?|lora|blocks?|state|conv|embeddings?|bias|gate|mla|shared?|intermediate|index|norm|sparse|compress|mamba|ssm|mtp|nextn)(?:_|$)/;

/** Shape-like names that change neither weights nor caches. */
const harmless = new Set([
  'architectures', 'model_type', 'auto_map', 'transformers_version', 'rope_scaling', 'rope_parameters', 'quantization_config', 'vision_config', 'text_config', 'audio_config',
  'id2label', 'label2id', 'task_specific_params', 'pruned_heads', 'problem_type', 'position_embedding_type', 'chunk_size_feed_forward', 'num_beams', 'num_beam_groups', 'num_return_sequences',
  'no_repeat_ngram_size', 'encoder_no_repeat_ngram_size', 'ep_size', 'n_group', 'topk_group', 'norm_topk_prob', 'max_window_layers', 'rotary_dim', 'num_labels',
  'rms_norm_eps', 'layer_norm_eps', 'norm_eps', 'router_jitter_noise', 'partial_rotary_factor', 'qk_head_dim', 'indexer_rope_interleave', 'index_share_for_mtp_iteration', 'bad_words_ids',
  'layernorm_full_attention_beta', 'layernorm_linear_attention_beta', 'layernorm_mlp_beta', 'shared_moe_mode', 'image_token_index', 'video_token_index',
]);

const says = (value: unknown): boolean =>
  value !== null && value !== undefined && value !== false && value !== 0 && value !== '' && !(Array.isArray(value) && value.length === 0) && !(isObject(value) && Object.keys(value).length === 0);

/**
 * Reads one JSON object and remembers what was read, so that a field nobody understood is named instead of ignored.
 * Every method throws ToolError E_MODEL_UNKNOWN, naming the field.
 */
export class Fields {
  readonly #read = new Set<string>();
  readonly #object: JsonObject;
  readonly #where: string;

  constructor(object: JsonObject, where: string) {
    this.#object = object;
    this.#where = where;
  }

  path(name: string): string {
    return this.#where === '' ? name : `${this.#where}.${name}`;
  }

  has(name: string): boolean {
    return says(this.#object[name]);
  }

  /** The raw value; counts as read. */
  raw(name: string): unknown {
    this.#read.add(name);
    return this.#object[name];
  }

  /** Fields that are understood and not needed. */
  skip(...names: readonly string[]): void {
    for (const name of names) this.#read.add(name);
  }

  /** A positive integer, or `missing` when the field is absent or null. */
  intOr<T>(name: string, missing: T): number | T {
    const value = this.raw(name);
    if (value === undefined || value === null) return missing;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > 1e9) throw unknownModel(this.path(name), 'not a whole number between 0 and 1e9');
    return value;
  }

  /** A positive integer that must be there, under its name or an older one. */
  int(name: string, ...older: readonly string[]): number {
    for (const candidate of [name, ...older]) {
      const value = this.intOr(candidate, null);
      if (value !== null && value > 0) return value;
    }
    throw unknownModel(this.path(name), 'missing or zero');
  }

  flag(name: string, missing: boolean): boolean {
    const value = this.raw(name);
    if (value === undefined || value === null) return missing;
    if (typeof value !== 'boolean') throw unknownModel(this.path(name), 'not true or false');
    return value;
  }

  text(name: string): string | null {
    const value = this.raw(name);
    return typeof value === 'string' && value !== '' ? value : null;
  }

  /** A list of strings, or null when absent. */
  words(name: string): string[] | null {
    const value = this.raw(name);
    if (value === undefined || value === null) return null;
    if (!Array.isArray(value) || !value.every((v): v is string => typeof v === 'string')) throw unknownModel(this.path(name), 'not a list of words');
    return value;
  }

  /** A list of layer numbers; empty when absent. */
  numbers(name: string): number[] {
    const value = this.raw(name);
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value) || !value.every((v): v is number => typeof v === 'number' && Number.isSafeInteger(v))) throw unknownModel(this.path(name), 'not a list of whole numbers');
    return value;
  }

  /** Throws when a field that looks like part of the shape was not read. */
  finish(): void {
    for (const [name, value] of Object.entries(this.#object)) {
      if (this.#read.has(name) || harmless.has(name) || name.endsWith('_token_id') || !says(value)) continue;
      if (isObject(value) || shapeWord.test(name)) throw unknownModel(this.path(name), 'not understood, and it may change the shape of the model');
    }
  }
}
