import type { BottleneckEvidence, PipelineDevice, PipelineVerdict, Threshold } from '../../contract/index.js';
import { round } from '../../profiles/derived/numbers.js';
import { shareOf, type Analysis, type DeviceFacts } from '../analyze/analyze.js';
import { thresholds } from '../thresholds.js';

type DeviceClass = PipelineDevice['class'];
type Confidence = PipelineVerdict['confidence'];

export interface JudgedDevice {
  readonly facts: DeviceFacts;
  readonly class: DeviceClass;
  readonly confidence: Confidence;
  readonly evidence: BottleneckEvidence[];
}

function row(metric: string, share: number, threshold: Threshold, where: string): BottleneckEvidence {
  return { metric, value: Number.isNaN(share) ? null : round(share * 100), threshold: round(threshold.value * 100), source: `${where}; threshold: ${threshold.source}` };
}

/**
 * The class of one device by shares of its span. Bubbles that end with a late launch are the host's; exposed collectives and waits for
 * events are communication; when neither reaches its threshold and compute fills half of the span the device sets the pace. Idle time without
 * a known cause proves nothing: where it is a fifth of the span and no host call is known, the class is inconclusive.
 */
export function judgeDevice(facts: DeviceFacts): JudgedDevice {
  const { window, bubbles, steps } = facts;
  const none = (evidence: BottleneckEvidence[]): JudgedDevice => ({ facts, class: 'inconclusive', confidence: 'low', evidence });
  if (window === null) return none([{ metric: 'span_us', value: null, threshold: null, source: 'no device task with a time' }]);
  const whole = steps?.whole ?? 0;
  if (steps === null || bubbles === null || whole < thresholds.wholeSteps.value) {
    return none([{ metric: 'whole_steps', value: whole, threshold: thresholds.wholeSteps.value, source: `steps found; threshold: ${thresholds.wholeSteps.source}` }]);
  }
  const share = (ns: number): number => shareOf(ns, window);
  const [host, exposed, computing, unknown] = [share(bubbles.syncNs + bubbles.launchNs), share(window.exposedNs + bubbles.commWaitNs), share(window.computingNs), share(bubbles.unknownNs)];
  const evidence = [
    row('host_bubbles_pct', facts.traced ? host : Number.NaN, thresholds.hostBound, 'bubble table, host-sync and host-launch'),
    row('communication_exposed_pct', exposed, thresholds.commBound, 'collectives nothing hides, and waits for events'),
    row('computing_pct', computing, thresholds.deviceBound, 'device table'),
    row('untraced_pct', unknown, thresholds.untraced, 'bubble table, untraced and not queued'),
  ];
  const weak = steps.confidence === 'low' || whole < thresholds.confidentSteps.value;
  const sure = (value: number, threshold: Threshold): Confidence => (steps.confidence === 'low' ? 'low' : value >= threshold.value * thresholds.dominance.value && !weak ? 'high' : 'medium');
  const isHost = host >= thresholds.hostBound.value;
  const isComm = exposed >= thresholds.commBound.value;
  if (isHost && isComm && Math.max(host, exposed) / Math.min(host, exposed) < thresholds.dominance.value) return { facts, class: 'mixed', confidence: 'medium', evidence };
  // Idle time of unknown cause could be the larger part.
  if (unknown >= thresholds.untraced.value && unknown >= Math.max(host, isComm ? exposed : 0)) return none(evidence);
  if (isHost && host >= exposed) return { facts, class: 'host-bound', confidence: isComm ? 'medium' : sure(host, thresholds.hostBound), evidence };
  if (isComm) return { facts, class: 'communication-bound', confidence: isHost ? 'medium' : sure(exposed, thresholds.commBound), evidence };
  if (isHost) return { facts, class: 'host-bound', confidence: 'medium', evidence };
  if (computing >= thresholds.deviceBound.value) return { facts, class: 'device-bound', confidence: sure(computing, thresholds.deviceBound), evidence };
  return { facts, class: 'mixed', confidence: 'low', evidence };
}

const skewed = new Set(['slow-rank', 'slow-group', 'uneven-load']);

/** True when some ranks make the others wait. */
export function isSkewed(analysis: Analysis): boolean {
  const { skew } = analysis.skew;
  return skew !== null && skewed.has(skew.pattern) && (skew.skew_pct ?? 0) >= thresholds.rankSkew.value;
}

/**
 * The class of the capture: rank-skewed when ranks stay behind by 5 % or more, for the others' waits follow from that; else the class that
 * devices holding two thirds of the summed span share, else mixed. The evidence is that of the device with the longest span in that class.
 */
export function verdictOf(analysis: Analysis, judged: readonly JudgedDevice[]): PipelineVerdict {
  const spans = (list: readonly JudgedDevice[]): number => list.reduce((a, j) => a + (j.facts.window?.spanNs ?? 0), 0);
  const longest = (list: readonly JudgedDevice[]): JudgedDevice | undefined => [...list].sort((a, b) => spans([b]) - spans([a]) || a.facts.index - b.facts.index)[0];
  const { skew } = analysis.skew;
  const named = judged.filter((j) => j.class !== 'inconclusive');
  if (isSkewed(analysis) && skew !== null && named.length > 0) {
    const evidence: BottleneckEvidence[] = [
      { metric: 'rank_skew_pct', value: skew.skew_pct, threshold: thresholds.rankSkew.value, source: `ranks matched by collectives, clocks aligned; threshold: ${thresholds.rankSkew.source}` },
      { metric: 'wait_for_later_ranks_pct', value: skew.wait_pct, threshold: null, source: 'share of all ranks\' time' },
      ...(longest(named)?.evidence ?? []),
    ];
    return { class: 'rank-skewed', confidence: analysis.skew.reasons.length > 0 ? 'medium' : 'high', evidence };
  }
  const total = spans(judged);
  for (const name of new Set(judged.map((j) => j.class))) {
    const agreeing = judged.filter((j) => j.class === name);
    const shown = longest(agreeing);
    if (shown === undefined || (total > 0 && spans(agreeing) / total < thresholds.deviceMajority.value)) continue;
    const confidence: Confidence = agreeing.some((j) => j.confidence === 'low') ? 'low' : agreeing.length < judged.length || agreeing.some((j) => j.confidence === 'medium') ? 'medium' : 'high';
    return { class: name, confidence, evidence: shown.evidence };
  }
  return { class: judged.length === 0 ? 'inconclusive' : 'mixed', confidence: judged.length === 0 ? 'low' : 'medium', evidence: longest(judged)?.evidence ?? [] };
}
