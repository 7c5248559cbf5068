import type { DispatchRow } from '../../contract/index.js';
import { taskClass, type Profile } from '../../profiles/profile.js';
import { nearestRank, round, rowsOf, us } from '../../profiles/derived/numbers.js';

/** p50 and p99 of latencies in µs by nearest rank; null for none. */
export function latencyQuantiles(latenciesNs: readonly number[]): { p50: number; p99: number } | null {
  if (latenciesNs.length === 0) return null;
  const sorted = Float64Array.from(latenciesNs).sort();
  return { p50: round(nearestRank(sorted, 50) / 1000), p99: round(nearestRank(sorted, 99) / 1000) };
}

/**
 * One row per device and stream: what ran, how long, and the idle time between tasks. The end runs on, so a task inside a
 * longer one opens no gap; the exporter's own wait column compares only neighbours of any stream and is not used. Waits for
 * events fill the stream without being work: they are neither busy nor gap.
 */
export function dispatchRows(profile: Profile, latencies: ReadonlyMap<number, number> | null): DispatchRow[] | null {
  const { tasks } = profile;
  const out: DispatchRow[] = [];
  for (const [index, device] of profile.devices.entries()) {
    const [from, to] = rowsOf(tasks.device, tasks.length, index);
    const streams = new Map<number, number[]>();
    for (let row = from; row < to; row += 1) {
      if (!Number.isFinite(tasks.startNs[row]) || !Number.isFinite(tasks.durationNs[row])) continue;
      const stream = tasks.stream[row] ?? -1;
      const rows = streams.get(stream);
      if (rows === undefined) streams.set(stream, [row]);
      else rows.push(row);
    }
    for (const [stream, rows] of [...streams].sort((a, b) => a[0] - b[0])) {
      const start = tasks.startNs[rows[0] ?? from] ?? 0;
      let end = start;
      let gapNs = 0;
      let gaps = 0;
      let maxGapNs = 0;
      let busyNs = 0;
      let busyEnd = start;
      const connections = new Set<number>();
      const waits: number[] = [];
      for (const row of rows) {
        const at = tasks.startNs[row] ?? 0;
        if (at > end) {
          gaps += 1;
          gapNs += at - end;
          maxGapNs = Math.max(maxGapNs, at - end);
        }
        const until = at + (tasks.durationNs[row] ?? 0);
        end = Math.max(end, until);
        if (tasks.class[row] !== taskClass.eventWait && until > busyEnd) {
          busyNs += until - Math.max(at, busyEnd);
          busyEnd = until;
        }
        const connection = tasks.connection[row] ?? -1;
        if (connection >= 0) connections.add(connection);
        const latency = latencies?.get(row);
        if (latency !== undefined) waits.push(latency);
      }
      out.push({
        device: device.id,
        rank: device.rank,
        stream: stream < 0 ? null : stream,
        tasks: rows.length,
        busy_us: us(busyNs),
        gap_us: us(gapNs),
        gaps,
        max_gap_us: us(maxGapNs),
        launches_per_ms: connections.size > 0 && end > start ? round(connections.size / ((end - start) / 1e6)) : null,
        launch_latency_us: latencyQuantiles(waits),
      });
    }
  }
  return out.length > 0 ? out : null;
}
