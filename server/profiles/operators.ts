import { Float64Column, Int32Column } from './columns.js';
import { type Operators } from './profile.js';

/** What is said of an operator: ids of strings, absent ones 0; block counts NaN when not known. */
export interface OperatorCells {
  opType: number;
  taskType: number;
  opState: number;
  inputShapes: number;
  inputTypes: number;
  inputFormats: number;
  outputShapes: number;
  blockNum: number;
  mixBlockNum: number;
}

export const operatorWords = ['opType', 'taskType', 'opState', 'inputShapes', 'inputTypes', 'inputFormats', 'outputShapes'] as const;
export const operatorBlocks = ['blockNum', 'mixBlockNum'] as const;

export function unknownOperator(): OperatorCells {
  return { opType: 0, taskType: 0, opState: 0, inputShapes: 0, inputTypes: 0, inputFormats: 0, outputShapes: 0, blockNum: NaN, mixBlockNum: NaN };
}

function hashOf(cells: Readonly<OperatorCells>): number {
  let hash = 0;
  const take = (value: number): void => {
    hash = Math.imul(hash ^ value, 0x9e3779b1);
    hash ^= hash >>> 15;
  };
  for (const key of operatorWords) take(cells[key]);
  for (const key of operatorBlocks) take(cells[key] | 0);
  return hash;
}

const sameNumber = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b));

/** Operators as they are met, each combination once; row 0 is the one of which nothing is known. */
export class OperatorRows {
  readonly #opType = new Int32Column(64);
  readonly #taskType = new Int32Column(64);
  readonly #words = operatorWords.map((key) => ({ key, column: key === 'taskType' ? this.#taskType : key === 'opType' ? this.#opType : new Int32Column(64) }));
  readonly #blocks = operatorBlocks.map((key) => ({ key, column: new Float64Column(64) }));
  #slots = new Int32Array(256).fill(-1);
  #hashes = new Int32Column(64);
  readonly #typed = new Map<number, number>();

  constructor() {
    this.id(unknownOperator());
  }

  get length(): number {
    return this.#hashes.length;
  }

  /** Row of a combination. */
  id(cells: Readonly<OperatorCells>): number {
    const hash = hashOf(cells);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const row = this.#slots[slot] ?? -1;
      if (row < 0) break;
      if (this.#hashes.get(row) === hash && this.#is(row, cells)) return row;
      slot = (slot + 1) & mask;
    }
    const row = this.length;
    for (const { key, column } of this.#words) column.push(cells[key]);
    for (const { key, column } of this.#blocks) column.push(cells[key]);
    this.#hashes.push(hash);
    this.#slots[slot] = row;
    if (row * 2 > mask) this.#rehash();
    return row;
  }

  /** The operator of a task of which only the type of the task is known. */
  typed(taskType: number): number {
    let row = this.#typed.get(taskType);
    if (row === undefined) this.#typed.set(taskType, (row = this.id({ ...unknownOperator(), taskType })));
    return row;
  }

  /** String id of the type of a row. */
  opType(row: number): number {
    return this.#opType.get(row);
  }

  /** String id of the type of a row's task. */
  taskType(row: number): number {
    return this.#taskType.get(row);
  }

  /** What is said of a row. */
  cells(row: number): OperatorCells {
    const cells = unknownOperator();
    for (const { key, column } of this.#words) cells[key] = column.get(row);
    for (const { key, column } of this.#blocks) cells[key] = column.get(row);
    return cells;
  }

  #is(row: number, cells: Readonly<OperatorCells>): boolean {
    return this.#words.every(({ key, column }) => column.get(row) === cells[key]) && this.#blocks.every(({ key, column }) => sameNumber(column.get(row), cells[key]));
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    for (let row = 0; row < this.length; row++) {
      let slot = this.#hashes.get(row) & mask;
      while ((slots[slot] ?? -1) >= 0) slot = (slot + 1) & mask;
      slots[slot] = row;
    }
    this.#slots = slots;
  }

  finish(): Operators {
    const rows = Array.from({ length: this.length }, (_, row) => this.cells(row));
    return operatorsOf(rows);
  }
}

/** Columns of some operators, in the order given. */
export function operatorsOf(rows: readonly Readonly<OperatorCells>[]): Operators {
  const words = (key: (typeof operatorWords)[number]): Int32Array => Int32Array.from(rows, (cells) => cells[key]);
  const blocks = (key: (typeof operatorBlocks)[number]): Float64Array => Float64Array.from(rows, (cells) => cells[key]);
  return {
    length: rows.length,
    opType: words('opType'),
    taskType: words('taskType'),
    opState: words('opState'),
    inputShapes: words('inputShapes'),
    inputTypes: words('inputTypes'),
    inputFormats: words('inputFormats'),
    outputShapes: words('outputShapes'),
    blockNum: blocks('blockNum'),
    mixBlockNum: blocks('mixBlockNum'),
  };
}
