import { byText, lowerBound, round } from '../../profiles/derived/numbers.js';
import { median } from './align.js';
import { toLocal, type Component } from './clocks.js';
import type { RankExtract } from './extract.js';
import { thresholds } from './thresholds.js';
import type { SlowOp } from './types.js';
import { stepKind } from './work.js';

interface Sum {
  readonly op: string;
  count: number;
  ns: number;
}

/** Kernels of a rank by op type and shapes, in the buckets that are kept. */
function sumsOf(extract: RankExtract, keep: (bucket: number) => boolean): Map<string, Sum> {
  const { work } = extract;
  const sums = new Map<number, Sum>();
  for (let i = 0; i < work.key.length; i += 1) {
    if (!keep(work.bucket[i] ?? 0)) continue;
    const key = work.key[i] ?? 0;
    const sum = sums.get(key) ?? { op: work.op[key] ?? '', count: 0, ns: 0 };
    sums.set(key, sum);
    sum.count += work.count[i] ?? 0;
    sum.ns += work.ns[i] ?? 0;
  }
  return new Map([...sums].map(([key, sum]) => [work.text[key] ?? '', sum]));
}

/** Share of two ranks' kernel time that goes to the same op types at the same shapes, 0…1. */
export function similarity(a: RankExtract, b: RankExtract): number {
  const [x, y] = [sumsOf(a, () => true), sumsOf(b, () => true)];
  const whole = (sums: Map<string, Sum>): number => [...sums.values()].reduce((n, s) => n + s.ns, 0);
  const [xs, ys] = [whole(x), whole(y)];
  if (xs === 0 || ys === 0) return 1;
  return [...x].reduce((n, [key, s]) => n + Math.min(s.ns / xs, (y.get(key)?.ns ?? 0) / ys), 0);
}

/** Bucket of a rank's work that holds an instant on its clock; −1 before the first. */
export function bucketAt(extract: RankExtract, at: number): number {
  const { startNs } = extract.work;
  const low = lowerBound(startNs, startNs.length, at);
  return startNs[low] === at ? low : low - 1;
}

/** What slower kernels cost a rank: its kernels at its own rate less the same kernels at its peers' rate. */
export interface Rate {
  readonly excessNs: number;
  /** The same in percent of the time at its peers' rate. */
  readonly slowerPct: number;
  readonly ops: readonly SlowOp[];
}

/**
 * Compares kernels of equal op type and shapes between a rank and its peers, inside `[fromNs, toNs)` of the reference's clock; with a kind,
 * only in such steps. The rate of the peers is the median of their means.
 */
export function rateOf(
  component: Component,
  extracts: readonly RankExtract[],
  rank: number,
  peers: readonly number[],
  span: { readonly fromNs: number; readonly toNs: number; readonly kind: number },
): Rate {
  const sums = (of: number): Map<string, Sum> => {
    const [extract, clock] = [extracts[of], component.clocks.get(of)];
    if (extract === undefined || clock === undefined) return new Map();
    const { startNs, kind } = extract.work;
    const [from, to] = [toLocal(clock, span.fromNs), toLocal(clock, span.toNs)];
    return sumsOf(extract, (bucket) => {
      const start = startNs[bucket] ?? 0;
      const middle = (start + (startNs[bucket + 1] ?? start)) / 2;
      return middle >= from && middle < to && (span.kind === stepKind.unknown || kind[bucket] === span.kind);
    });
  };
  const theirs = peers.map(sums);
  const ops = new Map<string, { count: number; excess: number; base: number }>();
  for (const [key, own] of sums(rank)) {
    const rates = theirs.flatMap((t) => {
      const same = t.get(key);
      return same === undefined || same.count === 0 ? [] : [same.ns / same.count];
    });
    if (rates.length === 0) continue;
    const base = own.count * median(rates);
    const op = ops.get(own.op) ?? { count: 0, excess: 0, base: 0 };
    ops.set(own.op, op);
    op.count += own.count;
    op.excess += own.ns - base;
    op.base += base;
  }
  const excessNs = [...ops.values()].reduce((n, o) => n + o.excess, 0);
  const slower = [...ops.values()].reduce((n, o) => n + Math.max(0, o.excess), 0);
  const rows = [...ops]
    .filter(([, o]) => o.excess >= (o.base * thresholds.skew.value) / 100 && o.excess >= slower * thresholds.opShare.value)
    .sort((a, b) => b[1].excess - a[1].excess || byText(a[0], b[0]))
    .map(([op, o]): SlowOp => ({
      op_type: op,
      count: o.count,
      excess_us: round(o.excess / 1000),
      slower_pct: round((100 * o.excess) / Math.max(1, o.base)),
      share_pct: round((100 * o.excess) / Math.max(1, slower)),
    }));
  const base = [...ops.values()].reduce((n, o) => n + o.base, 0);
  return { excessNs, slowerPct: (100 * excessNs) / Math.max(1, base), ops: rows };
}
