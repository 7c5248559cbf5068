import { spawn } from 'node:child_process';
import { open, readFile, readdir, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessIdentity } from '../contract/index.js';

/** Every process of a job carries this in its environment, so that one which left the group is still found. */
export const jobMark = 'XLLM_NPU_JOB';

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim();
}

export interface ProcessStat {
  readonly pid: number;
  /** R, S, D (uninterruptible), Z (dead, not yet reaped) … */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly startTicks: number;
}

/** Fields of /proc/<pid>/stat; null when the process is gone. The name in parentheses may hold spaces and parentheses. */
export async function processStat(pid: number): Promise<ProcessStat | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = (n: number): number => Number(fields[n - 3]);
  return { pid, state: fields[0] ?? '', parent: at(4), group: at(5), session: at(6), startTicks: at(22) };
}

/** Who a living process is; null when it is gone. */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const stat = await processStat(pid);
  return stat === null || stat.state === 'Z' ? null : { pid, start_ticks: stat.startTicks, boot_id: await bootId() };
}

/** True when exactly this process still lives: same pid, start time and boot; a zombie does not live. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const now = await identify(identity.pid);
  return now !== null && now.start_ticks === identity.start_ticks && now.boot_id === identity.boot_id;
}

async function allPids(): Promise<number[]> {
  return (await readdir('/proc')).filter((n) => /^\d+$/.test(n)).map(Number);
}

/** Living processes of a process group, or that carry the job's mark in their environment. */
export async function processesOf(job: { group?: number | undefined; mark?: string | undefined }): Promise<ProcessStat[]> {
  const found: ProcessStat[] = [];
  for (const pid of await allPids()) {
    const stat = await processStat(pid);
    if (stat === null || stat.state === 'Z' || pid === process.pid) continue;
    const inGroup = job.group !== undefined && stat.group === job.group;
    const marked = !inGroup && job.mark !== undefined && (await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')).split('\0').includes(`${jobMark}=${job.mark}`);
    if (inGroup || marked) found.push(stat);
  }
  return found;
}

export interface Detached {
  readonly pid: number;
}

/**
 * Starts a program as leader of a session and process group of its own, with output to a file, that outlives this process.
 * `file` is an absolute path resolved by the caller.
 */
export async function startDetached(file: string, args: readonly string[], options: { cwd: string; env: Readonly<Record<string, string>>; output: string }): Promise<Detached> {
  const handle = await open(options.output, 'a', 0o644);
  try {
    // The file descriptor goes to the child itself: no pipe through this process, which may die first.
    const child = spawn(file, args, { cwd: options.cwd, env: options.env, shell: false, detached: true, stdio: ['ignore', handle.fd, handle.fd] });
    child.unref();
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    if (child.pid === undefined) throw new Error('the program has no pid');
    return { pid: child.pid };
  } finally {
    await handle.close();
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone already, or not ours to signal; the caller looks again.
  }
}

/** Waits until `done` says true, looking every 50 ms. False when time ran out. */
export async function waitUntil(done: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (await done()) return true;
    if (performance.now() >= deadline) return false;
    await sleep(50);
  }
}

/** Asks one process to end. */
export function terminate(pid: number): void {
  signal(pid, 'SIGTERM');
}

/**
 * Ends the group and everything that carries the mark: SIGTERM, `graceMs` of patience, SIGKILL. Gives what is still there:
 * processes in uninterruptible sleep cannot be killed and are named.
 */
export async function endProcesses(job: { group?: number | undefined; mark?: string | undefined }, graceMs: number): Promise<ProcessStat[]> {
  const living = (): Promise<ProcessStat[]> => processesOf(job);
  for (const p of await living()) signal(p.pid, 'SIGTERM');
  if (await waitUntil(async () => (await living()).length === 0, graceMs)) return [];
  for (const p of await living()) signal(p.pid, 'SIGKILL');
  await waitUntil(async () => (await living()).length === 0, 2000);
  return living();
}

/** A process in words: pid, state and name. */
export async function describeProcess(stat: ProcessStat): Promise<string> {
  const name = (await readFile(`/proc/${stat.pid}/comm`, 'utf8').catch(() => '')).trim();
  const where = await readlink(`/proc/${stat.pid}/exe`).catch(() => '');
  return `pid ${stat.pid} (${name === '' ? where : name}), state ${stat.state}`;
}
