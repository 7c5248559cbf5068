import { linesOf, wholeNumber } from './text.js';

/** One chip of `npu-smi info -m`; rows of the board's controller (Mcu) are left out. */
export interface MapRow {
  readonly npu: number;
  readonly chip: number | null;
  readonly logic: number | null;
  readonly phy: number | null;
  readonly name: string | null;
}

const column = /NPU ID|Slot ID|Chip Logic ID|Chip Phy(?:sical)?[- ]?ID|Chip ID|Chip Name/gi;

/**
 * Reads `npu-smi info -m` by its head: A2 (`NPU ID, Chip ID, Chip Logic ID, Chip Name`), A3 (with `Chip Phy-ID`), 950 (`Slot ID`,
 * `Chip Phy-ID`, no logical id). @returns null when the head is not there.
 */
export function parseMap(text: string): MapRow[] | null {
  let columns: string[] | null = null;
  const rows: MapRow[] = [];
  for (const raw of linesOf(text)) {
    const line = raw.trim();
    if (columns === null) {
      const found = line.match(column)?.map((c) => c.toLowerCase()) ?? [];
      if (found[0] === 'npu id' && found.at(-1) === 'chip name' && !line.includes('|')) columns = found;
      continue;
    }
    const cells = line.split(/\s+/);
    const names = columns;
    const npu = wholeNumber(cells[0]);
    const name = cells.slice(names.length - 1).join(' ');
    // A blank or a line of another kind ends the table.
    if (npu === null || name === '') break;
    if (/^mcu$/i.test(name)) continue;
    const value = (test: (c: string) => boolean): number | null => wholeNumber(cells[names.findIndex(test)] ?? '');
    rows.push({
      npu,
      chip: value((c) => c === 'chip id'),
      logic: value((c) => c === 'chip logic id'),
      phy: value((c) => c.startsWith('chip phy')),
      name: /^x+$/i.test(name) ? null : name,
    });
  }
  return columns === null ? null : rows;
}

export interface TopologyTable {
  npus: string[];
  links: string[][];
  cpu_affinity: (string | null)[];
}

/** Reads the matrix of `npu-smi info -t topo`. @returns null when the text holds none. */
export function parseTopology(text: string): TopologyTable | null {
  let npus: string[] | null = null;
  const links: string[][] = [];
  const affinity: (string | null)[] = [];
  const label = /^(?:NPU|Phy-ID)\d+$/i;
  for (const raw of linesOf(text)) {
    const cells = raw.trim().split(/\s+/);
    if (npus === null) {
      const found = cells.filter((c) => label.test(c));
      if (found.length >= 1 && cells.length >= 2 && (/CPU\s+Affinity/i.test(raw) || found.length === cells.length)) npus = found;
      continue;
    }
    if (!label.test(cells[0] ?? '') || cells.length < npus.length + 1) break;
    links.push(cells.slice(1, npus.length + 1));
    affinity.push(cells[npus.length + 1] ?? null);
  }
  if (npus === null || links.length !== npus.length) return null;
  return { npus, links, cpu_affinity: affinity };
}
