/** Epoch time in nanoseconds that never runs backwards: the wall clock at start plus the monotonic clock since. */
const originNs = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

export function nowNs(): bigint {
  return originNs + process.hrtime.bigint();
}

// Read once: two readings apart in time would put a step off by the pause between them.
const monotonicNs = nowNs() - BigInt(Math.round(performance.now() * 1e6));

/** Epoch nanoseconds of a moment of {@link nowMs}. */
export function nsAt(ms: number): bigint {
  return monotonicNs + BigInt(Math.round(ms * 1e6));
}

/** Milliseconds of the monotonic clock. */
export function nowMs(): number {
  return performance.now();
}

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

export interface ClockText {
  readonly date: string;
  readonly time: string;
  readonly micros: string;
}

/** Local time of now, with microseconds. */
export function clockText(ns: bigint = nowNs()): ClockText {
  const date = new Date(Number(ns / 1_000_000n));
  return {
    date: `${date.getFullYear()}-${pad(date.getMonth() + 1, 2)}-${pad(date.getDate(), 2)}`,
    time: `${pad(date.getHours(), 2)}:${pad(date.getMinutes(), 2)}:${pad(date.getSeconds(), 2)}`,
    micros: pad(Number((ns / 1000n) % 1_000_000n), 6),
  };
}
