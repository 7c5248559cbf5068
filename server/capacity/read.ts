import { dirname, join } from 'node:path';
import { foreign, ToolError } from '../contract/index.js';
import { exists, isFolder, readText } from '../host/files.js';
import type { Host } from '../host/host.js';
import { findDescription, type Described } from '../models/description.js';
import { findModel, isKnownModel } from '../models/known.js';
import { parseModelConfig } from '../models/parse.js';
import type { ModelSpec } from '../models/spec.js';
import { readCapacityLog, type CapacityLog } from '../programs/capacity-log.js';
import { modelDtype } from './request.js';
import type { Settings } from './shape.js';
import { limits } from './thresholds.js';

/** A model by known name, or its config.json at an admitted path. */
export type ModelRef = { readonly name: string } | { readonly path: string };

/** @throws ToolError E_PATH_*, E_PATH_MISSING for a folder without config.json */
export async function locateModel(model: string, host: Host): Promise<ModelRef> {
  if (isKnownModel(model) && !(await exists(model))) return { name: model };
  const path = await host.admit(model);
  if (!(await isFolder(path))) return { path };
  if (!(await exists(join(path, 'config.json')))) throw new ToolError('E_PATH_MISSING', `no config.json in ${foreign(path, 200)}`, 'give the folder of a Hugging Face checkpoint, its config.json, or a known name');
  return { path: join(path, 'config.json') };
}

/** The description a quantisation tool left beside config.json, where that file itself is silent; null otherwise. */
export async function describedModel(ref: ModelRef): Promise<Described | null> {
  if ('name' in ref || /"quantization_config"\s*:\s*\{/.test((await readText(ref.path, limits.configBytes)) ?? '')) return null;
  return findDescription((file) => readText(join(dirname(ref.path), file), limits.descriptionBytes));
}

/** @throws ToolError E_MODEL_UNKNOWN, E_JSON_BROKEN, E_PATH_MISSING, E_ARG_TYPE */
export async function readModel(ref: ModelRef, settings: Pick<Settings, 'quant' | 'dtype'>): Promise<ModelSpec> {
  const dtype = modelDtype(settings.dtype);
  const options = { ...(settings.quant === undefined ? {} : { quant: settings.quant }), ...(dtype === undefined ? {} : { dtype }) };
  if ('name' in ref) return findModel(ref.name, options);
  const text = await readText(ref.path, limits.configBytes);
  if (text === null) throw new ToolError('E_PATH_MISSING', 'the configuration of the model is gone', 'restore it, or plan again');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ToolError('E_JSON_BROKEN', `${foreign(ref.path, 200)} is not JSON`, 'give the config.json of a Hugging Face checkpoint', { cause });
  }
  return parseModelConfig(json, options);
}

/** @throws ToolError E_PATH_MISSING, E_FILE_EMPTY, E_FORMAT_UNKNOWN for a log without any line of a known start-up */
export async function readLog(path: string): Promise<CapacityLog> {
  const text = await readText(path, limits.logBytes);
  if (text === null) throw new ToolError('E_PATH_MISSING', 'the start-up log is gone', 'restore it, or plan again');
  if (text.trim() === '') throw new ToolError('E_FILE_EMPTY', `${foreign(path, 200)} is empty`, 'give the log rank 0 of the service wrote');
  const log = readCapacityLog(text);
  if (log.framework === null && log.refused === null && log.sizing_failed === null) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 200)} holds no memory line of xLLM, vLLM or SGLang`, 'give the log rank 0 of the service wrote while it started');
  return log;
}
