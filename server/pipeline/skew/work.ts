import { deviceRange, taskClass, type Profile } from '../../profiles/profile.js';
import type { StepKind } from '../../profiles/derived/stages.js';
import type { Labels } from '../../profiles/derived/stepsLabels.js';
import { Float64Column, Int32Column } from '../../profiles/columns.js';
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

/** Kernels, and operators that fell back to the AI CPU. */
function isWork(of: number | undefined): boolean {
  return of === taskClass.compute || of === taskClass.aicpu;
}

/** Numbers of the kinds of steps: prompt chunks and decodes together are a prefill, for the prompt decides how long the step takes. */
function kindNumber(kind: StepKind): number {
  if (kind === null) return stepKind.unknown;
  return kind === 'decode' ? stepKind.decode : stepKind.prefill;
}

/** Buckets of a device: its steps, or where there are none equal shares of its time. */
function bucketsOf({ tasks }: Profile, from: number, to: number, steps: Float64Array | null): Float64Array {
  if (steps !== null && steps.length > 0) return steps;
  const first = tasks.startNs[from] ?? 0;
  const last = to > from ? (tasks.startNs[to - 1] ?? 0) : 0;
  return Float64Array.from({ length: limits.intervals.value }, (_, i) => first + ((last - first) * i) / limits.intervals.value);
}

/** Numbers op types with shapes as they are met. */
class Keys {
  readonly op: string[] = [];
  readonly text: string[] = [];
  /** By label, then by id of the shapes. */
  readonly #ids: (Map<number, number> | undefined)[] = [];

  constructor(readonly profile: Profile, readonly labels: Labels) {}

  of(label: number, shapes: number): number {
    const own = (this.#ids[label] ??= new Map<number, number>());
    // Beyond a bound of shapes the rest of an op type is one key.
    const shape = this.text.length < limits.keys.value || own.has(shapes) ? shapes : -1;
    let id = own.get(shape);
    if (id === undefined) {
      id = this.text.length;
      own.set(shape, id);
      this.op.push(this.labels.get(label));
      this.text.push(`${this.labels.get(label)}\u0000${shape > 0 ? this.profile.strings.get(shape) : ''}`);
    }
    return id;
  }
}

/**
 * Sums the kernels of a device by step, op type and input shapes.
 * @param steps starts of its steps; null without any @param kinds of each step, as `stepKinds` finds them; unknown where there is none
 */
export function workOf(profile: Profile, index: number, labels: Labels, steps: Float64Array | null, kinds: readonly StepKind[]): Work {
  const { tasks } = profile;
  const [from, to] = deviceRange(tasks.device, index);
  const startNs = bucketsOf(profile, from, to, steps);
  const keys = new Keys(profile, labels);
  const [bucketOf, keyOf, counts, sums] = [new Int32Column(), new Int32Column(), new Int32Column(), new Float64Column()];
  // The cell of a key in the bucket at hand; cells of buckets before it lie below `first`.
  const cells: number[] = [];
  let [shaped, all, bucket, first] = [0, 0, 0, 0];
  const begin = startNs[0] ?? 0;
  let next = startNs[1] ?? Number.POSITIVE_INFINITY;
  for (let row = from; row < to; row += 1) {
    const [start, ns] = [tasks.startNs[row] ?? Number.NaN, tasks.durationNs[row] ?? Number.NaN];
    if (!isWork(tasks.class[row]) || !(ns >= 0) || !(start >= begin)) continue;
    if (start >= next) {
      while (start >= next) next = startNs[(bucket += 1) + 1] ?? Number.POSITIVE_INFINITY;
      first = bucketOf.length;
    }
    const shapes = tasks.operators.inputShapes[tasks.operator[row] ?? 0] ?? 0;
    all += ns;
    if (shapes > 0) shaped += ns;
    const key = keys.of(labels.task(row), shapes);
    const cell = cells[key] ?? -1;
    if (cell >= first) {
      counts.set(cell, counts.get(cell) + 1);
      sums.set(cell, sums.get(cell) + ns);
    } else {
      cells[key] = bucketOf.length;
      bucketOf.push(bucket);
      keyOf.push(key);
      counts.push(1);
      sums.push(ns);
    }
  }
  return {
    op: keys.op,
    text: keys.text,
    shapes: all > 0 && shaped >= all * thresholds.shaped.value,
    startNs,
    kind: Uint8Array.from(startNs, (_, i) => kindNumber(steps === null ? null : (kinds[i] ?? null))),
    // Copies: a view would take all of the memory behind it along to another thread.
    bucket: bucketOf.array().slice(),
    key: keyOf.array().slice(),
    count: counts.array().slice(),
    ns: sums.array().slice(),
  };
}
