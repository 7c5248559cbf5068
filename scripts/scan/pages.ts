// AssemblyScript. Rows of a leaf page of an SQLite table, as numbers. Format: https://www.sqlite.org/fileformat2.html §1.5, §1.6, §2.1.

/** Bytes of a page without those reserved at its end. */
let usable: i32 = 0;
/** Longest payload that stays in the page, and the least of a longer one. */
let most: i32 = 0;
let least: i32 = 0;
/** Wanted columns by their place in the table: slot, or −1. */
let slots: usize = 0;
let columns: i32 = 0;
/** Slot of the column that is the row id and so NULL in the record; −1 for none. */
let alias: i32 = -1;
/** One value per slot: 8 bytes and a kind. */
let cells: usize = 0;
let kinds: usize = 0;
let count: i32 = 0;
/** One result per row and output: a slot, one subtracted from it or −1, and a number subtracted from both. */
let outputs: usize = 0;
let outs: i32 = 0;
let rows: usize = 0;

const kindNull: u8 = 0;
const kindInteger: u8 = 1;
const kindReal: u8 = 2;

/** First and last row id of the page read last. */
export let first: f64 = 0;
export let last: f64 = 0;

/** Lays out the memory from `top` on. Results begin at the returned address. */
export function init(top: usize, bytes: i32, columnCount: i32, slotCount: i32, outCount: i32, rowid: i32): usize {
  usable = bytes;
  most = bytes - 35;
  least = ((bytes - 12) * 32) / 255 - 23;
  columns = columnCount;
  count = slotCount;
  outs = outCount;
  alias = rowid;
  slots = (top + 15) & ~15;
  cells = (slots + 4 * columnCount + 15) & ~15;
  kinds = cells + 8 * slotCount;
  outputs = (kinds + slotCount + 15) & ~15;
  rows = outputs + 24 * outCount;
  for (let i = 0; i < columnCount; i++) store<i32>(slots + 4 * i, -1);
  return rows;
}

export function want(column: i32, slot: i32): void {
  store<i32>(slots + 4 * column, slot);
}

/**
 * Output `i` is slot `a`, by a rule: 0 as it is; 1 as an integer minus slot `b` (−1: nothing) minus a number of 64 bits given in halves;
 * 2 its lowest 32 bits.
 */
export function output(i: i32, a: i32, b: i32, high: i32, low: i32, rule: i32): void {
  const at = outputs + 24 * i;
  store<i32>(at, a);
  store<i32>(at + 4, b);
  store<i64>(at + 8, (<i64>high << 32) | <i64>(<u32>low));
  store<i32>(at + 16, rule);
}

let next: usize = 0;
/** A row of the page holds what only the engine can read. */
let odd: bool = false;

@inline
function varint(at: usize): i64 {
  let byte = load<u8>(at);
  if (byte < 0x80) {
    next = at + 1;
    return byte;
  }
  let value: i64 = byte & 0x7f;
  for (let i = 1; i < 8; i++) {
    byte = load<u8>(at + i);
    value = (value << 7) | (byte & 0x7f);
    if (byte < 0x80) {
      next = at + i + 1;
      return value;
    }
  }
  next = at + 9;
  return (value << 8) | load<u8>(at + 8);
}

@inline
function be16(at: usize): i32 {
  return (<i32>load<u8>(at) << 8) | load<u8>(at + 1);
}

/** A big-endian integer of 1 to 8 bytes with its sign. */
@inline
function integer(at: usize, bytes: i32): i64 {
  let value: i64 = load<i8>(at);
  for (let i = 1; i < bytes; i++) value = (value << 8) | load<u8>(at + i);
  return value;
}

@inline
function sizeOf(type: i64): i64 {
  if (type >= 12) return (type - 12) >> 1;
  if (type < 5) return type;
  if (type == 5) return 6;
  return type < 8 ? 8 : 0;
}

/** Digits with a sign before them; sets a slot. False for any other text. */
function digits(at: usize, length: i32, slot: i32): bool {
  let i = 0;
  const minus = length > 0 && load<u8>(at) == 0x2d;
  if (minus) i = 1;
  // 19 digits that begin below 9 are below 2^63.
  if (length - i < 1 || length - i > 19 || (length - i == 19 && load<u8>(at + i) == 0x39)) return false;
  let value: i64 = 0;
  for (; i < length; i++) {
    const digit = <i32>load<u8>(at + i) - 0x30;
    if (digit < 0 || digit > 9) return false;
    value = value * 10 + digit;
  }
  store<i64>(cells + 8 * slot, minus ? -value : value);
  store<u8>(kinds + slot, kindInteger);
  return true;
}

/** Reads the rows of a page that lies at `page`. Gives their number; −1: a row that only the engine can read; −2: not a leaf, or damaged. */
export function read(page: usize): i32 {
  if (load<u8>(page) != 0x0d) return -2;
  const total = be16(page + 3);
  if (8 + 2 * total > usable) return -2;
  odd = false;
  let into = rows;
  for (let n = 0; n < total; n++) {
    const at = be16(page + 8 + 2 * n);
    if (at < 8 + 2 * total || at + 4 > usable) return -2;
    const payload = varint(page + at);
    const rowid = varint(next);
    if (n == 0) first = <f64>rowid;
    last = <f64>rowid;
    let local = payload;
    if (payload > most) {
      const rest: i64 = least + ((payload - least) % (usable - 4));
      local = rest <= most ? rest : least;
    }
    const start = next;
    const end = start + <usize>local;
    if (payload < 1 || end > page + usable) return -2;
    const header = varint(start);
    let type = next;
    const body = start + <usize>header;
    if (header < 1) return -2;
    // A header longer than what lies in the page.
    if (body > end) {
      odd = true;
      continue;
    }
    memory.fill(kinds, kindNull, count);
    let value = body;
    for (let c = 0; c < columns && type < body; c++) {
      const serial = varint(type);
      type = next;
      const bytes = sizeOf(serial);
      const slot = load<i32>(slots + 4 * c);
      if (slot >= 0 && serial != 0) {
        if (bytes > <i64>(end - value)) {
          odd = true;
          break;
        }
        if (serial < 7) {
          store<i64>(cells + 8 * slot, integer(value, <i32>bytes));
          store<u8>(kinds + slot, kindInteger);
        } else if (serial == 7) {
          store<i64>(cells + 8 * slot, integer(value, 8));
          store<u8>(kinds + slot, kindReal);
        } else if (serial < 10) {
          store<i64>(cells + 8 * slot, serial - 8);
          store<u8>(kinds + slot, kindInteger);
        } else if ((serial & 1) == 0 || !digits(value, <i32>bytes, slot)) {
          odd = true;
          break;
        }
      }
      value += <usize>bytes;
    }
    if (alias >= 0 && load<u8>(kinds + alias) == kindNull) {
      store<i64>(cells + 8 * alias, rowid);
      store<u8>(kinds + alias, kindInteger);
    }
    for (let o = 0; o < outs; o++) {
      const at = outputs + 24 * o;
      store<f64>(into, result(load<i32>(at), load<i32>(at + 4), load<i64>(at + 8), load<i32>(at + 16)));
      into += 8;
    }
  }
  return odd ? -1 : total;
}

@inline
function wholeOf(slot: i32): i64 {
  const value = load<i64>(cells + 8 * slot);
  if (load<u8>(kinds + slot) != kindReal) return value;
  const real = reinterpret<f64>(value);
  if (abs(real) < 9e18) return <i64>real;
  odd = true;
  return 0;
}

@inline
function result(a: i32, b: i32, minus: i64, rule: i32): f64 {
  if (a < 0 || load<u8>(kinds + a) == kindNull || (b >= 0 && load<u8>(kinds + b) == kindNull)) return NaN;
  if (rule == 0) {
    const value = load<i64>(cells + 8 * a);
    return load<u8>(kinds + a) == kindReal ? reinterpret<f64>(value) : <f64>value;
  }
  return rule == 2 ? <f64>(wholeOf(a) & 0xffffffff) : <f64>(wholeOf(a) - (b >= 0 ? wholeOf(b) : 0) - minus);
}
