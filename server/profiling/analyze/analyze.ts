import type { CommunicationRow, DispatchRow, FusionRow, Incomplete, KernelRow, MemoryRow, ProfileRank, ProfileWindow } from '../../contract/index.js';
import type { Profile } from '../../profiles/profile.js';
import { communicationRows } from './communication.js';
import { launchLatencies } from '../../profiles/derived/launchLatency.js';
import { dispatchRows } from './dispatch.js';
import { fusionRows } from './fusion.js';
import { callEnds, idleCauses, type IdleCauses } from './idle.js';
import { missingTables } from './incomplete.js';
import { kernelGroups, kernelRows, kernelTime, type KernelGroup } from './kernel.js';
import { blockWaste, frequencyLoss, slowLinks, type BlockWaste, type FrequencyLoss, type SlowLink } from './losses.js';
import { memoryRows } from './memory.js';
import { nearestRank, percent, rowsOf, us } from '../../profiles/derived/numbers.js';
import { deviceWindows, type DeviceWindow } from '../../profiles/derived/window.js';
import { compareFacts, type CompareFacts } from '../compare/facts.js';
import { mfuTable } from './mfu.js';
import { shapeGroups } from './shapes.js';

/** What the judge knows of one device besides the tables. */
export interface DeviceFacts {
  readonly window: DeviceWindow;
  readonly idle: IdleCauses | null;
  /** Median launch latency in ns; null without it. */
  readonly launchP50Ns: number | null;
  readonly kernels: readonly KernelGroup[];
  readonly kernelNs: number;
  readonly blocks: BlockWaste | null;
  readonly frequency: FrequencyLoss | null;
}

/** The tables of a profile and the facts behind them. Pure data: the judge adds the verdict. */
export interface Analysis {
  readonly profile: Profile;
  readonly windows: readonly ProfileWindow[];
  /** The window of the device with the longest span. */
  readonly window: ProfileWindow | null;
  readonly ranks: readonly ProfileRank[];
  readonly kernel: readonly KernelRow[] | null;
  readonly communication: readonly CommunicationRow[] | null;
  readonly fusion: readonly FusionRow[] | null;
  readonly dispatch: readonly DispatchRow[] | null;
  readonly memory: readonly MemoryRow[] | null;
  readonly incomplete: readonly Incomplete[];
  readonly devices: readonly DeviceFacts[];
  readonly links: readonly SlowLink[];
  /** What a comparison with another capture needs of this one. */
  readonly compare: CompareFacts;
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

function medianLaunch(profile: Profile, device: number, latencies: ReadonlyMap<number, number> | null): number | null {
  if (latencies === null) return null;
  const [from, to] = rowsOf(profile.tasks.device, profile.tasks.length, device);
  const own: number[] = [];
  for (const [row, ns] of latencies) if (row >= from && row < to) own.push(ns);
  return own.length === 0 ? null : nearestRank(Float64Array.from(own).sort(), 50);
}

/** Every table of a profile. Deterministic: the same profile gives the same rows in the same order. */
export function analyze(profile: Profile): Analysis {
  const windows = deviceWindows(profile);
  const rows = windows.map((w) => windowRow(profile, w));
  let longest: ProfileWindow | null = null;
  for (const row of rows) if (longest === null || row.span_us > longest.span_us) longest = row;
  const groups = kernelGroups(profile);
  const total = kernelTime(groups ?? []);
  const latencies = launchLatencies(profile);
  const ends = callEnds(profile);
  const shapes = shapeGroups(profile);
  const mfu = mfuTable(profile, shapes);
  const tables = {
    kernel: groups === null ? null : kernelRows(profile, groups, mfu),
    communication: communicationRows(profile, windows),
    fusion: fusionRows(profile),
    dispatch: dispatchRows(profile, latencies),
    memory: memoryRows(profile),
  };
  const devices = windows.map((window): DeviceFacts => {
    const series = profile.frequency.find((f) => f.device === window.device);
    return {
      window,
      idle: idleCauses(profile, window, ends),
      launchP50Ns: medianLaunch(profile, window.device, latencies),
      kernels: (groups ?? []).filter((g) => g.device === window.device),
      kernelNs: total.get(window.device) ?? 0,
      blocks: blockWaste(profile, window.device),
      frequency: series === undefined ? null : frequencyLoss(profile, window, series),
    };
  });
  return {
    profile,
    windows: rows,
    window: longest,
    ranks: profile.devices.map((d) => ({ rank: d.rank, device: d.id, host: d.host })),
    ...tables,
    incomplete: [...profile.incomplete.map((n) => ({ code: n.code, detail: n.detail })), ...missingTables(profile, tables, windows, latencies !== null), ...mfu.notes],
    devices,
    links: slowLinks(profile),
    compare: compareFacts(profile, windows, shapes, tables.communication),
  };
}
