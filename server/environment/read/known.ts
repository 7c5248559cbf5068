import { join } from 'node:path';
import { z } from 'zod';
import { listFolder, readText } from '../../host/files.js';

const service = z.object({ ranks: z.array(z.object({ pid: z.number().int().nullish() })) });

/** Process ids this run recorded for its services (`service/<job>/service.json`); their descendants count through the process tree. */
export async function knownPids(runDir: string): Promise<number[]> {
  const pids = new Set<number>();
  for (const job of await listFolder(join(runDir, 'service'))) {
    const text = await readText(join(runDir, 'service', job, 'service.json')).catch(() => null);
    if (text === null) continue;
    try {
      const checked = service.safeParse(JSON.parse(text));
      for (const rank of checked.success ? checked.data.ranks : []) if (typeof rank.pid === 'number') pids.add(rank.pid);
    } catch {
      // A record being written is not JSON yet; its processes then show as foreign, which is the safe reading.
    }
  }
  return [...pids].sort((a, b) => a - b);
}
