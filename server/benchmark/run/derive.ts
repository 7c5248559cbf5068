import type { Derivations } from '../../runs/runs.js';
import { benchPassDerivations } from './record.js';
import { benchSearchDerivations } from './sla.js';

/** How the artifacts of bench_start are computed again from raw. */
export const benchRunDerivations: Derivations = { ...benchPassDerivations, ...benchSearchDerivations };
