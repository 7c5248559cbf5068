import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { check, type LoopUpdateFacts, type SchemaName, type ToolFailed, type ToolOk } from '../../server/contract/index.js';
import { openHost } from '../../server/host/host.js';
import { historySearch, loopUpdate } from '../../server/loop/loop-tools.js';
import { Registry } from '../../server/mcp/registry.js';
import { Runs, type NewRun, type Run } from '../../server/runs/runs.js';
import { minimal } from '../helpers/minimal.js';
import { tempFolder, testContext } from '../helpers/temp.js';

const dir = await tempFolder();
const ctx = testContext(dir);
const registry = new Registry([loopUpdate, historySearch], () => undefined);
const by = { tool: 'test', input: {} };
let run: Run;
let n = 0;
type Answer = ToolOk & { facts: LoopUpdateFacts };

async function call(args: Record<string, unknown>): Promise<Answer> {
  const answer = await registry.call('loop_update', { run: run.id, ...args }, ctx);
  if (answer.isError) throw new Error(answer.text);
  return answer.structured as Answer;
}
async function fail(args: Record<string, unknown>): Promise<ToolFailed['error']> {
  const answer = await registry.call('loop_update', { run: run.id, ...args }, ctx);
  expect(answer.isError).toBe(true);
  return (answer.structured as ToolFailed).error;
}
const create = async (more: Partial<NewRun> = {}): Promise<Run> => new Runs(openHost(ctx.config)).create({ purpose: 'loop', level: 'quick', targetMetric: 'tpot_ms.mean', targetChangePct: -10, ...more }, by);

/** A schema-valid artifact, hashed and in the ledger, as a tool writes it. */
async function put(schema: SchemaName, over: Record<string, unknown>, into: Run = run): Promise<string> {
  const envelope = ['schema', 'schema_version', 'producer', 'created_at', 'simulated', 'source'];
  const body = Object.fromEntries(Object.entries(minimal(schema, over)).filter(([key]) => !envelope.includes(key)));
  const [artifact] = await into.writeComputed(by, { by: 'test', params: {} }, { simulated: false, sources: [], files: [{ path: `${schema}/${String((n += 1))}.json`, kind: schema, schema, body }] });
  return artifact?.path ?? '';
}
const point = (over: Record<string, unknown> = {}): Record<string, unknown> => {
  const made = minimal('perf-metrics', {});
  expect(made['points']).toEqual([]);
  const schema = { latency: { mean: null, p50: null, p90: null, p95: null, p99: null } };
  return {
    id: 'p', repeat: 1, parallel: 4, rate: null, number: 40, success: 40, failed: 0, duration_s: 10, started_at: null, ended_at: null, warmup: 4, repeats: 1, repeated_prompts: null, graph_captures: null, stream: true,
    sampling: { temperature: 0, top_p: null, top_k: null, seed: null, ignore_eos: true }, ttft_ms: schema.latency, tpot_ms: { ...schema.latency, mean: 20 }, itl_ms: schema.latency, e2el_ms: schema.latency,
    output_tps: 100, total_tps: 100, request_tps: 1, input_tokens: { mean: 10, p50: null, p90: null, p95: null, p99: null }, output_tokens: { mean: 10, p50: null, p90: null, p95: null, p99: null },
    speculative: null, client: { name: 'evalscope', version: '1.14.0', output_generation: null }, ...over,
  };
};
const compared = (verdict: string, delta: number, over: Record<string, unknown> = {}): Record<string, unknown> => ({
  verdict, grade: 'indicative', claim: { metric: 'tpot_ms.mean', direction: 'decrease', threshold_pct: null, equivalence_pct: 1, confidence: 0.95, origin: 'asked' },
  metrics: [{ ...row, delta_pct: delta }], ...over,
});
/** One row of a comparison: what the schema asks for, all unknown but what counts. */
const row = ((): Record<string, unknown> => {
  const metric = JSON.parse(JSON.stringify(minimalDef('comparison-report', 'metric'))) as Record<string, unknown>;
  return { ...metric, metric: 'tpot_ms.mean', primary: true, n_baseline: 5, n_candidate: 5 };
})();
function minimalDef(name: string, def: string): unknown {
  return minimal(`${name}.schema.json#/$defs/${def}`);
}

/** Everything up to the plan, as the tools would have left it. */
async function untilPlan(): Promise<void> {
  await call({ action: 'start' });
  for (const phase of ['before', 'idle']) await put('env-snapshot', { phase, verdict: 'clean', origin: 'host' });
  await run.updateManifest(by, 'captured', { environment: { chip: 'Ascend910B3', devices: [0, 1] } });
  await registry.call('history_search', { query: 'mtp' }, ctx);
  await put('perf-metrics', { points: [point()] });
  await put('compute-estimate', { time_lower_bound_us: 8000, verdict: 'memory-bound' });
  await put('profiling-analysis', { bottleneck: { class: 'host-bound', confidence: 'high', evidence: [] } });
  for (const phase of ['target', 'environment', 'history', 'baseline', 'gap', 'evidence']) expect(await call({ action: 'submit', phase }), phase).toMatchObject({ verdict: 'advanced' });
}
async function oneAttempt(change: string, verdict: string, delta: number, outcome: string): Promise<Answer> {
  expect((await call({ action: 'attempt', hypothesis: 'launches are the limit', change })).verdict).toBe('open');
  await put('comparison-report', compared(verdict, delta));
  return call({ action: 'attempt', outcome, reason: 'measured' });
}

beforeEach(async () => {
  run = await create();
});

describe('gates', () => {
  it('each phase says what is missing and which tool brings it, and opens when it is there', async () => {
    run = await create({ targetMetric: null, targetChangePct: null });
    await call({ action: 'start' });
    expect(await call({ action: 'submit' })).toMatchObject({ verdict: 'blocked', facts: { phase: 'target', gate: [{ ok: false, tool: 'run_create' }] } });
    run = await create();
    await call({ action: 'start' });
    await call({ action: 'submit' });
    const waiting = await call({ action: 'submit' });
    expect(waiting).toMatchObject({ verdict: 'blocked', facts: { phase: 'environment' } });
    expect(waiting.next.map((x) => x.tool)).toEqual(['env_probe']);
    await put('env-snapshot', { phase: 'before', verdict: 'contaminated', origin: 'host' });
    expect((await call({ action: 'submit' })).verdict).toBe('blocked');
  });
  it.each([
    ['no warm-up', { warmup: 0 }, 'request warm-up'],
    ['failed requests', { failed: 1, success: 39 }, 'no failed requests'],
    ['every request failed', { failed: 40, success: 0 }, 'no failed requests'],
  ])('a baseline with %s does not pass', async (_, over, need) => {
    await call({ action: 'start' });
    for (const phase of ['before', 'idle']) await put('env-snapshot', { phase, verdict: 'clean', origin: 'host' });
    await run.updateManifest(by, 'captured', { environment: { chip: 'Ascend910B3' } });
    await registry.call('history_search', { query: 'x' }, ctx);
    for (let i = 0; i < 3; i += 1) await call({ action: 'submit' });
    await put('perf-metrics', { points: [point(over)] });
    const answer = await call({ action: 'submit' });
    expect(answer.verdict).toBe('blocked');
    expect(answer.facts.gate.filter((g) => !g.ok).map((g) => g.need).join()).toContain(need);
  });
  it('a formal loop wants formal runs', async () => {
    run = await create({ level: 'formal' });
    const other = await create();
    await call({ action: 'start' });
    for (const phase of ['before', 'idle']) await put('env-snapshot', { phase, verdict: 'clean', origin: 'host' }, other);
    await put('perf-metrics', { points: [point()] }, other);
    await run.updateManifest(by, 'captured', { environment: { chip: 'Ascend910B3', devices: [0] } });
    await registry.call('history_search', { query: 'x' }, ctx);
    for (let i = 0; i < 3; i += 1) await call({ action: 'submit', evidence: [other.id] });
    const answer = await call({ action: 'submit' });
    expect(answer.facts.gate.filter((g) => !g.ok).map((g) => g.need)).toEqual(['runs of level formal']);
  });
  it('a phase out of turn is blocked; an artifact that was edited afterwards closes the gate', async () => {
    await call({ action: 'start' });
    expect((await call({ action: 'submit', phase: 'performance' })).verdict).toBe('blocked');
    const path = await put('env-snapshot', { phase: 'before', verdict: 'contaminated', origin: 'host' });
    await writeFile(path, (await readFile(path, 'utf8')).replace('contaminated', 'clean'));
    await call({ action: 'submit' });
    const answer = await call({ action: 'submit' });
    expect(answer.verdict).toBe('blocked');
    expect(answer.next.map((x) => x.tool)).toContain('run_validate');
  });
});

describe('attempts', () => {
  it('one at a time, one change each, never before the plan', async () => {
    await call({ action: 'start' });
    expect((await call({ action: 'attempt', hypothesis: 'h', change: 'enable_graph=true' })).verdict).toBe('blocked');
    await untilPlan();
    for (const change of ['enable_graph=true, block_size=256', 'a=1 b=2', 'just faster']) expect((await call({ action: 'attempt', hypothesis: 'h', change })).verdict, change).toBe('blocked');
    expect((await call({ action: 'attempt', hypothesis: 'h', change: 'enable_graph=true' })).verdict).toBe('open');
    expect((await call({ action: 'attempt', hypothesis: 'h2', change: 'block_size=256' })).verdict).toBe('blocked');
    expect((await fail({ action: 'attempt' })).code).toBe('E_ARG_MISSING');
  });
  it('a gain must be computed, and a failed attempt stays with its reason', async () => {
    await untilPlan();
    await call({ action: 'attempt', hypothesis: 'h', change: 'enable_graph=true' });
    expect((await call({ action: 'attempt', outcome: 'gain' })).verdict).toBe('blocked');
    await put('comparison-report', compared('refuted', 4));
    expect((await call({ action: 'attempt', outcome: 'gain' })).verdict).toBe('blocked');
    const closed = await call({ action: 'attempt', outcome: 'regression', reason: 'slower' });
    expect(closed.facts.attempts).toMatchObject([{ n: 1, outcome: 'regression', delta_pct: 4, reason: 'slower' }]);
    expect(closed.facts.phase).toBe('evidence');
    expect(closed.facts.gap_pct).toBe(14);
  });
  it('the patch gate sees the flag in the command of a service started after the attempt', async () => {
    await untilPlan();
    await put('service-record', { command: [['xllm', '--enable_graph=true']] });
    await call({ action: 'attempt', hypothesis: 'h', change: 'enable_graph=true' });
    expect(await call({ action: 'submit' })).toMatchObject({ verdict: 'advanced', facts: { phase: 'patch' } });
    expect((await call({ action: 'submit' })).verdict).toBe('blocked');
    await put('service-record', { command: [['xllm', '--enable_graph=false']] });
    expect((await call({ action: 'submit' })).verdict).toBe('blocked');
    await put('service-record', { command: [['xllm', '--enable_graph=true']] });
    expect(await call({ action: 'submit' })).toMatchObject({ verdict: 'advanced', facts: { phase: 'review' } });
    expect(await call({ action: 'submit' })).toMatchObject({ verdict: 'advanced', facts: { phase: 'accuracy' } });
    await put('accuracy-comparison', { verdict: 'regression' });
    expect((await call({ action: 'submit' })).verdict).toBe('blocked');
    await put('accuracy-comparison', { verdict: 'no-regression' });
    expect(await call({ action: 'submit' })).toMatchObject({ verdict: 'advanced', facts: { phase: 'performance' } });
    await put('comparison-report', compared('inadmissible', -30));
    expect((await call({ action: 'submit' })).verdict).toBe('blocked');
    const report = await put('comparison-report', compared('supported', -12));
    expect(await call({ action: 'submit' })).toMatchObject({ verdict: 'advanced', facts: { phase: 'record', gap_pct: 0 } });
    const card = { title: 'graph', framework: 'xllm', model_family: 'Qwen3', scenario: 'decode', change: 'enable_graph=true', effect: [], touched_paths: [], risks: [], next_checks: [], status: 'pending', confidence: 'low', evidence: [{ path: report, note: 'comparison' }] };
    expect((await call({ action: 'submit' })).verdict).toBe('blocked');
    await registry.call('history_search', { record_json: JSON.stringify(card) }, ctx);
    expect(await call({ action: 'submit' })).toMatchObject({ verdict: 'target-met', facts: { stop_reason: 'target-met', attempts: [{ n: 1, outcome: 'gain', delta_pct: -12, closed_at: expect.any(String) }] } });
    expect((await fail({ action: 'submit' })).code).toBe('E_ARG_CONFLICT');
  });
});

describe('stops', () => {
  it('three attempts in a row without gain', async () => {
    await untilPlan();
    for (const [i, flag] of ['a=1', 'b=1', 'c=1'].entries()) {
      if (i > 0) {
        await put('profiling-analysis', { bottleneck: { class: 'host-bound', confidence: 'high', evidence: [] } });
        await call({ action: 'submit' });
      }
      const answer = await oneAttempt(flag, 'refuted', 2, 'regression');
      expect(answer.verdict).toBe(i === 2 ? 'stopped' : 'open');
    }
    expect((await call({ action: 'status' })).facts).toMatchObject({ stop_reason: 'no-gain' });
  });
  it('a tie within 1 % over three comparisons; a wider equivalence does not count', async () => {
    await untilPlan();
    for (let i = 0; i < 3; i += 1) await put('comparison-report', compared('equivalent', 0.2, { claim: { ...(compared('x', 0)['claim'] as object), equivalence_pct: 3 } }));
    expect((await call({ action: 'submit' })).facts.stop_reason).toBeNull();
    for (let i = 0; i < 3; i += 1) await put('comparison-report', compared('equivalent', 0.2));
    expect((await call({ action: 'submit' })).facts.stop_reason).toBe('tie');
  });
  it('at the bound of the hardware', async () => {
    await untilPlan();
    const measured = minimalDef('compute-estimate', 'measured') as Record<string, unknown>;
    await put('compute-estimate', { time_lower_bound_us: 8000, measured: { ...measured, step_us: 8900 } });
    expect((await call({ action: 'submit' })).facts.stop_reason).toBeNull();
    await put('compute-estimate', { time_lower_bound_us: 8000, measured: { ...measured, step_us: 8700 } });
    expect((await call({ action: 'submit' })).facts.stop_reason).toBe('hardware-bound');
  });
  it('asked, with the reason', async () => {
    await call({ action: 'start' });
    expect((await fail({ action: 'stop' })).code).toBe('E_ARG_MISSING');
    expect(await call({ action: 'stop', reason: 'no A3 host' })).toMatchObject({ verdict: 'stopped', facts: { stop_reason: 'asked' } });
  });
});

it('somebody else goes on from the file alone: a new process sees the same, status writes nothing', async () => {
  await untilPlan();
  await call({ action: 'attempt', hypothesis: 'h', change: 'enable_graph=true' });
  const file = join(run.dir, 'loop.json');
  const before = await readFile(file, 'utf8');
  expect(check('loop-state', JSON.parse(before)).ok).toBe(true);
  expect((await run.artifacts()).find((a) => a.path === file)?.schema).toBe('loop-state');
  await expect(run.writeReport(by, [{ path: 'loop.json', kind: 'loop-state', schema: 'loop-state', text: '{"phase":"record"}' }])).rejects.toMatchObject({ code: 'E_ARTIFACT_INVALID' });
  const answer = await new Registry([loopUpdate], () => undefined).call('loop_update', { run: run.id, action: 'status' }, testContext(dir));
  expect(answer.structured).toMatchObject({ verdict: 'open', facts: { phase: 'plan', attempts: [{ n: 1, change: 'enable_graph=true', closed_at: null }] } });
  expect(await readFile(file, 'utf8')).toBe(before);
  expect((await fail({ action: 'submit', evidence: ['/etc/hostname'] })).code).toMatch(/^E_PATH/);
});
it('a loop that has not begun, or whose file was damaged, says so', async () => {
  expect((await fail({ action: 'status' })).code).toBe('E_ARG_CONFLICT');
  await call({ action: 'start' });
  await writeFile(join(run.dir, 'loop.json'), '{"phase":"record"}');
  expect((await fail({ action: 'status' })).code).toBe('E_RUN_TAMPERED');
});
