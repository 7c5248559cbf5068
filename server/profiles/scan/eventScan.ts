import { limits } from '../thresholds.js';
import { eventsModule } from './generated.js';
import { Wasm } from './wasm.js';

/** What ended a call of {@link EventScan.parse}. */
export const eventStatus = { more: 0, full: 1, list: 2 } as const;

/** Where the bytes of the file lie in the scanner's memory. */
const input = 65_536;

/** Bytes looked at in one go, so that they and the batch stay in the second-level cache. */
const windowBytes = 1 << 17;
const batchEvents = 1024;

/** Room behind the longest event and one read. */
const inputBytes = limits.jsonEventBytes + 2 * limits.scanBytes;

/** Longest key the scanner compares. */
const keyBytes = 16;

/**
 * Events of a timeline by the scanner of scripts/scan/events.ts, a batch at a time: for each where its members lie in
 * {@link bytes}, and where those of its `args` lie. Memory is the input and one batch.
 */
export class EventScan {
  readonly #wasm = new Wasm(eventsModule);
  readonly #parse = this.#wasm.call('parse');
  readonly #events = this.#wasm.number('events');
  readonly #damaged = this.#wasm.number('damaged');
  readonly #status = this.#wasm.number('status');
  readonly #batch: number;
  readonly #torn: number;
  readonly #stride: number;
  /** Input and batch as bytes, and as 32-bit numbers. The memory never grows after the start. */
  readonly bytes: Buffer;
  readonly words: Int32Array;
  /** Wanted members, those of args included. */
  readonly span: number;
  #filled = 0;
  #at = 0;
  #end = 0;

  /** @param args slot of the member whose own members are wanted too */
  constructor(members: readonly string[], args: number, argMembers: readonly string[]) {
    this.span = members.length + argMembers.length;
    this.#stride = this.span * 8;
    const free = input + inputBytes + 64;
    this.#wasm.reserve(free + this.#stride * batchEvents + (1 << 17));
    this.#batch = this.#wasm.call('init')(free, members.length, argMembers.length, args, batchEvents) >>> 0;
    this.#torn = this.#wasm.call('tornAt')() >>> 0;
    const { buffer } = this.#wasm.memory;
    [this.bytes, this.words] = [Buffer.from(buffer), new Int32Array(buffer, 0, Math.floor(buffer.byteLength / 4))];
    const key = this.#wasm.call('key');
    for (const [set, names] of [members, argMembers].entries()) {
      for (const [slot, name] of names.entries()) {
        const length = this.bytes.write(name, input);
        if (length > keyBytes) throw new RangeError(`${name} is too long a key`);
        key(set, slot, input, length);
      }
    }
  }

  /** Where the file is to be read to. */
  room(): { at: number; length: number } {
    this.bytes.copyWithin(input, input + this.#at, input + this.#filled);
    this.#filled -= this.#at;
    this.#at = 0;
    this.#end = 0;
    return { at: input + this.#filled, length: limits.scanBytes };
  }

  took(bytes: number): void {
    this.#filled += bytes;
  }

  /** Bytes that were not read as events yet. */
  get left(): number {
    return this.#filled - this.#at;
  }

  /** The bytes not read yet. */
  rest(): Buffer {
    return this.bytes.subarray(input + this.#at, input + this.#filled);
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }

  /** Reads events until the batch is full, the list ends or no whole event is left. Gives a value of {@link eventStatus}. */
  parse(): number {
    for (;;) {
      // An event longer than the window lets it grow, up to all there is.
      if (this.#end <= this.#at) this.#end = Math.min(this.#filled, this.#at + windowBytes);
      this.#at = (this.#parse(input + this.#at, input + this.#end) >>> 0) - input;
      const status = this.#status();
      if (status !== eventStatus.more) return status;
      const last = this.#end === this.#filled;
      this.#end = Math.min(this.#filled, Math.max(this.#end, this.#at) + windowBytes);
      if (last || this.#events() > 0) return last ? eventStatus.more : eventStatus.full;
    }
  }

  get events(): number {
    return this.#events();
  }

  get damaged(): number {
    return this.#damaged();
  }

  /** Index into {@link words} of an event's first member. */
  event(i: number): number {
    return (this.#batch + this.#stride * i) >> 2;
  }

  /** Whether the args of an event are an object that could not be read. */
  torn(i: number): boolean {
    return this.bytes[this.#torn + i] === 1;
  }
}
