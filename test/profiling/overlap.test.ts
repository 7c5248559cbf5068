import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deviceWindows } from '../../server/profiles/derived/window.js';
import { analyze } from '../../server/profiling/analyze/analyze.js';
import { frequencyLoss } from '../../server/profiling/analyze/losses.js';
import { makeProfile, type Task } from './make.js';

/** The slow way: every nanosecond by itself. */
function cells(rows: readonly { start: number; dur: number }[]): Set<number> {
  return new Set(rows.flatMap((r) => Array.from({ length: r.dur }, (_, i) => r.start + i)));
}

const span = { start: fc.integer({ min: 0, max: 80 }), dur: fc.integer({ min: 1, max: 25 }) };
const tasks = fc.array(fc.record({ ...span, device: fc.integer({ min: 0, max: 1 }), stream: fc.integer({ min: 0, max: 2 }), class: fc.constantFrom<NonNullable<Task['class']>>('compute', 'communication', 'aicpu', 'memcpy') }), { maxLength: 20 });

describe('compute beside other times against counting every nanosecond', () => {
  it('what of each collective no kernel covers, and what kernels could be moved over it', () => {
    const ops = fc.array(fc.record({ ...span, device: fc.integer({ min: 0, max: 1 }), op: fc.constantFrom('hcom_allReduce_', 'hcom_allGather_') }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(tasks, ops, (rows, collectives) => {
        const found = analyze(makeProfile({ devices: [{ id: 0 }, { id: 1 }], tasks: rows, ops: collectives })).communication ?? [];
        expect(found.map((r) => `${r.device} ${r.op}`).sort()).toEqual([...new Set(collectives.map((o) => `${o.device} ${o.op}`))].sort());
        for (const { device, op, not_overlapped_us, overlap_opportunity_us } of found) {
          const compute = cells(rows.filter((t) => t.device === device && t.class === 'compute'));
          const all = cells([...rows.filter((t) => t.device === device && t.class === 'communication'), ...collectives.filter((o) => o.device === device)]);
          const own = cells(collectives.filter((o) => o.device === device && o.op === op));
          const exposed = [...own].filter((ns) => !compute.has(ns)).length;
          const alone = [...compute].filter((ns) => !all.has(ns)).length;
          expect([not_overlapped_us, overlap_opportunity_us]).toEqual([exposed / 1000, Math.min(exposed, alone) / 1000]);
        }
      }),
      { numRuns: 150, seed: 11 },
    );
  });

  it('compute time under a low clock, and what it cost', () => {
    const samples = fc.uniqueArray(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 8 }).chain((at) => fc.tuple(fc.constant(at.sort((a, b) => a - b)), fc.array(fc.constantFrom(1800, 1750, 1350, 900), { minLength: at.length, maxLength: at.length })));
    fc.assert(
      fc.property(tasks, samples, (rows, [timeNs, mhz]) => {
        const series = { device: 0, timeNs: Float64Array.from(timeNs), mhz: Float64Array.from(mhz) };
        const profile = makeProfile({ devices: [{ aicoreMhz: 1800 }, {}], tasks: rows, frequency: [series] });
        const window = deviceWindows(profile).find((w) => w.device === 0);
        if (window === undefined) return;
        const clocks = [...cells(rows.filter((t) => t.device === 0 && t.class === 'compute'))].map((ns) => mhz[timeNs.filter((t) => t <= ns).length - 1] ?? 1800);
        const slow = clocks.filter((c) => c < 1800 * 0.95);
        const lost = slow.reduce((sum, c) => sum + (c === 1350 ? 1 : 2), 0) / 4;
        const low = mhz.filter((c) => c < 1800 * 0.95);
        const got = frequencyLoss(profile, window, series);
        expect(got).toMatchObject({ slowNs: slow.length, ratedMhz: 1800, lowestMhz: Math.min(1800, ...low) });
        expect(Math.abs((got?.lostNs ?? Number.NaN) - lost)).toBeLessThanOrEqual(0.5);
      }),
      { numRuns: 200, seed: 13 },
    );
  });
});
