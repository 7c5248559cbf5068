import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stageNames } from '../../server/profiles/derived/stages.js';
import { readProfile } from '../../server/profiles/read.js';
import { analyze } from '../../server/profiling/analyze/analyze.js';
import { kernelGroups } from '../../server/profiling/analyze/kernel.js';
import type { SimTask } from '../../server/sim/capture.js';
import type { CaptureForm } from '../../server/sim/write.js';
import { makeDecodeCapture, writeCapture } from '../generate/captures.js';
import { tempFolder, testHost } from '../helpers/temp.js';
import { makeProfile } from './make.js';

const dir = await tempFolder();
const every = 3;
const made = makeDecodeCapture({ ranks: 2, layers: 2, steps: 7, prefillEvery: every });
const attention = { prefill: 'PromptFlashAttention', decode: 'IncreFlashAttention' } as const;

/** Planted tasks with the attention kernel each kind of step has in an engine that uses two, and the kind of each kernel's step. */
function renamed(tasks: readonly SimTask[]): { tasks: SimTask[]; time: Map<string, Map<string, number>> } {
  const time = new Map<string, Map<string, number>>();
  const steps = new Map<number, number>();
  const out = [...tasks].sort((a, b) => Number(a.startNs - b.startNs)).map((task): SimTask => {
    if (task.kernel === null) return task;
    const step = steps.get(task.device) ?? 0;
    const kind = step % every === 0 ? 'prefill' : 'decode';
    const opType = task.kernel.opType === 'FusedInferAttentionScore' ? attention[kind] : task.kernel.opType;
    if (opType === 'ArgMaxV2') steps.set(task.device, step + 1);
    const stage = opType === 'ArgMaxV2' ? 'sampling' : kind;
    const of = time.get(opType) ?? new Map<string, number>();
    time.set(opType, of.set(stage, (of.get(stage) ?? 0) + task.durationNs));
    return { ...task, kernel: { ...task.kernel, opType } };
  });
  return { tasks: out, time };
}

describe('the stage of a kernel row', () => {
  it.each(['msprof-db', 'msprof-csv', 'torch-text'] as const satisfies CaptureForm[])('%s: told where all of an op type serves one stage, null where it serves both', async (form) => {
    const planted = made.capture.processes.map((process) => ({ process, ...renamed([...process.tasks]) }));
    const folder = join(dir, form);
    await writeCapture(folder, { ...made.capture, processes: planted.map(({ process, tasks }) => ({ ...process, tasks })) }, [form]);
    const { kernel } = analyze(await readProfile([folder], testHost(dir)));
    for (const { process, time } of planted) {
      const rows = (kernel ?? []).filter((r) => r.device === process.devices[0]?.id);
      expect(rows.length).toBeGreaterThan(5);
      for (const row of rows) {
        const byStage = [...(time.get(row.op_type) ?? new Map<string, number>())];
        const total = byStage.reduce((a, [, ns]) => a + ns, 0);
        expect([row.op_type, row.stage]).toEqual([row.op_type, byStage.find(([, ns]) => ns >= total * 0.95)?.[0] ?? null]);
      }
      const told = new Set(rows.map((r) => r.stage));
      for (const stage of ['prefill', 'decode', 'sampling', null] as const) expect(told).toContain(stage);
    }
  });

  it('is decode or sampling for every row of a decode, and never depends on which reading it was', async () => {
    const folder = join(dir, 'decode');
    await writeCapture(folder, makeDecodeCapture({ layers: 2, steps: 5 }).capture, ['msprof-csv']);
    const read = async (): Promise<string> => JSON.stringify(analyze(await readProfile([folder], testHost(dir))).kernel);
    const first = await read();
    const rows: { op_type: string; stage: string | null }[] = JSON.parse(first);
    expect(rows.length).toBeGreaterThan(5);
    for (const row of rows) expect([row.op_type, row.stage]).toEqual([row.op_type, row.op_type === 'ArgMaxV2' ? 'sampling' : 'decode']);
    expect(await read()).toBe(first);
  });

  it('needs nineteen twentieths of the time, and says nothing of helpers and of what lies outside of steps', () => {
    const plan: [string, number, (typeof stageNames)[number]][] = [['A', 50, 'decode'], ['A', 5, 'prefill'], ['A', 45, 'decode'], ['B', 94, 'decode'], ['B', 6, null], ['C', 10, null], ['D', 10, 'other'], ['E', 5, 'prefill'], ['E', 95, 'mixed']];
    const profile = makeProfile({ tasks: plan.map(([op, dur], i) => ({ op, dur, start: i * 1000, class: op === 'D' ? 'aicpu' : 'compute' })), ops: null });
    const stages = { stage: Uint8Array.from(plan, ([, , stage]) => stageNames.indexOf(stage)), names: stageNames };
    const told = (of: ReturnType<typeof kernelGroups>): Record<string, string | null> => Object.fromEntries((of ?? []).map((g) => [g.opType, g.stage]));
    expect(told(kernelGroups(profile, stages))).toEqual({ A: 'decode', B: null, C: null, D: null, E: 'mixed' });
    expect(told(kernelGroups(profile))).toEqual({ A: null, B: null, C: null, D: null, E: null });
  });
});
