import { readFile } from 'node:fs/promises';
import { type Assembly } from './assembly.js';
import { type FoundFile } from './discover.js';
import { blockMemory } from './profile.js';

/** Names of xLLM's block metrics (facts §2.4). Under data parallelism free is the most and used the least of the replicas. */
const wanted = ['num_free_blocks', 'num_used_blocks', 'total_kv_cache_size_in_kilobytes'] as const;

/** The last value of a name on a metrics page: Prometheus text, or brpc's `name : value`; NaN when it is not there. */
function lastValue(text: string, name: string): number {
  const found = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}\\n]*\\})?(?:\\s*:\\s*|[ \\t]+)([-+.\\deE]+)[ \\t]*\\r?$`, 'gm'))];
  return Number(found.at(-1)?.[1] ?? NaN);
}

/**
 * A metrics page of xLLM that was saved beside a capture: the pool of KV blocks and how much of it was in use. One sample without a time;
 * a page without these names says nothing. The pool is as large on every
 * card; it is put down for the first. Bytes; `total_kv_cache_size_in_kilobytes` counts 1024.
 */
export async function readServiceMetrics(assembly: Assembly, capture: number, file: FoundFile): Promise<void> {
  const text = await readFile(file.path, 'utf8');
  const [free = NaN, used = NaN, totalKb = NaN] = wanted.map((name) => lastValue(text, name));
  const rows = [free, used, totalKb].filter((v) => v >= 0).length;
  assembly.source(file.path, file.kind, rows, file.bytes);
  if (rows < wanted.length || free + used <= 0) return;
  const device = assembly.device(capture, assembly.deviceIds(capture)[0] ?? -1);
  assembly.memory(device, blockMemory, NaN, totalKb * 1024 * (used / (free + used)), totalKb * 1024);
}
