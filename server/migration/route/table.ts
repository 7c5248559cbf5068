import type { OpExisting, OpRoute, OpRouteChoice } from '../../contract/index.js';

export type Route = OpRoute['route'];
export type Work = OpRouteChoice['work'];
export type From = 'triton' | 'cuda' | 'torch';

/** Where each route is done in xLLM. Source: xLLM 3906f5a9, core/kernels and its developer guide. */
export const places: Readonly<Record<Route, string>> = {
  aclnn: 'xllm/core/kernels/npu/*.cpp through EXEC_NPU_CMD, declared in npu_ops_api.h',
  xllm_ops: 'third_party/xllm_ops (op_host, op_kernel), wrapper xllm/core/kernels/npu/xllm_ops/<op>.cpp and xllm_ops_api.h',
  atb: 'third_party/xllm_atb_layers, wrapper xllm/core/layers/npu',
  'triton-ascend': 'third_party/torch_npu_ops/triton_npu (triton_src, binary/*.npubin, torch_api)',
  tilelang: 'xllm/python/kernels_npu/tilelang/<k>.py, compiler/tilelang/targets/ascend/aot/<k>.py, kernels/npu/tilelang/<k>_wrapper.cpp',
  none: 'nowhere',
};

interface Row {
  readonly from: readonly From[];
  readonly work: readonly Exclude<Work, 'unknown'>[];
  readonly route: Route;
  readonly why: string;
}

/** The decision table: the first row that fits is the choice, the others follow in order. Source: xLLM and vLLM-Ascend migration practice. */
export const table: readonly Row[] = [
  { from: ['torch'], work: ['vector', 'cube', 'mixed'], route: 'aclnn', why: 'a sequence of torch calls is first looked for as one fused library operator: nothing has to be compiled' },
  { from: ['triton'], work: ['vector'], route: 'triton-ascend', why: 'a vector kernel with a stable set of constexpr values compiles ahead of time nearly as it is' },
  { from: ['cuda', 'triton'], work: ['vector'], route: 'tilelang', why: 'a fused vector kernel with fixed specialisations: explicit tiles, exact-match dispatch' },
  { from: ['cuda', 'triton', 'torch'], work: ['cube', 'mixed'], route: 'xllm_ops', why: 'work on the matrix unit, or on matrix and vector units together, needs the control AscendC gives' },
  { from: ['torch'], work: ['vector'], route: 'tilelang', why: 'when no library operator fits, a fused vector kernel' },
  { from: ['cuda', 'triton', 'torch'], work: ['mixed', 'cube'], route: 'atb', why: 'attention, MLA and linear layers of a model that runs through ATB belong into its graph' },
  { from: ['cuda', 'triton', 'torch'], work: ['vector'], route: 'xllm_ops', why: 'when the generated kernel is not fast enough, AscendC by hand' },
];

/** Words of operator names that tell which unit they need; the first row that has one decides. */
export const words: readonly { readonly work: Exclude<Work, 'unknown'>; readonly of: RegExp }[] = [
  { work: 'mixed', of: /attention|attn|flash|(?:^|_)mla(?:_|$)|moe|grouped|delta_rule|(?:^|_)gdn(?:_|$)|indexer|mega/ },
  { work: 'cube', of: /matmul|gemm|gemv|(?:^|_)(?:mm|bmm|addmm)(?:_|$)|linear|dense|einsum|proj/ },
  { work: 'vector', of: /rope|rotary|norm|silu|swiglu|gelu|relu|softmax|sigmoid|gating|conv1d|(?:^|_)(?:add|mul|sub|div|exp|cast|fill|copy|sum|max|min)(?:_|$)|top_?k|top_?p|sampl|argmax|quant|mask|gather|scatter|embedding|cumsum|update|concat|split|transpose|bitmask|penalt/ },
];

const tilelang = ['apply_token_bitmask', 'causal_conv1d', 'causal_conv1d_decode', 'chunk_gated_delta_rule_fwd_h', 'fused_gdn_gating', 'fused_sigmoid_gating_delta_rule', 'rope', 'spec_verify_attention_tiling_update', 'spec_verify_token_update', 'split_qkv_rmsnorm_mrope'];
const xllmOps = ['quant_matmul', 'mla_preprocess', 'sparse_flash_attention', 'lightning_indexer', 'npu_mega_chunk_gdn', 'gamma_add_rms_norm', 'mtp_prepare_next_draft', 'beam_search', 'top_k_top_p'];

/** Kernels xLLM has, of those that are known here. Source: xLLM 3906f5a9, kernels/npu/tilelang and kernels/npu/xllm_ops/CMakeLists.txt (a part of its 32). */
export const existing: readonly OpExisting[] = [
  ...tilelang.map((name) => ({ name, kind: 'tilelang' as const, where: `xllm/core/kernels/npu/tilelang/${name}_wrapper.cpp` })),
  ...xllmOps.map((name) => ({ name, kind: 'xllm_ops' as const, where: `xllm/core/kernels/npu/xllm_ops/${name}.cpp` })),
];

/** Asked before any kernel is written. Source: migration gate of the runbook. */
export const questions: readonly string[] = [
  'Does a profile show the operator at 1 % of its phase or more, or as a tail blocker?',
  'Is there a torch_npu or aclnn operator whose contract fits (shapes, dtypes, in-place, masks)?',
  'Is there a reference that runs on the CPU in fp32 or fp64, seeded, with saved inputs?',
  'Are the shapes those of real requests: smallest, tail, one row, largest, every TP variant?',
  'Which path is taken for shapes the kernel does not support, and is it tested?',
];
