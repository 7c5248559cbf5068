/** What a start-up log says beyond the service record: settings in force, memory lines of SGLang, refused allocations. Pure. */
import { emptyFacts, finishFacts, readLine, sizeBytes, type StartupFacts } from './service-log.js';

/** An allocation of torch_npu that failed; sizes as printed. Source: wording of torch's caching allocator, kept by torch_npu. */
export interface RefusedAllocation {
  readonly tried_bytes: number;
  readonly free_bytes: number;
  readonly reserved_bytes: number;
  readonly allocated_bytes: number;
}

export interface CapacityLog {
  readonly facts: StartupFacts;
  readonly framework: 'xllm' | 'vllm-ascend' | 'sglang' | null;
  readonly total_bytes: number | null;
  /** Free when the cache was sized, least over the workers: after loading for xLLM and SGLang, before it for vLLM. */
  readonly free_bytes: number | null;
  readonly util: number | null;
  readonly block: number | null;
  readonly max_len: number | null;
  readonly max_seqs: number | null;
  readonly max_tokens: number | null;
  readonly spec_tokens: number | null;
  readonly prefix: boolean | null;
  readonly tp: number | null;
  readonly dp: number | null;
  readonly ep: number | null;
  readonly scale_slot_bytes: number | null;
  /** K and V of the pool together, SGLang. */
  readonly pool_bytes: number | null;
  readonly refused: RefusedAllocation | null;
  /** The sizing of the cache failed; which rule, in our own words. */
  readonly sizing_failed: 'kv' | 'linear' | 'speculative' | null;
}

type Draft = { -readonly [K in keyof CapacityLog]: CapacityLog[K] };
interface Reader {
  readonly pattern: RegExp;
  readonly read: (m: RegExpExecArray, d: Draft) => void;
}

const num = (text: string | undefined): number | null => (text === undefined || !Number.isFinite(Number(text)) ? null : Number(text));
const setting = (name: string, set: (d: Draft, value: number) => void): Reader => ({
  pattern: new RegExp(name),
  read: (m, d) => {
    const value = num(m[1]);
    if (value !== null) set(d, value);
  },
});
const least = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.min(a, b));

const xllm: readonly Reader[] = [
  { pattern: /Master init options: |kv cache capacity: |Block info, block_size: /, read: (_, d) => void (d.framework = 'xllm') },
  setting(String.raw`Master init options: .*\bblock_size[:=] ?(\d+)`, (d, v) => void (d.block = v)),
  setting(String.raw`Master init options: .*\bmax_memory_utilization[:=] ?([\d.]+)`, (d, v) => void (d.util = v)),
  setting(String.raw`Master init options: .*\bmax_tokens_per_batch[:=] ?(\d+)`, (d, v) => void (d.max_tokens = v)),
  setting(String.raw`Master init options: .*\bmax_seqs_per_batch[:=] ?(\d+)`, (d, v) => void (d.max_seqs = v)),
  setting(String.raw`Master init options: .*\bnum_speculative_tokens[:=] ?(\d+)`, (d, v) => void (d.spec_tokens = v)),
  setting(String.raw`node rank = .*\bdp_size = (\d+)`, (d, v) => void (d.dp = v)),
  setting(String.raw`node rank = .*\bep_size = (\d+)`, (d, v) => void (d.ep = v)),
  setting(String.raw`node rank = .*\btp_size = (\d+)`, (d, v) => void (d.tp = v)),
  setting(String.raw`kv cache capacity: .*\bscale_slot_size: (\d+)`, (d, v) => void (d.scale_slot_bytes = v)),
  { pattern: /no memory for kv cache|no n_blocks for kv cache|Available kv cache size must be greater than 0/, read: (_, d) => void (d.sizing_failed ??= 'kv') },
  { pattern: /failed to reserve linear state cache|max_linear_state_cache_slots requires \d+|no memory left for full-attention kv cache after reserving/, read: (_, d) => void (d.sizing_failed ??= 'linear') },
  { pattern: /no memory left for speculative |no memory for (?:target|draft) kv cache|draft full-attention kv cache slot size must not exceed/, read: (_, d) => void (d.sizing_failed ??= 'speculative') },
];

const vllm: readonly Reader[] = [
  { pattern: /KV cache size: [\d,]+ tokens|vLLM API server version|LLM engine \(v\d/, read: (_, d) => void (d.framework ??= 'vllm-ascend') },
  setting(String.raw`'max_model_len': (\d+)`, (d, v) => void (d.max_len = v)),
  setting(String.raw`\bmax_seq_len=(\d+)`, (d, v) => void (d.max_len = v)),
  setting(String.raw`'gpu_memory_utilization': ([\d.]+)`, (d, v) => void (d.util = v)),
  setting(String.raw`'tensor_parallel_size': (\d+)`, (d, v) => void (d.tp = v)),
  setting(String.raw`'data_parallel_size': (\d+)`, (d, v) => void (d.dp = v)),
  setting(String.raw`'max_num_seqs': (\d+)`, (d, v) => void (d.max_seqs = v)),
  setting(String.raw`'block_size': (\d+)`, (d, v) => void (d.block = v)),
  setting(String.raw`max_num_batched_tokens=(\d+)`, (d, v) => void (d.max_tokens = v)),
  { pattern: /No available memory for the cache blocks|To serve at least one request with the models's max seq len|Available KV cache memory: -[\d.]+ GiB/, read: (_, d) => void (d.sizing_failed ??= 'kv') },
];

const sglang: readonly Reader[] = [
  { pattern: /KV Cache is allocated\. #tokens|Load weight end\./, read: (_, d) => void (d.framework ??= 'sglang') },
  { pattern: /Load weight end\..*avail mem=([\d.]+) (GB)/, read: (m, d) => void (d.free_bytes = least(d.free_bytes, sizeBytes(m[1] ?? '', m[2] ?? ''))) },
  {
    pattern: /KV Cache is allocated\. #tokens: \d+, K size: ([\d.]+) GB, V size: ([\d.]+) GB/,
    read: (m, d) => {
      const [k, v] = [sizeBytes(m[1] ?? '', 'GB'), sizeBytes(m[2] ?? '', 'GB')];
      d.pool_bytes = k === null || v === null ? null : k + v;
    },
  },
  setting(String.raw`\bmem_fraction_static=([\d.]+)`, (d, v) => void (d.util = v)),
  setting(String.raw`\bmax_running_requests=(\d+)`, (d, v) => void (d.max_seqs = v)),
  setting(String.raw`\bcontext_len=(\d+)`, (d, v) => void (d.max_len = v)),
];

const oom: Reader = {
  pattern: /out of memory\. Tried to allocate ([\d.]+) ([KMG]iB) .*?([\d.]+) ([KMG]iB) already allocated;.*?([\d.]+) ([KMG]iB) free; ([\d.]+) ([KMG]iB) reserved/,
  read: (m, d) => {
    const at = (i: number): number | null => sizeBytes(m[i] ?? '', m[i + 1] ?? '');
    const [tried, allocated, free, reserved] = [at(1), at(3), at(5), at(7)];
    if (tried !== null && allocated !== null && free !== null && reserved !== null) d.refused = { tried_bytes: tried, free_bytes: free, reserved_bytes: reserved, allocated_bytes: allocated };
  },
};

const all: readonly Reader[] = [...xllm, ...vllm, ...sglang, oom];
const longest = 20_000;

/** Tokens of a block where the log prints blocks and tokens: vLLM counts every block. */
function blockOf(facts: StartupFacts): number | null {
  if (facts.kv_blocks === null || facts.token_capacity === null || facts.kv_blocks === 0) return null;
  const tokens = facts.token_capacity / facts.kv_blocks;
  return Number.isInteger(tokens) ? tokens : null;
}

/** Reads a whole start-up log. @param text of one file, any framework */
export function readCapacityLog(text: string): CapacityLog {
  const facts = emptyFacts();
  const draft: Draft = {
    facts, framework: null, total_bytes: null, free_bytes: null, util: null, block: null, max_len: null, max_seqs: null, max_tokens: null, spec_tokens: null, prefix: null,
    tp: null, dp: null, ep: null, scale_slot_bytes: null, pool_bytes: null, refused: null, sizing_failed: null,
  };
  let previous = '';
  for (const line of text.split('\n')) {
    const cut = line.slice(0, longest);
    readLine(cut, facts);
    for (const { pattern, read } of all) {
      const m = pattern.exec(cut);
      if (m !== null) read(m, draft);
    }
    // Terminals wrap this one line just before its number.
    const wrapped = /^:?\s*(\d+)\s*$/.exec(cut);
    if (wrapped !== null && /num_gpu_blocks is:?\s*$/.test(previous)) facts.kv_blocks ??= num(wrapped[1]);
    previous = cut.trimEnd();
  }
  const done = finishFacts(facts);
  const workers = done.workers;
  const total = workers.reduce<number | null>((a, w) => least(a, w.total_bytes), null);
  const free = workers.reduce<number | null>((a, w) => least(a, w.available_bytes), null);
  return { ...draft, facts: done, total_bytes: total, free_bytes: free ?? draft.free_bytes, util: done.max_memory_utilization ?? draft.util, block: done.block_size ?? draft.block ?? blockOf(done), prefix: done.prefix_cache };
}
