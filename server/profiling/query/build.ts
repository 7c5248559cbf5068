import type { DuckDBConnection, DuckDBType } from '@duckdb/node-api';
import type { Profile } from '../../profiles/profile.js';
import { profileTables, sqlTypes, type TableData } from './tables.js';

type DuckDB = typeof import('@duckdb/node-api');

/** Rows of one data chunk: DuckDB's own vector size. */
const chunkRows = 2048;

/** Quotes a name of our own for SQL. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Loads one table: text goes in as numbers of a dictionary and everything else as doubles, into memory; one statement then
 * makes the real table out of them. So text is stored once, and epoch ns are added as integers.
 */
async function load(duckdb: DuckDB, connection: DuckDBConnection, data: TableData, dictionary: Map<string, number>, baseNs: bigint): Promise<void> {
  const { doc } = data;
  const raw = `raw.main.${quoted(doc.name)}`;
  await connection.run(`CREATE TABLE ${raw} (${doc.columns.map((c) => `${quoted(c.name)} ${c.kind === 'text' ? 'INTEGER' : 'DOUBLE'}`).join(', ')})`);
  const types: DuckDBType[] = doc.columns.map((c) => (c.kind === 'text' ? duckdb.INTEGER : duckdb.DOUBLE));
  const appender = await connection.createAppender(doc.name, 'main', 'raw');
  for (let at = 0; at < data.length; at += chunkRows) {
    const rows = Math.min(chunkRows, data.length - at);
    const columns: (number | null)[][] = doc.columns.map(() => new Array<number | null>(rows).fill(null));
    for (let i = 0; i < rows; i += 1) {
      const values = data.row(at + i);
      for (const [c, column] of doc.columns.entries()) {
        const value = values[c];
        const target = columns[c];
        if (value === null || value === undefined || target === undefined) continue;
        if (typeof value === 'string') {
          if (value === '') continue;
          let id = dictionary.get(value);
          if (id === undefined) dictionary.set(value, (id = dictionary.size));
          target[i] = id;
        } else {
          const plain = typeof value === 'boolean' ? Number(value) : value;
          if (Number.isFinite(plain) && !(column.kind === 'id' && plain < 0)) target[i] = plain;
        }
      }
    }
    const chunk = duckdb.DuckDBDataChunk.create(types, rows);
    chunk.setColumns(columns);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
  const select = doc.columns.map((c) => {
    const cast = `CAST(r.${quoted(c.name)} AS ${sqlTypes[c.kind]})`;
    return `${c.kind === 'text' ? `t_${c.name}.value` : c.kind === 'time' ? `${cast} + CAST(${baseNs} AS BIGINT)` : cast} AS ${quoted(c.name)}`;
  });
  await texts(duckdb, connection, dictionary);
  const joins = doc.columns.filter((c) => c.kind === 'text').map((c) => `LEFT JOIN raw.main.texts t_${c.name} ON t_${c.name}.id = r.${quoted(c.name)}`);
  await connection.run(`CREATE TABLE ${quoted(doc.name)} AS SELECT ${select.join(', ')} FROM ${raw} r ${joins.join(' ')} ORDER BY r.rowid`);
  await connection.run(`DROP TABLE ${raw}`);
}

/** Brings the dictionary's new strings into the engine. */
async function texts(duckdb: DuckDB, connection: DuckDBConnection, dictionary: Map<string, number>): Promise<void> {
  const known = Number((await connection.runAndReadAll('SELECT count(*) FROM raw.main.texts')).getRows()[0]?.[0] ?? 0);
  const fresh = [...dictionary].slice(known);
  const appender = await connection.createAppender('texts', 'main', 'raw');
  for (let at = 0; at < fresh.length; at += chunkRows) {
    const part = fresh.slice(at, at + chunkRows);
    const chunk = duckdb.DuckDBDataChunk.create([duckdb.INTEGER, duckdb.VARCHAR], part.length);
    chunk.setColumns([part.map(([, id]) => id), part.map(([value]) => value)]);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
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
    const dictionary = new Map<string, number>();
    for (const data of profileTables(profile)) await load(duckdb, connection, data, dictionary, profile.baseNs);
    await connection.run('CHECKPOINT');
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
