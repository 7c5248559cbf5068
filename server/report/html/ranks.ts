import { scaleLinear, scalePoint } from 'd3-scale';
import { number } from '../../contract/index.js';
import type { Held } from '../gather.js';
import type { Words } from '../words.js';
import { legend } from './axes.js';
import { label, tag, type Chart } from './markup.js';

const width = 760;
/** Rows a drawing holds; the table holds all. */
const most = 64;

/** A cell a rank and quantity; each column shaded on its own scale, the numbers written in. */
export function rankSkew({ path, value }: Held<'pipeline-analysis'>, w: Words): Chart | null {
  const skew = value.rank_skew;
  if (skew === null || skew.per_rank.length === 0) return null;
  const rows = [...skew.per_rank].sort((a, b) => a.rank - b.rank);
  const columns = [
    ['compute_us', (r: (typeof rows)[number]) => r.compute_us], ['own_us', (r: (typeof rows)[number]) => r.own_us], ['comm_wait_us', (r: (typeof rows)[number]) => r.comm_wait_us],
    ['late_us_p50', (r: (typeof rows)[number]) => r.late_us_p50], ['skew_pct', (r: (typeof rows)[number]) => r.skew_pct],
  ] as const;
  const high = rows.length > 24 ? 16 : 26;
  const cells = columns.map(([name, pick], c) => {
    const known = rows.map(pick).filter((v) => v !== null);
    const low = known.length === 0 ? 0 : Math.min(...known);
    // Differences below 5 %, the skew a verdict asks for, never fill the scale.
    const shade = scaleLinear([low, Math.max(...known, low * 1.05, low + 1e-9)], [0.05, 0.6]);
    const x = 110 + c * 126;
    const column = rows.slice(0, most).map((r, i) => {
      const v = pick(r);
      const y = 30 + i * high;
      return tag('rect', { class: v === null ? 'fdim' : 'f1', 'fill-opacity': v === null ? 0.05 : shade(v), x, y, width: 124, height: high - 2 }) + label(x + 62, y + high / 2 + 3, v === null ? '–' : number(Math.round(v * 10) / 10), { 'text-anchor': 'middle' });
    });
    return label(x + 62, 20, name, { 'text-anchor': 'middle', class: 'dim' }) + column.join('');
  });
  const names = rows.slice(0, most).map((r, i) => label(100, 30 + i * high + high / 2 + 3, `${w.rank} ${r.rank}`, { 'text-anchor': 'end', 'font-weight': r.rank === skew.slowest_rank ? 'bold' : null }));
  return {
    id: 'skew', title: `${w.skew}: ${skew.pattern}`, note: w.skewNote, summary: `${w.rank} ${skew.slowest_rank ?? '–'}, skew_pct ${skew.skew_pct === null ? '–' : number(skew.skew_pct)}`,
    width, height: 40 + Math.min(rows.length, most) * high, body: names.join('') + cells.join(''), paths: [path],
    table: { head: ['rank', 'device', 'host', 'collectives', 'compute_us', 'own_us', 'comm_wait_us', 'late_us_p50', 'skew_pct', 'clock_offset_us'], rows: rows.map((r) => [r.rank, r.device, r.host, r.collectives, r.compute_us, r.own_us, r.comm_wait_us, r.late_us_p50, r.skew_pct, r.clock_offset_us]) },
  };
}

const roles = { root: 'f5', timeout: 'f2', cascade: 'f6' } as const;

/** Lines of the logs by time, a lane a rank. Marks differ in shape: root a square, timeout a triangle, cascade a circle. */
export function incidentTimeline({ path, value }: Held<'incident-report'>, w: Words): Chart | null {
  if (value.timeline.length === 0) return null;
  // Without a zone the wall clocks of the hosts are read as one clock.
  const timed = value.timeline.flatMap((m) => { const at = m.time === null ? NaN : Date.parse(`${m.time.replace(' ', 'T').replace(/Z$/, '')}Z`); return Number.isFinite(at) ? [{ m, at }] : []; });
  const lanes = [...new Set(timed.map((t) => t.m.rank))].sort((a, b) => (a ?? -1) - (b ?? -1)).slice(0, most);
  const names = lanes.map((r) => (r === null ? `${w.rank} –` : `${w.rank} ${r}`));
  const bottom = 30 + lanes.length * 30;
  const y = scalePoint(names, [45, bottom - 15]);
  const start = Math.min(...timed.map((t) => t.at));
  const x = scaleLinear([0, Math.max(...timed.map((t) => t.at - start), 1) / 1000], [110, 720]).nice();
  const grid = x.ticks(6).map((v) => tag('line', { class: 'grid', x1: x(v), x2: x(v), y1: 30, y2: bottom }) + label(x(v), bottom + 16, `+${number(v)} s`, { 'text-anchor': 'middle', class: 'dim' }));
  const rows = names.map((n) => tag('line', { class: 'grid', x1: 110, x2: 720, y1: y(n) ?? 0, y2: y(n) ?? 0 }) + label(100, (y(n) ?? 0) + 4, n, { 'text-anchor': 'end' }));
  const marks = timed.flatMap(({ m, at }) => {
    const cy = y(m.rank === null ? `${w.rank} –` : `${w.rank} ${m.rank}`);
    if (cy === undefined) return [];
    const cx = x((at - start) / 1000);
    if (m.role === 'root') return [tag('rect', { class: roles.root, x: cx - 7, y: cy - 7, width: 14, height: 14 })];
    return [m.role === 'timeout' ? tag('path', { class: roles.timeout, d: `M${cx.toFixed(2)},${(cy - 8).toFixed(2)}l8,14h-16z` }) : tag('circle', { class: roles.cascade, cx, cy, r: 6 })];
  });
  const keys = legend([{ name: `${w.root} ■`, fill: roles.root }, { name: `${w.timeout} ▲`, fill: roles.timeout }, { name: `${w.cascade} ●`, fill: roles.cascade }], 110, bottom + 42, 600);
  const p = value.primary;
  return {
    id: 'incidents', title: `${w.incidents}: ${value.verdict}`, note: w.incidentsNote, summary: p === null ? value.verdict : `${p.class}, ${w.rank} ${p.origin.rank ?? '–'}`,
    width, height: timed.length === 0 ? 24 : bottom + 36 + keys.height, body: timed.length === 0 ? label(10, 16, `${value.timeline.length} ${w.linesOf}`) : grid.join('') + rows.join('') + marks.join('') + keys.body, paths: [path],
    table: { head: ['time', 'rank', 'host', 'role', 'id', 'file', 'line', 'text'], rows: value.timeline.slice(0, 200).map((m) => [m.time, m.rank, m.host, m.role, m.id, m.file, m.line, m.text]) },
  };
}
