import type { CapacityPlan } from '../contract/index.js';

/** The plan as it stands in plan.json, without the stamp every artifact gets. */
export type CapacityBody = Omit<CapacityPlan, 'schema' | 'schema_version' | 'producer' | 'created_at' | 'simulated' | 'source'>;
