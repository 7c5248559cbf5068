import { closeSync, openSync, writeSync } from 'node:fs';

/** Number and time forms of the exporters, and a file that is written in chunks. */

/** Nanoseconds as microseconds with three decimals, digits exact: `1764246877073569.640`. */
export function microseconds(ns: bigint): string {
  const digits = ns.toString().padStart(4, '0');
  return `${digits.slice(0, -3)}.${digits.slice(-3)}`;
}

/** Three decimals at most, trailing zeros and dot gone, as msprof's statistics have them: `84.5`, `100`. */
export function trimmed(value: number): string {
  return value.toFixed(3).replace(/\.?0+$/, '');
}

/** As SQLite prints ROUND(x, 3), which is how PMU columns get into the CSV: `0.0`, `27.11`. */
export function rounded(value: number): string {
  const text = trimmed(value);
  return text.includes('.') ? text : `${text}.0`;
}

/** As Python's str() and the exporters' JSON print a double: a point is always there. */
export function double(value: number): string {
  const text = JSON.stringify(value);
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text;
}

/** Local time as the exporters stamp files. The simulated host's clock is UTC. */
export function stamp(ns: bigint, digits: 14 | 17): string {
  const iso = new Date(Number(ns / 1_000_000n)).toISOString();
  return iso.replace(/[^0-9]/g, '').slice(0, digits);
}

/** `2025-11-24 06:00:00.123456`, as start_info and end_info hold it. */
export function dateText(ns: bigint): string {
  const micro = (ns / 1000n) % 1_000_000n;
  return `${new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19).replace('T', ' ')}.${micro.toString().padStart(6, '0')}`;
}

const chunk = 1 << 20;

/** A text file written in chunks of about 1 MB: a capture of millions of rows never stands in memory as text. */
export class TextFile {
  readonly path: string;
  readonly #handle: number;
  #parts: string[] = [];
  #size = 0;

  constructor(path: string) {
    this.path = path;
    this.#handle = openSync(path, 'wx');
  }

  write(text: string): void {
    this.#parts.push(text);
    this.#size += text.length;
    if (this.#size >= chunk) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#handle);
  }

  #flush(): void {
    const bytes = Buffer.from(this.#parts.join(''), 'utf8');
    for (let done = 0; done < bytes.length;) done += writeSync(this.#handle, bytes, done);
    this.#parts = [];
    this.#size = 0;
  }
}
