import { deviceRange, taskClass, type Profile } from '../../profiles/profile.js';
import { subtract, unite, type Intervals } from '../../profiles/derived/intervals.js';
import { communicationOf } from '../../profiles/derived/window.js';
import { symmetric } from './thresholds.js';

/** Matchable collectives of one rank in one group, by start. */
export interface GroupTrace {
  readonly name: string;
  /** Ranks the group says it has; null when not known. */
  readonly size: number | null;
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  /** What the collective is, without its counter: op type, element count, data type. Index into `RankExtract.words`. */
  readonly word: Int32Array;
}

/** All of one rank that the comparison needs: some hundred kB, whatever the size of the capture. Times count from `baseNs`. */
export interface RankExtract {
  /** Index into the devices of the profile it was made from. */
  readonly index: number;
  readonly device: number;
  readonly rank: number | null;
  readonly host: string | null;
  readonly capture: number;
  readonly baseNs: bigint;
  readonly words: readonly string[];
  readonly groups: readonly GroupTrace[];
  /** Starts and ends of collectives, ascending, with the compute time and the exposed communication before each. */
  readonly pointNs: Float64Array;
  readonly computeNs: Float64Array;
  readonly exposedNs: Float64Array;
}

const separator = '\u0000';

/** The tag of the group in `hcom_allReduce__428_17_1`: 428. */
function tagOf(name: string): string {
  return /__(\d+)_\d+(?:_\d+)*(?:@|$)/.exec(name)?.[1] ?? '';
}

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

/** What one device of a profile says to the comparison of ranks. Linear in its rows (sorting its collectives aside). */
export function rankExtract(profile: Profile, index: number): RankExtract {
  const device = profile.devices[index];
  const { tasks } = profile;
  const [from, to] = deviceRange(tasks.device, index);
  const compute = unite(
    tasks,
    from,
    to,
    (row) => tasks.class[row] === taskClass.compute || tasks.class[row] === taskClass.aicpu,
  );
  const communication = communicationOf(profile, index);
  const exposed = subtract(communication, compute);
  const { groups, words } = groupTraces(profile, index);
  const points: number[] = [];
  for (const group of groups) {
    for (const at of group.startNs) points.push(at);
    for (const at of group.endNs) points.push(at);
  }
  const pointNs = Float64Array.from(points).sort();
  return {
    index,
    device: device?.id ?? index,
    rank: device?.rank ?? null,
    host: device?.host ?? null,
    capture: device?.capture ?? 0,
    baseNs: profile.baseNs,
    words,
    groups,
    pointNs,
    computeNs: before(compute, pointNs),
    exposedNs: before(exposed, pointNs),
  };
}

function groupTraces(profile: Profile, index: number): { groups: GroupTrace[]; words: string[] } {
  const { commOps, strings } = profile;
  const words: string[] = [];
  if (commOps === null) return { groups: [], words };
  const ids = new Map<string, number>();
  const byGroup = new Map<string, number[]>();
  const fits = new Map<number, boolean>();
  const [from, to] = deviceRange(commOps.device, index);
  for (let row = from; row < to; row += 1) {
    const type = commOps.opType[row] ?? 0;
    let fit = fits.get(type);
    if (fit === undefined) fits.set(type, (fit = symmetric.test(strings.get(type))));
    if (!fit || !((commOps.durationNs[row] ?? Number.NaN) >= 0)) continue;
    const group = commOps.group[row] ?? 0;
    // Exports without group names still carry the group's tag in the operation's name.
    const name = group > 0 ? strings.get(group) : `#${tagOf(strings.get(commOps.name[row] ?? 0))}`;
    const known = byGroup.get(name);
    if (known === undefined) byGroup.set(name, [row]);
    else known.push(row);
  }
  const groups = [...byGroup].map(([name, rows]): GroupTrace => {
    const word = Int32Array.from(rows, (row) => {
      const count = commOps.count[row] ?? Number.NaN;
      const text = [
        strings.get(commOps.opType[row] ?? 0),
        Number.isNaN(count) ? '' : String(count),
        strings.get(commOps.dataType[row] ?? 0),
      ].join(separator);
      let id = ids.get(text);
      if (id === undefined) {
        id = words.push(text) - 1;
        ids.set(text, id);
      }
      return id;
    });
    const sizes = rows.map((row) => commOps.rankSize[row] ?? Number.NaN).filter((n) => n > 0);
    return {
      name,
      size: sizes.length > 0 ? Math.max(sizes[0] ?? 0, sizes.at(-1) ?? 0) : null,
      startNs: Float64Array.from(rows, (row) => commOps.startNs[row] ?? 0),
      endNs: Float64Array.from(rows, (row) => (commOps.startNs[row] ?? 0) + (commOps.durationNs[row] ?? 0)),
      word,
    };
  });
  return { groups: groups.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)), words };
}
