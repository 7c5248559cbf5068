import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { taskClass, type Profile } from '../../server/profiles/profile.js';
import { readProfile } from '../../server/profiles/read.js';
import { tempFolder, testHost } from '../helpers/temp.js';
import { ofTask } from '../helpers/tasks.js';

type Event = Record<string, unknown>;
const dir = await tempFolder();
let count = 0;

async function read(events: readonly Event[], name = `msprof_${count++}.json`): Promise<Profile> {
  const folder = join(dir, String(count++));
  await mkdir(folder);
  await writeFile(join(folder, name), JSON.stringify(events));
  return readProfile([join(folder, name)], testHost(dir));
}

const process = (pid: number, name: string, labels: string): Event[] => [
  { ph: 'M', name: 'process_name', pid, tid: 0, args: { name } },
  { ph: 'M', name: 'process_labels', pid, tid: 0, args: { labels } },
];
const thread = (pid: number, tid: number, name: string): Event => ({ ph: 'M', name: 'thread_name', pid, tid, args: { name } });
const slice = (pid: number, tid: number, name: string, us: string, dur: number, args: Event = {}): Event => ({ ph: 'X', name, pid, tid, ts: `17724206450060${us}`, dur, args });
const kernel = (pid: number, us: string, args: Event = {}): Event => slice(pid, 2, 'MatMul_7', us, 10.5, { 'Task Type': 'AI_CORE', 'Physic Stream Id': 2, 'Task Id': 1, ...args });

describe('timelines', () => {
  it('unsorted events, names after the events, one device per label, pids that say nothing', async () => {
    const p = await read([
      kernel(99_999_999, '20.001'),
      slice(31, 500, 'Node@launch', '05.000', 2.25, { level: 'node', connection_id: 4 }),
      kernel(7, '10.500', { connection_id: 4 }),
      ...process(31, 'CANN', 'CPU'),
      ...process(7, 'Ascend Hardware', 'NPU 3'),
      ...process(99_999_999, 'Ascend Hardware', 'NPU 1'),
    ]);
    expect(p.devices.map((d) => d.id)).toEqual([1, 3]);
    expect(Array.from(p.tasks.startNs, (s) => p.baseNs + BigInt(s))).toEqual([1_772_420_645_006_020_001n, 1_772_420_645_006_010_500n]);
    expect([...p.tasks.device, ...p.tasks.durationNs]).toEqual([0, 1, 10_500, 10_500]);
    expect(p.tasks.connection[1]).toBe(4);
    expect([p.apis!.length, p.strings.get(p.apis!.level[0]!), p.strings.get(p.apis!.name[0]!), p.apis!.durationNs[0], p.apis!.thread[0]]).toEqual([1, 'node', 'launch', 2250, 500]);
  });
  it('flows give the connection where slices do not, shifted ids too', async () => {
    const flow = (ph: 's' | 'f', pid: number, tid: number, us: string, id: string): Event => ({ ph, name: `HostToDevice${id}`, cat: 'HostToDevice', id, pid, tid, ts: `17724206450060${us}` });
    const shifted = String(12n * 2n ** 32n - 1n);
    const p = await read([
      ...process(31, 'CANN', 'CPU'),
      ...process(7, 'Ascend Hardware', 'NPU 0'),
      slice(31, 500, 'Node@launch', '05.000', 2),
      slice(31, 500, 'Node@launch', '08.000', 2),
      kernel(7, '10.500'),
      kernel(7, '30.500'),
      flow('s', 31, 500, '05.000', '11'),
      flow('f', 7, 2, '10.500', '11'),
      flow('s', 31, 500, '08.000', shifted),
      flow('f', 7, 2, '30.500', shifted),
    ]);
    expect([...p.apis!.connection]).toEqual([11, 12]);
    expect([...p.tasks.connection]).toEqual([11, 12]);
  });
  it('collectives by their group threads, sub-tasks by their planes, two groups apart', async () => {
    const op = (tid: number, name: string, us: string): Event => slice(16, tid, name, us, 20, { connection_id: tid + 40, data_type: 'FP16', count: 64, rank_size: 2 });
    const part = (tid: number, name: string, us: string, stream: number, task: number): Event =>
      slice(16, tid, name, us, 3, { 'stream id': stream, 'task id': task, 'src rank': 0, 'dst rank': 4294967295, 'transport type': 'SDMA', 'size(Byte)': 128, 'link type': 'INVALID_TYPE' });
    const p = await read([
      op(0, 'hcom_allReduce__111_0_1', '10.000'),
      op(4, 'hcom_allGather__222_0_1', '12.000'),
      part(1, 'Notify_Wait', '11.000', 9, 1),
      part(5, 'Memcpy', '13.000', 10, 2),
      part(5, 'Memcpy', '40.000', 10, 3),
      ...process(16, 'Communication', 'NPU 0'),
      thread(16, 0, 'Group 10.1%eth0 Communication'),
      thread(16, 1, 'Plane 0'),
      thread(16, 4, 'Group B Communication'),
      thread(16, 5, 'Plane 2'),
      ...process(14, 'Ascend Hardware', 'NPU 0'),
      slice(14, 9, 'NOTIFY_WAIT', '11.000', 3, { 'Task Type': 'NOTIFY_WAIT_SQE', 'Physic Stream Id': 9, 'Task Id': 1 }),
      slice(14, 2, 'MEMCPY_ASYNC', '13.000', 3, { 'Task Type': 'SDMA_SQE', 'Physic Stream Id': 2, 'Task Id': 5 }),
      slice(14, 2, 'EVENT_WAIT', '17.000', 3, { 'Task Type': 'EVENT_WAIT_SQE', 'Physic Stream Id': 2, 'Task Id': 6 }),
    ]);
    const [o, t] = [p.commOps!, p.commTasks!];
    expect(Array.from(o.name, (n, i) => [p.strings.get(n), p.strings.get(o.opType[i]!), p.strings.get(o.group[i]!), o.count[i], o.rankSize[i]])).toEqual([
      ['hcom_allReduce__111_0_1', 'hcom_allReduce_', '10.1%eth0', 64, 2],
      ['hcom_allGather__222_0_1', 'hcom_allGather_', 'B', 64, 2],
    ]);
    expect(Array.from(t.name, (n, i) => [p.strings.get(n), t.plane[i], t.op[i], t.bytes[i], t.dstRank[i], p.strings.get(t.link[i]!)])).toEqual([
      ['Notify_Wait', 0, 0, 128, NaN, ''],
      ['Memcpy', 2, 1, 128, NaN, ''],
      ['Memcpy', 2, -1, 128, NaN, ''],
    ]);
    expect([...p.tasks.class]).toEqual([taskClass.communication, taskClass.memcpy, taskClass.eventWait]);
  });
  it('a timeline without any process name still gives its device tasks', async () => {
    const p = await read([kernel(1, '10.000'), slice(2, 1, 'Computing', '10.000', 10.5)]);
    expect([p.tasks.length, p.tasks.class[0], p.strings.get(p.tasks.name[0]!)]).toEqual([1, taskClass.compute, 'MatMul_7']);
  });
  it('collectives in a CSV get group and connection from the timeline and are counted once', async () => {
    const folder = join(dir, 'both');
    await mkdir(folder);
    await writeFile(join(folder, 'kernel_details.csv'), 'Name,Type,Accelerator Core,Start Time(us),Duration(us)\r\nMatMul_7,MatMulV2,AI_CORE,1772420645006010.001\t,10.500\r\nhcom_allReduce__111_0_1,hcom_allReduce_,HCCL,1772420645006030.000\t,20.000\r\nhcom_send__5_0,N/A,N/A,1772420645006060.000\t,1.000\r\n');
    const events = [
      ...process(14, 'Ascend Hardware', 'NPU'),
      kernel(14, '10.000', { connection_id: 3 }),
      ...process(16, 'HCCL', 'NPU'),
      thread(16, 0, 'Group 0 Communication'),
      slice(16, 0, 'hcom_allReduce__111_0_1', '30.001', 20, { connection_id: 9, count: 5 }),
    ];
    await writeFile(join(folder, 'trace_view.json'), JSON.stringify(events));
    const p = await readProfile([folder], testHost(dir));
    expect([p.tasks.length, p.tasks.connection[0], p.tasks.stream[0], p.strings.get(ofTask(p.tasks, 'opType', 0))]).toEqual([1, 3, 2, 'MatMulV2']);
    expect(Array.from(p.commOps!.name, (n, i) => [p.strings.get(n), p.strings.get(p.commOps!.opType[i]!), p.strings.get(p.commOps!.group[i]!), p.commOps!.connection[i], p.commOps!.count[i]])).toEqual([
      ['hcom_allReduce__111_0_1', 'hcom_allReduce_', '0', 9, 5],
      ['hcom_send__5_0', 'hcom_send_', '', -1, NaN],
    ]);
  });
});

describe('files of the old MindSpore profiler and of cluster analyses', () => {
  it('give statistics, steps and collectives in the units of the profile', async () => {
    const folder = join(dir, 'legacy');
    await mkdir(folder);
    await writeFile(join(folder, 'output_op_compute_time_2.txt'), '====\nop_name  compute_time(ms)  stream_id\n---- ---- ----\nDefault/net/Mul-op3 0.002  5\nDefault/Mul-op9 0.004  5\nDefault/Cast-op1 1e-05  5\ntotal op  0.006 0\n');
    await writeFile(join(folder, 'step_trace_raw_2_detail_time.csv'), 'step_num,start_point,end_point,total,iteration_interval\n1,1162412079349,1162429898009,17818660,0\n-,0,0,17818660,0\n');
    await writeFile(join(folder, 'hccl_raw_2.csv'), 'step_num,communication_cost,wait_cost,link_info,communication_operator_cost\n1,2.6,270.2,"{}","{""stream_1_AllReduce"": [""1"", 0.5, 0.25, {""1-0"": {""SDMA"": [0.5, 2000.0, 1]}}]}"\n-,2.6,270.2,{},{}\n');
    const p = await readProfile([folder], testHost(dir));
    expect(p.opStatistic).toEqual([
      { device: 0, opType: 'Mul', coreType: '', count: 2, totalUs: 6, avgUs: 3, maxUs: 4 },
      { device: 0, opType: 'Cast', coreType: '', count: 1, totalUs: 0.01, avgUs: 0.01, maxUs: 0.01 },
    ]);
    expect(p.markers).toEqual([{ name: 'step 1', startNs: 0, endNs: 178_186_600, capture: 0 }]);
    expect(p.commSummary).toEqual([{ device: 0, step: '1', op: 'stream_1_AllReduce', group: '', elapseMs: null, transitMs: 0.5, waitMs: 0.25, syncMs: null, links: [{ transport: 'SDMA', sizeMb: 2, timeMs: 0.5, bandwidthGbps: 4 }] }]);
    expect(p.devices.map((d) => d.id)).toEqual([2]);
    expect(p.incomplete.map((n) => n.code)).toEqual(expect.arrayContaining(['legacy-mindspore', 'no-device-tasks']));
  });
});
