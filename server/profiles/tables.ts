import { deviceStartOrder, Uint16Column, Float64Column, IdColumn, Int32Column, inverse, permuteUint16, permuteFloat64, permuteInt32, permuteUint8, Uint8Column } from './columns.js';
import { limitsOf, unmeasured, type LimitRules, type TaskLimits } from './limits.js';
import { type KernelTarget } from './scan/kernelPart.js';
import { type Apis, type CommOps, type CommTasks, type Operators, type Tasks } from './profile.js';

/** What is said of one task; ids are ids of strings, absent ones 0. */
export interface TaskCells {
  device: number;
  stream: number;
  /** Task id inside its stream, for finding the same task in another export; −1 when not known. */
  taskId: number;
  startNs: number;
  durationNs: number;
  name: number;
  /** Row of the assembly's operators. */
  operator: number;
  class: number;
  connection: number;
}

const taskInts = ['device', 'stream', 'taskId', 'name', 'operator'] as const;
const taskFloats = ['startNs', 'durationNs'] as const;

/** Device tasks as they come in. */
export class TaskRows {
  readonly device = new Int32Column();
  readonly stream = new Int32Column();
  readonly taskId = new Int32Column();
  readonly name = new Int32Column();
  readonly operator = new Int32Column();
  readonly class = new Uint8Column();
  readonly startNs = new Float64Column();
  readonly durationNs = new Float64Column();
  /** Shorter than the table where the rows at its end have none: a CSV has none at all. */
  readonly connection = new IdColumn();
  readonly pmu = new Map<string, Float64Column>();
  /** What limits a row, where a reader judged its counters itself. */
  readonly limitRule = new Uint8Column();
  readonly limitRatio = new Uint16Column();
  /** A reader that judged counters itself found any. */
  counted = false;

  get length(): number {
    return this.startNs.length;
  }

  push(cells: Readonly<TaskCells>): number {
    const row = this.length;
    // Written out: a loop over names costs as much as reading the row.
    this.device.push(cells.device);
    this.stream.push(cells.stream);
    this.taskId.push(cells.taskId);
    this.name.push(cells.name);
    this.operator.push(cells.operator);
    this.class.push(cells.class);
    this.startNs.push(cells.startNs);
    this.durationNs.push(cells.durationNs);
    if (cells.connection >= 0) this.connection.set(row, cells.connection);
    return row;
  }

  /** All rows of another table behind the own ones. */
  append(others: TaskRows): void {
    const [from, to] = [this.length, this.length + others.length];
    for (const key of taskInts) {
      this[key].reserve(to, false).set(others[key].array(), from);
      this[key].length = to;
    }
    for (const key of taskFloats) {
      this[key].reserve(to, false).set(others[key].array(), from);
      this[key].length = to;
    }
    this.class.reserve(to, false).set(others.class.array(), from);
    this.class.length = to;
    this.connection.append(others.connection, from);
  }

  pmuColumn(stem: string): Float64Column {
    let column = this.pmu.get(stem);
    if (column === undefined) this.pmu.set(stem, (column = new Float64Column()));
    return column;
  }

  /**
   * Room for rows up to `capacity`, written to directly by a fast reader that then calls {@link wrote}.
   * @param shared memory that other threads see @param stems counters that will be written @param limits the reader judges the counters
   */
  reserve(capacity: number, shared: boolean, stems: readonly string[], limits: boolean): KernelTarget {
    const int = (key: (typeof taskInts)[number]): Int32Array => this[key].reserve(capacity, shared);
    const float = (key: (typeof taskFloats)[number]): Float64Array => this[key].reserve(capacity, shared);
    const pmu = stems.map((stem) => {
      const column = this.pmuColumn(stem);
      column.fill(this.length);
      return column.reserve(capacity, shared);
    });
    if (limits) this.#unmeasured();
    return {
      device: int('device'),
      stream: int('stream'),
      name: int('name'),
      operator: int('operator'),
      class: this.class.reserve(capacity, shared),
      startNs: float('startNs'),
      durationNs: float('durationNs'),
      pmu,
      limits: limits ? { rule: this.limitRule.reserve(capacity, shared), ratio: this.limitRatio.reserve(capacity, shared) } : null,
    };
  }

  /** Rows up to `length` were written into the room; their task ids and connections are not known. */
  wrote(length: number, stems: readonly string[], limits: boolean): void {
    for (const stem of stems) this.pmuColumn(stem).length = length;
    // Task ids take no memory until one is known.
    for (const key of taskInts) this[key].length = length;
    this.class.length = length;
    for (const key of taskFloats) this[key].length = length;
    if (limits) this.limitRule.length = this.limitRatio.length = length;
  }

  /** Takes back the rows of a source that turned out broken. */
  truncate(length: number): void {
    for (const key of taskInts) this[key].truncate(length);
    for (const key of taskFloats) this[key].truncate(length);
    for (const column of [this.class, this.connection, this.limitRule, this.limitRatio, ...this.pmu.values()]) column.truncate(length);
  }

  /** Rows that no reader judged are not measured. */
  #unmeasured(): void {
    const from = this.limitRule.length;
    this.limitRule.reserve(this.length, false).fill(unmeasured, from, this.length);
    this.limitRatio.reserve(this.length, false).fill(0, from, this.length);
    this.limitRule.length = this.limitRatio.length = this.length;
  }

  /** What limits each row: what the readers found, and what the counters say that they left to us. */
  #limits(rules: LimitRules): TaskLimits {
    this.#unmeasured();
    const pmu = new Map([...this.pmu].map(([stem, column]) => [stem, column.array()] as const));
    return limitsOf(rules, pmu, this.durationNs.array(), { counters: this.counted, rule: this.limitRule.array(), ratio: this.limitRatio.array() });
  }

  /** @param rules what to make of the counters; null: keep them all */
  finish(shiftNs: number, operators: Operators, rules: LimitRules | null): Tasks {
    const order = deviceStartOrder(this.device.array(), this.startNs.array());
    const int = (c: Int32Column): Int32Array => permuteInt32(c.array(), order);
    const float = (c: Float64Column): Float64Array => permuteFloat64(c.array(), order);
    const pmu = new Map<string, Float64Array>();
    if (rules === null) {
      for (const [stem, column] of [...this.pmu].sort(([a], [b]) => (a < b ? -1 : 1))) {
        column.fill(this.length);
        const values = float(column);
        if (values.some((v) => !Number.isNaN(v))) pmu.set(stem, values);
      }
    }
    const limits = rules === null ? null : this.#limits(rules);
    return {
      length: this.length,
      device: int(this.device),
      stream: int(this.stream),
      startNs: shifted(float(this.startNs), shiftNs),
      durationNs: float(this.durationNs),
      name: int(this.name),
      operator: int(this.operator),
      operators,
      class: permuteUint8(this.class.array(), order),
      connection: this.connection.length === 0 ? this.connection.array(0) : permuteFloat64(this.connection.array(this.length), order),
      pmu,
      limits: limits === null ? null : { counters: limits.counters, rule: permuteUint8(limits.rule, order), ratio: permuteUint16(limits.ratio, order) },
    };
  }
}

export interface CommOpCells {
  device: number;
  startNs: number;
  durationNs: number;
  name: number;
  opType: number;
  group: number;
  connection: number;
  count: number;
  dataType: number;
  rankSize: number;
}

export class CommOpRows {
  readonly device = new Int32Column();
  readonly name = new Int32Column();
  readonly opType = new Int32Column();
  readonly group = new Int32Column();
  readonly dataType = new Int32Column();
  readonly startNs = new Float64Column();
  readonly durationNs = new Float64Column();
  readonly connection = new Float64Column();
  readonly count = new Float64Column();
  readonly rankSize = new Float64Column();

  get length(): number {
    return this.startNs.length;
  }

  push(cells: Readonly<CommOpCells>): number {
    // Written out, as above.
    this.device.push(cells.device);
    this.name.push(cells.name);
    this.opType.push(cells.opType);
    this.group.push(cells.group);
    this.dataType.push(cells.dataType);
    this.startNs.push(cells.startNs);
    this.durationNs.push(cells.durationNs);
    this.connection.push(cells.connection);
    this.count.push(cells.count);
    this.rankSize.push(cells.rankSize);
    return this.length - 1;
  }

  truncate(length: number): void {
    for (const key of ['device', 'name', 'opType', 'group', 'dataType'] as const) this[key].truncate(length);
    for (const key of ['startNs', 'durationNs', 'connection', 'count', 'rankSize'] as const) this[key].truncate(length);
  }

  /** Also gives old row → new row, for the sub-tasks. */
  finish(shiftNs: number): { table: CommOps; moved: Uint32Array | null } {
    const order = deviceStartOrder(this.device.array(), this.startNs.array());
    const int = (c: Int32Column): Int32Array => permuteInt32(c.array(), order);
    const float = (c: Float64Column): Float64Array => permuteFloat64(c.array(), order);
    const table: CommOps = {
      length: this.length,
      device: int(this.device),
      startNs: shifted(float(this.startNs), shiftNs),
      durationNs: float(this.durationNs),
      name: int(this.name),
      opType: int(this.opType),
      group: int(this.group),
      connection: float(this.connection),
      count: float(this.count),
      dataType: int(this.dataType),
      rankSize: float(this.rankSize),
    };
    return { table, moved: inverse(order) };
  }
}

export interface CommTaskCells {
  device: number;
  /** Row of the collective in {@link CommOpRows}, −1 when not known. */
  op: number;
  plane: number;
  startNs: number;
  durationNs: number;
  name: number;
  group: number;
  bytes: number;
  transport: number;
  link: number;
  srcRank: number;
  dstRank: number;
  master: number;
}

const commTaskInts = ['device', 'op', 'plane', 'name', 'group', 'transport', 'link', 'master'] as const;
const commTaskFloats = ['startNs', 'durationNs', 'bytes', 'srcRank', 'dstRank'] as const;

export class CommTaskRows {
  readonly device = new Int32Column();
  readonly op = new Int32Column();
  readonly plane = new Int32Column();
  readonly name = new Int32Column();
  readonly group = new Int32Column();
  readonly transport = new Int32Column();
  readonly link = new Int32Column();
  readonly master = new Int32Column();
  readonly startNs = new Float64Column();
  readonly durationNs = new Float64Column();
  readonly bytes = new Float64Column();
  readonly srcRank = new Float64Column();
  readonly dstRank = new Float64Column();

  get length(): number {
    return this.startNs.length;
  }

  push(cells: Readonly<CommTaskCells>): void {
    for (const key of commTaskInts) this[key].push(cells[key]);
    for (const key of commTaskFloats) this[key].push(cells[key]);
  }

  truncate(length: number): void {
    for (const key of commTaskInts) this[key].truncate(length);
    for (const key of commTaskFloats) this[key].truncate(length);
  }

  finish(shiftNs: number, moved: Uint32Array | null): CommTasks {
    const order = deviceStartOrder(this.device.array(), this.startNs.array());
    const int = (c: Int32Column): Int32Array => permuteInt32(c.array(), order);
    const float = (c: Float64Column): Float64Array => permuteFloat64(c.array(), order);
    return {
      length: this.length,
      device: int(this.device),
      op: int(this.op).map((row) => (row < 0 || moved === null ? row : (moved[row] ?? -1))),
      plane: int(this.plane),
      startNs: shifted(float(this.startNs), shiftNs),
      durationNs: float(this.durationNs),
      name: int(this.name),
      group: int(this.group),
      bytes: float(this.bytes),
      transport: int(this.transport),
      link: int(this.link),
      srcRank: float(this.srcRank),
      dstRank: float(this.dstRank),
      master: Uint8Array.from(int(this.master)),
    };
  }
}

export class ApiRows {
  readonly level = new Int32Column();
  readonly name = new Int32Column();
  readonly startNs = new Float64Column();
  readonly durationNs = new Float64Column();
  readonly thread = new Float64Column();
  readonly connection = new Float64Column();

  get length(): number {
    return this.startNs.length;
  }

  push(startNs: number, durationNs: number, level: number, name: number, thread: number, connection: number): void {
    this.startNs.push(startNs);
    this.durationNs.push(durationNs);
    this.level.push(level);
    this.name.push(name);
    this.thread.push(thread);
    this.connection.push(connection);
  }

  truncate(length: number): void {
    for (const column of [this.level, this.name, this.startNs, this.durationNs, this.thread, this.connection]) column.truncate(length);
  }

  finish(shiftNs: number): Apis {
    const order = deviceStartOrder(new Int32Array(this.length), this.startNs.array());
    return {
      length: this.length,
      startNs: shifted(permuteFloat64(this.startNs.array(), order), shiftNs),
      durationNs: permuteFloat64(this.durationNs.array(), order),
      level: permuteInt32(this.level.array(), order),
      name: permuteInt32(this.name.array(), order),
      thread: permuteFloat64(this.thread.array(), order),
      connection: permuteFloat64(this.connection.array(), order),
    };
  }
}

function shifted(data: Float64Array, by: number): Float64Array {
  if (by !== 0) for (let i = 0; i < data.length; i++) data[i] = (data[i] ?? NaN) - by;
  return data;
}
