import { foreign } from '../contract/index.js';
import { Float64Column } from './columns.js';
import { type IncompleteCode } from './incomplete.js';
import { type LimitRules } from './limits.js';
import { Clock } from './numbers.js';
import { OperatorRows } from './operators.js';
import { blockMemory, captureFactor, Strings, type ApiStatisticRow, type CommSummaryRow, type Device, type FrequencySeries, type IncompleteNote, type Marker, type MemorySeries, type OpStatisticRow, type Profile, type SourceFile, type StepTraceRow } from './profile.js';
import { ApiRows, CommOpRows, CommTaskRows, TaskRows } from './tables.js';

interface DeviceDraft {
  capture: number;
  /** −1: the rows did not say which. */
  id: number;
  rank: number | null;
  host: string | null;
  chip: string | null;
  aicoreCount: number | null;
  aivectorCount: number | null;
  aicoreMhz: number | null;
}

interface SeriesDraft {
  device: number;
  component: string;
  timeNs: Float64Column;
  allocated: Float64Column;
  reserved: Float64Column;
}

/** Order of devices: by rank, then host, then id. Captures break ties. */
export function byPlace(a: Pick<Device, 'rank' | 'host' | 'id'>, b: Pick<Device, 'rank' | 'host' | 'id'>): number {
  const byRank = a.rank === b.rank ? 0 : (a.rank ?? Infinity) - (b.rank ?? Infinity);
  const [x, y] = [a.host ?? '', b.host ?? ''];
  return byRank || (x === y ? 0 : x < y ? -1 : 1) || a.id - b.id;
}

/** What to do with the counters of the AI core: keep all, read none, or keep only which unit limits a task. */
export type CounterUse = 'all' | 'none' | LimitRules;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The profile while it is read. */
export class Assembly {
  readonly strings = new Strings();
  readonly operators = new OperatorRows();
  readonly clock = new Clock();
  readonly tasks = new TaskRows();
  readonly commOps = new CommOpRows();
  readonly commTasks = new CommTaskRows();
  readonly apis = new ApiRows();
  readonly opStatistic: Writable<OpStatisticRow>[] = [];
  readonly commSummary: Writable<CommSummaryRow>[] = [];
  readonly stepTrace: Writable<StepTraceRow>[] = [];
  readonly apiStatistic: ApiStatisticRow[] = [];
  readonly markers: Writable<Marker>[] = [];
  readonly sources: SourceFile[] = [];
  readonly notes: IncompleteNote[] = [];
  /** Whether any source could hold the table, so that an empty one means none happened. */
  readonly holds = { commOps: false, commTasks: false, apis: false };
  level: string | null = null;
  aicMetrics: string | null = null;
  simulated = false;
  readonly #devices: DeviceDraft[] = [];
  readonly #series = new Map<string, SeriesDraft>();
  readonly #frequency = new Map<number, { timeNs: Float64Column; mhz: Float64Column }>();

  #countersSeen = false;

  /** @param counters what to do with the counters of the AI core */
  constructor(readonly signal: AbortSignal | undefined, readonly progress: (message: string) => void, readonly counters: CounterUse = 'all') {}

  /** Whether to read a counter that a source has. */
  keepsCounter(stem: string): boolean {
    this.#countersSeen = true;
    return this.counters === 'all' || (this.counters !== 'none' && this.counters.rules.some((rule) => rule.stems.includes(stem)));
  }

  /** What to make of the counters; null: keep them. */
  get limits(): LimitRules | null {
    return typeof this.counters === 'string' ? null : this.counters;
  }

  note(code: IncompleteCode, detail: string): void {
    this.addNote({ code, detail: foreign(detail, 400) });
  }

  /** Adds a note once. */
  addNote(note: IncompleteNote): void {
    if (!this.notes.some((n) => n.code === note.code && n.detail === note.detail)) this.notes.push(note);
  }

  source(path: string, kind: string, rows: number | null, bytes: number): void {
    this.sources.push({ path, kind, rows, bytes });
  }

  /** Index of a device of a capture. @param id −1 when the source does not say; merged with the capture's device at the end */
  device(capture: number, id: number): number {
    const known = this.#devices.findIndex((d) => d.capture === capture && d.id === id);
    if (known >= 0) return known;
    this.#devices.push({ capture, id, rank: null, host: null, chip: null, aicoreCount: null, aivectorCount: null, aicoreMhz: null });
    return this.#devices.length - 1;
  }

  describe(index: number, facts: Partial<Omit<DeviceDraft, 'capture' | 'id'>>): void {
    const device = this.#devices[index];
    if (device === undefined) return;
    device.rank ??= facts.rank ?? null;
    device.host ??= facts.host ?? null;
    device.chip ??= facts.chip ?? null;
    device.aicoreCount ??= facts.aicoreCount ?? null;
    device.aivectorCount ??= facts.aivectorCount ?? null;
    device.aicoreMhz ??= facts.aicoreMhz ?? null;
  }

  /** Device ids of a capture that some source named. */
  deviceIds(capture: number): number[] {
    return this.#devices.filter((d) => d.capture === capture && d.id >= 0).map((d) => d.id);
  }

  hasUnnamed(capture: number): boolean {
    return this.#devices.some((d) => d.capture === capture && d.id < 0);
  }

  /** A connection or thread id made unique over captures; −1 stays −1. */
  unique(capture: number, id: number): number {
    return id < 0 || !Number.isFinite(id) ? -1 : capture * captureFactor + id;
  }

  readonly #counterSeries = new Set<string>();

  /** Memory counters of a timeline: a coarse copy, kept only where the memory tables hold nothing. */
  counterMemory(device: number, component: string, timeNs: number, reservedBytes: number): void {
    const key = `${device}\u0000${component}`;
    if (!this.#counterSeries.has(key) && (this.#series.has(key) || this.#series.has(`${this.settled(device)}\u0000${component}`))) return;
    this.#counterSeries.add(key);
    this.memory(device, component, timeNs, NaN, reservedBytes);
  }

  memory(device: number, component: string, timeNs: number, allocatedBytes: number, reservedBytes: number): void {
    const key = `${device}\u0000${component}`;
    let series = this.#series.get(key);
    if (series === undefined) this.#series.set(key, (series = { device, component, timeNs: new Float64Column(64), allocated: new Float64Column(64), reserved: new Float64Column(64) }));
    series.timeNs.push(timeNs);
    series.allocated.push(allocatedBytes);
    series.reserved.push(reservedBytes);
  }

  hasMemory(): boolean {
    return [...this.#series.values()].some((s) => s.component !== blockMemory);
  }

  hasCounters(): boolean {
    return this.#countersSeen;
  }

  /** The named device a row without a device id will belong to, so that two exports of one capture can be joined. */
  settled(index: number): number {
    const draft = this.#devices[index];
    if (draft === undefined || draft.id >= 0) return index;
    const named = this.#devices.findIndex((d) => d.capture === draft.capture && d.id === Math.min(...this.deviceIds(draft.capture)));
    return named < 0 ? index : named;
  }

  /** Whether anything about a device was found. @param tasksExpected a file that should hold tasks was there; memory alone is not enough then */
  saysSomething(tasksExpected: boolean): boolean {
    if ([this.tasks, this.commOps, this.opStatistic, this.commSummary, this.stepTrace].some((table) => table.length > 0)) return true;
    return !tasksExpected && (this.apiStatistic.length > 0 || this.markers.length > 0 || this.#series.size > 0);
  }

  frequency(device: number, timeNs: number, mhz: number): void {
    let series = this.#frequency.get(device);
    if (series === undefined) this.#frequency.set(device, (series = { timeNs: new Float64Column(64), mhz: new Float64Column(64) }));
    series.timeNs.push(timeNs);
    series.mhz.push(mhz);
  }

  /** Rows so far, to take a broken source back. */
  mark(): () => void {
    const lengths = [this.tasks.length, this.commOps.length, this.commTasks.length, this.apis.length] as const;
    const lists = [this.opStatistic, this.commSummary, this.stepTrace, this.apiStatistic, this.markers] as const;
    const sizes = lists.map((l) => l.length);
    const seen = this.#countersSeen;
    return () => {
      this.#countersSeen = seen;
      this.tasks.truncate(lengths[0]);
      this.commOps.truncate(lengths[1]);
      this.commTasks.truncate(lengths[2]);
      this.apis.truncate(lengths[3]);
      lists.forEach((l, i) => (l.length = sizes[i] ?? 0));
    };
  }

  /** Where each drafted device goes: devices without an id join the first named one of their capture; order by rank, host, id, capture. */
  #placed(assumed: (capture: number) => number): { moved: number[]; devices: Device[] } {
    for (const draft of this.#devices) {
      if (draft.id >= 0) continue;
      const named = this.#devices.filter((d) => d.capture === draft.capture && d.id >= 0).map((d) => d.id);
      draft.id = named.length > 0 ? Math.min(...named) : assumed(draft.capture);
    }
    const kept: DeviceDraft[] = [];
    for (const draft of this.#devices) {
      const same = kept.find((k) => k.capture === draft.capture && k.id === draft.id);
      if (same === undefined) kept.push({ ...draft });
      else {
        same.rank ??= draft.rank;
        same.host ??= draft.host;
        same.chip ??= draft.chip;
        same.aicoreCount ??= draft.aicoreCount;
        same.aivectorCount ??= draft.aivectorCount;
        same.aicoreMhz ??= draft.aicoreMhz;
      }
    }
    kept.sort((a, b) => byPlace(a, b) || a.capture - b.capture);
    const moved = this.#devices.map((d) => kept.findIndex((k) => k.capture === d.capture && k.id === d.id));
    return { moved, devices: kept.map((d) => ({ id: d.id, rank: d.rank, host: d.host, chip: d.chip, aicoreCount: d.aicoreCount, aivectorCount: d.aivectorCount, aicoreMhz: d.aicoreMhz, capture: d.capture })) };
  }

  #earliest(): number {
    const rows = [this.tasks, this.commOps, this.commTasks, this.apis].map((table) => leastOf(table.startNs.array()));
    const least = Math.min(...rows, leastOf(Float64Array.from(this.markers, (m) => m.startNs)));
    if (least < Infinity) return least;
    const sampled = [...this.#series.values(), ...this.#frequency.values()].reduce((a, series) => Math.min(a, leastOf(series.timeNs.array())), Infinity);
    return sampled === Infinity ? 0 : sampled;
  }

  /** Series by their final device; a component that came under two drafts of one device is one series. */
  #memory(to: (index: number) => number, shift: number): MemorySeries[] {
    const merged = new Map<string, SeriesDraft>();
    for (const series of this.#series.values()) {
      if (series.component.startsWith('module:') && series.reserved.array().every((v) => v === 0)) continue;
      const device = to(series.device);
      const key = `${device}\u0000${series.component}`;
      const same = merged.get(key);
      if (same === undefined) merged.set(key, { ...series, device });
      else {
        for (let i = 0; i < series.timeNs.length; i++) {
          same.timeNs.push(series.timeNs.get(i));
          same.allocated.push(series.allocated.get(i));
          same.reserved.push(series.reserved.get(i));
        }
      }
    }
    return [...merged.values()]
      .sort((a, b) => a.device - b.device || (a.component < b.component ? -1 : 1))
      .map((s) => {
        const order = timeOrder(s.timeNs.array());
        return { device: s.device, component: s.component, timeNs: picked(s.timeNs.array(), order).map((t) => t - shift), allocatedBytes: picked(s.allocated.array(), order), reservedBytes: picked(s.reserved.array(), order) };
      });
  }

  #frequencies(to: (index: number) => number, shift: number): FrequencySeries[] {
    const merged = new Map<number, { timeNs: Float64Column; mhz: Float64Column }>();
    for (const [index, series] of this.#frequency) {
      const same = merged.get(to(index));
      if (same === undefined) merged.set(to(index), series);
      else {
        for (let i = 0; i < series.timeNs.length; i++) {
          same.timeNs.push(series.timeNs.get(i));
          same.mhz.push(series.mhz.get(i));
        }
      }
    }
    return [...merged]
      .sort(([a], [b]) => a - b)
      .map(([device, s]) => {
        const order = timeOrder(s.timeNs.array());
        return { device, timeNs: picked(s.timeNs.array(), order).map((t) => t - shift), mhz: picked(s.mhz.array(), order) };
      });
  }

  /** @param assumed device id of a capture that names none */
  finish(assumed: (capture: number) => number): Profile {
    const { moved, devices } = this.#placed(assumed);
    const to = (index: number): number => moved[index] ?? 0;
    for (const table of [this.tasks, this.commOps, this.commTasks]) {
      const data = table.device.array();
      for (let i = 0; i < data.length; i++) data[i] = to(data[i] ?? 0);
    }
    for (const list of [this.opStatistic, this.commSummary, this.stepTrace]) for (const row of list) row.device = to(row.device);
    const shift = this.#earliest();
    for (const marker of this.markers) {
      marker.startNs -= shift;
      marker.endNs -= shift;
    }
    const { table: commOps, moved: movedOps } = this.commOps.finish(shift);
    return {
      baseNs: this.clock.baseNs + BigInt(shift),
      strings: this.strings,
      devices,
      tasks: this.tasks.finish(shift, this.operators.finish(), this.limits),
      commOps: this.holds.commOps || commOps.length > 0 ? commOps : null,
      commTasks: this.holds.commTasks || this.commTasks.length > 0 ? this.commTasks.finish(shift, movedOps) : null,
      apis: this.holds.apis || this.apis.length > 0 ? this.apis.finish(shift) : null,
      opStatistic: this.opStatistic,
      commSummary: this.commSummary,
      stepTrace: this.stepTrace,
      apiStatistic: this.apiStatistic,
      memory: this.#memory(to, shift),
      frequency: this.#frequencies(to, shift),
      markers: this.markers.sort((a, b) => a.startNs - b.startNs),
      sources: this.sources.sort((a, b) => (a.path < b.path ? -1 : 1)),
      incomplete: this.notes,
      level: this.level,
      aicMetrics: this.aicMetrics,
      simulated: this.simulated,
    };
  }
}

/** Infinity without any. */
function leastOf(data: Float64Array): number {
  let least = Infinity;
  for (let i = 0; i < data.length; i++) {
    const value = data[i] ?? NaN;
    if (value < least) least = value;
  }
  return least;
}

function timeOrder(time: Float64Array): Uint32Array {
  const order = new Uint32Array(time.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  return order.sort((a, b) => (time[a] ?? 0) - (time[b] ?? 0) || a - b);
}

function picked(data: Float64Array, order: Uint32Array): Float64Array {
  return Float64Array.from(order, (i) => data[i] ?? NaN);
}
