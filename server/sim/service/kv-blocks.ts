import { createHash } from 'node:crypto';

/** One block of the KV cache. Full blocks of a prompt carry the hash of everything up to their end and can be shared. */
export interface Block {
  refs: number;
  hash: string | null;
}

/** Hash chain over full blocks of tokens: equal prefixes give equal hashes. */
export function blockHashes(tokens: readonly string[], blockSize: number): string[] {
  const out: string[] = [];
  let before = '';
  for (let end = blockSize; end <= tokens.length; end += blockSize) {
    before = createHash('sha1').update(before).update('\0').update(tokens.slice(end - blockSize, end).join('\u0001')).digest('base64');
    out.push(before);
  }
  return out;
}

/** Block pool of one data-parallel rank. Block 0 is padding, so one less than the capacity can be used. */
export class BlockPool {
  readonly total: number;
  #free: number;
  readonly #byHash = new Map<string, Block>();
  /** Cached blocks nobody uses, oldest first. */
  readonly #idle = new Map<string, Block>();

  constructor(blocks: number) {
    this.total = blocks - 1;
    this.#free = this.total;
  }

  /** Blocks that can be had at once: free ones and cached ones nobody uses. */
  get available(): number {
    return this.#free + this.#idle.size;
  }

  get used(): number {
    return this.total - this.available;
  }

  get cached(): number {
    return this.#byHash.size;
  }

  /** 0 to 1. */
  get utilization(): number {
    return this.total === 0 ? 0 : this.used / this.total;
  }

  /** The longest cached prefix; the caller holds the blocks afterwards. */
  match(hashes: readonly string[]): Block[] {
    const found: Block[] = [];
    for (const hash of hashes) {
      const block = this.#byHash.get(hash);
      if (block === undefined) break;
      block.refs += 1;
      this.#idle.delete(hash);
      found.push(block);
    }
    return found;
  }

  /** `count` new blocks, taking the oldest idle cached ones when none is free; null when there are not enough. */
  allocate(count: number): Block[] | null {
    if (count > this.available) return null;
    while (this.#free < count) {
      const [oldest] = this.#idle.keys();
      if (oldest === undefined) return null;
      this.#idle.delete(oldest);
      this.#byHash.delete(oldest);
      this.#free += 1;
    }
    this.#free -= count;
    return Array.from({ length: count }, () => ({ refs: 1, hash: null }));
  }

  /** Makes a full block findable. Blocks with the same content stay apart; the first one is found. */
  publish(block: Block, hash: string): void {
    if (block.hash !== null || this.#byHash.has(hash)) return;
    block.hash = hash;
    this.#byHash.set(hash, block);
  }

  release(blocks: readonly Block[]): void {
    for (const block of blocks) {
      block.refs -= 1;
      if (block.refs > 0) continue;
      if (block.hash === null) this.#free += 1;
      else this.#idle.set(block.hash, block);
    }
  }
}
