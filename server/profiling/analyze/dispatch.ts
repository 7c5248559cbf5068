import type { DispatchRow } from '../../contract/index.js';
import { taskClass, type Profile } from '../../profiles/profile.js';
import { nearestRank, round, rowsOf, us } from '../../profiles/derived/numbers.js';
import type { Placed } from './placed.js';

/** p50 and p99 of latencies in µs by nearest rank; null for none. */
export function latencyQuantiles(latenciesNs: readonly number[]): { p50: number; p99: number } | null {
  if (latenciesNs.length === 0) return null;
  const sorted = Float64Array.from(latenciesNs).sort();
  return { p50: round(nearestRank(sorted, 50) / 1000), p99: round(nearestRank(sorted, 99) / 1000) };
}

interface Stream {
  tasks: number;
  readonly startNs: number;
  endNs: number;
  gapNs: number;
  gaps: number;
  maxGapNs: number;
  busyNs: number;
  busyEndNs: number;
  /** Different connections, as long as they only rise: then each new one is counted once. */
  launches: number;
  last: number;
  rising: boolean;
  readonly waits: number[];
}

/** Different connections of one stream, where they come in no order. */
function connectionsOf({ tasks }: Profile, from: number, to: number, stream: number): number {
  const seen = new Set<number>();
  for (let row = from; row < to; row += 1) {
    const connection = tasks.connection[row] ?? -1;
    if (connection >= 0 && tasks.stream[row] === stream && Number.isFinite(tasks.startNs[row]) && Number.isFinite(tasks.durationNs[row])) seen.add(connection);
  }
  return seen.size;
}

/**
 * One row per device and stream: what ran, how long, and the idle time between tasks. The end runs on, so a task inside a
 * longer one opens no gap; the exporter's own wait column compares only neighbours of any stream and is not used. Waits for
 * events fill the stream without being work: they are neither busy nor gap.
 * @param latencies by task row, NaN for none: launchLatencies
 */
export function dispatchRows(profile: Profile, latencies: Float64Array | null): Placed<DispatchRow>[] | null {
  const { tasks } = profile;
  const out: Placed<DispatchRow>[] = [];
  for (const [index, device] of profile.devices.entries()) {
    const [from, to] = rowsOf(tasks.device, tasks.length, index);
    const streams = new Map<number, Stream>();
    for (let row = from; row < to; row += 1) {
      const at = tasks.startNs[row] ?? Number.NaN;
      const until = at + (tasks.durationNs[row] ?? Number.NaN);
      if (!Number.isFinite(until)) continue;
      const id = tasks.stream[row] ?? -1;
      let stream = streams.get(id);
      if (stream === undefined) streams.set(id, (stream = { tasks: 0, startNs: at, endNs: at, gapNs: 0, gaps: 0, maxGapNs: 0, busyNs: 0, busyEndNs: at, launches: 0, last: -1, rising: true, waits: [] }));
      stream.tasks += 1;
      if (at > stream.endNs) {
        stream.gaps += 1;
        stream.gapNs += at - stream.endNs;
        stream.maxGapNs = Math.max(stream.maxGapNs, at - stream.endNs);
      }
      stream.endNs = Math.max(stream.endNs, until);
      if (tasks.class[row] !== taskClass.eventWait && until > stream.busyEndNs) {
        stream.busyNs += until - Math.max(at, stream.busyEndNs);
        stream.busyEndNs = until;
      }
      const connection = tasks.connection[row] ?? -1;
      if (connection > stream.last) stream.launches += 1;
      else if (connection >= 0 && connection < stream.last) stream.rising = false;
      if (connection >= 0) stream.last = connection;
      const latency = latencies?.[row] ?? Number.NaN;
      if (!Number.isNaN(latency)) stream.waits.push(latency);
    }
    for (const [id, s] of [...streams].sort((a, b) => a[0] - b[0])) {
      const launches = s.rising ? s.launches : connectionsOf(profile, from, to, id);
      const row: DispatchRow = {
        device: device.id,
        rank: device.rank,
        stream: id < 0 ? null : id,
        tasks: s.tasks,
        busy_us: us(s.busyNs),
        gap_us: us(s.gapNs),
        gaps: s.gaps,
        max_gap_us: us(s.maxGapNs),
        launches_per_ms: launches > 0 && s.endNs > s.startNs ? round(launches / ((s.endNs - s.startNs) / 1e6)) : null,
        launch_latency_us: latencyQuantiles(s.waits),
      };
      out.push({ at: index, row });
    }
  }
  return out.length > 0 ? out : null;
}
