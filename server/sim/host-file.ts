import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { foreign, ToolError } from '../contract/index.js';
import { findChip } from '../hardware/lookup.js';
import type { Chip } from '../hardware/chip.js';
import { assumed } from './assumptions.js';

/** Faults by name. `device-missing` takes a device out of npu-smi; the others are described in {@link faultMeanings}. */
export const faultNames = [
  'oom-at-load', 'oom-at-runtime', 'missing-rank', 'hccl-timeout', 'aicore-exception', 'hang', 'crash-after-n', 'slow-rank', 'host-bound', 'garbled-output', 'accuracy-drop',
  'mtp-regression', 'port-in-use', 'device-alarm', 'device-missing', 'stale-process', 'graph-capture-in-window', 'd-state-load',
] as const;
export type FaultName = (typeof faultNames)[number];

/** What each fault does, on which rank when none is given, and what `after` counts. */
export const faultMeanings: Readonly<Record<FaultName, string>> = {
  'oom-at-load': 'weights do not fit: out of memory while loading, rank 0; with `needs_bytes`, only when less than that is left for the warm-up beside weights and cache',
  'oom-at-runtime': 'out of memory after `after` steps, rank 0',
  'missing-rank': 'the rank starts and never joins, last rank',
  'hccl-timeout': 'the rank stops after `after` steps, silently; the others report a notify timeout and die, last rank; needs two ranks',
  'aicore-exception': 'a kernel of the rank crashes after `after` steps; the others report a remote error, last rank',
  hang: 'no step after `after` steps while /health stays 200, all ranks',
  'crash-after-n': 'segmentation fault after `after` finished requests, rank 0',
  'slow-rank': 'the rank computes slower by a constant factor, last rank',
  'host-bound': 'launches take the host longer than the device needs, all ranks',
  'garbled-output': 'answers break after `after` tokens, all ranks',
  'accuracy-drop': 'a share of the answers is wrong, `share` of them where given, all ranks',
  'mtp-regression': 'drafts are rarely accepted, all ranks',
  'port-in-use': 'the HTTP port cannot be opened, rank 0',
  'device-alarm': 'npu-smi shows an alarm with an error code, device 0',
  'device-missing': 'npu-smi does not list the device and the kernel log has lost its heartbeat, last device',
  'stale-process': 'HBM of the device is held, by a listed process or, with listed false, by none; device 0',
  'graph-capture-in-window': 'graphs are captured while requests run although warm-up was asked, all ranks',
  'd-state-load': 'weight loading never ends and a polite signal does not end it; the kernel log says so after a while, rank 0',
};

const faultObject = z.strictObject({
  name: z.enum(faultNames),
  rank: z.int().nonnegative().optional(),
  after: z.int().nonnegative().optional(),
  listed: z.boolean().optional(),
  needs_bytes: z.number().positive().optional(),
  share: z.number().min(0).max(1).optional(),
});
const faultEntry = z.union([z.enum(faultNames), faultObject]);
const faultList = z.array(faultEntry);

const hostFile = z.strictObject({
  chip: z.string().min(1),
  count: z.int().min(1).max(64),
  hbm_bytes: z.number().positive().optional(),
  seed: z.int().nonnegative().optional(),
  framework: z.enum(['xllm', 'vllm-ascend']).optional(),
  faults: faultList.default([]),
});

export interface Fault {
  readonly name: FaultName;
  /** Rank, or device for device faults; null: the fault's own default. */
  readonly rank: number | null;
  readonly after: number | null;
  /** Only stale-process: whether npu-smi lists the process. */
  readonly listed: boolean;
  /** Only oom-at-load: bytes the warm-up wants beside weights and cache; without it the load itself fails. */
  readonly needsBytes?: number;
  /** Only accuracy-drop: share of wrong answers. */
  readonly share?: number;
}

/** A described host: what stands in for the machine. */
export interface SimHost {
  readonly chip: Chip;
  readonly count: number;
  /** What a process sees as total memory of one device. */
  readonly hbmBytes: number;
  readonly seed: number;
  /** null: both stand-ins are there. */
  readonly framework: 'xllm' | 'vllm-ascend' | null;
  readonly faults: readonly Fault[];
}

/** The embedded host: one Atlas A2 server. */
export const defaultHostFile = { chip: 'Ascend910B3', count: 8, seed: 1, faults: [] } as const;

function complaint(issue: z.core.$ZodIssue): string {
  const at = issue.path.length === 0 ? 'the file' : foreign(issue.path.map(String).join('.'), 60);
  if (issue.code === 'unrecognized_keys') return `${at} has unknown field ${issue.keys.map((k) => foreign(k, 40)).join(', ')}`;
  if (issue.code === 'invalid_union' || issue.code === 'invalid_value') return `${at} is not one of the known values`;
  return `${at}: ${issue.code}`;
}

function faultOf(entry: z.output<typeof faultEntry>): Fault {
  const f: z.output<typeof faultObject> = typeof entry === 'string' ? { name: entry } : entry;
  return { name: f.name, rank: f.rank ?? null, after: f.after ?? null, listed: f.listed ?? true, ...(f.needs_bytes === undefined ? {} : { needsBytes: f.needs_bytes }), ...(f.share === undefined ? {} : { share: f.share }) };
}

/**
 * Checks a host description.
 * @throws ToolError E_ARG_UNKNOWN for unknown fields, E_ARG_TYPE for unknown chips, faults and values
 */
export function parseHost(value: unknown): SimHost {
  const parsed = hostFile.safeParse(value);
  if (!parsed.success) {
    const issues = parsed.error.issues;
    const unknown = issues.some((i) => i.code === 'unrecognized_keys');
    throw new ToolError(unknown ? 'E_ARG_UNKNOWN' : 'E_ARG_TYPE', `simulated host file: ${issues.slice(0, 5).map(complaint).join('; ')}`, `fields: chip, count, hbm_bytes, seed, framework (xllm or vllm-ascend), faults; faults: ${faultNames.join(', ')}, each a name or {name, rank, after}`);
  }
  const chip = findChip(parsed.data.chip);
  const visible = chip.memory_visible_bytes?.value ?? chip.memory_nominal_bytes.value - assumed('idleHbm_mb') * 1024 * 1024;
  return {
    chip,
    count: parsed.data.count,
    hbmBytes: Math.floor(parsed.data.hbm_bytes ?? visible),
    seed: parsed.data.seed ?? defaultHostFile.seed,
    framework: parsed.data.framework ?? null,
    faults: parsed.data.faults.map(faultOf),
  };
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ToolError('E_PATH_MISSING', `the simulated host file ${foreign(path, 200)} cannot be read`, 'give the path of a JSON file, or --sim without a file for the embedded host', { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ToolError('E_JSON_BROKEN', `the simulated host file ${foreign(path, 200)} is not JSON`, 'mend the file', { cause });
  }
}

/** Reads and checks a host file. @throws ToolError E_PATH_MISSING, E_JSON_BROKEN and those of {@link parseHost} */
export function readHost(path: string): SimHost {
  return parseHost(readJson(path));
}

/** Defects of a simulated build, a list of faults as the host file has them. @throws ToolError E_PATH_MISSING, E_JSON_BROKEN, E_ARG_TYPE */
export function readBuildFaults(path: string): Fault[] {
  const parsed = faultList.safeParse(readJson(path));
  if (!parsed.success) throw new ToolError('E_ARG_TYPE', `faults of a simulated build: ${parsed.error.issues.slice(0, 5).map(complaint).join('; ')}`, 'a list of faults, each a name or {name, rank, after}');
  return parsed.data.map(faultOf);
}

/** The fault of this name that is meant for `rank`; `fallback` is the rank it falls on when the file names none, null every rank. */
export function faultFor(host: SimHost, name: FaultName, rank: number, fallback: number | null): Fault | null {
  return host.faults.find((f) => f.name === name && (f.rank ?? fallback ?? rank) === rank) ?? null;
}
