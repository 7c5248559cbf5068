import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { readText, walk } from '../host/files.js';
import { httpRequest } from '../host/http.js';
import { countersOf } from '../programs/service-counters.js';
import type { Evidence, HostState } from './evidence.js';
import { limits, states } from './thresholds.js';

/** What is needed of a service record (service-record.schema.json). */
const record = z.object({ endpoint: z.url({ protocol: /^http$/ }).nullable(), outcome: z.string(), place: z.object({ kind: z.string() }).nullish() });

/** Endpoints of the run's services on this host that should be up. */
export async function runEndpoints(runDir: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of (await walk(join(runDir, 'service'))).filter((n) => /^[^/]+\/service\.json$/.test(n))) {
    const text = await readText(join(runDir, 'service', name), limits.commandBytes.value).catch(() => null);
    const checked = record.safeParse(parsed(text));
    if (!checked.success || checked.data.endpoint === null || !['starting', 'ready'].includes(checked.data.outcome)) continue;
    if ((checked.data.place?.kind ?? 'local') === 'local') found.push(checked.data.endpoint.replace(/\/+$/, ''));
  }
  return [...new Set(found)].slice(0, states.services.value);
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

interface Reading {
  readonly requests: number;
  readonly tokens: number;
}

/** Requests running, and prompt and generated tokens since the start; null when the page has no such counters. */
export function readingOf(page: string): Reading | null {
  const { running, prompt_tokens: prompt, generated_tokens: generated } = countersOf(page);
  return running === undefined || (prompt === undefined && generated === undefined) ? null : { requests: running, tokens: (prompt ?? 0) + (generated ?? 0) };
}

/**
 * Whether a service with requests in it moves: its counters are read until a token comes, no request runs, or the window ends.
 * Only GET of /health, /vars and /metrics. Null when it does not answer or has no counters.
 */
async function watch(endpoint: string, signal: AbortSignal, commands: Evidence['commands']): Promise<HostState['services'][number] | null> {
  const get = (path: string): ReturnType<typeof httpRequest> => httpRequest(`${endpoint}${path}`, { timeoutMs: states.answerMs.value, signal });
  const read = async (): Promise<Reading | null> => {
    for (const path of ['/vars', '/metrics']) {
      const answer = await get(path);
      const reading = answer?.status === 200 ? readingOf(answer.body) : null;
      if (reading !== null) return reading;
    }
    return null;
  };
  const health = await get('/health');
  commands.push({ command: `GET ${endpoint}/health`, outcome: health === null ? 'failed' : 'ok', bytes: health === null ? 0 : Buffer.byteLength(health.body) });
  const before = health === null ? null : await read();
  commands.push({ command: `GET ${endpoint}/vars or /metrics`, outcome: before === null ? 'failed' : 'ok', bytes: 0 });
  if (health === null || before === null) return null;
  let after = before;
  let waited = 0;
  while (waited < states.hangWindowMs.value && after.requests > 0 && after.tokens === before.tokens) {
    await sleep(states.hangPollMs.value, undefined, { signal });
    waited += states.hangPollMs.value;
    const next = await read();
    if (next === null) return null;
    after = next;
  }
  return { endpoint, health: health.status, requests: after.requests, tokens_before: before.tokens, tokens_after: after.tokens, seconds: waited / 1000 };
}

export async function watchServices(endpoints: readonly string[], signal: AbortSignal, commands: Evidence['commands']): Promise<HostState['services']> {
  const seen = await Promise.all(endpoints.map((e) => watch(e, signal, commands)));
  return seen.filter((s) => s !== null);
}
