import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBytes } from '../host/bytes.js';
import type { Started } from '../host/transport.js';
import { emptyFacts, readLine } from '../programs/service-log.js';
import type { End } from './judge.js';
import { probe, type Check } from './probe.js';
import { reads, waits } from './thresholds.js';

export interface WatchedRank {
  readonly rank: number;
  readonly log: string;
  readonly started: Started;
}

/** The ranks of a running service: who has ended, and what the newest log lines say about the stage. */
export class Watch {
  readonly #runDir: string;
  readonly #ranks: readonly WatchedRank[];
  readonly #offsets = new Map<number, { offset: number; rest: string }>();
  readonly #facts = emptyFacts();
  #first: End | null = null;

  constructor(runDir: string, ranks: readonly WatchedRank[]) {
    this.#runDir = runDir;
    this.#ranks = ranks;
    for (const { rank, started } of ranks) {
      void started.ended.then(({ code, signal }) => {
        this.#first ??= { cause: 'exit', rank, code, signal };
      });
    }
  }

  /** The first rank that ended; null while all live. A service needs all of them. */
  get ended(): End | null {
    return this.#first;
  }

  /** Reads what was written since the last look, a bounded part of it, and gives the stage it tells. For people only: nothing is decided by it. */
  async stage(): Promise<string | null> {
    const decoder = new TextDecoder();
    for (const { rank, log } of this.#ranks) {
      const at = this.#offsets.get(rank) ?? { offset: 0, rest: '' };
      const bytes = await readBytes(join(this.#runDir, log), at.offset, reads.followBytes);
      if (bytes.length === 0) continue;
      const lines = (at.rest + decoder.decode(bytes)).split('\n');
      this.#offsets.set(rank, { offset: at.offset + bytes.length, rest: (lines.pop() ?? '').slice(-reads.followBytes) });
      for (const line of lines) readLine(line, this.#facts);
    }
    return this.#facts.stage;
  }
}

export type Outcome = { readonly ready: Check } | { readonly end: End };

/**
 * Waits until the endpoint answered one real request, a rank ended, time ran out, or the job was cancelled. A rank that ends while the
 * endpoint answers wins: a service with a dead rank is not ready.
 */
export async function untilReady(watch: Watch, endpoint: string, owns: () => Promise<boolean>, timeoutMs: number, signal: AbortSignal, tell: (stage: string) => Promise<void>): Promise<Outcome> {
  const deadline = performance.now() + timeoutMs;
  const stop = new AbortController();
  const onAbort = (): void => stop.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  const state: { answer: Check | null } = { answer: null };
  const asking = (async (): Promise<void> => {
    while (!stop.signal.aborted && state.answer === null) {
      const answer = await probe(endpoint, stop.signal);
      // Somebody else's server on the port would answer too.
      if (answer !== null && (await owns())) state.answer = answer;
      if (state.answer === null) await sleep(waits.probeMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  try {
    for (;;) {
      if (signal.aborted) return { end: { cause: 'stopped', rank: null, code: null, signal: null } };
      if (watch.ended !== null) return { end: watch.ended };
      if (state.answer !== null) return { ready: state.answer };
      if (performance.now() >= deadline) return { end: { cause: 'timeout', rank: null, code: null, signal: null } };
      const stage = await watch.stage();
      if (stage !== null) await tell(stage);
      await sleep(waits.pollMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    stop.abort();
    signal.removeEventListener('abort', onAbort);
    await asking;
  }
}

/** Supervises a ready service until a rank ends or the job is cancelled. */
export async function untilEnded(watch: Watch, signal: AbortSignal): Promise<End> {
  for (;;) {
    if (signal.aborted) return { cause: 'stopped', rank: null, code: null, signal: null };
    if (watch.ended !== null) return watch.ended;
    await sleep(waits.pollMs, undefined, { signal }).catch(() => undefined);
  }
}
