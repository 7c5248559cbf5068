import type { DuckDBConnection, DuckDBType } from '@duckdb/node-api';
import type { Profile, Strings } from '../../profiles/profile.js';
import { profileTables, sqlTypes, type ColumnDoc, type TableData } from './tables.js';

type DuckDB = typeof import('@duckdb/node-api');

/** Rows of one data chunk: DuckDB's own vector size. */
const chunkRows = 2048;
/** Rows that go through the engine's memory at once: a row group of DuckDB. */
const batchRows = 60 * chunkRows;

/** Quotes a name of our own for SQL. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Strings of the profile in the engine: what came since the last call is added. */
class Texts {
  #known = 0;

  constructor(readonly duckdb: DuckDB, readonly connection: DuckDBConnection, readonly strings: Strings) {}

  async bring(): Promise<void> {
    const { duckdb, connection, strings } = this;
    if (this.#known === strings.size) return;
    const appender = await connection.createAppender('texts', 'main', 'raw');
    for (let at = this.#known; at < strings.size; at += chunkRows) {
      const ids = Array.from({ length: Math.min(chunkRows, strings.size - at) }, (_, i) => at + i);
      const chunk = duckdb.DuckDBDataChunk.create([duckdb.INTEGER, duckdb.VARCHAR], ids.length);
      chunk.setColumns([ids, ids.map((id) => strings.get(id))]);
      appender.appendDataChunk(chunk);
    }
    appender.closeSync();
    this.#known = strings.size;
  }
}

/** A column of a batch; null when the batch has no value in it. */
function valuesOf(data: TableData, column: number, from: number, rows: number): (number | null)[] | null {
  const [cell, kind] = [data.cells[column], data.doc.columns[column]?.kind];
  if (cell === undefined) return null;
  const values = new Array<number | null>(rows).fill(null);
  let any = false;
  for (let i = 0; i < rows; i += 1) {
    const value = cell(from + i);
    if (!Number.isFinite(value) || (kind === 'id' && value < 0) || (kind === 'text' && value <= 0)) continue;
    values[i] = value;
    any = true;
  }
  return any ? values : null;
}

/** How a column of a batch comes into the table. @param there false: it is null in the whole batch */
function selected({ name, kind }: ColumnDoc, there: boolean, baseNs: bigint): string {
  if (!there) return `CAST(NULL AS ${sqlTypes[kind]})`;
  if (kind === 'text') return `t_${name}.value`;
  const cast = `CAST(r.${quoted(name)} AS ${sqlTypes[kind]})`;
  return kind === 'time' ? `${cast} + CAST(${baseNs} AS BIGINT)` : cast;
}

/**
 * Loads one table, a batch of rows after the other: text goes in as ids of strings and everything else as doubles, into memory; one
 * statement then adds the real rows. So text is stored once, epoch ns are added as integers, and memory does not grow with the table.
 */
async function load(duckdb: DuckDB, connection: DuckDBConnection, data: TableData, texts: Texts, baseNs: bigint): Promise<void> {
  const { doc } = data;
  await connection.run(`CREATE TABLE ${quoted(doc.name)} (${doc.columns.map((c) => `${quoted(c.name)} ${sqlTypes[c.kind]}`).join(', ')})`);
  for (let from = 0; from < data.length; from += batchRows) {
    const rows = Math.min(batchRows, data.length - from);
    const all = doc.columns.map((column, c) => ({ column, values: valuesOf(data, c, from, rows) }));
    const there = all.flatMap(({ column, values }) => (values === null ? [] : [{ column, values }]));
    // Rows count even where every cell is null.
    const raw = ['row INTEGER', ...there.map(({ column: c }) => `${quoted(c.name)} ${c.kind === 'text' ? 'INTEGER' : 'DOUBLE'}`)];
    await connection.run(`CREATE OR REPLACE TABLE raw.main.batch (${raw.join(', ')})`);
    const types: DuckDBType[] = [duckdb.INTEGER, ...there.map(({ column: c }) => (c.kind === 'text' ? duckdb.INTEGER : duckdb.DOUBLE))];
    const appender = await connection.createAppender('batch', 'main', 'raw');
    for (let at = 0; at < rows; at += chunkRows) {
      const end = Math.min(rows, at + chunkRows);
      const chunk = duckdb.DuckDBDataChunk.create(types, end - at);
      chunk.setColumns([Array.from({ length: end - at }, (_, i) => at + i), ...there.map(({ values }) => values.slice(at, end))]);
      appender.appendDataChunk(chunk);
    }
    appender.closeSync();
    await texts.bring();
    const joins = there.filter(({ column: c }) => c.kind === 'text').map(({ column: c }) => `LEFT JOIN raw.main.texts t_${c.name} ON t_${c.name}.id = r.${quoted(c.name)}`);
    await connection.run(`INSERT INTO ${quoted(doc.name)} SELECT ${all.map(({ column, values }) => selected(column, values !== null, baseNs)).join(', ')} FROM raw.main.batch r ${joins.join(' ')} ORDER BY r.row`);
  }
}

/**
 * Writes a profile as a DuckDB file.
 * @param path a file that does not exist yet
 */
export async function buildDatabase(profile: Profile, path: string): Promise<void> {
  const duckdb = await import('@duckdb/node-api');
  const instance = await duckdb.DuckDBInstance.create(path, { threads: '2', autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' });
  const connection = await instance.connect();
  try {
    await connection.run("ATTACH ':memory:' AS raw");
    await connection.run('CREATE TABLE raw.main.texts (id INTEGER, value VARCHAR)');
    const texts = new Texts(duckdb, connection, profile.strings);
    for (const data of profileTables(profile)) await load(duckdb, connection, data, texts, profile.baseNs);
    await connection.run('CHECKPOINT');
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
