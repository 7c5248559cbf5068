import type { Profile } from '../../profiles/profile.js';
import { lowerBound, round } from '../../profiles/derived/numbers.js';
import { median, pair, type Train } from './align.js';
import { rankExtract, type RankExtract } from './extract.js';
import { thresholds } from './thresholds.js';
import type { RankSkewRow, SkewOptions, SkewReason, SkewResult } from './types.js';

/** Clock of a rank against the reference's: what it is ahead at `midNs`, and how fast that grows. */
interface Clock {
  readonly offsetNs: number;
  readonly drift: number;
  readonly midNs: number;
}

const toReference = (clock: Clock, at: number): number =>
  at - clock.offsetNs - clock.drift * (at - clock.offsetNs - clock.midNs);
const toLocal = (clock: Clock, at: number): number => at + clock.offsetNs + clock.drift * (at - clock.midNs);

/** Compares the ranks of a profile. Pure. */
export function rankSkew(profile: Profile, options: SkewOptions = {}): SkewResult {
  const devices = options.devices ?? profile.devices.map((_, i) => i);
  return skewOf(devices.map((device) => rankExtract(profile, device)));
}

/** Compares ranks read one by one. Every extract must count time from the same `baseNs`. Pure. */
export function skewOf(extracts: readonly RankExtract[]): SkewResult {
  const reasons: SkewReason[] = [];
  if (extracts.length < 2)
    return {
      skew: null,
      reasons: [{ code: 'single-rank', detail: 'one rank in the capture: there is nothing to compare it with' }],
    };
  const trains = trainsOf(extracts);
  if (trains.length === 0)
    return {
      skew: null,
      reasons: [
        {
          code: 'no-collectives',
          detail: 'no collective is recorded on two ranks: capture at level l1 or Level1 on every rank',
        },
      ],
    };
  const clocks: (Clock | null)[] = extracts.map(() => null);
  const first = trains[0]?.members[0]?.rank ?? 0;
  clocks[first] = { offsetNs: 0, drift: 0, midNs: 0 };
  for (let grown = true; grown;) {
    grown = false;
    for (const { members } of trains) {
      const known = members.find((m) => clocks[m.rank] != null);
      if (known === undefined) continue;
      for (const other of members) {
        if (clocks[other.rank] != null) continue;
        const clock = clockFrom(known.train, clocks[known.rank], other.train);
        if (clock === null) continue;
        if (clock.ambiguous)
          reasons.push({
            code: 'clock-ambiguous',
            detail: `the collectives of extract ${other.rank} fit under several shifts of its clock; the nearest was taken`,
          });
        clocks[other.rank] = clock.clock;
        grown = true;
      }
    }
  }
  const rows = extracts.map(() => ({ n: 0, wait: 0, late: new Array<number>(), residual: new Array<number>() }));
  let [matched, complete, from, to] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { members, size } of trains) {
    const lead = members.find((m) => clocks[m.rank] != null);
    const own = lead === undefined ? null : clocks[lead.rank];
    if (lead === undefined || own == null) continue;
    if (size !== null && members.length < size)
      reasons.push({
        code: 'rank-missing',
        detail: `a group of ${size} ranks has ${members.length} in the capture; waits for the missing ones look like transfer`,
      });
    const pairs = members.map((m) =>
      m === lead ? null : clocks[m.rank] == null ? undefined : (pair(lead.train, m.train)?.rows ?? undefined),
    );
    for (let i = 0; i < lead.train.endNs.length; i += 1) {
      const seen = members.flatMap((m, k) => {
        const [clock, list] = [clocks[m.rank], pairs[k]];
        const row = list === null ? i : (list?.[i] ?? -1);
        return clock == null || row < 0
          ? []
          : [
              {
                rank: m.rank,
                at: toReference(clock, m.train.trace.startNs[row] ?? 0),
                end: toReference(clock, m.train.endNs[row] ?? 0),
              },
            ];
      });
      if (seen.length < 2) continue;
      matched += 1;
      if (seen.length === members.length) complete += 1;
      const [low, high, end] = [
        Math.min(...seen.map((s) => s.at)),
        Math.max(...seen.map((s) => s.at)),
        median(seen.map((s) => s.end)),
      ];
      [from, to] = [Math.min(from, end), Math.max(to, end)];
      for (const s of seen) {
        const row = rows[s.rank];
        if (row === undefined) continue;
        row.n += 1;
        row.wait += Math.max(0, high - s.at);
        row.late.push(s.at - low);
        row.residual.push(Math.abs(s.end - end));
      }
    }
  }
  if (matched < thresholds.fewCollectives.value)
    return {
      skew: null,
      reasons: [
        ...reasons,
        {
          code: 'not-matched',
          detail: `${matched} collectives could be matched over ranks; ${thresholds.fewCollectives.value} are needed`,
        },
      ],
    };
  clocks.forEach((clock, i) => {
    if (clock === null)
      reasons.push({ code: 'rank-unmatched', detail: `extract ${i} shares no matching collectives with the others` });
  });
  const count = thresholds.intervals.value;
  const spent = extracts.map((e, r) => {
    const clock = clocks[r];
    if (clock == null) return null;
    const at = Array.from({ length: count + 1 }, (_, i) => toLocal(clock, from + ((to - from) * i) / count));
    const own = at.map((t) => t - interpolate(e.pointNs, e.exposedNs, t));
    return {
      own: own.slice(1).map((v, i) => v - (own[i] ?? 0)),
      compute: interpolate(e.pointNs, e.computeNs, at.at(-1) ?? 0) - interpolate(e.pointNs, e.computeNs, at[0] ?? 0),
    };
  });
  const levels = spent.map((mine, r) => {
    if (mine === null) return null;
    const ratios = mine.own.flatMap((v, i) => {
      const peers = median(spent.flatMap((p, k) => (p === null || k === r ? [] : [p.own[i] ?? Number.NaN])));
      return peers > 0 ? [v / peers - 1] : [];
    });
    if (ratios.length === 0) return null;
    const middle = median(ratios);
    return {
      pct: middle * 100,
      error: (100 * thresholds.deviation.value * thresholds.medianError.value * median(ratios.map((v) => Math.abs(v - middle)))) / Math.sqrt(ratios.length),
    };
  });
  const known = extracts.every((e) => e.rank !== null) && new Set(extracts.map((e) => e.rank)).size === extracts.length;
  if (!known)
    reasons.push({
      code: 'rank-inferred',
      detail: 'the profile does not say the ranks: they are numbered in the order of its devices',
    });
  const number = (i: number): number => (known ? (extracts[i]?.rank ?? i) : i);
  const slow = levels
    .flatMap((l, i) =>
      l !== null && l.pct >= thresholds.skew.value && l.pct >= thresholds.certainty.value * l.error
        ? [{ i, pct: l.pct }]
        : [],
    )
    .sort((a, b) => b.pct - a.pct);
  const offsets = clocks.flatMap((c) => (c === null ? [] : [toLocal(c, (from + to) / 2) - (from + to) / 2]));
  const spread = (Math.max(...offsets) - Math.min(...offsets)) / 1000;
  const waiting = (100 * rows.reduce((a, r) => a + r.wait, 0)) / (offsets.length * Math.max(1, to - from));
  const perRank = extracts.map((e, i): RankSkewRow => {
    const [clock, row] = [clocks[i], rows[i]];
    const mine = spent[i];
    return {
      rank: number(i),
      rank_source: known ? 'profile' : 'order',
      device: e.device,
      host: e.host,
      collectives: row?.n ?? 0,
      compute_us: mine == null ? null : round(mine.compute / 1000),
      own_us: mine == null ? null : round(mine.own.reduce((a, b) => a + b, 0) / 1000),
      comm_wait_us: row === undefined || row.n === 0 ? null : round(row.wait / 1000),
      late_us_p50: row === undefined || row.n === 0 ? null : round(median(row.late) / 1000),
      skew_pct: levels[i] == null ? null : round(levels[i].pct),
      clock_offset_us: clock == null ? null : round((toLocal(clock, (from + to) / 2) - (from + to) / 2) / 1000),
      clock_drift_ppm: clock == null ? null : round(clock.drift * 1e6),
      clock_residual_us: row === undefined || row.n === 0 ? null : round(median(row.residual) / 1000),
    };
  });
  const worst = slow[0];
  const highest = worst?.pct ?? levels.flatMap((l) => (l === null ? [] : [l.pct])).sort((a, b) => b - a)[0];
  return {
    skew: {
      pattern:
        worst !== undefined
          ? 'slow-rank'
          : waiting >= thresholds.uneven.value
            ? 'uneven'
            : spread >= thresholds.clockSpread.value
              ? 'clock-skew'
              : 'balanced',
      collectives_matched: matched,
      collectives_complete: complete,
      groups: trains.length,
      span_us: round((to - from) / 1000),
      slowest_rank: worst === undefined ? null : number(worst.i),
      skew_pct: highest === undefined ? null : round(highest),
      slow_ranks: slow.map((s) => number(s.i)),
      wait_pct: round(waiting),
      clock_spread_us: round(spread),
      clock_reference_rank: number(first),
      per_rank: perRank,
    },
    reasons,
  };
}

/** Groups on two ranks or more, largest first, with words that mean the same on all of them. */
function trainsOf(
  extracts: readonly RankExtract[],
): { size: number | null; members: { rank: number; train: Train }[] }[] {
  const words = new Map<string, number>();
  const groups = new Map<string, { size: number | null; members: { rank: number; train: Train }[] }>();
  extracts.forEach((extract, rank) => {
    for (const trace of extract.groups) {
      const word = trace.word.map((w) => {
        const text = extract.words[w] ?? '';
        const id = words.get(text) ?? words.size;
        words.set(text, id);
        return id;
      });
      const group = groups.get(trace.name) ?? { size: trace.size, members: [] };
      groups.set(trace.name, group);
      group.members.push({ rank, train: { trace, endNs: trace.endNs, word } });
    }
  });
  return [...groups.values()].filter((g) => g.members.length > 1).sort((a, b) => b.members.length - a.members.length);
}

function clockFrom(
  known: Train,
  clock: Clock | null | undefined,
  other: Train,
): { clock: Clock; ambiguous: boolean } | null {
  const found = clock == null ? null : pair(known, other);
  if (
    clock == null ||
    found === null ||
    found.matched < Math.min(known.endNs.length, other.endNs.length) * thresholds.matched.value
  )
    return null;
  const points = [...found.rows].flatMap((j, i) => {
    const at = toReference(clock, known.endNs[i] ?? 0);
    return j < 0 ? [] : [{ at, ahead: (other.endNs[j] ?? 0) - at }];
  });
  // Medians of the outer thirds: the slope is not moved by single late ends.
  const third = Math.max(1, Math.floor(points.length / 3));
  const [head, tail] = [points.slice(0, third), points.slice(-third)];
  const [x0, x1] = [median(head.map((p) => p.at)), median(tail.map((p) => p.at))];
  const drift = x1 > x0 ? (median(tail.map((p) => p.ahead)) - median(head.map((p) => p.ahead))) / (x1 - x0) : 0;
  const midNs = (x0 + x1) / 2;
  return {
    clock: { offsetNs: median(points.map((p) => p.ahead - drift * (p.at - midNs))), drift, midNs },
    ambiguous: found.ambiguous,
  };
}

/** A running sum at an instant, straight between the instants where it is known. */
function interpolate(x: Float64Array, y: Float64Array, at: number): number {
  const low = lowerBound(x, x.length, at);
  if (low === 0) return y[0] ?? 0;
  const [x0, x1, y0, y1] = [x[low - 1] ?? 0, x[low] ?? at, y[low - 1] ?? 0, y[low] ?? y[low - 1] ?? 0];
  return x1 > x0 ? y0 + ((y1 - y0) * (at - x0)) / (x1 - x0) : y0;
}
