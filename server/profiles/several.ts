import { ToolError, type ErrorCode } from '../contract/index.js';
import { absentNotes, once, together } from './absent.js';
import { byPlace } from './assembly.js';
import type { Device, IncompleteNote } from './profile.js';
import { silence, unexportedNotes, type CaptureRead } from './read.js';

/** An error of the reader as plain data: it may come from a thread or a cache. */
export interface Failure {
  readonly code: ErrorCode;
  readonly seen: string;
  readonly next: string;
}

export function failureOf({ code, seen, next }: ToolError): Failure {
  return { code, seen, next };
}

export function errorOf({ code, seen, next }: Failure): ToolError {
  return new ToolError(code, seen, next);
}

/** What is kept of the reading of one capture. */
export type Read = Omit<CaptureRead, 'profile' | 'failures'> & { readonly failures: readonly Failure[] };

/** Devices of captures read one by one, in the order they have when read together, and where each capture's devices went. */
export function placed(captures: readonly { readonly devices: readonly Device[] }[]): { devices: Device[]; to: (capture: number, at: number) => number } {
  const all = captures.flatMap((c, capture) => c.devices.map((device, at) => ({ device, capture, at })));
  all.sort((a, b) => byPlace(a.device, b.device) || a.capture - b.capture || a.at - b.at);
  const numbers = captures.map((c) => new Int32Array(c.devices.length));
  for (const [number, { capture, at }] of all.entries()) {
    const own = numbers[capture];
    if (own !== undefined) own[at] = number;
  }
  return { devices: all.map((d) => d.device), to: (capture, at) => (at < 0 ? -1 : (numbers[capture]?.[at] ?? -1)) };
}

/** The reader's notes over all captures: what was met, what is missing of all, what had to be assumed. @param unexported captures with raw data only */
export function notesOf(captures: readonly Pick<Read, 'notes' | 'holdings'>[], unexported: readonly string[]): IncompleteNote[] {
  return once([...captures.flatMap((c) => c.notes.read), ...unexportedNotes(unexported), ...absentNotes(together(captures.map((c) => c.holdings))), ...captures.flatMap((c) => c.notes.assumed)]);
}

/** @throws ToolError of the first damaged file, or E_PROFILE_NO_DEVICE_DATA, when no capture says anything of a device */
export function mustSay(captures: readonly Pick<Read, 'says' | 'expectsTasks' | 'failures'>[], path: string): void {
  const expected = captures.some((c) => c.expectsTasks);
  if (!captures.some((c) => c.says === 'rows' || (!expected && c.says === 'other'))) throw silence(path, captures.flatMap((c) => c.failures.map(errorOf)));
}
