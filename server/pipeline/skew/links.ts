import { deviceRange, type Profile } from '../../profiles/profile.js';
import { round } from '../../profiles/derived/numbers.js';
import { quantile } from '../../stats/quantiles.js';
import { thresholds } from './thresholds.js';
import type { SlowLink } from './types.js';

/** Payload a rank moved over one link, by op type and size of transfer. Ranks as the group numbers them. */
export interface LinkSum {
  readonly group: string;
  readonly op: string;
  readonly link: string;
  readonly src: number;
  readonly dst: number;
  /** Transfers of 2^(size−½) to 2^(size+½) bytes: bandwidth grows with size, so only equals are compared. */
  readonly size: number;
  count: number;
  bytes: number;
  ns: number;
}

/**
 * Payload of one device by link, and its number in each group (id of the group's name): the source of most of its transfers.
 * Signals and copies inside the chip are no payload.
 */
export function linkSums(profile: Profile, index: number): { readonly sums: readonly LinkSum[]; readonly self: ReadonlyMap<number, number> } {
  const { commTasks, commOps, strings } = profile;
  const sums = new Map<string, LinkSum>();
  const sources = new Map<number, Map<number, number>>();
  if (commTasks === null) return { sums: [], self: new Map() };
  const [from, to] = deviceRange(commTasks.device, index);
  for (let row = from; row < to; row += 1) {
    const [src, dst] = [commTasks.srcRank[row] ?? Number.NaN, commTasks.dstRank[row] ?? Number.NaN];
    const [bytes, ns, group] = [commTasks.bytes[row] ?? Number.NaN, commTasks.durationNs[row] ?? Number.NaN, commTasks.group[row] ?? 0];
    if (!(src >= 0)) continue;
    const counts = sources.get(group) ?? new Map<number, number>();
    sources.set(group, counts.set(src, (counts.get(src) ?? 0) + 1));
    const link = strings.get(commTasks.link[row] ?? 0);
    if (!(bytes > 0) || !(ns > 0) || !(dst >= 0) || src === dst || link === '' || link === 'ON_CHIP') continue;
    const op = commOps?.opType[commTasks.op[row] ?? -1] ?? 0;
    const size = Math.round(Math.log2(bytes));
    const key = `${group} ${op} ${commTasks.link[row] ?? 0} ${src} ${dst} ${size}`;
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, { group: strings.get(group), op: strings.get(op), link, src, dst, size, count: 1, bytes, ns });
    else {
      sum.count += 1;
      sum.bytes += bytes;
      sum.ns += ns;
    }
  }
  const self = new Map<number, number>();
  for (const [group, counts] of sources) {
    const [most] = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    if (most !== undefined) self.set(group, most[0]);
  }
  return { sums: [...sums.values()], self };
}

/** A link in both directions, over all ranks that saw it. */
interface Pair {
  readonly of: LinkSum;
  count: number;
  bytes: number;
  ns: number;
}

/**
 * Links more than 20 % below the median of their peers: links of one kind between ranks of groups of one size, in transfers of one size by
 * one op type. Worst first. Empty also where fewer than three links can be compared.
 * @param sizeOf ranks a group has @param rankOf rank of the capture behind a number in a group
 */
export function slowLinksOf(
  sums: readonly LinkSum[],
  sizeOf: (group: string) => number | null,
  rankOf: (group: string, self: number) => number | null,
): SlowLink[] {
  const pools = new Map<string, Map<string, Pair>>();
  for (const s of sums) {
    const key = JSON.stringify([sizeOf(s.group), s.link, s.op, s.size]);
    const pool = pools.get(key) ?? new Map<string, Pair>();
    pools.set(key, pool);
    const name = JSON.stringify([s.group, Math.min(s.src, s.dst), Math.max(s.src, s.dst)]);
    const pair = pool.get(name) ?? { of: s, count: 0, bytes: 0, ns: 0 };
    pool.set(name, pair);
    pair.count += s.count;
    pair.bytes += s.bytes;
    pair.ns += s.ns;
  }
  const found = new Map<string, SlowLink>();
  for (const pool of pools.values()) {
    const pairs = [...pool.values()].filter((p) => p.count >= thresholds.linkTransfers.value);
    // With two links nobody can say which is the odd one.
    if (pairs.length < 3) continue;
    for (const p of pairs) {
      const gbps = p.bytes / p.ns;
      const peers = quantile(pairs.flatMap((o) => (o === p ? [] : [o.bytes / o.ns])), 0.5) ?? Number.NaN;
      if (!(gbps < peers * (1 - thresholds.linkBelow.value))) continue;
      const [src, dst] = [Math.min(p.of.src, p.of.dst), Math.max(p.of.src, p.of.dst)];
      const key = JSON.stringify([p.of.group, p.of.op, p.of.link, src, dst]);
      const excess = (p.ns - p.bytes / peers) / 1000;
      const seen = found.get(key);
      // Several sizes of transfers: the one that costs most speaks for the link.
      if (seen !== undefined && seen.excess_us >= excess) continue;
      found.set(key, {
        group: p.of.group,
        op: p.of.op,
        link: p.of.link,
        src,
        dst,
        src_rank: rankOf(p.of.group, src),
        dst_rank: rankOf(p.of.group, dst),
        transfers: p.count,
        bandwidth_gbps: round(gbps),
        peers_gbps: round(peers),
        excess_us: round(excess),
      });
    }
  }
  const share = (l: SlowLink): number => l.bandwidth_gbps / l.peers_gbps;
  return [...found.values()].sort((a, b) => share(a) - share(b) || a.src - b.src || a.dst - b.dst);
}
