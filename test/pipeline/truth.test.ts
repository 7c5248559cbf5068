import { describe, expect, it } from 'vitest';
import { readProfile } from '../../server/profiles/read.js';
import { planted, scenarios } from '../generate/captures.js';
import { tempFolder, testHost } from '../helpers/temp.js';
import { judge, kindsOf } from './make.js';

const dir = await tempFolder();
const host = testHost(dir);
const forms = ['msprof-db', 'msprof-csv', 'msprof-timeline'] as const;
// Small models: eight steps of three layers, no counters.
const small = { steps: 8, layers: 3, aicMetrics: null } as const;

const within = (found: number | null | undefined, truth: number, share = 0.01): void => expect(Math.abs((found ?? Number.NaN) / truth - 1), `${found} for ${truth}`).toBeLessThan(share);
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.ceil(values.length / 2) - 1] ?? Number.NaN;

describe.each(forms)('%s', (form) => {
  it('a host that works between steps: step length, bubble size, cause', async () => {
    const { truth } = await planted(`${dir}/sync-${form}`, { ...scenarios['host-bound-sync'].options, ...small }, [form]);
    const { analysis, verdict, findings } = judge(await readProfile([`${dir}/sync-${form}`], host));
    expect(Math.abs(analysis.steps.count - 8)).toBeLessThanOrEqual(1);
    within(analysis.steps.period_us?.p50, median(truth.steps.slice(1).map((s, i) => s.start_us - (truth.steps[i]?.start_us ?? 0))));
    // The plant's own sum: idle before the first task after each wait. The row spans the copies around it too.
    const plant = truth.faults.find((f) => f.finding === 'host-bound-sync')?.size_us ?? Number.NaN;
    const row = analysis.bubbles[0];
    within((row?.total_us ?? 0) - (row?.memcpy_us ?? 0), plant);
    expect([row?.where, row?.before, row?.after, row?.count]).toEqual(['between-steps', 'ArgMaxV2', 'GatherV2', 7]);
    within(analysis.bubbles.reduce((a, b) => a + b.total_us, 0), truth.windows[0]?.free_us ?? Number.NaN);
    expect(findings.map((f) => f.id)).toContain('decode-bubble');
    if (form === 'msprof-csv') {
      // No host calls in the text export: the bubble is seen, its cause is not.
      expect([row?.class, verdict.class]).toEqual(['untraced', 'inconclusive']);
      expect(analysis.incomplete.map((i) => i.code)).toContain('cause-null');
    } else {
      expect([row?.class, verdict.class]).toEqual(['host-sync', 'host-bound']);
      expect(findings.map((f) => f.id)).toContain('host-bound-sync');
      expect(row?.host_events.map((e) => e.name)).toContain('aclrtSynchronizeStream');
      // Between the wait and the next launch no call ran: 900 us, seven times.
      within(row?.host_silent_us, 900 * 7, 0.02);
    }
  });

  it('a host slower than the kernels', async () => {
    const { truth } = await planted(`${dir}/launch-${form}`, { ...scenarios['host-bound-launch'].options, ...small }, [form]);
    const { analysis, verdict, findings, devices } = judge(await readProfile([`${dir}/launch-${form}`], host));
    expect(analysis.steps.count).toBe(8);
    within(devices[0]?.free_us, truth.windows[0]?.free_us ?? Number.NaN);
    expect(devices[0]?.bubbles_us).toBe(devices[0]?.free_us);
    if (form === 'msprof-csv') return;
    within(devices[0]?.host_us, truth.faults.find((f) => f.finding === 'host-bound-launch')?.size_us ?? Number.NaN);
    expect([verdict.class, findings[0]?.id]).toEqual(['host-bound', 'host-bound-launch']);
  });

  it('prefill bursts between decodes', async () => {
    const { truth } = await planted(`${dir}/prefill-${form}`, { ...scenarios['prefill-decode'].options, ...small }, [form]);
    const profile = await readProfile([`${dir}/prefill-${form}`], host);
    const { analysis, verdict } = judge(profile);
    expect(analysis.layers).toMatchObject({ count: 3 });
    expect(analysis.layers?.layers.map((l) => l.odd)).toEqual([null, null, null]);
    expect(verdict.class).toBe('device-bound');
    const kinds = kindsOf(profile);
    if (form === 'msprof-timeline') {
      // The timeline has no shapes, and the fused attention kernel serves both kinds.
      expect(new Set(kinds)).toEqual(new Set([null]));
      expect(analysis.incomplete.map((i) => i.code)).toContain('stage-null');
      return;
    }
    expect(kinds).toEqual(truth.steps.map((s) => s.kind));
    expect(analysis.steps.kinds.map((k) => [k.stage, k.count, k.tokens_p50, k.sequences_p50])).toEqual([['prefill', 2, 2048, 16], ['decode', 6, 16, 16]]);
    // A prefill is long, and no outlier: it is of another kind.
    expect(analysis.steps.outliers).toEqual([]);
    expect(analysis.layers?.stage).toBe('decode');
    const stages = new Set(analysis.stages.map((s) => s.stage));
    expect(stages).toEqual(new Set(['prefill', 'decode', 'sampling', 'other']));
    expect(analysis.stages.reduce((a, s) => a + s.share_pct, 0)).toBeCloseTo(100, 1);
  });
});

it('a balanced decode is the device\'s, with no finding about the host', async () => {
  await planted(`${dir}/balanced`, { ...scenarios.balanced.options, ...small }, ['msprof-db']);
  const { verdict, findings } = judge(await readProfile([`${dir}/balanced`], host));
  expect(verdict.class).toBe('device-bound');
  expect(findings.map((f) => f.id)).toEqual([]);
});
