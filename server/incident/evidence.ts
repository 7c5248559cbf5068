import { z } from 'zod';
import { ToolError } from '../contract/index.js';

const ms = z.number().nullable();
const nullable = z.number().int().nullable();

/** What a line says about other ranks. */
const pointsSchema = z.object({
  /** Ranks it names as the other side. */
  remote: z.array(z.number().int()),
  /** Ranks it names as come to the rendezvous; all others of the communicator are not. */
  arrived: z.array(z.number().int()).default([]),
  /** Card that HCCL's heartbeat names, with how it went. */
  location: z.object({ ip: z.string(), device: z.number().int(), kind: z.enum(['lost', 'stuck', 'other']) }).nullable(),
  /** Collective it waited in, and the how many-th of its communicator. */
  tag: z.string().nullable(),
  index: z.number().int().nullable().default(null),
});

/** What the host showed when it was asked; figures of npu-smi in MB. */
const stateSchema = z.object({
  /** False inside a PID namespace: a listed process that is not seen may live in another container. */
  sees_all_processes: z.boolean(),
  /** Null: npu-smi told nothing. `card` is the physical or logical id where the layout prints one, else the NPU id. */
  cards: z
    .array(
      z.object({
        card: z.number().int(),
        used_mb: z.number().nullable(),
        total_mb: z.number().nullable(),
        listed: z.array(z.object({ pid: z.number().int(), memory_mb: z.number().nullable(), alive: z.boolean() })),
      }),
    )
    .nullable(),
  /** Numbers of /dev/davinciN. */
  nodes: z.array(z.number().int()),
  /** Processes that stayed in uninterruptible sleep, with the kernel function they wait in where it may be read. */
  stuck: z.array(z.object({ pid: z.number().int(), name: z.string(), wchan: z.string().nullable() })).default([]),
  /** Services of the run that answered; tokens are counters since their start, `seconds` lie between the two readings. */
  services: z.array(z.object({ endpoint: z.string(), health: z.number().int().nullable(), requests: z.number(), tokens_before: z.number(), tokens_after: z.number(), seconds: z.number() })),
});

export const frameworks = ['xllm', 'vllm-ascend', 'sglang'] as const;
export type Framework = (typeof frameworks)[number];

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
      /** Last lines of a service's figures in a row that tell of running requests and no token. */
      still: z.number().int().default(0),
      /** When a service was told to end or began to, by its own lines. */
      ended_ms: ms.default(null),
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
      /** How often hccn_tool said that this card's network is well, and that it is not. */
      network: z.object({ well: z.number().int(), ill: z.number().int() }).default({ well: 0, ill: 0 }),
    }),
  ),
  events: z.array(
    z.object({ signature: z.string(), process: z.number().int(), file: z.number().int(), line: z.number().int(), ms, points: pointsSchema.nullable(), text: z.string() }),
  ),
  counts: z.array(z.object({ process: z.number().int(), signature: z.string(), count: z.number().int() })),
  unmatched: z.array(z.object({ process: z.number().int(), file: z.number().int(), line: z.number().int(), ms, count: z.number().int(), text: z.string() })),
  /** Null: nothing was collected from a host. */
  state: stateSchema.nullable().default(null),
  /** The framework the caller named: breaks ties. */
  framework: z.enum(frameworks).nullable().default(null),
  commands: z.array(z.object({ command: z.string(), outcome: z.enum(['ok', 'failed', 'missing', 'refused']), bytes: z.number().int() })),
});
export type Evidence = z.output<typeof evidenceSchema>;
export type HostState = z.output<typeof stateSchema>;
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
