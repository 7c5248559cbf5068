import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { taskClass, type Profile } from '../../server/profiles/profile.js';
import { readProfile } from '../../server/profiles/read.js';
import { tempFolder, testHost } from '../helpers/temp.js';
import { ofTask } from '../helpers/tasks.js';

const base = 1_772_420_645_006_000_001n;

/** A database of hand-made tables. Strings get ids as they are met. */
async function made(build: (s: (text: string) => number) => string[]): Promise<Profile> {
  const dir = await tempFolder();
  const path = join(dir, 'msprof_20260302030407.db');
  const { default: Database } = await import('libsql');
  const database = new Database(path);
  const ids: string[] = [];
  const statements = build((text) => (ids.includes(text) ? ids.indexOf(text) : ids.push(text) - 1));
  for (const sql of statements) database.exec(sql);
  database.exec('CREATE TABLE STRING_IDS (id INTEGER PRIMARY KEY, value TEXT)');
  ids.forEach((text, id) => database.prepare('INSERT INTO STRING_IDS VALUES (?, ?)').run(id, text));
  database.close();
  return readProfile([path], testHost(dir));
}

const taskTable = 'CREATE TABLE TASK (startNs INTEGER, endNs INTEGER, deviceId INTEGER, connectionId INTEGER, globalTaskId INTEGER, globalPid INTEGER, taskType INTEGER, contextId INTEGER, streamId INTEGER, taskId INTEGER, modelId INTEGER)';
const task = (start: number, length: number, global: number, type: number, connection = -1, stream = 2): string =>
  `INSERT INTO TASK VALUES (${base + BigInt(start)}, ${base + BigInt(start + length)}, 0, ${connection}, ${global}, 1, ${type}, 4294967295, ${stream}, ${global}, 4294967295)`;
const computeTable = 'CREATE TABLE COMPUTE_TASK_INFO (name INTEGER, globalTaskId INTEGER PRIMARY KEY, blockNum INTEGER, mixBlockNum INTEGER, taskType INTEGER, opType INTEGER)';
const names = (p: Profile): string[] => Array.from(p.tasks.name, (id) => p.strings.get(id));

describe('databases', () => {
  it('a replayed graph: many tasks of one globalTaskId all get its operator, counters in the order of the rows', async () => {
    const p = await made((s) => [
      taskTable,
      computeTable,
      `INSERT INTO COMPUTE_TASK_INFO VALUES (${s('MatMul_1')}, 7, 20, 0, ${s('AI_CORE')}, ${s('MatMulV2')})`,
      ...[0, 1000, 2000].map((start) => task(start, 500, 7, s('KERNEL_AICORE'))),
      'CREATE TABLE TASK_PMU_INFO (globalTaskId INTEGER, name INTEGER, value NUMERIC)',
      ...[0.1, 0.2, 0.3].map((v) => `INSERT INTO TASK_PMU_INFO VALUES (7, ${s('aic_mac_ratio')}, ${v})`),
    ]);
    expect(names(p)).toEqual(['MatMul_1', 'MatMul_1', 'MatMul_1']);
    expect([...p.tasks.class]).toEqual([0, 0, 0]);
    expect([...p.tasks.pmu.get('aic_mac_ratio')!]).toEqual([0.1, 0.2, 0.3]);
    expect(p.baseNs).toBe(base);
    expect([...p.tasks.startNs]).toEqual([0, 1000, 2000]);
  });
  it('kernels that carry out a collective are communication; a parent entry beside its kernel is no second task', async () => {
    const p = await made((s) => [
      taskTable,
      computeTable,
      `INSERT INTO COMPUTE_TASK_INFO VALUES (${s('hcom_allReduceAivKernel')}, 1, 20, 0, ${s('AI_VECTOR_CORE')}, ${s('AllReduce')})`,
      `INSERT INTO COMPUTE_TASK_INFO VALUES (${s('Mixed')}, 2, 20, 40, ${s('MIX_AIC')}, ${s('MatMulV3')})`,
      `INSERT INTO COMPUTE_TASK_INFO VALUES (${s('Where')}, 3, 1, 0, ${s('AI_CPU')}, ${s('Where')})`,
      task(0, 10, 1, s('KERNEL_AIVEC'), 5),
      task(20, 10, 2, s('MIX_AIC'), 6),
      task(18, 14, 9, s('AI_CORE'), 6),
      task(40, 10, 3, s('KERNEL_AICPU'), 7),
      task(60, 10, 4, s('KERNEL_AICPU'), 8),
      task(80, 10, 5, s('KERNEL_AICORE'), 99),
      task(100, 10, 6, s('NOTIFY_WAIT_SQE')),
    ]);
    expect(names(p)).toEqual(['hcom_allReduceAivKernel', 'Mixed', 'Where', 'KERNEL_AICPU', 'KERNEL_AICORE', 'NOTIFY_WAIT_SQE']);
    // AI_CPU of the graph engine counts as compute in the exporter's own sums, other AI_CPU tasks do not.
    expect([...p.tasks.class]).toEqual([taskClass.communication, taskClass.compute, taskClass.compute, taskClass.aicpu, taskClass.other, taskClass.eventWait]);
  });
  it('the schema of 1.0: blockDim as a number, collectives without device, type and size, -1 and 4294967295 for nothing', async () => {
    const p = await made((s) => [
      taskTable,
      'CREATE TABLE COMPUTE_TASK_INFO (name INTEGER, globalTaskId INTEGER, blockDim INTEGER, mixBlockDim INTEGER, taskType INTEGER, opType INTEGER, inputShapes INTEGER)',
      `INSERT INTO COMPUTE_TASK_INFO VALUES (${s('Add')}, 1, 48, 0, ${s('AI_VECTOR_CORE')}, ${s('Add')}, ${s('"16,4096;"')})`,
      task(0, 10, 1, s('KERNEL_AIVEC')),
      task(20, 5, 2, s('SDMA'), 30, 4),
      'CREATE TABLE COMMUNICATION_OP (opName INTEGER, startNs INTEGER, endNs INTEGER, connectionId INTEGER, groupName INTEGER, opId INTEGER PRIMARY KEY)',
      `INSERT INTO COMMUNICATION_OP VALUES (${s('hcom_broadcast__483_0_1')}, ${base + 18n}, ${base + 30n}, 30, ${s('10.1.2.3%eth0')}, 4)`,
      'CREATE TABLE COMMUNICATION_TASK_INFO (name INTEGER, globalTaskId INTEGER, taskType INTEGER, planeId INTEGER, groupName INTEGER, srcRank INTEGER, dstRank INTEGER, transportType INTEGER, size INTEGER, linkType INTEGER, opId INTEGER)',
      `INSERT INTO COMMUNICATION_TASK_INFO VALUES (0, 2, ${s('Memcpy')}, 4294967295, ${s('10.1.2.3%eth0')}, 0, 4294967295, 0, -1, 65535, 4)`,
    ]);
    expect(ofTask(p.tasks, 'blockNum', 0)).toBe(48);
    expect(p.strings.get(ofTask(p.tasks, 'inputShapes', 0))).toBe('16,4096;');
    expect(p.strings.get(p.commOps!.opType[0]!)).toBe('hcom_broadcast_');
    expect([p.commOps!.device[0], p.commOps!.count[0], p.commOps!.rankSize[0]]).toEqual([0, NaN, NaN]);
    const c = p.commTasks!;
    expect([c.op[0], c.plane[0], c.bytes[0], c.srcRank[0], c.dstRank[0], c.master[0], p.strings.get(c.transport[0]!), p.strings.get(c.link[0]!)]).toEqual([0, -1, NaN, 0, NaN, 255, 'SDMA', '']);
    expect([...p.tasks.class]).toEqual([taskClass.compute, taskClass.communication]);
  });
  it('times as TEXT, thread ids beyond 2^53, calls of the framework', async () => {
    const pid = 3_136_493n;
    const p = await made((s) => [
      taskTable,
      task(500, 10, 1, s('MEMCPY_ASYNC'), 42),
      'CREATE TABLE PYTORCH_API (startNs TEXT, endNs TEXT, globalTid INTEGER, connectionId INTEGER, name INTEGER, type INTEGER)',
      `INSERT INTO PYTORCH_API VALUES ('${base + 9n}', '${base + 30n}', ${(pid << 32n) | 777n}, 1, ${s('aten::copy_')}, 50001)`,
      `INSERT INTO PYTORCH_API VALUES ('${base}', '${base + 100n}', ${(pid << 32n) | 777n}, NULL, ${s('module')}, 50003)`,
      'CREATE TABLE CONNECTION_IDS (id INTEGER, connectionId INTEGER)',
      'INSERT INTO CONNECTION_IDS VALUES (1, 9000), (1, 42)',
    ]);
    const a = p.apis!;
    expect(Array.from({ length: a.length }, (_, i) => [p.strings.get(a.level[i]!), p.strings.get(a.name[i]!), a.startNs[i], a.durationNs[i], a.thread[i], a.connection[i]])).toEqual([
      ['trace', 'module', 0, 100, 777, -1],
      ['op', 'aten::copy_', 9, 21, 777, 42],
    ]);
  });
  it('modules of which only frees were seen are unknown, not minus one byte', async () => {
    const p = await made((s) => [
      taskTable,
      task(0, 1, 1, s('MEMCPY_ASYNC')),
      'CREATE TABLE NPU_MODULE_MEM (moduleId INTEGER, timestampNs INTEGER, totalReserved NUMERIC, deviceId INTEGER)',
      'CREATE TABLE ENUM_MODULE (id INTEGER PRIMARY KEY, name TEXT)',
      "INSERT INTO ENUM_MODULE VALUES (3, 'HCCL'), (7, 'RUNTIME')",
      `INSERT INTO NPU_MODULE_MEM VALUES (3, ${base}, -1, 0), (3, ${base + 5n}, 4096, 0), (7, ${base}, 0, 0)`,
    ]);
    expect(p.memory.map((m) => [m.component, [...m.timeNs], [...m.reservedBytes], [...m.allocatedBytes]])).toEqual([['module:HCCL', [0, 5], [NaN, 4096], [NaN, NaN]]]);
  });
});
