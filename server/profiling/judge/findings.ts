import type { Evidence, Finding } from '../../contract/index.js';
import { foreign, number } from '../../contract/index.js';
import type { Analysis } from '../analyze/analyze.js';
import type { DeviceFacts } from '../analyze/capture.js';
import type { Bound, KernelGroup } from '../analyze/kernel.js';
import { isLevelZero } from '../analyze/level.js';
import { byText, round, us } from '../../profiles/derived/numbers.js';
import { patterns, plainOp } from '../analyze/fusion.js';
import { layoutOps, thresholds } from '../thresholds.js';
import { hostIdleNs } from './bottleneck.js';

type Severity = Finding['severity'];
type Confidence = Finding['confidence'];

/** Where the rows behind a finding were read: the file with the most rows of the fitting kind. */
export function sourceOf(analysis: Analysis, wanted: RegExp): string {
  const { sources } = analysis.profile;
  const fitting = sources.filter((s) => wanted.test(s.kind));
  const best = (fitting.length > 0 ? fitting : sources).reduce<(typeof sources)[number] | null>((a, s) => (a === null || (s.rows ?? 0) > (a.rows ?? 0) ? s : a), null);
  return best?.path ?? '';
}

export const kernelFiles = /db|kernel|op[-_]?summary|task|trace|timeline|stat/;
export const commFiles = /db|comm|trace|timeline/;
export const memoryFiles = /mem|db/;
export const apiFiles = /api|db|trace|timeline/;

/** Confidence no higher than the capture allows: a Level0 capture proves little. */
export function capped(analysis: Analysis, confidence: Confidence): Confidence {
  return isLevelZero(analysis.profile) ? 'low' : confidence;
}

function name(analysis: Analysis, device: DeviceFacts): string {
  const info = analysis.profile.devices[device.window.device];
  return `device ${info?.id ?? device.window.device}${info?.rank == null ? '' : `, rank ${info.rank}`}`;
}

/** Devices by how much they lose, worst first; those below the limit are left out. */
function worst(devices: readonly DeviceFacts[], share: (d: DeviceFacts) => number, limit: number): { device: DeviceFacts; share: number }[] {
  return devices
    .map((device) => ({ device, share: share(device) }))
    .filter((d) => d.share >= limit)
    .sort((a, b) => b.share - a.share || a.device.window.device - b.device.window.device);
}

function pct(part: number): string {
  return `${number(round(part * 100, 1))} %`;
}

function idleEvidence(analysis: Analysis, device: DeviceFacts, share: number): Evidence {
  const { idle, window } = device;
  const detail =
    idle === null
      ? `${pct(share)} of ${number(us(window.spanNs))} us ${window.split === null ? 'free, not split further' : 'idle'}; no host calls are known, so the cause is not proven`
      : `${pct(share)} of ${number(us(window.spanNs))} us idle for the host: ${number(us(idle.launchNs))} us ended by a late launch, ${number(us(idle.compileNs))} us while the host compiled operators, ${number(us(idle.syncNs))} us after a host wait, ${number(us(idle.unknownNs))} us of unknown cause; ${number(us(idle.queuedNs))} us more with the next task queued`;
  return { path: sourceOf(analysis, kernelFiles), where: `window table, ${name(analysis, device)}`, detail };
}

const idleTexts = {
  launch: {
    id: 'host-bound-launch',
    title: 'The device waits for the host to launch work',
    action: 'Shorten the launch path: graph mode (ACL graph), fewer and fused kernels, task queue, CPU binding. Check first that requests were waiting.',
  },
  unknown: {
    id: 'device-idle',
    title: 'The device is idle, and the capture cannot tell why',
    action: 'Capture host calls too (--ascendcl=on and the database export, or Level1): only they tell a late launch from a host wait. Check first that requests were waiting.',
  },
  sync: {
    id: 'host-bound-sync',
    title: 'The device runs dry while the host waits for it',
    action: 'Take the synchronising calls out of the step: read results back asynchronously and schedule the next step before the last one ends. Check first that requests were waiting.',
  },
};

/** Idle time the host could fill. The larger cause carries the severity of the whole; the other is named when it counts by itself. */
function idleFindings(analysis: Analysis): Finding[] {
  const list = worst(analysis.devices, (d) => hostIdleNs(d) / d.window.spanNs, thresholds.idleSeen.value);
  const top = list[0];
  if (top === undefined) return [];
  const { idle, launchP50Ns, window } = top.device;
  const evidence = list.slice(0, 3).map((d) => idleEvidence(analysis, d.device, d.share));
  if (launchP50Ns !== null) evidence.push({ path: sourceOf(analysis, apiFiles), where: `dispatch table, ${name(analysis, top.device)}`, detail: `median launch latency ${number(us(launchP50Ns))} us` });
  // Free time of a list of kernels may be communication as well: nothing to raise an alarm by.
  const vague = window.split === null && window.source === 'tasks' && !analysis.profile.communication;
  const severity = (share: number): Severity => (vague ? 'low' : share >= thresholds.idleHigh.value ? 'high' : share >= thresholds.idleBound.value ? 'medium' : 'low');
  const one = (kind: 'launch' | 'sync' | 'unknown', ns: number, share: number, confidence: Confidence): Finding => ({
    ...idleTexts[kind],
    severity: severity(share),
    value: us(ns),
    unit: 'us',
    share_pct: round((ns / window.spanNs) * 100),
    evidence,
    confidence: capped(analysis, confidence),
  });
  const whole = hostIdleNs(top.device);
  // Without host calls the idle time is certain and its cause is not.
  if (idle === null || idle.launchNs + idle.syncNs + idle.compileNs < idle.unknownNs) return [one('unknown', whole, top.share, 'low')];
  // Where compilation is the larger cause, its own finding carries the whole; the others then stand by their own part.
  if (idle.compileNs > idle.launchNs && idle.compileNs > idle.syncNs) {
    const parts: ['launch' | 'sync', number][] = [['launch', idle.launchNs], ['sync', idle.syncNs]];
    return parts.flatMap(([kind, ns]) => (ns / window.spanNs >= thresholds.idleSeen.value ? [one(kind, ns, ns / window.spanNs, 'medium')] : []));
  }
  const [first, second]: ['launch' | 'sync', 'launch' | 'sync'] = idle.syncNs > idle.launchNs ? ['sync', 'launch'] : ['launch', 'sync'];
  const part = { launch: idle.launchNs, sync: idle.syncNs };
  const found = [one(first, part[first], top.share, part[first] >= whole / 2 ? 'high' : 'medium')];
  if (part[second] / window.spanNs >= thresholds.idleSeen.value) found.push(one(second, part[second], part[second] / window.spanNs, 'medium'));
  return found;
}

function communicationFinding(analysis: Analysis): Finding[] {
  const list = worst(analysis.devices, (d) => d.window.exposedNs / d.window.spanNs, thresholds.exposedSeen.value);
  const top = list[0];
  if (top === undefined) return [];
  const rows = (analysis.communication ?? []).filter((r) => r.transit_us !== null || r.peer_wait_us !== null);
  const sum = (of: (r: (typeof rows)[number]) => number | null): number => rows.reduce((a, r) => a + (of(r) ?? 0), 0);
  const known = rows.length > 0;
  const [transit, wait] = [sum((r) => r.transit_us), sum((r) => r.wait_us)];
  const planes = rows.filter((r) => r.peer_wait_us !== null);
  const peer = planes.reduce((a, r) => a + (r.peer_wait_us ?? 0), 0) / planes.reduce((a, r) => a + (r.total_us ?? 0), 0);
  const waiting = (planes.length > 0 ? peer : wait / (wait + transit)) > thresholds.waitRatio.value;
  const evidence: Evidence[] = list.slice(0, 3).map(({ device, share }) => ({
    path: sourceOf(analysis, commFiles),
    where: `window table, ${name(analysis, device)}`,
    detail: `${number(us(device.window.exposedNs))} us of ${number(us(device.window.communicationNs))} us communication not overlapped, ${pct(share)} of span`,
  }));
  const own = analysis.profile.devices[top.device.window.device];
  const movable = (analysis.communication ?? []).reduce((a, r) => a + (r.device === own?.id && r.rank === own.rank ? (r.overlap_opportunity_us ?? 0) : 0), 0);
  if (movable > 0) evidence.push({ path: sourceOf(analysis, commFiles), where: `communication table, ${name(analysis, top.device)}`, detail: `at most ${number(round(Math.min(movable, us(top.device.window.exposedNs))))} us of it could run under compute of the same device` });
  if (known) evidence.push({ path: sourceOf(analysis, commFiles), where: 'communication table', detail: `master plane: ${number(round(wait))} us waiting, ${number(round(transit))} us in transit${planes.length > 0 ? `; on no plane payload and on one a wait: ${pct(peer)} of the time` : ''}` });
  return [
    {
      id: 'comm-exposed',
      title: waiting ? 'Communication is exposed, and much of it waits for a late rank' : 'Communication is exposed',
      severity: top.share >= thresholds.exposedBound.value * thresholds.dominance.value ? 'high' : top.share >= thresholds.exposedBound.value ? 'medium' : 'low',
      value: us(top.device.window.exposedNs),
      unit: 'us',
      share_pct: round(top.share * 100),
      evidence,
      confidence: capped(analysis, known ? 'high' : 'medium'),
      action: waiting
        ? 'Find the late rank before touching the links: compare the ranks, then balance their load.'
        : 'Hide it: overlap with compute (micro-batches, communication streams), or fuse it with the matrix product beside it (npu_mm_all_reduce_base); a smaller TP also shrinks it.',
    },
  ];
}

function copyFinding(analysis: Analysis): Finding[] {
  const list = worst(analysis.devices, (d) => (d.window.split?.memcpyNs ?? 0) / d.window.spanNs, thresholds.copyExposed.value);
  const top = list[0];
  if (top === undefined) return [];
  return [
    {
      id: 'memcpy-exposed',
      title: 'Memory copies run while nothing else does',
      severity: top.share >= thresholds.idleHigh.value ? 'high' : top.share >= thresholds.idleBound.value ? 'medium' : 'low',
      value: us(top.device.window.split?.memcpyNs ?? 0),
      unit: 'us',
      share_pct: round(top.share * 100),
      evidence: list.slice(0, 3).map((d) => ({ path: sourceOf(analysis, kernelFiles), where: `window table, ${name(analysis, d.device)}`, detail: `memcpy_us is ${pct(d.share)} of span` })),
      confidence: capped(analysis, 'high'),
      action: 'Copy from pinned memory on a stream of its own, and keep what the next step needs on the device.',
    },
  ];
}

const unitTexts: Record<'cube' | 'vector' | 'mte2' | 'scalar', { id: string; title: string; action: string }> = {
  cube: { id: 'cube-bound', title: 'Kernels are limited by the matrix unit', action: 'They use what the chip has: only less work helps (quantisation, sparsity, a better parallel split).' },
  vector: { id: 'vector-bound', title: 'Kernels are limited by the vector unit', action: 'Fuse elementwise kernels, and look for work the matrix unit could do.' },
  mte2: { id: 'mte2-bound', title: 'Kernels are limited by reading memory', action: 'Read less for the same output: a larger batch, quantised weights or KV cache, better reuse in L2.' },
  scalar: { id: 'scalar-bound', title: 'Kernels are limited by scalar control code', action: 'The shapes are too small for these kernels: fuse them, or batch their inputs.' },
};

/** What limits the kernels. Always low: it names the limit in use, not a loss. */
function unitFindings(analysis: Analysis): Finding[] {
  const found: Finding[] = [];
  for (const unit of ['cube', 'vector', 'mte2', 'scalar'] satisfies Bound[]) {
    const of = (d: DeviceFacts): number => d.kernels.reduce((a, g) => a + (g.units[unit] ?? 0), 0);
    const list = worst(analysis.devices, (d) => (d.kernelNs > 0 ? of(d) / d.kernelNs : 0), thresholds.unitSeen.value);
    const top = list[0];
    if (top === undefined) continue;
    const groups = top.device.kernels.filter((g) => (g.units[unit] ?? 0) > 0).slice(0, 3);
    found.push({
      ...unitTexts[unit],
      severity: 'low',
      value: us(of(top.device)),
      unit: 'us',
      share_pct: round((of(top.device) / top.device.window.spanNs) * 100),
      evidence: groups.map((g) => ({ path: sourceOf(analysis, kernelFiles), where: `kernel table, ${name(analysis, top.device)}`, detail: `${foreign(g.opType, 60)} (${foreign(g.taskType, 20)}): ${g.count} kernels, ${number(us(g.totalNs))} us, of which ${number(us(g.units[unit] ?? 0))} us limited by this unit${g.bound === unit && g.ratio !== null ? ` at a mean ratio of ${number(round(g.ratio))}` : ''}` })),
      confidence: capped(analysis, top.share >= thresholds.unitHigh.value ? 'high' : 'medium'),
    });
  }
  return found;
}

/** A finding about a part of the kernels of one device: medium from a share of kernel time and of the span on. */
function kernelFinding(analysis: Analysis, pick: (g: KernelGroup) => boolean, limit: number, medium: number, spanMedium: number, make: { id: string; title: string; action: string }): Finding[] {
  const of = (d: DeviceFacts): number => d.kernels.reduce((a, g) => a + (pick(g) ? g.totalNs : 0), 0);
  const list = worst(analysis.devices, (d) => (d.kernelNs > 0 ? of(d) / d.kernelNs : 0), limit);
  const top = list[0];
  if (top === undefined || top.share <= 0) return [];
  return [
    {
      ...make,
      severity: top.share >= medium && of(top.device) / top.device.window.spanNs >= spanMedium ? 'medium' : 'low',
      value: us(of(top.device)),
      unit: 'us',
      share_pct: round((of(top.device) / top.device.window.spanNs) * 100),
      evidence: top.device.kernels
        .filter(pick)
        .slice(0, 3)
        .map((g) => ({ path: sourceOf(analysis, kernelFiles), where: `kernel table, ${name(analysis, top.device)}`, detail: `${foreign(g.opType, 60)} (${foreign(g.taskType, 20)}): ${g.count} kernels, ${number(us(g.totalNs))} us` })),
      confidence: capped(analysis, 'high'),
    },
  ];
}

const layoutText = {
  id: 'layout-conversion',
  title: 'Kernel time goes into layout and type conversion',
  action: 'Keep one format and type along the chain: cast weights to their final format at load, avoid pairs of TransData around a matrix product (torch.npu.config.allow_internal_format=False), drop needless casts.',
};

/** By share of kernel time; below that, pairs around a matrix product are still worth a line, for they are never needed. */
function layoutFinding(analysis: Analysis): Finding[] {
  const byShare = kernelFinding(analysis, (g) => layoutOps.has(plainOp(g.opType)), thresholds.layoutSeen.value, thresholds.layoutMedium.value, thresholds.fusionMedium.value, layoutText);
  if (byShare.length > 0) return byShare;
  const pairs = (analysis.fusion ?? []).filter((r) => patterns.find((p) => p.pattern === r.pattern)?.finding === layoutText.id && r.occurrences > thresholds.fusionCount.value);
  const top = pairs[0];
  if (top === undefined) return [];
  const span = analysis.windows.find((w) => w.device === top.device && w.rank === top.rank)?.span_us ?? 0;
  const share = span > 0 ? (top.saving_us_estimate ?? 0) / span : 0;
  return [
    {
      ...layoutText,
      severity: share >= thresholds.fusionSeen.value ? 'low' : 'info',
      value: top.saving_us_estimate,
      unit: 'us',
      share_pct: round(share * 100),
      evidence: pairs.slice(0, 3).map((r) => ({ path: sourceOf(analysis, kernelFiles), where: `fusion table, device ${r.device}, ${r.evidence}`, detail: `${r.pattern}: ${r.occurrences} times` })),
      confidence: capped(analysis, 'high'),
    },
  ];
}

function aicpuFinding(analysis: Analysis): Finding[] {
  // Collectives that run on the AI CPU end in AicpuKernel; they are no fallback.
  // Nor are tasks that no operator is known for: nothing there could be replaced.
  const fallback = (g: KernelGroup): boolean => /AI_?CPU/i.test(g.taskType) && !g.opType.endsWith('AicpuKernel') && !/^(?:(?:KERNEL_)?AI_?CPU|N\/A)?$/i.test(g.opType);
  const slow = analysis.devices.some((d) => d.kernels.some((g) => fallback(g) && (g.maxNs ?? 0) / 1000 >= thresholds.aicpuOpUs.value));
  return kernelFinding(analysis, fallback, slow ? Number.MIN_VALUE : thresholds.aicpuShare.value, thresholds.aicpuShare.value, thresholds.aicpuShare.value, {
    id: 'aicpu-fallback',
    title: 'Operators run on the AI CPU',
    action: 'Replace the operator, or its data type (int64, double and bool often have no AI core kernel), by one the AI core has.',
  });
}

/** Findings about launches, communication, kernels and conversions. */
export function timeFindings(analysis: Analysis): Finding[] {
  return [...idleFindings(analysis), ...communicationFinding(analysis), ...copyFinding(analysis), ...unitFindings(analysis), ...layoutFinding(analysis), ...aicpuFinding(analysis)];
}

const order: Record<Severity, number> = { high: 0, medium: 1, low: 2, info: 3 };

/** Most severe first, then the larger share. */
export function ranked(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => order[a.severity] - order[b.severity] || (b.share_pct ?? 0) - (a.share_pct ?? 0) || byText(a.id, b.id));
}
