import { scaleLinear } from 'd3-scale';
import { number, type BubbleRow } from '../../contract/index.js';
import type { Held } from '../gather.js';
import type { Words } from '../words.js';
import { legend, short } from './axes.js';
import { label, tag, type Chart } from './markup.js';

const width = 760;
const rowHeight = 24;
/** Rows a drawing holds; the table holds all. */
const most = 16;
const GiB = 1024 ** 3;

interface Part {
  readonly value: number;
  readonly fill: string;
}
interface Bar {
  readonly name: string;
  readonly parts: readonly Part[];
  readonly end: string;
}

/** Horizontal bars of one scale, parts side by side. */
function bars(rows: readonly Bar[], unit: string, top: number): { body: string; bottom: number } {
  const total = (b: Bar): number => b.parts.reduce((sum, p) => sum + p.value, 0);
  const x = scaleLinear([0, Math.max(...rows.map(total), 0) || 1], [210, 560]);
  const bottom = top + rows.length * rowHeight;
  const grid = x.ticks(5).map((v) => tag('line', { class: 'grid', x1: x(v), x2: x(v), y1: top, y2: bottom }) + label(x(v), bottom + 16, short(v), { 'text-anchor': 'middle', class: 'dim' }));
  const body = rows.map((row, i) => {
    const y = top + i * rowHeight;
    let at = 0;
    const rects = row.parts.map((p) => {
      const rect = tag('rect', { class: p.fill, x: x(at), y: y + 4, width: Math.max(0, x(at + p.value) - x(at)), height: rowHeight - 8 });
      at += p.value;
      return rect;
    });
    return `${label(200, y + 16, row.name.length > 30 ? `${row.name.slice(0, 29)}…` : row.name, { 'text-anchor': 'end' })}${rects.join('')}${label(x(at) + 8, y + 16, row.end, { class: 'dim' })}`;
  });
  return { body: grid.join('') + body.join('') + label(600, bottom + 16, unit, { class: 'dim' }), bottom: bottom + 26 };
}

/** What lies in the memory of one rank, and what is left. Null without a memory size. */
export function hbmLedger({ path, value }: Held<'capacity-plan'>, w: Words): Chart | null {
  const total = value.per_rank.hbm_total_bytes;
  const rows = value.ledger.filter((r) => r.bytes > 0);
  if (total === null || rows.length === 0) return null;
  const free = value.per_rank.free_margin_bytes;
  const parts = [...rows.map((r, i) => ({ name: r.name, bytes: r.bytes, fill: `f${(i % 5) + 1}` })), ...(free !== null && free > 0 ? [{ name: w.free, bytes: free, fill: 'f6' }] : [])];
  const x = scaleLinear([0, Math.max(total, parts.reduce((s, p) => s + p.bytes, 0))], [20, 740]);
  let at = 0;
  const rects = parts.map((p) => {
    // The stripe between neighbours tells two parts of one hue apart.
    const rect = tag('rect', { class: p.fill, x: x(at), y: 30, width: Math.max(0.5, x(at + p.bytes) - x(at) - 1), height: 56 });
    at += p.bytes;
    return rect;
  });
  const edge = tag('line', { class: 'zero', x1: x(total), x2: x(total), y1: 22, y2: 94 }) + label(x(total), 16, `${number(total / GiB)} GiB`, { 'text-anchor': 'end' });
  const keys = legend(parts.map((p) => ({ name: `${p.name} ${number(Math.round((p.bytes / GiB) * 100) / 100)} GiB`, fill: p.fill })), 20, 118, 720);
  return {
    id: 'hbm', title: `${w.hbm}: ${value.verdict}`, note: w.hbmNote, summary: parts.map((p) => `${p.name} ${number(Math.round((p.bytes / GiB) * 100) / 100)} GiB`).join(', '),
    width, height: 110 + keys.height, body: rects.join('') + edge + keys.body, paths: [path],
    table: { head: [w.field, 'bytes', 'worst_bytes', w.how], rows: [...value.ledger.map((r) => [r.name, r.bytes, r.worst_bytes, r.source]), ['free_margin_bytes', free, value.per_rank.free_margin_low_bytes, null], ['hbm_total_bytes', total, total, null]] },
  };
}

/** Kernel types of the device the verdict speaks of, longest first. */
export function kernelShare({ path, value }: Held<'profiling-analysis'>, w: Words): Chart | null {
  const of = value.window?.device ?? value.kernel?.[0]?.device;
  const rows = (value.kernel ?? []).filter((k) => k.device === of).sort((a, b) => b.total_us - a.total_us);
  if (rows.length === 0) return null;
  const made = bars(rows.slice(0, most).map((k) => ({ name: k.op_type, parts: [{ value: k.share_pct, fill: 'f1' }], end: `${number(Math.round(k.share_pct * 10) / 10)} %, ${number(Math.round(k.total_us))} us, × ${k.count}` })), '%', 10);
  return {
    id: 'kernels', title: w.kernels, note: w.kernelsNote, summary: rows.slice(0, 3).map((k) => `${k.op_type} ${number(Math.round(k.share_pct * 10) / 10)} %`).join(', '), width, height: made.bottom, body: made.body, paths: [path],
    table: { head: ['op_type', 'task_type', 'count', 'total_us', 'avg_us', 'share_pct', 'bound', 'mfu_pct', 'stage'], rows: rows.slice(0, 100).map((k) => [k.op_type, k.task_type, k.count, k.total_us, k.avg_us, k.share_pct, k.bound, k.mfu_pct, k.stage]) },
  };
}

/** Compute, exposed communication and free time of each device; the three add up to the span. */
export function deviceTime({ path, value }: Held<'profiling-analysis'>, w: Words): Chart | null {
  if (value.windows.length === 0) return null;
  const ms = (us: number): string => `${number(Math.round(us / 10) / 100)} ms`;
  const made = bars(
    value.windows.slice(0, most).map((x) => ({
      name: x.rank === null ? `${w.device} ${x.device}` : `${w.rank} ${x.rank}, ${w.device} ${x.device}`,
      parts: [{ value: x.computing_us / 1000, fill: 'f1' }, { value: x.communication_not_overlapped_us / 1000, fill: 'f2' }, { value: x.free_us / 1000, fill: 'f6' }],
      end: ms(x.span_us),
    })), 'ms', 10,
  );
  const keys = legend([{ name: w.computing, fill: 'f1' }, { name: w.exposed, fill: 'f2' }, { name: w.free, fill: 'f6' }], 210, made.bottom + 16, 500);
  const x = value.windows[0];
  return {
    id: 'windows', title: `${w.windows}: ${value.bottleneck.class}`, note: w.windowsNote, width, height: made.bottom + 10 + keys.height, body: made.body + keys.body, paths: [path],
    summary: x === undefined ? '' : `${w.device} ${x.device}: ${w.computing} ${ms(x.computing_us)}, ${w.exposed} ${ms(x.communication_not_overlapped_us)}, ${w.free} ${ms(x.free_us)}`,
    table: { head: ['device', 'rank', 'span_us', 'computing_us', 'communication_us', 'communication_not_overlapped_us', 'free_us', 'memcpy_us', 'event_wait_us', 'aicpu_us', 'idle_us', 'overlap_pct'], rows: value.windows.map((d) => [d.device, d.rank, d.span_us, d.computing_us, d.communication_us, d.communication_not_overlapped_us, d.free_us, d.memcpy_us, d.event_wait_us, d.aicpu_us, d.idle_us, d.overlap_pct]) },
  };
}

/** Time of the bubbles of one device by class, longest first. */
function byClass(rows: readonly BubbleRow[]): [string, number, number][] {
  const sums = new Map<string, [number, number]>();
  for (const b of rows) {
    const [us, count] = sums.get(b.class) ?? [0, 0];
    sums.set(b.class, [us + b.total_us, count + b.count]);
  }
  return [...sums].map(([name, [us, count]]): [string, number, number] => [name, us, count]).sort((a, b) => b[1] - a[1]);
}

/** Period, busy and bubble of a step at three quantiles, and the bubbles of the same device by class. */
export function stepsAndBubbles({ path, value }: Held<'pipeline-analysis'>, w: Words): Chart | null {
  const { period_us: period, busy_us: busy, bubble_us: bubble } = value.steps;
  if (period === null || busy === null || bubble === null) return null;
  const ms = (us: number): string => `${number(Math.round(us) / 1000)} ms`;
  const kinds = [{ name: w.period, of: period, fill: 'f6' }, { name: w.busy, of: busy, fill: 'f1' }, { name: w.bubble, of: bubble, fill: 'f2' }] as const;
  const rows = (['p50', 'p90', 'p99'] as const).flatMap((q) => kinds.map((k) => ({ name: `${q} ${k.name}`, parts: [{ value: k.of[q] / 1000, fill: k.fill }], end: ms(k.of[q]) })));
  const made = bars(rows, 'ms', 10);
  const sums = byClass(value.bubbles.filter((b) => b.device === value.device));
  const below = sums.length === 0 ? { body: '', bottom: made.bottom } : bars(sums.map(([name, us, count]) => ({ name, parts: [{ value: us / 1000, fill: 'f2' }], end: `${ms(us)}, × ${count}` })), 'ms', made.bottom + 20);
  return {
    id: 'steps', title: `${w.steps}: ${value.verdict.class}`, note: w.stepsNote, summary: `p50 ${w.period} ${ms(period.p50)}, ${w.busy} ${ms(busy.p50)}, ${w.bubble} ${ms(bubble.p50)}`, width, height: below.bottom, body: made.body + below.body, paths: [path],
    table: { head: ['class', 'before', 'after', 'where', 'count', 'total_us', 'p50_us', 'p99_us', 'share_pct'], rows: value.bubbles.filter((b) => b.device === value.device).slice(0, 100).map((b) => [b.class, b.before, b.after, b.where, b.count, b.total_us, b.p50_us, b.p99_us, b.share_pct]) },
  };
}
