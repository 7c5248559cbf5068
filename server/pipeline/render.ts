import { cell, number, table, type Finding, type Incomplete, type PipelineDevice, type PipelineVerdict, type Quantiles } from '../contract/index.js';
import { inPercent, shareOf, type Analysis } from './analyze/analyze.js';
import { skewNotes, skewRows } from './skew/tables.js';
import { limits } from './thresholds.js';

/** An analysis with its verdict. */
export interface Judged {
  readonly analysis: Analysis;
  readonly verdict: PipelineVerdict;
  readonly devices: readonly PipelineDevice[];
  readonly findings: readonly Finding[];
  /** The reader's notes, the analysis' own, and what limits the comparison of ranks. */
  readonly incomplete: readonly Incomplete[];
}

/** The answer in one sentence, with the number that matters; only our own words and numbers. */
export function headline({ analysis, verdict, incomplete }: Judged): string {
  const { shown, steps, skew } = analysis;
  if (shown?.steps == null) return `${verdict.class}: no steps (${analysis.incomplete[0]?.code ?? incomplete[0]?.code ?? 'no-window'})`;
  const where = analysis.devices.length > 1 ? ` on device ${analysis.profile.devices[shown.index]?.id ?? shown.index}, one of ${analysis.devices.length}` : '';
  const { period_us, bubble_us } = steps;
  const pace = period_us === null || bubble_us === null ? `${steps.count} step${steps.count === 1 ? '' : 's'}, no whole one` : `${steps.count} steps of ${number(period_us.p50)} us (p99 ${number(period_us.p99)}), ${number(bubble_us.p50)} us of it idle`;
  const free = inPercent(shareOf(shown.window?.freeNs ?? Number.NaN, shown.window));
  const rank = verdict.class === 'rank-skewed' && skew.skew !== null ? `; rank ${skew.skew.slow_ranks.join(', ')} behind its peers by ${skew.skew.skew_pct === null ? '–' : number(skew.skew.skew_pct)} %` : '';
  return `${verdict.class} (confidence ${verdict.confidence}): ${pace}${where}; bubbles are ${free === null ? '–' : number(free)} % of the span${rank}`;
}

const q = (v: Quantiles | null): (number | null)[] => (v === null ? [null, null, null] : [v.p50, v.p90, v.p99]);

function who(row: { device: number; rank: number | null }): string {
  return row.rank === null ? String(row.device) : `${row.device} (rank ${row.rank})`;
}

function cut(all: number, shown: number, file: string): string[] {
  return shown < all ? ['', `${shown} of ${all} rows; ${file} holds all.`] : [];
}

function stepSection({ analysis }: Judged): string[] {
  const { steps, shown } = analysis;
  const lines = ['', '## Steps', ''];
  if (shown?.steps == null) return [...lines, `None found: ${analysis.incomplete.map((i) => i.code).join(', ')}.`];
  const { boundary } = shown.steps;
  lines.push(
    `Method ${shown.steps.method}, confidence ${shown.steps.confidence}${boundary === null ? '' : `; a step ends with ${cell(boundary[0])} and begins with ${cell(boundary[1])}`}. ${steps.count} steps, ${steps.whole} of them whole.`,
    '',
    table(
      ['kind', 'steps', 'tokens p50', 'sequences p50', 'period us p50', 'p90', 'p99', 'busy us p50', 'p90', 'p99', 'bubble us p50', 'p90', 'p99'],
      [...steps.kinds.map((k) => [k.stage ?? 'unknown', k.count, k.tokens_p50, k.sequences_p50, ...q(k.period_us), ...q(k.busy_us), ...q(k.bubble_us)]), ['all', steps.count, null, null, ...q(steps.period_us), ...q(steps.busy_us), ...q(steps.bubble_us)]],
    ),
  );
  if (steps.outliers.length > 0) {
    const rows = steps.outliers.slice(0, limits.pageRows.value);
    lines.push('', 'Steps far above the others of their kind:', '', table(['step', 'start us', 'kind', 'period us', 'busy us', 'bubble us', 'beyond usual us'], rows.map((o) => [o.step, o.start_us, o.stage ?? 'unknown', o.period_us, o.busy_us, o.bubble_us, o.excess_us])), ...cut(steps.outliers.length, rows.length, 'analysis.json'));
  }
  return lines;
}

function deviceSection({ devices }: Judged): string[] {
  if (devices.length === 0) return [];
  const rows = devices.slice(0, limits.pageRows.value);
  return [
    '',
    '## Devices',
    '',
    table(
      ['device', 'class', 'method', 'steps', 'period us p50', 'bubble us p50', 'span us', 'computing us', 'comm. not overlapped us', 'free us', 'host us', 'copies us', 'event waits us', 'queued us', 'untraced us'],
      rows.map((d) => [who(d), d.class, d.method ?? d.reason, d.steps, d.period_p50_us, d.bubble_p50_us, d.span_us, d.computing_us, d.communication_not_overlapped_us, d.free_us, d.host_us, d.copy_us, d.comm_wait_us, d.queued_us, d.untraced_us]),
    ),
    ...cut(devices.length, rows.length, 'analysis.json'),
    '',
    'Free time is the sum of the bubbles: host (late launches), copies, event waits, gaps whose next task was queued already, and gaps of unknown cause.',
  ];
}

function stageSection({ analysis }: Judged): string[] {
  const rows = analysis.stages.slice(0, limits.pageRows.value);
  const lines = ['', '## Stages', ''];
  if (rows.length === 0) return [...lines, 'No task with a time.'];
  return [...lines, table(['device', 'stage', 'steps', 'tasks', 'total us', 'share %'], rows.map((r) => [who(r), r.stage ?? 'unknown', r.steps, r.tasks, r.total_us, r.share_pct])), ...cut(analysis.stages.length, rows.length, 'stage-table.csv')];
}

function bubbleSection({ analysis }: Judged): string[] {
  const rows = [...analysis.bubbles].sort((a, b) => b.total_us - a.total_us).slice(0, limits.pageRows.value);
  const lines = ['', '## Bubbles', ''];
  if (rows.length === 0) return [...lines, 'None.'];
  return [
    ...lines,
    table(
      ['device', 'where', 'between', 'class', 'gaps', 'total us', 'p50 us', 'p99 us', 'share %', 'next queued', 'no host call us', 'host calls'],
      rows.map((r) => [who(r), r.where, r.before === null && r.after === null ? 'all the rest' : `${r.before ?? 'start'} → ${r.after ?? 'end'}`, r.class, r.count, r.total_us, r.p50_us, r.p99_us, r.share_pct, r.queued, r.host_silent_us, r.host_events.slice(0, 3).map((e) => `${e.name} ${number(e.total_us)}`).join(', ')]),
    ),
    ...cut(analysis.bubbles.length, rows.length, 'bubble-table.csv'),
  ];
}

function layerSection({ analysis }: Judged): string[] {
  const { layers } = analysis;
  const lines = ['', '## Layers', ''];
  if (layers === null) return [...lines, 'No pattern repeats inside a step.'];
  const odd = layers.layers.filter((l) => l.odd !== null);
  lines.push(`${layers.count} layers in ${layers.steps} ${layers.stage ?? 'unclassified'} steps of one kernel sequence, ${number(layers.per_layer_us)} us each (median): ${layers.pattern.map((p) => cell(p, 40)).join(', ')}.`);
  if (odd.length > 0) lines.push('', table(['layer', 'us', 'against the median %', 'odd'], odd.slice(0, limits.pageRows.value).map((l) => [l.layer, l.us, l.delta_pct, l.odd])));
  return lines;
}

function skewSection({ analysis }: Judged): string[] {
  const { skew } = analysis.skew;
  const rows = skew === null ? [] : skewRows(skew).slice(0, limits.pageRows.value);
  const lines = ['', '## Ranks', '', ...skewNotes(analysis.skew).map((n) => `- ${n}`)];
  if (rows.length > 0) lines.push('', table(['rank', 'device', 'collectives', 'compute us', 'waits us', 'late us p50', 'skew %', 'slow', 'clock ahead us'], rows.map((r) => [r.rank, r.device, r.collectives, r.compute_us, r.comm_wait_us, r.late_us_p50, r.skew_pct, r.slow, r.clock_offset_us])), ...cut(skew?.per_rank.length ?? 0, rows.length, 'rank-skew-table.csv'));
  return lines;
}

function findingSection({ findings }: Judged): string[] {
  const lines = ['', '## Findings', ''];
  if (findings.length === 0) return [...lines, 'None.'];
  for (const f of findings) {
    const share = f.share_pct == null ? '' : `, ${number(f.share_pct)} % of span`;
    lines.push(`- **${f.id}** (${f.severity}, confidence ${f.confidence}): ${f.title}: ${typeof f.value === 'number' ? number(f.value) : cell(f.value)} ${f.unit}${share}. ${f.action}`);
    for (const e of f.evidence) lines.push(`  - ${cell(e.where, 120)}: ${cell(e.detail, 300)}`);
  }
  return lines;
}

/** pipeline-analysis.md: the answer, then steps, devices, stages, bubbles, layers, ranks, findings, and what is missing. */
export function page(judged: Judged): string {
  const { verdict, incomplete } = judged;
  const lines = [
    headline(judged),
    '',
    '# Pipeline',
    '',
    'Computed from a profile: it explains where steps lose time, it does not measure performance.',
    ...stepSection(judged),
    ...deviceSection(judged),
    ...stageSection(judged),
    ...bubbleSection(judged),
    ...layerSection(judged),
    ...skewSection(judged),
    '',
    '## Why this class',
    '',
    table(['metric', 'value', 'threshold', 'source'], verdict.evidence.map((e) => [e.metric, e.value, e.threshold, e.source])),
    ...findingSection(judged),
    '',
    '## What the capture does not hold',
    '',
    ...(incomplete.length === 0 ? ['Nothing is missing.'] : incomplete.map((n) => `- ${n.code}: ${cell(n.detail, 400)}`)),
  ];
  return `${lines.join('\n').replace(/\n{3,}/g, '\n\n')}\n`;
}
