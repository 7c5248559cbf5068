import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import type { Capture, SimProcess } from '../../server/sim/capture.js';
import { writeMsprofCsv } from '../../server/sim/msprof-csv.js';

/** Faults of files as readers meet them. Each changes the file in place. */

/** Cuts the file to a share of its bytes: a killed export, a full disk. */
export function truncate(path: string, share = 0.7): void {
  truncateSync(path, Math.floor(statSync(path).size * share));
}

/** Removes tables from a database; without STRING_IDS it is an export that was cut off. */
export async function dropTables(path: string, ...tables: readonly string[]): Promise<void> {
  const { default: Database } = await import('libsql');
  const database = new Database(path);
  for (const table of tables) database.exec(`DROP TABLE ${table}`);
  database.close();
}

/** Takes the closing quote from the first quoted cell after the header. */
export function unclosedQuote(path: string): void {
  const text = readFileSync(path, 'utf8');
  const body = text.indexOf('\n');
  const open = text.indexOf('"', body);
  const close = text.indexOf('"', open + 1);
  if (open < 0 || close < 0) throw new Error('no quoted cell');
  writeFileSync(path, text.slice(0, close) + text.slice(close + 1));
}

/** A second export of the same PROF folder, `laterSeconds` after the first: the folder then holds two sets. */
export function exportAgain(folder: string, capture: Capture, process: SimProcess, laterSeconds = 60): string[] {
  return writeMsprofCsv(folder, capture, process, { laterSeconds });
}

/** Headers from before mid-2026: `Block Dim`, `Mix Block Dim`. */
export function oldBlockDim(path: string): void {
  const text = readFileSync(path, 'utf8');
  const end = text.indexOf('\n');
  writeFileSync(
    path,
    text.slice(0, end).replace('Mix Block Num', 'Mix Block Dim').replace('Block Num', 'Block Dim') + text.slice(end),
  );
}

/** op_summary as task-time l0 leaves it, kernels included: eleven columns and the context id, OP Type N/A. */
export function l0Header(path: string): void {
  const lines = readFileSync(path, 'utf8').split('\n');
  const out = lines.map((line, index) => {
    if (line === '') return line;
    const cells = line.split(',');
    const first = cells.slice(0, 11);
    if (index === 0) return [...first, 'Context ID'].join(',');
    first[5] = 'N/A';
    // The stray zero that collectives carry in Block Num lands under Context ID.
    return [...first, first[7] === 'COMMUNICATION' ? '0' : 'N/A'].join(',');
  });
  writeFileSync(path, out.join('\n'));
}

/** The process was killed while profiling: no end of collection on one side. */
export function notStopped(folder: string, device: number): void {
  rmSync(`${folder}/device_${device}/end_info.${device}`);
}

/** Windows line ends in a file that had none. */
export function carriageReturns(path: string): void {
  writeFileSync(path, readFileSync(path, 'utf8').replace(/\r?\n/g, '\r\n'));
}
