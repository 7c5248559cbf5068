import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BubbleRow } from '../../server/contract/index.js';
import { judge, call } from './make.js';
import { makeProfile, type Api, type Task } from '../profiling/make.js';

/** Two kernels around one gap of 10,000 ns; the second one was launched by a call that ended at `launched`. */
function oneGap(launched: number | null, more: { tasks?: Task[]; apis?: Api[] } = {}): BubbleRow | undefined {
  const apis = [...(launched === null ? [] : [call('launch', launched - 300, 300, { level: 'node', connection: 7 })]), ...(more.apis ?? [])];
  return judge(makeProfile({ tasks: [{ start: 0, dur: 5000, op: 'A' }, { start: 15_000, dur: 5000, op: 'B', connection: 7 }, ...(more.tasks ?? [])], ops: null, apis: apis.length === 0 ? null : apis })).analysis.bubbles[0];
}

describe('the class of a gap', () => {
  it('launched too late', () => {
    expect(oneGap(14_000)).toMatchObject({ class: 'host-launch', before: 'A', after: 'B', count: 1, total_us: 10, queued: 0, where: null });
  });
  it('launched too late, behind a wait that the gap\'s begin released', () => {
    expect(oneGap(14_000, { apis: [call('aclrtSynchronizeStream', 1000, 4500)] })).toMatchObject({ class: 'host-sync' });
  });
  it('a wait of a fifth of the gap is enough, less is not', () => {
    expect(oneGap(14_000, { apis: [call('aclrtSynchronizeStream', 6000, 2000)] })).toMatchObject({ class: 'host-sync' });
    expect(oneGap(14_000, { apis: [call('aclrtSynchronizeStream', 6000, 1900)] })).toMatchObject({ class: 'host-launch' });
  });
  it('a wait of another thread counts when the gap released it, and not when it waits all day', () => {
    expect(oneGap(14_000, { apis: [call('aclrtSynchronizeStream', 1000, 4500, { thread: 2 })] })).toMatchObject({ class: 'host-sync' });
    expect(oneGap(14_000, { apis: [call('aclrtSynchronizeStream', 1000, 40_000, { thread: 2 })] })).toMatchObject({ class: 'host-launch' });
  });
  it('copies for half of it', () => {
    expect(oneGap(14_000, { tasks: [{ start: 6000, dur: 5000, class: 'memcpy', stream: 2 }] })).toMatchObject({ class: 'memcpy', memcpy_us: 5 });
    expect(oneGap(14_000, { tasks: [{ start: 6000, dur: 4900, class: 'memcpy', stream: 2 }] })).toMatchObject({ class: 'host-launch' });
  });
  it('queued before the gap: an event wait for half of it, or nothing known', () => {
    expect(oneGap(4000, { tasks: [{ start: 5000, dur: 6000, class: 'eventWait', stream: 2 }] })).toMatchObject({ class: 'comm-wait', queued: 1, event_wait_us: 6 });
    expect(oneGap(4000)).toMatchObject({ class: 'untraced', queued: 1 });
  });
  it('without host calls nothing is said of the host', () => {
    expect(oneGap(null)).toMatchObject({ class: 'untraced', queued: null, host_silent_us: null, host_events: [] });
  });
  it('a call that launched nothing of the gap does not make it the host\'s', () => {
    expect(oneGap(4000, { apis: [call('launch', 13_000, 300, { level: 'node', connection: 99 })] })).toMatchObject({ class: 'untraced', queued: 1 });
  });
});

it('a row that lists kernels only has no copies, not zero copies', () => {
  const row = judge(makeProfile({ tasks: [{ start: 0, dur: 10, op: 'A' }, { start: 20, dur: 10, op: 'B' }], sources: [{ path: '/k.csv', kind: 'kernel-details', rows: 2, bytes: 9 }] })).analysis.bubbles[0];
  expect(row).toMatchObject({ memcpy_us: null, event_wait_us: null });
});

it('a task inside a longer one is not what ended before the gap', () => {
  const row = judge(makeProfile({ tasks: [{ start: 0, dur: 100, op: 'Long' }, { start: 10, dur: 5, op: 'Short', stream: 2 }, { start: 150, dur: 10, op: 'Next' }], ops: null })).analysis.bubbles;
  expect(row.map((r) => [r.before, r.after, r.total_us])).toEqual([['Long', 'Next', 0.05]]);
});

it('a collective at the edge of a gap stands there by its name', () => {
  const rows = judge(makeProfile({ tasks: [{ start: 0, dur: 100, op: 'MatMul' }, { start: 200, dur: 50, core: 'SDMA_SQE', name: 'SDMA_SQE', class: 'communication' }, { start: 300, dur: 10, op: 'Add' }], ops: [{ start: 200, dur: 50 }] })).analysis.bubbles;
  expect(rows.map((r) => `${r.before} ${r.after}`).sort()).toEqual(['MatMul hcom_allReduce_', 'hcom_allReduce_ Add']);
});

/** Brute force over whole nanoseconds: who is busy when, and which call runs in free time. */
function slow(tasks: readonly Task[], apis: readonly Api[]): { free: number; byName: Map<string, number> } {
  const end = Math.max(...tasks.map((t) => t.start + t.dur));
  const first = Math.min(...tasks.map((t) => t.start));
  const byName = new Map<string, number>();
  let free = 0;
  for (let t = first; t < end; t += 1) {
    if (tasks.some((x) => t >= x.start && t < x.start + x.dur)) continue;
    free += 1;
    for (const a of apis) if (t >= a.start && t < a.start + a.dur) byName.set(a.name, (byName.get(a.name) ?? 0) + 1);
  }
  return { free, byName };
}

it('rows sum to the free time, and host calls to their overlap with it, as counted nanosecond by nanosecond', () => {
  const task = fc.record({ start: fc.integer({ min: 0, max: 150 }), dur: fc.integer({ min: 1, max: 20 }), stream: fc.integer({ min: 1, max: 2 }), op: fc.constantFrom('A', 'B', 'C') });
  const api = fc.record({ start: fc.integer({ min: 0, max: 150 }), dur: fc.integer({ min: 1, max: 60 }), name: fc.constantFrom('x', 'y', 'aclrtSynchronizeStream'), thread: fc.integer({ min: 1, max: 2 }), connection: fc.integer({ min: 1, max: 30 }) });
  fc.assert(
    fc.property(fc.array(task, { minLength: 1, maxLength: 12 }), fc.array(api, { minLength: 1, maxLength: 12 }), (tasks, apis) => {
      const { analysis, devices } = judge(makeProfile({ tasks: tasks.map((t, i) => ({ ...t, connection: i + 1 })), ops: null, apis }));
      const expected = slow(tasks, apis);
      const total = analysis.bubbles.reduce((a, b) => a + b.total_us, 0);
      expect(Math.round(total * 1000)).toBe(expected.free);
      expect(devices[0]?.bubbles_us).toBe(devices[0]?.free_us);
      const seen = new Map<string, number>();
      for (const b of analysis.bubbles) for (const e of b.host_events) seen.set(e.name, (seen.get(e.name) ?? 0) + Math.round(e.total_us * 1000));
      expect(seen).toEqual(expected.byName.size === 0 ? new Map() : expected.byName);
    }),
    { numRuns: 150, seed: 11 },
  );
});
