import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Sqlite from 'libsql';
import { describe, expect, it } from 'vitest';
import type { NumberColumn } from '../../server/profiles/scan/tablePages.js';
import { Database } from '../../server/profiles/sqlite.js';
import { Random } from '../../server/sim/random.js';
import { tempFolder } from '../helpers/temp.js';

/** What the reader gives beside what SQLite itself says, cell by cell; the query is the test's own. */
async function both(statements: readonly string[], wanted: readonly NumberColumn[], select: string, table = 'T'): Promise<{ pages: number[][]; engine: number[][] }> {
  const path = join(await tempFolder(), 'x.db');
  const handle = new Sqlite(path);
  for (const sql of statements) handle.exec(sql);
  const cast = (value: unknown): number => (value === null ? NaN : Number(value));
  const engine = handle.prepare(`SELECT ${select} FROM ${table}`).raw().safeIntegers().all().map((row: unknown) => (Array.isArray(row) ? row.map(cast) : []));
  handle.close();
  const pages: number[][] = [];
  const database = await Database.open(path);
  database.numbers(table, wanted, undefined, (row) => void pages.push([...row]));
  database.close();
  return { pages, engine };
}

const base = 1_772_420_645_006_000_001n;
const big = (n: number): string => String(base + BigInt(n));

/** Values of every kind a record may hold; text that is no number stays out of compared columns. */
function value(random: Random): string {
  const kinds = ['NULL', '0', '1', '-1', '127', '-128', '128', '32767', '-32769', '8388607', '-8388609', '2147483647', '4294967295', '140737488355327', '-140737488355329', big(5), '0.5', '-1234.25', '1e300', "'77'", "'-12'"];
  return kinds[Math.floor(random.next() * kinds.length)] ?? 'NULL';
}

describe('pages of a table', () => {
  it.each([512, 4096, 65_536])('every kind of value comes as SQLite gives it, pages of %i bytes, three levels, gaps and deleted rows', async (pageBytes) => {
    const random = new Random(pageBytes);
    const rows = Array.from({ length: 6000 }, (_, i) => `(${i % 7 === 0 ? `'${'x'.repeat(Math.floor(random.next() * 300))}'` : 'NULL'}, ${value(random)}, ${value(random)})`);
    const { pages, engine } = await both(
      [`PRAGMA page_size = ${pageBytes}`, 'CREATE TABLE T (note TEXT, a, b)', `INSERT INTO T VALUES ${rows.join(',')}`, 'DELETE FROM T WHERE rowid % 5 = 0 OR rowid BETWEEN 1000 AND 1900', 'UPDATE T SET a = 9007199254740993 WHERE rowid % 11 = 0'],
      [{ column: 'b' }, { column: 'a' }, { column: null }],
      'b, a, NULL',
    );
    expect(pages.length).toBeGreaterThan(3000);
    expect(pages).toEqual(engine);
  });
  it('differences are exact beyond 2^53, of integers and of digits in TEXT', async () => {
    const { pages, engine } = await both(
      ['CREATE TABLE T (s TEXT, e INTEGER, tid INTEGER)', ...[0, 1, 3, 250].map((n) => `INSERT INTO T VALUES ('${big(n)}', ${big(n * 2 + 1)}, ${(BigInt(n + 7) << 32n) | 41n})`), `INSERT INTO T VALUES (NULL, ${big(1)}, NULL)`],
      [{ column: 's', less: base }, { column: 'e', less: 's' }, { column: 'tid', low32: true }],
      `CAST(s AS INTEGER) - ${base}, e - CAST(s AS INTEGER), tid & 4294967295`,
    );
    expect(pages.slice(0, 4)).toEqual([[0, 1, 41], [1, 2, 41], [3, 4, 41], [250, 251, 41]]);
    expect(pages).toEqual(engine);
  });
  it('the row id stands for the key, also below 0', async () => {
    const { pages } = await both(['CREATE TABLE T (v INTEGER, id INTEGER PRIMARY KEY)', 'INSERT INTO T VALUES (5, 9000000000), (4, -3), (6, 12)'], [{ column: 'id' }, { column: 'v' }], 'id, v');
    expect(pages).toEqual([[-3, 4], [12, 6], [9_000_000_000, 5]]);
  });
  it('cells that lie behind a page, or hold words, or fractions where integers are asked for, come from the engine; the rows stay in order', async () => {
    const long = 'y'.repeat(9000);
    const { pages, engine } = await both(
      ['CREATE TABLE T (note TEXT, a)', ...Array.from({ length: 300 }, (_, i) => `INSERT INTO T VALUES (${i % 50 === 3 ? `'${long}'` : 'NULL'}, ${i % 90 === 7 ? "'1.5e3'" : i})`), 'CREATE TABLE U (a)', "INSERT INTO U VALUES (1), ('word'), (x'00'), (3)"],
      [{ column: 'a' }],
      'a',
    );
    expect(pages).toHaveLength(300);
    expect(pages).toEqual(engine);
    const words = await both(['CREATE TABLE U (a)', "INSERT INTO U VALUES (1), ('word'), (x'00'), (3)"], [{ column: 'a' }], '1', 'U');
    expect(words.pages).toEqual([[1], [NaN], [NaN], [3]]);
  });
  it.each([
    ['columns added later with a default', ['CREATE TABLE T (a)', 'INSERT INTO T VALUES (1)', 'ALTER TABLE T ADD COLUMN b INTEGER DEFAULT 8', 'INSERT INTO T VALUES (2, 9)']],
    ['columns added later without one', ['CREATE TABLE T (a)', 'INSERT INTO T VALUES (1)', 'ALTER TABLE T ADD COLUMN b INTEGER', 'INSERT INTO T VALUES (2, 9)']],
    ['tables without row ids', ['CREATE TABLE T (a, b, PRIMARY KEY (a)) WITHOUT ROWID', 'INSERT INTO T VALUES (2, 9), (1, 8)']],
    ['computed columns', ['CREATE TABLE T (c AS (a + 1), a, b)', 'INSERT INTO T (a, b) VALUES (2, 9), (1, 8)']],
    ['tables without rows', ['CREATE TABLE T (a, b)']],
    ['a descending key, which is no row id', ['CREATE TABLE T (a INTEGER PRIMARY KEY DESC, b)', 'INSERT INTO T VALUES (20, 9), (10, 8)']],
  ])('%s', async (_, statements) => {
    const { pages, engine } = await both(statements, [{ column: 'a' }, { column: 'b' }], 'a, b');
    expect(pages).toEqual(engine);
  });
  it('damage is said, and does not hang: a cut file, a page of another kind, a circle', async () => {
    const path = join(await tempFolder(), 'x.db');
    const handle = new Sqlite(path);
    handle.exec('PRAGMA page_size = 4096');
    handle.exec('CREATE TABLE T (a INTEGER)');
    handle.exec(`INSERT INTO T VALUES ${Array.from({ length: 20_000 }, (_, i) => `(${i})`).join(',')}`);
    const root = Number(Object.values((handle.prepare("SELECT rootpage FROM sqlite_master WHERE name = 'T'").get() ?? {}))[0]);
    handle.close();
    const whole = await readFile(path);
    const outcome = async (change: (bytes: Buffer) => void, less = 0): Promise<string> => {
      const bytes = Buffer.from(whole);
      change(bytes);
      await writeFile(path, bytes.subarray(0, bytes.length - less));
      try {
        const database = await Database.open(path);
        database.numbers('T', [{ column: 'a' }], undefined, () => undefined);
        return 'read';
      } catch (error) {
        return error instanceof Error && 'code' in error ? String(error.code) : String(error);
      }
    };
    expect(await outcome(() => undefined)).toBe('read');
    const at = (root - 1) * 4096;
    expect(await outcome((b) => void b.writeUInt8(2, at))).toBe('E_DB_BROKEN');
    expect(await outcome((b) => void b.writeUInt32BE(root, at + b.readUInt16BE(at + 12)))).toBe('E_DB_BROKEN');
    const child = whole.readUInt32BE(at + whole.readUInt16BE(at + 12));
    expect(await outcome((b) => void b.writeUInt16BE(4094, (child - 1) * 4096 + 8))).toBe('E_DB_BROKEN');
    expect(await outcome(() => undefined, 8192)).toBe('E_DB_BROKEN');
  });
});
