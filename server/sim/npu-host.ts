import type { SimHost } from './host-file.js';
import { assumed } from './assumptions.js';
import { npuSmi, type NpuLayout, type SimChip, type SimNpuHost, type SimNpuProcess, type SimOutput } from './npu-smi.js';
import { aicoreLoad, heldMemory, type HeldMemory } from './state.js';
import type { SimContext } from './environment.js';

const layouts: Readonly<Record<'A2' | 'A3' | '310P' | '950', NpuLayout>> = { A2: '910', A3: 'a3', '310P': '310p', '950': '950' };
/** Devices of one board: an A3 module and a 300I Duo card hold two. */
const perBoard: Readonly<Record<NpuLayout, number>> = { '910': 1, a3: 2, '310p': 2, '950': 1 };
const versions: Readonly<Record<NpuLayout, { readonly npuSmi: string; readonly firmware: string }>> = {
  '910': { npuSmi: '25.5.1', firmware: '7.8.0.5.216' },
  a3: { npuSmi: '25.5.1', firmware: '7.8.0.5.216' },
  '310p': { npuSmi: '24.1.0.1', firmware: '7.5.0.5.220' },
  '950': { npuSmi: '26.1.1', firmware: '8.1.0.1.200' },
};
const idleWatts = 92;
const busyWatts = 260;

/** HBM UCE family (0x80e01801), the alarm a failing card shows. */
const alarmCode = '80E01801';
/** A pid nobody has: the kernel's limit is 4,194,304. */
const stalePid = 4_190_210;

function nameOf(host: SimHost, layout: NpuLayout): { name: string; npuName: string | null } {
  const [chip, part] = host.chip.soc.split('_');
  if (layout === 'a3' || layout === '950') return { name: chip ?? host.chip.soc, npuName: part ?? null };
  return { name: host.chip.soc.replace(/^Ascend/, ''), npuName: null };
}

function deviceOf(host: SimHost, layout: NpuLayout, device: number): Pick<SimChip, 'npu' | 'chip' | 'phy' | 'logic' | 'bus'> {
  const board = Math.floor(device / perBoard[layout]);
  const chip = device % perBoard[layout];
  // 300I Duo boards are numbered by slot: 1792, 1793 …
  const npu = layout === '310p' ? 1792 + board : board;
  return { npu, chip, phy: device, logic: device, bus: `0000:${(0x81 + 2 * device).toString(16).toUpperCase().padStart(2, '0')}:00.0` };
}

function processesOf(host: SimHost, held: readonly HeldMemory[], device: number): SimNpuProcess[] {
  const living = held.filter((h) => h.device === device).map((h) => ({ pid: h.pid, name: h.name, memoryMb: Math.round(h.memory_mb), containerPid: null }));
  const stale = staleOn(host, device).filter((f) => f.listed).map(() => ({ pid: stalePid + device, name: 'python3', memoryMb: assumed('staleHbm_mb'), containerPid: null }));
  return [...living, ...stale];
}

const staleOn = (host: SimHost, device: number): SimHost['faults'] => host.faults.filter((f) => f.name === 'stale-process' && (f.rank ?? 0) === device);

/** Bytes of a device that nobody in this host's state holds: what the fault stale-process planted. */
export function staleBytes(host: SimHost, device: number): number {
  return staleOn(host, device).length * assumed('staleHbm_mb') * 1024 * 1024;
}

/** True when npu-smi and the runtime see the device. */
export function isPresent(host: SimHost, device: number): boolean {
  return device >= 0 && device < host.count && !host.faults.some((f) => f.name === 'device-missing' && (f.rank ?? host.count - 1) === device);
}

/** The host as npu-smi sees it now. */
export function describeHost(context: SimContext): SimNpuHost {
  const { host, stateDir } = context;
  const layout = layouts[host.chip.family];
  const held = heldMemory(stateDir);
  const nominalMb = Math.round(host.hbmBytes / (1024 * 1024)) + assumed('idleHbm_mb');
  const chips: SimChip[] = [];
  for (let device = 0; device < host.count; device += 1) {
    if (!isPresent(host, device)) continue;
    const processes = processesOf(host, held, device);
    const unlisted = staleOn(host, device).filter((f) => !f.listed).length * assumed('staleHbm_mb');
    const usedMb = assumed('idleHbm_mb') + processes.reduce((sum, p) => sum + p.memoryMb, 0) + unlisted;
    const alarm = host.faults.some((f) => f.name === 'device-alarm' && (f.rank ?? 0) === device);
    const load = aicoreLoad(stateDir, device);
    const memory = { usedMb, totalMb: nominalMb };
    const none = { usedMb: 0, totalMb: 0 };
    const place = deviceOf(host, layout, device);
    const secondDie = layout === 'a3' && place.chip === 1;
    chips.push({
      ...place,
      ...nameOf(host, layout),
      health: alarm ? 'Alarm' : 'OK',
      healthCodes: alarm ? [alarmCode] : [],
      powerW: layout === '310p' || secondDie ? null : idleWatts + ((busyWatts - idleWatts) * load) / 100,
      tempC: 38 + Math.round(load / 8),
      aicorePct: load,
      ddr: layout === '310p' ? memory : none,
      hbm: layout === '310p' ? none : memory,
      doubleBitErrors: alarm ? 1 : 0,
      processes,
    });
  }
  const version = versions[layout];
  return { layout, npuSmiVersion: version.npuSmi, driverVersion: version.npuSmi, firmwareVersion: version.firmware, wide: false, chips };
}

/** Answers an npu-smi command line from the state on disk. */
export function npuSmiNow(context: SimContext, argv: readonly string[]): SimOutput {
  const described = describeHost(context);
  if (argv[0] === '-v' || argv[0] === '--version') return { stdout: `npu-smi version: ${described.npuSmiVersion}\n`, stderr: '', exitCode: 0 };
  return npuSmi(described, argv);
}
