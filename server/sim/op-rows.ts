import type { AicMetrics, CaptureConfig, SimCommOp, SimDevice, SimProcess, SimTask } from './capture.js';
import { none32 } from './capture.js';
import { isStars, pmuColumns, type PmuColumn } from './formats.js';
import { quotedShape } from './msprof-db.js';
import { microseconds, rounded } from './text.js';

/** Kernels and collectives of one process in op_summary's order: device id as text, then start. */
export function* opEntries(
  process: SimProcess,
): Generator<{ readonly device: SimDevice; readonly task: SimTask | null; readonly op: SimCommOp | null }> {
  const devices = [...process.devices].sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1));
  for (const device of devices) {
    const ops = mine(process.commOps, device.id);
    let op = ops.next();
    for (const task of process.tasks) {
      if (task.device !== device.id || task.kernel === null) continue;
      for (; op.done !== true && op.value.startNs < task.startNs; op = ops.next())
        yield { device, task: null, op: op.value };
      yield { device, task, op: null };
    }
    for (; op.done !== true; op = ops.next()) yield { device, task: null, op: op.value };
  }
}

function* mine(ops: Iterable<SimCommOp>, device: number): Generator<SimCommOp, undefined> {
  for (const op of ops) if (op.device === device) yield op;
  return undefined;
}

/**
 * Cells of op_summary, without the TAB that ends the start time (index 8). Cells stand as they are written, shapes with quotes.
 * The wait time is the exporter's own: against the row before, whatever its stream or device, in double microseconds.
 */
export function* opSummaryRows(process: SimProcess, config: CaptureConfig): Generator<string[]> {
  const family = process.devices[0]?.family ?? 'Ascend910B';
  const columns = pmuColumns(family, config.aicMetrics);
  const stars = isStars(family);
  const width = config.level === 'l0' ? (stars ? 12 : 11) : 21 + columns.length - (stars ? 0 : 2);
  let before: { start: number; duration: number } | null = null;
  for (const { device, task, op } of opEntries(process)) {
    // Without operator information the exporter has no kernel to name: only collectives are left.
    if (config.level === 'l0' && op === null) continue;
    const start = microseconds(task?.startNs ?? op?.startNs ?? 0n);
    const duration = microseconds(BigInt(task?.durationNs ?? op?.durationNs ?? 0));
    const wait: string = before === null ? '0' : Math.max(0, Number(start) - before.start - before.duration).toFixed(6);
    before = { start: Number(start), duration: Number(duration) };
    if (op !== null) {
      const row = [
        String(op.device),
        String(op.modelId),
        'N/A',
        'N/A',
        op.name,
        config.level === 'l0' ? 'N/A' : op.opType,
        'N/A',
        'COMMUNICATION',
        start,
        duration,
        wait,
        '0',
      ];
      while (row.length < width) row.push('N/A');
      yield row.slice(0, width);
      continue;
    }
    const kernel = task?.kernel;
    if (task === null || kernel === null || kernel === undefined) continue;
    const row = [
      String(task.device),
      String(task.modelId),
      String(task.taskId),
      String(task.stream),
      task.name,
      kernel.opType,
      kernel.opState,
      kernel.coreType,
      start,
      duration,
      wait,
      String(kernel.blockNum),
    ];
    if (stars) row.push(String(kernel.mixBlockNum));
    row.push(
      kernel.hf32,
      quotedShape(kernel.inputShapes),
      kernel.inputTypes,
      kernel.inputFormats,
      quotedShape(kernel.outputShapes),
      kernel.outputTypes,
      kernel.outputFormats,
    );
    if (stars) row.push(task.contextId === none32 ? 'N/A' : String(task.contextId));
    for (const column of columns) row.push(pmuCell(column, task, device, config.aicMetrics));
    yield row;
  }
}

function pmuCell(column: PmuColumn, task: SimTask, device: SimDevice, metrics: AicMetrics | null): string {
  const pmu = task.pmu;
  if (pmu === null || metrics === null) return 'N/A';
  const value = pmu[column.key];
  switch (column.kind) {
    case 'cycles':
      return value === undefined ? 'N/A' : String(value);
    case 'ratio-time': {
      const side = column.key.startsWith('aiv_') ? 'aiv_' : column.key.startsWith('aic_') ? 'aic_' : '';
      return value === undefined ? 'N/A' : rounded(value * (pmu[`${side}total_time`] ?? 0));
    }
    case 'utilization': {
      // Cycles over what all cores could have had in the task's duration.
      const cycles = value ?? 0;
      return ((cycles / (device.aicoreMhz * device.aicoreCount) / (task.durationNs / 1000)) * 100).toFixed(3);
    }
    case 'memory-bound': {
      const most = Math.max(pmu['mac_ratio'] ?? 0, pmu['vec_ratio'] ?? 0);
      const mte2 = pmu['mte2_ratio'] ?? 0;
      return most === 0 || mte2 === 0 ? 'N/A' : rounded(mte2 / most);
    }
    default:
      return value === undefined
        ? 'N/A'
        : Number.isInteger(value) && /hit|miss_allocate|fops/.test(column.key)
          ? String(value)
          : rounded(value);
  }
}
