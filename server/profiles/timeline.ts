import { type Assembly } from './assembly.js';
import { ByteDictionary } from './byteDictionary.js';
import { Float64Column, Int32Column } from './columns.js';
import { classOfType } from './classify.js';
import { type FoundFile } from './discover.js';
import { readEvents, slot, unescaped, type Members } from './json.js';
import { usToNs } from './numbers.js';
import { TaskRows } from './tables.js';
import { Launches } from './launches.js';
import { apiLevel, deviceMemoryName, emptyTask } from './text.js';
import { CommEvents, placeCommunication, type Track } from './collectives.js';

type Role = 'hardware' | 'communication' | 'cann' | 'python' | 'frequency' | 'memory' | 'none';

const roles: Readonly<Record<string, Role>> = {
  'Ascend Hardware': 'hardware',
  Communication: 'communication',
  HCCL: 'communication',
  CANN: 'cann',
  AscendCL: 'cann',
  Python: 'python',
  'AI Core Freq': 'frequency',
  'NPU MEM': 'memory',
};

interface Process {
  name: string;
  label: string;
  role: Role | null;
  /** Events of it before this index came before its name and were left for the second reading. */
  namedAt: number;
  skipped: boolean;
}

/** Slots of the args read. */
const arg = {
  connection: 0, taskType: 1, physicStream: 2, stream: 3, taskId: 4, level: 5, count: 6, dataType: 7, rankSize: 8, bytes: 9, transport: 10,
  link: 11, src: 12, dst: 13, planeStream: 14, planeTask: 15, name: 16, labels: 17, mhz: 18, kb: 19,
} as const;
const argKeys = [
  'connection_id', 'Task Type', 'Physic Stream Id', 'Stream Id', 'Task Id', 'level', 'count', 'data_type', 'rank_size', 'size(Byte)', 'transport type',
  'link type', 'src rank', 'dst rank', 'stream id', 'task id', 'name', 'labels', 'MHz', 'KB',
];

/** Categories of flows, as their bytes stand in the file. */
const categories = { launch: Buffer.from('"async_npu"'), flow: Buffer.from('"HostToDevice"') };

/** Not a rank: the other end is the chip itself (facts §3.1). */
export const noRank = 4_294_967_295;

/** Added to the class of a task that is named after its type. */
const genericFrom = 256;

const unnamed = { level: 0, name: 0 };

/** What one timeline held, before it is merged with the tables of the same capture. */
export class Timeline {
  readonly tasks = new TaskRows();
  readonly comm = new CommEvents();
  readonly tracks: Track[] = [];
  readonly processes: Process[] = [];
  readonly #trackOf = new Map<number, Map<number, number>>();
  readonly #pids: ByteDictionary;
  readonly #words: ByteDictionary;
  readonly #cells = emptyTask();
  readonly #flows = { id: new Float64Column(), ts: new Float64Column(), from: new Int32Column(), to: new Int32Column() };
  #connected = false;
  readonly launches = new Launches();
  hasCann = false;

  readonly #meanings = new Map<number, Int16Array>();
  /** Host calls by the code of their name: `Level@name`, or the name alone. */
  readonly #calls: { level: number; name: number }[] = [];
  readonly #callNames: ByteDictionary;
  readonly #levels: ByteDictionary;
  readonly #frameworkLevels: ByteDictionary;

  constructor(readonly assembly: Assembly, readonly capture: number, readonly device: number) {
    const { strings } = assembly;
    this.#callNames = new ByteDictionary((text) => {
      const name = unescaped(text);
      const at = name.indexOf('@');
      return this.#calls.push({ level: strings.id(apiLevel(at > 0 ? name.slice(0, at) : '')), name: strings.id(name.slice(at + 1)) }) - 1;
    });
    this.#levels = new ByteDictionary((text) => strings.id(apiLevel(unescaped(text))));
    this.#frameworkLevels = new ByteDictionary((text) => {
      const category = unescaped(text);
      return strings.id(category === 'cpu_op' ? 'op' : category === 'enqueue' || category === 'dequeue' ? 'queue' : category === 'python_function' ? 'trace' : category);
    });
    this.#pids = new ByteDictionary(() => {
      this.processes.push({ name: '', label: '', role: null, namedAt: Infinity, skipped: false });
      return this.processes.length - 1;
    });
    this.#words = new ByteDictionary((text) => {
      const word = unescaped(text);
      return assembly.strings.id(word === 'N/A' || word === 'NA' || word === 'INVALID_TYPE' || word === 'RESERVED' ? '' : word);
    });
  }

  track(process: number, tid: number): number {
    let tids = this.#trackOf.get(process);
    if (tids === undefined) this.#trackOf.set(process, (tids = new Map<number, number>()));
    let track = tids.get(tid);
    if (track === undefined) {
      track = this.tracks.push({ process, tid, name: '' }) - 1;
      tids.set(tid, track);
    }
    return track;
  }

  /** First reading: everything whose process is named already. */
  first = (event: Members, args: Members | null, index: number): void => {
    const pid = event.word(slot.pid, this.#pids, -1);
    const process = this.processes[pid];
    if (process === undefined) return;
    const phase = event.initial(slot.ph);
    if (phase === 0x4d) this.#metadata(event, args, process, pid, index);
    else if (process.role === null) process.skipped = true;
    else if (process.role !== 'none') this.#take(event, args, process.role, pid, phase);
  };

  /** Second reading: events that stood before the name of their process, or whose process has none. */
  second = (event: Members, args: Members | null, index: number): void => {
    const pid = event.word(slot.pid, this.#pids, -1);
    const process = this.processes[pid];
    const phase = event.initial(slot.ph);
    if (process === undefined || phase === 0x4d || index >= process.namedAt) return;
    if (process.role === null) {
      if (phase === 0x58 && args?.has(arg.taskType) === true) this.#take(event, args, 'hardware', pid, phase);
    } else if (process.role !== 'none') this.#take(event, args, process.role, pid, phase);
  };

  get needsSecond(): boolean {
    return this.processes.some((p) => p.skipped && p.role !== 'none');
  }

  #metadata(event: Members, args: Members | null, process: Process, pid: number, index: number): void {
    if (args === null) return;
    const what = event.text(slot.name);
    if (what === 'process_name' && process.role === null) {
      process.name = args.text(arg.name);
      process.role = roles[process.name] ?? 'none';
      process.namedAt = index;
      if (process.role === 'cann') this.hasCann = true;
    } else if (what === 'process_labels') process.label = args.text(arg.labels);
    else if (what === 'thread_name') {
      const track = this.tracks[this.track(pid, event.number(slot.tid))];
      if (track !== undefined) track.name = args.text(arg.name);
    }
  }

  #take(event: Members, args: Members | null, role: Role, pid: number, phase: number): void {
    const flow = phase === 0x73 || phase === 0x66;
    // Most flows say what the slices say themselves.
    if (flow && this.#connected && role !== 'python') return;
    const startNs = event.timeUs(slot.ts, this.assembly.clock);
    if (Number.isNaN(startNs)) return;
    if (phase === 0x58) {
      const duration = event.number(slot.dur);
      const durationNs = Number.isNaN(duration) ? NaN : usToNs(duration);
      if (Number.isNaN(durationNs)) return;
      if (role === 'hardware') this.#hardware(event, args, pid, startNs, durationNs);
      else if (role === 'communication') this.#communication(event, args, pid, startNs, durationNs);
      else if (role === 'cann' || role === 'python') this.#host(event, args, role, startNs, durationNs);
    } else if (phase === 0x43) this.#counter(event, args, role, pid, startNs);
    else if (phase === 0x73 && role === 'python' && event.is(slot.cat, categories.launch)) {
      const taskNs = event.timeNs(slot.id, this.assembly.clock);
      if (!Number.isNaN(taskNs)) this.launches.push(this.assembly.unique(this.capture, event.number(slot.tid)), startNs, taskNs);
    } else if (!this.#connected && flow && event.is(slot.cat, categories.flow)) this.#flow(event, pid, phase, startNs);
  }

  #connection(args: Members | null): number {
    const id = args === null ? NaN : args.number(arg.connection);
    if (Number.isNaN(id) || id === noRank) return -1;
    this.#connected = true;
    return this.assembly.unique(this.capture, id);
  }

  #hardware(event: Members, args: Members | null, pid: number, startNs: number, durationNs: number): void {
    const { markers } = this.assembly;
    if (event.has(slot.cat)) {
      const category = event.text(slot.cat);
      if (category === 'Iteration Time') markers.push({ name: event.text(slot.name), startNs, endNs: startNs + durationNs, capture: this.capture });
      if (/^(?:Iteration|FP_BP|Reduce|Data_aug)/.test(category)) return;
    }
    const name = event.word(slot.name, this.#words);
    const type = args?.word(arg.taskType, this.#words) ?? 0;
    const stream = args === null ? NaN : args.has(arg.physicStream) ? args.number(arg.physicStream) : args.number(arg.stream);
    const meaning = this.#meaning(name, type);
    const cells = this.#cells;
    cells.device = pid;
    cells.stream = Number.isNaN(stream) ? event.number(slot.tid) : stream;
    cells.taskId = args === null ? -1 : args.number(arg.taskId);
    cells.startNs = startNs;
    cells.durationNs = durationNs;
    cells.name = name;
    // A task without an operator is named after its type; the hardware queue type beside it says less.
    cells.operator = this.assembly.operators.typed(meaning >= genericFrom ? name : type);
    cells.class = meaning % genericFrom;
    cells.connection = this.#connection(args);
    this.tasks.push(cells);
  }

  /** Class of a task of this name and type, plus {@link genericFrom} when it is named after its type. Worked out once for each pair. */
  #meaning(name: number, type: number): number {
    let known = this.#meanings.get(type);
    if (known === undefined || name >= known.length) {
      const wider = new Int16Array(Math.max(1024, name * 2)).fill(-1);
      wider.set(known ?? []);
      this.#meanings.set(type, (known = wider));
    }
    const met = known[name] ?? -1;
    if (met >= 0) return met;
    const { strings } = this.assembly;
    const [nameText, typeText] = [strings.get(name), strings.get(type)];
    const generic = /^[A-Z][A-Z0-9_]*$|^Notify |^Write /.test(nameText) || nameText === typeText;
    return (known[name] = classOfType(typeText, nameText, !generic) + (generic ? genericFrom : 0));
  }

  #communication(event: Members, args: Members | null, pid: number, startNs: number, durationNs: number): void {
    const c = this.comm;
    const rank = (at: number): number => {
      const value = args === null ? NaN : args.number(at);
      return value === noRank ? NaN : value;
    };
    const number = (at: number): number => (args === null ? NaN : args.number(at));
    const word = (at: number): number => (args === null ? 0 : args.word(at, this.#words));
    c.track.push(this.track(pid, event.number(slot.tid)));
    c.name.push(event.word(slot.name, this.#words));
    c.dataType.push(word(arg.dataType));
    c.transport.push(word(arg.transport));
    c.link.push(word(arg.link));
    c.startNs.push(startNs);
    c.durationNs.push(durationNs);
    c.connection.push(this.#connection(args));
    c.count.push(number(arg.count));
    c.rankSize.push(number(arg.rankSize));
    c.bytes.push(number(arg.bytes));
    c.src.push(rank(arg.src));
    c.dst.push(rank(arg.dst));
    c.stream.push(number(arg.planeStream));
    c.task.push(number(arg.planeTask));
  }

  #host(event: Members, args: Members | null, role: 'cann' | 'python', startNs: number, durationNs: number): void {
    const { strings, apis, markers } = this.assembly;
    const thread = this.assembly.unique(this.capture, event.number(slot.tid));
    if (role === 'cann') {
      const call = this.#calls[event.word(slot.name, this.#callNames, -1)] ?? unnamed;
      const level = args === null ? 0 : args.word(arg.level, this.#levels);
      apis.push(startNs, durationNs, level !== 0 ? level : call.level, call.name, thread, this.#connection(args));
      return;
    }
    const level = event.word(slot.cat, this.#frameworkLevels);
    const name = event.word(slot.name, this.#words);
    if (strings.get(name).startsWith('ProfilerStep#')) markers.push({ name: strings.get(name), startNs, endNs: startNs + durationNs, capture: this.capture });
    apis.push(startNs, durationNs, level, name, thread, -1);
  }

  #counter(event: Members, args: Members | null, role: Role, pid: number, timeNs: number): void {
    if ((role !== 'frequency' && role !== 'memory') || args === null) return;
    if (role === 'frequency') {
      const mhz = args.number(arg.mhz);
      if (!Number.isNaN(mhz)) this.counters.push({ process: pid, component: '', timeNs, value: mhz });
      return;
    }
    const [what, kind] = event.text(slot.name).split('/');
    const kb = args.number(arg.kb);
    if (kind === 'Memory' && what !== undefined && !Number.isNaN(kb)) this.counters.push({ process: pid, component: deviceMemoryName(what), timeNs, value: kb * 1024 });
  }

  /** Frequency (component empty, MHz) and memory (bytes) samples; few, so plain objects. */
  readonly counters: { process: number; component: string; timeNs: number; value: number }[] = [];

  /** Flows matter only where the slices do not carry connection_id. */
  #flow(event: Members, pid: number, phase: number, timeNs: number): void {
    const id = event.number(slot.id);
    if (Number.isNaN(id)) return;
    const flows = this.#flows;
    // Ids are connectionId, or connectionId << 32 give or take one (facts §3.1; measured on real captures).
    flows.id.push(id >= 2 ** 32 ? Math.round(id / 2 ** 32) : id);
    flows.ts.push(timeNs);
    flows.from.push(phase === 0x73 ? event.number(slot.tid) : -1);
    flows.to.push(phase === 0x66 ? pid : -1);
  }

  /** Gives slices without connection_id the one of the flow that begins or ends with them. */
  connectByFlows(firstApi: number): void {
    if (this.#connected || this.#flows.id.length === 0) return;
    const { apis, unique } = { apis: this.assembly.apis, unique: (id: number) => this.assembly.unique(this.capture, id) };
    const sources = new Map<string, number>();
    const targets = new Map<string, number>();
    const flows = this.#flows;
    for (let i = 0; i < flows.id.length; i++) {
      if (flows.to.get(i) < 0) sources.set(`${this.assembly.unique(this.capture, flows.from.get(i))}:${flows.ts.get(i)}`, unique(flows.id.get(i)));
      else targets.set(`${flows.to.get(i)}:${flows.ts.get(i)}`, unique(flows.id.get(i)));
    }
    for (let i = firstApi; i < apis.length; i++) apis.connection.set(i, sources.get(`${apis.thread.get(i)}:${apis.startNs.get(i)}`) ?? apis.connection.get(i));
    for (let i = 0; i < this.tasks.length; i++) this.tasks.connection.set(i, targets.get(`${this.tasks.device.get(i)}:${this.tasks.startNs.get(i)}`) ?? this.tasks.connection.get(i));
  }

  /** Device index of a process, by its label `NPU 3`; the capture's device when the label has no number. */
  deviceOf(process: number): number {
    const match = /(\d+)\s*$/.exec(this.processes[process]?.label ?? '');
    return this.assembly.device(this.capture, match === null ? this.device : Number(match[1]));
  }
}

/**
 * Reads a timeline: device tasks, collectives and their planes, host APIs, marked steps, frequency and memory counters. Events may
 * stand in any order; processes are known by name and label, never by the digits of their pid.
 * @throws ToolError E_JSON_BROKEN, E_FILE_EMPTY
 */
export async function readTimeline(assembly: Assembly, capture: number, file: FoundFile): Promise<{ tasks: TaskRows; launches: Launches; truncated: boolean }> {
  const timeline = new Timeline(assembly, capture, file.device);
  const firstApi = assembly.apis.length;
  const stats = await readEvents(file.path, argKeys, timeline.first, assembly.signal);
  if (timeline.needsSecond) await readEvents(file.path, argKeys, timeline.second, assembly.signal);
  assembly.source(file.path, file.kind, stats.events, stats.bytes);
  if (stats.truncated) assembly.note('timeline-truncated', `${file.name}: ${stats.events} complete events`);
  if (stats.damaged > 0) assembly.note('timeline-damaged', `${file.name}: ${stats.damaged} events`);
  timeline.connectByFlows(firstApi);
  if (timeline.hasCann || timeline.processes.some((p) => p.role === 'python')) assembly.holds.apis = true;
  const device = timeline.tasks.device.array();
  const places = timeline.processes.map((p, i) => (p.role === 'hardware' || p.role === null || p.role === 'frequency' || p.role === 'memory' ? timeline.deviceOf(i) : -1));
  for (let i = 0; i < device.length; i++) device[i] = places[device[i] ?? 0] ?? 0;
  for (const c of timeline.counters) {
    if (c.component === '') assembly.frequency(places[c.process] ?? 0, c.timeNs, c.value);
    else assembly.counterMemory(places[c.process] ?? 0, c.component, c.timeNs, c.value);
  }
  placeCommunication(assembly, timeline.comm, timeline.tracks, (process) => timeline.deviceOf(process), timeline.tasks, communicationNamed(timeline));
  return { tasks: timeline.tasks, launches: timeline.launches, truncated: stats.truncated };
}


function communicationNamed(timeline: Timeline): boolean {
  return timeline.processes.some((p) => p.role === 'communication');
}
