/** A cell without its CSV quotes. */
export function unquoted(raw: string): string {
  return raw.length >= 2 && raw.startsWith('"') && raw.endsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw;
}

/** A value as the tables keep it: `N/A` and `NA` are nothing, and one pair of quotes around a shape goes. */
export function cleanWord(text: string): string {
  let word = text.includes('""') ? text.replaceAll('""', '"') : text;
  if (word.length >= 2 && word.startsWith('"') && word.endsWith('"')) word = word.slice(1, -1);
  word = word.trim();
  return word === 'N/A' || word === 'NA' ? '' : word;
}
