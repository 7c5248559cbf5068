import type { Profile } from '../profile.js';
import { boundaryStarts, Gaps, graphCuts, markerCuts, samplerCuts } from './stepsCuts.js';
import { kernelsOf, type Kernels, type Labels } from './stepsLabels.js';
import { rules } from './stepsRules.js';
import { MainStream, periodOf } from './stepsPeriod.js';

export type StepMethod = 'markers' | 'anchors' | 'periodicity';
export type Confidence = 'high' | 'medium' | 'low';

/** Why a device has no steps. */
export type NoSteps = 'no-kernels' | 'boundary-not-found' | 'no-pattern';

/** The steps of one device: scheduler iterations of the engine, each one forward pass (and its drafts) with its sampling. */
export interface Steps {
  readonly device: number;
  readonly method: StepMethod;
  readonly confidence: Confidence;
  /** Op that ends a step and op that begins the next, most often; foreign text. Null with fewer than two steps. */
  readonly boundary: readonly [string, string] | null;
  /** Offset of each step's first kernel, ns. */
  readonly startNs: Float64Array;
  /** Start of the next step, or the end of what the device ran. */
  readonly endNs: Float64Array;
  /** 1 where the capture holds the whole step and the start of the next one: only these have a period. */
  readonly whole: Uint8Array;
  /** Kernels of step i are `[kernelFrom[i], kernelTo[i])` of {@link kernels}. */
  readonly kernelFrom: Int32Array;
  readonly kernelTo: Int32Array;
  readonly kernels: Kernels;
}

export type StepsResult = { readonly steps: Steps; readonly reason: null } | { readonly steps: null; readonly reason: NoSteps };

/** A boundary as given: `ArgMaxV2->GatherV2`. Null when it is not two names around an arrow. */
export function parseBoundary(text: string): readonly [string, string] | null {
  const parts = text.split(/->|→/).map((p) => p.trim());
  const [a = '', b = ''] = parts;
  return parts.length === 2 && a !== '' && b !== '' ? [a, b] : null;
}

/** The value in the middle of the sorted ones, of an even number the upper; 0 of none. */
function median(values: ArrayLike<number>): number {
  return Float64Array.from(values).sort()[Math.floor(values.length / 2)] ?? 0;
}

/** The label most steps begin with, or `back` kernels before that; of equals the first that was made. */
function usual(positions: Int32Array, kernels: Kernels, back = 0): number {
  const counts = new Int32Array(kernels.sampler.length);
  for (const p of positions) {
    if (p < back || p - back >= kernels.length) continue;
    const label = kernels.label(p - back);
    counts[label] = (counts[label] ?? 0) + 1;
  }
  return Math.max(0, counts.indexOf(counts.reduce((most, count) => Math.max(most, count), 1)));
}

/** Cuts again where a sampler was dropped: inside sections twice as long as usual, at the op steps begin with, if it begins nothing else. */
function mended(cuts: Int32Array, kernels: Kernels): Int32Array {
  const inside = cuts.filter((c) => c > 0 && c < kernels.length);
  const edges = new Int32Array(inside.length + 2);
  edges.set(inside, 1);
  edges[inside.length + 1] = kernels.length;
  const sizes = sizesOf(edges.subarray(0, -1), kernels.length);
  const size = median(sizes.length > 2 ? sizes.subarray(1, -1) : sizes);
  const begin = usual(cuts, kernels);
  const more: number[] = [];
  for (let i = 0; i < sizes.length && cuts.length >= 3; i += 1) {
    const [edge, length] = [edges[i] ?? 0, sizes[i] ?? 0];
    if (length < size * rules.doubled) continue;
    const inner: number[] = [];
    for (let p = edge + 1; p < edge + length; p += 1) if (kernels.label(p) === begin) inner.push(p);
    if (inner.length > 0 && inner.length <= Math.round(length / size) - 1) more.push(...inner);
  }
  return more.length === 0 ? inside : Int32Array.from([...inside, ...more]).sort();
}

/** Kernels from each position to the next, from the last one to the end. */
function sizesOf(positions: Int32Array, end: number): Int32Array {
  return positions.map((p, i) => (positions[i + 1] ?? end) - p);
}

/** Ascending, each once. */
function ascending(times: Float64Array): Float64Array {
  const sorted = times.every((t, i) => i === 0 || (times[i - 1] ?? 0) <= t) ? times : times.slice().sort();
  return sorted.filter((t, i) => i === 0 || t !== sorted[i - 1]);
}

/** First kernel that starts at each of some ascending instants or later. */
function positionsOf(edges: Float64Array, kernels: Kernels): Int32Array {
  let p = 0;
  return Int32Array.from(edges, (t) => {
    while (p < kernels.length && kernels.startNs(p) < t) p += 1;
    return p;
  });
}

function endOf(kernels: Kernels): number {
  let last = Number.NEGATIVE_INFINITY;
  for (let p = 0; p < kernels.length; p += 1) last = Math.max(last, kernels.endNs(p));
  return last;
}

function assemble(kernels: Kernels, labels: Labels, method: StepMethod, starts: Float64Array, headCounts: boolean): Steps {
  // A run of sections: before the first start, between starts, behind the last one.
  const all = new Float64Array(starts.length + 1);
  all[0] = kernels.startNs(0);
  all.set(starts, 1);
  const edges = ascending(all);
  const positions = positionsOf(edges, kernels);
  const lastEnd = endOf(kernels);
  const sizes = sizesOf(positions, kernels.length);
  const inner = sizes.subarray(1, -1);
  const size = median(inner.length > 0 ? inner : sizes);
  const kept = Uint8Array.from(sizes, (n, i) => ((i > 0 && i < edges.length - 1) || n >= Math.max(1, size * rules.torn) ? 1 : 0));
  // With two sections there is no usual size: what begins with a cut stays.
  if (edges.length === 2 && (sizes[0] ?? 0) < (sizes[1] ?? 0) * rules.torn) kept[0] = 0;
  if (!headCounts && starts.length > 0 && (starts[0] ?? 0) > (edges[0] ?? 0)) kept[0] = 0;
  const chosen = Int32Array.from(kept.keys()).filter((i) => kept[i] === 1);
  const isWhole = (i: number): boolean => i < edges.length - 1 && (i > 0 || (sizes[0] ?? 0) >= size * (1 - rules.sameSize));
  const regular = inner.filter((n) => Math.abs(n - size) <= Math.max(1, size * rules.sameSize)).length / Math.max(1, inner.length);
  const begin = usual(positions.subarray(1), kernels);
  const end = usual(positions.subarray(1), kernels, 1);
  return {
    device: kernels.device,
    method,
    confidence: inner.length < 2 ? 'low' : regular >= rules.regularHigh ? 'high' : regular >= rules.regularMedium ? 'medium' : 'low',
    boundary: positions.length > 1 ? [labels.get(end), labels.get(begin)] : null,
    startNs: Float64Array.from(chosen, (i) => edges[i] ?? 0),
    endNs: Float64Array.from(chosen, (i) => edges[i + 1] ?? lastEnd),
    whole: Uint8Array.from(chosen, (i) => (isWhole(i) ? 1 : 0)),
    kernelFrom: Int32Array.from(chosen, (i) => positions[i] ?? 0),
    kernelTo: Int32Array.from(chosen, (i) => positions[i + 1] ?? kernels.length),
    kernels,
  };
}

/**
 * Finds the steps of a device. In this order: the boundary given; markers, when the host calls link them to kernels and they are as
 * many as the samplers say; samplers; replayed graphs; the period of the kernel sequence. Linear in kernels.
 * `confidence` is high when nine of ten inner steps have the usual number of kernels within 5 %, medium for seven of ten.
 */
export function stepsOf(profile: Profile, device: number, labels: Labels, boundary: readonly [string, string] | null): StepsResult {
  const kernels = kernelsOf(profile, device, labels);
  if (kernels.length === 0) return { steps: null, reason: 'no-kernels' };
  const at = (positions: ArrayLike<number>): Float64Array => Float64Array.from(Int32Array.from(positions).filter((p) => p < kernels.length), (p) => kernels.startNs(p));
  if (boundary !== null) {
    const starts = boundaryStarts(profile, device, boundary[0], boundary[1]);
    if (starts.length === 0) return { steps: null, reason: 'boundary-not-found' };
    return { steps: { ...assemble(kernels, labels, 'anchors', Float64Array.from(starts), true), boundary }, reason: null };
  }
  const gaps = new Gaps(kernels);
  const anchors = samplerCuts(kernels, labels, gaps);
  const marks = markerCuts(profile, kernels);
  // A marker over several steps (a request, a warm-up) is not a step.
  if (marks !== null && (anchors.length === 0 || (marks.linked && anchors.length < marks.cuts.length * rules.stepsPerMarker))) {
    return { steps: assemble(kernels, labels, 'markers', at(marks.cuts), false), reason: null };
  }
  if (anchors.length >= 2) return { steps: assemble(kernels, labels, 'anchors', at(mended(Int32Array.from(anchors), kernels)), true), reason: null };
  const main = new MainStream(kernels);
  const period = periodOf(main.labels(), (i) => gaps.before(main.position(i)));
  const graphs = graphCuts(profile, kernels);
  if (graphs !== null && (period === null || Math.abs(period.kernels - graphs.kernels) <= graphs.kernels * rules.graphPeriod)) {
    return { steps: assemble(kernels, labels, 'anchors', at(graphs.cuts), true), reason: null };
  }
  if (period !== null) {
    const found = assemble(kernels, labels, 'periodicity', at(mended(period.starts.map((i) => main.position(i)), kernels)), true);
    return { steps: { ...found, confidence: found.confidence === 'high' && period.fit < rules.fitHigh ? 'medium' : found.confidence }, reason: null };
  }
  // One sampler is the end of one step.
  if (anchors.length === 1) return { steps: assemble(kernels, labels, 'anchors', at(anchors), true), reason: null };
  return { steps: null, reason: 'no-pattern' };
}
