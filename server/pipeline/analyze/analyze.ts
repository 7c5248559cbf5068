import type { BubbleRow, Incomplete, Layers, PipelineDevice, StageRow, StepsTable } from '../../contract/index.js';
import { known, nearestRank, percent, round, us } from '../../profiles/derived/numbers.js';
import type { Profile } from '../../profiles/profile.js';
import { fillStages, noStages, stepKinds, type StepKinds } from '../../profiles/derived/stages.js';
import { stepsOf, type NoSteps, type Steps } from '../../profiles/derived/steps.js';
import { Labels } from '../../profiles/derived/stepsLabels.js';
import { deviceWindows, holdsAllTasks, type DeviceWindow } from '../../profiles/derived/window.js';
import { reason, stepReasons } from '../reasons.js';
import { rankExtract } from '../skew/extract.js';
import { skewOf } from '../skew/skew.js';
import type { SkewResult } from '../skew/types.js';
import { bubblesOf, type Bubbles } from './bubbles.js';
import { bubbleRows } from './bubbleRows.js';
import { hostSideOf, type HostSide } from './hostSide.js';
import { layersOf } from './layers.js';
import { noSteps, stepsTable, stepTimes, type StepTimes } from './steps.js';
import { stageRows } from './stages.js';
import { thresholds } from '../thresholds.js';

/** What is known of one device, tables aside. Null parts: the device does not have them. */
export interface DeviceFacts {
  /** Index into `Profile.devices`. */
  readonly index: number;
  readonly window: DeviceWindow | null;
  readonly steps: Steps | null;
  readonly reason: NoSteps | null;
  readonly kinds: StepKinds | null;
  readonly times: StepTimes | null;
  readonly bubbles: Bubbles | null;
  /** True when host calls of its process are known. */
  readonly traced: boolean;
}

/** The tables of a profile and the facts behind them. Pure data: the judge adds the verdict. */
export interface Analysis {
  readonly profile: Profile;
  readonly labels: Labels;
  readonly devices: readonly DeviceFacts[];
  /** The device whose steps and layers are shown; null without steps. */
  readonly shown: DeviceFacts | null;
  /** True when the capture holds copies and waits besides kernels. */
  readonly allTasks: boolean;
  readonly steps: StepsTable;
  readonly stages: readonly StageRow[];
  readonly bubbles: readonly BubbleRow[];
  /** The same rows by index of the device: ids repeat on every host. */
  readonly bubblesBy: ReadonlyMap<number, readonly BubbleRow[]>;
  readonly layers: Layers | null;
  readonly skew: SkewResult;
  readonly incomplete: readonly Incomplete[];
}

export interface AnalyzeOptions {
  /** Indices into `Profile.devices`. */
  readonly devices: readonly number[];
  readonly boundary: readonly [string, string] | null;
}

export function whose(profile: Profile, index: number): { device: number; rank: number | null } {
  const device = profile.devices[index];
  return { device: device?.id ?? index, rank: device?.rank ?? null };
}

function deviceFacts(profile: Profile, index: number, window: DeviceWindow | null, labels: Labels, host: HostSide | null, boundary: AnalyzeOptions['boundary']): DeviceFacts {
  const found = stepsOf(profile, index, labels, boundary);
  const { steps } = found;
  // Sums of an exporter have no intervals, so no gap can be looked at.
  const bubbles = window === null || window.source !== 'tasks' ? null : bubblesOf(profile, window, labels, steps, host);
  return {
    index,
    window,
    steps,
    reason: found.reason,
    kinds: steps === null ? null : stepKinds(profile, steps, labels),
    times: steps === null || bubbles === null ? null : stepTimes(steps, bubbles.free),
    bubbles,
    traced: host?.byCapture.has(profile.devices[index]?.capture ?? 0) === true,
  };
}

/** A row of the device table; the class is the judge's. */
export function deviceRow(profile: Profile, facts: DeviceFacts, allTasks: boolean, of: PipelineDevice['class']): PipelineDevice {
  const { window, steps, times, bubbles, traced } = facts;
  const p50 = (values: Float64Array | undefined): number | null => (times === null || values === undefined || times.whole.length === 0 ? null : us(nearestRank(Float64Array.from(times.whole, (i) => values[i] ?? 0).sort(), 50)));
  const inUs = (ns: number | undefined): number | null => (ns === undefined ? null : us(ns));
  return {
    ...whose(profile, facts.index),
    host: profile.devices[facts.index]?.host ?? null,
    method: steps?.method ?? null,
    confidence: steps?.confidence ?? null,
    reason: facts.reason,
    steps: steps?.startNs.length ?? 0,
    whole: times?.whole.length ?? 0,
    period_p50_us: p50(times?.periodNs),
    busy_p50_us: p50(times?.periodNs.map((ns, i) => ns - (times.bubbleNs[i] ?? 0))),
    bubble_p50_us: p50(times?.bubbleNs),
    span_us: inUs(window?.spanNs),
    computing_us: inUs(window?.computingNs),
    communication_not_overlapped_us: inUs(window?.exposedNs),
    free_us: inUs(window?.freeNs),
    bubbles_us: inUs(bubbles?.totalNs),
    host_us: traced ? inUs(bubbles?.hostNs) : null,
    copy_us: allTasks ? inUs(bubbles?.copyNs) : null,
    comm_wait_us: allTasks ? inUs(bubbles?.commWaitNs) : null,
    queued_us: traced ? inUs(bubbles?.queuedNs) : null,
    untraced_us: inUs(bubbles?.unknownNs),
    class: of,
  };
}

function missing(profile: Profile, devices: readonly DeviceFacts[], shown: DeviceFacts | null, layers: Layers | null, allTasks: boolean): Incomplete[] {
  const list: Incomplete[] = [];
  if (devices.every((d) => d.window === null)) list.push(reason('no-window'));
  else if (shown === null) {
    const [first] = devices.flatMap((d) => d.reason ?? []);
    list.push(reason(first === undefined ? 'no-window' : stepReasons[first]));
  } else {
    if ((shown.times?.whole.length ?? 0) < thresholds.wholeSteps.value) list.push(reason('one-step', `${shown.steps?.startNs.length ?? 0} found`));
    else if (shown.steps?.confidence === 'low') list.push(reason('low-confidence'));
    if (shown.kinds?.kind.includes(null) === true) list.push(reason('stage-null'));
    if (layers === null) list.push(reason('no-layers'));
    const counts = devices.flatMap((d) => d.steps?.startNs.length ?? []);
    // One more or less is the edge of the capture.
    if (Math.max(...counts) - Math.min(...counts) > 1) list.push(reason('devices-differ', `${Math.min(...counts)} to ${Math.max(...counts)}`));
  }
  const timed = devices.filter((d) => d.bubbles !== null);
  if (timed.length > 0 && timed.every((d) => !d.traced)) list.push(reason('cause-null'));
  if (timed.length > 0 && !allTasks) list.push(reason('copies-null'));
  if (timed.some((d) => d.traced) && timed.some((d) => !d.traced)) list.push(reason('mixed-exports', `${timed.filter((d) => !d.traced).length} of ${timed.length} devices without host calls`));
  return list;
}

/** Every table of a profile. Deterministic: the same profile gives the same rows in the same order. Linear in tasks and host calls, sorting aside. */
export function analyze(profile: Profile, { devices: wanted, boundary }: AnalyzeOptions): Analysis {
  const labels = new Labels(profile);
  const host = hostSideOf(profile);
  const windows = new Map(deviceWindows(profile).map((w) => [w.device, w]));
  const allTasks = holdsAllTasks(profile);
  const devices = wanted.map((index) => deviceFacts(profile, index, windows.get(index) ?? null, labels, host, boundary));
  let shown: DeviceFacts | null = null;
  for (const d of devices) if (d.steps !== null && (d.window?.spanNs ?? 0) > (shown?.window?.spanNs ?? 0)) shown = d;
  const found = shown?.steps == null || shown.kinds === null ? null : layersOf(shown.steps, shown.kinds, labels);
  const layers = found === null || shown === null ? null : { ...whose(profile, shown.index), ...found };
  const stages = noStages(profile);
  for (const d of devices) fillStages(profile, d.index, d.steps, d.kinds, stages);
  const steps = shown?.steps == null || shown.kinds === null || shown.times === null ? noSteps : stepsTable(shown.steps, shown.times, shown.kinds);
  const bubblesBy = new Map(devices.map((d) => [d.index, d.bubbles === null || d.window === null ? [] : bubbleRows(profile, d.bubbles, labels, { spanNs: d.window.spanNs, allTasks, traced: d.traced }).map((row): BubbleRow => ({ ...whose(profile, d.index), ...row }))]));
  return {
    profile,
    labels,
    devices,
    shown,
    allTasks,
    steps,
    stages: devices.flatMap((d) => (d.window === null || d.window.source !== 'tasks' ? [] : stageRows(profile, d.window, stages, d.steps).map((row) => ({ ...whose(profile, d.index), ...row })))),
    bubbles: [...bubblesBy.values()].flat(),
    bubblesBy,
    layers,
    // A device alone is not worth an extract.
    skew: skewOf(devices.length < 2 ? [] : devices.map((d) => rankExtract(profile, d.index, d.steps))),
    incomplete: missing(profile, devices, shown, layers, allTasks),
  };
}

/** Share of a device's span, 0–1; NaN without one. */
export function shareOf(ns: number, window: DeviceWindow | null): number {
  return window === null || window.spanNs <= 0 ? Number.NaN : ns / window.spanNs;
}

/** Percent with one decimal for a sentence; null when not known. */
export function inPercent(share: number): number | null {
  const value = known(share);
  return value === null ? null : round(percent(value, 1) ?? 0, 1);
}
