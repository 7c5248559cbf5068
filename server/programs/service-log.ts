/** What start-up logs of xLLM, vLLM-Ascend and SGLang say about memory, versions and graphs. Pure; wording as of the sources named. */
import type { ServiceMemory } from '../contract/index.js';

const units: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4, KIB: 1024, MIB: 1024 ** 2, GIB: 1024 ** 3, TIB: 1024 ** 4 };

/** Bytes of a printed size. xLLM and SGLang print 1024-based KB/MB/GB with two decimals (pretty_print.cpp:24-40). */
export function sizeBytes(value: string, unit: string): number | null {
  const factor = units[unit.toUpperCase()];
  const number = Number(value.replaceAll(',', ''));
  return factor === undefined || !Number.isFinite(number) ? null : Math.round(number * factor);
}

/** Facts of one service's start-up, null where its logs do not say. Sizes as printed, so accurate to their last digit. */
export interface StartupFacts extends ServiceMemory {
  framework_version: string | null;
  backend: string | null;
  graph: 'captured' | 'lazy' | 'eager' | null;
  prefix_cache: boolean | null;
  /** Line that says the simulated host made this log. */
  simulated: boolean;
  stage: string | null;
}

export function emptyFacts(): StartupFacts {
  return {
    framework_version: null, backend: null, workers: [], max_memory_utilization: null, weights_bytes: null, kv_cache_bytes: null, kv_blocks: null,
    block_size: null, slot_size_bytes: null, index_slot_size_bytes: null, linear_slot_size_bytes: null, linear_blocks: null, linear_state_slots: null,
    reserved_linear_bytes: null, n_layers: null, kv_cache_dtype: null, token_capacity: null, max_concurrency: null, graph_bytes: null, graph: null,
    prefix_cache: null, simulated: false, stage: null,
  };
}

const size = String.raw`([\d.]+) (B|KB|MB|GB|TB)`;

interface Reader {
  readonly pattern: RegExp;
  readonly read: (m: RegExpExecArray, f: StartupFacts) => void;
}
const number = (text: string | undefined): number | null => {
  const value = Number((text ?? '').replaceAll(',', ''));
  return text === undefined || text === '' || !Number.isFinite(value) ? null : value;
};
const bytes = (m: RegExpExecArray, i: number): number | null => sizeBytes(m[i] ?? '', m[i + 1] ?? '');

/** xLLM's lines, in the order it prints them (xllm.md 3.1). A speculative service prints some twice, with the same figures. */
const xllm: readonly Reader[] = [
  { pattern: /(?:^|\])\s*version\s+v?(\d\S*)\s*$/, read: (m, f) => void (f.framework_version ??= m[1] ?? null) },
  // The complete echo of what is in force, defaults and files included.
  { pattern: /Master init options: .*\benable_prefix_cache[:=] ?(true|false|1|0)\b/, read: (m, f) => void (f.prefix_cache = m[1] === 'true' || m[1] === '1') },
  { pattern: /Resolved npu_kernel_backend=(ATB|TORCH)/, read: (m, f) => void (f.backend = m[1] ?? null) },
  { pattern: /Forced npu_kernel_backend=TORCH/, read: (_, f) => void (f.backend = 'TORCH') },
  { pattern: /Block info, block_size: (\d+)/, read: (m, f) => void (f.block_size ??= number(m[1])) },
  {
    pattern: new RegExp(`worker #(\\d+): available memory: ${size}, total memory: ${size}\\. Using max_memory_utilization: ([\\d.]+)`),
    read: (m, f) => {
      const worker = number(m[1]) ?? 0;
      f.workers = [...f.workers.filter((w) => w.worker !== worker), { worker, available_bytes: bytes(m, 2), total_bytes: bytes(m, 4) }].sort((a, b) => a.worker - b.worker);
      f.max_memory_utilization = number(m[6]);
    },
  },
  {
    pattern: new RegExp(
      `kv cache capacity: ${size}, blocks: (\\d+), slot_size: (\\d+), index_slot_size: (\\d+), indexer_layers: (\\d+), scale_slot_size: (\\d+), linear_slot_size: (\\d+), linear_blocks: (\\d+), linear_state_slots: (\\d+), max_linear_state_cache_slots: (\\d+), reserved_linear_bytes: ${size}, n_layers: (\\d+), kv_cache_dtype: (\\w+)`,
    ),
    read: (m, f) => {
      // The target's line comes first; the draft's repeats bytes and blocks with its own layers.
      if (f.kv_blocks !== null) return;
      f.kv_cache_bytes = bytes(m, 1);
      f.kv_blocks = number(m[3]);
      f.slot_size_bytes = number(m[4]);
      f.index_slot_size_bytes = number(m[5]);
      f.linear_slot_size_bytes = number(m[8]);
      f.linear_blocks = number(m[9]);
      f.linear_state_slots = number(m[10]);
      f.reserved_linear_bytes = bytes(m, 12);
      f.n_layers = number(m[14]);
      f.kv_cache_dtype = m[15] ?? null;
    },
  },
  { pattern: /Decode warmup completed: bucket_count=(\d+)/, read: (_, f) => void (f.graph = 'captured') },
  { pattern: /Eager warmup completed: tokens=/, read: (_, f) => void (f.graph ??= 'eager') },
  { pattern: /Graph warmup disabled by execution config/, read: (_, f) => void (f.graph = 'lazy') },
];

/** vLLM's and vLLM-Ascend's lines (bench.md 3.2), old and new. */
const vllm: readonly Reader[] = [
  { pattern: /vLLM API server version v?(\d[\w.+-]*)/, read: (m, f) => void (f.framework_version ??= m[1] ?? null) },
  { pattern: /Initializing an? .{0,20}LLM engine \(v(\d[\w.+-]*)\)/, read: (m, f) => void (f.framework_version ??= m[1] ?? null) },
  { pattern: /enable_prefix_caching=(True|False)/, read: (m, f) => void (f.prefix_cache = m[1] === 'True') },
  { pattern: /(?:Loading model weights|Model loading) took ([\d.]+) (GiB|GB)/, read: (m, f) => void (f.weights_bytes = bytes(m, 1)) },
  { pattern: /Available KV cache memory: ([\d.]+) (GiB|GB)/, read: (m, f) => void (f.kv_cache_bytes = bytes(m, 1)) },
  { pattern: /KV cache size: ([\d,]+) tokens/, read: (m, f) => void (f.token_capacity = number(m[1])) },
  {
    pattern: /Maximum concurrency for ([\d,]+) tokens per request: ([\d.]+)x/,
    read: (m, f) => {
      const tokens = number(m[1]);
      const times = number(m[2]);
      if (tokens !== null && times !== null) f.max_concurrency = { tokens_per_request: tokens, times };
    },
  },
  { pattern: /# \S+ blocks: (\d+)/, read: (m, f) => void (f.kv_blocks = number(m[1])) },
  { pattern: /num_gpu_blocks is:?\s*(\d+)/, read: (m, f) => void (f.kv_blocks = number(m[1])) },
  {
    pattern: /Graph capturing finished in [\d.]+ secs?, took ([\d.]+) (GiB|GB)/,
    read: (m, f) => {
      f.graph = 'captured';
      f.graph_bytes = bytes(m, 1);
    },
  },
  { pattern: /Compilation disabled, using eager mode by default|enforce_eager=True/, read: (_, f) => void (f.graph ??= 'eager') },
  {
    pattern: /Free memory on device \(([\d.]+)\/([\d.]+) GiB\) on startup.*?utilization is \(([\d.]+), [\d.]+ GiB\).*?([\d.]+) GiB for weights/,
    read: (m, f) => {
      f.workers = [{ worker: 0, available_bytes: sizeBytes(m[1] ?? '', 'GiB'), total_bytes: sizeBytes(m[2] ?? '', 'GiB') }];
      f.max_memory_utilization = number(m[3]);
      f.weights_bytes = sizeBytes(m[4] ?? '', 'GiB');
    },
  },
];

/** SGLang's lines, as in its NPU logs. */
const sglang: readonly Reader[] = [
  { pattern: /Load weight end\..*mem usage=([\d.]+) (GB)/, read: (m, f) => void (f.weights_bytes = bytes(m, 1)) },
  { pattern: /The available memory for KV cache is ([\d.]+) (GB)/, read: (m, f) => void (f.kv_cache_bytes = bytes(m, 1)) },
  { pattern: /KV Cache is allocated\. #tokens: (\d+)/, read: (m, f) => void (f.token_capacity = number(m[1])) },
  { pattern: /Capture npu graph end/i, read: (_, f) => void (f.graph = 'captured') },
];

const simulatedMark: Reader = { pattern: /simulated NPU host \(xllm-npu-workflow\)/, read: (_, f) => void (f.simulated = true) };

/** Where a start-up stands, by the newest line that tells. */
const stages: readonly { readonly pattern: RegExp; readonly stage: string }[] = [
  { pattern: /set worker role to|Waiting for init message|connect to \S+ success/, stage: 'joining' },
  { pattern: /Initializing model from|Loading model weights from|Starting to load model|Load weight begin/, stage: 'loading weights' },
  { pattern: /Weight loading completed|available memory:|Available KV cache memory|available memory for KV cache/, stage: 'sizing the KV cache' },
  { pattern: /Graph warmup started|Lazy capturing ACL graph|Graph capturing|Capture npu graph begin|Capturing/, stage: 'capturing graphs' },
  { pattern: /brpc server started on port|Application startup complete|Uvicorn running on/i, stage: 'listening' },
];

const all: readonly Reader[] = [simulatedMark, ...xllm, ...vllm, ...sglang];
/** Longer lines are configuration dumps; what is read stands in their first part. */
const longestLine = 20_000;

/** Takes one line into the facts. */
export function readLine(line: string, facts: StartupFacts): void {
  const text = line.length > longestLine ? line.slice(0, longestLine) : line;
  for (const { pattern, read } of all) {
    const match = pattern.exec(text);
    if (match !== null) read(match, facts);
  }
  for (const { pattern, stage } of stages) if (pattern.test(text)) facts.stage = stage;
}

/** Token capacity of xLLM's pool: block 0 is padding (block_manager_impl.cpp:74-76); per DP rank. */
export function finishFacts(facts: StartupFacts): StartupFacts {
  if (facts.token_capacity === null && facts.kv_blocks !== null && facts.block_size !== null && facts.slot_size_bytes !== null) {
    return { ...facts, token_capacity: (facts.kv_blocks - 1) * facts.block_size };
  }
  return facts;
}
