/** The largest load that meets a service level: doubles until one does not, halves the gap, measures both edges again. Pure. */

export interface Try {
  readonly load: number;
  /** Null: its p99 is not known. */
  readonly meets: boolean | null;
}

export interface SearchOptions {
  readonly start: number;
  readonly cap: number;
  /** Passes at each edge. */
  readonly repeats: number;
  /** Gap between the edges that is small enough, as a share of the lower. */
  readonly resolution: number;
  /** Whole numbers only: requests in flight. */
  readonly whole: boolean;
  /** Passes at most. */
  readonly passes: number;
}

export interface SearchResult {
  /** Largest load most of whose passes met the level; null: not even the smallest did. */
  readonly largest: number | null;
  /** Smallest load above it most of whose passes did not; null: the cap met it. */
  readonly smallest_failing: number | null;
  /** Largest load below which no pass failed the level, itself included; null: none. */
  readonly surely_met: number | null;
  /** Smallest load from which on every pass failed it; null: none. */
  readonly surely_failed: number | null;
  /** False: a higher load met the level that a lower one failed. */
  readonly monotone: boolean;
  readonly passes: number;
  readonly end: 'edge-found' | 'cap-met' | 'none-met' | 'passes-spent' | 'unjudged';
}

export type Step = { readonly measure: number } | { readonly done: SearchResult };

interface Load {
  readonly load: number;
  readonly met: number;
  readonly failed: number;
}

function grouped(tries: readonly Try[]): Load[] {
  const loads = new Map<number, Load>();
  for (const { load, meets } of tries) {
    if (meets === null) continue;
    const before = loads.get(load) ?? { load, met: 0, failed: 0 };
    loads.set(load, { load, met: before.met + (meets ? 1 : 0), failed: before.failed + (meets ? 0 : 1) });
  }
  return [...loads.values()].sort((a, b) => a.load - b.load);
}

const passed = (l: Load): boolean => l.met > l.failed;

function result(loads: readonly Load[], low: Load | undefined, high: Load | undefined, passes: number, end: SearchResult['end']): SearchResult {
  const firstFailure = loads.find((l) => l.failed > 0)?.load ?? Infinity;
  const lastSuccess = loads.findLast((l) => l.met > 0)?.load ?? -Infinity;
  const lowestFailing = loads.find((l) => !passed(l))?.load ?? Infinity;
  return {
    largest: low?.load ?? null,
    smallest_failing: high?.load ?? null,
    surely_met: loads.findLast((l) => l.load < firstFailure)?.load ?? null,
    surely_failed: loads.find((l) => l.load > lastSuccess)?.load ?? null,
    monotone: !loads.some((l) => passed(l) && l.load > lowestFailing),
    passes,
    end,
  };
}

/** What to measure next, or what came out. The same tries always give the same step. A tie counts as failed. */
export function nextStep(tries: readonly Try[], options: SearchOptions): Step {
  const fit = (load: number): number => Math.min(options.cap, options.whole ? Math.max(1, Math.round(load)) : load);
  const loads = grouped(tries);
  const high = loads.find((l) => !passed(l));
  const low = loads.findLast((l) => passed(l) && (high === undefined || l.load < high.load));
  const done = (end: SearchResult['end']): Step => ({ done: result(loads, low, high, tries.length, end) });
  if (tries.some((t) => t.meets === null)) return done('unjudged');
  if (tries.length >= options.passes) return done('passes-spent');
  if (loads.length === 0) return { measure: fit(options.start) };
  const again = (l: Load | undefined): boolean => l !== undefined && l.met + l.failed < options.repeats;
  if (high === undefined) {
    if (low !== undefined && low.load < fit(Infinity)) return { measure: fit(low.load * 2) };
    return low !== undefined && again(low) ? { measure: low.load } : done('cap-met');
  }
  if (low === undefined) {
    const below = options.whole ? Math.floor(high.load / 2) : high.load / 2;
    // Below a hundredth of what was asked for no answer is useful any more.
    if (below < (options.whole ? 1 : options.start / 100)) return again(high) ? { measure: high.load } : done('none-met');
    return { measure: below };
  }
  const gap = high.load - low.load;
  const close = options.whole ? Math.max(1, Math.floor(low.load * options.resolution)) : low.load * options.resolution;
  if (gap > close) {
    const middle = options.whole ? Math.floor((low.load + high.load) / 2) : (low.load + high.load) / 2;
    return { measure: middle };
  }
  if (again(low)) return { measure: low.load };
  if (again(high)) return { measure: high.load };
  return done('edge-found');
}
