import { z } from 'zod';
import type { PerfPoint, RunManifest } from '../../contract/index.js';
import { deviation, mean } from '../../stats/moments.js';

/**
 * The host's own noise: how much a metric varies between service starts of one and the same build under one load (A/A). Remembered
 * over runs, for planning only: a judgement rests on the runs it compares.
 */

/** Metrics whose noise is remembered, as paths into a perf-metrics point. */
export const noiseMetrics = ['output_tps', 'request_tps', 'ttft_ms.mean', 'ttft_ms.p50', 'tpot_ms.mean', 'tpot_ms.p50', 'e2el_ms.mean'] as const;
export type NoiseMetric = (typeof noiseMetrics)[number];

export const noiseRow = z.object({
  /** Where: host, model, framework, chip; and whether it was the simulated host. */
  host: z.string(),
  model: z.string(),
  framework: z.string(),
  chip: z.string(),
  simulated: z.boolean(),
  /** What was sent: client and version, load, lengths. */
  load: z.string(),
  /** What was measured: start command, commit and version. The same build only is A/A. */
  build: z.string(),
  service_started_at: z.string(),
  metrics: z.partialRecord(z.enum(noiseMetrics), z.number()),
});
export type NoiseRow = z.output<typeof noiseRow>;

export type NoiseKey = Pick<NoiseRow, 'host' | 'model' | 'framework' | 'chip' | 'simulated' | 'load'>;

const values: Readonly<Record<NoiseMetric, (p: PerfPoint) => number | null>> = {
  output_tps: (p) => p.output_tps,
  request_tps: (p) => p.request_tps,
  'ttft_ms.mean': (p) => p.ttft_ms.mean,
  'ttft_ms.p50': (p) => p.ttft_ms.p50,
  'tpot_ms.mean': (p) => p.tpot_ms.mean,
  'tpot_ms.p50': (p) => p.tpot_ms.p50,
  'e2el_ms.mean': (p) => p.e2el_ms.mean,
};

/** Where and under what load a point was measured; null when the manifest or the point does not say enough. */
export function noiseKeyOf(manifest: RunManifest, point: PerfPoint): NoiseKey | null {
  const { environment, model, service, workload } = manifest;
  const name = model.weights_sha256 ?? model.path ?? null;
  if ((environment.host ?? null) === null || name === null || point.client.version === null) return null;
  return {
    host: environment.host ?? '',
    model: name,
    framework: service.framework ?? 'unknown',
    chip: environment.chip ?? 'unknown',
    simulated: manifest.simulated,
    load: [point.client.name, point.client.version, point.id, `in ${workload.input_tokens ?? 'unknown'}`, `out ${workload.output_tokens ?? 'unknown'}`, workload.dataset ?? 'unknown'].join(' | '),
  };
}

/** What a point adds to the memory; null when something it is told apart by is unknown, or a request failed. */
export function noiseRowOf(manifest: RunManifest, point: PerfPoint, serviceStartedAt: string | null, hash: (text: string) => string): NoiseRow | null {
  const key = noiseKeyOf(manifest, point);
  if (key === null || serviceStartedAt === null || point.failed !== 0 || (point.success ?? 0) === 0 || (point.graph_captures ?? 0) > 0) return null;
  const { code, service } = manifest;
  // Ports, devices and the work folder differ from start to start of the same build.
  const command = (service.command ?? []).map((argv) => argv.filter((a) => !/(?:^|[-_])(?:port|addr|master_node_addr|devices?)\b/.test(a.split('=')[0] ?? '')));
  const metrics: NoiseRow['metrics'] = {};
  for (const metric of noiseMetrics) {
    const value = values[metric](point);
    if (value !== null && value > 0) metrics[metric] = value;
  }
  return { ...key, build: hash(JSON.stringify([code.commit ?? null, code.diff_sha256 ?? null, service.framework_version ?? null, command])), service_started_at: serviceStartedAt, metrics };
}

export interface Noise {
  /** Coefficient of variation between service starts of one build, percent, pooled over builds. */
  readonly cv_pct: number;
  /** Service starts it rests on. */
  readonly starts: number;
  /** Degrees of freedom: starts minus builds. */
  readonly df: number;
}

function sameKey(a: NoiseKey, b: NoiseKey): boolean {
  return a.host === b.host && a.model === b.model && a.framework === b.framework && a.chip === b.chip && a.simulated === b.simulated && a.load === b.load;
}

/**
 * Noise of a metric at a place and load: passes on one start are averaged, builds with at least two starts are pooled by their
 * degrees of freedom. Null: no build was started twice.
 */
export function noiseOf(rows: readonly NoiseRow[], key: NoiseKey, metric: NoiseMetric): Noise | null {
  const builds = new Map<string, Map<string, number[]>>();
  for (const row of rows) {
    const value = row.metrics[metric];
    if (value === undefined || !sameKey(row, key)) continue;
    const starts = builds.get(row.build) ?? new Map<string, number[]>();
    starts.set(row.service_started_at, [...(starts.get(row.service_started_at) ?? []), value]);
    builds.set(row.build, starts);
  }
  let squares = 0;
  let df = 0;
  let used = 0;
  for (const starts of builds.values()) {
    const means = [...starts.values()].map((v) => mean(v) ?? 0);
    const [m, sd] = [mean(means), deviation(means)];
    if (means.length < 2 || m === null || sd === null || m <= 0) continue;
    squares += (means.length - 1) * (sd / m) ** 2;
    df += means.length - 1;
    used += means.length;
  }
  return df === 0 ? null : { cv_pct: 100 * Math.sqrt(squares / df), starts: used, df };
}
