import type { DuckDBConnection } from '@duckdb/node-api';
import type { Profile, Strings } from '../../profiles/profile.js';
import { profileTables, sqlTypes, type TableData } from './tables.js';
import { chunkRows, Chunks } from './vectors.js';

type DuckDB = typeof import('@duckdb/node-api');
type Bindings = typeof import('@duckdb/node-bindings');

/** Rows with one dictionary of texts, and between two looks at what else there is to do: a row group of DuckDB. */
const batchRows = 60 * chunkRows;

/** Quotes a name of our own for SQL. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Appends one table in its order, as the engine's own vectors; memory does not grow with the table. */
async function load(duckdb: DuckDB, bindings: Bindings, connection: DuckDBConnection, data: TableData, strings: Strings, baseNs: bigint): Promise<void> {
  const { doc, length } = data;
  await connection.run(`CREATE TABLE ${quoted(doc.name)} (${doc.columns.map((c) => `${quoted(c.name)} ${sqlTypes[c.kind]}`).join(', ')})`);
  const appender = await connection.createAppender(doc.name);
  for (let from = 0; from < length; from += batchRows) {
    const end = Math.min(length, from + batchRows);
    const chunks = new Chunks(duckdb, bindings, data, strings, baseNs, from, end - from);
    for (let at = from; at < end; at += chunkRows) appender.appendDataChunk(chunks.at(at, Math.min(chunkRows, end - at)));
    // Appending holds the thread; other calls and the time limit of this one get their turn here.
    await new Promise((resolve) => setImmediate(resolve));
  }
  appender.closeSync();
}

/**
 * Writes a profile as a DuckDB file.
 * @param path a file that does not exist yet
 */
export async function buildDatabase(profile: Profile, path: string): Promise<void> {
  const [duckdb, { default: bindings }] = await Promise.all([import('@duckdb/node-api'), import('@duckdb/node-bindings')]);
  const instance = await duckdb.DuckDBInstance.create(path, { threads: '2', autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' });
  const connection = await instance.connect();
  try {
    for (const data of profileTables(profile)) await load(duckdb, bindings, connection, data, profile.strings, profile.baseNs);
    await connection.run('CHECKPOINT');
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
