import { quantizationByName } from './quantization.js';

/** Names msModelSlim gives the description it writes beside quantised weights. Source: its user guide, and the loaders of vLLM-Ascend and MindIE. */
const descriptionFiles = ['quant_model_description.json', 'quant_model_description_w8a8.json', 'quant_model_description_w8a8_dynamic.json', 'quant_model_description_w4a8_dynamic.json', 'quant_model_description_w8a16.json'];

/** What the description says of the checkpoint. */
export interface Described {
  /** Scheme of most quantised matrices, a name `quantizationByName` knows. */
  readonly quant: string;
  /** `int8` when the description names a C8 cache, which also stores keys and values in one byte. */
  readonly kv_dtype: 'int8' | null;
  /** Other schemes some matrices have; their bytes are planned by `quant`. */
  readonly others: readonly string[];
}

const schemeOf = (type: string): string | null => {
  try {
    return quantizationByName(type)?.name ?? null;
  } catch {
    return null;
  }
};

/** @param text a quant_model_description*.json; null when it names no scheme that is known */
export function parseDescription(text: string): Described | null {
  const overall = /"model_quant_type"\s*:\s*"([A-Za-z0-9_]{1,40})"/.exec(text)?.[1];
  const counts = new Map<string, number>();
  for (const [, type = ''] of text.matchAll(/\.weight"\s*:\s*"([A-Za-z0-9_]{1,40})"/g)) {
    const scheme = type === 'FLOAT' ? null : schemeOf(type);
    if (scheme !== null) counts.set(scheme, (counts.get(scheme) ?? 0) + 1);
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const quant = most?.[0] ?? (overall === undefined ? null : schemeOf(overall));
  if (quant === null) return null;
  return { quant, kv_dtype: /"kv_cache_type"\s*:\s*"C8"/.test(text) ? 'int8' : null, others: [...counts.keys()].filter((s) => s !== quant).sort() };
}

/** @param read text of a file beside config.json, null when it is not there */
export async function findDescription(read: (name: string) => Promise<string | null>): Promise<Described | null> {
  for (const name of descriptionFiles) {
    const text = await read(name);
    const found = text === null ? null : parseDescription(text);
    if (found !== null) return found;
  }
  return null;
}

/** What to tell the user who did not name a scheme. */
export function describedNote(found: Described): string {
  const others = found.others.length === 0 ? '' : `; some matrices are ${found.others.join(', ')} and are planned as ${found.quant}`;
  return `${found.quant}${found.kv_dtype === null ? '' : ' and an int8 cache'} were taken from the description beside the weights; quant overrides it${others}`;
}
