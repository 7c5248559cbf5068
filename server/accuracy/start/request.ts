import { baseUrl } from '../../programs/endpoint.js';
import { z } from 'zod';
import { foreign, ToolError } from '../../contract/index.js';
import { defaults } from '../thresholds.js';

export const levels = ['L1', 'L2', 'L3', 'L4', 'L5'] as const;

/** A request as the job keeps it: the same question gives the same one. */
export const requestShape = z.object({
  endpoint: z.string(),
  model: z.string(),
  level: z.enum(levels),
  datasets: z.array(z.string()),
  subsets: z.array(z.string()),
  limit: z.number().int().nullable(),
  temperature: z.number(),
  max_tokens: z.number().int(),
  eval_batch_size: z.number().int(),
  /** Admitted real path. */
  dataset_dir: z.string().nullable(),
  repeats: z.number().int(),
});
export type AccuracyRequest = z.output<typeof requestShape>;

export interface StartArgs {
  readonly run: string;
  readonly endpoint: string;
  readonly model: string;
  readonly level: AccuracyRequest['level'];
  readonly datasets?: string[] | undefined;
  readonly subsets?: string[] | undefined;
  readonly limit?: number | undefined;
  readonly temperature?: number | undefined;
  readonly max_tokens?: number | undefined;
  readonly eval_batch_size?: number | undefined;
  readonly dataset_dir?: string | undefined;
  readonly repeats?: number | undefined;
  readonly bisect_good?: string | undefined;
  readonly bisect_bad?: string | undefined;
  readonly bisect_command?: string | undefined;
  readonly dry_run?: boolean | undefined;
}

const word = /^[\p{L}\p{N}_][^\s,'"\\]*$/u;

function words(name: string, list: readonly string[]): string[] {
  for (const item of list) if (!word.test(item)) throw new ToolError('E_ARG_TYPE', `${name}: ${foreign(item, 60)} is not a name`, 'give the names evalscope uses, e.g. gsm8k, ceval, math_500');
  return [...list];
}

/**
 * The request a call means. @param datasetDir admitted
 * @throws ToolError E_ARG_TYPE, E_ARG_MISSING, E_ARG_CONFLICT when the arguments do not make the level
 */
export function readRequest(args: StartArgs, datasetDir: string | null): AccuracyRequest {
  const probe = args.level === 'L1' || args.level === 'L2';
  const datasets = words('datasets', args.datasets ?? []);
  const subsets = words('subsets', args.subsets ?? []);
  if (args.model.trim() === '' || args.model.startsWith('-')) throw new ToolError('E_ARG_TYPE', 'model is not a served name', 'give the id /v1/models shows');
  if (probe && (datasets.length > 0 || subsets.length > 0 || args.limit !== undefined || datasetDir !== null)) throw new ToolError('E_ARG_CONFLICT', `${args.level} asks the built-in probes; datasets, subsets, limit and dataset_dir belong to L3 and above`, 'leave them out, or choose L3');
  if (!probe && datasets.length === 0) throw new ToolError('E_ARG_MISSING', `${args.level} needs datasets`, 'e.g. datasets: ["gsm8k"]');
  if (args.level === 'L4' && datasets.length > 1) throw new ToolError('E_ARG_CONFLICT', 'L4 is one whole task', 'give one dataset, or choose L5');
  if ((args.level === 'L4' || args.level === 'L5') && args.limit !== undefined) throw new ToolError('E_ARG_CONFLICT', `${args.level} with a limit is a part of the task`, 'leave limit out, or choose L3');
  return {
    endpoint: baseUrl(args.endpoint),
    model: args.model,
    level: args.level,
    datasets,
    subsets,
    limit: args.level === 'L3' ? (args.limit ?? defaults.badCaseLimit.value) : null,
    temperature: args.temperature ?? 0,
    max_tokens: args.max_tokens ?? (probe ? defaults.probeMaxTokens : defaults.evalMaxTokens).value,
    eval_batch_size: args.eval_batch_size ?? defaults.evalBatchSize.value,
    dataset_dir: datasetDir,
    repeats: args.repeats ?? (probe ? defaults.probeRepeats.value : 1),
  };
}

/** Settings by the names a comparison looks at. */
export function settingsOf(request: AccuracyRequest, clientVersion: string | null): Record<string, string> {
  const probe = request.level === 'L1' || request.level === 'L2';
  return {
    temperature: String(request.temperature),
    max_tokens: String(request.max_tokens),
    repeats: String(request.repeats),
    ...(probe ? {} : { datasets: JSON.stringify(request.datasets), subsets: JSON.stringify(request.subsets), limit: String(request.limit), eval_batch_size: String(request.eval_batch_size) }),
    ...(clientVersion === null ? {} : { evalscope_version: clientVersion }),
  };
}
