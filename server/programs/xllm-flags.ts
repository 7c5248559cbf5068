/**
 * Flags of xLLM, read from its source (framework/config/*.cpp at 3906f5a9, 2026-08-21). `xllm --help` prints only the flags of
 * its option categories, so a flag absent there may still exist; this list tells the two apart.
 */
export const xllmFlags: readonly string[] = `
  host port rpc_idle_timeout_s rpc_channel_timeout_ms max_reconnect_count num_threads max_concurrent_requests
  num_request_handling_threads num_response_handling_threads health_check_interval_ms enable_json_object_output
  enable_verbose_trace_log verbose_trace_log_path verbose_trace_log_max_size_mb verbose_trace_log_max_files model_id model
  python_model_path backend model_impl task limit_image_per_prompt max_encoder_cache_size max_processor_cache_items
  reasoning_parser tool_call_parser enable_qwen3_reranker flashinfer_workspace_buffer_size enable_return_mm_full_embeddings
  mm_download_headers use_audio_in_video use_cpp_chat_template enable_manual_loader enable_rolling_load
  rolling_load_num_cached_layers rolling_load_num_rolling_slots enable_prefetch_weight block_size max_cache_size
  max_memory_utilization kv_cache_dtype indexer_cache_dtype enable_prefix_cache enable_in_batch_prefix_cache
  max_linear_state_cache_slots xxh3_128bits_seed enable_xtensor phy_page_granularity_size prefetch_timeout prefetch_batch_size
  layers_wise_copy_batchs host_blocks_factor enable_kvcache_store store_protocol store_master_server_address
  store_metadata_server store_local_hostname enable_control_h2d_block_num max_tokens_per_batch max_seqs_per_batch
  enable_schedule_overlap prefill_scheduling_memory_usage_threshold enable_chunked_prefill max_tokens_per_chunk_for_prefill
  chunked_match_frequency enable_mix_batch use_zero_evict max_decode_token_per_sequence priority_strategy
  enable_online_preempt_offline aggressive_coeff starve_threshold enable_starve_prevent dp_size ep_size cp_size
  layerwise_split_size kv_split_size tp_size sp_size cfg_size vae_size text_encoder_tp_size communication_backend
  enable_mm_encoder_dp enable_multi_stream_parallel micro_batch_num enable_dp_balance master_node_addr xtensor_master_node_addr
  nnodes node_rank etcd_addr etcd_namespace enable_service_routing heart_beat_interval etcd_ttl draft_model
  num_speculative_tokens speculative_algorithm speculative_suffix_cache_max_depth speculative_suffix_max_spec_factor
  speculative_suffix_max_spec_offset speculative_suffix_min_token_prob speculative_suffix_max_cached_requests
  speculative_suffix_use_tree_spec enable_opt_validate_probs enable_mtp_draft_body_tp1 enable_atb_spec_kernel
  enable_adaptive_speculative_decode adaptive_speculative_min_gain enable_graph disable_graph_warmup enable_graph_double_buffer
  enable_graph_mode_decode_no_padding enable_prefill_piecewise_graph enable_graph_vmm_pool max_tokens_for_graph_mode
  acl_graph_decode_batch_size_limit enable_shm use_contiguous_input_buffer input_shm_size output_shm_size random_seed
  python_graph_backend enable_customize_mla_kernel npu_kernel_backend enable_intralayer_addnorm enable_fused_mc2
  enable_interlayer_addnorm enable_split_rmsnorm_rope enable_aclnn_matmul enable_aclnn_swiglu enable_mega_moe
  enable_dspark_native_sas enable_flashcomm1 flashcomm1_min_prefill_tokens enable_mmrs_fusion mmrs_comm_mode enable_disagg_pd
  enable_pd_ooc disagg_pd_port instance_role kv_cache_transfer_mode transfer_listen_port kv_push_dst_rotate enable_eplb
  redundant_experts_num eplb_update_interval eplb_min_peak_load_improvement eplb_policy_kind eplb_use_decode_only_load
  eplb_prepare_timeout_seconds expert_parallel_degree rank_tablefile enable_profile_step_time enable_profile_token_budget
  enable_latency_aware_schedule profile_max_prompt_length max_global_ttft_ms max_global_tpot_ms enable_profile_kv_blocks
  disable_ttft_profiling enable_forward_interruption enable_online_profile profile_backend profile_dir enable_beam_search_kernel
  beam_width enable_block_copy_kernel enable_topk_sorted config_json_file enable_dump_config_json dump_config_json_file
  max_requests_per_batch dit_cache_policy dit_cache_warmup_steps dit_cache_n_derivatives dit_cache_skip_interval_steps
  dit_cache_residual_diff_threshold dit_cache_start_steps dit_cache_end_steps dit_cache_start_blocks dit_cache_end_blocks
  dit_sp_communication_overlap dit_debug_print dit_laser_attention_enabled dit_generation_image_area_max dit_enable_vae_tiling
  dit_vae_image_size dit_sparse_attention_enabled dit_sparse_attention_sparsity dit_sparse_attention_pool_size
  dit_sparse_attention_sparse_start_step dit_sparse_attention_version dit_sparse_attention_mask_refresh_steps max_sequence_length
  enable_rec_fast_sampler enable_rec_prefill_only enable_xattention_one_stage max_decode_rounds enable_constrained_decoding
  output_rec_logprobs enable_convert_tokens_to_item enable_output_sku_logprobs enable_extended_item_info
  each_conversion_threshold total_conversion_threshold request_queue_size rec_worker_max_concurrency
`
  .trim()
  .split(/\s+/);

/** Flags of gflags, glog and the start line that every xLLM takes and no help page lists. */
export const xllmBuiltinFlags: readonly string[] = ['v', 'vmodule', 'minloglevel', 'log_dir', 'logtostderr', 'alsologtostderr', 'colorlogtostderr', 'max_log_size', 'stderrthreshold', 'logbufsecs'];

/** Flags that xLLM had once: what took their place, and when they went. Source: git history of its config files. */
export const xllmRemoved: Readonly<Record<string, string>> = {
  devices: 'removed 2026-07-21; devices are chosen by the visible-device mask, which the argument devices sets',
  draft_devices: 'removed 2026-07-21; the draft model shares the devices of the service',
  device_id: 'removed 2026-07-21; give devices',
  enable_mla: 'removed 2026-03-27; decided from the model',
  enable_acl_graph: 'renamed 2025-12-25; now enable_graph',
  enable_acl_graph_no_padding: 'renamed 2025-12-25; now enable_graph_mode_decode_no_padding',
  enable_graph_no_padding: 'renamed; now enable_graph_mode_decode_no_padding',
  max_seq_len_for_graph_mode: 'removed',
  use_mix_scheduler: 'renamed 2026-07-22; now enable_mix_batch',
  enable_prefill_sp: 'renamed; now cp_size',
  enable_continuous_kvcache: 'removed; see enable_xtensor',
  cache_size_per_token: 'removed; see enable_xtensor',
  buffer_size_per_seq: 'removed; see enable_xtensor',
  enable_cache_upload: 'removed',
  kv_cache_transfer_type: 'removed',
  npu_phy_id: 'removed',
  device_ip: 'removed',
  enable_heterogeneous_pd: 'removed 2026-08-20',
  enable_pd_parallel_shard_pull: 'removed 2026-08-20',
  prefill_kv_split_size: 'removed; see kv_split_size',
  murmur_hash3_seed: 'renamed; now xxh3_128bits_seed',
  prefetch_bacth_size: 'renamed; now prefetch_batch_size',
  max_tokens_per_seq: 'removed 2025-10-30',
  max_concurrency: 'removed 2025-10-30; see max_concurrent_requests',
  num_handling_threads: 'removed 2025-10-30; see num_request_handling_threads',
  idle_timeout_s: 'renamed 2025-10-30; now rpc_idle_timeout_s',
  timeout_ms: 'removed 2025-10-30; see rpc_channel_timeout_ms',
  eplb_update_rate: 'renamed; now eplb_update_interval',
  eplb_update_threshold: 'renamed; now eplb_min_peak_load_improvement',
  xservice_addr: 'removed; see etcd_addr',
  disable_custom_kernels: 'removed',
  enable_fast_sampler: 'renamed; now enable_rec_fast_sampler',
};
