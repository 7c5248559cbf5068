import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { planted } from '../generate/captures.js';
import { tempFolder } from '../helpers/temp.js';
import { query } from './reader.js';

const folder = await tempFolder();
let made: Awaited<ReturnType<typeof planted>>;
let db: string;
let torchDb: string;
let analysisDb: string;
const one = async (sql: string, path = db): Promise<unknown> => (await query(path, sql))[0]?.[0];

beforeAll(async () => {
  made = await planted(join(folder, 'db'), { ranks: 2, marks: 'step', aicpuFallbackUs: 90, commOverlap: true }, [
    'msprof-db',
    'torch-db',
  ]);
  db = made.written.processes[1]!.files.find((path) => path.includes('msprof_'))!;
  torchDb = made.written.processes[1]!.files.find((path) => path.includes('ascend_pytorch_profiler_1.db'))!;
  analysisDb = made.written.processes[1]!.files.find((path) => path.endsWith('analysis.db'))!;
});

describe('msprof db', () => {
  test('has the statements of schema 1.2.0, in particular these', async () => {
    const sql = new Map(
      (await query(db, "SELECT name, sql FROM sqlite_master WHERE type='table'")).map(([name, text]) => [
        String(name),
        String(text),
      ]),
    );
    expect(sql.get('TASK')).toBe(
      'CREATE TABLE TASK (startNs INTEGER,endNs INTEGER,deviceId INTEGER,connectionId INTEGER,globalTaskId INTEGER,globalPid INTEGER,taskType INTEGER,contextId INTEGER,streamId INTEGER,taskId INTEGER,modelId INTEGER)',
    );
    expect(sql.get('COMPUTE_TASK_INFO')).toBe(
      'CREATE TABLE COMPUTE_TASK_INFO (name INTEGER,globalTaskId INTEGER PRIMARY KEY,blockNum INTEGER,mixBlockNum INTEGER,taskType INTEGER,opType INTEGER,inputFormats INTEGER,inputDataTypes INTEGER,inputShapes INTEGER,outputFormats INTEGER,outputDataTypes INTEGER,outputShapes INTEGER,attrInfo INTEGER,opState INTEGER,hf32Eligible INTEGER,gridDim INTEGER,blockDim INTEGER)',
    );
    expect(sql.get('COMMUNICATION_OP')).toBe(
      'CREATE TABLE COMMUNICATION_OP (opName INTEGER,startNs INTEGER,endNs INTEGER,connectionId INTEGER,groupName INTEGER,opId INTEGER PRIMARY KEY,relay INTEGER,retry INTEGER,dataType INTEGER,algType INTEGER,count NUMERIC,opType INTEGER,deviceId INTEGER,rankSize INTEGER)',
    );
    expect(sql.get('OVERLAP_ANALYSIS')).toBe(
      'CREATE TABLE OVERLAP_ANALYSIS (id INTEGER PRIMARY KEY,deviceId INTEGER,startNs NUMERIC,endNs NUMERIC,type INTEGER)',
    );
    expect(sql.get('CANN_API')).toBe(
      'CREATE TABLE CANN_API (startNs INTEGER,endNs INTEGER,type INTEGER,globalTid INTEGER,connectionId INTEGER PRIMARY KEY,name INTEGER)',
    );
  });

  test('has the two real indexes, and STRING_IDS as its last table', async () => {
    expect((await query(db, "SELECT sql FROM sqlite_master WHERE type='index' AND sql IS NOT NULL")).flat()).toEqual([
      'CREATE INDEX TaskIndex ON TASK (startNs,globalTaskId)',
      'CREATE INDEX CommunicationTaskIndex ON COMMUNICATION_TASK_INFO (globalTaskId)',
    ]);
    expect(await one("SELECT name FROM sqlite_master WHERE type='table' ORDER BY rowid DESC LIMIT 1")).toBe(
      'STRING_IDS',
    );
  });

  test('says which schema it is, that it is simulated, and that it does not know the rank', async () => {
    expect(Object.fromEntries(await query(db, 'SELECT name, value FROM META_DATA'))).toEqual({
      SCHEMA_VERSION: '1.2.0',
      SCHEMA_VERSION_MAJOR: '1',
      SCHEMA_VERSION_MINOR: '2',
      SCHEMA_VERSION_MICRO: '0',
      SIMULATED: '1',
    });
    expect(await query(db, 'SELECT * FROM RANK_DEVICE_MAP')).toEqual([[-1n, 1n]]);
    expect(await query(db, 'SELECT * FROM NPU_INFO')).toEqual([[1n, 'Ascend910B']]);
  });

  test.each([
    ['COMPUTE_TASK_INFO', 'globalTaskId', 'TASK', 'globalTaskId'],
    ['COMMUNICATION_TASK_INFO', 'globalTaskId', 'TASK', 'globalTaskId'],
    ['COMMUNICATION_TASK_INFO', 'opId', 'COMMUNICATION_OP', 'opId'],
    ['MEMCPY_INFO', 'globalTaskId', 'TASK', 'globalTaskId'],
    ['TASK_PMU_INFO', 'globalTaskId', 'COMPUTE_TASK_INFO', 'globalTaskId'],
    ['TASK_PMU_INFO', 'name', 'STRING_IDS', 'id'],
    ['COMMUNICATION_OP', 'connectionId', 'CANN_API', 'connectionId'],
    ['COMPUTE_TASK_INFO', 'inputShapes', 'STRING_IDS', 'id'],
    ['COMPUTE_TASK_INFO', 'opState', 'STRING_IDS', 'id'],
    ['COMMUNICATION_TASK_INFO', 'groupName', 'STRING_IDS', 'id'],
    ['COMMUNICATION_TASK_INFO', 'transportType', 'ENUM_HCCL_TRANSPORT_TYPE', 'id'],
    ['COMMUNICATION_TASK_INFO', 'linkType', 'ENUM_HCCL_LINK_TYPE', 'id'],
    ['COMMUNICATION_TASK_INFO', 'rdmaType', 'ENUM_HCCL_RDMA_TYPE', 'id'],
    ['CANN_API', 'type', 'ENUM_API_TYPE', 'id'],
    ['TASK', 'taskType', 'STRING_IDS', 'id'],
    ['NPU_MODULE_MEM', 'moduleId', 'ENUM_MODULE', 'id'],
  ])('%s.%s finds its row in %s', async (from, key, to, id) => {
    expect(Number(await one(`SELECT count(*) FROM ${from}`))).toBeGreaterThan(0);
    expect(await one(`SELECT count(*) FROM ${from} WHERE ${key} NOT IN (SELECT ${id} FROM ${to})`)).toBe(0n);
  });

  test('every launched task starts after its launch, which is a node call', async () => {
    const rows = await query(
      db,
      'SELECT a.type, t.startNs - a.startNs FROM TASK t JOIN COMPUTE_TASK_INFO c USING (globalTaskId) JOIN CANN_API a ON a.connectionId = t.connectionId',
    );
    expect(rows).toHaveLength(made.truth.kernelsPerDecodeStep * made.options.steps);
    for (const [type, latency] of rows) {
      expect(type).toBe(10000n);
      expect(Number(latency)).toBeGreaterThan(0);
    }
  });

  test('times are exact integers above 2^53', async () => {
    const truth = [...made.capture.processes[1]!.tasks][5]!;
    expect(await one(`SELECT endNs FROM TASK WHERE startNs = ${truth.startNs}`)).toBe(
      truth.startNs + BigInt(truth.durationNs),
    );
    expect(await one("SELECT count(*) FROM TASK WHERE typeof(startNs) <> 'integer'")).toBe(0n);
  });

  test('overlap analysis adds up to its window, and communication to the truth', async () => {
    const sums = new Map(
      (await query(db, 'SELECT type, sum(endNs - startNs) FROM OVERLAP_ANALYSIS GROUP BY type')).map(
        ([type, value]) => [Number(type), Number(value) / 1000],
      ),
    );
    const span = Number(await one('SELECT max(endNs) - min(startNs) FROM OVERLAP_ANALYSIS')) / 1000;
    expect(sums.get(0)! + sums.get(2)! + sums.get(3)!).toBeCloseTo(span, 3);
    const truth = made.truth.windows[1]!;
    expect(sums.get(1)).toBeCloseTo(truth.communication_us, 3);
    // AI_CPU kernels with operator information compute: msprof's definition, and the truth's.
    expect(sums.get(0)).toBeCloseTo(truth.computing_us, 3);
  });

  test('PMU: 28 names for a pipe group, times in ns, ratios of the total', async () => {
    expect(await one('SELECT count(DISTINCT name) FROM TASK_PMU_INFO')).toBe(28n);
    const value = (name: string): string =>
      `(SELECT p.value FROM TASK_PMU_INFO p JOIN STRING_IDS s ON s.id = p.name WHERE s.value = '${name}' AND p.globalTaskId = c.globalTaskId)`;
    const rows = await query(
      db,
      `SELECT t.endNs - t.startNs, ${value('aic_total_time')}, ${value('aic_mte2_time')}, ${value('aic_mte2_ratio')} FROM COMPUTE_TASK_INFO c JOIN TASK t USING (globalTaskId) JOIN STRING_IDS o ON o.id = c.opType WHERE o.value = 'MatMulV3'`,
    );
    expect(rows.length).toBeGreaterThan(10);
    for (const [duration, total, mte2, ratio] of rows) {
      expect(Number(total) / Number(duration)).toBeGreaterThan(0.35);
      expect(Number(total) / Number(duration)).toBeLessThanOrEqual(1);
      expect(Number(mte2)).toBeCloseTo(Number(ratio) * Number(total), 3);
    }
    // AI_CPU kernels have no counters.
    expect(
      await one(
        "SELECT count(*) FROM TASK_PMU_INFO p JOIN COMPUTE_TASK_INFO c USING (globalTaskId) JOIN STRING_IDS s ON s.id = c.taskType WHERE s.value = 'AI_CPU'",
      ),
    ).toBe(0n);
  });

  test('wait and transit on the master plane are what was planted', async () => {
    const of = async (where: string): Promise<number> =>
      Number(
        await one(
          `SELECT sum(t.endNs - t.startNs) FROM COMMUNICATION_TASK_INFO c JOIN TASK t USING (globalTaskId) JOIN STRING_IDS s ON s.id = c.taskType WHERE isMaster = 1 AND ${where}`,
        ),
      ) / 1000;
    expect(await of("s.value = 'Notify_Wait'")).toBeCloseTo(made.truth.windows[1]!.commWait_us, 3);
    expect(await of("s.value IN ('Memcpy', 'Reduce_Inline') AND linkType <> 0")).toBeCloseTo(
      made.truth.windows[1]!.commTransit_us,
      3,
    );
  });
});

describe('torch db', () => {
  test('knows the rank, keeps PYTORCH_API times as text, and links operators to tasks', async () => {
    expect(await query(torchDb, 'SELECT * FROM RANK_DEVICE_MAP')).toEqual([[1n, 1n]]);
    expect((await query(torchDb, 'SELECT DISTINCT typeof(startNs), typeof(endNs) FROM PYTORCH_API'))[0]).toEqual([
      'text',
      'text',
    ]);
    expect(
      await one(
        'SELECT count(*) FROM COMPUTE_TASK_INFO c JOIN TASK t USING (globalTaskId) WHERE NOT EXISTS (SELECT 1 FROM CONNECTION_IDS i JOIN PYTORCH_API p ON p.connectionId = i.id WHERE i.connectionId = t.connectionId AND p.type = 50001)',
        torchDb,
      ),
    ).toBe(0n);
    expect(await one('SELECT count(*) FROM STEP_TIME', torchDb)).toBe(4n);
    expect(Number(await one("SELECT id FROM STRING_IDS WHERE value = 'Enqueue'", torchDb))).toBeGreaterThanOrEqual(
      1 << 28,
    );
    expect(
      await one('SELECT count(*) FROM MEMORY_RECORD WHERE component NOT IN (SELECT id FROM STRING_IDS)', torchDb),
    ).toBe(0n);
  });

  test('analysis.db: step as text, milliseconds for collectives, microseconds for the step', async () => {
    expect(await one('SELECT typeof(step) FROM StepTraceTime', analysisDb)).toBe('text');
    const truth = made.truth.windows[1]!;
    expect(Number(await one('SELECT sum(wait_time) FROM CommAnalyzerTime', analysisDb)) * 1000).toBeCloseTo(
      truth.commWait_us,
      2,
    );
    expect(Number(await one('SELECT communication FROM StepTraceTime', analysisDb))).toBeCloseTo(
      truth.communication_us,
      2,
    );
    expect(
      Number(
        await one("SELECT sum(total_duration) FROM CommAnalyzerBandwidth WHERE transport_type = 'HCCS'", analysisDb),
      ) * 1000,
    ).toBeCloseTo(truth.commTransit_us, 2);
    expect(await one('SELECT count(*) FROM CommAnalyzerMatrix WHERE src_rank <> 1', analysisDb)).toBe(0n);
  });
});

test('task-time l0: names without types, no planes, no PMU', async () => {
  const bare = await planted(join(folder, 'l0'), { level: 'l0', ranks: 2, steps: 1 }, ['msprof-db']);
  const path = bare.written.processes[0]!.files[0]!;
  expect(
    await query(path, 'SELECT DISTINCT s.value FROM COMPUTE_TASK_INFO c JOIN STRING_IDS s ON s.id = c.opType'),
  ).toEqual([['N/A']]);
  expect(await query(path, 'SELECT DISTINCT planeId FROM COMMUNICATION_TASK_INFO')).toEqual([[4294967295n]]);
  expect(await query(path, "SELECT name FROM sqlite_master WHERE name = 'TASK_PMU_INFO'")).toEqual([]);
});

test('one process with two devices has one database with both', async () => {
  const both = await planted(join(folder, 'two'), { ranks: 2, devicesPerProcess: 2, steps: 1 }, ['msprof-db']);
  expect(both.written.processes).toHaveLength(1);
  const path = both.written.processes[0]!.files[0]!;
  expect(await query(path, 'SELECT deviceId, count(*) FROM COMMUNICATION_OP GROUP BY deviceId')).toEqual([
    [0n, 8n],
    [1n, 8n],
  ]);
  expect(await query(path, 'SELECT count(*) FROM NPU_INFO')).toEqual([[2n]]);
});

test('RDMA collectives send payloads over RoCE', async () => {
  const far = await planted(join(folder, 'rdma'), { ranks: 2, transport: 'RDMA', devicesPerHost: 1, steps: 1 }, [
    'msprof-db',
  ]);
  const path = far.written.processes[0]!.files[0]!;
  const rows = await query(
    path,
    'SELECT DISTINCT s.value, transportType, linkType, rdmaType FROM COMMUNICATION_TASK_INFO c JOIN STRING_IDS s ON s.id = c.taskType WHERE size > 0 AND linkType <> 0',
  );
  expect(rows).toEqual([['RDMASend', 1n, 3n, 1n]]);
  expect(far.capture.processes.map((process) => process.host)).toEqual(['sim-node-0', 'sim-node-1']);
});
