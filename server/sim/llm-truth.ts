import type { SimCommOp, SimDevice, SimTask, WindowTruth } from './capture.js';

/** Sums planted while the simulation ran, per device. */
export interface CommSums {
  waitNs: number;
  transitNs: number;
}

/**
 * Where a device's time went, by walking every boundary in order and counting who is open. Kept apart from the interval sets that the
 * writers use: two ways to one number. As in msprof's Overlap Analysis every task with operator information computes, AI_CPU ones too;
 * AI CPU tasks without it are in `free`, and in `aicpu_us`.
 */
export function windowTruth(
  device: SimDevice,
  tasks: readonly SimTask[],
  ops: readonly SimCommOp[],
  sums: CommSums,
): WindowTruth {
  const edges: { at: bigint; kind: 0 | 1 | 2; step: 1 | -1 }[] = [];
  const add = (kind: 0 | 1 | 2, startNs: bigint, durationNs: number): void =>
    void edges.push({ at: startNs, kind, step: 1 }, { at: startNs + BigInt(durationNs), kind, step: -1 });
  for (const task of tasks)
    if (task.device === device.id && (task.kernel !== null || task.hostType === 'KERNEL_AICPU'))
      add(task.kernel === null ? 2 : 0, task.startNs, task.durationNs);
  for (const op of ops) if (op.device === device.id) add(1, op.startNs, op.durationNs);
  edges.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const open: [number, number, number] = [0, 0, 0];
  const sum = { computing: 0n, communication: 0n, alone: 0n, aicpu: 0n };
  let first: bigint | null = null;
  let last = 0n;
  let before = 0n;
  for (const edge of edges) {
    const span = edge.at - before;
    if (open[0] > 0) sum.computing += span;
    if (open[1] > 0) sum.communication += span;
    if (open[1] > 0 && open[0] === 0) sum.alone += span;
    if (open[2] > 0 && open[0] === 0 && open[1] === 0) sum.aicpu += span;
    open[edge.kind] += edge.step;
    before = edge.at;
    if (edge.kind !== 2) {
      first ??= edge.at;
      last = edge.at;
    }
  }
  const us = (ns: bigint): number => Number(ns) / 1000;
  const hull = first === null ? 0n : last - first;
  return {
    device: device.id,
    rank: device.rank,
    span_us: us(hull),
    computing_us: us(sum.computing),
    communication_us: us(sum.communication),
    communicationNotOverlapped_us: us(sum.alone),
    free_us: us(hull - sum.computing - sum.alone),
    aicpu_us: us(sum.aicpu),
    commWait_us: sums.waitNs / 1000,
    commTransit_us: sums.transitNs / 1000,
  };
}
