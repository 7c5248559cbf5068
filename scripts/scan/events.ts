// AssemblyScript. Reads the events of a timeline, a list of flat objects: where the wanted members and those of `args` lie.
import { alloc, find2, quote, setTop } from './bytes';

const backslash: i32 = 0x5c;
const open: i32 = 0x7b;
const close: i32 = 0x7d;
const openList: i32 = 0x5b;
const closeList: i32 = 0x5d;
const comma: i32 = 0x2c;
const colon: i32 = 0x3a;

// What reading an object gives when it is no address.
const incomplete: usize = 0;
const malformed: usize = 1;

/** Keys of up to 16 bytes: first and second eight, length, slot; a table of 64 places for each of the two sets. */
let keys: usize = 0;
const places: u32 = 64;
const placeBytes: usize = 24;

let room: i32 = 0;
let eventKeys: i32 = 0;
let argKeys: i32 = 0;
let argsSlot: i32 = -1;
/** Per event: starts of its members, starts of those of args, then the ends; −1 for one that is not there. */
let batch: usize = 0;
let stride: usize = 0;

export let events: i32 = 0;
export let damaged: i32 = 0;
/** 0: more bytes wanted, 1: the batch is full, 2: the list ended. */
export let status: i32 = 0;

/** Gives where the batch lies. @param slot of the member `args` */
export function init(at: usize, members: i32, arguments_: i32, slot: i32, eventsPerBatch: i32): usize {
  setTop(at);
  room = eventsPerBatch;
  eventKeys = members;
  argKeys = arguments_;
  argsSlot = slot;
  keys = alloc(2 * places * placeBytes);
  stride = <usize>(members + arguments_) * 8;
  batch = alloc(stride * room + 64);
  return batch;
}

@inline
function head(at: usize, n: u32): u64 {
  return n >= 8 ? load<u64>(at) : load<u64>(at) & ((<u64>1 << (n << 3)) - 1);
}

@inline
function place(first: u64, n: u32): u32 {
  return (<u32>((first * 0x9e3779b97f4a7c15) >>> 40) ^ n) & (places - 1);
}

/** @param set 0: members of events, 1: of args */
export function key(set: i32, slot: i32, at: usize, n: u32): void {
  const table = keys + <usize>set * places * placeBytes;
  const first = head(at, n);
  let i = place(first, n);
  while (load<u32>(table + <usize>i * placeBytes, 16) != 0) i = (i + 1) & (places - 1);
  const entry = table + <usize>i * placeBytes;
  store<u64>(entry, first);
  store<u64>(entry, n > 8 ? head(at + 8, n - 8) : 0, 8);
  store<u32>(entry, n, 16);
  store<i32>(entry, slot, 20);
}

@inline
function slotOf(table: usize, at: usize, n: u32): i32 {
  if (n > 16 || n == 0) return -1;
  const first = head(at, n);
  let i = place(first, n);
  while (true) {
    const entry = table + <usize>i * placeBytes;
    const length = load<u32>(entry, 16);
    if (length == 0) return -1;
    if (length == n && load<u64>(entry) == first && (n <= 8 || load<u64>(entry, 8) == head(at + 8, n - 8))) return load<i32>(entry, 20);
    i = (i + 1) & (places - 1);
  }
}

@inline
function space(byte: i32): bool {
  return byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09;
}

/** Behind the closing quote of the string that begins at `i`; 0 when it is not in the bytes. */
@inline
function stringEnd(i: usize, filled: usize): usize {
  i++;
  while (true) {
    i = find2(i, filled, quote, backslash);
    if (i >= filled) return incomplete;
    if (<i32>load<u8>(i) == quote) return i + 1;
    i += 2;
  }
}

/** Behind an object or a list, whatever is in it. */
function nestedEnd(i: usize, filled: usize): usize {
  let depth = 0;
  while (i < filled) {
    const byte = <i32>load<u8>(i);
    if (byte == quote) {
      i = stringEnd(i, filled);
      if (i == incomplete) return incomplete;
      continue;
    }
    if (byte == open || byte == openList) depth++;
    else if (byte == close || byte == closeList) {
      if (--depth == 0) return i + 1;
    }
    i++;
  }
  return incomplete;
}

/** Behind a number, true, false or null: at what ends it. */
@inline
function wordEnd(i: usize, filled: usize): usize {
  while (i < filled) {
    const v = v128.load(i);
    // Everything that ends a word, and bytes a word does not have.
    const ends = v128.or(
      v128.or(i8x16.eq(v, i8x16.splat(<i8>comma)), i8x16.eq(v, i8x16.splat(<i8>close))),
      v128.or(i8x16.eq(v, i8x16.splat(<i8>closeList)), i8x16.lt_u(v, i8x16.splat(0x21))),
    );
    const mask = i8x16.bitmask(ends);
    if (mask) {
      i += ctz(mask);
      if (i >= filled) return incomplete;
      const byte = <i32>load<u8>(i);
      if (byte > 0x20 || space(byte)) return i;
      i++;
      continue;
    }
    i += 16;
  }
  return incomplete;
}

@inline
function valueEnd(i: usize, filled: usize): usize {
  const first = <i32>load<u8>(i);
  if (first == quote) return stringEnd(i, filled);
  if (first == open || first == openList) return nestedEnd(i, filled);
  return wordEnd(i, filled);
}

function clear(at: usize, slots: i32): void {
  const none = i8x16.splat(-1);
  const end = at + (<usize>slots << 2);
  // May pass the end: ends are written after starts, and starts of args after those of events.
  while (at + 16 <= end) {
    v128.store(at, none);
    at += 16;
  }
  while (at < end) {
    store<i32>(at, -1);
    at += 4;
  }
}

/** Members of the object at `from`. @param starts of the slots @param outer the event itself, whose `args` is read too */
function object(from: usize, filled: usize, table: usize, starts: usize, ends: usize, outer: bool): usize {
  let i = from + 1;
  while (true) {
    let byte = <i32>load<u8>(i);
    while (i < filled && (space(byte) || byte == comma)) byte = <i32>load<u8>(++i);
    if (i >= filled) return incomplete;
    if (byte == close) return i + 1;
    if (byte != quote) return malformed;
    const name = i + 1;
    i = stringEnd(i, filled);
    if (i == incomplete) return incomplete;
    const n = <u32>(i - 1 - name);
    byte = <i32>load<u8>(i);
    while (i < filled && space(byte)) byte = <i32>load<u8>(++i);
    if (i >= filled) return incomplete;
    if (byte != colon) return malformed;
    byte = <i32>load<u8>(++i);
    while (i < filled && space(byte)) byte = <i32>load<u8>(++i);
    if (i >= filled) return incomplete;
    const start = i;
    const slot = slotOf(table, name, n);
    if (outer && slot == argsSlot && byte == open) i = argumentsOf(i, filled);
    else i = valueEnd(i, filled);
    if (i == incomplete) return incomplete;
    if (i == start) return malformed;
    if (slot >= 0) {
      store<u32>(starts + (<usize>slot << 2), <u32>start);
      store<u32>(ends + (<usize>slot << 2), <u32>i);
    }
  }
}

let current: usize = 0;

/** Reads `args`; what is no proper object there counts as none, and is skipped. */
function argumentsOf(i: usize, filled: usize): usize {
  const starts = current + (<usize>eventKeys << 2);
  clear(starts, argKeys);
  const end = object(i, filled, keys + <usize>places * placeBytes, starts, starts + (<usize>(eventKeys + argKeys) << 2), false);
  if (end != malformed) return end;
  clear(starts, argKeys);
  store<u8>(torn + events, 1);
  return nestedEnd(i, filled);
}

/** Per event: 1 when its args are an object that can not be read. */
let torn: usize = 0;

export function tornAt(): usize {
  torn = alloc(room);
  return torn;
}

/** Reads events from `from` on. Gives where to go on. */
export function parse(from: usize, filled: usize): usize {
  events = 0;
  let at = from;
  while (true) {
    while (at < filled && (space(load<u8>(at)) || load<u8>(at) == comma)) at++;
    if (at >= filled) {
      status = 0;
      return filled;
    }
    const byte = <i32>load<u8>(at);
    if (byte == closeList) {
      status = 2;
      return at;
    }
    if (events == room) {
      status = 1;
      return at;
    }
    if (byte != open) {
      damaged++;
      at = find2(at, filled, open, open);
      continue;
    }
    current = batch + stride * events;
    clear(current, eventKeys + argKeys);
    store<u8>(torn + events, 0);
    const members = <usize>(eventKeys + argKeys) << 2;
    let next = object(at, filled, keys, current, current + members, true);
    if (next == malformed) {
      next = nestedEnd(at, filled);
      if (next != incomplete) {
        damaged++;
        at = next;
        continue;
      }
    }
    if (next == incomplete) {
      status = 0;
      return at;
    }
    events++;
    at = next;
  }
}
