import {
  none32,
  type CommDataType,
  type SimApi,
  type SimCommOp,
  type SimDevice,
  type SimFrequencySample,
  type SimMark,
  type SimTask,
} from './capture.js';
import type { KernelPlan } from './llm-kernels.js';
import type { PlannedCollective } from './llm-comm.js';
import { simulatedGroup } from './llm-group.js';
import type { DecodeOptions } from './llm-options.js';
import { pace } from './llm-pace.js';
import { pmuRecord } from './llm-pmu.js';
import type { CommSums } from './llm-truth.js';
import { Random } from './random.js';

const us = 1000;
const computeStream = 2;
/** FFTS+ runs all planes of a collective as contexts of one task on one stream. */
const commStream = 5;

export interface RankTrace {
  readonly device: SimDevice;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly tasks: SimTask[];
  readonly ops: SimCommOp[];
  readonly apis: SimApi[];
  readonly frequency: SimFrequencySample[];
  readonly marks: SimMark[];
  readonly sums: CommSums;
  /** Idle before kernels whose launch came too late, and before the first task after a sync. */
  readonly launchIdleNs: number;
  readonly syncIdleNs: number;
  readonly compileIdleNs: number;
  /** Kernel time by planted pattern. */
  readonly patterns: ReadonlyMap<string, { count: number; ns: number }>;
  readonly slowedNs: number;
}

/** One rank's host thread and device streams. All times here are ns from the true start; records get the rank's own clock. */
export class RankClock {
  readonly #options: DecodeOptions;
  readonly #device: SimDevice;
  readonly #random: Random;
  readonly #base: bigint;
  readonly #rank: number;
  readonly #thread: number;
  readonly #tasks: SimTask[] = [];
  readonly #ops: SimCommOp[] = [];
  readonly #apis: SimApi[] = [];
  readonly #frequency: SimFrequencySample[] = [];
  readonly #marks: SimMark[] = [];
  readonly #patterns = new Map<string, { count: number; ns: number }>();
  readonly #sums: CommSums = { waitNs: 0, transitNs: 0 };
  readonly #windows: { start: number; end: number }[] = [];
  #host: number = pace.windowEdge;
  #compute = 0;
  #comm = 0;
  #pending = 0;
  #connection: number;
  #taskId = 100;
  #commTaskId = 500;
  #opCount = 0;
  #step = 0;
  #stepStart = 0;
  #previousEnd = 0;
  #afterSync = false;
  #mhz: number;
  #launchIdle = 0;
  #syncIdle = 0;
  #compileIdle = 0;
  #compiled = 0;
  #slowed = 0;

  constructor(options: DecodeOptions, device: SimDevice) {
    this.#options = options;
    this.#device = device;
    this.#rank =
      (device.rank ?? 0) +
      (device.rank === null ? Number(device.host.replace(/\D+/g, '')) * options.devicesPerHost + device.id : 0);
    // Ranks share the seed's stream number but not its numbers.
    this.#random = new Random(options.seed * 1009 + this.#rank);
    this.#base = options.startNs + BigInt(Math.round((options.clockSkewUs[this.#rank] ?? 0) * us));
    const slot = this.#rank % options.devicesPerProcess;
    this.#thread = 20_010 + this.#rank * 7;
    // Connection ids are unique in a process; devices of one process take them from separate ranges.
    this.#connection = 1000 + slot * 10_000_000;
    this.#mhz = device.aicoreMhz;
  }

  begin(): void {
    this.#frequency.push({ device: this.#device.id, timeNs: this.#at(0), mhz: this.#mhz });
    this.#api('runtime', 'DeviceGet', '', pace.wake);
  }

  beginStep(step: number): void {
    this.#step = step;
    this.#stepStart = this.#host;
    this.#setFrequency();
    const connectionId = this.#api('acl', 'aclrtMemcpyAsync', '', pace.copyCall);
    const start = Math.max(this.#compute + pace.queueGap, this.#apiStart() + pace.launchLatency);
    this.#account(start);
    this.#push({
      stream: computeStream,
      start,
      durationNs: pace.copy,
      name: 'MEMCPY_ASYNC',
      hostType: 'MEMCPY_ASYNC',
      connectionId,
      memcpy: { bytes: this.#options.batch * pace.bytesIn, operation: 'host to device' },
    });
    this.#windows.push({ start, end: start });
    const { aicpuHelperUs } = this.#options;
    if (aicpuHelperUs === null || step === 0) return;
    this.#push({ stream: computeStream, start: this.#compute + pace.queueGap, durationNs: Math.round(aicpuHelperUs * us), name: 'KERNEL_AICPU', hostType: 'KERNEL_AICPU', connectionId: -1 });
  }

  kernel(plan: KernelPlan): void {
    const compiles = this.#compiled < this.#options.opCompiles;
    if (compiles) {
      this.#api('acl', 'aclopCompileAndExecute', '', pace.compile);
      this.#compiled += 1;
    }
    this.#api(
      'acl',
      `${plan.name.split('_')[0] ?? plan.name}GetWorkspaceSize`,
      '',
      Math.round(this.#options.launchUs * us * pace.workspaceShare),
    );
    const connectionId = this.#api(
      'node',
      'launch',
      plan.name,
      Math.round(this.#random.jitter(this.#options.launchUs * us * (1 - pace.workspaceShare), pace.launchJitter)),
    );
    const start = Math.max(this.#compute + pace.queueGap, this.#apiStart() + pace.launchLatency);
    this.#account(start, compiles);
    const slow = this.#options.slowRank?.rank === this.#rank ? this.#options.slowRank.factor : 1;
    const clock = this.#device.aicoreMhz / this.#mhz;
    const nominal = this.#random.jitter(plan.ns, pace.kernelJitter);
    const durationNs = Math.round(nominal * slow * clock);
    this.#slowed += durationNs - Math.round(nominal);
    if (plan.pattern !== null) {
      const seen = this.#patterns.get(plan.pattern) ?? { count: 0, ns: 0 };
      this.#patterns.set(plan.pattern, { count: seen.count + 1, ns: seen.ns + durationNs });
    }
    const metrics = this.#options.level === 'l0' ? null : this.#options.aicMetrics;
    const pmu =
      metrics === null
        ? null
        : pmuRecord(plan.kernel, plan.profile, durationNs, this.#mhz, this.#device, metrics, this.#random);
    this.#push({
      stream: computeStream,
      start,
      durationNs,
      name: plan.name,
      hostType: plan.hostType,
      connectionId,
      kernel: plan.kernel,
      pmu,
    });
  }

  /** Launches a collective. @returns when the communication stream reaches it */
  arrive(): number {
    // The stream may hold one collective in flight: the one before is joined first.
    this.#join();
    this.#api('acl', 'hcom_allReduce_', '', pace.collectiveCall);
    this.#api('communication', 'Launch_Ffts', '', pace.fftsCall);
    const connectionId = this.#api(
      'node',
      'launch',
      `hcom_allReduce__${this.#groupTag()}_${this.#opCount}_1`,
      Math.round(this.#options.launchUs * us),
    );
    this.#push({
      stream: computeStream,
      start: this.#compute + pace.eventGap,
      durationNs: pace.event,
      name: 'EVENT_RECORD',
      hostType: 'EVENT_RECORD',
      connectionId: -1,
    });
    return Math.max(
      this.#compute + pace.queueGap,
      this.#comm + pace.queueGap,
      this.#apiStart(connectionId) + pace.launchLatency,
    );
  }

  collective(plan: PlannedCollective, elements: number): void {
    const dataType: CommDataType = 'BFP16';
    this.#ops.push({
      device: this.#device.id,
      name: `hcom_allReduce__${this.#groupTag()}_${this.#opCount}_1`,
      opType: 'hcom_allReduce_',
      group: simulatedGroup(this.#options),
      startNs: this.#at(plan.start),
      durationNs: plan.end - plan.start,
      connectionId: this.#connection - 1,
      count: elements,
      dataType,
      algorithm: 'MESH-RING',
      rankSize: this.#options.ranks,
      modelId: none32,
      tasks: plan.tasks.map(({ start, ...task }) => ({
        ...task,
        startNs: this.#at(start),
        stream: commStream,
        taskId: this.#commTaskId,
      })),
    });
    this.#commTaskId += 1;
    this.#opCount += 1;
    this.#sums.waitNs += plan.waitNs;
    this.#sums.transitNs += plan.transitNs;
    this.#comm = plan.end;
    this.#pending = plan.end;
    if (!this.#options.commOverlap) this.#join();
  }

  endStep(): void {
    this.#join();
    const connectionId = this.#api('acl', 'aclrtMemcpyAsync', '', pace.copyCall);
    const start = Math.max(this.#compute + pace.queueGap, this.#apiStart() + pace.launchLatency);
    this.#push({
      stream: computeStream,
      start,
      durationNs: pace.copy,
      name: 'MEMCPY_ASYNC',
      hostType: 'MEMCPY_ASYNC',
      connectionId,
      memcpy: { bytes: this.#options.batch * pace.bytesOut, operation: 'device to host' },
    });
    const window = this.#windows.at(-1);
    if (window !== undefined) window.end = this.#compute;
    // Scheduled ahead: the host waits for the step before. In sync mode it waits for this one, then works.
    const { syncGapUs, marks } = this.#options;
    const until = syncGapUs === null ? this.#previousEnd : this.#compute;
    this.#api('acl', 'aclrtSynchronizeStream', '', Math.max(pace.synchronize, until - this.#host + pace.wake));
    if (syncGapUs !== null) {
      this.#host += Math.round(syncGapUs * us);
      this.#afterSync = true;
    }
    this.#previousEnd = this.#compute;
    if (marks === 'none') return;
    this.#marks.push({
      kind: marks,
      name: marks === 'step' ? `ProfilerStep#${this.#step}` : `step ${this.#step}`,
      thread: this.#thread,
      startNs: this.#at(this.#stepStart),
      endNs: this.#at(Math.max(this.#host, this.#compute)),
    });
  }

  stepWindow(step: number): { start: number; end: number } | undefined {
    return this.#windows[step];
  }

  finish(): RankTrace {
    const end = Math.max(this.#host, this.#compute, this.#comm) + pace.windowEdge;
    this.#frequency.push({ device: this.#device.id, timeNs: this.#at(end), mhz: this.#mhz });
    return {
      device: this.#device,
      startNs: this.#at(0),
      endNs: this.#at(end),
      tasks: this.#tasks,
      ops: this.#ops,
      apis: this.#apis,
      frequency: this.#frequency,
      marks: this.#marks,
      sums: this.#sums,
      launchIdleNs: this.#launchIdle,
      syncIdleNs: this.#syncIdle,
      compileIdleNs: this.#compileIdle,
      patterns: this.#patterns,
      slowedNs: this.#slowed,
    };
  }

  #at(offset: number): bigint {
    return this.#base + BigInt(offset);
  }

  #groupTag(): string {
    return String(100 + (this.#options.seed % 800));
  }

  /** Appends a host call at the thread's present and moves it on. @returns its connection id */
  #api(level: SimApi['level'], name: string, item: string, durationNs: number): number {
    const connectionId = this.#connection;
    this.#connection += 1;
    this.#apis.push({
      level,
      name,
      item,
      thread: this.#thread,
      startNs: this.#at(this.#host),
      durationNs,
      connectionId,
    });
    this.#host += durationNs + pace.callGap;
    return connectionId;
  }

  /** Start of the latest call, as an offset. */
  #apiStart(connectionId?: number): number {
    const api =
      connectionId === undefined
        ? this.#apis.at(-1)
        : this.#apis.findLast((call) => call.connectionId === connectionId);
    return api === undefined ? 0 : Number(api.startNs - this.#base);
  }

  /** Books the idle time before a task that starts later than the stream was free. */
  #account(start: number, compiled = false): void {
    const idle = this.#compute === 0 ? 0 : Math.max(0, start - this.#compute - pace.queueGap);
    if (compiled) this.#compileIdle += idle;
    else if (this.#afterSync) this.#syncIdle += idle;
    else this.#launchIdle += idle;
    this.#afterSync = false;
  }

  /** The compute stream waits for the collective in flight. */
  #join(): void {
    if (this.#pending === 0) return;
    const start = this.#compute + pace.eventGap;
    this.#push({
      stream: computeStream,
      start,
      durationNs: Math.max(pace.event, this.#pending - start),
      name: 'EVENT_WAIT',
      hostType: 'EVENT_WAIT',
      connectionId: -1,
    });
    this.#pending = 0;
  }

  #setFrequency(): void {
    const drop = this.#options.frequencyDrop;
    const mhz =
      drop !== null && this.#step >= drop.fromStep && this.#step <= drop.toStep ? drop.mhz : this.#device.aicoreMhz;
    if (mhz === this.#mhz) return;
    this.#mhz = mhz;
    this.#frequency.push({ device: this.#device.id, timeNs: this.#at(Math.max(this.#compute, this.#host)), mhz });
  }

  #push(part: {
    stream: number;
    start: number;
    durationNs: number;
    name: string;
    hostType: SimTask['hostType'];
    connectionId: number;
    kernel?: SimTask['kernel'];
    pmu?: SimTask['pmu'];
    memcpy?: SimTask['memcpy'];
  }): void {
    const { start, ...task } = part;
    this.#tasks.push({
      kernel: null,
      pmu: null,
      memcpy: null,
      ...task,
      device: this.#device.id,
      taskId: this.#taskId,
      startNs: this.#at(start),
      contextId: part.kernel?.coreType.startsWith('MIX') === true ? 0 : none32,
      modelId: none32,
    });
    this.#taskId += 1;
    this.#compute = start + part.durationNs;
  }
}
