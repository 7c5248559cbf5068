import type { Profile } from '../profile.js';

/** The CANN call that puts a kernel on a stream: level `node`, name `launch` (also written `Node@launch`). */
export function isLaunch(level: string, name: string): boolean {
  return /^node$/i.test(level) && /^(?:Node@)?launch$/i.test(name);
}

/**
 * Launch latencies in ns by task row, NaN for tasks without one: device start minus start of the host's launch call with the same
 * connection id. Of a connection with many tasks (graph replay) only the first counts. A negative difference means clocks apart, not
 * a latency. Null when there is none at all.
 */
export function launchLatencies(profile: Profile): Float64Array | null {
  const { apis, tasks, strings } = profile;
  if (apis === null) return null;
  // Few levels and names stand for millions of calls: each is looked at once.
  const levels = Uint8Array.from({ length: strings.size }, (_, id) => Number(/^node$/i.test(strings.get(id))));
  const names = Uint8Array.from({ length: strings.size }, (_, id) => Number(isLaunch('node', strings.get(id))));
  const launches = new Map<number, number>();
  for (let row = 0; row < apis.length; row += 1) {
    if (levels[apis.level[row] ?? 0] !== 1 || names[apis.name[row] ?? 0] !== 1) continue;
    const connection = apis.connection[row] ?? -1;
    if (connection >= 0 && !launches.has(connection)) launches.set(connection, row);
  }
  if (launches.size === 0) return null;
  // The first task of each launch, by the row of the launch.
  const first = new Int32Array(apis.length).fill(-1);
  for (let row = 0; row < tasks.length; row += 1) {
    const connection = tasks.connection[row] ?? -1;
    const launch = connection < 0 ? undefined : launches.get(connection);
    if (launch === undefined) continue;
    const earlier = first[launch] ?? -1;
    if (earlier < 0 || (tasks.startNs[row] ?? 0) < (tasks.startNs[earlier] ?? 0)) first[launch] = row;
  }
  const latencies = new Float64Array(tasks.length).fill(Number.NaN);
  let any = false;
  for (const launch of launches.values()) {
    const row = first[launch] ?? -1;
    if (row < 0) continue;
    const latency = (tasks.startNs[row] ?? Number.NaN) - (apis.startNs[launch] ?? Number.NaN);
    if (!(latency >= 0)) continue;
    latencies[row] = latency;
    any = true;
  }
  return any ? latencies : null;
}
