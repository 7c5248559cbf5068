// AssemblyScript. Shared by the scanners: growing memory, searching bytes, a dictionary over bytes.

export const lf: i32 = 0x0a;
export const cr: i32 = 0x0d;
export const quote: i32 = 0x22;
export const comma: i32 = 0x2c;

let top: usize = 0;

/** Sets where free memory begins. */
export function setTop(at: usize): void {
  top = (at + 15) & ~15;
}

/** Zeroed memory that is never given back. */
export function alloc(bytes: usize): usize {
  const at = top;
  top = (top + bytes + 15) & ~15;
  const pages = <i32>((top + 64 + 65535) >>> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) unreachable();
  return at;
}

/** Where one of two bytes stands next, or `filled`. May look 15 bytes beyond. */
@inline
export function find2(i: usize, filled: usize, a: i32, b: i32): usize {
  const va = i8x16.splat(<i8>a);
  const vb = i8x16.splat(<i8>b);
  while (i < filled) {
    const v = v128.load(i);
    const mask = i8x16.bitmask(v128.or(i8x16.eq(v, va), i8x16.eq(v, vb)));
    if (mask) {
      i += ctz(mask);
      return i < filled ? i : filled;
    }
    i += 16;
  }
  return filled;
}

@inline
export function blank(byte: i32): bool {
  return byte == 0x20 || byte == 0x09 || byte == 0x0d;
}

// --- dictionary: bytes → codes 0, 1, 2 … in the order they were first met

/** Places by hash: the hash, and where the word lies in the pool, 0 for a free place. */
let slots: usize = 0;
let mask: u32 = 0;
/** Where the word of each code lies in the pool. */
let entries: usize = 0;
let entryRoom: u32 = 0;
/**
 * Words behind one another, each behind its length, its code and the word that last came after it in a column, so that a look-up
 * touches few cache lines.
 */
let pool: usize = 0;
let poolRoom: u32 = 0;
let poolFill: u32 = 0;
export let words: u32 = 0;

export function dictionaryInit(): void {
  mask = 8191;
  slots = alloc(<usize>(mask + 1) * 8);
  entryRoom = 4096;
  entries = alloc(<usize>entryRoom * 4);
  poolRoom = 1 << 18;
  pool = alloc(poolRoom);
  poolFill = 16;
  words = 0;
}

/** Where the bytes of a code lie. */
export function wordStart(code: u32): usize {
  return pool + load<u32>(entries + (<usize>code << 2)) + 16;
}

export function wordLength(code: u32): u32 {
  return load<u32>(pool + load<u32>(entries + (<usize>code << 2)));
}

@inline
function tail(at: usize, n: u32): u64 {
  return load<u64>(at) & ((<u64>1 << ((n & 7) << 3)) - 1);
}

@inline
function mix(h: u64): u64 {
  h *= 0x9e3779b97f4a7c15;
  return h ^ (h >>> 29);
}

function same(a: usize, b: usize, n: u32): bool {
  let i: u32 = 0;
  for (; i + 16 <= n; i += 16) if (v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return false;
  if (i + 8 <= n) {
    if (load<u64>(a + i) != load<u64>(b + i)) return false;
    i += 8;
  }
  return tail(a + i, n) == tail(b + i, n);
}

@inline
function hashOf(start: usize, n: u32): u32 {
  let h: u64 = n;
  let i: u32 = 0;
  for (; i + 8 <= n; i += 8) h = mix(h ^ load<u64>(start + i));
  h = mix(h ^ tail(start + i, n));
  return <u32>(h ^ (h >>> 32));
}

/**
 * Code of the bytes [start, end). Eight bytes behind `end` must be readable. Kernels repeat layer by layer, so the word that came
 * after the one before is compared first, and nearly always is the one.
 * @param before where the word before this one in the column is remembered
 */
export function word(start: usize, end: usize, before: usize): u32 {
  const n = <u32>(end - start);
  const last = load<u32>(before);
  const guess = load<u32>(pool + last, 8);
  if (guess != 0) {
    const entry = pool + guess;
    if (load<u32>(entry) == n && same(entry + 16, start, n)) {
      store<u32>(before, guess);
      return load<u32>(entry, 4);
    }
  }
  const found = find(start, n);
  store<u32>(pool + last, found, 8);
  store<u32>(before, found);
  return load<u32>(pool + found, 4);
}

/** Where a word lies in the pool. */
function find(start: usize, n: u32): u32 {
  const hash = hashOf(start, n);
  let slot = hash & mask;
  while (true) {
    const place = slots + (<usize>slot << 3);
    const at = load<u32>(place, 4);
    if (at == 0) return add(start, n, hash, place);
    if (load<u32>(place) == hash && load<u32>(pool + at) == n && same(pool + at + 16, start, n)) return at;
    slot = (slot + 1) & mask;
  }
}

function add(start: usize, n: u32, hash: u32, place: usize): u32 {
  if (words == entryRoom) {
    const wider = alloc(<usize>entryRoom * 8);
    memory.copy(wider, entries, <usize>entryRoom * 4);
    entries = wider;
    entryRoom *= 2;
  }
  if (poolFill + n + 48 > poolRoom) {
    const old = poolFill;
    while (poolFill + n + 48 > poolRoom) poolRoom *= 2;
    const wider = alloc(poolRoom);
    memory.copy(wider, pool, old);
    pool = wider;
  }
  const code = words++;
  const entry = pool + poolFill;
  store<u32>(entry, n);
  store<u32>(entry, code, 4);
  memory.copy(entry + 16, start, n);
  store<u32>(entries + (<usize>code << 2), poolFill);
  store<u32>(place, hash);
  const at = poolFill;
  store<u32>(place, at, 4);
  poolFill = (poolFill + n + 16 + 15) & ~7;
  if (words * 2 > mask) rehash();
  return at;
}

function rehash(): void {
  mask = mask * 2 + 1;
  slots = alloc(<usize>(mask + 1) * 8);
  for (let code: u32 = 0; code < words; code++) {
    const at = load<u32>(entries + (<usize>code << 2));
    const hash = hashOf(pool + at + 16, load<u32>(pool + at));
    let slot = hash & mask;
    while (load<u32>(slots + (<usize>slot << 3), 4) != 0) slot = (slot + 1) & mask;
    store<u32>(slots + (<usize>slot << 3), hash);
    store<u32>(slots + (<usize>slot << 3), at, 4);
  }
}
