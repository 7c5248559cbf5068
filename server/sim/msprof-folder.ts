import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  simulatedFile,
  simulatedText,
  type Capture,
  type ChipFamily,
  type SimDevice,
  type SimProcess,
} from './capture.js';
import { Random } from './random.js';
import { dateText, stamp } from './text.js';

/** `platform_version` of info.json (msprof CHIP_TABLE). */
const platform: Record<ChipFamily, string> = { Ascend910A: '1', Ascend310P: '4', Ascend910B: '5', Ascend310B: '7' };

/** The folder of one process: `PROF_000001_<17 digits>_<8 digits><8 letters>`, as msprof names it. */
export function profFolderName(capture: Capture, process: SimProcess): string {
  const random = new Random(capture.seed * 31 + process.pid);
  return `PROF_000001_${stamp(process.startNs, 17)}_${String(random.integer(1, 99_999_999)).padStart(8, '0')}${random.letters(8)}`;
}

/** When the export ran, as 14 digits: two seconds after the capture's end, moved by whole seconds on demand. */
export function exportStamp(process: SimProcess, laterSeconds = 0): string {
  return stamp(process.endNs + 2_000_000_000n + BigInt(laterSeconds) * 1_000_000_000n, 14);
}

/**
 * Raw side of a PROF folder: start, end and info files of host and devices, sample.json, the SIMULATED marker.
 * @param parent existing folder @returns the PROF folder, created
 */
export function writeProfFolder(
  parent: string,
  capture: Capture,
  process: SimProcess,
  options: { readonly stopped?: boolean } = {},
): string {
  const folder = join(parent, profFolderName(capture, process));
  mkdirSync(folder);
  writeFileSync(join(folder, simulatedFile), simulatedText);
  for (const device of [null, ...process.devices]) {
    writeSide(folder, capture, process, device);
    // A process killed while profiling leaves no end_info.
    if (options.stopped !== false) writeEnd(folder, device, process.endNs);
  }
  return folder;
}

/** What a capture writes when it begins: the host's side, or with a device that device's. */
export function writeSide(folder: string, capture: Capture, process: SimProcess, device: SimDevice | null): void {
  const name = sideName(device);
  const suffix = sideSuffix(device);
  const path = join(folder, name);
  mkdirSync(join(path, 'data'), { recursive: true });
  writeFileSync(join(path, `info.json${suffix}`), JSON.stringify(infoJson(process, device === null ? [] : [device])));
  writeFileSync(join(path, `start_info${suffix}`), JSON.stringify(clock('Begin', process.startNs)));
  writeFileSync(join(path, 'sample.json'), JSON.stringify(sampleJson(capture, name)));
}

/** What a capture writes when it was stopped. */
export function writeEnd(folder: string, device: SimDevice | null, endNs: bigint): void {
  writeFileSync(join(folder, sideName(device), `end_info${sideSuffix(device)}`), JSON.stringify(clock('End', endNs)));
}

const sideName = (device: SimDevice | null): string => (device === null ? 'host' : `device_${device.id}`);
const sideSuffix = (device: SimDevice | null): string => (device === null ? '' : `.${device.id}`);

function clock(edge: 'Begin' | 'End', ns: bigint): Record<string, string> {
  // The monotonic clock of a host that booted a day before the capture's first second.
  return {
    [`collectionDate${edge}`]: dateText(ns),
    [`collectionTime${edge}`]: String(ns / 1000n),
    clockMonotonicRaw: String((ns % 1_000_000_000_000_000n) + 86_400_000_000_000n),
  };
}

function infoJson(process: SimProcess, devices: readonly SimDevice[]): unknown {
  return {
    jobInfo: 'NA',
    version: '1.0',
    mac: '02-00-00-00-00-01',
    OS: 'Linux-5.10.0-simulated.aarch64-#1 SMP',
    cpuCores: 1,
    hostname: process.host,
    hwtype: 'aarch64',
    devices: devices.length === 0 ? '64' : devices.map((device) => device.id).join(','),
    platform: '',
    CPU: [{ Id: 0, Name: 'HiSilicon', Frequency: '100.000000', Logical_CPU_Count: 192, Type: 'TaishanV110' }],
    DeviceInfo: devices.map((device) => ({
      id: device.id,
      env_type: 3,
      ctrl_cpu_id: 'ARMv8_Cortex_A55',
      ctrl_cpu_core_num: 1,
      ctrl_cpu_endian_little: 1,
      ts_cpu_core_num: 1,
      ai_cpu_core_num: 6,
      ai_core_num: device.aicoreCount,
      ai_cpu_core_id: 2,
      ai_core_id: 0,
      aicpu_occupy_bitmap: 252,
      ctrl_cpu: '0',
      ai_cpu: '2,3,4,5,6,7',
      aiv_num: device.aivectorCount,
      hwts_frequency: '50.000000',
      aic_frequency: String(device.aicoreMhz),
      aiv_frequency: String(device.aicoreMhz),
    })),
    platform_version: platform[process.devices[0]?.family ?? 'Ascend910B'],
    pid: String(process.pid),
    memoryTotal: 1_583_000_000,
    cpuNums: 192,
    sysClockFreq: 100,
    upTime: '86400.00 16588800.00',
    hostUid: process.hostUid,
    netCardNums: 1,
    netCard: [{ netCardName: 'enp0s0', speed: 25000 }],
    // msprof itself does not know the rank.
    rank_id: -1,
    pid_name: 'xllm',
  };
}

function sampleJson(capture: Capture, side: string): unknown {
  const { level, aicMetrics, flags } = capture.config;
  const metrics = aicMetrics ?? '';
  return {
    ai_core_profiling: aicMetrics === null ? 'off' : 'on',
    ai_core_metrics: metrics,
    ai_core_profiling_mode: aicMetrics === null ? '' : 'task-based',
    aicore_sampling_interval: 10,
    aiv_profiling: aicMetrics === null ? 'off' : 'on',
    aiv_metrics: metrics,
    aiv_profiling_mode: aicMetrics === null ? '' : 'task-based',
    aiv_sampling_interval: 10,
    ascendcl: flags['ascendcl'] ?? 'on',
    devices: side === 'host' ? '64' : side.replace('device_', ''),
    hccl: level === 'l0' ? 'off' : 'on',
    msproftx: flags['msproftx'] ?? 'off',
    profLevel: level,
    storageLimit: '',
    taskTime: 'on',
    task_time: 'on',
  };
}
