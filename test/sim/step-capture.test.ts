import { describe, expect, it } from 'vitest';
import { captureFromSteps } from '../../server/sim/step-capture.js';
import { onRank, toWire, type StepRecord } from '../../server/sim/step-record.js';
import type { ServiceCapture } from '../../server/sim/profiling-socket.js';
import type { SimProcess, SimTask } from '../../server/sim/capture.js';

const config = { level: 'l1', aicMetrics: 'PipeUtilization', flags: {} } as const;
const start = 1_772_420_645_006_000_123n;
const model = { model_type: 'qwen3', hidden_size: 1024, num_hidden_layers: 4, num_attention_heads: 16, num_key_value_heads: 8, head_dim: 128, intermediate_size: 3072, vocab_size: 1000, max_position_embeddings: 4096, torch_dtype: 'bfloat16' };

/** A step of a device that sets the pace: 2 ms compute, 0.4 ms transfer, 10 % left idle. */
function step(index: number, change: Partial<StepRecord> = {}): StepRecord {
  return { index, phase: 'decode', startNs: start + BigInt(index) * 3_000_000n, hostGap_us: 360, duration_us: 2640, compute_us: 2000, communication_us: 400, commWait_us: 0, launch_us: 200, graph: false, capture: false, sequences: 8, prefillTokens: 0, decodeTokens: 8, contextTokens: 8000, draftSteps: 0, ...change };
}
function taken(steps: readonly StepRecord[], change: Partial<ServiceCapture> = {}): ServiceCapture {
  return { simulated: true, framework: 'xllm', pid: 4242, rank: 0, world_size: 2, device: 5, chip: 'Ascend910B3', seed: 9, tp: 2, dp: 1, ep: 1, model_config: model, draft_config: null, block_size: 128, graph_enabled: false, launch_us: 4, compute_factor: 1, started_ns: String(start - 50_000n), stopped_ns: String(start + BigInt(steps.length) * 3_000_000n), steps: steps.map(toWire), ...change };
}
function made(steps: readonly StepRecord[], change: Partial<ServiceCapture> = {}): { process: SimProcess; tasks: SimTask[]; inStep: (i: number) => SimTask[] } {
  const process = captureFromSteps(taken(steps, change), config).processes[0]!;
  const tasks = [...process.tasks];
  return { process, tasks, inStep: (i) => tasks.filter((t) => t.startNs >= steps[i]!.startNs && t.startNs < steps[i]!.startNs + BigInt(Math.round(steps[i]!.duration_us * 1000)) + 1n) };
}
const end = (t: { startNs: bigint; durationNs: number }): bigint => t.startNs + BigInt(t.durationNs);
const compute = (tasks: readonly SimTask[]): number => tasks.filter((t) => t.kernel !== null).reduce((s, t) => s + t.durationNs, 0) / 1000;

describe('device tasks follow the recorded steps', () => {
  const steps = [step(0), step(1, { phase: 'prefill', prefillTokens: 512, decodeTokens: 0, contextTokens: 0, compute_us: 2200 }), step(2), step(3, { graph: true, launch_us: 0 })];
  const { process, tasks, inStep } = made(steps);
  it('from first task to last they cover each step exactly, and their kernels take its compute time', () => {
    let seen = 0;
    steps.forEach((s, i) => {
      const mine = inStep(i);
      seen += mine.length;
      expect(mine[0]!.startNs).toBe(s.startNs);
      expect(Number(mine.map(end).reduce((a, b) => (a > b ? a : b)) - s.startNs) / 1000).toBeCloseTo(s.duration_us, 1);
      expect(Math.abs(compute(mine) - s.compute_us)).toBeLessThan(0.2);
    });
    expect(seen).toBe(tasks.length);
  });
  it('no task starts before the one in front of it on its stream has ended, nor before its launch', () => {
    const launched = new Map([...process.apis].map((a) => [a.connectionId, a.startNs]));
    tasks.slice(1).forEach((t, i) => expect(t.startNs >= end(tasks[i]!)).toBe(true));
    for (const t of tasks) if (t.connectionId !== -1) expect(launched.get(t.connectionId)! <= t.startNs).toBe(true);
    const apis = [...process.apis];
    apis.slice(1).forEach((a, i) => expect(a.startNs >= end(apis[i]!)).toBe(true));
  });
  it('collectives are two per layer and take the recorded transfer time', () => {
    const ops = [...process.commOps];
    expect(ops).toHaveLength(4 * 2 * steps.length);
    const first = ops.filter((o) => o.startNs < steps[1]!.startNs).reduce((s, o) => s + o.durationNs, 0) / 1000;
    expect(first).toBeCloseTo(400, 0);
  });
  it('prefill shows by its tokens, a graph by one launch', () => {
    const shape = (i: number): string => inStep(i).find((t) => t.kernel?.opType === 'FusedInferAttentionScore')!.kernel!.inputShapes;
    expect(shape(0)).toMatch(/^8,1,8,128;/);
    expect(shape(1)).toMatch(/^512,8,128;/);
    const launches = (i: number): number => new Set(inStep(i).filter((t) => t.kernel !== null).map((t) => t.connectionId)).size;
    expect(launches(3)).toBe(1);
    expect(launches(0)).toBe(inStep(0).filter((t) => t.kernel !== null).length);
  });
  it('the process, its device and its group are those of the service; the rank stays unknown, as in msprof', () => {
    expect(process).toMatchObject({ pid: 4242, rank: null, devices: [{ id: 5, rank: null, chip: 'Ascend910B3' }] });
    expect(Object.values(captureFromSteps(taken(steps), config).config.groups)).toEqual([[0, 1]]);
  });
});

describe('what is wrong with the service shows', () => {
  it('a slow rank: it computes longer, the other waits in every collective, and both end each together', () => {
    const base = [step(0), step(1)].map((s) => ({ ...s, duration_us: 2000 * 1.4 + 400 + 100, startNs: s.startNs * 1n }));
    const fast = made(base.map((s) => onRank(s, 1, 1.4)), { rank: 0 });
    const slow = made(base.map((s) => onRank(s, 1.4, 1.4)), { rank: 1, device: 6, compute_factor: 1.4, started_ns: String(start - 9000n) });
    expect(compute(slow.tasks) / compute(fast.tasks)).toBeCloseTo(1.4, 2);
    const [a, b] = [[...fast.process.commOps], [...slow.process.commOps]];
    expect(a.map((o) => o.name)).toEqual(b.map((o) => o.name));
    expect(a.map((o) => o.group)).toEqual(b.map((o) => o.group));
    a.forEach((o, i) => expect(Math.abs(Number(end(o) - end(b[i]!)))).toBeLessThanOrEqual(2));
    const waits = a.reduce((s, o, i) => s + Number(b[i]!.startNs - o.startNs), 0) / 1000;
    // The last kernels of a step, after its last collective, are waited for by nobody.
    expect(waits).toBeGreaterThan(0.9 * 2 * 2000 * 0.4);
    expect(waits).toBeLessThanOrEqual(2 * 2000 * 0.4 + 1);
  });
  it('a slow host: the same kernels stand apart, each right behind its launch', () => {
    const host = made([step(0, { launch_us: 20_000, duration_us: 20_500 })], { world_size: 1, tp: 1 });
    const kernels = host.tasks.filter((t) => t.kernel !== null);
    expect(Math.abs(compute(host.tasks) - 2000)).toBeLessThan(0.2);
    const launched = new Map([...host.process.apis].map((x) => [x.connectionId, end(x)]));
    const late = kernels.slice(1).filter((t) => Number(t.startNs - launched.get(t.connectionId)!) < 12_000);
    expect(late.length).toBeGreaterThan(kernels.length * 0.9);
    expect(Number(end(host.tasks.at(-1)!) - start) / 1000).toBeCloseTo(20_500, 1);
  });
  it('a graph captured inside: one stall in front, kernels close together behind it', () => {
    const captured = made([step(0, { capture: true, duration_us: 182_640 })]);
    const kernels = captured.tasks.filter((t) => t.kernel !== null);
    expect(Number(kernels[0]!.startNs - start) / 1000).toBeGreaterThan(179_000);
    expect([...captured.process.apis].some((x) => x.name === 'aclmdlRICaptureEnd' && x.durationNs > 170_000_000)).toBe(true);
  });
  it('task-time l0 takes no counters', () => {
    const l0 = captureFromSteps(taken([step(0)]), { level: 'l0', aicMetrics: 'PipeUtilization', flags: {} });
    expect([...l0.processes[0]!.tasks].every((t) => t.pmu === null)).toBe(true);
    expect(made([step(0)]).tasks.some((t) => t.pmu !== null)).toBe(true);
  });
  it('drafts add their kernels, and a model of experts still makes its collectives', () => {
    const plain = made([step(0)]).tasks.length;
    expect(made([step(0, { draftSteps: 2 })]).tasks.length).toBeGreaterThan(plain);
    expect([...made([step(0)], { tp: 1, ep: 2 }).process.commOps].length).toBeGreaterThan(0);
  });
});
