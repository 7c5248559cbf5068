import { basename, dirname, join } from 'node:path';
import { foreign, ToolError } from '../../contract/index.js';
import { exists, isFolder } from '../../host/files.js';
import { findEvaluations, readEvaluation } from './evalscope.js';
import type { Side } from './items.js';
import { readRows } from './rows.js';

export const rowsName = 'raw_predictions.jsonl';
export const configName = 'request_config.json';

/**
 * One side from an evalscope output folder, a folder accuracy_start wrote, or a file of rows.
 * @param path admitted real path
 * @throws ToolError E_FORMAT_UNKNOWN, E_ARG_CONFLICT when a folder holds several evaluations, and what reading them throws
 */
export async function readSide(path: string): Promise<Side> {
  if (!(await isFolder(path))) {
    const config = join(dirname(path), configName);
    if (/^(?:reviews|predictions)$/.test(basename(dirname(dirname(path))))) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 300)} is one file of an evalscope output`, 'give the folder that holds reviews/ and predictions/');
    return readRows(path, (await exists(config)) ? config : null);
  }
  const rows = join(path, rowsName);
  if (await exists(rows)) return readRows(rows, join(path, configName));
  return readEvaluationOf(path);
}

/** The one evaluation below a folder of evalscope. @throws ToolError E_FORMAT_UNKNOWN, E_ARG_CONFLICT */
export async function readEvaluationOf(path: string): Promise<Side> {
  const found = await findEvaluations(path);
  const [only] = found;
  if (only === undefined) throw new ToolError('E_FORMAT_UNKNOWN', `${foreign(path, 300)} holds neither reviews/ nor predictions/ of evalscope, nor ${rowsName}`, 'give the output folder of an evaluation, or JSON lines {id, target, prediction, score}');
  if (found.length > 1) throw new ToolError('E_ARG_CONFLICT', `${foreign(path, 200)} holds ${found.length} evaluations: ${found.slice(0, 4).map((f) => foreign(join(f.root.slice(path.length), 'reviews', f.model), 80)).join(', ')}`, 'name the folder reviews/<model> of one of them');
  return readEvaluation(only);
}
