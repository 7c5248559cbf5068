import { foreign, number } from '../../contract/index.js';

export type Value = string | number | boolean | null | undefined;

/** Text as HTML or SVG shows it. Control, bidirectional and zero-width characters are gone; nothing in it is markup. */
export function esc(text: string, max = 400): string {
  return foreign(text, max).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** A number of a chart: two decimals are finer than a pixel. */
const coordinate = (value: number): string => String(Math.round(value * 100) / 100);

/** One element; attribute values are escaped, `inner` is markup already. */
export function tag(name: string, attributes: Readonly<Record<string, string | number | null>>, inner = ''): string {
  const shown = Object.entries(attributes).flatMap(([key, v]) => (v === null ? [] : [` ${key}="${typeof v === 'number' ? coordinate(v) : esc(v, 4000)}"`]));
  return `<${name}${shown.join('')}>${inner}</${name}>`;
}

/** A text of a chart. */
export function label(x: number, y: number, text: string, attributes: Readonly<Record<string, string | number | null>> = {}): string {
  return tag('text', { x, y, ...attributes }, esc(text, 80));
}

export function cellText(value: Value): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'number' ? number(value) : esc(value);
}

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly Value[])[];
}

/** A table with header cells in scope; numbers stand to the right. @param name what it holds, for screen readers */
export function tableHtml(name: string, { head, rows }: Table): string {
  const headRow = head.map((h) => `<th scope="col">${esc(h)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map((v, i) => (i === 0 ? `<th scope="row">${cellText(v)}</th>` : `<td${typeof v === 'number' ? ' class="num"' : ''}>${cellText(v)}</td>`)).join('')}</tr>`);
  // Wide tables scroll by themselves; a region that scrolls has to take the focus.
  return `<div class="scroll" tabindex="0" role="region" aria-label="${esc(name)}"><table><thead><tr>${headRow}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

/** A link to a file of the run root; text alone for a file outside of it. */
export function fileLink(path: string): string {
  if (path.startsWith('/') || path.includes('\\') || path.split('/').includes('..')) return `<code>${esc(path)}</code>`;
  return `<a href="${esc(path.split('/').map(encodeURIComponent).join('/'), 4000)}"><code>${esc(path)}</code></a>`;
}

/** A drawn piece of evidence, with the values behind it. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  readonly note: string;
  /** What the drawing shows, for those who do not see it. */
  readonly summary: string;
  readonly width: number;
  readonly height: number;
  /** Children of the svg element. */
  readonly body: string;
  readonly table: Table;
  /** Artifacts the values stand in. */
  readonly paths: readonly string[];
}

export function figure(chart: Chart, words: { data: string }): string {
  const svg = `<svg viewBox="0 0 ${chart.width} ${coordinate(chart.height)}" role="img" aria-label="${esc(`${chart.title}: ${chart.summary}`, 1000)}">${chart.body}</svg>`;
  const links = chart.paths.length === 0 ? '' : ` ${chart.paths.slice(0, 3).map(fileLink).join(', ')}${chart.paths.length > 3 ? ` … (${chart.paths.length})` : ''}`;
  return `<section id="${chart.id}" aria-labelledby="${chart.id}-t"><h2 id="${chart.id}-t">${esc(chart.title)}</h2><figure><div class="chart" tabindex="0" role="group" aria-labelledby="${chart.id}-t">${svg}</div><figcaption>${esc(chart.note)}${links}</figcaption></figure><details><summary>${esc(words.data)}</summary>${tableHtml(chart.title, chart.table)}</details></section>`;
}
