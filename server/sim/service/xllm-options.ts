import type { Parallel } from '../../models/parallel.js';
import { glogFlags, parseFlags, type Flags, type ParsedFlags } from './gflags.js';
import { executionFlags } from './xllm-flags-more.js';
import { servingFlags } from './xllm-flags.js';

export const xllmFlagGroups = [...servingFlags, ...executionFlags];

export function parseXllm(argv: readonly string[]): ParsedFlags {
  return parseFlags(argv, xllmFlagGroups, glogFlags);
}

/** What the flags mean together, after the corrections xLLM makes itself. */
export interface XllmOptions {
  readonly world: number;
  readonly rank: number;
  readonly parallel: Parallel;
  readonly draftModel: string;
  readonly speculative: number;
  readonly chunked: boolean;
  readonly maxTokens: number;
  readonly maxChunk: number;
  readonly mixed: boolean;
  readonly warnings: readonly string[];
}

export type OptionsResult = { readonly ok: true; readonly options: XllmOptions } | { readonly ok: false; readonly where: string; readonly message: string };

/** The checks and forced values of xllm.cpp, master.cpp and dist_manager.cpp that concern text models. */
export function resolveOptions(flags: Flags): OptionsResult {
  const world = flags.number('nnodes');
  const rank = flags.number('node_rank');
  const dp = flags.number('dp_size');
  const cp = flags.number('cp_size');
  const fail = (where: string, message: string): OptionsResult => ({ ok: false, where, message });
  if (rank >= world) return fail('device_name_utils.cpp:46', `Check failed: node_rank < nnodes (${rank} vs. ${world}) node_rank ${rank} must be less than nnodes ${world}`);
  if (dp < 1 || world % dp !== 0) return fail('dist_manager.cpp:209', `Check failed: world_size % dp_size == 0 (${dp < 1 ? world : world % dp} vs. 0) Global world size must be divisible by dp size in multi-node serving mode.`);
  if (flags.bool('enable_multi_stream_parallel') && world > 1) return fail('master.cpp:474', 'Multi-stream parallel is refactoring now, will be supported later.');
  if (flags.text('kv_cache_dtype') !== 'auto') return fail('worker_impl.cpp:517', 'KV Cache quantization is only supported on MLU backend');
  const table = flags.text('rank_tablefile');
  if (table !== '' && flags.text('communication_backend') !== 'hccl') return fail('master.cpp:330', '--rank_tablefile requires --communication_backend=hccl');
  const draftModel = flags.text('draft_model');
  const asked = flags.number('num_speculative_tokens');
  const suffix = flags.text('speculative_algorithm') === 'Suffix' && asked > 0;
  if (draftModel !== '' && asked <= 0) return fail('speculative_engine.cpp:40', `Check failed: options_.num_speculative_tokens() > 0 (${asked} vs. 0) speculative tokens should not be zero`);
  // Without a draft model xLLM quietly serves without speculation.
  const speculative = draftModel !== '' || suffix ? asked : 0;
  const chunked = flags.bool('enable_chunked_prefill');
  const maxTokens = flags.number('max_tokens_per_batch');
  const chunkFlag = flags.number('max_tokens_per_chunk_for_prefill');
  const warnings: string[] = [];
  if (speculative > 0 && flags.bool('enable_graph_double_buffer')) warnings.push('enable_graph_double_buffer is not supported with speculative decoding, force it to false.');
  return {
    ok: true,
    options: {
      world,
      rank,
      parallel: { tp: Math.max(1, world / dp / Math.max(1, cp)), dp, ep: flags.number('ep_size'), pp: 1 },
      draftModel,
      speculative,
      chunked,
      maxTokens,
      maxChunk: chunkFlag < 0 ? maxTokens : chunkFlag,
      mixed: flags.bool('enable_mix_batch') && chunked && cp <= 1 && speculative === 0,
      warnings,
    },
  };
}
