import { taskClass, type Profile } from '../profile.js';
import { rowsOf } from './numbers.js';
import { stageRules as rules } from './stageRules.js';
import { stepsOf, type Steps } from './steps.js';
import { Labels } from './stepsLabels.js';

/** What a task is for. The index is the id in {@link TaskStages}; 0: not known. */
export const stageNames = [null, 'prefill', 'decode', 'mixed', 'sampling', 'communication', 'other'] as const;
export type Stage = (typeof stageNames)[number];
export type StepKind = 'prefill' | 'decode' | 'mixed' | null;

const ids = { unknown: 0, prefill: 1, decode: 2, mixed: 3, sampling: 4, communication: 5, other: 6 } as const;

/** What each step of a device is. */
export interface StepKinds {
  readonly kind: readonly StepKind[];
  /** Tokens of the step: rows of most of its matrix products. NaN when not known, as below. */
  readonly tokens: Float64Array;
  /** Sequences of the step: rows of its smallest sampler. */
  readonly sequences: Float64Array;
}

/** Linear layers: their rows are tokens. Batched products are attention's, grouped ones have rows per expert. */
const linear = /^(?:Weight)?Quant(?:Batch)?Mat[Mm]ul|^WeightQuantBatchMat|^Mat[Mm]ul/;
/** Attention kernels that serve one kind only. FusedInferAttentionScore serves both, and a short one may be of a short prompt: it tells nothing. */
const prefillAttention = /^(?:PromptFlashAttention|UnpadFlashAttention|FlashAttentionScore|SelfAttention)/i;
const decodeAttention = /^(?:IncreFlashAttention|PagedAttention|PagedMla|MultiLatentAttention)/i;

/** Dims of the first tensor of a shape list: `"16,4096;4096,12288"` → 16, 4096. Empty when unknown. */
function firstDims(text: string): number[] {
  const dims = (text.replaceAll('"', '').split(';')[0] ?? '').split(/[,x ]+/).map(Number);
  return dims.every((d) => Number.isSafeInteger(d) && d > 0) ? dims : [];
}

/** Rows of a matrix product's result; NaN when its shape does not tell. */
function rowsOfProduct(output: string, input: string): number {
  const dims = firstDims(output).length > 1 ? firstDims(output) : firstDims(input);
  return dims.length === 2 || dims.length === 3 ? dims.slice(0, -1).reduce((a, b) => a * b, 1) : Number.NaN;
}

/** Counts of values that mostly come in runs. */
class Tally {
  readonly #counts = new Map<number, number>();
  #last = Number.NaN;
  #run = 0;

  clear(): void {
    if (this.#counts.size > 0) this.#counts.clear();
    [this.#last, this.#run] = [Number.NaN, 0];
  }

  add(value: number): void {
    if (value !== this.#last) {
      this.#flush();
      this.#last = value;
    }
    this.#run += 1;
  }

  #flush(): void {
    if (this.#run > 0) this.#counts.set(this.#last, (this.#counts.get(this.#last) ?? 0) + this.#run);
    this.#run = 0;
  }

  /** Value seen most often; of equals the larger. NaN for none. */
  modal(): number {
    if (this.#counts.size === 0) return this.#last;
    this.#flush();
    let [best, times] = [Number.NaN, 0];
    for (const [value, count] of this.#counts) if (count > times || (count === times && value > best)) [best, times] = [value, count];
    return best;
  }
}

interface Seen {
  readonly tokens: number;
  readonly sequences: number;
  readonly prefillNames: boolean;
  readonly decodeNames: boolean;
}

function byNames(seen: Seen): StepKind {
  if (seen.prefillNames) return 'prefill';
  return seen.decodeNames ? 'decode' : null;
}

/**
 * Kinds of the steps of a device. Tokens per sequence up to 16 are a decode or the verification of drafts, more are a prefill; a step whose
 * tokens lie well above those of the other decodes, or with attention kernels of both kinds, is mixed (chunked prefill). Where
 * prompt tokens are more than 16 a sequence, a mixed step reads as prefill. Without shapes the names of attention kernels tell; else null.
 */
export function stepKinds(profile: Profile, steps: Steps, labels: Labels): StepKinds {
  const { tasks, strings } = profile;
  const { operators } = tasks;
  const { kernels } = steps;
  const count = steps.startNs.length;
  const flag = (test: RegExp): Uint8Array => Uint8Array.from({ length: labels.size }, (_, id) => (test.test(labels.get(id)) ? 1 : 0));
  const [isLinear, isPrefill, isDecode] = [flag(linear), flag(prefillAttention), flag(decodeAttention)];
  // By id of the output's shape, then of the input's.
  const products = new Map<number, Map<number, number>>();
  const productRows = (row: number): number => {
    const operator = tasks.operator[row] ?? 0;
    const [output, input] = [operators.outputShapes[operator] ?? 0, operators.inputShapes[operator] ?? 0];
    let known = products.get(output);
    if (known === undefined) products.set(output, (known = new Map<number, number>()));
    let product = known.get(input);
    if (product === undefined) known.set(input, (product = rowsOfProduct(strings.get(output), strings.get(input))));
    return product;
  };
  const rows = new Tally();
  const seen: Seen[] = [];
  for (let i = 0; i < count; i += 1) {
    rows.clear();
    let sequences = Number.NaN;
    let [prefillNames, decodeNames] = [false, false];
    for (let p = steps.kernelFrom[i] ?? 0; p < (steps.kernelTo[i] ?? 0); p += 1) {
      const label = kernels.label(p);
      const row = kernels.row(p);
      if (isLinear[label] === 1) {
        const m = productRows(row);
        if (m > 0) rows.add(m);
      } else if (kernels.sampler[label] === 1) {
        const first = firstDims(strings.get(operators.inputShapes[tasks.operator[row] ?? 0] ?? 0))[0];
        if (first !== undefined && !(first >= sequences)) sequences = first;
      }
      prefillNames ||= isPrefill[label] === 1;
      decodeNames ||= isDecode[label] === 1;
    }
    seen.push({ tokens: rows.modal(), sequences, prefillNames, decodeNames });
  }
  // Without a sampler the step with the fewest tokens is taken for one token a sequence, if another has many more.
  const fewest = seen.reduce((a, s) => (s.tokens < a ? s.tokens : a), Number.POSITIVE_INFINITY);
  const most = seen.reduce((a, s) => (s.tokens > a ? s.tokens : a), 0);
  const perSequence = seen.map((s) => (s.sequences > 0 ? s.tokens / s.sequences : most > fewest * rules.decodeTokens ? s.tokens / fewest : Number.NaN));
  const usual = perSequence.filter((r) => r <= rules.decodeTokens).sort((a, b) => a - b);
  const typical = usual[Math.floor(usual.length / 2)] ?? Number.NaN;
  const kind = seen.map((s, i): StepKind => {
    const ratio = perSequence[i] ?? Number.NaN;
    if (s.prefillNames && s.decodeNames) return 'mixed';
    if (Number.isNaN(ratio)) return byNames(s);
    if (ratio > rules.decodeTokens) return 'prefill';
    return ratio > typical * rules.mixedTokens && s.tokens - (typical * s.tokens) / ratio >= rules.chunkTokens ? 'mixed' : 'decode';
  });
  return { kind, tokens: Float64Array.from(seen, (s) => s.tokens), sequences: Float64Array.from(seen, (s) => s.sequences) };
}

/** Stage of every row of `Profile.tasks`: an index into `names`. */
export interface TaskStages {
  readonly stage: Uint8Array;
  readonly names: typeof stageNames;
}

/** An empty table, to be filled device by device with {@link fillStages}. */
export function noStages(profile: Profile): TaskStages {
  return { stage: new Uint8Array(profile.tasks.length), names: stageNames };
}

/**
 * Stages of the tasks of one device: kernels behind the last matrix product or attention of a step, and samplers anywhere, are sampling; other
 * kernels have the kind of their step (0 outside of steps); copies, waits, AI CPU helpers are other.
 */
export function fillStages(profile: Profile, device: number, steps: Steps | null, kinds: StepKinds | null, into: TaskStages): void {
  const { tasks } = profile;
  const [from, to] = rowsOf(tasks.device, tasks.length, device);
  for (let row = from; row < to; row += 1) {
    const of = tasks.class[row];
    into.stage[row] = of === taskClass.compute ? ids.unknown : of === taskClass.communication ? ids.communication : ids.other;
  }
  if (steps === null) return;
  const { kernels } = steps;
  for (let i = 0; i < steps.startNs.length; i += 1) {
    const [first, end] = [steps.kernelFrom[i] ?? 0, steps.kernelTo[i] ?? 0];
    let last = end - 1;
    while (last >= first && kernels.heavy[kernels.label(last)] !== 1) last -= 1;
    // A step without any of them says nothing about its end.
    if (last < first) last = end;
    const kind = kinds?.kind[i] ?? null;
    const id = kind === null ? ids.unknown : ids[kind];
    for (let p = first; p < end; p += 1) into.stage[kernels.row(p)] = p > last || kernels.sampler[kernels.label(p)] === 1 ? ids.sampling : id;
  }
}

/** Stages of all tasks of a profile, its steps found by themselves. */
export function stagesOf(profile: Profile): TaskStages {
  const stages = noStages(profile);
  const labels = new Labels(profile);
  for (let device = 0; device < profile.devices.length; device += 1) {
    const { steps } = stepsOf(profile, device, labels, null);
    fillStages(profile, device, steps, steps === null ? null : stepKinds(profile, steps, labels), stages);
  }
  return stages;
}
