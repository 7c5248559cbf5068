import type { PlantedFault } from './capture.js';
import type { DecodeOptions } from './llm-options.js';
import type { RankTrace } from './llm-rank.js';

/** Everything the options planted, with what it costs each rank; finding ids are those of the public contract. */
export function plantedFaults(options: DecodeOptions, traces: readonly RankTrace[]): PlantedFault[] {
  const faults: PlantedFault[] = [];
  traces.forEach((trace, rank) => {
    const add = (finding: string, ns: number | null, detail: Readonly<Record<string, number | string>> = {}): void =>
      void faults.push({ finding, rank, size_us: ns === null ? null : ns / 1000, detail });
    if (options.launchUs > launchBoundUs) add('host-bound-launch', trace.launchIdleNs, { launch_us: options.launchUs });
    if (options.syncGapUs !== null && options.syncGapUs > 0)
      add('host-bound-sync', trace.syncIdleNs, { gap_us: options.syncGapUs, steps: options.steps });
    if (options.bound !== null) add(`${options.bound}-bound`, null);
    if (options.ranks > 1 && !options.commOverlap && options.commUs !== null)
      add('comm-exposed', trace.sums.transitNs + trace.sums.waitNs, { transit_us: options.commUs });
    if (options.slowLink !== null && (options.slowLink.src === rank || options.slowLink.dst === rank))
      add('slow-link', null, { src: options.slowLink.src, dst: options.slowLink.dst, factor: options.slowLink.factor });
    if (options.slowRank?.rank === rank) add('slow-rank', trace.slowedNs, { factor: options.slowRank.factor });
    const skew = options.clockSkewUs[rank] ?? 0;
    if (skew !== 0) add('clock-skew', null, { skew_us: skew });
    if (options.opCompiles > 0) add('op-compile', trace.compileIdleNs, { calls: options.opCompiles });
    if (options.dynamicShape) add('dynamic-shape', null);
    if (options.fragmentation !== null) add('memory-fragmentation', null, { share: options.fragmentation });
    if (options.frequencyDrop !== null)
      add('freq-drop', options.slowRank === null ? trace.slowedNs : null, {
        mhz: options.frequencyDrop.mhz,
        rated_mhz: trace.device.aicoreMhz,
      });
    for (const [pattern, sum] of trace.patterns) add(pattern, sum.ns, { kernels: sum.count });
  });
  return faults;
}

/** Above this the launches are slower than the decode kernels of the default model on every simulated chip but the smallest. */
const launchBoundUs = 20;
