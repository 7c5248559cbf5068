import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readProfile } from '../../server/profiles/read.js';
import { judged } from '../../server/profiling/derive.js';
import type { Judged } from '../../server/profiling/render.js';
import { makeDecodeCapture } from '../../server/sim/llm-capture.js';
import { scenarios, type ScenarioName } from '../../server/sim/scenarios.js';
import { writeCapture, type CaptureForm } from '../../server/sim/write.js';
import { tempFolder, testHost } from '../helpers/temp.js';

const dir = await tempFolder();
const host = testHost(dir);
let folders = 0;

async function read(name: ScenarioName, forms: readonly CaptureForm[]): Promise<{ j: Judged; truth: ReturnType<typeof makeDecodeCapture>['truth'] }> {
  const { capture, truth } = makeDecodeCapture(scenarios[name].options);
  const folder = join(dir, `${name}-${forms.join('-')}-${(folders += 1)}`);
  await writeCapture(folder, capture, forms);
  return { j: judged(await readProfile([folder], host)), truth };
}

const db: CaptureForm[] = ['msprof-db'];

/** What each plant must come out as, from the plant itself: the class, and what must and must not be found. */
const labels: { name: ScenarioName; class: string; must: string[]; mustNot: string[] }[] = [
  { name: 'balanced', class: 'memory-bound', must: [], mustNot: ['host-bound-launch', 'host-bound-sync', 'comm-exposed', 'aicpu-fallback', 'layout-conversion', 'block-under-use', 'freq-drop', 'slow-link', 'op-compile'] },
  { name: 'host-bound-launch', class: 'host-bound', must: ['host-bound-launch'], mustNot: ['host-bound-sync', 'comm-exposed'] },
  { name: 'host-bound-sync', class: 'memory-bound', must: ['host-bound-sync'], mustNot: ['host-bound-launch'] },
  { name: 'cube-bound', class: 'compute-bound', must: ['cube-bound'], mustNot: ['mte2-bound', 'host-bound-launch'] },
  { name: 'mte2-bound', class: 'memory-bound', must: ['mte2-bound'], mustNot: ['cube-bound', 'vector-bound'] },
  { name: 'vector-bound', class: 'compute-bound', must: ['vector-bound'], mustNot: ['mte2-bound'] },
  { name: 'scalar-bound', class: 'compute-bound', must: ['scalar-bound'], mustNot: ['cube-bound'] },
  { name: 'comm-exposed', class: 'communication-bound', must: ['comm-exposed'], mustNot: ['host-bound-launch', 'host-bound-sync'] },
  { name: 'slow-link', class: 'memory-bound', must: ['slow-link'], mustNot: ['comm-exposed'] },
  { name: 'aicpu-fallback', class: 'memory-bound', must: ['aicpu-fallback'], mustNot: ['host-bound-launch'] },
  { name: 'op-compile', class: 'host-bound', must: ['op-compile'], mustNot: ['host-bound-sync'] },
  { name: 'layout-conversion', class: 'compute-bound', must: ['layout-conversion'], mustNot: ['unfused-rmsnorm'] },
  { name: 'unfused-rmsnorm', class: 'memory-bound', must: ['unfused-rmsnorm'], mustNot: ['unfused-add-rmsnorm', 'unfused-swiglu', 'unfused-rotary'] },
  { name: 'unfused-add-rmsnorm', class: 'memory-bound', must: ['unfused-add-rmsnorm'], mustNot: ['unfused-rmsnorm', 'unfused-swiglu'] },
  { name: 'unfused-swiglu', class: 'memory-bound', must: ['unfused-swiglu'], mustNot: ['unfused-rotary', 'unfused-add-rmsnorm'] },
  { name: 'unfused-rotary', class: 'memory-bound', must: ['unfused-rotary'], mustNot: ['unfused-swiglu', 'unfused-attention'] },
  { name: 'unfused-quant', class: 'memory-bound', must: ['unfused-quant'], mustNot: ['unfused-rmsnorm'] },
  { name: 'unfused-attention', class: 'memory-bound', must: ['unfused-attention'], mustNot: ['unfused-rmsnorm'] },
  { name: 'block-under-use', class: 'memory-bound', must: ['block-under-use'], mustNot: ['freq-drop'] },
  { name: 'freq-drop', class: 'memory-bound', must: ['freq-drop'], mustNot: ['block-under-use'] },
  { name: 'dynamic-shape', class: 'memory-bound', must: ['dynamic-shape'], mustNot: ['host-bound-launch'] },
];

describe('generated captures, msprof database', () => {
  it.each(labels)('$name', async ({ name, class: expected, must, mustNot }) => {
    const { j, truth } = await read(name, db);
    expect(j.bottleneck.class).toBe(expected);
    const ids = j.findings.map((f) => f.id);
    for (const id of must) expect(ids).toContain(id);
    for (const id of mustNot) expect(ids).not.toContain(id);
    if (name === 'balanced') expect(j.findings.filter((f) => f.severity === 'high' || f.severity === 'medium')).toEqual([]);
    for (const t of truth.windows) {
      const w = j.analysis.windows.find((x) => x.device === t.device);
      expect(w?.computing_us).toBeCloseTo(t.computing_us, 2);
      expect(w?.free_us).toBeCloseTo(t.free_us, 2);
      expect(w?.span_us).toBeCloseTo(t.span_us, 2);
      expect(w?.communication_us).toBeCloseTo(t.communication_us, 2);
      expect(w?.communication_not_overlapped_us).toBeCloseTo(t.communicationNotOverlapped_us, 2);
    }
  });

  it('a planted fragmentation, from the torch export', async () => {
    const { j } = await read('memory-fragmentation', ['torch-text']);
    const found = j.findings.find((f) => f.id === 'memory-fragmentation');
    expect(found?.severity).toBe('medium');
    expect(Number(found?.value)).toBeCloseTo(35, 0);
  });

  it('wait and transit of collectives as planted, per device', async () => {
    const { j, truth } = await read('comm-exposed', db);
    for (const t of truth.windows) {
      const rows = (j.analysis.communication ?? []).filter((r) => r.device === t.device);
      expect(rows.reduce((a, r) => a + (r.transit_us ?? 0), 0)).toBeCloseTo(t.commTransit_us, 1);
      expect(rows.reduce((a, r) => a + (r.wait_us ?? 0), 0)).toBeCloseTo(t.commWait_us, 1);
    }
  });

  it('a Level0 capture proves nothing', async () => {
    const { capture } = makeDecodeCapture({ level: 'l0', launchUs: 150 });
    const folder = join(dir, 'l0');
    await writeCapture(folder, capture, ['msprof-csv']);
    expect(judged(await readProfile([folder], host)).bottleneck.class).toBe('inconclusive');
  });
});

describe('the same capture in its other forms', () => {
  const others: { forms: CaptureForm[] }[] = [{ forms: ['msprof-csv', 'msprof-timeline'] }, { forms: ['torch-text'] }, { forms: ['torch-db'] }];
  it.each(others)('$forms', async ({ forms }) => {
    const [one, other] = [await read('comm-exposed', db), await read('comm-exposed', forms)];
    expect(other.j.bottleneck.class).toBe(one.j.bottleneck.class);
    const kernels = (j: Judged): unknown => (j.analysis.kernel ?? []).map((r) => [r.device, r.op_type, r.count, r.total_us, r.bound]);
    expect(kernels(other.j)).toEqual(kernels(one.j));
    expect(other.j.analysis.windows.map((w) => [w.device, w.span_us, w.computing_us, w.communication_not_overlapped_us])).toEqual(one.j.analysis.windows.map((w) => [w.device, w.span_us, w.computing_us, w.communication_not_overlapped_us]));
  });
});
