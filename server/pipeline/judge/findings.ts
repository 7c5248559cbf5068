import { foreign, number, type BubbleRow, type Finding } from '../../contract/index.js';
import { byText, percent, round, us } from '../../profiles/derived/numbers.js';
import { shareOf, type Analysis, type DeviceFacts } from '../analyze/analyze.js';
import { limits, thresholds } from '../thresholds.js';
import { rankFindings } from './ranks.js';
import { place, sourceOf, taskFiles } from './sources.js';

type Severity = Finding['severity'];

function severityOf(share: number): Severity {
  return share >= thresholds.bubbleHigh.value ? 'high' : share >= thresholds.hostBound.value ? 'medium' : share >= thresholds.bubbleSeen.value ? 'low' : 'info';
}

/** The device with the largest share of one kind of time. */
function worst(analysis: Analysis, ns: (d: DeviceFacts) => number): { facts: DeviceFacts; share: number; ns: number } | null {
  let found: { facts: DeviceFacts; share: number; ns: number } | null = null;
  for (const facts of analysis.devices) {
    const share = shareOf(ns(facts), facts.window);
    if (share > (found?.share ?? 0)) found = { facts, share, ns: ns(facts) };
  }
  return found;
}

function rowsOf(analysis: Analysis, facts: DeviceFacts, of: readonly BubbleRow['class'][], where: BubbleRow['where'] | 'any' = 'any'): BubbleRow[] {
  return (analysis.bubblesBy.get(facts.index) ?? []).filter((b) => of.includes(b.class) && (where === 'any' || b.where === where));
}

/** Rows of the bubble table as evidence. */
function bubbleEvidence(analysis: Analysis, facts: DeviceFacts, rows: readonly BubbleRow[]): Finding['evidence'] {
  const path = sourceOf(analysis.profile, taskFiles);
  return rows.slice(0, 3).map((b) => {
    const host = b.host_events.slice(0, 3).map((e) => `${foreign(e.name, 40)} ${number(round(e.total_us))} us in ${e.count} calls`);
    const silent = b.host_silent_us === null ? '' : `; no traced host call during ${number(round(b.host_silent_us))} us`;
    return {
      path,
      where: `bubble table, ${place(analysis.profile, facts.index)}, ${b.where ?? 'anywhere'}`,
      detail: `${foreign(b.before ?? 'start', 40)} to ${foreign(b.after ?? 'end', 40)}: ${b.count} gaps, ${number(b.total_us)} us, median ${number(b.p50_us)} us, ${b.class}${host.length === 0 ? '' : `; host: ${host.join(', ')}`}${silent}`,
    };
  });
}

const hostTexts = {
  'host-sync': {
    id: 'host-bound-sync',
    title: 'The device runs dry while the host waits for it, then prepares the next work',
    action: 'Let the host prepare the next step while the device runs this one (asynchronous scheduling, schedule overlap), and take synchronising copies out of the step.',
  },
  'host-launch': {
    id: 'host-bound-launch',
    title: 'The device waits for launches: the host is slower than the kernels',
    action: 'Capture decode into a graph so that one launch starts the whole step; else fuse small kernels and bind the launching thread to its own cores near the NPU.',
  },
} as const;

function hostFindings(analysis: Analysis): Finding[] {
  const found: Finding[] = [];
  for (const of of ['host-sync', 'host-launch'] as const) {
    const ns = (d: DeviceFacts): number => (of === 'host-sync' ? d.bubbles?.syncNs : d.bubbles?.launchNs) ?? 0;
    const top = worst(analysis, ns);
    if (top === null || top.share < thresholds.findingSeen.value) continue;
    found.push({ ...hostTexts[of], severity: severityOf(top.share), value: us(top.ns), unit: 'us', share_pct: round(top.share * 100), evidence: bubbleEvidence(analysis, top.facts, rowsOf(analysis, top.facts, [of])), confidence: top.facts.steps === null ? 'medium' : 'high' });
  }
  return found;
}

/** Idle time before most steps: what a decode step loses each time. */
function bubbleFinding(analysis: Analysis): Finding[] {
  const { shown, profile } = analysis;
  if (shown?.steps == null || shown.bubbles === null) return [];
  const rows = rowsOf(analysis, shown, ['host-sync', 'host-launch', 'memcpy', 'comm-wait', 'untraced'], 'between-steps');
  const count = rows.reduce((a, b) => a + b.count, 0);
  const total = rows.reduce((a, b) => a + b.total_us, 0);
  const share = shareOf(total * 1000, shown.window);
  if (share < thresholds.bubbleSeen.value || count < thresholds.recurring.value * (shown.steps.count - 1)) return [];
  return [
    {
      id: 'decode-bubble',
      title: 'Before most steps the device is idle',
      severity: severityOf(share),
      value: round(total / Math.max(1, count)),
      unit: 'us a step',
      share_pct: round(share * 100),
      evidence: [...bubbleEvidence(analysis, shown, rows), { path: sourceOf(profile, taskFiles), where: `steps, ${place(profile, shown.index)}`, detail: `idle time before ${count} of ${shown.steps.count} steps` }],
      confidence: shown.steps.confidence,
      action: 'Work on what the class of these gaps names: host-sync, schedule ahead; host-launch, fewer launches; memcpy, smaller or asynchronous copies; comm-wait, the rank that comes late.',
    },
  ];
}

function exposedFinding(analysis: Analysis): Finding[] {
  const top = worst(analysis, (d) => (d.window?.exposedNs ?? 0) + (d.bubbles?.commWaitNs ?? 0));
  if (top === null || top.share < thresholds.bubbleSeen.value) return [];
  const waits = rowsOf(analysis, top.facts, ['comm-wait']);
  return [
    {
      id: 'comm-exposed',
      title: 'Communication is exposed: nothing runs beside it',
      severity: top.share >= thresholds.commBound.value * thresholds.dominance.value ? 'high' : top.share >= thresholds.commBound.value ? 'medium' : 'low',
      value: us(top.ns),
      unit: 'us',
      share_pct: round(top.share * 100),
      evidence: [{ path: sourceOf(analysis.profile, taskFiles), where: `device table, ${place(analysis.profile, top.facts.index)}`, detail: `${number(us(top.facts.window?.exposedNs ?? 0))} us of collectives not overlapped, ${number(us(top.facts.bubbles?.commWaitNs ?? 0))} us of gaps that wait for events` }, ...bubbleEvidence(analysis, top.facts, waits)],
      confidence: analysis.profile.communication ? 'high' : 'medium',
      action: 'See the rank view: where one rank comes late, mend that first; else overlap (two micro-batches), or a smaller message.',
    },
  ];
}

function outlierFinding(analysis: Analysis): Finding[] {
  const { outliers, whole } = analysis.steps;
  const { shown, profile } = analysis;
  const [first] = outliers;
  if (first === undefined || shown === null) return [];
  const total = outliers.reduce((a, o) => a + o.excess_us, 0);
  const share = shareOf(total * 1000, shown.window);
  return [
    {
      id: 'step-outlier',
      title: 'Some steps take far longer than the others of their kind',
      severity: share >= thresholds.findingSeen.value ? 'medium' : 'low',
      value: outliers.length,
      unit: `of ${whole} steps`,
      share_pct: round(share * 100),
      evidence: outliers.slice(0, 3).map((o) => ({ path: sourceOf(profile, taskFiles), where: `step ${o.step}, ${number(o.start_us)} us after the first, ${place(profile, shown.index)}`, detail: `period ${number(o.period_us)} us, ${number(o.excess_us)} us more than usual; bubble ${number(o.bubble_us)} us` })),
      confidence: first.stage === null ? 'low' : (shown.steps?.confidence ?? 'low'),
      action: 'Look at these steps in the timeline: garbage collection, a new shape being compiled, a scheduler pause, or a prefill where the kind is not known; they are the tail of TPOT.',
    },
  ];
}

function layerFinding(analysis: Analysis): Finding[] {
  const { layers, profile, shown } = analysis;
  const slow = (layers?.layers ?? []).filter((l) => l.odd === 'slower').sort((a, b) => b.us - a.us || a.layer - b.layer);
  if (layers === null || shown === null || slow.length === 0) return [];
  const excess = slow.reduce((a, l) => a + (l.us - layers.per_layer_us), 0);
  const period = analysis.steps.kinds.find((k) => k.stage === layers.stage)?.period_us?.p50 ?? null;
  return [
    {
      id: 'odd-layer',
      title: 'Some layers take longer than the others of the same pattern',
      severity: 'low',
      value: round(excess),
      unit: 'us a step',
      share_pct: period === null ? null : percent(excess, period),
      evidence: slow.slice(0, 3).map((l) => ({ path: sourceOf(profile, taskFiles), where: `layer ${l.layer}, ${place(profile, shown.index)}`, detail: `${number(l.us)} us against ${number(layers.per_layer_us)} us, median over ${layers.steps} steps` })),
      confidence: 'medium',
      action: 'Compare the kernels of such a layer with those of an ordinary one: other shapes, another tiling, a wait inside.',
    },
  ];
}

/** Notes of the reader that say the capture itself is damaged or cut. */
const damaged = new Set(['db-truncated', 'db-broken', 'timeline-truncated', 'timeline-damaged', 'csv-ragged', 'csv-rows-dropped', 'file-broken', 'file-empty', 'capture-not-stopped', 'capture-not-exported']);

function damageFinding({ profile }: Analysis): Finding[] {
  const notes = profile.incomplete.filter((n) => damaged.has(n.code));
  if (notes.length === 0) return [];
  return [{ id: 'capture-incomplete', title: 'The capture is damaged or cut off', severity: 'info', value: notes.length, unit: 'notes', share_pct: null, evidence: notes.slice(0, 3).map((n) => ({ path: sourceOf(profile, /./), where: n.code, detail: foreign(n.detail, 200) })), confidence: 'high', action: 'Export it again, or capture again, before anything is decided by it.' }];
}

const order: Readonly<Record<Severity, number>> = { high: 0, medium: 1, low: 2, info: 3 };

/** Every finding that was computed, most severe first, then the larger share. */
export function findingsOf(analysis: Analysis): Finding[] {
  const all = [...rankFindings(analysis), ...hostFindings(analysis), ...bubbleFinding(analysis), ...exposedFinding(analysis), ...outlierFinding(analysis), ...layerFinding(analysis), ...damageFinding(analysis)];
  return all.sort((a, b) => order[a.severity] - order[b.severity] || (b.share_pct ?? 0) - (a.share_pct ?? 0) || byText(a.id, b.id)).slice(0, limits.findings.value);
}
