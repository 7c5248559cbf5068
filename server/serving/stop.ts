import { join } from 'node:path';
import type { JobState, ServiceStopFacts } from '../contract/index.js';
import { removeFile, writeAtomic } from '../host/files.js';
import type { Host } from '../host/host.js';
import { waitUntil } from '../host/processes.js';
import { listenerOf } from '../host/sockets.js';
import { openTransport, type Transport } from '../host/transport.js';
import { isFinal, jobDir, jobMarkOf, Jobs } from '../jobs/jobs.js';
import type { Run } from '../runs/runs.js';
import { readDevices, type DeviceState } from './devices.js';
import { graceFile } from './job.js';
import { dropLease } from './leases.js';
import { writeEnd } from './record.js';
import { progressOf, type ServiceProgress } from './result.js';
import { hbmSlackMb, waits } from './thresholds.js';

export interface Stopped {
  readonly job: string;
  /** False when it had ended before and left nothing. */
  readonly held: boolean;
  readonly before: JobState['state'];
  readonly after: JobState['state'];
  readonly released: NonNullable<ServiceStopFacts['released_hbm']> | null;
  readonly leftovers: readonly string[];
}

type Released = NonNullable<ServiceStopFacts['released_hbm']>[number];

/** What each device holds now against before the stop and before the start. Pure. */
export function releasedOf(progress: ServiceProgress, before: readonly DeviceState[] | null, after: readonly DeviceState[]): Released[] {
  const pids = new Set(progress.ranks.map((r) => r.pid));
  return progress.devices.map((device) => {
    const now = after.find((s) => s.logic_id === device);
    const then = before?.find((s) => s.logic_id === device)?.used_mb ?? null;
    const start = progress.hbm_before_mb.find((h) => h.device === device)?.used_mb ?? null;
    const used = now?.used_mb ?? null;
    const idle = now?.busy === null || (start !== null && used !== null && used <= start + hbmSlackMb);
    // Processes that are not of this service explain the memory: nothing can be said about this one's part.
    const others = now?.pids != null && now.pids.length > 0 && !now.pids.some((pid) => pids.has(pid));
    return {
      device,
      before_mb: then,
      after_mb: used,
      released_mb: then === null || used === null ? null : then - used,
      back: now === undefined || used === null ? null : idle ? true : others ? null : false,
    };
  });
}

/** Memory is given back a moment after the last process; waits for it. Null when npu-smi says nothing. */
async function verifyHbm(transport: Transport, progress: ServiceProgress, before: readonly DeviceState[] | null): Promise<Released[] | null> {
  let rows: Released[] | null = null;
  await waitUntil(async () => {
    const states = await readDevices(transport).catch(() => null);
    rows = states === null ? null : releasedOf(progress, before, states);
    return rows === null || rows.every((r) => r.back !== false);
  }, waits.hbmBackMs);
  return rows;
}

/** Ports still listened on by this service or by somebody unknown; another service may have been given them already. */
async function openPorts(transport: Transport, progress: ServiceProgress, mark: string): Promise<string[]> {
  if (transport.kind !== 'local') return [];
  const ports = [...new Set([...progress.ranks.flatMap((r) => r.port ?? []), ...(progress.ports.master === null ? [] : progress.ports.master.slice(0, 1))])];
  const open: string[] = [];
  for (const port of ports) {
    const listener = await listenerOf(port);
    if (listener !== null && (listener.mark === null || listener.mark === mark)) open.push(`port ${port} is still listened on`);
  }
  return open;
}

/**
 * Ends one service: gracefully, then hard, then looks at what is left: processes at its place, ports, memory of its devices. Ends what
 * a lost service left behind too, and writes its last record.
 * @throws ToolError E_JOB_MISSING, E_JOB_BROKEN
 */
export async function stopService(host: Host, run: Run, job: string, graceMs: number): Promise<Stopped> {
  const jobs = new Jobs(host);
  const before = await jobs.look(run, job);
  const progress = progressOf(before);
  const transport = openTransport(host, progress?.place ?? {});
  const mark = jobMarkOf(run.id, job);
  // What ended before and left nothing holds neither ports nor memory: others may have them by now.
  const holds = progress !== null && (!isFinal(before.state) || before.state === 'lost' || before.left.length > 0);
  const hbmBefore = !holds || progress.devices.length === 0 ? null : await readDevices(transport).catch(() => null);
  if (!isFinal(before.state)) await writeAtomic(join(jobDir(run, job), graceFile), String(graceMs));
  // The worker itself needs a moment beyond the ranks' grace to write the last record.
  const state = await jobs.cancel(run, job, graceMs + 5000);
  const left = progress === null ? state.left : await transport.end(mark, 1000);
  const end = { cause: before.state === 'lost' ? ('lost' as const) : ('stopped' as const), rank: null, code: null, signal: null };
  await writeEnd(run, job, end, before.state === 'lost' ? 'lost' : 'ended', host.now());
  await removeFile(join(jobDir(run, job), graceFile));
  const released = !holds || progress.devices.length === 0 ? null : await verifyHbm(transport, progress, hbmBefore);
  const leftovers = [
    ...left,
    ...(holds ? await openPorts(transport, progress, mark) : []),
    ...(released ?? []).filter((r) => r.back === false).map((r) => `device ${r.device} still holds ${r.after_mb ?? '?'} MB`),
  ];
  if (left.length === 0) await dropLease(host, { run: run.id, job });
  return { job: `${run.id}/${job}`, held: holds || !isFinal(before.state), before: before.state, after: state.state, released, leftovers };
}
