import { type TaskLimits } from './limits.js';

/**
 * One profile, columnar, whatever it was read from. Times are offsets in ns from `baseNs` (exact integers in a double;
 * epoch nanoseconds themselves are BigInt). Missing numbers are NaN, missing ids −1; nothing is filled with zero.
 */

/** Strings by id; id 0 is the empty string and means "not known". */
export class Strings {
  readonly #ids = new Map<string, number>([['', 0]]);
  readonly #values: string[] = [''];

  id(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    const id = this.#values.length;
    this.#ids.set(text, id);
    this.#values.push(text);
    return id;
  }

  /** Id of a string that may not be there: −1 when it is not. */
  find(text: string): number {
    return this.#ids.get(text) ?? -1;
  }

  get(id: number): string {
    return this.#values[id] ?? '';
  }

  get size(): number {
    return this.#values.length;
  }
}

/** What a device task is to the window. */
export const taskClass = { compute: 0, communication: 1, memcpy: 2, eventWait: 3, aicpu: 4, other: 5 } as const;

/**
 * What runs: type, core, blocks and tensors of tasks, each combination once; row 0 is the one of which nothing is known. A capture of
 * millions of tasks has some thousand of them.
 */
export interface Operators {
  readonly length: number;
  /** Ids into `Profile.strings`. */
  readonly opType: Int32Array;
  /** AI_CORE, AI_VECTOR_CORE, MIX_AIC, MIX_AIV, AI_CPU, MEMCPY_ASYNC, EVENT_WAIT … */
  readonly taskType: Int32Array;
  /** dynamic, static. */
  readonly opState: Int32Array;
  readonly inputShapes: Int32Array;
  readonly inputTypes: Int32Array;
  readonly inputFormats: Int32Array;
  readonly outputShapes: Int32Array;
  /** NaN when not known. */
  readonly blockNum: Float64Array;
  readonly mixBlockNum: Float64Array;
}

/** Device tasks, sorted by device, then start. */
export interface Tasks {
  readonly length: number;
  /** Index into `Profile.devices`. */
  readonly device: Int32Array;
  /** −1 when not known. */
  readonly stream: Int32Array;
  readonly startNs: Float64Array;
  readonly durationNs: Float64Array;
  /** Ids into `Profile.strings`. */
  readonly name: Int32Array;
  /** Row of {@link Tasks.operators}. */
  readonly operator: Int32Array;
  readonly operators: Operators;
  /** A value of {@link taskClass}. */
  readonly class: Uint8Array;
  /** Links a launch to its tasks, unique over all captures of the profile (see {@link captureOf}); −1 when not known. Empty when no task has one. */
  readonly connection: Float64Array;
  /**
   * PMU columns by their stem, e.g. `aic_mac_ratio`; aligned with the rows, NaN when absent. Units are the CSV's: `*_ratio` 0…1 of
   * cycles, `aicore_time` and `aiv_time` µs, `*_bw` GB/s, `*_datas` KB, `cube_utilization` %. The time of one pipe is not kept: it is
   * its ratio × core time. Empty when the profile was read for its limits.
   */
  readonly pmu: ReadonlyMap<string, Float64Array>;
  /** What limits each task; null when the profile was not read for it. */
  readonly limits: TaskLimits | null;
}

/** Collectives and point-to-point operations, sorted by device, then start. */
export interface CommOps {
  readonly length: number;
  readonly device: Int32Array;
  readonly startNs: Float64Array;
  readonly durationNs: Float64Array;
  /** e.g. `hcom_allReduce__428_0_1`. */
  readonly name: Int32Array;
  /** e.g. `hcom_allReduce_`. */
  readonly opType: Int32Array;
  readonly group: Int32Array;
  readonly connection: Float64Array;
  /** Elements; NaN when not known. */
  readonly count: Float64Array;
  readonly dataType: Int32Array;
  readonly rankSize: Float64Array;
}

/** Sub-tasks of collectives on their planes, sorted by device, then start. */
export interface CommTasks {
  readonly length: number;
  readonly device: Int32Array;
  /** Row of {@link CommOps}; −1 when not known. */
  readonly op: Int32Array;
  /** −1 when not known. */
  readonly plane: Int32Array;
  readonly startNs: Float64Array;
  readonly durationNs: Float64Array;
  /** Memcpy, Reduce_Inline, Notify_Wait, RDMASend … */
  readonly name: Int32Array;
  readonly group: Int32Array;
  /** NaN when not known. */
  readonly bytes: Float64Array;
  /** SDMA, RDMA, LOCAL … */
  readonly transport: Int32Array;
  /** ON_CHIP, HCCS, PCIE, ROCE, SIO … */
  readonly link: Int32Array;
  readonly srcRank: Float64Array;
  readonly dstRank: Float64Array;
  /** 1 master plane, 0 other, 255 not known. */
  readonly master: Uint8Array;
}

/** Host API calls, sorted by start. */
export interface Apis {
  readonly length: number;
  readonly startNs: Float64Array;
  readonly durationNs: Float64Array;
  /** acl, model, node, communication, runtime, op, queue … */
  readonly level: Int32Array;
  readonly name: Int32Array;
  /** Thread id, unique over all captures of the profile (see {@link captureOf}); the first capture's are the system's own. */
  readonly thread: Float64Array;
  readonly connection: Float64Array;
}

export interface Device {
  /** Device id as the profile counts it. */
  readonly id: number;
  readonly rank: number | null;
  readonly host: string | null;
  /** From the profile's own device info; null when it is not there. */
  readonly chip: string | null;
  readonly aicoreCount: number | null;
  readonly aivectorCount: number | null;
  readonly aicoreMhz: number | null;
  /** Which capture (one process or one export) it belongs to, from 0. */
  readonly capture?: number;
}

/** Rows of an exported op_statistic: all there is when a capture holds no per-task rows. */
export interface OpStatisticRow {
  /** Index into `Profile.devices`, here and in the tables below. */
  readonly device: number;
  readonly opType: string;
  readonly coreType: string;
  readonly count: number;
  readonly totalUs: number;
  readonly avgUs: number;
  readonly maxUs: number | null;
}

/** One op of communication.json or CommAnalyzerTime: wait and transit as the exporter computed them. */
export interface CommSummaryRow {
  readonly device: number;
  readonly step: string;
  readonly op: string;
  readonly group: string;
  readonly elapseMs: number | null;
  readonly transitMs: number | null;
  readonly waitMs: number | null;
  readonly syncMs: number | null;
  /** By transport: RDMA, HCCS, PCIE, SDMA, SIO. */
  readonly links: readonly { readonly transport: string; readonly sizeMb: number; readonly timeMs: number; readonly bandwidthGbps: number }[];
}

/** step_trace_time.csv or StepTraceTime. */
export interface StepTraceRow {
  readonly device: number;
  readonly step: string;
  readonly computingUs: number | null;
  readonly communicationNotOverlappedUs: number | null;
  readonly overlappedUs: number | null;
  readonly communicationUs: number | null;
  readonly freeUs: number | null;
}

export interface ApiStatisticRow {
  readonly level: string;
  readonly name: string;
  readonly totalUs: number;
  readonly count: number;
}

/** Component of the KV blocks of xLLM, whose free part is no fragmentation. */
export const blockMemory = 'KV blocks';

/**
 * Memory of one component over time, in bytes; NaN when the source does not have the column. Components are the source's: PTA, GE,
 * PTA+GE, APP (the process as the driver counts it), Device (all of the card), and `module:NAME` for the CANN modules
 * of npu_module_mem that hold anything at all.
 */
export interface MemorySeries {
  readonly device: number | null;
  readonly component: string;
  readonly timeNs: Float64Array;
  readonly allocatedBytes: Float64Array;
  readonly reservedBytes: Float64Array;
}

export interface FrequencySeries {
  readonly device: number;
  readonly timeNs: Float64Array;
  readonly mhz: Float64Array;
}

/** Marked steps (ProfilerStep, STEP_TIME, msproftx ranges). */
export interface Marker {
  readonly name: string;
  readonly startNs: number;
  readonly endNs: number;
  /** Which capture it was met in, from 0. */
  readonly capture?: number;
}

export interface SourceFile {
  readonly path: string;
  readonly kind: string;
  readonly rows: number | null;
  readonly bytes: number;
}

/** What is missing or damaged, and what to do. Codes are the keys of `incompleteCodes`. */
export interface IncompleteNote {
  readonly code: string;
  readonly detail: string;
}

export interface Profile {
  readonly baseNs: bigint;
  readonly strings: Strings;
  readonly devices: readonly Device[];
  readonly tasks: Tasks;
  /** Null when the capture cannot hold them (e.g. task-time l0); length 0 when it can and there are none. */
  readonly commOps: CommOps | null;
  readonly commTasks: CommTasks | null;
  readonly apis: Apis | null;
  readonly opStatistic: readonly OpStatisticRow[];
  readonly commSummary: readonly CommSummaryRow[];
  readonly stepTrace: readonly StepTraceRow[];
  readonly apiStatistic: readonly ApiStatisticRow[];
  readonly memory: readonly MemorySeries[];
  readonly frequency: readonly FrequencySeries[];
  readonly markers: readonly Marker[];
  readonly sources: readonly SourceFile[];
  readonly incomplete: readonly IncompleteNote[];
  /** Level0, Level1, l0, l1 …; null when no config lies beside the profile. */
  readonly level: string | null;
  /** PipeUtilization …; null when not known. */
  readonly aicMetrics: string | null;
  /** True when a file says the capture was generated or simulated. */
  readonly simulated: boolean;
}

/** Captures are kept apart in ids by this factor: an id is capture × factor + the id the capture itself uses. */
export const captureFactor = 2 ** 33;

/** Capture of a connection or thread id; −1 for an unknown one. */
export function captureOf(id: number): number {
  return id < 0 ? -1 : Math.floor(id / captureFactor);
}

/** The id inside its capture: the connection id or thread id as the files show it. */
export function localId(id: number): number {
  return id < 0 ? -1 : id % captureFactor;
}

export function nsToUs(ns: number): number {
  return ns / 1000;
}

/** Row range [from, to) of one device in a table sorted by device. */
export function deviceRange(device: Int32Array, index: number): [number, number] {
  const first = (value: number): number => {
    let low = 0;
    let high = device.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if ((device[mid] ?? 0) < value) low = mid + 1;
      else high = mid;
    }
    return low;
  };
  return [first(index), first(index + 1)];
}
