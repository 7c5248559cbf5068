import { join } from 'node:path';
import { z } from 'zod';
import { listFolder, readText, removeFile, writeAtomic } from '../host/files.js';
import type { Host } from '../host/host.js';
import { withLock } from '../host/lock.js';
import { identify, isAlive, processesOf } from '../host/processes.js';
import { sharedFolder } from '../host/shared.js';
import { jobMarkOf } from '../jobs/jobs.js';

const leaseShape = z.object({
  run: z.string(),
  job: z.string(),
  /** Where the devices are: a simulated host has its own. */
  devices_of: z.string(),
  ports: z.array(z.number().int()),
  devices: z.array(z.number().int()),
  worker: z.object({ pid: z.number().int(), start_ticks: z.number().int(), boot_id: z.string() }),
  at: z.string(),
});
type Lease = z.output<typeof leaseShape>;

/** What live services hold at one place. */
export interface Held {
  readonly ports: ReadonlySet<number>;
  readonly devices: ReadonlyMap<number, string>;
}

/** Agents of several projects share the cards of one machine, so their leases lie where all of them look. */
function folder(host: Host): Promise<string> {
  return sharedFolder('leases', join(host.runsDir, '.leases'));
}

/** True while the service may still hold what it leased: its worker lives, or processes that carry its mark do. */
async function isLive(lease: Lease): Promise<boolean> {
  return (await isAlive(lease.worker)) || (await processesOf({ mark: jobMarkOf(lease.run, lease.job) })).length > 0;
}

async function live(dir: string, drop: boolean): Promise<Lease[]> {
  const found: Lease[] = [];
  for (const name of await listFolder(dir)) {
    if (!name.endsWith('.json') || name.startsWith('.')) continue;
    const path = join(dir, name);
    let lease: Lease | null = null;
    try {
      const checked = leaseShape.safeParse(JSON.parse((await readText(path)) ?? 'null'));
      lease = checked.success ? checked.data : null;
    } catch {
      // A damaged lease protects nobody.
    }
    if (lease !== null && (await isLive(lease))) found.push(lease);
    else if (drop) await removeFile(path);
  }
  return found;
}

function devicesOf(host: Host, sshHost: string | null): string {
  return host.simulated ? `simulated ${host.runsDir}` : (sshHost ?? 'local');
}

/** Ports count wherever they are leased: an ssh host may be this machine, or another known one, by another name. */
function held(leases: readonly Lease[], devicesAt: string): Held {
  return {
    ports: new Set(leases.flatMap((l) => l.ports)),
    devices: new Map(leases.filter((l) => l.devices_of === devicesAt).flatMap((l) => l.devices.map((d) => [d, `${l.run}/${l.job}`]))),
  };
}

/** What is held now; for looking only. @param sshHost null for this machine */
export async function heldNow(host: Host, sshHost: string | null): Promise<Held> {
  return held(await live(await folder(host), false), devicesOf(host, sshHost));
}

/**
 * Plans under a lock that all services of this user on this machine share, and writes down what the plan takes before anybody else may
 * plan. The lease counts while the calling process lives, or processes of the job do.
 * @param sshHost null for this machine: devices collide only at one place
 * @throws ToolError E_LOCKED and whatever `plan` throws
 */
export async function withLease<T extends { readonly ports: readonly number[]; readonly devices: readonly number[] }>(host: Host, sshHost: string | null, owner: { run: string; job: string }, plan: (held: Held) => T): Promise<T> {
  const dir = await folder(host);
  return withLock(dir, async () => {
    const others = (await live(dir, true)).filter((l) => l.run !== owner.run || l.job !== owner.job);
    const devicesAt = devicesOf(host, sshHost);
    const made = plan(held(others, devicesAt));
    const worker = await identify(process.pid);
    const lease = { ...owner, devices_of: devicesAt, ports: [...made.ports], devices: [...made.devices], worker, at: host.now() };
    await writeAtomic(join(dir, `${owner.run}.${owner.job}.json`), JSON.stringify(lease), { mode: 0o600 });
    return made;
  });
}

/** The service has ended and left nothing. */
export async function dropLease(host: Host, owner: { run: string; job: string }): Promise<void> {
  await removeFile(join(await folder(host), `${owner.run}.${owner.job}.json`));
}
