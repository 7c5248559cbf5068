import type { ClientAbilities, ClientCommand, ClientRun } from './bench-client.js';

/**
 * AISBench (`ais_bench`), data set `random`: its load stands in a Python configuration, which we write as its multi-task examples do.
 * Concurrency is `batch_size`; a rate below 0.1 sends all at once; retries would hide failures. Its string prompts have a length in words.
 */

/** Its warm-up is a flag of newer versions only and counts one request: ours is a discarded run. */
export const aisbenchAbilities: ClientAbilities = { warmup: false, openLoop: true, duration: false, freshPrompts: false };

export const aisbenchConfig = 'config.py';

/** Text as a Python literal: JSON's escapes are Python's. */
const py = (text: string): string => JSON.stringify(text);

/** The configuration of one pass: AISBench's own model and synthetic data set with our values. */
export function aisbenchConfigText(run: ClientRun): string {
  const url = new URL(run.endpoint);
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  const kwargs = [
    `"temperature": ${run.temperature}`,
    ...(run.topP === null ? [] : [`"top_p": ${run.topP}`]),
    ...(run.topK === null ? [] : [`"top_k": ${run.topK}`]),
    ...(run.seed === null ? [] : [`"seed": ${run.seed}`]),
    `"ignore_eos": ${run.ignoreEos ? 'True' : 'False'}`,
  ];
  const fixed = (tokens: number): string => `{"Method": "uniform", "Params": {"MinValue": ${tokens}, "MaxValue": ${tokens}}}`;
  return `from mmengine.config import read_base

with read_base():
    from ais_bench.benchmark.configs.summarizers.perf.default_perf import summarizer
    from ais_bench.benchmark.configs.datasets.synthetic.synthetic_gen_string import synthetic_datasets as datasets
    from ais_bench.benchmark.configs.models.vllm_api.${run.stream ? 'vllm_api_stream_chat' : 'vllm_api_general_chat'} import models

datasets[0]["abbr"] = "measured"
datasets[0]["config"] = {
    "Type": "string",
    "RequestCount": ${run.number},
    "TrustRemoteCode": False,
    "StringConfig": {"Input": ${fixed(run.inputTokens ?? 1)}, "Output": ${fixed(run.outputTokens)}},
}
models[0]["path"] = ${py(run.tokenizer ?? '')}
models[0]["model"] = ${py(run.model)}
models[0]["host_ip"] = ${py(url.hostname)}
models[0]["host_port"] = ${port}
models[0]["max_out_len"] = ${run.outputTokens}
models[0]["batch_size"] = ${run.parallel ?? run.number}
models[0]["request_rate"] = ${run.rate ?? 0}
models[0]["retry"] = 0
models[0]["generation_kwargs"] = {${kwargs.join(', ')}}
work_dir = ${py(run.out)}
`;
}

export function aisbenchCommand(run: ClientRun): ClientCommand {
  return { program: 'ais_bench', args: [`${run.out}/${aisbenchConfig}`, '--mode', 'perf', '--work-dir', run.out] };
}
