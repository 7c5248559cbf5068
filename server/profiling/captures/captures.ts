import { ToolError } from '../../contract/index.js';
import type { Host } from '../../host/host.js';
import { canThread, sideBySide } from '../../host/sideBySide.js';
import { cores } from '../../profiles/cores.js';
import { discover, type Capture } from '../../profiles/discover.js';
import { errorOf, mustSay, notesOf } from '../../profiles/several.js';
import { joined, type Analysis } from '../analyze/analyze.js';
import type { CaptureAnalysis } from '../analyze/capture.js';
import { limits } from '../thresholds.js';
import type { Identity } from '../../host/cache.js';
import { captureIdentity, keep, recall } from './cache.js';
import { answerFor, fromText, isAnswer, type Answer } from './portable.js';

export interface AnalyzeOptions {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((message: string) => void) | undefined;
  /** False: every capture is read again, and nothing is kept. */
  readonly cache: boolean;
}

/** Captures below some paths, and which of them the cache knows. */
export interface Plan {
  readonly path: string;
  readonly captures: readonly Capture[];
  readonly unexported: readonly string[];
  /** By capture; null: to be read. */
  readonly known: readonly (CaptureAnalysis | null)[];
  /** As the cache names them; empty without a cache. */
  readonly keys: readonly Identity[];
  /** Of the captures to be read. */
  readonly bytes: number;
}

const bytesOf = (capture: Capture): number => capture.files.reduce((a, f) => a + f.bytes, 0);

/** Finds captures and looks them up. @throws ToolError of discover */
export async function planned(paths: readonly string[], host: Host, cache: boolean): Promise<Plan> {
  const { captures, unexported } = await discover(paths, host);
  const keys = cache ? await Promise.all(captures.map(captureIdentity)) : [];
  const known = await Promise.all(captures.map(async (_, i) => {
    const key = keys[i];
    return key === undefined ? null : recall(host, key);
  }));
  return { path: paths[0] ?? '', captures, unexported, known, keys, bytes: captures.reduce((a, c, i) => a + (known[i] === null ? bytesOf(c) : 0), 0) };
}

function analysisOf(answer: Answer): CaptureAnalysis {
  if ('failure' in answer) throw errorOf(answer.failure);
  const analysis = fromText(answer.text);
  if (analysis === null) throw new ToolError('E_INTERNAL', 'an analysis that is none', 'report this as a defect of the server');
  return analysis;
}

/**
 * Reads what is not known, every capture by itself, and puts all together. What is finished before an abort stays in the cache.
 * @throws ToolError of the reader (of the first capture in order), E_PROFILE_NO_DEVICE_DATA when no capture says anything of a device
 */
export async function readPlanned(plan: Plan, host: Host, options: AnalyzeOptions): Promise<Analysis> {
  const { captures, known, keys } = plan;
  const open = captures.map((_, i) => i).filter((i) => known[i] === null);
  const answers = new Map<number, Answer>();
  const signal = options.signal ?? new AbortController().signal;
  const threads = canThread() && open.length > 1 && plan.bytes >= limits.threadedBytes.value ? Math.min(cores(), open.length) : 1;
  const work = { module: new URL('./captureWorker.js', import.meta.url), isAnswer, here: (capture: Capture): Promise<Answer> => answerFor(capture, { signal }) };
  await sideBySide(open.flatMap((i) => captures[i] ?? []), threads, work, signal, async (at, answer) => {
    const i = open[at] ?? 0;
    answers.set(i, answer);
    options.progress?.(`${answers.size} of ${open.length} captures read`);
    const key = keys[i];
    // A file that could not be read may be readable later without a change of its times.
    const analysis = 'text' in answer ? fromText(answer.text) : null;
    if (options.cache && key !== undefined && analysis?.failures.length === 0) await keep(host, key, analysis);
  });
  const all = captures.map((_, i) => known[i] ?? analysisOf(answers.get(i) ?? { failure: { code: 'E_INTERNAL', seen: 'a capture was left out', next: 'report this as a defect of the server' } }));
  mustSay(all, plan.path);
  return joined(all, notesOf(all, plan.unexported));
}

/** Everything the tables and the judge need of the captures below the paths. @throws ToolError as readProfile */
export async function analyzePaths(paths: readonly string[], host: Host, options: AnalyzeOptions): Promise<Analysis> {
  return readPlanned(await planned(paths, host, options.cache), host, options);
}
