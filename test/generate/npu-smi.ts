import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { npuSmi, type NpuLayout, type SimChip, type SimNpuHost } from '../../server/sim/npu-smi.js';

const shape: Record<NpuLayout, { name: string; npuName: string | null; perNpu: number; npus: number; idleMb: number; totalMb: number; version: string }> = {
  '910': { name: '910B3', npuName: null, perNpu: 1, npus: 8, idleMb: 3370, totalMb: 65536, version: '25.5.1' },
  a3: { name: 'Ascend910', npuName: '9392', perNpu: 2, npus: 8, idleMb: 3100, totalMb: 65536, version: '26.0.rc2' },
  '310p': { name: '310P3', npuName: null, perNpu: 2, npus: 2, idleMb: 1500, totalMb: 44280, version: '25.0.rc1.1' },
  '950': { name: 'Ascend950PR', npuName: '957b', perNpu: 1, npus: 4, idleMb: 4400, totalMb: 86016, version: '26.1.0' },
};

/** An idle, healthy host of the layout; `change` plants a deviation per chip (by index). */
export function plantHost(layout: NpuLayout, change: (chip: SimChip, index: number) => Partial<SimChip> = () => ({}), host: Partial<SimNpuHost> = {}): SimNpuHost {
  const s = shape[layout];
  const chips: SimChip[] = [];
  for (let npu = 0; npu < s.npus; npu += 1) {
    for (let die = 0; die < s.perNpu; die += 1) {
      const index = npu * s.perNpu + die;
      const used = s.idleMb + index;
      const base: SimChip = {
        npu: layout === '310p' ? 1792 + npu * 8 : npu,
        chip: die,
        phy: index,
        logic: index,
        name: s.name,
        npuName: s.npuName,
        bus: `0000:${(0x80 + index).toString(16).toUpperCase()}:00.0`,
        health: 'OK',
        healthCodes: [],
        powerW: layout === 'a3' && die > 0 ? null : 90.5 + index,
        tempC: 35 + (index % 7),
        aicorePct: 0,
        ddr: layout === '310p' ? { usedMb: used, totalMb: s.totalMb } : { usedMb: 0, totalMb: 0 },
        hbm: layout === '310p' ? { usedMb: 0, totalMb: 0 } : { usedMb: used, totalMb: s.totalMb },
        doubleBitErrors: 0,
        processes: [],
      };
      chips.push({ ...base, ...change(base, index) });
    }
  }
  return { layout, npuSmiVersion: s.version, driverVersion: s.version, firmwareVersion: '7.5.0.1.1', wide: false, chips, ...host };
}

/** A process with its memory on the chip. */
export function occupied(chip: SimChip, pid: number, memoryMb: number, name: string | null = 'VLLMWorker_TP', containerPid: number | null = null): Partial<SimChip> {
  return {
    processes: [...chip.processes, { pid, name, memoryMb, containerPid }],
    hbm: chip.hbm.totalMb === 0 ? chip.hbm : { ...chip.hbm, usedMb: chip.hbm.usedMb + memoryMb },
    ddr: chip.ddr.totalMb === 0 ? chip.ddr : { ...chip.ddr, usedMb: chip.ddr.usedMb + memoryMb },
  };
}

/** What a whole capture of the host looks like, by contract name. */
export function captureOf(host: SimNpuHost): { name: string; text: string }[] {
  const files: { name: string; text: string }[] = [];
  const ask = (name: string, ...argv: string[]): void => {
    const out = npuSmi(host, ['info', ...argv]);
    if (out.stdout !== '') files.push({ name: `npu-smi.${name}.txt`, text: out.stdout });
    if (out.stderr !== '') files.push({ name: `npu-smi.${name}.stderr.txt`, text: out.stderr });
  };
  ask('info');
  if (host.failure !== undefined) return files;
  ask('m', '-m');
  ask('l', '-l');
  const npus = [...new Set(host.chips.map((c) => c.npu))];
  if (host.layout !== '950') for (const npu of npus) ask(`board.${npu}`, '-t', 'board', '-i', String(npu));
  for (const npu of npus) for (const kind of ['usages', 'proc-mem', 'ecc']) ask(`${kind}.${npu}`, '-t', kind, '-i', String(npu));
  for (const c of host.chips) {
    if (host.layout === '950') ask(`board.${c.npu}`, '-t', 'board', '-i', String(c.npu));
    else ask(`board.${c.npu}.${c.chip}`, '-t', 'board', '-i', String(c.npu), '-c', String(c.chip));
    if (c.health !== 'OK') ask(host.layout === '950' ? `health.${c.npu}` : `health.${c.npu}.${c.chip}`, '-t', 'health', '-i', String(c.npu), ...(host.layout === '950' ? [] : ['-c', String(c.chip)]));
  }
  ask('topo', '-t', 'topo');
  return files;
}

export function writeFiles(dir: string, files: readonly { name: string; text: string }[]): void {
  for (const f of files) {
    mkdirSync(dirname(join(dir, f.name)), { recursive: true });
    writeFileSync(join(dir, f.name), f.text);
  }
}

/**
 * An executable `npu-smi` in `dir` that answers like the planted host. `later` answers from the second `npu-smi info` on, so that
 * samples can differ.
 */
export function installNpuSmi(dir: string, host: SimNpuHost, later?: SimNpuHost): void {
  const cases: string[] = [];
  const put = (key: string, argv: readonly string[], source: SimNpuHost): void => {
    const out = npuSmi(source, argv);
    writeFiles(join(dir, 'answers'), [
      { name: `${key}.out`, text: out.stdout },
      { name: `${key}.err`, text: out.stderr },
    ]);
    cases.push(`  ${JSON.stringify(key === 'later' ? 'info-later' : argv.join(' '))}) say "${key}"; exit ${out.exitCode} ;;`);
  };
  put('info', ['info'], host);
  put('later', ['info'], later ?? host);
  put('m', ['info', '-m'], host);
  put('l', ['info', '-l'], host);
  put('topo', ['info', '-t', 'topo'], host);
  for (const c of host.chips) {
    for (const kind of ['usages', 'proc-mem', 'ecc', 'health', 'board', 'common', 'memory']) {
      put(`${kind}.${c.npu}`, ['info', '-t', kind, '-i', String(c.npu)], host);
      put(`${kind}.${c.npu}.${c.chip}`, ['info', '-t', kind, '-i', String(c.npu), '-c', String(c.chip)], host);
    }
  }
  const script = ['#!/bin/bash', 'A="${0%/*}/answers"', 'say() { printf "%s\\n" "$(<"$A/$1.out")"; if [ -s "$A/$1.err" ]; then printf "%s\\n" "$(<"$A/$1.err")" >&2; fi; }', 'key="$*"', 'if [ "$key" = info ]; then if [ -e "$A/asked" ]; then key=info-later; fi; : > "$A/asked"; fi', 'case "$key" in', ...cases, '  *) echo "Error parameter of -t"; exit 1 ;;', 'esac', ''].join('\n');
  writeFileSync(join(dir, 'npu-smi'), script);
  chmodSync(join(dir, 'npu-smi'), 0o755);
}
