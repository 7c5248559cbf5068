import { readdir, readlink } from 'node:fs/promises';
import { processStat } from './processes.js';

/** The living processes among `roots` and everything below them, roots first. */
export async function processTree(roots: readonly number[]): Promise<number[]> {
  const children = new Map<number, number[]>();
  const living = new Set<number>();
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await processStat(Number(name));
    if (stat === null || stat.state === 'Z') continue;
    living.add(stat.pid);
    children.set(stat.parent, [...(children.get(stat.parent) ?? []), stat.pid]);
  }
  const found: number[] = [];
  const queue = roots.filter((pid) => living.has(pid));
  for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
    if (found.includes(pid)) continue;
    found.push(pid);
    queue.push(...(children.get(pid) ?? []));
  }
  return found;
}

/** Working folder of a process; null when it is gone or not ours to read. */
export async function processFolder(pid: number): Promise<string | null> {
  return readlink(`/proc/${pid}/cwd`).catch(() => null);
}
