import { dtypeBytes, type ModelSpec } from '../../models/spec.js';
import { cacheCost } from '../../models/memory.js';
import type { Parallel } from '../../models/parallel.js';

/** How vLLM-Ascend sizes its KV cache (worker.py:425-570): a profiling run, then what is left of the requested share. */

export interface VllmMemory {
  readonly totalBytes: number;
  /** Free before anything was loaded. */
  readonly initialFreeBytes: number;
  readonly utilization: number;
  readonly weightBytes: number;
  readonly activationBytes: number;
  readonly nonTorchBytes: number;
  /** Given by hand; 0: not. */
  readonly fixedBytes: number;
}

/** Null when another process already holds too much of the card. */
export function availableKv(m: VllmMemory): number | null {
  if (m.fixedBytes > 0) return m.fixedBytes;
  const requested = m.totalBytes * m.utilization;
  if (m.initialFreeBytes < requested) return null;
  return requested - m.weightBytes - m.activationBytes - m.nonTorchBytes;
}

/** Activation peak of the profiling run: the widest layer of `tokens` tokens, 10 % on top for what is alive beside it. */
export function activationPeak(spec: ModelSpec, tokens: number, tp: number): number {
  const b = dtypeBytes[spec.dtype];
  const wide = Math.max(...spec.layers.map(({ attention: a, mlp }) => {
    const heads = a.kind === 'gqa' ? (2 * a.q_heads + 2 * a.kv_heads) * a.head_dim : a.kind === 'mla' ? a.heads * (2 * (a.nope_dim + a.rope_dim) + 2 * a.v_dim) : 2 * a.value_heads * a.value_dim;
    const inner = mlp.kind === 'dense' ? 3 * mlp.intermediate : mlp.per_token * 3 * mlp.intermediate;
    return 2 * spec.hidden + Math.max(heads, inner) / tp;
  }));
  return tokens * b * wide * 1.1;
}

export interface VllmCache {
  readonly blocks: number;
  readonly tokens: number;
}

export function cacheBlocks(spec: ModelSpec, parallel: Parallel, bytes: number, blockSize: number): VllmCache {
  const perToken = cacheCost(spec, parallel).kv_bytes_per_token;
  const blocks = Math.max(0, Math.floor(bytes / (perToken * blockSize)));
  return { blocks, tokens: blocks * blockSize };
}
