/** What a log line says about itself: who wrote it, how grave it is, and what lies inside it. Pure. */

/** Ranks, cards, process ids, counts and seconds are 32-bit numbers in every program that logs them. */
export const largestNumber = 2 ** 32;

const ansi = /\u001b\[[0-9;?]*[ -/]*[@-~]/g;

/** Lines inside a line: a JSON log record gives its message (that of journalctl -o json too); anything else is itself, without terminal colours. */
export function unwrap(line: string): string[] {
  const clean = line.includes('\u001b') ? line.replace(ansi, '') : line;
  const text = clean.endsWith('\r') ? clean.slice(0, -1) : clean;
  if (!text.startsWith('{')) return [text];
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return [text];
  }
  if (typeof record !== 'object' || record === null) return [text];
  const fields = new Map<string, unknown>(Object.entries(record));
  const text_ = ['log', 'message', 'msg', 'text', 'content', 'MESSAGE'].map((k) => fields.get(k)).find((v) => typeof v === 'string');
  if (typeof text_ !== 'string') return [text];
  return text_.split('\n').filter((l) => l !== '').flatMap((l) => unwrap(l));
}

export type Level = 'low' | 'error' | null;

/** Low: the line's own level says that nothing failed. Null: it names no level that tells. */
export function levelOf(line: string): Level {
  const plog = /^\[(ERROR|WARNING|INFO|DEBUG|EVENT|TRACE)\]/.exec(line);
  if (plog !== null) return plog[1] === 'ERROR' ? 'error' : 'low';
  const vllm = /^(?:\([^)]{1,80}\) ?){0,4}(INFO|DEBUG|WARNING|ERROR|CRITICAL)\b/.exec(line);
  if (vllm !== null) return vllm[1] === 'ERROR' || vllm[1] === 'CRITICAL' ? 'error' : 'low';
  const glog = /^([IWEF])(?:\d{8} |\d{4} )?\d{2}:\d{2}:\d{2}\./.exec(line);
  // xLLM logs some failures at I, so that level tells nothing.
  if (glog !== null) return glog[1] === 'W' ? 'low' : glog[1] === 'I' ? null : 'error';
  const torch = /^(?:\[rank\d+\]:)?\[([WEIF])\d{3,4} /.exec(line);
  if (torch !== null) return torch[1] === 'E' || torch[1] === 'F' || line.includes('NPU warning, error code is') ? 'error' : 'low';
  const atb = /^\[\d{4}-[\d: .-]+\] \[(error|warn|info|debug)\]/.exec(line);
  if (atb !== null) return atb[1] === 'error' ? 'error' : 'low';
  return null;
}

export interface Author {
  readonly pid: number | null;
  readonly rank: number | null;
  readonly device: number | null;
}

/** Ranks, cards and process ids; what no such number can be is none. */
const number = (text: string | undefined): number | null => (text === undefined || Number(text) < 0 || Number(text) > largestNumber ? null : Number(text));

/** The global rank that a vLLM or SGLang tag tells: EP spans all ranks, TP only without DP and PP beside it. */
export function tagRank(tag: string): number | null {
  const part = (name: string): number | null => number(new RegExp(`(?:^|[ _])${name}(\\d+)`).exec(tag)?.[1]);
  const ep = part('EP');
  if (ep !== null) return ep;
  return (part('DP') ?? 0) === 0 && (part('PP') ?? 0) === 0 ? part('TP') : null;
}

/** Who wrote a line; null fields where it does not say. A line that says nothing about its author belongs to the block above it. */
export function authorOf(line: string): Author | null {
  const plog = /^\[(?:ERROR|WARNING|INFO|DEBUG|EVENT|TRACE)\] ?[A-Z_]+\((\d+),/.exec(line);
  if (plog !== null) return { pid: number(plog[1]), rank: null, device: null };
  const torch = /\(PID:(\d+), Device:(-?\d+), RankID:(-?\d+)\)/.exec(line);
  if (torch !== null) return { pid: number(torch[1]), rank: number(torch[3]), device: number(torch[2]) };
  const block = /\[PID: ?(\d+)\]/.exec(line.slice(0, 120));
  if (block !== null) return { pid: number(block[1]), rank: number(/^\[rank(\d+)\]/.exec(line)?.[1]), device: null };
  const tags = [...line.slice(0, 240).matchAll(/\(([\w.-]+)(?: rank=\d+)? pid=(\d+)[^)]{0,40}\)/g)];
  const inner = tags.at(-1);
  if (inner !== undefined) return { pid: number(inner[2]), rank: tagRank((inner[1] ?? '').replace(/^Worker_?/, '_')), device: null };
  const sglang = /^\[\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}((?: [A-Z]{2}\d+)+)\] /.exec(line);
  if (sglang !== null) return { pid: null, rank: tagRank(sglang[1] ?? ''), device: null };
  const c10d = /^\[rank(\d+)\]:/.exec(line);
  if (c10d !== null) return { pid: null, rank: number(c10d[1]), device: null };
  // The kernel names the process it is about.
  const kernel = /Kill(?:ed)? process (\d+)|\[(\d+)\]: segfault at |INFO: task .{1,16}:(\d+) blocked for more than /.exec(line);
  if (kernel !== null) return { pid: number(kernel[1] ?? kernel[2] ?? kernel[3]), rank: null, device: null };
  // The driver names the card.
  const lost = /Heartbeat lost!? \(device=(\d{1,5})[;)]/.exec(line);
  if (lost !== null) return { pid: null, rank: null, device: number(lost[1]) };
  // A process that stays in state D, as collect writes it.
  const asleep = /^pid (\d+) state D /.exec(line);
  if (asleep !== null) return { pid: number(asleep[1]), rank: null, device: null };
  // A row of npu-smi info is about its card.
  const card = /^\|\s*(\d+)\s+(?:Ascend)?\d{3}\w*\s+\|\s*(?:Alarm|Critical)\s+\|/.exec(line);
  if (card !== null) return { pid: null, rank: null, device: number(card[1]) };
  const python = /^\[(\d+)\] \[\d{4}-\d{2}-\d{2} /.exec(line);
  if (python !== null) return { pid: number(python[1]), rank: null, device: null };
  return null;
}

/**
 * What a file's path tells: `node_3.log`, `rank-0.txt`, `plog-123_2025….log`, `worker-2/…`, `device-123_….log` of process 123. In a log of
 * the card's own system the number is the card's: `device-0/device-0_….log`.
 */
export function placeOf(path: string): { readonly host: string | null; readonly pid: number | null; readonly deviceSide: boolean; readonly rank: number | null } {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  const host = parts.findLast((p) => /^(?:worker|node|host|server|machine|pod|w)[-_]?\d+$/i.test(p) || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(p)) ?? null;
  const [, kind, own] = /^(plog(?:-parser)?|device|atb)[-_](\d+)[-_]/.exec(name) ?? [];
  const pid = kind === 'device' && parts.at(-1) === `device-${own ?? ''}` ? undefined : own;
  const rank = pid === undefined ? /(?:^|[-_.])(?:node|rank|tp)[-_]?(\d{1,4})(?=[-_.]|$)/i.exec(name)?.[1] : undefined;
  return { host, pid: number(pid), deviceSide: kind === 'device' && pid !== undefined, rank: number(rank) };
}

/** The wording of a line without what changes from one occurrence to the next (domain.md 2.2). */
export function wording(line: string): string {
  return line
    .replace(/0x[0-9a-fA-F]+/g, '#')
    .replace(/\d+/g, '#')
    .slice(0, 300);
}

/** A service that ends on purpose, in the words of uvicorn, vLLM, SGLang and glog's signal handler. */
export const endsOrderly = /INFO: {5}Shutting down|Application shutdown complete|Finished server process|SIGTERM received|[Rr]eceived (?:signal )?SIGTERM|Gracefully exiting/;
/** The first line of glog in a file: its main thread writes it. */
export const firstGlog = /^[IWEF]\d{8} \d{2}:\d{2}:\d{2}\.\d{6} +(\d+) [\w./-]+:\d+\] /m;
/** Lines that belong to a report which stands for itself: frames of Python, and what HCCL adds about group and data (domain.md I49). */
export const noFailure = /^\s*File "|(?:groupRank|opData) information is /;
