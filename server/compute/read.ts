import { basename, join } from 'node:path';
import { check, foreign, redactText, ToolError } from '../contract/index.js';
import { isFolder, readText } from '../host/files.js';
import type { Host } from '../host/host.js';
import { findDescription, type Described } from '../models/description.js';
import { isKnownModel } from '../models/known.js';
import { readProfile, type ReadOptions } from '../profiles/read.js';
import type { ModelSource } from './analyze.js';
import { ofAnalysis, ofProfile, type Measurement } from './measured.js';
import { limits } from './thresholds.js';

export interface ReadModel {
  readonly source: ModelSource;
  readonly name: string;
  /** The config.json as it is kept in the run root; null for a known name. */
  readonly text: string | null;
  /** Scheme the quantisation tool wrote beside the weights, when config.json is silent; null otherwise. */
  readonly quant: Described | null;
}

/** @throws ToolError E_FILE_EMPTY, E_JSON_BROKEN */
export function parseConfig(text: string): ModelSource {
  if (text.trim() === '') throw new ToolError('E_FILE_EMPTY', 'the config.json of the model has no content', 'give the config.json of a Hugging Face checkpoint');
  try {
    const json: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
    return { kind: 'config', json };
  } catch (cause) {
    throw new ToolError('E_JSON_BROKEN', 'the config.json of the model is no complete JSON', 'copy it again from the checkpoint', { cause });
  }
}

/**
 * A folder, a config.json, or a known name.
 * @throws ToolError E_PATH_*, E_PATH_MISSING also for a name that is neither, E_FILE_*, E_JSON_BROKEN
 */
export async function readModel(model: string, host: Host): Promise<ReadModel> {
  if (isKnownModel(model) && !model.includes('\\') && !model.startsWith('.') && !model.startsWith('/')) return { source: { kind: 'known', name: model }, name: model, text: null, quant: null };
  const path = await host.admit(model);
  const folder = await isFolder(path);
  const raw = await readText(folder ? join(path, 'config.json') : path, limits.configBytes.value);
  if (raw === null) throw new ToolError('E_PATH_MISSING', `${foreign(basename(path), 80)} holds no config.json`, 'give the folder of a Hugging Face checkpoint, its config.json, or a known name');
  // What is kept in the run root is what is parsed, so that the estimate can be computed again from it.
  const text = redactText(raw);
  const source = parseConfig(text);
  const silent = source.kind === 'config' && !/"quantization_config"\s*:\s*\{/.test(text);
  return { source, name: foreign(basename(path) === 'config.json' ? basename(join(path, '..')) : basename(path), 80), text, quant: folder && silent ? await findDescription((file) => readText(join(path, file), limits.quantFileBytes.value)) : null };
}

/** A capture, or an analysis.json that profile_analyze wrote. @param paths admitted @throws ToolError of the profile reader */
export async function readMeasurement(paths: readonly string[], host: Host, options: ReadOptions = {}): Promise<Measurement> {
  const [only] = paths;
  if (paths.length === 1 && only !== undefined && basename(only) === 'analysis.json') {
    const text = (await readText(only)) ?? '';
    let value: unknown = null;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new ToolError('E_JSON_BROKEN', 'the analysis.json is no complete JSON', 'give the capture itself, or analyse it again', { cause });
    }
    const checked = check('profiling-analysis', value);
    if (!checked.ok) throw new ToolError('E_FORMAT_UNKNOWN', 'the analysis.json is no profiling-analysis', 'give the capture itself, or the analysis.json of profile_analyze');
    return ofAnalysis(checked.value, only);
  }
  return ofProfile(await readProfile(paths, host, options));
}
