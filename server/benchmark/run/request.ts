import { baseUrl } from '../../programs/endpoint.js';
import { z } from 'zod';
import { foreign, ToolError } from '../../contract/index.js';
import type { Host } from '../../host/host.js';
import { benchClients, ownPrompts } from '../../programs/bench-client.js';
import { defaults, limits } from './thresholds.js';

/** A request as the job keeps it: the same question gives the same one. */
export const requestShape = z.object({
  endpoint: z.string(),
  model: z.string(),
  client: z.enum(benchClients),
  tokenizer: z.string().nullable(),
  dataset: z.string(),
  dataset_path: z.string().nullable(),
  input_tokens: z.number().int().nullable(),
  output_tokens: z.number().int(),
  /** One entry a load; null an open loop. */
  parallel: z.array(z.number().int().nullable()).min(1),
  number: z.array(z.number().int()).min(1),
  rate: z.number().nullable(),
  warmup: z.number().int(),
  repeats: z.number().int(),
  stream: z.boolean(),
  temperature: z.number(),
  top_p: z.number().nullable(),
  top_k: z.number().int().nullable(),
  seed: z.number().int().nullable(),
  ignore_eos: z.boolean(),
  duration_s: z.number().nullable(),
  sla: z.object({ ttft_p99_ms: z.number().nullable(), tpot_p99_ms: z.number().nullable() }).nullable(),
});
export type BenchRequest = z.output<typeof requestShape>;

export interface StartArgs {
  readonly endpoint: string;
  readonly model: string;
  readonly client: BenchRequest['client'];
  readonly tokenizer_path?: string | undefined;
  readonly dataset?: string | undefined;
  readonly input_tokens?: number | undefined;
  readonly output_tokens?: number | undefined;
  readonly parallel?: readonly number[] | undefined;
  readonly number?: readonly number[] | undefined;
  readonly rate?: number | undefined;
  readonly warmup?: number | undefined;
  readonly repeats?: number | undefined;
  readonly stream?: boolean | undefined;
  readonly temperature?: number | undefined;
  readonly top_p?: number | undefined;
  readonly top_k?: number | undefined;
  readonly seed?: number | undefined;
  readonly ignore_eos?: boolean | undefined;
  readonly duration_s?: number | undefined;
  readonly sla_ttft_p99_ms?: number | undefined;
  readonly sla_tpot_p99_ms?: number | undefined;
}

/** @throws ToolError E_ARG_TYPE */
function whole(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) throw new ToolError('E_ARG_TYPE', `${name} is ${value}`, `give a whole number from ${least} to ${most}`);
  return value;
}

/** Names and ids go into the argv of another program: a leading dash would be a flag there. */
function plain(name: string, text: string): string {
  if (text === '' || text.length > 300 || text.startsWith('-') || /[\0-\x1f]/.test(text)) throw new ToolError('E_ARG_TYPE', `${name} ${foreign(text, 60)} is empty, too long, starts with - or holds control characters`, `give the ${name} as the service or the client names it`);
  return text;
}

function loadsOf(args: StartArgs): Pick<BenchRequest, 'parallel' | 'number' | 'rate'> {
  const rate = args.rate ?? null;
  if (rate !== null && !(rate > 0)) throw new ToolError('E_ARG_TYPE', `rate is ${rate}`, 'give requests per second above 0, or leave it out to send as fast as parallel allows');
  const parallel: (number | null)[] = (args.parallel ?? []).map((p) => whole('parallel', p, 1, limits.searchCap.value));
  if (parallel.length === 0) parallel.push(rate === null ? 1 : null);
  const number = (args.number ?? parallel.map((p) => defaults.perSlot * (p ?? defaults.perSlot))).map((n) => whole('number', n, 1, 1_000_000));
  if (number.length !== 1 && number.length !== parallel.length) throw new ToolError('E_ARG_CONFLICT', `parallel has ${parallel.length} entries and number ${number.length}`, 'they belong together pair by pair; one number serves all');
  return { parallel, number: parallel.map((_, i) => number[i] ?? number[0] ?? 1), rate };
}

/**
 * Checks what the arguments alone can tell, and admits the paths among them.
 * @throws ToolError E_ARG_*, E_PATH_*
 */
export async function readRequest(args: StartArgs, host: Host): Promise<BenchRequest> {
  const sla = args.sla_ttft_p99_ms === undefined && args.sla_tpot_p99_ms === undefined ? null : { ttft_p99_ms: args.sla_ttft_p99_ms ?? null, tpot_p99_ms: args.sla_tpot_p99_ms ?? null };
  const tokenizer = args.tokenizer_path === undefined ? null : await host.admit(args.tokenizer_path);
  const isFile = args.dataset?.startsWith('/') === true;
  const datasetPath = isFile ? await host.admit(args.dataset ?? '') : null;
  const dataset = isFile ? 'line_by_line' : plain('dataset', args.dataset ?? (tokenizer === null || args.client === 'probe' ? ownPrompts : 'random'));
  if (isFile && args.client !== 'evalscope') throw new ToolError('E_ARG_CONFLICT', `dataset is a file and client is ${args.client}`, 'a file of prompts, one a line, goes with client evalscope; leave dataset out to have prompts made');
  if (args.client === 'probe' && dataset !== ownPrompts) throw new ToolError('E_ARG_CONFLICT', 'client probe with a dataset', 'the probe sends prompts of its own; leave dataset out, or use another client');
  if (dataset === ownPrompts && (args.client === 'sglang' || args.client === 'aisbench')) throw new ToolError('E_ARG_MISSING', `client ${args.client} makes its prompts with a tokenizer, and tokenizer_path is absent`, 'give tokenizer_path: the folder of the model');
  if (args.client !== 'evalscope' && args.client !== 'probe' && tokenizer === null) throw new ToolError('E_ARG_MISSING', `client ${args.client} counts tokens with a tokenizer, and tokenizer_path is absent`, 'give tokenizer_path: the folder of the model');
  if (dataset === 'random' && tokenizer === null) throw new ToolError('E_ARG_MISSING', 'dataset random without tokenizer_path', 'give tokenizer_path, or leave dataset out');
  if (args.client === 'aisbench' && dataset !== 'random') throw new ToolError('E_ARG_CONFLICT', 'client aisbench with a dataset of another name than random', 'leave dataset out: its synthetic prompts are used');
  if (args.stream === false && args.client === 'vllm') throw new ToolError('E_ARG_CONFLICT', 'client vllm without streaming', 'vllm bench serve always streams; leave stream out');
  const loads = loadsOf(args);
  if (sla !== null && loads.parallel.length > 1) throw new ToolError('E_ARG_CONFLICT', 'a service level with several loads', 'give one: the search starts there and finds the others itself');
  if (sla !== null && args.stream === false) throw new ToolError('E_ARG_CONFLICT', 'a service level without streaming', 'TTFT and TPOT need a stream; leave stream out');
  if (loads.rate !== null && loads.parallel[0] === null && args.client === 'probe') throw new ToolError('E_ARG_CONFLICT', 'client probe with rate', 'the probe keeps parallel requests in flight; give parallel without rate');
  if (args.duration_s !== undefined && args.client !== 'evalscope') throw new ToolError('E_ARG_CONFLICT', `duration_s with client ${args.client}`, 'only evalscope can end by time; give number');
  const spans = dataset === 'random' || dataset === ownPrompts;
  return {
    endpoint: baseUrl(args.endpoint),
    model: plain('model', args.model),
    client: args.client,
    tokenizer,
    dataset,
    dataset_path: datasetPath,
    input_tokens: args.input_tokens === undefined ? (spans ? defaults.inputTokens : null) : whole('input_tokens', args.input_tokens, 1, 1_000_000),
    output_tokens: whole('output_tokens', args.output_tokens ?? defaults.outputTokens, 1, 1_000_000),
    ...loads,
    // Every slot is warm once, at the shape that is measured.
    warmup: whole('warmup', args.warmup ?? Math.max(1, ...loads.parallel.map((p) => p ?? 1)), 0, 100_000),
    repeats: whole('repeats', args.repeats ?? (sla === null ? defaults.repeats : defaults.searchRepeats), 1, 100),
    stream: args.stream ?? true,
    temperature: args.temperature ?? 0,
    top_p: args.top_p ?? null,
    top_k: args.top_k === undefined ? null : whole('top_k', args.top_k, -1, 1_000_000),
    seed: args.seed === undefined ? null : whole('seed', args.seed, 0, 2_147_483_647),
    ignore_eos: args.ignore_eos ?? true,
    duration_s: args.duration_s ?? null,
    sla,
  };
}
