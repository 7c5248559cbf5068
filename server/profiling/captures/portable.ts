import { readCapture, type ReadOptions } from '../../profiles/read.js';
import type { Capture } from '../../profiles/discover.js';
import { failureOf, type Failure } from '../../profiles/several.js';
import { ToolError } from '../../contract/index.js';
import { limitRules } from '../analyze/kernel.js';
import { analyzeCapture, type CaptureAnalysis } from '../analyze/capture.js';

/** Reads and analyses one capture; the analysis as JSON text, the profile is let go. @throws ToolError of the reader */
export async function captureText(capture: Capture, options: ReadOptions = {}): Promise<string> {
  const { profile, failures, ...read } = await readCapture(capture, { ...options, counters: limitRules });
  return JSON.stringify(analyzeCapture(profile, { ...read, failures: failures.map(failureOf) }));
}

/** The shape is that of the very version that wrote it, and a checksum or a thread of ours stands for the bytes: this only tells it from other JSON. */
export function isCaptureAnalysis(value: unknown): value is CaptureAnalysis {
  return typeof value === 'object' && value !== null && 'devices' in value && 'facts' in value && 'holdings' in value && 'compared' in value;
}

/** An analysis out of its text; null for anything else. */
export function fromText(text: string): CaptureAnalysis | null {
  try {
    const value: unknown = JSON.parse(text);
    return isCaptureAnalysis(value) ? value : null;
  } catch {
    return null;
  }
}

/** What a thread answers: the text of an analysis, or why there is none. */
export type Answer = { readonly text: string } | { readonly failure: Failure };

export function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && ('text' in value || 'failure' in value);
}

export async function answerFor(capture: Capture, options: ReadOptions = {}): Promise<Answer> {
  try {
    return { text: await captureText(capture, options) };
  } catch (error) {
    if (error instanceof ToolError) return { failure: failureOf(error) };
    throw error;
  }
}
