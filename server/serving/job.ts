import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256, readText } from '../host/files.js';
import { shellJoin, ToolError, type RunManifest, type ServiceIncident } from '../contract/index.js';
import { jobMark } from '../host/processes.js';
import { ownsListener } from '../host/sockets.js';
import { rankMark, type Started, type Transport } from '../host/transport.js';
import { jobDir, jobMarkOf } from '../jobs/jobs.js';
import type { JobContext, JobKind, JobKinds } from '../jobs/worker.js';
import { commandScript } from '../programs/script.js';
import type { ManifestPatch } from '../runs/manifest.js';
import { codeFacts } from './code.js';
import type { RecordParams } from './derive.js';
import type { End } from './judge.js';
import { dropLease, withLease } from './leases.js';
import { lookAround, makePlan, preflight, type Plan, type Preflight } from './plan.js';
import { keepStartup, logPath, logSizes, serviceDir, writeEnd, writeRecord } from './record.js';
import { requestShape, type ServiceRequest } from './request.js';
import type { JobResult } from './result.js';
import { removeStaleSockets } from './stale.js';
import { waits } from './thresholds.js';
import { untilEnded, untilReady, Watch } from './watch.js';

const by = { tool: 'service_start', input: {} };
/** Written by service_stop: how long the ranks may take to end by themselves. */
export const graceFile = 'grace_ms';

interface Up {
  readonly ctx: JobContext;
  readonly request: ServiceRequest;
  readonly pre: Preflight;
  readonly plan: Plan;
  readonly transport: Transport;
  readonly mark: string;
  readonly endpoint: string;
  readonly ranks: { rank: number; log: string; started: Started; pid: number | null }[];
  readonly startedAt: string;
  readonly scripts: string[];
  readonly state: { ended: boolean };
}

/** Where clients reach the service: the address its flags give, else loopback, else the ssh host. */
async function endpointOf(request: ServiceRequest, plan: Plan, ctx: JobContext): Promise<string> {
  const given = plan.launch.host;
  if (given !== null) return `http://${given.includes(':') && !given.startsWith('[') ? `[${given}]` : given}:${plan.launch.port}`;
  if (request.host === null) return `http://127.0.0.1:${plan.launch.port}`;
  // The user's own ssh configuration knows the address behind the name.
  const shown = await ctx.host.run('ssh', ['-G', '--', request.host], { timeoutMs: 10_000 });
  const name = /^hostname (\S+)$/m.exec(shown.stdout)?.[1] ?? request.host.replace(/^.*@/, '');
  return `http://${name}:${plan.launch.port}`;
}

function paramsOf(up: Up, outcome: RecordParams['outcome'], logs: RecordParams['logs']): RecordParams {
  const { request, plan, ctx } = up;
  return {
    out: `${serviceDir(ctx.job)}/service.json`,
    job: ctx.job,
    framework: request.framework,
    outcome,
    endpoint: up.endpoint,
    place: { kind: up.transport.kind, host: request.host, container: request.container },
    command: up.ranks.map((r) => [...r.started.command]),
    ranks: plan.launch.ranks.map((r) => ({ rank: r.rank, pid: up.ranks.find((u) => u.rank === r.rank)?.pid ?? null, devices: [...r.devices], port: r.port, log: logPath(ctx.job, r.rank) })),
    ports: { http: [...plan.portPlan.http], master: plan.portPlan.master === null ? null : [...plan.portPlan.master], hccl_base: plan.portPlan.hcclBase },
    devices: [...plan.devices],
    profiling_mode: request.profiling,
    prefix_cache: plan.launch.prefixCache,
    started_at: up.startedAt,
    ready_at: null,
    ended_at: null,
    check: null,
    end: null,
    logs,
    scripts: up.scripts,
  };
}

function resultOf(up: Up, extra: Partial<JobResult>): Record<string, unknown> {
  const params = paramsOf(up, 'starting', []);
  const result: JobResult = {
    endpoint: up.endpoint,
    command: up.ranks.map((r) => shellJoin(r.started.command)),
    ranks: params.ranks,
    ports: params.ports,
    devices: params.devices,
    hbm_before_mb: up.plan.hbmBeforeMb.map((h) => ({ ...h })),
    place: params.place,
    notes: [...up.pre.notes, ...up.plan.notes],
    ready_s: null,
    record: join(up.ctx.run.dir, params.out),
    memory: null,
    incident: null,
    ...extra,
  };
  return { ...result };
}

/** Writes the start scripts, then starts every rank; what was started is ended again when one can not be. */
async function startRanks(up: Up): Promise<void> {
  const { ctx, request, plan, transport } = up;
  const folder = serviceDir(ctx.job);
  const cwd = join(ctx.run.dir, folder, 'work');
  const specs = plan.launch.ranks.map((r) => ({
    rank: r.rank,
    log: logPath(ctx.job, r.rank),
    spec: { argv: r.argv, env: { ...plan.launch.env, ...request.env, [jobMark]: up.mark, [rankMark]: String(r.rank) }, scripts: request.env_scripts, cwd },
  }));
  const files: { path: string; kind: string; text: string }[] = [];
  for (const { rank, spec } of specs) {
    const { command, env } = await transport.plan(spec);
    const shown = Object.fromEntries(Object.entries(env).filter(([name]) => name !== jobMark && name !== rankMark));
    files.push({ path: `${folder}/command_rank_${rank}.sh`, kind: 'service-command', text: commandScript({ title: `rank ${rank} of ${ctx.job}, ${request.framework}`, argv: command, env: shown, cwd }) });
  }
  await ctx.run.writeRaw(by, files);
  up.scripts.push(...files.map((f) => f.path));
  for (const { rank, log, spec } of specs) {
    const started = await transport.start({ ...spec, log: join(ctx.run.dir, log) });
    up.ranks.push({ rank, log, started, pid: transport.kind === 'local' ? started.pid : null });
  }
}

/** Process ids where the service really runs, by the mark each rank carries. */
async function findPids(up: Up): Promise<void> {
  if (up.transport.kind === 'local' || up.ranks.every((r) => r.pid !== null)) return;
  for (const found of await up.transport.find(up.mark).catch(() => [])) {
    const rank = up.ranks.find((r) => r.rank === found.rank && r.pid === null);
    if (rank !== undefined) rank.pid = found.pid;
  }
}

/** What the start itself proves; the version and the prefix cache come later, from the logs. */
async function fillManifest(up: Up): Promise<void> {
  const { request, plan, ctx, pre } = up;
  const code = await writeCode(up);
  const patch: ManifestPatch = {
    environment: { ...(plan.devices.length === 0 ? {} : { devices: [...plan.devices] }), ...(request.container === null ? {} : { container: request.container }), ...(request.host === null ? {} : { host: request.host }) },
    model: pre.model?.manifest ?? { path: request.model },
    service: {
      framework: request.framework,
      command: up.ranks.map((r) => [...r.started.command]),
      ...(plan.launch.prefixCache === null ? {} : { prefix_cache: plan.launch.prefixCache }),
      profiling_mode: request.profiling,
      tuned: Object.keys(request.flags).some((name) => !/^(?:host|model_id|served[_-]model[_-]name)$/.test(name)) || Object.keys(request.env).length > 0 || request.argv.length > 0,
      started_at: up.startedAt,
    },
  };
  if (code !== null) patch.code = code;
  await ctx.run.updateManifest(by, 'captured', patch);
}

/** The state of the source tree the binary lies in, its diff kept as evidence. */
async function writeCode(up: Up): Promise<RunManifest['code'] | null> {
  const { ctx, request, transport } = up;
  const binary = up.ranks[0]?.started.command[0];
  if (transport.kind !== 'local' || binary === undefined || (request.framework !== 'xllm' && request.framework !== 'command')) return null;
  const facts = await codeFacts(binary, ctx.host);
  if (facts === null) return null;
  if (facts.diff === null || facts.diff === '') return facts.manifest;
  const [saved] = await ctx.run.writeRaw(by, [{ path: `${serviceDir(ctx.job)}/code.diff`, kind: 'code-diff', text: facts.diff }]);
  return { ...facts.manifest, diff_sha256: saved?.sha256 ?? sha256(facts.diff) };
}

async function graceMs(ctx: JobContext): Promise<number> {
  const asked = Number((await readText(join(jobDir(ctx.run, ctx.job), graceFile)).catch(() => null)) ?? NaN);
  return Number.isFinite(asked) && asked >= 0 ? asked : waits.graceMs;
}

/** The first words of an incident, all ours. */
function words(incident: ServiceIncident | null): string {
  if (incident === null) return 'its logs name no reason';
  const where = incident.file === null ? '' : `, ${incident.file.split('/').at(-1) ?? ''}${incident.line === null ? '' : ` line ${incident.line}`}`;
  return `${incident.class}: ${incident.meaning} (rank ${incident.rank ?? 'unknown'}${where})`;
}

/** Ends every rank, writes the last record, gives the lease back. @throws ToolError E_SERVICE_FAILED unless the end was asked for */
async function finish(up: Up, end: End, ready: Partial<JobResult>): Promise<Record<string, unknown>> {
  const { ctx } = up;
  await ctx.report('stopping', null, resultOf(up, ready));
  if (end.cause === 'exit') await sleep(waits.lastWordsMs);
  // What the ranks write when they are told to end is not why they are.
  const sizes = await logSizes(ctx.run, ctx.job, up.ranks.map((r) => r.rank));
  const left = await up.transport.end(up.mark, end.cause === 'stopped' ? await graceMs(ctx) : waits.graceMs);
  up.state.ended = true;
  const body = await writeEnd(ctx.run, ctx.job, end, end.cause === 'stopped' ? 'ended' : 'failed', ctx.host.now(), sizes);
  const incident = body?.incident ?? null;
  const result = resultOf(up, { ...ready, memory: body?.memory ?? ready.memory ?? null, incident });
  await ctx.report('ended', null, result);
  if (left.length === 0) await dropLease(ctx.host, { run: ctx.run.id, job: ctx.job });
  if (end.cause === 'stopped') return result;
  const when = ready.ready_s === undefined ? 'before it was ready' : 'while it was serving';
  const what = end.cause === 'timeout' ? `the service did not answer a request within ${up.request.ready_timeout_s} s` : `rank ${end.rank ?? '?'} ended ${when}`;
  throw new ToolError('E_SERVICE_FAILED', `${what}; ${words(incident)}`, 'read the incident, correct the cause, start again');
}

async function planned(ctx: JobContext, request: ServiceRequest): Promise<{ pre: Preflight; plan: Plan }> {
  const pre = await preflight(request, ctx.host, true, ctx.signal);
  const place = await lookAround(request, pre, ctx.host);
  const plan = await withLease(ctx.host, request.host, { run: ctx.run.id, job: ctx.job }, (held) => makePlan(request, pre, place, held));
  return { pre, plan };
}

/**
 * One service from start to end: plans, starts all ranks in this worker's process group, watches them all, calls it ready after one
 * real answer, and supervises until it is cancelled. A rank that ends, before or after, ends the service as failed with its incident.
 * Being cancelled is the ordinary end.
 */
const service: JobKind = async (raw, ctx) => {
  const request = requestShape.parse(raw);
  await ctx.report('planning');
  const { pre, plan } = await planned(ctx, request);
  const up: Up = { ctx, request, pre, plan, transport: pre.transport, mark: jobMarkOf(ctx.run.id, ctx.job), endpoint: await endpointOf(request, plan, ctx), ranks: [], startedAt: ctx.host.now(), scripts: [], state: { ended: false } };
  if (request.profiling) {
    const stale = await removeStaleSockets(up.transport);
    if (stale.length > 0) ctx.log(`removed profiling sockets of ended processes ${stale.join(', ')}`);
  }
  try {
    await startRanks(up);
    const watch = new Watch(ctx.run.dir, up.ranks);
    const { end, ready } = await serve(up, watch);
    return await finish(up, end, ready);
  } finally {
    // Whatever went wrong on the way, nothing of the service outlives its worker's last word.
    if (!up.state.ended) {
      await up.transport.end(up.mark, waits.graceMs);
      await dropLease(ctx.host, { run: ctx.run.id, job: ctx.job });
    }
  }
};

/** From started ranks to the end of the service. */
async function serve(up: Up, watch: Watch): Promise<{ end: End; ready: Partial<JobResult> }> {
  const { ctx, request } = up;
  await findPids(up);
  await writeRecord(ctx.run, paramsOf(up, 'starting', []));
  await fillManifest(up);
  await ctx.report('starting', null, resultOf(up, {}));
  let told = 'starting';
  const owns = up.transport.kind === 'local' ? () => ownsListener(up.plan.launch.port, up.mark) : () => Promise.resolve(true);
  const outcome = await untilReady(watch, up.endpoint, owns, request.ready_timeout_s * 1000, ctx.signal, async (stage) => {
    if (stage === told) return;
    told = stage;
    await ctx.report(stage);
  });
  if ('end' in outcome) return { end: outcome.end, ready: {} };
  const readyAt = ctx.host.now();
  await findPids(up);
  const logs = await keepStartup(ctx.run, ctx.job, up.ranks.map((r) => r.rank));
  const { body } = await writeRecord(ctx.run, { ...paramsOf(up, 'ready', logs), ready_at: readyAt, check: outcome.ready });
  await ctx.run.updateManifest(by, 'captured', { service: { ...(body.framework_version === null ? {} : { framework_version: body.framework_version }), ...(body.prefix_cache === null ? {} : { prefix_cache: body.prefix_cache }) } });
  const ready: Partial<JobResult> = { ready_s: (Date.parse(readyAt) - Date.parse(up.startedAt)) / 1000, memory: body.memory };
  await ctx.report('ready', null, resultOf(up, ready));
  return { end: await untilEnded(watch, ctx.signal), ready };
}

/** Job kinds of this room, for the worker. */
export const servingJobs: JobKinds = { service };
