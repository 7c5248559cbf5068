/** Seeded randomness: mulberry32 (Tommy Ettinger, public domain). Same seed, same stream, on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 ≤ x < 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** Integer, low ≤ x ≤ high. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** `value` moved by at most ±`share` of itself. */
  jitter(value: number, share: number): number {
    return value * (1 + (this.next() * 2 - 1) * share);
  }

  /** Upper-case letters, as msprof's folder names end. */
  letters(count: number): string {
    let text = '';
    for (let i = 0; i < count; i += 1) text += String.fromCharCode(65 + this.integer(0, 25));
    return text;
  }
}
