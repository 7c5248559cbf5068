import type { StepItem } from './llm-kernels.js';
import { collectivePace, pace } from './llm-pace.js';
import { Random } from './random.js';
import type { StepRecord } from './step-record.js';

/** Where one item of a step lies; ns from the step's first task. */
export interface Slot {
  readonly start: number;
  readonly end: number;
  /** Start of its launch on the host. */
  readonly launch: number;
  /** Collectives: when the last rank arrives. Equal to `start` on the slowest rank. */
  readonly ready: number;
}

export interface StepSchedule {
  readonly slots: readonly Slot[];
  /** Length of every launch on the host. */
  readonly launchNs: number;
  /** Copy of the step's inputs, its length, and idle time behind it (a graph being captured). */
  readonly copyNs: number;
  readonly frontIdleNs: number;
  readonly endNs: number;
  /** `commUs` that gives each collective its share of the recorded time. */
  readonly commUs: number;
}

/** Time of a collective beside its payload (llm-comm.ts). */
const collectiveFixed = collectivePace.ready + collectivePace.betweenPhases + collectivePace.tail;
const shortestPayload = 400;
/** Idle between kernels that a profiled step may show before the rest is taken for one stall: twice what the profiler costs. */
const ordinaryIdle = 0.12;
const rounds = 60;

interface Work {
  /** Compute time of each item on the slowest rank; NaN for collectives. */
  readonly slowest: readonly number[];
  readonly own: readonly number[];
  readonly collectiveNs: number;
  readonly copyNs: number;
  readonly lengthNs: number;
}

/** Kernel times that together are the recorded compute time. The same numbers on every rank but for its own speed. */
function workOf(step: StepRecord, items: readonly StepItem[], seed: number): Work {
  const random = new Random(seed * 7919 + step.index);
  const nominal = items.map((item) => (item.kind === 'kernel' ? random.jitter(item.plan.ns, pace.kernelJitter) : Number.NaN));
  const sum = nominal.reduce((s, ns) => (Number.isNaN(ns) ? s : s + ns), 0);
  const collectives = items.length - items.filter((item) => item.kind === 'kernel').length;
  const lengthNs = Math.round(step.duration_us * 1000);
  const collectiveNs = collectives === 0 ? 0 : Math.max(collectiveFixed + shortestPayload, Math.floor((step.communication_us * 1000) / collectives));
  const copyNs = Math.min(pace.copy, Math.floor(lengthNs / 20));
  // Collectives that cannot be as short as recorded take their time from the kernels; a record of real steps never needs it.
  const room = Math.max(lengthNs * 0.05, lengthNs - 2 * copyNs - collectives * collectiveNs);
  const fit = (target: number): number => (sum === 0 ? 0 : Math.min(target, room) / sum);
  const scale = fit((step.compute_us + step.commWait_us) * 1000);
  const ownShare = step.compute_us / Math.max(1e-9, step.compute_us + step.commWait_us);
  return { slowest: nominal.map((ns) => ns * scale), own: nominal.map((ns) => ns * scale * ownShare), collectiveNs, copyNs, lengthNs };
}

interface Pacing {
  /** Idle before each item on the device. */
  readonly gap: number;
  /** Host time per launch when the host sets the pace; 0 when the device does. */
  readonly launch: number;
  readonly frontIdle: number;
}

/** @param ready when each collective's last rank arrives; null: this rank is the slowest */
function lay(work: Work, times: readonly number[], pacing: Pacing, ready: readonly number[] | null): Slot[] {
  const slots: Slot[] = [];
  let at = work.copyNs + pacing.frontIdle;
  let collective = 0;
  times.forEach((ns, i) => {
    const launch = i * pacing.launch - pace.launchLatency;
    const start = Math.max(at + pacing.gap, pacing.launch === 0 ? 0 : launch + pace.launchLatency + work.copyNs);
    if (Number.isNaN(ns)) {
      const last = Math.max(start, ready?.[collective] ?? start);
      collective += 1;
      at = last + work.collectiveNs;
      slots.push({ start, end: at, launch, ready: last });
    } else {
      at = start + ns;
      slots.push({ start, end: at, launch, ready: start });
    }
  });
  return slots;
}

const endOf = (slots: readonly Slot[]): number => slots.at(-1)?.end ?? 0;

/** Where the items of a step lie on this rank. Pure: ranks that share a record's times get matching collectives. */
export function scheduleStep(step: StepRecord, items: readonly StepItem[], seed: number): StepSchedule {
  const work = workOf(step, items, seed);
  // The copy of the results closes the step.
  const until = work.lengthNs - work.copyNs;
  const busy = endOf(lay(work, work.slowest, { gap: 0, launch: 0, frontIdle: 0 }, null));
  const idle = Math.max(0, until - busy);
  const hostPaced = !step.graph && !step.capture && step.launch_us > step.compute_us + step.commWait_us + step.communication_us;
  let pacing: Pacing;
  if (hostPaced) {
    let low = 0;
    let high = until / Math.max(1, items.length - 1);
    // The end grows with the launch time, so halving finds the pace at which the step takes what it took.
    for (let i = 0; i < rounds; i += 1) {
      const middle = (low + high) / 2;
      if (endOf(lay(work, work.slowest, { gap: 0, launch: middle, frontIdle: 0 }, null)) > until) high = middle;
      else low = middle;
    }
    pacing = { gap: 0, launch: low, frontIdle: 0 };
  } else {
    const spread = step.capture ? Math.min(idle, busy * ordinaryIdle) : idle;
    pacing = { gap: spread / Math.max(1, items.length), launch: 0, frontIdle: idle - spread };
  }
  const slowest = lay(work, work.slowest, pacing, null);
  const ready = slowest.filter((_, i) => Number.isNaN(work.slowest[i])).map((slot) => slot.ready);
  const own = lay(work, work.own, pacing, ready);
  const launchNs = hostPaced ? pacing.launch : eagerPace(own, step.graph ? 0 : (step.launch_us * 1000) / Math.max(1, items.length));
  const slots = hostPaced ? own : own.map((slot, i) => ({ ...slot, launch: i * launchNs - pace.launchLatency }));
  return { slots, launchNs, copyNs: work.copyNs, frontIdleNs: pacing.frontIdle, endNs: work.lengthNs, commUs: Math.max(shortestPayload, work.collectiveNs - collectiveFixed) / 1000 };
}

/** Launch time of a host that runs ahead: the recorded one, unless a kernel would start before it was launched. */
function eagerPace(slots: readonly Slot[], recorded: number): number {
  return slots.reduce((least, slot, i) => (i === 0 ? least : Math.min(least, slot.start / i)), recorded);
}
