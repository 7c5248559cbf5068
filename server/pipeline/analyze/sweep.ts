import type { HostCalls } from './hostSide.js';

/** Host calls that overlap gaps. Gaps come in order; a call is looked at once and then once for every gap it spans. */
export class Sweep {
  readonly #calls: HostCalls;
  readonly #names: Int32Array;
  #next = 0;
  /** Positions of calls that may reach into the next gap. */
  #open: number[] = [];

  /** @param names name ids of the rows of `Profile.apis` */
  constructor(calls: HostCalls, names: Int32Array) {
    this.#calls = calls;
    this.#names = names;
  }

  /** Adds the overlap of each call with one gap to the sums of its name. */
  gap(start: number, end: number, into: Map<number, { ns: number; count: number }>): void {
    const { rows, startNs, durationNs } = this.#calls;
    for (; this.#next < rows.length && !((startNs[this.#next] ?? 0) >= end); this.#next += 1) {
      if ((startNs[this.#next] ?? Number.NaN) + (durationNs[this.#next] ?? Number.NaN) > start) this.#open.push(this.#next);
    }
    let kept = 0;
    for (const call of this.#open) {
      const from = startNs[call] ?? 0;
      const to = from + (durationNs[call] ?? 0);
      if (!(to > start)) continue;
      this.#open[kept] = call;
      kept += 1;
      const name = this.#names[rows[call] ?? 0] ?? 0;
      const ns = Math.min(to, end) - Math.max(from, start);
      const sum = into.get(name);
      if (sum === undefined) into.set(name, { ns, count: 1 });
      else {
        sum.ns += ns;
        sum.count += 1;
      }
    }
    this.#open.length = kept;
  }
}
