import type { AicMetrics, SimDevice, SimKernel } from './capture.js';
import { isStars, pmuColumns } from './formats.js';
import type { Random } from './random.js';

/** What limits a kernel; `none` has no PMU (AICPU). */
export type PipeProfile = 'cube' | 'mte2' | 'vector' | 'vector-memory' | 'scalar' | 'none';

type Ratios = Readonly<Record<string, number>>;

/** Pipe ratios by cause: the named pipe stands above the 0.8 (vector 0.7) at which readers call a kernel bound. */
const cubeSide: Record<Exclude<PipeProfile, 'none'>, Ratios> = {
  cube: { mac: 0.91, scalar: 0.18, mte1: 0.55, mte2: 0.6, fixpipe: 0.12 },
  mte2: { mac: 0.13, scalar: 0.22, mte1: 0.3, mte2: 0.94, fixpipe: 0.06 },
  vector: { mac: 0.3, scalar: 0.25, mte1: 0.3, mte2: 0.5, fixpipe: 0.1 },
  'vector-memory': { mac: 0, scalar: 0.2, mte1: 0, mte2: 0, fixpipe: 0 },
  scalar: { mac: 0.1, scalar: 0.88, mte1: 0.15, mte2: 0.3, fixpipe: 0.05 },
};
const vectorSide: Record<Exclude<PipeProfile, 'none'>, Ratios> = {
  cube: { vec: 0.4, scalar: 0.2, mte2: 0.3, mte3: 0.2 },
  mte2: { vec: 0.2, scalar: 0.2, mte2: 0.5, mte3: 0.1 },
  vector: { vec: 0.86, scalar: 0.15, mte2: 0.35, mte3: 0.25 },
  'vector-memory': { vec: 0.25, scalar: 0.1, mte2: 0.62, mte3: 0.41 },
  scalar: { vec: 0.1, scalar: 0.85, mte2: 0.2, mte3: 0.1 },
};

/**
 * PMU record of one kernel.
 * @param durationNs as it ran; cycles follow from it, the blocks and the clock of that moment
 * @returns values by stem; `*_total_time` in microseconds, ratios 0…1, bandwidths GB/s; null for kernels without PMU
 */
export function pmuRecord(
  kernel: SimKernel,
  profile: PipeProfile,
  durationNs: number,
  mhz: number,
  device: SimDevice,
  metrics: AicMetrics,
  random: Random,
): Record<string, number> | null {
  if (profile === 'none') return null;
  const durationUs = durationNs / 1000;
  // Core time is the task's time without the scheduler's part.
  const coreUs = Math.max(durationUs * 0.4, durationUs - 1.1);
  const cube = kernel.coreType === 'AI_CORE' || kernel.coreType === 'MIX_AIC';
  const vector = kernel.coreType === 'AI_VECTOR_CORE' || kernel.coreType === 'MIX_AIC' || kernel.coreType === 'MIX_AIV';
  const record: Record<string, number> = {};
  const noisy = (ratio: number): number => Math.round(Math.min(0.998, random.jitter(ratio, 0.02)) * 1e6) / 1e6;
  const side = (prefix: string, active: boolean, ratios: Ratios, blocks: number): void => {
    record[`${prefix}total_time`] = active ? Math.round(coreUs * 1000) / 1000 : 0;
    record[`${prefix}total_cycles`] = active ? Math.round(coreUs * mhz * blocks) : 0;
    for (const [pipe, ratio] of Object.entries(ratios)) record[`${prefix}${pipe}_ratio`] = active ? noisy(ratio) : 0;
    record[`${prefix}icache_miss_rate`] = active ? noisy(0.02) : 0;
  };
  const stars = isStars(device.family);
  const aicBlocks = Math.min(kernel.blockNum, device.aicoreCount);
  if (stars) {
    side('aic_', cube, cubeSide[profile], aicBlocks);
    side(
      'aiv_',
      vector,
      vectorSide[profile],
      kernel.coreType === 'AI_VECTOR_CORE' ? Math.min(kernel.blockNum, device.aivectorCount) : 2 * aicBlocks,
    );
  } else {
    side(
      '',
      true,
      {
        ...cubeSide[profile],
        ...(cube && profile !== 'vector-memory' ? { vec: 0.1, mte3: 0.1 } : vectorSide[profile]),
      },
      aicBlocks,
    );
  }
  if (metrics !== 'PipeUtilization') fill(record, device, metrics, profile, random);
  return record;
}

/** The other groups: the bound pipe's own counters are high, the rest low; nothing finer is claimed. */
function fill(
  record: Record<string, number>,
  device: SimDevice,
  metrics: AicMetrics,
  profile: PipeProfile,
  random: Random,
): void {
  for (const column of pmuColumns(device.family, metrics)) {
    if (column.kind !== 'value') continue;
    const side = column.key.startsWith('aiv_') ? 'aiv_' : column.key.startsWith('aic_') ? 'aic_' : '';
    const active = (record[`${side}total_cycles`] ?? 0) > 0;
    const high =
      (profile === 'cube' && /mac_fp16|cube_fops|l0/.test(column.key)) ||
      (profile === 'vector' && column.key.includes('vec')) ||
      (profile === 'mte2' && /main_mem_read|GM_to_L1|read_main|miss/.test(column.key));
    const scale = column.key.includes('ratio') ? 1 : column.key.includes('_bw') ? 60 : 100_000;
    const value = random.jitter(high ? 0.9 : 0.15, 0.05) * scale;
    record[column.key] = !active
      ? 0
      : column.header.includes('(') || column.key.includes('ratio')
        ? Math.round(value * 1e6) / 1e6
        : Math.round(value);
  }
}
