import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Capture, SimDevice, SimProcess } from './capture.js';
import { decodeDefaults, simChip } from './llm-options.js';
import { writeEnd, writeProfFolder, writeSide } from './msprof-folder.js';
import { serviceCapture, type ServiceCapture } from './profiling-socket.js';
import type { StepCaptureConfig } from './step-capture.js';

/** Raw data of a simulated PROF folder: the steps the process ran, in the place where msprof keeps its binary slices. */
const rawName = 'sim_steps.json';
const host = 'sim-node-0';
const hostUid = '9000000000000000000';

const level = z.enum(['l0', 'l1', 'l2']);
const aicMetrics = z.enum(['PipeUtilization', 'ArithmeticUtilization', 'Memory', 'MemoryL0', 'MemoryUB', 'ResourceConflictRatio', 'L2Cache', 'MemoryAccess']);
const rawFile = z.object({
  simulated: z.literal(true),
  config: z.object({ level, aicMetrics: aicMetrics.nullable(), flags: z.record(z.string(), z.string()) }),
  capture: serviceCapture,
});

/** A capture that runs: its folder has a beginning and no end. */
export interface OpenFolder {
  readonly path: string;
  readonly pid: number;
  readonly startNs: bigint;
  readonly chip: string;
  readonly device: number | null;
}

function deviceOf(chip: string, id: number): SimDevice {
  const { family, aicoreCount, aivectorCount, aicoreMhz, hbmBytes } = simChip(chip);
  return { id, rank: null, host, chip, family, aicoreCount, aivectorCount, aicoreMhz, hbmBytes };
}

function empty(pid: number, startNs: bigint, devices: readonly SimDevice[], config: StepCaptureConfig): { capture: Capture; process: SimProcess } {
  const process: SimProcess = { pid, hostUid, host, rank: null, clockSkewNs: 0, startNs, endNs: startNs, devices, tasks: [], commOps: [], apis: [], memory: [], frequency: [], marks: [] };
  return { capture: { seed: 1, config: { ...config, cannVersion: decodeDefaults.cannVersion, torchNpuVersion: '', groups: {} }, processes: [process] }, process };
}

/** @param device null when nobody knows yet which device the process holds */
export function beginFolder(parent: string, pid: number, startNs: bigint, chip: string, device: number | null, config: StepCaptureConfig): OpenFolder {
  mkdirSync(parent, { recursive: true });
  const { capture, process } = empty(pid, startNs, device === null ? [] : [deviceOf(chip, device)], config);
  return { path: writeProfFolder(parent, capture, process, { stopped: false }), pid, startNs, chip, device };
}

/** Writes what was captured and the end marks. */
export function endFolder(folder: OpenFolder, taken: ServiceCapture, config: StepCaptureConfig): void {
  const device = deviceOf(folder.chip, taken.device);
  const { capture, process } = empty(folder.pid, folder.startNs, [device], config);
  if (folder.device !== taken.device) writeSide(folder.path, capture, process, device);
  writeFileSync(join(folder.path, `device_${taken.device}`, 'data', rawName), JSON.stringify({ simulated: true, config, capture: taken }));
  for (const side of [null, device]) writeEnd(folder.path, side, BigInt(taken.stopped_ns));
}

export const profPattern = /^PROF_\d{6}_\d{17}_\w+$/;

/** PROF folders at or directly below a path, in order of their names. */
export function profFolders(path: string): string[] {
  if (profPattern.test(basename(path))) return existsSync(path) ? [path] : [];
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((e) => e.isDirectory() && profPattern.test(e.name))
    .map((e) => join(path, e.name))
    .sort();
}

/** The raw data of a PROF folder; null when its capture was never stopped. */
export function readRaw(folder: string): { readonly config: StepCaptureConfig; readonly capture: ServiceCapture } | null {
  for (const name of readdirSync(folder).filter((n) => /^device_\d+$/.test(n))) {
    const path = join(folder, name, 'data', rawName);
    if (!existsSync(path)) continue;
    const parsed = rawFile.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (parsed.success) return parsed.data;
  }
  return null;
}
