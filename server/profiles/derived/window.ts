import { taskClass, type Profile } from '../profile.js';
import { gaps, intersect, length, merge, none, span, subtract, unite, uniteClass, type Intervals } from './intervals.js';
import { rowsOf } from './numbers.js';

/**
 * Where the time of one device went, in whole nanoseconds. Computing + communication not overlapped + free = span, exactly
 * (the definitions of msprof's Overlap Analysis: a union per device, never across devices).
 */
export interface DeviceWindow {
  /** Index into `Profile.devices`. */
  readonly device: number;
  /** `step-trace`: the exporter's own sums, where the capture has no task rows; there are no intervals then. */
  readonly source: 'tasks' | 'step-trace';
  readonly spanNs: number;
  readonly computingNs: number;
  readonly communicationNs: number;
  readonly exposedNs: number;
  readonly freeNs: number;
  /** Null when the capture holds kernels only and cannot split free time. */
  readonly split: { readonly memcpyNs: number; readonly eventWaitNs: number; readonly aicpuNs: number; readonly idleNs: number } | null;
  readonly compute: Intervals;
  readonly communication: Intervals;
  /** True idle where free is split, else all free time. */
  readonly idle: Intervals;
}

/** Kinds of source that hold every device task, not kernels only: a split of free time is possible even when it comes out as zero. */
const wholeTimeline = new Set(['db', 'task-time', 'timeline']);

/** True when the capture holds memory copies and waits besides kernels. */
export function holdsAllTasks(profile: Profile): boolean {
  const { tasks } = profile;
  for (let row = 0; row < tasks.length; row += 1) {
    const c = tasks.class[row];
    if (c === taskClass.memcpy || c === taskClass.eventWait || c === taskClass.other) return true;
  }
  return tasks.length > 0 && profile.sources.some((s) => wholeTimeline.has(s.kind) && (s.rows ?? 0) > 0);
}

/** Time in which the device communicated: its collectives, and kernels that are collectives by themselves. */
export function communicationOf(profile: Profile, device: number): Intervals {
  const { tasks, commOps } = profile;
  const [from, to] = rowsOf(tasks.device, tasks.length, device);
  const kernels = uniteClass(tasks, from, to, taskClass.communication);
  if (commOps === null) return kernels;
  const [first, end] = rowsOf(commOps.device, commOps.length, device);
  return merge(kernels, unite(commOps, first, end, () => true));
}

/** The window of one device; null when it holds neither compute nor communication. */
export function deviceWindow(profile: Profile, device: number, allTasks: boolean): DeviceWindow | null {
  const { tasks } = profile;
  const [from, to] = rowsOf(tasks.device, tasks.length, device);
  const ofClass = (wanted: number): Intervals => uniteClass(tasks, from, to, wanted);
  const compute = ofClass(taskClass.compute);
  const communication = communicationOf(profile, device);
  if (compute.length + communication.length === 0) return null;
  const free = gaps(compute, communication);
  // Each nanosecond of free goes to the first of these it belongs to; what is left is idle.
  let rest = free;
  const take = (set: Intervals): number => {
    const taken = length(intersect(rest, set));
    rest = subtract(rest, set);
    return taken;
  };
  const split = allTasks
    ? { memcpyNs: take(ofClass(taskClass.memcpy)), eventWaitNs: take(ofClass(taskClass.eventWait)), aicpuNs: take(ofClass(taskClass.aicpu)), idleNs: length(rest) }
    : null;
  return {
    device,
    source: 'tasks',
    spanNs: span(compute, communication),
    computingNs: length(compute),
    communicationNs: length(communication),
    exposedNs: length(subtract(communication, compute)),
    freeNs: length(free),
    split,
    compute,
    communication,
    idle: rest,
  };
}

/** The exporter's step_trace_time summed over its steps; null without usable rows. */
function stepWindow(profile: Profile, device: number): DeviceWindow | null {
  let computing = 0;
  let communication = 0;
  let exposed = 0;
  let free = 0;
  for (const step of profile.stepTrace) {
    if (step.device !== device || step.computingUs === null || step.communicationNotOverlappedUs === null || step.freeUs === null) continue;
    computing += Math.round(step.computingUs * 1000);
    exposed += Math.round(step.communicationNotOverlappedUs * 1000);
    communication += Math.round((step.communicationUs ?? step.communicationNotOverlappedUs + (step.overlappedUs ?? 0)) * 1000);
    free += Math.round(step.freeUs * 1000);
  }
  const span = computing + exposed + free;
  if (span <= 0) return null;
  return { device, source: 'step-trace', spanNs: span, computingNs: computing, communicationNs: communication, exposedNs: exposed, freeNs: free, split: null, compute: none, communication: none, idle: none };
}

/** Windows of every device that has one, in the order of `Profile.devices`. @param allTasks whether free time is split; without it, where it can be */
export function deviceWindows(profile: Profile, allTasks = holdsAllTasks(profile)): DeviceWindow[] {
  const windows: DeviceWindow[] = [];
  for (let device = 0; device < profile.devices.length; device += 1) {
    const window = deviceWindow(profile, device, allTasks) ?? stepWindow(profile, device);
    if (window !== null) windows.push(window);
  }
  return windows;
}

