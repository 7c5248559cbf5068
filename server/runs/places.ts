import { relative } from 'node:path';
import { isInside } from '../host/paths.js';
import type { Run } from './runs.js';

/** The next numbered folder of a room, `capacity/001`, that no file of the run lies in. @param run null: a run that is not open yet */
export async function freeFolder(run: Run | null, room: string): Promise<string> {
  const used = new Set(run === null ? [] : [...(await run.files()).keys()].map((f) => f.split('/').slice(0, 2).join('/')));
  for (let n = 1; ; n += 1) {
    const folder = `${room}/${String(n).padStart(3, '0')}`;
    if (!used.has(folder)) return folder;
  }
}

/** Path as the run root stores it: relative inside, so that a run root may be moved; as it is outside. */
export function inRun(runDir: string, path: string): string {
  return isInside(runDir, path) ? relative(runDir, path) : path;
}
