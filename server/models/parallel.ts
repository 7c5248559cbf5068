import { ToolError } from '../contract/index.js';
import type { LayerSpec, ModelSpec } from './spec.js';

/**
 * How one replica is spread over ranks; a rank is one device (one die on A3).
 * tp · dp ranks serve a pipeline stage: attention is divided by tp and repeated dp times, experts are divided by ep and then by tp · dp / ep.
 */
export interface Parallel {
  readonly tp: number;
  readonly dp: number;
  readonly ep: number;
  readonly pp: number;
}

export const singleRank: Parallel = { tp: 1, dp: 1, ep: 1, pp: 1 };

/** Ranks one expert is divided over. */
export function expertTensorRanks(parallel: Parallel): number {
  return (parallel.tp * parallel.dp) / parallel.ep;
}

/** KV heads a rank holds: never below one, so they are replicated beyond their number. Source: xLLM llm_engine.cpp n_local_kv_heads; vLLM the same. */
export function localKvHeads(heads: number, tp: number): number {
  return Math.max(1, heads / tp);
}

/** Layers of each pipeline stage: ceil(L / pp) in order, as engines split them. */
export function stages(spec: ModelSpec, parallel: Parallel): readonly (readonly LayerSpec[])[] {
  const size = Math.ceil(spec.layers.length / parallel.pp);
  return Array.from({ length: parallel.pp }, (_, i) => spec.layers.slice(i * size, (i + 1) * size));
}

function layersWithHeads(spec: ModelSpec): readonly LayerSpec[] {
  return spec.mtp.kind === 'layers' ? [...spec.layers, ...spec.mtp.layers] : spec.layers;
}

/**
 * Refuses plans no engine can run.
 * @throws ToolError E_ARG_TYPE for sizes that are not whole, E_ARG_CONFLICT for sizes that do not divide the model
 */
export function checkParallel(spec: ModelSpec, parallel: Parallel): void {
  const conflict = (seen: string, next: string): never => {
    throw new ToolError('E_ARG_CONFLICT', seen, next);
  };
  for (const name of ['tp', 'dp', 'ep', 'pp'] as const) {
    const size = parallel[name];
    if (!Number.isSafeInteger(size) || size < 1 || size > 65_536) throw new ToolError('E_ARG_TYPE', `${name} is not a whole number from 1`, `give ${name} as a positive whole number`);
  }
  const { tp, dp, ep, pp } = parallel;
  const filled = Math.ceil(spec.layers.length / Math.ceil(spec.layers.length / pp));
  if (filled < pp) conflict(`pp ${String(pp)} leaves a stage of ${String(spec.layers.length)} layers empty`, 'lower pp');
  if ((tp * dp) % ep !== 0) conflict(`ep ${String(ep)} does not divide tp · dp = ${String(tp * dp)}`, 'choose ep as a divisor of tp · dp');
  for (const { attention: a, mlp } of layersWithHeads(spec)) {
    const heads = a.kind === 'gqa' ? a.q_heads : a.kind === 'mla' ? a.heads : a.key_heads;
    if (heads % tp !== 0) conflict(`tp ${String(tp)} does not divide ${String(heads)} ${a.kind === 'gdn' ? 'key heads of the linear attention' : 'heads'}`, 'choose tp as a divisor of the heads');
    if (a.kind === 'gqa' && a.kv_heads % tp !== 0 && tp % a.kv_heads !== 0) conflict(`tp ${String(tp)} neither divides nor is a multiple of ${String(a.kv_heads)} KV heads`, 'choose tp as a divisor or a multiple of the KV heads');
    if (mlp.kind === 'moe' && mlp.experts % ep !== 0) conflict(`ep ${String(ep)} does not divide ${String(mlp.experts)} experts`, 'choose ep as a divisor of the experts');
  }
}
