/** Numbers out of bytes, without a string on the way. */
const minus = 0x2d;
const dot = 0x2e;
const zero = 0x30;
const nine = 0x39;

const powers = Array.from({ length: 23 }, (_, k) => 10 ** k);

function power(k: number): number {
  return powers[k] ?? 10 ** k;
}

/** Cuts blanks, TABs, CRs and one pair of quotes off both ends; gives the range in `out`. */
export function trimRange(buf: Buffer, start: number, end: number, out: { start: number; end: number }): void {
  while (start < end && blank(buf[start])) start++;
  while (end > start && blank(buf[end - 1])) end--;
  if (end - start >= 2 && buf[start] === 0x22 && buf[end - 1] === 0x22) {
    start++;
    end--;
    while (start < end && blank(buf[start])) start++;
    while (end > start && blank(buf[end - 1])) end--;
  }
  out.start = start;
  out.end = end;
}

function blank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}

const range = { start: 0, end: 0 };

/** A decimal number; NaN for `N/A`, `NA`, an empty cell, `null` and anything else. */
export function parseNumber(buf: Buffer, from: number, to: number): number {
  trimRange(buf, from, to, range);
  const { start, end } = range;
  if (start === end) return NaN;
  let i = start;
  const negative = buf[i] === minus;
  if (negative) i++;
  let mantissa = 0;
  let digits = 0;
  let decimals = -1;
  for (; i < end; i++) {
    const byte = buf[i] ?? 0;
    if (byte >= zero && byte <= nine) {
      mantissa = mantissa * 10 + (byte - zero);
      digits++;
      if (decimals >= 0) decimals++;
    } else if (byte === dot && decimals < 0) decimals = 0;
    else return slow(buf, start, end);
  }
  if (digits === 0) return NaN;
  // Mantissa and power are exact up to 15 digits, so one division rounds like the decimal text does.
  if (digits > 15) return slow(buf, start, end);
  const value = decimals > 0 ? mantissa / power(decimals) : mantissa;
  return negative ? -value : value;
}

function slow(buf: Buffer, start: number, end: number): number {
  const text = buf.toString('latin1', start, end);
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text) ? Number(text) : NaN;
}

/** Times as whole ns from one base, exact however many digits the text has (16 digits of µs, or 19 of ns). */
export class Clock {
  #baseUs: number | null = null;

  /** ns from the base. @param us whole µs, below 2^53 @param restNs 0…999 */
  offset(us: number, restNs: number): number {
    this.#baseUs ??= us;
    return (us - this.#baseUs) * 1000 + restNs;
  }

  offsetOfNs(ns: bigint): number {
    const us = ns / 1000n;
    return this.offset(Number(us), Number(ns - us * 1000n));
  }

  /** The base; 0 until a time was met. */
  get baseNs(): bigint {
    return BigInt(this.#baseUs ?? 0) * 1000n;
  }

  get anchored(): boolean {
    return this.#baseUs !== null;
  }
}

/** A time in µs as decimal text → ns from the clock's base; NaN when it is not one. */
export function parseTimeUs(buf: Buffer, from: number, to: number, clock: Clock): number {
  trimRange(buf, from, to, range);
  const { start, end } = range;
  if (start === end) return NaN;
  let us = 0;
  let i = start;
  for (; i < end; i++) {
    const byte = buf[i] ?? 0;
    if (byte < zero || byte > nine) break;
    us = us * 10 + (byte - zero);
  }
  if (i === start) return NaN;
  if (i === end) return Number.isSafeInteger(us) ? clock.offset(us, 0) : NaN;
  if (buf[i] !== dot) return scientific(buf, start, end, clock);
  let rest = 0;
  let digits = 0;
  let round = 0;
  for (i++; i < end; i++) {
    const byte = buf[i] ?? 0;
    if (byte < zero || byte > nine) return scientific(buf, start, end, clock);
    if (digits < 3) rest = rest * 10 + (byte - zero);
    else if (digits === 3) round = byte - zero >= 5 ? 1 : 0;
    digits++;
  }
  while (digits++ < 3) rest *= 10;
  return Number.isSafeInteger(us) ? clock.offset(us, rest + round) : NaN;
}

/** A time in whole ns as decimal text → ns from the clock's base; NaN when it is not one. */
export function parseTimeNs(buf: Buffer, from: number, to: number, clock: Clock): number {
  trimRange(buf, from, to, range);
  const { start, end } = range;
  let us = 0;
  let rest = 0;
  for (let i = start; i < end; i++) {
    const byte = buf[i] ?? 0;
    if (byte < zero || byte > nine) return NaN;
    if (i < end - 3) us = us * 10 + (byte - zero);
    else rest = rest * 10 + (byte - zero);
  }
  return start === end || !Number.isSafeInteger(us) ? NaN : clock.offset(us, rest);
}

function scientific(buf: Buffer, start: number, end: number, clock: Clock): number {
  const value = slow(buf, start, end);
  if (!Number.isFinite(value) || value < 0) return NaN;
  const us = Math.floor(value);
  return clock.offset(us, Math.round((value - us) * 1000));
}

/** µs as a number → whole ns. */
export function usToNs(us: number): number {
  return Math.round(us * 1000);
}
