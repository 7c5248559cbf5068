import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ComputeSimulateFacts, ToolFailed, ToolOk } from '../../server/contract/index.js';
import { computeDerivations } from '../../server/compute/derive.js';
import { computeSimulate } from '../../server/compute/tools.js';
import { openHost } from '../../server/host/host.js';
import { Registry } from '../../server/mcp/registry.js';
import { Runs } from '../../server/runs/runs.js';
import { verifyRun } from '../../server/runs/verify.js';
import { makeDecodeCapture } from '../../server/sim/llm-capture.js';
import { writeCapture } from '../../server/sim/write.js';
import { tempFolder, testContext } from '../helpers/temp.js';

const dir = await tempFolder();
const ctx = testContext(dir);
const registry = new Registry([computeSimulate], (line) => console.error(line));
type Answer = Omit<ToolOk, 'facts'> & { facts: ComputeSimulateFacts };
async function call(args: Record<string, unknown>): Promise<Answer> {
  const answer = await registry.call('compute_simulate', args, ctx);
  if (answer.isError) throw new Error(answer.text);
  return answer.structured as unknown as Answer;
}
async function fail(args: Record<string, unknown>): Promise<ToolFailed['error']> {
  const answer = await registry.call('compute_simulate', args, ctx);
  expect(answer.isError, answer.text).toBe(true);
  return (answer.structured as ToolFailed).error;
}
const near = (got: number | null, want: number, share = 1e-3): void => expect(Math.abs((got ?? NaN) / want - 1)).toBeLessThan(share);
const op = (a: Answer, name: string) => a.facts.ops.find((o) => o.op === name)!;

describe('published and worked steps', () => {
  it('R9: Llama-70B, tp 8, 910B3, batch 32, context 4096: 14.22 ms and 32 tokens in it', async () => {
    const a = await call({ model: 'Llama-3.1-70B', phase: 'decode', batch: 32, context_tokens: 4096, tp: 8, chip: '910B3' });
    near(a.facts.time_lower_bound_us, 14_220);
    near(a.facts.flops, 599e9);
    near(a.facts.tokens_per_s_upper_bound, 32 / 14.22e-3);
    expect(a.verdict).toBe('memory-bound');
    expect(a.facts.calibrated).toBe(false);
    expect(a.headline).toContain('not calibrated');
    expect(a.facts.params_total).toBe(70_553_706_496);
    const compute = a.facts.ops.filter((o) => o.bound !== 'communication');
    near(compute.reduce((s, o) => s + o.flops, 0), a.facts.flops, 1e-9);
    near(compute.reduce((s, o) => s + o.bytes, 0), a.facts.bytes, 1e-9);
    near(a.facts.ops.reduce((s, o) => s + o.time_us!, 0), a.facts.time_no_overlap_us!, 1e-6);
    expect(JSON.stringify(a).length).toBeLessThan(8000);
  });
  it('R10: Llama-8B prefill of 4096 tokens is 61.57 TFLOP, attention the causal half', async () => {
    const a = await call({ model: 'Llama-3.1-8B', phase: 'prefill', batch: 1, input_tokens: 4096, chip: 'Ascend910B3' });
    near(a.facts.flops, 61.575e12, 2e-4);
    near(op(a, 'attention').flops, 4.399e12, 2e-4);
    near(a.facts.time_lower_bound_us, (61.575e12 / 294.912e12) * 1e6, 0.02);
    expect(a.verdict).toBe('compute-bound');
  });
  it('a second formula: dense, MoE and latent attention in decode', async () => {
    const B = 8, S = 1000;
    const dense = await call({ model: 'Qwen3-8B', phase: 'decode', batch: B, context_tokens: S, chip: '910B2' });
    near(op(dense, 'attention').bytes, 36 * 2 * 8 * 128 * 2 * B * S, 1e-9);
    near(op(dense, 'mlp').flops, 36 * 6 * B * 4096 * 12_288, 1e-9);
    const moe = await call({ model: 'Qwen3-30B-A3B', phase: 'decode', batch: B, context_tokens: S, chip: '910B2' });
    near(op(moe, 'experts').flops, 48 * 6 * B * 8 * 2048 * 768, 1e-9);
    near(op(moe, 'experts').bytes, 48 * 128 * (1 - (1 - 8 / 128) ** B) * 3 * 2048 * 768 * 2, 1e-9);
    const mla = await call({ model: 'DeepSeek-V3', quant: 'none', phase: 'decode', batch: B, context_tokens: S, chip: '910B2', tp: 16, ep: 16 });
    near(op(mla, 'attention').flops, 61 * 2 * (128 / 16) * (2 * 512 + 64) * B * S, 1e-9);
    near(op(mla, 'attention').bytes, 61 * 576 * 2 * B * S, 1e-9);
  });
});

describe('crossovers and changes', () => {
  it('a dense decode turns compute-bound just above the ridge of 184 rows; the table says the same on both sides', async () => {
    const args = { model: 'Llama-3.1-70B', phase: 'decode', batch: 1, context_tokens: 1, tp: 8, chip: '910B3' };
    const a = await call({ ...args, what_if_json: JSON.stringify({ batch: Array.from({ length: 30 }, (_, i) => 170 + i) }), run: (await call(args)).facts.run });
    const at = a.facts.break_even.find((b) => b.what === 'decode-compute-bound')!.at!;
    expect(at).toBeGreaterThan(184);
    expect(at).toBeLessThan(195);
    const all = JSON.parse(await readFile(a.artifacts[0]!.path, 'utf8')) as { what_if: { change: { batch: number }; bound: string }[] };
    expect(all.what_if).toHaveLength(30);
    expect(all.what_if.find((r) => r.bound === 'compute')!.change.batch).toBe(at);
    expect(a.facts.what_if).toHaveLength(12);
    expect(a.warnings.map((w) => w.code)).toContain('W-CUT');
    expect(JSON.stringify(a).length).toBeLessThan(8000);
  });
  it('drafts on a MoE: gain, break-even acceptance and depth agree with calls of their own', async () => {
    const base = { model: 'DeepSeek-V3', quant: 'w8a8', phase: 'decode', batch: 8, context_tokens: 1000, tp: 16, ep: 16, chip: 'Ascend910_9392' };
    const a = await call({ ...base, num_speculative_tokens: 1, acceptance_rate: 0.85, what_if_json: JSON.stringify({ num_speculative_tokens: [0, 1, 2, 3, 4, 5, 6, 7, 8] }) });
    expect(a.facts.speculation!.tokens_per_sequence_step).toBeCloseTo(1.85, 9);
    const [none, one] = a.facts.what_if;
    near(a.facts.speculation!.speedup_bound, one!.tokens_per_s_upper_bound! / none!.tokens_per_s_upper_bound!, 1e-3);
    const accept = a.facts.break_even.find((b) => b.what === 'mtp-acceptance')!.at!;
    near(1 + accept, one!.time_lower_bound_us! / none!.time_lower_bound_us!, 1e-4);
    const rates = a.facts.what_if.map((r) => r.tokens_per_s_upper_bound!);
    const first = rates.findIndex((r, i) => i > 0 && r <= rates[i - 1]!);
    const depth = a.facts.break_even.find((b) => b.what === 'mtp-depth')!.at;
    if (first >= 0) expect(depth).toBe(first);
    else expect(depth === null || depth > 8).toBe(true);
    near(op(a, 'experts').bytes / op(await call(base), 'experts').bytes, 101.96 / 57.42, 1e-3);
  });
  it('an impossible row leaves the others; unknown links are inconclusive; no chip gives work only', async () => {
    const a = await call({ model: 'Qwen3-8B', phase: 'decode', batch: 4, context_tokens: 100, chip: '910B3', what_if_json: '[{"tp":7},{"tp":8},{"quant":"w8a8"}]' });
    expect(a.facts.what_if.map((r) => r.error === null)).toEqual([false, true, true]);
    expect(a.facts.what_if[2]!.bytes).toBeLessThan(0.62 * a.facts.bytes);
    const p3 = await call({ model: 'Qwen3-8B', phase: 'decode', batch: 4, context_tokens: 100, chip: '310P3', tp: 2 });
    expect(p3.verdict).toBe('inconclusive');
    expect(p3.facts.time_no_overlap_us).toBeNull();
    const bare = await call({ model: 'Qwen3-8B', phase: 'decode', batch: 4, context_tokens: 100 });
    expect([bare.verdict, bare.facts.time_lower_bound_us, bare.facts.break_even.length]).toEqual(['inconclusive', null, 0]);
    expect(bare.facts.flops).toBe(a.facts.flops);
  });
  it('never faster with a larger batch or a longer context, and the fit is told', async () => {
    const a = await call({ model: 'Qwen3-235B-A22B', phase: 'decode', batch: 1, context_tokens: 1000, chip: '910B3', tp: 8, ep: 8, what_if_json: '{"batch":[2,8,32,128],"context_tokens":[2000,8000,32000]}' });
    const times = a.facts.what_if.map((r) => r.time_lower_bound_us!);
    for (const group of [times.slice(0, 4), times.slice(4)]) expect([...group].sort((x, y) => x - y)).toEqual(group);
    const one = await call({ model: 'Qwen3-235B-A22B', phase: 'decode', batch: 1, context_tokens: 1000, chip: '910B3' });
    expect(one.facts.memory.fits).toBe(false);
    expect(one.warnings.map((w) => w.code)).toContain('W-DOES-NOT-FIT');
  });
});

describe('refusals', () => {
  const ok = { model: 'Qwen3-8B', phase: 'decode', batch: 4, context_tokens: 100, chip: '910B3' };
  it.each([
    [{ ...ok, context_tokens: undefined }, 'E_ARG_MISSING'],
    [{ ...ok, phase: 'prefill' }, 'E_ARG_MISSING'],
    [{ ...ok, context_tokens: 0 }, 'E_ARG_TYPE'],
    [{ ...ok, chip: '910B5' }, 'E_ARG_TYPE'],
    [{ ...ok, tp: 7 }, 'E_ARG_CONFLICT'],
    [{ ...ok, num_speculative_tokens: 1 }, 'E_ARG_CONFLICT'],
    [{ ...ok, quant: 'w3' }, 'E_ARG_TYPE'],
    [{ ...ok, batch: 1.5 }, 'E_ARG_TYPE'],
    [{ ...ok, tp: 0 }, 'E_ARG_TYPE'],
    [{ ...ok, acceptance_rate: 2 }, 'E_ARG_TYPE'],
    [{ ...ok, model: 'no-such-model' }, 'E_PATH_MISSING'],
    [{ ...ok, what_if_json: '{"batch":' }, 'E_JSON_BROKEN'],
    [{ ...ok, what_if_json: '{"colour":[1]}' }, 'E_ARG_UNKNOWN'],
    [{ ...ok, what_if_json: '{"batch":["x"]}' }, 'E_ARG_TYPE'],
    [{ ...ok, what_if_json: '{"input_tokens":[5]}' }, null],
  ])('%j', async (args, code) => {
    const given = JSON.parse(JSON.stringify(args)) as Record<string, unknown>;
    if (code === null) expect((await call(given)).facts.what_if[0]!.error).toContain('E_ARG_CONFLICT');
    else expect((await fail(given)).code).toBe(code);
  });
});

describe('a measured profile', () => {
  const shape = { model_type: 'qwen3', hidden_size: 4096, num_attention_heads: 32, num_key_value_heads: 8, head_dim: 128, intermediate_size: 12_288, vocab_size: 151_936, torch_dtype: 'bfloat16' };
  const capture = join(dir, 'capture');
  it('MFU and MBU are planted work over planted kernel time; recompute gives the same bytes; a wrong model is refused', async () => {
    const made = makeDecodeCapture({ layers: 4, steps: 4, batch: 16, contextTokens: 2048 });
    await writeCapture(capture, made.capture, ['msprof-db']);
    await mkdir(join(dir, 'm'), { recursive: true });
    await writeFile(join(dir, 'm', 'config.json'), JSON.stringify({ ...shape, num_hidden_layers: 4 }));
    const args = { model: join(dir, 'm'), phase: 'decode', batch: 16, context_tokens: 2048, profile: capture, chip: '910B3' };
    const a = await call(args);
    const kernels = made.capture.processes.flatMap((p) => [...p.tasks]).filter((t) => t.kernel !== null && t.kernel.coreType !== 'AI_CPU');
    const total = kernels.reduce((s, t) => s + t.durationNs, 0) / 1000;
    expect(a.facts.point.chip).toBe('Ascend910B3');
    expect(a.facts.measured!.steps).toBe(4);
    near(a.facts.measured!.kernel_us, total / 4, 1e-6);
    const w = 4 * (4096 * 4096 * 2 + 2 * 4096 * 1024 + 3 * 4096 * 12_288) + 4096 * 151_936;
    near(a.facts.mfu_pct, ((2 * 16 * w + 4 * 4 * 32 * 128 * 16 * 2048) / (294.912e12 * (total / 4) * 1e-6)) * 100, 1e-3);
    near(a.facts.mbu_pct, ((2 * w + 4 * 2 * 8 * 128 * 2 * 16 * 2048) / (1.6e12 * (total / 4) * 1e-6)) * 100, 1e-3);
    expect(a.facts.calibrated).toBe(true);
    expect(a.warnings.map((x) => x.code)).toEqual(expect.arrayContaining(['W-SIMULATED', 'W-PROFILED']));
    const host = openHost(ctx.config);
    const verdict = await verifyRun(await new Runs(host).open(a.facts.run), host, computeDerivations);
    expect(verdict.facts).toMatchObject({ recomputed_equal: true, hash_mismatches: [] });
    await writeFile(join(dir, 'm', 'config.json'), JSON.stringify({ ...shape, hidden_size: 16_384, num_hidden_layers: 4 }));
    const error = await fail(args);
    expect(error.code).toBe('E_ARG_CONFLICT');
    expect(error.seen).toMatch(/under the bound/);
  });
});

it('the tool keeps its budget', () => {
  expect((computeSimulate.name.length + computeSimulate.description.length + JSON.stringify(computeSimulate.inputSchema).length) / 4).toBeLessThanOrEqual(400);
});
