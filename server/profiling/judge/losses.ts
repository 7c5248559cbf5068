import type { Finding } from '../../contract/index.js';
import { foreign, number } from '../../contract/index.js';
import type { Analysis } from '../analyze/analyze.js';
import { patterns } from '../analyze/fusion.js';
import { byText, round, us } from '../../profiles/derived/numbers.js';
import { thresholds } from '../thresholds.js';
import { apiFiles, capped, commFiles, kernelFiles, memoryFiles, sourceOf } from './findings.js';

function place(analysis: Analysis, index: number): string {
  const device = analysis.profile.devices[index];
  return `device ${device?.id ?? index}${device?.rank == null ? '' : `, rank ${device.rank}`}`;
}

function blockFinding(analysis: Analysis): Finding[] {
  let found: Finding | null = null;
  for (const { window, blocks } of analysis.devices) {
    if (blocks === null) continue;
    const share = blocks.wastedNs / window.spanNs;
    if (share < thresholds.blockWasteSeen.value || (found !== null && share * 100 <= (found.share_pct ?? 0))) continue;
    found = {
      id: 'block-under-use',
      title: 'Kernels use fewer blocks than the chip has cores',
      severity: share >= thresholds.blockWasteMedium.value ? 'medium' : 'low',
      value: us(blocks.wastedNs),
      unit: 'us of core time',
      share_pct: round(share * 100),
      evidence: [{ path: sourceOf(analysis, kernelFiles), where: `kernel table, ${place(analysis, window.device)}`, detail: `most in ${foreign(blocks.opType, 60)}: ${number(blocks.blocks)} blocks on ${blocks.cores} cores` }],
      confidence: capped(analysis, 'medium'),
      action: 'Tile so that the block count is a multiple of the core count; with small batches, split along another axis.',
    };
  }
  return found === null ? [] : [found];
}

function frequencyFinding(analysis: Analysis): Finding[] {
  let found: Finding | null = null;
  for (const { window, frequency } of analysis.devices) {
    if (frequency === null || window.computingNs === 0) continue;
    const share = frequency.slowNs / window.computingNs;
    if (share < thresholds.frequencyTime.value || (found !== null && us(frequency.lostNs) <= Number(found.value))) continue;
    found = {
      id: 'freq-drop',
      title: 'The AI core computed below its clock',
      severity: share >= thresholds.idleHigh.value ? 'high' : share >= thresholds.idleBound.value ? 'medium' : 'low',
      value: us(frequency.lostNs),
      unit: 'us at most',
      share_pct: round((frequency.lostNs / window.spanNs) * 100),
      evidence: [{ path: sourceOf(analysis, /freq|db|trace|timeline/), where: `AI core frequency, ${place(analysis, window.device)}`, detail: `down to ${number(frequency.lowestMhz)} MHz of ${number(frequency.ratedMhz)} MHz during ${number(round(share * 100, 1))} % of compute time (${number(us(frequency.slowNs))} us); the value is what kernels lose if they scale with the clock` }],
      confidence: capped(analysis, 'high'),
      action: 'Look at power and temperature of the card before comparing any numbers: env_probe shows both.',
    };
  }
  return found === null ? [] : [found];
}

function linkFinding(analysis: Analysis): Finding[] {
  const worst = analysis.links[0];
  if (worst === undefined) return [];
  const longest = analysis.window?.span_us ?? 0;
  return [
    {
      id: 'slow-link',
      title: 'One link between chips is slower than its peers',
      severity: 'medium',
      value: round(worst.gbps),
      unit: 'GB/s',
      share_pct: longest > 0 ? round((us(worst.excessNs) / longest) * 100) : null,
      evidence: analysis.links.slice(0, 3).map((l) => ({ path: sourceOf(analysis, commFiles), where: `sub-tasks of collectives, rank ${l.src} to ${l.dst} as the group counts them`, detail: `${foreign(l.link, 20)}: ${number(round(l.gbps))} GB/s, its peers ${number(round(l.othersGbps))} GB/s; ${number(us(l.excessNs))} us of transfers more than at their rate, summed over planes` })),
      confidence: capped(analysis, 'medium'),
      action: 'Check the link between these two chips (topology, errors, retraining) and run the collective test on it alone.',
    },
  ];
}

function memoryFinding(analysis: Analysis): Finding[] {
  const rows = (analysis.memory ?? [])
    .filter((r) => (r.fragmentation_pct ?? 0) >= thresholds.fragmentationSeen.value && (r.reserved_mb ?? 0) >= thresholds.fragmentationMinimumMb.value)
    .sort((a, b) => (b.fragmentation_pct ?? 0) - (a.fragmentation_pct ?? 0) || byText(a.component, b.component));
  const top = rows[0];
  if (top === undefined) return [];
  return [
    {
      id: 'memory-fragmentation',
      title: 'The allocator holds much memory that nothing uses',
      severity: (top.fragmentation_pct ?? 0) >= thresholds.fragmentationMedium.value ? 'medium' : 'low',
      value: top.fragmentation_pct,
      unit: '%',
      share_pct: null,
      evidence: rows.slice(0, 3).map((r) => ({ path: sourceOf(analysis, memoryFiles), where: `memory table, device ${r.device ?? '–'}, ${foreign(r.component, 30)}`, detail: `at the reserved peak ${number(r.reserved_mb ?? 0)} MB reserved, ${number(r.allocated_mb ?? 0)} MB allocated, ${number(round((r.reserved_mb ?? 0) - (r.allocated_mb ?? 0)))} MB could be freed at most` })),
      confidence: capped(analysis, 'medium'),
      action: 'Try PYTORCH_NPU_ALLOC_CONF=expandable_segments:True; it also shows whether the KV cache could be larger.',
    },
  ];
}

function compileFinding(analysis: Analysis): Finding[] {
  const { compile } = analysis;
  const calls = compile.calls > 0 ? compile.calls : compile.countedCalls;
  const totalUs = compile.calls > 0 ? compile.ns / 1000 : compile.countedUs;
  if (calls < thresholds.compileCalls.value) return [];
  const idle = analysis.devices.reduce((a, d) => Math.max(a, (d.idle?.compileNs ?? 0) / d.window.spanNs), 0);
  const idleUs = analysis.devices.reduce((a, d) => Math.max(a, us(d.idle?.compileNs ?? 0)), 0);
  return [
    {
      id: 'op-compile',
      title: 'Operators are compiled while serving',
      severity: idle >= thresholds.idleHigh.value ? 'high' : 'medium',
      value: calls,
      unit: 'calls',
      share_pct: idle > 0 ? round(idle * 100) : analysis.window === null ? null : round((totalUs / analysis.window.span_us) * 100),
      evidence: [{ path: sourceOf(analysis, apiFiles), where: 'host API calls', detail: `${calls} compile calls, ${number(round(totalUs))} us of host time${idleUs > 0 ? `; a device was idle for ${number(idleUs)} us meanwhile` : ''}` }],
      confidence: capped(analysis, 'high'),
      action: 'Warm up with the shapes that will be served, and switch just-in-time compilation off (torch_npu.npu.set_compile_mode(jit_compile=False)).',
    },
  ];
}

function dynamicFinding(analysis: Analysis): Finding[] {
  const { ns: dynamicNs, others } = analysis.dynamic;
  if (dynamicNs === 0 || others) return [];
  const computing = analysis.windows.reduce((a, w) => a + w.span_us, 0);
  return [
    {
      id: 'dynamic-shape',
      title: 'Every kernel runs with dynamic shapes',
      severity: 'info',
      value: us(dynamicNs),
      unit: 'us',
      share_pct: computing > 0 ? round((us(dynamicNs) / computing) * 100) : null,
      evidence: [{ path: sourceOf(analysis, kernelFiles), where: 'op state', detail: 'not one kernel is static' }],
      confidence: capped(analysis, 'medium'),
      action: 'Ordinary in eager mode. Where the host is the limit, graph mode with fixed batch sizes also saves the shape work.',
    },
  ];
}

function fusionFindings(analysis: Analysis): Finding[] {
  const found = new Map<string, Finding>();
  for (const row of analysis.fusion ?? []) {
    const id = patterns.find((p) => p.pattern === row.pattern)?.finding;
    const span = analysis.windows.find((w) => w.device === row.device && w.rank === row.rank)?.span_us ?? 0;
    // Layout pairs are judged with the other conversions.
    if (id === undefined || id === 'layout-conversion' || span === 0 || row.occurrences <= thresholds.fusionCount.value) continue;
    const share = row.total_us / span;
    if (share < thresholds.fusionSeen.value || share * 100 <= (found.get(id)?.share_pct ?? 0)) continue;
    found.set(id, {
      id,
      title: 'A kernel sequence has a fused operator',
      severity: share >= thresholds.fusionMedium.value ? 'medium' : 'low',
      value: row.saving_us_estimate,
      unit: 'us at most',
      share_pct: round(share * 100),
      evidence: [{ path: sourceOf(analysis, kernelFiles), where: `fusion table, device ${row.device}, ${row.evidence}`, detail: `${row.pattern}: ${row.occurrences} times, ${number(row.total_us)} us` }],
      confidence: capped(analysis, 'medium'),
      action: `Use ${row.fused_op} in its place, then compare accuracy and speed: the estimate counts every kernel of the sequence but the longest.`,
    });
  }
  return [...found.values()];
}

/** Notes of the reader that say the capture itself is damaged or cut. */
const damaged = new Set(['db-truncated', 'db-broken', 'timeline-truncated', 'timeline-damaged', 'csv-ragged', 'csv-rows-dropped', 'file-broken', 'file-empty', 'capture-not-stopped', 'capture-not-exported']);

function captureFinding(analysis: Analysis): Finding[] {
  const notes = analysis.profile.incomplete.filter((n) => damaged.has(n.code));
  if (notes.length === 0) return [];
  return [
    {
      id: 'capture-incomplete',
      title: 'The capture is damaged or cut off',
      severity: 'info',
      value: notes.length,
      unit: 'notes',
      share_pct: null,
      evidence: notes.slice(0, 3).map((n) => ({ path: sourceOf(analysis, /./), where: n.code, detail: foreign(n.detail, 200) })),
      confidence: 'high',
      action: 'Export it again, or capture again, before anything is decided by it.',
    },
  ];
}

/** Findings about what is lost without being anybody's wait: tiling, clock, links, memory, compilation, fusion, the capture itself. */
export function lossFindings(analysis: Analysis): Finding[] {
  return [
    ...blockFinding(analysis),
    ...frequencyFinding(analysis),
    ...linkFinding(analysis),
    ...memoryFinding(analysis),
    ...compileFinding(analysis),
    ...dynamicFinding(analysis),
    ...fusionFindings(analysis),
    ...captureFinding(analysis),
  ];
}
