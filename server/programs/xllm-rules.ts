import { countOf, flagOf, switchOf, type Flags } from './flags.js';
import type { Remark } from './launch.js';

/** What the rules look at. */
export interface XllmSetting {
  readonly flags: Flags;
  /** Processes, one per device. */
  readonly world: number;
  /** `model_type` of the model's config.json; null when it is not known. */
  readonly modelType: string | null;
}

/** Models with linear attention (xllm.md 1.7, llm_engine.cpp:612-623). */
const linearAttention = /^qwen3_(?:5|next)/;
/** Models that know context parallelism on NPU (master.cpp:173-280). */
const contextParallel = /^(?:deepseek_v32|deepseek_v4|glm_moe_dsa)(?:_mtp)?$/;

function text(flags: Flags, name: string, otherwise: string): string {
  const value = flagOf(flags, name);
  return typeof value === 'string' ? value : otherwise;
}

type Rule = (s: XllmSetting) => Remark[];
const error = (rule: string, detail: string): Remark[] => [{ level: 'error', rule, detail }];
const warning = (rule: string, detail: string): Remark[] => [{ level: 'warning', rule, detail }];

const speculation: Rule = ({ flags }) => {
  const draft = text(flags, 'draft_model', '') !== '';
  const tokens = countOf(flags, 'num_speculative_tokens', 0);
  const suffix = /^suffix$/i.test(text(flags, 'speculative_algorithm', 'MTP'));
  const on = tokens > 0 && (draft || suffix);
  return [
    ...(draft && tokens === 0 ? error('speculative-tokens-zero', 'draft_model is given and num_speculative_tokens is 0: xLLM ends with "speculative tokens should not be zero"') : []),
    ...(tokens > 0 && !draft && !suffix ? warning('speculation-off', 'num_speculative_tokens without draft_model: xLLM silently runs without speculation') : []),
    ...(on && switchOf(flags, 'enable_graph', false) && switchOf(flags, 'enable_graph_double_buffer', true) ? warning('double-buffer-off', 'speculation turns enable_graph_double_buffer off') : []),
    ...(tokens === 0 && switchOf(flags, 'enable_adaptive_speculative_decode', false) ? warning('adaptive-without-speculation', 'enable_adaptive_speculative_decode has nothing to adapt: speculation is off') : []),
  ];
};

const scheduling: Rule = ({ flags }) => {
  const asked = flagOf(flags, 'enable_mix_batch') !== undefined && switchOf(flags, 'enable_mix_batch', true);
  const chunked = switchOf(flags, 'enable_chunked_prefill', true);
  const prefillRole = text(flags, 'instance_role', 'DEFAULT').toUpperCase() === 'PREFILL';
  const forced = countOf(flags, 'cp_size', 1) > 1 || countOf(flags, 'num_speculative_tokens', 0) > 0 || !chunked || prefillRole;
  return [
    ...(asked && forced ? warning('mix-batch-off', 'enable_mix_batch is forced off by context parallelism, speculation, chunked prefill off or the PREFILL role') : []),
    ...(prefillRole && switchOf(flags, 'enable_schedule_overlap', false) ? warning('overlap-off', 'the PREFILL role forces enable_schedule_overlap off') : []),
  ];
};

const memory: Rule = ({ flags }) => {
  const hostBlocks = Number(flagOf(flags, 'host_blocks_factor') ?? 0);
  const store = switchOf(flags, 'enable_kvcache_store', false);
  const xtensor = switchOf(flags, 'enable_xtensor', false);
  const kv = text(flags, 'kv_cache_dtype', 'auto');
  return [
    ...(store && !switchOf(flags, 'enable_prefix_cache', true) ? error('store-needs-prefix-cache', 'enable_kvcache_store needs enable_prefix_cache') : []),
    ...(store && !(hostBlocks > 1) ? error('store-needs-host-blocks', 'enable_kvcache_store needs host_blocks_factor above 1') : []),
    ...(xtensor && flagOf(flags, 'enable_prefix_cache') !== undefined && switchOf(flags, 'enable_prefix_cache', true) ? warning('xtensor-no-prefix-cache', 'enable_xtensor forces the prefix cache off') : []),
    ...(switchOf(flags, 'enable_rolling_load', false) && !switchOf(flags, 'enable_manual_loader', true) ? warning('manual-loader-on', 'enable_rolling_load forces enable_manual_loader on') : []),
    ...(kv !== 'auto' ? error('kv-dtype-mlu-only', `kv_cache_dtype=${kv}: xLLM ends on NPU with "KV Cache quantization is only supported on MLU backend"`) : []),
  ];
};

const linear: Rule = ({ flags, modelType }) => {
  if (modelType === null || !linearAttention.test(modelType)) return [];
  if (!switchOf(flags, 'enable_prefix_cache', true) || text(flags, 'instance_role', 'DEFAULT').toUpperCase() === 'DECODE') return [];
  const block = countOf(flags, 'block_size', 128);
  const chunkFlag = flagOf(flags, 'max_tokens_per_chunk_for_prefill');
  const chunk = typeof chunkFlag === 'number' && chunkFlag < 0 ? 0 : countOf(flags, 'max_tokens_per_chunk_for_prefill', 0);
  const effective = chunk > 0 ? chunk : countOf(flags, 'max_tokens_per_batch', 10_240);
  return [
    ...(!switchOf(flags, 'enable_chunked_prefill', true) ? error('linear-needs-chunked', 'a linear-attention model with prefix cache needs enable_chunked_prefill') : []),
    ...(block > 0 && effective % block !== 0 ? error('linear-chunk-alignment', `max_tokens_per_chunk_for_prefill (${effective}) is not a multiple of block_size (${block})`) : []),
    ...warning('linear-state-reserve', 'prefix cache on this model reserves about 47 % of the KV memory for linear state'),
  ];
};

const parallel: Rule = ({ flags, world, modelType }) => {
  const dp = Math.max(1, countOf(flags, 'dp_size', 1));
  const cp = Math.max(1, countOf(flags, 'cp_size', 1));
  const split = countOf(flags, 'kv_split_size', 1);
  const layerwise = countOf(flags, 'layerwise_split_size', 1);
  const table = text(flags, 'rank_tablefile', '') !== '';
  const hccl = text(flags, 'communication_backend', 'hccl') === 'hccl';
  const role = text(flags, 'instance_role', 'DEFAULT').toUpperCase();
  const attentionTp = Math.max(1, Math.floor(world / (dp * cp)));
  return [
    ...(world % dp !== 0 ? error('world-by-dp', `${world} processes are not divisible by dp_size ${dp}`) : []),
    ...(cp > 1 && world % (dp * cp) !== 0 ? error('world-by-dp-cp', `${world} processes are not divisible by dp_size × cp_size = ${dp * cp}`) : []),
    ...(cp > 1 && split > 0 && cp % split !== 0 ? error('cp-by-kv-split', `cp_size ${cp} is not divisible by kv_split_size ${split}`) : []),
    ...(cp > 1 && modelType !== null && !contextParallel.test(modelType) ? error('cp-model', `cp_size above 1 is not available for model type ${modelType}`) : []),
    ...(cp > 1 && !['DEFAULT', 'PREFILL'].includes(role) ? error('cp-role', 'cp_size above 1 is available for the roles DEFAULT and PREFILL only') : []),
    ...(layerwise > 1 && (cp > 1 || split !== 1 || Number(flagOf(flags, 'host_blocks_factor') ?? 0) > 1 || attentionTp % layerwise !== 0)
      ? error('layerwise-split', 'layerwise_split_size above 1 needs cp_size 1, kv_split_size 1, host_blocks_factor at most 1, and must divide the attention TP size')
      : []),
    ...(table && !hccl ? error('ranktable-needs-hccl', '--rank_tablefile requires --communication_backend=hccl') : []),
    ...(switchOf(flags, 'enable_multi_stream_parallel', false) && world > 1 ? error('multi-stream', 'enable_multi_stream_parallel ends xLLM when more than one process runs') : []),
    ...(flagOf(flags, 'tp_size') !== undefined ? warning('tp-size-dit', 'tp_size counts for diffusion models only; an LLM has TP = processes / dp_size / cp_size') : []),
  ];
};

const graph: Rule = ({ flags }) => {
  const on = switchOf(flags, 'enable_graph', false);
  const names = ['enable_prefill_piecewise_graph', 'max_tokens_for_graph_mode'].filter((n) => flagOf(flags, n) !== undefined);
  return [
    ...(names.length > 0 ? warning('graph-flag-no-effect', `${names.join(' and ')}: the NPU executor does not read this`) : []),
    ...(on && countOf(flags, 'max_seqs_per_batch', 200) > countOf(flags, 'acl_graph_decode_batch_size_limit', 16)
      ? warning('graph-batch-limit', `decode batches above ${countOf(flags, 'acl_graph_decode_batch_size_limit', 16)} run eager: raise acl_graph_decode_batch_size_limit where more are expected`)
      : []),
    ...(on && switchOf(flags, 'disable_graph_warmup', false) ? warning('graph-lazy', 'disable_graph_warmup: graphs are captured by the first real requests, inside a measured window') : []),
    ...(text(flags, 'model_impl', '') === 'python' && /^ATB$/i.test(text(flags, 'npu_kernel_backend', 'AUTO')) ? warning('python-forces-torch', 'model_impl=python forces npu_kernel_backend to TORCH') : []),
    ...(switchOf(flags, 'enable_online_profile', false) ? warning('online-profile', 'enable_online_profile does not work on NPU; use profiling') : []),
  ];
};

const rules: readonly Rule[] = [speculation, scheduling, memory, linear, parallel, graph];

/**
 * The interactions xLLM enforces in code (xllm.md 1.7), before a start is paid for. Errors would end the start; warnings change
 * silently what was asked. Pure.
 */
export function checkXllmRules(setting: XllmSetting): Remark[] {
  return rules.flatMap((rule) => rule(setting));
}
