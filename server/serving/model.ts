import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { readBytes } from '../host/bytes.js';
import { exists, fileSize, listFolder, readText, sha256File } from '../host/files.js';
import type { RunManifest } from '../contract/index.js';
import { reads } from './thresholds.js';

const config = z.looseObject({
  model_type: z.string().nullish(),
  torch_dtype: z.string().nullish(),
  dtype: z.string().nullish(),
  quantization_config: z.looseObject({ quant_method: z.string().nullish() }).nullish(),
  text_config: z.looseObject({ model_type: z.string().nullish(), torch_dtype: z.string().nullish(), dtype: z.string().nullish() }).nullish(),
});

export interface ModelFacts {
  readonly modelType: string | null;
  readonly manifest: RunManifest['model'];
}

/**
 * Identity of the weights without reading them whole: SHA-256 over the sorted lines `name NUL size NUL sha256(header) LF` of every
 * *.safetensors file and `name NUL size NUL sha256(content) LF` of *.index.json. Another file set, layout, dtype or size changes it;
 * values changed in place under the same layout do not. Null without a safetensors file.
 */
export async function weightsHash(dir: string): Promise<string | null> {
  const names = await listFolder(dir);
  const lines: string[] = [];
  for (const name of names) {
    const path = join(dir, name);
    if (name.endsWith('.safetensors')) {
      const prefix = await readBytes(path, 0, 8);
      if (prefix.length < 8) return null;
      const length = Number(new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true));
      if (length > reads.safetensorsHeaderBytes) return null;
      const header = await readBytes(path, 8, length);
      lines.push(`${name}\0${await fileSize(path)}\0${createHash('sha256').update(header).digest('hex')}\n`);
    } else if (name.endsWith('.index.json')) lines.push(`${name}\0${await fileSize(path)}\0${await sha256File(path)}\n`);
  }
  return lines.some((l) => l.includes('.safetensors\0')) ? createHash('sha256').update(lines.sort().join('')).digest('hex') : null;
}

const tokenizers = ['tokenizer.json', 'tokenizer.model', 'tiktoken.model', 'vocab.json'] as const;
/** Written by Ascend's quantisation tool beside the weights. */
const ascendQuant = ['quant_model_description.json', 'quant_model_description_w8a8.json', 'quantize_config.json'] as const;

/**
 * What a model folder on this machine says about itself. A folder without config.json gives its name only.
 * @param dir admitted real path
 */
export async function modelFacts(dir: string, name: string | null): Promise<ModelFacts> {
  const fallback = { path: dir, name: name ?? basename(dir) };
  const text = await readText(join(dir, 'config.json')).catch(() => null);
  let parsed: z.output<typeof config> = {};
  try {
    const checked = config.safeParse(JSON.parse(text ?? '{}'));
    if (checked.success) parsed = checked.data;
  } catch {
    // A broken config.json is the framework's to report; here it says nothing.
  }
  const inner = parsed.text_config ?? {};
  const dtype = parsed.dtype ?? parsed.torch_dtype ?? inner.dtype ?? inner.torch_dtype ?? null;
  const described: string[] = [];
  for (const file of ascendQuant) if (await exists(join(dir, file))) described.push(file);
  const quantization = parsed.quantization_config?.quant_method ?? (described.length > 0 ? 'ascend' : text === null ? null : 'none');
  let tokenizer: string | null = null;
  for (const file of tokenizers) if (tokenizer === null && (await exists(join(dir, file)))) tokenizer = await sha256File(join(dir, file));
  const weights = await weightsHash(dir);
  return {
    modelType: parsed.model_type ?? inner.model_type ?? null,
    manifest: {
      ...fallback,
      ...(dtype === null ? {} : { dtype: dtype.replace(/^torch\./, '') }),
      ...(quantization === null ? {} : { quantization }),
      ...(tokenizer === null ? {} : { tokenizer_sha256: tokenizer }),
      ...(weights === null ? {} : { weights_sha256: weights }),
    },
  };
}
