import { readdir, readFile, readlink } from 'node:fs/promises';
import { processesOf } from './processes.js';

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

/** True when somebody listens on the port. */
export async function isListening(port: number): Promise<boolean> {
  return (await listeners(port)).size > 0;
}

/** True when a process that carries the mark holds the listening socket of the port. */
export async function ownsListener(port: number, mark: string): Promise<boolean> {
  const inodes = await listeners(port);
  if (inodes.size === 0) return false;
  for (const { pid } of await processesOf({ mark })) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode !== undefined && inodes.has(inode)) return true;
    }
  }
  return false;
}
