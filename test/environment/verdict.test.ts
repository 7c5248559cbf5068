import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { check } from '../../server/contract/index.js';
import { snapshotOf, type EnvBody } from '../../server/environment/derive.js';
import { readEvidence, type CaptureRecord } from '../../server/environment/read/evidence.js';
import { reasonCodes } from '../../server/environment/reasons.js';
import { aicoreIdlePct, idleMemory } from '../../server/environment/thresholds.js';
import { printInfo, type NpuLayout, type SimNpuHost } from '../../server/sim/npu-smi.js';
import { captureOf, occupied, plantHost } from '../generate/npu-smi.js';

type Options = Partial<Parameters<typeof snapshotOf>[1]>;
type Files = readonly { name: string; text: string }[];

function probe(files: Files, options: Options = {}): EnvBody {
  return snapshotOf(readEvidence(files), { phase: null, origin: 'raw_dir', devices: null, known: [], severalCaptures: false, ...options }).body;
}
const codes = (body: EnvBody): string[] => body.reasons.map((r) => r.code).filter((c) => c !== 'cann-version-unknown' && c !== 'driver-version-unknown');
const layouts: readonly NpuLayout[] = ['910', 'a3', '310p', '950'];
const capture = (host: SimNpuHost): Files => captureOf(host);

describe('an idle host', () => {
  it.each(layouts)('%s is clean, with the ids that -m prints', (layout) => {
    const host = plantHost(layout);
    const body = probe(capture(host));
    expect(codes(body)).toEqual([]);
    expect(body.verdict).toBe('clean');
    expect(body.chips.map((c) => [c.npu_id, c.chip_id, c.logic_id])).toEqual(host.chips.map((c) => [c.npu, c.chip, layout === '950' ? null : c.logic]));
    expect(body.chips.every((c) => c.processes?.length === 0 && c.hbm_total_mb === host.chips[0]!.hbm.totalMb + host.chips[0]!.ddr.totalMb)).toBe(true);
    expect(new Set(body.chips.map((c) => c.memory_kind))).toEqual(new Set([layout === '310p' ? 'DDR' : 'HBM']));
  });

  it.each([
    ['910', 'Ascend910B3'],
    ['a3', 'Ascend910_9392'],
    ['310p', 'Ascend310P3'],
    ['950', 'Ascend950PR_957b'],
  ] as const)('%s is the SoC %s', (layout, soc) => {
    expect(probe(capture(plantHost(layout))).chips.map((c) => c.soc)).toEqual(plantHost(layout).chips.map(() => soc));
  });

  it('on A3 the SoC is not guessed from the table alone', () => {
    expect(probe([{ name: 'npu-smi.info.txt', text: printInfo(plantHost('a3')) }]).chips[0]?.soc).toBeNull();
  });

  it("takes the driver's version from its file, then from the board, never from npu-smi", () => {
    const files = capture(plantHost('910', undefined, { npuSmiVersion: '25.5.6', driverVersion: '25.5.1' }));
    expect(probe(files).driver_version).toBe('25.5.1');
    expect(probe([...files, { name: 'driver-version.info', text: 'Version=25.5.0\n' }]).driver_version).toBe('25.5.0');
    const alone = probe([files[0]!]);
    expect([alone.driver_version, alone.npu_smi_version]).toEqual([null, '25.5.6']);
    expect(alone.reasons.map((r) => r.code)).toContain('driver-version-unknown');
  });
});

describe('a host that is not idle', () => {
  it.each(layouts)('%s: a foreign process is named with its chip', (layout) => {
    const body = probe(capture(plantHost(layout, (c, i) => (i === 1 ? occupied(c, 4242, 20_000) : {}))));
    expect(body.verdict).toBe('contaminated');
    expect(codes(body)).toEqual(['foreign-process']);
    expect(body.reasons[0]?.detail).toContain('pid 4242 (VLLMWorker_TP, 20000 MB)');
    expect(body.chips[1]?.processes).toEqual([{ pid: 4242, container_pid: null, name: 'VLLMWorker_TP', memory_mb: 20_000, known: false }]);
    expect(body.chips[0]?.processes).toEqual([]);
  });

  it('memory that no listed process explains contaminates, at the threshold of the family it does not', () => {
    for (const layout of layouts) {
      const family = idleMemory.find((r) => r.layouts.some((l) => l === (layout === '310p' ? 'ddr' : layout)))!;
      const at = (mb: number): EnvBody => probe(capture(plantHost(layout, (c) => (layout === '310p' ? { ddr: { ...c.ddr, usedMb: mb } } : { hbm: { ...c.hbm, usedMb: mb } }))));
      expect(codes(at(family.maxMb))).toEqual([]);
      expect(codes(at(family.maxMb + 1))).toEqual(['hbm-in-use']);
    }
  });

  it('a container-shared baseline that no process explains is seen (16 GB, as reported from 910B1 hosts)', () => {
    expect(codes(probe(capture(plantHost('910', (c) => ({ name: '910B1', hbm: { ...c.hbm, usedMb: 16_454 } })))))).toEqual(['hbm-in-use']);
  });

  it.each([
    ['aicore-busy', { aicorePct: aicoreIdlePct.value + 1 }],
    ['health-not-ok', { health: 'Warning' }],
    ['health-not-ok', { health: 'Alarm', healthCodes: ['80E18005'] }],
    ['hbm-uncorrected-errors', { doubleBitErrors: 1 }],
  ] as const)('%s', (code, change) => {
    for (const layout of layouts) {
      const body = probe(capture(plantHost(layout, (_, i) => (i === 2 ? change : {}))));
      expect(body.verdict).toBe('contaminated');
      expect(codes(body)).toEqual([code]);
    }
  });

  it('keeps the error codes of a chip in alarm', () => {
    const body = probe(capture(plantHost('a3', (_, i) => (i === 3 ? { health: 'Alarm', healthCodes: ['80E18005', 'A4025021'] } : {}))));
    expect(body.chips.map((c) => c.health_codes?.length)).toEqual(body.chips.map((_, i) => (i === 3 ? 2 : 0)));
    expect(body.chips[3]?.health_codes).toEqual(['80E18005', 'A4025021']);
  });

  it('the largest AICore of the samples counts, and a process seen in any of them', () => {
    const first = printInfo(plantHost('910'));
    const second = printInfo(plantHost('910', (c, i) => (i === 0 ? { aicorePct: 80, ...occupied(c, 99, 100) } : {})));
    for (const order of [[first, second], [second, first]]) {
      const body = probe(order.map((text, i) => ({ name: i === 0 ? 'npu-smi.info.txt' : `sample-${i + 1}/npu-smi.info.txt`, text })));
      expect(body.samples).toBe(2);
      expect(body.chips[0]?.aicore_pct).toBe(80);
      expect(codes(body)).toEqual(expect.arrayContaining(['aicore-busy', 'foreign-process']));
    }
  });
});

describe('whose process it is', () => {
  const files = capture(plantHost('910', (c, i) => (i < 2 ? occupied(c, 500 + i, 30_000) : {})));
  const tree = { name: 'processes.txt', text: 'PID PPID COMMAND\n400 1 python3\n450 400 python3\n500 450 VLLMWorker\n501 1 other\n' };

  it('idle: a descendant of a recorded process is known, another is foreign', () => {
    const body = probe([...files, tree], { phase: 'idle', known: [400] });
    expect(body.chips.slice(0, 2).map((c) => c.processes?.[0]?.known)).toEqual([true, false]);
    expect(codes(body)).toEqual(['foreign-process']);
    expect(codes(probe([...files, tree], { phase: 'idle', known: [400, 501] }))).toEqual([]);
    expect(probe([...files, tree], { phase: 'idle', known: [400, 501] }).verdict).toBe('clean');
  });

  it("before: even the run's own process is one too many", () => {
    expect(codes(probe([...files, tree], { phase: 'before', known: [400, 501] }))).toEqual(['service-present']);
    expect(codes(probe([...files, tree], { phase: 'after', known: [400, 501] }))).toEqual([]);
  });

  it('idle without any process of the run says that the service was not seen', () => {
    expect(codes(probe(capture(plantHost('910')), { phase: 'idle' }))).toEqual(['service-not-seen']);
  });

  it('matches the process id inside the container too', () => {
    const wide = capture(plantHost('910', (c, i) => (i === 0 ? occupied(c, 90_000, 1000, 'python3', 33) : {}), { wide: true }));
    expect(codes(probe(wide, { phase: 'idle', known: [33] }))).toEqual([]);
  });
});

describe('missing evidence is never clean', () => {
  it('cut off before the process list', () => {
    for (const layout of layouts) {
      const text = printInfo(plantHost(layout));
      const body = probe([{ name: 'npu-smi.info.txt', text: text.slice(0, text.indexOf('Process id')) }]);
      expect(body.verdict).toBe('inconclusive');
      expect(codes(body)).toContain('process-list-missing');
      expect(body.chips.every((c) => c.processes === null)).toBe(true);
    }
  });

  it('cut off at any character, a capture is clean only when nothing that matters is missing', () => {
    fc.assert(
      fc.property(fc.constantFrom(...layouts), fc.double({ min: 0, max: 1, noNaN: true }), (layout, part) => {
        const text = printInfo(plantHost(layout));
        const cut = text.slice(0, Math.floor(text.length * part));
        const last = plantHost(layout).chips.at(-1)!.npu;
        // The whole answer is there once the line about the last NPU is.
        const whole = new RegExp(`in NPU ${last} *\\|`).test(cut);
        expect(probe([{ name: 'npu-smi.info.txt', text: cut }]).verdict).toBe(whole ? 'clean' : 'inconclusive');
      }),
      { numRuns: 300 },
    );
  });

  it('a chip of -m that the table lacks is missing, and is shown', () => {
    const host = plantHost('a3');
    const files = capture(host).map((f) => (f.name === 'npu-smi.info.txt' ? { ...f, text: printInfo({ ...host, chips: host.chips.slice(0, 15) }) } : f));
    const body = probe(files);
    expect(body.verdict).toBe('inconclusive');
    expect(codes(body)).toContain('chips-missing');
    expect(body.chips).toHaveLength(16);
    expect(body.chips[15]).toMatchObject({ npu_id: 7, chip_id: 1, logic_id: 15, health: null });
    expect(probe(files, { devices: [3] }).verdict).toBe('clean');
    expect(probe(files, { devices: [15] }).verdict).toBe('inconclusive');
  });

  it('an unknown chip is judged only outside what any chip holds when idle', () => {
    const largest = Math.max(...idleMemory.map((r) => r.maxMb));
    const smallest = Math.min(...idleMemory.map((r) => r.maxMb));
    const at = (mb: number): string[] => codes(probe([{ name: 'i.txt', text: printInfo(plantHost('910', (c) => ({ name: '777X', hbm: { ...c.hbm, usedMb: mb } }))) }]));
    expect(at(smallest)).toEqual([]);
    expect(at(largest)).toEqual(['memory-baseline-unknown']);
    expect(at(largest + 1)).toEqual(['hbm-in-use']);
  });

  it('a usage rate gives a figure and says so; no rate gives none', () => {
    const usages = 'NPU ID : 0\nChip Count : 1\n\nHBM Capacity(MB) : 65536\nHBM Usage Rate(%) : 5\nAicore Usage Rate(%) : 0\nChip ID : 0';
    const body = probe([{ name: 'npu-smi.usages.0.txt', text: usages }]);
    expect(body.chips[0]).toMatchObject({ npu_id: 0, chip_id: 0, hbm_used_mb: 3276.8, hbm_total_mb: 65536, aicore_pct: 0, processes: null });
    expect(codes(body)).toEqual(expect.arrayContaining(['memory-from-rate', 'health-unknown', 'process-list-missing']));
    expect(probe([{ name: 'm.txt', text: 'NPU ID : 0\nHBM Capacity(MB) : 65536' }]).chips[0]).toMatchObject({ hbm_used_mb: null, hbm_total_mb: 65536 });
  });
});

describe('devices asked for', () => {
  const files = capture(plantHost('a3', (c, i) => (i === 5 ? occupied(c, 4242, 20_000) : {})));

  it('only those are judged, in the order asked', () => {
    const body = probe(files, { devices: [7, 2] });
    expect(body.chips.map((c) => [c.npu_id, c.chip_id])).toEqual([[3, 1], [1, 0]]);
    expect(body.verdict).toBe('clean');
    expect(probe(files, { devices: [5] }).verdict).toBe('contaminated');
  });

  it('one that is not there is unavailable', () => {
    expect(probe(files, { devices: [0, 16] })).toMatchObject({ verdict: 'unavailable', reasons: expect.arrayContaining([expect.objectContaining({ code: 'device-not-found' })]) });
  });

  it('without logical ids the physical ones are tried and nothing is proven', () => {
    const table = [{ name: 'npu-smi.info.txt', text: printInfo(plantHost('a3')) }];
    const body = probe(table, { devices: [3] });
    expect(body.chips.map((c) => c.phy_id)).toEqual([3]);
    expect(body.verdict).toBe('inconclusive');
    expect(codes(body)).toEqual(['logic-ids-unknown']);
  });
});

describe('no table at all', () => {
  const record = (change: Partial<CaptureRecord['commands'][number]>): Files => [
    { name: 'capture.json', text: JSON.stringify({ hostname: 'h', looked_for: ['npu-smi in PATH: absent'], commands: [{ file: 'npu-smi.info.txt', exit_code: null, timed_out: false, missing: false, ...change }], notes: [] }) },
  ];
  it.each([
    ['npu-smi-missing', record({ missing: true })],
    ['npu-smi-failed', record({ timed_out: true })],
    ['npu-smi-failed', record({ exit_code: 255 })],
    ['npu-smi-failed', capture(plantHost('910', undefined, { failure: 'driver' }))],
    ['device-occupied', capture(plantHost('910', undefined, { failure: 'occupied' }))],
  ])('%s', (code, files) => {
    const body = probe(files);
    expect(body.verdict).toBe('unavailable');
    expect(codes(body)).toEqual([code]);
    expect(body.chips).toEqual([]);
  });

  it('version files alone leave the chips unknown', () => {
    const body = probe([{ name: 'driver-version.info', text: 'Version=25.5.1' }]);
    expect([body.verdict, body.driver_version]).toEqual(['inconclusive', '25.5.1']);
    expect(codes(body)).toEqual(['chips-unknown']);
  });
});

it('every snapshot fits its schema and every reason is of the closed list', () => {
  const stamp = { schema: 'env-snapshot', schema_version: '1.0.0', producer: { name: 'x', version: '0.1.0' }, created_at: '2026-01-01T00:00:00Z', simulated: true, source: [] };
  for (const layout of layouts) {
    const body = probe(capture(plantHost(layout, (c, i) => (i === 0 ? { ...occupied(c, 5, 10, null), health: 'Alarm', aicorePct: 50 } : {}))), { phase: 'idle' });
    expect(check('env-snapshot', { ...stamp, ...body })).toMatchObject({ ok: true });
    for (const reason of body.reasons) expect(Object.keys(reasonCodes)).toContain(reason.code);
  }
});
