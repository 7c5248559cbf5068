import { ownPrompts, pairs, type ClientAbilities, type ClientCommand, type ClientRun } from './bench-client.js';

/** `vllm bench serve` (vllm/benchmarks/serve.py). It counts prompts with a tokenizer of its own, so it needs the folder of one. */

/** Its warm-up sends prompt 0 again and again: other shapes stay cold and the prefix cache is warm for it. So ours is a discarded run. */
export const vllmAbilities: ClientAbilities = { warmup: false, openLoop: true, duration: false, freshPrompts: true };

/** Version out of what `vllm --version` prints: the last line, behind whatever plugins say. */
export function vllmVersion(stdout: string): string | null {
  return [...stdout.matchAll(/^(?:vllm )?v?(\d+\.\d+\S*)\s*$/gm)].at(-1)?.[1] ?? null;
}

export const vllmWindow = /Starting main benchmark run/;
export const vllmResult = 'result.json';

export function vllmCommand(run: ClientRun): ClientCommand {
  const own = run.dataset === ownPrompts;
  const random = run.dataset === 'random';
  return {
    program: 'vllm',
    args: [
      'bench',
      'serve',
      ...pairs([
        ['--backend', 'openai'],
        ['--base-url', run.endpoint],
        ['--endpoint', '/v1/completions'],
        ['--model', run.model],
        ['--tokenizer', run.tokenizer],
        ['--dataset-name', own ? 'custom' : run.dataset],
        ['--dataset-path', run.datasetPath],
        ['--custom-output-len', own ? run.outputTokens : null],
        ['--random-input-len', random ? run.inputTokens : null],
        ['--random-output-len', random ? run.outputTokens : null],
        ['--num-prompts', run.number],
        ['--max-concurrency', run.parallel],
        ['--request-rate', run.rate],
        ['--temperature', run.temperature],
        ['--top-p', run.topP],
        ['--top-k', run.topK],
        ['--seed', run.seed],
        ['--percentile-metrics', 'ttft,tpot,itl,e2el'],
        ['--metric-percentiles', '50,90,95,99'],
        ['--result-dir', run.out],
        ['--result-filename', vllmResult],
      ]),
      ...(own ? ['--skip-chat-template', '--disable-shuffle'] : []),
      ...(run.ignoreEos ? ['--ignore-eos'] : []),
      '--save-result',
      '--save-detailed',
    ],
  };
}
