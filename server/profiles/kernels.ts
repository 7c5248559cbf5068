import { stat } from 'node:fs/promises';
import { type Assembly } from './assembly.js';
import { commTypeOf, pmuStem } from './classify.js';
import { readCsv } from './csv.js';
import { type FoundFile } from './discover.js';
import { kernelWords, readKernelPart, targetColumns, type KernelColumns, type KernelPart, type KernelPartPlan, type KernelTarget } from './scan/kernelPart.js';
import { pieces, readParts, threadsFor, type Piece } from './scan/kernelThreads.js';
import { columnOf, deviceOfText, headerless, report } from './text.js';

interface Header {
  readonly columns: KernelColumns;
  /** Counters by {@link KernelColumns.pmu}'s `into`. */
  readonly stems: readonly string[];
  readonly cells: number;
  /** Byte behind the header. */
  readonly end: number;
}

/** Columns by name with the aliases of older exports (facts §2.1, §2.5); null without a name, a start and a duration. */
function headerOf(names: readonly string[], end: number, keeps: (stem: string) => boolean): Header | null {
  const col = (...aliases: string[]): number => columnOf(names, ...aliases);
  const start = col('Task Start Time(us)', 'Start Time(us)', 'Start Time', 'Task Start Time');
  const duration = col('Task Duration(us)', 'Duration(us)', 'Task Duration', 'Duration');
  const name = col('Op Name', 'Name');
  if (start < 0 || duration < 0 || name < 0) return null;
  const stems: string[] = [];
  const pmu = names.flatMap((header, column) => {
    const stem = column > duration ? pmuStem(header) : null;
    if (stem === null || !keeps(stem)) return [];
    if (!stems.includes(stem)) stems.push(stem);
    return [{ column, into: stems.indexOf(stem) }];
  });
  const columns = {
    start,
    duration,
    name,
    opType: col('OP Type', 'Op Type', 'Type'),
    taskType: col('Task Type', 'Accelerator Core'),
    stream: col('Stream ID', 'Stream Id'),
    blockNum: col('Block Num', 'Block Dim'),
    mixBlockNum: col('Mix Block Num', 'Mix Block Dim'),
    inputShapes: col('Input Shapes'),
    inputTypes: col('Input Data Types'),
    inputFormats: col('Input Formats'),
    outputShapes: col('Output Shapes'),
    opState: col('OP State', 'Op State'),
    device: col('Device_id', 'Device Id', 'Device ID'),
    pmu,
  };
  return { columns, stems, cells: names.length, end };
}

/** Codes → ids, −1 → 0. A function of its own: over columns of one kind the compiler makes a tight loop of it. */
function translate(column: Int32Array, from: number, to: number, ids: Int32Array): void {
  for (let row = from; row < to; row++) {
    const code = column[row] ?? -1;
    column[row] = code < 0 ? 0 : (ids[code] ?? 0);
  }
}

/** Codes → indices of devices; rows of one device follow one another. */
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

/** Turns what the parts wrote into rows of the profile: codes into ids, part clocks into the profile's, pieces into one run. */
class Joining {
  readonly #devices = new Map<number, number>();

  constructor(readonly assembly: Assembly, readonly capture: number, readonly file: FoundFile) {}

  #device(id: number): number {
    let index = this.#devices.get(id);
    if (index === undefined) this.#devices.set(id, (index = this.assembly.device(this.capture, id)));
    return index;
  }

  /** @param from where the part wrote its rows @param at where they belong @param columns of the file */
  join(target: KernelTarget, part: KernelPart, from: number, at: number, columns: KernelColumns): void {
    const { strings, clock, commOps } = this.assembly;
    const { kept, ops } = part;
    const ids = Int32Array.from(part.words, (word) => strings.id(word));
    const device = (code: number): number => this.#device(code < 0 ? this.file.device : deviceOfText(part.words[code] ?? ''));
    const offset = part.baseUs === null ? 0 : clock.offset(part.baseUs, 0);
    if (from !== at) for (const column of targetColumns(target)) column.copyWithin(at, from, from + kept);
    if (offset !== 0) shift(target.startNs, at, at + kept, offset);
    for (const key of kernelWords) {
      const column = target[key];
      if (columns[key] < 0) column.fill(key === 'device' && kept > 0 ? device(-1) : 0, at, at + kept);
      else if (key === 'device') place(column, at, at + kept, device);
      else translate(column, at, at + kept, ids);
    }
    if (columns.stream < 0) target.stream.fill(-1, at, at + kept);
    for (const key of ['blockNum', 'mixBlockNum'] as const) if (columns[key] < 0) target[key].fill(NaN, at, at + kept);
    for (let i = 0; i < ops.startNs.length; i++) {
      const name = ids[ops.name[i] ?? -1] ?? 0;
      const type = ids[ops.opType[i] ?? -1] ?? 0;
      commOps.push({ device: device(ops.device[i] ?? -1), startNs: (ops.startNs[i] ?? NaN) + offset, durationNs: ops.durationNs[i] ?? NaN, name, opType: type !== 0 ? type : strings.id(commTypeOf(strings.get(name))), group: 0, connection: -1, count: NaN, dataType: 0, rankSize: NaN });
    }
  }
}

/**
 * op_summary_*.csv and kernel_details.csv: one row per kernel, and one per collective. Rows of collectives become CommOps. Wait
 * columns are not read: they compare rows of any stream. A large file is read in pieces on several threads; pieces that turn out not
 * to begin with a record are read again as one.
 * @param parts pieces to cut the file into
 * @throws ToolError E_CSV_BROKEN, E_FILE_EMPTY
 */
export async function readKernels(assembly: Assembly, capture: number, file: FoundFile, parts?: number): Promise<void> {
  const seen: { header: Header | null } = { header: null };
  await readCsv(file.path, (names, end) => {
    seen.header = headerOf(names, end, (stem) => assembly.keepsCounter(stem));
    return null;
  });
  const { header } = seen;
  if (header === null) throw headerless(file, 'a name, a start time and a duration');
  const { size } = await stat(file.path);
  const threads = threadsFor(size - header.end);
  const got = (await apart(assembly, file, header, size, parts ?? threads, threads > 1)) ?? (await whole(assembly, file, header, size));
  if (got === null) {
    // The plain reader knows the line.
    await readCsv(file.path, () => () => undefined, assembly.signal);
    throw headerless(file, 'whole records');
  }
  const joining = new Joining(assembly, capture, file);
  const first = assembly.tasks.length;
  let at = first;
  for (const [part, from] of got.parts) {
    joining.join(got.target, part, from, at, header.columns);
    at += part.kept;
  }
  assembly.tasks.wrote(at, header.stems);
  const sum = (of: (part: KernelPart) => number): number => got.parts.reduce((total, [part]) => total + of(part), 0);
  const rows = sum((p) => p.rows);
  // task-time l0 has neither shapes nor operator types (facts §2.1).
  if (header.columns.inputShapes < 0 && sum((p) => p.typed) === 0 && rows > 0) assembly.level ??= 'l0';
  report(assembly, file, { rows, ragged: sum((p) => p.ragged), bytes: size }, sum((p) => p.dropped));
}

interface Got {
  readonly target: KernelTarget;
  /** Parts in the order of the file, and where each wrote its first row. */
  readonly parts: readonly (readonly [KernelPart, number])[];
}

function planOf(file: FoundFile, header: Header, size: number, piece: Piece, at: number): KernelPartPlan {
  return { path: file.path, from: piece.from, to: piece.to, last: piece.to === size, cells: header.cells, columns: header.columns, at, end: at + piece.rows };
}

/** The file in pieces; null when it is not worth it, or when a piece did not begin with a record. */
async function apart(assembly: Assembly, file: FoundFile, header: Header, size: number, count: number, threads: boolean): Promise<Got | null> {
  if (count < 2) return null;
  const cut = await pieces(file.path, header.end, size, count);
  let end = assembly.tasks.length;
  const plans = cut.map((piece) => planOf(file, header, size, piece, (end += piece.rows) - piece.rows));
  const target = assembly.tasks.reserve(end, true, header.stems);
  const parts = await readParts(plans, target, threads, assembly.signal);
  if (parts?.every((p) => p.ended === 'whole') !== true) return null;
  return { target, parts: parts.map((part, i) => [part, plans[i]?.at ?? 0] as const) };
}

/** The file as one piece; null when a quote is not closed where its cell ends. */
async function whole(assembly: Assembly, file: FoundFile, header: Header, size: number): Promise<Got | null> {
  const [piece] = await pieces(file.path, header.end, size, 1);
  if (piece === undefined) return null;
  const at = assembly.tasks.length;
  let target = assembly.tasks.reserve(at + piece.rows, false, header.stems);
  const grow = (rows: number): KernelTarget => {
    // What was written so far is kept by a column only when it counts as its rows.
    assembly.tasks.wrote(rows, header.stems);
    const wider = assembly.tasks.reserve(Math.ceil(rows * 1.25) + 1024, false, header.stems);
    assembly.tasks.truncate(at);
    return (target = wider);
  };
  const part = await readKernelPart({ ...planOf(file, header, size, piece, at), end: target.startNs.length }, target, grow, assembly.signal);
  return part.ended === 'whole' ? { target, parts: [[part, at]] } : null;
}
