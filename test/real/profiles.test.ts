import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorCodes, ToolError } from '../../server/contract/index.js';
import { taskClass, type Profile } from '../../server/profiles/profile.js';
import { readProfile } from '../../server/profiles/read.js';
import { tempFolder, testHost } from '../helpers/temp.js';
import { ofTask } from '../helpers/tasks.js';

// Real captures, kept outside the project. Numbers below were taken from the files with Python's csv, json and sqlite3, or are the exporter's own sums.
const data = resolve(import.meta.dirname, '../../../shared/data');
const present = existsSync(data);
if (!present) console.log(`real captures are not at ${data}: these tests are left out`);

const host = testHost(await tempFolder(), [data]);
const read = (path: string): Promise<Profile> => readProfile([join(data, path)], host);

const rows = (p: Profile, cls: number): number[] => Array.from({ length: p.tasks.length }, (_, i) => i).filter((i) => p.tasks.class[i] === cls);
const sumUs = (p: Profile, cls: number): number => rows(p, cls).reduce((a, i) => a + p.tasks.durationNs[i]!, 0) / 1000;

function byType(p: Profile): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const i of rows(p, taskClass.compute)) {
    const type = p.strings.get(ofTask(p.tasks, 'opType', i));
    counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}

/** Length of the union of intervals, the slow way. */
function unionUs(intervals: [number, number][]): number {
  let total = 0;
  let end = -Infinity;
  for (const [a, b] of intervals.sort((x, y) => x[0] - y[0])) {
    if (b > end) total += b - Math.max(a, end);
    end = Math.max(end, b);
  }
  return total / 1000;
}
const computingUs = (p: Profile): number => unionUs(rows(p, taskClass.compute).map((i) => [p.tasks.startNs[i]!, p.tasks.startNs[i]! + p.tasks.durationNs[i]!]));
const communicationUs = (p: Profile): number => unionUs(Array.from(p.commOps!.startNs, (s, i) => [s, s + p.commOps!.durationNs[i]!]));

describe.runIf(present)('real captures', () => {
  it('every one reads, or says with a code why not', async () => {
    const outcomes: Record<string, string> = {};
    for (const area of ['torchprof-text', 'torchprof-db', 'msprof-csv', 'msprof-db', 'msprof-json', 'mindspore-prof', 'trace', 'cluster', 'doc-msprof', 'opprof']) {
      for (const name of await readdir(join(data, area))) {
        const path = `${area}/${name}`;
        outcomes[path] = await read(path).then(
          () => 'read',
          (error: unknown) => {
            if (!(error instanceof ToolError)) throw error;
            expect(Object.keys(errorCodes)).toContain(error.code);
            return error.code;
          },
        );
      }
    }
    const refused = Object.entries(outcomes).filter(([, outcome]) => outcome !== 'read');
    expect(refused.every(([path]) => /^(?:doc-msprof|opprof)\/|memscope|msmodeling|msinsight-group/.test(path))).toBe(true);
    expect(new Set(refused.map(([, outcome]) => outcome))).toEqual(new Set(['E_FORMAT_UNKNOWN', 'E_PROFILE_OPERATOR']));
  });

  it.each(['level0-rank0', 'level0-rank1', 'level1-rank0', 'level1-rank1'])('%s: the program captured as text and as database has the same kernels', async (name) => {
    const [text, db] = [await read(`torchprof-text/msinsight-${name}`), await read(`torchprof-db/msinsight-${name}`)];
    expect(rows(text, taskClass.compute)).toHaveLength(187);
    expect(byType(text)).toEqual(byType(db));
    expect(Math.abs(sumUs(text, taskClass.compute) / sumUs(db, taskClass.compute) - 1)).toBeLessThan(0.015);
    expect(text.commOps!.length).toBe(4);
    expect(db.commOps!.length).toBe(4);
    // Without names at Level0 the sub-tasks are no evidence of what they did.
    expect(db.commTasks?.length ?? null).toBe(name.startsWith('level0') ? null : 296);
    expect([text.level, db.level]).toEqual([db.level, name.startsWith('level0') ? 'Level0' : 'Level1']);
    expect(text.devices.map((d) => [d.id, d.rank])).toEqual(db.devices.map((d) => [d.id, d.rank]));
  });

  it('level1-rank0: text with its timeline and the database agree on every class of task', async () => {
    const [text, db] = [await read('torchprof-text/msinsight-level1-rank0'), await read('torchprof-db/msinsight-level1-rank0')];
    for (const p of [text, db]) expect([0, 1, 2, 3, 4, 5].map((cls) => rows(p, cls).length)).toEqual([187, 296, 24, 10, 0, 18]);
    expect(text.commTasks!.length).toBe(296);
    const planes = (p: Profile): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (let i = 0; i < p.commTasks!.length; i++) {
        const key = `${p.strings.get(p.commTasks!.name[i]!)} ${p.strings.get(p.commTasks!.transport[i]!)} ${p.strings.get(p.commTasks!.link[i]!)} ${p.commTasks!.bytes[i]}`;
        counts[key] = (counts[key] ?? 0) + 1;
      }
      return counts;
    };
    expect(planes(text)).toEqual(planes(db));
    expect([...text.commTasks!.op].every((op) => op >= 0)).toBe(true);
    expect([...db.commTasks!.op]).toEqual([...text.commTasks!.op]);
    // Calls that lead to a kernel or a collective: by flows in the text, by ids in the database (115 by an SQL join over CONNECTION_IDS).
    for (const p of [text, db]) {
      const [op, copies] = [p.strings.find('op'), new Set(rows(p, taskClass.memcpy).map((i) => p.tasks.connection[i]!))];
      const tasks = new Set([...p.tasks.connection].filter((c) => c >= 0 && !copies.has(c)));
      expect([...p.apis!.level].filter((level, i) => level === op && tasks.has(p.apis!.connection[i]!))).toHaveLength(115);
    }
  });

  it('computing and communication are what the exporter summed up', async () => {
    const steps = { 'torchprof-text/msinsight-level0-rank0': null, 'torchprof-text/msinsight-level1-rank0': [8873.756, 105_991.878], 'torchprof-text/msinsight-st-rank0': [231_290.1, 420_174.26], 'torchprof-db/msinsight-level0-rank0': [8843.91, 89_880.576], 'torchprof-db/msinsight-level0-rank1': [8831.637, 93_993.858], 'torchprof-db/msinsight-level1-rank1': [8915.634, 98_590.19] };
    for (const [path, labelled] of Object.entries(steps)) {
      const p = await read(path);
      expect(p.stepTrace).toHaveLength(1);
      const [row] = p.stepTrace;
      if (labelled !== null) expect([row!.computingUs, row!.communicationUs].map((v) => v!.toFixed(3))).toEqual(labelled.map((v) => v.toFixed(3)));
      expect(Math.abs(computingUs(p) / row!.computingUs! - 1)).toBeLessThan(1e-4);
      expect(Math.abs(communicationUs(p) / row!.communicationUs! - 1)).toBeLessThan(1e-4);
    }
  });

  it('the exported operator statistic is that of the tasks', async () => {
    for (const name of ['level1-rank0', 'level1-rank1', 'level2-rank0', 'st-rank0']) {
      const p = await read(`torchprof-text/msinsight-${name}`);
      const own = new Map<string, { count: number; us: number }>();
      for (const i of rows(p, taskClass.compute)) {
        const key = `${p.strings.get(ofTask(p.tasks, 'opType', i))}|${p.strings.get(ofTask(p.tasks, 'taskType', i))}`;
        const sum = own.get(key) ?? { count: 0, us: 0 };
        own.set(key, { count: sum.count + 1, us: sum.us + p.tasks.durationNs[i]! / 1000 });
      }
      expect(own.size).toBe(p.opStatistic.length);
      for (const row of p.opStatistic) {
        const sum = own.get(`${row.opType}|${row.coreType}`)!;
        expect(sum.count).toBe(row.count);
        expect(Math.abs(sum.us - row.totalUs)).toBeLessThan(0.1);
      }
    }
  });

  it('st-rank0: labelled counts', async () => {
    const p = await read('torchprof-text/msinsight-st-rank0');
    const types: Record<string, number> = {};
    for (const i of rows(p, taskClass.compute)) types[p.strings.get(ofTask(p.tasks, 'taskType', i))] = (types[p.strings.get(ofTask(p.tasks, 'taskType', i))] ?? 0) + 1;
    expect(types).toEqual({ AI_CORE: 336, MIX_AIC: 56, MIX_AIV: 199, AI_VECTOR_CORE: 1857 });
    expect([p.commOps!.length, p.commSummary.length, p.level, p.aicMetrics]).toEqual([15, 15, 'Level2', 'PipeUtilization']);
    expect(p.baseNs).toBe(1_764_246_877_073_569_640n);
    const first = p.commSummary.find((r) => r.op === 'hcom_batchSendRecv__128_4_1')!;
    expect(first).toMatchObject({ step: 'step13', group: '3985310405473756128', elapseMs: 158.55328, transitMs: 0, waitMs: 158.10198 });
    expect(first.links).toContainEqual({ transport: 'HCCS', sizeMb: 8.388608, timeMs: 0.40168, bandwidthGbps: 20.8838 });
  });

  it('analysis.db and communication.json say the same', async () => {
    const folder = join(data, 'torchprof-text/msinsight-st-rank0/ASCEND_PROFILER_OUTPUT');
    const [db, json] = [await readProfile([join(folder, 'analysis.db')], host), await readProfile([join(folder, 'communication.json')], host)];
    const lines = (p: Profile): string[] => p.commSummary.map((r) => JSON.stringify([r.step, r.op, r.group, r.elapseMs, r.transitMs, r.waitMs, r.syncMs, [...r.links].sort((a, b) => (a.transport < b.transport ? -1 : 1))])).sort();
    expect(lines(db)).toEqual(lines(json));
  });

  it('level1-rank1 database: counters in the units of the CSV', async () => {
    const p = await read('torchprof-db/msinsight-level1-rank1');
    const max = (stem: string): number => Math.max(...[...p.tasks.pmu.get(stem)!].filter((v) => !Number.isNaN(v)));
    expect(max('aic_mac_ratio')).toBeCloseTo(0.8484668828, 9);
    expect(max('aicore_time')).toBeCloseTo(359.80284722, 6);
    expect([...p.tasks.pmu.get('aic_mac_ratio')!].filter((v) => !Number.isNaN(v))).toHaveLength(185);
    expect(p.devices[0]).toMatchObject({ id: 1, rank: 1, host: 'ubuntu', chip: 'Ascend910B' });
    expect(p.markers.map((m) => [m.name, p.baseNs + BigInt(m.startNs), m.endNs - m.startNs])).toEqual([['ProfilerStep#50', 1_736_410_576_389_878_870n, 148_265_420]]);
    expect(Math.max(...p.memory.find((m) => m.component === 'module:HCCL')!.reservedBytes)).toBe(423_690_240);
    expect(Math.max(...p.memory.find((m) => m.component === 'PTA+GE')!.reservedBytes)).toBe(1_600_913_408);
    expect(p.apis!.length).toBe(709 + 2460);
  });

  it('memory of text and database is the same number of bytes', async () => {
    const [text, db] = [await read('torchprof-text/msinsight-level1-rank0'), await read('torchprof-db/msinsight-level1-rank0')];
    for (const component of ['PTA', 'GE', 'PTA+GE', 'APP', 'module:HCCL']) {
      const peak = (p: Profile): number => Math.max(...p.memory.find((m) => m.component === component)!.reservedBytes);
      expect(Math.abs(peak(text) / peak(db) - 1)).toBeLessThan(0.01);
    }
  });

  it('the layout of 2023: computing is what its own overlap track says, AI_CPU operators of the graph included', async () => {
    const folder = 'msprof-json/mindinsight-PROF-old-layout-dev0';
    const p = await read(folder);
    let published = 0;
    for (const name of ['msprof_0_2_1.json', 'msprof_0_2_2.json']) {
      const events: { name: string; ts: number; dur?: number }[] = JSON.parse(await readFile(join(data, folder, 'timeline', name), 'utf8'));
      published += unionUs(events.filter((e) => e.name === 'Computing').map((e) => [e.ts * 1000, (e.ts + (e.dur ?? 0)) * 1000]));
    }
    expect(published).toBeCloseTo(5914.58 + 5928.1, 1);
    expect(computingUs(p)).toBeCloseTo(published, 1);
    expect([p.commOps!.length, p.commTasks!.length]).toEqual([2, 674]);
    expect(rows(p, taskClass.memcpy)).toHaveLength(0);
    expect(p.devices).toMatchObject([{ id: 0, host: 'A2007104679', aicoreCount: 32, aicoreMhz: 1000 }]);
    expect(p.incomplete.map((n) => n.code)).toContain('old-layout');
  });

  it('old, cut and legacy files give what they hold', async () => {
    const ut = await read('torchprof-text/msinsight-ut-rank0');
    expect([rows(ut, taskClass.compute).length, ut.commOps!.length, ut.aicMetrics]).toEqual([17, 4, 'MemoryL0']);
    expect(ut.incomplete).toContainEqual({ code: 'csv-ragged', detail: 'kernel_details.csv: 1 of 21 rows' });
    const legacy = await read('mindspore-prof/mindinsight-normal_run');
    expect(legacy.opStatistic.find((r) => r.opType === 'GetNext')).toMatchObject({ count: 3, totalUs: 0.15 });
    expect(legacy.incomplete.map((n) => n.code)).toEqual(expect.arrayContaining(['legacy-mindspore', 'no-device-tasks']));
    const cluster = await read('cluster/msinsight-cluster');
    expect(cluster.stepTrace).toHaveLength(16);
    expect(cluster.stepTrace[0]).toMatchObject({ step: '2', computingUs: 75174.57464453117 });
    const handMade = await read('msprof-db/msinsight-fulldb-msprof0');
    expect([handMade.tasks.length, rows(handMade, taskClass.compute).length, handMade.apis!.length]).toEqual([24, 11, 4]);
  });

  it('reading leaves the evidence as it was', async () => {
    const folder = join(data, 'torchprof-db/msinsight-level1-rank0/ASCEND_PROFILER_OUTPUT');
    const look = async (): Promise<string[]> => Promise.all((await readdir(folder)).map(async (n) => `${n} ${(await stat(join(folder, n))).mtimeMs} ${(await stat(join(folder, n))).size}`));
    const before = await look();
    await readProfile([folder], host);
    expect(await look()).toEqual(before);
    expect(before.some((n) => n.includes('.db-shm'))).toBe(true);
  });
});
