/** A dictionary over bytes: a text that was met before costs a hash and a compare, no string. */
export class ByteDictionary {
  readonly #make: (text: string) => number;
  #slots = new Int32Array(4096).fill(-1);
  #hashes = new Int32Array(1024);
  #starts = new Int32Array(1025);
  #values = new Int32Array(1024);
  #pool = Buffer.alloc(1 << 16);
  #poolView: DataView = new DataView(this.#pool.buffer, this.#pool.byteOffset, this.#pool.byteLength);
  #seen: Buffer | null = null;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #count = 0;

  /** @param make the value of a new text */
  constructor(make: (text: string) => number) {
    this.#make = make;
  }

  value(buf: Buffer, start: number, end: number): number {
    const view = this.#viewOf(buf);
    let hash = 0x811c9dc5 ^ (end - start);
    let i = start;
    for (; i + 4 <= end; i += 4) {
      hash = Math.imul(hash ^ view.getInt32(i, true), 0x01000193);
      hash ^= hash >>> 15;
    }
    for (; i < end; i++) hash = Math.imul(hash ^ (buf[i] ?? 0), 0x01000193);
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const entry = this.#slots[slot] ?? -1;
      if (entry < 0) break;
      if (this.#hashes[entry] === hash && this.#same(entry, view, buf, start, end)) return this.#values[entry] ?? 0;
      slot = (slot + 1) & mask;
    }
    return this.#add(buf, start, end, hash, slot);
  }

  /** Four bytes at a time; made anew only when the reader changes its buffer. */
  #viewOf(buf: Buffer): DataView {
    if (this.#seen !== buf) {
      this.#seen = buf;
      this.#view = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
    }
    return this.#view;
  }

  #same(entry: number, view: DataView, buf: Buffer, start: number, end: number): boolean {
    const at = this.#starts[entry] ?? 0;
    const length = end - start;
    if ((this.#starts[entry + 1] ?? 0) - at !== length) return false;
    let i = 0;
    for (; i + 4 <= length; i += 4) if (this.#poolView.getInt32(at + i, true) !== view.getInt32(start + i, true)) return false;
    for (; i < length; i++) if (this.#pool[at + i] !== buf[start + i]) return false;
    return true;
  }

  #add(buf: Buffer, start: number, end: number, hash: number, slot: number): number {
    const entry = this.#count++;
    const at = this.#starts[entry] ?? 0;
    const next = at + end - start;
    if (next > this.#pool.length) {
      const pool = Buffer.alloc(Math.max(next, this.#pool.length * 2));
      this.#pool.copy(pool, 0, 0, at);
      this.#pool = pool;
      this.#poolView = new DataView(pool.buffer, pool.byteOffset, pool.byteLength);
    }
    buf.copy(this.#pool, at, start, end);
    const value = this.#make(buf.toString('utf8', start, end));
    if (entry === this.#values.length) {
      this.#values = grown(this.#values, entry * 2);
      this.#hashes = grown(this.#hashes, entry * 2);
      this.#starts = grown(this.#starts, entry * 2 + 1);
    }
    this.#values[entry] = value;
    this.#hashes[entry] = hash;
    this.#starts[entry + 1] = next;
    this.#slots[slot] = entry;
    if (this.#count * 2 > this.#slots.length) this.#rehash();
    return value;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#count; entry++) {
      const hash = this.#hashes[entry] ?? 0;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while ((slots[slot] ?? -1) >= 0) slot = (slot + 1) & mask;
      slots[slot] = entry;
    }
    this.#slots = slots;
  }
}

function grown(data: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(length);
  next.set(data);
  return next;
}
