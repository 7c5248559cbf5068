import type { Profile } from '../profile.js';

/** The CANN call that puts a kernel on a stream: level `node`, name `launch` (also written `Node@launch`). */
export function isLaunch(level: string, name: string): boolean {
  return /^node$/i.test(level) && /^(?:Node@)?launch$/i.test(name);
}

/**
 * Launch latencies in ns by task row: device start minus start of the host's launch call with the same connection id. Of a
 * connection with many tasks (graph replay) only the first counts. A negative difference means clocks apart, not a latency.
 */
export function launchLatencies(profile: Profile): Map<number, number> | null {
  const { apis, tasks, strings } = profile;
  if (apis === null) return null;
  const launches = new Map<number, number>();
  for (let row = 0; row < apis.length; row += 1) {
    const connection = apis.connection[row] ?? -1;
    if (connection >= 0 && !launches.has(connection) && isLaunch(strings.get(apis.level[row] ?? 0), strings.get(apis.name[row] ?? 0))) launches.set(connection, apis.startNs[row] ?? Number.NaN);
  }
  if (launches.size === 0) return null;
  const first = new Map<number, number>();
  for (let row = 0; row < tasks.length; row += 1) {
    const connection = tasks.connection[row] ?? -1;
    if (connection < 0 || !launches.has(connection)) continue;
    const earlier = first.get(connection);
    if (earlier === undefined || (tasks.startNs[row] ?? 0) < (tasks.startNs[earlier] ?? 0)) first.set(connection, row);
  }
  const latencies = new Map<number, number>();
  for (const [connection, row] of first) {
    const latency = (tasks.startNs[row] ?? Number.NaN) - (launches.get(connection) ?? Number.NaN);
    if (latency >= 0) latencies.set(row, latency);
  }
  return latencies.size > 0 ? latencies : null;
}
