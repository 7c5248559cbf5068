import { boxRows, printedNumber } from './tables.js';
import type { Fields } from './value.js';

/** The tables evalscope perf (to 1.6) prints at the end of a load, as the contents of its two JSON files. */
export function evalscopePrinted(text: string): { summary: Fields; percentiles: Fields[] }[] {
  if (!text.includes('Benchmarking summary:')) return [];
  const found: { summary: Record<string, unknown>; percentiles: Fields[] }[] = [];
  let header: readonly string[] | null = null;
  for (const row of boxRows(text)) {
    if (row[0] === 'Key') {
      found.push({ summary: {}, percentiles: [] });
      header = null;
      continue;
    }
    const at = found.at(-1);
    if (at === undefined) continue;
    if (row[0] === 'Percentiles' || row[0] === 'Percentile') header = row;
    else if (header !== null) at.percentiles.push(Object.fromEntries(header.map((h, i) => [h, i === 0 ? row[i] : printedNumber(row[i])])));
    else at.summary[row[0] ?? ''] = printedNumber(row[1]);
  }
  return found;
}
