import { join } from 'node:path';
import { z } from 'zod';
import { ToolError, type Incomplete, type PerfLatency, type PerfMetrics, type PerfPoint } from '../../contract/index.js';
import { readText } from '../../host/files.js';
import { benchClients } from '../../programs/bench-client.js';
import type { Derivations, Derive, Derived } from '../../runs/runs.js';
import { gained, speculationOf } from './counters.js';
import { readOutput } from './output.js';
import { probeFile, probeNumbers, type ProbeRow } from './probe.js';
import { limits } from './thresholds.js';

export const passDerivation = 'bench-pass';
/** Raw record of a pass, below its raw folder: what was asked and what was seen from outside of the client. */
export const passFile = 'pass.json';

/** Written before a pass sends anything, beside its raw folder: what it will send. */
export const planFile = 'plan.json';
export const planShape = z.object({ service_job: z.string().nullable(), number: z.number().int(), warmup: z.number().int() });
export type PlanRecord = z.output<typeof planShape>;

const counters = z.object({ route: z.string().nullable(), counters: z.partialRecord(z.enum(['drafts', 'draft_tokens', 'accepted_tokens', 'committed_tokens', 'prefix_queries', 'prefix_hits', 'preemptions', 'finished', 'refused', 'prompt_tokens', 'generated_tokens', 'eager_steps', 'running', 'waiting']), z.number()) });

export const passShape = z.object({
  job: z.string(),
  service_job: z.string().nullable(),
  service_started_at: z.string().nullable(),
  simulated: z.boolean(),
  client: z.enum(benchClients),
  version: z.string().nullable(),
  command: z.array(z.string()),
  exit: z.object({ code: z.number().nullable(), signal: z.string().nullable() }).nullable(),
  id: z.string(),
  repeat: z.number().int(),
  repeats: z.number().int(),
  parallel: z.number().int().nullable(),
  rate: z.number().nullable(),
  number: z.number().int(),
  /** The client ends by time: it sends what it can. */
  duration_s: z.number().nullable(),
  warmup: z.number().int(),
  stream: z.boolean(),
  sampling: z.object({ temperature: z.number().nullable(), top_p: z.number().nullable(), top_k: z.number().nullable(), seed: z.number().nullable(), ignore_eos: z.boolean().nullable() }),
  repeated_prompts: z.boolean().nullable(),
  started_at: z.string(),
  ended_at: z.string(),
  /** False: when the window opened was not seen, so everything since the client's start counts as inside. */
  window_seen: z.boolean(),
  /** Requests the service was busy with before the client was started; null: it does not say. */
  running_before: z.number().nullable(),
  before: counters,
  after: counters,
  graph: z.object({ count: z.number().int(), lines: z.array(z.string()) }).nullable(),
});
export type PassRecord = z.output<typeof passShape>;
export type MetricsBody = Omit<PerfMetrics, 'schema' | 'schema_version' | 'producer' | 'created_at' | 'simulated' | 'source'>;

export const passParams = z.object({
  /** Folder of the pass, relative to the run root. */
  dir: z.string(),
  /** Raw files the numbers rest on, relative to the run root. */
  files: z.array(z.string()),
});
export type PassParams = z.output<typeof passParams>;

const probeRow = z.object({ ok: z.boolean(), status: z.number().nullable(), start_ms: z.number(), ttft_ms: z.number().nullable(), e2el_ms: z.number().nullable(), itl_ms: z.array(z.number()), prompt_tokens: z.number().nullable(), completion_tokens: z.number().nullable() });

const tampered = (what: string): ToolError => new ToolError('E_RUN_TAMPERED', what, 'measure again in a new run');

async function probeRows(path: string): Promise<ProbeRow[]> {
  const text = (await readText(path, limits.resultBytes.value)) ?? '';
  return text.split('\n').filter((l) => l !== '').map((l) => probeRow.parse(JSON.parse(l)));
}

/** The client's own numbers of a pass. Null: it left none. */
async function clientNumbers(record: PassRecord, params: PassParams, runDir: string): Promise<{ point: PerfPoint | null; incomplete: Incomplete[] }> {
  const raw = join(runDir, params.dir, 'raw');
  if (record.client !== 'probe') return readOutput(record.client, raw, record.version);
  const rows = await probeRows(join(raw, probeFile));
  const { id, repeat, parallel, rate, number, warmup, repeats, stream, sampling } = record;
  return { point: { id, repeat, parallel, rate, number, warmup, repeats, stream, sampling, ...probeNumbers(rows), speculative: null, client: { name: 'probe', version: record.version, output_generation: null } }, incomplete: [] };
}

const noLatency: PerfLatency = { mean: null, p50: null, p90: null, p95: null, p99: null };

/**
 * Requests a client took for answered that were not: xLLM refuses a streamed request with status 200 and a text, which evalscope
 * (1.14.1) counts as a success without a token. Those the service says it refused are failed, and all are when no token came.
 */
export function withoutSilent(point: PerfPoint, refused: number): { point: PerfPoint; silent: number } {
  const { success, failed } = point;
  if (success === null || success === 0) return { point, silent: 0 };
  const silent = point.output_tokens.mean === 0 ? success : Math.min(success, Math.max(0, refused - (failed ?? 0)));
  if (silent === 0) return { point, silent };
  const counted = { ...point, success: success - silent, failed: (failed ?? 0) + silent };
  if (counted.success > 0) return { point: counted, silent };
  return { point: { ...counted, ttft_ms: noLatency, tpot_ms: noLatency, itl_ms: noLatency, e2el_ms: noLatency, output_tps: null, total_tps: null, request_tps: null, input_tokens: { mean: null }, output_tokens: { mean: null } }, silent };
}

/** What the counters and the log say against the pass. */
function doubts(record: PassRecord, point: PerfPoint): Incomplete[] {
  const out: Incomplete[] = [];
  const { counters: d, restarted } = gained(record.before.counters, record.after.counters);
  if (restarted) out.push({ code: 'service-restarted', detail: 'a counter of the service fell during the pass: it was started again, or another process answered' });
  if (record.before.route === null) out.push({ code: 'no-counters', detail: 'the service answered no metrics route: speculation and preemption are not known from it' });
  const answered = (point.success ?? 0) + (point.failed ?? 0);
  // What the warm-up finishes behind the mark counts too, when the mark was taken before it was over.
  if (d.finished !== undefined && point.success !== null && d.finished > answered + record.warmup) out.push({ code: 'other-load', detail: `the service finished ${d.finished} requests during the pass, the client sent ${answered}` });
  if ((record.running_before ?? 0) > 0) out.push({ code: 'not-idle', detail: `${record.running_before ?? 0} requests were running before the first of the pass was sent` });
  if (d.preemptions !== undefined && d.preemptions > 0) out.push({ code: 'preempted', detail: `the service preempted ${d.preemptions} requests: its KV blocks were exhausted` });
  if (!record.window_seen && record.client === 'evalscope') out.push({ code: 'window-unseen', detail: 'when the measured window opened was not seen in the output; log and counters cover the warm-up too' });
  if (record.exit !== null && record.exit.code !== 0) out.push({ code: 'client-exit', detail: `the client ended with ${record.exit.code === null ? 'a signal' : `code ${record.exit.code}`}` });
  return out;
}

/**
 * perf-metrics of a pass out of its raw folder alone: the client's files, and what was seen from outside.
 * @throws ToolError E_RUN_TAMPERED, and what reading the client's files throws
 */
export async function computePass(params: PassParams, runDir: string): Promise<{ body: MetricsBody; derived: Derived }> {
  const checked = passShape.safeParse(JSON.parse((await readText(join(runDir, params.dir, 'raw', passFile))) ?? 'null'));
  if (!checked.success) throw tampered('the record of a pass is not one of bench_start');
  const record = checked.data;
  const read = await clientNumbers(record, params, runDir);
  const { counters: d } = gained(record.before.counters, record.after.counters);
  const { point, silent } = read.point === null ? { point: null, silent: 0 } : withoutSilent(read.point, d.refused ?? 0);
  const incomplete = silent === 0 ? read.incomplete : [...read.incomplete, { code: 'silent-failures', detail: `${silent} requests the client counts as answered brought no token or were refused by the service; they are counted as failed` }];
  const points: PerfPoint[] = [];
  if (point !== null) {
    points.push({
      ...point,
      id: record.id,
      repeat: record.repeat,
      repeats: record.repeats,
      parallel: record.parallel,
      rate: record.rate,
      number: record.duration_s === null ? record.number : point.number,
      started_at: record.started_at,
      ended_at: record.ended_at,
      warmup: record.warmup,
      repeated_prompts: record.repeated_prompts,
      graph_captures: record.graph?.count ?? null,
      stream: record.stream,
      sampling: record.sampling,
      // A client guesses from the size of chunks; the service counts.
      speculative: speculationOf(d) ?? point.speculative,
      client: { ...point.client, name: record.client, version: record.version ?? point.client.version },
    });
  }
  const body: MetricsBody = {
    job: record.job,
    service_job: record.service_job,
    service_started_at: record.service_started_at,
    points,
    incomplete: [...incomplete, ...(point === null ? [] : doubts(record, point))],
  };
  return { body, derived: { files: [{ path: `${params.dir}/metrics.json`, kind: 'perf-metrics', schema: 'perf-metrics', body }], sources: params.files, simulated: record.simulated } };
}

const derive: Derive = async (raw, _host, runDir) => {
  const checked = passParams.safeParse(raw);
  if (!checked.success) throw tampered('the ledger names a pass whose parameters are not those of bench_start');
  return (await computePass(checked.data, runDir)).derived;
};

/** How this part's artifacts are computed again from raw. */
export const benchPassDerivations: Derivations = { [passDerivation]: derive };
