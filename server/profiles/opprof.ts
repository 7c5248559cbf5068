import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { foreign, ToolError } from '../contract/index.js';
import type { Host } from '../host/host.js';
import { readCsv } from './csv.js';
export type { OperatorProfile } from './opprof-tables.js';
import { operatorOf, type OperatorProfile, type OperatorTable, type Tables } from './opprof-tables.js';

/** Tables of `msprof op`; a name may carry a time (L2Cache_20240603022812284.csv), the newest counts. */
const tableNames = ['OpBasicInfo', 'PipeUtilization', 'ArithmeticUtilization', 'Memory', 'MemoryL0', 'MemoryUB', 'L2Cache', 'ResourceConflictRatio'] as const;
type TableName = (typeof tableNames)[number];
const tableFile = /^(OpBasicInfo|PipeUtilization|ArithmeticUtilization|Memory|MemoryL0|MemoryUB|L2Cache|ResourceConflictRatio)(?:_(\d+))?\.csv$/;

/** Bounds of a folder of operator profiles; each with why. */
const limits = {
  /** OPPROF_x / deviceN / OpName / k, and two folders above. */
  depth: 6,
  /** Entries; more is no profile folder. */
  entries: 50_000,
  /** Kernels kept; the rest is counted in a note. */
  kernels: 2000,
  /** Rows of one table: blocks × sub-blocks of the largest grid that is still a table for people. */
  rows: 65_536,
} as const;

/** What of an operator profile could not be read, by code. */
export const operatorNotes = {
  'operator-no-basic-info': 'no OpBasicInfo table: name, duration, blocks and clock are not known',
  'operator-no-pipe': 'no PipeUtilization or ArithmeticUtilization table, so no unit can be called the bound: collect with --aic-metrics=Default',
  'operator-no-memory': 'no Memory table, so bytes and bandwidth are not known: collect with --aic-metrics=Default or MemoryDetail',
  'operator-table-broken': 'a table could not be read and was left out',
  'operator-cut': 'more kernels than are kept',
} as const;

export interface OperatorNote {
  readonly code: keyof typeof operatorNotes;
  readonly detail: string;
}

export interface OperatorSource {
  readonly path: string;
  readonly kind: string;
  readonly rows: number;
  readonly bytes: number;
}

export interface OperatorProfiles {
  readonly operators: readonly OperatorProfile[];
  readonly sources: readonly OperatorSource[];
  readonly incomplete: readonly OperatorNote[];
  readonly simulated: boolean;
}

/** True when a path is an operator profile by its own name: an OPPROF_ folder, or one of its tables. Content is not looked at. */
export function isOperatorPath(path: string): boolean {
  return basename(path).startsWith('OPPROF_') || tableFile.test(basename(path));
}

interface Found {
  readonly folder: string;
  readonly files: ReadonlyMap<TableName, string>;
  readonly simulated: boolean;
}

const isTable = (name: string | undefined): name is TableName => tableNames.some((t) => t === name);

/** Newest file of each table. */
function newestTables(names: readonly string[]): Map<TableName, string> {
  const newest = new Map<TableName, { name: string; stamp: string }>();
  for (const name of names) {
    const match = tableFile.exec(name);
    const table = match?.[1];
    if (!isTable(table)) continue;
    const stamp = match?.[2] ?? '';
    const before = newest.get(table);
    // Stamps are times of one length; a longer one is the finer clock of a newer version.
    if (before === undefined || stamp.length > before.stamp.length || (stamp.length === before.stamp.length && stamp > before.stamp)) newest.set(table, { name, stamp });
  }
  return new Map([...newest].map(([table, { name }]) => [table, name]));
}

class Search {
  readonly found: Found[] = [];
  readonly #seen = new Set<string>();
  #entries = 0;

  constructor(readonly host: Host) {}

  async folder(path: string, depth: number, marked: boolean): Promise<void> {
    if (this.#seen.has(path)) return;
    this.#seen.add(path);
    const entries = (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#entries += entries.length;
    if (this.#entries > limits.entries) throw new ToolError('E_FORMAT_UNKNOWN', `more than ${limits.entries} entries below the given folder`, 'give one OPPROF_… folder');
    const simulated = marked || entries.some((e) => e.name === 'SIMULATED');
    const files = newestTables(entries.filter((e) => e.isFile() || e.isSymbolicLink()).map((e) => e.name));
    if (files.size > 0) this.found.push({ folder: path, files, simulated });
    if (depth >= limits.depth) return;
    for (const entry of entries) {
      // `dump` holds raw counters; a link may lead out and is not followed.
      if (!entry.isDirectory() || entry.name === 'dump') continue;
      await this.folder(await this.host.admit(join(path, entry.name)), depth + 1, simulated);
    }
  }

  /** A file speaks for the folder it lies in. */
  async path(path: string): Promise<void> {
    const folder = (await stat(path)).isDirectory();
    if (folder) await this.folder(path, 0, false);
    else if (tableFile.test(basename(path))) this.found.push({ folder: dirname(path), files: newestTables([basename(path)]), simulated: false });
  }
}

/** One table, every column but the names of blocks as numbers; NaN for NA. @throws ToolError of the CSV reader */
async function readTable(path: string, signal?: AbortSignal): Promise<OperatorTable> {
  const columns = new Map<string, number[]>();
  const texts: string[][] = [];
  let names: string[] = [];
  let rows = 0;
  await readCsv(
    path,
    (header) => {
      names = header;
      for (const name of header) if (name !== '') columns.set(name, []);
      return (row) => {
        if (rows >= limits.rows) return;
        rows += 1;
        texts.push(names.map((_, i) => row.text(i)));
        for (const [i, name] of names.entries()) columns.get(name)?.push(row.number(i));
      };
    },
    signal,
  );
  return { names, rows, columns, text: (column, row) => texts[row]?.[names.indexOf(column)] ?? '' };
}

/** Device, operator and sequence as the folders say: …/device0/OpName/3; null where they do not. */
function placeOf(folder: string): { device: number | null; op: string | null; sequence: number | null } {
  const parts = folder.split('/');
  const sequence = /^\d+$/.test(parts.at(-1) ?? '') ? Number(parts.at(-1)) : null;
  const op = sequence === null ? null : (parts.at(-2) ?? null);
  const device = parts.map((p) => /^device(\d+)$/.exec(p)?.[1]).findLast((d) => d !== undefined);
  return { device: device === undefined ? null : Number(device), op: op === null || op.startsWith('OPPROF_') || /^device\d+$/.test(op) ? null : op, sequence };
}

/**
 * Reads operator profiles of `msprof op` (OPPROF folders of one or many operators and devices, or one table of them).
 * Counters that are NA or absent are null. Sorted by path, so the same files give the same list.
 * @param paths real paths, admitted by the caller; whatever is found below is admitted again
 * @throws ToolError E_PROFILE_OPERATOR when there is not one table of counters (a simulator's or an unparsed profile), E_FORMAT_UNKNOWN, E_PATH_*
 */
export async function readOperators(paths: readonly string[], host: Host, options: { readonly signal?: AbortSignal } = {}): Promise<OperatorProfiles> {
  const search = new Search(host);
  for (const path of new Set(paths)) await search.path(path);
  // Tables named one by one are one kernel when they lie in one folder.
  const folders = new Map<string, Found>();
  for (const f of search.found) folders.set(f.folder, { ...f, files: new Map([...(folders.get(f.folder)?.files ?? []), ...f.files]) });
  const found = [...folders.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
  if (found.length === 0) {
    throw new ToolError('E_PROFILE_OPERATOR', `${foreign(paths[0] ?? '', 300)} is an operator profile without one table of counters`, 'collect on a device with msprof op --aic-metrics=Default and let it finish its analysis: it writes OpBasicInfo.csv and PipeUtilization.csv');
  }
  const notes = new Map<OperatorNote['code'], string[]>();
  const note = (code: OperatorNote['code'], detail: string): void => {
    notes.set(code, [...(notes.get(code) ?? []), detail]);
  };
  const sources: OperatorSource[] = [];
  const operators: OperatorProfile[] = [];
  for (const { folder, files } of found.slice(0, limits.kernels)) {
    const tables: Partial<Record<TableName, OperatorTable>> = {};
    for (const name of tableNames) {
      const file = files.get(name);
      if (file === undefined) continue;
      try {
        const path = await host.admit(join(folder, file));
        const table = await readTable(path, options.signal);
        if (table.rows === 0 || table.names.every((n) => n === '')) throw new ToolError('E_FILE_EMPTY', 'no row', 'collect again');
        tables[name] = table;
        sources.push({ path, kind: `opprof-${name.replace(/[a-z](?=[A-Z])/g, '$&-').toLowerCase()}`, rows: table.rows, bytes: (await stat(path)).size });
      } catch (error) {
        if (!(error instanceof ToolError) || error.code.startsWith('E_PATH')) throw error;
        note('operator-table-broken', foreign(file, 80));
      }
    }
    if (Object.keys(tables).length === 0) continue;
    if (tables.OpBasicInfo === undefined) note('operator-no-basic-info', foreign(basename(folder), 80));
    if (tables.PipeUtilization === undefined && tables.ArithmeticUtilization === undefined) note('operator-no-pipe', foreign(basename(folder), 80));
    if (tables.Memory === undefined) note('operator-no-memory', foreign(basename(folder), 80));
    operators.push(operatorOf(folder, placeOf(folder), tables satisfies Tables));
  }
  if (operators.length === 0) throw new ToolError('E_PROFILE_OPERATOR', `${foreign(paths[0] ?? '', 300)} holds tables of msprof op, none of which can be read`, 'collect again and let msprof op finish its analysis');
  if (found.length > limits.kernels) note('operator-cut', `${found.length - limits.kernels} of ${found.length}`);
  const incomplete = [...notes].map(([code, where]): OperatorNote => ({ code, detail: `${where.slice(0, 3).join(', ')}${where.length > 3 ? ` and ${where.length - 3} more` : ''}: ${operatorNotes[code]}` }));
  return { operators, sources, incomplete: incomplete.sort((a, b) => (a.code < b.code ? -1 : 1)), simulated: found.some((f) => f.simulated) };
}
