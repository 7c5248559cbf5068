import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Capture, SimCommTask, SimProcess } from './capture.js';
import { commTaskSqe, headers, moduleIds, opSummaryHeader } from './formats.js';
import { exportStamp } from './msprof-folder.js';
import { opSummaryRows } from './op-rows.js';
import { largestFirst, statisticCells, tallyBy, type Tally } from './statistics.js';
import { microseconds, TextFile, trimmed } from './text.js';

export interface CsvOptions {
  /** Rows per file; msprof cuts at 1,000,000. */
  readonly sliceRows?: number;
  /** Seconds after the first export, for folders with several. */
  readonly laterSeconds?: number;
}

/**
 * The CSV files of one process in mindstudio_profiler_output.
 * @param folder the PROF folder @returns the files' paths
 */
export function writeMsprofCsv(
  folder: string,
  capture: Capture,
  process: SimProcess,
  options: CsvOptions = {},
): string[] {
  const output = join(folder, 'mindstudio_profiler_output');
  mkdirSync(output, { recursive: true });
  const stamp = exportStamp(process, options.laterSeconds);
  const limit = options.sliceRows ?? 1_000_000;
  const { level, aicMetrics } = capture.config;
  const family = process.devices[0]?.family ?? 'Ascend910B';
  const paths: string[] = [];
  const write = (name: string, header: string, rows: Iterable<string>): void =>
    void paths.push(...writeSliced(output, name, stamp, header, rows, limit));

  write('op_summary', opSummaryHeader(family, level, aicMetrics).join(','), opSummaryLines(process, capture));
  // task-time l0 has no operator types to sum over.
  if (level !== 'l0') {
    write('op_statistic', headers.op_statistic, opStatistic(process));
    write('communication_statistic', headers.communication_statistic, communicationStatistic(process));
  }
  write('task_time', headers.task_time, taskTime(process));
  write('api_statistic', headers.api_statistic, apiStatistic(process));
  write('npu_module_mem', headers.npu_module_mem, moduleMemory(process, 1024));
  write('memory_record', headers.memory_record, geMemory(process));
  return paths;
}

/** One file below the limit, `_slice_N` files above it; none without a row. */
function writeSliced(
  output: string,
  name: string,
  stamp: string,
  header: string,
  rows: Iterable<string>,
  limit: number,
): string[] {
  const paths: string[] = [];
  let file: TextFile | null = null;
  let count = 0;
  for (const row of rows) {
    if (file === null || count % limit === 0) {
      file?.close();
      // Whether there is more than one slice shows at the second: only then the first gets its number.
      if (count === limit) {
        const first = join(output, `${name}_slice_0_${stamp}.csv`);
        renameSync(join(output, `${name}_${stamp}.csv`), first);
        paths[0] = first;
      }
      file = new TextFile(
        join(output, count === 0 ? `${name}_${stamp}.csv` : `${name}_slice_${count / limit}_${stamp}.csv`),
      );
      file.write(`${header}\n`);
      paths.push(file.path);
    }
    file.write(`${row}\n`);
    count += 1;
  }
  file?.close();
  return paths;
}

function* opSummaryLines(process: SimProcess, capture: Capture): Generator<string> {
  for (const row of opSummaryRows(process, capture.config)) {
    row[8] = `${row[8] ?? ''}\t`;
    yield row.join(',');
  }
}

export function* opStatistic(process: SimProcess): Generator<string> {
  const all = new Map<string, Tally>();
  for (const task of process.tasks)
    if (task.kernel !== null)
      tallyBy(all, `${task.device},${task.kernel.opType},${task.kernel.coreType}`).add(task.durationNs / 1000);
  const whole = wholePerDevice(all);
  for (const [key, tally] of largestFirst(all))
    yield [key, ...statisticCells(tally, whole.get(deviceOf(key)) ?? 1)].join(',');
}

function* communicationStatistic(process: SimProcess): Generator<string> {
  const all = new Map<string, Tally>();
  for (const op of process.commOps) tallyBy(all, `${op.device},${op.opType}`).add(op.durationNs / 1000);
  const whole = wholePerDevice(all);
  for (const [key, tally] of largestFirst(all))
    yield [key, ...statisticCells(tally, whole.get(deviceOf(key)) ?? 1)].join(',');
}

const deviceOf = (key: string): string => key.slice(0, key.indexOf(','));

function wholePerDevice(all: ReadonlyMap<string, Tally>): Map<string, number> {
  const whole = new Map<string, number>();
  for (const [key, tally] of all) whole.set(deviceOf(key), (whole.get(deviceOf(key)) ?? 0) + tally.total);
  return whole;
}

/** Sorted by start alone. Of a collective's FFTS+ contexts only the first is shown. */
function* taskTime(process: SimProcess): Generator<string> {
  const comm = leadingCommTasks(process);
  let next = comm.next();
  const line = (
    device: number,
    name: string,
    type: string,
    stream: number,
    task: number,
    startNs: bigint,
    durationNs: number,
  ): string =>
    [
      device,
      name,
      type,
      stream,
      task,
      microseconds(BigInt(durationNs)),
      `${microseconds(startNs)}\t`,
      `${microseconds(startNs + BigInt(durationNs))}\t`,
    ].join(',');
  const commLine = (entry: { device: number; task: SimCommTask }): string =>
    line(
      entry.device,
      'N/A',
      commTaskSqe(entry.task),
      entry.task.stream,
      entry.task.taskId,
      entry.task.startNs,
      entry.task.durationNs,
    );
  for (const task of process.tasks) {
    for (; next.done !== true && next.value.task.startNs < task.startNs; next = comm.next()) yield commLine(next.value);
    yield line(
      task.device,
      task.kernel === null ? 'N/A' : task.name,
      task.kernel?.coreType ?? task.hostType,
      task.stream,
      task.taskId,
      task.startNs,
      task.durationNs,
    );
  }
  for (; next.done !== true; next = comm.next()) yield commLine(next.value);
}

function* leadingCommTasks(process: SimProcess): Generator<{ device: number; task: SimCommTask }, undefined> {
  for (const op of process.commOps) {
    const first = op.tasks[0];
    if (first !== undefined) yield { device: op.device, task: first };
  }
  return undefined;
}

export function* apiStatistic(process: SimProcess): Generator<string> {
  const all = new Map<string, Tally>();
  for (const api of process.apis) tallyBy(all, `${api.level},${api.name}`).add(api.durationNs / 1000);
  const rows = [...all].sort(([a], [b]) => (a.slice(a.indexOf(',') + 1) < b.slice(b.indexOf(',') + 1) ? -1 : 1));
  for (const [key, tally] of rows)
    yield [
      'host',
      key,
      trimmed(tally.total),
      tally.count,
      trimmed(tally.mean),
      trimmed(tally.least),
      trimmed(tally.greatest),
      trimmed(tally.variance),
    ].join(',');
}

/** Sorted by module id, then time. `unit` 1024: KB, whole numbers (msprof); the torch file has MB. */
export function* moduleMemory(process: SimProcess, unit: 1024 | 1_048_576): Generator<string> {
  const samples = [...process.memory].filter((sample) => sample.kind === 'module');
  samples.sort(
    (a, b) => (moduleIds[a.component] ?? 0) - (moduleIds[b.component] ?? 0) || (a.timeNs < b.timeNs ? -1 : 1),
  );
  for (const sample of samples) {
    const value = sample.reservedBytes / unit;
    yield [
      sample.device,
      sample.component,
      `${microseconds(sample.timeNs)}\t`,
      unit === 1024 ? Math.floor(value) : Number.isInteger(value) ? `${value}.0` : value,
      `NPU:${sample.device}`,
    ].join(',');
  }
}

/** memory_record of msprof knows the GE component alone. */
function* geMemory(process: SimProcess): Generator<string> {
  for (const sample of process.memory) {
    if (sample.component !== 'GE' || sample.allocatedBytes === null) continue;
    yield [
      sample.device,
      sample.component,
      `${microseconds(sample.timeNs)}\t`,
      sample.allocatedBytes / 1024,
      sample.reservedBytes / 1024,
      `NPU:${sample.device}`,
    ].join(',');
  }
}
