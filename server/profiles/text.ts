import { foreign, ToolError } from '../contract/index.js';
import { type Assembly } from './assembly.js';
import { ByteDictionary } from './byteDictionary.js';
import { classOfType } from './classify.js';
import { readCsv } from './csv.js';
import { type CsvRow } from './csvRow.js';
import { type FoundFile } from './discover.js';
import { usToNs } from './numbers.js';
import { type TaskCells } from './tables.js';
import { cleanWord } from './words.js';

/** Column of the first header that matches one of the names; −1 when none does. */
export function columnOf(names: readonly string[], ...aliases: readonly string[]): number {
  for (const alias of aliases) {
    const at = names.indexOf(alias);
    if (at >= 0) return at;
  }
  return -1;
}

/** Words of cells, interned in the profile's strings. */
export function dictionary(assembly: Assembly): ByteDictionary {
  return new ByteDictionary((text) => assembly.strings.id(cleanWord(text)));
}

export function emptyTask(): TaskCells {
  return { device: 0, stream: -1, taskId: -1, startNs: NaN, durationNs: NaN, name: 0, operator: 0, class: 0, connection: -1 };
}

export function headerless(file: FoundFile, wanted: string): ToolError {
  return new ToolError('E_CSV_BROKEN', `${foreign(file.path, 300)} has no header with ${wanted}`, 'export the profile again; the first line names the columns');
}

/** A device column: a number, `NPU:3`, or the literal `host`. */
export function deviceOfText(text: string): number {
  const match = /(\d+)$/.exec(text);
  return match === null ? -1 : Number(match[1]);
}

class DeviceColumn {
  readonly #known = new Map<number, number>();
  readonly #words: ByteDictionary;

  constructor(readonly assembly: Assembly, readonly capture: number, readonly column: number, readonly fallback: number) {
    this.#words = new ByteDictionary((text) => deviceOfText(cleanWord(text)) + 1);
  }

  of(row: CsvRow): number {
    const id = this.column < 0 ? this.fallback : row.word(this.column, this.#words, this.fallback + 1) - 1;
    let index = this.#known.get(id);
    if (index === undefined) this.#known.set(id, (index = this.assembly.device(this.capture, id)));
    return index;
  }
}

interface Counted {
  readonly rows: number;
  readonly ragged: number;
  readonly bytes: number;
}

export function report(assembly: Assembly, file: FoundFile, stats: Counted, dropped: number): void {
  assembly.source(file.path, file.kind, stats.rows, stats.bytes);
  if (stats.ragged > 0) assembly.note('csv-ragged', `${file.name}: ${stats.ragged} of ${stats.rows} rows`);
  if (dropped > 0) assembly.note('csv-rows-dropped', `${file.name}: ${dropped} of ${stats.rows} rows`);
}

/** task_time_*.csv: every device task with type and times, no operator types (facts §2.3). Collected for the merge, not pushed. */
export async function readTaskTime(assembly: Assembly, capture: number, file: FoundFile, push: (cells: TaskCells) => void): Promise<void> {
  const { strings, clock } = assembly;
  const words = dictionary(assembly);
  const cells = emptyTask();
  let dropped = 0;
  const seen = { header: false };
  const stats = await readCsv(
    file.path,
    (names) => {
      const start = columnOf(names, 'task_start(us)', 'task_start');
      const stop = columnOf(names, 'task_stop(us)', 'task_stop');
      const duration = columnOf(names, 'task_time(us)', 'task_time');
      const [name, type] = [columnOf(names, 'kernel_name'), columnOf(names, 'kernel_type')];
      if (start < 0 || type < 0) return null;
      seen.header = true;
      const [stream, taskId] = [columnOf(names, 'stream_id'), columnOf(names, 'task_id')];
      const device = new DeviceColumn(assembly, capture, columnOf(names, 'Device_id', 'Device Id'), file.device);
      return (row) => {
        const startNs = row.timeUs(start, clock);
        const stopNs = row.timeUs(stop, clock);
        const durationNs = Number.isNaN(stopNs) ? usToNs(row.number(duration)) : stopNs - startNs;
        if (Number.isNaN(startNs) || Number.isNaN(durationNs)) {
          dropped++;
          return;
        }
        const typeId = row.word(type, words);
        const nameId = row.word(name, words);
        const kind = strings.get(typeId);
        const streamId = row.number(stream);
        const task = row.number(taskId);
        cells.device = device.of(row);
        cells.stream = Number.isNaN(streamId) ? -1 : streamId;
        cells.taskId = Number.isNaN(task) ? -1 : task;
        cells.startNs = startNs;
        cells.durationNs = durationNs;
        cells.name = nameId === 0 ? typeId : nameId;
        cells.operator = assembly.operators.typed(typeId);
        cells.class = classOfType(kind, strings.get(cells.name), nameId !== 0);
        push(cells);
      };
    },
    assembly.signal,
  );
  if (!seen.header) throw headerless(file, 'kernel_type and task_start');
  report(assembly, file, stats, dropped);
}

/** A small table, row by row; `header` gives null when the columns are not there. @throws ToolError E_CSV_BROKEN */
async function readSmall(assembly: Assembly, file: FoundFile, wanted: string, header: (col: (...aliases: string[]) => number, names: readonly string[]) => ((row: CsvRow) => boolean) | null): Promise<void> {
  let dropped = 0;
  const seen = { header: false };
  const stats = await readCsv(
    file.path,
    (names) => {
      const each = header((...aliases) => columnOf(names, ...aliases), names);
      if (each === null) return null;
      seen.header = true;
      return (row) => {
        if (!each(row)) dropped++;
      };
    },
    assembly.signal,
  );
  if (!seen.header) throw headerless(file, wanted);
  report(assembly, file, stats, dropped);
}

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

export async function readOpStatistic(assembly: Assembly, capture: number, file: FoundFile): Promise<void> {
  await readSmall(assembly, file, 'OP Type and Total Time', (col) => {
    const [type, core, count, total, avg, max] = [col('OP Type', 'Op Type'), col('Core Type'), col('Count'), col('Total Time(us)'), col('Avg Time(us)'), col('Max Time(us)')];
    if (type < 0 || total < 0) return null;
    const device = new DeviceColumn(assembly, capture, col('Device_id', 'Device Id'), file.device);
    return (row) => {
      const [n, totalUs] = [row.number(count), row.number(total)];
      if (Number.isNaN(n) || Number.isNaN(totalUs)) return false;
      const avgUs = row.number(avg);
      assembly.opStatistic.push({ device: device.of(row), opType: cleanWord(row.text(type)), coreType: cleanWord(row.text(core)), count: n, totalUs, avgUs: Number.isNaN(avgUs) && n > 0 ? totalUs / n : avgUs, maxUs: orNull(row.number(max)) });
      return true;
    };
  });
}

export async function readApiStatistic(assembly: Assembly, file: FoundFile): Promise<void> {
  await readSmall(assembly, file, 'API Name and Time', (col) => {
    const [level, name, time, count] = [col('Level'), col('API Name', 'Name'), col('Time(us)'), col('Count')];
    if (name < 0 || time < 0) return null;
    return (row) => {
      const [totalUs, n] = [row.number(time), row.number(count)];
      if (Number.isNaN(totalUs) || Number.isNaN(n)) return false;
      assembly.apiStatistic.push({ level: apiLevel(row.text(level)), name: row.text(name), totalUs, count: n });
      return true;
    };
  });
}

/** One name for the layer that was renamed from hccl to communication. */
export function apiLevel(level: string): string {
  const low = level.toLowerCase();
  return low === 'hccl' ? 'communication' : low === 'ascendcl' ? 'acl' : low;
}

/** step_trace_time.csv, µs (facts §2.5), and cluster_step_trace_time.csv, where Index is the rank. */
export async function readStepTrace(assembly: Assembly, capture: number, file: FoundFile): Promise<void> {
  await readSmall(assembly, file, 'Step, Computing and Free', (col) => {
    const [step, computing, exposed, overlapped, communication, free] = [col('Step'), col('Computing'), col('Communication(Not Overlapped)'), col('Overlapped'), col('Communication'), col('Free')];
    if (computing < 0 || free < 0) return null;
    const [type, index] = [col('Type'), col('Index')];
    const device = new DeviceColumn(assembly, capture, index >= 0 ? -1 : col('Device_id', 'Device Id'), file.device);
    return (row) => {
      if (type >= 0 && row.text(type) !== 'rank') return true;
      const rank = index < 0 ? NaN : row.number(index);
      const at = Number.isNaN(rank) ? device.of(row) : assembly.device(capture, rank);
      if (!Number.isNaN(rank)) assembly.describe(at, { rank });
      assembly.stepTrace.push({
        device: at,
        step: row.text(step),
        computingUs: orNull(row.number(computing)),
        communicationNotOverlappedUs: orNull(row.number(exposed)),
        overlappedUs: orNull(row.number(overlapped)),
        communicationUs: orNull(row.number(communication)),
        freeUs: orNull(row.number(free)),
      });
      return true;
    };
  });
}

const unitBytes: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** Bytes per unit of a column like `Total Reserved(MB)`; NaN when it says none. */
function unitOf(header: string | undefined): number {
  return unitBytes[/\((\w+)\)/.exec(header ?? '')?.[1]?.toUpperCase() ?? ''] ?? NaN;
}

/**
 * memory_record, npu_module_mem and npu_mem: torch_npu writes MB, msprof KB; the header says which (facts §2.3, §2.5).
 * A module's −1 means that only frees were seen: unknown.
 */
export async function readMemory(assembly: Assembly, capture: number, file: FoundFile): Promise<void> {
  const module = file.kind === 'module-memory';
  await readSmall(assembly, file, 'a component, a time and a size', (col, names) => {
    const find = (pattern: RegExp): number => names.findIndex((n) => pattern.test(n));
    const component = col('Component', 'event');
    const time = find(/^timestamp\((?:us|ns)\)$/i);
    const allocated = find(/^Total Allocated\(/);
    const reserved = file.kind === 'npu-memory' ? find(/^memory\(/) : find(/^Total Reserved\(/);
    if (component < 0 || time < 0 || (reserved < 0 && allocated < 0)) return null;
    const device = new DeviceColumn(assembly, capture, col('Device_id', 'Device Id', 'Device', 'Device Type'), file.device);
    const [allocatedUnit, reservedUnit] = [unitOf(names[allocated]), unitOf(names[reserved])];
    return (row) => {
      const timeNs = row.timeUs(time, assembly.clock);
      if (Number.isNaN(timeNs)) return false;
      const [a, r] = [row.number(allocated), row.number(reserved)];
      const name = cleanWord(row.text(component));
      assembly.memory(device.of(row), module ? `module:${name}` : deviceMemoryName(name), timeNs, a * allocatedUnit, module && r < 0 ? NaN : r * reservedUnit);
      return true;
    };
  });
}

/**
 * operator_memory.csv: the allocator's totals as each tensor came and went; read where no memory_record follows them by time (facts §2.6).
 * A row at the edge of the capture lacks its release.
 */
export async function readOperatorMemory(assembly: Assembly, capture: number, file: FoundFile): Promise<void> {
  await readSmall(assembly, file, 'Allocation Time and Allocation Total Reserved', (col, names) => {
    const find = (pattern: RegExp): number => names.findIndex((n) => pattern.test(n));
    const moments = (['Allocation', 'Release'] as const).map((moment) => ({
      time: col(`${moment} Time(us)`),
      allocated: find(new RegExp(`^${moment} Total Allocated\\(`)),
      reserved: find(new RegExp(`^${moment} Total Reserved\\(`)),
    }));
    const [first] = moments;
    if (first === undefined || first.time < 0 || first.reserved < 0) return null;
    const device = new DeviceColumn(assembly, capture, col('Device_id', 'Device Id', 'Device', 'Device Type'), file.device);
    return (row) => {
      let any = false;
      for (const { time, allocated, reserved } of moments) {
        const timeNs = time < 0 ? NaN : row.timeUs(time, assembly.clock);
        if (Number.isNaN(timeNs) || reserved < 0) continue;
        const [a, r] = [row.number(allocated) * unitOf(names[allocated]), row.number(reserved) * unitOf(names[reserved])];
        if (Number.isNaN(a) && Number.isNaN(r)) continue;
        assembly.memory(device.of(row), 'PTA', timeNs, a, r);
        any = true;
      }
      return any;
    };
  });
}

export function deviceMemoryName(event: string): string {
  return event === 'app' ? 'APP' : event === 'device' ? 'Device' : event;
}

/** msprof_tx_*.csv: mstx ranges become markers. */
export async function readTx(assembly: Assembly, capture: number, file: FoundFile): Promise<void> {
  await readSmall(assembly, file, 'message, Start_time and End_time', (col) => {
    const [message, start, end] = [col('message'), col('Start_time(us)'), col('End_time(us)')];
    if (message < 0 || start < 0 || end < 0) return null;
    return (row) => {
      const [startNs, endNs] = [row.timeUs(start, assembly.clock), row.timeUs(end, assembly.clock)];
      if (Number.isNaN(startNs) || Number.isNaN(endNs)) return false;
      assembly.markers.push({ name: row.text(message), startNs, endNs, capture });
      return true;
    };
  });
}
