import { setTimeout as sleep } from 'node:timers/promises';
import type { SimContext } from '../environment.js';
import { assumed } from '../assumptions.js';
import { hungTask } from '../kernel.js';
import { isPresent, staleBytes } from '../npu-host.js';
import { ProfilingSocket, type ServiceCapture } from '../profiling-socket.js';
import { DeviceTenant } from '../state.js';
import { StepRing, onRank, toWire, type StepRecord } from '../step-record.js';
import { issueTime, kernelCrash, memoryBlock, notifyTimeout, outOfMemoryText, Plog, remoteError, uncaught } from './cann-log.js';
import { nowNs } from './clock.js';
import type { Trouble } from './collective.js';
import type { FaultPlan } from './fault-plan.js';
import { abort } from './glog.js';
import type { LoadedModel } from './model.js';
import type { Parallel } from '../../models/parallel.js';

/** The device that `ASCEND_RT_VISIBLE_DEVICES` and the rank lead to, or the list that cannot be used. */
export function deviceOf(context: SimContext, rank: number): { readonly device: number; readonly visible: readonly number[] } | { readonly invalid: string } {
  const mask = context.env['ASCEND_RT_VISIBLE_DEVICES'];
  const all = Array.from({ length: context.host.count }, (_, i) => i);
  const visible = mask === undefined || mask.trim() === '' ? all.filter((d) => isPresent(context.host, d)) : mask.split(',').map((t) => (/^\s*\d+\s*$/.test(t) ? Number(t) : -1));
  const device = visible[rank % visible.length];
  if (device === undefined || visible.some((d) => !isPresent(context.host, d))) return { invalid: mask ?? '' };
  return { device, visible };
}

export interface RankIdentity {
  readonly rank: number;
  readonly world: number;
  readonly device: number;
  readonly framework: 'xllm' | 'vllm-ascend';
  /** Name npu-smi shows. */
  readonly processName: string;
}

/** Where the libraries below the framework write. */
export interface RankLog {
  raw(text: string): void;
}

/** What a capture tells of the service, beside what the rank knows itself. */
export type ProfilingFacts = Omit<ServiceCapture, 'simulated' | 'framework' | 'pid' | 'rank' | 'world_size' | 'device' | 'chip' | 'seed' | 'compute_factor' | 'started_ns' | 'stopped_ns' | 'steps'>;

/** What every simulated rank is: a process that holds memory of one device, keeps its steps and can die of it. */
export class Rank {
  readonly id: RankIdentity;
  readonly context: SimContext;
  readonly faults: FaultPlan;
  readonly tenant: DeviceTenant;
  readonly plog: Plog;
  readonly log: RankLog;
  readonly #ring = new StepRing();
  #socket: ProfilingSocket | null = null;
  #captureFrom = 0n;
  #deviceSet = false;
  #weights = 0;

  constructor(context: SimContext, id: RankIdentity, faults: FaultPlan, log: RankLog) {
    this.context = context;
    this.id = id;
    this.faults = faults;
    this.log = log;
    this.tenant = new DeviceTenant(context.stateDir, id.device, id.processName);
    this.plog = new Plog(context.home, id.processName);
  }

  get totalBytes(): number {
    return this.context.host.hbmBytes;
  }

  /** Free memory of the device as the runtime reports it to this process when it holds `own`. */
  freeBytes(own: number): number {
    return Math.max(0, this.totalBytes - own - this.tenant.othersBytes() - staleBytes(this.context.host, this.id.device));
  }

  wait(ms: number): Promise<void> {
    return sleep(ms / this.context.speed);
  }

  /** Opens the device: the process takes its context. */
  setDevice(): void {
    this.#deviceSet = true;
    this.tenant.hold(assumed('contextBytes'));
  }

  /**
   * Takes memory as weights arrive. Dies when they do not fit, and when the fault says so; a load that is stuck never returns.
   * @returns bytes held in the end
   */
  async loadWeights(bytes: number): Promise<number> {
    const context = assumed('contextBytes');
    const parts = 5;
    for (let part = 1; part <= parts; part += 1) {
      await this.wait(assumed('weightLoad_ms') / parts);
      const held = context + (bytes * part) / parts;
      if (this.faults.dStateLoad) await this.#stuck(held);
      if (this.freeBytes(held) <= 0 || (this.faults.oomAtLoad && part === parts - 1)) this.dieOfMemory(bytes / parts, held - bytes / parts);
      this.tenant.hold(held);
    }
    this.#weights = context + bytes;
    return this.#weights;
  }

  /** Takes the cache. Dies when the warm-up then finds less than it wants. */
  holdCache(bytes: number): void {
    const held = this.#weights + bytes;
    this.tenant.hold(held);
    if (this.freeBytes(held) < this.faults.warmupBytes) this.dieOfMemory(this.faults.warmupBytes, held);
  }

  /** Never returns; only a hard signal ends it. */
  async #stuck(held: number): Promise<never> {
    process.on('SIGTERM', () => undefined);
    process.on('SIGINT', () => undefined);
    this.tenant.hold(held, 'd-state-load');
    await this.wait(assumed('hungTask_ms'));
    hungTask(this.context.stateDir, { name: this.id.processName, pid: process.pid, parent: process.ppid, seconds: 120 });
    return this.rest();
  }

  /** Stays alive and does nothing. */
  async rest(): Promise<never> {
    for (;;) await sleep(60_000);
  }

  /** Records a step of the engine as this rank lived it. */
  record(step: StepRecord): void {
    const own = onRank(step, this.faults.computeFactor, this.faults.slowest);
    this.#ring.add(own);
    this.tenant.beat((100 * own.compute_us) / Math.max(1, own.duration_us + own.hostGap_us));
  }

  get profiled(): boolean {
    return this.#socket?.running ?? false;
  }

  /** Listens for a profiler when the environment asks for it. */
  offerProfiling(facts: ProfilingFacts): void {
    if (this.context.env['PROFILING_MODE'] !== 'dynamic') return;
    this.#socket = new ProfilingSocket(this.context.home, {
      ready: () => this.#deviceSet,
      started: () => {
        this.#captureFrom = nowNs();
      },
      stopped: (keep) => {
        const until = nowNs();
        if (!keep) return null;
        return {
          simulated: true,
          framework: this.id.framework,
          pid: process.pid,
          rank: this.id.rank,
          world_size: this.id.world,
          device: this.id.device,
          chip: this.context.host.chip.soc,
          seed: this.context.host.seed,
          compute_factor: this.faults.computeFactor,
          ...facts,
          started_ns: this.#captureFrom.toString(),
          stopped_ns: until.toString(),
          steps: this.#ring.between(this.#captureFrom, until).map(toWire),
        };
      },
    });
  }

  close(): void {
    this.#socket?.close();
    this.tenant.release();
  }

  /** What the allocator says when nothing is left. */
  dieOfMemory(asked: number, held: number): never {
    const free = this.freeBytes(held);
    const text = outOfMemoryText({ device: this.id.device, askedBytes: asked, totalBytes: this.totalBytes, allocatedBytes: held, reservedBytes: held, freeBytes: Math.min(free, asked / 2) });
    this.log.raw(uncaught('c10::OutOfMemoryError', text));
    this.log.raw(memoryBlock(Math.ceil(asked)));
    this.#socket?.close();
    return abort('SIGABRT');
  }

  /** What this rank does about trouble somewhere; the rank that is the trouble itself included. Returns when it lives on. */
  async suffer(trouble: Trouble): Promise<void> {
    const { rank, world, device } = this.id;
    const mine = trouble.rank === rank;
    // Peers notice a little later, rank 0 last: its end is the end of the others.
    const lag = (rank === 0 ? 200 : 40) + rank * 5;
    switch (trouble.kind) {
      case 'stall':
        if (mine) return;
        await this.wait(hcclTimeoutMs(this.context) + lag);
        this.log.raw(notifyTimeout(this.plog, { device, rank, worldSize: world, silentRank: trouble.rank, group: '127.0.0.1%lo_60000_0_1', index: trouble.index, count: 4096, issued: trouble.issued, lost: trouble.lost }));
        return this.#end('std::runtime_error', 'The Inner error is reported as above. The process exits for this inner error, and the current working operator name is HcclAllreduce.');
      case 'aicore':
        if (mine) {
          this.log.raw(kernelCrash(this.plog, { device, rank, unit: 'vector', kernel: 'ScatterPaKvCache_0' }));
          return this.#end('std::runtime_error', 'The Inner error is reported as above. The process exits for this inner error, and the current working operator name is ScatterPaKvCache.');
        }
        await this.wait(lag);
        this.log.raw(remoteError(this.plog, device, rank));
        return this.#end('std::runtime_error', 'SUSPECT REMOTE ERROR');
      case 'oom':
        if (mine) this.dieOfMemory(288 * 1024 * 1024, this.totalBytes - this.freeBytes(0));
        return;
      case 'crash':
        if (!mine) return;
        this.log.raw(`*** SIGSEGV (@0x0) received by PID ${process.pid} (TID 0x${process.pid.toString(16)}) from PID 0; stack trace: ***\n    @     0xffff9a1c5c18 (unknown)\nSegmentation fault (core dumped)\n`);
        this.#socket?.close();
        return abort('SIGSEGV');
    }
  }

  #end(type: string, text: string): never {
    this.log.raw(`terminate called after throwing an instance of '${type}'\n  what():  ${text}\n`);
    this.#socket?.close();
    return abort('SIGABRT');
  }
}

/** HCCL_EXEC_TIMEOUT, scaled as the default of 1800 s is. */
export function hcclTimeoutMs(context: SimContext): number {
  const asked = Number(context.env['HCCL_EXEC_TIMEOUT'] ?? '1800');
  const share = Number.isFinite(asked) && asked > 0 ? asked / 1800 : 1;
  return Math.max(300, assumed('hcclTimeout_ms') * share);
}

/** Trouble of a collective issued now. */
export function trouble(kind: Trouble['kind'], rank: number, index: number, lost = false): Trouble {
  return { t: 'trouble', kind, rank, index, lost, issued: issueTime() };
}

/** What a profiler is told about the service. */
export function profilingFacts(model: LoadedModel, draft: LoadedModel | null, parallel: Parallel, blockSize: number, graph: boolean, launch_us: number): ProfilingFacts {
  return { tp: parallel.tp, dp: parallel.dp, ep: parallel.ep, model_config: { ...model.config }, draft_config: draft === null ? null : { ...draft.config }, block_size: blockSize, graph_enabled: graph, launch_us };
}
