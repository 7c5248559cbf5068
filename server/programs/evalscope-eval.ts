import { ToolError } from '../contract/index.js';

/** evalscope eval as a client of an OpenAI-compatible service: typed request → argv. Pure. */

export interface EvalRequest {
  /** Name the service serves. */
  readonly model: string;
  /** Base URL without /v1. */
  readonly endpoint: string;
  readonly datasets: readonly string[];
  /** Subsets of one dataset, or `dataset/subset` for several. */
  readonly subsets: readonly string[];
  /** Items a subset; null: all. */
  readonly limit: number | null;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly batchSize: number;
  readonly repeats: number;
  readonly seed: number;
  /** Cache root of datasets; null: evalscope's own. */
  readonly datasetDir: string | null;
  /** Local mirrors of datasets (`modelscope download --local_dir`), by dataset. */
  readonly mirrors: Readonly<Record<string, string>>;
  readonly workDir: string;
}

/** Subsets by dataset. @throws ToolError E_ARG_CONFLICT for a plain subset beside several datasets */
export function subsetsBy(datasets: readonly string[], subsets: readonly string[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const given of subsets) {
    const dataset = datasets.find((d) => given.startsWith(`${d}/`)) ?? (datasets.length === 1 ? datasets[0] : undefined);
    if (dataset === undefined) throw new ToolError('E_ARG_CONFLICT', 'a subset that names none of several datasets', 'write dataset/subset when there are several datasets');
    const name = given.startsWith(`${dataset}/`) ? given.slice(dataset.length + 1) : given;
    found[dataset] = [...(found[dataset] ?? []), name];
  }
  return found;
}

/** Flags every version since 1.0 has. */
const required = ['model', 'api-url', 'datasets', 'generation-config', 'eval-batch-size', 'work-dir', 'eval-type'] as const;

/**
 * Arguments of `evalscope`, for the version that is installed.
 * @param offered flags its help page names, without dashes; a flag it does not know is left out where nothing depends on it
 * @param version null: not known
 * @throws ToolError E_ARG_CONFLICT when the installed version can not do what is asked
 */
export function evalArgs(request: EvalRequest, offered: ReadonlySet<string>, version: string | null): string[] {
  const missing = required.filter((f) => !offered.has(f));
  if (missing.length > 0) throw new ToolError('E_ARG_CONFLICT', `the installed evalscope has no flag ${missing.join(', ')}`, 'install evalscope 1.0 or newer');
  const need = (flag: string, why: string): void => {
    if (!offered.has(flag)) throw new ToolError('E_ARG_CONFLICT', `the installed evalscope has no --${flag}, which ${why} needs`, 'install a newer evalscope, or leave the argument out');
  };
  const bySubset = subsetsBy(request.datasets, request.subsets);
  const datasetArgs: Record<string, { subset_list?: string[]; dataset_id?: string }> = {};
  for (const dataset of request.datasets) {
    const subset_list = bySubset[dataset];
    const dataset_id = request.mirrors[dataset];
    if (subset_list !== undefined || dataset_id !== undefined) datasetArgs[dataset] = { ...(subset_list === undefined ? {} : { subset_list }), ...(dataset_id === undefined ? {} : { dataset_id }) };
  }
  // 0.x called the type of a service "service"; 1.x renamed it and keeps the old word.
  const type = version !== null && !version.startsWith('0.') ? 'openai_api' : 'service';
  const args = [
    'eval', '--model', request.model, '--api-url', `${request.endpoint}/v1`, '--eval-type', type,
    '--datasets', ...request.datasets,
    '--generation-config', JSON.stringify({ temperature: request.temperature, max_tokens: request.maxTokens }),
    '--eval-batch-size', String(request.batchSize),
    '--work-dir', request.workDir,
  ];
  if (offered.has('api-key')) args.push('--api-key', 'EMPTY');
  if (offered.has('seed')) args.push('--seed', String(request.seed));
  if (offered.has('no-timestamp')) args.push('--no-timestamp');
  if (offered.has('enable-progress-tracker')) args.push('--enable-progress-tracker');
  if (Object.keys(datasetArgs).length > 0) {
    need('dataset-args', 'subsets or a local dataset');
    args.push('--dataset-args', JSON.stringify(datasetArgs));
  }
  if (request.limit !== null) {
    need('limit', 'limit');
    args.push('--limit', String(request.limit));
  }
  if (request.repeats > 1) {
    need('repeats', 'repeats');
    args.push('--repeats', String(request.repeats));
  }
  if (request.datasetDir !== null) {
    need('dataset-dir', 'dataset_dir');
    args.push('--dataset-dir', request.datasetDir);
  }
  return args;
}
