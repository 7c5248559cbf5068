import { setTimeout as sleep } from 'node:timers/promises';
import { httpRequest } from '../../host/http.js';
import { metricsRoutes, parseMetrics } from '../../programs/service-counters.js';
import { limits } from './thresholds.js';

/** Beside the captured folders; profile_analyze reads it there. */
export const metricsFile = 'service-metrics.txt';

/** Looks at the KV blocks of an xLLM service while the collection runs, and keeps the metrics page with most of them in use. */
export class BlockWatch {
  readonly #endpoint: string;
  readonly #ended = new AbortController();
  #watching: Promise<void> | null = null;
  #most = -1;
  /** The page as the service gave it; empty when it has no block metrics. */
  page = '';

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  start(): void {
    this.#watching ??= this.#watch();
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#watching;
  }

  async #look(route: string): Promise<boolean> {
    const answer = await httpRequest(`${this.#endpoint}${route}`, { timeoutMs: limits.metricsMs.value, maxBytes: limits.metricsBytes.value });
    const used = answer?.status === 200 ? parseMetrics(answer.body).get('num_used_blocks') : undefined;
    if (used === undefined) return false;
    if (used > this.#most) [this.#most, this.page] = [used, answer?.body ?? ''];
    return true;
  }

  async #watch(): Promise<void> {
    let route: string | undefined;
    for (const candidate of metricsRoutes) {
      if (this.#ended.signal.aborted || !(await this.#look(candidate))) continue;
      route = candidate;
      break;
    }
    while (route !== undefined && !this.#ended.signal.aborted) {
      await sleep(limits.metricsEveryMs.value, undefined, { signal: this.#ended.signal }).catch(() => undefined);
      await this.#look(route);
    }
  }
}
