import { classOfOperator, classOfType, commTypeOf, pmuScale, pmuStem } from './classify.js';
import { connectionsOf, copyTask, markCarriers } from './collectives.js';
import { IdMap, Int32Column, type Float64Column } from './columns.js';
import { dataTypes, enumNames, links, none32, transports, type DbContext } from './dbContext.js';
import { unknownOperator } from './operators.js';
import { taskClass } from './profile.js';
import type { NumberColumn } from './scan/tablePages.js';
import { asNumber, type Value } from './sqlite.js';
import { TaskRows } from './tables.js';
import { emptyTask } from './text.js';

/** Operators by globalTaskId: name, and row of the assembly's operators; there are as many as distinct tasks. */
class TaskOperators {
  readonly rowOf = new IdMap();
  readonly name = new Int32Column();
  readonly operator = new Int32Column();
}

function readOperators(context: DbContext): TaskOperators {
  const { db, strings, assembly } = context;
  const found = new TaskOperators();
  const t = 'COMPUTE_TASK_INFO';
  if (!db.has(t, 'globalTaskId', 'name')) return found;
  const col = (...names: string[]): NumberColumn => db.number(t, ...names);
  // Before schema 1.2 blockDim is the number; since then it is a string id of the SIMT block and blockNum is the number.
  const wanted = [col('globalTaskId'), col('blockNum', 'blockDim', 'block_dim'), col('mixBlockNum', 'mixBlockDim'), col('name'), ...['opType', 'taskType', 'inputShapes', 'inputDataTypes', 'inputFormats', 'outputShapes', 'opState'].map((c) => col(c))];
  const cells = unknownOperator();
  let count = 0;
  context.numbers(t, wanted, (row) => {
    found.rowOf.set(row[0] ?? NaN, count++);
    found.name.push(strings.id(row[3]));
    cells.blockNum = row[1] ?? NaN;
    cells.mixBlockNum = row[2] ?? NaN;
    cells.opType = strings.id(row[4]);
    cells.taskType = strings.id(row[5]);
    cells.inputShapes = strings.id(row[6]);
    cells.inputTypes = strings.id(row[7]);
    cells.inputFormats = strings.id(row[8]);
    cells.outputShapes = strings.id(row[9]);
    cells.opState = strings.id(row[10]);
    found.operator.push(assembly.operators.id(cells));
  });
  return found;
}

/** TASK and what joins to it. A replayed graph has many tasks of one globalTaskId, so ids lead to chains of rows. */
export class DbTasks {
  readonly #first = new IdMap();
  readonly #last = new IdMap();
  readonly #next = new Int32Column();
  readonly #start: number;
  readonly #opOf = new IdMap();
  /** First collective of this database. */
  readonly #firstOp: number;
  /** Kernel types without an operator; settled when the collectives are known. */
  readonly #parents = new TaskRows();

  constructor(readonly context: DbContext) {
    this.#start = context.assembly.tasks.length;
    this.#firstOp = context.assembly.commOps.length;
  }

  get firstTask(): number {
    return this.#start;
  }

  #chain(global: number, row: number): void {
    const last = this.#last.get(global);
    this.#next.push(-1);
    if (last < 0) this.#first.set(global, row);
    else this.#next.set(last - this.#start, row);
    this.#last.set(global, row);
  }

  /** The next row of a globalTaskId that this cursor has not given yet, in the order of TASK; −1 after the last. */
  #take(cursor: Map<number, number>, global: number): number {
    const first = this.#first.get(global);
    // Nearly every id has one task; only replayed ones need a place in the cursor.
    if (first === this.#last.get(global)) return first;
    const row = cursor.get(global) ?? first;
    if (row >= 0) cursor.set(global, this.#next.get(row - this.#start));
    return row;
  }

  tasks(): void {
    const { db, assembly, strings } = this.context;
    if (!db.has('TASK', 'startNs', 'endNs')) return;
    const operators = readOperators(this.context);
    const communication = new Set<number>();
    for (const table of ['COMMUNICATION_TASK_INFO', 'COMMUNICATION_SCHEDULE_TASK_INFO']) {
      if (db.has(table, 'globalTaskId')) this.context.numbers(table, [{ column: 'globalTaskId' }], ([id]) => communication.add(id ?? NaN));
    }
    const cells = emptyTask();
    /** The type of the task stands in where the operator does not say on which core it runs. */
    const onCore = (operator: number, type: number): number => {
      if (assembly.operators.taskType(operator) !== 0) return operator;
      return assembly.operators.id({ ...assembly.operators.cells(operator), taskType: type });
    };
    const col = (name: string): NumberColumn => db.number('TASK', name);
    this.context.numbers('TASK', [this.context.offset('startNs'), { column: 'endNs', less: 'startNs' }, ...['deviceId', 'connectionId', 'globalTaskId', 'taskType', 'streamId', 'taskId'].map(col)], (row) => {
      const [startNs = NaN, durationNs = NaN, device = NaN, connection = NaN, global = NaN, taskType = NaN, stream = NaN, taskId = NaN] = row;
      if (Number.isNaN(startNs) || Number.isNaN(durationNs)) return;
      const own = operators.rowOf.get(global);
      const type = strings.id(taskType);
      cells.device = this.context.device(device);
      cells.stream = Number.isNaN(stream) || stream === none32 ? -1 : stream;
      cells.taskId = taskId;
      cells.startNs = startNs;
      cells.durationNs = durationNs;
      cells.connection = this.context.connection(connection);
      cells.name = own < 0 ? type : operators.name.get(own);
      cells.operator = own < 0 ? assembly.operators.typed(type) : onCore(operators.operator.get(own), type);
      if (own >= 0) cells.class = classOfOperator(assembly.strings.get(cells.name));
      else if (communication.has(global)) cells.class = taskClass.communication;
      else {
        const text = assembly.strings.get(type);
        cells.class = classOfType(text, text, false);
        if (cells.class === taskClass.compute && operators.rowOf.size > 0) {
          this.#parents.push(cells);
          return;
        }
      }
      this.#chain(global, assembly.tasks.push(cells));
    });
  }

  /**
   * A mixed kernel and a collective have a parent entry of a kernel type beside their own; the text export leaves it out, so do we.
   * One that belongs to nothing known stays, as a task of unknown kind.
   */
  #settleParents(): void {
    const { tasks, commOps } = this.context.assembly;
    if (this.#parents.length === 0) return;
    const connections = new Set<number>();
    for (let row = this.#start; row < tasks.length; row++) if (tasks.class.get(row) === taskClass.compute) connections.add(tasks.connection.get(row));
    for (let row = this.#firstOp; row < commOps.length; row++) connections.add(commOps.connection.get(row));
    connections.delete(-1);
    for (let i = 0; i < this.#parents.length; i++) if (!connections.has(this.#parents.connection.get(i))) copyTask(this.#parents, i, tasks, taskClass.other);
  }

  collectives(): void {
    const { db, assembly, strings } = this.context;
    const t = 'COMMUNICATION_OP';
    if (!db.has(t, 'startNs', 'endNs')) {
      this.#settleParents();
      return;
    }
    assembly.holds.commOps = true;
    const first = assembly.commOps.length;
    const dataType = enumNames(this.context, 'ENUM_HCCL_DATA_TYPE', dataTypes);
    const deviceOf = this.#devicesOfOps();
    const col = (...names: string[]): string => db.column(t, ...names);
    for (const row of this.context.each(`SELECT ${this.context.time('startNs')}, ${this.context.span('startNs', 'endNs')}, ${col('opName')}, ${col('opType')}, ${col('groupName')}, ${col('connectionId')}, ${col('count')}, ${col('dataType')}, ${col('rankSize')}, ${col('deviceId')}, ${col('opId')} FROM ${t}`)) {
      const [startNs, durationNs, opId] = [asNumber(row[0]), asNumber(row[1]), asNumber(row[10])];
      if (Number.isNaN(startNs) || Number.isNaN(durationNs)) continue;
      const name = strings.id(row[2]);
      const type = strings.id(row[3]);
      const connection = this.context.connection(row[5]);
      const [count, size] = [asNumber(row[6]), asNumber(row[8])];
      const at = assembly.commOps.push({
        device: Number.isNaN(asNumber(row[9])) ? deviceOf(opId, connection) : this.context.device(row[9]),
        startNs,
        durationNs,
        name,
        opType: type !== 0 ? type : assembly.strings.id(commTypeOf(assembly.strings.get(name))),
        group: strings.id(row[4]),
        connection,
        count: count < 0 ? NaN : count,
        dataType: dataType(row[7]),
        rankSize: size <= 0 || size === none32 ? NaN : size,
      });
      if (!Number.isNaN(opId)) this.#opOf.set(opId, at);
    }
    const rows = Array.from({ length: assembly.commOps.length - first }, (_, i) => first + i);
    markCarriers(assembly.tasks, connectionsOf(assembly.commOps, rows), new Set(), this.#start);
    this.#settleParents();
  }

  /** Older COMMUNICATION_OP has no deviceId: it is that of a task of the collective, or of one with its connection. */
  #devicesOfOps(): (opId: number, connection: number) => number {
    const { tasks } = this.context.assembly;
    const byOp = new Map<number, number>();
    if (this.context.db.has('COMMUNICATION_TASK_INFO', 'globalTaskId', 'opId')) {
      for (const [global, op] of this.context.each('SELECT globalTaskId, opId FROM COMMUNICATION_TASK_INFO')) {
        const row = this.#first.get(asNumber(global));
        if (row >= 0 && !byOp.has(asNumber(op))) byOp.set(asNumber(op), tasks.device.get(row));
      }
    }
    const byConnection = new Map<number, number>();
    for (let row = this.#start; row < tasks.length; row++) byConnection.set(tasks.connection.get(row), tasks.device.get(row));
    return (opId, connection) => byOp.get(opId) ?? (connection < 0 ? undefined : byConnection.get(connection)) ?? this.context.device(null);
  }

  /** Sub-tasks of collectives. The n-th row of a globalTaskId belongs to its n-th task. */
  planes(): void {
    const { db, assembly, strings } = this.context;
    const t = 'COMMUNICATION_TASK_INFO';
    if (!db.has(t, 'globalTaskId', 'taskType')) return;
    const transport = enumNames(this.context, 'ENUM_HCCL_TRANSPORT_TYPE', transports);
    const link = enumNames(this.context, 'ENUM_HCCL_LINK_TYPE', links);
    const cursor = new Map<number, number>();
    const col = (name: string): NumberColumn => db.number(t, name);
    this.context.numbers(t, [...['globalTaskId', 'taskType', 'planeId', 'groupName', 'opId', 'size', 'transportType', 'linkType', 'srcRank', 'dstRank', 'isMaster'].map(col)], (row) => {
      const global = asNumber(row[0]);
      const next = this.#take(cursor, global);
      const task = next >= 0 ? next : this.#last.get(global);
      const name = strings.id(row[1]);
      // At Level0 the rows are there without names: they say which tasks are communication, not what they do.
      if (task < 0 || name === 0) return;
      assembly.holds.commTasks = true;
      const [plane, bytes, master] = [asNumber(row[2]), asNumber(row[5]), asNumber(row[10])];
      assembly.commTasks.push({
        device: assembly.tasks.device.get(task),
        op: this.#opOf.get(asNumber(row[4])),
        plane: Number.isNaN(plane) || plane === none32 ? -1 : plane,
        startNs: assembly.tasks.startNs.get(task),
        durationNs: assembly.tasks.durationNs.get(task),
        name,
        group: strings.id(row[3]),
        bytes: bytes < 0 ? NaN : bytes,
        transport: transport(row[6]),
        link: link(row[7]),
        srcRank: rankOf(row[8]),
        dstRank: rankOf(row[9]),
        master: Number.isNaN(master) ? 255 : master === 1 ? 1 : 0,
      });
    });
  }

  /** TASK_PMU_INFO, one row per task and counter. */
  counters(): void {
    const { db, assembly, strings } = this.context;
    if (!db.has('TASK_PMU_INFO', 'globalTaskId', 'name', 'value')) return;
    const kept = new Map<number, { column: Float64Column; scale: number; cursor: Map<number, number> }>();
    for (const [id] of this.context.each('SELECT DISTINCT name FROM TASK_PMU_INFO')) {
      const stem = pmuStem(assembly.strings.get(strings.id(id)));
      if (stem !== null && assembly.keepsCounter(stem)) kept.set(asNumber(id), { column: assembly.tasks.pmuColumn(stem), scale: pmuScale(stem), cursor: new Map() });
    }
    if (kept.size === 0) return;
    const put = (global: number, name: number, value: number): void => {
      const counter = kept.get(name);
      if (counter === undefined || Number.isNaN(value)) return;
      const row = this.#take(counter.cursor, global);
      if (row >= 0) counter.column.set(row, value * counter.scale);
    };
    this.context.numbers('TASK_PMU_INFO', [{ column: 'globalTaskId' }, { column: 'name' }, { column: 'value' }], ([global = NaN, name = NaN, value = NaN]) => put(global, name, value));
  }
}

function rankOf(value: Value | undefined): number {
  const rank = asNumber(value);
  return rank === none32 || rank < 0 ? NaN : rank;
}
