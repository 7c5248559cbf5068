import { operatorsOf, unknownOperator } from '../../server/profiles/operators.js';
import { Strings, taskClass, type Apis, type CommOps, type CommTasks, type Device, type Profile, type Tasks } from '../../server/profiles/profile.js';

export interface Task {
  device?: number;
  stream?: number;
  start: number;
  dur: number;
  name?: string;
  op?: string;
  core?: string;
  class?: keyof typeof taskClass;
  blocks?: number;
  connection?: number;
  in?: string;
  out?: string;
  state?: string;
  pmu?: Record<string, number>;
}
export interface Op {
  device?: number;
  start: number;
  dur: number;
  name?: string;
  op?: string;
  group?: string;
  connection?: number;
}
export interface Sub {
  device?: number;
  op: number;
  start: number;
  dur: number;
  name: string;
  bytes?: number;
  transport?: string;
  link?: string;
  src?: number;
  dst?: number;
  master?: boolean;
  group?: string;
}
export interface Api {
  start: number;
  dur: number;
  level?: string;
  name: string;
  thread?: number;
  connection?: number;
}
export interface Plan extends Partial<Omit<Profile, 'tasks' | 'commOps' | 'commTasks' | 'apis' | 'devices' | 'strings'>> {
  devices?: Partial<Device>[];
  tasks?: Task[];
  ops?: Op[] | null;
  subs?: Sub[] | null;
  apis?: Api[] | null;
}

const bySpot = (a: { device?: number; start: number }, b: { device?: number; start: number }): number => (a.device ?? 0) - (b.device ?? 0) || a.start - b.start;

/** A profile from plain rows; times in ns from the base. */
export function makeProfile(plan: Plan): Profile {
  const strings = new Strings();
  const id = (text: string | undefined): number => strings.id(text ?? '');
  const t = [...(plan.tasks ?? [])].sort(bySpot);
  const stems = new Set(t.flatMap((x) => Object.keys(x.pmu ?? {})));
  const tasks: Tasks = {
    length: t.length,
    device: Int32Array.from(t, (x) => x.device ?? 0),
    stream: Int32Array.from(t, (x) => x.stream ?? 1),
    startNs: Float64Array.from(t, (x) => x.start),
    durationNs: Float64Array.from(t, (x) => x.dur),
    name: Int32Array.from(t, (x) => id(x.name ?? x.op)),
    // A row of operators for every task: what a table of each combination once would say.
    operator: Int32Array.from(t, (_, i) => i),
    operators: operatorsOf(t.map((x) => ({ ...unknownOperator(), opType: id(x.op), taskType: id(x.core ?? 'AI_CORE'), blockNum: x.blocks ?? Number.NaN, inputShapes: id(x.in), outputShapes: id(x.out), opState: id(x.state) }))),
    class: Uint8Array.from(t, (x) => taskClass[x.class ?? 'compute']),
    connection: Float64Array.from(t, (x) => x.connection ?? -1),
    pmu: new Map([...stems].map((stem) => [stem, Float64Array.from(t, (x) => x.pmu?.[stem] ?? Number.NaN)])),
    limits: null,
  };
  const o = plan.ops === null ? null : [...(plan.ops ?? [])].sort(bySpot);
  const commOps: CommOps | null = o && {
    length: o.length,
    device: Int32Array.from(o, (x) => x.device ?? 0),
    startNs: Float64Array.from(o, (x) => x.start),
    durationNs: Float64Array.from(o, (x) => x.dur),
    name: Int32Array.from(o, (x) => id(x.name ?? 'hcom_allReduce__1_0_1')),
    opType: Int32Array.from(o, (x) => id(x.op ?? 'hcom_allReduce_')),
    group: Int32Array.from(o, (x) => id(x.group ?? 'g')),
    connection: Float64Array.from(o, (x) => x.connection ?? -1),
    count: Float64Array.from(o, () => Number.NaN),
    dataType: Int32Array.from(o, () => 0),
    rankSize: Float64Array.from(o, () => Number.NaN),
  };
  const s = plan.subs === null || plan.subs === undefined ? null : [...plan.subs].sort(bySpot);
  const commTasks: CommTasks | null = s && {
    length: s.length,
    device: Int32Array.from(s, (x) => x.device ?? 0),
    op: Int32Array.from(s, (x) => x.op),
    plane: Int32Array.from(s, (x) => (x.master === false ? 1 : 0)),
    startNs: Float64Array.from(s, (x) => x.start),
    durationNs: Float64Array.from(s, (x) => x.dur),
    name: Int32Array.from(s, (x) => id(x.name)),
    group: Int32Array.from(s, (x) => id(x.group ?? 'g')),
    bytes: Float64Array.from(s, (x) => x.bytes ?? Number.NaN),
    transport: Int32Array.from(s, (x) => id(x.transport ?? 'SDMA')),
    link: Int32Array.from(s, (x) => id(x.link ?? 'HCCS')),
    srcRank: Float64Array.from(s, (x) => x.src ?? Number.NaN),
    dstRank: Float64Array.from(s, (x) => x.dst ?? Number.NaN),
    master: Uint8Array.from(s, (x) => (x.master === false ? 0 : 1)),
  };
  const a = plan.apis === null || plan.apis === undefined ? null : [...plan.apis].sort((x, y) => x.start - y.start);
  const apis: Apis | null = a && {
    length: a.length,
    startNs: Float64Array.from(a, (x) => x.start),
    durationNs: Float64Array.from(a, (x) => x.dur),
    level: Int32Array.from(a, (x) => id(x.level ?? 'node')),
    name: Int32Array.from(a, (x) => id(x.name)),
    thread: Float64Array.from(a, (x) => x.thread ?? 1),
    connection: Float64Array.from(a, (x) => x.connection ?? -1),
  };
  const devices = (plan.devices ?? [{}]).map((d, i): Device => ({ id: i, rank: null, host: null, chip: null, aicoreCount: null, aivectorCount: null, aicoreMhz: null, capture: 0, ...d }));
  return {
    baseNs: plan.baseNs ?? 1_772_420_645_006_000_123n,
    strings,
    devices,
    tasks,
    commOps,
    commTasks,
    apis,
    opStatistic: plan.opStatistic ?? [],
    commSummary: plan.commSummary ?? [],
    stepTrace: plan.stepTrace ?? [],
    apiStatistic: plan.apiStatistic ?? [],
    memory: plan.memory ?? [],
    frequency: plan.frequency ?? [],
    markers: plan.markers ?? [],
    sources: plan.sources ?? [{ path: '/captures/a.db', kind: 'db', rows: t.length, bytes: 1 }],
    incomplete: plan.incomplete ?? [],
    level: plan.level === undefined ? 'l1' : plan.level,
    aicMetrics: plan.aicMetrics ?? null,
    simulated: plan.simulated ?? false,
  };
}
