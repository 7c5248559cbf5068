import { type ByteDictionary } from './byteDictionary.js';
import { parseNumber, parseTimeUs, trimRange, type Clock } from './numbers.js';
import { cleanWord, unquoted } from './words.js';

const quote = 0x22;
const comma = 0x2c;
const lf = 0x0a;
const cr = 0x0d;

/** One record, valid only inside the callback. A column of −1, or one the record does not have, reads as missing. */
export class CsvRow {
  buf: Buffer = Buffer.alloc(0);
  fields = 0;
  /** Line the record begins at, from 1. */
  line = 0;
  starts = new Int32Array(64);
  ends = new Int32Array(64);
  readonly #range = { start: 0, end: 0 };

  add(start: number, end: number): void {
    if (this.fields === this.starts.length) {
      const starts = new Int32Array(this.fields * 2);
      const ends = new Int32Array(this.fields * 2);
      starts.set(this.starts);
      ends.set(this.ends);
      this.starts = starts;
      this.ends = ends;
    }
    this.starts[this.fields] = start;
    this.ends[this.fields++] = end;
  }

  /** NaN when missing. */
  number(column: number): number {
    return column < 0 || column >= this.fields ? NaN : parseNumber(this.buf, this.starts[column] ?? 0, this.ends[column] ?? 0);
  }

  /** ns from the clock's base; NaN when missing. */
  timeUs(column: number, clock: Clock): number {
    return column < 0 || column >= this.fields ? NaN : parseTimeUs(this.buf, this.starts[column] ?? 0, this.ends[column] ?? 0, clock);
  }

  /** Value of the cell in a dictionary over its bytes (quotes of the CSV included); `missing` when the record lacks the cell. */
  word(column: number, dictionary: ByteDictionary, missing = 0): number {
    if (column < 0 || column >= this.fields) return missing;
    trimRange(this.buf, this.starts[column] ?? 0, this.ends[column] ?? 0, this.#range);
    return dictionary.value(this.buf, this.#range.start, this.#range.end);
  }

  /** The cell as the tables keep it, see {@link cleanWord}; empty when missing. */
  clean(column: number): string {
    if (column < 0 || column >= this.fields) return '';
    trimRange(this.buf, this.starts[column] ?? 0, this.ends[column] ?? 0, this.#range);
    return cleanWord(this.buf.toString('utf8', this.#range.start, this.#range.end));
  }

  /** The bytes of all cells but one, as a key. */
  without(column: number): string {
    const last = this.fields - 1;
    if (last < 0) return '';
    const [start, end] = [this.starts[0] ?? 0, this.ends[last] ?? 0];
    if (column < 0 || column > last) return this.buf.toString('latin1', start, end);
    return `${this.buf.toString('latin1', start, this.starts[column])}|${this.buf.toString('latin1', this.ends[column], end)}`;
  }

  /** The cell as text, CSV quotes resolved; empty when missing. */
  text(column: number): string {
    if (column < 0 || column >= this.fields) return '';
    const raw = this.buf.toString('utf8', this.starts[column], this.ends[column]).replace(/^[ \t\r]+|[ \t\r]+$/g, '');
    return unquoted(raw).trim();
  }
}

/** Cuts cells that stand side by side in a record, which was found whole before. */
export function splitRecord(row: CsvRow, cells: Buffer): void {
  row.buf = cells;
  if (record(row, cells, 0, cells.length, true) < 0) row.fields = 0;
}

/**
 * Cuts one record into cells. Returns where the next begins, or −1 when its end is not in the buffer or there is no record left;
 * then `row.fields` is −1 when a quote is open at the end of the file, or closed elsewhere than at the end of its cell.
 */
export function record(row: CsvRow, buf: Buffer, from: number, filled: number, ended: boolean): number {
  row.fields = 0;
  if (from >= filled) return -1;
  let i = from;
  for (;;) {
    const start = i;
    let j = i;
    while (j < filled && (buf[j] === 0x20 || buf[j] === 0x09)) j++;
    if (buf[j] === quote && j < filled) {
      i = j + 1;
      for (;;) {
        i = buf.indexOf(quote, i);
        if (i < 0 || i >= filled) {
          row.fields = ended ? -1 : 0;
          return -1;
        }
        if (i + 1 < filled && buf[i + 1] === quote) i += 2;
        else if (i + 1 >= filled && !ended) return -1;
        else break;
      }
      i++;
      while (i < filled && (buf[i] === 0x20 || buf[i] === 0x09 || buf[i] === cr)) i++;
      if (i >= filled && !ended) return -1;
      if (i < filled && buf[i] !== comma && buf[i] !== lf) {
        row.fields = -1;
        return -1;
      }
    }
    let byte = 0;
    while (i < filled) {
      byte = buf[i] ?? 0;
      // Nearly every byte is above the comma; one compare settles it.
      if (byte <= comma && (byte === comma || byte === lf)) break;
      i++;
    }
    if (i >= filled) {
      if (!ended) return -1;
      row.add(start, buf[i - 1] === cr && i > start ? i - 1 : i);
      return filled;
    }
    if (byte === comma) {
      row.add(start, i++);
      continue;
    }
    row.add(start, i > start && buf[i - 1] === cr ? i - 1 : i);
    return i + 1;
  }
}
