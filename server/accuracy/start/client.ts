import { basename, join } from 'node:path';
import { ToolError } from '../../contract/index.js';
import { isFolder } from '../../host/files.js';
import type { Host } from '../../host/host.js';
import { programPlaces } from '../../host/programs.js';
import { evalscopeVersion } from '../../programs/evalscope.js';
import { evalArgs } from '../../programs/evalscope-eval.js';
import { parseHelp } from '../../programs/help.js';
import type { AccuracyRequest } from './request.js';

export interface EvalPlan {
  /** Absolute path of evalscope, then its arguments. */
  readonly argv: readonly string[];
  readonly version: string | null;
}

/** evalscope imports a lot before it says anything. */
const slowStartMs = 120_000;

/** Which datasets lie below the folder as mirrors, or are the folder itself; the rest is found by the cache. */
async function mirrorsIn(folder: string | null, datasets: readonly string[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  if (folder !== null) for (const dataset of datasets) {
    if (await isFolder(join(folder, dataset))) found[dataset] = join(folder, dataset);
    else if (basename(folder) === dataset) found[dataset] = folder;
  }
  return found;
}

/** The command for the evalscope that is installed here. @throws ToolError E_PROGRAM_MISSING, E_PROGRAM_FAILED, E_ARG_CONFLICT */
export async function planEval(request: AccuracyRequest, host: Host, workDir: string): Promise<EvalPlan> {
  const program = await host.has('evalscope');
  if (program === null) throw new ToolError('E_PROGRAM_MISSING', `evalscope was not found; looked for ${programPlaces('evalscope').join(', ')}`, 'install it in the environment the server starts from (pip install evalscope), or run L1 or L2, which need no client');
  const [help, told] = await Promise.all([host.run('evalscope', ['eval', '--help'], { timeoutMs: slowStartMs }), host.run('evalscope', ['--version'], { timeoutMs: slowStartMs })]);
  if (help.exitCode !== 0) throw new ToolError('E_PROGRAM_FAILED', 'evalscope eval --help ended with an error', 'run it by hand; a broken installation is the usual cause');
  const version = told.exitCode === 0 ? evalscopeVersion(told.stdout) : null;
  const mirrors = await mirrorsIn(request.dataset_dir, request.datasets);
  const args = evalArgs(
    {
      model: request.model,
      endpoint: request.endpoint,
      datasets: request.datasets,
      subsets: request.subsets,
      limit: request.limit,
      temperature: request.temperature,
      maxTokens: request.max_tokens,
      batchSize: request.eval_batch_size,
      repeats: request.repeats,
      seed: 42,
      datasetDir: Object.keys(mirrors).length === request.datasets.length ? null : request.dataset_dir,
      mirrors,
      workDir,
    },
    parseHelp(help.stdout),
    version,
  );
  return { argv: [program, ...args], version };
}
