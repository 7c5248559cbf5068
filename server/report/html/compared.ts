import { scaleLinear } from 'd3-scale';
import { chance } from '../../contract/index.js';
import { change, primaryRow } from '../answers.js';
import type { Held } from '../gather.js';
import type { Words } from '../words.js';
import { label, tag, type Chart } from './markup.js';
import { short } from './axes.js';

const width = 760;
const rowHeight = 26;
const most = 14;

const marks: Readonly<Record<string, string>> = { supported: 'good', refuted: 'bad', equivalent: 'dim', inconclusive: 'dim' };

/** Change of each metric with its interval, the row the verdict rests on first. */
export function beforeAfter({ path, value }: Held<'comparison-report'>, w: Words, id: string): Chart | null {
  const primary = primaryRow(value);
  const rows = [...value.metrics].filter((m) => m.delta_pct !== null).sort((a, b) => Number(b.primary) - Number(a.primary));
  if (rows.length === 0 || primary === null) return null;
  const shown = rows.slice(0, most);
  const ends = shown.flatMap((m) => [m.delta_pct ?? 0, m.ci_low_pct ?? m.delta_pct ?? 0, m.ci_high_pct ?? m.delta_pct ?? 0, 0]);
  const x = scaleLinear([Math.min(...ends), Math.max(...ends)], [300, 600]).nice();
  const bottom = 30 + shown.length * rowHeight;
  const lines = x.ticks(6).map((v) => tag('line', { class: v === 0 ? 'zero' : 'grid', x1: x(v), x2: x(v), y1: 20, y2: bottom }) + label(x(v), bottom + 16, `${short(v)} %`, { 'text-anchor': 'middle', class: 'dim' }));
  const body = shown.map((m, i) => {
    const y = 38 + i * rowHeight;
    const mark = marks[m.verdict] ?? 'dim';
    // A bound that is missing reaches to the edge of the drawing.
    const span = m.method === null ? '' : tag('line', { class: `line s${mark}`, x1: x(m.ci_low_pct ?? x.domain()[0] ?? 0), x2: x(m.ci_high_pct ?? x.domain()[1] ?? 0), y1: y - 4, y2: y - 4 });
    const name = `${m.metric}, ${m.load}`;
    return `${label(290, y, name.length > 42 ? `${name.slice(0, 41)}…` : name, { 'text-anchor': 'end', 'font-weight': m.primary ? 'bold' : null })}${span}${tag('circle', { class: `f${mark}`, cx: x(m.delta_pct ?? 0), cy: y - 4, r: m.primary ? 5.5 : 4 })}${label(612, y, m.verdict, { class: 'dim' })}`;
  });
  return {
    id, title: `${w.beforeAfter}: ${value.verdict} (${value.grade})`, note: w.beforeAfterNote,
    summary: `${primary.metric} ${change(primary)}`, width, height: bottom + 26, body: lines.join('') + body.join(''), paths: [path],
    table: {
      head: ['metric', 'load', 'baseline', 'candidate', 'delta_pct', 'ci_low_pct', 'ci_high_pct', 'p_value', 'p_holm', 'n_baseline', 'n_candidate', 'mde_pct', 'verdict'],
      rows: [...value.metrics].map((m) => [m.metric, m.load, m.baseline, m.candidate, m.delta_pct, m.ci_low_pct, m.ci_high_pct, chance(m.p_value), chance(m.p_holm), m.n_baseline, m.n_candidate, m.mde_pct, m.verdict]),
    },
  };
}
