import { scaleLinear } from 'd3-scale';
import { line, curveStepAfter } from 'd3-shape';
import type { PerfLatency, PerfPoint } from '../../contract/index.js';
import { primaryRow } from '../answers.js';
import type { Evidence } from '../gather.js';
import type { Words } from '../words.js';
import { axes, legend, type Box, type Key, type Scale } from './axes.js';
import { tag, type Chart } from './markup.js';

const width = 760;
const panels: readonly Box[] = [
  { left: 60, top: 30, right: 360, bottom: 270 },
  { left: 440, top: 30, right: 740, bottom: 270 },
];
/** Hues there are; further series stand in the table only. */
const hues = 6;

interface Measured {
  readonly series: string;
  readonly path: string;
  readonly point: PerfPoint;
  /** Place of the point in its file. */
  readonly at: number;
}

function measured(e: Evidence): Measured[] {
  return e.of('perf-metrics').flatMap(({ path, value }) => value.points.map((point, at) => ({ series: value.service_job ?? value.job ?? path.split('/').slice(0, 2).join('/'), path, point, at })));
}

interface Spread {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Mean and range of what is known; null when nothing is. */
function spread(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((v) => v !== null);
  return known.length === 0 ? null : { mean: known.reduce((a, b) => a + b, 0) / known.length, low: Math.min(...known), high: Math.max(...known) };
}

interface Load {
  readonly series: string;
  readonly id: string;
  readonly passes: number;
  readonly tps: Spread;
  readonly ttft50: Spread | null;
  readonly ttft99: Spread | null;
  readonly tpot: Spread | null;
  readonly tpot99: Spread | null;
}

function loads(all: readonly Measured[]): Load[] {
  const groups = new Map<string, Measured[]>();
  for (const m of all) groups.set(`${m.series}\n${m.point.id}`, [...(groups.get(`${m.series}\n${m.point.id}`) ?? []), m]);
  return [...groups.values()].flatMap((g) => {
    const of = (pick: (p: PerfPoint) => number | null): Spread | null => spread(g.map((m) => pick(m.point)));
    const tps = of((p) => p.output_tps);
    const first = g[0];
    return tps === null || first === undefined ? [] : [{ series: first.series, id: first.point.id, passes: g.length, tps, ttft50: of((p) => p.ttft_ms.p50), ttft99: of((p) => p.ttft_ms.p99), tpot: of((p) => p.tpot_ms.mean), tpot99: of((p) => p.tpot_ms.p99) }];
  });
}

const top = (values: readonly number[]): number => Math.max(...values, 0) * 1.05 || 1;

/** Output tokens per second against TTFT and TPOT, a line a service, whiskers over the passes of a load. */
export function throughputLatency(e: Evidence, w: Words): Chart | null {
  const all = measured(e);
  const found = loads(all);
  if (found.length === 0) return null;
  const series = [...new Set(found.map((l) => l.series))];
  const x = (box: Box): Scale => scaleLinear([0, top(found.map((l) => l.tps.high))], [box.left, box.right]).nice();
  const draw = (box: Box, name: string, kinds: readonly { pick: (l: Load) => Spread | null; dash: boolean }[]): string => {
    const y = scaleLinear([0, top(kinds.flatMap((k) => found.map((l) => k.pick(l)?.high ?? 0)))], [box.bottom, box.top]).nice();
    const at = x(box);
    const parts = [axes(box, at, y, { x: 'output tok/s', y: name })];
    series.slice(0, hues).forEach((s, i) => {
      for (const kind of kinds) {
        const points = found.flatMap((l) => { const v = kind.pick(l); return l.series === s && v !== null ? [{ tps: l.tps, v }] : []; }).sort((a, b) => a.tps.mean - b.tps.mean);
        const path = line<(typeof points)[number]>((p) => at(p.tps.mean), (p) => y(p.v.mean))(points);
        parts.push(tag('path', { class: `line s${i + 1}${kind.dash ? ' dash' : ''}`, d: path ?? '' }));
        for (const p of points) {
          parts.push(tag('line', { class: `s${i + 1}`, x1: at(p.tps.mean), x2: at(p.tps.mean), y1: y(p.v.low), y2: y(p.v.high) }));
          parts.push(tag('line', { class: `s${i + 1}`, x1: at(p.tps.low), x2: at(p.tps.high), y1: y(p.v.mean), y2: y(p.v.mean) }));
          parts.push(tag('circle', { class: `f${i + 1}`, cx: at(p.tps.mean), cy: y(p.v.mean), r: kind.dash ? 2.5 : 4 }));
        }
      }
    });
    return parts.join('');
  };
  const [left, right] = panels;
  if (left === undefined || right === undefined) return null;
  const keys = legend(series.slice(0, hues).map((s, i): Key => ({ name: s, fill: `f${i + 1}` })), 60, 330, 680);
  const best = found.reduce((a, b) => (b.tps.mean > a.tps.mean ? b : a));
  return {
    id: 'curve', title: w.curve, note: w.curveNote, summary: `max ${Math.round(best.tps.mean)} output tok/s, ${best.id}`, width, height: 325 + keys.height,
    body: draw(left, 'TTFT ms: p50, p99 (- -)', [{ pick: (l) => l.ttft50, dash: false }, { pick: (l) => l.ttft99, dash: true }]) + draw(right, 'TPOT ms: mean, p99 (- -)', [{ pick: (l) => l.tpot, dash: false }, { pick: (l) => l.tpot99, dash: true }]) + keys.body,
    paths: [...new Set(all.map((m) => m.path))],
    table: {
      head: [w.service, 'load', 'passes', 'output_tps', 'low', 'high', 'ttft_ms.p50', 'ttft_ms.p99', 'tpot_ms.mean', 'low', 'high', 'tpot_ms.p99'],
      rows: found.map((l) => [l.series, l.id, l.passes, l.tps.mean, l.tps.low, l.tps.high, l.ttft50?.mean, l.ttft99?.mean, l.tpot?.mean, l.tpot?.low, l.tpot?.high, l.tpot99?.mean]),
    },
  };
}

type Cdf = { readonly exact: boolean; readonly points: readonly (readonly [number, number])[] };

/** Every value with the share of values at or below it; long lists are thinned to about 200, ends kept. */
export function empirical(values: readonly number[]): (readonly [number, number])[] {
  const sorted = [...values].sort((a, b) => a - b);
  const step = Math.max(1, Math.floor(sorted.length / 200));
  return sorted.flatMap((v, i) => (i % step === 0 || i === sorted.length - 1 ? [[v, (i + 1) / sorted.length] as const] : []));
}

function quantiles(l: PerfLatency): (readonly [number, number])[] {
  const pairs: (readonly [number | null | undefined, number])[] = [[l.min, 0], [l.p50, 0.5], [l.p90, 0.9], [l.p95, 0.95], [l.p99, 0.99], [l.max, 1]];
  return pairs.flatMap(([v, share]) => (v === null || v === undefined ? [] : [[v, share] as const]));
}

/** Distribution of TTFT and TPOT: from the requests where the client left them, else through the percentiles it reported. */
export function latencyCdf(e: Evidence, w: Words): Chart | null {
  const all = measured(e).map((m) => {
    const requests = e.latencies(m.path, m.at);
    const cdf = (pick: 'ttft_ms' | 'tpot_ms'): Cdf => {
      const values = requests?.[pick] ?? [];
      return values.length > 1 ? { exact: true, points: empirical(values) } : { exact: false, points: quantiles(m.point[pick]) };
    };
    return { ...m, name: `${m.series} ${m.point.id}${(m.point.repeat ?? 1) > 1 ? ` r${m.point.repeat ?? 1}` : ''}`, ttft: cdf('ttft_ms'), tpot: cdf('tpot_ms') };
  }).filter((m) => m.ttft.points.length > 1 || m.tpot.points.length > 1);
  if (all.length === 0) return null;
  // One pass of each load before the second of any, the compared load first, the services of a load side by side.
  const compared = e.of('comparison-report').map((c) => primaryRow(c.value)?.load ?? '').at(-1);
  const loadsInOrder = [...new Set(all.map((m) => m.point.id))].sort((a, b) => Number(b === compared) - Number(a === compared));
  const order = (m: (typeof all)[number]): number => (m.point.repeat ?? 1) * 1e6 + loadsInOrder.indexOf(m.point.id);
  const shown = [...all].sort((a, b) => order(a) - order(b)).slice(0, hues);
  const draw = (box: Box, name: string, pick: (m: (typeof all)[number]) => Cdf): string => {
    const x = scaleLinear([0, top(shown.flatMap((m) => pick(m).points.map(([v]) => v)))], [box.left, box.right]).nice();
    const y = scaleLinear([0, 1], [box.bottom, box.top]);
    const paths = shown.map((m, i) => {
      const { exact, points } = pick(m);
      const made = line<readonly [number, number]>((p) => x(p[0]), (p) => y(p[1]));
      const d = (exact ? made.curve(curveStepAfter)([[points[0]?.[0] ?? 0, 0], ...points]) : made(points));
      const dots = exact ? [] : points.map((p) => tag('circle', { class: `f${i + 1}`, cx: x(p[0]), cy: y(p[1]), r: 3 }));
      return tag('path', { class: `line s${i + 1}`, d: d ?? '' }) + dots.join('');
    });
    return axes(box, x, y, { x: name, y: 'share of requests' }) + paths.join('');
  };
  const [left, right] = panels;
  if (left === undefined || right === undefined) return null;
  const keys = legend(shown.map((m, i): Key => ({ name: m.name, fill: `f${i + 1}` })), 60, 330, 680);
  const exact = all.some((m) => m.ttft.exact || m.tpot.exact);
  const drawn = all.some((m) => !m.ttft.exact || !m.tpot.exact);
  const first = shown[0];
  return {
    id: 'cdf', title: w.cdf, note: [exact ? w.cdfRows : '', drawn ? w.cdfQuantiles : '', shown.length < all.length ? w.drawn(shown.length, all.length) : ''].filter((s) => s !== '').join(' '), width, height: 325 + keys.height,
    summary: first === undefined ? '' : `${first.name}: TTFT p50 ${first.point.ttft_ms.p50 ?? '–'} ms, p99 ${first.point.ttft_ms.p99 ?? '–'} ms`,
    body: draw(left, 'TTFT ms', (m) => m.ttft) + draw(right, 'TPOT ms', (m) => m.tpot) + keys.body,
    paths: [...new Set(all.map((m) => m.path))],
    table: {
      head: ['load', 'ttft_ms.p50', 'p90', 'p95', 'p99', 'tpot_ms.p50', 'p90', 'p95', 'p99', 'e2el_ms.p50', 'p99'],
      rows: all.map(({ name, point: p }) => [name, p.ttft_ms.p50, p.ttft_ms.p90, p.ttft_ms.p95, p.ttft_ms.p99, p.tpot_ms.p50, p.tpot_ms.p90, p.tpot_ms.p95, p.tpot_ms.p99, p.e2el_ms.p50, p.e2el_ms.p99]),
    },
  };
}
