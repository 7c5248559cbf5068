import { z } from 'zod';
import type { JobState, ServiceIncident, ServiceMemory } from '../contract/index.js';

const rank = z.object({ rank: z.number().int(), pid: z.number().int().nullable(), devices: z.array(z.number().int()), port: z.number().int().nullable(), log: z.string() });

/** What a service job tells through its state on disk, growing as it goes. */
const progressShape = z.object({
  endpoint: z.string().nullable(),
  command: z.array(z.string()),
  ranks: z.array(rank),
  ports: z.object({ http: z.array(z.number().int()), master: z.array(z.number().int()).nullable(), hccl_base: z.number().int().nullable() }),
  devices: z.array(z.number().int()),
  hbm_before_mb: z.array(z.object({ device: z.number().int(), used_mb: z.number().nullable() })),
  place: z.object({ kind: z.string(), host: z.string().nullable(), container: z.string().nullable() }),
  notes: z.array(z.object({ code: z.string(), detail: z.string() })),
  ready_s: z.number().nullable(),
  record: z.string().nullable(),
});
export type ServiceProgress = z.output<typeof progressShape>;

export interface JobResult extends ServiceProgress {
  readonly memory: ServiceMemory | null;
  readonly incident: ServiceIncident | null;
}

/** The progress part of a job's result; null before the plan stood. */
export function progressOf(state: JobState): ServiceProgress | null {
  const checked = progressShape.safeParse(state.result);
  return checked.success ? checked.data : null;
}
