import { open, type FileHandle } from 'node:fs/promises';
import { foreign, ToolError } from '../contract/index.js';
import { CsvRow, record } from './csvRow.js';
import { limits } from './thresholds.js';

const lf = 0x0a;

export interface CsvStats {
  /** Records after the header, blank lines not counted. */
  rows: number;
  /** Records with another number of cells than the header. */
  ragged: number;
  bytes: number;
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
