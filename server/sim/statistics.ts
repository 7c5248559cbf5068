import { trimmed } from './text.js';

/** Count, sum, least, greatest and sum of squares of a series of durations, in microseconds. */
export class Tally {
  count = 0;
  total = 0;
  least = Infinity;
  greatest = 0;
  #squares = 0;

  add(us: number): void {
    this.count += 1;
    this.total += us;
    this.#squares += us * us;
    this.least = Math.min(this.least, us);
    this.greatest = Math.max(this.greatest, us);
  }

  get mean(): number {
    return this.total / this.count;
  }

  /** Population variance, as api_statistic has it. */
  get variance(): number {
    return Math.max(0, this.#squares / this.count - this.mean * this.mean);
  }
}

/** `count,total,min,avg,max,ratio` of op_statistic and communication_statistic. */
export function statisticCells(tally: Tally, whole: number): string[] {
  return [
    String(tally.count),
    trimmed(tally.total),
    trimmed(tally.least),
    trimmed(tally.mean),
    trimmed(tally.greatest),
    trimmed((tally.total / whole) * 100),
  ];
}

/** Tallies by key, largest total first. */
export function largestFirst<Key>(tallies: ReadonlyMap<Key, Tally>): [Key, Tally][] {
  return [...tallies].sort((a, b) => b[1].total - a[1].total);
}

export function tallyBy(map: Map<string, Tally>, key: string): Tally {
  let tally = map.get(key);
  if (tally === undefined) map.set(key, (tally = new Tally()));
  return tally;
}
