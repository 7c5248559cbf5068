import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInfo } from '../../server/programs/npu-smi/info.js';
import { printInfo, type NpuLayout, type SimChip, type SimNpuHost } from '../../server/sim/npu-smi.js';
import { occupied, plantHost } from '../generate/npu-smi.js';

const layouts: readonly NpuLayout[] = ['910', 'a3', '310p', '950'];

/** What the table of a layout can show of a planted chip, written down apart from the parser. */
function shown(host: SimNpuHost, c: SimChip): Record<string, unknown> {
  const ddr = host.layout === '310p';
  const is950 = host.layout === '950';
  return {
    npu: c.npu,
    chip: is950 ? null : c.chip,
    phy: host.layout === 'a3' ? c.phy : null,
    logic: ddr ? c.logic : null,
    name: c.name,
    bus: c.bus,
    health: c.health,
    powerW: c.powerW,
    tempC: c.tempC,
    aicorePct: is950 ? null : c.aicorePct,
    npuUtilPct: is950 ? c.aicorePct : null,
    memory: { used: c.ddr.usedMb, total: c.ddr.totalMb },
    hbm: ddr ? null : { used: c.hbm.usedMb, total: c.hbm.totalMb },
  };
}

const hosts = fc
  .record({
    layout: fc.constantFrom(...layouts),
    wide: fc.boolean(),
    health: fc.constantFrom('OK', 'Warning', 'Alarm', 'Critical'),
    aicore: fc.integer({ min: 0, max: 100 }),
    busy: fc.array(fc.record({ chip: fc.nat(15), pid: fc.integer({ min: 2, max: 4_194_304 }), memory: fc.integer({ min: 1, max: 60_000 }), name: fc.constantFrom('python3', 'VLLMWorker_TP', 'a b', null) }), { maxLength: 6 }),
    used: fc.integer({ min: 0, max: 65_536 }),
  })
  .map((r) =>
    plantHost(
      r.layout,
      (chip, i) => {
        let now: SimChip = { ...chip, health: i === 1 ? r.health : 'OK', aicorePct: i === 0 ? r.aicore : 0, hbm: i === 2 && chip.hbm.totalMb > 0 ? { ...chip.hbm, usedMb: r.used } : chip.hbm };
        for (const b of r.busy) if (b.chip === i) now = { ...now, ...occupied(now, b.pid + now.processes.length, b.memory, b.name, r.wide ? 7 : null) };
        return now;
      },
      { wide: r.wide },
    ),
  );

describe('npu-smi info', () => {
  it('reads back every planted chip and process, in every layout', () => {
    fc.assert(
      fc.property(hosts, (host) => {
        const table = parseInfo(printInfo(host));
        expect(table?.npuSmiVersion).toBe(host.npuSmiVersion);
        expect(table?.chips).toEqual(host.chips.map((c) => shown(host, c)));
        const planted = host.chips.flatMap((c) =>
          c.processes.map((p) => ({ npu: c.npu, chip: host.layout === '950' ? null : c.chip, pid: p.pid, name: p.name, memoryMb: p.memoryMb, containerPid: host.wide ? p.containerPid : null })),
        );
        expect(table?.processes).toEqual(planted);
        const free = [...new Set(host.chips.map((c) => c.npu))].filter((n) => !planted.some((p) => p.npu === n));
        expect(table?.freeNpus).toEqual(free);
      }),
      { numRuns: 200 },
    );
  });

  it('reads the same from CRLF text, behind a prompt and through terminal colours', () => {
    for (const layout of layouts) {
      const text = printInfo(plantHost(layout));
      const plain = parseInfo(text);
      expect(parseInfo(`[root@host ~]# npu-smi info\r\n${text.replaceAll('\n', '\r\n')}`)).toEqual(plain);
      expect(parseInfo(text.replaceAll('OK', '\u001b[32mOK\u001b[0m'))).toEqual(plain);
    }
  });

  it('cut off at any character it never invents: what is read was planted', () => {
    fc.assert(
      fc.property(hosts, fc.double({ min: 0, max: 1, noNaN: true }), (host, part) => {
        const text = printInfo(host);
        const table = parseInfo(text.slice(0, Math.floor(text.length * part)));
        for (const [i, chip] of (table?.chips ?? []).entries()) {
          const planted = host.chips[i];
          if (planted === undefined) throw new Error('a chip that was not planted');
          const truth = shown(host, planted);
          for (const [key, value] of Object.entries(chip)) if (value !== null) expect(value).toEqual(truth[key]);
        }
        const planted = new Map(host.chips.flatMap((c) => c.processes.map((p) => [`${c.npu}/${p.pid}`, p] as const)));
        for (const p of table?.processes ?? []) expect(planted.get(`${p.npu ?? -1}/${p.pid}`)).toMatchObject({ name: p.name, memoryMb: p.memoryMb });
        for (const npu of table?.freeNpus ?? []) expect(host.chips.filter((c) => c.npu === npu && c.processes.length > 0)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('reads rows whose heads are missing', () => {
    for (const layout of ['910', 'a3', '310p'] as const) {
      const host = plantHost(layout);
      const rows = printInfo(host).split('\n').slice(6, 6 + host.chips.length * 3);
      expect(parseInfo(rows.join('\n'))?.chips).toEqual(host.chips.map((c) => shown(host, c)));
    }
  });

  it('joins a used figure without a blank before the slash', () => {
    const host = plantHost('a3', (c) => ({ hbm: { ...c.hbm, usedMb: 59440 } }));
    expect(printInfo(host)).toContain('59440/ 65536');
    expect(parseInfo(printInfo(host))?.chips[0]?.hbm).toEqual({ used: 59440, total: 65536 });
  });

  it('takes a zero for the letter of OK, and NA for unknown', () => {
    const row = (health: string): string => `| 0 310P3 | ${health} | 80.0 40 0 / 0 |\n| 0 | 0000:81:00.0 | 0 0 / 0 1500/ 44280 |`;
    expect(parseInfo(row('0K'))?.chips[0]?.health).toBe('OK');
    expect(parseInfo(row('NA'))?.chips[0]?.health).toBeNull();
  });

  it('reads process rows pasted without their inner bars', () => {
    const text = `| NPU   Chip   Process id   Process name   Process memory(MB) |\n| 3     0      4711      some worker  28170              |`;
    expect(parseInfo(text)?.processes).toEqual([{ npu: 3, chip: 0, pid: 4711, name: 'some worker', memoryMb: 28170, containerPid: null }]);
  });

  it('is null for text that is something else', () => {
    for (const text of ['', 'dcmi module initialize failed. ret is -8005', '| a | b |\n|---|---|\n| 1 | 2 |', '\u0000\u0001']) expect(parseInfo(text)).toBeNull();
    fc.assert(fc.property(fc.string({ maxLength: 400 }), (text) => void parseInfo(text)));
  });
});
