import type { CommunicationRow } from '../../contract/index.js';
import type { Profile } from '../../profiles/profile.js';
import type { DeviceWindow } from '../../profiles/derived/window.js';
import type { Placed } from '../analyze/placed.js';
import { tensorTexts, type ShapeGroup } from '../analyze/shapes.js';

/** Compute kernels of one op type and shape, summed. */
export interface OpTime {
  readonly opType: string;
  /** Input shapes; empty when the capture does not say. */
  readonly shapes: string;
  readonly count: number;
  readonly totalNs: number;
}

/** Not-overlapped time of one collective type; null when the capture does not say. */
export interface CollectiveTime {
  readonly op: string;
  readonly count: number;
  readonly notOverlappedNs: number | null;
}

/** What one device contributes to a comparison, in whole ns. */
export interface DeviceTimes {
  readonly device: number;
  readonly rank: number | null;
  readonly spanNs: number;
  readonly computingNs: number;
  readonly exposedNs: number;
  readonly freeNs: number;
  readonly split: DeviceWindow['split'];
  readonly ops: readonly OpTime[];
  readonly collectives: readonly CollectiveTime[];
}

/** All a capture says in a comparison: plain data, small, and the same whatever order captures were read in. */
export interface CompareFacts {
  readonly sources: readonly string[];
  readonly devices: readonly DeviceTimes[];
  /** Marked steps; null without marks. */
  readonly steps: number | null;
}

/** Op times out of the exporter's statistics: no shapes. AI CPU and collectives are not part of computing. */
function fromStatistics(profile: Profile, device: number): OpTime[] {
  return profile.opStatistic
    .filter((r) => r.device === device && r.count > 0 && !/CPU|COMM|HCCL/i.test(r.coreType) && !/^hcom/i.test(r.opType))
    .map((r) => ({ opType: r.opType, shapes: '', count: r.count, totalNs: Math.round(r.totalUs * 1000) }));
}

/**
 * What each device of a capture contributes to {@link CompareFacts}. Pure.
 * @param groups of shapeGroups(profile)
 * @param communication rows of the communication table; null when the capture cannot hold collectives
 */
export function deviceTimes(profile: Profile, windows: readonly DeviceWindow[], groups: readonly ShapeGroup[], communication: readonly Placed<CommunicationRow>[] | null): Placed<DeviceTimes>[] {
  return windows.map((w): Placed<DeviceTimes> => {
    const info = profile.devices[w.device];
    const [id, rank] = [info?.id ?? w.device, info?.rank ?? null];
    const own = groups.filter((g) => g.device === w.device).map((g) => ({ opType: g.opType, shapes: tensorTexts(g.inputShapes).join(';'), count: g.count, totalNs: g.totalNs }));
    const row: DeviceTimes = {
      device: id,
      rank,
      spanNs: w.spanNs,
      computingNs: w.computingNs,
      exposedNs: w.exposedNs,
      freeNs: w.freeNs,
      split: w.split,
      ops: own.length > 0 ? own : fromStatistics(profile, w.device),
      collectives: (communication ?? []).filter((r) => r.at === w.device).map(({ row: r }) => ({ op: r.op, count: r.count, notOverlappedNs: r.not_overlapped_us === null ? null : Math.round(r.not_overlapped_us * 1000) })),
    };
    return { at: w.device, row };
  });
}
