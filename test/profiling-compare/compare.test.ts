import { describe, expect, it } from 'vitest';
import { compareAnalyses } from '../../server/profiling/compare/compare.js';
import type { CompareFacts, DeviceTimes, OpTime } from '../../server/profiling/compare/facts.js';
import { canonicalOp } from '../../server/profiling/compare/names.js';

const device = (ops: readonly OpTime[], over: Partial<DeviceTimes> = {}): DeviceTimes => {
  const computingNs = over.computingNs ?? ops.reduce((a, o) => a + o.totalNs, 0);
  const [exposedNs, freeNs] = [over.exposedNs ?? 0, over.freeNs ?? 0];
  return { device: 0, rank: null, computingNs, exposedNs, freeNs, spanNs: computingNs + exposedNs + freeNs, split: null, ops, collectives: [], ...over };
};
const facts = (...devices: DeviceTimes[]): CompareFacts => ({ sources: [], devices, steps: null });
const op = (opType: string, count: number, totalNs: number, shapes = ''): OpTime => ({ opType, count, totalNs, shapes });

function compared(a: CompareFacts, b: CompareFacts) {
  const result = compareAnalyses(a, b);
  if (result === null) throw new Error('nothing compared');
  return result;
}
const moved = (result: ReturnType<typeof compared>): Record<string, number> => Object.fromEntries(result.contributions.map((c) => [`${c.op ?? ''}/${c.cause}`, c.delta_us]));

describe('compareAnalyses', () => {
  it('splits an op by hand: more calls at the old mean, then the time per call', () => {
    // 10 calls of 10 us → 15 calls of 12 us: 50 us by calls, 30 us by time per call.
    const result = compared(facts(device([op('MatMulV2', 10, 100_000)])), facts(device([op('MatMulV3', 15, 180_000)])));
    expect(moved(result)).toEqual({ 'MatMul/calls': 50, 'MatMul/per-call': 30 });
    expect(result.delta_us).toBe(80);
    expect(result.contributions[0]).toMatchObject({ baseline_ops: ['MatMulV2'], candidate_ops: ['MatMulV3'] });
    expect(result.notes.map((n) => n.code)).toEqual(['compare-names']);
  });

  it('keeps new, gone and reshaped work apart', () => {
    const a = facts(device([op('Cast', 4, 8_000, '8,16'), op('Add', 2, 3_000, '4'), op('Mul', 1, 5_000, '2')]));
    const b = facts(device([op('SwiGlu', 3, 9_000, '8'), op('Add', 2, 3_500, '4'), op('Mul', 1, 7_000, '64')]));
    expect(moved(compared(a, b))).toEqual({ 'SwiGlu/new': 9, 'Cast/gone': -8, 'Add/per-call': 0.5, 'Mul/shapes': 2 });
  });

  it('names communication, free time and overlapped kernels', () => {
    const split = (idleNs: number): DeviceTimes['split'] => ({ memcpyNs: 1_000, eventWaitNs: 0, aicpuNs: 0, idleNs });
    const a = facts(device([op('Add', 1, 10_000)], { exposedNs: 2_000, freeNs: 5_000, split: split(4_000) }));
    const b = facts(device([op('Add', 1, 10_000)], { computingNs: 9_000, exposedNs: 8_000, freeNs: 8_000, split: split(7_000) }));
    expect(moved(compared(a, b))).toEqual({ '/exposed-communication': 6, '/idle': 3, '/kernel-overlap': -1 });
  });

  it('finds nothing between a capture and itself', () => {
    const same = facts(device([op('Add', 3, 999, '4'), op('Mul', 7, 1_001)], { exposedNs: 17, freeNs: 3 }));
    expect(compared(same, same)).toMatchObject({ delta_us: 0, contributions: [], notes: [] });
  });

  it('says when the amount of work or the devices differ, and compares the longest device then', () => {
    const a = facts(device([op('ArgMaxV2', 3, 300), op('Add', 1, 1_000)]));
    const b = facts(device([op('ArgMaxV2', 5, 500), op('Add', 1, 1_000)], { device: 1 }), device([op('Add', 1, 700)], { device: 2 }));
    const result = compared(a, b);
    expect(result.notes.map((n) => n.code)).toEqual(['compare-devices', 'compare-steps']);
    expect(result.candidate).toMatchObject({ devices: ['device 1'], sampler_calls: 5 });
    expect(result.delta_us).toBe(0.2);
  });

  it('has nothing to say without a window', () => {
    expect(compareAnalyses(facts(), facts(device([])))).toBeNull();
  });

  it('adds up to the difference of the spans, in ns, whatever the tables are', () => {
    let seed = 7;
    const random = (n: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * n);
    };
    const names = ['MatMulV2', 'MatMulV3', 'Add', 'Cast', 'TransposeD', 'Transpose', 'SoftmaxV2', 'aclnnMm_MatMulCommon_MatMulV2'];
    const table = (): OpTime[] => Array.from({ length: random(12) }, () => op(names[random(names.length)] ?? 'Add', 1 + random(9), 1 + random(1_000_003), random(4) === 0 ? '' : `${1 + random(3)},4`));
    const whole = random(2) === 0;
    for (let round = 0; round < 300; round += 1) {
      const one = (id: number): DeviceTimes => {
        const ops = table();
        const parts = { memcpyNs: random(999), eventWaitNs: random(999), aicpuNs: random(999), idleNs: random(99_999) };
        const freeNs = parts.memcpyNs + parts.eventWaitNs + parts.aicpuNs + parts.idleNs;
        return device(ops, { device: id, computingNs: random(5_000_000), exposedNs: random(77_777), freeNs, split: whole || random(3) > 0 ? parts : null });
      };
      const [a, b] = [facts(one(0), one(1)), facts(one(0), one(1))];
      const result = compared(a, b);
      const span = (f: CompareFacts): number => f.devices.reduce((s, d) => s + d.computingNs + d.exposedNs + d.freeNs, 0);
      const total = result.contributions.reduce((s, c) => s + Math.round(c.delta_us * 1000), 0);
      expect(total).toBe(span(b) - span(a));
      expect(Math.round(result.delta_us * 1000)).toBe(total);
    }
  });
});

describe('canonicalOp', () => {
  it('cuts what versions and builds append, and nothing else', () => {
    expect(['MatMulV2', 'MatMulV3', 'aclnnMm_MatMulV3Common_MatMulV3', 'MatMulV2_ND_ND_FP16_FP16_false_true_all_98433'].map(canonicalOp)).toEqual(Array(4).fill('MatMul'));
    expect(canonicalOp('Cast_9f288b80370c6545ffe8cef142d37f5c_high_performance_210000000')).toBe('Cast');
    expect(canonicalOp('TransposeD')).toBe('Transpose');
    expect(canonicalOp('BatchMatMulV2')).toBe('BatchMatMul');
    // Other work, other name.
    for (const name of ['AddRmsNorm', 'TransData', 'GroupedMatmulSwigluQuant', 'post_kernel']) expect(canonicalOp(name)).toBe(name);
  });
});
