import { join } from 'node:path';
import type { Capture, SimProcess } from './capture.js';
import { commMatrix, groupHash, linkNames, summarize } from './comm-summary.js';
import { DatabaseFile, StringPool } from './database.js';
import { fillMsprofDb, finishStrings } from './msprof-db.js';
import { analysisTables, tables, torchTables } from './msprof-schema.js';
import { stepTrace } from './step-trace.js';
import { frameworkOps } from './torch-trace.js';

const schema = { ...tables, ...torchTables };
/** String ids of the framework and of its memory records, and its connection ids, start here (torch_npu). */
const frameworkStrings = 1 << 28;
const memoryStrings = 2 << 28;
const apiOp = 50_001;
const apiQueue = 50_002;

/** ascend_pytorch_profiler[_rank].db: msprof's database, extended in place. @returns its path */
export async function writeTorchDb(output: string, capture: Capture, process: SimProcess): Promise<string> {
  const path = join(
    output,
    process.rank === null ? 'ascend_pytorch_profiler.db' : `ascend_pytorch_profiler_${process.rank}.db`,
  );
  const database = await DatabaseFile.create(path, schema);
  const strings = new StringPool();
  fillMsprofDb(database, strings, capture, process, process.rank);
  const framework = new StringPool(frameworkStrings);
  const memory = new StringPool(memoryStrings);
  database.add('ENUM_API_TYPE', [apiOp, 'op']);
  database.add('ENUM_API_TYPE', [apiQueue, 'queue']);
  database.add('ENUM_API_TYPE', [50_003, 'trace']);
  database.add('ENUM_API_TYPE', [50_004, 'mstx']);
  const pid = BigInt(process.pid);
  for (const op of frameworkOps(process)) {
    const main = (pid << 32n) | BigInt(op.mainThread);
    database.add('PYTORCH_API', [
      String(op.startNs),
      String(op.startNs + BigInt(op.durationNs)),
      main,
      op.correlation,
      framework.id(op.name),
      -1,
      0,
      null,
      null,
      null,
      apiOp,
    ]);
    database.add('PYTORCH_API', [
      String(op.enqueueNs),
      String(op.enqueueNs + BigInt(op.enqueueDurationNs)),
      main,
      op.correlation,
      framework.id('Enqueue'),
      null,
      null,
      null,
      null,
      null,
      apiQueue,
    ]);
    database.add('CONNECTION_IDS', [op.correlation, op.connectionId]);
  }
  let step = 0;
  for (const mark of process.marks) {
    if (mark.kind !== 'step') continue;
    database.add('STEP_TIME', [step, mark.startNs, mark.endNs]);
    database.add('PYTORCH_API', [
      String(mark.startNs),
      String(mark.endNs),
      (pid << 32n) | BigInt(process.pid),
      null,
      framework.id(mark.name),
      -1,
      0,
      null,
      null,
      null,
      apiOp,
    ]);
    step += 1;
  }
  for (const sample of process.memory) {
    if (sample.component !== 'PTA') continue;
    for (const component of ['PTA', 'PTA+GE'])
      database.add('MEMORY_RECORD', [
        memory.id(component),
        sample.timeNs,
        sample.allocatedBytes,
        sample.reservedBytes,
        sample.activeBytes,
        2,
        sample.device,
      ]);
  }
  finishStrings(database, strings, framework, memory);
  database.close();
  return path;
}

/** analysis.db: StepTraceTime, and the collectives at Level1 and above. @returns its path */
export async function writeAnalysisDb(
  output: string,
  capture: Capture,
  process: SimProcess,
  stepId: string,
): Promise<string> {
  const path = join(output, 'analysis.db');
  const database = await DatabaseFile.create(path, analysisTables);
  for (const row of stepTrace(process)) database.add('StepTraceTime', [row.device, row.step, ...row.values]);
  const step = `step${stepId}`;
  if (capture.config.level !== 'l0') {
    for (const op of process.commOps) {
      const summary = summarize(op);
      const group = groupHash(op.group);
      database.add('CommAnalyzerTime', [
        op.name,
        group,
        summary.startUs,
        summary.elapseMs,
        summary.transitMs,
        summary.waitMs,
        summary.syncMs,
        summary.idleMs,
        step,
        summary.kind,
      ]);
      for (const name of linkNames) {
        const link = summary.links[name];
        if (link.timeMs === 0) continue;
        const speed = link.sizeMb / link.timeMs;
        const large = link.count === 0 ? 0 : link.large / link.count;
        const packets = name === 'SDMA' ? [[0, { count: 0, timeMs: 0 }] as const] : [...link.packets];
        for (const [size, packet] of packets)
          database.add('CommAnalyzerBandwidth', [
            op.name,
            group,
            name,
            link.sizeMb,
            link.timeMs,
            speed,
            large,
            size,
            packet.count,
            packet.timeMs,
            step,
            summary.kind,
          ]);
      }
    }
    for (const row of commMatrix(process)) {
      for (const cell of row.cells) {
        const [src, dst] = cell.pair.split('-');
        database.add('CommAnalyzerMatrix', [
          row.name,
          groupHash(row.group),
          src ?? '',
          dst ?? '',
          cell.transport,
          cell.sizeMb,
          cell.timeMs,
          cell.sizeMb / cell.timeMs,
          step,
          row.kind,
          cell.op,
        ]);
      }
    }
  }
  database.close();
  return path;
}
