import { dtypeBytes, type ModelSpec } from '../models/spec.js';
import type { Setup } from './request.js';
import { reserves, rules } from './thresholds.js';

/** Bytes one rank needs besides weights and cache. */
export interface Reserve {
  readonly name: 'context' | 'hccl' | 'activation' | 'workspace' | 'graph';
  readonly low_bytes: number;
  readonly high_bytes: number;
  /** Taken before the cache is sized, so that it makes the pool smaller; else it must fit into what the pool leaves. */
  readonly before_sizing: boolean;
  readonly source: string;
}

/**
 * Bytes alive in the widest layer of a step of `tokens` tokens.
 * Source: two hidden states beside q, k, v and the output, or beside gate, up and their product; MLA decompresses keys and values for prefill.
 */
export function widestLayer(spec: ModelSpec, tokens: number, tp: number): number {
  let widest = 0;
  for (const { attention: a, mlp } of spec.layers) {
    const heads = a.kind === 'gqa' ? (2 * a.q_heads + 2 * a.kv_heads) * a.head_dim : a.kind === 'mla' ? a.heads * (2 * (a.nope_dim + a.rope_dim) + 2 * a.v_dim) : 2 * (a.key_heads * a.key_dim + a.value_heads * a.value_dim);
    const attention = 2 * spec.hidden + heads / tp;
    const inner = mlp.kind === 'dense' ? 2 * spec.hidden + (3 * mlp.intermediate) / tp : 2 * spec.hidden + mlp.per_token * (2 * spec.hidden + (3 * mlp.intermediate) / tp);
    widest = Math.max(widest, attention, inner);
  }
  return tokens * dtypeBytes[spec.dtype] * widest;
}

/** Logits of the sampled rows in the model's dtype and twice in 4 bytes. */
function logits(spec: ModelSpec, rows: number, tp: number): number {
  return ((rows * spec.vocab) / tp) * (dtypeBytes[spec.dtype] + 8);
}

/** Distinct sets of ranks that communicate: all, tp, dp, ep. */
export function communicators(setup: Setup): number {
  const { tp, dp, ep, pp } = setup.parallel;
  const world = tp * dp * pp * setup.cp;
  return world === 1 ? 0 : [true, tp > 1, dp > 1, ep > 1].filter((x) => x).length;
}

/**
 * Every reserve as an interval with its source. Pure.
 * vLLM profiles a step before it sizes the cache; xLLM and SGLang do not, so everything but the context must fit in what they leave.
 */
export function reservesOf(setup: Setup, measuredGraph: number | null): Reserve[] {
  const { spec, parallel, framework } = setup;
  const profiled = framework === 'vllm-ascend';
  const rows = Math.min(setup.max_seqs ?? setup.max_tokens, setup.max_tokens);
  // Layers are done when logits are made, so the larger of the two is the peak.
  const low = Math.ceil(Math.max(widestLayer(spec, setup.max_tokens, parallel.tp), logits(spec, rows, parallel.tp)) * rules.activationOverlap.value);
  const high = Math.ceil(low * rules.activationHigh.value);
  const groups = communicators(setup);
  const buffer = framework === 'xllm' ? rules.hcclBufferXllm : rules.hcclBuffer;
  const list: Reserve[] = [
    { name: 'context', low_bytes: reserves.context.low, high_bytes: reserves.context.high, before_sizing: true, source: reserves.context.source },
    { name: 'hccl', low_bytes: profiled && groups > 0 ? buffer.value : 0, high_bytes: groups * buffer.value, before_sizing: profiled, source: buffer.source },
    { name: 'activation', low_bytes: low, high_bytes: high, before_sizing: profiled, source: 'estimate: widest layer of max_tokens_per_batch tokens or the logits of max_seqs rows, the larger' },
    { name: 'graph', low_bytes: measuredGraph ?? reserves.graph.low, high_bytes: measuredGraph ?? reserves.graph.high, before_sizing: false, source: measuredGraph === null ? reserves.graph.source : 'start-up log' },
  ];
  if (framework === 'xllm') list.push({ name: 'workspace', low_bytes: 0, high_bytes: low, before_sizing: false, source: 'xLLM atb_buffer.cpp: grows on demand with the step; high end taken as the activations of one step' });
  return list;
}
