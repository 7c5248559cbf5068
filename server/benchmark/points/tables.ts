/** Tables drawn with box characters or `|`, as clients print them: cells of each row, rules left out. */
export function boxRows(text: string): string[][] {
  const rows: string[][] = [];
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (!/^[│┃|║]/.test(trimmed) || !/[│┃|║]$/.test(trimmed)) continue;
    rows.push(trimmed.slice(1, -1).split(/[│┃|║]/).map((c) => c.trim()));
  }
  return rows;
}

/** A number as printed: thousands with commas; null for N/A and words. */
export function printedNumber(cell: string | undefined): number | null {
  const plain = (cell ?? '').replaceAll(',', '');
  return /^-?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/i.test(plain) ? Number(plain) : null;
}
