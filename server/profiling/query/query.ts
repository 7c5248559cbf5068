import type { DuckDBValue } from '@duckdb/node-api';
import { fenced, foreign, ToolError } from '../../contract/index.js';
import { tableList } from './tables.js';

export interface QueryLimits {
  readonly rows: number;
  readonly timeoutMs: number;
  /** Bytes of the rows as JSON. */
  readonly bytes: number;
  readonly signal: AbortSignal;
}

export type QueryCell = string | number | boolean | null;

export interface QueryResult {
  readonly columns: { name: string; type: string }[];
  readonly rows: QueryCell[][];
  /** True when the statement gives more rows, or a longer one, than is shown. */
  readonly truncated: boolean;
  readonly simulated: boolean;
}

/** Characters of a text cell; a kernel name is under 200. */
const cellCharacters = 200;
/** Characters of the engine's own message that are shown, as data. */
const messageCharacters = 300;

const howto = 'give one SELECT (WITH, FROM, VALUES, DESCRIBE and SUMMARIZE work too); nothing is written and no file is opened';

/** The first word of a statement, comments and brackets before it skipped. */
function firstWord(sql: string): string {
  const bare = sql.replace(/^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|\()+/, '');
  return (/^[a-z]+/i.exec(bare)?.[0] ?? '').toLowerCase();
}

/** What a reading statement starts with. PRAGMA is left out: the engine rewrites some into SELECT. */
const reading = new Set(['select', 'with', 'from', 'values', 'table', 'describe', 'show', 'summarize']);

function refused(seen: string, cause?: unknown): ToolError {
  return new ToolError('E_SQL_REFUSED', seen, howto, { cause });
}

function failed(error: unknown): ToolError {
  const message = error instanceof Error ? error.message : '';
  if (message.startsWith('Permission Error')) return refused('a statement that reaches outside the profile: files, extensions and settings are closed', error);
  return new ToolError('E_SQL_FAILED', `the engine could not run the statement\n${fenced(message, 'engine message', messageCharacters)}`, `correct the statement (DuckDB SQL); tables: ${tableList()}`, { cause: error });
}

/** A value as JSON holds it: integers beyond 2^53 as text, text cleaned and capped, nested values as text. */
function cellOf(value: DuckDBValue): QueryCell {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'bigint') return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
  if (typeof value === 'string') return foreign(value, cellCharacters);
  if ('toDouble' in value && typeof value.toDouble === 'function') {
    const double: unknown = value.toDouble();
    if (typeof double === 'number' && Number.isFinite(double)) return double;
  }
  return foreign(String(value), cellCharacters);
}

/**
 * Runs one reading statement on a profile's database. Read-only is the engine's: the file is opened READ_ONLY, access to files,
 * extensions and settings is switched off and locked, spilling to disk too, and only a single statement of type SELECT is run.
 * @param path a file made by buildDatabase
 * @throws ToolError E_SQL_REFUSED (not one reading statement, or reaching outside), E_SQL_FAILED (the engine's own error), E_SQL_TIMEOUT
 */
export async function runQuery(path: string, sql: string, limits: QueryLimits): Promise<QueryResult> {
  const word = firstWord(sql);
  if (word === '') throw refused('no statement');
  if (!reading.has(word)) throw refused('a statement that is no query');
  const duckdb = await import('@duckdb/node-api');
  const instance = await duckdb.DuckDBInstance.create(path, {
    access_mode: 'READ_ONLY',
    memory_limit: '512MB',
    threads: '2',
    temp_directory: '',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  });
  const connection = await instance.connect();
  const state = { over: false };
  const close = (): void => {
    connection.closeSync();
    instance.closeSync();
  };
  try {
    await connection.run('SET enable_external_access = false');
    await connection.run('SET lock_configuration = true');
    const simulated = (await connection.runAndReadAll('SELECT simulated FROM capture_info')).getRows()[0]?.[0] === true;
    const answer = work();
    const stopped = stopper();
    try {
      return { ...(await Promise.race([answer, stopped.promise])), simulated };
    } finally {
      stopped.done();
      // A native call that cannot be interrupted may outlive the answer; the connection stays open until it ends.
      if (state.over) void answer.catch(() => undefined).then(close);
    }
  } finally {
    if (!state.over) close();
  }

  async function work(): Promise<Omit<QueryResult, 'simulated'>> {
    try {
      const statements = await connection.extractStatements(sql);
      if (statements.count !== 1) throw refused(`${statements.count} statements`);
      const statement = await statements.prepare(0);
      if (statement.statementType !== duckdb.StatementType.SELECT) throw refused('a statement that is no query');
      if (statement.parameterCount > 0) throw refused('a statement with parameters');
      const reader = await statement.streamAndReadUntil(limits.rows + 1);
      const names = reader.columnNames();
      const columns = reader.columnTypes().map((type, i) => ({ name: foreign(names[i] ?? '', 80), type: foreign(String(type), 60) }));
      const rows: QueryCell[][] = [];
      let bytes = 0;
      for (const row of reader.getRows().slice(0, limits.rows)) {
        const cells = row.map(cellOf);
        bytes += JSON.stringify(cells).length + 1;
        if (bytes > limits.bytes) break;
        rows.push(cells);
      }
      return { columns, rows, truncated: rows.length < reader.currentRowCount };
    } catch (error) {
      if (error instanceof ToolError) throw error;
      throw failed(error);
    }
  }

  /** Rejects when time is up or the caller leaves, and interrupts the engine. */
  function stopper(): { promise: Promise<never>; done: () => void } {
    let stop: () => void = () => undefined;
    let timer: NodeJS.Timeout | undefined;
    const promise = new Promise<never>((_, reject) => {
      stop = () => {
        state.over = true;
        connection.interrupt();
        reject(new ToolError('E_SQL_TIMEOUT', `the statement was stopped after ${limits.timeoutMs} ms`, 'filter by device, stream or time first, aggregate before joining, and give a recursion an end'));
      };
      timer = setTimeout(stop, limits.timeoutMs);
      limits.signal.addEventListener('abort', stop, { once: true });
    });
    return {
      promise,
      done: () => {
        clearTimeout(timer);
        limits.signal.removeEventListener('abort', stop);
      },
    };
  }
}
