import { describe, expect, it } from 'vitest';
import { stepsOf, type Steps } from '../../server/profiles/derived/steps.js';
import { Labels } from '../../server/profiles/derived/stepsLabels.js';
import type { Profile } from '../../server/profiles/profile.js';
import { makeProfile, type Api } from '../profiling/make.js';
import { call, decodeOps, laid } from './make.js';

function steps(profile: Profile): Steps {
  const found = stepsOf(profile, 0, new Labels(profile), null);
  if (found.steps === null) throw new Error(found.reason);
  return found.steps;
}
// No sampler and a sequence that never repeats as a whole: the kernels alone do not tell the steps.
const unlike = (step: number): { op: string }[] => decodeOps(3).slice(0, -1).map(({ op }, i) => ({ op: (i * 7 + step * 5) % 11 === 0 ? `${op}${String.fromCharCode(65 + step)}` : op }));

describe('graph replay', () => {
  it('one launch of many kernels is a step; kernels of ordinary launches between them belong to it', () => {
    const plan = laid(Array.from({ length: 6 }, (_, i) => ({ ops: [...unlike(i), { op: 'Cast' }, { op: 'Sort' }], gapNs: 5000 })));
    const perStep = plan.tasks.length / 6;
    const tasks = plan.tasks.map((t, i) => ({ ...t, connection: i % perStep < perStep - 2 ? 100 + Math.floor(i / perStep) : 1000 + i }));
    const s = steps(makeProfile({ tasks, ops: null, apis: null }));
    expect([s.method, s.startNs.length]).toEqual(['anchors', 6]);
    expect([...s.startNs]).toEqual(plan.starts);
  });
});

describe('markers', () => {
  const plan = laid(Array.from({ length: 6 }, (_, i) => ({ ops: unlike(i), gapNs: 5000 })));
  const perStep = plan.tasks.length / 6;
  const tasks = plan.tasks.map((t, i) => ({ ...t, connection: i + 1 }));
  /** The host runs 20 us ahead of the device. */
  const apis: Api[] = tasks.map((t) => call('launch', t.start - 20_000, 100, { level: 'node', connection: t.connection }));
  const markers = (names: (i: number) => string): Profile['markers'] => plan.starts.map((start, i) => ({ name: names(i), startNs: start - 20_000 - 500, endNs: (plan.starts[i + 1] ?? plan.end) - 20_000 - 600 }));
  it('steps begin with the first kernel launched under each, not with the one that runs meanwhile', () => {
    const s = steps(makeProfile({ tasks, ops: null, apis, markers: markers((i) => `ProfilerStep#${i}`) }));
    expect([s.method, s.startNs.length]).toEqual(['markers', 6]);
    expect([...s.startNs]).toEqual(plan.starts);
    expect([...s.kernelTo].map((to, i) => to - (s.kernelFrom[i] ?? 0))).toEqual(Array.from({ length: 6 }, () => perStep));
  });
  it('ranges of other names are no steps', () => {
    const profile = makeProfile({ tasks, ops: null, apis, markers: markers(() => 'tokenizer') });
    expect(stepsOf(profile, 0, new Labels(profile), null).steps?.method).not.toBe('markers');
  });
  it('a marker over several steps does not hide the samplers', () => {
    const sampled = laid(Array.from({ length: 8 }, () => ({ ops: decodeOps(3).map(({ op }) => ({ op })), gapNs: 5000 })));
    const linked = sampled.tasks.map((t, i) => ({ ...t, connection: i + 1 }));
    const requests = [0, 4].map((first, i) => ({ name: `step request ${i}`, startNs: (sampled.starts[first] ?? 0) - 20_500, endNs: (sampled.starts[first + 4] ?? sampled.end) - 20_600 }));
    const s = steps(makeProfile({ tasks: linked, ops: null, apis: linked.map((t) => call('launch', t.start - 20_000, 100, { level: 'node', connection: t.connection })), markers: requests }));
    expect([s.method, s.startNs.length]).toEqual(['anchors', 8]);
  });
});
