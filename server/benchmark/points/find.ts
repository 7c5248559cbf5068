import { basename, dirname } from 'node:path';
import { foreign, ToolError } from '../../contract/index.js';
import { fileSize, readText } from '../../host/files.js';
import { aiperfLoad, aiperfPrinted, isAiperf } from './aiperf.js';
import { aisbenchCommon, aisbenchLoad, aisbenchPrinted, isAisbenchHeader, type AisbenchTables } from './aisbench.js';
import { csvRows } from './csv.js';
import { evalscopeLoad } from './evalscope.js';
import { looksLikeSummary } from './evalscope-keys.js';
import { evalscopePrinted } from './evalscope-print.js';
import { guidellmLoads, isGuidellm } from './guidellm.js';
import { servingBench, servingTables, sglangLoad, vllmLoad } from './serving-bench.js';
import { limits } from './thresholds.js';
import type { ClientFile, ClientName, Load } from './types.js';
import { isFields, parsePython, parseRecords, words, type Fields } from './value.js';

export interface LoadsRead {
  readonly loads: readonly Load[];
  readonly version: string | null;
  readonly generation: string | null;
}

/** Files that belong together, and how their loads are read. */
export interface Output {
  readonly client: ClientName;
  readonly files: readonly ClientFile[];
  readonly read: (version: string | null) => Promise<LoadsRead> | LoadsRead;
}

export interface Found {
  readonly outputs: readonly Output[];
  /** Files that are damaged, or of a known layout that can not be read. */
  readonly failures: readonly ToolError[];
}

const never = /\.(?:html?|png|svg|pdf|h5|gz|tar|zip|yaml|yml|py|sh|db-wal|db-shm)$/i;
const plain = (loads: readonly Load[], version: string | null, generation: string | null = null): LoadsRead => ({ loads, version, generation });

function ofRecord(value: unknown, file: ClientFile): Output | null {
  if (!isFields(value)) return null;
  if (isGuidellm(value)) return { client: 'guidellm', files: [file], read: () => guidellmLoads(value, file.name) };
  if (isAiperf(value)) return { client: 'aiperf', files: [file], read: (version) => plain([aiperfLoad(value, file.name, version)], words(value['aiperf_version']) ?? version) };
  return null;
}

/** All lines of an appended file are of one client. */
function ofServing(records: readonly unknown[], file: ClientFile): Output | null {
  const fields = records.filter(isFields);
  const kinds = new Set(fields.map(servingBench));
  const [client] = kinds;
  if (fields.length === 0 || fields.length !== records.length || kinds.size !== 1 || client === null || client === undefined) return null;
  return { client, files: [file], read: (version) => plain(fields.map((f) => (client === 'vllm' ? vllmLoad : sglangLoad)(f, file.name, version)), version) };
}

/** Companion of a file in its folder. */
function beside(files: readonly ClientFile[], of: ClientFile, name: string): ClientFile | undefined {
  return files.find((f) => dirname(f.name) === dirname(of.name) && basename(f.name) === name);
}

async function ofSummary(summary: Fields, file: ClientFile, files: readonly ClientFile[], failures: ToolError[]): Promise<Output> {
  const named = basename(file.name) === 'benchmark_summary.json';
  const part = (name: string): ClientFile | undefined => (named ? beside(files, file, name) : undefined);
  const [percentileFile, argsFile, db] = [part('benchmark_percentile.json'), part('benchmark_args.json'), part('benchmark_data.db')];
  const json = async (f: ClientFile | undefined): Promise<unknown> => {
    if (f === undefined) return null;
    try {
      return parsePython((await readText(f.path)) ?? 'null');
    } catch (cause) {
      failures.push(new ToolError('E_JSON_BROKEN', `${foreign(f.name, 200)} is not complete JSON`, 'copy the file again, after the client has ended', { cause }));
      return null;
    }
  };
  const [percentiles, args] = [await json(percentileFile), await json(argsFile)];
  return {
    client: 'evalscope',
    files: [file, percentileFile, argsFile, db].filter((f): f is ClientFile => f !== undefined),
    read: async (version) => {
      const load = await evalscopeLoad({ name: file.name, summary, percentiles, args: isFields(args) ? args : null, db: db?.path ?? null }, version);
      return plain([load], version, load.generation);
    },
  };
}

function aisbench(tables: AisbenchTables, files: readonly ClientFile[]): Output {
  return { client: 'aisbench', files, read: (version) => plain([aisbenchLoad(tables, version)], version) };
}

/** Tables a client printed, kept as text. */
function ofText(text: string, file: ClientFile): Output | null {
  const serving = ofServing(servingTables(text), file);
  if (serving !== null) return serving;
  const printed = aisbenchPrinted(text, file.name);
  if (printed.length > 0) return { client: 'aisbench', files: [file], read: (version) => plain(printed.map((t) => aisbenchLoad(t, version)), version) };
  const aiperf = aiperfPrinted(text);
  if (isAiperf(aiperf)) return { client: 'aiperf', files: [file], read: (version) => plain([aiperfLoad(aiperf, file.name, version)], version) };
  const summaries = evalscopePrinted(text);
  if (summaries.length === 0) return null;
  return {
    client: 'evalscope',
    files: [file],
    read: async (version) => {
      const loads = await Promise.all(summaries.map((s) => evalscopeLoad({ name: file.name, summary: s.summary, percentiles: s.percentiles, args: null, db: null }, version)));
      return plain(loads, version, loads[0]?.generation ?? null);
    },
  };
}

/** Outputs in the files, told by content; printed tables only count where no result file lies. A damaged file does not hide the others. */
export async function findOutputs(files: readonly ClientFile[]): Promise<Found> {
  const outputs: Output[] = [];
  const printed: Output[] = [];
  const failures: ToolError[] = [];
  for (const file of files) {
    if (files.length > 1 && (never.test(file.name) || (await fileSize(file.path)) > limits.textBytes.value)) continue;
    if (basename(file.name).endsWith('.db')) continue;
    try {
      const text = (await readText(file.path, limits.textBytes.value)) ?? '';
      if (text.trim() === '') {
        failures.push(new ToolError('E_FILE_EMPTY', `${foreign(file.name, 200)} has no content`, 'copy the file again, after the client has ended'));
        continue;
      }
      if (/^\s*[[{]/.test(text) && !/\.(?:txt|log)$/i.test(file.name)) {
        const records = parseRecords(text, file.name);
        const [first] = records;
        const common = aisbenchCommon(first);
        const csv = common === null ? undefined : beside(files, file, `${basename(file.name).replace(/\.json$/, '')}.csv`);
        if (common !== null && csv === undefined) failures.push(new ToolError('E_FORMAT_UNKNOWN', `${foreign(file.name, 200)} has AISBench's common metrics; the latencies lie in the .csv beside it`, 'give the folder with both files'));
        else if (common !== null && csv !== undefined) outputs.push(aisbench({ name: csv.name, parameters: csvRows((await readText(csv.path, limits.textBytes.value)) ?? ''), ...common }, [csv, file]));
        else if (isFields(first) && records.length === 1 && looksLikeSummary(first)) outputs.push(await ofSummary(first, file, files, failures));
        else {
          const output = ofServing(records, file) ?? (records.length === 1 ? ofRecord(first, file) : null);
          if (output !== null) outputs.push(output);
        }
      } else if (isAisbenchHeader(csvRows(text.slice(0, text.indexOf('\n') + 1))[0] ?? [])) {
        const stem = basename(file.name).replace(/\.csv$/, '');
        if (beside(files, file, `${stem}.json`) === undefined) failures.push(new ToolError('E_FORMAT_UNKNOWN', `${foreign(file.name, 200)} has AISBench's latencies; the request counts lie in the .json beside it`, 'give the folder with both files'));
      } else {
        const output = ofText(text, file);
        if (output !== null) printed.push(output);
      }
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      failures.push(error);
    }
  }
  return { outputs: outputs.length > 0 ? outputs : printed, failures };
}
