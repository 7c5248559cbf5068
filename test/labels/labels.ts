import { decodeDefaults, type DecodeOptions } from '../../server/sim/llm-options.js';
import { scenarios, type ScenarioName } from '../../server/sim/scenarios.js';
import type { CaptureForm } from '../../server/sim/write.js';

export const forms = ['msprof-db', 'msprof-csv', 'msprof-timeline', 'torch-text', 'torch-db'] as const satisfies CaptureForm[];
export type Form = (typeof forms)[number];

/** What a form of the export cannot carry: the finding is absent there, and the note `code` says why. */
export interface KnownGap {
  readonly form: Form;
  readonly finding: string;
  readonly code: string;
}

export interface Expected {
  readonly id: string;
  /** The planted size in the finding's unit, worked out from the plant; `within` is relative. */
  readonly value?: number;
  readonly within?: number;
  /** Least share of span, percent. */
  readonly share?: number;
}

/** One planted truth: what must be found and how large, and what else may stand above `low` as its honest consequence. */
export interface Label {
  readonly scenario: ScenarioName;
  readonly options?: Partial<DecodeOptions>;
  readonly class: string;
  readonly expect: readonly Expected[];
  /** Besides these, no other finding may be above `low`. */
  readonly consequences?: readonly string[];
  readonly must_not: readonly string[];
  readonly known_gaps: readonly KnownGap[];
}

const hosts = ['host-bound-launch', 'host-bound-sync', 'device-idle'];
const unfused = ['unfused-rmsnorm', 'unfused-add-rmsnorm', 'unfused-swiglu', 'unfused-rotary', 'unfused-quant', 'unfused-attention'] as const;
const losses = ['block-under-use', 'freq-drop', 'slow-link', 'op-compile', 'aicpu-fallback', 'layout-conversion', 'memory-fragmentation', 'capture-incomplete'];
const everything = [...hosts, 'comm-exposed', 'memcpy-exposed', ...unfused, ...losses];
const but = (...ids: string[]): string[] => everything.filter((id) => !ids.includes(id));

const gap = (finding: string, code: string, ...where: Form[]): KnownGap[] => where.map((form) => ({ form, finding, code }));
const noPmu = (finding: string): KnownGap[] => gap(finding, 'no-pmu', 'msprof-timeline');
const noTypes = (finding: string): KnownGap[] => gap(finding, 'fusion-null', 'msprof-timeline');

const { layers, steps, batch, model, contextTokens } = decodeDefaults;
const perLayer = layers * steps;
/** The shortest kernel the generator makes, µs; every elementwise kernel of the default decode has this length. */
const shortest = 2.2;
const norms = steps * (2 * layers + 1);
/** Norms that follow a residual: all but the first of a step and the last. */
const addedNorms = norms - 2 * steps;

function unfusedLabel(name: (typeof unfused)[number], saving: number): Label {
  return { scenario: name, class: 'memory-bound', expect: [{ id: name, value: saving, within: 0.03 }], must_not: but(name), known_gaps: noTypes(name) };
}

const syncGap = 2000;
const commUs = 120;
const slow = { ranks: 4, factor: 4 };
/** Bytes a rank sends to one peer in one phase, and how long that takes on a sound link: start-up 1.2 µs, then 22.4 bytes per ns. */
const part = (batch * model.hidden * 2) / slow.ranks;
const soundNs = 1200 + part / 22.4;
const transDataUs = (512 * model.hidden * 4) / 1_200_000;
const halfAttentionUs = (batch * contextTokens * model.kvHeads * model.headDim * 2) / 1_200_000;

export const labels: readonly Label[] = [
  { scenario: 'host-bound-launch', class: 'host-bound', expect: [{ id: 'host-bound-launch', share: 50 }], consequences: ['device-idle'], must_not: ['host-bound-sync', 'comm-exposed', ...losses, ...unfused], known_gaps: gap('host-bound-launch', 'no-host-api', 'msprof-csv') },
  { scenario: 'host-bound-sync', options: { syncGapUs: syncGap }, class: 'host-bound', expect: [{ id: 'host-bound-sync', value: (steps - 1) * syncGap, within: 0.03 }], consequences: ['device-idle'], must_not: ['host-bound-launch', 'comm-exposed', ...losses, ...unfused], known_gaps: gap('host-bound-sync', 'no-host-api', 'msprof-csv') },
  { scenario: 'cube-bound', class: 'compute-bound', expect: [{ id: 'cube-bound', share: 50 }], must_not: [...but(), 'mte2-bound', 'vector-bound', 'scalar-bound'], known_gaps: noPmu('cube-bound') },
  { scenario: 'mte2-bound', class: 'memory-bound', expect: [{ id: 'mte2-bound', share: 50 }], must_not: [...but(), 'cube-bound', 'vector-bound', 'scalar-bound'], known_gaps: noPmu('mte2-bound') },
  { scenario: 'vector-bound', class: 'compute-bound', expect: [{ id: 'vector-bound', share: 50 }], must_not: [...but(), 'mte2-bound', 'scalar-bound'], known_gaps: noPmu('vector-bound') },
  { scenario: 'scalar-bound', class: 'compute-bound', expect: [{ id: 'scalar-bound', share: 50 }], must_not: [...but(), 'cube-bound', 'vector-bound'], known_gaps: noPmu('scalar-bound') },
  // Two phases of payload, and 2.0 + 0.6 + 1.2 µs of start, turn and end around them.
  { scenario: 'comm-exposed', class: 'communication-bound', expect: [{ id: 'comm-exposed', value: 2 * perLayer * (commUs + 3.8), within: 0.03 }], must_not: but('comm-exposed'), known_gaps: [] },
  { scenario: 'slow-link', class: 'memory-bound', expect: [{ id: 'slow-link', value: part / (slow.factor * soundNs), within: 0.01 }], must_not: but('slow-link'), known_gaps: gap('slow-link', 'no-communication-planes', 'msprof-csv') },
  { scenario: 'aicpu-fallback', class: 'memory-bound', expect: [{ id: 'aicpu-fallback', value: perLayer * 180, within: 0.02 }], must_not: but('aicpu-fallback'), known_gaps: [] },
  { scenario: 'op-compile', class: 'host-bound', expect: [{ id: 'op-compile', value: 25, within: 0, share: 50 }], consequences: ['device-idle'], must_not: but('op-compile', 'device-idle'), known_gaps: [] },
  { scenario: 'layout-conversion', class: 'compute-bound', expect: [{ id: 'layout-conversion', value: 2 * perLayer * transDataUs, within: 0.03 }], must_not: but('layout-conversion'), known_gaps: noTypes('layout-conversion') },
  // The saving counts all but the longest kernel of a sequence.
  unfusedLabel('unfused-rmsnorm', norms * 5 * shortest),
  unfusedLabel('unfused-add-rmsnorm', addedNorms * shortest),
  unfusedLabel('unfused-swiglu', perLayer * 3 * shortest),
  unfusedLabel('unfused-rotary', perLayer * 6 * shortest),
  unfusedLabel('unfused-quant', norms * shortest),
  unfusedLabel('unfused-attention', perLayer * (halfAttentionUs + 2 * shortest)),
  { scenario: 'block-under-use', class: 'memory-bound', expect: [{ id: 'block-under-use', share: 50 }], must_not: but('block-under-use'), known_gaps: [...noTypes('block-under-use'), ...gap('block-under-use', 'cores-null', 'torch-text', 'torch-db')] },
  { scenario: 'freq-drop', class: 'memory-bound', expect: [{ id: 'freq-drop', share: 10 }], must_not: but('freq-drop'), known_gaps: gap('freq-drop', 'frequency-null', 'msprof-csv') },
  { scenario: 'memory-fragmentation', class: 'memory-bound', expect: [{ id: 'memory-fragmentation', value: 35, within: 0.01 }], must_not: but('memory-fragmentation'), known_gaps: gap('memory-fragmentation', 'fragmentation-null', 'msprof-db', 'msprof-csv', 'msprof-timeline') },
  { scenario: 'dynamic-shape', class: 'memory-bound', expect: [{ id: 'dynamic-shape', share: 90 }], must_not: but(), known_gaps: noTypes('dynamic-shape') },
  // Which rank is late, and whose clock is off, is told by pipeline_analyze; here the wait for it must show, and nothing else.
  { scenario: 'slow-rank', class: 'communication-bound', expect: [{ id: 'comm-exposed' }], must_not: but('comm-exposed'), known_gaps: [] },
  { scenario: 'clock-skew', class: 'memory-bound', expect: [], must_not: but(), known_gaps: [] },
];

/** Classes that PMU ratios decide: without them the only honest answer is inconclusive. */
export const needsPmu = new Set(['compute-bound', 'memory-bound']);

/** Sound decodes of several shapes: nothing above `low`. */
export const balanced: readonly { readonly name: string; readonly options: Partial<DecodeOptions> }[] = [
  { name: 'tp1', options: scenarios.balanced.options },
  { name: 'tp4', options: { ranks: 4, layers: 3, steps: 3 } },
  { name: 'prefill and decode', options: { ...scenarios['prefill-decode'].options, steps: 4 } },
  { name: 'experts', options: { moe: true, layers: 6 } },
  { name: 'experts on 4 ranks', options: { moe: true, ranks: 4, layers: 4, steps: 3, batch: 64 } },
  { name: 'batch 1', options: { batch: 1 } },
  { name: 'batch 256', options: { batch: 256, layers: 3, steps: 3 } },
  { name: 'another chip', options: { chip: 'Ascend310P3', layers: 2, steps: 3 } },
];
