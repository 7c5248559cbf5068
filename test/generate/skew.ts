import type { Capture, SimCommOp, SimDevice, SimProcess, SimTask } from '../../server/sim/capture.js';
import { planAllReduce } from '../../server/sim/llm-comm.js';
import { StepProgram, type StepItem } from '../../server/sim/llm-kernels.js';
import { decodeDefaults, simChip, type DecodeOptions, type LlmShape } from '../../server/sim/llm-options.js';
import { RankClock, type RankTrace } from '../../server/sim/llm-rank.js';
import { Random } from '../../server/sim/random.js';

/** What to plant. Ranks are numbered replica × tp + place in the replica. */
export interface SkewPlant {
  readonly seed: number;
  readonly tp: number;
  readonly dp: number;
  /** True: replicas meet in one collective per layer, as in expert parallelism; false: they run on their own. */
  readonly coupled: boolean;
  readonly layers: number;
  readonly steps: number;
  /** Every n-th step is a prefill; null: decode only. */
  readonly prefillEvery: number | null;
  /** Sequences per step of each replica; one number serves all. */
  readonly batch: readonly number[];
  /** From `from` on (up to `to`) kernels take `factor` times as long: all, those of some op types, or those of one kind of step. */
  readonly slow: { readonly ranks: readonly number[]; readonly factor: number; readonly from: number; readonly to?: number; readonly ops?: readonly string[]; readonly kind?: 'prefill' | 'decode' } | null;
  /**
   * Speculative decoding: so many passes of one layer draft a token each for every sequence, and one pass of the model verifies them, with a
   * kernel of its own or with the ordinary sampler. Null: none.
   */
  readonly speculate: { readonly drafts: number; readonly rejection: boolean } | null;
  /** Host work between a step's result and the next launch; null: the next step is scheduled ahead. */
  readonly syncGapUs: number | null;
  /** From a step on the host of a rank takes so long per launch. */
  readonly slowHost: { readonly rank: number; readonly launchUs: number; readonly from: number } | null;
  /** Numbers as in the group; in the group of all when replicas are coupled, else in the first replica's. */
  readonly slowLink: { readonly src: number; readonly dst: number; readonly factor: number } | null;
  /** What each rank's clock is ahead at the start, and how fast it runs away. Missing ranks have 0. */
  readonly clockUs: readonly number[];
  readonly driftPpm: readonly number[];
  /** Share of tasks and of collectives that the profiler lost. */
  readonly dropTasks: number;
  readonly dropCollectives: number;
  readonly missing: readonly number[];
  /** Part of the run that each rank's profiler saw, 0…1; missing ranks saw all of it. */
  readonly seen: readonly (readonly [number, number])[];
  readonly devicesPerProcess: number;
  readonly rankKnown: boolean;
  /** True: names carry no counter that could be matched, as in replayed graphs. */
  readonly replayed: boolean;
  readonly commOverlap: boolean;
  /** Relative spread of a rank's kernel times from step to step, beyond the usual. */
  readonly stepNoise: number;
  /** Up to so much before the common end a rank's collective ends, as its own clock of ticks sees it. */
  readonly endNoiseUs: number;
}

const small: LlmShape = { hidden: 2048, heads: 16, kvHeads: 8, headDim: 128, intermediate: 6144, vocab: 32000 };

export const skewDefaults: SkewPlant = {
  seed: 1,
  tp: 4,
  dp: 1,
  coupled: false,
  layers: 4,
  steps: 16,
  prefillEvery: null,
  batch: [16],
  slow: null,
  speculate: null,
  syncGapUs: null,
  slowHost: null,
  slowLink: null,
  clockUs: [],
  driftPpm: [],
  dropTasks: 0,
  dropCollectives: 0,
  missing: [],
  seen: [],
  devicesPerProcess: 1,
  rankKnown: true,
  replayed: false,
  commOverlap: false,
  stepNoise: 0,
  endNoiseUs: 0,
};

interface State {
  step: number;
  op: string;
  kind: 'prefill' | 'decode';
  noise: number;
}

interface Label {
  readonly group: string;
  readonly tag: number;
  readonly type: string;
  readonly size: number;
  readonly count: number;
}

interface Rank {
  readonly index: number;
  readonly clock: RankClock;
  readonly options: DecodeOptions;
  readonly state: State;
  readonly labels: Label[];
  readonly random: Random;
}

/** Options of one rank whose pace follows the plant step by step. */
function optionsOf(plant: SkewPlant, rank: number, state: State): DecodeOptions {
  const { slow, slowHost } = plant;
  return {
    ...decodeDefaults,
    seed: plant.seed,
    model: small,
    ranks: plant.tp,
    devicesPerProcess: plant.devicesPerProcess,
    layers: plant.layers,
    steps: plant.steps,
    batch: plant.batch[Math.floor(rank / plant.tp)] ?? plant.batch[0] ?? 16,
    prefillEvery: plant.prefillEvery,
    prefillTokens: 512,
    commOverlap: plant.commOverlap,
    syncGapUs: plant.syncGapUs,
    aicMetrics: null,
    get slowRank() {
      const hit =
        slow !== null &&
        slow.ranks.includes(rank) &&
        state.step >= slow.from &&
        state.step < (slow.to ?? Number.POSITIVE_INFINITY) &&
        (slow.ops === undefined || slow.ops.includes(state.op)) &&
        (slow.kind === undefined || slow.kind === state.kind);
      return { rank, factor: state.noise * (hit ? slow.factor : 1) };
    },
    get launchUs() {
      return slowHost?.rank === rank && state.step >= slowHost.from ? slowHost.launchUs : 2;
    },
  };
}

const host = (rank: number): string => `sim-node-${Math.floor(rank / 8)}`;

function deviceOf(plant: SkewPlant, rank: number): SimDevice {
  const { family, aicoreCount, aivectorCount, aicoreMhz, hbmBytes } = simChip(decodeDefaults.chip);
  return { id: rank % 8, rank: plant.rankKnown ? rank : null, host: host(rank), chip: decodeDefaults.chip, family, aicoreCount, aivectorCount, aicoreMhz, hbmBytes };
}

/** Kernels of a verification: every sequence has its last token and the drafts. The kernel that verifies tells sequences and tokens apart. */
function verifyItems(options: DecodeOptions, drafts: number, rejection: boolean): readonly StepItem[] {
  const items = new StepProgram({ ...options, batch: options.batch * (drafts + 1) }, false).items();
  return items.map((item) => {
    if (item.kind !== 'kernel' || item.plan.kernel.opType !== 'ArgMaxV2' || !rejection) return item;
    const inputShapes = `${options.batch},${drafts + 1},${options.model.vocab}`;
    return { ...item, plan: { ...item.plan, name: 'aclnnRejectionSampler_RejectionSampler', kernel: { ...item.plan.kernel, opType: 'RejectionSampler', inputShapes } } };
  });
}

/**
 * Kernels of a decode and of a prefill step. With a kernel that verifies, drafts come before it, and a prompt has none; without one the long
 * pass opens the step and its drafts are for the next one, after a prompt too.
 */
function programsOf(options: DecodeOptions, { speculate }: SkewPlant): { readonly decode: readonly StepItem[]; readonly prefill: readonly StepItem[] } {
  const prefill = new StepProgram(options, true).items();
  if (speculate === null) return { decode: new StepProgram(options, false).items(), prefill };
  const drafts = Array.from({ length: speculate.drafts }, () => new StepProgram({ ...options, layers: 1 }, false).items()).flat();
  const verify = verifyItems(options, speculate.drafts, speculate.rejection);
  return speculate.rejection ? { decode: [...drafts, ...verify], prefill } : { decode: [...verify, ...drafts], prefill: [...prefill, ...drafts] };
}

/** Simulates the ranks together in true time: collectives begin to transfer when the last rank is there. */
export function makeSkewCapture(wanted: Partial<SkewPlant> = {}): { readonly capture: Capture; readonly plant: SkewPlant; readonly stepStartUs: readonly number[]; /** Idle of rank 0 behind the host's work between steps. */ readonly syncIdleUs: number } {
  const plant: SkewPlant = { ...skewDefaults, ...wanted };
  const world = plant.tp * plant.dp;
  const ranks = Array.from({ length: world }, (_, index): Rank => {
    const state: State = { step: 0, op: '', kind: 'decode', noise: 1 };
    const options = optionsOf(plant, index, state);
    return { index, options, state, labels: [], clock: new RankClock(options, { ...deviceOf(plant, index), rank: index }), random: new Random(plant.seed * 31 + index) };
  });
  const replicas = Array.from({ length: plant.dp }, (_, d) => ranks.slice(d * plant.tp, (d + 1) * plant.tp));
  const programs = replicas.map(([first]) => {
    const options = first?.options ?? decodeDefaults;
    return programsOf(options, plant);
  });
  for (const rank of ranks) rank.clock.begin();
  for (let step = 0; step < plant.steps; step += 1) {
    const prefill = plant.prefillEvery !== null && step % plant.prefillEvery === plant.prefillEvery - 1;
    for (const rank of ranks) {
      Object.assign(rank.state, { step, kind: prefill ? 'prefill' : 'decode', noise: rank.random.jitter(1, plant.stepNoise) });
      rank.clock.beginStep(step);
    }
    const items = programs.map((p) => (prefill ? p.prefill : p.decode));
    runStep(plant, replicas, items);
    for (const rank of ranks) rank.clock.endStep();
  }
  const stepStartUs = Array.from({ length: plant.steps }, (_, s) => (ranks[0]?.clock.stepWindow(s)?.start ?? 0) / 1000);
  const traces = ranks.map((rank) => ({ rank, trace: rank.clock.finish() }));
  const groups: Record<string, number[]> = {};
  for (const { index, labels } of ranks) for (const name of new Set(labels.map((l) => l.group))) groups[name] = [...(groups[name] ?? []), index];
  const config: Capture['config'] = { level: 'l1', aicMetrics: null, flags: { 'task-time': 'l1', ascendcl: 'on', 'ai-core': 'off' }, cannVersion: '8.5.0', torchNpuVersion: '2.7.1', groups };
  return { capture: { seed: plant.seed, config, processes: processesOf(plant, traces) }, plant, stepStartUs, syncIdleUs: (traces[0]?.trace.syncIdleNs ?? 0) / 1000 };
}

function runStep(plant: SkewPlant, replicas: readonly (readonly Rank[])[], programs: readonly (readonly StepItem[])[]): void {
  const collective = (members: readonly Rank[], label: Label, slowLink: SkewPlant['slowLink']): void => {
    const arrivals = members.map((m) => m.clock.arrive());
    const plans = planAllReduce({ ...decodeDefaults, slowLink }, arrivals, label.count * 2);
    members.forEach((m, i) => {
      const planned = plans[i];
      if (planned === undefined) return;
      m.labels.push(label);
      m.clock.collective(planned, label.count);
    });
  };
  const all = replicas.flat();
  let reduces = 0;
  // Programs of all replicas have the same items but for their shapes; each one ends its item before the next begins anywhere.
  for (let i = 0; i < (programs[0]?.length ?? 0); i += 1) {
    let world: number | null = null;
    replicas.forEach((members, d) => {
      const item = programs[d]?.[i];
      if (item === undefined) return;
      if (item.kind === 'kernel') {
        for (const m of members) {
          m.state.op = item.plan.kernel.opType;
          m.clock.kernel(item.plan);
        }
        return;
      }
      collective(members, { group: groupName(plant, d), tag: 100 + d, type: 'allReduce', size: plant.tp, count: item.elements }, d === 0 && !plant.coupled ? plant.slowLink : null);
      world = item.elements;
    });
    // Without tensor parallelism there is no reduction to hang it on: replicas meet behind every second norm.
    const item = programs[0]?.[i];
    if (plant.tp === 1 && item?.kind === 'kernel' && item.plan.kernel.opType === 'SwiGlu') world = 16 * small.hidden;
    if (world === null) continue;
    reduces += 1;
    if (plant.coupled && (plant.tp === 1 || reduces % 2 === 0)) collective(all, { group: groupName(plant, -1), tag: 99, type: 'alltoallv', size: all.length, count: world }, plant.slowLink);
  }
}

function groupName(plant: SkewPlant, replica: number): string {
  return `192.0.2.${10 + replica}%enp0s0_60000_${replica + 1}_${plant.seed}`;
}

function processesOf(plant: SkewPlant, traces: readonly { readonly rank: Rank; readonly trace: RankTrace }[]): SimProcess[] {
  const processes: SimProcess[] = [];
  for (let first = 0; first < traces.length; first += plant.devicesPerProcess) {
    const mine = traces.slice(first, first + plant.devicesPerProcess).filter(({ rank }) => !plant.missing.includes(rank.index));
    const lead = mine[0];
    if (lead === undefined) continue;
    const drop = new Random(plant.seed * 77 + first);
    const ends = new Random(plant.seed * 55 + first);
    const origin = decodeDefaults.startNs;
    const [ahead, drift] = [(plant.clockUs[first] ?? 0) * 1000, (plant.driftPpm[first] ?? 0) / 1e6];
    const local = (at: bigint): bigint => at + BigInt(Math.round(ahead + drift * Number(at - origin)));
    const [from, to] = plant.seen[first] ?? [0, 1];
    const span = Number(lead.trace.endNs - lead.trace.startNs);
    const inside = (at: bigint): boolean => Number(at - lead.trace.startNs) >= from * span && Number(at - lead.trace.startNs) <= to * span;
    const moved = <T extends { readonly startNs: bigint }>(items: readonly T[], lost: number): T[] =>
      items.filter((item) => inside(item.startNs) && (lost === 0 || drop.next() >= lost)).map((item) => ({ ...item, startNs: local(item.startNs) }));
    const byStart = <T extends { readonly startNs: bigint }>(items: T[]): T[] => items.sort((a, b) => (a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : 0));
    const named = (ops: readonly SimCommOp[], labels: readonly Label[]): SimCommOp[] => {
      const counters = new Map<string, number>();
      return ops.map((op, i) => {
        const label = labels[i];
        if (label === undefined) return op;
        const n = counters.get(label.group) ?? 0;
        counters.set(label.group, n + 1);
        const perStep = labels.filter((l) => l.group === label.group).length / plant.steps;
        const counter = plant.replayed ? n % perStep : n;
        const early = Math.min(op.durationNs / 2, ends.next() * plant.endNoiseUs * 1000);
        return { ...op, durationNs: Math.round(op.durationNs - early), name: `hcom_${label.type}__${label.tag}_${counter}_1`, opType: `hcom_${label.type}_`, group: label.group, rankSize: label.size, tasks: moved(op.tasks, 0) };
      });
    };
    const device = ({ rank }: { rank: Rank }): SimDevice => deviceOf(plant, rank.index);
    processes.push({
      pid: 20_000 + first * 7,
      hostUid: `${9_000_000_000_000_000_000n + BigInt(Math.floor(first / 8))}`,
      host: host(first),
      rank: plant.rankKnown ? lead.rank.index : null,
      clockSkewNs: Math.round(ahead),
      startNs: local(lead.trace.startNs),
      endNs: mine.map(({ trace }) => local(trace.endNs)).reduce((a, b) => (a > b ? a : b)),
      devices: mine.map(device),
      tasks: byStart(mine.flatMap(({ trace }): SimTask[] => moved(trace.tasks, plant.dropTasks))),
      commOps: byStart(mine.flatMap(({ rank, trace }) => moved(named(trace.ops, rank.labels), plant.dropCollectives))),
      apis: byStart(mine.flatMap(({ trace }) => moved(trace.apis, 0))),
      memory: [],
      frequency: mine.flatMap(({ trace }) => trace.frequency.map((f) => ({ ...f, timeNs: local(f.timeNs) }))),
      marks: [],
    });
  }
  return processes;
}
