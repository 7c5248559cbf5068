import { open, type FileHandle } from 'node:fs/promises';
import { foreign, ToolError } from '../contract/index.js';
import { type ByteDictionary } from './columns.js';
import { parseNumber, parseTimeUs, trimRange, type Clock } from './numbers.js';
import { limits } from './thresholds.js';
import { unquoted } from './words.js';

const quote = 0x22;
const comma = 0x2c;
const lf = 0x0a;
const cr = 0x0d;

export interface CsvStats {
  /** Records after the header, blank lines not counted. */
  rows: number;
  /** Records with another number of cells than the header. */
  ragged: number;
  bytes: number;
}

/** One record, valid only inside the callback. A column of −1, or one the record does not have, reads as missing. */
export class CsvRow {
  buf = Buffer.alloc(0);
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

  /** The cell as text, CSV quotes resolved; empty when missing. */
  text(column: number): string {
    if (column < 0 || column >= this.fields) return '';
    const raw = this.buf.toString('utf8', this.starts[column], this.ends[column]).replace(/^[ \t\r]+|[ \t\r]+$/g, '');
    return unquoted(raw).trim();
  }
}

/** Reads the bytes of a file piece by piece. */
class Pieces {
  buf = Buffer.allocUnsafe(limits.chunkBytes * 2);
  filled = 0;
  ended = false;
  bytes = 0;
  readonly #file: FileHandle;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Keeps what stands from `keep` on and reads more behind it. */
  async more(keep: number): Promise<void> {
    this.buf.copyWithin(0, keep, this.filled);
    this.filled -= keep;
    if (this.buf.length - this.filled < limits.chunkBytes) {
      const next = Buffer.allocUnsafe(this.buf.length * 2);
      this.buf.copy(next, 0, 0, this.filled);
      this.buf = next;
    }
    const { bytesRead } = await this.#file.read(this.buf, this.filled, limits.chunkBytes);
    this.filled += bytesRead;
    this.bytes += bytesRead;
    if (bytesRead === 0) this.ended = true;
  }
}

/**
 * Streams a CSV by bytes. `header` gets the column names and the byte behind
 * the header, and returns what to do with each record, or null to stop there.
 * Cells that begin with a quote may hold commas, line breaks and `""`; a quote elsewhere is an ordinary character, for msprof
 * writes most strings raw. Memory is one chunk and the longest record.
 * @throws ToolError E_FILE_EMPTY, E_FILE_UNREADABLE, E_CSV_BROKEN (unclosed quote, with its line)
 */
export async function readCsv(path: string, header: (names: string[], end: number) => ((row: CsvRow) => void) | null, signal?: AbortSignal): Promise<CsvStats> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new ToolError('E_FILE_UNREADABLE', `${foreign(path, 300)} could not be read`, 'check its permissions', { cause });
  });
  try {
    const pieces = new Pieces(file);
    const row = new CsvRow();
    const stats: CsvStats = { rows: 0, ragged: 0, bytes: 0 };
    let each: ((row: CsvRow) => void) | null = null;
    let columns = 0;
    let at = 0;
    let line = 1;
    await pieces.more(0);
    if (pieces.filled === 0) throw new ToolError('E_FILE_EMPTY', `${foreign(path, 300)} has no byte`, 'export the profile again');
    if (pieces.buf[0] === 0xef && pieces.buf[1] === 0xbb && pieces.buf[2] === 0xbf) at = 3;
    for (;;) {
      row.buf = pieces.buf;
      const next = record(row, pieces.buf, at, pieces.filled, pieces.ended);
      if (next < 0) {
        if (row.fields < 0) throw broken(path, line);
        if (pieces.ended) break;
        if (pieces.filled - at > limits.csvRecordBytes) throw broken(path, line);
        signal?.throwIfAborted();
        await pieces.more(at);
        at = 0;
        continue;
      }
      row.line = line;
      const blankLine = row.fields === 1 && row.starts[0] === row.ends[0];
      if (!blankLine) {
        if (each === null) {
          const names = Array.from({ length: row.fields }, (_, i) => row.text(i));
          columns = names.length;
          each = header(names, pieces.bytes - pieces.filled + next);
          if (each === null) break;
        } else {
          stats.rows++;
          if (row.fields !== columns) stats.ragged++;
          each(row);
        }
      }
      line += breaks(pieces.buf, at, next);
      at = next;
    }
    stats.bytes = pieces.bytes;
    return stats;
  } finally {
    await file.close();
  }
}

function broken(path: string, line: number): ToolError {
  return new ToolError('E_CSV_BROKEN', `${foreign(path, 300)}: a quote opened in the record at line ${line} is not closed where its cell ends`, 'export the profile again, or close the quote in a copy');
}

/** Line breaks of a record; nearly always one. */
function breaks(buf: Buffer, start: number, end: number): number {
  let count = 0;
  for (let i = buf.indexOf(lf, start); i >= 0 && i < end; i = buf.indexOf(lf, i + 1)) count++;
  return Math.max(1, count);
}

/**
 * Cuts one record into cells. Returns where the next begins, or −1 when its end is not in the buffer or there is no record left;
 * then `row.fields` is −1 when a quote is open at the end of the file, or closed elsewhere than at the end of its cell.
 */
function record(row: CsvRow, buf: Buffer, from: number, filled: number, ended: boolean): number {
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
