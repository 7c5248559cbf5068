const compiled = new Map<string, object>();

/** Compiled once, however many files are read. */
function moduleOf(base64: string): object {
  let found = compiled.get(base64);
  if (found === undefined) compiled.set(base64, (found = new WebAssembly.Module(Buffer.from(base64, 'base64'))));
  return found;
}

/** A module of scripts/scan at work: its functions, its numbers and its memory, each checked once when it is loaded. */
export class Wasm {
  readonly memory: WebAssembly.Memory;
  readonly #exports: Readonly<Record<string, unknown>>;

  /** @param base64 the compiled module */
  constructor(base64: string) {
    const abort = (): never => {
      throw new Error('the scanner stopped');
    };
    this.#exports = new WebAssembly.Instance(moduleOf(base64), { env: { abort } }).exports;
    const memory = this.#exports['memory'];
    if (!(memory instanceof WebAssembly.Memory)) throw new TypeError('the scanner has no memory');
    this.memory = memory;
  }

  call(name: string): (...parameters: number[]) => number {
    const found = this.#exports[name];
    if (!isCall(found)) throw new TypeError(`the scanner has no function ${name}`);
    return found;
  }

  number(name: string): () => number {
    const found = this.#exports[name];
    if (!(found instanceof WebAssembly.Global)) throw new TypeError(`the scanner has no number ${name}`);
    return () => Number(found.value);
  }

  /** Makes the first `bytes` of memory usable. Pages that are never touched cost nothing. */
  reserve(bytes: number): void {
    const missing = Math.ceil((bytes - this.memory.buffer.byteLength) / 65_536);
    if (missing > 0) this.memory.grow(missing);
  }
}

function isCall(value: unknown): value is (...parameters: number[]) => number {
  return typeof value === 'function';
}
