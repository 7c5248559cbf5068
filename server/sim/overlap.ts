import type { SimCommOp, SimDevice, SimTask } from './capture.js';
import { difference, union, type Interval } from './intervals.js';

export interface Overlap {
  readonly computing: readonly Interval[];
  readonly communication: readonly Interval[];
  readonly notOverlapped: readonly Interval[];
  readonly free: readonly Interval[];
}

/** Host types whose edges do not stretch the window (msprof FILTER_TYPE). */
const inside = new Set<string>(['KERNEL_AICORE', 'KERNEL_AIVEC', 'KERNEL_MIX_AIC', 'KERNEL_MIX_AIV']);

/**
 * msprof's Overlap Analysis of one device: computing is the union of tasks with operator information (AI_CPU too, collectives' own kernels
 * not); free is what neither covers between the first and the last moment of anything.
 */
export function overlapAnalysis(device: SimDevice, tasks: Iterable<SimTask>, ops: Iterable<SimCommOp>): Overlap {
  const compute: Interval[] = [];
  const comm: Interval[] = [];
  const edge: { begin: bigint | null; end: bigint } = { begin: null, end: 0n };
  const stretch = (item: Interval): void => {
    if (edge.begin === null || item.start < edge.begin) edge.begin = item.start;
    if (item.end > edge.end) edge.end = item.end;
  };
  for (const task of tasks) {
    if (task.device !== device.id) continue;
    const item = { start: task.startNs, end: task.startNs + BigInt(task.durationNs) };
    if (task.kernel !== null && !task.name.endsWith('AicpuKernel') && !task.name.endsWith('AivKernel'))
      compute.push(item);
    if (!inside.has(task.hostType)) stretch(item);
  }
  for (const op of ops) {
    if (op.device !== device.id) continue;
    comm.push({ start: op.startNs, end: op.startNs + BigInt(op.durationNs) });
    for (const task of op.tasks) stretch({ start: task.startNs, end: task.startNs + BigInt(task.durationNs) });
  }
  const computing = union(compute);
  const communication = union(comm);
  for (const item of [...computing, ...communication]) stretch(item);
  const whole: Interval[] = edge.begin === null ? [] : [{ start: edge.begin, end: edge.end }];
  return {
    computing,
    communication,
    notOverlapped: difference(communication, computing),
    free: difference(whole, union([...computing, ...communication])),
  };
}
