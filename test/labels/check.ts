import { join } from 'node:path';
import { expect } from 'vitest';
import { readProfile } from '../../server/profiles/read.js';
import { judged } from '../../server/profiling/derive.js';
import type { Judged } from '../../server/profiling/render.js';
import { makeDecodeCapture, type DecodeCapture } from '../../server/sim/llm-capture.js';
import type { DecodeOptions } from '../../server/sim/llm-options.js';
import { scenarios } from '../../server/sim/scenarios.js';
import { writeCapture, type CaptureForm } from '../../server/sim/write.js';
import { tempFolder, testHost } from '../helpers/temp.js';
import { needsPmu, type Form, type Label } from './labels.js';

const dir = await tempFolder();
const host = testHost(dir);
let count = 0;

/** Generates one form of a capture and judges it; what was planted beside. */
export async function judgeForm(options: Partial<DecodeOptions>, form: CaptureForm): Promise<{ j: Judged; made: DecodeCapture }> {
  const made = makeDecodeCapture(options);
  const folder = join(dir, String((count += 1)));
  await writeCapture(folder, made.capture, [form]);
  return { j: judged(await readProfile([folder], host)), made };
}

export function loud(j: Judged): string[] {
  return j.findings.filter((f) => f.severity === 'high' || f.severity === 'medium').map((f) => f.id);
}

/** Everything a label says of one form. */
export async function checkLabel(label: Label, form: Form): Promise<void> {
  const { j, made } = await judgeForm({ ...scenarios[label.scenario].options, ...label.options }, form);
  const ids = j.findings.map((f) => f.id);
  const codes = j.analysis.incomplete.map((n) => n.code);
  for (const wanted of label.expect) {
    const found = j.findings.find((f) => f.id === wanted.id);
    const gap = label.known_gaps.find((g) => g.form === form && g.finding === wanted.id);
    if (gap !== undefined) {
      expect(ids).not.toContain(wanted.id);
      expect(codes).toContain(gap.code);
      continue;
    }
    expect(ids).toContain(wanted.id);
    if (wanted.value !== undefined) expect(Math.abs(Number(found?.value) / wanted.value - 1)).toBeLessThanOrEqual(wanted.within ?? 0);
    if (wanted.share !== undefined) expect(found?.share_pct ?? 0).toBeGreaterThanOrEqual(wanted.share);
    for (const e of found?.evidence ?? []) expect([e.path, e.where, e.detail].every((t) => t !== '')).toBe(true);
    expect(found?.evidence.length).toBeGreaterThan(0);
    expect(found?.action.length).toBeGreaterThan(20);
  }
  for (const id of label.must_not) if (!(label.consequences ?? []).includes(id)) expect(ids).not.toContain(id);
  const allowed = [...label.expect.map((e) => e.id), ...(label.consequences ?? [])];
  expect(loud(j).filter((id) => !allowed.includes(id))).toEqual([]);
  // A cause that cannot be proven is called idle, never launch or wait.
  if (ids.includes('device-idle')) expect(codes).toContain('no-host-api');
  expect(j.bottleneck.class).toBe(form === 'msprof-timeline' && needsPmu.has(label.class) ? 'inconclusive' : label.class);
  for (const t of made.truth.windows) {
    const w = j.analysis.windows.find((x) => x.device === t.device);
    expect(w?.span_us).toBeCloseTo(t.span_us, 2);
    expect(w?.computing_us).toBeCloseTo(t.computing_us, 2);
    expect(w?.communication_not_overlapped_us).toBeCloseTo(t.communicationNotOverlapped_us, 2);
    expect(w?.free_us).toBeCloseTo(t.free_us, 2);
  }
}
