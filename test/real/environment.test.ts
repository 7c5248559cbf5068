import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Chip } from '../../server/contract/index.js';
import { snapshotOf, type EnvBody } from '../../server/environment/derive.js';
import { parseInfo } from '../../server/programs/npu-smi/info.js';
import { readEvidence } from '../../server/environment/read/evidence.js';
import { ofOneMoment } from '../../server/environment/read/folder.js';
import { parseTopology } from '../../server/programs/npu-smi/map.js';
import { printInfo, type SimChip } from '../../server/sim/npu-smi.js';

const root = join(import.meta.dirname, '../../../shared/data/npu-smi');
const here = existsSync(root);
if (!here) console.warn('the shared folder of real captures is absent; its tests are skipped');

function probe(folder: string, phase: 'before' | 'after' | null = null, only?: string): EnvBody {
  const dir = join(root, folder);
  const names = ofOneMoment(readdirSync(dir).filter((n) => n.endsWith('.txt') && (only === undefined || n.includes(only))), phase);
  const files = names.names.map((name) => ({ name, text: readFileSync(join(dir, name), 'utf8') }));
  return snapshotOf(readEvidence(files), { phase, origin: 'raw_dir', devices: null, known: [], severalCaptures: names.severalCaptures }).body;
}
const ids = (c: Chip): (number | null)[] => [c.npu_id, c.chip_id, c.phy_id, c.logic_id];
const codes = (b: EnvBody): string[] => b.reasons.map((r) => r.code).filter((c) => !c.endsWith('-version-unknown'));

/** Read by eye from each file: ids are [npu, chip, phy, logic], then memory in use and total, power, temperature. */
interface Label {
  readonly version: string | null;
  readonly name: string | null;
  readonly kind: 'HBM' | 'DDR';
  readonly ids: readonly (readonly (number | null)[])[];
  readonly used: readonly number[];
  readonly total: readonly number[] | number;
  readonly power: readonly (number | null)[];
  readonly temp: readonly number[];
  readonly verdict: EnvBody['verdict'];
  readonly codes: readonly string[];
  readonly health?: readonly string[];
  readonly aicore?: number | null;
}

const cutShort = ['process-list-missing'];
const labels: Readonly<Record<string, Label>> = {
  '310P3-24.1.0.1-npu1792-layout': {
    version: '24.1.0.1', name: '310P3', kind: 'DDR', ids: [[1792, null, null, 0], [1792, null, null, 1]], used: [3404, 263], total: [44280, 43693],
    power: [null, null], temp: [47, 47], verdict: 'inconclusive', codes: cutShort,
  },
  '310P3-25.0.rc1.1-ocr-mangled': {
    version: '25.0.rc1.1', name: '310P3', kind: 'DDR', ids: [[0, 0, null, null], [1, 0, null, null], [2, 0, null, null], [3, 0, null, null]],
    used: [1460, 1479, 1259, 1643], total: [44280, 43693, 44216, 43757], power: [89.2, 87.7, 88.6, 86.2], temp: [39, 40, 38, 40], verdict: 'inconclusive', codes: cutShort,
  },
  '910B2-25.3.rc1.2-single': {
    version: '25.3.rc1.2', name: '910B2', kind: 'HBM', ids: [[0, 0, null, null]], used: [3446], total: 65536, power: [102.7], temp: [36], verdict: 'inconclusive', codes: cutShort,
  },
  '910B2-25.5.6-idle': {
    version: '25.5.6', name: '910B2', kind: 'HBM', ids: [[4, 0, null, null], [5, 0, null, null], [6, 0, null, null], [7, 0, null, null]],
    used: [3405, 3406, 3405, 3404], total: 65536, power: [92.8, 92, 92.8, 89.3], temp: [39, 36, 37, 37], verdict: 'clean', codes: [],
  },
  '910B2-no-header-truncated': {
    version: null, name: '910B2', kind: 'HBM', ids: [[1, 0, null, null], [2, 0, null, null], [3, 0, null, null]],
    used: [3454, 3447, 3448], total: 65536, power: [99, 86.9, 89.9], temp: [36, 36, 34], verdict: 'inconclusive', codes: cutShort,
  },
  '910B3-23.0.3-truncated': {
    version: '23.0.3', name: '910B3', kind: 'HBM', ids: [[0, 0, null, null]], used: [3159], total: 65536, power: [96.1], temp: [38], verdict: 'inconclusive', codes: cutShort,
  },
  '910B3-no-header-truncated': {
    version: null, name: '910B3', kind: 'HBM', ids: [[0, 0, null, null], [1, 0, null, null], [2, 0, null, null], [3, 0, null, null]],
    used: [3369, 3368, 3360, 3362], total: 65536, power: [98.4, 96.5, 102.7, 100], temp: [50, 53, 51, 52], verdict: 'inconclusive', codes: cutShort,
  },
  'a3-24.1.rc3.7-truncated': {
    version: '24.1.rc3.7', name: 'Ascend910', kind: 'HBM', ids: [[0, 0, 0, null], [0, 1, 1, null]], used: [3397, 3186], total: 65536, power: [178.8, null], temp: [36, 36],
    verdict: 'inconclusive', codes: cutShort,
  },
  'a3-25.3.rc1.2-truncated': {
    version: '25.3.rc1.2', name: 'Ascend910', kind: 'HBM', ids: [[0, 0, 0, null], [0, 1, 1, null]], used: [62409, 62100], total: 65536, power: [163.7, null], temp: [36, 37],
    verdict: 'contaminated', codes: ['process-list-missing', 'hbm-in-use'],
  },
  'a3-26.0.rc2-truncated': {
    version: '26.0.rc2', name: 'Ascend910', kind: 'HBM', ids: [[0, 0, 0, null], [0, 1, 1, null]], used: [3419, 2874], total: 65536, power: [162.6, null], temp: [34, 34],
    verdict: 'inconclusive', codes: cutShort,
  },
  'a3-alarm-busy-truncated': {
    version: null, name: 'Ascend910', kind: 'HBM', ids: [[0, 0, 0, null], [0, 1, 1, null], [1, 0, 2, null], [1, 1, 3, null]], used: [62460, 61781, 62414, 62166], total: 65536,
    power: [201.1, null, 197.6, null], temp: [36, 36, 37, 38], verdict: 'contaminated', codes: ['process-list-missing', 'hbm-in-use', 'aicore-busy', 'health-not-ok'],
    health: ['Alarm', 'Alarm', 'OK', 'OK'], aicore: 100,
  },
  'handmade-occupancy-short': {
    version: null, name: '910B2', kind: 'HBM', ids: [[0, null, null, null]], used: [0], total: 65536, power: [80], temp: [42], verdict: 'inconclusive', codes: ['process-list-missing', 'aicore-unknown'], aicore: null,
  },
};

describe.skipIf(!here)('real npu-smi captures', () => {
  it.each(Object.entries(labels))('%s', (folder, label) => {
    const body = probe(folder);
    expect(body.npu_smi_version).toBe(label.version);
    expect(body.driver_version).toBeNull();
    expect(body.chips.map(ids)).toEqual(label.ids);
    expect(body.chips.map((c) => c.hbm_used_mb)).toEqual(label.used);
    expect(body.chips.map((c) => c.hbm_total_mb)).toEqual(typeof label.total === 'number' ? label.used.map(() => label.total) : label.total);
    expect(body.chips.map((c) => c.power_w)).toEqual(label.power);
    expect(body.chips.map((c) => c.temp_c)).toEqual(label.temp);
    expect(body.chips.map((c) => c.health)).toEqual(label.health ?? label.used.map(() => 'OK'));
    expect(body.chips.map((c) => c.aicore_pct)).toEqual(label.used.map(() => (label.aicore === undefined ? 0 : label.aicore)));
    expect(new Set(body.chips.map((c) => `${c.name ?? ''} ${c.memory_kind ?? ''}`))).toEqual(new Set([`${label.name ?? ''} ${label.kind}`]));
    expect(codes(body)).toEqual(label.codes);
    expect(body.verdict).toBe(label.verdict);
    const listed = !label.codes.includes('process-list-missing');
    expect(body.chips.every((c) => (listed ? c.processes?.length === 0 : c.processes === null))).toBe(true);
  });

  it('a3-26.1.1-vllm-16die: sixteen dies, one foreign worker on each, nothing beyond it', () => {
    const body = probe('a3-26.1.1-vllm-16die');
    expect(body.npu_smi_version).toBe('26.1.1');
    expect(body.chips.map(ids)).toEqual([...Array(16).keys()].map((i) => [Math.floor(i / 2), i % 2, i, null]));
    expect(body.chips.map((c) => c.processes?.[0]?.pid)).toEqual([90729, 90962, 91307, 91492, 91697, 91943, 92151, 92596, 122467, 122758, 122957, 123390, 123596, 123777, 124089, 124279]);
    expect(body.chips.map((c) => c.processes?.[0]?.memory_mb)).toEqual([...Array(16).keys()].map((i) => (i < 8 ? 56370 : 54444)));
    expect(body.chips.every((c) => c.processes?.length === 1 && c.processes[0]?.container_pid === null && c.processes[0].name === 'VLLMWorker_TP')).toBe(true);
    expect([body.verdict, codes(body)]).toEqual(['contaminated', ['foreign-process']]);
  });

  it.each([
    ['fail-8005-console', 'npu-smi-failed', '-8005'],
    ['fail-8020-occupied', 'device-occupied', '-8020'],
  ])('%s is unavailable', (folder, code, ret) => {
    const body = probe(folder);
    expect([body.verdict, codes(body), body.chips]).toEqual(['unavailable', [code], []]);
    expect(body.reasons[0]?.detail).toContain(ret);
  });

  it('mindcluster-kgparse before: eight 910A by -m, one of them asked, healthy and idle', () => {
    const body = probe('mindcluster-kgparse', 'before');
    expect(body.chips.map(ids)).toEqual([...Array(8).keys()].map((i) => [i, 0, null, i]));
    expect(body.chips[0]).toMatchObject({ name: 'Ascend 910A', soc: 'Ascend910A', bus_id: '0000:61:00.0', health: 'OK', hbm_total_mb: 31129, hbm_used_mb: 0, aicore_pct: 0, processes: null });
    expect(body.chips[1]).toMatchObject({ name: 'Ascend 910A', health: null, hbm_total_mb: null, aicore_pct: null });
    expect([body.driver_version, body.firmware_version, body.cann_version, body.verdict]).toEqual(['23.0.5', '7.1.0.7.220', null, 'inconclusive']);
  });

  it('mindcluster-kgparse after: the chip is in alarm with three codes; a failed query gives no chip', () => {
    const body = probe('mindcluster-kgparse', 'after');
    expect(body.chips.map(ids)).toEqual([[0, 0, null, null]]);
    expect(body.chips[0]).toMatchObject({ health: 'Alarm', health_codes: ['A4025021', '8C03A000', '8C084E00'] });
    expect([body.driver_version, body.firmware_version, body.cann_version, body.verdict]).toEqual(['23.0.7', '7.1.0.11.220', '7.0.T10', 'contaminated']);
    expect(probe('mindcluster-kgparse').reasons.map((r) => r.code)).toContain('several-captures');
  });

  it.each(['before', 'after'] as const)('mindcluster-envcheck %s: versions only', (phase) => {
    const body = probe('mindcluster-envcheck', phase);
    expect([body.driver_version, body.firmware_version, body.cann_version]).toEqual(['23.0.7', '7.1.0.11.220', '7.0.T10']);
    expect(body.frameworks).toEqual([{ name: 'torch', version: '1.11.0' }, { name: 'torch_npu', version: '2.1.0.post8.dev20241009' }, { name: 'mindspore', version: '2.3.0' }]);
    expect([body.verdict, codes(body), body.chips]).toEqual(['inconclusive', ['chips-unknown'], []]);
  });

  it('doc examples of -t on 910A', () => {
    expect(probe('doc-mindcluster-usages').chips).toMatchObject([{ npu_id: 0, chip_id: 0, hbm_total_mb: 32768, hbm_used_mb: 0, aicore_pct: 0, memory_kind: 'HBM' }]);
    expect(probe('doc-mindcluster-ecc').chips).toMatchObject([{ npu_id: 1, chip_id: 0, hbm_double_bit_errors: 0 }]);
    const board = probe('doc-mindcluster-board');
    expect(board.chips.map(ids)).toEqual([[0, 0, null, null]]);
    expect([board.driver_version, board.firmware_version, board.chips[0]?.bus_id, board.chips[0]?.name]).toEqual(['23.0.5', '7.1.0.7.220', '0000:61:00.0', null]);
    expect(codes(probe('doc-mindcluster-health'))).toEqual(['chips-unknown']);
  });

  it('doc examples of the 950', () => {
    const info = probe('doc-driver-ascend950', null, 'basic-information');
    expect(info.npu_smi_version).toBeNull();
    expect(info.chips).toMatchObject([{ npu_id: 0, chip_id: null, logic_id: null, name: null, health: 'OK', power_w: 204.4, temp_c: 56, hbm_used_mb: 4439, hbm_total_mb: 86016, aicore_pct: null, npu_util_pct: 0, processes: [] }]);
    expect([info.verdict, codes(info)]).toEqual(['clean', []]);
    expect(probe('doc-driver-ascend950', null, 'mapping-information').chips.map(ids)).toEqual([[0, 0, 0, null]]);
    expect(probe('doc-driver-ascend950', null, 'memory-usage-of-processes').chips[0]?.processes).toEqual([{ pid: 395864, container_pid: null, name: 'power_test', memory_mb: 5118, known: false }]);
    expect(probe('doc-driver-ascend950', null, 'device-statistics').chips).toMatchObject([{ hbm_total_mb: 131072, aicore_pct: 0, npu_util_pct: 0 }]);
    expect(probe('doc-driver-ascend950', null, 'common-information').chips).toMatchObject([{ aicore_pct: 0, temp_c: 65, power_w: 298.6 }]);
    expect(probe('doc-driver-ascend950', null, 'health-status').chips).toMatchObject([{ health: 'OK', health_codes: [] }]);
    expect(probe('doc-driver-ascend950', null, 'ecc-error-count').chips).toMatchObject([{ hbm_double_bit_errors: 0 }]);
    expect(probe('doc-driver-ascend950', null, 'device-temperature').chips).toMatchObject([{ temp_c: 53 }]);
  });

  it.each([
    ['L72', ['SYS', 'SYS', 'SYS', 'SYS']],
    ['L99', ['UB', 'SYS', 'SYS', 'SYS']],
    ['L126', ['UB', 'UB', 'UB', 'SYS']],
  ])('topology %s', (line, firstRow) => {
    const topo = parseTopology(readFileSync(join(root, 'doc-driver-ascend950', `querying-the-topology-of-multiple-npus-${line}.txt`), 'utf8'));
    expect(topo?.npus).toHaveLength(8);
    expect(topo?.links[0]?.slice(0, 5)).toEqual(['X', ...firstRow]);
    expect(topo?.cpu_affinity[7]).toBe('64-127,192-255');
  });

  it('every text file of the folder is read without a crash', () => {
    for (const folder of readdirSync(root)) {
      for (const name of readdirSync(join(root, folder))) {
        const e = readEvidence([{ name, text: readFileSync(join(root, folder, name), 'utf8') }]);
        expect(snapshotOf(e, { phase: null, origin: 'raw_dir', devices: null, known: [], severalCaptures: false }).body.verdict).toBeTypeOf('string');
      }
    }
  });

  it.each([
    ['910B2-25.5.6-idle', '910', false],
    ['a3-26.1.1-vllm-16die', 'a3', true],
  ] as const)('the simulated npu-smi prints %s byte for byte', (folder, layout, wide) => {
    const text = readFileSync(join(root, folder, 'npu-smi-info.txt'), 'utf8');
    const table = parseInfo(text);
    const chips = (table?.chips ?? []).map((c, i): SimChip => ({
      npu: c.npu, chip: c.chip ?? 0, phy: c.phy ?? 0, logic: i, name: c.name ?? '', npuName: null, bus: c.bus ?? '', health: c.health ?? '', healthCodes: [],
      powerW: c.powerW, tempC: c.tempC ?? 0, aicorePct: c.aicorePct ?? 0, ddr: { usedMb: c.memory?.used ?? -1, totalMb: c.memory?.total ?? -1 }, hbm: { usedMb: c.hbm?.used ?? -1, totalMb: c.hbm?.total ?? -1 },
      doubleBitErrors: 0,
      processes: (table?.processes ?? []).filter((p) => p.npu === c.npu && p.chip === c.chip).map((p) => ({ pid: p.pid, name: p.name, memoryMb: p.memoryMb ?? -1, containerPid: p.containerPid })),
    }));
    const printed = printInfo({ layout, wide, npuSmiVersion: table?.npuSmiVersion ?? '', driverVersion: '', firmwareVersion: '', chips });
    expect(printed.trimEnd().split('\n')).toEqual(text.trimEnd().split('\n'));
  });
});
