/**
 * Many fixed strings searched at once in one pass over bytes (Aho and Corasick, 1975). The number of strings does not change the
 * time per byte. Literals hold no line end.
 */
export class Literals {
  /** State after a byte: `table[state * 256 + byte]`; states from `#first` on end a literal. */
  readonly #table: Uint16Array;
  readonly #first: number;
  /** Literals that end in an accepting state, its own and those of its suffixes. */
  readonly #ends: readonly (readonly number[])[];

  constructor(literals: readonly string[]) {
    const next: Map<number, number>[] = [new Map<number, number>()];
    const own: number[][] = [[]];
    literals.forEach((literal, index) => {
      let state = 0;
      for (const byte of Buffer.from(literal, 'utf8')) {
        let to = next[state]?.get(byte);
        if (to === undefined) {
          to = next.length;
          next.push(new Map<number, number>());
          own.push([]);
          next[state]?.set(byte, to);
        }
        state = to;
      }
      own[state]?.push(index);
    });
    const count = next.length;
    const fail = new Uint16Array(count);
    const rows = new Uint16Array(count * 256);
    const queue: number[] = [];
    for (const [byte, to] of next[0] ?? []) {
      rows[byte] = to;
      queue.push(to);
    }
    for (let at = 0; at < queue.length; at += 1) {
      const state = queue[at] ?? 0;
      const back = fail[state] ?? 0;
      own[state] = [...(own[state] ?? []), ...(own[back] ?? [])];
      rows.copyWithin(state * 256, back * 256, back * 256 + 256);
      for (const [byte, to] of next[state] ?? []) {
        fail[to] = rows[back * 256 + byte] ?? 0;
        rows[state * 256 + byte] = to;
        queue.push(to);
      }
    }
    // Accepting states are numbered last, so that one comparison tells them.
    const silent = own.flatMap((e, s) => (e.length === 0 ? [s] : []));
    const accepting = own.flatMap((e, s) => (e.length === 0 ? [] : [s]));
    const order = [...silent, ...accepting];
    const place = new Uint16Array(count);
    order.forEach((state, index) => (place[state] = index));
    this.#table = new Uint16Array(count * 256);
    order.forEach((state, index) => {
      for (let byte = 0; byte < 256; byte += 1) this.#table[index * 256 + byte] = place[rows[state * 256 + byte] ?? 0] ?? 0;
    });
    this.#first = silent.length;
    this.#ends = accepting.map((s) => own[s] ?? []);
  }

  /**
   * Calls `found` once for every line in `bytes` that holds a literal, with the line's bounds, its number and the literals in it.
   * `bytes` holds whole lines; a last line without an end counts as one.
   * @param passed lines before `bytes` @returns lines up to the end of `bytes`
   */
  scan(bytes: Uint8Array, passed: number, found: (start: number, end: number, line: number, hits: ReadonlySet<number>) => void): number {
    const table = this.#table;
    const first = this.#first;
    const length = bytes.length;
    let state = 0;
    let lineStart = 0;
    let lines = passed;
    for (let i = 0; i < length; i += 1) {
      const byte = bytes[i] ?? 0;
      if (byte === 10) {
        lines += 1;
        lineStart = i + 1;
        state = 0;
        continue;
      }
      state = table[(state << 8) | byte] ?? 0;
      if (state < first) continue;
      const hits = new Set<number>();
      let end = i;
      for (; end < length && bytes[end] !== 10; end += 1) {
        if (end > i) state = table[(state << 8) | (bytes[end] ?? 0)] ?? 0;
        if (state >= first) for (const hit of this.#ends[state - first] ?? []) hits.add(hit);
      }
      found(lineStart, end, lines + 1, hits);
      state = 0;
      i = end - 1;
    }
    return length > 0 && bytes[length - 1] !== 10 ? lines + 1 : lines;
  }
}
