import { findChip } from '../../hardware/lookup.js';
import { taskClass, type Device, type FrequencySeries, type Profile } from '../../profiles/profile.js';
import { thresholds } from '../thresholds.js';
import { CoveredAt } from '../../profiles/derived/covered.js';
import { rowsOf } from '../../profiles/derived/numbers.js';
import type { DeviceWindow } from '../../profiles/derived/window.js';
import type { Placed } from './placed.js';

/** Core time that tiling left unused on one device. */
export interface BlockWaste {
  readonly wastedNs: number;
  /** The op type that wastes most. */
  readonly opType: string;
  readonly blocks: number;
  readonly cores: number;
}

/** Cores of a device: its own info first (variants of one chip differ), else the catalogue's for the exact SoC; null for a family name such as `Ascend910B`. */
export function coresOf(device: Device | undefined): { readonly cube: number; readonly vector: number | null } | null {
  if (device === undefined) return null;
  if (device.aicoreCount !== null) return { cube: device.aicoreCount, vector: device.aivectorCount };
  if (device.chip === null) return null;
  try {
    const chip = findChip(device.chip);
    return { cube: chip.cube_cores.value, vector: chip.vector_cores.value };
  } catch {
    return null;
  }
}

/**
 * Time × share of the cores a kernel did not use: with b blocks on c cores, 1 − b / (⌈b/c⌉ · c). Null
 * without core counts (see {@link coresOf}) or without block counts.
 */
export function blockWaste(profile: Profile, device: number): BlockWaste | null {
  const known = coresOf(profile.devices[device]);
  const { tasks, strings } = profile;
  if (known === null) return null;
  const [from, to] = rowsOf(tasks.device, tasks.length, device);
  const { operators } = tasks;
  // By operator: cores of its kind, 0 where they or its blocks are not known.
  const coresOfOperator = operators.taskType.map((id, operator) => {
    const type = strings.get(id);
    const cores = /VECTOR|MIX_AIV|AIVEC/.test(type) ? known.vector : /AI_?CORE|MIX_AIC/.test(type) ? known.cube : null;
    return cores !== null && cores > 0 && (operators.blockNum[operator] ?? Number.NaN) > 0 ? cores : 0;
  });
  const byType = new Map<number, { wasted: number; blocks: number; cores: number }>();
  let seen = false;
  for (let row = from; row < to; row += 1) {
    if (tasks.class[row] !== taskClass.compute) continue;
    const operator = tasks.operator[row] ?? 0;
    const cores = coresOfOperator[operator] ?? 0;
    if (cores === 0) continue;
    seen = true;
    const blocks = operators.blockNum[operator] ?? Number.NaN;
    const wasted = (tasks.durationNs[row] ?? 0) * (1 - blocks / (Math.ceil(blocks / cores) * cores));
    const id = operators.opType[operator] ?? 0;
    const sum = byType.get(id);
    if (sum === undefined) byType.set(id, { wasted, blocks, cores });
    else sum.wasted += wasted;
  }
  if (!seen) return null;
  let wastedNs = 0;
  let top: [number, { wasted: number; blocks: number; cores: number }] | null = null;
  for (const entry of byType) {
    wastedNs += entry[1].wasted;
    if (top === null || entry[1].wasted > top[1].wasted) top = entry;
  }
  return top === null ? null : { wastedNs: Math.round(wastedNs), opType: strings.get(top[0]), blocks: top[1].blocks, cores: top[1].cores };
}

/** How long a device computed below its clock. */
export interface FrequencyLoss {
  readonly slowNs: number;
  /** What it cost if kernels scale with the clock: Σ time × (1 − clock / rated). An upper bound where memory sets the pace. */
  readonly lostNs: number;
  readonly ratedMhz: number;
  readonly lowestMhz: number;
}

/** Compute time under a clock more than 5 % below the rated one (else the highest seen). Idle clocks are low by design and do not count. */
export function frequencyLoss(profile: Profile, window: DeviceWindow, series: FrequencySeries): FrequencyLoss | null {
  const ratedMhz = profile.devices[window.device]?.aicoreMhz ?? series.mhz.reduce((a, b) => Math.max(a, b), 0);
  if (!(ratedMhz > 0) || series.timeNs.length === 0) return null;
  const limit = ratedMhz * (1 - thresholds.frequencyDrop.value);
  if (!series.mhz.some((mhz) => mhz < limit)) return { slowNs: 0, lostNs: 0, ratedMhz, lowestMhz: ratedMhz };
  // A sample holds until the next, the last one for good: the counter is written on change.
  const instants = new Float64Array(series.timeNs.length + 1).fill(Number.POSITIVE_INFINITY);
  instants.set(series.timeNs);
  const { tasks } = profile;
  const compute = new CoveredAt(tasks, ...rowsOf(tasks.device, tasks.length, window.device), taskClass.compute, instants);
  let [slowNs, lostNs, lowestMhz] = [0, 0, ratedMhz];
  for (let i = 0; i < series.timeNs.length; i += 1) {
    const mhz = series.mhz[i] ?? Number.NaN;
    const start = series.timeNs[i] ?? Number.NaN;
    const end = series.timeNs[i + 1] ?? Number.POSITIVE_INFINITY;
    if (!(mhz < limit) || !(end > start)) continue;
    const ns = compute.within(start, end);
    slowNs += ns;
    lostNs += ns * (1 - mhz / ratedMhz);
    lowestMhz = Math.min(lowestMhz, mhz);
  }
  return { slowNs, lostNs: Math.round(lostNs), ratedMhz, lowestMhz };
}

/** A link whose transfers are slower than those of its peers. */
export interface SlowLink {
  readonly src: number;
  readonly dst: number;
  readonly link: string;
  readonly gbps: number;
  /** Mean of the other links of the same kind in the same group. */
  readonly othersGbps: number;
  /** Time its transfers took beyond what they would at the peers' rate, all planes. */
  readonly excessNs: number;
}

/** Transfers between two ranks of a group over one kind of link, seen from one device, summed. */
export interface LinkSum {
  readonly group: string;
  readonly link: string;
  readonly src: number;
  readonly dst: number;
  bytes: number;
  ns: number;
  count: number;
}

/** What each device moved over its links, in the order of the first transfer. SDMA between chips only. */
export function linkSums(profile: Profile): Placed<LinkSum>[] {
  const { commTasks, strings } = profile;
  if (commTasks === null) return [];
  const sums: Placed<LinkSum>[] = [];
  let found = new Map<number, Map<number, LinkSum>>();
  let device = -1;
  for (let row = 0; row < commTasks.length; row += 1) {
    const bytes = commTasks.bytes[row] ?? Number.NaN;
    const ns = commTasks.durationNs[row] ?? 0;
    const src = commTasks.srcRank[row] ?? Number.NaN;
    const dst = commTasks.dstRank[row] ?? Number.NaN;
    const link = strings.get(commTasks.link[row] ?? 0);
    if (!(bytes > 0) || !(ns > 0) || !(src >= 0) || !(dst >= 0) || link === '' || link === 'ON_CHIP' || strings.get(commTasks.transport[row] ?? 0) !== 'SDMA') continue;
    const at = commTasks.device[row] ?? 0;
    if (at !== device) found = new Map();
    device = at;
    // Group and link are ids of one string table, so a pair of them is a number; so is a pair of ranks.
    const key = (commTasks.group[row] ?? 0) * strings.size + (commTasks.link[row] ?? 0);
    let pairs = found.get(key);
    if (pairs === undefined) found.set(key, (pairs = new Map<number, LinkSum>()));
    let sum = pairs.get(src * maximumRanks + dst);
    if (sum === undefined) {
      sum = { group: strings.get(commTasks.group[row] ?? 0), link, src, dst, bytes: 0, ns: 0, count: 0 };
      pairs.set(src * maximumRanks + dst, sum);
      sums.push({ at, row: sum });
    }
    sum.bytes += bytes;
    sum.ns += ns;
    sum.count += 1;
  }
  return sums;
}

/** Above any rank; a pair of ranks is then one number. */
const maximumRanks = 2 ** 26;

/** Links more than 20 % below the mean of their peers of the same kind and group; worst first. Empty also when there is nothing to compare. */
export function slowLinks(sums: readonly LinkSum[]): SlowLink[] {
  const kinds = new Map<string, { link: string; pairs: Map<number, LinkSum> }>();
  for (const part of sums) {
    const key = `${part.group}\n${part.link}`;
    const kind = kinds.get(key) ?? { link: part.link, pairs: new Map<number, LinkSum>() };
    kinds.set(key, kind);
    const pair = kind.pairs.get(part.src * maximumRanks + part.dst);
    if (pair === undefined) kind.pairs.set(part.src * maximumRanks + part.dst, { ...part });
    else {
      pair.bytes += part.bytes;
      pair.ns += part.ns;
      pair.count += part.count;
    }
  }
  const found: SlowLink[] = [];
  for (const { link, pairs } of kinds.values()) {
    const list = [...pairs.values()].filter((p) => p.count >= thresholds.linkTransfers.value);
    const sum = list.reduce((a, p) => a + p.bytes / p.ns, 0);
    // With two links nobody can say which is the odd one.
    if (list.length < 3) continue;
    for (const p of list) {
      const gbps = p.bytes / p.ns;
      const othersGbps = (sum - gbps) / (list.length - 1);
      if (gbps < othersGbps * (1 - thresholds.linkBelowMean.value)) found.push({ src: p.src, dst: p.dst, link, gbps, othersGbps, excessNs: Math.round(p.ns - p.bytes / othersGbps) });
    }
  }
  return found.sort((a, b) => a.gbps / a.othersGbps - b.gbps / b.othersGbps || a.src - b.src || a.dst - b.dst);
}
