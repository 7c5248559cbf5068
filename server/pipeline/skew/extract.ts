import { deviceRange, taskClass, type Profile } from '../../profiles/profile.js';
import { merge, none, subtract, uniteClass, type Intervals } from '../../profiles/derived/intervals.js';
import { byText } from '../../profiles/derived/numbers.js';
import type { StepKinds } from '../../profiles/derived/stages.js';
import type { DeviceWindow } from '../../profiles/derived/window.js';
import type { Steps } from '../../profiles/derived/steps.js';
import type { Labels } from '../../profiles/derived/stepsLabels.js';
import { linkSums, type LinkSum } from './links.js';
import { symmetric } from './thresholds.js';
import { workOf, type Work } from './work.js';

/** Matchable collectives of one rank in one group, by start. */
export interface GroupTrace {
  readonly name: string;
  /** Ranks the group says it has; null when not known. */
  readonly size: number | null;
  /** Number of this rank in the group, from its own transfers; null when not known. */
  readonly self: number | null;
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  /** What the collective is, without its counter: op type, element count, data type. Index into `RankExtract.words`. */
  readonly word: Int32Array;
  /** The counter of its name: 17 in `hcom_allReduce__428_17_1`; −1 where there is none. Counts alike on all ranks, but repeats in replayed graphs. */
  readonly counter: Int32Array;
}

/** Steps of one rank, ascending. */
export interface StepTimes {
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
}

/** All of one rank that the comparison needs: some hundred kB, whatever the size of the capture. Times count from `baseNs`. */
export interface RankExtract {
  /** Index into the devices of the profile it was made from. */
  readonly index: number;
  readonly device: number;
  readonly rank: number | null;
  readonly host: string | null;
  readonly baseNs: bigint;
  readonly words: readonly string[];
  readonly groups: readonly GroupTrace[];
  /** Starts and ends of collectives, ascending, with the compute time and the exposed communication before each. */
  readonly pointNs: Float64Array;
  readonly computeNs: Float64Array;
  readonly exposedNs: Float64Array;
  /** Null when no steps were found. */
  readonly steps: StepTimes | null;
  readonly work: Work;
  readonly links: readonly LinkSum[];
}

const separator = '\u0000';
/** `hcom_allReduce__428_17_1`: the tag of the group, and the counter. */
const numbered = /__(\d+)_(\d+)(?:_\d+)*(?:@|$)/;

/** Sweeps a set of intervals beside ascending instants: length of the set before each. */
function before(set: Intervals, instants: Float64Array): Float64Array {
  const out = new Float64Array(instants.length);
  let i = 0;
  let sum = 0;
  for (let k = 0; k < instants.length; k += 1) {
    const at = instants[k] ?? 0;
    while (i < set.length && (set[i + 1] ?? 0) <= at) {
      sum += (set[i + 1] ?? 0) - (set[i] ?? 0);
      i += 2;
    }
    out[k] = sum + Math.max(0, i < set.length ? at - (set[i] ?? 0) : 0);
  }
  return out;
}

/** What is known of a device already. Null parts: it does not have them. */
export interface Known {
  readonly labels: Labels;
  readonly window: DeviceWindow | null;
  readonly steps: Steps | null;
  readonly kinds: StepKinds | null;
}

/** What one device of a profile says to the comparison of ranks. Linear in its rows (sorting its collectives aside). */
export function rankExtract(profile: Profile, index: number, { labels, window, steps, kinds }: Known): RankExtract {
  const device = profile.devices[index];
  const { tasks } = profile;
  const [from, to] = deviceRange(tasks.device, index);
  const [kernels, helpers] = [window?.compute ?? none, uniteClass(tasks, from, to, taskClass.aicpu)];
  const compute = helpers.length === 0 ? kernels : merge(kernels, helpers);
  const exposed = subtract(window?.communication ?? none, compute);
  const links = linkSums(profile, index);
  const { groups, words } = groupTraces(profile, index, links.self);
  const points: number[] = [];
  for (const group of groups) {
    for (const at of group.startNs) points.push(at);
    for (const at of group.endNs) points.push(at);
  }
  const pointNs = Float64Array.from(points).sort();
  const times = steps === null ? null : { startNs: steps.startNs, endNs: steps.endNs };
  return {
    index,
    device: device?.id ?? index,
    rank: device?.rank ?? null,
    host: device?.host ?? null,
    baseNs: profile.baseNs,
    words,
    groups,
    pointNs,
    computeNs: before(compute, pointNs),
    exposedNs: before(exposed, pointNs),
    steps: times,
    work: workOf(profile, index, labels, times?.startNs ?? null, kinds?.kind ?? []),
    links: links.sums,
  };
}

/** The same extract with times that count from another base: ranks read from captures of their own. */
export function rebased(extract: RankExtract, baseNs: bigint): RankExtract {
  const shift = Number(extract.baseNs - baseNs);
  if (shift === 0) return extract;
  const moved = (times: Float64Array): Float64Array => times.map((t) => t + shift);
  return {
    ...extract,
    baseNs,
    groups: extract.groups.map((g) => ({ ...g, startNs: moved(g.startNs), endNs: moved(g.endNs) })),
    pointNs: moved(extract.pointNs),
    steps: extract.steps === null ? null : { startNs: moved(extract.steps.startNs), endNs: moved(extract.steps.endNs) },
    work: { ...extract.work, startNs: moved(extract.work.startNs) },
  };
}

function groupTraces(profile: Profile, index: number, self: ReadonlyMap<number, number>): { groups: GroupTrace[]; words: string[] } {
  const { commOps, strings } = profile;
  const words: string[] = [];
  if (commOps === null) return { groups: [], words };
  const ids = new Map<string, number>();
  const byGroup = new Map<string, { rows: number[]; id: number }>();
  const fits = new Map<number, boolean>();
  const [from, to] = deviceRange(commOps.device, index);
  const numbers = (row: number): RegExpExecArray | null => numbered.exec(strings.get(commOps.name[row] ?? 0));
  for (let row = from; row < to; row += 1) {
    const type = commOps.opType[row] ?? 0;
    let fit = fits.get(type);
    if (fit === undefined) fits.set(type, (fit = symmetric.test(strings.get(type))));
    if (!fit || !((commOps.durationNs[row] ?? Number.NaN) >= 0)) continue;
    const id = commOps.group[row] ?? 0;
    // Exports without group names still carry the group's tag in the operation's name.
    const name = id > 0 ? strings.get(id) : `#${numbers(row)?.[1] ?? ''}`;
    const known = byGroup.get(name);
    if (known === undefined) byGroup.set(name, { rows: [row], id });
    else known.rows.push(row);
  }
  const groups = [...byGroup].map(([name, { rows, id: group }]): GroupTrace => {
    const word = Int32Array.from(rows, (row) => {
      const count = commOps.count[row] ?? Number.NaN;
      const text = [strings.get(commOps.opType[row] ?? 0), Number.isNaN(count) ? '' : String(count), strings.get(commOps.dataType[row] ?? 0)].join(separator);
      let id = ids.get(text);
      if (id === undefined) ids.set(text, (id = words.push(text) - 1));
      return id;
    });
    const sizes = rows.map((row) => commOps.rankSize[row] ?? Number.NaN).filter((n) => n > 0);
    return {
      name,
      size: sizes.length > 0 ? Math.max(sizes[0] ?? 0, sizes.at(-1) ?? 0) : null,
      self: self.get(group) ?? null,
      startNs: Float64Array.from(rows, (row) => commOps.startNs[row] ?? 0),
      endNs: Float64Array.from(rows, (row) => (commOps.startNs[row] ?? 0) + (commOps.durationNs[row] ?? 0)),
      word,
      counter: Int32Array.from(rows, (row) => Number(numbers(row)?.[2] ?? -1)),
    };
  });
  return { groups: groups.sort((a, b) => byText(a.name, b.name)), words };
}
