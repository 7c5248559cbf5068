import type { Threshold } from '../../contract/index.js';
import { captureOf, type Apis, type Profile } from '../profile.js';
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

/** Row of the host call behind each connection, the one that ended last. A call that starts many tasks (graph replay) stands for all of them. */
export function lastCalls(profile: Profile): Map<number, number> | null {
  const { apis } = profile;
  if (apis === null) return null;
  const rows = new Map<number, number>();
  for (let row = 0; row < apis.length; row += 1) {
    const connection = apis.connection[row] ?? -1;
    if (connection < 0 || !Number.isFinite(callEnd(apis, row))) continue;
    const known = rows.get(connection);
    if (known === undefined || callEnd(apis, row) > callEnd(apis, known)) rows.set(connection, row);
  }
  return rows.size > 0 ? rows : null;
}

/** When a host call returned. */
export function callEnd(apis: Apis, row: number): number {
  return (apis.startNs[row] ?? Number.NaN) + (apis.durationNs[row] ?? Number.NaN);
}
