import { describe, expect, it } from 'vitest';
import { flopsOf } from '../../server/profiling/analyze/mfu-flops.js';
import { mfuKey, mfuNotes, mfuTable } from '../../server/profiling/analyze/mfu.js';
import type { ShapeGroup } from '../../server/profiling/analyze/shapes.js';
import { makeProfile } from '../profiling/make.js';

const group = (opType: string, inputShapes: string, outputShapes: string, more: Partial<ShapeGroup> = {}): ShapeGroup => ({ device: 0, opType, taskType: 'AI_CORE', inputShapes, outputShapes, inputTypes: 'DT_BF16;DT_BF16', inputFormats: 'ND;ND', count: 1, totalNs: 1_000_000, ...more });
const flops = (g: ShapeGroup): number | string | null => {
  const found = flopsOf(g);
  return found === null ? null : 'reason' in found ? found.reason : found.flops;
};

describe('FLOP of matrix products', () => {
  // 2·M·K·N with M 48, K 320, N 1280, by pencil.
  const wanted = 2 * 48 * 320 * 1280;
  it.each([
    ['plain', 'MatMulV2', '48,320;320,1280', '48,1280', 'ND;ND'],
    ['B transposed', 'MatMulV3', '"48,320;1280,320"', '"48,1280"', 'FORMAT_ND;FORMAT_ND'],
    ['A transposed', 'MatMul', '320,48;320,1280', '48,1280', 'ND;ND'],
    ['weight in FRACTAL_NZ', 'MatMulV2', '48,320;80,20,16,16', '48,1280', 'ND;FRACTAL_NZ'],
    ['weight in FRACTAL_NZ, INT8', 'QuantBatchMatmulV3', '48,320;40,20,16,32', '48,1280', 'ND;FRACTAL_NZ'],
    ['with a bias', 'MatMulV2', '48,320;1280,320;1280', '48,1280', 'ND;ND;ND'],
    ['leading dims', 'MatMulV3', '4,12,320;320,1280', '4,12,1280', 'ND;ND'],
    ['folded input', 'MatMulV3', '48,320;320,1280', '4,12,1280', 'ND;ND'],
    ['weights of 4 bits in INT32', 'WeightQuantBatchMatmulV2', '48,320;320,160', '48,1280', 'ND;ND'],
  ])('%s', (_, op, inputs, output, inputFormats) => {
    expect(flops(group(op, inputs, output, { inputFormats }))).toBe(wanted);
  });

  it('counts batches and groups', () => {
    expect(flops(group('BatchMatMulV2', '8,64,32;8,32,16', '8,64,16'))).toBe(2 * 8 * 64 * 32 * 16);
    // A (M,B,K), W (B,K,N), C (M,B,N).
    expect(flops(group('TransposeBatchMatMul', '5,8,32;8,32,16', '5,8,16'))).toBe(2 * 8 * 5 * 32 * 16);
    expect(flops(group('GroupedMatmul', '96,128;4,128,256', '96,256'))).toBe(2 * 96 * 128 * 256);
    expect(flops(group('GroupedMatmulSwigluQuant', '96,128;4,128,256', '96,128'))).toBe(2 * 96 * 128 * 256);
  });

  it('refuses what does not fit, and leaves other kernels alone', () => {
    expect(flops(group('MatMulV2', '48,320;99,1280', '48,1280'))).toBe('shapes-unfit');
    expect(flops(group('MatMulV2', '', ''))).toBe('no-shapes');
    expect(flops(group('RmsNorm', '8,8;8', '8,8'))).toBeNull();
    expect(flops(group('MatmulAllReduce', '48,320;320,1280', '48,1280'))).toBeNull();
  });
});

describe('FLOP of attention', () => {
  const slots = (head: readonly string[], at: Record<number, string> = {}): string => Array.from({ length: 16 }, (_, i) => head[i] ?? at[i] ?? '').join(';');
  it('counts every score without a mask, half with the compressed causal one', () => {
    // 1 sequence of 4096, 16 heads of 128 over 8 KV heads.
    const qkv = ['4096,1,2048', '4096,1,1024', '4096,1,1024'];
    const out = '1,16,4096,8;1,16,4096,8;;4096,1,2048';
    expect(flops(group('FlashAttentionScore', slots(qkv), out))).toBe(16 * 4096 * 4096 * 2 * 256);
    expect(flops(group('FlashAttentionScore', slots(qkv, { 6: '2048,2048' }), out))).toBe(16 * ((4096 * 4097) / 2) * 2 * 256);
    expect(flops(group('FlashAttentionScore', slots(qkv, { 6: '1,1,4096,4096' }), out))).toBe('mask-unknown');
  });

  it('reads inference attention only where the lengths are shapes', () => {
    expect(flops(group('FusedInferAttentionScore', slots(['512,16,128', '512,4,128', '512,4,128'], { 5: '1', 6: '1' }), '512,16,128'))).toBe(16 * 512 * 512 * 2 * 256);
    expect(flops(group('FusedInferAttentionScore', slots(['2,16,512,128', '2,4,512,128', '2,4,512,128']), '2,16,512,128'))).toBe(2 * 16 * 512 * 512 * 2 * 256);
    expect(flops(group('FusedInferAttentionScore', slots(['512,16,128', '512,4,128', '512,4,128'], { 5: '3', 6: '3' }), '512,16,128'))).toBe('lengths-unknown');
    expect(flops(group('FusedInferAttentionScore', '8,1,16,128;64,128,512;64,128,512', '8,1,16,128'))).toBe('lengths-unknown');
    expect(flops(group('PagedAttention', '8,16,128;64,128,4,128;64,128,4,128', '8,16,128'))).toBe('lengths-unknown');
  });
});

describe('mfuTable', () => {
  const device = { id: 0, aicoreCount: 20, aivectorCount: 40, aicoreMhz: 1800 };
  const key = mfuKey(0, 'MatMulV3', 'AI_CORE');
  it('is the published peak: 20 cores at 1800 MHz make 294.9 TFLOPS at BF16 and twice that at INT8', () => {
    const profile = makeProfile({ devices: [device] });
    // 2·1024·4096·4096 FLOP are 116.5 us at 294.912 TFLOPS.
    const ns = 233_017;
    const half = group('MatMulV3', '1024,4096;4096,4096', '1024,4096', { totalNs: ns });
    expect(mfuTable(profile, [half]).rows.get(key)?.mfuPct).toBeCloseTo(50, 2);
    expect(mfuTable(profile, [{ ...half, inputTypes: 'INT8;INT8' }]).rows.get(key)?.mfuPct).toBeCloseTo(25, 2);
  });

  it('gives null above 100 % and says so', () => {
    const fast = group('MatMulV3', '1024,4096;4096,4096', '1024,4096', { totalNs: 100_000 });
    const table = mfuTable(makeProfile({ devices: [device] }), [fast]);
    expect(table.rows.get(key)).toEqual({ flops: null, mfuPct: null });
    expect(mfuNotes([table]).map((n) => n.code)).toEqual(['mfu-above-peak']);
  });

  it('takes the chip from the catalogue when device info is missing, else keeps FLOP without MFU', () => {
    const one = group('MatMulV3', '1024,4096;4096,4096', '1024,4096', { totalNs: 233_017 });
    const named = mfuTable(makeProfile({ devices: [{ id: 0, chip: 'Ascend910B3', aicoreCount: null, aicoreMhz: null }] }), [one]);
    expect(named.rows.get(key)?.mfuPct).toBeCloseTo(50, 2);
    const unknown = mfuTable(makeProfile({ devices: [{ id: 0, chip: null, aicoreCount: null, aicoreMhz: null }] }), [one]);
    expect(unknown.rows.get(key)).toEqual({ flops: 2 * 1024 * 4096 * 4096, mfuPct: null });
    expect(mfuNotes([unknown]).map((n) => n.code)).toEqual(['mfu-peak-unknown']);
    const floats = mfuTable(makeProfile({ devices: [device] }), [{ ...one, inputTypes: 'FLOAT;FLOAT' }]);
    expect(floats.rows.get(key)?.mfuPct).toBeNull();
    expect(mfuNotes([floats]).map((n) => n.code)).toEqual(['mfu-dtype-unknown']);
  });
});
