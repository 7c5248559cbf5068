import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intersect, length, merge, subtract, unite, type Intervals } from '../../server/profiles/derived/intervals.js';
import { deviceWindows } from '../../server/profiles/derived/window.js';
import { analyze } from '../../server/profiling/analyze/analyze.js';
import { makeProfile, type Task } from './make.js';

describe('window by hand', () => {
  it('joins overlapping streams and counts nothing twice', () => {
    // Stream 1: 0–10, stream 2: 5–20 → computing 20; free 20–30; compute 30–40. Span 40.
    const [w] = deviceWindows(makeProfile({ tasks: [{ start: 0, dur: 10 }, { start: 5, dur: 15, stream: 2 }, { start: 30, dur: 10 }] }));
    expect(w).toMatchObject({ spanNs: 40, computingNs: 30, communicationNs: 0, exposedNs: 0, freeNs: 10 });
  });

  it('a task inside a longer one does not end the busy time early', () => {
    const [w] = deviceWindows(makeProfile({ tasks: [{ start: 0, dur: 100 }, { start: 10, dur: 5, stream: 2 }, { start: 50, dur: 20, stream: 3 }, { start: 110, dur: 10 }] }));
    expect(w).toMatchObject({ spanNs: 120, computingNs: 110, freeNs: 10 });
  });

  it('communication inside compute is overlapped, outside it is exposed', () => {
    // Compute 0–100; comm 80–130 and 200–220 → comm 70, exposed 30 + 20.
    const [w] = deviceWindows(makeProfile({ tasks: [{ start: 0, dur: 100 }], ops: [{ start: 80, dur: 50 }, { start: 200, dur: 20 }] }));
    expect(w).toMatchObject({ spanNs: 220, computingNs: 100, communicationNs: 70, exposedNs: 50, freeNs: 70 });
    expect(analyze(makeProfile({ tasks: [{ start: 0, dur: 100 }], ops: [{ start: 80, dur: 50 }, { start: 200, dur: 20 }] })).window?.overlap_pct).toBeCloseTo((20 / 70) * 100, 2);
  });

  it('a device that only communicates, and one that only computes', () => {
    const [comm] = deviceWindows(makeProfile({ ops: [{ start: 5, dur: 10 }, { start: 20, dur: 10 }] }));
    expect(comm).toMatchObject({ spanNs: 25, computingNs: 0, communicationNs: 20, exposedNs: 20, freeNs: 5 });
    const compute = analyze(makeProfile({ tasks: [{ start: 5, dur: 10 }], ops: null })).window;
    expect(compute).toMatchObject({ communication_us: 0, communication_not_overlapped_us: 0, overlap_pct: null });
  });

  it('never mixes devices', () => {
    const windows = deviceWindows(makeProfile({ devices: [{ id: 0 }, { id: 0, rank: 1 }], tasks: [{ start: 0, dur: 10 }, { device: 1, start: 1000, dur: 10 }, { device: 1, start: 1040, dur: 10 }], ops: [{ device: 1, start: 1010, dur: 20 }] }));
    expect(windows.map((w) => [w.spanNs, w.computingNs, w.exposedNs, w.freeNs])).toEqual([[10, 10, 0, 0], [50, 20, 20, 10]]);
  });

  it('copies and waits stretch nothing: the span is the hull of compute and communication', () => {
    const [w] = deviceWindows(makeProfile({ tasks: [{ start: 0, dur: 50, class: 'memcpy' }, { start: 100, dur: 10 }, { start: 300, dur: 50, class: 'eventWait' }] }));
    expect(w).toMatchObject({ spanNs: 10, freeNs: 0 });
  });

  it('splits free time once, in the order copy, wait, AI CPU, idle', () => {
    // Free 10–90. Copy 20–40, wait 30–60, AI CPU 50–70 → 20, 20, 10, rest 30.
    const [w] = deviceWindows(
      makeProfile({ tasks: [{ start: 0, dur: 10 }, { start: 90, dur: 10 }, { start: 20, dur: 20, class: 'memcpy', stream: 2 }, { start: 30, dur: 30, class: 'eventWait', stream: 3 }, { start: 50, dur: 20, class: 'aicpu', stream: 4 }, { start: 75, dur: 5, class: 'other', stream: 5 }] }),
    );
    expect(w?.split).toEqual({ memcpyNs: 20, eventWaitNs: 20, aicpuNs: 10, idleNs: 30 });
  });

  it('says null, not zero, where the export lists kernels only', () => {
    const analysis = analyze(makeProfile({ tasks: [{ start: 0, dur: 10, op: 'MatMul' }, { start: 20, dur: 10, op: 'MatMul' }], sources: [{ path: '/k.csv', kind: 'kernel-details', rows: 2, bytes: 9 }] }));
    expect(analysis.window).toMatchObject({ free_us: 0.01, memcpy_us: null, event_wait_us: null, aicpu_us: null, idle_us: null });
    expect(analysis.incomplete.map((n) => n.code)).toContain('free-not-split');
  });

  it('takes the exporter\'s own sums when there are no task rows, and says so', () => {
    const step = { device: 0, step: '1', computingUs: 10.5, communicationNotOverlappedUs: 60, overlappedUs: 2, communicationUs: 62, freeUs: 4.5 };
    const analysis = analyze(makeProfile({ ops: null, stepTrace: [step, { ...step, step: '2' }, { ...step, step: '3', freeUs: null }] }));
    expect(analysis.window).toMatchObject({ span_us: 150, computing_us: 21, communication_us: 124, communication_not_overlapped_us: 120, free_us: 9, memcpy_us: null, idle_us: null });
    expect(analysis.incomplete.map((n) => n.code)).toContain('window-from-steps');
    // Task rows win.
    expect(analyze(makeProfile({ tasks: [{ start: 0, dur: 1000 }], stepTrace: [step] })).window?.span_us).toBe(1);
  });

  it('has no window without times', () => {
    expect(analyze(makeProfile({ ops: null })).window).toBeNull();
  });
});

/** The slow way: every nanosecond by itself. */
function cells(rows: readonly { start: number; dur: number }[]): Set<number> {
  const set = new Set<number>();
  for (const r of rows) for (let ns = r.start; ns < r.start + r.dur; ns += 1) set.add(ns);
  return set;
}

const row = fc.record({ start: fc.integer({ min: 0, max: 80 }), dur: fc.integer({ min: 0, max: 25 }) });
const task = fc.record({
  device: fc.integer({ min: 0, max: 1 }),
  stream: fc.integer({ min: 0, max: 3 }),
  start: fc.integer({ min: 0, max: 80 }),
  // Some have no duration known.
  dur: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 25 }) }, fc.constant(Number.NaN)),
  class: fc.constantFrom<NonNullable<Task['class']>>('compute', 'communication', 'memcpy', 'eventWait', 'aicpu', 'other'),
});

/** Every nanosecond of a set; the set has to be ascending, disjoint and joined. */
function spots(made: Intervals): Set<number> {
  for (let i = 1; i < made.length; i += 1) expect(made[i]!).toBeGreaterThan(made[i - 1]!);
  return cells(Array.from({ length: made.length / 2 }, (_, i) => ({ start: made[2 * i]!, dur: made[2 * i + 1]! - made[2 * i]! })));
}

function set(rows: { start: number; dur: number }[]): Intervals {
  const sorted = [...rows].sort((a, b) => a.start - b.start);
  return unite({ startNs: Float64Array.from(sorted, (r) => r.start), durationNs: Float64Array.from(sorted, (r) => r.dur) }, 0, sorted.length, () => true);
}

describe('interval sweeps against counting every nanosecond', () => {
  it('union, intersection and difference', () => {
    fc.assert(
      fc.property(fc.array(row), fc.array(row), (a, b) => {
        const [x, y] = [cells(a), cells(b)];
        expect(length(set(a))).toBe(x.size);
        expect(length(merge(set(a), set(b)))).toBe(new Set([...x, ...y]).size);
        expect(length(intersect(set(a), set(b)))).toBe([...x].filter((n) => y.has(n)).length);
        expect(length(subtract(set(a), set(b)))).toBe([...x].filter((n) => !y.has(n)).length);
        for (const made of [set(a), merge(set(a), set(b)), intersect(set(a), set(b)), subtract(set(a), set(b))]) {
          for (let i = 1; i < made.length; i += 1) expect(made[i]!).toBeGreaterThan(made[i - 1]!);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('windows of random devices, with the identity per device', () => {
    fc.assert(
      fc.property(fc.array(task, { maxLength: 30 }), fc.array(fc.record({ device: fc.integer({ min: 0, max: 1 }), start: fc.integer({ min: 0, max: 80 }), dur: fc.integer({ min: 0, max: 25 }) }), { maxLength: 8 }), (tasks, ops) => {
        const profile = makeProfile({ devices: [{}, {}], tasks, ops });
        const windows = deviceWindows(profile);
        for (const device of [0, 1]) {
          const of = (c: Task['class']): Set<number> => cells(tasks.filter((t) => t.device === device && t.class === c));
          const compute = of('compute');
          const comm = new Set([...of('communication'), ...cells(ops.filter((o) => o.device === device))]);
          const busy = [...compute, ...comm];
          const w = windows.find((x) => x.device === device);
          if (busy.length === 0) {
            expect(w).toBeUndefined();
            continue;
          }
          const [low, high] = [Math.min(...busy), Math.max(...busy)];
          const busySet = new Set(busy);
          const free = Array.from({ length: high - low + 1 }, (_, i) => low + i).filter((n) => !busySet.has(n));
          const [copy, wait, cpu] = [of('memcpy'), of('eventWait'), of('aicpu')];
          expect(w).toMatchObject({ spanNs: high - low + 1, computingNs: compute.size, communicationNs: comm.size, exposedNs: [...comm].filter((n) => !compute.has(n)).length, freeNs: free.length });
          expect(w!.computingNs + w!.exposedNs + w!.freeNs).toBe(w!.spanNs);
          const held = (made: Intervals): number[] => [...spots(made)].sort((a, b) => a - b);
          const sorted = (of: Iterable<number>): number[] => [...of].sort((a, b) => a - b);
          expect(held(w!.compute)).toEqual(sorted(compute));
          expect(held(w!.communication)).toEqual(sorted(comm));
          // Where free time is not to be split, all of it is idle.
          expect(held(deviceWindows(profile, false).find((x) => x.device === device)!.idle)).toEqual(free);
          expect(w!.idle).toBe(w!.idle);
          if (w!.split !== null) {
            expect(held(w!.idle)).toEqual(free.filter((n) => !of('memcpy').has(n) && !of('eventWait').has(n) && !of('aicpu').has(n)));
            const memcpy = free.filter((n) => copy.has(n)).length;
            const event = free.filter((n) => !copy.has(n) && wait.has(n)).length;
            const aicpu = free.filter((n) => !copy.has(n) && !wait.has(n) && cpu.has(n)).length;
            expect(w!.split).toEqual({ memcpyNs: memcpy, eventWaitNs: event, aicpuNs: aicpu, idleNs: free.length - memcpy - event - aicpu });
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
