// A git repository of two commits whose `git diff` has about a given number of lines: Python and C++ as in a serving engine.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// One block of 60 has what a rule asks about: a change of a serving engine is mostly harmless.
const python = (i, n) => [
  `def forward_${i}_${n}(self, hidden_states, kv_cache, attn_metadata):`,
  `    residual = hidden_states if self.layer_id == ${n % 61} else self.norm_${n % 7}(hidden_states)`,
  `    query, key, value = self.qkv_proj(residual).split([self.q_size, self.kv_size, self.kv_size], dim=-1)`,
  `    positions = attn_metadata.positions[: attn_metadata.num_tokens + ${n % 13}]`,
  n % 60 === 7 ? `    lengths = attn_metadata.seq_lens.cpu().tolist()  # item ${n}` : `    lengths = attn_metadata.seq_lens  # item ${n}`,
  `    output = self.attention(query, key, value, kv_cache, lengths, scale=self.scaling * ${(n % 5) + 1})`,
  `    return self.o_proj(output) + residual`,
  ``,
];
const cpp = (i, n) => [
  `Status Layer${i}::forward_${n}(const torch::Tensor& input, KVCache& cache, const InputParams& params) {`,
  `  const auto tokens = input.size(0) + ${n % 13};`,
  `  CHECK(tokens <= params.max_tokens) << "layer " << layer_id_ << " step ${n}";`,
  `  auto workspace = buffer_.narrow(0, ${n % 5}, tokens).view({tokens, -1});`,
  n % 60 === 7 ? `  aclrtSynchronizeStream(stream_);  // item ${n}` : `  cache.append(layer_id_, workspace);  // item ${n}`,
  `  return attention_->run(input, workspace, cache, params.block_tables);`,
  `}`,
  ``,
];

/** Lines of the diff of one file. */
const linesOfFile = 500;
/** Three lines of context before and after, and the line of the hunk. */
const hunkFrame = 7;
const hunks = 4;

/** @param lines of the diff @returns lines `git diff` really gives */
export function repository(folder, lines) {
  mkdirSync(folder, { recursive: true });
  const git = (...args) => execFileSync('git', ['-C', folder, '-c', 'user.name=bench', '-c', 'user.email=bench@localhost', '-c', 'commit.gpgsign=false', '-c', 'gc.auto=0', ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
  git('init', '-q');
  const files = Math.ceil(lines / linesOfFile);
  const blocks = Math.round((linesOfFile - 4 - hunks * hunkFrame) / hunks / 8);
  const write = (changed) => {
    for (let i = 0; i < files; i++) {
      const body = i % 2 === 0 ? python : cpp;
      const text = Array.from({ length: hunks }, (_, h) => [
        ...Array.from({ length: 8 }, (_, n) => body(i, 10_000 + h * 8 + n)),
        ...(changed ? Array.from({ length: blocks }, (_, n) => body(i, h * blocks + n)) : []),
      ]).flat(2);
      const inside = join(folder, i % 2 === 0 ? 'engine/models' : 'core/layers');
      mkdirSync(inside, { recursive: true });
      writeFileSync(join(inside, i % 2 === 0 ? `model_${i}.py` : `layer_${i}.cpp`), `${text.join('\n')}\n`);
    }
    git('add', '-A');
    git('commit', '-q', '-m', changed ? 'change' : 'base');
  };
  write(false);
  write(true);
  return git('diff', 'HEAD~1', 'HEAD').split('\n').length - 1;
}
