/** Times in log lines, as milliseconds of the writer's own wall clock. Lines of one host compare; time zones are not in the logs. */

const glog = /^[IWEF](\d{8} |\d{4} )?(\d{2}):(\d{2}):(\d{2})\.(\d{1,6})\s+\d+ [\w./-]+:\d+\] /;
const vllm = /^(?:\([^)]{1,60}\) )?(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) (\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) /;
const dashed = /(\d{4})-(\d{2})-(\d{2})[ T-](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,3}))?/;

function at(year: number, month: number, day: number, hour: string, minute: string, second: string, fraction: string | undefined): number {
  const ms = fraction === undefined ? 0 : Number(`0.${fraction}`) * 1000;
  return Date.UTC(year, month - 1, day, Number(hour), Number(minute), Number(second)) + ms;
}

/**
 * Time of a line in ms, or null when it carries none. glog (with or without date), vLLM (`INFO 11-24 06:25:28`), SGLang, CANN and
 * torch_npu (`2026-11-24-06:25:28.123`).
 * @param started ISO 8601: gives the year and day where a line leaves them out
 */
export function lineTime(line: string, started: string): number | null {
  const year = Number(started.slice(0, 4));
  const g = glog.exec(line);
  if (g !== null) {
    const [, date = '', h = '', m = '', s = '', f] = g;
    const digits = date.trim();
    if (digits.length === 8) return at(Number(digits.slice(0, 4)), Number(digits.slice(4, 6)), Number(digits.slice(6, 8)), h, m, s, f);
    if (digits.length === 4) return at(year, Number(digits.slice(0, 2)), Number(digits.slice(2, 4)), h, m, s, f);
    return at(year, Number(started.slice(5, 7)), Number(started.slice(8, 10)), h, m, s, f);
  }
  const v = vllm.exec(line);
  if (v !== null) return at(year, Number(v[1]), Number(v[2]), v[3] ?? '', v[4] ?? '', v[5] ?? '', undefined);
  const d = dashed.exec(line.slice(0, 160));
  return d === null ? null : at(Number(d[1]), Number(d[2]), Number(d[3]), d[4] ?? '', d[5] ?? '', d[6] ?? '', d[7]);
}
