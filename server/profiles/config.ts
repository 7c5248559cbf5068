import { foreign } from '../contract/index.js';
import { type Assembly } from './assembly.js';
import { type Capture, type FoundFile } from './discover.js';
import { inside, numberOf, readFacts, textOf, type Facts } from './facts.js';

/** ACL name of torch_npu → name of `--aic-metrics` (facts §1.2). */
const metricNames: Readonly<Record<string, string>> = {
  ACL_AICORE_PIPE_UTILIZATION: 'PipeUtilization',
  ACL_AICORE_ARITHMETIC_UTILIZATION: 'ArithmeticUtilization',
  ACL_AICORE_MEMORY_BANDWIDTH: 'Memory',
  ACL_AICORE_L0B_AND_WIDTH: 'MemoryL0',
  ACL_AICORE_MEMORY_UB: 'MemoryUB',
  ACL_AICORE_RESOURCE_CONFLICT_RATIO: 'ResourceConflictRatio',
  ACL_AICORE_L2_CACHE: 'L2Cache',
  ACL_AICORE_MEMORY_ACCESS: 'MemoryAccess',
};

function metricsOf(name: string): string | null {
  if (name === '' || /NONE$|^None$|^AiCoreNone$/i.test(name)) return null;
  return metricNames[name] ?? (/^[A-Za-z0-9:x,]{1,120}$/.test(name) ? name : null);
}

/** `Level1`, `ProfilerLevel.Level1`, `l1` → the last word. */
function levelOf(value: string): string | null {
  return /(?:^|\.)(Level(?:[0-2]|_?[Nn]one)|l[0-3])$/.exec(value)?.[1] ?? null;
}

/** True for captures that hold durations only. */
export function isLevelZero(level: string | null): boolean {
  return level === 'Level0' || level === 'l0' || level?.toLowerCase().endsWith('none') === true;
}

export interface CaptureFacts {
  rank: number | null;
}

/**
 * What the configuration beside a capture says: level, counters, rank, cores and frequency of the device. Nothing here is needed;
 * a file that can not be read is noted and left out.
 */
export async function readConfig(assembly: Assembly, index: number, capture: Capture): Promise<CaptureFacts> {
  const facts: CaptureFacts = { rank: null };
  for (const file of capture.files) {
    if (!['profiler-info', 'metadata', 'device-info', 'sample'].includes(file.kind)) continue;
    const read = await readFacts(file.path).catch(() => null);
    if (read === null) {
      assembly.note('file-broken', `${file.name}: no complete JSON object`);
      continue;
    }
    if (read['simulated'] === true) assembly.simulated = true;
    assembly.source(file.path, file.kind, null, file.bytes);
    if (file.kind === 'profiler-info') profilerInfo(assembly, facts, read);
    else if (file.kind === 'sample') sample(assembly, read);
    else if (file.kind === 'device-info') deviceInfo(assembly, index, file, read);
    else facts.rank ??= numberOf(inside(read, 'distributed_args')['rank']);
  }
  for (const device of capture.unstopped) assembly.note('capture-not-stopped', `device_${device} has no end_info`);
  return facts;
}

function profilerInfo(assembly: Assembly, facts: CaptureFacts, read: Facts): void {
  const experimental = inside(read, 'config', 'experimental_config');
  assembly.level ??= levelOf(textOf(experimental['_profiler_level'] ?? experimental['profiler_level']));
  assembly.aicMetrics ??= metricsOf(textOf(experimental['_aic_metrics'] ?? experimental['aic_metrics']));
  const rank = numberOf(read['rank_id']);
  if (rank !== null && rank >= 0) facts.rank ??= rank;
}

/** sample.json of a PROF folder: what msprof was asked to collect. */
function sample(assembly: Assembly, read: Facts): void {
  assembly.aicMetrics ??= read['ai_core_profiling'] === 'off' ? null : metricsOf(textOf(read['ai_core_metrics']));
  for (const key of ['prof_level', 'profLevel', 'task_time', 'taskTime']) assembly.level ??= levelOf(textOf(read[key]));
}

/** info.json.N: DeviceInfo has core counts and the rated frequency in MHz (facts §7.6). */
function deviceInfo(assembly: Assembly, index: number, file: FoundFile, read: Facts): void {
  const list = read['DeviceInfo'];
  const device: unknown = Array.isArray(list) ? list[0] : undefined;
  const named = /\.(\d+)$/.exec(file.name);
  const id = file.device >= 0 ? file.device : named === null ? -1 : Number(named[1]);
  if (device === undefined || id < 0) return;
  const cells = inside(device);
  const positive = (value: unknown): number | null => {
    const number = numberOf(value);
    return number !== null && number > 0 ? number : null;
  };
  const host = textOf(read['hostname']);
  assembly.describe(assembly.device(index, id), {
    host: host === '' ? null : foreign(host, 80),
    aicoreCount: positive(cells['ai_core_num']),
    aivectorCount: positive(cells['aiv_num']),
    aicoreMhz: positive(cells['aic_frequency']),
  });
}
