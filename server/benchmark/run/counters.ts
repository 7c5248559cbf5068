import { httpRequest } from '../../host/http.js';
import { countersOf, isCounter, metricsRoutes, type CounterName, type Counters } from '../../programs/service-counters.js';
import { limits } from './thresholds.js';

export interface Snapshot {
  /** Route it was read from; null when none answered. */
  readonly route: string | null;
  readonly counters: Counters;
}

/** Gauges have no difference. */
const gauges: ReadonlySet<string> = new Set(['running', 'waiting']);

/** Reads the service's counters now: /metrics, else brpc's /vars or /brpc_metrics. */
export async function readCounters(endpoint: string): Promise<Snapshot> {
  for (const route of metricsRoutes) {
    const answer = await httpRequest(`${endpoint}${route}`, { timeoutMs: limits.counterMs.value, maxBytes: limits.counterBytes.value });
    if (answer?.status !== 200) continue;
    const counters = countersOf(answer.body);
    if (Object.keys(counters).length > 0) return { route, counters };
  }
  return { route: null, counters: {} };
}

/**
 * What the counters gained. A counter that fell belongs to a service that was started again in between: then none counts.
 * @returns null when there is nothing to tell apart
 */
export function gained(before: Counters, after: Counters): { readonly counters: Counters; readonly restarted: boolean } {
  const out: Partial<Record<CounterName, number>> = {};
  let restarted = false;
  for (const [name, end] of Object.entries(after)) {
    if (!isCounter(name) || gauges.has(name)) continue;
    const begin = before[name];
    if (begin === undefined) continue;
    if (end < begin) restarted = true;
    out[name] = end - begin;
  }
  return restarted ? { counters: {}, restarted } : { counters: out, restarted };
}

/** Speculative decoding as the service counted it over the window; null without a drafted token. */
export function speculationOf(d: Counters): { accepted_tokens: number; draft_tokens: number; acceptance_rate: number | null; tokens_per_step: number | null; source: 'server' } | null {
  const { draft_tokens: drafted, accepted_tokens: accepted, drafts } = d;
  if (drafted === undefined || accepted === undefined || drafted <= 0) return null;
  // A step commits what was accepted and one token of the target model itself.
  const perStep = drafts === undefined || drafts <= 0 ? null : d.committed_tokens !== undefined && d.committed_tokens > 0 ? d.committed_tokens / drafts : 1 + accepted / drafts;
  return { accepted_tokens: accepted, draft_tokens: drafted, acceptance_rate: accepted <= drafted ? accepted / drafted : null, tokens_per_step: perStep, source: 'server' };
}
