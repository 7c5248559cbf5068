import type { CommunicationRow, DispatchRow, ErrorCode, FusionRow, KernelRow, MemoryRow, ProfileWindow } from '../../contract/index.js';
import type { Holdings } from '../../profiles/absent.js';
import { isCompile, lastCalls } from '../../profiles/derived/hostCalls.js';
import { idleCauses, type IdleCauses } from '../../profiles/derived/idleCauses.js';
import { launchLatencies } from '../../profiles/derived/launchLatency.js';
import { nearestRank, percent, rowsOf, us } from '../../profiles/derived/numbers.js';
import { stagesOf } from '../../profiles/derived/stages.js';
import { deviceWindows, type DeviceWindow } from '../../profiles/derived/window.js';
import { taskClass, type Device, type IncompleteNote, type Profile, type SourceFile } from '../../profiles/profile.js';
import { deviceTimes, type DeviceTimes } from '../compare/facts.js';
import { communicationRows } from './communication.js';
import { dispatchRows } from './dispatch.js';
import { fusionRows } from './fusion.js';
import { kernelGroups, kernelLimits, kernelRows, kernelTime, type KernelGroup } from './kernel.js';
import { blockWaste, frequencyLoss, linkSums, type BlockWaste, type FrequencyLoss, type LinkSum } from './losses.js';
import { memoryRows } from './memory.js';
import { mfuTable, type MfuTable } from './mfu.js';
import type { Placed } from './placed.js';
import { shapeGroups } from './shapes.js';

/** The window of a device without its intervals. */
export type WindowTimes = Omit<DeviceWindow, 'compute' | 'communication' | 'idle'>;

/** What the judge knows of one device besides the tables. */
export interface DeviceFacts {
  readonly window: WindowTimes;
  readonly idle: IdleCauses | null;
  /** Median launch latency in ns; null without it. */
  readonly launchP50Ns: number | null;
  readonly kernels: readonly KernelGroup[];
  readonly kernelNs: number;
  readonly blocks: BlockWaste | null;
  readonly frequency: FrequencyLoss | null;
}

/** Host calls that compile operators: met one by one, and as the exporter counted them. */
export interface CompileCalls {
  readonly calls: number;
  readonly ns: number;
  readonly countedCalls: number;
  readonly countedUs: number;
}

/**
 * All that is ever asked of one capture, small and plain: it goes through JSON and back unchanged, so it can come from a thread or from
 * the cache. Device numbers (`at`, `window.device`) index its own `devices`.
 */
export interface CaptureAnalysis {
  readonly devices: readonly Device[];
  readonly sources: readonly SourceFile[];
  readonly holdings: Holdings;
  readonly notes: { readonly read: readonly IncompleteNote[]; readonly assumed: readonly IncompleteNote[] };
  readonly says: 'rows' | 'other' | 'nothing';
  readonly expectsTasks: boolean;
  readonly failures: readonly { readonly code: ErrorCode; readonly seen: string; readonly next: string }[];
  readonly simulated: boolean;
  /** It has a table of collectives, be it empty. */
  readonly commOps: boolean;
  /** Columns of AI core counters. */
  readonly counters: boolean;
  readonly frequency: boolean;
  /** Host launches were linked to tasks. */
  readonly latencies: boolean;
  /** Rows of the exporter's step trace. */
  readonly stepTrace: number;
  readonly markers: number;
  readonly windows: readonly Placed<ProfileWindow>[];
  readonly facts: readonly DeviceFacts[];
  readonly kernel: readonly Placed<KernelRow>[] | null;
  readonly communication: readonly Placed<CommunicationRow>[] | null;
  readonly fusion: readonly Placed<FusionRow>[] | null;
  readonly dispatch: readonly Placed<DispatchRow>[] | null;
  readonly memory: readonly Placed<MemoryRow>[] | null;
  readonly mfu: Pick<MfuTable, 'missing' | 'assumed'>;
  readonly links: readonly Placed<LinkSum>[];
  readonly compile: CompileCalls;
  /** Time of kernels with dynamic shapes, and whether one with static shapes was met. */
  readonly dynamic: { readonly ns: number; readonly others: boolean };
  readonly compared: readonly Placed<DeviceTimes>[];
}

function windowRow(profile: Profile, w: DeviceWindow): ProfileWindow {
  const device = profile.devices[w.device];
  return {
    device: device?.id ?? w.device,
    rank: device?.rank ?? null,
    span_us: us(w.spanNs),
    computing_us: us(w.computingNs),
    communication_us: us(w.communicationNs),
    communication_not_overlapped_us: us(w.exposedNs),
    free_us: us(w.freeNs),
    memcpy_us: w.split === null ? null : us(w.split.memcpyNs),
    event_wait_us: w.split === null ? null : us(w.split.eventWaitNs),
    aicpu_us: w.split === null ? null : us(w.split.aicpuNs),
    idle_us: w.split === null ? null : us(w.split.idleNs),
    overlap_pct: percent(w.communicationNs - w.exposedNs, w.communicationNs),
  };
}

function medianLaunch(profile: Profile, device: number, latencies: Float64Array | null): number | null {
  if (latencies === null) return null;
  const [from, to] = rowsOf(profile.tasks.device, profile.tasks.length, device);
  const own = latencies.subarray(from, to).filter((ns) => !Number.isNaN(ns));
  return own.length === 0 ? null : nearestRank(own.sort(), 50);
}

function compileCalls({ apis, apiStatistic, strings }: Profile): CompileCalls {
  let [calls, ns] = [0, 0];
  if (apis !== null) {
    const names = new Set<number>();
    for (let id = 0; id < strings.size; id += 1) if (isCompile(strings.get(id))) names.add(id);
    for (let row = 0; names.size > 0 && row < apis.length; row += 1) {
      if (!names.has(apis.name[row] ?? 0)) continue;
      calls += 1;
      ns += apis.durationNs[row] ?? 0;
    }
  }
  const counted = apiStatistic.filter((row) => isCompile(row.name));
  return { calls, ns, countedCalls: counted.reduce((a, r) => a + r.count, 0), countedUs: counted.reduce((a, r) => a + r.totalUs, 0) };
}

/** Kernels whose shapes are only known at run time, by the exporter's op state. */
function dynamicShapes({ tasks, strings }: Profile): { ns: number; others: boolean } {
  // 0 neither, 1 dynamic, 2 static; by operator.
  const kinds = tasks.operators.opState.map((id) => ['', 'dynamic', 'static'].indexOf(strings.get(id).toLowerCase()));
  let ns = 0;
  let others = false;
  for (let row = 0; row < tasks.length; row += 1) {
    if (tasks.class[row] !== taskClass.compute) continue;
    const kind = kinds[tasks.operator[row] ?? 0];
    if (kind === 1) ns += tasks.durationNs[row] ?? 0;
    else if (kind === 2) others = true;
  }
  return { ns, others };
}

function slim({ device, source, spanNs, computingNs, communicationNs, exposedNs, freeNs, split }: DeviceWindow): WindowTimes {
  return { device, source, spanNs, computingNs, communicationNs, exposedNs, freeNs, split };
}

/** A capture as it was read, or a whole profile taken as one capture. */
export type Read = Pick<CaptureAnalysis, 'holdings' | 'notes' | 'says' | 'expectsTasks' | 'failures'>;

/** Every table of a capture. Deterministic: the same profile gives the same rows in the same order. */
export function analyzeCapture(profile: Profile, read: Read): CaptureAnalysis {
  const limits = kernelLimits(profile);
  const windows = deviceWindows(profile);
  const groups = kernelGroups(profile, stagesOf(profile), limits);
  const total = kernelTime(groups ?? []);
  const latencies = launchLatencies(profile);
  const calls = lastCalls(profile);
  const shapes = shapeGroups(profile);
  const mfu = mfuTable(profile, shapes);
  const communication = communicationRows(profile, windows);
  return {
    ...read,
    devices: profile.devices,
    sources: profile.sources,
    simulated: profile.simulated,
    commOps: profile.commOps !== null,
    counters: limits.counters,
    frequency: profile.frequency.length > 0,
    latencies: latencies !== null,
    stepTrace: profile.stepTrace.length,
    markers: profile.markers.length,
    windows: windows.map((w) => ({ at: w.device, row: windowRow(profile, w) })),
    facts: windows.map((window): DeviceFacts => {
      const series = profile.frequency.find((f) => f.device === window.device);
      return {
        window: slim(window),
        idle: idleCauses(profile, window, calls),
        launchP50Ns: medianLaunch(profile, window.device, latencies),
        kernels: (groups ?? []).filter((g) => g.device === window.device),
        kernelNs: total.get(window.device) ?? 0,
        blocks: blockWaste(profile, window.device),
        frequency: series === undefined ? null : frequencyLoss(profile, window, series),
      };
    }),
    kernel: groups === null ? null : kernelRows(profile, groups, mfu),
    communication,
    fusion: fusionRows(profile),
    dispatch: dispatchRows(profile, latencies),
    memory: memoryRows(profile),
    mfu: { missing: mfu.missing, assumed: mfu.assumed },
    links: linkSums(profile),
    compile: compileCalls(profile),
    dynamic: dynamicShapes(profile),
    compared: deviceTimes(profile, windows, shapes, communication),
  };
}
