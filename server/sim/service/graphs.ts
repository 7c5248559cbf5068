/** Which steps run as a captured graph (xLLM on NPU: only pure decode, by bucket of tokens). */

export interface GraphOptions {
  readonly enabled: boolean;
  /** Decode batches above this run eager (acl_graph_decode_batch_size_limit). */
  readonly batchLimit: number;
  /** One graph per exact number of tokens. */
  readonly noPadding: boolean;
  /** Captured at start-up, largest first. */
  readonly warmed: readonly number[];
}

/** 1, 2, 4, 8, then multiples of 16 (acl_graph_executor_impl.cpp:1312-1330). */
export function bucketOf(tokens: number, noPadding: boolean): number {
  if (noPadding) return tokens;
  if (tokens <= 1) return 1;
  if (tokens <= 2) return 2;
  if (tokens <= 4) return 4;
  return tokens <= 8 ? 8 : Math.ceil(tokens / 16) * 16;
}

/** Buckets of the warm-up, largest first: every batch up to `maxBatch`, times the tokens a sequence has in a step. */
export function warmupBuckets(maxBatch: number, queryTokens: number, noPadding: boolean): number[] {
  const buckets = new Set<number>();
  for (let batch = 1; batch <= maxBatch; batch += 1) buckets.add(bucketOf(batch * queryTokens, noPadding));
  return [...buckets].sort((a, b) => b - a);
}

export type GraphDecision = { readonly kind: 'eager'; readonly overLimit: boolean } | { readonly kind: 'replay'; readonly bucket: number } | { readonly kind: 'capture'; readonly bucket: number };

export class Graphs {
  readonly #options: GraphOptions;
  readonly #captured: Set<number>;

  constructor(options: GraphOptions) {
    this.#options = options;
    this.#captured = new Set(options.warmed);
  }

  get enabled(): boolean {
    return this.#options.enabled;
  }

  /** @param batch largest decode batch over the data-parallel ranks; 0 when the step prefills */
  decide(batch: number, queryTokens: number): GraphDecision {
    if (!this.#options.enabled || batch === 0) return { kind: 'eager', overLimit: false };
    if (batch > this.#options.batchLimit) return { kind: 'eager', overLimit: true };
    const bucket = bucketOf(batch * queryTokens, this.#options.noPadding);
    if (this.#captured.has(bucket)) return { kind: 'replay', bucket };
    // Without padding only the sizes of the warm-up are captured.
    if (this.#options.noPadding && this.#options.warmed.length > 0) return { kind: 'eager', overLimit: false };
    this.#captured.add(bucket);
    return { kind: 'capture', bucket };
  }
}
