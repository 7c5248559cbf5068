import type { CommunicationRow } from '../../contract/index.js';
import { taskClass, type CommOps, type CommSummaryRow, type CommTasks, type Profile } from '../../profiles/profile.js';
import { CoveredAt } from '../../profiles/derived/covered.js';
import { each, length, subtract, unite } from '../../profiles/derived/intervals.js';
import { holdsCommunication } from './level.js';
import { byText, round, rowsOf, us } from '../../profiles/derived/numbers.js';
import type { DeviceWindow } from '../../profiles/derived/window.js';
import type { Placed } from './placed.js';

/** Where the time of operations went: on the master plane, or as the exporter summed it. */
interface Split {
  transitNs: number;
  waitNs: number;
  /** Payload, and the time it took on the links that carried it; together they give the bandwidth of one link. */
  bytes: number;
  linkNs: number;
}

interface Bucket {
  readonly device: number;
  readonly op: string;
  readonly group: string;
  count: number;
  /** NaN once an operation without a time came in. */
  totalNs: number;
  /** Null once an operation of the bucket could not be split. */
  split: Split | null;
  readonly rows: Set<number>;
}

const masterPlane = 1;
const waitName = 'Notify_Wait';
/** Signals between ranks: SDMA by transport, no payload. Left out, transit agrees with the exporter's to the nanosecond on real captures. */
const signal = /^notify|^write[ _]value$/i;
const onChip = 'ON_CHIP';
const rdma = /RDMA|ROCE/i;

/** `hcom_allReduce__428_0_1@group` → `hcom_allReduce_`; `Default/AllReduce-op534` (MindSpore) → `AllReduce`; other names stay. */
export function collectiveType(name: string): string {
  const bare = name.split('@')[0] ?? name;
  return /([A-Za-z]+)-op\d+$/.exec(bare)?.[1] ?? bare.replace(/_\d+(?:_\d+)*$/, '');
}

/** What a sub-task is to the split. */
type Part = 'wait' | 'payload' | 'rdma' | 'other';

/** The part of every sub-task, by its name, transport and link. Payload is what leaves the chip by SDMA. */
function partsOf(profile: Profile, planes: CommTasks): Part[] {
  const { strings } = profile;
  return Array.from({ length: planes.length }, (_, row) => {
    const transport = strings.get(planes.transport[row] ?? 0);
    const link = strings.get(planes.link[row] ?? 0);
    const name = strings.get(planes.name[row] ?? 0);
    if (rdma.test(transport) || rdma.test(name) || rdma.test(link)) return 'rdma';
    if (name === waitName) return 'wait';
    return transport === 'SDMA' && link !== onChip && !signal.test(name) ? 'payload' : 'other';
  });
}

/**
 * Wait and transit of every operation from its master plane, as msprof's communication parser defines them: wait is the sum
 * of Notify_Wait, transit the sum of payload. RDMA payload ends with a later notify that these rows do not name, so an
 * operation with RDMA is left to the exporter's own summary.
 */
function splitByOp(planes: CommTasks, parts: readonly Part[]): Map<number, Split | null> {
  const byOp = new Map<number, Split | null>();
  for (let row = 0; row < planes.length; row += 1) {
    const op = planes.op[row] ?? -1;
    if (op < 0 || planes.master[row] !== masterPlane) continue;
    const known = byOp.get(op);
    if (known === null) continue;
    if (parts[row] === 'rdma') {
      byOp.set(op, null);
      continue;
    }
    const split = known ?? { transitNs: 0, waitNs: 0, bytes: 0, linkNs: 0 };
    byOp.set(op, split);
    const duration = planes.durationNs[row] ?? 0;
    const bytes = planes.bytes[row] ?? Number.NaN;
    if (parts[row] === 'wait') split.waitNs += duration;
    if (parts[row] !== 'payload') continue;
    split.transitNs += duration;
    if (bytes > 0) {
      split.bytes += bytes;
      split.linkNs += duration;
    }
  }
  return byOp;
}

/** One row of the exporter's summary. MB there is 1e6 bytes. Null where it holds no sub-task: AIV and AI CPU collectives. */
function splitOfRow(row: CommSummaryRow): Split | null {
  if (row.transitMs === null || row.waitMs === null || (row.transitMs === 0 && row.waitMs === 0)) return null;
  // SDMA already sums HCCS, PCIE and SIO.
  const summed = row.links.some((l) => l.transport === 'SDMA' && l.sizeMb > 0);
  const links = row.links.filter((l) => l.transport === 'RDMA' || (summed ? l.transport === 'SDMA' : l.transport !== 'SDMA'));
  return {
    transitNs: Math.round(row.transitMs * 1e6),
    waitNs: Math.round(row.waitMs * 1e6),
    bytes: links.reduce((sum, l) => sum + l.sizeMb * 1e6, 0),
    linkNs: Math.round(links.reduce((sum, l) => sum + l.timeMs * 1e6, 0)),
  };
}

/** Adds the split of one more operation; one that cannot be split leaves the bucket without. */
function addSplit(bucket: Bucket, split: Split | null): void {
  if (split === null) bucket.split = null;
  if (split === null || bucket.split === null) return;
  bucket.split.transitNs += split.transitNs;
  bucket.split.waitNs += split.waitNs;
  bucket.split.bytes += split.bytes;
  bucket.split.linkNs += split.linkNs;
}

class Buckets {
  readonly #all = new Map<string, Bucket>();

  at(device: number, op: string, group: string): Bucket {
    const key = JSON.stringify([device, op, group]);
    let bucket = this.#all.get(key);
    if (bucket === undefined) {
      bucket = { device, op, group, count: 0, totalNs: 0, split: { transitNs: 0, waitNs: 0, bytes: 0, linkNs: 0 }, rows: new Set() };
      this.#all.set(key, bucket);
    }
    return bucket;
  }

  list(): Bucket[] {
    return [...this.#all.values()];
  }
}

/** The exporter's rows by device and operation name. Groups are addresses in one export and hashes in the other, so they only break ties. */
function summaryByName(profile: Profile): (device: number, name: string, group: string) => CommSummaryRow | null {
  if (profile.commSummary.length === 0) return () => null;
  const byName = new Map<string, CommSummaryRow[]>();
  for (const row of profile.commSummary) {
    const key = JSON.stringify([row.device, row.op.split('@')[0]]);
    const list = byName.get(key);
    if (list === undefined) byName.set(key, [row]);
    else list.push(row);
  }
  return (device, name, group) => {
    const list = byName.get(JSON.stringify([device, name.split('@')[0]])) ?? [];
    const same = list.length > 1 ? list.filter((r) => r.group === group) : list;
    return same.length === 1 ? (same[0] ?? null) : null;
  };
}

/** Compute time of a device between starts and ends of its collectives. */
function computeBeside({ tasks }: Profile, ops: CommOps, device: number): CoveredAt {
  const [first, end] = rowsOf(ops.device, ops.length, device);
  const instants = new Float64Array(2 * (end - first));
  for (let row = first; row < end; row += 1) {
    const start = ops.startNs[row] ?? Number.NaN;
    instants[2 * (row - first)] = start;
    instants[2 * (row - first) + 1] = start + (ops.durationNs[row] ?? Number.NaN);
  }
  return new CoveredAt(tasks, ...rowsOf(tasks.device, tasks.length, device), taskClass.compute, instants);
}

/** Communication rows by device, op type and group, in no order; null when the capture cannot hold them. */
export function communicationRows(profile: Profile, windows: readonly DeviceWindow[]): Placed<CommunicationRow>[] | null {
  const { commOps, commTasks, strings } = profile;
  if (commOps === null || (commOps.length === 0 && profile.commSummary.length > 0)) {
    if (profile.commSummary.length > 0) return fromSummary(profile, windows);
    return holdsCommunication(profile) && windows.length > 0 ? [] : null;
  }
  const parts = commTasks === null ? [] : partsOf(profile, commTasks);
  const splits = commTasks === null ? new Map<number, Split | null>() : splitByOp(commTasks, parts);
  const summary = summaryByName(profile);
  const buckets = new Buckets();
  for (let row = 0; row < commOps.length; row += 1) {
    const device = commOps.device[row] ?? 0;
    const name = strings.get(commOps.name[row] ?? 0);
    const group = strings.get(commOps.group[row] ?? 0);
    const type = strings.get(commOps.opType[row] ?? 0);
    const bucket = buckets.at(device, collectiveType(type === '' ? name : type), group);
    bucket.count += 1;
    bucket.totalNs += commOps.durationNs[row] ?? Number.NaN;
    bucket.rows.add(row);
    let split = splits.get(row) ?? null;
    if (split === null) {
      const told = summary(device, name, group);
      split = told === null ? null : splitOfRow(told);
    }
    addSplit(bucket, split);
  }
  const compute = new Map<number, CoveredAt>();
  return buckets.list().map((bucket) => {
    const window = windows.find((w) => w.device === bucket.device);
    if (window?.source !== 'tasks') return row(profile, window, bucket, null, null, null);
    const [first, end] = rowsOf(commOps.device, commOps.length, bucket.device);
    const own = unite(commOps, first, end, (r) => bucket.rows.has(r));
    const beside = compute.get(bucket.device) ?? computeBeside(profile, commOps, bucket.device);
    compute.set(bucket.device, beside);
    let exposed = length(own);
    each(own, (from, to) => (exposed -= beside.within(from, to)));
    // Compute that runs while nothing is communicated is all that could be moved over the exposed part.
    const opportunity = Math.min(exposed, window.computingNs - (window.communicationNs - window.exposedNs));
    return row(profile, window, bucket, exposed, opportunity, commTasks === null ? null : peerWait(commTasks, parts, bucket));
  });
}

/** Time in which no plane moved payload and at least one waited; null without planes, or where payload goes by RDMA. */
function peerWait(planes: CommTasks, parts: readonly Part[], bucket: Bucket): number | null {
  const [from, to] = rowsOf(planes.device, planes.length, bucket.device);
  let seen = false;
  for (let r = from; r < to; r += 1) {
    if (!bucket.rows.has(planes.op[r] ?? -1)) continue;
    if (parts[r] === 'rdma') return null;
    seen = true;
  }
  if (!seen) return null;
  const of = (part: Part): ReturnType<typeof unite> => unite(planes, from, to, (r) => parts[r] === part && bucket.rows.has(planes.op[r] ?? -1));
  return length(subtract(of('wait'), of('payload')));
}

/** Rows from the exporter's summary alone. "Total Op Info" sums the rows beside it and is left out. */
function fromSummary(profile: Profile, windows: readonly DeviceWindow[]): Placed<CommunicationRow>[] {
  const buckets = new Buckets();
  for (const told of profile.commSummary) {
    if (/^total/i.test(told.op)) continue;
    const bucket = buckets.at(told.device, collectiveType(told.op), told.group);
    bucket.count += 1;
    bucket.totalNs += told.elapseMs === null ? Number.NaN : Math.round(told.elapseMs * 1e6);
    addSplit(bucket, splitOfRow(told));
  }
  return buckets.list().map((bucket) => row(profile, windows.find((w) => w.device === bucket.device), bucket, null, null, null));
}

function row(profile: Profile, window: DeviceWindow | undefined, bucket: Bucket, exposed: number | null, opportunity: number | null, peer: number | null): Placed<CommunicationRow> {
  const device = profile.devices[bucket.device];
  const { split } = bucket;
  const total = Number.isNaN(bucket.totalNs) ? null : bucket.totalNs;
  const cells: CommunicationRow = {
    device: device?.id ?? bucket.device,
    rank: device?.rank ?? null,
    op: bucket.op === '' ? 'N/A' : bucket.op,
    group: bucket.group === '' ? null : bucket.group,
    count: bucket.count,
    total_us: total === null ? null : us(total),
    transit_us: split === null ? null : us(split.transitNs),
    wait_us: split === null ? null : us(split.waitNs),
    peer_wait_us: peer === null ? null : us(peer),
    not_overlapped_us: exposed === null ? null : us(exposed),
    share_pct: window === undefined || window.spanNs === 0 || total === null ? null : round((total / window.spanNs) * 100),
    bandwidth_gbps: split !== null && split.linkNs > 0 && split.bytes > 0 ? round(split.bytes / split.linkNs) : null,
    overlap_opportunity_us: opportunity === null ? null : us(opportunity),
  };
  return { at: bucket.device, row: cells };
}

/** By device and rank, longest first. */
export function byCommunication(a: CommunicationRow, b: CommunicationRow): number {
  return a.device - b.device || (a.rank ?? -1) - (b.rank ?? -1) || (b.total_us ?? 0) - (a.total_us ?? 0) || byText(a.op, b.op) || byText(a.group ?? '', b.group ?? '');
}
