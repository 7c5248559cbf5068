import { deviceRange, taskClass, type Profile } from '../../profiles/profile.js';
import { isSampler, type Labels } from '../../profiles/derived/stepsLabels.js';
import { limits, thresholds } from './thresholds.js';

export const stepKind = { unknown: 0, decode: 1, prefill: 2 } as const;

/** Kernels of one rank by step and by what they are: rows sorted by step. */
export interface Work {
  /** Op type of each key. Foreign text. */
  readonly op: readonly string[];
  /** Op type and input shapes of each key: equal texts are equal work. */
  readonly text: readonly string[];
  /** True when shapes are known for most of the kernels' time. */
  readonly shapes: boolean;
  /** Start of each bucket: a step, or where there are none an equal share of the time. */
  readonly startNs: Float64Array;
  /** A value of {@link stepKind} per bucket. */
  readonly kind: Uint8Array;
  readonly bucket: Int32Array;
  readonly key: Int32Array;
  readonly count: Int32Array;
  readonly ns: Float64Array;
}

/** Digits of the first dimension of the first tensor. */
function firstDimension(shapes: string): number | null {
  const match = /^["\s[(]*(\d+)/.exec(shapes);
  return match === null ? null : Number(match[1]);
}

/** Kernels, and operators that fell back to the AI CPU. */
function isWork(of: number | undefined): boolean {
  return of === taskClass.compute || of === taskClass.aicpu;
}

/** Operators whose rows are the tokens of the step. */
const tokenRows = /^(?:quant(?:batch)?)?matmul/i;

/**
 * Sums the kernels of a device by step, op type and input shapes. The kind of a step: tokens (rows of most of its matrix products) per
 * sequence (rows of its sampler) up to 16 is decode or verification, more is prefill; unknown without shapes.
 */
export function workOf(profile: Profile, index: number, labels: Labels, steps: Float64Array): Work {
  const { tasks, strings } = profile;
  const [from, to] = deviceRange(tasks.device, index);
  const first = tasks.startNs[from] ?? 0;
  const last = to > from ? (tasks.startNs[to - 1] ?? 0) : 0;
  const startNs =
    steps.length > 0
      ? steps
      : Float64Array.from({ length: limits.intervals.value }, (_, i) => first + ((last - first) * i) / limits.intervals.value);
  const ids = new Map<number, Map<number, number>>();
  const [op, text]: [string[], string[]] = [[], []];
  const [bucketOf, keyOf, counts, sums]: [number[], number[], number[], number[]] = [[], [], [], []];
  const kind = new Uint8Array(startNs.length);
  const tokensOf = new Map<number, number | null>();
  const asks = new Map<number, { readonly rows: boolean; readonly sequences: boolean }>();
  let [shaped, all, bucket] = [0, 0, 0];
  let cells = new Map<number, number>();
  let rows = new Map<number, number>();
  let sequences = 0;
  const close = (): void => {
    const [most] = [...rows].sort((a, b) => b[1] - a[1] || b[0] - a[0]);
    if (most !== undefined && sequences > 0)
      kind[bucket] = most[0] / sequences <= thresholds.tokensPerSequence.value ? stepKind.decode : stepKind.prefill;
    cells = new Map<number, number>();
    rows = new Map<number, number>();
    sequences = 0;
  };
  for (let row = from; row < to; row += 1) {
    const [start, ns] = [tasks.startNs[row] ?? Number.NaN, tasks.durationNs[row] ?? Number.NaN];
    if (!isWork(tasks.class[row]) || !(ns >= 0) || !(start >= (startNs[0] ?? 0))) continue;
    if (bucket + 1 < startNs.length && start >= (startNs[bucket + 1] ?? 0)) {
      close();
      while (bucket + 1 < startNs.length && start >= (startNs[bucket + 1] ?? 0)) bucket += 1;
    }
    const label = labels.task(row);
    const shapeId = tasks.inputShapes[row] ?? 0;
    all += ns;
    if (shapeId > 0) shaped += ns;
    const ofLabel = ids.get(label) ?? new Map<number, number>();
    ids.set(label, ofLabel);
    // Beyond a bound of shapes the rest of an op type is one key.
    const shape = ofLabel.has(shapeId) || text.length < limits.keys.value ? shapeId : -1;
    let id = ofLabel.get(shape);
    if (id === undefined) {
      id = text.length;
      ofLabel.set(shape, id);
      op.push(labels.get(label));
      text.push(`${labels.get(label)}\u0000${shape > 0 ? strings.get(shape) : ''}`);
    }
    if (shapeId > 0) {
      let asked = asks.get(label);
      if (asked === undefined) asks.set(label, (asked = { rows: tokenRows.test(labels.get(label)), sequences: isSampler(labels.get(label)) }));
      if (asked.rows || asked.sequences) {
        let tokens = tokensOf.get(shapeId);
        if (tokens === undefined) tokensOf.set(shapeId, (tokens = firstDimension(strings.get(shapeId))));
        if (tokens !== null && asked.rows) rows.set(tokens, (rows.get(tokens) ?? 0) + 1);
        if (tokens !== null && asked.sequences) sequences = Math.max(sequences, tokens);
      }
    }
    const cell = cells.get(id);
    if (cell === undefined) {
      cells.set(id, bucketOf.length);
      bucketOf.push(bucket);
      keyOf.push(id);
      counts.push(1);
      sums.push(ns);
    } else {
      counts[cell] = (counts[cell] ?? 0) + 1;
      sums[cell] = (sums[cell] ?? 0) + ns;
    }
  }
  if (startNs.length > 0) close();
  return {
    op,
    text,
    shapes: all > 0 && shaped >= all * thresholds.shaped.value,
    startNs,
    kind,
    bucket: Int32Array.from(bucketOf),
    key: Int32Array.from(keyOf),
    count: Int32Array.from(counts),
    ns: Float64Array.from(sums),
  };
}
