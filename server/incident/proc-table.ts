import { setTimeout as sleep } from 'node:timers/promises';
import { redactArgv } from '../contract/index.js';
import type { Host } from '../host/host.js';
import { limits } from './thresholds.js';

interface Row {
  readonly pid: string;
  readonly parent: string;
  readonly state: string;
  readonly name: string;
  /** Page faults that read, and CPU ticks: whoever moves gains some. */
  readonly moved: string;
}

export interface ProcTable {
  readonly pids: ReadonlySet<number>;
  /** pid, parent, state, command of every process; arguments redacted. */
  readonly table: string;
  /** Processes that stay in state D and do not move, with the kernel function they wait in and their stacks. */
  readonly stuck: string;
  /** The same processes, without their stacks. */
  readonly waiting: { pid: number; name: string; wchan: string | null }[];
}

async function rowOf(host: Host, pid: string): Promise<Row | null> {
  const stat = await host.systemText(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The name in parentheses may hold spaces and parentheses.
  const [open, close] = [stat.indexOf('('), stat.lastIndexOf(')')];
  const fields = stat.slice(close + 2).split(' ');
  return { pid, state: fields[0] ?? '?', parent: fields[1] ?? '?', name: stat.slice(open + 1, close), moved: [fields[9], fields[11], fields[12]].join(' ') };
}

export async function livingPids(host: Host): Promise<Set<number>> {
  return new Set((await host.systemList('/proc')).filter((n) => /^\d+$/.test(n)).map(Number));
}

/** All processes, those in uninterruptible sleep first; at most `limits.processes`. */
export async function procTable(host: Host, signal: AbortSignal): Promise<ProcTable> {
  const pids = await livingPids(host);
  const rows: (Row & { readonly args: string })[] = [];
  for (const pid of [...pids].slice(0, limits.processes.value)) {
    signal.throwIfAborted();
    const row = await rowOf(host, String(pid));
    if (row === null) continue;
    const args = ((await host.systemText(`/proc/${pid}/cmdline`)) ?? '').split('\0').filter((a) => a !== '');
    rows.push({ ...row, args: redactArgv(args).join(' ').slice(0, limits.processArgs.value) });
  }
  rows.sort((a, b) => Number(b.state === 'D') - Number(a.state === 'D') || Number(a.pid) - Number(b.pid));
  const stuck: string[] = [];
  const asleep = rows.filter((r) => r.state === 'D');
  const waiting: ProcTable['waiting'] = [];
  // A slow disk keeps a reader in state D too, but that one takes page faults and CPU time in between.
  let still: Row[] = asleep;
  for (let n = 0; n < limits.stuckReadings.value && still.length > 0; n += 1) {
    await sleep(limits.stuckMs.value, undefined, { signal });
    const next: Row[] = [];
    for (const before of still) {
      const now = await rowOf(host, before.pid);
      if (now?.state === 'D' && now.moved === before.moved) next.push(now);
    }
    still = next;
  }
  for (const { pid, name } of still) {
    const wait = ((await host.systemText(`/proc/${pid}/wchan`)) ?? '').trim();
    // Who may not read it gets 0.
    waiting.push({ pid: Number(pid), name: name.slice(0, limits.processName.value), wchan: wait === '' || wait === '0' ? null : wait.slice(0, limits.processName.value) });
    const stack = (await host.systemText(`/proc/${pid}/stack`)) ?? 'the stack may not be read by this user';
    stuck.push(`pid ${pid} state D wchan ${wait}`, stack);
  }
  const table = ['pid ppid state name args', ...rows.map((r) => [r.pid, r.parent, r.state, r.name, r.args].join(' '))].join('\n');
  return { pids, table: `${table}\n`, stuck: stuck.join('\n'), waiting };
}
