import { join } from 'node:path';
import { redactText, type ArtifactRef } from '../contract/index.js';
import { readBytes } from '../host/bytes.js';
import { exists, fileSize } from '../host/files.js';
import type { Run } from '../runs/runs.js';
import { computeRecord, recordShape, serviceDerivation, type RecordBody, type RecordParams } from './derive.js';
import { reads } from './thresholds.js';

/** Folder of a service, relative to the run root. */
export function serviceDir(job: string): string {
  return `service/${job}`;
}

export function logPath(job: string, rank: number): string {
  return `${serviceDir(job)}/node_${rank}.log`;
}

const by = { tool: 'service_start', input: {} };

/** Writes service.json from what was seen and the named logs. */
export async function writeRecord(run: Run, params: RecordParams): Promise<{ body: RecordBody; artifacts: ArtifactRef[] }> {
  const { body, derived } = await computeRecord(params, run.dir);
  const artifacts = await run.writeComputed(by, { by: serviceDerivation, params }, derived);
  return { body, artifacts };
}

/**
 * Keeps the logs as they stand now: a log that still grows has no lasting hash. Written once, when the service is ready.
 * @returns the copies, to compute the record from
 */
export async function keepStartup(run: Run, job: string, ranks: readonly number[]): Promise<{ rank: number; path: string }[]> {
  const decoder = new TextDecoder();
  const copies: { rank: number; path: string; text: string }[] = [];
  for (const rank of ranks) {
    const text = decoder.decode(await readBytes(join(run.dir, logPath(job, rank)), 0, reads.startupBytes));
    copies.push({ rank, path: `${serviceDir(job)}/node_${rank}.startup.log`, text: redactText(text.slice(0, text.lastIndexOf('\n') + 1)) });
  }
  await run.writeRaw(by, copies.map(({ path, text }) => ({ path, kind: 'service-log', text })));
  return copies.map(({ rank, path }) => ({ rank, path }));
}

/** Parameters of the newest record of a service, as the ledger has them; null before the first. */
export async function lastRecord(run: Run, job: string): Promise<RecordParams | null> {
  for (const event of (await run.events()).reverse()) {
    if (event.kind !== 'computed' || event.derive?.by !== serviceDerivation) continue;
    const checked = recordShape.safeParse(event.derive.params);
    if (checked.success && checked.data.job === job) return checked.data;
  }
  return null;
}

/**
 * The last record of a service, computed from its whole logs, whose hashes the ledger then holds. Done once: a record that has an
 * end already stays.
 * @param sizes bytes of each rank's log that count for the incident; absent for all
 */
export async function writeEnd(run: Run, job: string, end: NonNullable<RecordParams['end']>, outcome: 'ended' | 'failed' | 'lost', endedAt: string, sizes: ReadonlyMap<number, number> = new Map()): Promise<RecordBody | null> {
  const last = await lastRecord(run, job);
  if (last === null || last.end !== null) return null;
  const logs: RecordParams['logs'] = [];
  for (const { rank, log } of last.ranks) if (await exists(join(run.dir, log))) logs.push({ rank, path: log, ...(sizes.has(rank) ? { bytes: sizes.get(rank) ?? 0 } : {}) });
  return (await writeRecord(run, { ...last, outcome, ended_at: endedAt, end, logs })).body;
}

/** Sizes of the logs at this moment. */
export async function logSizes(run: Run, job: string, ranks: readonly number[]): Promise<Map<number, number>> {
  const sizes = new Map<number, number>();
  for (const rank of ranks) sizes.set(rank, await fileSize(join(run.dir, logPath(job, rank))).catch(() => 0));
  return sizes;
}
