import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Covered, CoveredAt } from '../../server/profiles/derived/covered.js';
import { lastCalls } from '../../server/profiles/derived/hostCalls.js';
import { captureFactor, taskClass } from '../../server/profiles/profile.js';
import { makeProfile } from '../profiling/make.js';

it('a covered set answers alike in any order of questions, as counted instant by instant', () => {
  const set = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 9 }), length: fc.integer({ min: 1, max: 9 }) }), { maxLength: 40 });
  fc.assert(
    fc.property(set, fc.array(fc.integer({ min: -5, max: 420 }), { minLength: 1, maxLength: 60 }), (parts, instants) => {
      const pairs: number[] = [];
      let at = 0;
      for (const { gap, length } of parts) {
        pairs.push(at + gap, at + gap + length);
        at += gap + length;
      }
      const inside = (instant: number): boolean => pairs.some((start, i) => i % 2 === 0 && start <= instant && instant < (pairs[i + 1] ?? 0));
      const covered = new Covered(Float64Array.from(pairs));
      const asked = instants.map((instant) => [covered.before(instant), covered.endAt(instant), covered.within(instant, instant + 7)]);
      const counted = instants.map((instant) => {
        const count = (from: number, to: number): number => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i).filter(inside).length;
        let end = instant;
        while (inside(end)) end += 1;
        return [count(0, instant), inside(instant) ? end : Number.NaN, count(instant, instant + 7)];
      });
      expect(asked).toEqual(counted);
    }),
    { numRuns: 200, seed: 3 },
  );
});

it('the union of one class, asked at instants known beforehand, is as counted instant by instant', () => {
  const rows = fc.array(fc.record({ start: fc.integer({ min: 0, max: 80 }), dur: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 25 }) }, fc.constant(Number.NaN)), class: fc.constantFrom('compute' as const, 'memcpy' as const) }), { maxLength: 30 });
  fc.assert(
    fc.property(rows, fc.array(fc.integer({ min: -5, max: 120 }), { minLength: 2, maxLength: 12 }), (tasks, instants) => {
      const table = makeProfile({ tasks, ops: null }).tasks;
      const asked = new CoveredAt(table, 0, table.length, taskClass.compute, Float64Array.from([...instants, Number.POSITIVE_INFINITY]));
      const inside = (ns: number): boolean => tasks.some((t) => t.class === 'compute' && t.start <= ns && ns < t.start + t.dur);
      const count = (from: number, to: number): number => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i).filter(inside).length;
      for (const from of instants) {
        for (const to of instants) if (to >= from) expect([from, to, asked.within(from, to)]).toEqual([from, to, count(from, to)]);
        expect(asked.within(from, Number.POSITIVE_INFINITY)).toBe(count(from, 200));
      }
      expect(asked.within(0.5, Number.POSITIVE_INFINITY)).toBeNaN();
    }),
    { numRuns: 300, seed: 7 },
  );
});

it('the call behind each connection is the one that ended last, whatever ids there are', () => {
  // Dense ranges that begin anywhere, of several captures, and ids of 32 bits.
  const id = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom(0, 1, 100_000_000, 200_000_000, 4_294_967_000), fc.integer({ min: 0, max: 40 })).map(([capture, base, more]) => capture * captureFactor + base + more);
  fc.assert(
    fc.property(fc.array(fc.record({ start: fc.integer({ min: 0, max: 99 }), dur: fc.integer({ min: 0, max: 50 }), connection: id }), { minLength: 1, maxLength: 300 }), fc.array(id, { maxLength: 50 }), (calls, others) => {
      const profile = makeProfile({ tasks: [], ops: null, apis: calls.map((c) => ({ ...c, name: 'launch' })) });
      const { apis } = profile;
      if (apis === null) throw new Error('no calls');
      const ends = new Map<number, number>();
      for (const { start, dur, connection } of calls) ends.set(connection, Math.max(ends.get(connection) ?? 0, start + dur));
      const behind = lastCalls(profile);
      for (const connection of [...ends.keys(), ...others]) {
        const row = behind?.get(connection);
        const end = row === undefined ? undefined : (apis.startNs[row] ?? 0) + (apis.durationNs[row] ?? 0);
        expect([connection, end]).toEqual([connection, ends.get(connection)]);
        if (row !== undefined) expect(apis.connection[row]).toBe(connection);
      }
    }),
    { numRuns: 100, seed: 5 },
  );
});
