/** One diff that must fire and one that must not, for each deterministic rule. Lines are of our own making. */
export interface Case {
  readonly path: string;
  readonly fire: readonly string[];
  readonly silent: readonly string[];
  /** Path of the silent diff where it is the path that clears it. */
  readonly silentPath?: string;
  /** Context around the lines: text with `@@` where the added lines go. */
  readonly around?: string;
}
const layer = 'xllm/core/layers/npu_torch/attention.cpp';
const kernel = 'ops/add/op_kernel/add.cpp';
const triton = 'ops/triton_src/rope.py';
const tilelang = 'xllm/python/kernels_npu/tilelang/rope.py';

export const cases: Readonly<Record<string, Case>> = {
  G01: { path: layer, fire: ['  const int64_t total = lens.sum().item<int64_t>();'], silent: ['  // lens.sum().item() would wait', '  const int64_t total = params.total;'] },
  G02: { path: layer, fire: ['  auto host = mask.to(torch::kCPU);'], silent: ['  auto dev = mask.to(q.device());', '  LOG(INFO) << ".cpu() is slow";'] },
  G03: { path: 'xllm/core/runtime/worker.cpp', fire: ['  aclrtSynchronizeStream(stream_);'], silent: ['  event.wait(stream_);'] },
  G04: { path: layer, fire: ['  std::vector<int64_t> accepted_tokens = collect();'], silent: ['  std::vector<int64_t> strides = t.strides().vec();', '  torch::Tensor accepted_tokens = p.accepted;'] },
  G05: { path: layer, fire: ['  auto idx = torch::arange(n);'], silent: ['  auto idx = torch::arange(', '      n, q.options());'] },
  G10: { path: 'xllm/core/runtime/acl_graph_executor.cpp', fire: ['  } catch (const std::exception& e) {'], silent: ['  if (!status.ok()) {'] },
  G13: { path: 'xllm/core/runtime/shm.cpp', fire: ['  auto view = from_blob(shm_ptr, shape);', '  dst.copy_(view, /*non_blocking=*/true);'], silent: ['  auto view = from_blob(ptr, shape);', '  dst.copy_(view, /*non_blocking=*/true);'] },
  G15: { path: 'xllm/core/runtime/stream.cpp', fire: ['  c10_npu::setCurrentNPUStream(side);'], silent: ['  c10_npu::NPUStreamGuard guard(side);'] },
  G16: { path: 'scripts/serve.sh', fire: ['export ASCEND_LAUNCH_BLOCKING=1'], silent: ['export ASCEND_LAUNCH_BLOCKING=0'] },
  K03: { path: 'xllm/core/framework/block_manager.cpp', fire: ['  const int32_t block_size = 128;'], silent: ['  const int32_t block_size = options.block_size();'] },
  L01: { path: 'xllm/core/kernels/npu/tilelang/rope_wrapper.cpp', fire: ['  auto q2 = q.contiguous();'], silent: ['  CHECK(q.is_contiguous());'] },
  L02: { path: layer, fire: ['  auto w = weight_.transpose(0, 1).contiguous();'], silent: ['  auto y = torch::matmul(x, w_);'] },
  L03: { path: 'xllm/core/kernels/npu/gdn.cpp', fire: ['  auto final_state = torch::empty({n, h, d}, opts);'], silent: ['  auto final_state = torch::zeros({n, h, d}, opts);', '  auto logits = torch::empty({n, v}, opts);'] },
  L04: { path: 'xllm/core/framework/sampling/sampler.cpp', fire: ['  probs.scatter_(-1, indices, sorted);'], silent: ['  probs.scatter_(', '      -1, indices, sorted.to(probs.dtype()));'] },
  L05: { path: 'xllm/core/kernels/npu/xllm_ops/top_k_top_p.cpp', fire: ['  create_acltensor(&ids, topP);'], silent: ['  create_acltensor(&ids, logits);'] },
  L06: { path: 'xllm/core/kernels/npu/xllm_ops/norm.cpp', fire: ['  EXEC_NPU_CMD(aclnnNorm, x, y);'], silent: ['  CHECK_EQ(x.dim(), 2);'] },
  L07: { path: 'xllm/core/platform/npu.cpp', fire: ['  aclrtMemcpyAsync(dst, n, src, n, kind, stream);'], silent: ['  CHECK_EQ(aclrtMemcpyAsync(dst, n, src, n, kind, stream), ACL_SUCCESS);', '  const auto ret = aclrtSetDevice(id);'] },
  L08: { path: 'xllm/core/platform/buffer.cpp', fire: ['  CHECK_EQ(aclrtMalloc(&p, n, kind), ACL_SUCCESS);'], silent: ['  CHECK_EQ(aclrtMalloc(&p, n, kind), ACL_SUCCESS);', '  CHECK_EQ(aclrtFree(p), ACL_SUCCESS);'] },
  L09: { path: 'xllm/core/common/x.h', fire: ['at::Tensor run();'], silent: ['torch::Tensor run();'] },
  L10: { path: 'xllm/core/common/x.cpp', fire: ['  TORCH_CHECK(x.defined());'], silent: ['  CHECK(x.defined());'] },
  L11: { path: 'xllm/core/common/x.cpp', fire: ['  throw std::runtime_error("no");'], silent: ['  LOG(FATAL) << "no";'] },
  L12: { path: 'xllm/core/scheduler/s.cpp', fire: ['  if (FLAGS_enable_graph) {'], silent: ['  if (options_.enable_graph()) {'] },
  L14: { path: 'xllm/core/kernels/npu/gated_delta.cpp', fire: ['  auto state = torch::zeros(shape, opts.dtype(torch::kBFloat16));'], silent: ['  auto state = torch::zeros(shape, opts.dtype(torch::kFloat32));'] },
  L15: { path: triton, fire: ['    y = tl.exp(x.to(tl.float16)) + tl.float16(0) * tl.exp(x)'], silent: ['    y = tl.exp(x.to(tl.float32) - m)'] },
  L16: { path: layer, around: 'void Attention::load_state_dict(const StateDict& d) {\n@@\n}', fire: ['  weight_.add_(1);'], silent: ['  weight_ = loaded + 1;'] },
  L18: { path: kernel, fire: ['  int32_t gm_offset = row * stride;'], silent: ['  int64_t gm_offset = row * stride;'] },
  L19: { path: 'ops/add/op_host/add_tiling.cpp', fire: ['  const uint32_t block_dim = 48;'], silent: ['  const uint32_t block_dim = platform.GetCoreNumAiv();'] },
  T01: { path: 'xllm/compiler/tilelang/targets/ascend/aot/rope.py', fire: ['DISPATCH_SCHEMA = [', '    DispatchField("head_dim", "int32"),', '    DispatchField("dtype", "dtype"),', ']', 'SPECIALIZATIONS = [', '    {"variant_key": "a", "head_dim": 128},', ']'], silent: ['DISPATCH_SCHEMA = [', '    DispatchField("head_dim", "int32"),', ']', 'SPECIALIZATIONS = [', '    {"variant_key": "a", "head_dim": 128},', ']'] },
  T02: { path: tilelang, fire: ['    for i in T.Parallel(n):'], silent: ['    T.tile.add(c_ub, a_ub, b_ub)'] },
  T03: { path: tilelang, fire: ['    with T.Kernel(m_num, n_num, is_npu=True) as (bx, by):'], silent: ['    with T.Kernel(m_num, is_npu=True) as (cid, vid):'] },
  T05: { path: tilelang, fire: ['    T.tile.select(out, mask, a, b)'], silent: ['    T.tile.select(out, mask, a, b, T.VSEL_TENSOR_TENSOR_MODE)'] },
  T07: { path: kernel, fire: ['  auto n = std::min(a, b);'], silent: ['  auto n = a < b ? a : b;'] },
  T08: { path: kernel, fire: ['  float* p = new float[8];'], silent: ['  pipe.InitBuffer(buf, 8 * sizeof(float));'] },
  T09: { path: kernel, fire: ['  DataCopy(xLocal, xGm[off], n);'], silent: ['  DataCopyPad(xLocal, xGm[off], params, pad);'] },
  T10: { path: kernel, around: '  for (int64_t i = 0; i < n; ++i) {\n@@\n  }', fire: ['    sum += xGm.GetValue(i);'], silent: ['    Add(y, y, x, 64);'] },
  T11: { path: kernel, fire: ['  uint8_t repeatTimes = 256;'], silent: ['  uint8_t repeatTimes = 255;'] },
  T13: { path: kernel, around: '  for (int64_t i = 0; i < n; ++i) {\n@@\n  }', fire: ['    PipeBarrier<PIPE_ALL>();'], silent: ['    SetFlag<HardEvent::MTE2_V>(e);'] },
  T14: { path: kernel, fire: ['  AscendC::DumpTensor(x, 1, 32);'], silent: ['  snprintf(name, 8, "x");'] },
  T15: { path: triton, around: '@triton.jit\ndef k(p, n, BLOCK: tl.constexpr):\n@@', fire: ['    for i in tl.static_range(n):'], silent: ['    offs = tl.arange(0, BLOCK)'] },
  T16: { path: triton, fire: ['@triton.jit(do_not_specialize=["n"])', 'def k(p, n: tl.constexpr):', '    pass'], silent: ['@triton.jit(do_not_specialize=["n"])', 'def k(p, n, B: tl.constexpr):', '    pass'] },
  T17: { path: triton, fire: ['    x = tl.load(p + offs)'], silent: ['    x = tl.load(', '        p + offs,', '        mask=offs < n)'] },
  T18: { path: triton, around: '@triton.jit\ndef k(p, n):\n    for i in range(n):\n@@', fire: ['        break'], silent: ['        tl.store(p + i, 0, mask=i < n)'] },
  T19: { path: triton, fire: ['    old = tl.atomic_cas(p, 0, 1)'], silent: ['    tl.atomic_add(p, v, mask=m)'] },
  T20: { path: triton, fire: ['    grid = (70000,)'], silent: ['    grid = (num_cores,)'] },
  H02: { path: 'xllm/core/distributed_runtime/x.cpp', around: '  if (rank_ == 0) {\n@@\n  }', fire: ['    all_reduce(x);'], silent: ['    log(x);'] },
  H04: { path: 'vllm_ascend/distributed/p.py', fire: ['    group = dist.new_group(ranks)'], silent: ['    group = get_tp_group()'] },
  H05: { path: 'scripts/serve.sh', fire: ['export HCCL_EXEC_TIMEOUT=36000'], silent: ['export HCCL_EXEC_TIMEOUT=600'] },
  H06: { path: 'scripts/serve.sh', fire: ['export HCCL_BUFFSIZE=2048'], silent: ['echo $HCCL_BUFFSIZE'] },
  H07: { path: 'xllm/core/distributed_runtime/store.cpp', fire: ['  const std::string host = "127.0.0.1";'], silent: ['  const std::string host = options.host();'] },
  H10: { path: 'scripts/serve.sh', fire: ['xllm --port=8010 --nnodes=4', 'xllm --port=8012 --nnodes=4'], silent: ['xllm --port=8010 --nnodes=4', 'xllm --port=8020 --nnodes=4'] },
  B01: { path: 'third_party/xllm_ops', fire: ['Subproject commit 1234567890abcdef1234567890abcdef12345678'], silent: ['Subproject commit 1234567890abcdef1234567890abcdef12345678'] },
  B02: { path: 'xllm/core/kernels/npu/fresh.cpp', fire: ['/* Copyright 2026 The xLLM Authors. */'], silent: ['/* Copyright 2026 The xLLM Authors. */'] },
  B03: { path: 'xllm/core/common/x.cpp', fire: ['#include "../y.h"'], silent: ['#include "core/common/y.h"'] },
  B04: { path: 'xllm/core/common/fresh.h', fire: ['#pragma once'], silent: ['/* Copyright 2026 The xLLM Authors. */', '#pragma once'] },
  B05: { path: 'xllm/core/common/x.cpp', fire: ['  auto n = 5;'], silent: ['  const int32_t n = 5;', '  auto it = map.find(k);'] },
  B06: { path: 'xllm/core/common/x.cpp', fire: ['  if (done(x)) return;'], silent: ['  if (done(x)) {', '    return;', '  }'] },
  B07: { path: 'xllm/python/models/qwen3.py', fire: ['    print(x.shape)'], silent: ['    logger.info("shape")'] },
  B08: { path: 'xllm/core/scheduler/s.cpp', around: '  for (const auto& s : seqs) {\n@@\n  }', fire: ['    ids.push_back(s.id);'], silent: ['    total += s.len;'] },
  B09: { path: 'xllm/core/kernels/npu/gelu.cpp', fire: ['  a();', '  b();', '  c();', '  d();', '  e();'], silent: ['  a();'] },
  B10: { path: 'scripts/run.sh', fire: ['export MODEL=/home/jane/models/q'], silent: ['export MODEL=${MODEL_DIR}/home/x'] },
  B13: { path: 'xllm/core/config/kv_config.h', fire: ['  PROPERTY(int32_t, kv_split_size) = 1;'], silent: ['  PROPERTY(int32_t, kv_split_size) = 1;', 'void from_json(const J& j) { read(j, "kv_split_size"); }', 'void append_config_json(J& j) { put(j, "kv_split_size"); }'] },
};
