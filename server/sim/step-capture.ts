import { ToolError } from '../contract/index.js';
import { parseModelConfig } from '../models/parse.js';
import type { ModelSpec } from '../models/spec.js';
import type { AicMetrics, Capture, CaptureConfig, SimDevice } from './capture.js';
import { simulatedGroup } from './llm-group.js';
import { StepProgram, type StepItem } from './llm-kernels.js';
import { memoryTrace } from './llm-memory.js';
import { decodeDefaults, simChip, type DecodeOptions, type LlmShape } from './llm-options.js';
import type { ServiceCapture } from './profiling-socket.js';
import { StepRank } from './step-rank.js';
import { fromWire, type StepRecord } from './step-record.js';

/** How the capture was asked for: what of it the profiler can see. */
export interface StepCaptureConfig {
  readonly level: CaptureConfig['level'];
  readonly aicMetrics: AicMetrics | null;
  readonly flags: Readonly<Record<string, string>>;
}

/** Every simulated process runs on this host. */
const host = 'sim-node-0';
const hostUid = '9000000000000000000';
/** Steps whose contexts differ by less read the same blocks of the cache. */
const contextGrain = 128;

/**
 * A dense stand-in of the model: attention heads of its first layer with such, a feed-forward of the width one token passes through. The
 * kernels' sizes only share out the step's recorded time, so nothing finer is needed; operators of experts and of linear attention are not made.
 */
export function denseShape(spec: ModelSpec): LlmShape {
  const attention = spec.layers.find((l) => l.attention.kind !== 'gdn')?.attention ?? spec.layers[0]?.attention;
  const heads =
    attention?.kind === 'gqa' ? { heads: attention.q_heads, kvHeads: attention.kv_heads, headDim: attention.head_dim }
    : attention?.kind === 'mla' ? { heads: attention.heads, kvHeads: 1, headDim: attention.v_dim }
    : attention?.kind === 'gdn' ? { heads: attention.value_heads, kvHeads: attention.key_heads, headDim: attention.value_dim }
    : { heads: 1, kvHeads: 1, headDim: spec.hidden };
  const mlp = spec.layers[0]?.mlp;
  const intermediate = mlp === undefined ? spec.hidden : mlp.kind === 'dense' ? mlp.intermediate : mlp.intermediate * mlp.per_token + mlp.shared_intermediate;
  return { hidden: spec.hidden, ...heads, intermediate, vocab: spec.vocab };
}

/** Ranks that reduce together with `rank`: its tensor-parallel group, or all when tensors are not split. */
function groupOf(taken: ServiceCapture): { readonly index: number; readonly ranks: readonly number[] } {
  const size = taken.tp > 1 ? taken.tp : taken.world_size;
  const first = Math.floor(taken.rank / size) * size;
  return { index: taken.rank - first, ranks: Array.from({ length: size }, (_, i) => first + i) };
}

/** Kernels of steps, made once for equal work. */
class Programs {
  readonly #options: DecodeOptions;
  readonly #known = new Map<string, readonly StepItem[]>();
  readonly #draftLayers: number;

  constructor(options: DecodeOptions, draftLayers: number) {
    this.#options = options;
    this.#draftLayers = draftLayers;
  }

  /** @param reduces whether the step's tensors are reduced over ranks */
  of(step: StepRecord, reduces: boolean): readonly StepItem[] {
    const prefill = step.phase !== 'decode';
    const tokens = prefill ? step.prefillTokens + step.decodeTokens : step.decodeTokens;
    const context = Math.max(1, Math.ceil(step.contextTokens / Math.max(1, step.sequences) / contextGrain)) * contextGrain;
    const key = `${prefill} ${tokens} ${step.sequences} ${context} ${step.draftSteps} ${reduces}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const options = { ...this.#options, batch: Math.max(1, prefill ? step.sequences : tokens), prefillTokens: Math.max(1, tokens), contextTokens: context };
    const items = [...this.#reduced(new StepProgram(options, prefill).items(), reduces, tokens * options.model.hidden)];
    const draft = new StepProgram({ ...options, layers: this.#draftLayers, batch: Math.max(1, step.sequences) }, false);
    const draftItems = step.draftSteps > 0 ? this.#reduced(draft.items(), reduces, step.sequences * options.model.hidden) : [];
    for (let i = 0; i < step.draftSteps; i += 1) items.push(...draftItems);
    this.#known.set(key, items);
    return items;
  }

  #reduced(items: readonly StepItem[], reduces: boolean, elements: number): readonly StepItem[] {
    if (!reduces) return items.filter((item) => item.kind === 'kernel');
    if (items.some((item) => item.kind === 'all-reduce')) return items;
    // Tensors are whole and yet ranks talk (experts are spread): once before each norm.
    return items.flatMap((item): StepItem[] => (item.kind === 'kernel' && item.plan.kernel.opType === 'AddRmsNorm' ? [{ kind: 'all-reduce', elements }, item] : [item]));
  }
}

function deviceOf(taken: ServiceCapture): SimDevice {
  const { family, aicoreCount, aivectorCount, aicoreMhz, hbmBytes } = simChip(taken.chip);
  // msprof itself does not know the rank.
  return { id: taken.device, rank: null, host, chip: taken.chip, family, aicoreCount, aivectorCount, aicoreMhz, hbmBytes };
}

/**
 * What msprof would have seen of the steps a simulated process ran: one process on one device. Every step lies where it was recorded; the kernels
 * of a step together take its recorded compute time, collectives its communication and waiting, and what is left is idle between launches.
 * Ranks of one service agree on when a collective starts to transfer and ends, because all of them compute it from what their records share.
 * @throws ToolError E_MODEL_UNKNOWN when the model's configuration cannot be read
 */
export function captureFromSteps(taken: ServiceCapture, config: StepCaptureConfig): Capture {
  const spec = parseModelConfig(taken.model_config);
  const draftLayers = taken.draft_config === null ? 1 : Math.max(1, draftDepth(taken.draft_config));
  const group = groupOf(taken);
  const options: DecodeOptions = {
    ...decodeDefaults,
    // Each group has a name of its own; its ranks share it.
    seed: taken.seed + (group.ranks[0] ?? 0),
    chip: taken.chip,
    ranks: Math.max(1, taken.tp),
    model: denseShape(spec),
    layers: spec.layers.length,
    startNs: BigInt(taken.started_ns),
    level: config.level,
    aicMetrics: config.level === 'l0' ? null : config.aicMetrics,
  };
  const device = deviceOf(taken);
  const programs = new Programs(options, draftLayers);
  // The name must not depend on when this rank's capture began.
  const groupName = simulatedGroup({ ...options, startNs: decodeDefaults.startNs });
  const rank = new StepRank({ ...options, ranks: group.ranks.length }, device, { name: groupName, index: group.index }, taken.pid);
  const steps = taken.steps.map(fromWire).sort((a, b) => a.index - b.index);
  steps.forEach((step, i) => {
    const items = programs.of(step, step.communication_us > 0 && group.ranks.length > 1);
    rank.step(step, items, steps[i + 1]?.startNs ?? null);
  });
  const trace = rank.finish(BigInt(taken.stopped_ns));
  return {
    seed: taken.seed,
    config: {
      level: config.level,
      aicMetrics: options.aicMetrics,
      flags: config.flags,
      cannVersion: options.cannVersion,
      torchNpuVersion: '',
      groups: group.ranks.length > 1 ? { [groupName]: group.ranks } : {},
    },
    processes: [
      {
        pid: taken.pid,
        hostUid,
        host,
        rank: null,
        clockSkewNs: 0,
        startNs: trace.startNs,
        endNs: trace.endNs,
        devices: [device],
        tasks: trace.tasks,
        commOps: trace.ops,
        apis: trace.apis,
        memory: memoryTrace(options, trace),
        frequency: trace.frequency,
        marks: [],
      },
    ],
  };
}

function draftDepth(config: Readonly<Record<string, unknown>>): number {
  try {
    return parseModelConfig(config).layers.length;
  } catch (error) {
    // A draft whose type the planners do not know still drafted: one layer stands for it.
    if (error instanceof ToolError) return 1;
    throw error;
  }
}
