import type { Capture, SimCommOp, SimDevice, SimProcess, SimTask } from './capture.js';
import { apiTrack, commTaskSqe, sqeType } from './formats.js';
import { overlapAnalysis } from './overlap.js';
import { double, microseconds } from './text.js';

/** Layers of msprof's timeline: sort index and label (facts §3.1). */
const layers = {
  CANN: { index: 7, label: 'CPU' },
  'Ascend Hardware': { index: 14, label: 'NPU' },
  'AI Core Freq': { index: 15, label: 'NPU' },
  Communication: { index: 16, label: 'NPU' },
  'NPU MEM': { index: 17, label: 'NPU' },
  'Overlap Analysis': { index: 31, label: 'NPU' },
} as const;
const hostSlot = 31;
type Layer = keyof typeof layers;

/** (hostPid << 10) | (layer << 5) | device; beyond 32 bits for large pids, hence arithmetic. */
export function tracePid(pid: number, layer: Layer, device: number = hostSlot): number {
  return (pid * 1024 + layers[layer].index * 32 + device) % 4_294_967_296;
}

/** JSON objects by hand: `ts` is a string with three decimals, `dur` a double, and the order of keys is the exporter's. */
const quote = (text: string): string => JSON.stringify(text);
const slice = (name: string, pid: number, tid: number, startNs: bigint, durationNs: number, args: string): string =>
  `{"name":${quote(name)},"pid":${pid},"tid":${tid},"ts":"${microseconds(startNs)}","dur":${double(durationNs / 1000)},"ph":"X","args":{${args}}}`;
const counter = (name: string, pid: number, timeNs: bigint, args: string): string =>
  `{"name":${quote(name)},"pid":${pid},"tid":0,"ts":"${microseconds(timeNs)}","ph":"C","args":{${args}}}`;
const meta = (name: string, pid: number, tid: number, args: string): string =>
  `{"name":"${name}","pid":${pid},"tid":${tid},"ph":"M","args":{${args}}}`;

/** Flow ids carry the connection id in their upper half. */
export function flowId(connectionId: number): string {
  return String(BigInt(connectionId) << 32n);
}

function flow(phase: 's' | 'f', pid: number, tid: number, timeNs: bigint, connectionId: number): string {
  const id = flowId(connectionId);
  return `{"name":"HostToDevice${id}","pid":${pid},"tid":${tid},"ph":"${phase}","cat":"HostToDevice","id":"${id}","ts":"${microseconds(timeNs)}"${phase === 'f' ? ',"bp":"e"' : ''}}`;
}

function* processMeta(pid: number, layer: Layer, device: number | null): Generator<string> {
  const { index, label } = layers[layer];
  yield meta('process_name', pid, 0, `"name":"${layer}"`);
  yield meta('process_labels', pid, 0, `"labels":"${device === null ? label : `${label} ${device}`}"`);
  yield meta('process_sort_index', pid, 0, `"sort_index":${index}`);
}

function* threadMeta(pid: number, tid: number, name: string): Generator<string> {
  yield meta('thread_name', pid, tid, `"name":${quote(name)}`);
  yield meta('thread_sort_index', pid, tid, `"sort_index":${tid}`);
}

/** Every event of one process, layer after layer: not sorted by time, as the exporter's ten threads leave it. */
export function* timelineEvents(capture: Capture, process: SimProcess): Generator<string> {
  yield* counters(process);
  for (const device of process.devices) {
    yield* hardware(process, device);
    yield* communication(capture, process, device);
  }
  yield* cann(process);
  for (const device of process.devices) yield* overlap(process, device);
}

function* cann(process: SimProcess): Generator<string> {
  const pid = tracePid(process.pid, 'CANN');
  yield* processMeta(pid, 'CANN', null);
  const threads = new Set<number>();
  const memcpies = new Set<number>();
  for (const task of process.tasks) if (task.hostType === 'MEMCPY_ASYNC') memcpies.add(task.connectionId);
  for (const api of process.apis) {
    threads.add(api.thread);
    const id = api.level === 'node' ? '0' : api.name;
    const item = api.item === '' ? '0' : api.item;
    const mode = api.level === 'node' ? 'launch' : api.level === 'communication' ? 'master' : 'ACL_RTS';
    yield slice(
      `${apiTrack[api.level]}@${api.name}`,
      pid,
      api.thread,
      api.startNs,
      api.durationNs,
      `"Thread Id":${api.thread},"Mode":"${mode}","level":"${api.level}","id":${quote(id)},"item_id":${quote(item)},"connection_id":${api.connectionId}`,
    );
    if (api.level === 'node' || memcpies.has(api.connectionId))
      yield flow('s', pid, api.thread, api.startNs, api.connectionId);
  }
  for (const thread of threads) yield* threadMeta(pid, thread, `Thread ${thread}`);
}

function* hardware(process: SimProcess, device: SimDevice): Generator<string> {
  const pid = tracePid(process.pid, 'Ascend Hardware', device.id);
  const streams = new Set<number>();
  const args = (
    model: number,
    type: string,
    stream: number,
    task: number,
    context: number,
    connection: number,
  ): string =>
    `"Model Id":${model},"Task Type":"${type}","Physic Stream Id":${stream},"Task Id":${task},"Batch Id":0,"Subtask Id":${context},"connection_id":${connection}`;
  const show = (task: SimTask): string => {
    const type = task.kernel?.coreType ?? sqeType[task.hostType];
    const copy =
      task.memcpy === null
        ? ''
        : `,"size(B)":${task.memcpy.bytes},"bandwidth(GB/s)":${double(task.memcpy.bytes / task.durationNs)},"operation":"${task.memcpy.operation}"`;
    return slice(
      task.kernel === null ? task.hostType : task.name,
      pid,
      task.stream,
      task.startNs,
      task.durationNs,
      args(task.modelId, type, task.stream, task.taskId, task.contextId, task.connectionId) + copy,
    );
  };
  for (const task of process.tasks) {
    if (task.device !== device.id) continue;
    streams.add(task.stream);
    yield show(task);
    if ((task.kernel !== null || task.memcpy !== null) && task.connectionId >= 0)
      yield flow('f', pid, task.stream, task.startNs, task.connectionId);
  }
  for (const op of process.commOps) {
    if (op.device !== device.id) continue;
    let context = 0;
    for (const task of op.tasks) {
      streams.add(task.stream);
      const type = commTaskSqe(task);
      yield slice(
        type,
        pid,
        task.stream,
        task.startNs,
        task.durationNs,
        args(op.modelId, type, task.stream, task.taskId, context, op.connectionId),
      );
      context += 1;
    }
  }
  yield* processMeta(pid, 'Ascend Hardware', device.id);
  for (const stream of streams) yield* threadMeta(pid, stream, `Stream ${stream}`);
}

function* communication(capture: Capture, process: SimProcess, device: SimDevice): Generator<string> {
  const pid = tracePid(process.pid, 'Communication', device.id);
  // Thread ids: a group's own track, then one per plane, then the next group.
  const groups = new Map<string, { tid: number; planes: Set<number> }>();
  const sorted: SimCommOp[] = [];
  for (const op of process.commOps) {
    if (op.device !== device.id) continue;
    const group = groups.get(op.group) ?? { tid: 0, planes: new Set<number>() };
    groups.set(op.group, group);
    for (const task of op.tasks) group.planes.add(task.plane);
    sorted.push(op);
  }
  if (groups.size === 0) return;
  yield* processMeta(pid, 'Communication', device.id);
  let tid = 0;
  const planes = capture.config.level !== 'l0';
  for (const [name, group] of groups) {
    group.tid = tid;
    yield* threadMeta(pid, tid, `Group ${name} Communication`);
    if (planes)
      for (const plane of [...group.planes].sort((a, b) => a - b))
        yield* threadMeta(pid, group.tid + plane + 1, `Plane ${plane}`);
    tid += group.planes.size + 1;
  }
  for (const op of sorted) {
    const base = groups.get(op.group)?.tid ?? 0;
    let context = 0;
    if (planes)
      for (const task of op.tasks) {
        const bandwidth = task.durationNs === 0 ? 0 : task.bytes / task.durationNs;
        const moves = task.bytes > 0;
        yield slice(
          task.name,
          pid,
          base + task.plane + 1,
          task.startNs,
          task.durationNs,
          `"notify_id":"${task.notifyId ?? '18446744073709551615'}","duration estimated(us)":${double(moves ? task.durationNs / 1000 : 1)},"stream id":${task.stream},"task id":${task.taskId},"context id":${context},"task type":"${task.name}",` +
            `"src rank":${task.srcRank},"dst rank":${task.dstRank},"transport type":"${task.transport}","size(Byte)":${task.bytes},"data type":"${moves ? op.dataType : 'INVALID_TYPE'}","link type":"${moves ? task.link : 'INVALID_TYPE'}","bandwidth(GB/s)":${double(bandwidth)},"model id":${op.modelId}`,
        );
        context += 1;
      }
    yield slice(
      op.name,
      pid,
      base,
      op.startNs,
      op.durationNs,
      `"rank_size":${op.rankSize},"connection_id":${op.connectionId},"model id":${op.modelId},"data_type":"${op.dataType}","alg_type":"${op.algorithm}","count":${op.count},"relay":"no","retry":"no"`,
    );
    yield flow('f', pid, base, op.startNs, op.connectionId);
  }
}

function* overlap(process: SimProcess, device: SimDevice): Generator<string> {
  const pid = tracePid(process.pid, 'Overlap Analysis', device.id);
  const result = overlapAnalysis(device, process.tasks, process.commOps);
  const tracks = [
    { name: 'Computing', items: result.computing },
    { name: 'Communication', items: result.communication },
    { name: 'Communication(Not Overlapped)', items: result.notOverlapped },
    { name: 'Free', items: result.free },
  ];
  yield* processMeta(pid, 'Overlap Analysis', device.id);
  for (const [tid, track] of tracks.entries()) yield* threadMeta(pid, tid, track.name);
  for (const [tid, track] of tracks.entries())
    for (const item of track.items) yield slice(track.name, pid, tid, item.start, Number(item.end - item.start), '');
}

function* counters(process: SimProcess): Generator<string> {
  for (const device of process.devices) {
    const freq = tracePid(process.pid, 'AI Core Freq', device.id);
    yield* processMeta(freq, 'AI Core Freq', device.id);
    for (const sample of process.frequency)
      if (sample.device === device.id) yield counter('AI Core Freq', freq, sample.timeNs, `"MHz":${sample.mhz}`);
    const memory = tracePid(process.pid, 'NPU MEM', device.id);
    yield* processMeta(memory, 'NPU MEM', device.id);
    for (const sample of process.memory) {
      if (sample.device !== device.id || sample.kind !== 'process') continue;
      yield counter('APP/DDR', memory, sample.timeNs, '"KB":0.0');
      yield counter('APP/HBM', memory, sample.timeNs, `"KB":${double(sample.reservedBytes / 1024)}`);
      yield counter('APP/Memory', memory, sample.timeNs, `"KB":${double(sample.reservedBytes / 1024)}`);
    }
  }
}
