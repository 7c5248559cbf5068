import { foreign, ToolError } from '../contract/index.js';
import type { CapacityLog } from '../programs/capacity-log.js';
import { chipOf } from '../hardware/lookup.js';
import { checkParallel, type Parallel } from '../models/parallel.js';
import type { ModelSpec } from '../models/spec.js';
import type { CacheOptions } from '../models/memory.js';
import { defaults } from './thresholds.js';
import type { Framework, Settings } from './shape.js';

/** Where a setting in force came from. */
export type Origin = 'given' | 'log' | 'default' | 'chip' | 'none';
export interface Setting {
  readonly name: string;
  readonly value: number | string | boolean | null;
  readonly origin: Origin;
}

/** One plan, every setting resolved. */
export interface Setup {
  readonly framework: Framework;
  readonly spec: ModelSpec;
  readonly draft: ModelSpec | null;
  readonly parallel: Parallel;
  readonly cp: number;
  /** null: neither chip, hbm_bytes nor a log names it. */
  readonly total_bytes: number | null;
  /** 310P: vLLM-Ascend halves the pool. */
  readonly halved: boolean;
  readonly kv_dtype: CacheOptions['kv_dtype'];
  readonly util: number;
  readonly block: number;
  readonly max_len: number | null;
  readonly max_len_given: boolean;
  readonly max_seqs: number | null;
  readonly max_tokens: number;
  readonly spec_tokens: number;
  readonly prefix: boolean;
  readonly input: number | null;
  readonly output: number | null;
  readonly concurrency: number | null;
  readonly settings: readonly Setting[];
}

const kvDtypes: Readonly<Record<string, CacheOptions['kv_dtype']>> = { auto: 'auto', bf16: 'bf16', bfloat16: 'bf16', fp16: 'fp16', float16: 'fp16', int8: 'int8', fp8: 'fp8', fp8_e4m3: 'fp8' };
const dtypes: Readonly<Record<string, 'bf16' | 'fp16' | 'fp32'>> = { bf16: 'bf16', bfloat16: 'bf16', fp16: 'fp16', float16: 'fp16', half: 'fp16', fp32: 'fp32', float32: 'fp32' };

function word<T>(table: Readonly<Record<string, T>>, name: string, value: string): T {
  const key = value.toLowerCase();
  const found = Object.hasOwn(table, key) ? table[key] : undefined;
  if (found === undefined) throw new ToolError('E_ARG_TYPE', `${name} ${foreign(value, 40)} is not known`, `give one of ${Object.keys(table).join(', ')}`);
  return found;
}

/** @throws ToolError E_ARG_TYPE */
export function modelDtype(value: string | undefined): 'bf16' | 'fp16' | 'fp32' | undefined {
  return value === undefined || value === 'auto' ? undefined : word(dtypes, 'dtype', value);
}

function whole(name: string, value: number | undefined, least: number): void {
  if (value !== undefined && (!Number.isSafeInteger(value) || value < least)) throw new ToolError('E_ARG_TYPE', `${name} is not a whole number from ${String(least)}`, `give ${name} as a whole number from ${String(least)}`);
}

function checkRanges(s: Settings): void {
  for (const name of ['hbm_bytes', 'tp', 'dp', 'ep', 'pp', 'cp', 'block_size', 'max_model_len', 'max_seqs', 'max_tokens_per_batch', 'input_tokens', 'concurrency'] as const) whole(name, s[name], 1);
  for (const name of ['num_speculative_tokens', 'output_tokens'] as const) whole(name, s[name], 0);
  const util = s.max_memory_utilization;
  if (util !== undefined && !(util > 0 && util <= 1)) throw new ToolError('E_ARG_TYPE', 'max_memory_utilization is not above 0 and at most 1', 'give it as a share, e.g. 0.86');
}

/** Memory of the device: given, printed by the log, or of the chip. */
function totalOf(s: Settings, log: CapacityLog | null): { bytes: number | null; origin: Origin; halved: boolean } {
  const chip = s.chip === undefined ? null : chipOf(s.chip);
  const halved = chip?.family === '310P';
  if (s.hbm_bytes !== undefined) return { bytes: s.hbm_bytes, origin: 'given', halved };
  if (chip?.memory_visible_bytes !== null && chip?.memory_visible_bytes !== undefined) return { bytes: chip.memory_visible_bytes.value, origin: 'chip', halved };
  return log?.total_bytes === null || log === null ? { bytes: null, origin: 'none', halved } : { bytes: log.total_bytes, origin: 'log', halved };
}

/**
 * Every setting of a plan: what the caller gave goes before what the log says, and that before the framework's default.
 * @throws ToolError E_ARG_TYPE, E_ARG_CONFLICT
 */
export function resolve(s: Settings, spec: ModelSpec, draft: ModelSpec | null, log: CapacityLog | null): Setup {
  checkRanges(s);
  const base = defaults[s.framework];
  const settings: Setting[] = [];
  const pick = <T extends number | boolean | null>(name: string, given: T | undefined, logged: T | null | undefined, fallback: T): T => {
    const found: { value: T; origin: Origin } = given !== undefined ? { value: given, origin: 'given' } : logged !== undefined && logged !== null ? { value: logged, origin: 'log' } : { value: fallback, origin: fallback === null ? 'none' : 'default' };
    settings.push({ name, ...found });
    return found.value;
  };
  const tp = pick('tp', s.tp, log?.tp, 1);
  const dp = pick('dp', s.dp, log?.dp, 1);
  const parallel: Parallel = { tp, dp, ep: pick('ep', s.ep, log?.ep, 1), pp: pick('pp', s.pp, null, 1) };
  const cp = pick('cp', s.cp, null, 1);
  checkParallel(spec, parallel);
  if (s.framework === 'xllm' && parallel.pp > 1) throw new ToolError('E_ARG_CONFLICT', 'pp with xLLM, which has no pipeline parallelism', 'leave pp out, or plan for vllm-ascend or sglang');
  if (s.framework !== 'xllm' && cp > 1) throw new ToolError('E_ARG_CONFLICT', 'cp with a framework whose context parallelism is not understood', 'leave cp out, or plan for xllm');
  const total = totalOf(s, log);
  settings.push({ name: 'hbm_total_bytes', value: total.bytes, origin: total.origin });
  const specTokens = pick('num_speculative_tokens', s.num_speculative_tokens, log?.spec_tokens, 0);
  if (draft !== null && specTokens === 0) throw new ToolError('E_ARG_CONFLICT', 'draft_model without num_speculative_tokens', 'give num_speculative_tokens; frameworks refuse a draft without it');
  const kv = s.kv_dtype === undefined ? 'auto' : word(kvDtypes, 'kv_dtype', s.kv_dtype);
  settings.push({ name: 'kv_dtype', value: kv, origin: s.kv_dtype === undefined ? 'default' : 'given' });
  const maxLen = pick<number | null>('max_model_len', s.max_model_len, log?.max_len, spec.max_positions);
  return {
    framework: s.framework, spec, draft, parallel, cp, total_bytes: total.bytes, halved: total.halved && s.framework === 'vllm-ascend', kv_dtype: kv,
    util: pick('max_memory_utilization', s.max_memory_utilization, log?.util, base.util),
    block: pick('block_size', s.block_size, log?.block, base.block),
    max_len: maxLen,
    max_len_given: s.max_model_len !== undefined || (log?.max_len ?? null) !== null,
    max_seqs: pick<number | null>('max_seqs', s.max_seqs, log?.max_seqs, base.maxSeqs),
    max_tokens: pick('max_tokens_per_batch', s.max_tokens_per_batch, log?.max_tokens, base.maxTokens),
    spec_tokens: specTokens,
    prefix: pick('prefix_cache', s.prefix_cache, log?.prefix, base.prefix),
    input: s.input_tokens ?? null, output: s.output_tokens ?? null, concurrency: s.concurrency ?? null,
    settings,
  };
}
