import { scaleLog } from 'd3-scale';
import type { Held } from '../gather.js';
import type { Words } from '../words.js';
import { axes, legend, short } from './axes.js';
import { label, tag, type Chart } from './markup.js';

const width = 760;
const box = { left: 70, top: 30, right: 740, bottom: 330 };
/** Names that fit beside their points. */
const named = 8;

/** Ops of the step on the roof of the device: FLOPs per byte against FLOPs per second of its bound. Null without a device. */
export function roofline({ path, value }: Held<'compute-estimate'>, w: Words): Chart | null {
  const device = value.device;
  const peak = device?.cube_fp16_tflops ?? null;
  if (device === null || peak === null) return null;
  const roof = peak * 1e12;
  const slope = device.memory_bytes_per_s;
  const int8 = value.point.quant === null || device.cube_int8_tops === null ? null : device.cube_int8_tops * 1e12;
  const ops = value.ops
    .filter((o) => o.bound !== 'communication' && o.flops > 0 && o.bytes > 0 && o.time_us !== null && o.time_us > 0)
    .map((o) => ({ op: o.op, bound: o.bound, time_us: o.time_us ?? 0, intensity: o.flops / o.bytes, rate: o.flops / ((o.time_us ?? 1) * 1e-6) }))
    .sort((a, b) => b.time_us - a.time_us);
  if (ops.length === 0) return null;
  const highest = Math.max(roof, int8 ?? 0);
  const x = scaleLog([Math.min(...ops.map((o) => o.intensity), 1) / 2, Math.max(...ops.map((o) => o.intensity), highest / slope) * 4], [box.left, box.right]);
  const y = scaleLog([Math.min(...ops.map((o) => o.rate), slope) / 3, highest * 3], [box.bottom, box.top]).clamp(true);
  const [from = 1, to = 1] = x.domain();
  const line = (top: number, dash: boolean): string => {
    const [lowest = 1] = y.domain();
    const start = Math.max(from, lowest / slope);
    return tag('path', { class: `line sdim${dash ? ' dash' : ''}`, d: `M${x(start).toFixed(2)},${y(start * slope).toFixed(2)}L${x(top / slope).toFixed(2)},${y(top).toFixed(2)}L${x(to).toFixed(2)},${y(top).toFixed(2)}` });
  };
  const fills = { compute: 'f2', memory: 'f1' } as const;
  const taken: { x: number; y: number }[] = [];
  const points = ops.map((o, i) => {
    const at = { x: x(o.intensity), y: y(o.rate) };
    const dot = tag('circle', { class: o.bound === 'compute' ? fills.compute : fills.memory, cx: at.x, cy: at.y, r: i === 0 ? 7 : 5, 'fill-opacity': 0.85 });
    if (i >= named) return dot;
    const end = at.x > box.right - 110;
    const place = { x: end ? at.x - 10 : at.x + 10, y: at.y + 16 };
    while (taken.some((t) => Math.abs(t.x - place.x) < 100 && Math.abs(t.y - place.y) < 13)) place.y += 13;
    taken.push(place);
    return dot + (place.y > box.bottom - 4 ? '' : label(place.x, place.y, o.op, { 'text-anchor': end ? 'end' : 'start' }));
  });
  const roofs = label(box.right - 4, y(roof) - 6, `${short(roof)} FLOP/s FP16`, { 'text-anchor': 'end', class: 'dim' }) + (int8 === null ? '' : label(box.right - 4, y(int8) - 6, `${short(int8)} OP/s INT8`, { 'text-anchor': 'end', class: 'dim' }));
  const keys = legend([{ name: 'memory-bound', fill: 'f1' }, { name: 'compute-bound', fill: 'f2' }], box.left, 390, 660);
  return {
    id: 'roofline', title: `${w.roofline}: ${value.verdict}`, note: `${w.rooflineNote} ${value.point.phase}, batch ${value.point.batch}, ${short(slope)}B/s.`, width, height: 385 + keys.height,
    summary: ops.slice(0, 3).map((o) => `${o.op} ${short(o.intensity)} FLOP/B`).join(', '),
    body: axes(box, x, y, { x: 'FLOP/byte', y: 'FLOP/s', log: true }) + line(roof, false) + (int8 === null ? '' : line(int8, true)) + roofs + points.join('') + keys.body, paths: [path],
    table: { head: ['op', 'calls', 'flops', 'bytes', 'FLOP/byte', 'time_us', 'bound'], rows: value.ops.map((o) => [o.op, o.calls, o.flops, o.bytes, o.bytes > 0 ? o.flops / o.bytes : null, o.time_us, o.bound]) },
  };
}
