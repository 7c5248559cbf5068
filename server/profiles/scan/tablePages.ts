import { closeSync, openSync, readSync } from 'node:fs';
import { pagesModule } from './generated.js';
import { Wasm } from './wasm.js';

/** One number of a row: a column as it is, as an integer less another column or a number, or its lowest 32 bits. Null: NaN in each row. */
export interface NumberColumn {
  readonly column: string | null;
  readonly less?: string | bigint;
  readonly low32?: true;
}

/** A table as the file stores it. */
export interface StoredTable {
  readonly rootPage: number;
  /** Names in the order of the record. */
  readonly columns: readonly string[];
  /** The column that is the row id; null when there is none. */
  readonly rowid: string | null;
}

/** The file is not what its header says. */
export class DamagedPages extends Error {}

/** Where pages lie in the scanner's memory. */
const input = 65_536;
const batchBytes = 1 << 20;
/** Source: fileformat2 §1.6; a deeper tree would need more pages than a file can have. */
const deepest = 20;
const pageKind = { interior: 5, leaf: 13 } as const;
const status = { odd: -1, damaged: -2 } as const;

/** An SQLite file by its pages. */
class PageFile {
  readonly #fd: number;
  readonly pageBytes: number;
  /** A page without the bytes reserved at its end. */
  readonly usableBytes: number;

  /** @throws DamagedPages */
  constructor(path: string) {
    this.#fd = openSync(path, 'r');
    const header = Buffer.alloc(100);
    if (readSync(this.#fd, header, 0, 100, 0) < 100) throw new DamagedPages('the header is cut off');
    const size = header.readUInt16BE(16);
    this.pageBytes = size === 1 ? 65_536 : size;
    this.usableBytes = this.pageBytes - header.readUInt8(20);
    if (this.pageBytes < 512 || this.usableBytes < 480) throw new DamagedPages('the header names no page size');
  }

  /** Reads `count` pages from `page` (the first is 1) on. @throws DamagedPages */
  read(into: Uint8Array, page: number, count: number): void {
    const bytes = count * this.pageBytes;
    for (let got = 0; got < bytes; ) {
      const read = readSync(this.#fd, into, got, bytes - got, (page - 1) * this.pageBytes + got);
      if (read === 0) throw new DamagedPages('a page lies behind the end of the file');
      got += read;
    }
  }

  /** The leaves of a table in the order of row ids. @throws DamagedPages */
  *leaves(page: number, depth = 0): Generator<number> {
    if (page < 1 || depth > deepest) throw new DamagedPages('the pages of a table lead in a circle');
    const bytes = Buffer.alloc(this.pageBytes);
    this.read(bytes, page, 1);
    if (bytes[0] === pageKind.leaf) {
      yield page;
      return;
    }
    const cells = bytes.readUInt16BE(3);
    if (bytes[0] !== pageKind.interior || 12 + 2 * cells > this.usableBytes) throw new DamagedPages('a page is not of a table');
    const children: number[] = [];
    for (let n = 0; n < cells; n += 1) {
      const at = bytes.readUInt16BE(12 + 2 * n);
      if (at + 4 > this.usableBytes) throw new DamagedPages('a cell lies outside of its page');
      children.push(bytes.readUInt32BE(at));
    }
    children.push(bytes.readUInt32BE(8));
    const kind = Buffer.alloc(1);
    const first = children[0] ?? 0;
    // A tree is balanced: what one child is they all are.
    if (first < 1 || readSync(this.#fd, kind, 0, 1, (first - 1) * this.pageBytes) < 1) throw new DamagedPages('a page lies behind the end of the file');
    if (kind[0] === pageKind.leaf) yield* children;
    else for (const child of children) yield* this.leaves(child, depth + 1);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Runs of leaves that lie one behind the other, each at most a batch. */
function* runs(leaves: Iterable<number>, most: number): Generator<{ from: number; count: number }> {
  let [from, count] = [0, 0];
  for (const page of leaves) {
    if (count > 0 && page === from + count && count < most) {
      count += 1;
      continue;
    }
    if (count > 0) yield { from, count };
    [from, count] = [page, 1];
  }
  if (count > 0) yield { from, count };
}

/**
 * Reads numbers of a long table from its pages, row id by row id, much faster than the engine gives rows. Only pages with cells that are
 * neither NULL, numbers nor digits go to `engine`, with their first and last row id. Memory is one batch of pages.
 * Source: https://www.sqlite.org/fileformat2.html. @param each gets the same array again and again @throws DamagedPages
 */
export function readPages(path: string, table: StoredTable, wanted: readonly NumberColumn[], signal: AbortSignal | undefined, each: (row: Float64Array) => void, engine: (first: number, last: number) => void): void {
  const file = new PageFile(path);
  try {
    const wasm = new Wasm(pagesModule);
    const names = [...new Set(wanted.flatMap((w) => [w.column, typeof w.less === 'string' ? w.less : null]).filter((n) => n !== null))];
    const slot = (name: string | null): number => (name === null ? -1 : names.indexOf(name));
    const perBatch = Math.max(1, Math.floor(batchBytes / file.pageBytes));
    const top = input + perBatch * file.pageBytes + 64;
    // A cell takes at least 4 bytes and its pointer 2.
    wasm.reserve(top + 4096 + 64 * table.columns.length + (file.pageBytes / 6 + 1) * 8 * wanted.length);
    const results = wasm.call('init')(top, file.usableBytes, table.columns.length, names.length, wanted.length, slot(table.rowid)) >>> 0;
    for (const [i, name] of names.entries()) wasm.call('want')(table.columns.indexOf(name), i);
    for (const [i, { column, less, low32 }] of wanted.entries()) {
      const number = typeof less === 'bigint' ? less : 0n;
      wasm.call('output')(i, slot(column), typeof less === 'string' ? slot(less) : -1, Number(BigInt.asIntN(32, number >> 32n)), Number(BigInt.asIntN(32, number)), low32 === true ? 2 : less === undefined ? 0 : 1);
    }
    const { buffer } = wasm.memory;
    const pages = new Uint8Array(buffer, input, perBatch * file.pageBytes);
    const [read, first, last] = [wasm.call('read'), wasm.number('first'), wasm.number('last')];
    const width = wanted.length;
    const values = new Float64Array(width);
    for (const run of runs(file.leaves(table.rootPage), perBatch)) {
      signal?.throwIfAborted();
      file.read(pages, run.from, run.count);
      for (let n = 0; n < run.count; n += 1) {
        const count = read(input + n * file.pageBytes);
        if (count === status.damaged) throw new DamagedPages('a page is not a leaf of a table');
        if (count === status.odd) {
          engine(first(), last());
          continue;
        }
        const rows = new Float64Array(buffer, results, count * width);
        for (let at = 0; at < rows.length; at += width) {
          for (let i = 0; i < width; i += 1) values[i] = rows[at + i] ?? NaN;
          each(values);
        }
      }
    }
  } finally {
    file.close();
  }
}
