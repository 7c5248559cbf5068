import { captureOf, type Apis, type Profile } from '../../profiles/profile.js';
import { isSynchronising, lastCalls, type CallsBehind } from '../../profiles/derived/hostCalls.js';
import { Covered } from '../../profiles/derived/covered.js';
import { unite } from '../../profiles/derived/intervals.js';

/** Host calls of one capture (a process). */
export interface HostCalls {
  /** Rows of `Profile.apis`, by start. */
  readonly rows: Int32Array;
  /** When each of `rows` starts and how long it takes, beside it. */
  readonly startNs: Float64Array;
  readonly durationNs: Float64Array;
  /** When each thread waited for the device in a call. */
  readonly waits: ReadonlyMap<number, Covered>;
  /** When any call ran. */
  readonly active: Covered;
}

/** The host's side of a profile: calls by capture, and the call behind each connection. */
export interface HostSide {
  /** Null when no call launched anything. */
  readonly calls: CallsBehind | null;
  readonly byCapture: ReadonlyMap<number, HostCalls>;
}

/** Rows of the host calls of each capture, by start. */
function rowsByCapture({ thread, length }: Apis): Map<number, Int32Array> {
  // A thread that no capture is known for belongs to the first one.
  const of = (row: number): number => Math.max(0, captureOf(thread[row] ?? -1));
  let last = 0;
  for (let row = 0; row < length; row += 1) last = Math.max(last, of(row));
  const counts = new Int32Array(last + 1);
  for (let row = 0; row < length; row += 1) counts[of(row)] = (counts[of(row)] ?? 0) + 1;
  const lists = Array.from(counts, (count) => new Int32Array(count));
  counts.fill(0);
  for (let row = 0; row < length; row += 1) {
    const [capture, own] = [of(row), lists[of(row)]];
    const at = counts[capture] ?? 0;
    if (own !== undefined) own[at] = row;
    counts[capture] = at + 1;
  }
  return new Map([...lists.entries()].filter(([, list]) => list.length > 0));
}

/** Values of a column at some positions. */
function picked(column: Float64Array, positions: Int32Array): Float64Array {
  const out = new Float64Array(positions.length);
  for (let i = 0; i < out.length; i += 1) out[i] = column[positions[i] ?? 0] ?? Number.NaN;
  return out;
}

function united(startNs: Float64Array, durationNs: Float64Array): Covered {
  return new Covered(unite({ startNs, durationNs }, 0, startNs.length, () => true));
}

/** Null without host calls. Linear. */
export function hostSideOf(profile: Profile): HostSide | null {
  const { apis, strings } = profile;
  if (apis === null || apis.length === 0) return null;
  const sync = Uint8Array.from({ length: strings.size }, (_, id) => (isSynchronising(strings.get(id)) ? 1 : 0));
  const byCapture = new Map<number, HostCalls>();
  for (const [capture, list] of rowsByCapture(apis)) {
    const [startNs, durationNs] = [picked(apis.startNs, list), picked(apis.durationNs, list)];
    const threads = new Map<number, number[]>();
    for (let i = 0; i < list.length; i += 1) {
      const row = list[i] ?? 0;
      if (sync[apis.name[row] ?? 0] !== 1) continue;
      const thread = apis.thread[row] ?? -1;
      const own = threads.get(thread);
      if (own === undefined) threads.set(thread, [i]);
      else own.push(i);
    }
    const waits = new Map(
      [...threads].map(([thread, positions]) => {
        const own = Int32Array.from(positions);
        return [thread, united(picked(startNs, own), picked(durationNs, own))] as const;
      }),
    );
    byCapture.set(capture, { rows: list, startNs, durationNs, waits, active: united(startNs, durationNs) });
  }
  return { calls: lastCalls(profile), byCapture };
}
