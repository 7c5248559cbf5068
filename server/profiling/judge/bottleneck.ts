import type { Bottleneck, BottleneckEvidence, Threshold } from '../../contract/index.js';
import type { Analysis } from '../analyze/analyze.js';
import type { DeviceFacts } from '../analyze/capture.js';
import type { Bound } from '../analyze/kernel.js';
import { isLevelZero } from '../analyze/level.js';
import { round } from '../../profiles/derived/numbers.js';
import { thresholds } from '../thresholds.js';

type Class = Bottleneck['class'];
type Confidence = Bottleneck['confidence'];

interface Judged {
  readonly class: Class;
  readonly confidence: Confidence;
  readonly evidence: BottleneckEvidence[];
}

/** Scalar code runs on the core too: it computes, though badly. */
const computeUnits: readonly Bound[] = ['cube', 'vector', 'scalar'];
const memoryUnits: readonly Bound[] = ['mte1', 'mte2', 'mte3', 'fixpipe'];

/** Idle time a faster host could fill, in ns: what is left when gaps with a task already queued are taken out. */
export function hostIdleNs(device: DeviceFacts): number {
  const idle = device.window.split?.idleNs ?? device.window.freeNs;
  return device.idle === null ? idle : Math.max(0, idle - device.idle.queuedNs);
}

/** Kernel time by the kind of unit that limits it, and how much of it could be measured, in ns. */
export function boundTime(device: DeviceFacts): { compute: number; memory: number; measured: number } {
  const sum = { compute: 0, memory: 0, measured: 0 };
  for (const g of device.kernels) {
    sum.measured += g.pmuNs;
    for (const unit of computeUnits) sum.compute += g.units[unit] ?? 0;
    for (const unit of memoryUnits) sum.memory += g.units[unit] ?? 0;
  }
  return sum;
}

function row(metric: string, value: number, threshold: Threshold, where: string): BottleneckEvidence {
  return { metric, value: round(value), threshold: round(threshold.value * 100), source: `${where}; threshold: ${threshold.source}` };
}

/**
 * The class of one device. Idle time that the host could fill and communication that nothing hides come first: they are lost
 * whatever the kernels do. Only when neither reaches its threshold do PMU ratios decide between compute and memory.
 */
function judgeDevice(device: DeviceFacts, communicationKnown: boolean): Judged {
  const { window } = device;
  const span = window.spanNs;
  const host = hostIdleNs(device) / span;
  const exposed = window.exposedNs / span;
  const computing = window.computingNs / span;
  const evidence = [
    row(window.split === null ? 'free_pct' : 'idle_pct', host * 100, thresholds.idleBound, window.split === null ? 'window table, free time that the capture cannot split' : 'window table, idle time without gaps whose next task was queued'),
    row('communication_not_overlapped_pct', exposed * 100, thresholds.exposedBound, 'window table'),
    row('computing_pct', computing * 100, thresholds.computeMajority, 'window table'),
  ];
  const tasks = device.kernels.reduce((a, g) => a + g.count, 0);
  const summed = window.source === 'step-trace';
  if (tasks < thresholds.minimumTasks.value && !summed) {
    evidence.push({ metric: 'kernels', value: tasks, threshold: thresholds.minimumTasks.value, source: `kernel table; threshold: ${thresholds.minimumTasks.source}` });
    return { class: 'inconclusive', confidence: 'low', evidence };
  }
  const sure = (share: number, threshold: Threshold): Confidence => (tasks >= thresholds.confidentTasks.value && share >= threshold.value * thresholds.dominance.value ? 'high' : 'medium');

  const hostBound = host >= thresholds.idleBound.value;
  const commBound = exposed >= thresholds.exposedBound.value;
  // Free time that may hold communication, copies and waits says nothing of the host.
  if (hostBound && window.split === null && !communicationKnown && !summed) {
    evidence.push({ metric: 'free_time_split', value: null, threshold: null, source: 'a list of kernels only: free time may be communication, copies or waits as well' });
    return { class: 'inconclusive', confidence: 'low', evidence };
  }
  const proven = window.split !== null && device.idle !== null;
  if (hostBound && commBound && Math.max(host, exposed) / Math.min(host, exposed) < thresholds.dominance.value) return { class: 'mixed', confidence: proven ? 'medium' : 'low', evidence };
  if (hostBound && (!commBound || host > exposed)) return { class: 'host-bound', confidence: proven ? (commBound ? 'medium' : sure(host, thresholds.idleBound)) : 'low', evidence };
  if (commBound) return { class: 'communication-bound', confidence: summed ? 'low' : hostBound ? 'medium' : sure(exposed, thresholds.exposedBound), evidence };
  if (computing < thresholds.computeMajority.value) return { class: 'mixed', confidence: 'low', evidence };

  const { compute, memory, measured } = boundTime(device);
  if (measured === 0) {
    evidence.push({ metric: 'kernel_time_with_pmu_pct', value: null, threshold: round(thresholds.boundMajority.value * 100), source: 'no kernel has PMU ratios, so compute and memory cannot be told apart' });
    return { class: 'inconclusive', confidence: 'low', evidence };
  }
  const whole = device.kernelNs;
  evidence.push(
    row('core_bound_pct_of_kernel_time', (compute / whole) * 100, thresholds.boundMajority, 'kernel table, bound by PMU'),
    row('memory_bound_pct_of_kernel_time', (memory / whole) * 100, thresholds.boundMajority, 'kernel table, bound by PMU'),
  );
  if (compute / whole >= thresholds.boundMajority.value) return { class: 'compute-bound', confidence: sure(compute / whole, thresholds.boundMajority), evidence };
  if (memory / whole >= thresholds.boundMajority.value) return { class: 'memory-bound', confidence: sure(memory / whole, thresholds.boundMajority), evidence };
  return { class: 'mixed', confidence: 'low', evidence };
}

/** A verdict, and the device whose numbers stand for it. */
export interface Verdict {
  readonly bottleneck: Bottleneck;
  /** Index into `Profile.devices`; null where no device speaks for it. */
  readonly device: number | null;
}

function unjudged(confidence: Confidence, evidence: BottleneckEvidence): Verdict {
  return { bottleneck: { class: 'inconclusive', confidence, evidence: [evidence] }, device: null };
}

/**
 * The bottleneck of the capture: the class that devices holding two thirds of the summed span share, else `mixed`. The evidence
 * is that of the device with the longest span in that class. `inconclusive` for Level0 / l0, fragments, and without any window.
 */
export function judgeBottleneck(analysis: Analysis): Verdict {
  const { profile, devices } = analysis;
  if (isLevelZero(profile)) return unjudged('high', { metric: 'capture_level', value: 0, threshold: 1, source: 'the capture config: at Level0 / task-time l0 there are no counters and the kernel set is not whole' });
  if (devices.length === 0) return unjudged('high', { metric: 'span_us', value: null, threshold: null, source: 'no device task with a time' });
  if (profile.level === null && analysis.fusion === null) {
    return unjudged('medium', { metric: 'kernels_with_operator_type', value: 0, threshold: 1, source: 'no kernel has an operator type: the capture looks like Level0 / task-time l0' });
  }
  const judged = devices
    .map((d) => ({ device: d.window.device, span: d.window.spanNs, ...judgeDevice(d, analysis.communication !== null) }))
    .sort((a, b) => b.span - a.span || a.device - b.device);
  const total = judged.reduce((a, j) => a + j.span, 0);
  const [longest] = judged;
  for (const name of new Set(judged.map((j) => j.class))) {
    const agreeing = judged.filter((j) => j.class === name);
    const [shown] = agreeing;
    if (shown === undefined || agreeing.reduce((a, j) => a + j.span, 0) / total < thresholds.deviceMajority.value) continue;
    const confidence = agreeing.some((j) => j.confidence === 'low') ? 'low' : agreeing.length < judged.length || agreeing.some((j) => j.confidence === 'medium') ? 'medium' : 'high';
    return { bottleneck: { class: name, confidence, evidence: shown.evidence }, device: shown.device };
  }
  return { bottleneck: { class: 'mixed', confidence: 'medium', evidence: longest?.evidence ?? [] }, device: longest?.device ?? null };
}
