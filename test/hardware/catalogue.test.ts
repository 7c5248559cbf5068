import { describe, expect, it } from 'vitest';
import { ToolError } from '../../server/contract/index.js';
import { ambiguous, catalogue } from '../../server/hardware/catalogue.js';
import { sources, type Cited } from '../../server/hardware/chip.js';
import { cubePeak, cubePeakRange, chipOf, chipText, findChip, roofOf, socVersion, vectorPeak, withOverrides } from '../../server/hardware/lookup.js';
import type { Roof } from '../../server/models/roofline.js';

const tera = (value: number | null): number => Number(((value ?? NaN) / 1e12).toFixed(1));
function failure(run: () => unknown): ToolError {
  try {
    run();
  } catch (error) {
    if (error instanceof ToolError) return error;
  }
  throw new Error('no ToolError');
}

describe('peaks against published figures', () => {
  // Spec sheets: Atlas 350 425 T, 910B2 376 T, 910B3 313 T at FP16 are cube and vector added.
  it.each([
    ['Atlas350', 378.5, 47.3, 425, 756.9],
    ['Ascend910B2', 353.9, 22.1, 376, 707.8],
    ['Ascend910B3', 294.9, 18.4, 313, 589.8],
  ])('%s', (name, cube, vector, marketing, int8) => {
    const chip = findChip(name);
    expect(tera(cubePeak(chip, 'bf16'))).toBe(cube);
    expect(tera(vectorPeak(chip))).toBe(vector);
    expect(tera(cubePeak(chip, 'int8'))).toBe(int8);
    expect(chip.marketing_fp16_tflops?.value).toBe(marketing);
    expect(Math.abs(cube + vector - marketing) / marketing).toBeLessThan(0.003);
  });
  it.each([
    ['910_9392', 363.7],
    ['910_9382', 353.9],
    ['910B4', 245.8],
    ['910B4-1', 245.8],
    ['Ascend950PR_9589', 432.5],
    ['Ascend950PR_9599', 486.5],
  ])('%s at BF16', (name, cube) => {
    expect(tera(cubePeak(findChip(name), 'bf16'))).toBeCloseTo(cube, 0);
  });
  it('a 300I Duo card of two chips has the 280 INT8 TOPS of its sheet, and no BF16', () => {
    const chip = findChip('Ascend310P3');
    expect(2 * tera(cubePeak(chip, 'int8'))).toBeCloseTo(280, 0);
    expect(cubePeak(chip, 'bf16')).toBeNull();
    expect(vectorPeak(chip)).toBeNull();
  });
  it('910B1 spans every reading that is public: 353.9 to 378.9', () => {
    const range = cubePeakRange(findChip('910B1'), 'fp16');
    expect(tera(range?.low ?? null)).toBe(353.9);
    expect(tera(range?.high ?? null)).toBe(378.9);
  });
  it('FP8 exists on 950 only', () => {
    expect(catalogue.filter((c) => c.cube_flops_per_cycle.fp8 !== null).every((c) => c.family === '950')).toBe(true);
  });
});

describe('rows', () => {
  it('an A3 row is one die: half of the 752 T, 128 GB, 3.2 TB/s package', () => {
    const die = findChip('Ascend910_9392');
    expect(2 * (die.marketing_fp16_tflops?.value ?? 0)).toBe(752);
    expect(2 * (die.memory_nominal_bytes.value / 1024 ** 3)).toBe(128);
    expect(2 * die.memory_bytes_per_s.value).toBe(3.2e12);
  });
  it('a 64 GB part shows 60.957 GiB', () => {
    expect((findChip('910B3').memory_visible_bytes?.value ?? 0) / 1024 ** 3).toBeCloseTo(60.957, 3);
  });
  it('links are per direction: seven of an A2 are half of the printed 392 GB/s', () => {
    expect(findChip('910B3').fabric).toMatchObject({ topology: 'full-mesh', domain_devices: 8, link_bytes_per_s: { value: 28e9 } });
    expect(7 * 28e9 * 2).toBe(392e9);
    expect(findChip('910_9392').fabric).toMatchObject({ topology: 'switched', link_bytes_per_s: { value: 196e9 } });
  });
  it('names are unique, vector cores are twice the cube cores on split-core parts, values are positive, sources exist', () => {
    const names = catalogue.flatMap((c) => [c.soc, ...c.aliases]).map((n) => n.toLowerCase().replace(/[^a-z0-9]/g, ''));
    const repeated = names.filter((n, i) => names.indexOf(n) !== i);
    expect(repeated).toEqual([]);
    for (const chip of catalogue) {
      if (chip.family !== '310P') expect(chip.vector_cores.value).toBe(2 * chip.cube_cores.value);
      const cited: (Cited | null)[] = [chip.cube_cores, chip.vector_cores, chip.clock_mhz, chip.memory_nominal_bytes, chip.memory_visible_bytes, chip.memory_bytes_per_s, chip.l2_bytes, chip.marketing_fp16_tflops, chip.fabric?.link_bytes_per_s ?? null];
      for (const c of cited) {
        if (c === null) continue;
        expect(c.value).toBeGreaterThan(0);
        expect(sources[c.source].length).toBeGreaterThan(5);
        for (const other of c.alternatives) expect(sources[other.source].length).toBeGreaterThan(5);
      }
      if (chip.memory_visible_bytes !== null) expect(chip.memory_visible_bytes.value).toBeLessThan(chip.memory_nominal_bytes.value);
      // The cube alone can not be above what the sheet adds up from cube and vector.
      if (chip.marketing_fp16_tflops !== null) expect(tera(cubePeak(chip, 'fp16'))).toBeLessThanOrEqual(chip.marketing_fp16_tflops.value + 0.5);
    }
  });
});

describe('finding a device', () => {
  it.each([
    ['910B3', 'Ascend910B3'],
    ['ascend910b3', 'Ascend910B3'],
    ['Ascend910B4-1', 'Ascend910B4-1'],
    ['9392', 'Ascend910_9392'],
    ['Ascend910_9392', 'Ascend910_9392'],
    ['310P3', 'Ascend310P3'],
    ['Atlas 350', 'Atlas350'],
  ])('%s', (name, soc) => {
    expect(findChip(name).soc).toBe(soc);
  });
  it('910B4 and 910B4-1 are two parts', () => {
    expect(findChip('910B4').memory_nominal_bytes.value).toBe(findChip('910B4-1').memory_nominal_bytes.value / 2);
  });
  it('a misspelt name gets its neighbours', () => {
    const error = failure(() => findChip('910B5'));
    expect(error.code).toBe('E_ARG_TYPE');
    expect(error.next).toMatch(/Ascend910B3/);
  });
  it('a product that carries two parts is not guessed', () => {
    for (const [name, { candidates }] of Object.entries(ambiguous)) {
      const error = failure(() => findChip(name));
      expect(error.code).toBe('E_ARG_TYPE');
      for (const candidate of candidates) {
        expect(findChip(candidate).soc).toBe(candidate);
        expect(error.next).toContain(candidate);
      }
    }
    expect(failure(() => findChip('Atlas 800T A2')).seen).toMatch(/910B3 or 910B2/);
    expect(failure(() => findChip('Ascend910')).seen).toMatch(/every A3 die/);
  });
  it('a hostile name is cleaned and short', () => {
    const error = failure(() => findChip(`\u001b[31m${'x'.repeat(5000)}\n`));
    expect(error.seen).not.toContain('\u001b');
    expect(error.seen.length).toBeLessThan(120);
  });
  it('prototype names are not chips', () => {
    for (const name of ['constructor', 'toString', '__proto__', '']) expect(failure(() => findChip(name)).code).toBe('E_ARG_TYPE');
  });
  it('soc_version out of npu-smi', () => {
    expect(socVersion('910B3', null)).toBe('Ascend910B3');
    expect(socVersion('Ascend910', '9392')).toBe('Ascend910_9392');
    expect(findChip(socVersion('Ascend910', '9392')).family).toBe('A3');
  });
});

describe('overrides and the roof', () => {
  it('a reading of the card goes before the catalogue, which stays visible', () => {
    const chip = withOverrides(findChip('910B4'), { clock_mhz: 1650, memory_visible_bytes: 32e9 });
    expect(chip.clock_mhz).toMatchObject({ value: 1650, source: 'override', confidence: 'high' });
    expect(chip.clock_mhz.alternatives).toContainEqual({ value: 1500, source: 'ini910b41' });
    expect(tera(cubePeak(chip, 'fp16'))).toBe(270.3);
    expect(chip.memory_visible_bytes?.value).toBe(32e9);
  });
  it('own numbers stand after the name; links of a part without known ones too', () => {
    expect(tera(cubePeak(chipOf('910b4, clock_mhz=1650'), 'fp16'))).toBe(270.3);
    expect(roofOf(chipOf('910B3,link_bytes_per_s=14e9,domain_devices=4')).links).toMatchObject({ topology: 'full-mesh', link_bytes_per_s: 14e9, domain_devices: 4 });
    expect(roofOf(chipOf('310P3,link_bytes_per_s=1e10')).links).toMatchObject({ link_bytes_per_s: 1e10, network_bytes_per_s: null });
    expect(chipText('910b3, memory_bytes_per_s=1e12,clock_mhz=1000')).toBe('Ascend910B3,clock_mhz=1000,memory_bytes_per_s=1e12');
    expect(failure(() => chipOf('910B3,clock=1650')).next).toContain('clock_mhz');
    expect(failure(() => chipOf('910B3,clock_mhz=')).code).toBe('E_ARG_TYPE');
  });
  it('refuses nonsense', () => {
    for (const value of [0, -1, NaN, Infinity]) expect(failure(() => withOverrides(findChip('910B3'), { cube_cores: value })).code).toBe('E_ARG_TYPE');
  });
  it('fits what models/ asks for', () => {
    const roof: Roof = roofOf(findChip('910B3'));
    expect(roof.cube_flops_per_s.bf16).toBe(20 * 1800e6 * 8192);
    expect(roof.l2_bytes).toBe(192 * 1024 ** 2);
    expect(roofOf(findChip('310P3')).links).toBeNull();
  });
});
