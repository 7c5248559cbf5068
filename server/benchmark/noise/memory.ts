import { join } from 'node:path';
import type { PerfPoint, RunManifest } from '../../contract/index.js';
import { makeFolder } from '../../host/copy.js';
import { appendLine, readText, sha256 } from '../../host/files.js';
import type { Host } from '../../host/host.js';
import { withLock } from '../../host/lock.js';
import { noiseRow, noiseRowOf, type NoiseRow } from './noise.js';

/** One JSON object a line, below the runs folder; each pass of bench_start adds one. */
const fileName = '.noise/aa.jsonl';
/** Newest rows that count: older ones tell of older builds of host and driver. */
const newest = 5000;

/** Adds what a pass tells of this host's noise; adds nothing where it cannot be told apart from others. */
export async function remember(host: Host, manifest: RunManifest, point: PerfPoint, serviceStartedAt: string | null): Promise<boolean> {
  const row = noiseRowOf(manifest, point, serviceStartedAt, sha256);
  if (row === null) return false;
  const folder = await makeFolder(host.runsDir, '.noise');
  await withLock(folder, () => appendLine(join(host.runsDir, fileName), JSON.stringify(row)));
  return true;
}

/** Everything remembered, oldest first. Broken lines are passed over: the memory is a help, no evidence. */
export async function remembered(host: Host): Promise<NoiseRow[]> {
  const text = (await readText(join(host.runsDir, fileName)).catch(() => null)) ?? '';
  const rows: NoiseRow[] = [];
  for (const line of text.split('\n').slice(-newest)) {
    if (line === '') continue;
    try {
      const checked = noiseRow.safeParse(JSON.parse(line));
      if (checked.success) rows.push(checked.data);
    } catch {
      // Half a line of a process that was killed.
    }
  }
  return rows;
}
