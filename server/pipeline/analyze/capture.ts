import type { BubbleRow, Layers, PipelineDevice, StageRow, StepsTable } from '../../contract/index.js';
import type { NoSteps, Steps } from '../../profiles/derived/steps.js';
import { us } from '../../profiles/derived/numbers.js';
import { fillStages, noStages, stepKinds, type StepKinds, type TaskStages } from '../../profiles/derived/stages.js';
import { stepsOf } from '../../profiles/derived/steps.js';
import { Labels } from '../../profiles/derived/stepsLabels.js';
import { deviceWindows, holdsAllTasks, type DeviceWindow } from '../../profiles/derived/window.js';
import type { Device, Profile, SourceFile } from '../../profiles/profile.js';
import { rankExtract, type RankExtract } from '../skew/extract.js';
import { bubbleRows } from './bubbleRows.js';
import { bubblesOf, type Bubbles, type BubbleSums } from './bubbles.js';
import { hostSideOf, type HostSide } from './hostSide.js';
import { layersOf } from './layers.js';
import { stageRows } from './stages.js';
import { stepsTable, stepTimes, type StepTimes } from './steps.js';

/** The window of a device without its intervals. */
export type WindowTimes = Pick<DeviceWindow, 'source' | 'spanNs' | 'computingNs' | 'exposedNs' | 'freeNs'>;

/** How the steps of a device were found, and how many they are. */
export type StepFacts = Pick<Steps, 'method' | 'confidence' | 'boundary'> & { readonly count: number; readonly whole: number };

type Row<T> = Omit<T, 'device' | 'rank'>;

/** All that is asked of one device, its tables included: plain data of a size that does not grow with its tasks. Null parts: it does not have them. */
export interface DeviceFacts {
  readonly window: WindowTimes | null;
  readonly steps: StepFacts | null;
  readonly reason: NoSteps | null;
  /** True when the kind of a step is not known. */
  readonly unknownKinds: boolean;
  readonly bubbles: BubbleSums | null;
  /** True when host calls of its process are there. */
  readonly calls: boolean;
  /** As if host calls and all tasks were there: what is not known of the profile as a whole is taken out when captures are joined. */
  readonly row: Omit<Row<PipelineDevice>, 'class'>;
  readonly table: StepsTable | null;
  readonly stages: readonly Row<StageRow>[];
  /** As `row`. */
  readonly bubbleRows: readonly Row<BubbleRow>[];
  readonly layers: Row<Layers> | null;
  /** Null where there is nothing to compare it with. */
  readonly extract: RankExtract | null;
}

/** All that is asked of one capture; it goes through the structured clone of a thread unchanged. */
export interface CaptureAnalysis {
  readonly devices: readonly Device[];
  readonly sources: readonly SourceFile[];
  readonly simulated: boolean;
  /** It has a table of collectives, be it empty. */
  readonly communication: boolean;
  /** Where the times of its extracts count from; null without a time. */
  readonly baseNs: bigint | null;
  /** True when it holds copies and waits besides kernels. */
  readonly allTasks: boolean;
  /** True when host calls are linked to tasks. */
  readonly linked: boolean;
  /** One for each of `devices`. */
  readonly facts: readonly DeviceFacts[];
}

export interface CaptureOptions {
  readonly boundary: readonly [string, string] | null;
  /** Whether other captures are there to compare with. */
  readonly compare: boolean;
}

interface Found {
  readonly window: DeviceWindow | null;
  readonly steps: Steps | null;
  readonly reason: NoSteps | null;
  readonly kinds: StepKinds | null;
  readonly bubbles: Bubbles | null;
  readonly times: StepTimes | null;
}

function found(profile: Profile, index: number, window: DeviceWindow | null, labels: Labels, host: HostSide | null, boundary: CaptureOptions['boundary']): Found {
  const { steps, reason } = stepsOf(profile, index, labels, boundary);
  // Sums of an exporter have no intervals, so no gap can be looked at.
  const bubbles = window === null || window.source !== 'tasks' ? null : bubblesOf(profile, window, labels, steps, host);
  return { window, steps, reason, kinds: steps === null ? null : stepKinds(profile, steps, labels), bubbles, times: steps === null || bubbles === null ? null : stepTimes(steps, bubbles.free) };
}

function deviceRow(profile: Profile, index: number, { window, steps, reason, bubbles }: Found, table: StepsTable | null): DeviceFacts['row'] {
  const inUs = (ns: number | undefined): number | null => (ns === undefined ? null : us(ns));
  const sums = bubbles?.sums;
  return {
    host: profile.devices[index]?.host ?? null,
    method: steps?.method ?? null,
    confidence: steps?.confidence ?? null,
    reason,
    steps: steps?.startNs.length ?? 0,
    whole: table?.whole ?? 0,
    period_p50_us: table?.period_us?.p50 ?? null,
    busy_p50_us: table?.busy_us?.p50 ?? null,
    bubble_p50_us: table?.bubble_us?.p50 ?? null,
    span_us: inUs(window?.spanNs),
    computing_us: inUs(window?.computingNs),
    communication_not_overlapped_us: inUs(window?.exposedNs),
    free_us: inUs(window?.freeNs),
    bubbles_us: inUs(sums?.totalNs),
    host_us: sums === undefined ? null : us(sums.syncNs + sums.launchNs),
    copy_us: inUs(sums?.copyNs),
    comm_wait_us: inUs(sums?.commWaitNs),
    queued_us: inUs(sums?.queuedNs),
    untraced_us: inUs(sums?.unknownNs),
  };
}

function deviceFacts(profile: Profile, index: number, of: Found, labels: Labels, stages: TaskStages, calls: boolean, compare: boolean): DeviceFacts {
  const { window, steps, reason, kinds, bubbles, times } = of;
  const table = steps === null || kinds === null || times === null ? null : stepsTable(steps, times, kinds);
  return {
    window: window === null ? null : { source: window.source, spanNs: window.spanNs, computingNs: window.computingNs, exposedNs: window.exposedNs, freeNs: window.freeNs },
    steps: steps === null ? null : { method: steps.method, confidence: steps.confidence, boundary: steps.boundary, count: steps.startNs.length, whole: times?.whole.length ?? 0 },
    reason,
    unknownKinds: kinds?.kind.includes(null) === true,
    bubbles: bubbles?.sums ?? null,
    calls,
    row: deviceRow(profile, index, of, table),
    table,
    stages: window === null || window.source !== 'tasks' ? [] : stageRows(profile, window, stages, steps),
    bubbleRows: window === null || bubbles === null ? [] : bubbleRows(profile, bubbles, labels, window.spanNs),
    layers: steps === null || kinds === null ? null : layersOf(steps, kinds, labels),
    extract: compare ? rankExtract(profile, index, { labels, window, steps, kinds }) : null,
  };
}

/** Every table of every device of a capture, or of a whole profile taken as one capture. Deterministic. Linear in tasks and host calls, sorting aside. */
export function analyzeCapture(profile: Profile, { boundary, compare }: CaptureOptions): CaptureAnalysis {
  const labels = new Labels(profile);
  const host = hostSideOf(profile);
  // What splits free time here is the bubbles.
  const windows = new Map(deviceWindows(profile, false).map((w) => [w.device, w]));
  const stages = noStages(profile);
  const tables = [profile.tasks, profile.commOps, profile.commTasks, profile.apis, profile.markers];
  return {
    devices: profile.devices,
    sources: profile.sources,
    simulated: profile.simulated,
    communication: profile.commOps !== null,
    baseNs: tables.some((t) => t !== null && t.length > 0) ? profile.baseNs : null,
    allTasks: holdsAllTasks(profile),
    linked: host !== null && host.calls !== null,
    facts: profile.devices.map((device, index): DeviceFacts => {
      const of = found(profile, index, windows.get(index) ?? null, labels, host, boundary);
      fillStages(profile, index, of.steps, of.kinds, stages);
      return deviceFacts(profile, index, of, labels, stages, host?.byCapture.has(device.capture ?? 0) === true, compare || profile.devices.length > 1);
    }),
  };
}
