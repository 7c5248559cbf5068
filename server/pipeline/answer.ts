import { foreign, type BubbleRow, type Finding, type Layers, type PipelineAnalyzeFacts, type RankSkewTable } from '../contract/index.js';
import type { AnalysisBody } from './derive.js';
import { limits } from './thresholds.js';
import type { View } from './views.js';

const name = (text: string | null): string | null => (text === null ? null : foreign(text, 60));

function bubbles(rows: readonly BubbleRow[], count: number, events: number): BubbleRow[] {
  return [...rows]
    .sort((a, b) => b.total_us - a.total_us)
    .slice(0, count)
    .map((r) => ({ ...r, before: name(r.before), after: name(r.after), host_events: r.host_events.slice(0, events).map((e) => ({ ...e, name: foreign(e.name, 60) })) }));
}

/** Outside its view a layer table shows only what stands out. */
function layersIn(layers: Layers | null, whole: boolean, count: number): Layers | null {
  if (layers === null) return null;
  const rows = whole ? layers.layers : layers.layers.filter((l) => l.odd !== null);
  return { ...layers, pattern: layers.pattern.slice(0, whole ? limits.patternOps.value : 16).map((p) => foreign(p, 40)), layers: rows.slice(0, whole ? count * 2 : 4) };
}

function skewIn(skew: RankSkewTable | null, whole: boolean, count: number): RankSkewTable | null {
  if (skew === null) return null;
  const slow = (r: { rank: number }): number => (skew.slow_ranks.includes(r.rank) ? 0 : 1);
  const rows = [...skew.per_rank].sort((a, b) => slow(a) - slow(b) || a.rank - b.rank);
  return {
    ...skew,
    slow_ops: skew.slow_ops.slice(0, whole ? 10 : 2).map((o) => ({ ...o, op_type: foreign(o.op_type, 60) })),
    slow_links: skew.slow_links.slice(0, whole ? 6 : 1).map((l) => ({ ...l, group: foreign(l.group, 60), op: foreign(l.op, 40), link: foreign(l.link, 20) })),
    groups: whole ? skew.groups.slice(0, 4).map((g) => ({ ...g, group: foreign(g.group, 60), ranks: g.ranks.slice(0, 16) })) : [],
    per_rank: rows.slice(0, whole ? count : 2).map((r) => ({ ...r, host: name(r.host) })),
  };
}

interface Shown {
  readonly facts: PipelineAnalyzeFacts;
  readonly findings: Finding[];
}

/** @param share 0–1: how much of each list is shown */
function shownAt(body: AnalysisBody, run: string, view: View, share: number): Shown {
  const rows = (most: number): number => Math.max(1, Math.floor(most * share));
  const { boundary, steps } = body;
  const own = body.stages.filter((s) => s.device === body.device && s.rank === body.rank);
  return {
    facts: {
      run,
      view,
      device: body.device,
      rank: body.rank,
      method: body.method,
      confidence: body.confidence,
      boundary: boundary === null ? null : { ...boundary, before: foreign(boundary.before, 60), after: foreign(boundary.after, 60) },
      steps: { ...steps, outliers: steps.outliers.slice(0, view === 'steps' ? rows(limits.viewRows.value) : 2) },
      stages: view === 'stages' ? body.stages.slice(0, rows(limits.viewRows.value)) : own,
      bubbles: bubbles(body.bubbles, view === 'bubbles' ? rows(limits.viewRows.value) : rows(limits.shownBubbles.value), view === 'bubbles' ? 4 : 2),
      layers: layersIn(body.layers, view === 'layers', rows(limits.viewRows.value)),
      rank_skew: skewIn(body.rank_skew, view === 'rank_skew', rows(limits.viewRows.value)),
      devices: body.devices.slice(0, view === 'steps' ? rows(limits.viewRows.value / 2) : 1).map((d) => ({ ...d, host: name(d.host) })),
      tables: { stages: body.stages.length, bubbles: body.bubbles.length, layers: body.layers?.layers.length ?? null, ranks: body.rank_skew?.per_rank.length ?? null, devices: body.devices.length, outliers: steps.outliers.length },
      incomplete: body.incomplete.slice(0, 12).map((n) => ({ code: n.code, detail: foreign(n.detail, share < 0.5 ? 80 : 220) })),
    },
    findings: view === 'summary' ? body.findings.slice(0, rows(limits.shownFindings.value)).map((f) => ({ ...f, evidence: f.evidence.slice(0, 1) })) : [],
  };
}

/** The part of an analysis that a view shows, cut until it fits a result; `tables` says how many rows there are. */
export function shownOf(body: AnalysisBody, run: string, view: View): Shown {
  let shown = shownAt(body, run, view, 1);
  for (let share = 0.75; share > 0.02 && JSON.stringify(shown).length > limits.resultBytes.value; share *= 0.75) shown = shownAt(body, run, view, share);
  return shown;
}
