/** Interval sets as the exporters compute them: half-open, in nanoseconds, sorted by start. */
export interface Interval {
  readonly start: bigint;
  readonly end: bigint;
}

/** Union; touching intervals become one (msprof `UnionOneSet`). */
export function union(items: Iterable<Interval>): Interval[] {
  const sorted = [...items].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const out: Interval[] = [];
  for (const item of sorted) {
    const last = out.at(-1);
    if (last === undefined || last.end < item.start) out.push(item);
    else if (item.end > last.end) out[out.length - 1] = { start: last.start, end: item.end };
  }
  return out;
}

/** What of `a` is not in `b`; both already unions. */
export function difference(a: readonly Interval[], b: readonly Interval[]): Interval[] {
  const out: Interval[] = [];
  let j = 0;
  for (const item of a) {
    let from = item.start;
    while (j < b.length && (b[j]?.end ?? 0n) <= from) j += 1;
    for (let k = j; k < b.length; k += 1) {
      const cut = b[k];
      if (cut === undefined || cut.start >= item.end) break;
      if (cut.start > from) out.push({ start: from, end: cut.start });
      if (cut.end > from) from = cut.end;
    }
    if (from < item.end) out.push({ start: from, end: item.end });
  }
  return out;
}

export function length(items: Iterable<Interval>): bigint {
  let sum = 0n;
  for (const item of items) sum += item.end - item.start;
  return sum;
}
