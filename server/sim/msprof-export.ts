import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Capture, SimProcess } from './capture.js';
import { writeCommunicationJson } from './comm-json.js';
import { writeMsprofCsv } from './msprof-csv.js';
import { writeMsprofDb } from './msprof-db.js';
import { profFolders, readRaw } from './msprof-raw.js';
import { writeMsprofTimeline } from './msprof-timeline.js';
import { captureFromSteps } from './step-capture.js';

type Write = (text: string) => void;

function load(folder: string): { capture: Capture; process: SimProcess } | null {
  const raw = readRaw(folder);
  if (raw === null) return null;
  const capture = captureFromSteps(raw.capture, raw.config);
  const [process] = capture.processes;
  return process === undefined ? null : { capture, process };
}

/** Runs `work` for every PROF folder at or below a path. @returns exit code: 1 when there is none, or one has no data */
async function each(path: string, verb: string, write: Write, work: (folder: string, capture: Capture, process: SimProcess) => Promise<void>): Promise<number> {
  const folders = profFolders(path);
  if (folders.length === 0) {
    write(`[ERROR] No PROF_* folder was found in ${path}.\n`);
    return 1;
  }
  let code = 0;
  for (const folder of folders) {
    const name = basename(folder);
    write(`[INFO] Start ${verb} data in ${name}.\n`);
    const loaded = load(folder);
    if (loaded === null) {
      write(`[ERROR] ${name} has no complete profiling data: its collection was not stopped.\n`);
      code = 1;
      continue;
    }
    await work(folder, loaded.capture, loaded.process);
    write(`[INFO] ${verb[0]?.toUpperCase() ?? ''}${verb.slice(1)} all data in ${name} done.\n`);
  }
  return code;
}

/** `--export=on`: `text` writes database, CSV and timeline, `db` the database alone. */
export async function exportFolders(path: string, type: 'text' | 'db', write: Write): Promise<number> {
  const code = await each(path, 'export', write, async (folder, capture, process) => {
    if (readdirSync(folder).some((n) => /^msprof_\d{14}\.db$/.test(n))) write('[INFO] Find completed msprof db\n');
    else await writeMsprofDb(folder, capture, process);
    if (type === 'db') return;
    const output = join(folder, 'mindstudio_profiler_output');
    // Every export leaves files of its own, stamped with the second it ran in.
    const before = existsSync(output) ? readdirSync(output).filter((n) => /^msprof_\d{14}\.json$/.test(n)).length : 0;
    writeMsprofCsv(folder, capture, process, { laterSeconds: before });
    writeMsprofTimeline(folder, capture, process, before);
  });
  if (code === 0) queryFolders(path, write);
  return code;
}

/** `--analyze=on --rule=communication,communication_matrix`. */
export function analyzeFolders(path: string, write: Write): Promise<number> {
  return each(path, 'analyze', write, (folder, _, process) => {
    const target = join(folder, 'analyze');
    rmSync(target, { recursive: true, force: true });
    writeCommunicationJson(target, process, 'step');
    return Promise.resolve();
  });
}

const columns = [['Job Info', 16], ['Device ID', 16], ['Dir Name', 16], ['Collection Time', 32], ['Model ID', 11], ['Iteration Number', 17], ['Top Time Iteration', 24], ['Rank ID', 8]] as const;

/** `--query=on`: one row per host and device folder. */
export function queryFolders(path: string, write: Write): number {
  const folders = profFolders(path);
  for (const folder of folders) {
    const name = basename(folder);
    const raw = readRaw(folder);
    write(`[INFO] Start query data in ${name}.\n`);
    const row = (cells: readonly string[]): void => write(`${columns.map(([, width], i) => (cells[i] ?? '').padEnd(width)).join('').trimEnd()}\n`);
    row(columns.map(([title]) => title));
    const started = raw === null ? 'N/A' : new Date(Number(BigInt(raw.capture.started_ns) / 1_000_000n)).toISOString().slice(0, 23).replace('T', ' ');
    for (const side of readdirSync(folder).filter((n) => n === 'host' || /^device_\d+$/.test(n)).sort((a, b) => (a === 'host' ? -1 : b === 'host' ? 1 : a < b ? -1 : 1))) {
      row(['NA', side === 'host' ? '' : side.slice('device_'.length), side, started, 'N/A', 'N/A', 'N/A', '-1']);
    }
    write(`[INFO] Query all data in ${name} done.\n`);
  }
  return folders.length === 0 ? 1 : 0;
}
