import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../server/accuracy/bisect/outcome.js';
import { boundsOf, decide, nextCommit, searchLine, type Decision } from '../../server/accuracy/bisect/search.js';
import { seeded } from '../generate/accuracy.js';
import { plantKinds } from '../generate/accuracy-bisect.js';

describe('the search, on commits that are only numbers', () => {
  /** Runs the line to its end; counts different commits judged, ends included. */
  async function run(seed: number, repeats: number): Promise<{ right: boolean; range: boolean; judged: number }> {
    const count = 63;
    const kinds = plantKinds(count, seed);
    kinds[count - 1] = 'plain';
    const random = seeded(seed * 31 + 1);
    const culprit = Math.floor(random() * count);
    const tallies = new Map<number, { good: number; bad: number }>();
    const found = await searchLine(count, new Map<number, Decision>([[count - 1, 'bad']]), (index, again) => {
      if (kinds[index] === 'broken') return Promise.resolve('skipped');
      const tally = tallies.get(index) ?? { good: 0, bad: 0 };
      tallies.set(index, tally);
      const least = tally.good + tally.bad + (again ? repeats : 0);
      for (;;) {
        const decision = decide({ ...tally, skipped: false }, repeats);
        if (decision !== 'open' && tally.good + tally.bad >= least) return Promise.resolve(decision);
        const flip = kinds[index] === 'flaky' && random() < 0.3;
        if (index >= culprit !== flip) tally.bad += 1;
        else tally.good += 1;
      }
    });
    const inRange = culprit > found.bounds.good && culprit <= found.bounds.bad;
    return { right: inRange, range: found.bounds.bad - found.bounds.good > 1, judged: tallies.size + 2 };
  }
  it('of 64 commits, 15 % flaky and 10 % broken, finds the bad one in at most 10 judged', async () => {
    const results = await Promise.all(Array.from({ length: 200 }, (_, seed) => run(seed + 1, 3)));
    // A commit that answers wrongly three times of ten is unanimous by chance in 2.7 %; running the ends of the last step again
    // catches most. What is left over are wrong halves taken earlier.
    expect(results.filter((r) => r.right).length / results.length).toBeGreaterThan(0.93);
    const sure = results.filter((r) => r.right && !r.range);
    expect(sure.length / results.length).toBeGreaterThan(0.6);
    expect(results.filter((r) => r.judged <= 10).length / results.length).toBeGreaterThan(0.95);
  });
  it('without noise it is a binary search', async () => {
    for (const culprit of [0, 1, 31, 61, 62]) {
      let judged = 0;
      const again: number[] = [];
      const found = await searchLine(63, new Map<number, Decision>([[62, 'bad']]), (index, confirm) => {
        if (confirm) again.push(index);
        else judged += 1;
        return Promise.resolve(index >= culprit ? 'bad' : 'good');
      });
      expect(found.bounds).toMatchObject({ bad: culprit });
      expect(judged).toBeLessThanOrEqual(6);
      expect(again.length).toBeLessThanOrEqual(2);
    }
  });
  it('commits that can not be judged leave a range that holds the culprit', async () => {
    const found = await searchLine(20, new Map<number, Decision>([[19, 'bad']]), (index) => Promise.resolve(index >= 8 && index <= 12 ? 'skipped' : index >= 10 ? 'bad' : 'good'));
    expect(found.bounds).toEqual({ good: 7, bad: 13 });
    expect(nextCommit(found.bounds, found.decisions)).toBeNull();
  });
  it('decides by unanimity, or by a lead of one more once runs disagree', () => {
    const d = (good: number, bad: number): Decision => decide({ good, bad, skipped: false }, 3);
    expect([d(2, 0), d(3, 0), d(0, 3), d(3, 1), d(5, 1), d(1, 5), d(8, 7)]).toEqual(['open', 'good', 'bad', 'open', 'good', 'bad', 'undecided']);
  });
  it('one decision against many is outvoted', () => {
    expect(boundsOf(10, new Map<number, Decision>([[1, 'good'], [2, 'bad'], [4, 'good'], [5, 'good'], [7, 'bad'], [9, 'bad']]))).toEqual({ good: 5, bad: 7 });
  });
});

describe('what a run of the command says', () => {
  const of = (code: number | null, text = '', timedOut = false): string => {
    const { verdict, reason } = outcomeOf({ code, timedOut }, text);
    return `${verdict} ${reason}`;
  };
  it('only 0 and 1 judge', () => {
    expect([of(0), of(1), of(125), of(2), of(127), of(null), of(null, '', true)]).toEqual(['good none', 'bad none', 'skip asked', 'skip exit', 'skip exit', 'skip signal', 'skip timeout']);
  });
  it.each([
    ['oom', 'RuntimeError: NPU out of memory. Tried to allocate 2.00 GiB'],
    ['oom', 'EL0004: [PID: 77] 2026-01-01-00:00:00 Failed to allocate memory'],
    ['hccl', 'EI0006: [PID: 1] Getting socket times out.'],
    ['device', 'runtime result = 507035, reason=[aicore exception]'],
    ['build', 'compiling\nninja: build stopped: subcommand failed.'],
    ['build', 'a.cpp:3:10: fatal error: torch.h: no such header'],
    ['environment', "ModuleNotFoundError: No module named 'torch_npu'"],
    ['environment', 'libascendcl.so: cannot open shared object file'],
  ])('exit 1 with %s in its output is not bad', (reason, text) => {
    expect(of(1, text)).toBe(`skip ${reason}`);
    // The log never makes a verdict, it only takes one back.
    expect(of(0, text)).toBe('good none');
  });
  it('an ordinary wrong answer is bad', () => {
    expect(of(1, 'case 3: expected 391, got 392\n1 of 12 cases failed')).toBe('bad none');
  });
});
