/** Small readers shared by the parsers. Text of npu-smi is UTF-8, possibly CRLF, possibly behind terminal colours. */

const ansi = /\u001b\[[0-9;?]*[ -/]*[@-~]/g;

/** Lines without colours, carriage returns, byte-order mark and trailing blanks. */
export function linesOf(text: string): string[] {
  return text
    .replace(/^\ufeff/, '')
    .replace(ansi, '')
    .split(/\r\n|\n|\r/)
    .map((line) => line.trimEnd());
}

/** A whole non-negative number, else null ("-", "NA", "" and anything else are null). */
export function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text.trim()) ? Number(text) : null;
}

/** A decimal number, else null. */
export function decimalNumber(text: string | undefined): number | null {
  return text !== undefined && /^-?\d{1,12}(?:\.\d{1,12})?$/.test(text.trim()) ? Number(text) : null;
}

/** A value that says something: not empty, not NA, not a mask of x. */
export function meaningful(text: string | undefined): string | null {
  const value = text?.trim() ?? '';
  return value === '' || /^(?:n\/?a|-+|unknown|x+(?:\.x+)*)$/i.test(value) ? null : value;
}

/** `OK`, `Warning`, `Alarm`, `Critical`, `UNKNOWN`; text recognition writes OK with a zero. Null for NA or another word. */
export function healthWord(text: string | undefined): string | null {
  const word = text?.trim() ?? '';
  if (/^[o0]k$/i.test(word)) return 'OK';
  const known = ['Warning', 'Alarm', 'Critical', 'UNKNOWN'].find((w) => w.toLowerCase() === word.toLowerCase());
  return known ?? null;
}

/** used / total as the tables print it, in the unit of their header. */
export interface Pair {
  readonly used: number;
  readonly total: number;
}

/** One process on a chip, as npu-smi lists it. `chip` is null where the layout has no chip column. */
export interface ListedProcess {
  readonly npu: number | null;
  readonly chip: number | null;
  readonly pid: number;
  readonly name: string | null;
  readonly memoryMb: number | null;
  readonly containerPid: number | null;
}
