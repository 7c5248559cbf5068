import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { planted } from '../generate/captures.js';
import { tempFolder } from '../helpers/temp.js';

interface Event {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts?: string;
  readonly dur?: number;
  readonly id?: string | number;
  readonly cat?: string;
  readonly args?: Record<string, unknown>;
}

const folder = await tempFolder();
let made: Awaited<ReturnType<typeof planted>>;
let text: string;
let events: Event[];
let tracks: Map<number, string>;
const on = (track: string, ph: string): Event[] =>
  events.filter((event) => event.ph === ph && tracks.get(event.pid) === track);

beforeAll(async () => {
  made = await planted(join(folder, 'trace'), { ranks: 2, commOverlap: true, marks: 'step' }, [
    'msprof-timeline',
    'msprof-analyze',
    'torch-text',
  ]);
  text = readFileSync(
    made.written.processes[0]!.files.find((path) => path.endsWith('.json') && path.includes('msprof_'))!,
    'utf8',
  );
  events = JSON.parse(text) as Event[];
  tracks = new Map(
    events.filter((event) => event.name === 'process_name').map((event) => [event.pid, String(event.args!['name'])]),
  );
});

describe('msprof_*.json', () => {
  test('is an array whose times are strings with three decimals and which is not sorted', () => {
    expect(text.startsWith('[{"name":"process_name"')).toBe(true);
    const times = events.filter((event) => event.ts !== undefined);
    for (const event of times) expect(event.ts).toMatch(/^\d{16}\.\d{3}$/);
    expect(times.some((event, i) => i > 0 && event.ts! < times[i - 1]!.ts!)).toBe(true);
    for (const event of on('Ascend Hardware', 'X')) expect(typeof event.dur).toBe('number');
  });

  test('names the tracks as msprof does, with the device in the label', () => {
    expect(new Set(tracks.values())).toEqual(
      new Set(['AI Core Freq', 'NPU MEM', 'Ascend Hardware', 'Communication', 'CANN', 'Overlap Analysis']),
    );
    const labels = new Map(
      events
        .filter((event) => event.name === 'process_labels')
        .map((event) => [tracks.get(event.pid), event.args!['labels']]),
    );
    expect([labels.get('CANN'), labels.get('Ascend Hardware')]).toEqual(['CPU', 'NPU 0']);
    const threads = events
      .filter((event) => event.name === 'thread_name' && tracks.get(event.pid) === 'Communication')
      .map((event) => String(event.args!['name']));
    expect(threads[0]).toMatch(/^Group 192\.0\.2\.\d+%enp0s0_60000_0_\d{16} Communication$/);
    expect(threads.slice(1)).toEqual(['Plane 0']);
  });

  test('shows every planted task, and its duration to the nanosecond', () => {
    const process = made.capture.processes[0]!;
    const kernels = new Map(
      [...process.tasks].filter((task) => task.kernel !== null).map((task) => [String(task.startNs), task.durationNs]),
    );
    const shown = on('Ascend Hardware', 'X').filter(
      (event) => event.tid === 2 && kernels.has(event.ts!.replace('.', '')),
    );
    expect(shown).toHaveLength(kernels.size);
    for (const event of shown) expect(event.dur! * 1000).toBeCloseTo(kernels.get(event.ts!.replace('.', ''))!, 6);
    expect(on('Communication', 'X').filter((event) => event.name.startsWith('hcom_'))).toHaveLength(
      [...process.commOps].length,
    );
  });

  test('every flow into the device has a start on the host, by an id of connection << 32', () => {
    const starts = new Set(on('CANN', 's').map((event) => event.id));
    const ends = [...on('Ascend Hardware', 'f'), ...on('Communication', 'f')];
    expect(ends.length).toBeGreaterThan(100);
    for (const event of ends) {
      expect(starts.has(event.id)).toBe(true);
      expect(BigInt(event.id!) % 4294967296n).toBe(0n);
      expect(event.name).toBe(`HostToDevice${event.id}`);
    }
  });

  test('overlap tracks add up', () => {
    const sum = (name: string): number =>
      on('Overlap Analysis', 'X')
        .filter((event) => event.name === name)
        .reduce((total, event) => total + event.dur!, 0);
    const truth = made.truth.windows[0]!;
    expect(sum('Computing')).toBeCloseTo(truth.computing_us, 2);
    expect(sum('Communication')).toBeCloseTo(truth.communication_us, 2);
    expect(sum('Communication(Not Overlapped)')).toBeCloseTo(truth.communicationNotOverlapped_us, 2);
    const all = on('Overlap Analysis', 'X');
    const start = Math.min(...all.map((event) => Number(event.ts!.slice(6))));
    const end = Math.max(...all.map((event) => Number(event.ts!.slice(6)) + event.dur!));
    expect(sum('Computing') + sum('Communication(Not Overlapped)') + sum('Free')).toBeCloseTo(end - start, 1);
  });
});

test('trace_view.json adds the framework: operators, queue pairs, and a flow for every kernel', () => {
  const torch = JSON.parse(
    readFileSync(join(made.written.processes[0]!.torch!, 'ASCEND_PROFILER_OUTPUT', 'trace_view.json'), 'utf8'),
  ) as Event[];
  const count = (cat: string, ph: string): number =>
    torch.filter((event) => event.cat === cat && event.ph === ph).length;
  const launches = [...made.capture.processes[0]!.apis].filter((api) => api.level === 'node').length;
  expect(count('enqueue', 'X')).toBe(launches);
  expect(count('dequeue', 'X')).toBe(launches);
  expect(count('async_task_queue', 's')).toBe(count('async_task_queue', 'f'));
  expect(count('async_npu', 's')).toBe(launches);
  expect(torch.filter((event) => event.name.startsWith('ProfilerStep#'))).toHaveLength(4);
});

test('communication.json: master plane times, all planes in the bandwidth, totals at the end', () => {
  const step = JSON.parse(
    readFileSync(join(made.written.processes[0]!.prof!, 'analyze', 'communication.json'), 'utf8'),
  )['step'];
  const names = Object.keys(step.collective);
  expect(names).toHaveLength([...made.capture.processes[0]!.commOps].length + 1);
  expect(names[0]).toMatch(/^hcom_allReduce__\d+_0_1@\d+$/);
  const total = step.collective['Total Op Info'];
  const truth = made.truth.windows[0]!;
  expect(total['Communication Time Info']['Wait Time(ms)'] * 1000).toBeCloseTo(truth.commWait_us, 2);
  expect(total['Communication Time Info']['Transit Time(ms)'] * 1000).toBeCloseTo(truth.commTransit_us, 2);
  const first = step.collective[names[0]!];
  const link = first['Communication Bandwidth Info'].HCCS;
  expect(link['Bandwidth(GB/s)']).toBeCloseTo(link['Transit Size(MB)'] / link['Transit Time(ms)'], 3);
  expect(first['Communication Bandwidth Info'].RDMA['Transit Size(MB)']).toBe(0);
  const torch = JSON.parse(
    readFileSync(join(made.written.processes[0]!.torch!, 'ASCEND_PROFILER_OUTPUT', 'communication.json'), 'utf8'),
  );
  expect(Object.keys(torch)).toEqual(['step0']);
  const matrix = JSON.parse(
    readFileSync(join(made.written.processes[0]!.prof!, 'analyze', 'communication_matrix.json'), 'utf8'),
  )['step'].collective;
  expect(Object.keys(matrix).map((name) => name.split('@')[0])).toEqual([
    'allreduce-top1',
    'allreduce-middle',
    'allreduce-bottom1',
    'allreduce-total',
    'allreduce-bottom2',
    'allreduce-bottom3',
  ]);
});
