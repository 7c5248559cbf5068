import { BlockPool } from './kv-blocks.js';
import { Sequence } from './sequence.js';
import type { StepLoad } from './step-cost.js';

/** Continuous batching as xLLM's scheduler does it: decode first, then chunks of prompts, within a budget of tokens, sequences and blocks. */

export interface SchedulerOptions {
  readonly blocks: number;
  readonly blockSize: number;
  readonly dp: number;
  readonly maxTokens: number;
  readonly maxSequences: number;
  /** Tokens of one sequence in one prefill step. */
  readonly maxChunk: number;
  readonly chunked: boolean;
  /** Prefill and decode in one step. */
  readonly mixed: boolean;
  readonly prefixCache: boolean;
  readonly overlap: boolean;
  readonly speculative: number;
  /** Above this use of the pool no new prompt starts. */
  readonly prefillThreshold: number;
}

export interface Batch {
  readonly prefill: readonly { readonly sequence: Sequence; readonly tokens: number }[];
  readonly decode: readonly Sequence[];
}

export interface Scheduled extends Batch {
  readonly failed: readonly { readonly sequence: Sequence; readonly reason: 'memory' | 'budget' }[];
  readonly preempted: number;
}

export class Scheduler {
  readonly options: SchedulerOptions;
  readonly pools: readonly BlockPool[];
  readonly #waiting: Sequence[] = [];
  readonly #running: Sequence[] = [];
  /** Blocks found in the prefix cache, in percent of the prompt's, and their number; for the metrics. */
  onMatch: (percent: number, blocks: number, tokens: number) => void = () => undefined;

  constructor(options: SchedulerOptions) {
    this.options = options;
    this.pools = Array.from({ length: options.dp }, () => new BlockPool(options.blocks));
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get running(): number {
    return this.#running.length;
  }

  get busy(): boolean {
    return this.#waiting.length + this.#running.length > 0;
  }

  add(sequence: Sequence): void {
    sequence.dp = this.#emptiest();
    this.#waiting.push(sequence);
  }

  /** Takes a sequence out, whatever it does, and frees its blocks. */
  remove(sequence: Sequence): void {
    for (const list of [this.#waiting, this.#running]) {
      const at = list.indexOf(sequence);
      if (at >= 0) list.splice(at, 1);
    }
    this.#pool(sequence).release(sequence.blocks);
    sequence.blocks = [];
  }

  next(): Scheduled {
    const failed: { sequence: Sequence; reason: 'memory' | 'budget' }[] = [];
    let preempted = 0;
    const prefill: { sequence: Sequence; tokens: number }[] = [];
    const decode: Sequence[] = [];
    let tokens = this.options.maxTokens;
    const perDecode = this.options.speculative + 1;

    const takeDecode = (): void => {
      for (const sequence of this.#running.filter((s) => s.state === 'decode')) {
        if (sequence.state !== 'decode' || tokens < perDecode || decode.length >= this.options.maxSequences) continue;
        // Room for the step's tokens, and once more when the next step is scheduled ahead.
        const ahead = perDecode * (this.options.overlap ? 2 : 1);
        const outcome = this.#grow(sequence, sequence.needed - 1 + ahead, decode);
        preempted += outcome.preempted;
        if (!outcome.fits) {
          failed.push({ sequence, reason: 'memory' });
          continue;
        }
        decode.push(sequence);
        tokens -= perDecode;
      }
    };
    const takePrefill = (): void => {
      for (const sequence of this.#running.filter((s) => s.state === 'prefill')) {
        const chunk = this.#chunk(sequence, tokens);
        if (chunk <= 0 || !this.#reserve(sequence, sequence.computed + chunk)) continue;
        prefill.push({ sequence, tokens: chunk });
        tokens -= chunk;
      }
      while (this.#waiting.length > 0 && tokens > 0 && this.#running.length < this.options.maxSequences) {
        const [sequence] = this.#waiting;
        if (sequence === undefined) break;
        const admitted = this.#admit(sequence, tokens);
        if (admitted === 'never') {
          this.#waiting.shift();
          failed.push({ sequence, reason: this.options.chunked ? 'memory' : 'budget' });
          continue;
        }
        if (admitted === 'later') break;
        this.#waiting.shift();
        this.#running.push(sequence);
        sequence.state = 'prefill';
        prefill.push({ sequence, tokens: admitted });
        tokens -= admitted;
      }
    };

    if (this.options.mixed) {
      takeDecode();
      takePrefill();
    } else {
      takePrefill();
      if (prefill.length === 0) takeDecode();
    }
    return { prefill: prefill.filter((p) => p.sequence.state === 'prefill'), decode: decode.filter((s) => s.state === 'decode'), failed, preempted };
  }

  /** Loads of a batch, one per data-parallel rank. */
  loads(batch: Batch): StepLoad[] {
    return this.pools.map((_, dp) => {
      const prefill = batch.prefill.filter((p) => p.sequence.dp === dp);
      const decode = batch.decode.filter((s) => s.dp === dp);
      return {
        prefillSequences: prefill.length,
        prefillTokens: prefill.reduce((sum, p) => sum + p.tokens, 0),
        prefillContextTokens: prefill.reduce((sum, p) => sum + p.sequence.computed, 0),
        decodeSequences: decode.length,
        queryTokens: this.options.speculative + 1,
        decodeContextTokens: decode.reduce((sum, s) => sum + s.computed, 0),
      };
    });
  }

  /** After a prefill step: what was computed is in the cache; full blocks of the prompt can be shared. */
  computed(sequence: Sequence, tokens: number): void {
    sequence.computed += tokens;
    if (this.options.prefixCache) {
      const full = Math.min(sequence.request.hashes.length, Math.floor(sequence.computed / this.options.blockSize));
      for (let i = 0; i < full; i += 1) {
        const block = sequence.blocks[i];
        const hash = sequence.request.hashes[i];
        if (block !== undefined && hash !== undefined) this.#pool(sequence).publish(block, hash);
      }
    }
    if (sequence.computed >= sequence.needed) sequence.state = 'decode';
  }

  #pool(sequence: Sequence): BlockPool {
    const pool = this.pools[sequence.dp];
    if (pool === undefined) throw new Error(`no data-parallel rank ${sequence.dp}`);
    return pool;
  }

  #emptiest(): number {
    const load = (dp: number): number => this.#waiting.filter((s) => s.dp === dp).length;
    let best = 0;
    this.pools.forEach((pool, dp) => {
      const now = this.pools[best];
      if (now === undefined || load(dp) < load(best) || (load(dp) === load(best) && pool.available > now.available)) best = dp;
    });
    return best;
  }

  #chunk(sequence: Sequence, budget: number): number {
    return Math.min(sequence.needed - sequence.computed, this.options.maxChunk, budget);
  }

  /** Blocks for `tokens` tokens in all, without pushing anybody out. */
  #reserve(sequence: Sequence, tokens: number): boolean {
    const missing = Math.ceil(tokens / this.options.blockSize) - sequence.blocks.length;
    if (missing <= 0) return true;
    const blocks = this.#pool(sequence).allocate(missing);
    if (blocks === null) return false;
    sequence.blocks.push(...blocks);
    return true;
  }

  /** As {@link #reserve}, pushing out the youngest other sequences of the same pool. */
  #grow(sequence: Sequence, tokens: number, chosen: readonly Sequence[]): { fits: boolean; preempted: number } {
    let preempted = 0;
    while (!this.#reserve(sequence, tokens)) {
      const victim = this.#running.findLast((s) => s !== sequence && s.dp === sequence.dp && !chosen.includes(s));
      if (victim === undefined) return { fits: false, preempted };
      this.#preempt(victim);
      preempted += 1;
    }
    return { fits: true, preempted };
  }

  #preempt(sequence: Sequence): void {
    this.remove(sequence);
    sequence.computed = 0;
    sequence.state = 'waiting';
    sequence.preemptions += 1;
    this.#waiting.unshift(sequence);
  }

  /** Tokens of the first chunk, or why there is none. */
  #admit(sequence: Sequence, budget: number): number | 'later' | 'never' {
    const pool = this.#pool(sequence);
    const lookahead = this.options.speculative + 1;
    if (Math.ceil((sequence.needed + lookahead) / this.options.blockSize) > pool.total) return 'never';
    if (!this.options.chunked && sequence.needed > this.options.maxTokens) return 'never';
    if (pool.utilization >= this.options.prefillThreshold && this.#running.some((s) => s.dp === sequence.dp)) return 'later';
    if (this.options.prefixCache && sequence.blocks.length === 0) this.#match(sequence, pool);
    const chunk = this.options.chunked ? this.#chunk(sequence, budget) : sequence.needed - sequence.computed;
    const fits = chunk <= budget && this.#reserve(sequence, sequence.computed + chunk);
    if (fits) return chunk;
    pool.release(sequence.blocks);
    sequence.blocks = [];
    sequence.computed = 0;
    return 'later';
  }

  #match(sequence: Sequence, pool: BlockPool): void {
    // At least one token has to be computed, or there would be nothing to sample from.
    const useful = Math.floor((sequence.needed - 1) / this.options.blockSize);
    const found = pool.match(sequence.request.hashes.slice(0, useful));
    sequence.blocks = found;
    sequence.computed = found.length * this.options.blockSize;
    if (sequence.preemptions === 0) {
      sequence.cachedTokens = sequence.computed;
      const whole = Math.ceil(sequence.request.prompt.length / this.options.blockSize);
      this.onMatch(whole === 0 ? 0 : Math.round((100 * found.length) / whole), found.length, sequence.computed);
    }
  }
}
