import { check, producer, redactValue, ToolError, type CaptureRecord } from '../../contract/index.js';
import type { JobContext } from '../../jobs/worker.js';
import { metricsFile } from './blocks.js';
import type { Folder } from './folders.js';
import { cautions, type CaptureReasonCode, type Reason } from './reasons.js';
import type { CaptureRequest } from './request.js';
import type { Ack } from './session.js';
import type { Service } from './target.js';
import { api, noCounts, type Counts } from './workload.js';

/** What is known of a capture so far; every step of it adds to this, and it is written whatever happens. */
export class Progress {
  readonly request: CaptureRequest;
  readonly service: Service;
  readonly tool: 'msprof' | 'torch';
  readonly seed: string;
  model: string | null = null;
  pids: readonly number[] = [];
  readonly command: (readonly string[])[] = [];
  attachedAt: string | null = null;
  startedAt: string | null = null;
  stoppedAt: string | null = null;
  detachedAt: string | null = null;
  warmup: Counts = noCounts;
  during: Counts = noCounts;
  acks: readonly Ack[] = [];
  folders: readonly Folder[] = [];
  readonly reasons: Reason[] = [];
  /** What programs printed, by the name of the file it is kept in. */
  readonly logs = new Map<string, string>();
  readonly checks: { readonly check: string; readonly ok: boolean; readonly detail: string }[] = [];

  constructor(request: CaptureRequest, service: Service, tool: 'msprof' | 'torch', seed: string) {
    this.request = request;
    this.service = service;
    this.tool = tool;
    this.seed = seed;
  }

  because(code: CaptureReasonCode, detail: string): void {
    this.reasons.push({ code, detail });
  }

  /** A check that was made; failing, it is a reason too. */
  expect(ok: boolean, what: string, code: CaptureReasonCode, detail: string): void {
    this.checks.push({ check: what, ok, detail });
    if (!ok) this.because(code, detail);
  }

  get verdict(): 'complete' | 'inconclusive' {
    return this.reasons.some((r) => !cautions.has(r.code)) ? 'inconclusive' : 'complete';
  }

  get simulated(): boolean {
    return this.service.simulated || this.folders.some((f) => f.simulated);
  }
}

/** Folder of a capture, relative to the run root. */
export function captureDir(job: string): string {
  return `profiling/${job}`;
}

const by = (request: CaptureRequest): { tool: string; input: Record<string, unknown> } => ({ tool: 'profile_start', input: { ...request } });

/**
 * Writes capture.json, records everything the profiler left, and notes in the manifest that a profiler was there.
 * @throws ToolError E_ARTIFACT_INVALID
 */
export async function writeRecord(ctx: JobContext, progress: Progress): Promise<void> {
  const { request, service } = progress;
  const record: CaptureRecord = {
    schema: 'capture-record',
    schema_version: '1.0.0',
    producer,
    created_at: ctx.host.now(),
    simulated: progress.simulated,
    source: [],
    job: ctx.job,
    tool: progress.tool,
    phase: request.phase,
    service_job: service.serviceJob,
    endpoint: service.endpoint,
    pids: [...progress.pids],
    command: progress.command.map((argv) => [...argv]),
    attached_at: progress.attachedAt,
    started_at: progress.startedAt,
    stopped_at: progress.stoppedAt,
    detached_at: progress.detachedAt,
    workload: {
      api,
      model: progress.model,
      seed: progress.seed,
      parallel: request.parallel,
      batches: request.batches,
      warmup_batches: request.warmup_batches,
      input_tokens: request.input_tokens,
      output_tokens: request.output_tokens,
      warmup: { ...progress.warmup },
      during: { ...progress.during },
    },
    acks: progress.acks.map((a) => ({ ...a })),
    folders: progress.folders.map(({ path, files, bytes, stopped, exported, communication }) => ({ path, files, bytes, stopped, exported, communication })),
    checks: [...progress.checks],
    verdict: progress.verdict,
    reasons: progress.reasons.map((r) => ({ ...r })),
  };
  const clean = check('capture-record', redactValue(record));
  if (!clean.ok) throw new ToolError('E_ARTIFACT_INVALID', `the capture record: ${clean.problems.slice(0, 5).join('; ')}`, 'report this as a defect of the server');
  const dir = captureDir(ctx.job);
  await ctx.run.writeRaw(by(request), [
    { path: `${dir}/capture.json`, kind: 'capture-record', text: `${JSON.stringify(clean.value, null, 2)}\n` },
    ...[...progress.logs].filter(([, text]) => text !== '').map(([name, text]) => ({ path: `${dir}/${name}`, kind: name === metricsFile ? 'service-metrics' : 'profiler-log', text })),
  ]);
  await ctx.run.recordRaw(by(request), dir);
  if (progress.attachedAt === null) return;
  await ctx.run.updateManifest(by(request), 'captured', {
    notes: [`${ctx.job}: ${progress.tool} was attached from ${progress.attachedAt} to ${progress.detachedAt ?? 'an unknown time'}; a measurement that overlaps is not one of the service alone`],
    ...(progress.simulated ? { simulated: true } : {}),
  });
}

/** What the job answers. */
export function resultOf(ctx: JobContext, progress: Progress, path: string): Record<string, unknown> {
  return {
    verdict: progress.verdict,
    path,
    tool: progress.tool,
    phase: progress.request.phase,
    pids: [...progress.pids],
    started_at: progress.startedAt,
    stopped_at: progress.stoppedAt,
    folders: progress.folders.length,
    requests: progress.during.requests,
    events: progress.during.events,
    reasons: progress.reasons.slice(0, 8).map((r) => ({ ...r })),
    record: `${captureDir(ctx.job)}/capture.json`,
    next: progress.verdict === 'complete' ? 'profile_analyze with path' : 'mend what the reasons name and start again; nothing may be concluded from this capture',
  };
}
