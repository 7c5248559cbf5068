import { parseNumber, parseTimeUs, type Clock } from '../numbers.js';
import { limits } from '../thresholds.js';
import { csvModule } from './generated.js';
import { Wasm } from './wasm.js';

/** Values of {@link CsvScan.want}: a decimal number, a word as a code, a time in µs, a number that {@link CsvScan.guardBy} may leave out. */
export const cellKind = { number: 1, word: 2, time: 3, guarded: 4 } as const;

/** What ended a call of {@link CsvScan.parse}. */
export const scanStatus = { more: 0, full: 1, broken: 2, done: 3 } as const;

/** Where the bytes of the file lie in the scanner's memory. */
const input = 65_536;

/** Bytes looked at in one go: input, marks and batch then stay in the second-level cache. Measured: 64 to 256 kB are the same. */
const windowBytes = 1 << 17;

/** Rows of a batch. Measured: 256 to 2048 are the same. */
export const batchRows = 1024;

interface Wanted {
  readonly column: number;
  readonly at: number;
  readonly kind: number;
}

/**
 * A CSV cut into columns by the scanner of scripts/scan/csv.ts: same records and cells as {@link readCsv}, a batch at a time.
 * Words come as codes 0, 1, 2 … in the order the file first has them. Memory is the input, one batch and the words.
 */
export class CsvScan {
  readonly #wasm = new Wasm(csvModule);
  readonly #parse = this.#wasm.call('parse');
  readonly #index = this.#wasm.call('index');
  readonly #uncover = this.#wasm.call('uncover');
  readonly #next = this.#wasm.call('next');
  readonly #anchor = this.#wasm.call('anchor');
  readonly #rows = this.#wasm.number('rows');
  readonly #ragged = this.#wasm.number('ragged');
  readonly #status = this.#wasm.number('status');
  readonly #slow = this.#wasm.number('slow');
  readonly #slowCount = this.#wasm.number('slowCount');
  readonly #anchored = this.#wasm.number('anchored');
  readonly #baseUs = this.#wasm.number('baseUs');
  readonly #words = this.#wasm.number('words');
  readonly #wordStart = this.#wasm.call('wordStart');
  readonly #wordLength = this.#wasm.call('wordLength');
  readonly #wanted: Wanted[] = [];
  #views: (Float64Array | Int32Array)[] = [];
  #bytes = Buffer.alloc(0);
  #filled = 0;
  #at = 0;
  /** −1 until the bytes at hand were looked at. */
  #windowEnd = -1;
  #ended = false;

  /** @param columns cells of the header */
  constructor(columns: number) {
    const bytes = limits.csvRecordBytes + 2 * limits.scanBytes;
    this.#wasm.reserve(input + bytes + 64);
    this.#wasm.call('init')(input + bytes + 64, columns, batchRows, 2 * windowBytes);
    this.#refresh();
  }

  /** Has the cells of a column written into a batch. @param through last column of a word that takes in several cells, with their commas and quotes */
  want(column: number, kind: number, through = column): number {
    const at = this.#wasm.call('want')(column, kind, through) >>> 0;
    this.#views.length = 0;
    return this.#wanted.push({ column, at, kind }) - 1;
  }

  /** From the next batch on, guarded numbers are read only in rows where another wanted number is at least so much; elsewhere their cells mean nothing. */
  guardBy(wanted: number, least: number): void {
    this.#wasm.call('guardBy')(this.#wanted[wanted]?.column ?? -1, least);
  }

  /** Views break when the memory of the module grows. */
  #refresh(): void {
    const { buffer } = this.#wasm.memory;
    if (this.#bytes.buffer === buffer && this.#views.length === this.#wanted.length) return;
    this.#bytes = Buffer.from(buffer);
    this.#views = this.#wanted.map(({ at, kind }) => (kind === cellKind.word ? new Int32Array(buffer, at, batchRows) : new Float64Array(buffer, at, batchRows)));
  }

  /** Begins anew at another place of the file; words keep their codes, and times their base. */
  restart(): void {
    this.#uncover();
    [this.#filled, this.#at, this.#windowEnd, this.#ended] = [0, 0, -1, false];
  }

  /** Where the file is to be read to. Valid until the next call of {@link took}. */
  room(): { buffer: Buffer; at: number; length: number } {
    this.#uncover();
    this.#refresh();
    this.#bytes.copyWithin(input, input + this.#at, input + this.#filled);
    this.#filled -= this.#at;
    this.#at = 0;
    this.#windowEnd = -1;
    return { buffer: this.#bytes, at: input + this.#filled, length: limits.scanBytes };
  }

  /** @param bytes read into the room @param ended no byte will follow */
  took(bytes: number, ended: boolean): void {
    this.#filled += bytes;
    this.#ended = ended;
  }

  /** Bytes of the record that is not whole yet. */
  get left(): number {
    return this.#filled - this.#at;
  }

  /** Reads records until the batch is full or no whole record is left. Gives a value of {@link scanStatus}. */
  parse(clock: Clock): number {
    this.#next();
    if (clock.anchored && this.#anchored() === 0) this.#anchor(Number(clock.baseNs / 1000n));
    for (;;) {
      if (this.#windowEnd >= 0) {
        const last = this.#windowEnd === this.#filled;
        this.#at = (this.#parse(input + this.#at, last && this.#ended ? 1 : 0) >>> 0) - input;
        if (this.#status() !== scanStatus.more || last) break;
      }
      // A record longer than the window lets the window grow up to all there is.
      this.#windowEnd = Math.min(this.#filled, Math.max(this.#at, this.#windowEnd) + windowBytes);
      this.#index(input + this.#at, input + this.#windowEnd);
    }
    this.#refresh();
    if (!clock.anchored && this.#anchored() !== 0) clock.offset(this.#baseUs(), 0);
    if (this.#slowCount() > 0) this.#readSlow(clock);
    return this.#status();
  }

  /** Cells in a form the scanner leaves alone: signs, exponents, more than 15 digits. */
  #readSlow(clock: Clock): void {
    const cells = new Uint32Array(this.#wasm.memory.buffer, this.#slow(), this.#slowCount() * 4);
    for (let i = 0; i < cells.length; i += 4) {
      const [row = 0, column = 0, start = 0, end = 0] = cells.subarray(i, i + 4);
      const at = this.#wanted.findIndex((w) => w.column === column);
      const view = this.#views[at];
      if (view !== undefined) view[row] = this.#wanted[at]?.kind === cellKind.time ? parseTimeUs(this.#bytes, start, end, clock) : parseNumber(this.#bytes, start, end);
    }
  }

  get rows(): number {
    return this.#rows();
  }

  /** Records so far with another number of cells than the header. */
  get ragged(): number {
    return this.#ragged();
  }

  /** The batch of a wanted number or time: NaN where missing; times are ns from the clock's base. */
  floats(wanted: number): Float64Array {
    const view = this.#views[wanted];
    return view instanceof Float64Array ? view : new Float64Array(0);
  }

  /** The batch of a wanted word: −1 where the record lacks the cell. */
  codes(wanted: number): Int32Array {
    const view = this.#views[wanted];
    return view instanceof Int32Array ? view : new Int32Array(0);
  }

  /** Words met so far. */
  get words(): number {
    return this.#words();
  }

  /** The bytes of a word as the file has it. Valid until the next call of {@link parse}. */
  word(code: number): Buffer {
    const start = this.#wordStart(code) >>> 0;
    return this.#bytes.subarray(start, start + this.#wordLength(code));
  }
}
