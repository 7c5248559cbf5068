import { ToolError } from '../../contract/index.js';
import type { Capture } from '../../profiles/discover.js';
import { readCapture, type ReadOptions } from '../../profiles/read.js';
import { failureOf, type Failure, type Read } from '../../profiles/several.js';
import { analyzeCapture, type CaptureAnalysis, type CaptureOptions } from '../analyze/capture.js';

/** What one reading is asked for: it goes to a thread as it stands. */
export interface Item {
  readonly capture: Capture;
  readonly options: CaptureOptions;
}

/** A capture as it was read and analysed, its rows let go. */
export interface CaptureResult {
  readonly read: Read;
  readonly analysis: CaptureAnalysis;
}

export type Answer = { readonly result: CaptureResult } | { readonly failure: Failure };

export function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && ('result' in value || 'failure' in value);
}

/** Reads one capture and analyses it. Steps and gaps need no AI core counters: these are not kept. */
export async function answerFor({ capture, options }: Item, reading: ReadOptions = {}): Promise<Answer> {
  try {
    const { profile, failures, ...read } = await readCapture(capture, { ...reading, counters: 'none' });
    reading.progress?.('finding steps, bubbles and ranks');
    return { result: { read: { ...read, failures: failures.map(failureOf) }, analysis: analyzeCapture(profile, options) } };
  } catch (error) {
    if (error instanceof ToolError) return { failure: failureOf(error) };
    throw error;
  }
}
