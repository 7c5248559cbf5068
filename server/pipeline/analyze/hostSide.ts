import { captureOf, type Profile } from '../../profiles/profile.js';
import { isSynchronising, lastCalls } from '../../profiles/derived/hostCalls.js';
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
  /** Row of the call behind each connection id. */
  readonly calls: ReadonlyMap<number, number>;
  readonly byCapture: ReadonlyMap<number, HostCalls>;
}

/** Null without host calls that launched something. Linear. */
export function hostSideOf(profile: Profile): HostSide | null {
  const { apis, strings } = profile;
  const calls = lastCalls(profile);
  if (apis === null || calls === null) return null;
  const counts = new Map<number, number>();
  // A thread that no capture is known for belongs to the first one.
  const of = (row: number): number => Math.max(0, captureOf(apis.thread[row] ?? -1));
  for (let row = 0; row < apis.length; row += 1) counts.set(of(row), (counts.get(of(row)) ?? 0) + 1);
  const rows = new Map([...counts].map(([capture, count]): [number, { readonly list: Int32Array; length: number }] => [capture, { list: new Int32Array(count), length: 0 }]));
  for (let row = 0; row < apis.length; row += 1) {
    const own = rows.get(of(row));
    if (own === undefined) continue;
    own.list[own.length] = row;
    own.length += 1;
  }
  const sync = Uint8Array.from({ length: strings.size }, (_, id) => (isSynchronising(strings.get(id)) ? 1 : 0));
  const byCapture = new Map<number, HostCalls>();
  for (const [capture, { list }] of rows) {
    const timed = { startNs: Float64Array.from(list, (row) => apis.startNs[row] ?? Number.NaN), durationNs: Float64Array.from(list, (row) => apis.durationNs[row] ?? Number.NaN) };
    const threads = new Map<number, number[]>();
    for (const [i, row] of list.entries()) {
      if (sync[apis.name[row] ?? 0] !== 1) continue;
      const thread = apis.thread[row] ?? -1;
      const own = threads.get(thread);
      if (own === undefined) threads.set(thread, [i]);
      else own.push(i);
    }
    const waits = new Map(
      [...threads].map(([thread, positions]) => {
        const own = { startNs: Float64Array.from(positions, (i) => timed.startNs[i] ?? Number.NaN), durationNs: Float64Array.from(positions, (i) => timed.durationNs[i] ?? Number.NaN) };
        return [thread, new Covered(unite(own, 0, positions.length, () => true))] as const;
      }),
    );
    byCapture.set(capture, { rows: list, ...timed, waits, active: new Covered(unite(timed, 0, list.length, () => true)) });
  }
  return { calls, byCapture };
}
