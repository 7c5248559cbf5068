// AssemblyScript. Cuts the records of a CSV and writes the wanted cells into columns, a batch of rows at a time.
import { alloc, blank, comma, cr, dictionaryInit, find2, lf, quote, setTop, word } from './bytes';
export { words, wordStart, wordLength } from './bytes';

const skip: i32 = 0;
const number: i32 = 1;
const text: i32 = 2;
const time: i32 = 3;
const guarded: i32 = 4;

/** Per column of the file: what it is, where its batch lies, and for words the last column they take in. */
let kinds: usize = 0;
let outs: usize = 0;
let throughs: usize = 0;
/** Per column: the word of the row before. */
let befores: usize = 0;
let columns: i32 = 0;
let room: i32 = 0;
/** Numbers that are read only where the number of a column is at least so much; −1: everywhere. */
let guard: i32 = -1;
let atLeast: f64 = 0;
/** Wanted columns by what they are, 4 bytes each: words, and numbers and times, and numbers that are guarded. */
let wordColumns: usize = 0;
let wordCount: i32 = 0;
let numberColumns: usize = 0;
let numberCount: i32 = 0;
let guardedColumns: usize = 0;
let guardedCount: i32 = 0;
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

/** @param at first free byte @param n columns of the file @param rowsPerBatch @param bytes that are mostly indexed at once; more is made when it is needed */
export function init(at: usize, n: i32, rowsPerBatch: i32, bytes: i32): void {
  setTop(at);
  columns = n;
  room = rowsPerBatch;
  kinds = alloc(n);
  outs = alloc(<usize>n * 4);
  throughs = alloc(<usize>n * 4);
  befores = alloc(<usize>n * 4);
  slow = alloc(<usize>n * room * 16);
  wordColumns = alloc(<usize>n * 4);
  numberColumns = alloc(<usize>n * 4);
  guardedColumns = alloc(<usize>n * 4);
  above = alloc(<usize>rowsPerBatch * 8);
  gathered = alloc(<usize>room * 8);
  makeRoom(bytes);
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
  dictionaryInit();
}

/** As many marks as bytes at worst, one before the first, and eight more for the last write. */
function makeRoom(bytes: usize): void {
  indexed = bytes;
  marks = alloc((bytes << 2) + 80) + 16;
  lines = alloc((bytes << 2) + 64);
}

/**
 * Batch of a column: 8 bytes a row, 4 for words. @param through last column of a word: cells that stand side by side and say one thing
 * are one word, commas and quotes included, so that a row costs few look-ups
 */
export function want(column: i32, kind: i32, through: i32): usize {
  store<u8>(kinds + column, <u8>kind);
  store<i32>(throughs + (<usize>column << 2), through);
  if (kind == text) {
    store<i32>(wordColumns + (<usize>wordCount << 2), column);
    wordCount++;
  } else if (kind == guarded) {
    // Where a record is read cell by cell it is a number like any other.
    store<u8>(kinds + column, <u8>number);
    store<i32>(guardedColumns + (<usize>guardedCount << 2), column);
    guardedCount++;
  } else {
    store<i32>(numberColumns + (<usize>numberCount << 2), column);
    numberCount++;
  }
  // An odd number of cache lines apart, or the columns of one row would share a few sets of the cache.
  const at = alloc(<usize>room * (kind == text ? 4 : 8) + 320);
  store<u32>(outs + (<usize>column << 2), <u32>at);
  return at;
}

/** From now on the guarded numbers are read only in rows where the number of a wanted column is at least so much; elsewhere their cells are not written. */
export function guardBy(column: i32, least: f64): void {
  guard = column;
  atLeast = least;
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

/** Ends of cells in the bytes at hand, as addresses of commas and line breaks, and the one that is next. Before the first stands the byte before the bytes. */
let marks: usize = 0;
let mark: usize = 0;
/** Where in `marks` the line breaks stand, and the one that is next. */
let lines: usize = 0;
let line: usize = 0;
let linesEnd: usize = 0;
let limit: usize = 0;
/** Bytes there are marks for. */
let indexed: usize = 0;
let covered: u8 = 0;
let covering: bool = false;

/** Which of 16 bytes are the given one. */
@inline
function among(bytes: v128, byte: i32): u64 {
  return <u64>(<u32>i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(<i8>byte))));
}

/** Which of 64 bytes, loaded in four parts, are the given one. */
@inline
function among64(a: v128, b: v128, c: v128, d: v128, byte: i32): u64 {
  return among(a, byte) | (among(b, byte) << 16) | (among(c, byte) << 32) | (among(d, byte) << 48);
}

/** Finds the commas and line breaks of [from, filled) that end cells, and ends the bytes with a line break so that no loop has to ask for
 * the end; the byte it covers comes back with the next call. The host must not move bytes in between without `uncover`. */
export function index(from: usize, filled: usize): void {
  uncover();
  if (filled - from > indexed) makeRoom((filled - from) * 2);
  covering = true;
  covered = load<u8>(filled);
  store<u8>(filled, <u8>lf);
  limit = filled;
  line = lines;
  store<u32>(marks - 4, <u32>from - 1);
  if (!ends(from, filled, true)) ends(from, filled, false);
  mark = marks;
}

/**
 * Writes the marks. @param cells true: commas and line breaks in quoted cells are left out, and the line breaks are listed; false when a
 * quote neither opens nor closes a cell, blanks aside: then every comma and line break is marked, and no line break is listed, so that
 * every record is read cell by cell.
 */
function ends(from: usize, filled: usize, cells: bool): bool {
  let out = marks;
  let outLine = lines;
  let within: u64 = 0;
  /** A cell may begin with the next byte; a cell must end before it. */
  let begins: u64 = 1;
  let closed: u64 = 0;
  let odd: u64 = 0;
  for (let i = from; i < filled; i += 64) {
    const a = v128.load(i);
    const b = v128.load(i, 16);
    const c = v128.load(i, 32);
    const d = v128.load(i, 48);
    const breaks = among64(a, b, c, d, lf);
    const valid: u64 = filled - i < 64 ? (<u64>1 << (filled - i)) - 1 : ~(<u64>0);
    let bits = (breaks | among64(a, b, c, d, comma)) & valid;
    if (cells) {
      const quotes = among64(a, b, c, d, quote) & valid;
      const edges = bits | quotes;
      let inside = within;
      if (quotes) {
        inside = quotes ^ (quotes << 1);
        inside ^= inside << 2;
        inside ^= inside << 4;
        inside ^= inside << 8;
        inside ^= inside << 16;
        inside ^= inside << 32;
        inside ^= within;
        within = <u64>(<i64>inside >> 63);
      }
      // A quote opens behind a comma, a line break or a quote, and closes before one, a carriage return of a line break, or the end.
      odd |= quotes & inside & ~((edges << 1) | begins);
      odd |= closed & ~edges & valid & 1;
      const closing = quotes & ~inside;
      if (closing) odd |= closing & ~((edges | (among64(a, b, c, d, cr) & (breaks >> 1)) | ~valid) >> 1) & 0x7fffffffffffffff;
      closed = closing >> 63;
      begins = edges >> 63;
      bits &= ~inside;
      if (odd) return false;
      let ofLines = bits & breaks;
      while (ofLines) {
        store<u32>(outLine, <u32>(out + (<usize>popcnt(bits & (ofLines ^ (ofLines - 1))) << 2) - 4));
        outLine += 4;
        ofLines &= ofLines - 1;
      }
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
  store<u32>(out, <u32>filled);
  linesEnd = outLine;
  return true;
}

export function uncover(): void {
  if (covering) store<u8>(limit, covered);
  covering = false;
}

/** Rows of as many cells as the header, found but not read: row, and where in `marks` their first cell ends. */
let gathered: usize = 0;
let gatheredCount: i32 = 0;
/** Those of them whose guarded numbers are read. */
let above: usize = 0;

/** Start of the first record not read, beginning at `from`: where the batch, the bytes or the file end. */
export function parse(from: usize, ended: bool): usize {
  const stop = records(from, ended);
  read();
  return stop;
}

function records(from: usize, ended: bool): usize {
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
    while (line < linesEnd && <usize>load<u32>(line) < mark) line += 4;
    const end = mark + (<usize>(columns - 1) << 2);
    if (line < linesEnd && <usize>load<u32>(line) == end) {
      const at = gathered + (<usize>gatheredCount << 3);
      store<i32>(at, rows);
      store<u32>(at, <u32>mark, 4);
      gatheredCount++;
      rows++;
      p = <usize>load<u32>(end) + 1;
      mark = end + 4;
      continue;
    }
    // Words get their codes in the order of the file.
    read();
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

/** Reads the gathered rows: words row by row, for their codes count up in the order of the file, numbers column by column. */
function read(): void {
  const end = gathered + (<usize>gatheredCount << 3);
  for (let at = gathered; at < end; at += 8) {
    const place = <usize>load<i32>(at) << 2;
    const first = <usize>load<u32>(at, 4);
    for (let i = 0; i < wordCount; i++) {
      const column = <usize>load<i32>(wordColumns + (<usize>i << 2)) << 2;
      const q = <usize>load<u32>(first + column - 4) + 1;
      const e = <usize>load<u32>(first + (<usize>load<i32>(throughs + column) << 2));
      store<u32>(<usize>load<u32>(outs + column) + place, word(q, e, befores + column));
    }
  }
  for (let i = 0; i < numberCount; i++) {
    const column = load<i32>(numberColumns + (<usize>i << 2));
    const out = <usize>load<u32>(outs + (<usize>column << 2));
    const offset = <usize>column << 2;
    if (load<u8>(kinds + column) == number) numbers(column, gathered, end);
    else {
      for (let at = gathered; at < end; at += 8) {
        const index = load<i32>(at);
        const m = <usize>load<u32>(at, 4) + offset;
        const q = <usize>load<u32>(m - 4) + 1;
        if (!plainTime(q, out + (<usize>index << 3))) {
          row = index;
          cell(column, out, q, <usize>load<u32>(m));
        }
      }
    }
  }
  let from = gathered;
  let to = end;
  if (guard >= 0) {
    const values = <usize>load<u32>(outs + (<usize>guard << 2));
    from = above;
    to = above;
    for (let at = gathered; at < end; at += 8) {
      store<u64>(to, load<u64>(at));
      // A number the host reads later is not known yet.
      to += load<f64>(values + (<usize>load<i32>(at) << 3)) < atLeast ? 0 : 8;
    }
  }
  for (let i = 0; i < guardedCount; i++) numbers(load<i32>(guardedColumns + (<usize>i << 2)), from, to);
  gatheredCount = 0;
}

/** Reads one column of some gathered rows. */
@inline
function numbers(column: i32, from: usize, to: usize): void {
  const out = <usize>load<u32>(outs + (<usize>column << 2));
  const offset = <usize>column << 2;
  for (let at = from; at < to; at += 8) {
    const index = load<i32>(at);
    const m = <usize>load<u32>(at, 4) + offset;
    const q = <usize>load<u32>(m - 4) + 1;
    const e = <usize>load<u32>(m);
    if (!plainNumber(q, e, out + (<usize>index << 3))) {
      row = index;
      cell(column, out, q, e);
    }
  }
}

/** Reads one record into row `row`. Gives where the next begins, or 0 and a status. */
function record(p: usize, ended: bool): usize {
  let q = p;
  let column = 0;
  let k = mark;
  /** Column and first byte of the word that is open; −1 without one. */
  let open = -1;
  let opened: usize = 0;
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
        if (kind == text) {
          open = column;
          opened = q;
        } else if (kind == number) {
          if (!plainNumber(q, e, out + (<usize>row << 3))) cell(column, out, q, e);
        } else if (!plainTime(q, out + (<usize>row << 3))) cell(column, out, q, e);
      }
    }
    const ends = <i32>load<u8>(e) == lf;
    // A record that is too short ends its last word early.
    if (open >= 0 && (ends || column == load<i32>(throughs + (<usize>open << 2)))) {
      store<u32>(<usize>load<u32>(outs + (<usize>open << 2)) + (<usize>row << 2), word(opened, e, befores + (<usize>open << 2)));
      open = -1;
    }
    if (ends) {
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

/** Which bytes are no digits, once '0' is taken from them. */
@inline
function noDigits(d: u64): u64 {
  return ((d + 0x7676767676767676) | d) & 0x8080808080808080;
}

/** Digits, a dot, digits, perhaps blanks, and then the end of the cell. False when it is anything else. @param place where the number goes */
@inline
function plainNumber(q: usize, e: usize, place: usize): bool {
  if (e - q == 5) {
    // A ratio, 0.927: most numbers of a row are.
    const d = (load<u64>(q) & 0xffffffffff) ^ 0x3030302e30;
    if ((((d + 0x7676767f76) | d) & 0x8080808080) == 0) {
      store<f64>(place, <f64><i32>((<u32>d & 15) * 1000 + (<u32>(d >>> 16) & 15) * 100 + (<u32>(d >>> 24) & 15) * 10 + <u32>(d >>> 32)) / 1000);
      return true;
    }
  }
  while (e > q && blank(load<u8>(e - 1))) e--;
  if (e - q <= 8 && e > q) {
    // Right-aligned behind zeros in one word of eight bytes, the dot taken out.
    const shift = <u64>(8 - (e - q)) << 3;
    let v = load<u64>(q) << shift;
    if (shift) v |= (<u64>0x3030303030303030) >>> (64 - shift);
    const x = v ^ 0x2e2e2e2e2e2e2e2e;
    const dots = (x - 0x0101010101010101) & ~x & 0x8080808080808080;
    let fraction: u64 = 0;
    if (dots) {
      const at = ctz(dots) - 7;
      fraction = 7 - (at >>> 3);
      v = (v & ((~(<u64>0) << at) << 8)) | ((v & ((<u64>1 << at) - 1)) << 8) | 0x30;
    }
    let d = v ^ 0x3030303030303030;
    if (noDigits(d) == 0 && !(dots && e - q == 1)) {
      d = ((d * 2561) >>> 8) & 0x00ff00ff00ff00ff;
      d = ((d * 6553601) >>> 16) & 0x0000ffff0000ffff;
      d = (d * 42949672960001) >>> 32;
      store<f64>(place, <f64><i64>d / load<f64>(powers + (<usize>fraction << 3)));
      return true;
    }
  }
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
  store<f64>(place, below ? -result : result);
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
function plainTime(q: usize, place: usize): bool {
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
  store<f64>(place, (whole - baseUs) * 1000 + <f64>rest);
  return true;
}

/** A cell of a number that is no plain one: trimmed of blanks and one pair of quotes. */
function cell(column: i32, out: usize, start: usize, end: usize): void {
  while (start < end && blank(load<u8>(start))) start++;
  while (end > start && blank(load<u8>(end - 1))) end--;
  if (end - start >= 2 && <i32>load<u8>(start) == quote && <i32>load<u8>(end - 1) == quote) {
    start++;
    end--;
    while (start < end && blank(load<u8>(start))) start++;
    while (end > start && blank(load<u8>(end - 1))) end--;
  }
  store<f64>(out + (<usize>row << 3), NaN);
  if (start == end) return;
  const byte = <i32>load<u8>(start);
  // Anything a number can begin with is left to the host, which reads every form; N/A and words are nothing.
  if ((byte >= 0x30 && byte <= 0x39) || byte == 0x2e || byte == 0x2d || byte == 0x2b) later(column, start, end);
}
