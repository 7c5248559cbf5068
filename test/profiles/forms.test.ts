import { describe, expect, it } from 'vitest';
import { captureOf, deviceRange, localId, taskClass, type Profile } from '../../server/profiles/profile.js';
import { readProfile } from '../../server/profiles/read.js';
import type { Capture, SimDevice, SimProcess } from '../../server/sim/capture.js';
import type { CaptureForm } from '../../server/sim/write.js';
import { makeDecodeCapture, writeCapture } from '../generate/captures.js';
import { tempFolder, testHost } from '../helpers/temp.js';
import { ofTask } from '../helpers/tasks.js';

const { capture } = makeDecodeCapture({ ranks: 2, layers: 2, steps: 3, prefillEvery: 2, aicpuFallbackUs: 30, marks: 'step', fragmentation: 0.2, frequencyDrop: { fromStep: 1, toStep: 2, mhz: 1200 } });

async function profileOf(...forms: CaptureForm[]): Promise<Profile> {
  const dir = await tempFolder();
  await writeCapture(dir, capture, forms);
  return readProfile([dir], testHost(dir));
}

const db = await profileOf('msprof-db');
const csvAndTimeline = await profileOf('msprof-csv', 'msprof-timeline');
const timeline = await profileOf('msprof-timeline');
const csv = await profileOf('msprof-csv');
const everything = await profileOf('msprof-db', 'msprof-csv', 'msprof-timeline', 'msprof-analyze');
const torchText = await profileOf('torch-text');
const torchDb = await profileOf('torch-db');

interface Planted {
  process: SimProcess;
  device: SimDevice;
}
const planted: Planted[] = capture.processes.flatMap((process) => process.devices.map((device) => ({ process, device })));

const indexOf = (profile: Profile, id: number): number => profile.devices.findIndex((d) => d.id === id);
const epoch = (profile: Profile, ns: number): string => String(profile.baseNs + BigInt(ns));

/** Tasks of a device as lines, in order: what the planted truth and every form must agree on. */
function taskLines(profile: Profile, id: number, keep: (cls: number) => boolean): string[] {
  const { tasks, strings } = profile;
  const [from, to] = deviceRange(tasks.device, indexOf(profile, id));
  const lines: string[] = [];
  for (let i = from; i < to; i++) {
    if (keep(tasks.class[i]!)) lines.push([epoch(profile, tasks.startNs[i]!), tasks.durationNs[i], tasks.stream[i], strings.get(tasks.name[i]!), tasks.class[i], strings.get(ofTask(tasks, 'taskType', i))].join(' '));
  }
  return lines.sort();
}

const classOf = (task: { kernel: unknown; hostType: string; name: string }): number =>
  task.kernel !== null ? taskClass.compute : task.hostType === 'MEMCPY_ASYNC' ? taskClass.memcpy : /WAIT/.test(task.hostType) ? taskClass.eventWait : taskClass.other;

function plantedLines({ process, device }: Planted, keep: (cls: number) => boolean): string[] {
  return [...process.tasks]
    .filter((t) => t.device === device.id && keep(classOf(t)))
    .map((t) => [t.startNs, t.durationNs, t.stream, t.kernel === null ? t.hostType : t.name, classOf(t), t.kernel?.coreType ?? t.hostType].join(' '))
    .sort();
}

const named = { db, 'csv and timeline': csvAndTimeline, 'db beside text': everything, 'torch text': torchText, 'torch db': torchDb };

describe('the same capture in every form', () => {
  it.each(Object.entries(named))('%s: every device task is the planted one, to the nanosecond', (_, profile) => {
    const own = (cls: number): boolean => cls !== taskClass.communication;
    for (const one of planted) expect(taskLines(profile, one.device.id, own)).toEqual(plantedLines(one, own));
  });

  it('a timeline alone has the same tasks, with the core type as far as it knows it', () => {
    const strip = (lines: string[]): string[] => lines.map((l) => l.split(' ').slice(0, 5).join(' '));
    for (const { device } of planted) expect(strip(taskLines(timeline, device.id, () => true))).toEqual(strip(taskLines(db, device.id, () => true)));
  });

  it('CSVs alone have every kernel and every collective', () => {
    for (const one of planted) {
      const compute = (cls: number): boolean => cls === taskClass.compute;
      expect(taskLines(csv, one.device.id, compute)).toEqual(plantedLines(one, compute));
      const ops = [...one.process.commOps].filter((o) => o.device === one.device.id);
      const [from, to] = deviceRange(csv.commOps!.device, indexOf(csv, one.device.id));
      expect(to - from).toBe(ops.length);
    }
    expect(csv.commTasks).toBeNull();
    expect(csv.apis).toBeNull();
    expect(csv.incomplete.map((n) => n.code)).toEqual(expect.arrayContaining(['no-host-api', 'no-communication-planes']));
  });

  it('copies that carry out collectives are communication even where only task_time shows them', () => {
    for (const { process, device } of planted) {
      const copies = [...process.tasks].filter((t) => t.device === device.id && t.hostType === 'MEMCPY_ASYNC').length;
      const [from, to] = deviceRange(csv.tasks.device, indexOf(csv, device.id));
      expect(csv.tasks.class.slice(from, to).filter((c) => c === taskClass.memcpy)).toHaveLength(copies);
    }
  });

  it.each(Object.entries({ ...named, timeline }))('%s: collectives and their sub-tasks are the planted ones', (_, profile) => {
    const { commOps, commTasks, strings } = profile;
    for (const { process, device } of planted) {
      const index = indexOf(profile, device.id);
      const ops = [...process.commOps].filter((o) => o.device === device.id);
      const [from, to] = deviceRange(commOps!.device, index);
      const seen = Array.from({ length: to - from }, (_x, k) => from + k).map((i) => [epoch(profile, commOps!.startNs[i]!), commOps!.durationNs[i], strings.get(commOps!.name[i]!), strings.get(commOps!.opType[i]!), commOps!.count[i], strings.get(commOps!.dataType[i]!), localId(commOps!.connection[i]!)].join(' '));
      expect(seen.sort()).toEqual(ops.map((o) => [o.startNs, o.durationNs, o.name, o.opType, o.count, o.dataType, o.connectionId].join(' ')).sort());

      const [first, last] = deviceRange(commTasks!.device, index);
      const parts = Array.from({ length: last - first }, (_x, k) => first + k).map((i) => [epoch(profile, commTasks!.startNs[i]!), commTasks!.durationNs[i], commTasks!.plane[i], strings.get(commTasks!.name[i]!), commTasks!.bytes[i], strings.get(commTasks!.transport[i]!), commTasks!.dstRank[i], strings.get(commOps!.name[commTasks!.op[i]!]!)].join(' '));
      const wanted = ops.flatMap((o) => o.tasks.map((t) => [t.startNs, t.durationNs, t.plane, t.name, t.bytes, t.transport, t.dstRank === 4294967295 ? NaN : t.dstRank, o.name].join(' ')));
      expect(parts.sort()).toEqual(wanted.sort());
    }
  });

  it('every form but the CSV says which sub-tasks run on the master plane where it knows it', () => {
    const masters = capture.processes.flatMap((p) => [...p.commOps].flatMap((o) => o.tasks.map((t) => Number(t.master))));
    expect([...db.commTasks!.master].sort()).toEqual(masters.sort());
    expect(new Set(timeline.commTasks!.master)).toEqual(new Set([255]));
  });

  it.each(Object.entries({ db, timeline, 'torch db': torchDb, 'torch text': torchText }))('%s: host calls are the planted ones, threads apart by capture', (_, profile) => {
    const { apis, strings } = profile;
    const cann = new Set(['acl', 'model', 'node', 'communication', 'runtime']);
    const seen: string[] = [];
    for (let i = 0; i < apis!.length; i++) if (cann.has(strings.get(apis!.level[i]!))) seen.push([epoch(profile, apis!.startNs[i]!), apis!.durationNs[i], strings.get(apis!.level[i]!), strings.get(apis!.name[i]!), localId(apis!.thread[i]!), localId(apis!.connection[i]!)].join(' '));
    const wanted = capture.processes.flatMap((p) => [...p.apis].map((a) => [a.startNs, a.durationNs, a.level, a.name, a.thread, a.connectionId].join(' ')));
    expect(seen.sort()).toEqual(wanted.sort());
    expect(new Set([...apis!.connection].filter((c) => c >= 0).map(captureOf))).toEqual(new Set([0, 1]));
  });

  it('a launch and its kernel share their connection, and only within their capture', () => {
    for (const profile of [db, csvAndTimeline, torchText]) {
      const { apis, tasks, strings } = profile;
      const launches = new Map<number, number>();
      for (let i = 0; i < apis!.length; i++) if (strings.get(apis!.name[i]!) === 'launch') launches.set(apis!.connection[i]!, apis!.startNs[i]!);
      let linked = 0;
      for (let i = 0; i < tasks.length; i++) {
        const at = launches.get(tasks.connection[i]!);
        if (at === undefined) continue;
        linked++;
        expect(captureOf(tasks.connection[i]!)).toBe(profile.devices[tasks.device[i]!]!.capture);
        expect(tasks.startNs[i]!).toBeGreaterThan(at);
      }
      expect(linked).toBeGreaterThanOrEqual(capture.processes.flatMap((p) => [...p.tasks]).filter((t) => t.kernel !== null).length);
    }
  });

  it('framework calls of a text trace lead to the tasks that the database says', () => {
    const kernelsOfOps = (profile: Profile): string[] => {
      const { apis, tasks, strings } = profile;
      const names = new Map<number, string>();
      for (let i = 0; i < tasks.length; i++) if (tasks.class[i] === taskClass.compute) names.set(tasks.connection[i]!, strings.get(tasks.name[i]!));
      return Array.from({ length: apis!.length }, (_, i) => i)
        .filter((i) => strings.get(apis!.level[i]!) === 'op' && names.has(apis!.connection[i]!))
        .map((i) => `${epoch(profile, apis!.startNs[i]!)} ${strings.get(apis!.name[i]!)} ${names.get(apis!.connection[i]!)}`)
        .sort();
    };
    expect(kernelsOfOps(torchDb).length).toBeGreaterThan(0);
    expect(kernelsOfOps(torchText)).toEqual(kernelsOfOps(torchDb));
  });

  it.each(Object.entries({ db, csv, 'torch text': torchText }))('%s: kernels carry types, shapes, blocks and counters', (_, profile) => {
    const { tasks, strings } = profile;
    for (const { process, device } of planted) {
      const [from, to] = deviceRange(tasks.device, indexOf(profile, device.id));
      const rows = new Map<string, number>();
      for (let i = from; i < to; i++) if (tasks.class[i] === taskClass.compute) rows.set(epoch(profile, tasks.startNs[i]!), i);
      for (const t of process.tasks) {
        if (t.device !== device.id || t.kernel === null) continue;
        const i = rows.get(String(t.startNs))!;
        expect((['opType', 'inputShapes', 'inputTypes', 'inputFormats', 'outputShapes', 'opState'] as const).map((key) => strings.get(ofTask(tasks, key, i)))).toEqual([t.kernel.opType, t.kernel.inputShapes, t.kernel.inputTypes, t.kernel.inputFormats, t.kernel.outputShapes, t.kernel.opState]);
        expect([ofTask(tasks, 'blockNum', i), ofTask(tasks, 'mixBlockNum', i)]).toEqual([t.kernel.blockNum, t.kernel.mixBlockNum]);
        for (const stem of ['aic_mac_ratio', 'aic_mte2_ratio', 'aiv_vec_ratio', 'aiv_total_cycles']) {
          const value = t.pmu?.[stem];
          if (value !== undefined) expect(tasks.pmu.get(stem)![i]).toBeCloseTo(value, 3);
        }
      }
    }
    expect([...tasks.pmu.keys()].some((k) => k.endsWith('_time') && !['aicore_time', 'aiv_time'].includes(k))).toBe(false);
  });

  it('core times are µs in every form', () => {
    const total = (p: Profile, stem: string): number => p.tasks.pmu.get(stem)!.reduce((a, v) => a + (Number.isNaN(v) ? 0 : v), 0);
    for (const stem of ['aicore_time', 'aiv_time']) {
      expect(total(db, stem)).toBeGreaterThan(0);
      expect(total(csv, stem) / total(db, stem)).toBeCloseTo(1, 3);
    }
  });

  it('memory is in bytes, whatever unit the file has', () => {
    for (const [profile, kinds] of [[db, ['process', 'module']], [csv, ['module']], [torchText, ['process', 'module', 'allocator']], [torchDb, ['process', 'module', 'allocator']]] as const) {
      for (const { process, device } of planted) {
        for (const kind of kinds) {
          const samples = [...process.memory].filter((m) => m.device === device.id && m.kind === kind);
          for (const component of new Set(samples.map((m) => m.component))) {
            const series = profile.memory.find((s) => s.device === indexOf(profile, device.id) && s.component === (kind === 'module' ? `module:${component}` : component));
            if (series === undefined && kind === 'allocator' && component === 'GE') continue;
            const peak = Math.max(...samples.filter((m) => m.component === component).map((m) => m.reservedBytes));
            expect(Math.max(...series!.reservedBytes) / peak).toBeCloseTo(1, 6);
          }
        }
      }
    }
  });

  it('frequency, marked steps, devices, level and origin', () => {
    for (const profile of [db, timeline, torchText]) {
      for (const { process, device } of planted) {
        const series = profile.frequency.find((f) => f.device === indexOf(profile, device.id))!;
        const wanted = [...process.frequency].filter((f) => f.device === device.id);
        expect([...series.timeNs].map((t, i) => `${epoch(profile, t)} ${series.mhz[i]}`)).toEqual(wanted.map((f) => `${f.timeNs} ${f.mhz}`));
      }
    }
    const steps = capture.processes.flatMap((p) => [...p.marks].filter((m) => m.kind === 'step').map((m) => `${m.startNs} ${m.endNs} ${m.name}`));
    for (const profile of [torchText, torchDb]) expect(profile.markers.map((m) => `${epoch(profile, m.startNs)} ${epoch(profile, m.endNs)} ${m.name}`).sort()).toEqual(steps.sort());
    for (const profile of [db, csv, timeline]) {
      expect(profile.devices.map((d) => [d.id, d.aicoreCount, d.aivectorCount, d.aicoreMhz])).toEqual(planted.map(({ device }) => [device.id, device.aicoreCount, device.aivectorCount, device.aicoreMhz]));
      expect([profile.level, profile.aicMetrics, profile.simulated]).toEqual(['l1', 'PipeUtilization', true]);
    }
    for (const profile of [torchText, torchDb]) {
      expect(profile.devices.map((d) => d.rank)).toEqual([0, 1]);
      expect([profile.level, profile.aicMetrics, profile.simulated]).toEqual(['Level1', 'PipeUtilization', true]);
    }
  });

  it('the exported statistics agree between text and database', () => {
    const summary = (p: Profile): string[] => p.commSummary.map((r) => [p.devices[r.device]!.rank, r.step, r.op, r.group, r.elapseMs?.toFixed(5), r.transitMs?.toFixed(5), r.waitMs?.toFixed(5), r.syncMs?.toFixed(5), ...r.links.map((l) => `${l.transport}=${l.sizeMb.toFixed(4)}`).sort()].join(' ')).sort();
    expect(summary(torchText).length).toBe(capture.processes.reduce((n, p) => n + [...p.commOps].length, 0));
    expect(summary(torchText)).toEqual(summary(torchDb));
    const steps = (p: Profile): string[] => p.stepTrace.map((r) => [r.device, r.step, r.computingUs?.toFixed(2), r.communicationNotOverlappedUs?.toFixed(2), r.freeUs?.toFixed(2)].join(' ')).sort();
    expect(steps(torchText)).toEqual(steps(torchDb));
    for (const row of everything.opStatistic) {
      const id = everything.devices[row.device]!.id;
      const own = [...planted.find((p) => p.device.id === id)!.process.tasks].filter((t) => t.device === id && t.kernel?.opType === row.opType && t.kernel.coreType === row.coreType);
      expect(row.count).toBe(own.length);
      expect(row.totalUs).toBeCloseTo(own.reduce((a, t) => a + t.durationNs, 0) / 1000, 1);
    }
  });
});

describe('one profile of many processes', () => {
  it('two devices in one process are two devices of one capture', async () => {
    const made = makeDecodeCapture({ ranks: 2, devicesPerProcess: 2, layers: 1, steps: 1 });
    for (const form of ['msprof-db', 'msprof-csv', 'msprof-timeline'] as const) {
      const dir = await tempFolder();
      await writeCapture(dir, made.capture, [form]);
      const profile = await readProfile([dir], testHost(dir));
      expect(profile.devices.map((d) => [d.id, d.capture])).toEqual([[0, 0], [1, 0]]);
      const kernels = (c: Capture, id: number): number => c.processes.flatMap((p) => [...p.tasks]).filter((t) => t.device === id && t.kernel !== null).length;
      for (const device of [0, 1]) {
        const [from, to] = deviceRange(profile.tasks.device, device);
        expect(profile.tasks.class.slice(from, to).filter((c) => c === taskClass.compute)).toHaveLength(kernels(made.capture, device));
      }
    }
  });
});
