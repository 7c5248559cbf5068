import { readFileSync } from 'node:fs';

/** A second, naive reader for these tests; it shares nothing with the writers. */
export interface Sheet {
  readonly header: string[];
  readonly rows: string[][];
  readonly text: string;
}

/** Cells by quotes and commas; TABs stay. */
export function sheet(path: string): Sheet {
  const text = readFileSync(path, 'utf8');
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  const split = (line: string): string[] =>
    line
      .match(/("([^"]|"")*"|[^,]*)(,|$)/g)!
      .map((cell) => cell.replace(/,$/, ''))
      .slice(0, -1);
  return { header: lines[0]!.split(','), rows: lines.slice(1).map(split), text };
}

export function column(data: Sheet, name: string): string[] {
  const index = data.header.indexOf(name);
  if (index < 0) throw new Error(`no column ${name}`);
  return data.rows.map((row) => row[index]!);
}

export const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);

/** `1764246877073569.640` → ns. */
export function nanoseconds(text: string): bigint {
  const [whole, part = ''] = text.replace('\t', '').split('.');
  return BigInt(whole!) * 1000n + BigInt(part.padEnd(3, '0'));
}

/** Rows of one query, integers as bigint. */
export async function query(path: string, sql: string): Promise<unknown[][]> {
  const { default: Database } = await import('libsql');
  const database = new Database(`file:${path}?immutable=1`, { readonly: true });
  const rows = database.prepare(sql).raw().safeIntegers().all() as unknown[][];
  database.close();
  return rows;
}
