import { open } from 'node:fs/promises';
import { foreign, ToolError } from '../contract/index.js';
import { type ByteDictionary } from './columns.js';
import { parseNumber, parseTimeNs, parseTimeUs, type Clock } from './numbers.js';
import { limits } from './thresholds.js';

const quote = 0x22;
const backslash = 0x5c;
const open_ = 0x7b;
const close = 0x7d;
const openList = 0x5b;
const closeList = 0x5d;
const comma = 0x2c;
const colon = 0x3a;

function space(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** End of the string that begins at `i` (after its closing quote); −1 when it is not in the buffer. */
function stringEnd(buf: Buffer, i: number, filled: number): number {
  for (i++; i < filled; i++) {
    const byte = buf[i];
    if (byte === backslash) i++;
    else if (byte === quote) return i + 1;
  }
  return -1;
}

/** End of any value that begins at `i`; −1 when it is not in the buffer. */
function valueEnd(buf: Buffer, i: number, filled: number): number {
  const first = buf[i];
  if (first === quote) return stringEnd(buf, i, filled);
  if (first === open_ || first === openList) {
    let depth = 0;
    while (i < filled) {
      const byte = buf[i];
      if (byte === quote) {
        i = stringEnd(buf, i, filled);
        if (i < 0) return -1;
        continue;
      }
      if (byte === open_ || byte === openList) depth++;
      else if ((byte === close || byte === closeList) && --depth === 0) return i + 1;
      i++;
    }
    return -1;
  }
  for (; i < filled; i++) {
    const byte = buf[i];
    if (byte === comma || byte === close || byte === closeList || space(byte)) return i;
  }
  return -1;
}

const incomplete = -1;
const malformed = -2;

/** The members of one object that somebody asked for, as ranges of bytes. Valid only while the buffer is. */
export class Members {
  buf: Buffer = Buffer.alloc(0);
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly #keys: readonly Buffer[];

  constructor(keys: readonly string[]) {
    this.#keys = keys.map((k) => Buffer.from(k));
    this.starts = new Int32Array(keys.length);
    this.ends = new Int32Array(keys.length);
  }

  /** Reads the object at `from`. Returns its end, −1 when it is not whole in the buffer, −2 when it is no object. */
  read(buf: Buffer, from: number, filled: number): number {
    this.buf = buf;
    this.starts.fill(-1);
    let i = from + 1;
    for (;;) {
      while (i < filled && (space(buf[i]) || buf[i] === comma)) i++;
      if (i >= filled) return incomplete;
      if (buf[i] === close) return i + 1;
      if (buf[i] !== quote) return malformed;
      const keyStart = i + 1;
      i = stringEnd(buf, i, filled);
      if (i < 0) return incomplete;
      const keyEnd = i - 1;
      while (i < filled && space(buf[i])) i++;
      if (i >= filled) return incomplete;
      if (buf[i] !== colon) return malformed;
      i++;
      while (i < filled && space(buf[i])) i++;
      if (i >= filled) return incomplete;
      const start = i;
      i = valueEnd(buf, i, filled);
      if (i < 0) return incomplete;
      if (i === start) return malformed;
      const slot = this.#slot(buf, keyStart, keyEnd);
      if (slot >= 0) {
        this.starts[slot] = start;
        this.ends[slot] = i;
      }
    }
  }

  #slot(buf: Buffer, start: number, end: number): number {
    const length = end - start;
    for (let k = 0; k < this.#keys.length; k++) {
      const key = this.#keys[k];
      if (key === undefined || key.length !== length) continue;
      let same = 0;
      while (same < length && key[same] === buf[start + same]) same++;
      if (same === length) return k;
    }
    return -1;
  }

  has(slot: number): boolean {
    return (this.starts[slot] ?? -1) >= 0;
  }

  /** NaN when absent; numbers in quotes count. */
  number(slot: number): number {
    return this.has(slot) ? parseNumber(this.buf, this.starts[slot] ?? 0, this.ends[slot] ?? 0) : NaN;
  }

  timeUs(slot: number, clock: Clock): number {
    return this.has(slot) ? parseTimeUs(this.buf, this.starts[slot] ?? 0, this.ends[slot] ?? 0, clock) : NaN;
  }

  timeNs(slot: number, clock: Clock): number {
    return this.has(slot) ? parseTimeNs(this.buf, this.starts[slot] ?? 0, this.ends[slot] ?? 0, clock) : NaN;
  }

  /** First byte of a string value; 0 when absent or no string. */
  initial(slot: number): number {
    const at = this.starts[slot] ?? -1;
    return at >= 0 && this.buf[at] === quote ? (this.buf[at + 1] ?? 0) : 0;
  }

  /** The string, or the number as it stands; empty when absent. */
  text(slot: number): string {
    if (!this.has(slot)) return '';
    const raw = this.buf.toString('utf8', this.starts[slot], this.ends[slot]);
    return raw.startsWith('"') ? unescaped(raw.slice(1, -1)) : raw;
  }

  word(slot: number, dictionary: ByteDictionary, missing = 0): number {
    const start = this.starts[slot] ?? -1;
    if (start < 0) return missing;
    const end = this.ends[slot] ?? 0;
    return this.buf[start] === quote ? dictionary.value(this.buf, start + 1, end - 1) : dictionary.value(this.buf, start, end);
  }

  /** Reads an object value of this one. False when it is absent or no object. */
  inner(slot: number, into: Members): boolean {
    const start = this.starts[slot] ?? -1;
    return start >= 0 && this.buf[start] === open_ && into.read(this.buf, start, this.ends[slot] ?? 0) > 0;
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

/**
 * Streams the events of a timeline, a bare list or `{"traceEvents": […]}`, in the order of the file. Memory is one chunk and the
 * longest event. A file that ends early gives every complete event.
 * @throws ToolError E_FILE_EMPTY, E_FILE_UNREADABLE, E_JSON_BROKEN (no list, or not one complete event)
 */
export async function readEvents(path: string, each: (event: Members, index: number) => void, signal?: AbortSignal): Promise<EventStats> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new ToolError('E_FILE_UNREADABLE', `${foreign(path, 300)} could not be read`, 'check its permissions', { cause });
  });
  const stats: EventStats = { events: 0, damaged: 0, bytes: 0, truncated: false };
  let buf = Buffer.allocUnsafe(limits.chunkBytes * 2);
  let filled = 0;
  const reading = { ended: false };
  const more = async (keep: number): Promise<void> => {
    signal?.throwIfAborted();
    buf.copyWithin(0, keep, filled);
    filled -= keep;
    if (buf.length - filled < limits.chunkBytes) {
      const next = Buffer.allocUnsafe(buf.length * 2);
      buf.copy(next, 0, 0, filled);
      buf = next;
    }
    const { bytesRead } = await file.read(buf, filled, limits.chunkBytes);
    filled += bytesRead;
    stats.bytes += bytesRead;
    reading.ended = bytesRead === 0;
  };
  try {
    await more(0);
    if (filled === 0) throw new ToolError('E_FILE_EMPTY', `${foreign(path, 300)} has no byte`, 'export the profile again');
    let at = buf[0] === 0xef ? 3 : 0;
    while (at < filled && space(buf[at])) at++;
    if (buf[at] === open_) {
      const found = await listStart();
      if (found < 0) throw new ToolError('E_JSON_BROKEN', `${foreign(path, 300)} is a JSON object without a traceEvents list`, 'give the timeline that msprof or torch_npu exported');
      at = found;
    } else if (buf[at] !== openList) throw new ToolError('E_JSON_BROKEN', `${foreign(path, 300)} does not begin like a timeline`, 'export the profile again');
    at++;
    const event = new Members(eventKeys);
    for (;;) {
      while (at < filled && (space(buf[at]) || buf[at] === comma)) at++;
      if (at >= filled) {
        if (reading.ended) break;
        await more(at);
        at = 0;
        continue;
      }
      if (buf[at] === closeList) return stats;
      if (buf[at] !== open_) {
        stats.damaged++;
        at = buf.indexOf(open_, at);
        if (at < 0 || at >= filled) at = filled;
        continue;
      }
      let next = event.read(buf, at, filled);
      if (next === malformed) {
        next = valueEnd(buf, at, filled);
        if (next > 0) {
          stats.damaged++;
          at = next;
          continue;
        }
      }
      if (next > 0) {
        each(event, stats.events++);
        at = next;
        continue;
      }
      if (reading.ended) break;
      if (filled - at > limits.jsonEventBytes) throw new ToolError('E_JSON_BROKEN', `${foreign(path, 300)}: event ${stats.events + 1} does not end within ${limits.jsonEventBytes >> 20} MB`, 'export the profile again');
      await more(at);
      at = 0;
    }
    if (stats.events === 0) throw new ToolError('E_JSON_BROKEN', `${foreign(path, 300)} ends before its first event is complete`, 'export the profile again');
    stats.truncated = true;
    return stats;
  } finally {
    await file.close();
  }

  /** Where the `traceEvents` list opens; reads on until it is met. */
  async function listStart(): Promise<number> {
    const key = Buffer.from('"traceEvents"');
    for (;;) {
      const hit = buf.subarray(0, filled).indexOf(key);
      if (hit >= 0) {
        let i = hit + key.length;
        while (i < filled && (space(buf[i]) || buf[i] === colon)) i++;
        if (i < filled) return buf[i] === openList ? i : -1;
      }
      if (reading.ended) return -1;
      await more(hit >= 0 ? hit : Math.max(0, filled - key.length));
    }
  }
}
