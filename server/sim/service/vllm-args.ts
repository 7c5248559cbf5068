/** The command line of `vllm serve`, as far as the simulated server uses or accepts it. */

type Kind = 'text' | 'number' | 'flag';

/** Option, kind, default; a `flag` also has its `--no-` form. Names with underscores are the same. */
const options: readonly (readonly [string, Kind, string])[] = [
  ['host', 'text', ''], ['port', 'number', '8000'], ['served-model-name', 'text', ''], ['dtype', 'text', 'auto'], ['quantization', 'text', ''], ['tokenizer', 'text', ''], ['tokenizer-mode', 'text', 'auto'],
  ['load-format', 'text', 'auto'], ['kv-cache-dtype', 'text', 'auto'], ['additional-config', 'text', '{}'], ['compilation-config', 'text', '{}'], ['speculative-config', 'text', ''], ['profiler-config', 'text', ''],
  ['distributed-executor-backend', 'text', ''], ['tool-call-parser', 'text', ''], ['reasoning-parser', 'text', ''], ['chat-template', 'text', ''], ['api-key', 'text', ''], ['hf-overrides', 'text', ''],
  ['download-dir', 'text', ''], ['revision', 'text', ''], ['limit-mm-per-prompt', 'text', ''], ['kv-transfer-config', 'text', ''], ['data-parallel-address', 'text', ''], ['uvicorn-log-level', 'text', 'info'],
  ['generation-config', 'text', 'auto'], ['override-generation-config', 'text', ''], ['config', 'text', ''], ['model', 'text', ''], ['scheduling-policy', 'text', 'fcfs'],
  ['tensor-parallel-size', 'number', '1'], ['pipeline-parallel-size', 'number', '1'], ['data-parallel-size', 'number', '1'], ['data-parallel-size-local', 'number', '0'], ['data-parallel-rpc-port', 'number', '0'],
  ['max-model-len', 'number', '0'], ['max-num-seqs', 'number', '256'], ['max-num-batched-tokens', 'number', '8192'], ['block-size', 'number', '128'], ['seed', 'number', '0'], ['gpu-memory-utilization', 'number', '0.9'],
  ['kv-cache-memory-bytes', 'number', '0'], ['kv-cache-memory', 'number', '0'], ['swap-space', 'number', '4'], ['cpu-offload-gb', 'number', '0'], ['api-server-count', 'number', '1'], ['max-log-len', 'number', '0'],
  ['trust-remote-code', 'flag', 'false'], ['enforce-eager', 'flag', 'false'], ['enable-prefix-caching', 'flag', 'true'], ['enable-chunked-prefill', 'flag', 'true'], ['enable-expert-parallel', 'flag', 'false'],
  ['async-scheduling', 'flag', 'false'], ['disable-log-requests', 'flag', 'false'], ['enable-log-requests', 'flag', 'false'], ['disable-log-stats', 'flag', 'false'], ['enable-auto-tool-choice', 'flag', 'false'],
  ['skip-tokenizer-init', 'flag', 'false'], ['disable-frontend-multiprocessing', 'flag', 'false'], ['disable-uvicorn-access-log', 'flag', 'false'], ['enable-lora', 'flag', 'false'],
];
const short: Readonly<Record<string, string>> = { '-tp': 'tensor-parallel-size', '-pp': 'pipeline-parallel-size', '-dp': 'data-parallel-size', '-q': 'quantization', '-O': 'compilation-config' };
const known = new Map(options.map((o) => [o[0], o]));

export class VllmArgs {
  readonly model: string;
  readonly #given: ReadonlyMap<string, string>;

  constructor(model: string, given: ReadonlyMap<string, string>) {
    this.model = model;
    this.#given = given;
  }

  text(name: string): string {
    const option = known.get(name);
    if (option === undefined) throw new Error(`no option ${name}`);
    return this.#given.get(name) ?? option[2];
  }

  number(name: string): number {
    return humanNumber(this.text(name));
  }

  flag(name: string): boolean {
    return this.text(name) === 'true';
  }

  given(): ReadonlyMap<string, string> {
    return this.#given;
  }
}

/** `32k` is 32,000, `32K` is 32,768, as vLLM reads sizes. */
function humanNumber(text: string): number {
  const match = /^(-?\d+(?:\.\d+)?)([kKmMgG]?)$/.exec(text);
  if (match === null) return Number.NaN;
  const scale: Readonly<Record<string, number>> = { '': 1, k: 1e3, K: 1024, m: 1e6, M: 1024 ** 2, g: 1e9, G: 1024 ** 3 };
  return Number(match[1]) * (scale[match[2] ?? ''] ?? 1);
}

export type VllmParsed = { readonly ok: true; readonly args: VllmArgs } | { readonly ok: false; readonly message: string };

/** @param argv after `serve` */
export function parseVllm(argv: readonly string[]): VllmParsed {
  const given = new Map<string, string>();
  const unknown: string[] = [];
  let model = '';
  for (let i = 0; i < argv.length; i += 1) {
    const argument = argv[i] ?? '';
    if (!argument.startsWith('-')) {
      if (model === '') model = argument;
      else unknown.push(argument);
      continue;
    }
    const [head = '', inline] = argument.split(/=([\s\S]*)/);
    const name = short[head] ?? head.replace(/^--/, '').replaceAll('_', '-');
    const negated = name.startsWith('no-') ? known.get(name.slice(3)) : undefined;
    const option = known.get(name);
    if (negated?.[1] === 'flag' && inline === undefined) given.set(negated[0], 'false');
    else if (option === undefined) unknown.push(argument);
    else if (option[1] === 'flag') given.set(option[0], 'true');
    else {
      const value = inline ?? argv[i + 1];
      if (inline === undefined) i += 1;
      if (value === undefined) return { ok: false, message: `argument --${option[0]}: expected one argument` };
      if (option[1] === 'number' && Number.isNaN(humanNumber(value))) return { ok: false, message: `argument --${option[0]}: invalid value: '${value}'` };
      given.set(option[0], value);
    }
  }
  if (unknown.length > 0) return { ok: false, message: `unrecognized arguments: ${unknown.join(' ')}` };
  return { ok: true, args: new VllmArgs(model === '' ? (given.get('model') ?? '') : model, given) };
}

/** What `vllm serve --help` lists. */
export function vllmHelp(): string {
  const rows = options.map(([name, kind, fallback]) => {
    const shortName = Object.entries(short).find(([, long]) => long === name)?.[0];
    const upper = name.toUpperCase().replaceAll('-', '_');
    const head = kind === 'flag' ? `--${name}, --no-${name}` : `--${name}${shortName === undefined ? '' : `, ${shortName}`} ${upper}`;
    return `  ${head}\n                        (default: ${kind === 'flag' ? (fallback === 'true' ? 'True' : 'False') : fallback === '' ? 'None' : fallback})`;
  });
  return `usage: vllm serve [model_tag] [options]\n\nLaunch a local OpenAI-compatible API server to serve LLM\ncompletions via HTTP.\n\noptions:\n  -h, --help            show this help message and exit\n${rows.join('\n')}\n`;
}
