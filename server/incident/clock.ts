import { lineTime } from '../programs/log-time.js';

/** Times of the grammars that programs/log-time.ts does not know. All are the writer's own wall clock, without zone. */
const months: Readonly<Record<string, number>> = { Jan: 0, Feb: 1, Mar: 2, Apr: 3, May: 4, Jun: 5, Jul: 6, Aug: 7, Sep: 8, Oct: 9, Nov: 10, Dec: 11 };
/** `[rank9]:[E508 03:20:31.678676591 file:1693]`: month of one or two digits, day of two. */
const c10d = /^(?:\[rank\d+\]:)?\[[WEIF](\d{1,2})(\d{2}) (\d{2}):(\d{2}):(\d{2})\.(\d{1,9}) /;
/** dmesg -T. */
const kernel = /^\[\w{3} (\w{3}) +(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (\d{4})\] /;
/** A change record of `hccn_tool -link_stat`. */
const record = /^\[dev(?:id|ice) \d+\]\s+\w{3} (\w{3}) +(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (\d{4})\s/;
/** Also `journalctl`: its default, `-o short-precise`. */
const syslog = /^(\w{3}) +(\d{1,2}) (\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))? \S+ [\w.()[\]/-]+: /;
const tags = /^(?:\([^)]{1,80}\) ?)+/;

/** Year, to fill in where a line has none. */
export function yearOf(text: string): number | null {
  const found = /\b(20\d{2})-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])[-_ T]/.exec(text) ?? /\w{3} \w{3} [ \d]\d [\d:]{8} (20\d{2})/.exec(text);
  return found === null ? null : Number(found[1]);
}

/**
 * Time of a line in ms of its writer's wall clock, null when it has none (a kernel line with seconds since boot has none that compares).
 * @param started ISO 8601, gives the year where a line leaves it out
 */
export function timeOf(line: string, started: string): number | null {
  const year = Number(started.slice(0, 4));
  const at = (y: number, month: number, rest: RegExpExecArray, from: number, fraction = '0'): number =>
    Date.UTC(y, month, Number(rest[from]), Number(rest[from + 1]), Number(rest[from + 2]), Number(rest[from + 3])) + Math.round(Number(`0.${fraction}`) * 1000);
  const text = line.replace(tags, '');
  const c = c10d.exec(text);
  if (c !== null) return at(year, Number(c[1]) - 1, c, 2, c[6]);
  const k = kernel.exec(text) ?? record.exec(text);
  if (k !== null) return months[k[1] ?? ''] === undefined ? null : at(Number(k[6]), months[k[1] ?? ''] ?? 0, k, 2);
  const s = syslog.exec(text);
  if (s !== null) return months[s[1] ?? ''] === undefined ? null : at(year, months[s[1] ?? ''] ?? 0, s, 2, s[6]);
  return lineTime(text, started);
}

/** ISO 8601 without zone. */
export function clockText(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString().slice(0, -1);
}
