import type { Points } from './evidence.js';
import { largestNumber } from './line.js';

/** What lines say about ranks, groups and timeouts, by HCCL's and xLLM's own wording (domain.md I49–I58, 2.2). Pure. */

/** A row of the LINK_ERROR_INFO table: the other side, then this side; newer builds print the ports too. */
const linkRow = /\|\s*[\d.]+\((\d+)\)\s*\|(?:\s*\d+\s*\|)?\s*[\d.]+\((\d+)\)\s*\|(?:\s*\d+\s*\|)?\s*\w+\s*\|\s*(?:no connect|time ?out)/;

const remotes: readonly RegExp[] = [
  /remote rank:? ?\[(\d+)\]/g,
  // The number in the whole communicator where it stands, else that in the group.
  /remoteUserrank\[(\d+)\]/g,
  /dst_rank\[(\d+)\](?!-remoteUserrank)/g,
  /\bWorker (\d+) disconnected/g,
];
const location = /Cluster Exception Location\[IP\/ID\]:\[([\d.]+)\/(\d+)\].{0,200}?ExceptionType:\[([^\]]{1,60})\]/;
const numbers = (text: string | undefined): number[] => (text?.match(/\d+/g) ?? []).map(Number).filter((n) => n <= largestNumber);

/** Other ranks, cards and collectives that a line names; null when it names none. */
export function pointsOf(line: string): Points | null {
  const remote = new Set<number>(numbers(/Failed to connect agent\[([\d,]{1,400})\]/.exec(line)?.[1]));
  for (const pattern of remotes) for (const m of line.matchAll(pattern)) remote.add(Number(m[1]));
  const row = linkRow.exec(line)?.[1];
  if (row !== undefined) remote.add(Number(row));
  const arrived = numbers(/connected rankinfo\[LINE \d+\]: ((?:\[\d{1,16}\],?){1,64})/.exec(line)?.[1]);
  const at = location.exec(line);
  const tag = /\btag\[([\w.%:-]{1,120})\]/.exec(line)?.[1] ?? null;
  const index = /\btag\[[^\]]{1,120}\], index\[(\d+)\]/.exec(line)?.[1];
  for (const rank of remote) if (rank > largestNumber) remote.delete(rank);
  if (remote.size === 0 && arrived.length === 0 && at === null && tag === null) return null;
  const kind = at?.[3] ?? '';
  return {
    remote: [...remote].sort((a, b) => a - b),
    arrived,
    location: at === null || Number(at[2]) > largestNumber ? null : { ip: at[1] ?? '', device: Number(at[2]), kind: kind.includes('Lost') ? 'lost' : kind.includes('Stuck') ? 'stuck' : 'other' },
    tag,
    index: index === undefined || Number(index) > largestNumber ? null : Number(index),
  };
}

/** Literals of lines that tell about a process though nothing failed. */
export const aboutLiterals = ['rankNum[', 'rankNum is [', 'rankSize[', 'HCCL_CONNECT_TIMEOUT', 'HCCL_EXEC_TIMEOUT', 'localUserrank[', 'local rank[', 'wait socket establish timeout', 'no connect |', '| time out |'] as const;

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
    return found === undefined || Number(found) > largestNumber ? null : Number(found);
  };
  const init = /rankNum\[\d+\], rank\[\d+\]/.test(line);
  // HCCL prints its own user rank in this line (hccl_socket_manager.cc), not that of the peer.
  const waiting = num(/wait socket establish timeout, role\[\d\] rank\[(\d+)\]/);
  const row = linkRow.exec(line)?.[2];
  return {
    rank: init
      ? num(/rankNum\[\d+\], rank\[(\d+)\]/)
      : (num(/rankSize\[[1-9]\d*\], rankId\[(\d+)\]/) ?? num(/localUserrank\[(\d+)\]/) ?? num(/local rank\[(\d+)\]/) ?? waiting ?? (row === undefined || Number(row) > largestNumber ? null : Number(row))),
    device: init ? num(/logicDevId\[(\d+)\]/) : num(/deviceId\[(\d+)\]/),
    world: num(/rankNum\[(\d+)\]/) ?? num(/rankSize\[([1-9]\d*)\]/) ?? num(/need connect rankNum is \[(\d+)\]/),
    ip: init ? (/server\[([\d.]+)[%\]]/.exec(line)?.[1] ?? null) : null,
    connect_timeout_s: num(/HCCL_CONNECT_TIMEOUT\D{0,30}\[(\d+)\]/),
    exec_timeout_s: num(/HCCL_EXEC_TIMEOUT\D{0,30}\[(\d+)\]/),
    sync: /HcclCommInit\w* success/.test(line) ? (/identifier\[([\w.%:-]{1,120})\]/.exec(line)?.[1] ?? null) : null,
  };
}
