import type { Block } from './kv-blocks.js';

export type FinishReason = 'stop' | 'length';

/** What a sequence tells its request. */
export interface SequenceListener {
  /** New text; `tokens` of it. `finish` comes with the last one. */
  output(text: string, tokens: number, finish: FinishReason | null): void;
  failed(message: string): void;
}

export interface SequenceRequest {
  readonly prompt: readonly string[];
  /** Hash chain of the full blocks of the prompt. */
  readonly hashes: readonly string[];
  readonly maxTokens: number;
  readonly ignoreEos: boolean;
  readonly stop: readonly string[];
  readonly answer: Generator<string, never>;
  /** Where the model ends by itself. */
  readonly length: number;
  readonly listener: SequenceListener;
}

/** One sequence in the scheduler. */
export class Sequence {
  readonly request: SequenceRequest;
  readonly createdMs: number;
  /** Data-parallel rank it lives on. */
  dp = 0;
  blocks: Block[] = [];
  /** Tokens whose keys and values are in the cache. */
  computed = 0;
  /** Tokens of the prompt that came from the prefix cache at first admission. */
  cachedTokens = 0;
  generated = 0;
  firstTokenMs: number | null = null;
  lastTokenMs: number | null = null;
  state: 'waiting' | 'prefill' | 'decode' | 'done' = 'waiting';
  preemptions = 0;
  #text = '';
  #told = 0;

  constructor(request: SequenceRequest, createdMs: number) {
    this.request = request;
    this.createdMs = createdMs;
  }

  /** Tokens to have in the cache before the next one can be produced. */
  get needed(): number {
    return this.request.prompt.length + this.generated;
  }

  /** Takes up to `count` tokens from the model; tells the listener; true when the sequence ended. */
  produce(count: number, nowMs: number): { readonly taken: number; readonly finished: boolean } {
    let taken = 0;
    let finish: FinishReason | null = null;
    while (taken < count && finish === null) {
      this.#text += this.request.answer.next().value;
      this.generated += 1;
      taken += 1;
      if (this.#cutAtStop()) finish = 'stop';
      else if (!this.request.ignoreEos && this.generated >= this.request.length) finish = 'stop';
      else if (this.generated >= this.request.maxTokens) finish = 'length';
    }
    this.firstTokenMs ??= nowMs;
    this.lastTokenMs = nowMs;
    const fresh = this.#text.slice(this.#told);
    this.#told = this.#text.length;
    if (finish !== null) this.state = 'done';
    this.request.listener.output(fresh, taken, finish);
    return { taken, finished: finish !== null };
  }

  #cutAtStop(): boolean {
    const at = this.request.stop.map((s) => (s === '' ? -1 : this.#text.indexOf(s, Math.max(0, this.#told - s.length)))).filter((i) => i >= 0);
    if (at.length === 0) return false;
    this.#text = this.#text.slice(0, Math.max(this.#told, Math.min(...at)));
    return true;
  }
}
