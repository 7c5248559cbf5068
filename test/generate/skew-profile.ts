import type { Capture, SimCommTask, SimTask } from '../../server/sim/capture.js';
import { rankExtract, type RankExtract } from '../../server/pipeline/skew/extract.js';
import { skewOf } from '../../server/pipeline/skew/skew.js';
import type { SkewResult } from '../../server/pipeline/skew/types.js';
import { stepKinds } from '../../server/profiles/derived/stages.js';
import { stepsOf } from '../../server/profiles/derived/steps.js';
import { Labels } from '../../server/profiles/derived/stepsLabels.js';
import { deviceWindow } from '../../server/profiles/derived/window.js';
import { operatorsOf, unknownOperator, type OperatorCells } from '../../server/profiles/operators.js';
import { Strings, taskClass, type Profile } from '../../server/profiles/profile.js';

const column = (rows: readonly number[]): Float64Array => Float64Array.from(rows);
const ids = (rows: readonly number[]): Int32Array => Int32Array.from(rows);

function classOf(task: SimTask): number {
  if (task.kernel !== null) return task.kernel.coreType === 'AI_CPU' ? taskClass.aicpu : taskClass.compute;
  if (task.memcpy !== null) return taskClass.memcpy;
  return task.hostType === 'EVENT_WAIT' ? taskClass.eventWait : taskClass.other;
}

function operatorOf(t: SimTask, id: (text: string) => number): OperatorCells {
  const { kernel } = t;
  if (kernel === null) return { ...unknownOperator(), taskType: id(t.hostType) };
  const { blockNum, mixBlockNum } = kernel;
  return { opType: id(kernel.opType), taskType: id(kernel.coreType), opState: id(kernel.opState), inputShapes: id(kernel.inputShapes), inputTypes: id(kernel.inputTypes), inputFormats: id(kernel.inputFormats), outputShapes: id(kernel.outputShapes), blockNum, mixBlockNum };
}

/** A capture as the readers would give it, without files: sweeps over many seeds stay quick. Host calls are left out. */
export function profileOf(capture: Capture): Profile {
  const strings = new Strings();
  const baseNs = capture.processes.reduce((low, p) => (p.startNs < low ? p.startNs : low), capture.processes[0]?.startNs ?? 0n);
  const at = (ns: bigint): number => Number(ns - baseNs);
  const devices = capture.processes.flatMap((p, process) => p.devices.map((d) => ({ process: p, capture: process, d })));
  const tasks = devices.flatMap(({ process, d }, device) => [...process.tasks].filter((t) => t.device === d.id).map((t) => ({ t, device })));
  const ops = devices.flatMap(({ process, d }, device) => [...process.commOps].filter((o) => o.device === d.id).map((o) => ({ o, device })));
  const parts = ops.flatMap(({ o, device }, op) => o.tasks.map((c) => ({ c, op, device, group: o.group }))).sort((a, b) => a.device - b.device || at(a.c.startNs) - at(b.c.startNs));
  const task = (get: (t: SimTask) => number): number[] => tasks.map(({ t }) => get(t));
  const part = (get: (c: SimCommTask) => number): number[] => parts.map(({ c }) => get(c));
  return {
    baseNs,
    strings,
    devices: devices.map(({ d, capture: index }) => ({ id: d.id, rank: d.rank, host: d.host, chip: d.chip, aicoreCount: d.aicoreCount, aivectorCount: d.aivectorCount, aicoreMhz: d.aicoreMhz, capture: index })),
    tasks: {
      length: tasks.length,
      device: ids(tasks.map((t) => t.device)),
      stream: ids(task((t) => t.stream)),
      startNs: column(task((t) => at(t.startNs))),
      durationNs: column(task((t) => t.durationNs)),
      name: ids(task((t) => strings.id(t.name))),
      operator: ids(tasks.map((_, i) => i)),
      operators: operatorsOf(tasks.map(({ t }) => operatorOf(t, (text) => strings.id(text)))),
      class: Uint8Array.from(task(classOf)),
      connection: column(task((t) => t.connectionId)),
      pmu: new Map(),
      limits: null,
    },
    commOps: {
      length: ops.length,
      device: ids(ops.map((o) => o.device)),
      startNs: column(ops.map(({ o }) => at(o.startNs))),
      durationNs: column(ops.map(({ o }) => o.durationNs)),
      name: ids(ops.map(({ o }) => strings.id(o.name))),
      opType: ids(ops.map(({ o }) => strings.id(o.opType))),
      group: ids(ops.map(({ o }) => strings.id(o.group))),
      connection: column(ops.map(({ o }) => o.connectionId)),
      count: column(ops.map(({ o }) => o.count)),
      dataType: ids(ops.map(({ o }) => strings.id(o.dataType))),
      rankSize: column(ops.map(({ o }) => o.rankSize)),
    },
    commTasks: {
      length: parts.length,
      device: ids(parts.map((p) => p.device)),
      op: ids(parts.map((p) => p.op)),
      plane: ids(part((c) => c.plane)),
      startNs: column(part((c) => at(c.startNs))),
      durationNs: column(part((c) => c.durationNs)),
      name: ids(part((c) => strings.id(c.name))),
      group: ids(parts.map((p) => strings.id(p.group))),
      bytes: column(part((c) => c.bytes)),
      transport: ids(part((c) => strings.id(c.transport))),
      link: ids(part((c) => strings.id(c.link))),
      srcRank: column(part((c) => c.srcRank)),
      dstRank: column(part((c) => c.dstRank)),
      master: Uint8Array.from(part((c) => (c.master ? 1 : 0))),
    },
    apis: null,
    opStatistic: [],
    commSummary: [],
    stepTrace: [],
    apiStatistic: [],
    memory: [],
    frequency: [],
    markers: [],
    sources: [],
    incomplete: [],
    level: 'l1',
    aicMetrics: null,
    simulated: true,
  };
}

/** What one device says to the comparison, its steps found by themselves. */
export function extractOf(profile: Profile, device: number): RankExtract {
  const labels = new Labels(profile);
  const { steps } = stepsOf(profile, device, labels, null);
  return rankExtract(profile, device, { labels, window: deviceWindow(profile, device, false), steps, kinds: steps === null ? null : stepKinds(profile, steps, labels) });
}

/** The comparison of all ranks of a profile. */
export function rankSkew(profile: Profile): SkewResult {
  return skewOf(profile.devices.map((_, device) => extractOf(profile, device)));
}
