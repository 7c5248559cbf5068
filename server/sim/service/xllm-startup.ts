import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { producer } from '../../contract/index.js';
import type { ModelSpec } from '../../models/spec.js';
import type { Flags } from './gflags.js';
import { readableSize, type Glog } from './glog.js';
import type { KvPlan } from './kv-plan.js';
import type { LoadedModel } from './model.js';
import type { Rank } from './rank.js';
import type { XllmOptions } from './xllm-options.js';

/** The start-up lines of xLLM in their order (sources as file and line of 3906f5a9). */

const version = '0.11.0';
const torchNames = { bf16: 'BFloat16', fp16: 'Half', fp32: 'Float' } as const;
const configNames = { bf16: 'bfloat16', fp16: 'float16', fp32: 'float32' } as const;
const torchOnly = /^(?:deepseek_v4|qwen3_5|qwen3_next|minimax_m2|glm5_next)/;

export function kernelBackend(modelType: string, asked: string): 'ATB' | 'TORCH' {
  if (asked === 'ATB' || asked === 'TORCH') return asked;
  return torchOnly.test(modelType) ? 'TORCH' : 'ATB';
}

/** First lines of every rank. */
export function sayRole(log: Glog, local: boolean): void {
  log.info('simulated_host.cpp:1', `simulated NPU host (${producer.name})`);
  log.info('xllm.cpp:471', `set worker role to ${local ? 'local' : 'remote'} worker`);
}

/** `--enable_dump_config_json`: only what is not default. */
export function dumpConfig(log: Glog, flags: Flags): void {
  if (!flags.bool('enable_dump_config_json')) return;
  const path = flags.text('dump_config_json_file');
  const value = (name: string, text: string): unknown => {
    const type = flags.rows().find((r) => r[0] === name)?.[1];
    return type === 'string' ? text : type === 'bool' ? flags.bool(name) : flags.number(name);
  };
  try {
    writeFileSync(path, `${JSON.stringify(Object.fromEntries([...flags.given()].map(([name, text]) => [name, value(name, text)])), null, 2)}\n`);
    log.info('config_utils.cpp:210', `Dumped startup config to ${path}`);
  } catch {
    log.error('config_utils.cpp:205', `Failed to open dump config file: ${path}`);
  }
}

/** Banner and master lines of rank 0. */
export function sayMaster(log: Glog, flags: Flags, model: LoadedModel, options: XllmOptions): void {
  const backend = kernelBackend(model.modelType, flags.text('npu_kernel_backend'));
  for (const line of ['', '          xLLM', `  version ${version}`, `  model   ${model.path}`, '  backend llm']) log.info('master.cpp:304', line);
  const shown = ['model_id', 'task', 'block_size', 'max_cache_size', 'max_memory_utilization', 'enable_prefix_cache', 'max_tokens_per_batch', 'max_seqs_per_batch', 'num_speculative_tokens', 'speculative_algorithm', 'enable_chunked_prefill', 'master_node_addr', 'nnodes', 'node_rank', 'dp_size', 'ep_size', 'enable_schedule_overlap', 'enable_graph', 'enable_shm', 'communication_backend'];
  log.info('master.cpp:420', `Master init options: Options: [model_path: ${model.path}, backend: llm, ${shown.map((name) => `${name}: ${flags.text(name)}`).join(', ')}, max_tokens_per_chunk_for_prefill: ${options.maxChunk}]`);
  log.info('master.cpp:426', `Resolved CP config: cp_size=${flags.text('cp_size')}, world_size=${options.world}, dp_size=${options.parallel.dp}, ep_size=${options.parallel.ep}, cp_sharding_stage=NONE, instance_role=${flags.text('instance_role')}`);
  log.info('master.cpp:370', `Resolved npu_kernel_backend=${backend} for model_type=${model.modelType}`);
}

export function sayDevices(log: Glog, device: number, draft: boolean): void {
  log.info('master.cpp:477', `Creating engine with devices: npu:${device}`);
  if (draft) log.info('master.cpp:549', `Using draft devices: npu:${device}`);
}

export function sayWorld(log: Glog, options: XllmOptions): void {
  const { world, parallel } = options;
  log.info('dist_manager.cpp:201', `Multi-node serving world_size = ${world}, each_node_ranks = 1, current node rank = ${options.rank}, nnodes = ${world}, dp_size = ${parallel.dp}, cp_size = 1, ep_size = ${parallel.ep}, tp_size = ${world / parallel.dp}`);
}

export function sayWorkerServer(log: Glog, rank: number, device: number): void {
  log.info('worker_server.cpp:102', `Create worker server with device: ${device}`);
  log.info('worker_server.cpp:152', `Worker ${rank}: server address: 127.0.0.1:${36_000 + (process.pid % 20_000)}`);
}

function modelArgs(model: LoadedModel): string {
  const names = ['hidden_size', 'intermediate_size', 'num_hidden_layers', 'num_attention_heads', 'num_key_value_heads', 'head_dim', 'vocab_size', 'max_position_embeddings'];
  const own = model.config['text_config'];
  const source: Readonly<Record<string, unknown>> = typeof own === 'object' && own !== null ? { ...own } : model.config;
  const shown = names.filter((n) => typeof source[n] === 'number').map((n) => `${n}: ${String(source[n])}`);
  return `ModelArgs: [model_type: ${model.modelType}, dtype: ${configNames[model.spec.dtype]}, ${shown.join(', ')}]`;
}

/** Local KV heads and head size of the first full layer: latent attention has one shared head. */
function heads(spec: ModelSpec, tp: number): { readonly local: number; readonly size: number } {
  const full = spec.layers.find((l) => l.attention.kind !== 'gdn')?.attention;
  if (full?.kind === 'gqa') return { local: Math.max(1, Math.floor(full.kv_heads / tp)), size: full.head_dim };
  return { local: 1, size: full?.kind === 'mla' ? full.kv_rank + full.rope_dim : 0 };
}

/** Engine lines of rank 0 before weights are loaded. */
export function sayModel(log: Glog, model: LoadedModel, tp: number, blockSize: number, seed: number): void {
  const h = heads(model.spec, tp);
  log.info('llm_engine.cpp:242', `Initializing model from: ${model.path}`);
  log.info('llm_engine.cpp:273', `Block info, block_size: ${blockSize}, n_local_kv_heads: ${h.local}, head_dim: ${h.size}, n_layers: ${model.spec.layers.length}, dtype: ${torchNames[model.spec.dtype]}, kv_cache_dtype: auto`);
  log.info('llm_engine.cpp:299', `Initializing model with ${modelArgs(model)}`);
  log.info('llm_engine.cpp:300', `Initializing model with quant args: QuantArgs: [quant_method: ${model.spec.quantization?.name ?? ''}]`);
  log.info('llm_engine.cpp:303', `Initializing model with random seed: ${seed}`);
}

/** Bytes of one weights file of large checkpoints. */
const shardBytes = 4 * 1024 ** 3;

/** Weight files: those that are there, or the names a checkpoint of this size has. */
function weightFiles(path: string, bytes: number): string[] {
  const real = readdirSync(path).filter((n) => n.endsWith('.safetensors')).sort();
  if (real.length > 0) return real.map((n) => join(path, n));
  const count = Math.min(64, Math.max(1, Math.ceil(bytes / shardBytes)));
  return count === 1 ? [join(path, 'model.safetensors')] : Array.from({ length: count }, (_, i) => join(path, `model-${String(i + 1).padStart(5, '0')}-of-${String(count).padStart(5, '0')}.safetensors`));
}

export function sayLoading(log: Glog, path: string, bytes: number, tp: number): void {
  log.info('worker_impl.cpp:2099', `Temporarily setting ATen threads to 1 during weight loading, tp_world_size=${tp}, prev_threads=16`);
  for (const file of weightFiles(path, bytes * tp)) log.info('hf_model_loader.cpp:516', `Loading model weights from ${file}`);
}

export function sayLoaded(log: Glog): void {
  log.info('worker_impl.cpp:2116', 'Weight loading completed, restored ATen threads=16');
}

export function sayMemory(log: Glog, worker: number, free: number, total: number, utilization: number, cap: number): void {
  log.info('llm_engine.cpp:482', `worker #${worker}: available memory: ${readableSize(free)}, total memory: ${readableSize(total)}. Using max_memory_utilization: ${utilization}, max_cache_size: ${readableSize(cap)}`);
}

/** The one line a capacity planner needs. */
export function sayCapacity(log: Glog, plan: KvPlan, layers: number, maxLinearSlots: number): void {
  log.info(
    'llm_engine.cpp:554',
    `kv cache capacity: ${readableSize(plan.kvBytes)}, blocks: ${plan.blocks}, slot_size: ${plan.slotSize}, index_slot_size: ${plan.indexSlotSize}, indexer_layers: ${plan.indexerLayers}, scale_slot_size: 0, linear_slot_size: ${plan.linearSlotSize}, linear_blocks: ${plan.linearBlocks}, linear_state_slots: ${Math.max(0, plan.linearBlocks - 2)}, max_linear_state_cache_slots: ${maxLinearSlots}, reserved_linear_bytes: ${readableSize(plan.reservedLinearBytes)}, n_layers: ${layers}, kv_cache_dtype: auto`,
  );
}

export function sayCacheShapes(log: Glog, spec: ModelSpec, plan: KvPlan, tp: number, blockSize: number): void {
  const full = spec.layers.find((l) => l.attention.kind !== 'gdn')?.attention;
  const place = 'kv_cache_shape.cpp:184';
  if (full?.kind === 'mla') {
    log.info(place, `Initializing k cache with shape: [${plan.blocks} ${blockSize} 1 ${full.kv_rank}]`);
    log.info(place, `Initializing v cache with shape: [${plan.blocks} ${blockSize} 1 ${full.rope_dim}]`);
    if (full.sparse !== null) log.info(place, `Initializing indexer cache with shape: [${plan.blocks} ${blockSize} 1 ${full.sparse.head_dim}]`);
  } else if (full?.kind === 'gqa') {
    const h = heads(spec, tp);
    for (const side of ['k', 'v']) log.info(place, `Initializing ${side} cache with shape: [${plan.blocks} ${blockSize} ${h.local} ${h.size}]`);
  }
  const gdn = spec.layers.find((l) => l.attention.kind === 'gdn')?.attention;
  if (gdn?.kind !== 'gdn') return;
  log.info(place, `Initializing conv cache with shape: [${plan.linearBlocks} ${gdn.conv_kernel - 1} ${(2 * gdn.key_dim * gdn.key_heads + gdn.value_dim * gdn.value_heads) / tp}]`);
  log.info(place, `Initializing ssm cache with shape: [${plan.linearBlocks} ${gdn.value_heads / tp} ${gdn.key_dim} ${gdn.value_dim}]`);
}

export interface Warmup {
  readonly graph: boolean;
  readonly lazy: boolean;
  readonly tokens: number;
  readonly buckets: readonly number[];
  readonly maxBatch: number;
  readonly queryTokens: number;
}

const bar = (done: number, all: number): string => '#'.repeat(Math.round((20 * done) / all)).padEnd(20, '-');

/** Warm-up of rank 0 and what it prints; takes its (scaled) time. */
export async function warmUp(rank: Rank, log: Glog, warmup: Warmup, totalMs: number): Promise<void> {
  const ms = (value: number): string => value.toFixed(2);
  if (!warmup.graph) {
    await rank.wait(totalMs);
    log.info('profile_manager.cpp:1210', `Eager warmup completed: tokens=${warmup.tokens}, latency=${ms(totalMs)} ms`);
    return;
  }
  if (warmup.lazy) {
    log.info('profile_manager.cpp:125', 'Graph warmup disabled by execution config; graphs will be captured lazily from real requests');
    return;
  }
  await rank.wait(totalMs / 3);
  log.info('profile_manager.cpp:1241', `Prefill warmup completed: tokens=${warmup.tokens}, latency=${ms(totalMs / 3)} ms`);
  const each = (totalMs * 2) / 3 / warmup.buckets.length;
  log.info('profile_manager.cpp:1283', `Graph warmup started: bucket_count=${warmup.buckets.length}, configured_max_batch_size=${warmup.maxBatch}, allocatable_sequences=${warmup.maxBatch}, decode_seq_len=1`);
  for (const [i, bucket] of warmup.buckets.entries()) {
    await rank.wait(each);
    const done = i + 1;
    const batch = Math.max(1, Math.min(warmup.maxBatch, Math.floor(bucket / warmup.queryTokens)));
    log.info('acl_graph_executor_impl.cpp:1134', `Lazy capturing ACL graph for bucket num_tokens: ${bucket} (actual num_tokens: ${bucket}) done`);
    log.info('graph_warmup.cpp:46', `Graph warmup progress: [${bar(done, warmup.buckets.length)}] ${done}/${warmup.buckets.length} ${((100 * done) / warmup.buckets.length).toFixed(1)}%, token_bucket=${bucket}, latency=${ms(each)} ms, sequence_batch=${batch}`);
  }
  log.info('profile_manager.cpp:1319', `Decode warmup completed: bucket_count=${warmup.buckets.length}, decode_max_token_bucket=${warmup.buckets[0] ?? 0}, decode_max_sequence_batch=${warmup.maxBatch}, decode_seq_len=1, decode_total_latency=${ms((totalMs * 2) / 3)} ms`);
}

export function sayServing(log: Glog, port: number, flags: Flags): void {
  log.info('xllm_server.cpp:86', 'Use API route mode: master_node');
  log.info('xllm_server.cpp:157', `Brpc Server started on port ${port}, idle_timeout_s: ${flags.text('rpc_idle_timeout_s')}, num_threads: ${flags.text('num_threads')}`);
  log.info('xllm_server.cpp:170', 'Application startup complete.');
  log.info('xllm_server.cpp:172', `Started server process [${process.pid}]`);
}
