import type { Finding, Incomplete, OpMigration } from '../contract/index.js';

/** What every kind of check says beside its own part. */
export interface Outcome {
  readonly verdict: OpMigration['verdict'];
  /** Why it is not pass; empty when it is. */
  readonly reasons: string[];
  readonly findings: Finding[];
  readonly incomplete: Incomplete[];
}

/** A report without the stamp every artifact gets. */
export type Body = Omit<OpMigration, 'schema' | 'schema_version' | 'producer' | 'created_at' | 'simulated' | 'source'>;

/** How a caller stops long work and hears of it. */
export interface Watch {
  readonly signal: AbortSignal;
  readonly progress: (message: string) => void;
}
