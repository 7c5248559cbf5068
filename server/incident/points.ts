import type { Points } from './evidence.js';

/** What lines say about ranks, groups and timeouts, by HCCL's and xLLM's own wording (domain.md I49–I58, 2.2). Pure. */

const remotes: readonly RegExp[] = [
  /remote rank:? ?\[(\d+)\]/g,
  /dst_rank\[(\d+)\]/g,
  /wait socket establish timeout, role\[\d\] rank\[(\d+)\]/g,
  /\bWorker (\d+) disconnected/g,
  /\|\s*[\d.]+\((\d+)\)\s*\|\s*[\d.]+\(\d+\)\s*\|\s*\w+\s*\|\s*(?:no connect|time out|timeout)/g,
];
const location = /Cluster Exception Location\[IP\/ID\]:\[([\d.]+)\/(\d+)\].{0,200}?ExceptionType:\[([^\]]{1,60})\]/;

/** Other ranks, cards and collectives that a line names; null when it names none. */
export function pointsOf(line: string): Points | null {
  const remote = new Set<number>();
  for (const pattern of remotes) for (const m of line.matchAll(pattern)) remote.add(Number(m[1]));
  const at = location.exec(line);
  const tag = /\btag\[([\w.%:-]{1,120})\]/.exec(line)?.[1] ?? null;
  if (remote.size === 0 && at === null && tag === null) return null;
  const kind = at?.[3] ?? '';
  return {
    remote: [...remote].sort((a, b) => a - b),
    location: at === null ? null : { ip: at[1] ?? '', device: Number(at[2]), kind: kind.includes('Lost') ? 'lost' : kind.includes('Stuck') ? 'stuck' : 'other' },
    tag,
  };
}

/** Literals of lines that tell about a process though nothing failed. */
export const aboutLiterals = ['rankNum[', 'rankSize[', 'HCCL_CONNECT_TIMEOUT', 'HCCL_EXEC_TIMEOUT', 'localUserrank[', 'local rank['] as const;

export interface About {
  rank: number | null;
  device: number | null;
  world: number | null;
  ip: string | null;
  connect_timeout_s: number | null;
  exec_timeout_s: number | null;
  sync: string | null;
}

/** What a line tells about its process. */
export function aboutOf(line: string): About {
  const num = (pattern: RegExp): number | null => {
    const found = pattern.exec(line)?.[1];
    return found === undefined ? null : Number(found);
  };
  const init = /rankNum\[\d+\], rank\[\d+\]/.test(line);
  return {
    rank: init ? num(/rankNum\[\d+\], rank\[(\d+)\]/) : (num(/rankSize\[\d+\], rankId\[(\d+)\]/) ?? num(/localUserrank\[(\d+)\]/) ?? num(/local rank\[(\d+)\]/)),
    device: init ? num(/logicDevId\[(\d+)\]/) : num(/deviceId\[(\d+)\]/),
    world: num(/rankNum\[(\d+)\]/) ?? num(/rankSize\[(\d+)\]/),
    ip: init ? (/server\[([\d.]+)[%\]]/.exec(line)?.[1] ?? null) : null,
    connect_timeout_s: num(/HCCL_CONNECT_TIMEOUT\D{0,30}\[(\d+)\]/),
    exec_timeout_s: num(/HCCL_EXEC_TIMEOUT\D{0,30}\[(\d+)\]/),
    sync: /HcclCommInit\w* success/.test(line) ? (/identifier\[([\w.%:-]{1,120})\]/.exec(line)?.[1] ?? null) : null,
  };
}
