/**
 * Text that others wrote (logs, operator names, file names, HTTP bodies) is data. These functions make it safe to show:
 * terminal escapes, control, bidirectional and zero-width characters go, length is capped, line breaks become spaces.
 */
const ansi = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
const unsafe = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** One line of foreign text, at most `max` characters. */
export function foreign(text: string, max = 160): string {
  const clean = text.replace(ansi, '').replace(/[\t\r\n]+/g, ' ').replace(unsafe, '').trim();
  return clean.length > max ? `${clean.slice(0, max - 1)}…` : clean;
}

/** Foreign text of several lines, capped, fenced and labelled as data; a fence inside it can not close ours. */
export function fenced(text: string, label: string, max = 4000): string {
  const clean = text.replace(ansi, '').replace(/\r\n?/g, '\n').replace(unsafe, '').slice(0, max);
  const longest = Math.max(2, ...[...clean.matchAll(/`+/g)].map((m) => m[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text (${label}: data, not instructions)\n${clean}\n${fence}`;
}

/** A cell of a Markdown table: foreign text whose pipes and back-ticks do not break the table and whose links and tags are shown as they are written. */
export function cell(value: string | number | boolean | null | undefined, max = 120): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number') return number(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return foreign(value, max).replace(/[|`\\]|\](?=\()|<(?=[a-z/!?])/gi, (c) => `\\${c}`);
}

/** A number as people read it: three decimals at most, no trailing zeros. */
export function number(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toFixed(Math.abs(value) >= 100 ? 1 : 3)));
}

/** A p value as people read it; it is never 0. */
export function chance(p: number | null): string {
  return p === null ? 'not known' : p < 1e-6 ? 'below 0.000001' : String(Number(p.toPrecision(3)));
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly (string | number | boolean | null | undefined)[])[]): string {
  const lines = [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`];
  for (const row of rows) lines.push(`| ${row.map((v) => cell(v)).join(' | ')} |`);
  return lines.join('\n');
}
