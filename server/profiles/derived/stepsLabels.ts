import { Strings, taskClass, type Profile, type Tasks } from '../profile.js';
import { rowsOf } from './numbers.js';

/** Ops that choose the next token (facts §7.7): the end of a step. MoE gating (`MoeGatingTopK`) and plain sorts are not among them. */
const sampler = /^(?:ArgMax|ApplyTopKTopP|TopKTopP|TopPSample|Multinomial|Categorical|RejectionSampl|SampleToken|SpeculativeSampl)/i;
/** Verifies drafted tokens: one per step of speculative decoding, whatever the drafts do in between. */
const rejection = /^(?:RejectionSampl|SpeculativeSampl)/i;
/** Ops of a forward pass: whatever lies behind the last of them belongs to sampling. */
const heavy = /MatMul|Matmul|Attention|Mla|GroupedMm|Conv|FFN|MegaMoe|DeltaRule/;

export function isSampler(label: string): boolean {
  return sampler.test(label);
}
export function isRejection(label: string): boolean {
  return rejection.test(label);
}
export function isHeavy(label: string): boolean {
  return heavy.test(label);
}

/** Op type of a kernel from its name, where the source has no types: `aclnnMatmul_MatMulCommon_MatMulV3` is a MatMulV3, `Add_12` an Add. */
function typeInName(name: string): string {
  const bare = name.replace(/(?:_\d+)+$/, '');
  const at = bare.lastIndexOf('_');
  return /^(?:aclnn|trans_|atb)/i.test(bare) && at >= 0 && at < bare.length - 1 ? bare.slice(at + 1) : bare;
}

/** Short names of tasks: the op type, else what the name tells. Ids are of the labels' own table. */
export class Labels {
  readonly #profile: Profile;
  readonly #table = new Strings();
  /** Label by string id, and of operators with a type by operator; −1 where none was made yet. */
  readonly #byType: Int32Array;
  readonly #byName: Int32Array;
  readonly #byOperator: Int32Array;

  constructor(profile: Profile) {
    this.#profile = profile;
    this.#byType = new Int32Array(profile.strings.size).fill(-1);
    this.#byName = this.#byType.slice();
    this.#byOperator = new Int32Array(profile.tasks.operators.length).fill(-1);
  }

  task(row: number): number {
    const { tasks, strings } = this.#profile;
    const operator = tasks.operator[row] ?? 0;
    const met = this.#byOperator[operator] ?? -1;
    if (met >= 0) return met;
    const type = tasks.operators.opType[operator] ?? 0;
    if (type !== 0) return (this.#byOperator[operator] = this.#typed(type));
    const name = tasks.name[row] ?? 0;
    const known = this.#byName[name] ?? -1;
    return known >= 0 ? known : this.#made(this.#byName, name, typeInName(strings.get(name)) || strings.get(tasks.operators.taskType[operator] ?? 0));
  }

  /** Label of a collective: its type, else its name without the counters. */
  op(row: number): number {
    const { commOps, strings } = this.#profile;
    const type = commOps?.opType[row] ?? 0;
    if (type !== 0) return this.#typed(type);
    const name = commOps?.name[row] ?? 0;
    const known = this.#byName[name] ?? -1;
    return known >= 0 ? known : this.#made(this.#byName, name, typeInName(strings.get(name)));
  }

  get(id: number): string {
    return this.#table.get(id);
  }

  get size(): number {
    return this.#table.size;
  }

  #typed(type: number): number {
    const known = this.#byType[type] ?? -1;
    return known >= 0 ? known : this.#made(this.#byType, type, this.#profile.strings.get(type));
  }

  #made(known: Int32Array, id: number, text: string): number {
    const label = this.#table.id(text);
    known[id] = label;
    return label;
  }
}

/** What one device runs, ascending by start: its compute kernels. A view of the tasks: where they are kernels only, it takes no memory. */
export class Kernels {
  readonly length: number;
  /** Flags by label id. */
  readonly sampler: Uint8Array;
  readonly heavy: Uint8Array;
  readonly #tasks: Tasks;
  readonly #labels: Labels;
  readonly #main: number;
  readonly #from: number;
  /** Rows of the tasks; null where they follow one another from the first on. */
  readonly #rows: Int32Array | null;

  /** @param from first row of the device @param rows those of them that are kernels; null: the first `length` @param labels of all of them were asked for */
  constructor(tasks: Tasks, readonly device: number, from: number, length: number, rows: Int32Array | null, labels: Labels) {
    [this.#tasks, this.#labels, this.#from, this.#rows, this.length] = [tasks, labels, from, rows, length];
    this.#main = busiestOf(tasks.stream, length, (position) => this.row(position));
    const flags = (test: (text: string) => boolean): Uint8Array => Uint8Array.from({ length: labels.size }, (_, id) => (test(labels.get(id)) ? 1 : 0));
    this.sampler = flags(isSampler);
    this.heavy = flags(isHeavy);
  }

  /** Row of `Profile.tasks`; −1 beyond the last. */
  row(position: number): number {
    if (position < 0 || position >= this.length) return -1;
    return this.#rows === null ? this.#from + position : (this.#rows[position] ?? -1);
  }

  /** −1 beyond the last. */
  label(position: number): number {
    const row = this.row(position);
    return row < 0 ? -1 : this.#labels.task(row);
  }

  /** Start, ns; NaN beyond the last. */
  startNs(position: number): number {
    return this.#tasks.startNs[this.row(position)] ?? Number.NaN;
  }

  endNs(position: number): number {
    const row = this.row(position);
    return (this.#tasks.startNs[row] ?? Number.NaN) + (this.#tasks.durationNs[row] ?? Number.NaN);
  }

  /** True on the stream with the most kernels: its order does not depend on how streams interleave. */
  onMain(position: number): boolean {
    return this.#tasks.stream[this.row(position)] === this.#main;
  }
}

/** The stream with the most of some rows; of equals the one with the lowest number. −1 without rows. */
function busiestOf(stream: Int32Array, length: number, rowAt: (position: number) => number): number {
  const counts = new Map<number, { count: number }>();
  let [last, own] = [Number.NaN, { count: 0 }];
  for (let i = 0; i < length; i += 1) {
    const of = stream[rowAt(i)] ?? -1;
    if (of !== last) {
      const known = counts.get(of);
      [last, own] = [of, known ?? { count: 0 }];
      if (known === undefined) counts.set(of, own);
    }
    own.count += 1;
  }
  let [busiest, most] = [-1, 0];
  for (const [of, { count }] of [...counts].sort((a, b) => a[0] - b[0])) if (count > most) [busiest, most] = [of, count];
  return busiest;
}

/** Compute kernels of a device that have a time. Linear. */
export function kernelsOf(profile: Profile, device: number, labels: Labels): Kernels {
  const { tasks } = profile;
  const [from, to] = rowsOf(tasks.device, tasks.length, device);
  const isKernel = (i: number): boolean => tasks.class[i] === taskClass.compute && Number.isFinite(tasks.startNs[i]) && Number.isFinite(tasks.durationNs[i]);
  let length = 0;
  let last = -1;
  for (let i = from; i < to; i += 1) {
    if (!isKernel(i)) continue;
    labels.task(i);
    length += 1;
    last = i;
  }
  if (last === from + length - 1) return new Kernels(tasks, device, from, length, null, labels);
  const rows = new Int32Array(length);
  let at = 0;
  for (let i = from; i < to; i += 1) if (isKernel(i)) rows[at++] = i;
  return new Kernels(tasks, device, from, length, rows, labels);
}
