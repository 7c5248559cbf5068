import { components, embedTensor, headTensors, layerTensors, mtpTensors, numel, type Component } from './tensors.js';
import { layerKinds, type ModelSpec } from './spec.js';

export interface Parameters {
  /** Text model without MTP layers and towers. A tied head counts once. */
  readonly params_total: number;
  /** MTP layers, embedding and head shared; null when their layout is not known. */
  readonly params_mtp: number | null;
  /** What a checkpoint or draft engine adds when it stores embedding and head a second time for the MTP layers. */
  readonly params_mtp_duplicates: number;
  /** 0 for a text model; null for a tower whose layout is not known. */
  readonly params_vision: number | null;
  /** Total minus the routed experts a token does not use. */
  readonly params_active: number;
  /** Active without embedding and head: publishers differ in counting them. */
  readonly params_active_without_embeddings: number;
  readonly params_embeddings: number;
  /** Items of `params_total`; they sum to it. */
  readonly by_component: Readonly<Record<Component, number>>;
}

/** Counts the weights of a model. Source: every tensor of the checkpoint layout, see tensors.ts. */
export function countParameters(spec: ModelSpec): Parameters {
  const by = new Map<Component, number>(components.map((c) => [c, 0]));
  const add = (component: Component, count: number): void => {
    by.set(component, (by.get(component) ?? 0) + count);
  };
  let idle = 0;
  for (const { layer, count } of layerKinds(spec.layers)) {
    for (const tensor of layerTensors(layer, spec.hidden)) {
      add(tensor.component, count * numel(tensor));
      if (tensor.component === 'experts' && layer.mlp.kind === 'moe') idle += (count * numel(tensor) * (layer.mlp.experts - layer.mlp.per_token)) / layer.mlp.experts;
    }
  }
  for (const tensor of [embedTensor(spec), ...headTensors(spec)]) add(tensor.component, numel(tensor));

  const at = (component: Component): number => by.get(component) ?? 0;
  const total = components.reduce((sum, c) => sum + at(c), 0);
  const embeddings = at('embed') + at('lm_head');
  return {
    params_total: total,
    params_mtp: spec.mtp.kind === 'unknown' ? null : mtpTensors(spec).reduce((sum, t) => sum + numel(t), 0),
    params_mtp_duplicates: spec.mtp.kind === 'layers' && !spec.mtp.dedicated_embeddings ? 2 * spec.vocab * spec.hidden : 0,
    params_vision: spec.vision === null ? 0 : spec.vision.params,
    params_active: total - idle,
    params_active_without_embeddings: total - idle - embeddings,
    params_embeddings: embeddings,
    by_component: {
      embed: at('embed'), qkv_proj: at('qkv_proj'), attention: at('attention'), o_proj: at('o_proj'), mlp: at('mlp'), router: at('router'), experts: at('experts'),
      shared_expert: at('shared_expert'), linear_attention: at('linear_attention'), indexer: at('indexer'), norm: at('norm'), lm_head: at('lm_head'), mtp_proj: at('mtp_proj'),
    },
  };
}
