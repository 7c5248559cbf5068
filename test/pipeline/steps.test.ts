import { describe, expect, it } from 'vitest';
import { parseBoundary, stepsOf, type Steps } from '../../server/profiles/derived/steps.js';
import { Labels } from '../../server/profiles/derived/stepsLabels.js';
import type { Profile } from '../../server/profiles/profile.js';
import { readProfile } from '../../server/profiles/read.js';
import { makeProfile, type Task } from '../profiling/make.js';
import { planted, scenarios } from '../generate/captures.js';
import { tempFolder, testHost } from '../helpers/temp.js';

const dir = await tempFolder();
const host = testHost(dir);

function steps(profile: Profile, boundary: string | null = null): Steps {
  const found = stepsOf(profile, 0, new Labels(profile), boundary === null ? null : parseBoundary(boundary));
  if (found.steps === null) throw new Error(found.reason);
  return found.steps;
}
/** Periods in us of the steps whose successor is there. */
function periods(s: Steps): number[] {
  return [...s.startNs].map((start, i) => ((s.endNs[i] ?? 0) - start) / 1000).filter((_, i) => s.whole[i] === 1);
}
const p50 = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.ceil(values.length / 2) - 1] ?? Number.NaN;

describe('steps of generated captures: the planted count and period, in every form', () => {
  const names = ['balanced', 'host-bound-sync', 'host-bound-launch', 'prefill-decode', 'slow-rank'] as const;
  const forms = ['msprof-db', 'msprof-csv', 'msprof-timeline'] as const;
  it.each(names.flatMap((name) => forms.map((form) => [name, form] as const)))('%s as %s', async (name, form) => {
    const folder = `${dir}/${name}-${form}`;
    const { truth } = await planted(folder, { ...scenarios[name].options, steps: 8 }, [form]);
    const s = steps(await readProfile([folder], host));
    expect(s.startNs.length).toBe(8);
    expect(s.boundary).toEqual(['ArgMaxV2', 'GatherV2']);
    const true_us = truth.steps.slice(1).map((step, i) => step.start_us - (truth.steps[i]?.start_us ?? Number.NaN));
    const found = periods(s);
    expect(found).toHaveLength(7);
    for (const [i, us] of found.entries()) expect(Math.abs(us / (true_us[i] ?? Number.NaN) - 1)).toBeLessThan(0.01);
    expect(Math.abs(p50(found) / p50(true_us) - 1)).toBeLessThan(0.01);
  });
});

/** `count` steps of 3 layers, 100 us apart; `ops` is one step. */
function repeated(ops: readonly string[], count: number, drop: (step: number, op: number) => boolean = () => false): Profile {
  const tasks: Task[] = [];
  for (let step = 0; step < count; step += 1) for (const [i, op] of ops.entries()) if (!drop(step, i)) tasks.push({ start: step * 100_000 + i * 2000, dur: 1500, op });
  return makeProfile({ tasks, apis: null });
}
const layer = ['AddRmsNorm', 'MatMulV3', 'ApplyRotaryPosEmb', 'PagedAttention', 'MatMulV3', 'SwiGlu', 'MatMulV3'];
const body = ['GatherV2', ...layer, ...layer, ...layer, 'RmsNorm', 'MatMulV3'];

describe('steps without help', () => {
  it('no sampler: the period of a whole step, not of a layer', () => {
    const s = steps(repeated([...body, 'Cast'], 10));
    expect([s.method, s.startNs.length]).toEqual(['periodicity', 10]);
    expect(new Set(periods(s))).toEqual(new Set([100]));
  });
  it('a dropped sampler does not lose a step', () => {
    const s = steps(repeated([...body, 'ArgMaxV2'], 12, (step, op) => step === 5 && op === body.length));
    expect(s.startNs.length).toBe(12);
    expect(p50(periods(s))).toBe(100);
  });
  it('speculative decoding: one step for each verification, its drafts inside', () => {
    const draft = ['GatherV2', ...layer, 'ArgMaxV2'];
    const s = steps(repeated([...draft, ...draft, ...body, 'RejectionSampler'], 9));
    expect(s.startNs.length).toBe(9);
    expect(new Set(periods(s))).toEqual(new Set([100]));
  });
  it('speculative decoding without a rejection kernel: short passes belong to the long one before', () => {
    const draft = ['GatherV2', ...layer, 'ArgMaxV2'];
    const s = steps(repeated([...body, 'ArgMaxV2', ...draft, ...draft], 9));
    expect(Math.abs(s.startNs.length - 9)).toBeLessThanOrEqual(1);
    expect(p50(periods(s))).toBe(100);
  });
  it('a boundary that was given is kept, whatever lies between', () => {
    const s = steps(repeated([...body, 'ArgMaxV2', 'Cast'], 6), 'ArgMaxV2->GatherV2');
    expect(s.boundary).toEqual(['ArgMaxV2', 'GatherV2']);
    expect(s.startNs.length).toBe(6);
    expect(new Set(periods(s))).toEqual(new Set([100]));
  });
  it('what cannot be found has its reason', () => {
    const p = repeated([...body, 'ArgMaxV2'], 4);
    expect(stepsOf(p, 0, new Labels(p), ['NoSuchOp', 'GatherV2'])).toEqual({ steps: null, reason: 'boundary-not-found' });
    const none = makeProfile({ tasks: [] });
    expect(stepsOf(none, 0, new Labels(none), null)).toEqual({ steps: null, reason: 'no-kernels' });
    expect(parseBoundary('ArgMaxV2')).toBeNull();
    expect(parseBoundary('A->')).toBeNull();
  });
});
