import type { Host } from '../../host/host.js';
import { canThread, sideBySide } from '../../host/sideBySide.js';
import { cores } from '../../profiles/cores.js';
import { discover, type Capture } from '../../profiles/discover.js';
import { errorOf, mustSay, notesOf } from '../../profiles/several.js';
import { joined, type Analysis } from '../analyze/analyze.js';
import type { CaptureOptions } from '../analyze/capture.js';
import { limits } from '../thresholds.js';
import { answerFor, isAnswer, type Answer, type CaptureResult, type Item } from './answer.js';

export interface ReadOptions {
  readonly signal?: AbortSignal;
  readonly progress?: (message: string) => void;
}

const bytesOf = (captures: readonly Capture[]): number => captures.reduce((a, c) => a + c.files.reduce((b, f) => b + f.bytes, 0), 0);

/** Answers for captures in their order, several side by side where that pays: memory grows with the threads, not with the captures. */
async function answers(captures: readonly Capture[], options: CaptureOptions, { signal, progress }: ReadOptions): Promise<Answer[]> {
  const lanes = canThread() && bytesOf(captures) >= limits.threadedBytes.value ? Math.min(cores(), captures.length) : 1;
  const found: Answer[] = [];
  let done = 0;
  const reading = { ...(signal === undefined ? {} : { signal }), ...(progress === undefined ? {} : { progress }) };
  const work = { module: new URL('./captureWorker.js', import.meta.url), isAnswer, here: (item: Item): Promise<Answer> => answerFor(item, reading) };
  await sideBySide(captures.map((capture): Item => ({ capture, options })), lanes, work, signal ?? new AbortController().signal, (index, answer) => {
    found[index] = answer;
    done += 1;
    if (captures.length > 1) progress?.(`${done} of ${captures.length} captures read`);
  });
  return found;
}

function resultOf(answer: Answer): CaptureResult {
  if ('failure' in answer) throw errorOf(answer.failure);
  return answer.result;
}

/**
 * Reads every capture below the paths by itself and puts all together.
 * @param options.ranks ranks asked for; null: all
 * @throws ToolError of discover and the reader (of the first capture in order), E_PROFILE_NO_DEVICE_DATA, E_ARG_TYPE
 */
export async function analyzePaths(paths: readonly string[], host: Host, options: ReadOptions & { readonly boundary: CaptureOptions['boundary']; readonly ranks: readonly number[] | null }): Promise<Analysis> {
  const { captures, unexported } = await discover(paths, host);
  const results = (await answers(captures, { boundary: options.boundary, compare: captures.length > 1 }, options)).map(resultOf);
  mustSay(results.map((r) => r.read), paths[0] ?? '');
  return joined(results.map((r) => r.analysis), notesOf(results.map((r) => r.read), unexported), options.ranks);
}
