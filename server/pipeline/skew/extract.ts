import { deviceRange, taskClass, type Profile } from '../../profiles/profile.js';
import { subtract, unite, type Intervals } from '../../profiles/derived/intervals.js';
import { communicationOf } from '../../profiles/derived/window.js';
import { symmetric } from './thresholds.js';

/** Matchable collectives of one rank in one group, by start. */
export interface GroupTrace {
  readonly name: string;
  /** Ranks the group says it has; null when not known. */
  readonly size: number | null;
  /** The rank's own number in the group, as its transfers say; null when not known. */
  readonly localRank: number | null;
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  /** What the collective is, without its counter: op type, element count, data type. Index into `RankExtract.words`. */
  readonly word: Int32Array;
  /** Counter of the operation name (`…__tag_N_…`); −1 when it has none. */
  readonly counter: Int32Array;
}

/** Kernels of one op type and shape, summed in chunks of time. */
export interface KernelSum {
  readonly opType: string;
  readonly shape: string;
  readonly ns: Float64Array;
  readonly count: Int32Array;
}

export interface LinkSum {
  readonly group: string;
  readonly link: string;
  readonly src: number;
  readonly dst: number;
  bytes: number;
  ns: number;
  count: number;
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
  /** Edges of the chunks of kernel time; one more than there are chunks. */
  readonly chunkNs: Float64Array;
  readonly kernels: readonly KernelSum[];
  /** Null when the capture holds no sub-tasks of collectives. */
  readonly links: readonly LinkSum[] | null;
}

const chunks = 64;
const separator = '\u0000';

/** The counter in `hcom_allReduce__428_17_1`, and the tag of its group. */
function named(name: string): { tag: string; counter: number } {
  const match = /__(\d+)_(\d+)(?:_\d+)*(?:@|$)/.exec(name);
  return match === null ? { tag: '', counter: -1 } : { tag: match[1] ?? '', counter: Number(match[2]) };
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
  const locals = localRanks(profile, index);
  const { groups, words } = groupTraces(profile, index, locals);
  const points: number[] = [];
  for (const group of groups) {
    for (const at of group.startNs) points.push(at);
    for (const at of group.endNs) points.push(at);
  }
  const pointNs = Float64Array.from(points).sort();
  const chunkNs = edges(pointNs);
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
    chunkNs,
    kernels: kernelSums(profile, index, chunkNs),
    links: linkSums(profile, index),
  };
}

function edges(pointNs: Float64Array): Float64Array {
  const count = Math.max(1, Math.min(chunks, Math.floor(pointNs.length / 2)));
  if (pointNs.length === 0) return new Float64Array(0);
  return Float64Array.from(
    { length: count + 1 },
    (_, i) => pointNs[Math.min(pointNs.length - 1, Math.round((i * (pointNs.length - 1)) / count))] ?? 0,
  );
}

/** The rank's own number in each of its groups: the source most of its transfers have. */
function localRanks(profile: Profile, index: number): ReadonlyMap<number, number> {
  const { commTasks } = profile;
  const found = new Map<number, number>();
  if (commTasks === null) return found;
  const votes = new Map<number, Map<number, number>>();
  const [from, to] = deviceRange(commTasks.device, index);
  for (let row = from; row < to; row += 1) {
    const src = commTasks.srcRank[row] ?? Number.NaN;
    if (!(src >= 0)) continue;
    const group = commTasks.group[row] ?? 0;
    const own = votes.get(group) ?? new Map<number, number>();
    votes.set(group, own);
    own.set(src, (own.get(src) ?? 0) + 1);
  }
  for (const [group, own] of votes) {
    const best = [...own].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0];
    if (best !== undefined) found.set(group, best[0]);
  }
  return found;
}

function groupTraces(
  profile: Profile,
  index: number,
  locals: ReadonlyMap<number, number>,
): { groups: GroupTrace[]; words: string[] } {
  const { commOps, strings } = profile;
  const words: string[] = [];
  if (commOps === null) return { groups: [], words };
  const ids = new Map<string, number>();
  const byGroup = new Map<string, { rows: number[]; group: number }>();
  const parsed = new Map<number, { tag: string; counter: number }>();
  const partOf = (name: number): { tag: string; counter: number } => {
    const known = parsed.get(name);
    if (known !== undefined) return known;
    const fresh = named(strings.get(name));
    parsed.set(name, fresh);
    return fresh;
  };
  const fits = new Map<number, boolean>();
  const [from, to] = deviceRange(commOps.device, index);
  for (let row = from; row < to; row += 1) {
    const type = commOps.opType[row] ?? 0;
    let fit = fits.get(type);
    if (fit === undefined) fits.set(type, (fit = symmetric.test(strings.get(type))));
    if (!fit || !((commOps.durationNs[row] ?? Number.NaN) >= 0)) continue;
    const group = commOps.group[row] ?? 0;
    // Exports without group names still carry the group's tag in the operation's name.
    const name = group > 0 ? strings.get(group) : `#${partOf(commOps.name[row] ?? 0).tag}`;
    const known = byGroup.get(name);
    if (known === undefined) byGroup.set(name, { rows: [row], group });
    else known.rows.push(row);
  }
  const groups = [...byGroup].map(([name, { rows, group }]): GroupTrace => {
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
      localRank: locals.get(group) ?? null,
      startNs: Float64Array.from(rows, (row) => commOps.startNs[row] ?? 0),
      endNs: Float64Array.from(rows, (row) => (commOps.startNs[row] ?? 0) + (commOps.durationNs[row] ?? 0)),
      word,
      counter: Int32Array.from(rows, (row) => partOf(commOps.name[row] ?? 0).counter),
    };
  });
  return { groups: groups.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)), words };
}

function kernelSums(profile: Profile, index: number, chunkNs: Float64Array): KernelSum[] {
  const { tasks, strings } = profile;
  const count = Math.max(0, chunkNs.length - 1);
  const sums = new Map<number, Map<number, KernelSum>>();
  const [from, to] = deviceRange(tasks.device, index);
  let chunk = 0;
  for (let row = from; row < to; row += 1) {
    const kind = tasks.class[row];
    if (kind !== taskClass.compute && kind !== taskClass.aicpu) continue;
    const start = tasks.startNs[row] ?? 0;
    if (start < (chunkNs[0] ?? Number.POSITIVE_INFINITY)) continue;
    while (chunk < count && start >= (chunkNs[chunk + 1] ?? 0)) chunk += 1;
    if (chunk >= count) break;
    const type = tasks.opType[row] ?? 0;
    const shape = tasks.inputShapes[row] ?? 0;
    let shapes = sums.get(type);
    if (shapes === undefined) sums.set(type, (shapes = new Map<number, KernelSum>()));
    let sum = shapes.get(shape);
    if (sum === undefined) {
      sum = {
        opType: strings.get(type),
        shape: strings.get(shape),
        ns: new Float64Array(count),
        count: new Int32Array(count),
      };
      shapes.set(shape, sum);
    }
    sum.ns[chunk] = (sum.ns[chunk] ?? 0) + (tasks.durationNs[row] ?? 0);
    sum.count[chunk] = (sum.count[chunk] ?? 0) + 1;
  }
  return [...sums.values()].flatMap((shapes) => [...shapes.values()]);
}

/** Payload between chips by group, kind of link and pair; null when the capture holds no sub-tasks. */
function linkSums(profile: Profile, index: number): LinkSum[] | null {
  const { commTasks, strings } = profile;
  if (commTasks === null || commTasks.length === 0) return null;
  const sums = new Map<string, LinkSum>();
  const [from, to] = deviceRange(commTasks.device, index);
  for (let row = from; row < to; row += 1) {
    const bytes = commTasks.bytes[row] ?? Number.NaN;
    const ns = commTasks.durationNs[row] ?? 0;
    const src = commTasks.srcRank[row] ?? Number.NaN;
    const dst = commTasks.dstRank[row] ?? Number.NaN;
    const link = strings.get(commTasks.link[row] ?? 0);
    if (!(bytes > 0) || !(ns > 0) || !(src >= 0) || !(dst >= 0) || src === dst || link === '' || link === 'ON_CHIP')
      continue;
    const group = commTasks.group[row] ?? 0;
    const key = `${group} ${link} ${src} ${dst}`;
    let sum = sums.get(key);
    if (sum === undefined)
      sums.set(key, (sum = { group: strings.get(group), link, src, dst, bytes: 0, ns: 0, count: 0 }));
    sum.bytes += bytes;
    sum.ns += ns;
    sum.count += 1;
  }
  return [...sums.values()];
}
