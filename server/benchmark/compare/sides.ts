import type { PerfPoint } from '../../contract/index.js';
import { mean } from '../../stats/moments.js';
import { sideNames, type Evidence, type Measured, type RootEvidence, type SideName } from './evidence.js';
import type { Metric } from './metrics.js';

/** One measured window. */
export interface Pass {
  readonly root: RootEvidence;
  readonly file: Measured;
  readonly point: PerfPoint;
  readonly load: string;
}

/** One service start with the passes measured on it: the unit of replication. */
export interface Start {
  readonly key: string;
  /** False when the evidence does not say when the service was started: then each input counts as one start, unproven. */
  readonly known: boolean;
  readonly startedAt: string | null;
  /** When its first request was sent, by the client; null when a pass does not say. */
  readonly firstAt: string | null;
  readonly passes: readonly Pass[];
}

export interface Side {
  readonly name: SideName;
  readonly roots: readonly RootEvidence[];
  readonly starts: readonly Start[];
  readonly passes: readonly Pass[];
}

export type Sides = Readonly<Record<SideName, Side>>;

/** Name of a load, from its own numbers: clients name the same load differently. */
export function loadName(point: PerfPoint): string {
  const number = `number_${point.number ?? 'unknown'}`;
  const parallel = point.parallel === null ? [] : [`parallel_${point.parallel}`];
  const rate = point.rate === null ? [] : [`rate_${point.rate}`];
  return [...parallel, ...rate, number].join('_');
}

function startOf(root: RootEvidence, file: Measured): { key: string; known: boolean; startedAt: string | null } {
  const startedAt = file.artifact.service_started_at ?? root.manifest?.service.started_at ?? null;
  if (startedAt === null) return { key: `${root.label}\0${file.artifact.service_job ?? ''}`, known: false, startedAt };
  return { key: `${root.manifest?.environment.host ?? ''}\0${Date.parse(startedAt)}`, known: true, startedAt };
}

function side(name: SideName, evidence: Evidence): Side {
  const roots = evidence.roots.filter((r) => r.side === name);
  const groups = new Map<string, Start & { passes: Pass[] }>();
  for (const root of roots) {
    for (const file of root.metrics) {
      const start = startOf(root, file);
      const group = groups.get(start.key) ?? { ...start, firstAt: null, passes: [] };
      for (const point of file.artifact.points) group.passes.push({ root, file, point, load: loadName(point) });
      groups.set(start.key, group);
    }
  }
  const starts = [...groups.values()].map((g) => {
    const times = g.passes.map((p) => p.point.started_at ?? null);
    const known = times.filter((t): t is string => t !== null).sort((a, b) => Date.parse(a) - Date.parse(b));
    return { ...g, firstAt: known.length < times.length ? null : (known[0] ?? null) };
  });
  return { name, roots, starts, passes: starts.flatMap((s) => s.passes) };
}

export function sidesOf(evidence: Evidence): Sides {
  const [baseline, candidate] = sideNames;
  return { baseline: side(baseline, evidence), candidate: side(candidate, evidence) };
}

export interface LoadPair {
  readonly label: string;
  readonly baseline: string;
  readonly candidate: string;
}

function loads(side: Side): string[] {
  return [...new Set(side.passes.map((p) => p.load))];
}

/** Loads measured on both sides; without one in common they are taken in order, so that numbers can be shown beside the blocker. */
export function loadPairs(sides: Sides): LoadPair[] {
  const [a, b] = [loads(sides.baseline), loads(sides.candidate)];
  const common = a.filter((l) => b.includes(l));
  if (common.length > 0) return common.map((l) => ({ label: l, baseline: l, candidate: l }));
  return a.flatMap((l, i) => {
    const other = b[i];
    return other === undefined ? [] : [{ label: `${l} / ${other}`, baseline: l, candidate: other }];
  });
}

/** Value of a metric on one start: the mean over its passes of that load; null when none of them has it. */
export function valueOf(start: Start, metric: Metric, load: string): number | null {
  const values = start.passes.filter((p) => p.load === load).map((p) => metric.of(p.point) ?? null);
  return mean(values.filter((v): v is number => v !== null && Number.isFinite(v)));
}
