import type { Profile } from '../profile.js';
import { isLaunch } from './launchLatency.js';
import { rowsOf } from './numbers.js';
import { rules } from './stepsRules.js';
import { isRejection, type Kernels, type Labels } from './stepsLabels.js';

/** Kernels between two marks of {@link Gaps}: a question out of order walks at most as many. */
const markEvery = 64;

/** Idle time before kernels. The longest end so far counts: the gap before a kernel never lies inside a longer one. */
export class Gaps {
  /** Longest end of the kernels before every 64th. */
  readonly #marks: Float64Array;
  /** Longest end of the kernels before `at`: questions mostly come in order. */
  #at = 0;
  #end = Number.NEGATIVE_INFINITY;

  constructor(readonly kernels: Kernels) {
    this.#marks = new Float64Array(Math.ceil(kernels.length / markEvery));
    let end = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < kernels.length; i += 1) {
      if (i % markEvery === 0) this.#marks[i / markEvery] = end;
      end = Math.max(end, kernels.endNs(i));
    }
  }

  /** ns; 0 for the first kernel. */
  before(position: number): number {
    if (position <= 0 || position >= this.kernels.length) return 0;
    if (position < this.#at || position - this.#at > markEvery) {
      const mark = Math.floor(position / markEvery);
      this.#at = mark * markEvery;
      this.#end = this.#marks[mark] ?? Number.NEGATIVE_INFINITY;
    }
    for (; this.#at < position; this.#at += 1) this.#end = Math.max(this.#end, this.kernels.endNs(this.#at));
    return Math.max(0, this.kernels.startNs(position) - this.#end);
  }
}

/** A group of sampler kernels: the end of a forward pass. */
interface Group {
  /** Position of its last kernel; of a group that verifies drafts, of the last kernel that does. */
  readonly end: number;
  /** Kernels from the group before to its end. */
  readonly size: number;
  /** It verifies drafted tokens. */
  readonly verifies: boolean;
}

/** Groups of sampler kernels; a forward pass (a heavy kernel) parts two of them. */
function samplerGroups(kernels: Kernels, labels: Labels): Group[] {
  const rejections = Uint8Array.from(kernels.sampler, (flag, id) => (flag === 1 && isRejection(labels.get(id)) ? 1 : 0));
  const groups: Group[] = [];
  let [last, verified, before] = [-1, -1, -1];
  const close = (): void => {
    if (last < 0) return;
    const end = verified >= 0 ? verified : last;
    groups.push({ end, size: end - before, verifies: verified >= 0 });
    [last, verified, before] = [-1, -1, last];
  };
  for (let i = 0; i < kernels.length; i += 1) {
    const label = kernels.label(i);
    if (kernels.sampler[label] === 1) {
      last = i;
      if (rejections[label] === 1) verified = i;
    } else if (last >= 0 && kernels.heavy[label] === 1) close();
  }
  close();
  return groups;
}

/**
 * Last position of each group of sampler kernels that ends a step. Where drafts are verified, one that verifies does, and one behind a pass
 * of the whole model: a prompt has no drafts to verify.
 */
function samplerEnds(kernels: Kernels, labels: Labels): number[] {
  const groups = samplerGroups(kernels, labels);
  const sizes = groups.flatMap((g) => (g.verifies ? [g.size] : [])).sort((a, b) => a - b);
  const whole = sizes.length >= 2 ? (sizes[Math.floor(sizes.length / 2)] ?? 0) : 0;
  return groups.filter((g) => g.verifies || g.size >= whole * rules.wholeModel).map((g) => g.end);
}

/**
 * Where steps begin by their samplers: behind the last sampler kernel, or behind the few kernels that follow it when the idle time
 * lies there. Positions in `kernels`; the step of the last sampler may have no successor.
 */
export function samplerCuts(kernels: Kernels, labels: Labels, gaps: Gaps): number[] {
  const groups = samplerEnds(kernels, labels);
  const sum = new Float64Array(rules.tailKernels + 1);
  const count = new Float64Array(rules.tailKernels + 1);
  for (const at of groups) {
    for (let o = 1; o <= rules.tailKernels && at + o < kernels.length; o += 1) {
      sum[o] = (sum[o] ?? 0) + gaps.before(at + o);
      count[o] = (count[o] ?? 0) + 1;
      if (kernels.heavy[kernels.label(at + o)] === 1) break;
    }
  }
  const mean = (o: number): number => ((count[o] ?? 0) >= groups.length * rules.offsetSeen ? (sum[o] ?? 0) / (count[o] ?? 1) : 0);
  let offset = 1;
  for (let o = 2; o <= rules.tailKernels; o += 1) if (mean(o) > rules.longerIdle * mean(offset) + rules.longerIdleNs) offset = o;
  return mergedDrafts(groups, kernels).map((at) => Math.min(at + offset, kernels.length));
}

/** Drafts of speculative decoding are short passes that follow a long one, always as many: they belong to its step. */
function mergedDrafts(groups: readonly number[], kernels: Kernels): readonly number[] {
  const sizes = groups.map((at, i) => at - (groups[i - 1] ?? -1));
  const whole = [...sizes].sort((a, b) => a - b)[Math.floor(sizes.length * rules.wholePass)] ?? 0;
  const long = sizes.map((n) => n > whole * rules.draftPass);
  const runs = new Map<number, number>();
  let drafts = 0;
  let seen = false;
  for (const isLong of [...long, true]) {
    if (!isLong) drafts += 1;
    else {
      if (seen) runs.set(drafts, (runs.get(drafts) ?? 0) + 1);
      seen = true;
      drafts = 0;
    }
  }
  const [usual = 0, times = 0] = [...runs].sort((a, b) => b[1] - a[1])[0] ?? [];
  const total = [...runs.values()].reduce((a, b) => a + b, 0);
  if (usual === 0 || total < rules.draftRuns || times < total * rules.draftsAlike) return groups;
  // A group closes its step when the next one is long: the drafts before it are done.
  return groups.filter((at, i) => long[i + 1] !== false || at >= kernels.length - 1);
}

/** Where replayed graphs begin: runs of kernels of one launch. Null when graphs hold less than half of the kernels. */
export function graphCuts(profile: Profile, kernels: Kernels): { cuts: number[]; kernels: number } | null {
  const { connection } = profile.tasks;
  const cuts: number[] = [];
  const sizes: number[] = [];
  let inside = 0;
  for (let i = 0; i < kernels.length; ) {
    const id = connection[kernels.row(i)] ?? -1;
    let next = i + 1;
    while (next < kernels.length && id >= 0 && connection[kernels.row(next)] === id) next += 1;
    if (next - i >= rules.graphKernels) {
      cuts.push(i);
      sizes.push(next - i);
      inside += next - i;
    }
    i = next;
  }
  if (cuts.length < 2 || inside < kernels.length * rules.graphMajority) return null;
  return { cuts, kernels: sizes.sort((a, b) => a - b)[Math.floor(sizes.length / 2)] ?? 0 };
}

/** Where steps begin by markers: at the first kernel launched (or, without a link, started) under each marker. */
export function markerCuts(profile: Profile, kernels: Kernels): { cuts: number[]; linked: boolean } | null {
  const capture = profile.devices[kernels.device]?.capture ?? 0;
  const own = profile.markers.filter((m) => (m.capture ?? 0) === capture && m.endNs > m.startNs);
  const families = new Map<string, number[]>();
  for (const marker of own) {
    const family = marker.name.replace(/\d+/g, '#');
    if (!/step|iter|decode|execute|forward/i.test(family)) continue;
    const starts = families.get(family) ?? [];
    starts.push(marker.startNs);
    families.set(family, starts);
  }
  const rank = (family: string): number => (family.startsWith('ProfilerStep') ? 0 : /step|iter/i.test(family) ? 1 : 2);
  const [chosen] = [...families].filter(([, starts]) => starts.length >= 2).sort((a, b) => rank(a[0]) - rank(b[0]) || b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1));
  if (chosen === undefined) return null;
  const starts = Float64Array.from(chosen[1]).sort();
  const launched = launchTimes(profile);
  const cuts: number[] = [];
  let linked = 0;
  let marker = -1;
  for (let i = 0; i < kernels.length; i += 1) {
    const launch = launched.get(profile.tasks.connection[kernels.row(i)] ?? -1);
    if (launch !== undefined) linked += 1;
    const at = launch ?? kernels.startNs(i);
    let next = marker;
    while (next + 1 < starts.length && (starts[next + 1] ?? Infinity) <= at) next += 1;
    if (next > marker) cuts.push(i);
    marker = next;
  }
  return cuts.length === 0 ? null : { cuts, linked: linked >= kernels.length * rules.linked };
}

function launchTimes(profile: Profile): Map<number, number> {
  const { apis, strings } = profile;
  const times = new Map<number, number>();
  if (apis === null) return times;
  for (let row = 0; row < apis.length; row += 1) {
    const connection = apis.connection[row] ?? -1;
    if (connection >= 0 && !times.has(connection) && isLaunch(strings.get(apis.level[row] ?? 0), strings.get(apis.name[row] ?? 0))) times.set(connection, apis.startNs[row] ?? Number.NaN);
  }
  return times;
}

/**
 * Starts (ns) of every B that is the first after an A, over all device tasks and collectives of the device, however long the way
 * between them. A and B are op types, op names or task types; a text that is none of them exactly is looked for inside them.
 */
export function boundaryStarts(profile: Profile, device: number, a: string, b: string): number[] {
  const { tasks, commOps, strings } = profile;
  const [from, to] = rowsOf(tasks.device, tasks.length, device);
  const [firstOp, endOp] = commOps === null ? [0, 0] : rowsOf(commOps.device, commOps.length, device);
  const { operators } = tasks;
  const ofTask = (ids: Uint8Array, row: number): boolean => {
    const operator = tasks.operator[row] ?? 0;
    return ids[operators.opType[operator] ?? 0] === 1 || ids[tasks.name[row] ?? 0] === 1 || ids[operators.taskType[operator] ?? 0] === 1;
  };
  const ofOp = (ids: Uint8Array, row: number): boolean => commOps !== null && (ids[commOps.opType[row] ?? 0] === 1 || ids[commOps.name[row] ?? 0] === 1);
  const find = (wanted: string): Uint8Array => {
    const text = wanted.toLowerCase();
    const exact = Uint8Array.from({ length: strings.size }, (_, id) => (strings.get(id).toLowerCase() === text ? 1 : 0));
    for (let row = from; row < to; row += 1) if (ofTask(exact, row)) return exact;
    for (let row = firstOp; row < endOp; row += 1) if (ofOp(exact, row)) return exact;
    return Uint8Array.from({ length: strings.size }, (_, id) => (strings.get(id).toLowerCase().includes(text) ? 1 : 0));
  };
  const [isA, isB] = [find(a), find(b)];
  const starts: number[] = [];
  let armed = false;
  let task = from;
  let op = firstOp;
  while (task < to || op < endOp) {
    const taskAt = task < to ? (tasks.startNs[task] ?? Infinity) : Infinity;
    const opAt = op < endOp ? (commOps?.startNs[op] ?? Infinity) : Infinity;
    const isTask = task < to && (taskAt <= opAt || op >= endOp);
    const at = isTask ? taskAt : opAt;
    if (armed && (isTask ? ofTask(isB, task) : ofOp(isB, op))) {
      starts.push(at);
      armed = false;
    }
    if (isTask ? ofTask(isA, task) : ofOp(isA, op)) armed = true;
    if (isTask) task += 1;
    else op += 1;
  }
  return starts;
}
