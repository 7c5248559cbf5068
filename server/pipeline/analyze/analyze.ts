import { ToolError, type BubbleRow, type Incomplete, type Layers, type PipelineDevice, type StageRow, type StepsTable } from '../../contract/index.js';
import { known, percent, round } from '../../profiles/derived/numbers.js';
import type { Device, IncompleteNote, SourceFile } from '../../profiles/profile.js';
import { placed } from '../../profiles/several.js';
import { reason, stepReasons } from '../reasons.js';
import { rebased } from '../skew/extract.js';
import { skewOf } from '../skew/skew.js';
import type { SkewResult } from '../skew/types.js';
import { thresholds } from '../thresholds.js';
import type { CaptureAnalysis, DeviceFacts as OwnFacts, WindowTimes } from './capture.js';
import { noSteps } from './steps.js';

/** What is known of one device of the profile as a whole. */
export interface DeviceFacts extends Pick<OwnFacts, 'window' | 'steps' | 'reason' | 'unknownKinds' | 'bubbles' | 'table' | 'layers'> {
  /** Index into `ProfileSummary.devices`. */
  readonly index: number;
  /** True when host calls of its process are known. */
  readonly traced: boolean;
  /** The class is the judge's. */
  readonly row: Omit<PipelineDevice, 'class'>;
}

/** What was read, without its rows. */
export interface ProfileSummary {
  readonly devices: readonly Device[];
  readonly sources: readonly SourceFile[];
  /** The notes of the reader. */
  readonly incomplete: readonly IncompleteNote[];
  readonly simulated: boolean;
  /** Collectives would be seen had there been any. */
  readonly communication: boolean;
}

/** The tables of all captures together and the facts behind them. Pure data: the judge adds the verdict. */
export interface Analysis {
  readonly profile: ProfileSummary;
  readonly devices: readonly DeviceFacts[];
  /** The device whose steps and layers are shown; null without steps. */
  readonly shown: DeviceFacts | null;
  readonly steps: StepsTable;
  readonly stages: readonly StageRow[];
  readonly bubbles: readonly BubbleRow[];
  /** The same rows by index of the device: ids repeat on every host. */
  readonly bubblesBy: ReadonlyMap<number, readonly BubbleRow[]>;
  readonly layers: Layers | null;
  readonly skew: SkewResult;
  readonly incomplete: readonly Incomplete[];
}

export function whose({ devices }: ProfileSummary, index: number): { device: number; rank: number | null } {
  const device = devices[index];
  return { device: device?.id ?? index, rank: device?.rank ?? null };
}

/**
 * Indices of the devices asked for. Ranks are those of the profile; where it does not know them, the place in the order of captures and devices.
 * @throws ToolError E_ARG_TYPE for a rank that is not there
 */
export function wantedDevices(devices: readonly Device[], ranks: readonly number[] | null): number[] {
  const all = [...devices.keys()];
  if (ranks === null) return all;
  const ranked = devices.every((d) => d.rank !== null);
  const numbers = all.map((i) => (ranked ? (devices[i]?.rank ?? i) : i));
  const absent = ranks.filter((r) => !numbers.includes(r));
  if (absent.length > 0) throw new ToolError('E_ARG_TYPE', `rank ${absent.slice(0, 8).join(', ')} is not in this capture`, `ranks here${ranked ? '' : ' (by order, the capture does not know them)'}: ${numbers.slice(0, 64).join(', ')}`);
  return all.filter((i) => ranks.includes(numbers[i] ?? -1));
}

function missing(devices: readonly DeviceFacts[], shown: DeviceFacts | null, allTasks: boolean): Incomplete[] {
  const list: Incomplete[] = [];
  if (devices.every((d) => d.window === null)) list.push(reason('no-window'));
  else if (shown === null) {
    const [first] = devices.flatMap((d) => d.reason ?? []);
    list.push(reason(first === undefined ? 'no-window' : stepReasons[first]));
  } else {
    if ((shown.steps?.whole ?? 0) < thresholds.wholeSteps.value) list.push(reason('one-step', `${shown.steps?.count ?? 0} found`));
    else if (shown.steps?.confidence === 'low') list.push(reason('low-confidence'));
    if (shown.unknownKinds) list.push(reason('stage-null'));
    if (shown.layers === null) list.push(reason('no-layers'));
    const counts = devices.flatMap((d) => d.steps?.count ?? []);
    // One more or less is the edge of the capture.
    if (Math.max(...counts) - Math.min(...counts) > 1) list.push(reason('devices-differ', `${Math.min(...counts)} to ${Math.max(...counts)}`));
  }
  const timed = devices.filter((d) => d.bubbles !== null);
  if (timed.length > 0 && timed.every((d) => !d.traced)) list.push(reason('cause-null'));
  if (timed.length > 0 && !allTasks) list.push(reason('copies-null'));
  if (timed.some((d) => d.traced) && timed.some((d) => !d.traced)) list.push(reason('mixed-exports', `${timed.filter((d) => !d.traced).length} of ${timed.length} devices without host calls`));
  return list;
}

/** Compares the ranks of the devices, their times counted from the earliest of the whole profile. */
function skewIn(captures: readonly CaptureAnalysis[], devices: readonly OwnFacts[]): SkewResult {
  const bases = captures.flatMap((c) => c.baseNs ?? []);
  const base = bases.reduce((low, ns) => (ns < low ? ns : low), bases[0] ?? 0n);
  // A device alone is not worth it.
  return skewOf(devices.length < 2 ? [] : devices.flatMap((d) => (d.extract === null ? [] : [rebased(d.extract, base)])));
}

/**
 * Puts analyses of single captures together. Deterministic: the same captures in the same order give the same rows in the same order.
 * @param incomplete notes of the reader over all captures @param ranks as {@link wantedDevices} @throws ToolError E_ARG_TYPE
 */
export function joined(captures: readonly CaptureAnalysis[], incomplete: readonly IncompleteNote[], ranks: readonly number[] | null): Analysis {
  const { devices: all, to } = placed(captures);
  const allTasks = captures.some((c) => c.allTasks);
  const linked = captures.some((c) => c.linked);
  const sources = captures.flatMap((c) => c.sources).sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const profile: ProfileSummary = { devices: all, sources, incomplete, simulated: captures.some((c) => c.simulated), communication: captures.some((c) => c.communication) };
  const own = new Map(captures.flatMap((c, capture) => c.facts.map((facts, at): [number, OwnFacts] => [to(capture, at), facts])));
  const chosen = wantedDevices(all, ranks).flatMap((index): [number, OwnFacts][] => {
    const facts = own.get(index);
    return facts === undefined ? [] : [[index, facts]];
  });
  const devices = chosen.map(([index, { window, steps, reason: why, unknownKinds, bubbles, table, layers, calls, row }]): DeviceFacts => {
    const traced = linked && calls;
    return {
      index,
      ...{ window, steps, reason: why, unknownKinds, bubbles, table, layers, traced },
      row: { ...whose(profile, index), ...row, host_us: traced ? row.host_us : null, copy_us: allTasks ? row.copy_us : null, comm_wait_us: allTasks ? row.comm_wait_us : null, queued_us: traced ? row.queued_us : null },
    };
  });
  let shown: DeviceFacts | null = null;
  for (const d of devices) if (d.steps !== null && (d.window?.spanNs ?? 0) > (shown?.window?.spanNs ?? 0)) shown = d;
  const bubblesBy = new Map(
    chosen.map(([index, facts]) => [
      index,
      facts.bubbleRows.map((row): BubbleRow => {
        const traced = linked && facts.calls;
        return { ...whose(profile, index), ...row, queued: traced ? row.queued : null, memcpy_us: allTasks ? row.memcpy_us : null, event_wait_us: allTasks ? row.event_wait_us : null, host_silent_us: traced ? row.host_silent_us : null, host_events: traced ? row.host_events : [] };
      }),
    ]),
  );
  return {
    profile,
    devices,
    shown,
    steps: shown?.table ?? noSteps,
    stages: chosen.flatMap(([index, { stages }]) => stages.map((row): StageRow => ({ ...whose(profile, index), ...row }))),
    bubbles: [...bubblesBy.values()].flat(),
    bubblesBy,
    layers: shown === null || shown.layers === null ? null : { ...whose(profile, shown.index), ...shown.layers },
    skew: skewIn(captures, chosen.map(([, facts]) => facts)),
    incomplete: missing(devices, shown, allTasks),
  };
}

/** Share of a device's span, 0–1; NaN without one. */
export function shareOf(ns: number, window: WindowTimes | null): number {
  return window === null || window.spanNs <= 0 ? Number.NaN : ns / window.spanNs;
}

/** Percent with one decimal for a sentence; null when not known. */
export function inPercent(share: number): number | null {
  const value = known(share);
  return value === null ? null : round(percent(value, 1) ?? 0, 1);
}
