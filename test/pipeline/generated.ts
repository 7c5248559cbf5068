import { expect } from 'vitest';
import { readProfile } from '../../server/profiles/read.js';
import { writeCapture, type CaptureForm } from '../../server/sim/write.js';
import type { Judged } from '../../server/pipeline/render.js';
import { makeSkewCapture, type SkewPlant } from '../generate/skew.js';
import { tempFolder, testHost } from '../helpers/temp.js';
import { judge } from './make.js';

export interface Truth {
  readonly steps: number;
  readonly period_us: number;
  /** Idle behind the host's work between two steps. */
  readonly bubble_us: number;
}

/** Plants a capture, writes it, and analyses what the reader finds in the files. */
export async function read(plant: Partial<SkewPlant>, form: CaptureForm): Promise<{ found: Judged; truth: Truth }> {
  const dir = await tempFolder();
  const made = makeSkewCapture({ layers: 4, ...plant });
  await writeCapture(dir, made.capture, [form]);
  const periods = made.stepStartUs.slice(1).map((start, i) => start - (made.stepStartUs[i] ?? Number.NaN));
  const middle = [...periods].sort((a, b) => a - b)[Math.ceil(periods.length / 2) - 1] ?? Number.NaN;
  return { found: judge(await readProfile([dir], testHost(dir))), truth: { steps: made.plant.steps, period_us: middle, bubble_us: made.syncIdleUs / (made.plant.steps - 1) } };
}

const within = (found: number | null | undefined, truth: number): void => expect(Math.abs((found ?? Number.NaN) / truth - 1), `${found} for ${truth}`).toBeLessThan(0.01);

/** Step count within 1, period and the bubble between steps within 1 %. */
export function holds({ analysis }: Judged, truth: Truth): void {
  expect(Math.abs(analysis.steps.count - truth.steps), `${analysis.steps.count} steps`).toBeLessThanOrEqual(1);
  within(analysis.steps.period_us?.p50, truth.period_us);
  const between = analysis.bubbles.filter((b) => b.where === 'between-steps').sort((a, b) => b.count - a.count)[0];
  // The copies around the host's work lie in the same gap, where the form shows them.
  const copies = between === undefined || between.memcpy_us === null ? 0 : between.memcpy_us / between.count;
  within((between?.p50_us ?? Number.NaN) - copies, truth.bubble_us);
}
