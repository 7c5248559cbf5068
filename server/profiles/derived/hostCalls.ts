import type { Threshold } from '../../contract/index.js';
import { captureFactor, captureOf, type Apis, type Profile } from '../profile.js';
import { isLaunch } from './launchLatency.js';
import { unite, type Intervals } from './intervals.js';

/** Share of a gap, 0–1. */
export const gapAttribution = { value: 0.2, source: 'Ascend agent-skills, profiling anomaly rulebook (soft attribution)', why: 'a gap belongs to a host call when at least this part of it overlaps the call' } as const satisfies Threshold;

const synchronising = /synchronize(?:stream|event|device)|(?:stream|event|device)synchronize|aclrtMemcpy$/i;

/** Host calls that wait for the device. */
export function isSynchronising(name: string): boolean {
  return synchronising.test(name);
}

/** Host calls that compile an operator. */
export function isCompile(name: string): boolean {
  return /aclopCompile/i.test(name);
}

/** Times in which the host compiled operators. */
export function compileTimes(profile: Profile, capture: number): Intervals {
  const { apis, strings } = profile;
  if (apis === null) return new Float64Array(0);
  return unite(apis, 0, apis.length, (row) => {
    const thread = apis.thread[row] ?? -1;
    return (capture < 0 || thread < 0 || captureOf(thread) === capture) && isCompile(strings.get(apis.name[row] ?? 0));
  });
}

/** Times in which a launching thread of the capture waited for the device. Other threads may wait all day without harm. */
export function hostWaits(profile: Profile, capture: number): Intervals {
  const { apis, strings } = profile;
  if (apis === null) return new Float64Array(0);
  const launching = new Set<number>();
  const syncNames = new Set<number>();
  for (let row = 0; row < apis.length; row += 1) {
    const name = apis.name[row] ?? 0;
    if (isLaunch(strings.get(apis.level[row] ?? 0), strings.get(name))) launching.add(apis.thread[row] ?? -1);
    else if (!syncNames.has(name) && isSynchronising(strings.get(name))) syncNames.add(name);
  }
  return unite(apis, 0, apis.length, (row) => {
    const thread = apis.thread[row] ?? -1;
    return syncNames.has(apis.name[row] ?? 0) && (launching.size === 0 || launching.has(thread)) && (capture < 0 || thread < 0 || captureOf(thread) === capture);
  });
}

/** Which host call is behind a connection: its row of `Profile.apis`. */
export interface CallsBehind {
  get(connection: number): number | undefined;
}

/** Rows by connection in flat arrays (open addressing): a Map of some million doubles takes several times as long. */
class ConnectionTable implements CallsBehind {
  readonly #keys: Float64Array;
  readonly #rows: Int32Array;
  readonly #mask: number;
  readonly #shift: number;
  size = 0;

  /** @param most connections that may come */
  constructor(most: number) {
    let bits = 8;
    while (2 ** bits < most * 2) bits += 1;
    [this.#keys, this.#rows] = [new Float64Array(2 ** bits).fill(-1), new Int32Array(2 ** bits)];
    [this.#mask, this.#shift] = [2 ** bits - 1, 36 - bits];
  }

  get(connection: number): number | undefined {
    const at = this.#slot(connection);
    return this.#keys[at] === connection ? this.#rows[at] : undefined;
  }

  /** Where the connection stands, or would. @param connection not negative */
  #slot(connection: number): number {
    // Ids come in dense ranges: sixteen neighbours stay together, and the sixteens are spread (Fibonacci hashing).
    const low = connection | 0;
    let at = (((Math.imul((low >>> 4) ^ Math.floor(connection / captureFactor), 0x9e3779b1) >>> this.#shift) << 4) | (low & 15)) & this.#mask;
    while (this.#keys[at] !== connection && this.#keys[at] !== -1) at = (at + 1) & this.#mask;
    return at;
  }

  /** Puts a row unless `keep` prefers the one that is there. */
  put(connection: number, row: number, keep: (there: number) => boolean): void {
    const at = this.#slot(connection);
    if (this.#keys[at] === -1) {
      this.#keys[at] = connection;
      this.size += 1;
    } else if (keep(this.#rows[at] ?? 0)) return;
    this.#rows[at] = row;
  }
}

/** Row of the host call behind each connection, the one that ended last. A call that starts many tasks (graph replay) stands for all of them. */
export function lastCalls(profile: Profile): CallsBehind | null {
  const { apis } = profile;
  if (apis === null) return null;
  const { connection: connections, startNs, durationNs } = apis;
  const rows = new ConnectionTable(apis.length);
  for (let row = 0; row < apis.length; row += 1) {
    const connection = connections[row] ?? -1;
    const end = (startNs[row] ?? Number.NaN) + (durationNs[row] ?? Number.NaN);
    if (!(connection >= 0) || !Number.isFinite(end)) continue;
    rows.put(connection, row, (there) => !(end > callEnd(apis, there)));
  }
  return rows.size > 0 ? rows : null;
}

/** When a host call returned. */
export function callEnd(apis: Apis, row: number): number {
  return (apis.startNs[row] ?? Number.NaN) + (apis.durationNs[row] ?? Number.NaN);
}
