import { z } from 'zod';
import { ToolError, type ServiceMemory, type ServiceRecord } from '../contract/index.js';
import type { Derivations, Derive, Derived } from '../runs/runs.js';
import type { StartupFacts } from '../programs/service-log.js';
import { incidentOf } from './judge.js';
import { readLogs } from './read.js';
import { frameworks } from './request.js';

export const serviceDerivation = 'service-record';

const rank = z.object({ rank: z.number().int(), pid: z.number().int().nullable(), devices: z.array(z.number().int()), port: z.number().int().nullable(), log: z.string() });

/** What was seen while the service ran and stands in no file; everything else of the record comes from the logs. */
export const recordShape = z.object({
  /** Record to write, relative to the run root. */
  out: z.string(),
  job: z.string(),
  framework: z.enum(frameworks),
  outcome: z.enum(['starting', 'ready', 'ended', 'failed', 'lost']),
  endpoint: z.string().nullable(),
  place: z.object({ kind: z.enum(['local', 'docker', 'ssh', 'ssh+docker']), host: z.string().nullable(), container: z.string().nullable() }),
  command: z.array(z.array(z.string())),
  ranks: z.array(rank),
  ports: z.object({ http: z.array(z.number().int()), master: z.array(z.number().int()).nullable(), hccl_base: z.number().int().nullable() }),
  devices: z.array(z.number().int()),
  profiling_mode: z.boolean(),
  prefix_cache: z.boolean().nullable(),
  started_at: z.string(),
  ready_at: z.string().nullable(),
  ended_at: z.string().nullable(),
  check: z.object({ path: z.string(), model: z.string(), status: z.number().int(), completion_tokens: z.number().int().nullable(), latency_ms: z.number() }).nullable(),
  end: z.object({ cause: z.enum(['exit', 'timeout', 'stopped', 'lost']), rank: z.number().int().nullable(), code: z.number().int().nullable(), signal: z.string().nullable() }).nullable(),
  /** Files the facts are read from: the whole logs at the end, their start-up part before. */
  logs: z.array(z.object({ rank: z.number().int(), path: z.string(), bytes: z.number().int().nullish() })),
  /** Start scripts, hashed with the record. */
  scripts: z.array(z.string()),
});
export type RecordParams = z.output<typeof recordShape>;
export type RecordBody = Omit<ServiceRecord, 'schema' | 'schema_version' | 'producer' | 'created_at' | 'simulated' | 'source'>;

/** The record's memory section; null when the logs say nothing. */
export function memoryOf(facts: StartupFacts): ServiceMemory | null {
  const memory: ServiceMemory = {
    workers: facts.workers.map((w) => ({ ...w })),
    max_memory_utilization: facts.max_memory_utilization,
    weights_bytes: facts.weights_bytes,
    kv_cache_bytes: facts.kv_cache_bytes,
    kv_blocks: facts.kv_blocks,
    block_size: facts.block_size,
    slot_size_bytes: facts.slot_size_bytes,
    index_slot_size_bytes: facts.index_slot_size_bytes,
    linear_slot_size_bytes: facts.linear_slot_size_bytes,
    linear_blocks: facts.linear_blocks,
    linear_state_slots: facts.linear_state_slots,
    reserved_linear_bytes: facts.reserved_linear_bytes,
    n_layers: facts.n_layers,
    kv_cache_dtype: facts.kv_cache_dtype,
    token_capacity: facts.token_capacity,
    max_concurrency: facts.max_concurrency,
    graph_bytes: facts.graph_bytes,
  };
  return Object.values(memory).some((v) => (Array.isArray(v) ? v.length > 0 : v !== null)) ? memory : null;
}

/** The record of a service, from what was seen and its log files alone. */
export async function computeRecord(params: RecordParams, runDir: string): Promise<{ body: RecordBody; facts: StartupFacts; derived: Derived }> {
  const logs = await readLogs(runDir, params.logs, params.started_at);
  const { facts } = logs;
  const body: RecordBody = {
    job: params.job,
    framework: params.framework,
    framework_version: facts.framework_version,
    outcome: params.outcome,
    endpoint: params.endpoint,
    place: params.place,
    command: params.command,
    ranks: params.ranks,
    ports: { http: [params.ports.http[0] ?? 0, params.ports.http[1] ?? 0], master: params.ports.master, hccl_base: params.ports.hccl_base },
    devices: params.devices,
    profiling_mode: params.profiling_mode,
    prefix_cache: facts.prefix_cache ?? params.prefix_cache,
    started_at: params.started_at,
    ready_at: params.ready_at,
    ended_at: params.ended_at,
    check: params.check,
    memory: memoryOf(facts),
    graph: facts.graph,
    backend: facts.backend,
    end: params.end,
    incident: params.end === null ? null : incidentOf(logs, params.end),
  };
  return {
    body,
    facts,
    derived: {
      files: [{ path: params.out, kind: 'service-record', schema: 'service-record', body }],
      sources: [...params.logs.map((l) => l.path), ...params.scripts],
      simulated: facts.simulated,
    },
  };
}

const derive: Derive = async (raw, _host, runDir) => {
  const checked = recordShape.safeParse(raw);
  if (!checked.success) throw new ToolError('E_RUN_TAMPERED', 'the ledger names a service record whose parameters are not those of service_start', 'start the service again in a new run');
  return (await computeRecord(checked.data, runDir)).derived;
};

/** How this room's artifacts are computed again from raw. */
export const servingDerivations: Derivations = { [serviceDerivation]: derive };
