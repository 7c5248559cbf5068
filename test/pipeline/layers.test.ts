import { expect, it } from 'vitest';
import { makeProfile, type Task } from '../profiling/make.js';
import { decodeOps, judge, laid } from './make.js';

/** Eight decode steps of `layers` layers; kernels of the layers in `longer` take 3,000 ns more each. */
function layered(layers: number, longer: readonly number[] = []): Task[] {
  const perLayer = 9;
  const ops = decodeOps(layers).map((op, i) => (longer.includes(Math.floor((i - 1) / perLayer)) && i > 0 && i <= layers * perLayer ? { ...op, dur: 4500 } : op));
  return laid(Array.from({ length: 8 }, () => ({ ops, gapNs: 3000 }))).tasks;
}

it('counts the layers of a step, and tells their time: nine kernels of 1,500 ns, each with its gap', () => {
  const { layers } = judge(makeProfile({ tasks: layered(12), ops: null, apis: null })).analysis;
  expect(layers).toMatchObject({ count: 12, steps: 8, stage: 'decode', per_layer_us: 18 });
  expect(layers?.pattern).toHaveLength(9);
  expect([...(layers?.pattern ?? [])].sort()).toEqual(['AddRmsNorm', 'AddRmsNorm', 'ApplyRotaryPosEmb', 'FusedInferAttentionScore', 'MatMulV3', 'MatMulV3', 'MatMulV3', 'MatMulV3', 'SwiGlu']);
  expect(layers?.layers.every((l) => l.odd === null)).toBe(true);
});

it('names the slow layer', () => {
  const { analysis, findings } = judge(makeProfile({ tasks: layered(10, [6]), ops: null, apis: null }));
  expect(analysis.layers?.layers.filter((l) => l.odd !== null).map((l) => [l.layer, l.odd])).toEqual([[6, 'slower']]);
  expect(findings.find((f) => f.id === 'odd-layer')?.evidence[0]?.where).toContain('layer 6');
});

it('a layer of another make is odd by its sequence', () => {
  const tasks = laid(Array.from({ length: 6 }, () => ({ ops: decodeOps(10).flatMap((op, i) => (i === 9 * 4 + 3 ? [op, { op: 'Cast' }] : [op])), gapNs: 3000 }))).tasks;
  const { layers } = judge(makeProfile({ tasks, ops: null, apis: null })).analysis;
  expect(layers?.count).toBe(10);
  expect(layers?.layers.filter((l) => l.odd !== null).map((l) => [l.layer, l.odd])).toEqual([[4, 'sequence']]);
});

it('nothing repeats: no layers, and a note', () => {
  const ops = Array.from({ length: 20 }, (_, i) => ({ op: i === 19 ? 'ArgMaxV2' : `Op${String.fromCharCode(65 + i)}` }));
  const { analysis } = judge(makeProfile({ tasks: laid(Array.from({ length: 5 }, () => ({ ops, gapNs: 3000 }))).tasks, ops: null, apis: null }));
  expect(analysis.layers).toBeNull();
  expect(analysis.incomplete.map((i) => i.code)).toContain('no-layers');
});

it('a step that stalls is named, with its excess', () => {
  const ops = decodeOps(3);
  const { analysis, findings } = judge(makeProfile({ tasks: laid(Array.from({ length: 20 }, (_, i) => ({ ops, gapNs: i === 12 ? 203_000 : 3000 }))).tasks, ops: null, apis: null }));
  expect(analysis.steps.outliers.map((o) => [o.step, o.excess_us])).toEqual([[12, 200]]);
  expect(findings.map((f) => f.id)).toContain('step-outlier');
});
