import { join } from 'node:path';
import type { Capture, SimProcess } from './capture.js';
import { double, microseconds, TextFile } from './text.js';
import { timelineEvents } from './timeline.js';

/** Framework side of one launch: the operator on the main thread, queued, and taken from the queue where the launch is. */
export interface FrameworkOp {
  readonly name: string;
  readonly correlation: number;
  readonly connectionId: number;
  readonly mainThread: number;
  readonly startNs: bigint;
  readonly durationNs: number;
  readonly enqueueNs: bigint;
  readonly enqueueDurationNs: number;
  readonly queueThread: number;
  readonly dequeueNs: bigint;
  readonly dequeueDurationNs: number;
}

/** Before its launch an operator has been on the main thread for this long. */
const aheadNs = 40_000n;

/** aten operators reconstructed from the launches. Collectives are c10d calls. */
export function* frameworkOps(process: SimProcess): Generator<FrameworkOp> {
  let correlation = 1;
  let last = 0n;
  for (const api of process.apis) {
    if (api.level !== 'node') continue;
    const wanted = api.startNs - aheadNs;
    // The main thread does one thing after the other.
    const startNs = wanted > last ? wanted : last;
    const durationNs = 2500;
    last = startNs + BigInt(durationNs) + 100n;
    const kernel = api.item.split('_').at(-1) ?? api.item;
    yield {
      name: api.item.startsWith('hcom_') ? 'c10d::allreduce_' : `aten::${kernel.toLowerCase()}`,
      correlation,
      connectionId: api.connectionId,
      mainThread: process.pid,
      startNs,
      durationNs,
      enqueueNs: startNs + 1500n,
      enqueueDurationNs: 600,
      queueThread: api.thread,
      dequeueNs: api.startNs - 200n,
      dequeueDurationNs: api.durationNs + 400,
    };
    correlation += 1;
  }
}

/** trace_view.json: framework tracks, then msprof's, then the flows between them. @returns its path */
export function writeTraceView(output: string, capture: Capture, process: SimProcess): string {
  const file = new TextFile(join(output, 'trace_view.json'));
  let separator = '[';
  const write = (event: string): void => {
    file.write(separator + event);
    separator = ', ';
  };
  for (const event of pythonEvents(process)) write(event);
  for (const event of timelineEvents(capture, process)) write(event);
  for (const event of toNpu(process)) write(event);
  file.write(separator === '[' ? '[]' : ']');
  file.close();
  return file.path;
}

function* pythonEvents(process: SimProcess): Generator<string> {
  const pid = process.pid;
  const threads = new Set<number>([pid]);
  for (const mark of process.marks) {
    if (mark.kind !== 'step') continue;
    yield `{"ph": "X", "name": "${mark.name}", "pid": ${pid}, "tid": ${pid}, "ts": "${microseconds(mark.startNs)}", "dur": ${double(Number(mark.endNs - mark.startNs) / 1000)}, "cat": "cpu_op", "args": {"Sequence number": -1, "Fwd thread id": 0}}`;
  }
  for (const op of frameworkOps(process)) {
    threads.add(op.queueThread);
    const flow = (phase: 's' | 'f', tid: number, ns: bigint): string =>
      `{"ph": "${phase}", "bp": "e", "name": "enqueue_to_dequeue", "id": ${op.correlation}, "pid": ${pid}, "tid": ${tid}, "ts": "${microseconds(ns)}", "cat": "async_task_queue"}`;
    yield `{"ph": "X", "name": "${op.name}", "pid": ${pid}, "tid": ${op.mainThread}, "ts": "${microseconds(op.startNs)}", "dur": ${double(op.durationNs / 1000)}, "cat": "cpu_op", "args": {"Sequence number": -1, "Fwd thread id": 0}}`;
    yield `{"ph": "X", "name": "Enqueue", "pid": ${pid}, "tid": ${op.mainThread}, "ts": "${microseconds(op.enqueueNs)}", "dur": ${double(op.enqueueDurationNs / 1000)}, "cat": "enqueue", "args": {"correlation_id": ${op.correlation}}}`;
    yield flow('s', op.mainThread, op.enqueueNs);
    yield `{"ph": "X", "name": "Dequeue@${op.name}", "pid": ${pid}, "tid": ${op.queueThread}, "ts": "${microseconds(op.dequeueNs)}", "dur": ${double(op.dequeueDurationNs / 1000)}, "cat": "dequeue", "args": {"correlation_id": ${op.correlation}}}`;
    yield flow('f', op.queueThread, op.dequeueNs);
  }
  yield `{"ph": "M", "name": "process_name", "pid": ${pid}, "tid": 0, "args": {"name": "Python"}}`;
  yield `{"ph": "M", "name": "process_labels", "pid": ${pid}, "tid": 0, "args": {"labels": "CPU"}}`;
  yield `{"ph": "M", "name": "process_sort_index", "pid": ${pid}, "tid": 0, "args": {"sort_index": 0}}`;
  for (const thread of threads) {
    yield `{"ph": "M", "name": "thread_name", "pid": ${pid}, "tid": ${thread}, "args": {"name": "Thread ${thread}"}}`;
    yield `{"ph": "M", "name": "thread_sort_index", "pid": ${pid}, "tid": ${thread}, "args": {"sort_index": ${thread}}}`;
  }
}

/** torch_to_npu: the start of every flow from operator to kernel; its id is the kernel's start in ns. */
function* toNpu(process: SimProcess): Generator<string> {
  const starts = new Map<number, bigint>();
  for (const task of process.tasks) if (task.kernel !== null) starts.set(task.connectionId, task.startNs);
  for (const op of process.commOps) starts.set(op.connectionId, op.startNs);
  for (const op of frameworkOps(process)) {
    const device = starts.get(op.connectionId);
    if (device === undefined) continue;
    yield `{"ph": "s", "bp": "e", "name": "torch_to_npu", "id": ${device}, "pid": ${process.pid}, "tid": ${op.mainThread}, "ts": "${microseconds(op.startNs)}", "cat": "async_npu"}`;
  }
}
