import { open } from 'node:fs/promises';
import { classOfOperator, isCommunicationRow } from '../classify.js';
import { Clock, usToNs } from '../numbers.js';
import { limits } from '../thresholds.js';
import { cleanWord } from '../words.js';
import { batchRows, cellKind, CsvScan, scanStatus } from './csvScan.js';

/** Columns of the file, −1 for one it does not have. */
export interface KernelColumns {
  readonly start: number;
  readonly duration: number;
  readonly name: number;
  readonly opType: number;
  readonly taskType: number;
  readonly stream: number;
  readonly blockNum: number;
  readonly mixBlockNum: number;
  readonly inputShapes: number;
  readonly inputTypes: number;
  readonly inputFormats: number;
  readonly outputShapes: number;
  readonly opState: number;
  readonly device: number;
  /** Counters, and which of {@link KernelTarget.pmu} each fills; of two that fill one the later wins where it has a value. */
  readonly pmu: readonly { readonly column: number; readonly into: number }[];
}

/** Where the rows go; a part writes [at, end) and nothing else. Times are ns from the part's own base. Words are codes of the part's own list, −1 for a missing cell. */
export interface KernelTarget {
  readonly device: Int32Array;
  readonly stream: Int32Array;
  readonly name: Int32Array;
  readonly opType: Int32Array;
  readonly taskType: Int32Array;
  readonly class: Uint8Array;
  readonly inputShapes: Int32Array;
  readonly inputTypes: Int32Array;
  readonly inputFormats: Int32Array;
  readonly outputShapes: Int32Array;
  readonly opState: Int32Array;
  readonly startNs: Float64Array;
  readonly durationNs: Float64Array;
  readonly blockNum: Float64Array;
  readonly mixBlockNum: Float64Array;
  readonly pmu: readonly Float64Array[];
}

/** All columns of a target. */
export function targetColumns({ pmu, ...others }: KernelTarget): readonly (Int32Array | Float64Array | Uint8Array)[] {
  return [...Object.values(others), ...pmu];
}

export const kernelWords = ['device', 'name', 'opType', 'taskType', 'inputShapes', 'inputTypes', 'inputFormats', 'outputShapes', 'opState'] as const;

export interface KernelPartPlan {
  readonly path: string;
  /** Bytes of the file; both ends lie where a record begins. */
  readonly from: number;
  readonly to: number;
  readonly last: boolean;
  readonly cells: number;
  readonly columns: KernelColumns;
  readonly at: number;
  readonly end: number;
}

/** Collectives of a part, in the order of the file. */
export interface KernelPartOps {
  readonly device: readonly number[];
  readonly name: readonly number[];
  readonly opType: readonly number[];
  readonly startNs: readonly number[];
  readonly durationNs: readonly number[];
}

export interface KernelPart {
  /** `torn`: a quote is open; `unaligned`: the end is inside a record; `overflow`: more rows than room. */
  readonly ended: 'whole' | 'torn' | 'unaligned' | 'overflow';
  readonly rows: number;
  readonly ragged: number;
  readonly dropped: number;
  /** Rows written. */
  readonly kept: number;
  /** Of them, rows with an operator type. */
  readonly typed: number;
  /** Whole µs that times are counted from; null when the part has none. */
  readonly baseUs: number | null;
  /** Words by code, cleaned. */
  readonly words: readonly string[];
  readonly ops: KernelPartOps;
}

/** What words mean as the name or the type of a task, by code. */
class Meanings {
  readonly words: string[] = [];
  #class = new Uint8Array(4096);
  /** Whether a word is empty (1), the task type of a collective (2), the name of one where the type is missing (4). */
  #flags = new Uint8Array(4096);

  learn(scan: CsvScan): void {
    for (let code = this.words.length; code < scan.words; code++) {
      const word = cleanWord(scan.word(code));
      this.words.push(word);
      if (code === this.#class.length) [this.#class, this.#flags] = [doubled(this.#class), doubled(this.#flags)];
      this.#class[code] = classOfOperator(word);
      this.#flags[code] = (word === '' ? 1 : 0) | (isCommunicationRow(word, '') ? 2 : 0) | (isCommunicationRow('', word) ? 4 : 0);
    }
  }

  isEmpty(code: number): boolean {
    return code < 0 || ((this.#flags[code] ?? 0) & 1) !== 0;
  }

  /** True for rows of collectives. @param type −1: no such cell */
  isCommunication(type: number, name: number): boolean {
    if (type >= 0 && ((this.#flags[type] ?? 0) & 2) !== 0) return true;
    return this.isEmpty(type) && name >= 0 && ((this.#flags[name] ?? 0) & 4) !== 0;
  }

  classes(names: Int32Array, count: number, into: Uint8Array, at: number): void {
    const unnamed = classOfOperator('');
    for (let i = 0; i < count; i++) into[at + i] = this.#class[names[i] ?? -1] ?? unnamed;
  }
}

function doubled(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(data.length * 2);
  next.set(data);
  return next;
}

/** Codes of a column in the batch; one batch of −1 for a column the file does not have. */
const absent = new Int32Array(batchRows).fill(-1);

/** Wanted columns of the scan by what they are to a kernel. */
class Wanted {
  readonly start: number;
  readonly duration: number;
  readonly stream: number;
  readonly floats: readonly (readonly ['blockNum' | 'mixBlockNum', number])[];
  readonly words: readonly (readonly [(typeof kernelWords)[number], number])[];
  readonly pmu: readonly { readonly wanted: number; readonly into: number; readonly again: boolean }[];

  constructor(scan: CsvScan, columns: KernelColumns) {
    const want = (column: number, kind: number): number => (column < 0 ? -1 : scan.want(column, kind));
    this.start = want(columns.start, cellKind.time);
    this.duration = want(columns.duration, cellKind.number);
    this.stream = want(columns.stream, cellKind.number);
    this.floats = (['blockNum', 'mixBlockNum'] as const).map((key) => [key, want(columns[key], cellKind.number)] as const);
    this.words = kernelWords.map((key) => [key, want(columns[key], cellKind.word)] as const);
    this.pmu = columns.pmu.map(({ column, into }, i) => ({ wanted: want(column, cellKind.number), into, again: columns.pmu.findIndex((p) => p.into === into) < i }));
  }

  codes(scan: CsvScan, key: (typeof kernelWords)[number]): Int32Array {
    const wanted = this.words.find(([k]) => k === key)?.[1] ?? -1;
    return wanted < 0 ? absent : scan.codes(wanted);
  }
}

/** Sorts the rows of a batch: kernels to keep, collectives, and rows without a time. */
class Batch {
  readonly ops: Record<keyof KernelPartOps, number[]> = { device: [], name: [], opType: [], startNs: [], durationNs: [] };
  dropped = 0;
  kept = 0;
  typed = 0;

  constructor(readonly scan: CsvScan, readonly wanted: Wanted, readonly meanings: Meanings) {}

  /** Leaves the kernels in the batch and gives how many there are. */
  sort(): number {
    const { scan, wanted, meanings, ops } = this;
    const [start, duration, keep] = [scan.floats(wanted.start), scan.floats(wanted.duration), scan.keep];
    const [name, type, operator, device] = [wanted.codes(scan, 'name'), wanted.codes(scan, 'taskType'), wanted.codes(scan, 'opType'), wanted.codes(scan, 'device')];
    let count = 0;
    for (let row = 0, rows = scan.rows; row < rows; row++) {
      const startNs = start[row] ?? NaN;
      const durationUs = duration[row] ?? NaN;
      if (Number.isNaN(startNs) || Number.isNaN(durationUs)) this.dropped++;
      else if (meanings.isCommunication(type[row] ?? -1, name[row] ?? -1)) {
        ops.device.push(device[row] ?? -1);
        ops.name.push(name[row] ?? -1);
        ops.opType.push(operator[row] ?? -1);
        ops.startNs.push(startNs);
        ops.durationNs.push(usToNs(durationUs));
      } else {
        keep[count++] = row;
        if (!meanings.isEmpty(operator[row] ?? -1)) this.typed++;
      }
    }
    if (count < scan.rows) scan.compact(count);
    return count;
  }

  /** Writes the kernels of the batch from row `at` on. */
  write(into: KernelTarget, at: number, count: number): void {
    const { scan, wanted, meanings } = this;
    into.startNs.set(scan.floats(wanted.start).subarray(0, count), at);
    into.durationNs.set(scan.toNs(wanted.duration, count), at);
    if (wanted.stream >= 0) into.stream.set(scan.toInts(wanted.stream, count), at);
    for (const [key, column] of wanted.floats) if (column >= 0) into[key].set(scan.floats(column).subarray(0, count), at);
    for (const [key, column] of wanted.words) if (column >= 0) into[key].set(scan.codes(column).subarray(0, count), at);
    meanings.classes(wanted.codes(scan, 'name'), count, into.class, at);
    for (const { wanted: column, into: slot, again } of wanted.pmu) {
      const [values, target] = [scan.floats(column).subarray(0, count), into.pmu[slot]];
      if (!again) target?.set(values, at);
      else if (target !== undefined) for (const [i, value] of values.entries()) if (!Number.isNaN(value)) target[at + i] = value;
    }
    this.kept += count;
  }
}

/**
 * Reads the kernels of one part of an op_summary or kernel_details file into columns. Runs on any thread.
 * @param grow gives wider columns when the rows do not fit; without it the part ends with `overflow`
 */
export async function readKernelPart(plan: KernelPartPlan, target: KernelTarget, grow?: (rows: number) => KernelTarget, signal?: AbortSignal): Promise<KernelPart> {
  const scan = new CsvScan(plan.cells);
  const meanings = new Meanings();
  const batch = new Batch(scan, new Wanted(scan, plan.columns), meanings);
  const clock = new Clock();
  const file = await open(plan.path, 'r');
  let [into, { end }, rows, position] = [target, plan, 0, plan.from];
  const done = (ended: KernelPart['ended']): KernelPart => ({
    ended,
    rows,
    ragged: scan.ragged,
    dropped: batch.dropped,
    kept: batch.kept,
    typed: batch.typed,
    baseUs: clock.anchored ? Number(clock.baseNs / 1000n) : null,
    words: meanings.words,
    ops: batch.ops,
  });
  try {
    for (;;) {
      signal?.throwIfAborted();
      if (scan.left > limits.csvRecordBytes) return done('torn');
      const room = scan.room();
      const { bytesRead } = await file.read(room.buffer, room.at, Math.min(room.length, plan.to - position), position);
      position += bytesRead;
      // Another part begins behind the end of this one; only the last may end without a line break.
      scan.took(bytesRead, bytesRead === 0 && plan.last);
      let status: number = scanStatus.full;
      while (status === scanStatus.full) {
        status = scan.parse(clock);
        if (status === scanStatus.broken) return done('torn');
        rows += scan.rows;
        meanings.learn(scan);
        const count = batch.sort();
        const at = plan.at + batch.kept;
        if (at + count > end) {
          if (grow === undefined) return done('overflow');
          into = grow(at + count);
          end = into.startNs.length;
        }
        batch.write(into, at, count);
      }
      if (status === scanStatus.done) return done('whole');
      if (bytesRead === 0) return done(scan.left === 0 ? 'whole' : 'unaligned');
    }
  } finally {
    await file.close();
  }
}
