import { basename, dirname, join } from 'node:path';
import { parse } from 'yaml';
import { foreign, ToolError } from '../../contract/index.js';
import { readText, walk } from '../../host/files.js';
import { limits } from '../thresholds.js';
import { finishOf, isRecord, numberOf, textOf, type Item, type ItemAnswer, type Side } from './items.js';
import { readLines } from './lines.js';

/** One model's part of an output folder. */
export interface EvalFolder {
  /** The folder that holds reviews/, predictions/, reports/, configs/. */
  readonly root: string;
  readonly model: string;
}

const place = /^(?:(.*)\/)?(reviews|predictions)\/([^/]+)\/[^/]+\.jsonl$/;

/** Evaluations below a folder: each time stamp and each model is one. A folder may also be that of one model's reviews. */
export async function findEvaluations(path: string): Promise<EvalFolder[]> {
  const files = await walk(path);
  const found = new Map<string, EvalFolder>();
  for (const file of files) {
    const match = place.exec(file);
    if (match?.[2] === undefined || match[3] === undefined) continue;
    const root = join(path, match[1] ?? '');
    found.set(`${root}\n${match[3]}`, { root, model: match[3] });
  }
  if (found.size === 0 && /^(?:reviews|predictions)$/.test(basename(dirname(path))) && files.some((f) => /^[^/]+\.jsonl$/.test(f))) return [{ root: dirname(dirname(path)), model: basename(path) }];
  if (found.size === 0 && /^(?:reviews|predictions)$/.test(basename(path))) return findEvaluations(dirname(path));
  return [...found.values()];
}

interface Prediction {
  readonly text: string | null;
  readonly finish: ItemAnswer['finish'];
  readonly outputTokens: number | null;
  readonly prompt: string | null;
}

const lastOf = (messages: unknown, role: string): string | null => {
  const list: unknown[] = Array.isArray(messages) ? messages : [];
  const found = list.findLast((m) => isRecord(m) && m['role'] === role);
  return isRecord(found) ? textOf(found['content']) : null;
};

/** A row of predictions/: evalscope's ModelResult. Its `length` is written as `max_tokens`. */
export function predictionOf(row: Record<string, unknown>): Prediction {
  const output = isRecord(row['model_output']) ? row['model_output'] : {};
  const choices: unknown = output['choices'];
  const choice: unknown = Array.isArray(choices) ? choices[0] : null;
  const message = isRecord(choice) && isRecord(choice['message']) ? choice['message'] : {};
  const usage = isRecord(output['usage']) ? output['usage'] : {};
  return {
    text: textOf(message['content']),
    finish: isRecord(choice) ? finishOf(choice['stop_reason']) : null,
    outputTokens: numberOf(usage['output_tokens']),
    prompt: lastOf(row['messages'], 'user') ?? (typeof row['input'] === 'string' ? row['input'] : null),
  };
}

interface Review {
  readonly key: string;
  readonly target: string | null;
  readonly score: number | null;
  readonly extracted: string | null;
  readonly text: string | null;
  readonly prompt: string | null;
}

/** Up to 1.10 a text; later a list of accepted answers, nearly always of one. */
function targetOf(target: unknown): string | null {
  const list: unknown[] = Array.isArray(target) ? target : [target];
  const only = list.length === 1 ? list[0] : target;
  if (only === undefined || only === null) return null;
  return typeof only === 'string' ? only : JSON.stringify(only);
}

/** A row of reviews/: evalscope's ReviewResult; the main score is the one named, else the first. */
export function reviewOf(row: Record<string, unknown>): Review {
  const sample = isRecord(row['sample_score']) ? row['sample_score'] : {};
  const score = isRecord(sample['score']) ? sample['score'] : {};
  const values = isRecord(score['value']) ? score['value'] : {};
  const main = typeof score['main_score_name'] === 'string' && score['main_score_name'] in values ? score['main_score_name'] : Object.keys(values)[0];
  const group = sample['group_id'] ?? sample['sample_id'] ?? row['index'];
  return {
    key: typeof group === 'string' || typeof group === 'number' ? String(group) : '',
    target: targetOf(row['target']),
    score: main === undefined ? null : numberOf(values[main]),
    extracted: typeof score['extracted_prediction'] === 'string' ? score['extracted_prediction'] : null,
    text: typeof score['prediction'] === 'string' ? score['prediction'] : null,
    prompt: lastOf(row['messages'], 'user') ?? (typeof row['input'] === 'string' ? row['input'] : null),
  };
}

/** `gpqa_diamond_default` → dataset and subset: by the dataset names the reports know, else at the last underscore. */
export function splitName(stem: string, datasets: readonly string[]): { readonly dataset: string; readonly subset: string } {
  const known = datasets.filter((d) => stem === d || stem.startsWith(`${d}_`)).sort((a, b) => b.length - a.length)[0];
  if (known !== undefined) return { dataset: known, subset: stem.slice(known.length + 1) };
  const at = stem.lastIndexOf('_');
  return at < 0 ? { dataset: stem, subset: '' } : { dataset: stem.slice(0, at), subset: stem.slice(at + 1) };
}

/** What must be equal for two evaluations to be one. */
const settingNames = ['datasets', 'few_shot_num', 'prompt_template', 'generation_config', 'seed', 'limit', 'repeats', 'evalscope_version', 'chat_template'] as const;

const benchmarkNames = ['few_shot_num', 'few_shot_random', 'prompt_template', 'few_shot_prompt_template', 'system_prompt', 'subset_list', 'filters', 'eval_split', 'dataset_revision', 'shuffle_choices'] as const;

function settingsOf(config: unknown): Record<string, string> {
  if (!isRecord(config)) return {};
  const flat: Record<string, string> = {};
  const put = (name: string, value: unknown): void => {
    if (value !== undefined && value !== null) flat[name] = typeof value === 'string' ? value : JSON.stringify(value);
  };
  for (const name of settingNames) put(name, config[name]);
  const generation = config['generation_config'];
  if (isRecord(generation)) {
    delete flat['generation_config'];
    for (const [k, v] of Object.entries(generation)) if (k !== 'batch_size' && k !== 'stream') put(`generation_config.${k}`, v);
  }
  // dataset_args is what was asked, resolved_benchmarks (after 1.10) what was then used, defaults included.
  for (const source of ['dataset_args', 'resolved_benchmarks'] as const) {
    const perDataset = config[source];
    if (isRecord(perDataset)) for (const [dataset, args] of Object.entries(perDataset)) if (isRecord(args)) for (const name of benchmarkNames) put(`${dataset}.${name}`, args[name]);
  }
  const identity = config['evaluation_identity'];
  // Its fingerprint is not one of the questions: it also hashes the service's URL, the model's name and the dataset's path.
  if (isRecord(identity) && isRecord(identity['benchmarks'])) for (const [dataset, b] of Object.entries(identity['benchmarks'])) if (isRecord(b)) put(`${dataset}.evaluation_version`, b['evaluation_version']);
  return flat;
}

async function readConfig(root: string): Promise<{ settings: Record<string, string>; path: string | null }> {
  const names = (await walk(join(root, 'configs'))).filter((f) => /^task_config[^/]*\.ya?ml$/.test(f));
  const name = names.at(-1);
  if (name === undefined) return { settings: {}, path: null };
  const path = join(root, 'configs', name);
  try {
    return { settings: settingsOf(parse((await readText(path)) ?? '')), path };
  } catch {
    return { settings: {}, path: null };
  }
}

/** Datasets and asked-for samples of reports/<model>/<dataset>.json. Only reports of version 2 tell what failed. */
async function readReports(root: string, model: string): Promise<{ datasets: string[]; requested: number | null; paths: string[] }> {
  const folder = join(root, 'reports', model);
  const names = (await walk(folder)).filter((f) => /^[^/]+\.json$/.test(f));
  let requested: number | null = null;
  const paths: string[] = [];
  for (const name of names) {
    try {
      const report: unknown = JSON.parse((await readText(join(folder, name))) ?? 'null');
      paths.push(join(folder, name));
      const summary = isRecord(report) ? report['execution_summary'] : null;
      const asked = isRecord(summary) ? numberOf(summary['requested']) : null;
      if (asked !== null) requested = (requested ?? 0) + asked;
    } catch {
      // A report that is cut says nothing; the rows are judged without it.
    }
  }
  return { datasets: names.map((n) => n.replace(/\.json$/, '')), requested, paths };
}

/**
 * One evaluation of evalscope: reviews joined with predictions by index. Rows of one sample with several generations are one item.
 * @throws ToolError E_FORMAT_UNKNOWN, E_JSON_BROKEN, E_FILE_EMPTY
 */
export async function readEvaluation({ root, model }: EvalFolder): Promise<Side> {
  const [config, reports] = [await readConfig(root), await readReports(root, model)];
  const names = async (kind: string): Promise<string[]> => (await walk(join(root, kind, model))).filter((f) => f.endsWith('.jsonl')).slice(0, limits.files.value);
  const [reviewFiles, predictionFiles] = [await names('reviews'), await names('predictions')];
  const notes: { code: string; detail: string }[] = [];
  const sources: string[] = [];
  const items = new Map<string, { item: Omit<Item, 'answers'>; answers: ItemAnswer[] }>();
  for (const file of new Set([...reviewFiles, ...predictionFiles])) {
    const { dataset, subset } = splitName(file.replace(/\.jsonl$/, ''), reports.datasets);
    const read = async (kind: string): Promise<readonly Record<string, unknown>[]> => {
      const path = join(root, kind, model, file);
      const lines = await readLines(path);
      sources.push(path);
      if (lines.broken > 0) notes.push({ code: 'W-BROKEN-ROWS', detail: `${lines.broken} lines of ${kind}/${foreign(file, 120)} are not JSON and were left out` });
      return lines.rows;
    };
    const predictions = new Map<unknown, Prediction>();
    if (predictionFiles.includes(file)) for (const row of await read('predictions')) predictions.set(row['index'], predictionOf(row));
    const add = (key: string, prediction: Prediction | undefined, review: Review | null): void => {
      const id = `${dataset}/${subset}/${key}`;
      const known = items.get(id) ?? { item: { id, dataset, subset, target: review?.target ?? null, prompt: prediction?.prompt ?? review?.prompt ?? null }, answers: [] };
      known.answers.push({ score: review?.score ?? null, text: prediction?.text ?? review?.text ?? null, extracted: review?.extracted ?? null, finish: prediction?.finish ?? null, outputTokens: prediction?.outputTokens ?? null });
      items.set(id, known);
    };
    const reviewed = new Set<unknown>();
    if (reviewFiles.includes(file)) {
      for (const row of await read('reviews')) {
        const review = reviewOf(row);
        reviewed.add(row['index']);
        add(review.key, predictions.get(row['index']), review);
      }
    }
    for (const [index, prediction] of predictions) if (!reviewed.has(index)) add(String(index), prediction, null);
  }
  if (items.size === 0) throw new ToolError('E_FORMAT_UNKNOWN', `no reviews or predictions of ${foreign(model, 80)} below ${foreign(root, 200)}`, 'give the folder evalscope eval wrote (reviews/, predictions/, reports/)');
  return {
    format: 'evalscope',
    items: [...items.values()].map(({ item, answers }) => ({ ...item, answers })),
    settings: config.settings,
    requested: reports.requested,
    simulated: false,
    notes,
    sources: [...sources, ...(config.path === null ? [] : [config.path]), ...reports.paths],
  };
}
