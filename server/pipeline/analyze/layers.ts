import type { Layers, LayerRow } from '../../contract/index.js';
import { nearestRank, round, us } from '../../profiles/derived/numbers.js';
import type { StepKind, StepKinds } from '../../profiles/derived/stages.js';
import type { Steps } from '../../profiles/derived/steps.js';
import { isHeavy, type Labels } from '../../profiles/derived/stepsLabels.js';
import { periodOf } from '../../profiles/derived/stepsPeriod.js';
import { rules } from '../../profiles/derived/stepsRules.js';
import { limits, thresholds } from '../thresholds.js';

const separator = '\u0000';

/** Positions (in `steps.kernels`) of the main stream's kernels of one step. */
function mainOf(steps: Steps, step: number): number[] {
  const out: number[] = [];
  for (let p = steps.kernelFrom[step] ?? 0; p < (steps.kernelTo[step] ?? 0); p += 1) if (steps.kernels.onMain(p)) out.push(p);
  return out;
}

/** Steps of the kind and kernel sequence that most steps have; of equals the first. Compared by hash, then kernel by kernel. */
function alike(steps: Steps, kinds: StepKinds): { stage: StepKind; members: number[][] } | null {
  const groups = new Map<string, { stage: StepKind; members: number[][] }>();
  for (const [i, stage] of kinds.kind.entries()) {
    const positions = mainOf(steps, i);
    let hash = 0x811c9dc5 | 0;
    for (const p of positions) hash = Math.imul(hash ^ steps.kernels.label(p), 0x01000193) ^ (hash >>> 13);
    const key = `${stage ?? ''}/${positions.length}/${hash}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { stage, members: [positions] });
    else known.members.push(positions);
  }
  let best: { stage: StepKind; members: number[][] } | null = null;
  for (const group of groups.values()) if (best === null || group.members.length > best.members.length) best = group;
  return best;
}

/** Positions of the label that comes once a period at regular distances: the one that comes most often, of equals a heavy op, then the first. */
function anchorsOf(labels: Int32Array, period: number, names: Labels): number[] | null {
  const positions = new Map<number, number[]>();
  for (const [i, label] of labels.entries()) {
    const own = positions.get(label);
    if (own === undefined) positions.set(label, [i]);
    else own.push(i);
  }
  let best: { at: number[]; heavy: boolean } | null = null;
  for (const [label, at] of positions) {
    if (at.length < 2) continue;
    const regular = at.slice(1).filter((p, i) => Math.abs(p - (at[i] ?? 0) - period) <= Math.max(rules.slipKernels, period * rules.slip)).length;
    if (regular < (at.length - 1) * thresholds.regularLayers.value) continue;
    const heavy = isHeavy(names.get(label));
    if (best === null || at.length > best.at.length || (at.length === best.at.length && heavy && !best.heavy)) best = { at, heavy };
  }
  return best?.at ?? null;
}

/**
 * Where layers start: as far before each anchor as the first layer's ops are those of the second; a kernel more or less on the way there moves
 * the start to the same op nearby.
 */
function startsOf(labels: Int32Array, anchors: readonly number[], period: number): number[] {
  const [first = 0, second = 0] = anchors;
  let back = 0;
  while (back + 1 < period && first - back - 1 >= 0 && labels[first - back - 1] === labels[second - back - 1]) back += 1;
  const begin = labels[first - back];
  return anchors.map((anchor) => {
    for (let away = 0; away <= rules.slipKernels; away += 1) for (const at of [anchor - back - away, anchor - back + away]) if (at <= anchor && labels[at] === begin) return at;
    return anchor - back;
  });
}

/**
 * The repeated pattern inside the steps that are alike, and each layer's time as the median over them. A layer lasts from its first
 * kernel's start to that of the next layer's. Null when a step holds no pattern twice.
 */
export function layersOf(steps: Steps, kinds: StepKinds, labels: Labels): Omit<Layers, 'device' | 'rank'> | null {
  const group = alike(steps, kinds);
  const [sample] = group?.members ?? [];
  if (group === null || sample === undefined) return null;
  const { kernels } = steps;
  const sequence = Int32Array.from(sample, (p) => kernels.label(p));
  const period = periodOf(sequence, () => 0);
  const anchors = period === null ? null : anchorsOf(sequence, period.kernels, labels);
  if (period === null || anchors === null) return null;
  const starts = startsOf(sequence, anchors, period.kernels);
  const lastEnd = Math.min((starts.at(-1) ?? 0) + period.kernels, sequence.length);
  const bounds = [...starts, lastEnd];
  const slices = starts.map((from, i) => [...sequence.slice(from, bounds[i + 1])].map((label) => labels.get(label)));
  const counts = new Map<string, number>();
  for (const slice of slices) counts.set(slice.join(separator), (counts.get(slice.join(separator)) ?? 0) + 1);
  const [usual = ''] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [];
  const times = starts.map((from, i) => {
    const to = bounds[i + 1] ?? lastEnd;
    const each = group.members.map((positions) => {
      const begin = kernels.startNs(positions[from] ?? 0);
      // Behind the last layer the next kernel's start, as for the others; without one the end of its own last.
      const next = positions[to];
      return (next === undefined ? kernels.endNs(positions[to - 1] ?? 0) : kernels.startNs(next)) - begin;
    });
    return nearestRank(Float64Array.from(each).sort(), 50);
  });
  const middle = nearestRank(Float64Array.from(times).sort(), 50);
  const rows = times.map((ns, i): LayerRow => {
    const beyond = ns - middle;
    const far = Math.abs(beyond) >= middle * thresholds.oddLayer.value && us(Math.abs(beyond)) >= thresholds.oddLayerUs.value;
    // The first and the last layer meet the embedding's and the final norm, which may be another op.
    const inner = (slice: readonly string[]): string => slice.slice(i === 0 ? 1 : 0, i === times.length - 1 ? -1 : undefined).join(separator);
    const odd = inner(slices[i] ?? []) !== inner(usual.split(separator)) ? 'sequence' : far ? (beyond > 0 ? 'slower' : 'faster') : null;
    return { layer: i, us: us(ns), delta_pct: middle > 0 ? round((beyond / middle) * 100) : 0, odd };
  });
  return {
    stage: group.stage,
    steps: group.members.length,
    count: rows.length,
    pattern: usual.split(separator).slice(0, limits.patternOps.value),
    per_layer_us: us(middle),
    layers: rows,
  };
}
