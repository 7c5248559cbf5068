import { z } from 'zod';

/** What a simulated service did, step by step: the truth a simulated profiler writes its tables from. */

export type StepPhase = 'prefill' | 'decode' | 'mixed';

export interface StepRecord {
  /** From 0, never reused in a service. */
  readonly index: number;
  readonly phase: StepPhase;
  /** Start of the first kernel on the device, epoch ns. */
  readonly startNs: bigint;
  /** Device time between the last step and this one that the host took. */
  readonly hostGap_us: number;
  /** Step on the device, from first kernel to last, waits included. */
  readonly duration_us: number;
  /** Summed compute time of this rank. */
  readonly compute_us: number;
  /** Collectives, transfer only. */
  readonly communication_us: number;
  /** Waiting in collectives for slower ranks. */
  readonly commWait_us: number;
  /** Time the host needed for the launches; above compute it, and not the device, sets the pace. 0 in a graph replay. */
  readonly launch_us: number;
  /** True: replayed as a graph. */
  readonly graph: boolean;
  /** True: a graph was captured in this step. */
  readonly capture: boolean;
  readonly sequences: number;
  readonly prefillTokens: number;
  /** Query tokens of the decoding sequences, drafts to verify included. */
  readonly decodeTokens: number;
  /** Tokens in the cache over all sequences of the step. */
  readonly contextTokens: number;
  /** Forward passes of the draft model. */
  readonly draftSteps: number;
}

/** As it travels: nanoseconds as text. */
export const stepWire = z.object({
  index: z.int(),
  phase: z.enum(['prefill', 'decode', 'mixed']),
  start_ns: z.string(),
  hostGap_us: z.number(),
  duration_us: z.number(),
  compute_us: z.number(),
  communication_us: z.number(),
  commWait_us: z.number(),
  launch_us: z.number(),
  graph: z.boolean(),
  capture: z.boolean(),
  sequences: z.int(),
  prefillTokens: z.int(),
  decodeTokens: z.int(),
  contextTokens: z.int(),
  draftSteps: z.int(),
});
export type StepWire = z.infer<typeof stepWire>;

export function toWire(record: StepRecord): StepWire {
  const { startNs, ...rest } = record;
  return { ...rest, start_ns: startNs.toString() };
}

export function fromWire(wire: StepWire): StepRecord {
  const { start_ns, ...rest } = wire;
  return { ...rest, startNs: BigInt(start_ns) };
}

/** The step as one rank lived it: its own compute time, and waiting for the slowest. */
export function onRank(step: StepRecord, factor: number, slowest: number): StepRecord {
  return { ...step, compute_us: step.compute_us * factor, commWait_us: step.commWait_us + step.compute_us * (slowest - factor) };
}

/** The last steps of a process; older ones are forgotten. */
export class StepRing {
  readonly #capacity: number;
  readonly #steps: StepRecord[] = [];

  constructor(capacity = 50_000) {
    this.#capacity = capacity;
  }

  add(step: StepRecord): void {
    this.#steps.push(step);
    // Dropped in large pieces: shifting one by one would copy the array at every step.
    if (this.#steps.length > this.#capacity * 1.25) this.#steps.splice(0, this.#steps.length - this.#capacity);
  }

  /** Steps that lie wholly in the window. */
  between(fromNs: bigint, toNs: bigint): StepRecord[] {
    return this.#steps.filter((s) => s.startNs >= fromNs && s.startNs + BigInt(Math.round(s.duration_us * 1000)) <= toNs);
  }
}
