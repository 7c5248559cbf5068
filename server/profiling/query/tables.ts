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

/** Value of one cell: a number, 0 or 1 for a flag, for text the id of a string of the profile. NaN, a negative id and string 0 are null. */
type CellOf = (row: number) => number;

export interface TableData {
  readonly doc: TableDoc;
  readonly length: number;
  /** In the order of the documented columns. */
  readonly cells: readonly CellOf[];
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

const missing = Number.NaN;
const flag = (value: boolean | null): number => (value === null ? missing : Number(value));

/** The PMU table of a profile: its columns are the capture's own counters. */
function pmuTable(profile: Profile): TableData {
  const { tasks } = profile;
  const columns = new Map<string, Float64Array>();
  for (const [stem, values] of [...tasks.pmu].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
    const name = pmuColumn(stem);
    if (name !== '' && name !== 'task_id' && !columns.has(name)) columns.set(name, values);
  }
  const lists = [...columns.values()];
  let length = 0;
  const rows = new Int32Array(tasks.length);
  for (let row = 0; row < tasks.length; row += 1) if (lists.some((c) => !Number.isNaN(c[row] ?? missing))) rows[length++] = row;
  return {
    doc: { name: 'pmu', about: pmuAbout, columns: [count('task_id', 'row of tasks'), ...[...columns.keys()].map((n) => num(n, ''))] },
    length,
    cells: [(i) => rows[i] ?? missing, ...lists.map((c): CellOf => (i) => c[rows[i] ?? -1] ?? missing)],
  };
}

/** Every table of a profile, ready to load. Texts that are not among the profile's strings yet are added to them. */
export function profileTables(profile: Profile): TableData[] {
  const { strings, devices, tasks, commOps, commTasks, apis } = profile;
  const ids = Float64Array.from(devices, (d) => d.id);
  const ranks = Float64Array.from(devices, (d) => d.rank ?? missing);
  const dev = (index: (row: number) => number): readonly CellOf[] => [(r) => ids[index(r)] ?? missing, (r) => ranks[index(r)] ?? missing, (r) => (index(r) in ids ? index(r) : missing)];
  const at = (column: Int32Array | Float64Array): CellOf => (r) => column[r] ?? missing;
  const { operators } = tasks;
  const of = (column: Int32Array | Float64Array): CellOf => (r) => column[tasks.operator[r] ?? -1] ?? missing;
  const us = (column: Float64Array): CellOf => (r) => (column[r] ?? missing) / 1000;
  const row: CellOf = (r) => r;
  const captureIn = (column: Float64Array): CellOf => (r) => captureOf(column[r] ?? -1);
  const localIn = (column: Float64Array): CellOf => (r) => localId(column[r] ?? -1);
  /** A table of objects, its cells by column. */
  const rows = <T>(doc: TableDoc, list: readonly T[], ...cells: readonly ((item: T) => string | number | boolean | null)[]): TableData => ({
    doc,
    length: list.length,
    cells: cells.map((cell) => (r) => {
      const item = list[r];
      const value = item === undefined ? null : cell(item);
      return typeof value === 'string' ? strings.id(value) : typeof value === 'number' ? value : flag(value);
    }),
  });
  const place = <T>(index: (item: T) => number | null): readonly ((item: T) => number | null)[] => [(i) => devices[index(i) ?? -1]?.id ?? null, (i) => devices[index(i) ?? -1]?.rank ?? null, (i) => (devices[index(i) ?? -1] === undefined ? null : index(i))];
  const empty = (doc: TableDoc): TableData => ({ doc, length: 0, cells: doc.columns.map(() => () => missing) });
  const classes = Int32Array.from({ length: 1 + Math.max(...classNames.keys()) }, (_, i) => strings.id(classNames.get(i) ?? 'other'));
  const samples = profile.memory.flatMap((series) => [...series.timeNs.keys()].map((i) => ({ series, i })));
  const clocks = profile.frequency.flatMap((series) => [...series.timeNs.keys()].map((i) => ({ series, i })));
  return [
    rows(docs.devices, [...devices.keys()], ...place((i: number) => i), (i) => devices[i]?.host ?? null, (i) => devices[i]?.chip ?? null, (i) => devices[i]?.aicoreCount ?? null, (i) => devices[i]?.aivectorCount ?? null, (i) => devices[i]?.aicoreMhz ?? null),
    {
      doc: docs.tasks,
      length: tasks.length,
      cells: [
        row, ...dev((r) => tasks.device[r] ?? -1), at(tasks.stream), at(tasks.name), of(operators.opType), of(operators.taskType), (r) => classes[tasks.class[r] ?? taskClass.other] ?? 0,
        at(tasks.startNs), us(tasks.durationNs), of(operators.blockNum), of(operators.mixBlockNum), of(operators.inputShapes), of(operators.inputTypes), of(operators.inputFormats), of(operators.outputShapes), of(operators.opState), captureIn(tasks.connection), localIn(tasks.connection),
      ],
    },
    pmuTable(profile),
    commOps === null ? empty(docs.comm_ops) : {
      doc: docs.comm_ops,
      length: commOps.length,
      cells: [row, ...dev((r) => commOps.device[r] ?? -1), at(commOps.name), at(commOps.opType), at(commOps.group), at(commOps.startNs), us(commOps.durationNs), at(commOps.count), at(commOps.dataType), at(commOps.rankSize), captureIn(commOps.connection), localIn(commOps.connection)],
    },
    commTasks === null ? empty(docs.comm_tasks) : {
      doc: docs.comm_tasks,
      length: commTasks.length,
      cells: [at(commTasks.op), ...dev((r) => commTasks.device[r] ?? -1), at(commTasks.plane), at(commTasks.name), at(commTasks.group), at(commTasks.startNs), us(commTasks.durationNs), at(commTasks.bytes), at(commTasks.transport), at(commTasks.link), at(commTasks.srcRank), at(commTasks.dstRank), (r) => (commTasks.master[r] === 255 ? missing : Number(commTasks.master[r] === 1))],
    },
    apis === null ? empty(docs.apis) : { doc: docs.apis, length: apis.length, cells: [at(apis.level), at(apis.name), at(apis.startNs), us(apis.durationNs), captureIn(apis.thread), localIn(apis.thread), localIn(apis.connection)] },
    rows(docs.memory, samples, ...place((s: (typeof samples)[number]) => s.series.device), (s) => s.series.component, (s) => s.series.timeNs[s.i] ?? null, (s) => s.series.allocatedBytes[s.i] ?? null, (s) => s.series.reservedBytes[s.i] ?? null),
    rows(docs.frequency, clocks, ...place((s: (typeof clocks)[number]) => s.series.device), (s) => s.series.timeNs[s.i] ?? null, (s) => s.series.mhz[s.i] ?? null),
    rows(docs.markers, profile.markers, (m) => m.name, (m) => m.startNs, (m) => (m.endNs - m.startNs) / 1000),
    rows(docs.op_statistic, profile.opStatistic, ...place((r: (typeof profile.opStatistic)[number]) => r.device), (r) => r.opType, (r) => r.coreType, (r) => r.count, (r) => r.totalUs, (r) => r.avgUs, (r) => r.maxUs),
    rows(docs.comm_summary, profile.commSummary, ...place((r: (typeof profile.commSummary)[number]) => r.device), (r) => r.step, (r) => r.op, (r) => r.group, (r) => r.elapseMs, (r) => r.transitMs, (r) => r.waitMs, (r) => r.syncMs),
    rows(docs.step_trace, profile.stepTrace, ...place((r: (typeof profile.stepTrace)[number]) => r.device), (r) => r.step, (r) => r.computingUs, (r) => r.communicationNotOverlappedUs, (r) => r.overlappedUs, (r) => r.communicationUs, (r) => r.freeUs),
    rows(docs.api_statistic, profile.apiStatistic, (r) => r.level, (r) => r.name, (r) => r.totalUs, (r) => r.count),
    rows(docs.sources, profile.sources, (r) => r.path, (r) => r.kind, (r) => r.rows, (r) => r.bytes),
    rows(docs.incomplete, profile.incomplete, (r) => r.code, (r) => r.detail),
    rows(docs.capture_info, [profile], (p) => p.level, (p) => p.aicMetrics, (p) => p.simulated),
  ];
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
