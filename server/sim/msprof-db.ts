import { join } from 'node:path';
import type { AicMetrics, Capture, CaptureConfig, SimCommOp, SimProcess, SimTask } from './capture.js';
import { none32 } from './capture.js';
import { DatabaseFile, StringPool } from './database.js';
import {
  apiType,
  commDataType,
  commTaskSqe,
  isStars,
  linkType,
  memcpyOperation,
  moduleIds,
  mstxType,
  overlapType,
  pmuColumns,
  rdmaType,
  transportType,
} from './formats.js';
import { tables } from './msprof-schema.js';
import { exportStamp } from './msprof-folder.js';
import { overlapAnalysis } from './overlap.js';

export type MsprofTable = keyof typeof tables;

export const schemaVersion = '1.2.0';
/** MSTX_EVENTS: no range, no device link. */
const noMstxLink = 4_000_000_000;
const noNotify = -1;
const naIds = { plane: none32, rank: none32, size: -1, enum: 65534, invalid: 65535 } as const;

/** Columns of TASK_PMU_INFO for a pipe group that the CSV drops and the db keeps with 0 (msprof UNSUPPORTED_HEADER). */
const impossible: Readonly<Record<string, string>> = { aiv_vec_ratio: 'aiv_mac', aiv_scalar_ratio: 'aiv_mte1' };

/**
 * The unified database of one process, directly under its PROF folder.
 * @param folder the PROF folder @returns path of `msprof_<14 digits>.db`
 */
export async function writeMsprofDb(folder: string, capture: Capture, process: SimProcess): Promise<string> {
  const path = join(folder, `msprof_${exportStamp(process)}.db`);
  const database = await DatabaseFile.create<MsprofTable>(path, tables);
  const strings = new StringPool();
  fillMsprofDb(database, strings, capture, process, null);
  finishStrings(database, strings);
  database.close();
  return path;
}

/** STRING_IDS goes last: a database without it is a cut-off export. */
export function finishStrings(database: Pick<DatabaseFile<MsprofTable>, 'add'>, ...pools: readonly StringPool[]): void {
  for (const pool of pools) for (const [value, id] of pool.entries()) database.add('STRING_IDS', [id, value]);
}

/**
 * Every table but STRING_IDS.
 * @param rank what RANK_DEVICE_MAP says; null as in native msprof, which writes −1
 */
export function fillMsprofDb(
  database: Pick<DatabaseFile<MsprofTable>, 'add' | 'exec' | 'has'>,
  strings: StringPool,
  capture: Capture,
  process: SimProcess,
  rank: number | null,
): void {
  const level = capture.config.level;
  const pid = BigInt(process.pid);
  const globalTid = (thread: number): bigint => (pid << 32n) | BigInt(thread);
  let nextTask = 0;

  database.add('SESSION_TIME_INFO', [process.startNs, process.endNs]);
  for (const device of process.devices) {
    database.add('NPU_INFO', [device.id, device.family]);
    database.add('RANK_DEVICE_MAP', [rank ?? -1, device.id]);
  }
  database.add('HOST_INFO', [process.hostUid, process.host]);
  addEnums(database);
  addMeta(database);

  for (const task of process.tasks) {
    const id = nextTask;
    nextTask += 1;
    database.add('TASK', [
      task.startNs,
      task.startNs + BigInt(task.durationNs),
      task.device,
      task.connectionId,
      id,
      process.pid,
      strings.id(task.hostType),
      task.contextId,
      task.stream,
      task.taskId,
      task.modelId,
    ]);
    if (task.kernel !== null) addKernel(database, strings, task, id, level);
    if (task.memcpy !== null && level !== 'l0')
      database.add('MEMCPY_INFO', [id, task.memcpy.bytes, memcpyOperation[task.memcpy.operation]]);
    if (task.pmu !== null) addPmu(database, strings, id, task.pmu, capture.config.aicMetrics, process);
  }
  let opId = 0;
  for (const op of process.commOps) {
    opId += 1;
    nextTask = addCommOp(database, strings, op, opId, nextTask, process.pid, level);
  }
  for (const api of process.apis)
    database.add('CANN_API', [
      api.startNs,
      api.startNs + BigInt(api.durationNs),
      apiType[api.level],
      globalTid(api.thread),
      api.connectionId,
      strings.id(api.name),
    ]);
  for (const sample of process.memory) {
    if (sample.kind === 'process')
      database.add('NPU_MEM', [strings.id('app'), 0, sample.reservedBytes, sample.timeNs, sample.device]);
    if (sample.kind === 'module')
      database.add('NPU_MODULE_MEM', [
        moduleIds[sample.component] ?? moduleIds['CUSTOM'] ?? 0,
        sample.timeNs,
        sample.reservedBytes,
        sample.device,
      ]);
  }
  for (const sample of process.frequency) database.add('AICORE_FREQ', [sample.device, sample.timeNs, sample.mhz, -1]);
  for (const mark of process.marks) {
    if (mark.kind !== 'mstx') continue;
    database.add('MSTX_EVENTS', [
      mark.startNs,
      mark.endNs,
      mstxType['start/end'],
      none32,
      0,
      strings.id(mark.name),
      globalTid(mark.thread),
      globalTid(mark.thread),
      strings.id('default'),
      noMstxLink,
    ]);
  }
  addOverlap(database, process);
  if (database.has('TASK')) database.exec('CREATE INDEX TaskIndex ON TASK (startNs,globalTaskId)');
  if (database.has('COMMUNICATION_TASK_INFO'))
    database.exec('CREATE INDEX CommunicationTaskIndex ON COMMUNICATION_TASK_INFO (globalTaskId)');
}

/** A shape as the database holds it: with its quotes; N/A without. */
export function quotedShape(shape: string): string {
  return shape === 'N/A' ? shape : `"${shape}"`;
}

function addKernel(
  database: Pick<DatabaseFile<MsprofTable>, 'add'>,
  strings: StringPool,
  task: SimTask,
  id: number,
  level: CaptureConfig['level'],
): void {
  const kernel = task.kernel;
  if (kernel === null) return;
  const na = strings.id('N/A');
  if (task.name.endsWith('AicpuKernel')) {
    database.add('COMMUNICATION_SCHEDULE_TASK_INFO', [
      strings.id(task.name),
      id,
      strings.id(kernel.coreType),
      strings.id(kernel.opType),
    ]);
    return;
  }
  if (level === 'l0') {
    // Names are all that task-time l0 knows of an operator.
    database.add('COMPUTE_TASK_INFO', [
      strings.id(task.name),
      id,
      0,
      0,
      na,
      na,
      na,
      na,
      na,
      na,
      na,
      na,
      na,
      na,
      na,
      na,
      na,
    ]);
    return;
  }
  database.add('COMPUTE_TASK_INFO', [
    strings.id(task.name),
    id,
    kernel.blockNum,
    kernel.mixBlockNum,
    strings.id(kernel.coreType),
    strings.id(kernel.opType),
    strings.id(kernel.inputFormats),
    strings.id(kernel.inputTypes),
    strings.id(quotedShape(kernel.inputShapes)),
    strings.id(kernel.outputFormats),
    strings.id(kernel.outputTypes),
    strings.id(quotedShape(kernel.outputShapes)),
    na,
    strings.id(kernel.opState),
    strings.id(kernel.hf32),
    na,
    na,
  ]);
}

/** Long format: one row per task and metric. Times are ns here (µs in the CSV), bandwidths bytes/s with 1024³ to the GB. */
function addPmu(
  database: Pick<DatabaseFile<MsprofTable>, 'add'>,
  strings: StringPool,
  id: number,
  pmu: Readonly<Record<string, number>>,
  metrics: AicMetrics | null,
  process: SimProcess,
): void {
  const family = process.devices[0]?.family ?? 'Ascend910B';
  // The db export knows task PMU on STARS chips only.
  if (!isStars(family)) return;
  const add = (name: string, value: number): void => database.add('TASK_PMU_INFO', [id, strings.id(name), value]);
  for (const column of pmuColumns(family, metrics)) {
    const value = pmu[column.key];
    if (value === undefined || column.kind === 'utilization') continue;
    if (column.kind === 'time') add(column.key, value * 1000);
    else if (column.kind === 'ratio-time') {
      const side = column.key.startsWith('aiv_') ? 'aiv_' : 'aic_';
      add(column.key.replace(/_ratio$/, '_time'), value * (pmu[`${side}total_time`] ?? 0) * 1000);
    } else {
      add(column.key, column.header.endsWith('(GB/s)') ? value * 1024 ** 3 : value);
      const dropped = impossible[column.key];
      if (dropped !== undefined) {
        add(`${dropped}_time`, 0);
        add(`${dropped}_ratio`, 0);
      }
    }
  }
}

function addCommOp(
  database: Pick<DatabaseFile<MsprofTable>, 'add'>,
  strings: StringPool,
  op: SimCommOp,
  opId: number,
  firstTask: number,
  pid: number,
  level: CaptureConfig['level'],
): number {
  const group = strings.id(op.group);
  const name = strings.id(op.name);
  const bare = level === 'l0';
  database.add('COMMUNICATION_OP', [
    name,
    op.startNs,
    op.startNs + BigInt(op.durationNs),
    op.connectionId,
    group,
    opId,
    0,
    0,
    commDataType[op.dataType],
    strings.id(op.algorithm),
    op.count,
    strings.id(bare ? 'N/A' : op.opType),
    op.device,
    op.rankSize,
  ]);
  let id = firstTask;
  op.tasks.forEach((task, context) => {
    database.add('TASK', [
      task.startNs,
      task.startNs + BigInt(task.durationNs),
      op.device,
      op.connectionId,
      id,
      pid,
      strings.id(commTaskSqe(task)),
      context,
      task.stream,
      task.taskId,
      op.modelId,
    ]);
    if (bare)
      database.add('COMMUNICATION_TASK_INFO', [
        name,
        id,
        strings.id('N/A'),
        naIds.plane,
        group,
        noNotify,
        naIds.enum,
        naIds.rank,
        naIds.rank,
        naIds.enum,
        naIds.size,
        naIds.enum,
        naIds.enum,
        opId,
        0,
        0,
      ]);
    else {
      const dataType = task.bytes > 0 ? commDataType[op.dataType] : naIds.invalid;
      const link = task.bytes > 0 ? linkType[task.link] : naIds.invalid;
      database.add('COMMUNICATION_TASK_INFO', [
        name,
        id,
        strings.id(task.name),
        task.plane,
        group,
        task.notifyId ?? noNotify,
        task.rdmaType === null ? naIds.invalid : rdmaType[task.rdmaType],
        task.srcRank,
        task.dstRank,
        transportType[task.transport],
        task.bytes,
        dataType,
        link,
        opId,
        task.master ? 1 : 0,
        task.durationNs === 0 ? 0 : (task.bytes / task.durationNs) * 1e9,
      ]);
    }
    id += 1;
  });
  return id;
}

function addOverlap(database: Pick<DatabaseFile<MsprofTable>, 'add'>, process: SimProcess): void {
  let id = 0;
  for (const device of process.devices) {
    const overlap = overlapAnalysis(device, process.tasks, process.commOps);
    const add = (items: Iterable<{ start: bigint; end: bigint }>, type: number): void => {
      for (const item of items) {
        database.add('OVERLAP_ANALYSIS', [id, device.id, item.start, item.end, type]);
        id += 1;
      }
    };
    add(overlap.computing, overlapType.COMPUTE);
    add(overlap.communication, overlapType.COMMUNICATION);
    add(overlap.notOverlapped, overlapType.COMM_NOT_OVERLAP_COMP);
    add(overlap.free, overlapType.FREE);
  }
}

function addMeta(database: Pick<DatabaseFile<MsprofTable>, 'add'>): void {
  const [major, minor, micro] = schemaVersion.split('.');
  database.add('META_DATA', ['SCHEMA_VERSION_MICRO', micro ?? '']);
  database.add('META_DATA', ['SCHEMA_VERSION_MINOR', minor ?? '']);
  database.add('META_DATA', ['SCHEMA_VERSION_MAJOR', major ?? '']);
  database.add('META_DATA', ['SCHEMA_VERSION', schemaVersion]);
  database.add('META_DATA', ['SIMULATED', '1']);
}

function addEnums(database: Pick<DatabaseFile<MsprofTable>, 'add'>): void {
  const all: readonly (readonly [MsprofTable, Readonly<Record<string, number>>])[] = [
    ['ENUM_API_TYPE', apiType],
    ['ENUM_MODULE', moduleIds],
    ['ENUM_HCCL_DATA_TYPE', commDataType],
    ['ENUM_HCCL_LINK_TYPE', linkType],
    ['ENUM_HCCL_TRANSPORT_TYPE', transportType],
    ['ENUM_HCCL_RDMA_TYPE', rdmaType],
    ['ENUM_MSTX_EVENT_TYPE', mstxType],
    ['ENUM_MEMCPY_OPERATION', memcpyOperation],
    ['ENUM_OVERLAP_ANALYSIS_TYPE', overlapType],
  ];
  for (const [table, values] of all) for (const [name, id] of Object.entries(values)) database.add(table, [id, name]);
}
