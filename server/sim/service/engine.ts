import { setTimeout as sleep } from 'node:timers/promises';
import { assumed } from '../assumptions.js';
import { Random } from '../random.js';
import type { StepPhase, StepRecord } from '../step-record.js';
import { nowMs, nsAt } from './clock.js';
import type { Graphs } from './graphs.js';
import { Scheduler, type Scheduled } from './scheduler.js';
import { Sequence, type SequenceRequest } from './sequence.js';
import type { CostModel, StepCost, StepLoad } from './step-cost.js';

/** What a step meant, for counters. */
export interface StepReport {
  readonly record: StepRecord;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly preempted: number;
  readonly speculation: { readonly drafts: number; readonly draftTokens: number; readonly accepted: number; readonly committed: number; readonly perPosition: readonly number[] } | null;
  /** Sequences that got their first token, with the time since they came, ms. */
  readonly firstTokens_ms: readonly number[];
  /** Time per further token, ms, one entry per sequence and step, shared out over the tokens of the step. */
  readonly tokenGaps_ms: readonly number[];
}

export interface EngineHooks {
  /** Before a step: false parks the engine for ever. */
  mayStep(index: number): boolean;
  /** A step ended. Its times are those of a rank that is not slow. */
  stepped(report: StepReport): void;
  captured(bucket: number, tokens: number, ms: number): void;
  overLimit(globalBatch: number, localBatch: number): void;
  /** A sequence can never be scheduled. */
  refused(sequence: Sequence, reason: 'memory' | 'budget'): void;
  /** A profiler is attached and recording. */
  profiled(): boolean;
}

export interface EngineOptions {
  readonly scheduler: Scheduler;
  readonly cost: CostModel;
  readonly graphs: Graphs;
  readonly seed: number;
  /** Number of this service start on the host. */
  readonly start: number;
  /** Probability that a draft is accepted, given the ones before it. */
  readonly acceptance: number;
  /** Host time of one eager launch, µs. */
  readonly launch_us: number;
  /** Slowest rank's compute over the others'. */
  readonly slowest: number;
  readonly hooks: EngineHooks;
}

/** A lag the loop makes up for instead of moving all later steps. */
const catchUpMs = 4;

/** Continuous batching in real time: each step takes as long as its price. */
export class Engine {
  readonly #o: EngineOptions;
  readonly #random: Random;
  /** What this service start is off the mean, as real starts are. */
  readonly #startFactor: number;
  #index = 0;
  #freeMs = 0;
  #wake: (() => void) | null = null;
  #closed = false;

  constructor(options: EngineOptions) {
    this.#o = options;
    this.#random = new Random(options.seed ^ Math.imul(options.start, 0x9e3779b1));
    this.#startFactor = 1 + assumed('startNoise') * this.#normal();
    void this.#run();
  }

  get scheduler(): Scheduler {
    return this.#o.scheduler;
  }

  submit(request: SequenceRequest): Sequence {
    const sequence = new Sequence(request, nowMs());
    this.#o.scheduler.add(sequence);
    this.#wake?.();
    return sequence;
  }

  /** The client went away. */
  cancel(sequence: Sequence): void {
    if (sequence.state === 'done') return;
    sequence.state = 'done';
    this.#o.scheduler.remove(sequence);
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Near enough to normal: the sum of twelve uniform numbers. */
  #normal(): number {
    let sum = -6;
    for (let i = 0; i < 12; i += 1) sum += this.#random.next();
    return sum;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      if (!this.#o.scheduler.busy) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = null;
        continue;
      }
      const batch = this.#o.scheduler.next();
      for (const { sequence, reason } of batch.failed) this.#refuse(sequence, reason);
      if (batch.prefill.length + batch.decode.length === 0) {
        await sleep(1);
        continue;
      }
      if (!this.#o.hooks.mayStep(this.#index)) return;
      await this.#step(batch);
    }
  }

  #refuse(sequence: Sequence, reason: 'memory' | 'budget'): void {
    this.#o.scheduler.remove(sequence);
    sequence.state = 'done';
    this.#o.hooks.refused(sequence, reason);
    sequence.request.listener.failed(reason === 'memory' ? 'No enough memory to schedule single sequence' : 'No enough budget to schedule single sequence.');
  }

  #price(loads: readonly StepLoad[]): StepCost {
    const costs = loads.filter((l) => l.prefillSequences + l.decodeSequences > 0).map((l) => this.#o.cost(l));
    return costs.reduce((a, b) => (b.compute_us + b.communication_us > a.compute_us + a.communication_us ? b : a));
  }

  async #step(batch: Scheduled): Promise<void> {
    const { scheduler, graphs, hooks } = this.#o;
    const loads = scheduler.loads(batch);
    const cost = this.#price(loads);
    const pure = batch.prefill.length === 0;
    const localBatch = pure ? Math.max(...loads.map((l) => l.decodeSequences)) : 0;
    const queryTokens = scheduler.options.speculative + 1;
    const decision = graphs.decide(localBatch, queryTokens);
    if (decision.kind === 'eager' && decision.overLimit) hooks.overLimit(batch.decode.length, localBatch);
    const noise = this.#startFactor * Math.max(0.5, 1 + assumed('stepNoise') * this.#normal());
    const overhead = hooks.profiled() ? assumed('profilerOverhead') : 1;
    const compute = cost.compute_us * noise;
    const communication = cost.communication_us * noise;
    const replay = decision.kind === 'replay';
    const launch = replay ? 0 : cost.kernels * this.#o.launch_us * overhead;
    const capture = decision.kind === 'capture' ? assumed('graphCapture_ms') * 1000 : 0;
    const duration = Math.max(compute * this.#o.slowest + communication, launch) * overhead + capture;
    const hostGap = scheduler.options.overlap ? assumed('overlapGap_us') : assumed('syncGap_us');

    const now = nowMs();
    const base = this.#freeMs > 0 && now - this.#freeMs < catchUpMs ? this.#freeMs : now;
    const startMs = base + hostGap / 1000;
    const endMs = startMs + duration / 1000;
    this.#freeMs = endMs;
    const startNs = nsAt(startMs);
    await this.#until(endMs);
    if (decision.kind === 'capture') hooks.captured(decision.bucket, localBatch * queryTokens, capture / 1000);

    const phase: StepPhase = pure ? 'decode' : batch.decode.length === 0 ? 'prefill' : 'mixed';
    const record: StepRecord = {
      index: this.#index,
      phase,
      startNs,
      hostGap_us: hostGap,
      duration_us: duration,
      compute_us: compute,
      communication_us: communication,
      commWait_us: 0,
      launch_us: launch,
      graph: replay,
      capture: decision.kind === 'capture',
      sequences: batch.prefill.length + batch.decode.length,
      prefillTokens: batch.prefill.reduce((sum, p) => sum + p.tokens, 0),
      decodeTokens: batch.decode.length * queryTokens,
      contextTokens: loads.reduce((sum, l) => sum + l.decodeContextTokens + l.prefillContextTokens, 0),
      draftSteps: batch.decode.length > 0 ? scheduler.options.speculative : 0,
    };
    this.#index += 1;
    this.#apply(batch, record);
  }

  /** Timers are late by up to a millisecond; a lag is made up by the next step's start, which lies on the ideal line. */
  async #until(endMs: number): Promise<void> {
    const left = endMs - nowMs();
    await (left > 0.3 ? sleep(left) : new Promise<void>((resolve) => setImmediate(resolve)));
  }

  #accepted(): number {
    let count = 0;
    while (count < this.#o.scheduler.options.speculative && this.#random.next() < this.#o.acceptance) count += 1;
    return count;
  }

  #apply(batch: Scheduled, record: StepRecord): void {
    const now = nowMs();
    const { scheduler } = this.#o;
    const drafts = scheduler.options.speculative;
    const firstTokens: number[] = [];
    const gaps: number[] = [];
    const perPosition = Array.from({ length: drafts }, () => 0);
    let [generated, accepted, committed, verified] = [0, 0, 0, 0];
    const take = (sequence: Sequence, count: number): number => {
      const before = sequence.lastTokenMs;
      const { taken, finished } = sequence.produce(count, now);
      generated += taken;
      if (before === null) firstTokens.push(now - sequence.createdMs);
      else if (taken > 0) gaps.push((now - before) / taken);
      if (finished) scheduler.remove(sequence);
      return taken;
    };
    for (const { sequence, tokens } of batch.prefill) {
      if (sequence.state !== 'prefill') continue;
      scheduler.computed(sequence, tokens);
      // Read through a variable: computed() moves the state on.
      const complete = sequence.computed >= sequence.needed;
      if (complete) take(sequence, 1);
    }
    for (const sequence of batch.decode) {
      if (sequence.state !== 'decode') continue;
      const hits = this.#accepted();
      const taken = take(sequence, hits + 1);
      sequence.computed += taken;
      if (drafts === 0) continue;
      verified += 1;
      accepted += hits;
      committed += hits + 1;
      for (let p = 0; p < hits; p += 1) perPosition[p] = (perPosition[p] ?? 0) + 1;
    }
    this.#o.hooks.stepped({
      record,
      promptTokens: record.prefillTokens,
      generatedTokens: generated,
      preempted: batch.preempted,
      speculation: drafts === 0 || verified === 0 ? null : { drafts: verified, draftTokens: verified * drafts, accepted, committed, perPosition },
      firstTokens_ms: firstTokens,
      tokenGaps_ms: gaps,
    });
  }
}
