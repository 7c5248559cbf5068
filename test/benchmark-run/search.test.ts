import { describe, expect, it } from 'vitest';
import { nextStep, type SearchOptions, type SearchResult, type Try } from '../../server/benchmark/run/search.js';

const options: SearchOptions = { start: 4, cap: 4096, repeats: 3, resolution: 0.05, whole: true, passes: 60 };

/** Runs a search against a service of which the truth is known. */
function search(truth: (load: number, pass: number) => boolean | null, change: Partial<SearchOptions> = {}): { result: SearchResult; tries: Try[] } {
  const tries: Try[] = [];
  for (;;) {
    const step = nextStep(tries, { ...options, ...change });
    if ('done' in step) return { result: step.done, tries };
    tries.push({ load: step.measure, meets: truth(step.measure, tries.length) });
    if (tries.length > 200) throw new Error('does not end');
  }
}

describe('the largest load that meets a service level', () => {
  it('finds every planted edge of a service without noise, within its resolution', () => {
    for (let edge = 1; edge <= 300; edge += 1) {
      const { result, tries } = search((load) => load <= edge);
      const gap = Math.max(1, Math.floor((result.largest ?? 0) * options.resolution));
      expect(result.largest).toBeLessThanOrEqual(edge);
      expect(result.largest ?? 0).toBeGreaterThan(edge - gap);
      expect(result).toMatchObject({ end: 'edge-found', monotone: true, surely_met: result.largest, surely_failed: result.smallest_failing });
      // Bracket, bisection and three passes at each edge.
      expect(tries.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(300)) + 6);
    }
  });

  it('searches downwards when the first load already fails, and says when none meets it', () => {
    expect(search((load) => load <= 2).result.largest).toBe(2);
    const { result, tries } = search(() => false);
    expect(result).toMatchObject({ end: 'none-met', largest: null, surely_met: null, surely_failed: 1 });
    expect(tries.filter((t) => t.load === 1)).toHaveLength(3);
  });

  it('stops at the cap and says that nothing failed', () => {
    expect(search(() => true, { cap: 100 }).result).toMatchObject({ end: 'cap-met', largest: 100, smallest_failing: null });
  });

  it('measures both edges as often as asked, and widens the answer where passes disagree', () => {
    // At 20 and 21 every other pass fails.
    const { result, tries } = search((load, pass) => (load < 20 ? true : load > 21 ? false : pass % 2 === 0));
    const count = (load: number | null): number => tries.filter((t) => t.load === load).length;
    expect(count(result.largest)).toBeGreaterThanOrEqual(3);
    expect(count(result.smallest_failing)).toBeGreaterThanOrEqual(3);
    expect(result.surely_met ?? 0).toBeLessThan(20);
    expect(result.surely_failed ?? 0).toBeGreaterThan(21);
  });

  it('one bad pass at a load that otherwise meets it does not lower the edge', () => {
    const seen = new Map<number, number>();
    const { result } = search((load) => {
      const n = (seen.get(load) ?? 0) + 1;
      seen.set(load, n);
      return load <= 16 && !(load === 16 && n === 2);
    });
    expect(result.largest).toBe(16);
    expect(result.surely_met).toBeLessThan(16);
  });

  it('says when a higher load met the level that a lower one failed', () => {
    expect(nextStep([{ load: 4, meets: true }, { load: 8, meets: false }, { load: 16, meets: true }, { load: 4, meets: true }, { load: 6, meets: false }, { load: 5, meets: true }], { ...options, repeats: 1, passes: 6 })).toMatchObject({ done: { monotone: false, largest: 5, smallest_failing: 6, end: 'passes-spent' } });
  });

  it('a pass that cannot be judged ends the search', () => {
    expect(search(() => null).result).toMatchObject({ end: 'unjudged', largest: null });
  });

  it('searches rates in fractions', () => {
    const { result } = search((rate) => rate <= 0.7, { whole: false, start: 2, repeats: 1 });
    expect(result.largest ?? 0).toBeGreaterThan(0.7 * 0.9);
    expect(result.largest ?? 1).toBeLessThanOrEqual(0.7);
  });
});
