import type { LinkCost } from './costs.js';
import { allReduceBytes, distinctRanks } from './counting.js';
import { expertTensorRanks, type Parallel } from './parallel.js';
import { dtypeBytes, type ModelSpec, type MoeMlp } from './spec.js';

export interface LinkOptions {
  /**
   * How expert outputs meet. `all_reduce`: every rank has all tokens and sums its experts' parts. `all_to_all`: tokens are dispatched and combined.
   * `auto`: all_to_all when experts are divided and attention is repeated over dp, else all_reduce.
   */
  readonly moe: 'auto' | 'all_reduce' | 'all_to_all';
  /** Bytes per element sent in dispatch; null: 1 when the multiplication is 8-bit, else the model's dtype. Results always come back in the model's dtype. */
  readonly dispatch_bytes: number | null;
  /** One copy per rank instead of one per expert. */
  readonly deduplicate: boolean;
  /** Logits are gathered on each rank before sampling. */
  readonly gather_logits: boolean;
  /** The embedding is divided over tp, so its rows are summed. */
  readonly sum_embedding: boolean;
}

interface Sizes {
  readonly sequences: number;
  readonly tokens: number;
  readonly replicaTokens: number;
  readonly decode: boolean;
}

/** Layers of one kind of MLP. */
function countMoe(spec: ModelSpec): { dense: number; moe: Map<string, { mlp: MoeMlp; count: number }> } {
  const moe = new Map<string, { mlp: MoeMlp; count: number }>();
  let dense = 0;
  for (const { mlp } of spec.layers) {
    if (mlp.kind === 'dense') {
      dense += 1;
      continue;
    }
    const key = `${String(mlp.experts)} ${String(mlp.per_token)}`;
    const known = moe.get(key);
    if (known === undefined) moe.set(key, { mlp, count: 1 });
    else known.count += 1;
  }
  return { dense, moe };
}

/**
 * Collectives of one step on one rank: per layer an all-reduce after attention and one after the MLP; expert layers as the option says;
 * one for the divided embedding, the gathering of logits, and the hand-over between pipeline stages.
 * Source of the byte counts: ring all-reduce 2(N−1)/N·M; all-to-all: each token to the distinct ranks its experts live on, (G−1)/G of them elsewhere.
 */
export function collectives(spec: ModelSpec, parallel: Parallel, sizes: Sizes, options: LinkOptions): LinkCost[] {
  const { tp, dp, ep, pp } = parallel;
  const b = dtypeBytes[spec.dtype];
  const hidden = sizes.tokens * spec.hidden * b;
  const reduce = (purpose: LinkCost['purpose'], calls: number, group: number, message: number): LinkCost => ({ op: 'all_reduce', collective: 'all_reduce', purpose, calls, group, message_bytes: message, bytes_sent: calls * allReduceBytes(group, message) });
  const out: LinkCost[] = [];
  const { dense, moe } = countMoe(spec);
  if (tp > 1) {
    out.push(reduce('layers', spec.layers.length + dense, tp, hidden));
    if (options.sum_embedding) out.push(reduce('embedding', 1, tp, hidden));
  }
  for (const { mlp, count } of moe.values()) {
    const dispatch = options.moe === 'all_to_all' || (options.moe === 'auto' && ep > 1 && dp > 1);
    if (ep > 1 && dispatch) {
      // Ranks of one tp group hold the same tokens, so each sends its slice.
      const tokens = sizes.tokens / tp;
      const copies = options.deduplicate ? distinctRanks(mlp.experts, mlp.per_token, ep) : mlp.per_token;
      const wide = spec.quantization?.compute_dtype === 'int8' || spec.quantization?.compute_dtype === 'fp8' ? 1 : b;
      const there = tokens * copies * (spec.hidden * (options.dispatch_bytes ?? wide) + (wide === 1 ? 4 : 0));
      const back = tokens * copies * spec.hidden * b;
      for (const message of [there, back]) out.push({ op: 'all_to_all', collective: 'all_to_all', purpose: 'experts', calls: count, group: ep, message_bytes: message, bytes_sent: (count * message * (ep - 1)) / ep });
      const inner = expertTensorRanks(parallel);
      if (inner > 1) out.push(reduce('experts', count, inner, hidden));
    } else if (tp * dp > 1) {
      out.push(reduce('experts', count, tp * dp, sizes.replicaTokens * spec.hidden * b));
    }
  }
  if (tp > 1 && options.gather_logits) {
    const rows = sizes.decode ? sizes.tokens : sizes.sequences;
    const message = (rows * spec.vocab * b) / tp;
    out.push({ op: 'all_reduce', collective: 'all_gather', purpose: 'logits', calls: 1, group: tp, message_bytes: message, bytes_sent: message * (tp - 1) });
  }
  if (pp > 1) out.push({ op: 'p2p', collective: 'p2p', purpose: 'stage', calls: pp - 1, group: tp * dp * pp, message_bytes: hidden, bytes_sent: (pp - 1) * hidden });
  return out;
}
