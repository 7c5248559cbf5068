import { cell, number, table, type Bottleneck, type Finding, type ProfileComparison } from '../contract/index.js';
import type { Analysis } from './analyze/analyze.js';
import type { DeviceFacts } from './analyze/capture.js';
import { tableCodes } from './analyze/incomplete.js';
import { percent, round, us } from '../profiles/derived/numbers.js';
import { isLevelZero } from './analyze/level.js';

export interface Judged {
  readonly analysis: Analysis;
  readonly bottleneck: Bottleneck;
  /** Device whose numbers stand for the verdict. */
  readonly device: number | null;
  readonly findings: readonly Finding[];
  /** Against the baseline of compare_to; null without one, or when a side has no window. */
  readonly comparison: ProfileComparison | null;
}

/** How much of a table a page shows. */
export interface Shown {
  readonly top: number;
  /** Kernel rows below this share of kernel time are counted, not shown. */
  readonly minSharePct: number;
}

/** The answer in one sentence, with the number that matters; only our own words and numbers. */
export function headline({ analysis, bottleneck, device }: Judged): string {
  const at = analysis.devices.findIndex((d) => d.window.device === device);
  const window = analysis.windows[at] ?? analysis.window;
  if (window === null) return analysis.kernel === null ? 'the profile holds no device time' : `no time line, ${analysis.kernel.length} kernel types from exported statistics; a bottleneck needs the rows per task`;
  const share = (part: number): string => `${number(round(percent(part, window.span_us) ?? 0, 1))} %`;
  const idle = window.idle_us;
  const parts = [`${share(window.computing_us)} computing`, `${share(window.communication_not_overlapped_us)} exposed communication`, idle === null ? `${share(window.free_us)} free (not split)` : `${share(idle)} idle`];
  const where = analysis.windows.length > 1 ? ` on device ${window.device}${window.rank === null ? '' : ` (rank ${window.rank})`}, one of ${analysis.windows.length}` : '';
  const why = isLevelZero(analysis.profile) ? '; a Level0 / l0 capture proves no bottleneck' : '';
  return `${bottleneck.class} (confidence ${bottleneck.confidence}): of ${number(window.span_us)} us${where}: ${parts.join(', ')}${why}`;
}

function note(text: string): string[] {
  return ['', `Not available: ${text}.`];
}

function cut(all: number, shown: number): string[] {
  return shown < all ? ['', `${shown} of ${all} rows; analysis.json holds all.`] : [];
}

function who(row: { device: number | null; rank: number | null }): string {
  return row.rank === null ? cell(row.device) : `${cell(row.device)} (rank ${row.rank})`;
}

function kernelSection({ kernel, profile }: Analysis, shown: Shown): string[] {
  const lines = ['', '## Kernels', ''];
  if (kernel === null) return [...lines.slice(0, 2), ...note(tableCodes['kernel-null'])];
  const above = kernel.filter((r) => r.share_pct >= shown.minSharePct);
  const rows = above.slice(0, shown.top);
  lines.push(table(['device', 'op type', 'core', 'count', 'total us', 'avg us', 'max us', 'share %', 'bound', 'TFLOP', 'MFU %'], rows.map((r) => [who(r), r.op_type, r.task_type, r.count, r.total_us, r.avg_us, r.max_us, r.share_pct, r.bound, r.flops === null ? null : round(r.flops / 1e12, 6), r.mfu_pct])));
  lines.push(...cut(kernel.length, rows.length));
  if (!profile.counters) lines.push(...note(tableCodes['bound-null']));
  return lines;
}

function communicationSection({ communication }: Analysis, shown: Shown): string[] {
  const lines = ['', '## Communication and overlap', ''];
  if (communication === null) return [...lines.slice(0, 2), ...note(tableCodes['communication-null'])];
  if (communication.length === 0) return [...lines, 'No collective ran during the capture.'];
  const rows = communication.slice(0, shown.top);
  lines.push(
    table(
      ['device', 'op', 'group', 'count', 'total us', 'transit us', 'wait us', 'peer wait us', 'not overlapped us', 'could hide us', 'GB/s'],
      rows.map((r) => [who(r), r.op, r.group === null ? null : r.group.slice(-24), r.count, r.total_us, r.transit_us, r.wait_us, r.peer_wait_us, r.not_overlapped_us, r.overlap_opportunity_us, r.bandwidth_gbps]),
    ),
    ...cut(communication.length, rows.length),
  );
  if (communication.some((r) => r.transit_us === null)) lines.push(...note(tableCodes['transit-null']));
  return lines;
}

function fusionSection({ fusion }: Analysis, shown: Shown): string[] {
  const lines = ['', '## Fusion', ''];
  if (fusion === null) return [...lines.slice(0, 2), ...note(tableCodes['fusion-null'])];
  if (fusion.length === 0) return [...lines, 'No known kernel sequence that a fused operator replaces.'];
  const rows = fusion.slice(0, shown.top);
  lines.push(table(['device', 'sequence', 'fused operator', 'times', 'total us', 'saving us at most'], rows.map((r) => [who(r), r.pattern, r.fused_op, r.occurrences, r.total_us, r.saving_us_estimate])), ...cut(fusion.length, rows.length));
  return lines;
}

function dispatchSection({ dispatch }: Analysis, shown: Shown): string[] {
  const lines = ['', '## Dispatch', ''];
  if (dispatch === null) return [...lines.slice(0, 2), ...note(tableCodes['dispatch-null'])];
  const rows = [...dispatch].sort((a, b) => b.busy_us - a.busy_us).slice(0, shown.top);
  lines.push(
    table(
      ['device', 'stream', 'tasks', 'busy us', 'gap us', 'gaps', 'longest gap us', 'launches per ms', 'launch latency p50 us', 'p99 us'],
      rows.map((r) => [who(r), r.stream, r.tasks, r.busy_us, r.gap_us, r.gaps, r.max_gap_us, r.launches_per_ms, r.launch_latency_us?.p50, r.launch_latency_us?.p99]),
    ),
    ...cut(dispatch.length, rows.length),
  );
  if (dispatch.every((r) => r.launch_latency_us === null)) lines.push(...note(tableCodes['latency-null']));
  return lines;
}

function memorySection({ memory }: Analysis, shown: Shown): string[] {
  const lines = ['', '## Memory', ''];
  if (memory === null) return [...lines.slice(0, 2), ...note(tableCodes['memory-null'])];
  const rows = memory.slice(0, shown.top);
  lines.push(table(['device', 'component', 'peak MB', 'reserved MB', 'allocated MB', 'fragmentation %'], rows.map((r) => [who(r), r.component, r.peak_mb, r.reserved_mb, r.allocated_mb, r.fragmentation_pct])), ...cut(memory.length, rows.length));
  return lines;
}

/** Where the difference to the baseline comes from; nothing without one. */
function comparisonSection(comparison: ProfileComparison | null, shown: Shown): string[] {
  if (comparison === null) return [];
  const { baseline, candidate } = comparison;
  const rows = comparison.contributions.slice(0, shown.top);
  return [
    '',
    '## Against the baseline',
    '',
    `Span ${number(baseline.span_us)} us before, ${number(candidate.span_us)} us now: ${number(comparison.delta_us)} us${comparison.delta_pct === null ? '' : ` (${number(comparison.delta_pct)} %)`}. Raw times, not per step; the contributions add up to the difference.`,
    '',
    table(
      ['cause', 'op', 'baseline names', 'names now', 'baseline calls', 'calls now', 'baseline us', 'us now', 'adds us', '% of baseline span'],
      rows.map((c) => [c.cause, c.op, c.baseline_ops.join(', '), c.candidate_ops.join(', '), c.baseline_count, c.candidate_count, c.baseline_us, c.candidate_us, c.delta_us, c.share_pct]),
    ),
    ...cut(comparison.contributions.length, rows.length),
    ...(comparison.notes.length === 0 ? [] : ['', ...comparison.notes.map((n) => `- ${n.code}: ${cell(n.detail, 300)}`)]),
  ];
}

/** five_tables.md: the answer, then kernel, communication, fusion, dispatch and memory. A table that is missing says what brings it. */
export function fiveTables(judged: Judged, shown: Shown): string {
  const { analysis } = judged;
  const lines = [
    headline(judged),
    '',
    '# Five tables',
    '',
    'Computed from a profile: it explains where time goes, it does not measure performance. MB is 1,048,576 bytes, GB/s is 1e9 bytes.',
    ...kernelSection(analysis, shown),
    ...communicationSection(analysis, shown),
    ...fusionSection(analysis, shown),
    ...dispatchSection(analysis, shown),
    ...memorySection(analysis, shown),
    ...comparisonSection(judged.comparison, shown),
  ];
  return `${lines.join('\n').replace(/\n{3,}/g, '\n\n')}\n`;
}

function idleLines(analysis: Analysis, facts: readonly DeviceFacts[]): string[] {
  const known = facts.filter((d) => d.idle !== null);
  if (known.length === 0) return ['', '## What ended the idle time', ...note(tableCodes['latency-null'])];
  return [
    '',
    '## What ended the idle time',
    '',
    table(
      ['device', 'late launch us', 'after a host wait us', 'next task queued us', 'unknown us', 'launch latency p50 us'],
      known.map((d) => {
        const device = analysis.profile.devices[d.window.device];
        return [who({ device: device?.id ?? d.window.device, rank: device?.rank ?? null }), us(d.idle?.launchNs ?? 0), us(d.idle?.syncNs ?? 0), us(d.idle?.queuedNs ?? 0), us(d.idle?.unknownNs ?? 0), d.launchP50Ns === null ? null : round(us(d.launchP50Ns))];
      }),
    ),
    '',
    'A gap is the host\'s when the call that launched the next task ended inside it. Gaps whose next task was queued already belong to the device.',
  ];
}

export function findingLines(findings: readonly Finding[]): string[] {
  if (findings.length === 0) return ['', '## Findings', '', 'None.'];
  const lines = ['', '## Findings', ''];
  for (const f of findings) {
    const share = f.share_pct == null ? '' : `, ${number(f.share_pct)} % of span`;
    lines.push(`- **${f.id}** (${f.severity}, confidence ${f.confidence}): ${f.title}: ${typeof f.value === 'number' ? number(f.value) : cell(f.value)} ${f.unit}${share}. ${f.action}`);
    for (const e of f.evidence) lines.push(`  - ${cell(e.where, 120)}: ${cell(e.detail, 300)}`);
  }
  return lines;
}

/** timeline_notes.md: the answer, the window of every device, what ended idle time, the evidence of the class, findings, what is missing. */
export function timelineNotes(judged: Judged): string {
  const { analysis, bottleneck, findings } = judged;
  const lines = [headline(judged), '', '# Timeline notes', '', '## Window'];
  if (analysis.windows.length === 0) lines.push(...note(tableCodes['window-null']));
  else {
    lines.push(
      '',
      table(
        ['device', 'span us', 'computing us', 'communication us', 'not overlapped us', 'free us', 'memcpy us', 'event wait us', 'AI CPU us', 'idle us', 'overlap %'],
        analysis.windows.map((w) => [who(w), w.span_us, w.computing_us, w.communication_us, w.communication_not_overlapped_us, w.free_us, w.memcpy_us, w.event_wait_us, w.aicpu_us, w.idle_us, w.overlap_pct]),
      ),
      '',
      'Per device: computing + communication not overlapped + free = span. Free splits in this order: memcpy, event wait, AI CPU, idle.',
    );
    if (analysis.windows.some((w) => w.idle_us === null)) lines.push(...note(tableCodes['free-not-split']));
    lines.push(...idleLines(analysis, analysis.devices));
  }
  lines.push('', '## Why this class', '', table(['metric', 'value', 'threshold', 'source'], bottleneck.evidence.map((e) => [e.metric, e.value, e.threshold, e.source])));
  lines.push(...findingLines(findings));
  lines.push('', '## What the capture does not hold', '');
  lines.push(analysis.incomplete.length === 0 ? 'Nothing is missing.' : analysis.incomplete.map((n) => `- ${n.code}: ${cell(n.detail, 400)}`).join('\n'));
  return `${lines.join('\n').replace(/\n{3,}/g, '\n\n')}\n`;
}
