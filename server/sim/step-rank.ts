import { none32, type SimApi, type SimCommOp, type SimDevice, type SimTask } from './capture.js';
import { planAllReduce } from './llm-comm.js';
import type { KernelPlan, StepItem } from './llm-kernels.js';
import type { DecodeOptions } from './llm-options.js';
import { pace } from './llm-pace.js';
import { pmuRecord } from './llm-pmu.js';
import type { RankTrace } from './llm-rank.js';
import { Random } from './random.js';
import type { StepRecord } from './step-record.js';
import { scheduleStep, type Slot, type StepSchedule } from './step-schedule.js';

const computeStream = 2;
const commStream = 5;
/** Tasks replayed from a graph belong to a model. */
const graphModel = 1;
/** Shares of a kernel's launch: workspace query and launch; of a collective's: API, FFTS+ launch, node launch. */
const collectiveShares = [0.3, 0.3, 0.4] as const;
/** Steps number their collectives from here on: the same names on every rank, whenever its capture began. */
const namesPerStep = 1000;
/** The host does nothing of a step for so long before its first task. */
const lead = pace.launchLatency + pace.copyCall + pace.callGap;

type TaskPart = Pick<SimTask, 'stream' | 'name' | 'hostType' | 'connectionId'> & Partial<Pick<SimTask, 'kernel' | 'pmu' | 'memcpy' | 'modelId'>> & { readonly start: number; readonly durationNs: number };

/** A communication group and this rank's place in it. */
export interface GroupPlace {
  readonly name: string;
  readonly index: number;
}

/** One rank's host thread and device streams, laid out from the steps it recorded. */
export class StepRank {
  readonly #options: DecodeOptions;
  readonly #device: SimDevice;
  readonly #group: GroupPlace;
  readonly #thread: number;
  readonly #random: Random;
  readonly #tasks: SimTask[] = [];
  readonly #ops: SimCommOp[] = [];
  readonly #apis: SimApi[] = [];
  readonly #sums = { waitNs: 0, transitNs: 0 };
  #connection = 1000;
  #taskId = 100;
  #hostFree = 0n;

  /** @param options `ranks` and `startNs` count, and what PMU records need, @param group the ranks that reduce together */
  constructor(options: DecodeOptions, device: SimDevice, group: GroupPlace, pid: number) {
    this.#options = options;
    this.#device = device;
    this.#group = group;
    this.#thread = pid + 1;
    this.#random = new Random(options.seed * 1009 + group.index);
    this.#hostFree = options.startNs;
  }

  /** @param nextNs start of the step behind, which the host must be free for */
  step(step: StepRecord, items: readonly StepItem[], nextNs: bigint | null): void {
    const schedule = scheduleStep(step, items, this.#options.seed);
    const copyIn = this.#api('acl', 'aclrtMemcpyAsync', '', step.startNs - BigInt(lead), pace.copyCall);
    this.#push(step, { stream: computeStream, start: 0, durationNs: schedule.copyNs, name: 'MEMCPY_ASYNC', hostType: 'MEMCPY_ASYNC', connectionId: copyIn, memcpy: { bytes: Math.max(1, step.sequences) * pace.bytesIn, operation: 'host to device' } });
    const graph = step.graph ? this.#api('acl', 'aclmdlRIExecuteAsync', '', step.startNs - BigInt(pace.launchLatency), pace.copyCall) : null;
    if (schedule.frontIdleNs > 0) this.#api('acl', 'aclmdlRICaptureEnd', '', step.startNs + BigInt(schedule.copyNs), Math.max(1, Math.floor(schedule.frontIdleNs) - pace.launchLatency));
    let collective = 0;
    items.forEach((item, i) => {
      const slot = schedule.slots[i];
      if (slot === undefined) return;
      if (item.kind === 'kernel') this.#kernel(step, schedule, slot, item.plan, graph);
      else {
        this.#collective(step, schedule, slot, item.elements, step.index * namesPerStep + collective, graph);
        collective += 1;
      }
    });
    this.#close(step, schedule, nextNs);
  }

  finish(stoppedNs: bigint): RankTrace {
    const { startNs } = this.#options;
    const rated = this.#device.aicoreMhz;
    const at = (timeNs: bigint): { device: number; timeNs: bigint; mhz: number } => ({ device: this.#device.id, timeNs, mhz: rated });
    return {
      device: this.#device, startNs, endNs: stoppedNs, tasks: this.#tasks, ops: this.#ops, apis: this.#apis, frequency: [at(startNs), at(stoppedNs)], marks: [],
      sums: this.#sums, launchIdleNs: 0, syncIdleNs: 0, compileIdleNs: 0, patterns: new Map(), slowedNs: 0,
    };
  }

  /** Copies the results out; the host waits for it. */
  #close(step: StepRecord, schedule: StepSchedule, nextNs: bigint | null): void {
    const endNs = step.startNs + BigInt(schedule.endNs);
    const copyStart = schedule.endNs - schedule.copyNs;
    const copyOut = this.#api('acl', 'aclrtMemcpyAsync', '', step.startNs + BigInt(Math.round(copyStart)) - BigInt(pace.launchLatency), pace.copyCall);
    this.#push(step, { stream: computeStream, start: copyStart, durationNs: schedule.copyNs, name: 'MEMCPY_ASYNC', hostType: 'MEMCPY_ASYNC', connectionId: copyOut, memcpy: { bytes: Math.max(1, step.sequences) * pace.bytesOut, operation: 'device to host' } });
    const awake = endNs + BigInt(pace.wake);
    const latest = nextNs === null ? awake : nextNs - BigInt(lead);
    const until = awake < latest ? awake : latest;
    this.#api('acl', 'aclrtSynchronizeStream', '', this.#hostFree, Math.max(1, Number(until - this.#hostFree)));
  }

  #kernel(step: StepRecord, schedule: StepSchedule, slot: Slot, plan: KernelPlan, graph: number | null): void {
    let connectionId = graph;
    if (connectionId === null) {
      const from = step.startNs + BigInt(Math.floor(slot.launch));
      const query = Math.floor(schedule.launchNs * pace.workspaceShare);
      this.#api('acl', `${plan.name.split('_')[0] ?? plan.name}GetWorkspaceSize`, '', from, query - pace.callGap);
      connectionId = this.#api('node', 'launch', plan.name, from + BigInt(query), schedule.launchNs - query - pace.callGap);
    }
    const durationNs = Math.max(1, Math.round(slot.end - slot.start));
    const { aicMetrics } = this.#options;
    const pmu = aicMetrics === null ? null : pmuRecord(plan.kernel, plan.profile, durationNs, this.#device.aicoreMhz, this.#device, aicMetrics, this.#random);
    this.#push(step, { stream: computeStream, start: slot.start, durationNs, name: plan.name, hostType: plan.hostType, connectionId, kernel: plan.kernel, pmu, modelId: graph === null ? none32 : graphModel });
  }

  #collective(step: StepRecord, schedule: StepSchedule, slot: Slot, elements: number, number: number, graph: number | null): void {
    const { ranks } = this.#options;
    const name = `hcom_allReduce__${100 + (this.#options.seed % 800)}_${number}_1`;
    let connectionId = graph;
    if (connectionId === null) {
      let from = step.startNs + BigInt(Math.floor(slot.launch));
      const [api, ffts, node] = collectiveShares.map((share) => Math.floor(schedule.launchNs * share));
      this.#api('acl', 'hcom_allReduce_', '', from, (api ?? 0) - pace.callGap);
      from += BigInt(api ?? 0);
      this.#api('communication', 'Launch_Ffts', '', from, (ffts ?? 0) - pace.callGap);
      connectionId = this.#api('node', 'launch', name, from + BigInt(ffts ?? 0), (node ?? 0) - pace.callGap);
    }
    const start = Math.round(slot.start);
    const end = Math.round(slot.end);
    const arrivals = Array.from({ length: ranks }, (_, i) => (i === this.#group.index ? start : Math.max(start, Math.round(slot.ready))));
    const plan = planAllReduce({ ...this.#options, commUs: schedule.commUs, slowLink: null }, arrivals, elements * 2)[this.#group.index];
    if (plan === undefined) return;
    const taskId = this.#taskId;
    this.#taskId += 1;
    this.#ops.push({
      device: this.#device.id,
      name,
      opType: 'hcom_allReduce_',
      group: this.#group.name,
      startNs: step.startNs + BigInt(start),
      durationNs: plan.end - start,
      connectionId,
      count: elements,
      dataType: 'BFP16',
      algorithm: 'MESH-RING',
      rankSize: ranks,
      modelId: graph === null ? none32 : graphModel,
      tasks: plan.tasks.map(({ start: at, ...task }) => ({ ...task, startNs: step.startNs + BigInt(at), stream: commStream, taskId })),
    });
    this.#sums.waitNs += plan.waitNs;
    this.#sums.transitNs += plan.transitNs;
    this.#push(step, { stream: computeStream, start, durationNs: pace.event, name: 'EVENT_RECORD', hostType: 'EVENT_RECORD', connectionId: -1 });
    const waitFrom = start + pace.event;
    this.#push(step, { stream: computeStream, start: waitFrom, durationNs: Math.max(pace.event, end - waitFrom), name: 'EVENT_WAIT', hostType: 'EVENT_WAIT', connectionId: -1 });
  }

  /** A call of the host thread, not before the one in front of it ended. @returns its connection id */
  #api(level: SimApi['level'], name: string, item: string, wantedNs: bigint, duration: number): number {
    const startNs = wantedNs > this.#hostFree ? wantedNs : this.#hostFree;
    const durationNs = Math.max(1, Math.floor(duration));
    const connectionId = this.#connection;
    this.#connection += 1;
    this.#apis.push({ level, name, item, thread: this.#thread, startNs, durationNs, connectionId });
    this.#hostFree = startNs + BigInt(durationNs);
    return connectionId;
  }

  #push(step: StepRecord, part: TaskPart): void {
    const { start, ...task } = part;
    this.#tasks.push({
      kernel: null,
      pmu: null,
      memcpy: null,
      modelId: none32,
      ...task,
      device: this.#device.id,
      taskId: this.#taskId,
      startNs: step.startNs + BigInt(Math.round(start)),
      contextId: part.kernel?.coreType.startsWith('MIX') === true ? 0 : none32,
    });
    this.#taskId += 1;
  }
}
