import { simulatedGroup } from './llm-group.js';
import type { Capture, PlantedFault, SimDevice, SimProcess, WindowTruth } from './capture.js';
import { decodeDefaults, simChip, type DecodeOptions } from './llm-options.js';
import { StepProgram, type StepItem } from './llm-kernels.js';
import { planAllReduce } from './llm-comm.js';
import { RankClock, type RankTrace } from './llm-rank.js';
import { windowTruth } from './llm-truth.js';
import { plantedFaults } from './llm-faults.js';
import { memoryTrace } from './llm-memory.js';

/** What the simulator knows about the capture it made. */
export interface CaptureTruth {
  readonly windows: readonly WindowTruth[];
  readonly faults: readonly PlantedFault[];
  /** First task's start to the last one's end, per step of rank 0. */
  readonly steps: readonly {
    readonly kind: 'decode' | 'prefill';
    readonly start_us: number;
    readonly end_us: number;
  }[];
  readonly layers: number;
  /** Kernels of one decode step and rank. */
  readonly kernelsPerDecodeStep: number;
  readonly collectivesPerStep: number;
}

export interface DecodeCapture {
  readonly capture: Capture;
  readonly truth: CaptureTruth;
  readonly options: DecodeOptions;
}

/**
 * A seeded capture of LLM serving. Ranks are simulated together in true time: a stream never overlaps itself, no kernel starts before its
 * launch, no collective transfers before the last rank is there. Clock skew moves a whole process afterwards.
 */
export function makeDecodeCapture(wanted: Partial<DecodeOptions> = {}): DecodeCapture {
  const options: DecodeOptions = { ...decodeDefaults, ...wanted };
  const decode = new StepProgram(options, false).items();
  const prefill = options.prefillEvery === null ? decode : new StepProgram(options, true).items();
  const ranks = Array.from({ length: options.ranks }, (_, rank) => new RankClock(options, makeDevice(options, rank)));
  const steps: { kind: 'decode' | 'prefill'; start: number; end: number }[] = [];

  for (const clock of ranks) clock.begin();
  for (let step = 0; step < options.steps; step += 1) {
    const isPrefill = options.prefillEvery !== null && step % options.prefillEvery === 0;
    for (const clock of ranks) clock.beginStep(step);
    // With dynamic shapes every step has another batch than the one before.
    const varied = options.dynamicShape
      ? new StepProgram({ ...options, batch: Math.max(1, options.batch - (step % 4)) }, isPrefill).items()
      : null;
    runStep(options, ranks, varied ?? (isPrefill ? prefill : decode));
    for (const clock of ranks) clock.endStep();
    const first = ranks[0]?.stepWindow(step);
    if (first !== undefined) steps.push({ kind: isPrefill ? 'prefill' : 'decode', ...first });
  }
  const traces = ranks.map((clock) => clock.finish());
  const processes = makeProcesses(options, traces);
  return {
    capture: {
      seed: options.seed,
      config: {
        level: options.level,
        aicMetrics: options.level === 'l0' ? null : options.aicMetrics,
        flags: {
          'task-time': options.level,
          ascendcl: 'on',
          'ai-core': options.level === 'l0' ? 'off' : 'on',
          ...(options.aicMetrics === null ? {} : { 'aic-metrics': options.aicMetrics }),
          ...(options.marks === 'mstx' ? { msproftx: 'on' } : {}),
        },
        cannVersion: options.cannVersion,
        torchNpuVersion: '2.7.1',
        groups:
          options.ranks > 1
            ? { [simulatedGroup(options)]: Array.from({ length: options.ranks }, (_, rank) => rank) }
            : {},
      },
      processes,
    },
    truth: {
      windows: traces.map((trace) => windowTruth(trace.device, trace.tasks, trace.ops, trace.sums)),
      faults: plantedFaults(options, traces),
      steps: steps.map((step) => ({ kind: step.kind, start_us: step.start / 1000, end_us: step.end / 1000 })),
      layers: options.layers,
      kernelsPerDecodeStep: decode.filter((item) => item.kind === 'kernel').length,
      collectivesPerStep: decode.length - decode.filter((item) => item.kind === 'kernel').length,
    },
    options,
  };
}

function runStep(options: DecodeOptions, ranks: readonly RankClock[], items: readonly StepItem[]): void {
  for (const item of items) {
    if (item.kind === 'kernel') {
      for (const clock of ranks) clock.kernel(item.plan);
      continue;
    }
    const arrivals = ranks.map((clock) => clock.arrive());
    const plans = planAllReduce(options, arrivals, item.elements * 2);
    ranks.forEach((clock, rank) => {
      const plan = plans[rank];
      if (plan !== undefined) clock.collective(plan, item.elements);
    });
  }
}

function makeDevice(options: DecodeOptions, rank: number): SimDevice {
  const { family, aicoreCount, aivectorCount, aicoreMhz, hbmBytes } = simChip(options.chip);
  return {
    id: rank % options.devicesPerHost,
    rank: options.rankKnown ? rank : null,
    host: `sim-node-${Math.floor(rank / options.devicesPerHost)}`,
    chip: options.chip,
    family,
    aicoreCount,
    aivectorCount,
    aicoreMhz,
    hbmBytes,
  };
}

function makeProcesses(options: DecodeOptions, traces: readonly RankTrace[]): SimProcess[] {
  const processes: SimProcess[] = [];
  for (let first = 0; first < traces.length; first += options.devicesPerProcess) {
    const mine = traces.slice(first, first + options.devicesPerProcess);
    const lead = mine[0];
    if (lead === undefined) break;
    const host = Math.floor(first / options.devicesPerHost);
    const byStart = <T extends { readonly startNs: bigint }>(items: T[]): T[] =>
      mine.length === 1 ? items : items.sort((a, b) => (a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : 0));
    const ends = mine.map((trace) => trace.endNs);
    processes.push({
      pid: 20_000 + host * 1000 + (first % options.devicesPerHost) * 7,
      hostUid: `${9_000_000_000_000_000_000n + BigInt(host)}`,
      host: lead.device.host,
      rank: lead.device.rank,
      clockSkewNs: Math.round((options.clockSkewUs[first] ?? 0) * 1000),
      startNs: lead.startNs,
      endNs: ends.reduce((a, b) => (a > b ? a : b)),
      devices: mine.map((trace) => trace.device),
      tasks: byStart(mine.flatMap((trace) => trace.tasks)),
      commOps: byStart(mine.flatMap((trace) => trace.ops)),
      apis: byStart(mine.flatMap((trace) => trace.apis)),
      memory: mine.flatMap((trace) => memoryTrace(options, trace)),
      frequency: mine.flatMap((trace) => trace.frequency),
      marks: lead.marks,
    });
  }
  return processes;
}
