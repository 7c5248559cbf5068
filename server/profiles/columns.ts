/** Room when `capacity` rows are needed: twice what is there, so that a table of many captures is copied a few times; pages nobody writes cost nothing. */
function roomFor(capacity: number, rows: number): number {
  return Math.max(capacity, rows * 2);
}

function buffer(bytes: number, shared: boolean): ArrayBuffer | SharedArrayBuffer {
  return shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
}

/** Typed arrays that grow. */
export class Int32Column {
  #data: Int32Array;
  length = 0;

  constructor(capacity = 1024) {
    this.#data = new Int32Array(capacity);
  }

  push(value: number): void {
    if (this.length >= this.#data.length) {
      const next = new Int32Array(this.length * 2).fill(-1, this.#data.length, this.length);
      next.set(this.#data);
      this.#data = next;
    }
    // NaN would become 0, and 0 is an id.
    this.#data[this.length++] = Number.isNaN(value) ? -1 : value;
  }

  /** The memory behind the column with room for `capacity` rows, to write into; set `length` afterwards. @param shared seen by every thread */
  reserve(capacity: number, shared: boolean): Int32Array {
    if (capacity > this.#data.length || (shared && !(this.#data.buffer instanceof SharedArrayBuffer))) {
      const next = new Int32Array(buffer(roomFor(capacity, this.length) * 4, shared));
      next.set(this.array());
      this.#data = next;
    }
    return this.#data;
  }

  get(i: number): number {
    return this.#data[i] ?? -1;
  }

  set(i: number, value: number): void {
    this.#data[i] = value;
  }

  truncate(length: number): void {
    this.length = Math.min(this.length, length);
  }

  array(): Int32Array {
    if (this.length > this.#data.length) {
      const next = new Int32Array(this.length).fill(-1, this.#data.length);
      next.set(this.#data);
      this.#data = next;
    }
    return this.#data.subarray(0, this.length);
  }
}

export class Float64Column {
  #data: Float64Array;
  length = 0;

  constructor(capacity = 1024) {
    this.#data = new Float64Array(capacity);
  }

  #room(length: number): void {
    if (length <= this.#data.length) return;
    const next = new Float64Array(Math.max(length, this.#data.length * 2));
    next.set(this.#data);
    this.#data = next;
  }

  /** The memory behind the column with room for `capacity` rows, to write into; set `length` afterwards. @param shared seen by every thread */
  reserve(capacity: number, shared: boolean): Float64Array {
    if (capacity > this.#data.length || (shared && !(this.#data.buffer instanceof SharedArrayBuffer))) {
      const next = new Float64Array(buffer(roomFor(capacity, this.length) * 8, shared));
      next.set(this.array());
      this.#data = next;
    }
    return this.#data;
  }

  push(value: number): void {
    if (this.length === this.#data.length) this.#room(this.length + 1);
    this.#data[this.length++] = value;
  }

  get(i: number): number {
    return this.#data[i] ?? NaN;
  }

  /** Sets a row that may lie beyond the end; the rows between become NaN. */
  set(i: number, value: number): void {
    if (i === this.length && i < this.#data.length) {
      this.#data[i] = value;
      this.length = i + 1;
      return;
    }
    if (i === this.length) {
      this.push(value);
      return;
    }
    if (i > this.length) this.fill(i + 1);
    this.#data[i] = value;
  }

  /** Lengthens with NaN. */
  fill(length: number): void {
    if (length <= this.length) return;
    this.#room(length);
    this.#data.fill(NaN, this.length, length);
    this.length = length;
  }

  truncate(length: number): void {
    this.length = Math.min(this.length, length);
  }

  array(): Float64Array {
    return this.#data.subarray(0, this.length);
  }
}

/** Ids below this lie in an array. Source: globalTaskId and opId count from 0 (facts §4.1), a capture has some million tasks; 64 MB at most. */
const denseIds = 1 << 24;

/** Numbers by id, −1 where none is: an array for the small ids exporters count up, a map for any other. */
export class IdMap {
  #dense = new Int32Array(1024).fill(-1);
  readonly #sparse = new Map<number, number>();
  size = 0;

  get(id: number): number {
    if (id >= 0 && id < denseIds) return this.#dense[id] ?? -1;
    return this.#sparse.get(id) ?? -1;
  }

  set(id: number, value: number): void {
    if (this.get(id) < 0) this.size++;
    if (!(id >= 0 && id < denseIds)) {
      this.#sparse.set(id, value);
      return;
    }
    if (id >= this.#dense.length) {
      const next = new Int32Array(Math.min(denseIds, Math.max(id + 1, this.#dense.length * 2))).fill(-1);
      next.set(this.#dense);
      this.#dense = next;
    }
    this.#dense[id] = value;
  }
}

export class Uint8Column {
  #data: Uint8Array = new Uint8Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.#data.length) this.reserve(this.length * 2, false);
    this.#data[this.length++] = value;
  }

  get(i: number): number {
    return this.#data[i] ?? 0;
  }

  set(i: number, value: number): void {
    this.#data[i] = value;
  }

  /** As {@link Int32Column.reserve}. */
  reserve(capacity: number, shared: boolean): Uint8Array {
    if (capacity > this.#data.length || (shared && !(this.#data.buffer instanceof SharedArrayBuffer))) {
      const next = new Uint8Array(buffer(roomFor(capacity, this.length), shared));
      next.set(this.array());
      this.#data = next;
    }
    return this.#data;
  }

  truncate(length: number): void {
    this.length = Math.min(this.length, length);
  }

  array(): Uint8Array {
    return this.#data.subarray(0, this.length);
  }
}

export class Uint16Column {
  #data: Uint16Array = new Uint16Array(1024);
  length = 0;

  /** As {@link Int32Column.reserve}. */
  reserve(capacity: number, shared: boolean): Uint16Array {
    if (capacity > this.#data.length || (shared && !(this.#data.buffer instanceof SharedArrayBuffer))) {
      const next = new Uint16Array(buffer(roomFor(capacity, this.length) * 2, shared));
      next.set(this.array());
      this.#data = next;
    }
    return this.#data;
  }

  truncate(length: number): void {
    this.length = Math.min(this.length, length);
  }

  array(): Uint16Array {
    return this.#data.subarray(0, this.length);
  }
}

/** Ids in doubles, −1 where none is; takes no memory while none is known. */
export class IdColumn {
  readonly #values = new Float64Column();

  /** Rows up to the last that has one. */
  get length(): number {
    return this.#values.length;
  }

  get(i: number): number {
    return i < this.#values.length ? this.#values.get(i) : -1;
  }

  set(i: number, id: number): void {
    if (i > this.#values.length) this.#fill(i);
    if (i < this.#values.length || id >= 0) this.#values.set(i, id);
  }

  /** All ids of another column, the first of them in row `at`. */
  append(others: IdColumn, at: number): void {
    if (others.length === 0) return;
    this.#fill(at);
    this.#values.reserve(at + others.length, false).set(others.array(others.length), at);
    this.#values.length = at + others.length;
  }

  truncate(length: number): void {
    this.#values.truncate(length);
  }

  #fill(length: number): void {
    const from = this.#values.length;
    if (length <= from) return;
    this.#values.reserve(length, false).fill(-1, from, length);
    this.#values.length = length;
  }

  array(length: number): Float64Array {
    this.#fill(length);
    return this.#values.array();
  }
}

/** The order that sorts rows by device, then start; null when they are sorted already. */
export function deviceStartOrder(device: Int32Array, start: Float64Array): Uint32Array | null {
  const n = start.length;
  let sorted = true;
  for (let i = 1; i < n && sorted; i++) {
    const a = device[i - 1] ?? 0;
    const b = device[i] ?? 0;
    sorted = a < b || (a === b && (start[i - 1] ?? 0) <= (start[i] ?? 0));
  }
  if (sorted) return null;
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  // The index breaks ties, so the order never depends on the engine's sort.
  return order.sort((a, b) => (device[a] ?? 0) - (device[b] ?? 0) || (start[a] ?? 0) - (start[b] ?? 0) || a - b);
}

export function permuteInt32(data: Int32Array, order: Uint32Array | null): Int32Array {
  if (order === null) return data;
  const out = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) out[i] = data[order[i] ?? 0] ?? 0;
  return out;
}

export function permuteUint8(data: Uint8Array, order: Uint32Array | null): Uint8Array {
  if (order === null) return data;
  const out = new Uint8Array(order.length);
  for (let i = 0; i < order.length; i++) out[i] = data[order[i] ?? 0] ?? 0;
  return out;
}

export function permuteFloat64(data: Float64Array, order: Uint32Array | null): Float64Array {
  if (order === null) return data;
  const out = new Float64Array(order.length);
  for (let i = 0; i < order.length; i++) out[i] = data[order[i] ?? 0] ?? NaN;
  return out;
}

export function permuteUint16(data: Uint16Array, order: Uint32Array | null): Uint16Array {
  if (order === null) return data;
  const out = new Uint16Array(order.length);
  for (let i = 0; i < order.length; i++) out[i] = data[order[i] ?? 0] ?? 0;
  return out;
}

/** Old row → new row. */
export function inverse(order: Uint32Array | null): Uint32Array | null {
  if (order === null) return null;
  const out = new Uint32Array(order.length);
  for (let i = 0; i < order.length; i++) out[order[i] ?? 0] = i;
  return out;
}
