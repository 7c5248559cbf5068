import type { PerfLatency, PerfPoint, PerfTokens } from '../../contract/index.js';

export type Better = 'lower' | 'higher' | null;

const latencies = ['ttft_ms', 'tpot_ms', 'itl_ms', 'e2el_ms'] as const;
export type LatencyName = (typeof latencies)[number];
export const latencyNames: readonly LatencyName[] = latencies;

const shares: Readonly<Record<string, (l: PerfLatency) => number | null | undefined>> = {
  mean: (l) => l.mean,
  p50: (l) => l.p50,
  p90: (l) => l.p90,
  p95: (l) => l.p95,
  p99: (l) => l.p99,
  min: (l) => l.min,
  max: (l) => l.max,
  std: (l) => l.std,
};
const tokenShares: Readonly<Record<string, (t: PerfTokens) => number | null | undefined>> = { mean: (t) => t.mean, p50: (t) => t.p50, p99: (t) => t.p99, max: (t) => t.max };

export interface Metric {
  readonly path: string;
  /** Which way is good; null where neither is. */
  readonly better: Better;
  readonly of: (point: PerfPoint) => number | null | undefined;
}

function all(): Metric[] {
  const list: Metric[] = [
    { path: 'output_tps', better: 'higher', of: (p) => p.output_tps },
    { path: 'request_tps', better: 'higher', of: (p) => p.request_tps },
    { path: 'total_tps', better: 'higher', of: (p) => p.total_tps },
    { path: 'goodput', better: 'higher', of: (p) => p.goodput },
    { path: 'duration_s', better: 'lower', of: (p) => p.duration_s },
    { path: 'speculative.acceptance_rate', better: 'higher', of: (p) => p.speculative?.acceptance_rate },
    { path: 'speculative.tokens_per_step', better: 'higher', of: (p) => p.speculative?.tokens_per_step },
  ];
  for (const name of latencies) for (const [share, of] of Object.entries(shares)) list.push({ path: `${name}.${share}`, better: 'lower', of: (p) => of(p[name]) });
  for (const [share, of] of Object.entries(tokenShares)) {
    list.push({ path: `input_tokens.${share}`, better: null, of: (p) => of(p.input_tokens) }, { path: `output_tokens.${share}`, better: null, of: (p) => of(p.output_tokens) });
  }
  return list;
}

/** Every metric a comparison knows, by its path into a perf-metrics point. */
export const metrics: ReadonlyMap<string, Metric> = new Map(all().map((m) => [m.path, m]));

/** Rows of every comparison. No p99: it is judged where it is asked for. */
export const defaultMetrics = ['output_tps', 'request_tps', 'ttft_ms.mean', 'ttft_ms.p50', 'tpot_ms.mean', 'tpot_ms.p50', 'e2el_ms.mean'] as const;
/** What a comparison is about when nobody says. */
export const fallbackMetric = 'output_tps';
