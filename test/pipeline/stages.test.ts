import { describe, expect, it } from 'vitest';
import { stagesOf } from '../../server/profiles/derived/stages.js';
import type { Profile } from '../../server/profiles/profile.js';
import { makeProfile } from '../profiling/make.js';
import { decodeOps, judge, kindsOf as kindsIn, laid, type StepPlan } from './make.js';
import { byTask, ofTask } from '../helpers/tasks.js';

const profileOf = (steps: readonly StepPlan[]): Profile => makeProfile({ tasks: laid(steps).tasks, ops: null, apis: null });
const kindsOf = (steps: readonly StepPlan[]): readonly (string | null)[] => kindsIn(profileOf(steps));
const step = (tokens: number, sequences: number): StepPlan => ({ ops: decodeOps(2, tokens, sequences), gapNs: 3000 });
const bare = (ops: StepPlan['ops']): StepPlan['ops'] => ops.map(({ op }) => ({ op }));

describe('the kind of a step, by tokens and sequences', () => {
  it('decode, and a prompt of one sequence', () => {
    expect(kindsOf([step(16, 16), step(16, 16), step(512, 1), step(17, 17), step(17, 17)])).toEqual(['decode', 'decode', 'prefill', 'decode', 'decode']);
  });
  it('three drafts verified by each of four sequences are a decode', () => {
    expect(kindsOf([step(16, 4), step(16, 4), step(16, 4), step(16, 4)])).toEqual(['decode', 'decode', 'decode', 'decode']);
  });
  it('sixteen tokens a sequence are a decode still, seventeen a prefill', () => {
    expect(kindsOf([step(64, 4), step(64, 4), step(68, 4)])).toEqual(['decode', 'decode', 'prefill']);
  });
  it('a chunk of a prompt among sixty-four decodes is mixed', () => {
    expect(kindsOf([step(64, 64), step(64, 64), step(64 + 512, 65), step(65, 65), step(65, 65)])).toEqual(['decode', 'decode', 'mixed', 'decode', 'decode']);
  });
  it('attention kernels of both kinds make it mixed, whatever the shapes say', () => {
    const both = decodeOps(2).map((o, i) => (o.op === 'FusedInferAttentionScore' ? { ...o, op: i < 10 ? 'UnpadFlashAttention' : 'PagedAttention' } : o));
    expect(kindsOf([step(16, 16), { ops: both, gapNs: 3000 }, step(16, 16)])).toEqual(['decode', 'mixed', 'decode']);
  });
});

describe('without shapes', () => {
  const named = (attention: string, dur = 1500): StepPlan => ({ ops: bare(decodeOps(2)).map((o) => (o.op === 'FusedInferAttentionScore' ? { op: attention, dur } : o)), gapNs: 3000 });
  it('kernels that serve one kind only tell', () => {
    expect(kindsOf([named('PromptFlashAttention'), named('PagedAttentionMask'), named('IncreFlashAttention')])).toEqual(['prefill', 'decode', 'decode']);
  });
  it('a fused kernel serves both kinds, so its length tells nothing', () => {
    expect(kindsOf([named('FusedInferAttentionScore', 10_000_000), named('FusedInferAttentionScore', 400_000), named('FusedInferAttentionScore', 400_000)])).toEqual([null, null, null]);
  });
  it('nothing known: null, and a note', () => {
    const { analysis } = judge(profileOf([named('MysteryAttention'), named('MysteryAttention'), named('MysteryAttention')]));
    expect(analysis.steps.kinds.map((k) => k.stage)).toEqual([null]);
    expect(analysis.incomplete.map((i) => i.code)).toContain('stage-null');
    expect(analysis.stages.map((s) => s.stage)).toEqual(['sampling', null]);
  });
});

it('stages of tasks: the model\'s kernels by kind, what follows the last product is sampling, the rest is other', () => {
  const { tasks, starts, end } = laid([step(16, 16), step(512, 1), step(16, 16)]);
  const helpers = [{ start: (starts[1] ?? 0) + 1600, dur: 10, class: 'memcpy' as const, stream: 9 }, { start: end + 5, dur: 10, class: 'eventWait' as const, stream: 9 }, { start: (starts[1] ?? 0) + 1700, dur: 10, op: 'allreduceAicpuKernel', class: 'communication' as const, stream: 9 }];
  const profile = makeProfile({ tasks: [...tasks, ...helpers], ops: null, apis: null });
  const { stage, names } = stagesOf(profile);
  const at = (op: string, nth: number): string | null | undefined => {
    const rows = [...byTask(profile.tasks, 'opType').keys()].filter((row) => profile.strings.get(ofTask(profile.tasks, 'opType', row)) === op);
    return names[stage[rows[nth] ?? -1] ?? 0];
  };
  expect([at('GatherV2', 0), at('GatherV2', 1), at('MatMulV3', 0), at('ArgMaxV2', 0), at('ArgMaxV2', 1), at('allreduceAicpuKernel', 0)]).toEqual(['decode', 'prefill', 'decode', 'sampling', 'sampling', 'communication']);
  const others = [...stage.keys()].filter((row) => names[stage[row] ?? 0] === 'other');
  expect(others).toHaveLength(2);
  // Event waits are not work.
  expect(judge(profile).analysis.stages.find((s) => s.stage === 'other')).toMatchObject({ tasks: 1, total_us: 0.01 });
});
