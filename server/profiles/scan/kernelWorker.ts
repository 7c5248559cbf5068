import { parentPort, workerData } from 'node:worker_threads';
import { readKernelPart, type KernelPartPlan, type KernelTarget } from './kernelPart.js';

/** What the thread is given: its part, and columns in memory that both threads see. */
export interface KernelWork {
  readonly plan: KernelPartPlan;
  readonly target: KernelTarget;
}

/** The other end is kernelThreads.ts of this very version, so the shape is known. */
function isWork(value: unknown): value is KernelWork {
  return typeof value === 'object' && value !== null && 'plan' in value && 'target' in value;
}

const work: unknown = workerData;
if (isWork(work)) parentPort?.postMessage(await readKernelPart(work.plan, work.target));
