import { classOfOperator, isCommunicationRow } from '../classify.js';
import { CsvRow, splitRecord } from '../csvRow.js';
import { operatorBlocks, operatorWords, unknownOperator, type OperatorCells, type OperatorRows } from '../operators.js';
import { batchRows, cellKind, type CsvScan } from './csvScan.js';

type Cell = keyof OperatorCells | 'name';

/** Columns of the cells that say what a kernel is, −1 for one the file does not have. */
export interface KernelWordColumns extends Readonly<Record<Cell, number>> {
  /** Columns nobody asks for that hardly ever change: cells on both sides of one are still read as one word. */
  readonly between: readonly number[];
}

/** Texts by id. Id 0 is the empty one. */
export class Texts {
  readonly list: string[] = [''];
  readonly #ids = new Map<string, number>([['', 0]]);

  id(text: string): number {
    let id = this.#ids.get(text);
    if (id === undefined) this.#ids.set(text, (id = this.add(text)));
    return id;
  }

  /** Without looking whether it is there: names of collectives hardly ever come twice. */
  add(text: string): number {
    return text === '' ? 0 : this.list.push(text) - 1;
  }
}

/** The task type is that of a collective; there is a task type; the name is that of a collective. */
const flag = { commType: 1, typed: 2, commName: 4 } as const;

/** Array by code or part that grows; −1 where nothing was set. */
function wider(data: Int32Array<ArrayBuffer>, index: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(Math.max(index + 1, data.length * 2)).fill(-1);
  next.set(data);
  return next;
}

/** Cells that stand side by side in the file, read as one word: a row then costs a look-up or two. */
class Run {
  readonly wanted: number;
  readonly hasName: boolean;
  /** By code of the word: what it says of the operator, an index into `said`; −1 where it was not met yet. */
  part = new Int32Array(1024).fill(-1);
  /** By code: flags, and with them the class of the name. */
  flags = new Int32Array(1024);
  /** By code: string id. */
  name = new Int32Array(1024);
  /** The first says nothing: the record ends before the run. */
  readonly said: Partial<OperatorCells>[] = [{}];
  readonly #parts = new Map<string, number>([['{}', 0]]);
  /** By the bytes of all cells but the name. */
  readonly #said = new Map<string, { part: number; flags: number }>();
  readonly #nameAt: number;
  readonly #row = new CsvRow();
  readonly #first: number;

  constructor(readonly scan: CsvScan, readonly cells: readonly { readonly cell: Cell; readonly column: number }[], readonly strings: Texts) {
    this.#first = cells[0]?.column ?? 0;
    this.wanted = scan.want(this.#first, cellKind.word, cells.at(-1)?.column ?? this.#first);
    this.#nameAt = (cells.find(({ cell }) => cell === 'name')?.column ?? -1 + this.#first) - this.#first;
    this.hasName = this.#nameAt >= 0;
  }

  /** Cuts a word that is met for the first time into its cells. */
  learn(code: number): number {
    if (code >= this.part.length) [this.part, this.flags, this.name] = [wider(this.part, code), wider(this.flags, code), wider(this.name, code)];
    const row = this.#row;
    const word = this.scan.word(code);
    splitRecord(row, word);
    let nameFlags = classOfOperator('') << 3;
    this.name[code] = 0;
    if (this.#nameAt >= 0) {
      const name = row.clean(this.#nameAt);
      this.name[code] = this.strings.add(name);
      nameFlags = (classOfOperator(name) << 3) | (isCommunicationRow('', name) ? flag.commName : 0);
    }
    // Of a thousand names few differ in anything else.
    const key = row.without(this.#nameAt);
    let said = this.#said.get(key);
    if (said === undefined) this.#said.set(key, (said = this.#read(row)));
    this.flags[code] = nameFlags | said.flags;
    return (this.part[code] = said.part);
  }

  /** What the cells beside the name say. */
  #read(row: CsvRow): { part: number; flags: number } {
    const cells: Partial<OperatorCells> = {};
    let flags = 0;
    for (const { cell, column } of this.cells) {
      const at = column - this.#first;
      if (cell === 'name') continue;
      if (cell === 'blockNum' || cell === 'mixBlockNum') {
        const value = row.number(at);
        if (!Number.isNaN(value)) cells[cell] = value;
        continue;
      }
      const text = row.clean(at);
      if (text === '') continue;
      cells[cell] = this.strings.id(text);
      if (cell === 'taskType') flags |= flag.typed | (isCommunicationRow(text, '') ? flag.commType : 0);
    }
    const key = JSON.stringify(cells);
    let part = this.#parts.get(key);
    if (part === undefined) this.#parts.set(key, (part = this.said.push(cells) - 1));
    return { part, flags };
  }
}

/** From what the runs before said and what the next says to both together. Operators are few, and one run nearly always tells the other. */
class Fold {
  /** By part: what stood before it the last time, and what came of it. */
  before = new Int32Array(1024).fill(-1);
  after = new Int32Array(1024).fill(-1);
  readonly #known = new Map<number, number>();

  constructor(readonly run: Run, readonly cells: OperatorCells[]) {}

  of(before: number, part: number): number {
    const key = before * 2 ** 26 + part;
    let after = this.#known.get(key);
    if (after === undefined) this.#known.set(key, (after = this.cells.push({ ...(this.cells[before] ?? unknownOperator()), ...this.run.said[part] }) - 1));
    if (part >= this.before.length) [this.before, this.after] = [wider(this.before, part), wider(this.after, part)];
    this.before[part] = before;
    return (this.after[part] = after);
  }
}

/** Takes in what one run says of the rows of a batch. */
function foldRows(fold: Fold, codes: Int32Array, rows: number, together: Int32Array, flags: Int32Array, name: Int32Array): void {
  const { run } = fold;
  let { part: parts, flags: said, name: names } = run;
  let { before, after } = fold;
  for (let row = 0; row < rows; row++) {
    const code = codes[row] ?? -1;
    let part = 0;
    if (code >= 0) {
      part = code < parts.length ? (parts[code] ?? -1) : -1;
      if (part < 0) {
        part = run.learn(code);
        ({ part: parts, flags: said, name: names } = run);
      }
      flags[row] = (flags[row] ?? 0) | (said[code] ?? 0);
    }
    if (run.hasName) name[row] = code < 0 ? 0 : (names[code] ?? 0);
    const was = together[row] ?? 0;
    if (part < before.length && before[part] === was) together[row] = after[part] ?? 0;
    else {
      together[row] = fold.of(was, part);
      ({ before, after } = fold);
    }
  }
}

/** What the words of a file mean: devices, names, operators and classes of the rows of a batch. */
export class KernelWords {
  /** String ids, −1 for a missing cell. */
  readonly device = new Int32Array(batchRows).fill(-1);
  readonly name = new Int32Array(batchRows);
  readonly operator = new Int32Array(batchRows);
  readonly classes = new Uint8Array(batchRows);
  /** 1 for rows of collectives. */
  readonly communication = new Uint8Array(batchRows);
  readonly #folds: readonly Fold[];
  /** What some runs say together; the first says nothing. */
  readonly #cells: OperatorCells[] = [unknownOperator()];
  /** Row of the operators by index into {@link #cells}, −1 where it was not needed yet. */
  #operatorOf = new Int32Array(1024).fill(-1);
  readonly #flags = new Int32Array(batchRows);
  readonly #deviceWanted: number;
  #deviceOf = new Int32Array(64).fill(-1);
  readonly #row = new CsvRow();

  constructor(readonly scan: CsvScan, device: number, columns: KernelWordColumns, readonly strings: Texts, readonly operators: OperatorRows) {
    const names = ['name', ...operatorWords, ...operatorBlocks] as const;
    const cells = names.map((cell) => ({ cell, column: columns[cell] })).filter(({ column }) => column >= 0);
    cells.sort((a, b) => a.column - b.column);
    const runs: (typeof cells)[] = [];
    for (const cell of cells) {
      const run = runs.at(-1);
      let next = (run?.at(-1)?.column ?? -2) + 1;
      while (columns.between.includes(next)) next++;
      if (run !== undefined && cell.column === next) run.push(cell);
      else runs.push([cell]);
    }
    this.#folds = runs.map((run) => new Fold(new Run(scan, run, strings), this.#cells));
    this.#deviceWanted = device < 0 ? -1 : scan.want(device, cellKind.word);
  }

  /** Looks up the words of the batch. */
  read(): void {
    const { scan } = this;
    const rows = scan.rows;
    const [together, flags] = [this.operator, this.#flags];
    together.fill(0, 0, rows);
    flags.fill(0, 0, rows);
    for (const fold of this.#folds) foldRows(fold, scan.codes(fold.run.wanted), rows, together, flags, this.name);
    this.#settle(rows);
    if (this.#deviceWanted >= 0) this.#devices(scan.codes(this.#deviceWanted), rows);
  }

  /** From what the runs said together to operators, classes and collectives. */
  #settle(rows: number): void {
    const [together, flags, classes, communication] = [this.operator, this.#flags, this.classes, this.communication];
    let known = this.#operatorOf;
    for (let row = 0; row < rows; row++) {
      const index = together[row] ?? 0;
      let operator = index < known.length ? (known[index] ?? -1) : -1;
      if (operator < 0) {
        operator = this.#operator(index);
        known = this.#operatorOf;
      }
      together[row] = operator;
      const said = flags[row] ?? 0;
      classes[row] = said >> 3;
      communication[row] = (said & flag.commType) !== 0 || (said & (flag.typed | flag.commName)) === flag.commName ? 1 : 0;
    }
  }

  #operator(index: number): number {
    if (index >= this.#operatorOf.length) this.#operatorOf = wider(this.#operatorOf, index);
    return (this.#operatorOf[index] = this.operators.id(this.#cells[index] ?? unknownOperator()));
  }

  #devices(codes: Int32Array, rows: number): void {
    for (let row = 0; row < rows; row++) {
      const code = codes[row] ?? -1;
      let id = -1;
      if (code >= 0) {
        id = code < this.#deviceOf.length ? (this.#deviceOf[code] ?? -1) : -1;
        if (id < 0) {
          if (code >= this.#deviceOf.length) this.#deviceOf = wider(this.#deviceOf, code);
          splitRecord(this.#row, this.scan.word(code));
          this.#deviceOf[code] = id = this.strings.id(this.#row.clean(0));
        }
      }
      this.device[row] = id;
    }
  }
}
