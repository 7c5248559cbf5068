import type { Database, Statement } from 'libsql';

export type Cell = string | number | bigint | null;

/** Rows per INSERT statement: a tenth of the calls, well under SQLite's 32,766 parameters. */
const batch = 16;

class Table {
  readonly #one: Statement;
  readonly #many: Statement;
  readonly #width: number;
  #pending: Cell[] = [];

  constructor(database: Database, name: string, columns: readonly string[]) {
    database.exec(`CREATE TABLE IF NOT EXISTS ${name} (${columns.join(',')})`);
    this.#width = columns.length;
    const row = `(${columns.map(() => '?').join(',')})`;
    this.#one = database.prepare(`INSERT INTO ${name} VALUES ${row}`);
    this.#many = database.prepare(`INSERT INTO ${name} VALUES ${Array.from({ length: batch }, () => row).join(',')}`);
  }

  add(row: readonly Cell[]): void {
    for (const value of row) this.#pending.push(value);
    if (this.#pending.length < this.#width * batch) return;
    this.#many.run(this.#pending);
    this.#pending = [];
  }

  flush(): void {
    for (let i = 0; i < this.#pending.length; i += this.#width) this.#one.run(this.#pending.slice(i, i + this.#width));
    this.#pending = [];
  }
}

/** A SQLite file under construction: one transaction, tables made at their first row (a table exists only if it has data). */
export class DatabaseFile<Name extends string> {
  readonly #database: Database;
  readonly #schema: Readonly<Record<Name, readonly string[]>>;
  readonly #open = new Map<string, Table>();

  private constructor(database: Database, schema: Readonly<Record<Name, readonly string[]>>) {
    this.#database = database;
    this.#schema = schema;
    // The file is new and worthless until complete: no journal, no waiting for the disk.
    database.exec('PRAGMA journal_mode=OFF');
    database.exec('PRAGMA synchronous=OFF');
    database.exec('BEGIN');
  }

  static async create<Name extends string>(
    path: string,
    schema: Readonly<Record<Name, readonly string[]>>,
  ): Promise<DatabaseFile<Name>> {
    const { default: Driver } = await import('libsql');
    return new DatabaseFile(new Driver(path), schema);
  }

  add(table: Name, row: readonly Cell[]): void {
    let open = this.#open.get(table);
    if (open === undefined) {
      open = new Table(this.#database, table, this.#schema[table]);
      this.#open.set(table, open);
    }
    open.add(row);
  }

  /** For statements that are no inserts; pending rows go first. */
  exec(sql: string): void {
    this.flush();
    this.#database.exec(sql);
  }

  has(table: Name): boolean {
    return this.#open.has(table);
  }

  flush(): void {
    for (const table of this.#open.values()) table.flush();
  }

  close(): void {
    this.flush();
    this.#database.exec('COMMIT');
    this.#database.close();
  }
}

/** Strings pooled as ids, from `first` on. */
export class StringPool {
  readonly #ids = new Map<string, number>();
  readonly #first: number;

  constructor(first = 0) {
    this.#first = first;
  }

  id(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    const id = this.#first + this.#ids.size;
    this.#ids.set(text, id);
    return id;
  }

  entries(): Iterable<[string, number]> {
    return this.#ids.entries();
  }
}
