import { readdir, readFile, readlink } from 'node:fs/promises';
import { jobMark, processesOf } from './processes.js';

/** Inodes of the sockets that listen on a TCP port of this host. */
async function listeners(port: number): Promise<Set<string>> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const path of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readFile(path, 'utf8').catch(() => '')).split('\n')) {
      const cells = line.trim().split(/\s+/);
      // 0A is LISTEN; the tenth column is the socket's inode.
      if (cells[1]?.endsWith(`:${wanted}`) === true && cells[3] === '0A' && cells[9] !== undefined) inodes.add(cells[9]);
    }
  }
  return inodes;
}

async function holdsSocket(pid: number, inodes: ReadonlySet<string>): Promise<boolean> {
  for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined && inodes.has(inode)) return true;
  }
  return false;
}

/** Who listens on a port: nobody, a process of a job (its mark), or somebody without one. */
export async function listenerOf(port: number): Promise<{ readonly mark: string | null } | null> {
  const inodes = await listeners(port);
  if (inodes.size === 0) return null;
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || !(await holdsSocket(Number(name), inodes))) continue;
    const environ = await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '');
    return { mark: environ.split('\0').find((e) => e.startsWith(`${jobMark}=`))?.slice(jobMark.length + 1) ?? null };
  }
  return { mark: null };
}

/** True when a process that carries the mark holds the listening socket of the port. */
export async function ownsListener(port: number, mark: string): Promise<boolean> {
  const inodes = await listeners(port);
  if (inodes.size === 0) return false;
  for (const { pid } of await processesOf({ mark })) if (await holdsSocket(pid, inodes)) return true;
  return false;
}
