// AssemblyScript. Cuts the records of a CSV and writes the wanted cells into columns, a batch of rows at a time.
import { alloc, blank, comma, cr, dictionaryInit, find2, lf, quote, setTop, word } from './bytes';
export { words, wordStart, wordLength } from './bytes';

const skip: i32 = 0;
const number: i32 = 1;
const text: i32 = 2;
const time: i32 = 3;

/** Per column of the file: what it is, and where its batch lies. */
let kinds: usize = 0;
let outs: usize = 0;
/** Per column: the word of the row before. */
let befores: usize = 0;
let columns: i32 = 0;
let room: i32 = 0;
/** Cells only the host can read: row, column, first byte, byte after the last. */
export let slow: usize = 0;
export let slowCount: i32 = 0;

export let rows: i32 = 0;
export let ragged: i32 = 0;
/** 0: more bytes wanted, 1: the batch is full, 2: a quote is open or closed in the middle of its cell, 3: the end. */
export let status: i32 = 0;
export let anchored: bool = false;
export let baseUs: f64 = 0;

let shuffles: usize = 0;
let powers: usize = 0;

/** @param at first free byte @param n columns of the file @param rowsPerBatch @param bytes most that are indexed at once */
export function init(at: usize, n: i32, rowsPerBatch: i32, bytes: i32): void {
  setTop(at);
  columns = n;
  room = rowsPerBatch;
  kinds = alloc(n);
  outs = alloc(<usize>n * 4);
  befores = alloc(<usize>n * 4);
  slow = alloc(<usize>n * room * 16);
  // As many marks as bytes at worst, and eight more for the last write; memory that is not touched costs nothing.
  marks = alloc((<usize>bytes << 2) + 64);
  shuffles = alloc(17 * 17 * 16);
  powers = alloc(16 * 8);
  let power: f64 = 1;
  for (let i: usize = 0; i < 16; i++) {
    store<f64>(powers + (i << 3), power);
    power *= 10;
  }
  // For digits of a number `length` bytes long with its dot at `dot` (none: dot == length): right-aligned, the dot left out.
  for (let length = 0; length <= 16; length++) {
    for (let dot = 0; dot <= length; dot++) {
      const digits = dot < length ? length - 1 : length;
      for (let lane = 0; lane < 16; lane++) {
        const digit = lane - (16 - digits);
        const from = digit < 0 ? 255 : digit < dot ? digit : digit + 1;
        store<u8>(shuffles + ((length * 17 + dot) << 4) + lane, <u8>from);
      }
    }
  }
  keep = alloc(<usize>room * 4);
  runs = alloc(<usize>room * 8);
  dictionaryInit();
}

/** Batch of a column: 8 bytes a row, 4 for words. */
export function want(column: i32, kind: i32): usize {
  store<u8>(kinds + column, <u8>kind);
  // An odd number of cache lines apart, or the columns of one row would share a few sets of the cache.
  const at = alloc(<usize>room * (kind == text ? 4 : 8) + 320);
  store<u32>(outs + (<usize>column << 2), <u32>at);
  return at;
}

/** Rows of the batch that the host wants, in ascending order. */
export let keep: usize = 0;

/** Runs of wanted rows: first row, how many. */
let runs: usize = 0;

/** Moves the wanted rows of every column to the front of its batch. */
export function compact(count: i32): void {
  let last = runs - 8;
  for (let i = 0; i < count; i++) {
    const row = load<u32>(keep + (<usize>i << 2));
    if (i > 0 && row == load<u32>(last) + load<u32>(last, 4)) store<u32>(last, load<u32>(last, 4) + 1, 4);
    else {
      last += 8;
      store<u32>(last, row);
      store<u32>(last, 1, 4);
    }
  }
  for (let column = 0; column < columns; column++) {
    const kind = <i32>load<u8>(kinds + column);
    if (kind == skip) continue;
    const shift = kind == text ? 2 : 3;
    const out = <usize>load<u32>(outs + (<usize>column << 2));
    let to = out;
    for (let run = runs; run <= last; run += 8) {
      const from = out + (<usize>load<u32>(run) << shift);
      const bytes = <usize>load<u32>(run, 4) << shift;
      if (from != to) memory.copy(to, from, bytes);
      to += bytes;
    }
  }
}

/** µs → whole ns, rounded as the host rounds: halves up. */
export function toNs(at: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    const value = load<f64>(at + (<usize>i << 3)) * 1000;
    const up = Math.ceil(value);
    store<f64>(at + (<usize>i << 3), up - 0.5 > value ? up - 1 : up);
  }
}

/** Numbers → 32-bit numbers at the front of the same place; −1 where there is none. */
export function toInts(at: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    const value = load<f64>(at + (<usize>i << 3));
    store<i32>(at + (<usize>i << 2), value == value ? <i32>(<i64>value) : -1);
  }
}

export function anchor(us: f64): void {
  anchored = true;
  baseUs = us;
}

/** A new batch. */
export function next(): void {
  rows = 0;
  slowCount = 0;
}

let row: i32 = 0;

@inline
function later(column: i32, start: usize, end: usize): void {
  const at = slow + (<usize>slowCount << 4);
  slowCount++;
  store<i32>(at, row);
  store<i32>(at, column, 4);
  store<u32>(at, <u32>start, 8);
  store<u32>(at, <u32>end, 12);
}

/** Value of up to 16 digits, right-aligned in lanes 0 … 9. */
@inline
function sixteen(d: v128): u64 {
  const tens = i16x8.add(i16x8.mul(v128.and(d, i16x8.splat(0x00ff)), i16x8.splat(10)), i16x8.shr_u(d, 8));
  const hundreds = i32x4.dot_i16x8_s(tens, i32x4.splat(0x00010064));
  const high = <u64>i32x4.extract_lane(hundreds, 0) * 10000 + <u64>i32x4.extract_lane(hundreds, 1);
  const low = <u64>i32x4.extract_lane(hundreds, 2) * 10000 + <u64>i32x4.extract_lane(hundreds, 3);
  return high * 100000000 + low;
}

/** Ends of cells in the bytes at hand, as addresses of commas and line breaks, and the one that is next. */
let marks: usize = 0;
let mark: usize = 0;
let limit: usize = 0;
let covered: u8 = 0;
let covering: bool = false;

/** Finds the commas and line breaks of [from, filled), and ends the bytes with a line break so that no loop has to ask for the end;
 * the byte it covers comes back with the next call. The host must not move bytes in between without `uncover`. */
export function index(from: usize, filled: usize): void {
  uncover();
  covering = true;
  covered = load<u8>(filled);
  store<u8>(filled, <u8>lf);
  limit = filled;
  const vc = i8x16.splat(<i8>comma);
  const vl = i8x16.splat(<i8>lf);
  let out = marks;
  for (let i = from; i < filled; i += 64) {
    let bits: u64 = 0;
    for (let part: i32 = 0; part < 4; part++) {
      const v = v128.load(i + (part << 4));
      bits |= (<u64>(<u32>i8x16.bitmask(v128.or(i8x16.eq(v, vc), i8x16.eq(v, vl))))) << (part << 4);
    }
    let n = <i32>popcnt(bits);
    const after = out + (<usize>n << 2);
    // Eight at a time whether they are there or not: a branch per mark would be guessed wrong too often.
    while (n > 0) {
      for (let k: i32 = 0; k < 8; k++) {
        store<u32>(out + (k << 2), <u32>i + <u32>ctz(bits));
        bits &= bits - 1;
      }
      out += 32;
      n -= 8;
    }
    out = after;
  }
  while (out > marks && load<u32>(out - 4) >= <u32>filled) out -= 4;
  store<u32>(out, <u32>filled);
  mark = marks;
}

export function uncover(): void {
  if (covering) store<u8>(limit, covered);
  covering = false;
}

/** Start of the first record not read, beginning at `from`: where the batch, the bytes or the file end. */
export function parse(from: usize, ended: bool): usize {
  let p = from;
  while (true) {
    if (p >= limit) {
      status = ended ? 3 : 0;
      return p;
    }
    if (rows == room) {
      status = 1;
      return p;
    }
    const first = <i32>load<u8>(p);
    if (first == lf || (first == cr && <i32>load<u8>(p, 1) == lf && (p + 1 < limit || ended))) {
      p = <usize>load<u32>(mark) + 1;
      mark += 4;
      continue;
    }
    row = rows;
    const slowBefore = slowCount;
    const q = record(p, ended);
    if (q == 0) {
      slowCount = slowBefore;
      return p;
    }
    rows++;
    p = q;
  }
}

/** Reads one record into row `row`. Gives where the next begins, or 0 and a status. */
function record(p: usize, ended: bool): usize {
  let q = p;
  let column = 0;
  let k = mark;
  while (true) {
    if (<i32>load<u8>(q) <= quote) {
      // Blanks and then a quote open a cell that ends behind its closing quote.
      let i = q;
      while (i < limit && (load<u8>(i) == 0x20 || load<u8>(i) == 0x09)) i++;
      if (i < limit && <i32>load<u8>(i) == quote) {
        i = closing(i + 1, ended);
        if (i == 0) return 0;
        while (<usize>load<u32>(k) < i) k += 4;
      }
    }
    const e = <usize>load<u32>(k);
    // A cell that goes on behind the bytes at hand must not become a word.
    if (e >= limit && !ended) return more();
    k += 4;
    if (column < columns) {
      const kind = <i32>load<u8>(kinds + column);
      if (kind != skip) {
        const out = <usize>load<u32>(outs + (<usize>column << 2));
        if (kind == number) {
          if (!plainNumber(q, e, out)) cell(kind, column, out, q, e);
        } else if (kind == text) cell(kind, column, out, q, e);
        else if (!plainTime(q, out)) cell(kind, column, out, q, e);
      }
    }
    if (<i32>load<u8>(e) == lf) {
      mark = k;
      return last(column, e);
    }
    q = e + 1;
    column++;
  }
}

/** The comma or line break behind a quoted cell, or 0 and a status. @param q behind the opening quote */
function closing(q: usize, ended: bool): usize {
  while (true) {
    q = find2(q, limit, quote, quote);
    if (q >= limit) return ended ? torn() : more();
    if (q + 1 < limit && <i32>load<u8>(q, 1) == quote) q += 2;
    else if (q + 1 >= limit && !ended) return more();
    else break;
  }
  q++;
  while (q < limit && blank(load<u8>(q))) q++;
  if (q >= limit && !ended) return more();
  const byte = <i32>load<u8>(q);
  return byte == comma || byte == lf ? q : torn();
}

/** Digits, a dot, digits, perhaps blanks, and then the end of the cell. False when it is anything else. */
@inline
function plainNumber(q: usize, e: usize, out: usize): bool {
  while (e > q && blank(load<u8>(e - 1))) e--;
  const below = e > q && load<u8>(q) == 0x2d;
  if (below) q++;
  const length = <i32>(e - q);
  if (length > 16 || length == 0) return false;
  const v = v128.load(q);
  const d = i8x16.sub(v, i8x16.splat(0x30));
  const within = (1 << length) - 1;
  const bad = i8x16.bitmask(i8x16.gt_u(d, i8x16.splat(9))) & within;
  const dots = i8x16.bitmask(i8x16.eq(v, i8x16.splat(0x2e))) & within;
  const dot = dots ? ctz(dots) : length;
  const digits = dots ? length - 1 : length;
  if (bad != dots || (dots & (dots - 1)) != 0 || digits == 0 || digits > 15) return false;
  const value = <f64><i64>sixteen(i8x16.swizzle(d, v128.load(shuffles + ((length * 17 + dot) << 4))));
  const result = value / load<f64>(powers + (<usize>(digits - dot) << 3));
  store<f64>(out + (<usize>row << 3), below ? -result : result);
  return true;
}

function more(): usize {
  status = 0;
  return 0;
}

function torn(): usize {
  status = 2;
  return 0;
}

/** Ends a record at its line break: cells it lacks are missing; one with more cells than the header has no time. */
function last(column: i32, q: usize): usize {
  const cells = column + 1;
  if (cells != columns) {
    ragged++;
    for (let c = cells; c < columns; c++) missing(load<u8>(kinds + c), load<u32>(outs + (<usize>c << 2)));
    if (cells > columns) {
      for (let c = 0; c < columns; c++) if (load<u8>(kinds + c) == time) missing(time, load<u32>(outs + (<usize>c << 2)));
      // What the host would still read of this record is not wanted either.
      while (slowCount > 0 && load<i32>(slow + (<usize>(slowCount - 1) << 4)) == row) slowCount--;
    }
  }
  return q >= limit ? limit : q + 1;
}

function missing(kind: i32, out: usize): void {
  if (kind == text) store<i32>(out + (<usize>row << 2), -1);
  else if (kind != skip) store<f64>(out + (<usize>row << 3), NaN);
}

/** Digits, a dot, digits: whole µs and ns from the base. False when it is anything else. */
function plainTime(q: usize, out: usize): bool {
  let us: u64 = 0;
  const start = q;
  const v = i8x16.sub(v128.load(q), i8x16.splat(0x30));
  if (i8x16.bitmask(i8x16.gt_u(v, i8x16.splat(9))) == 0 && load<u8>(q, 16) == 0x2e) {
    us = sixteen(v);
    q += 16;
  } else {
    while (true) {
      const d = <u32>load<u8>(q) - 0x30;
      if (d > 9) break;
      us = us * 10 + d;
      q++;
    }
    if (q == start || q - start > 16) return false;
  }
  let rest: u32 = 0;
  if (load<u8>(q) == 0x2e) {
    q++;
    let digits = 0;
    while (true) {
      const d = <u32>load<u8>(q) - 0x30;
      if (d > 9) break;
      if (digits < 3) rest = rest * 10 + d;
      else if (digits == 3 && d >= 5) rest++;
      digits++;
      q++;
    }
    for (; digits < 3; digits++) rest *= 10;
  }
  while (blank(load<u8>(q))) q++;
  const byte = <i32>load<u8>(q);
  if ((byte != comma && byte != lf) || us > 9007199254740991) return false;
  const whole = <f64><i64>us;
  if (!anchored) anchor(whole);
  store<f64>(out + (<usize>row << 3), (whole - baseUs) * 1000 + <f64>rest);
  return true;
}

/** A cell that is no plain number: trimmed of blanks and one pair of quotes. */
function cell(kind: i32, column: i32, out: usize, start: usize, end: usize): void {
  while (start < end && blank(load<u8>(start))) start++;
  while (end > start && blank(load<u8>(end - 1))) end--;
  if (end - start >= 2 && <i32>load<u8>(start) == quote && <i32>load<u8>(end - 1) == quote) {
    start++;
    end--;
    while (start < end && blank(load<u8>(start))) start++;
    while (end > start && blank(load<u8>(end - 1))) end--;
  }
  if (kind == text) {
    store<u32>(out + (<usize>row << 2), word(start, end, befores + (<usize>column << 2)));
    return;
  }
  store<f64>(out + (<usize>row << 3), NaN);
  if (start == end) return;
  const byte = <i32>load<u8>(start);
  // Anything a number can begin with is left to the host, which reads every form; N/A and words are nothing.
  if ((byte >= 0x30 && byte <= 0x39) || byte == 0x2e || byte == 0x2d || byte == 0x2b) later(column, start, end);
}
