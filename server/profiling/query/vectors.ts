import type { DuckDBDataChunk, DuckDBType } from '@duckdb/node-api';
import type { Strings } from '../../profiles/profile.js';
import type { TableData } from './tables.js';

type DuckDB = typeof import('@duckdb/node-api');
/** The engine's own functions: its typed layer sets cells one by one, a boxed bit for each null. */
type Bindings = typeof import('@duckdb/node-bindings');
type Cell = TableData['cells'][number];
type Kind = TableData['doc']['columns'][number]['kind'];

/** Rows of one data chunk: DuckDB's own vector size. */
export const chunkRows = 2048;
/** What a 64-bit integer holds of a double, with room for adding the base. */
const integerLimit = 2 ** 62;
const word = 2 ** 32;

/** One column of the chunks of a batch. */
interface ColumnWriter {
  readonly type: DuckDBType;
  /** Fills {@link values} from a row on. @returns null bits where a cell is null, else null */
  fill(from: number, rows: number): Uint32Array<ArrayBuffer> | null;
  /** Values of the last fill as the engine keeps them. */
  readonly values: (Uint8Array | Uint16Array | Uint32Array | Float64Array) & { readonly buffer: ArrayBuffer };
}

/** Bits of the rows of a chunk that have a value. */
class Valid {
  readonly #bits = new Uint32Array(chunkRows / 32);
  #any = false;

  begin(): void {
    this.#any = false;
  }

  setNull(i: number): void {
    if (!this.#any) this.#bits.fill(0xffffffff);
    this.#any = true;
    this.#bits[i >>> 5] = (this.#bits[i >>> 5] ?? 0) & ~(1 << (i & 31));
  }

  get bits(): Uint32Array<ArrayBuffer> | null {
    return this.#any ? this.#bits : null;
  }
}

function numbers(duckdb: DuckDB, cell: Cell): ColumnWriter {
  const [values, valid] = [new Float64Array(chunkRows), new Valid()];
  return {
    type: duckdb.DOUBLE,
    values,
    fill: (from, rows) => {
      valid.begin();
      for (let i = 0; i < rows; i += 1) {
        const value = cell(from + i);
        if (Number.isFinite(value)) values[i] = value;
        else valid.setNull(i);
      }
      return valid.bits;
    },
  };
}

/** 64-bit integers, written as two words: a double holds ns from the base, not ns since the epoch. */
function integers(duckdb: DuckDB, cell: Cell, least: number, base: bigint): ColumnWriter {
  const [values, valid] = [new Uint32Array(2 * chunkRows), new Valid()];
  const [low, high] = [Number(BigInt.asUintN(32, base)), Number(base >> 32n)];
  return {
    type: duckdb.BIGINT,
    values,
    fill: (from, rows) => {
      valid.begin();
      for (let i = 0; i < rows; i += 1) {
        const value = cell(from + i);
        if (!(value >= least && value < integerLimit)) {
          valid.setNull(i);
          continue;
        }
        const whole = Math.round(value);
        const above = Math.floor(whole / word);
        // Each word by itself: the sum of both may lie beyond what a double holds.
        const sum = whole - above * word + low;
        values[2 * i] = sum;
        values[2 * i + 1] = above + high + (sum < word ? 0 : 1);
      }
      return valid.bits;
    },
  };
}

function flags(duckdb: DuckDB, cell: Cell): ColumnWriter {
  const [values, valid] = [new Uint8Array(chunkRows), new Valid()];
  return {
    type: duckdb.BOOLEAN,
    values,
    fill: (from, rows) => {
      valid.begin();
      for (let i = 0; i < rows; i += 1) {
        const value = cell(from + i);
        if (Number.isFinite(value)) values[i] = value === 0 ? 0 : 1;
        else valid.setNull(i);
      }
      return valid.bits;
    },
  };
}

/** Texts of a batch as numbers of a dictionary of its own, which the engine turns into text; so a text crosses once a batch. */
function texts(duckdb: DuckDB, cell: Cell, strings: Strings, first: number, length: number): ColumnWriter {
  const codes = new Int32Array(length);
  const known = new Map<number, number>();
  const dictionary = new Map<string, number>();
  for (let i = 0; i < length; i += 1) {
    const id = cell(first + i);
    let code = id > 0 ? known.get(id) : -1;
    if (code === undefined) {
      const text = asStored(strings.get(id));
      code = dictionary.get(text) ?? dictionary.size;
      dictionary.set(text, code);
      known.set(id, code);
    }
    codes[i] = code;
  }
  if (dictionary.size === 0) dictionary.set('', 0);
  const valid = new Valid();
  const values = dictionary.size <= 0xff ? new Uint8Array(chunkRows) : dictionary.size <= 0xffff ? new Uint16Array(chunkRows) : new Uint32Array(chunkRows);
  return {
    type: duckdb.ENUM([...dictionary.keys()]),
    values,
    fill: (from, rows) => {
      valid.begin();
      for (let i = 0; i < rows; i += 1) {
        const code = codes[from - first + i] ?? -1;
        values[i] = Math.max(0, code);
        if (code < 0) valid.setNull(i);
      }
      return valid.bits;
    },
  };
}

/** A text as it comes out of the engine: UTF-8 that ends at a NUL. Two texts that differ only there are one in a dictionary. */
function asStored(text: string): string {
  const [head = ''] = text.split('\0', 1);
  return Buffer.from(head).toString();
}

/** Chunks of some rows of a table, one object filled again and again. */
export class Chunks {
  readonly #columns: readonly ColumnWriter[];
  readonly #chunk: DuckDBDataChunk;

  /** @param base ns that are added to every time */
  constructor(duckdb: DuckDB, readonly bindings: Bindings, data: TableData, strings: Strings, base: bigint, first: number, length: number) {
    const writer = (kind: Kind, cell: Cell): ColumnWriter => {
      if (kind === 'text') return texts(duckdb, cell, strings, first, length);
      if (kind === 'number') return numbers(duckdb, cell);
      if (kind === 'flag') return flags(duckdb, cell);
      return integers(duckdb, cell, kind === 'id' ? 0 : -integerLimit, kind === 'time' ? base : 0n);
    };
    this.#columns = data.doc.columns.map(({ kind }, c) => writer(kind, data.cells[c] ?? (() => Number.NaN)));
    this.#chunk = duckdb.DuckDBDataChunk.create(this.#columns.map((c) => c.type));
  }

  /** The rows from one on, at most {@link chunkRows}; good until the next call. */
  at(from: number, rows: number): DuckDBDataChunk {
    const { bindings } = this;
    const chunk = this.#chunk;
    chunk.reset();
    chunk.rowCount = rows;
    for (const [c, column] of this.#columns.entries()) {
      const vector = bindings.data_chunk_get_vector(chunk.chunk, c);
      const bits = column.fill(from, rows);
      const { buffer, byteOffset, byteLength } = column.values;
      bindings.copy_data_to_vector(vector, 0, buffer, byteOffset, (byteLength / chunkRows) * rows);
      if (bits === null) continue;
      bindings.vector_ensure_validity_writable(vector);
      bindings.copy_data_to_vector_validity(vector, 0, bits.buffer, bits.byteOffset, bits.byteLength);
    }
    return chunk;
  }
}
