import { pairs, type ClientAbilities, type ClientCommand, type ClientRun } from './bench-client.js';

/** `python3 -m sglang.bench_serving`. Its random lengths are uniform in [ratio × length, length]: the ratio is set to 1. */

/** Its warm-up cuts answers to 32 tokens and, before September 2026, sends past the limit of concurrency: ours is a discarded run. */
export const sglangAbilities: ClientAbilities = { warmup: false, openLoop: true, duration: false, freshPrompts: true };

/** Prints the version of an installed Python package and nothing else. */
export function packageVersionArgs(name: 'sglang' | 'ais_bench_benchmark'): string[] {
  return ['-c', `import importlib.metadata as m; print(m.version("${name}"))`];
}

export function packageVersion(stdout: string): string | null {
  return /^v?(\d+\.\d+\S*)\s*$/m.exec(stdout)?.[1] ?? null;
}

export const sglangResult = 'result.jsonl';

export function sglangCommand(run: ClientRun): ClientCommand {
  const random = run.dataset === 'random';
  return {
    program: 'python3',
    args: [
      '-m',
      'sglang.bench_serving',
      ...pairs([
        ['--backend', 'vllm'],
        ['--base-url', run.endpoint],
        ['--model', run.model],
        ['--tokenizer', run.tokenizer],
        // Its `random` cuts prompts out of a ShareGPT file it downloads; `random-ids` needs the tokenizer only.
        ['--dataset-name', random ? 'random-ids' : run.dataset],
        ['--dataset-path', run.datasetPath],
        ['--random-input-len', random ? run.inputTokens : null],
        ['--random-output-len', random ? run.outputTokens : null],
        ['--random-range-ratio', random ? 1 : null],
        ['--sharegpt-output-len', random ? null : run.outputTokens],
        ['--num-prompts', run.number],
        ['--max-concurrency', run.parallel],
        ['--request-rate', run.rate],
        ['--seed', run.seed],
        ['--warmup-requests', 0],
        ['--extra-request-body', JSON.stringify({ temperature: run.temperature, ...(run.topP === null ? {} : { top_p: run.topP }), ...(run.topK === null ? {} : { top_k: run.topK }) })],
        ['--output-file', `${run.out}/${sglangResult}`],
      ]),
      '--output-details',
      ...(run.ignoreEos ? [] : ['--disable-ignore-eos']),
      ...(run.stream ? [] : ['--disable-stream']),
    ],
  };
}
