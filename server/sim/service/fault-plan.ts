import { assumed } from '../assumptions.js';
import { faultFor, type SimHost } from '../host-file.js';
import type { AnswerFaults } from './completion.js';

/** What the planted faults mean for one service of `world` ranks. */
export interface FaultPlan {
  readonly oomAtLoad: boolean;
  /** Bytes the warm-up wants beside weights and cache; 0: what it wants is always there. */
  readonly warmupBytes: number;
  readonly missing: boolean;
  readonly dStateLoad: boolean;
  readonly portInUse: boolean;
  readonly lazyGraphs: boolean;
  readonly acceptance: number;
  readonly launch_us: number;
  readonly answers: AnswerFaults;
  /** This rank's compute factor, and the largest of all ranks. */
  readonly computeFactor: number;
  readonly slowest: number;
  /** Steps after which something happens, on which rank. */
  readonly atStep: readonly { readonly kind: 'stall' | 'aicore' | 'oom' | 'hang'; readonly rank: number; readonly after: number }[];
  readonly crash: { readonly rank: number; readonly afterRequests: number } | null;
}

/** @param rank this process's rank, @param world ranks of the service */
export function planFaults(host: SimHost, rank: number, world: number): FaultPlan {
  const last = world - 1;
  const factorOf = (r: number): number => (faultFor(host, 'slow-rank', r, last) === null ? 1 : assumed('slowRankFactor'));
  const oom = faultFor(host, 'oom-at-load', rank, 0);
  const drop = faultFor(host, 'accuracy-drop', rank, null);
  const garbled = faultFor(host, 'garbled-output', rank, null);
  const crash = host.faults.find((f) => f.name === 'crash-after-n');
  const kinds = [
    { name: 'hccl-timeout', kind: 'stall', fallback: last, needs: 2 },
    { name: 'aicore-exception', kind: 'aicore', fallback: last, needs: 1 },
    { name: 'oom-at-runtime', kind: 'oom', fallback: 0, needs: 1 },
    { name: 'hang', kind: 'hang', fallback: 0, needs: 1 },
  ] as const;
  return {
    oomAtLoad: oom !== null && oom.needsBytes === undefined,
    warmupBytes: oom?.needsBytes ?? 0,
    missing: faultFor(host, 'missing-rank', rank, last) !== null,
    dStateLoad: faultFor(host, 'd-state-load', rank, 0) !== null,
    portInUse: faultFor(host, 'port-in-use', rank, 0) !== null,
    lazyGraphs: faultFor(host, 'graph-capture-in-window', rank, null) !== null,
    acceptance: faultFor(host, 'mtp-regression', rank, null) === null ? assumed('acceptance') : assumed('acceptanceRegressed'),
    launch_us: assumed('launch_us') * (faultFor(host, 'host-bound', rank, null) === null ? 1 : assumed('hostBoundLaunchFactor')),
    answers: {
      wrongShare: drop === null ? 0 : (drop.share ?? assumed('wrongAnswerShare')),
      garbledAfter: garbled === null ? null : (garbled.after ?? assumed('garbledAfterTokens')),
    },
    computeFactor: factorOf(rank),
    slowest: Math.max(...Array.from({ length: world }, (_, r) => factorOf(r))),
    atStep: kinds.flatMap(({ name, kind, fallback, needs }) =>
      host.faults
        .filter((f) => f.name === name && world >= needs && (f.rank ?? fallback) < world)
        .map((f) => ({ kind, rank: f.rank ?? fallback, after: f.after ?? assumed('faultAfterSteps') })),
    ),
    crash: crash === undefined || (crash.rank ?? 0) >= world ? null : { rank: crash.rank ?? 0, afterRequests: crash.after ?? assumed('faultAfterRequests') },
  };
}
