import { open, stat } from 'node:fs/promises';
import { foreign, ToolError } from '../contract/index.js';
import { DamagedPages, readPages, type NumberColumn, type StoredTable } from './scan/tablePages.js';
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

interface Table {
  /** Columns by name; true for those of the primary key. */
  readonly keys: ReadonlyMap<string, boolean>;
  /** Null where the pages alone do not say what a row is. */
  readonly stored: StoredTable | null;
}

/** A number of a row in SQL. TEXT is cast where integers are asked for. */
export function sqlOf({ column, less, low32 }: NumberColumn): string {
  if (column === null) return 'NULL';
  if (low32 === true) return `"${column}" & 4294967295`;
  if (less === undefined) return `"${column}"`;
  return `CAST("${column}" AS INTEGER) - ${typeof less === 'bigint' ? String(less) : `CAST("${less}" AS INTEGER)`}`;
}

/** An SQLite file, read only and without touching the files beside it. Every table and column is optional. */
export class Database {
  readonly #prepare: (sql: string) => Statement;
  readonly #close: () => void;
  readonly #tables = new Map<string, Table>();

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
    for (const [name, root, sql] of this.rows("SELECT name, rootpage, sql FROM sqlite_master WHERE type = 'table'")) {
      const table = asText(name);
      const columns = this.rows(`PRAGMA table_xinfo("${table.replaceAll('"', '""')}")`).map((row) => ({ name: asText(row[1]), type: asText(row[2]), preset: row[4] !== null, key: asNumber(row[5]) > 0, stored: asNumber(row[6]) === 0 }));
      const keys = columns.filter((c) => c.key);
      const [key] = keys;
      // Columns with a default may be missing in older records, and computed ones have places of their own: the engine knows.
      const asStored = asNumber(root) > 0 && !/without\s+rowid/i.test(asText(sql)) && columns.every((c) => c.stored && !c.preset);
      const rowid = key !== undefined && keys.length === 1 && key.type.toUpperCase() === 'INTEGER' ? key.name : null;
      this.#tables.set(table, {
        keys: new Map(columns.map((c) => [c.name, c.key])),
        stored: asStored ? { rootPage: asNumber(root), columns: columns.map((c) => c.name), rowid } : null,
      });
    }
  }

  get tables(): readonly string[] {
    return [...this.#tables.keys()];
  }

  has(table: string, ...columns: readonly string[]): boolean {
    const known = this.#tables.get(table);
    return known !== undefined && columns.every((c) => known.keys.has(c));
  }

  isPrimaryKey(table: string, column: string): boolean {
    return this.#tables.get(table)?.keys.get(column) === true;
  }

  /** The first of the columns that is there, as SQL; a literal NULL otherwise. */
  column(table: string, ...names: readonly string[]): string {
    return sqlOf(this.number(table, ...names));
  }

  /** The first of the columns that is there; NaN in every row otherwise. */
  number(table: string, ...names: readonly string[]): NumberColumn {
    return { column: names.find((n) => this.has(table, n)) ?? null };
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
      throw this.#broken(cause);
    }
  }

  /**
   * Rows of numbers of a long table, in the order of its row ids: NaN for NULL and for what is no number. They come from the pages of the
   * file where these say all, else row by row from the engine.
   * @param each gets the same array again and again @throws ToolError E_DB_BROKEN
   */
  numbers(table: string, wanted: readonly NumberColumn[], signal: AbortSignal | undefined, each: (row: Float64Array) => void): void {
    const values = new Float64Array(wanted.length);
    const fromEngine = (condition: string, ...parameters: readonly Value[]): void => {
      for (const row of this.each(`SELECT ${wanted.map(sqlOf).join(', ')} FROM "${table}" ${condition}`, signal, ...parameters)) {
        for (let i = 0; i < values.length; i++) values[i] = asNumber(row[i]);
        each(values);
      }
    };
    const stored = this.#tables.get(table)?.stored ?? null;
    if (stored === null) {
      fromEngine('');
      return;
    }
    try {
      readPages(this.path, stored, wanted, signal, each, (first, last) => fromEngine('WHERE rowid BETWEEN ? AND ? ORDER BY rowid', first, last));
    } catch (cause) {
      if (cause instanceof DamagedPages) throw this.#broken(cause);
      throw cause;
    }
  }

  #broken(cause: unknown): ToolError {
    return new ToolError('E_DB_BROKEN', `${foreign(this.path, 300)} is damaged: a table can not be read to its end`, 'export the profile again, or copy the file anew', { cause });
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
