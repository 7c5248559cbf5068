import type { AccuracyComparison } from '../../contract/index.js';

/** A comparison without the stamp every artifact gets when it is written. */
export type ComparisonBody = Omit<AccuracyComparison, 'schema' | 'schema_version' | 'producer' | 'created_at' | 'simulated' | 'source'>;
