import { Random } from '../../server/sim/random.js';

export interface FilePart {
  readonly path: string;
  readonly lines: readonly string[];
  /** Context with `@@` on the line where the added lines go. */
  readonly around?: string;
  readonly kind?: 'changed' | 'new' | 'submodule';
}

/** A unified diff as git writes it. */
export function diffOf(parts: readonly FilePart[], newline = '\n'): string {
  const out: string[] = [];
  for (const { path, lines, around = '@@', kind = 'changed' } of parts) {
    const context = around.split('\n');
    const body = context.flatMap((line) => (line === '@@' ? lines.map((l) => `+${l}`) : [` ${line}`]));
    const kept = context.filter((line) => line !== '@@').length;
    out.push(`diff --git a/${path} b/${path}`);
    if (kind === 'new') out.push('new file mode 100644', 'index 0000000..1111111', '--- /dev/null', `+++ b/${path}`);
    else out.push(kind === 'submodule' ? 'index 1111111..2222222 160000' : 'index 1111111..2222222 100644', `--- a/${path}`, `+++ b/${path}`);
    out.push(`@@ -${kind === 'new' ? '0' : '1'},${String(kept)} +1,${String(kept + lines.length)} @@`, ...body);
  }
  return `${out.join(newline)}${newline}`;
}

/** Lines an experienced contributor writes: braces, fixed-width types, checks, no copies. `n` and `m` stand for numbers. */
const cpp = [
  '  const int64_t count_n = params.size();', '  CHECK_EQ(x.dim(), 2) << "x must have two dimensions";', '  if (count_n > limit_m) {', '    return Status(StatusCode::INVALID_ARGUMENT);', '  }', '  for (const auto& seq : sequences) {', '    total_n += seq.num_tokens();', '  }',
  '  torch::Tensor out_n = torch::matmul(x, weight_t_);', '  // The layout was changed when weights were loaded.', '  output.masked_fill_(mask_n, 0.0);', '  const auto& options_n = context.options();', '  std::lock_guard<std::mutex> lock(mutex_);', '  return out_n;', '  ids.reserve(sequences.size());',
  '  std::optional<torch::Tensor> bias_n = std::nullopt;', '  LOG(INFO) << "loaded " << count_n << " layers";', '  auto residual_n = hidden + attn_output;', '  const double ratio_n = static_cast<double>(a) / b;', '  switch (kind) {', '    case Kind::PREFILL:', '      break;', '  }', '  layer_n->forward(hidden, positions, kv_cache);',
];
const python = [
  '    hidden_n = self.norm(hidden)', '    """Return the length of each request."""', '    logger.info("step %d", n)', '    if lengths is None:', '        raise ValueError("lengths are needed")', '    x = tl.load(p + offs, mask=offs < n, other=0.0)', '    tl.store(q + offs, y, mask=offs < n)', '    out = torch.nn.functional.silu(gate) * up', '    for layer in self.layers:', '        hidden = layer(hidden, positions)',
  '    total = sum(r.num_tokens for r in requests)', '    # Padded rows go to the reserved block.', '    return out.view(-1, self.hidden_size)', '    self.scale_n = 1.0 / math.sqrt(head_dim)',
];
const files: readonly (readonly [string, readonly string[]])[] = [
  ['xllm/core/layers/npu_torch/mlp.cpp', cpp], ['xllm/core/framework/batch/batch.cpp', cpp], ['xllm/core/kernels/npu/silu.cpp', cpp], ['xllm/core/scheduler/chunked.cpp', cpp], ['xllm/models/llm/qwen3.cpp', cpp],
  ['vllm_ascend/ops/activation.py', python], ['vllm_ascend/worker/model_runner_v1.py', python], ['ops/triton_src/silu.py', python], ['xllm/python/models/qwen3.py', python],
];

/** A diff with nothing to say about: lines of the kinds above, in files of every scope, with a test beside them. */
export function cleanDiff(seed: number, lines: number): string {
  const random = new Random(seed);
  const parts: FilePart[] = [];
  let left = lines;
  while (left > 0) {
    const [path = '', kinds = []] = files[Math.floor(random.next() * files.length)] ?? [];
    const size = Math.min(left, 20 + Math.floor(random.next() * 180));
    parts.push({ path: path.replace('.', `_${String(parts.length)}.`), lines: Array.from({ length: size }, () => (kinds[Math.floor(random.next() * kinds.length)] ?? '').replace(/_n\b/g, `_${String(Math.floor(random.next() * 1000))}`)) });
    left -= size;
  }
  parts.push({ path: 'tests/silu_test.cpp', lines: ['  EXPECT_TRUE(ok);'] });
  return diffOf(parts);
}
