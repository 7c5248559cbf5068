import type { ScaleContinuousNumeric } from 'd3-scale';
import { number } from '../../contract/index.js';
import { label, tag } from './markup.js';

export type Scale = ScaleContinuousNumeric<number, number>;

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A number of an axis: powers of ten of the SI from a thousand on. */
export function short(value: number): string {
  const at = Math.abs(value);
  for (const [size, unit] of [[1e15, 'P'], [1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e4, 'k']] as const) if (at >= size) return `${number(value / (unit === 'k' ? 1e3 : size))}${unit}`;
  return number(value);
}

const decade = (value: number): boolean => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;

/** Marks of an axis, the whole decades alone on a logarithmic one. */
function ticks(scale: Scale, count: number, log: boolean): number[] {
  return log ? scale.ticks().filter(decade) : scale.ticks(count);
}

/** Grid, marks and names of both axes. */
export function axes(box: Box, x: Scale, y: Scale, names: { x: string; y: string; log?: boolean; xCount?: number }): string {
  const log = names.log === true;
  const down = ticks(x, names.xCount ?? 5, log).map((v) => tag('line', { class: 'grid', x1: x(v), x2: x(v), y1: box.top, y2: box.bottom }) + label(x(v), box.bottom + 16, short(v), { 'text-anchor': 'middle', class: 'dim' }));
  const across = ticks(y, 5, log).map((v) => tag('line', { class: 'grid', x1: box.left, x2: box.right, y1: y(v), y2: y(v) }) + label(box.left - 6, y(v) + 4, short(v), { 'text-anchor': 'end', class: 'dim' }));
  return `${down.join('')}${across.join('')}${label((box.left + box.right) / 2, box.bottom + 34, names.x, { 'text-anchor': 'middle' })}${label(box.left - 40, box.top - 10, names.y)}`;
}

export interface Key {
  readonly name: string;
  /** Class of the mark, e.g. f1. */
  readonly fill: string;
}

/** Keys in a row, wrapped. @returns markup and the height it takes */
export function legend(keys: readonly Key[], left: number, top: number, width: number): { body: string; height: number } {
  let x = left;
  let y = top;
  const parts: string[] = [];
  for (const key of keys) {
    const shown = key.name.length > 40 ? `${key.name.slice(0, 39)}…` : key.name;
    const wide = 24 + shown.length * 6.8 + (shown.match(/[\u2e80-\uffff]/g) ?? []).length * 5.2;
    if (x > left && x + wide > left + width) {
      x = left;
      y += 20;
    }
    parts.push(tag('rect', { x, y: y - 10, width: 12, height: 12, rx: 2, class: key.fill }), label(x + 17, y, shown));
    x += wide + 12;
  }
  return { body: parts.join(''), height: keys.length === 0 ? 0 : y - top + 20 };
}
