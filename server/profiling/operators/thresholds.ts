import { catalogue } from '../../hardware/catalogue.js';
import type { Threshold } from '../../contract/index.js';
import { thresholds as room } from '../thresholds.js';
import type { Core, Unit } from '../../profiles/opprof-tables.js';

export const thresholds = {
  /** percent */
  imbalanceSeen: { value: 20, source: 'our rule', why: 'the longest block sets the time: a fifth above the mean is a fifth of the core time lost at most' },
  imbalanceMedium: { value: 50, source: 'our rule', why: 'half again as long as the mean: the split of the work is wrong, not noisy' },
  /** 0–1 */
  frequencyDrop: room.frequencyDrop,
  majority: room.boundMajority,
  sure: { value: 0.75, source: 'our rule', why: 'three quarters of the time agree' },
  /** µs */
  pmuMinimumUs: room.pmuMinimumUs,
  conflictSeen: { value: 0.1, source: 'our rule', why: 'a tenth of the cycles lost to bank conflicts pays a look at the layout in the unified buffer' },
  /** blocks */
  imbalanceBlocks: { value: 2, source: 'our rule', why: 'one block has nothing to differ from' },
} as const satisfies Record<string, Threshold>;

/** In the order of the decision, as for kernels of a capture (facts of msprof-analyze advisor): a unit limits from its threshold on. */
export const unitRules: readonly { core: Core; unit: Unit; threshold: Threshold }[] = [
  { core: 'cube', unit: 'cube', threshold: room.cubeRatio },
  { core: 'cube', unit: 'mte2', threshold: room.mte2Ratio },
  { core: 'cube', unit: 'fixpipe', threshold: room.fixpipeRatio },
  { core: 'cube', unit: 'mte1', threshold: room.mte1Ratio },
  { core: 'vector', unit: 'vector', threshold: room.vectorRatio },
  { core: 'vector', unit: 'mte2', threshold: room.vectorMoveRatio },
  { core: 'vector', unit: 'mte3', threshold: room.vectorMoveRatio },
  { core: 'cube', unit: 'scalar', threshold: room.scalarRatio },
  { core: 'vector', unit: 'scalar', threshold: room.scalarRatio },
];

/** Operator profiles do not name the chip; fewer blocks than the smallest chip with split cores has are too few on every one. */
export function fewestCores(core: Core): number {
  return catalogue.filter((c) => c.family !== '310P').reduce((least, c) => Math.min(least, core === 'cube' ? c.cube_cores.value : c.vector_cores.value), Number.POSITIVE_INFINITY);
}
