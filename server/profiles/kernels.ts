import { open, stat } from 'node:fs/promises';
import { type Assembly } from './assembly.js';
import { commTypeOf, pmuStem } from './classify.js';
import { readCsv } from './csv.js';
import { type FoundFile } from './discover.js';
import { type LimitRules } from './limits.js';
import { operatorBlocks, operatorWords, unknownOperator, type OperatorRows } from './operators.js';
import { type Operators } from './profile.js';
import { KernelReader, targetColumns, type KernelColumns, type KernelPart, type KernelParts, type KernelPiece, type KernelTarget } from './scan/kernelPart.js';
import { SmallReads } from './scan/smallReads.js';
import { pieces, readSideBySide, threadsFor } from './scan/kernelThreads.js';
import { columnOf, deviceOfText, headerless, report } from './text.js';
import { limits } from './thresholds.js';

interface Header {
  readonly columns: KernelColumns;
  /** Counters by {@link KernelColumns.pmu}'s `into`. */
  readonly stems: readonly string[];
  readonly cells: number;
  /** Byte behind the header. */
  readonly end: number;
}

/** Columns by name with the aliases of older exports (facts §2.1, §2.5); null without a name, a start and a duration. */
function headerOf(names: readonly string[], end: number, keeps: (stem: string) => boolean, rules: LimitRules | null): Header | null {
  const col = (...aliases: string[]): number => columnOf(names, ...aliases);
  const start = col('Task Start Time(us)', 'Start Time(us)', 'Start Time', 'Task Start Time');
  const duration = col('Task Duration(us)', 'Duration(us)', 'Task Duration', 'Duration');
  const name = col('Op Name', 'Name');
  if (start < 0 || duration < 0 || name < 0) return null;
  const counters = names.flatMap((header, column) => {
    const stem = column > duration ? pmuStem(header) : null;
    return stem === null || !keeps(stem) ? [] : [{ stem, column }];
  });
  const stems = rules === null ? [...new Set(counters.map((c) => c.stem))] : [];
  // Of two columns of one counter the later counts where it has a value.
  const judged = rules?.rules.map((rule) => rule.stems.flatMap((stem) => counters.filter((c) => c.stem === stem).map((c) => c.column).reverse()));
  const columns: KernelColumns = {
    start,
    duration,
    stream: col('Stream ID', 'Stream Id'),
    device: col('Device_id', 'Device Id', 'Device ID'),
    words: {
      name,
      opType: col('OP Type', 'Op Type', 'Type'),
      taskType: col('Task Type', 'Accelerator Core'),
      blockNum: col('Block Num', 'Block Dim'),
      mixBlockNum: col('Mix Block Num', 'Mix Block Dim'),
      inputShapes: col('Input Shapes'),
      inputTypes: col('Input Data Types'),
      inputFormats: col('Input Formats'),
      outputShapes: col('Output Shapes'),
      opState: col('OP State', 'Op State'),
      between: [col('HF32 Eligible')],
    },
    pmu: stems.flatMap((stem, into) => counters.filter((c) => c.stem === stem).map(({ column }) => ({ column, into }))),
    limits: rules === null || judged === undefined ? null : { rules, columns: judged },
  };
  return { columns, stems, cells: names.length, end };
}

/** Ids of a part → ids of the profile. A function of its own: over columns of one kind the compiler makes a tight loop of it. */
function translate(column: Int32Array, from: number, to: number, ids: Int32Array): void {
  for (let row = from; row < to; row++) column[row] = ids[column[row] ?? 0] ?? 0;
}

/** Ids of texts → indices of devices; rows of one device follow one another. */
function place(column: Int32Array, from: number, to: number, device: (code: number) => number): void {
  let met = -2;
  let index = 0;
  for (let row = from; row < to; row++) {
    const code = column[row] ?? -1;
    if (code !== met) [met, index] = [code, device(code)];
    column[row] = index;
  }
}

function shift(column: Float64Array, from: number, to: number, by: number): void {
  for (let row = from; row < to; row++) column[row] = (column[row] ?? NaN) + by;
}

/** Turns what the readers wrote into rows of the profile: their ids into the profile's, their clocks into its own, pieces into one run. */
class Joining {
  readonly #devices = new Map<number, number>();

  constructor(readonly assembly: Assembly, readonly capture: number, readonly file: FoundFile, readonly columns: KernelColumns, readonly target: KernelTarget) {}

  #device(id: number): number {
    let index = this.#devices.get(id);
    if (index === undefined) this.#devices.set(id, (index = this.assembly.device(this.capture, id)));
    return index;
  }

  /** @param at first row of the profile that is free. Gives the row behind the last. */
  all(readers: readonly KernelParts[], at: number): number {
    const { strings, clock } = this.assembly;
    const known = readers.map((reader) => ({ reader, ids: new Int32Array(reader.strings.length), operators: new Int32Array(reader.operators.length), strings: 0, rows: 0 }));
    const inOrder = known.flatMap((of) => of.reader.parts.map((part) => ({ of, part }))).sort((a, b) => a.part.at - b.part.at);
    // A reader takes pieces in the order of the file, so what is new to it in a piece is met there first: ids do not depend on who read what.
    for (const { of, part } of inOrder) {
      for (; of.strings < part.strings; of.strings++) of.ids[of.strings] = strings.id(of.reader.strings[of.strings] ?? '');
      for (; of.rows < part.operators; of.rows++) of.operators[of.rows] = this.#operator(of.reader.operators, of.rows, of.ids);
    }
    for (const { of, part } of inOrder) {
      const offset = of.reader.baseUs === null ? 0 : clock.offset(of.reader.baseUs, 0);
      this.#rows(part, at, offset, of.ids, of.operators, of.reader.strings);
      at += part.kept;
    }
    return at;
  }

  #operator(operators: Operators, row: number, ids: Int32Array): number {
    const cells = unknownOperator();
    for (const key of operatorWords) cells[key] = ids[operators[key][row] ?? 0] ?? 0;
    for (const key of operatorBlocks) cells[key] = operators[key][row] ?? NaN;
    return this.assembly.operators.id(cells);
  }

  #rows({ at: from, kept, ops }: KernelPart, at: number, offset: number, ids: Int32Array, operators: Int32Array, texts: readonly string[]): void {
    const { columns, target } = this;
    const { strings, commOps } = this.assembly;
    const known = new Map<number, number>();
    const device = (id: number): number => {
      let index = known.get(id);
      if (index === undefined) known.set(id, (index = this.#device(id < 0 ? this.file.device : deviceOfText(texts[id] ?? ''))));
      return index;
    };
    if (from !== at) for (const column of targetColumns(target)) column.copyWithin(at, from, from + kept);
    if (offset !== 0) shift(target.startNs, at, at + kept, offset);
    translate(target.name, at, at + kept, ids);
    translate(target.operator, at, at + kept, operators);
    if (columns.device < 0) target.device.fill(kept > 0 ? device(-1) : 0, at, at + kept);
    else place(target.device, at, at + kept, device);
    if (columns.stream < 0) target.stream.fill(-1, at, at + kept);
    for (let i = 0; i < ops.startNs.length; i++) {
      const name = ids[ops.name[i] ?? -1] ?? 0;
      const type = ids[ops.opType[i] ?? -1] ?? 0;
      commOps.push({ device: device(ops.device[i] ?? -1), startNs: (ops.startNs[i] ?? NaN) + offset, durationNs: ops.durationNs[i] ?? NaN, name, opType: type !== 0 ? type : strings.id(commTypeOf(strings.get(name))), group: 0, connection: -1, count: NaN, dataType: 0, rankSize: NaN });
    }
  }
}

/** Whether any of some rows has an operator type. */
function anyTyped({ operator }: KernelTarget, from: number, to: number, operators: OperatorRows): boolean {
  for (let row = from; row < to; row++) if (operators.opType(operator[row] ?? 0) !== 0) return true;
  return false;
}

/** How a file is cut: into how many pieces, and how many threads read them. */
export interface Cut {
  readonly pieces: number;
  readonly threads: number;
}

function cutOf(bytes: number): Cut {
  const threads = threadsFor(bytes);
  return { threads, pieces: threads < 2 ? 1 : Math.max(threads, Math.ceil(bytes / limits.pieceBytes)) };
}

/**
 * op_summary_*.csv and kernel_details.csv: one row per kernel, and one per collective. Rows of collectives become CommOps. Wait
 * columns are not read: they compare rows of any stream. A large file is read in pieces on several threads; pieces that turn out not
 * to begin with a record are read again as one.
 * @throws ToolError E_CSV_BROKEN, E_FILE_EMPTY
 */
export async function readKernels(assembly: Assembly, capture: number, file: FoundFile, cut?: Cut): Promise<void> {
  const seen: { header: Header | null } = { header: null };
  await readCsv(file.path, (names, end) => {
    seen.header = headerOf(names, end, (stem) => assembly.keepsCounter(stem), assembly.limits);
    return null;
  });
  const { header } = seen;
  if (header === null) throw headerless(file, 'a name, a start time and a duration');
  const { size } = await stat(file.path);
  const got = (await apart(assembly, file, header, size, cut ?? cutOf(size - header.end))) ?? (await whole(assembly, file, header, size));
  if (got === null) {
    // The plain reader knows the line.
    await readCsv(file.path, () => () => undefined, assembly.signal);
    throw headerless(file, 'whole records');
  }
  const { target, readers } = got;
  const first = assembly.tasks.length;
  const at = new Joining(assembly, capture, file, header.columns, target).all(readers, first);
  assembly.tasks.wrote(at, header.stems, header.columns.limits !== null);
  assembly.tasks.counted ||= readers.some((r) => r.counted);
  const sum = (of: (part: KernelPart) => number): number => readers.reduce((total, { parts }) => parts.reduce((a, part) => a + of(part), total), 0);
  const rows = sum((p) => p.rows);
  // task-time l0 has neither shapes nor operator types (facts §2.1).
  if (header.columns.words.inputShapes < 0 && rows > 0 && !anyTyped(target, first, at, assembly.operators)) assembly.level ??= 'l0';
  report(assembly, file, { rows, ragged: sum((p) => p.ragged), bytes: size }, sum((p) => p.dropped));
}

interface Got {
  readonly target: KernelTarget;
  readonly readers: readonly KernelParts[];
}

const isWhole = (readers: readonly KernelParts[]): boolean => readers.every(({ parts }) => parts.every((p) => p.ended === 'whole'));

/** The file in pieces; null when it is not worth it, or when a piece did not begin with a record. */
async function apart(assembly: Assembly, file: FoundFile, header: Header, size: number, cut: Cut): Promise<Got | null> {
  if (cut.pieces < 2) return null;
  for (const room of limits.pieceRooms) {
    const got = await sideBySide(assembly, file, header, size, cut, room);
    if (got === null || isWhole(got.readers)) return got;
    if (got.readers.some(({ parts }) => parts.some((p) => p.ended !== 'whole' && p.ended !== 'overflow'))) return null;
  }
  return null;
}

/** Null when a thread failed. */
async function sideBySide(assembly: Assembly, file: FoundFile, header: Header, size: number, cut: Cut, room: number): Promise<Got | null> {
  let end = assembly.tasks.length;
  const list = (await pieces(file.path, header.end, size, cut.pieces, room)).map(({ from, to, rows }): KernelPiece => ({ from, to, last: to === size, at: end, end: (end += rows) }));
  const target = assembly.tasks.reserve(end, true, header.stems, header.columns.limits !== null);
  const readers = await readSideBySide({ path: file.path, cells: header.cells, columns: header.columns }, list, target, cut.threads, assembly.signal);
  return readers === null ? null : { target, readers };
}

/** The file as one piece; null when a quote is not closed where its cell ends. */
async function whole(assembly: Assembly, file: FoundFile, header: Header, size: number): Promise<Got | null> {
  const [piece] = await pieces(file.path, header.end, size, 1, limits.pieceRooms[0]);
  if (piece === undefined) return null;
  const at = assembly.tasks.length;
  const judges = header.columns.limits !== null;
  let target = assembly.tasks.reserve(at + piece.rows, false, header.stems, judges);
  const grow = (rows: number): KernelTarget => {
    // What was written so far is kept by a column only when it counts as its rows.
    assembly.tasks.wrote(rows, header.stems, judges);
    const wider = assembly.tasks.reserve(Math.ceil(rows * 1.25) + 1024, false, header.stems, judges);
    assembly.tasks.truncate(at);
    return (target = wider);
  };
  const reader = new KernelReader({ path: file.path, cells: header.cells, columns: header.columns });
  const handle = await open(file.path, 'r');
  try {
    await reader.read(new SmallReads(handle, assembly.signal), { from: piece.from, to: piece.to, last: true, at, end: target.startNs.length }, target, grow);
  } finally {
    await handle.close();
  }
  const readers = [reader.done()];
  return isWhole(readers) ? { target, readers } : null;
}
