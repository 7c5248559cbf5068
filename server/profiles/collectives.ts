import { type Assembly } from './assembly.js';
import { ByStart, range } from './byStart.js';
import { commTypeOf } from './classify.js';
import { Float64Column, Int32Column } from './columns.js';
import { taskClass } from './profile.js';
import { type CommOpRows, type TaskRows } from './tables.js';
import { limits } from './thresholds.js';

/** Events of the communication process; what they are shows only when the thread names are known. */
export class CommEvents {
  readonly track = new Int32Column();
  readonly name = new Int32Column();
  readonly dataType = new Int32Column();
  readonly transport = new Int32Column();
  readonly link = new Int32Column();
  readonly startNs = new Float64Column();
  readonly durationNs = new Float64Column();
  readonly connection = new Float64Column();
  readonly count = new Float64Column();
  readonly rankSize = new Float64Column();
  readonly bytes = new Float64Column();
  readonly src = new Float64Column();
  readonly dst = new Float64Column();
  readonly stream = new Float64Column();
  readonly task = new Float64Column();
}

export interface Track {
  readonly process: number;
  readonly tid: number;
  name: string;
}

/**
 * Turns the events of the communication process into collectives (thread `Group … Communication`, or `Communication Kernel` of old
 * exports) and sub-tasks (thread `Plane N`), and marks the device tasks that carry them out as communication.
 */
export function placeCommunication(assembly: Assembly, events: CommEvents, tracks: readonly Track[], deviceOf: (process: number) => number, tasks: TaskRows, named: boolean): void {
  const { commOps, commTasks, strings, holds } = assembly;
  if (named) holds.commOps = true;
  const known = new ByStart(range(0, commOps.length), (row) => commOps.startNs.get(row));
  const devices = new Map<number, number>();
  const device = (process: number): number => {
    let index = devices.get(process);
    if (index === undefined) devices.set(process, (index = deviceOf(process)));
    return index;
  };
  const groupOf = tracks.map((track) => groupName(track, tracks));
  const ops: number[] = [];
  for (let i = 0; i < events.track.length; i++) {
    const track = tracks[events.track.get(i)];
    if (track === undefined || planeOf(track.name) >= 0) continue;
    ops.push(placeOp(assembly, known, events, i, device(track.process), strings.id(groupOf[events.track.get(i)] ?? '')));
  }
  const perGroup = new Map<string, ByStart>();
  const groupKey = (process: number, group: number): string => `${device(process)}:${group}`;
  for (const key of new Set(ops.map((row) => `${commOps.device.get(row)}:${commOps.group.get(row)}`))) {
    perGroup.set(key, new ByStart(ops.filter((row) => `${commOps.device.get(row)}:${commOps.group.get(row)}` === key), (row) => commOps.startNs.get(row)));
  }
  const carried = new Set<number>();
  for (let i = 0; i < events.track.length; i++) {
    const track = tracks[events.track.get(i)];
    const plane = track === undefined ? -1 : planeOf(track.name);
    if (track === undefined || plane < 0) continue;
    holds.commTasks = true;
    const group = strings.id(groupOf[events.track.get(i)] ?? '');
    const startNs = events.startNs.get(i);
    const near = (perGroup.get(groupKey(track.process, group)) ?? perGroup.get(groupKey(track.process, 0)))?.before(startNs) ?? -1;
    const inside = near >= 0 && startNs <= commOps.startNs.get(near) + commOps.durationNs.get(near) + limits.sameTaskNs;
    if (events.stream.get(i) >= 0) carried.add(taskKey(events.stream.get(i), events.task.get(i)));
    commTasks.push({
      device: device(track.process),
      op: inside ? near : -1,
      plane,
      startNs,
      durationNs: events.durationNs.get(i),
      name: events.name.get(i),
      group,
      bytes: events.bytes.get(i),
      transport: events.transport.get(i),
      link: events.link.get(i),
      srcRank: events.src.get(i),
      dstRank: events.dst.get(i),
      master: 255,
    });
  }
  markCarriers(tasks, connectionsOf(commOps, ops), carried);
}

/** One collective: a row of the CSV that says the same gets what the CSV lacks, else a new row. */
function placeOp(assembly: Assembly, known: ByStart, events: CommEvents, i: number, device: number, group: number): number {
  const { commOps, strings } = assembly;
  const [startNs, name] = [events.startNs.get(i), events.name.get(i)];
  for (const row of known.within(startNs - limits.sameTaskNs, startNs + limits.sameTaskNs)) {
    if (commOps.name.get(row) !== name || commOps.group.get(row) !== 0) continue;
    commOps.group.set(row, group);
    commOps.connection.set(row, events.connection.get(i));
    commOps.count.set(row, events.count.get(i));
    commOps.dataType.set(row, events.dataType.get(i));
    commOps.rankSize.set(row, events.rankSize.get(i));
    return row;
  }
  return commOps.push({
    device,
    startNs,
    durationNs: events.durationNs.get(i),
    name,
    opType: strings.id(commTypeOf(strings.get(name))),
    group,
    connection: events.connection.get(i),
    count: events.count.get(i),
    dataType: events.dataType.get(i),
    rankSize: events.rankSize.get(i),
  });
}

function planeOf(thread: string): number {
  const match = /^Plane (\d+)/.exec(thread);
  return match === null ? -1 : Number(match[1]);
}

/** `Group X Communication` → X. A plane belongs to the group whose thread stands last before it. */
function groupName(track: Track, tracks: readonly Track[]): string {
  let best: Track | undefined;
  for (const other of tracks) {
    if (other.process !== track.process || other.tid > track.tid || !/^Group .* Communication$/.test(other.name)) continue;
    if (best === undefined || other.tid > best.tid) best = other;
  }
  return /^Group (.*) Communication$/.exec(best?.name ?? '')?.[1] ?? '';
}

function taskKey(stream: number, task: number): number {
  return stream * 2 ** 32 + task;
}

export function connectionsOf(commOps: CommOpRows, rows: Iterable<number>): Set<number> {
  const found = new Set<number>();
  for (const row of rows) if (commOps.connection.get(row) >= 0) found.add(commOps.connection.get(row));
  return found;
}

/**
 * Copies, waits and records that belong to a collective are communication, not memcpy or event wait: they share its connection, or
 * a plane names their stream and task.
 */
export function markCarriers(tasks: TaskRows, connections: ReadonlySet<number>, carried: ReadonlySet<number>, from = 0): void {
  const changeable: ReadonlySet<number> = new Set([taskClass.memcpy, taskClass.eventWait, taskClass.other]);
  for (let row = from; row < tasks.length; row++) {
    if (!changeable.has(tasks.class.get(row))) continue;
    if (connections.has(tasks.connection.get(row)) || carried.has(taskKey(tasks.stream.get(row), tasks.taskId.get(row)))) tasks.class.set(row, taskClass.communication);
  }
}

/** Copies, waits or records are among the tasks: a list of kernels has none. */
function otherThanKernels(tasks: TaskRows, from: number): boolean {
  const classes = tasks.class.array().subarray(from);
  return Object.values(taskClass).some((c) => c !== taskClass.compute && c !== taskClass.aicpu && classes.includes(c));
}

/**
 * Without planes and connections a stream tells: when every copy, wait and record on a stream without kernels starts inside a
 * collective of its device, the stream carries out collectives.
 * @param from first task of the capture @param opsFrom first collective of it
 */
export function markCarrierStreams(assembly: Assembly, from: number, opsFrom: number, settled: (device: number) => number): void {
  const { tasks, commOps } = assembly;
  if (commOps.length === opsFrom || !otherThanKernels(tasks, from)) return;
  const perDevice = new Map<number, ByStart>();
  const devices = new Set(range(opsFrom, commOps.length).map((row) => settled(commOps.device.get(row))));
  for (const device of devices) {
    perDevice.set(device, new ByStart(range(opsFrom, commOps.length).filter((row) => settled(commOps.device.get(row)) === device), (row) => commOps.startNs.get(row)));
  }
  const inside = (device: number, startNs: number): boolean => {
    const op = perDevice.get(device)?.before(startNs + limits.sameTaskNs) ?? -1;
    return op >= 0 && startNs <= commOps.startNs.get(op) + commOps.durationNs.get(op);
  };
  const streams = new Map<number, number[] | null>();
  for (let row = from; row < tasks.length; row++) {
    const [device, stream] = [settled(tasks.device.get(row)), tasks.stream.get(row)];
    const key = device * 2 ** 32 + stream;
    const rows = streams.get(key);
    if (rows === null) continue;
    const fits = stream >= 0 && tasks.class.get(row) !== taskClass.compute && tasks.class.get(row) !== taskClass.aicpu && inside(device, tasks.startNs.get(row));
    if (!fits) streams.set(key, null);
    else if (rows === undefined) streams.set(key, [row]);
    else rows.push(row);
  }
  for (const rows of streams.values()) for (const row of rows ?? []) tasks.class.set(row, taskClass.communication);
}

/**
 * Joins the device tasks of a timeline or task_time with the kernels of a CSV: a kernel that is in both gets stream and connection,
 * everything else (copies, waits, records) is added.
 * @param from first kernel of the capture @param to row after its last
 */
export function joinTasks(assembly: Assembly, from: number, to: number, others: TaskRows, settled: (device: number) => number): void {
  const { tasks } = assembly;
  if (from === to) {
    tasks.append(others);
    return;
  }
  const perDevice = new Map<number, number[]>();
  for (const row of range(from, to)) {
    const device = settled(tasks.device.get(row));
    const rows = perDevice.get(device) ?? [];
    rows.push(row);
    perDevice.set(device, rows);
  }
  const kernels = new Map([...perDevice].map(([device, rows]) => [device, new ByStart(rows, (row) => tasks.startNs.get(row))] as const));
  const used = new Set<number>();
  for (let i = 0; i < others.length; i++) {
    const startNs = others.startNs.get(i);
    let match = -1;
    for (const row of kernels.get(settled(others.device.get(i)))?.within(startNs - limits.sameTaskNs, startNs + limits.sameTaskNs) ?? []) {
      if (used.has(row)) continue;
      const sameName = tasks.name.get(row) === others.name.get(i);
      const sameStream = tasks.stream.get(row) === others.stream.get(i) && Math.abs(tasks.durationNs.get(row) - others.durationNs.get(i)) <= limits.sameTaskNs;
      if (!sameName && !sameStream) continue;
      match = row;
      if (sameName) break;
    }
    if (match < 0) {
      copyTask(others, i, tasks);
      continue;
    }
    used.add(match);
    if (tasks.stream.get(match) < 0) tasks.stream.set(match, others.stream.get(i));
    if (tasks.connection.get(match) < 0) tasks.connection.set(match, others.connection.get(i));
  }
}

export function copyTask(from: TaskRows, i: number, into: TaskRows, cls = from.class.get(i)): void {
  into.push({
    device: from.device.get(i),
    stream: from.stream.get(i),
    taskId: from.taskId.get(i),
    startNs: from.startNs.get(i),
    durationNs: from.durationNs.get(i),
    name: from.name.get(i),
    operator: from.operator.get(i),
    class: cls,
    connection: from.connection.get(i),
  });
}
