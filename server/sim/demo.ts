import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Shape of Qwen3-8B as its public config.json has it. */
const model = {
  architectures: ['Qwen3ForCausalLM'],
  model_type: 'qwen3',
  hidden_size: 4096,
  intermediate_size: 12_288,
  num_hidden_layers: 36,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  head_dim: 128,
  vocab_size: 151_936,
  max_position_embeddings: 40_960,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
};

export interface DemoFiles {
  /** Host description for `--sim`. */
  readonly hostFile: string;
  /** Folder with a config.json; the simulated service needs no weights. */
  readonly modelFolder: string;
}

/** What `demo` runs on: a simulated host of two cards and the shape of a model. Doing it again changes nothing. */
export function writeDemoFiles(folder: string): DemoFiles {
  const modelFolder = join(folder, 'Qwen3-8B');
  mkdirSync(modelFolder, { recursive: true });
  writeFileSync(join(modelFolder, 'config.json'), `${JSON.stringify(model, null, 2)}\n`);
  const hostFile = join(folder, 'host.json');
  writeFileSync(hostFile, `${JSON.stringify({ chip: 'Ascend910B3', count: 2, seed: 1, framework: 'xllm', faults: [] }, null, 2)}\n`);
  return { hostFile, modelFolder };
}
