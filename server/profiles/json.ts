import { open } from 'node:fs/promises';
import { foreign, ToolError } from '../contract/index.js';
import { type ByteDictionary } from './byteDictionary.js';
import { parseNumber, parseTimeNs, parseTimeUs, type Clock } from './numbers.js';
import { EventScan, eventStatus } from './scan/eventScan.js';
import { SmallReads } from './scan/smallReads.js';
import { limits } from './thresholds.js';

const quote = 0x22;
const brace = 0x7b;
const bracket = 0x5b;
const colon = 0x3a;

function space(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The members of one object that somebody asked for, as ranges of bytes. Valid only inside the callback. */
export class Members {
  /** Index of the first start in the ranges; the ends lie `span` behind the starts. */
  at = 0;

  constructor(readonly buf: Buffer, readonly ranges: Int32Array, readonly span: number) {}

  #start(slot: number): number {
    return this.ranges[this.at + slot] ?? -1;
  }

  #end(slot: number): number {
    return this.ranges[this.at + this.span + slot] ?? -1;
  }

  has(slot: number): boolean {
    return this.#start(slot) >= 0;
  }

  /** NaN when absent; numbers in quotes count. */
  number(slot: number): number {
    const start = this.#start(slot);
    return start >= 0 ? parseNumber(this.buf, start, this.#end(slot)) : NaN;
  }

  timeUs(slot: number, clock: Clock): number {
    const start = this.#start(slot);
    return start >= 0 ? parseTimeUs(this.buf, start, this.#end(slot), clock) : NaN;
  }

  timeNs(slot: number, clock: Clock): number {
    const start = this.#start(slot);
    return start >= 0 ? parseTimeNs(this.buf, start, this.#end(slot), clock) : NaN;
  }

  /** First byte of a string value; 0 when absent or no string. */
  initial(slot: number): number {
    const at = this.#start(slot);
    return at >= 0 && this.buf[at] === quote ? (this.buf[at + 1] ?? 0) : 0;
  }

  /** Whether the value is an object. */
  isObject(slot: number): boolean {
    const at = this.#start(slot);
    return at >= 0 && this.buf[at] === brace;
  }

  /** Whether the value is this string, in quotes. */
  is(slot: number, quoted: Buffer): boolean {
    const start = this.#start(slot);
    if (start < 0 || this.#end(slot) - start !== quoted.length) return false;
    for (let i = 0; i < quoted.length; i++) if (this.buf[start + i] !== quoted[i]) return false;
    return true;
  }

  /** The string, or the number as it stands; empty when absent. */
  text(slot: number): string {
    const start = this.#start(slot);
    if (start < 0) return '';
    const raw = this.buf.toString('utf8', start, this.#end(slot));
    return raw.startsWith('"') ? unescaped(raw.slice(1, -1)) : raw;
  }

  word(slot: number, dictionary: ByteDictionary, missing = 0): number {
    const start = this.#start(slot);
    if (start < 0) return missing;
    const end = this.#end(slot);
    return this.buf[start] === quote ? dictionary.value(this.buf, start + 1, end - 1) : dictionary.value(this.buf, start, end);
  }
}

/** The inside of a JSON string without its escapes. */
export function unescaped(inside: string): string {
  if (!inside.includes('\\')) return inside;
  try {
    const value: unknown = JSON.parse(`"${inside}"`);
    return typeof value === 'string' ? value : inside;
  } catch {
    return inside;
  }
}

export interface EventStats {
  events: number;
  /** Events that could not be read and were skipped. */
  damaged: number;
  bytes: number;
  /** The file ended before its list did. */
  truncated: boolean;
}

export const eventKeys = ['name', 'ph', 'pid', 'tid', 'ts', 'dur', 'cat', 'id', 'args'] as const;
export const slot = { name: 0, ph: 1, pid: 2, tid: 3, ts: 4, dur: 5, cat: 6, id: 7, args: 8 } as const;

/** @param args members of `args` that were asked for; null when the event has no such object */
export type EachEvent = (event: Members, args: Members | null, index: number) => void;

/**
 * Streams the events of a timeline, a bare list or `{"traceEvents": […]}`, in the order of the file. Memory is one chunk and the
 * longest event. A file that ends early gives every complete event.
 * @param argKeys members of `args` to find, in the order of their slots; 16 bytes at most each
 * @throws ToolError E_FILE_EMPTY, E_FILE_UNREADABLE, E_JSON_BROKEN (no list, or not one complete event)
 */
export async function readEvents(path: string, argKeys: readonly string[], each: EachEvent, signal?: AbortSignal): Promise<EventStats> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new ToolError('E_FILE_UNREADABLE', `${foreign(path, 300)} could not be read`, 'check its permissions', { cause });
  });
  const scan = new EventScan(eventKeys, slot.args, argKeys);
  const stats: EventStats = { events: 0, damaged: 0, bytes: 0, truncated: false };
  const broken = (what: string, next = 'export the profile again'): ToolError => new ToolError('E_JSON_BROKEN', `${foreign(path, 300)} ${what}`, next);
  const reads = new SmallReads(file, signal);
  const more = async (): Promise<boolean> => {
    const room = scan.room();
    const bytes = await reads.into(scan.bytes, room.at, room.length, null);
    scan.took(bytes);
    stats.bytes += bytes;
    return bytes > 0;
  };
  try {
    if (!(await more())) throw new ToolError('E_FILE_EMPTY', `${foreign(path, 300)} has no byte`, 'export the profile again');
    const start = scan.rest();
    let at = start[0] === 0xef ? 3 : 0;
    while (at < start.length && space(start[at])) at++;
    if (start[at] !== brace && start[at] !== bracket) throw broken('does not begin like a timeline');
    scan.skip(at);
    if (start[at] === brace && !(await toList(scan, more))) throw broken('is a JSON object without a traceEvents list', 'give the timeline that msprof or torch_npu exported');
    scan.skip(1);
    const [event, args] = [new Members(scan.bytes, scan.words, scan.span), new Members(scan.bytes, scan.words, scan.span)];
    for (;;) {
      const status = scan.parse();
      for (let i = 0, count = scan.events; i < count; i++) {
        event.at = scan.event(i);
        args.at = event.at + eventKeys.length;
        each(event, event.isObject(slot.args) && !scan.torn(i) ? args : null, stats.events++);
      }
      stats.damaged = scan.damaged;
      if (status === eventStatus.list) return stats;
      if (status === eventStatus.full) continue;
      if (scan.left > limits.jsonEventBytes) throw broken(`: event ${stats.events + 1} does not end within ${limits.jsonEventBytes >> 20} MB`);
      if (!(await more())) break;
    }
    if (stats.events === 0) throw broken('ends before its first event is complete');
    stats.truncated = true;
    return stats;
  } finally {
    await file.close();
  }
}

/** Goes to where the `traceEvents` list opens. False when there is none. */
async function toList(scan: EventScan, more: () => Promise<boolean>): Promise<boolean> {
  const key = Buffer.from('"traceEvents"');
  for (;;) {
    const bytes = scan.rest();
    const hit = bytes.indexOf(key);
    if (hit >= 0) {
      let i = hit + key.length;
      while (i < bytes.length && (space(bytes[i]) || bytes[i] === colon)) i++;
      if (i < bytes.length) {
        scan.skip(i);
        return bytes[i] === bracket;
      }
    }
    scan.skip(hit >= 0 ? hit : Math.max(0, bytes.length - key.length));
    if (!(await more())) return false;
  }
}
