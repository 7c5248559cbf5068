import { describe, expect, it } from 'vitest';
import { scenarios } from '../../server/sim/scenarios.js';
import { judgeForm, loud } from './check.js';
import { balanced, forms } from './labels.js';

describe.each(forms)('nothing is wrong, %s', (form) => {
  it.each(balanced)('$name', async ({ options }) => {
    const { j } = await judgeForm(options, form);
    expect(loud(j)).toEqual([]);
    for (const id of ['host-bound-launch', 'host-bound-sync', 'device-idle', 'comm-exposed']) expect(j.findings.map((f) => f.id)).not.toContain(id);
  });
});

// Kernel lists (op_summary alone, kernel_details) do not hold tasks without an operator; task_time does.
describe.each(['msprof-db', 'msprof-csv', 'msprof-timeline'] as const)('AI CPU tasks that no operator is known for, %s', (form) => {
  it('are free time of their own kind, not computing, and no fallback', async () => {
    const steps = 4;
    const each_us = 90;
    const { j, made } = await judgeForm({ aicpuHelperUs: each_us, steps }, form);
    expect(j.analysis.window?.aicpu_us).toBeCloseTo((steps - 1) * each_us, 2);
    expect(made.truth.windows[0]?.aicpu_us).toBeCloseTo((steps - 1) * each_us, 2);
    expect(j.findings.map((f) => f.id)).not.toContain('aicpu-fallback');
  });
});

describe('sizes that the generator booked while it planted them', () => {
  it('late launches', async () => {
    const { j, made } = await judgeForm(scenarios['host-bound-launch'].options, 'msprof-db');
    const planted = made.truth.faults.find((f) => f.finding === 'host-bound-launch')?.size_us ?? Number.NaN;
    expect(Number(j.findings.find((f) => f.id === 'host-bound-launch')?.value) / planted).toBeCloseTo(1, 1);
  });

  it('a lower clock costs what the kernels took longer', async () => {
    const { j, made } = await judgeForm(scenarios['freq-drop'].options, 'msprof-db');
    const planted = made.truth.faults.find((f) => f.finding === 'freq-drop')?.size_us ?? Number.NaN;
    expect(Math.abs(Number(j.findings.find((f) => f.id === 'freq-drop')?.value) / planted - 1)).toBeLessThan(0.01);
  });

  it('6 blocks on 20 cores leave 14 in 20 of the matmul time', async () => {
    const { j, made } = await judgeForm(scenarios['block-under-use'].options, 'msprof-db');
    const planted = made.truth.faults.find((f) => f.finding === 'block-under-use')?.size_us ?? Number.NaN;
    expect(Number(j.findings.find((f) => f.id === 'block-under-use')?.value) / planted).toBeCloseTo(14 / 20, 2);
  });
});
