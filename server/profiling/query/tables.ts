import { table } from '../../contract/index.js';
import { captureOf, localId, taskClass, type Profile } from '../../profiles/profile.js';

/** `time`: ns from the profile's base, stored as epoch ns. `id`: −1 is null. `number`: NaN is null. */
type Kind = 'text' | 'id' | 'number' | 'count' | 'time' | 'flag';

export interface ColumnDoc {
  readonly name: string;
  readonly kind: Kind;
  readonly meaning: string;
}

export interface TableDoc {
  readonly name: string;
  readonly about: string;
  readonly columns: readonly ColumnDoc[];
}

/** SQL type of a column. */
export const sqlTypes: Record<Kind, string> = { text: 'VARCHAR', id: 'BIGINT', number: 'DOUBLE', count: 'BIGINT', time: 'BIGINT', flag: 'BOOLEAN' };

type Cell = string | number | boolean | null;
/** Values of one row, in the order of the columns. */
type RowOf = (row: number) => readonly Cell[];

export interface TableData {
  readonly doc: TableDoc;
  readonly length: number;
  readonly row: RowOf;
}

const text = (name: string, meaning: string): ColumnDoc => ({ name, kind: 'text', meaning });
const id = (name: string, meaning: string): ColumnDoc => ({ name, kind: 'id', meaning });
const num = (name: string, meaning: string): ColumnDoc => ({ name, kind: 'number', meaning });
const count = (name: string, meaning: string): ColumnDoc => ({ name, kind: 'count', meaning });
const time = (name: string, meaning: string): ColumnDoc => ({ name, kind: 'time', meaning });

const device = [id('device_id', 'device id as the profile counts it'), id('rank', 'global rank; null where nobody knows it'), count('device', 'number of the device in this profile, from 0; unique where device_id is not')];
const start = time('start_ns', 'start, ns since the Unix epoch');
const duration = num('duration_us', 'duration in us');
const connection = id('connection_id', 'links a host call to the tasks it launched, within one capture');
const capture = id('capture', 'number of the capture (process) the ids belong to');

const docs = {
  devices: { name: 'devices', about: 'one row per device', columns: [...device, text('host', 'host name'), text('chip', 'SoC'), num('aicore_count', 'AI cores'), num('aivector_count', 'vector cores'), num('aicore_mhz', 'rated clock')] },
  tasks: {
    name: 'tasks',
    about: 'device tasks: kernels, copies, waits',
    columns: [
      count('task_id', 'number of the task, joins pmu'), ...device, id('stream', 'stream id'), text('name', 'kernel name'), text('op_type', 'operator type, e.g. MatMulV2'), text('task_type', 'AI_CORE, AI_VECTOR_CORE, MIX_AIC, MIX_AIV, AI_CPU, MEMCPY_ASYNC, EVENT_WAIT …'),
      text('class', 'compute, communication, memcpy, event_wait, aicpu or other'), start, duration, num('block_num', 'blocks'), num('mix_block_num', 'blocks of the second core type'), text('input_shapes', 'dims `,`, tensors `;`'), text('input_types', ''), text('input_formats', ''), text('output_shapes', ''), text('op_state', 'static or dynamic'), capture, connection,
    ],
  },
  comm_ops: {
    name: 'comm_ops',
    about: 'collectives and point-to-point operations',
    columns: [count('op_id', 'number of the operation, joins comm_tasks'), ...device, text('name', 'e.g. hcom_allReduce__428_0_1'), text('op_type', 'e.g. hcom_allReduce_'), text('group_name', 'communicator'), start, duration, num('element_count', 'elements'), text('data_type', ''), num('rank_size', 'ranks in the group'), capture, connection],
  },
  comm_tasks: {
    name: 'comm_tasks',
    about: 'sub-tasks of collectives on their planes',
    columns: [id('op_id', 'row of comm_ops'), ...device, id('plane', ''), text('name', 'Memcpy, Reduce_Inline, Notify_Wait, RDMASend …'), text('group_name', 'communicator'), start, duration, num('bytes', ''), text('transport', 'SDMA, RDMA, LOCAL'), text('link', 'HCCS, PCIE, ROCE, SIO, ON_CHIP'), num('src_rank', 'as the group counts'), num('dst_rank', 'as the group counts'), { name: 'master', kind: 'flag', meaning: 'on the master plane' }],
  },
  apis: { name: 'apis', about: 'host API calls', columns: [text('level', 'acl, model, node, communication, runtime …'), text('name', ''), start, duration, capture, id('thread_id', 'thread within its capture'), connection] },
  memory: { name: 'memory', about: 'memory over time', columns: [...device, text('component', 'PTA, GE, APP, HCCL …'), time('time_ns', 'ns since the Unix epoch'), num('allocated_bytes', ''), num('reserved_bytes', '')] },
  frequency: { name: 'frequency', about: 'AI core clock, a row per change', columns: [...device, time('time_ns', 'ns since the Unix epoch'), num('mhz', '')] },
  markers: { name: 'markers', about: 'marked steps and ranges', columns: [text('name', ''), start, duration] },
  op_statistic: { name: 'op_statistic', about: 'operator statistics as exported', columns: [...device, text('op_type', ''), text('core_type', ''), count('count', ''), num('total_us', ''), num('avg_us', ''), num('max_us', '')] },
  comm_summary: { name: 'comm_summary', about: 'communication.json as exported', columns: [...device, text('step', ''), text('op', ''), text('group_name', ''), num('elapse_ms', ''), num('transit_ms', ''), num('wait_ms', ''), num('sync_ms', '')] },
  step_trace: { name: 'step_trace', about: 'step_trace_time as exported', columns: [...device, text('step', ''), num('computing_us', ''), num('communication_not_overlapped_us', ''), num('overlapped_us', ''), num('communication_us', ''), num('free_us', '')] },
  api_statistic: { name: 'api_statistic', about: 'api_statistic as exported', columns: [text('level', ''), text('name', ''), num('total_us', ''), count('count', '')] },
  sources: { name: 'sources', about: 'files read', columns: [text('path', ''), text('kind', ''), num('rows', ''), num('bytes', '')] },
  incomplete: { name: 'incomplete', about: 'what the capture does not hold, and why', columns: [text('code', ''), text('detail', '')] },
  capture_info: { name: 'capture_info', about: 'one row on the whole profile', columns: [text('level', 'Level0, l1 …'), text('aic_metrics', 'PMU group'), { name: 'simulated', kind: 'flag', meaning: 'generated, not measured' }] },
} as const satisfies Record<string, TableDoc>;

const classNames = new Map<number, string>([[taskClass.compute, 'compute'], [taskClass.communication, 'communication'], [taskClass.memcpy, 'memcpy'], [taskClass.eventWait, 'event_wait'], [taskClass.aicpu, 'aicpu'], [taskClass.other, 'other']]);

const pmuAbout = 'PMU counters by task, one column per counter of the capture (aic_mac_ratio, aiv_vec_ratio …); tasks without any have no row';

/** Counter names become column names: lower case, letters, digits and `_`. */
export function pmuColumn(stem: string): string {
  return stem.toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '');
}

/** The PMU table of a profile: its columns are the capture's own counters. */
function pmuTable(profile: Profile): TableData {
  const { tasks } = profile;
  const columns = new Map<string, Float64Array>();
  for (const [stem, values] of [...tasks.pmu].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
    const name = pmuColumn(stem);
    if (name !== '' && name !== 'task_id' && !columns.has(name)) columns.set(name, values);
  }
  const lists = [...columns.values()];
  const rows: number[] = [];
  for (let row = 0; row < tasks.length; row += 1) if (lists.some((c) => !Number.isNaN(c[row] ?? Number.NaN))) rows.push(row);
  return {
    doc: { name: 'pmu', about: pmuAbout, columns: [count('task_id', 'row of tasks'), ...[...columns.keys()].map((n) => num(n, ''))] },
    length: rows.length,
    row: (i) => [rows[i] ?? 0, ...lists.map((c) => c[rows[i] ?? 0] ?? Number.NaN)],
  };
}

/** Every table of a profile, ready to load. */
export function profileTables(profile: Profile): TableData[] {
  const { strings: s, tasks, commOps, commTasks, apis } = profile;
  const dev = (index: number | undefined): readonly Cell[] => {
    const known = index === undefined || index < 0 ? undefined : profile.devices[index];
    return known === undefined || index === undefined ? [null, null, null] : [known.id, known.rank, index];
  };
  const of = (column: Int32Array, row: number): string => s.get(column[row] ?? 0);
  const rows = <T>(doc: TableDoc, list: readonly T[], make: (item: T) => readonly Cell[]): TableData => ({
    doc,
    length: list.length,
    row: (i) => {
      const item = list[i];
      return item === undefined ? [] : make(item);
    },
  });
  const tables: TableData[] = [
    rows(docs.devices, [...profile.devices.keys()], (i) => {
      const d = profile.devices[i];
      return [...dev(i), d?.host ?? null, d?.chip ?? null, d?.aicoreCount ?? null, d?.aivectorCount ?? null, d?.aicoreMhz ?? null];
    }),
    {
      doc: docs.tasks,
      length: tasks.length,
      row: (r) => [
        r, ...dev(tasks.device[r]), tasks.stream[r] ?? -1, of(tasks.name, r), of(tasks.opType, r), of(tasks.taskType, r), classNames.get(tasks.class[r] ?? taskClass.other) ?? 'other',
        tasks.startNs[r] ?? Number.NaN, (tasks.durationNs[r] ?? Number.NaN) / 1000, tasks.blockNum[r] ?? Number.NaN, tasks.mixBlockNum[r] ?? Number.NaN, of(tasks.inputShapes, r), of(tasks.inputTypes, r), of(tasks.inputFormats, r), of(tasks.outputShapes, r), of(tasks.opState, r),
        captureOf(tasks.connection[r] ?? -1), localId(tasks.connection[r] ?? -1),
      ],
    },
    pmuTable(profile),
  ];
  if (commOps !== null) {
    tables.push({
      doc: docs.comm_ops,
      length: commOps.length,
      row: (r) => [r, ...dev(commOps.device[r]), of(commOps.name, r), of(commOps.opType, r), of(commOps.group, r), commOps.startNs[r] ?? Number.NaN, (commOps.durationNs[r] ?? Number.NaN) / 1000, commOps.count[r] ?? Number.NaN, of(commOps.dataType, r), commOps.rankSize[r] ?? Number.NaN, captureOf(commOps.connection[r] ?? -1), localId(commOps.connection[r] ?? -1)],
    });
  } else tables.push(rows(docs.comm_ops, [], () => []));
  if (commTasks !== null) {
    tables.push({
      doc: docs.comm_tasks,
      length: commTasks.length,
      row: (r) => [commTasks.op[r] ?? -1, ...dev(commTasks.device[r]), commTasks.plane[r] ?? -1, of(commTasks.name, r), of(commTasks.group, r), commTasks.startNs[r] ?? Number.NaN, (commTasks.durationNs[r] ?? Number.NaN) / 1000, commTasks.bytes[r] ?? Number.NaN, of(commTasks.transport, r), of(commTasks.link, r), commTasks.srcRank[r] ?? Number.NaN, commTasks.dstRank[r] ?? Number.NaN, commTasks.master[r] === 255 ? null : commTasks.master[r] === 1],
    });
  } else tables.push(rows(docs.comm_tasks, [], () => []));
  if (apis !== null) {
    tables.push({
      doc: docs.apis,
      length: apis.length,
      row: (r) => [of(apis.level, r), of(apis.name, r), apis.startNs[r] ?? Number.NaN, (apis.durationNs[r] ?? Number.NaN) / 1000, captureOf(apis.thread[r] ?? -1), localId(apis.thread[r] ?? -1), localId(apis.connection[r] ?? -1)],
    });
  } else tables.push(rows(docs.apis, [], () => []));
  const samples = profile.memory.flatMap((series) => [...series.timeNs.keys()].map((i) => ({ series, i })));
  const clocks = profile.frequency.flatMap((series) => [...series.timeNs.keys()].map((i) => ({ series, i })));
  tables.push(
    rows(docs.memory, samples, ({ series, i }) => [...dev(series.device ?? undefined), series.component, series.timeNs[i] ?? Number.NaN, series.allocatedBytes[i] ?? Number.NaN, series.reservedBytes[i] ?? Number.NaN]),
    rows(docs.frequency, clocks, ({ series, i }) => [...dev(series.device), series.timeNs[i] ?? Number.NaN, series.mhz[i] ?? Number.NaN]),
    rows(docs.markers, profile.markers, (m) => [m.name, m.startNs, (m.endNs - m.startNs) / 1000]),
    rows(docs.op_statistic, profile.opStatistic, (r) => [...dev(r.device), r.opType, r.coreType, r.count, r.totalUs, r.avgUs, r.maxUs]),
    rows(docs.comm_summary, profile.commSummary, (r) => [...dev(r.device), r.step, r.op, r.group, r.elapseMs, r.transitMs, r.waitMs, r.syncMs]),
    rows(docs.step_trace, profile.stepTrace, (r) => [...dev(r.device), r.step, r.computingUs, r.communicationNotOverlappedUs, r.overlappedUs, r.communicationUs, r.freeUs]),
    rows(docs.api_statistic, profile.apiStatistic, (r) => [r.level, r.name, r.totalUs, r.count]),
    rows(docs.sources, profile.sources, (r) => [r.path, r.kind, r.rows, r.bytes]),
    rows(docs.incomplete, profile.incomplete, (r) => [r.code, r.detail]),
    rows(docs.capture_info, [profile], (p) => [p.level, p.aicMetrics, p.simulated]),
  );
  return tables;
}

/** Tables and columns in one line, for who asked for one that does not exist. */
export function tableList(): string {
  return [...Object.values(docs), { name: 'pmu', columns: [{ name: 'task_id' }, { name: '<counter>' }] }].map((t) => `${t.name}(${t.columns.map((c) => c.name).join(', ')})`).join('; ');
}

/** docs/profile-tables.md. */
export function tablesPage(): string {
  const lines = [
    '# Tables of profile_query',
    '',
    'Whatever a profile was read from (msprof database, CSV, timeline, torch_npu export), `profile_query` shows it in these tables, in',
    'DuckDB SQL. Times are `start_ns` (BIGINT, ns since the Unix epoch) and `duration_us` (DOUBLE). What a capture does not hold is null;',
    'a table it cannot fill is empty, and `incomplete` says why. One statement, read-only, at most 200 rows.',
    '',
    '```sql',
    'SELECT op_type, count(*) AS n, sum(duration_us) AS total_us FROM tasks WHERE class = \'compute\' GROUP BY op_type ORDER BY total_us DESC LIMIT 10;',
    'SELECT a.name, t.op_type, (t.start_ns - a.start_ns) / 1000 AS launch_us FROM apis a JOIN tasks t USING (capture, connection_id) WHERE a.level = \'node\' ORDER BY launch_us DESC LIMIT 10;',
    '```',
  ];
  for (const doc of [...Object.values(docs), { name: 'pmu', about: pmuAbout, columns: [count('task_id', 'row of tasks')] }]) {
    lines.push('', `## ${doc.name}`, '', `${doc.about}.`, '', table(['column', 'type', 'meaning'], doc.columns.map((c) => [c.name, sqlTypes[c.kind], c.meaning])));
  }
  return `${lines.join('\n')}\n`;
}
