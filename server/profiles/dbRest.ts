import { foreign } from '../contract/index.js';
import { apiTypes, enumNames, type DbContext } from './dbContext.js';
import { asNumber, asText, type Value } from './sqlite.js';
import type { NumberColumn } from './scan/tablePages.js';
import { apiLevel, deviceMemoryName } from './text.js';

/** CANN_API and PYTORCH_API. */
export function readHostCalls(context: DbContext, firstTask: number): void {
  const { db, assembly, strings, capture } = context;
  const level = enumNames(context, 'ENUM_API_TYPE', apiTypes);
  const levels = new Map<number, number>();
  const levelId = (value: Value | undefined): number => {
    const id = level(value);
    let own = levels.get(id);
    if (own === undefined) levels.set(id, (own = assembly.strings.id(apiLevel(assembly.strings.get(id)))));
    return own;
  };
  // globalTid is pid << 32 | tid and passes 2^53; the thread alone is enough inside one process.
  const thread = (table: string): NumberColumn => ({ ...db.number(table, 'globalTid'), low32: true });
  const calls = (table: string): NumberColumn[] => [context.offset('startNs'), { column: 'endNs', less: 'startNs' }, db.number(table, 'type'), db.number(table, 'name'), thread(table), db.number(table, 'connectionId')];
  if (db.has('CANN_API', 'startNs', 'endNs')) {
    assembly.holds.apis = true;
    context.numbers('CANN_API', calls('CANN_API'), ([start = NaN, duration = NaN, type, name, tid = NaN, connection]) => {
      assembly.apis.push(start, duration, levelId(type), strings.id(name), assembly.unique(capture, tid), context.connection(connection));
    });
  }
  if (!db.has('PYTORCH_API', 'startNs', 'endNs')) return;
  assembly.holds.apis = true;
  const connections = frameworkConnections(context, firstTask);
  context.numbers('PYTORCH_API', calls('PYTORCH_API'), ([start = NaN, duration = NaN, type, name, tid = NaN, connection = NaN]) => {
    assembly.apis.push(start, duration, levelId(type), strings.id(name), assembly.unique(capture, tid), context.connection(connections.get(connection)));
  });
}

/** PYTORCH_API.connectionId is a key of CONNECTION_IDS, where one id has several connections: the one a device task has, else the first. */
function frameworkConnections(context: DbContext, firstTask: number): Map<number, number> {
  const found = new Map<number, number>();
  if (!context.db.has('CONNECTION_IDS', 'id', 'connectionId')) return found;
  const launched = new Set<number>();
  const { connection } = context.assembly.tasks;
  for (let row = firstTask; row < connection.length; row++) launched.add(connection.get(row));
  for (const [id, value] of context.each('SELECT id, connectionId FROM CONNECTION_IDS')) {
    const key = asNumber(id);
    const present = found.get(key);
    if (present === undefined || (!launched.has(context.connection(present)) && launched.has(context.connection(value)))) found.set(key, asNumber(value));
  }
  return found;
}

/** MEMORY_RECORD (else OP_MEMORY), NPU_MEM and NPU_MODULE_MEM, all in bytes. */
export function readDbMemory(context: DbContext): void {
  const { db, assembly, strings } = context;
  if (db.has('MEMORY_RECORD', 'component', 'timestamp')) {
    const t = 'MEMORY_RECORD';
    for (const row of context.each(`SELECT ${context.time('timestamp')}, component, ${db.column(t, 'totalAllocated')}, ${db.column(t, 'totalReserved')}, ${db.column(t, 'deviceId')} FROM ${t}`)) {
      assembly.memory(context.device(row[4]), assembly.strings.get(strings.id(row[1])), asNumber(row[0]), asNumber(row[2]), asNumber(row[3]));
    }
  } else if (db.has('OP_MEMORY', 'allocationTime', 'allocationTotalReserved')) {
    // Without the record over time, the allocator's totals as each tensor came and went.
    for (const moment of ['allocation', 'release']) {
      if (!db.has('OP_MEMORY', `${moment}Time`, `${moment}TotalReserved`)) continue;
      for (const row of context.each(`SELECT ${context.time(`${moment}Time`)}, ${db.column('OP_MEMORY', `${moment}TotalAllocated`)}, ${moment}TotalReserved, ${db.column('OP_MEMORY', 'deviceId')} FROM OP_MEMORY WHERE ${moment}Time IS NOT NULL`)) {
        assembly.memory(context.device(row[3]), 'PTA', asNumber(row[0]), asNumber(row[1]), asNumber(row[2]));
      }
    }
  }
  if (db.has('NPU_MEM', 'type', 'timestampNs')) {
    for (const row of context.each(`SELECT ${context.time('timestampNs')}, type, ${db.column('NPU_MEM', 'ddr')}, ${db.column('NPU_MEM', 'hbm')}, ${db.column('NPU_MEM', 'deviceId')} FROM NPU_MEM`)) {
      assembly.memory(context.device(row[4]), deviceMemoryName(assembly.strings.get(strings.id(row[1]))), asNumber(row[0]), NaN, asNumber(row[2]) + asNumber(row[3]));
    }
  }
  if (db.has('NPU_MODULE_MEM', 'moduleId', 'timestampNs')) {
    const module = enumNames(context, 'ENUM_MODULE', {});
    for (const row of context.each(`SELECT ${context.time('timestampNs')}, moduleId, ${db.column('NPU_MODULE_MEM', 'totalReserved')}, ${db.column('NPU_MODULE_MEM', 'deviceId')} FROM NPU_MODULE_MEM`)) {
      const reserved = asNumber(row[2]);
      assembly.memory(context.device(row[3]), `module:${assembly.strings.get(module(row[1]))}`, asNumber(row[0]), NaN, reserved < 0 ? NaN : reserved);
    }
  }
}

/** Frequency, ProfilerStep windows and mstx ranges. */
export function readMarks(context: DbContext): void {
  const { db, assembly, capture } = context;
  if (db.has('AICORE_FREQ', 'timestampNs', 'freq')) {
    for (const row of context.each(`SELECT ${context.time('timestampNs')}, freq, ${db.column('AICORE_FREQ', 'deviceId')} FROM AICORE_FREQ`)) assembly.frequency(context.device(row[2]), asNumber(row[0]), asNumber(row[1]));
  }
  if (db.has('STEP_TIME', 'id', 'startNs', 'endNs')) {
    for (const row of context.each(`SELECT id, ${context.time('startNs')}, ${context.span('startNs', 'endNs')} FROM STEP_TIME`)) {
      const startNs = asNumber(row[1]);
      assembly.markers.push({ name: `ProfilerStep#${asText(row[0])}`, startNs, endNs: startNs + asNumber(row[2]), capture });
    }
  }
  if (db.has('MSTX_EVENTS', 'startNs', 'endNs', 'message')) {
    for (const row of context.each(`SELECT ${context.time('startNs')}, ${context.span('startNs', 'endNs')}, message FROM MSTX_EVENTS`)) {
      const startNs = asNumber(row[0]);
      assembly.markers.push({ name: assembly.strings.get(context.strings.id(row[2])), startNs, endNs: startNs + asNumber(row[1]), capture });
    }
  }
}

/** Rank, host and chip of the devices. */
export function readIdentity(context: DbContext): void {
  const { db, assembly } = context;
  const ids = assembly.deviceIds(context.capture);
  const host = db.has('HOST_INFO', 'hostName') ? asText(db.rows('SELECT hostName FROM HOST_INFO')[0]?.[0]) : '';
  const chips = new Map<number, string>();
  if (db.has('NPU_INFO', 'id', 'name')) for (const [id, name] of db.rows('SELECT id, name FROM NPU_INFO')) chips.set(asNumber(id), asText(name));
  const ranks = new Map<number, number>();
  if (db.has('RANK_DEVICE_MAP', 'rankId', 'deviceId')) for (const [rank, device] of db.rows('SELECT rankId, deviceId FROM RANK_DEVICE_MAP')) if (asNumber(rank) >= 0) ranks.set(asNumber(device), asNumber(rank));
  // A database without a device task still says which device it was about.
  for (const id of ids.length > 0 ? ids : [...ranks.keys()].filter((d) => d >= 0)) {
    assembly.describe(context.device(id), { rank: ranks.get(id) ?? null, host: host === '' ? null : foreign(host, 80), chip: foreign(chips.get(id) ?? '', 40) || null });
  }
  if (db.has('META_DATA', 'name', 'value')) {
    for (const [name, value] of db.rows("SELECT name, value FROM META_DATA WHERE lower(name) = 'simulated'")) if (name !== null && /^(?:1|true)$/i.test(asText(value))) assembly.simulated = true;
  }
}
