import { open } from 'node:fs/promises';
import { Limiter, unmeasured, type LimitRules } from '../limits.js';
import { Clock } from '../numbers.js';
import { OperatorRows } from '../operators.js';
import { type Operators } from '../profile.js';
import { limits } from '../thresholds.js';
import { batchRows, cellKind, CsvScan, scanStatus } from './csvScan.js';
import { SmallReads } from './smallReads.js';
import { KernelWords, Texts, type KernelWordColumns } from './kernelWords.js';

/** Columns of the file, −1 for one it does not have. */
export interface KernelColumns {
  readonly start: number;
  readonly duration: number;
  readonly stream: number;
  readonly device: number;
  readonly words: KernelWordColumns;
  /** Counters that are kept, and which of {@link KernelTarget.pmu} each fills; of two that fill one the later wins where it has a value. */
  readonly pmu: readonly { readonly column: number; readonly into: number }[];
  /** Counters that are judged: by rule, those that count first in front. Null: none are. */
  readonly limits: { readonly rules: LimitRules; readonly columns: readonly (readonly number[])[] } | null;
}

/**
 * Where the rows go; a piece fills [at, end) and nothing else. Times are ns from the reader's own base. Devices and names are ids of the
 * reader's own texts, −1 for a missing device; operators are rows of the reader's own operators.
 */
export interface KernelTarget {
  readonly device: Int32Array;
  readonly stream: Int32Array;
  readonly name: Int32Array;
  readonly operator: Int32Array;
  readonly class: Uint8Array;
  readonly startNs: Float64Array;
  readonly durationNs: Float64Array;
  readonly pmu: readonly Float64Array[];
  readonly limits: { readonly rule: Uint8Array; readonly ratio: Uint16Array } | null;
}

/** All columns of a target. */
export function targetColumns({ pmu, limits: judged, ...others }: KernelTarget): readonly (Int32Array | Float64Array | Uint8Array | Uint16Array)[] {
  return [...Object.values(others), ...pmu, ...(judged === null ? [] : Object.values(judged))];
}

/** A file to read, or a part of it. */
export interface KernelFile {
  readonly path: string;
  /** Cells of the header. */
  readonly cells: number;
  readonly columns: KernelColumns;
}

/** A piece of the file and the rows of the target it may fill. */
export interface KernelPiece {
  /** Bytes of the file; both ends lie where a record begins. */
  readonly from: number;
  readonly to: number;
  readonly last: boolean;
  readonly at: number;
  readonly end: number;
}

/** Collectives of a piece, in the order of the file. */
export interface KernelOps {
  readonly device: number[];
  readonly name: number[];
  readonly opType: number[];
  readonly startNs: number[];
  readonly durationNs: number[];
}

export interface KernelPart {
  /** Where its first row was written. */
  readonly at: number;
  /** `torn`: a quote is open; `unaligned`: the end is inside a record; `overflow`: more rows than room. */
  readonly ended: 'whole' | 'torn' | 'unaligned' | 'overflow';
  readonly rows: number;
  readonly ragged: number;
  readonly dropped: number;
  /** Rows written. */
  readonly kept: number;
  readonly ops: KernelOps;
  /** Texts and operators its reader knew when the piece was read. */
  readonly strings: number;
  readonly operators: number;
}

/** What one thread read: its pieces in the order of the file, and what their ids mean. */
export interface KernelParts {
  readonly parts: readonly KernelPart[];
  /** Texts by id. */
  readonly strings: readonly string[];
  readonly operators: Operators;
  /** Whole µs that times are counted from; null when there are none. */
  readonly baseUs: number | null;
  /** Whether any counter that is judged has a value. */
  readonly counted: boolean;
}

/** Wanted columns of the scan by what they are to a kernel. */
class Wanted {
  readonly start: number;
  readonly duration: number;
  readonly stream: number;
  readonly pmu: readonly { readonly wanted: number; readonly into: number; readonly again: boolean }[];
  readonly limits: readonly (readonly number[])[];

  constructor(scan: CsvScan, columns: KernelColumns) {
    const known = new Map<number, number>();
    const number = (column: number, kind: number = cellKind.number): number => {
      let wanted = known.get(column);
      if (wanted === undefined) known.set(column, (wanted = scan.want(column, kind)));
      return wanted;
    };
    this.start = scan.want(columns.start, cellKind.time);
    this.duration = number(columns.duration);
    this.stream = columns.stream < 0 ? -1 : number(columns.stream);
    this.pmu = columns.pmu.map(({ column, into }, i) => ({ wanted: number(column), into, again: columns.pmu.findIndex((p) => p.into === into) < i }));
    this.limits = (columns.limits?.columns ?? []).map((candidates) => candidates.map((column) => number(column, cellKind.guarded)));
  }
}

// The loops over the rows of a batch stand in functions of their own: over columns of one kind the compiler makes tight loops of them.

/** Finds the rows that are kernels and those that are collectives; rows without a start or a duration are neither. */
function kernelsAmong(rows: number, start: Float64Array, duration: Float64Array, communication: Uint8Array, into: Int32Array, ops: Int32Array): { kernels: number; ops: number } {
  let [kernels, collectives] = [0, 0];
  for (let row = 0; row < rows; row++) {
    if (Number.isNaN((start[row] ?? NaN) + (duration[row] ?? NaN))) continue;
    if (communication[row] === 1) ops[collectives++] = row;
    else into[kernels++] = row;
  }
  return { kernels, ops: collectives };
}

function copyInts(from: Int32Array, rows: Int32Array, count: number, into: Int32Array, at: number): void {
  for (let i = 0; i < count; i++) into[at + i] = from[rows[i] ?? 0] ?? 0;
}

function copyBytes(from: Uint8Array, rows: Int32Array, count: number, into: Uint8Array, at: number): void {
  for (let i = 0; i < count; i++) into[at + i] = from[rows[i] ?? 0] ?? 0;
}

function copyFloats(from: Float64Array, rows: Int32Array, count: number, into: Float64Array, at: number): void {
  for (let i = 0; i < count; i++) into[at + i] = from[rows[i] ?? 0] ?? NaN;
}

/** µs → whole ns. */
function copyNs(from: Float64Array, rows: Int32Array, count: number, into: Float64Array, at: number): void {
  for (let i = 0; i < count; i++) into[at + i] = Math.round((from[rows[i] ?? 0] ?? NaN) * 1000);
}

/** Numbers → ids, −1 where missing. */
function copyIds(from: Float64Array, rows: Int32Array, count: number, into: Int32Array, at: number): void {
  for (let i = 0; i < count; i++) {
    const value = from[rows[i] ?? 0] ?? NaN;
    into[at + i] = Number.isNaN(value) ? -1 : value;
  }
}

/** Reads pieces of an op_summary or kernel_details file into columns, one after the other. Runs on any thread. */
export class KernelReader {
  readonly #scan: CsvScan;
  readonly #wanted: Wanted;
  readonly #words: KernelWords;
  readonly #clock = new Clock();
  readonly #limiter: Limiter | null;
  #guarded = false;
  readonly #strings = new Texts();
  readonly #operators = new OperatorRows();
  readonly #parts: KernelPart[] = [];
  /** Rows of the batch that are kernels, and those that are collectives. */
  readonly #kernels = new Int32Array(batchRows);
  readonly #collectives = new Int32Array(batchRows);

  constructor(readonly file: KernelFile) {
    const { columns } = file;
    this.#scan = new CsvScan(file.cells);
    this.#words = new KernelWords(this.#scan, columns.device, columns.words, this.#strings, this.#operators);
    this.#wanted = new Wanted(this.#scan, columns);
    this.#limiter = columns.limits === null ? null : new Limiter(columns.limits.rules);
  }

  /** @param grow gives wider columns when the rows do not fit; without it the piece ends with `overflow` */
  async read(file: SmallReads, piece: KernelPiece, target: KernelTarget, grow?: (rows: number) => KernelTarget): Promise<void> {
    this.#parts.push(await this.#piece(file, piece, target, grow));
  }

  async #piece(file: SmallReads, piece: KernelPiece, target: KernelTarget, grow: ((rows: number) => KernelTarget) | undefined): Promise<KernelPart> {
    const scan = this.#scan;
    scan.restart();
    const ops: KernelOps = { device: [], name: [], opType: [], startNs: [], durationNs: [] };
    const ragged = scan.ragged;
    let [into, { end }, rows, dropped, kept, position] = [target, piece, 0, 0, 0, piece.from];
    const done = (ended: KernelPart['ended']): KernelPart => ({ at: piece.at, ended, rows, ragged: scan.ragged - ragged, dropped, kept, ops, strings: this.#strings.list.length, operators: this.#operators.length });
    for (;;) {
      if (scan.left > limits.csvRecordBytes) return done('torn');
      const room = scan.room();
      const bytesRead = await file.into(room.buffer, room.at, Math.min(room.length, piece.to - position), position);
      position += bytesRead;
      // Another piece begins behind the end of this one; only the last may end without a line break.
      scan.took(bytesRead, bytesRead === 0 && piece.last);
      let status: number = scanStatus.full;
      while (status === scanStatus.full) {
        status = scan.parse(this.#clock);
        if (status === scanStatus.broken) return done('torn');
        rows += scan.rows;
        const found = this.#sort(ops);
        dropped += scan.rows - found.kernels - found.ops;
        const at = piece.at + kept;
        if (at + found.kernels > end) {
          if (grow === undefined) return done('overflow');
          into = grow(at + found.kernels);
          end = into.startNs.length;
        }
        this.#write(into, at, found.kernels);
        kept += found.kernels;
      }
      if (status === scanStatus.done) return done('whole');
      if (bytesRead === 0) return done(scan.left === 0 ? 'whole' : 'unaligned');
    }
  }

  /** Finds the kernels of the batch; collectives are put aside. */
  #sort(ops: KernelOps): { kernels: number; ops: number } {
    const words = this.#words;
    words.read();
    const [start, duration] = [this.#scan.floats(this.#wanted.start), this.#scan.floats(this.#wanted.duration)];
    const found = kernelsAmong(this.#scan.rows, start, duration, words.communication, this.#kernels, this.#collectives);
    for (const row of this.#collectives.subarray(0, found.ops)) {
      ops.device.push(words.device[row] ?? -1);
      ops.name.push(words.name[row] ?? 0);
      ops.opType.push(this.#operators.opType(words.operator[row] ?? 0));
      ops.startNs.push(start[row] ?? NaN);
      ops.durationNs.push(Math.round((duration[row] ?? NaN) * 1000));
    }
    return found;
  }

  /** Writes the kernels of the batch from row `at` on. */
  #write(into: KernelTarget, at: number, count: number): void {
    const [scan, wanted, words, rows] = [this.#scan, this.#wanted, this.#words, this.#kernels];
    copyFloats(scan.floats(wanted.start), rows, count, into.startNs, at);
    copyNs(scan.floats(wanted.duration), rows, count, into.durationNs, at);
    copyInts(words.device, rows, count, into.device, at);
    copyInts(words.name, rows, count, into.name, at);
    copyInts(words.operator, rows, count, into.operator, at);
    copyBytes(words.classes, rows, count, into.class, at);
    if (wanted.stream >= 0) copyIds(scan.floats(wanted.stream), rows, count, into.stream, at);
    for (const { wanted: column, into: slot, again } of wanted.pmu) {
      const [values, target] = [scan.floats(column), into.pmu[slot]];
      if (target === undefined) continue;
      if (!again) copyFloats(values, rows, count, target, at);
      else for (const [i, row] of rows.subarray(0, count).entries()) if (!Number.isNaN(values[row])) target[at + i] = values[row] ?? NaN;
    }
    const limiter = this.#limiter;
    if (limiter === null || into.limits === null) return;
    into.limits.rule.fill(unmeasured, at, at + count);
    limiter.judge(wanted.limits.map((candidates) => candidates.map((column) => scan.floats(column))), rows, count, into.durationNs, at, into.limits);
    if (!limiter.counters || this.#guarded) return;
    // That there are counters is known; those of kernels too short to be judged need not be read. A ns less, for durations are rounded.
    scan.guardBy(wanted.duration, (limiter.minimumNs - 1) / 1000);
    this.#guarded = true;
  }

  /** What was read. */
  done(): KernelParts {
    return { parts: this.#parts, strings: this.#strings.list, operators: this.#operators.finish(), baseUs: this.#clock.anchored ? Number(this.#clock.baseNs / 1000n) : null, counted: this.#limiter?.counters === true };
  }
}

/**
 * Reads pieces of a file as long as there are any that no other reader took.
 * @param next in memory that all threads see: the piece that is next
 */
export async function readPieces(file: KernelFile, pieces: readonly KernelPiece[], target: KernelTarget, next: Int32Array, signal?: AbortSignal): Promise<KernelParts> {
  const reader = new KernelReader(file);
  const handle = await open(file.path, 'r');
  const reads = new SmallReads(handle, signal);
  try {
    for (;;) {
      const piece = pieces[Atomics.add(next, 0, 1)];
      if (piece === undefined) return reader.done();
      await reader.read(reads, piece, target);
    }
  } finally {
    await handle.close();
  }
}
