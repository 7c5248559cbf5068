import { Strings, taskClass, type Profile } from '../profile.js';
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
  readonly #byType = new Map<number, number>();
  readonly #byName = new Map<number, number>();

  constructor(profile: Profile) {
    this.#profile = profile;
  }

  task(row: number): number {
    const { tasks, strings } = this.#profile;
    const type = tasks.opType[row] ?? 0;
    if (type !== 0) return this.#once(this.#byType, type, (text) => text);
    return this.#once(this.#byName, tasks.name[row] ?? 0, (text) => typeInName(text) || strings.get(tasks.taskType[row] ?? 0));
  }

  /** Label of a collective: its type, else its name without the counters. */
  op(row: number): number {
    const { commOps } = this.#profile;
    const type = commOps?.opType[row] ?? 0;
    if (type !== 0) return this.#once(this.#byType, type, (text) => text);
    return this.#once(this.#byName, commOps?.name[row] ?? 0, typeInName);
  }

  get(id: number): string {
    return this.#table.get(id);
  }

  get size(): number {
    return this.#table.size;
  }

  #once(known: Map<number, number>, id: number, make: (text: string) => string): number {
    const label = known.get(id);
    if (label !== undefined) return label;
    const made = this.#table.id(make(this.#profile.strings.get(id)));
    known.set(id, made);
    return made;
  }
}

/** What one device runs, ascending by start: its compute kernels. */
export interface Kernels {
  readonly device: number;
  readonly length: number;
  /** Row of `Profile.tasks`. */
  readonly row: Int32Array;
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  readonly label: Int32Array;
  /** 1 on the stream with the most kernels: its order does not depend on how streams interleave. */
  readonly main: Uint8Array;
  /** Flags by label id. */
  readonly sampler: Uint8Array;
  readonly heavy: Uint8Array;
}

/** Compute kernels of a device that have a time. Linear. */
export function kernelsOf(profile: Profile, device: number, labels: Labels): Kernels {
  const { tasks } = profile;
  const [from, to] = rowsOf(tasks.device, tasks.length, device);
  const rows: number[] = [];
  const streams = new Map<number, number>();
  for (let row = from; row < to; row += 1) {
    if (tasks.class[row] !== taskClass.compute || !Number.isFinite(tasks.startNs[row]) || !Number.isFinite(tasks.durationNs[row])) continue;
    rows.push(row);
    const stream = tasks.stream[row] ?? -1;
    streams.set(stream, (streams.get(stream) ?? 0) + 1);
  }
  let [busiest, most] = [-1, 0];
  for (const [stream, count] of [...streams].sort((a, b) => a[0] - b[0])) if (count > most) [busiest, most] = [stream, count];
  const row = Int32Array.from(rows);
  const label = Int32Array.from(rows, (r) => labels.task(r));
  const flags = (test: (text: string) => boolean): Uint8Array => Uint8Array.from({ length: labels.size }, (_, id) => (test(labels.get(id)) ? 1 : 0));
  return {
    device,
    length: rows.length,
    row,
    startNs: Float64Array.from(rows, (r) => tasks.startNs[r] ?? 0),
    endNs: Float64Array.from(rows, (r) => (tasks.startNs[r] ?? 0) + (tasks.durationNs[r] ?? 0)),
    label,
    main: Uint8Array.from(rows, (r) => ((tasks.stream[r] ?? -1) === busiest ? 1 : 0)),
    sampler: flags(isSampler),
    heavy: flags(isHeavy),
  };
}
