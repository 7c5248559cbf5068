import { open, stat } from 'node:fs/promises';
import { foreign, ToolError } from '../contract/index.js';
import { NumberLines } from './scan/numberLines.js';
import { limits } from './thresholds.js';

/** One value of a row; NULL is null. Integers beyond 2^53 must be made small in SQL. */
export type Value = number | bigint | string | null | Uint8Array;

interface Statement {
  raw(on?: boolean): Statement;
  safeIntegers(on?: boolean): Statement;
  all(...parameters: unknown[]): unknown[];
  iterate(...parameters: unknown[]): IterableIterator<unknown>;
}

/** The engine gives rows of its five types only; looking at each cell would cost more than reading it. */
function isRow(row: unknown): row is Value[] {
  return Array.isArray(row);
}

export function asNumber(value: Value | undefined): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string' && /^-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(value)) return Number(value);
  return NaN;
}

export function asText(value: Value | undefined): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : '';
}

/** An SQLite file, read only and without touching the files beside it. Every table and column is optional. */
export class Database {
  readonly #prepare: (sql: string) => Statement;
  readonly #close: () => void;
  readonly #tables = new Map<string, ReadonlyMap<string, boolean>>();

  private constructor(readonly path: string, prepare: (sql: string) => Statement, close: () => void) {
    this.#prepare = prepare;
    this.#close = close;
  }

  /** @throws ToolError E_FILE_EMPTY, E_DB_BROKEN */
  static async open(path: string): Promise<Database> {
    const { size } = await stat(path);
    if (size === 0) throw new ToolError('E_FILE_EMPTY', `${foreign(path, 300)} has no byte`, 'export the profile again');
    const file = await open(path, 'r');
    const magic = Buffer.alloc(16);
    await file.read(magic, 0, 16, 0).finally(() => file.close());
    if (!magic.toString('latin1').startsWith('SQLite format 3')) throw new ToolError('E_DB_BROKEN', `${foreign(path, 300)} is not an SQLite database`, 'export the profile again, or copy the file anew');
    const { default: Sqlite } = await import('libsql');
    try {
      // immutable: no lock and no journal, so a -wal or -shm beside the file stays as it is.
      const url = `file:${path.split('/').map(encodeURIComponent).join('/')}?immutable=1`;
      const handle = new Sqlite(url, { readonly: true });
      const database = new Database(path, (sql) => handle.prepare(sql), () => handle.close());
      database.#inspect();
      return database;
    } catch (cause) {
      throw new ToolError('E_DB_BROKEN', `${foreign(path, 300)} is damaged: SQLite can not read its tables`, 'export the profile again, or copy the file anew', { cause });
    }
  }

  #inspect(): void {
    for (const [name] of this.rows("SELECT name FROM sqlite_master WHERE type = 'table'")) {
      const table = asText(name);
      const columns = new Map<string, boolean>();
      for (const row of this.rows(`PRAGMA table_info("${table.replaceAll('"', '""')}")`)) columns.set(asText(row[1]), asNumber(row[5]) > 0);
      this.#tables.set(table, columns);
    }
  }

  get tables(): readonly string[] {
    return [...this.#tables.keys()];
  }

  has(table: string, ...columns: readonly string[]): boolean {
    const known = this.#tables.get(table);
    return known !== undefined && columns.every((c) => known.has(c));
  }

  isPrimaryKey(table: string, column: string): boolean {
    return this.#tables.get(table)?.get(column) === true;
  }

  /** The first of the columns that is there, as SQL; a literal NULL otherwise. */
  column(table: string, ...names: readonly string[]): string {
    const found = names.find((n) => this.has(table, n));
    return found === undefined ? 'NULL' : `"${found}"`;
  }

  count(table: string): number {
    return this.has(table) ? asNumber(this.rows(`SELECT count(*) FROM "${table}"`)[0]?.[0]) : 0;
  }

  /** All rows of a small result. */
  rows(sql: string, ...parameters: readonly Value[]): Value[][] {
    return [...this.each(sql, undefined, ...parameters)];
  }

  /** Rows one by one; memory does not grow with the table. @throws ToolError E_DB_BROKEN */
  *each(sql: string, signal: AbortSignal | undefined, ...parameters: readonly Value[]): Generator<Value[]> {
    let count = 0;
    try {
      for (const row of this.#prepare(sql).raw().iterate(...parameters)) {
        if (++count % limits.rowsPerCheck === 0) signal?.throwIfAborted();
        if (isRow(row)) yield row;
      }
    } catch (cause) {
      if (cause instanceof ToolError || signal?.aborted === true) throw cause;
      throw new ToolError('E_DB_BROKEN', `${foreign(this.path, 300)} is damaged: a table can not be read to its end`, 'export the profile again, or copy the file anew', { cause });
    }
  }

  /**
   * Rows of numbers of a long table, in the order of its row ids: NaN for NULL and for what is no number. A piece of rows at a time comes
   * as one text, for entering the engine costs more than a row; a table without dense row ids comes row by row.
   * @param expressions SQL over one row @param each gets the same array again and again @throws ToolError E_DB_BROKEN
   */
  numbers(table: string, expressions: readonly string[], signal: AbortSignal | undefined, each: (row: Float64Array) => void, where = '1'): void {
    const values = new Float64Array(expressions.length);
    const plainly = (condition: string, ...parameters: readonly Value[]): void => {
      for (const row of this.each(`SELECT ${expressions.join(', ')} FROM "${table}" WHERE ${where} ${condition}`, signal, ...parameters)) {
        for (let i = 0; i < values.length; i++) values[i] = asNumber(row[i]);
        each(values);
      }
    };
    const range = this.#dense(table);
    if (range === null) {
      plainly('');
      return;
    }
    // A line that were empty would not be a row, so there is always a comma.
    const cells = expressions.map((e) => `coalesce(${e}, '')`).join(" || ',' || ") + (expressions.length === 1 ? " || ','" : '');
    const sql = `SELECT group_concat(${cells}, char(10)) FROM "${table}" WHERE rowid BETWEEN ? AND ? AND ${where}`;
    let lines = new NumberLines(Math.max(2, expressions.length), values);
    for (let from = range.first; from <= range.last; from += limits.rowsPerPiece) {
      signal?.throwIfAborted();
      const to = from + limits.rowsPerPiece - 1;
      const text = asText(this.rows(sql, from, to)[0]?.[0]);
      const read = lines.read(text, each);
      if (read < 0) continue;
      // A text with a comma or a line break in it: the rest of the piece comes row by row.
      plainly(`AND rowid BETWEEN ? AND ? ORDER BY rowid LIMIT -1 OFFSET ${read}`, from, to);
      lines = new NumberLines(Math.max(2, expressions.length), values);
    }
  }

  /** First and last row id; null when the table has none, or far fewer rows than ids. */
  #dense(table: string): { first: number; last: number } | null {
    try {
      const [range] = this.rows(`SELECT min(rowid), max(rowid) FROM "${table}"`);
      const [first, last] = [asNumber(range?.[0]), asNumber(range?.[1])];
      return last - first < 2 * this.count(table) + limits.rowsPerPiece ? { first, last } : null;
    } catch {
      return null;
    }
  }

  /** One integer beyond 2^53, exactly; null when there is none. */
  bigint(sql: string): bigint | null {
    const [row] = this.#prepare(sql).raw().safeIntegers().all();
    const value: unknown = Array.isArray(row) ? row[0] : null;
    return typeof value === 'bigint' ? value : typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : null;
  }

  close(): void {
    this.#close();
  }
}
