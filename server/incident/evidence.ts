import { z } from 'zod';
import { ToolError } from '../contract/index.js';

const ms = z.number().nullable();
const nullable = z.number().int().nullable();

/** What a line says about other ranks. */
const pointsSchema = z.object({
  /** Ranks it names as the other side. */
  remote: z.array(z.number().int()),
  /** Card that HCCL's heartbeat names, with how it went. */
  location: z.object({ ip: z.string(), device: z.number().int(), kind: z.enum(['lost', 'stuck', 'other']) }).nullable(),
  /** Collective it waited in. */
  tag: z.string().nullable(),
});

export const evidenceSchema = z.object({
  kind: z.literal('incident-evidence'),
  files: z.array(
    z.object({
      path: z.string(),
      bytes: z.number(),
      lines: z.number(),
      error_lines: z.number(),
      first_ms: ms,
      last_ms: ms,
      /** How far a start came by this file's lines; null: not a start-up log. */
      stage: z.string().nullable(),
      /** It says that its rank joined rank 0. */
      joined: z.boolean(),
      simulated: z.boolean(),
      problem: z.string().nullable(),
    }),
  ),
  processes: z.array(
    z.object({
      host: z.string().nullable(),
      pid: nullable,
      rank: nullable,
      device: nullable,
      /** Address it announced to HCCL. */
      ip: z.string().nullable(),
      world: nullable,
      connect_timeout_s: z.number().nullable(),
      exec_timeout_s: z.number().nullable(),
      /** Moments that all ranks of a communicator share, by its identifier. */
      sync: z.array(z.object({ id: z.string(), ms: z.number() })),
      files: z.array(z.number().int()),
      lines: z.number(),
    }),
  ),
  events: z.array(
    z.object({ signature: z.string(), process: z.number().int(), file: z.number().int(), line: z.number().int(), ms, points: pointsSchema.nullable(), text: z.string() }),
  ),
  counts: z.array(z.object({ process: z.number().int(), signature: z.string(), count: z.number().int() })),
  unmatched: z.array(z.object({ process: z.number().int(), file: z.number().int(), line: z.number().int(), ms, count: z.number().int(), text: z.string() })),
  commands: z.array(z.object({ command: z.string(), outcome: z.enum(['ok', 'failed', 'missing', 'refused']), bytes: z.number().int() })),
});
export type Evidence = z.output<typeof evidenceSchema>;
export type Points = z.output<typeof pointsSchema>;
export type EvidenceEvent = Evidence['events'][number];
export type EvidenceProcess = Evidence['processes'][number];

/** @throws ToolError E_RUN_TAMPERED */
export function parseEvidence(text: string): Evidence {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ToolError('E_RUN_TAMPERED', 'the evidence of this triage is not JSON any more', 'restore the run root from a copy, or triage again');
  }
  const checked = evidenceSchema.safeParse(value);
  if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the evidence of this triage has another shape than incident_triage wrote', 'restore the run root from a copy, or triage again');
  return checked.data;
}
