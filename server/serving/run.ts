import { foreign, isRunId, ToolError, type JobState, type ServiceStartFacts, type ToolOk } from '../contract/index.js';
import { openHost, type Host } from '../host/host.js';
import { isFinal, Jobs } from '../jobs/jobs.js';
import type { ToolContext } from '../mcp/define.js';
import { Runs, type Run } from '../runs/runs.js';
import { heldNow } from './leases.js';
import { lookAround, makePlan, preflight, shownCommand, type Note } from './plan.js';
import { logPath } from './record.js';
import { cut, startFacts } from './render.js';
import { readRequest, type ServiceRequest } from './request.js';
import { progressOf } from './result.js';
import { stopService, type Stopped } from './stop.js';
import { waits } from './thresholds.js';

function artifactsOf(run: Run, state: JobState): Promise<ToolOk['artifacts']> {
  const folder = `/service/${state.job}/`;
  return run.artifacts().then((all) => all.filter((a) => a.path.includes(folder) && (a.kind === 'service-record' || a.kind === 'service-command')).slice(0, 8));
}

function answer(state: JobState, artifacts: ToolOk['artifacts']): ToolOk {
  const facts = startFacts(state);
  const notes: readonly Note[] = progressOf(state)?.notes ?? [];
  const handle = `${state.run}/${state.job}`;
  const base = { facts: { ...facts }, findings: [], artifacts, warnings: notes.slice(0, 12).map((n) => ({ ...n })) };
  if (!isFinal(state.state) && state.stage === 'ready') {
    return { ...base, verdict: 'ready', headline: `the service answered a real request ${facts.ready_s ?? '?'} s after its start, at ${facts.endpoint ?? '?'}`, next: [{ tool: 'env_probe', why: 'phase idle: what the cards hold with the service up and no load' }, { tool: 'service_stop', why: `ends ${handle} when the work is done` }] };
  }
  if (!isFinal(state.state)) return { ...base, verdict: 'starting', headline: `the service is starting, stage ${state.stage}`, next: [{ tool: 'job_wait', why: 'waits until it is ready or has failed; loading large weights takes minutes' }] };
  const error = state.error;
  const why = error === null ? `it is ${state.state}` : `${error.code}: ${error.seen}`;
  return {
    ...base,
    verdict: 'failed',
    headline: foreign(`the service did not start; ${why}`, 290),
    warnings: [...base.warnings, ...(error === null ? [] : [{ code: error.code, detail: `${error.seen}; next: ${error.next}` }])],
    next: state.left.length > 0 ? [{ tool: 'service_stop', why: 'ends what the failed start left' }] : [{ tool: 'service_start', why: 'again, once the named cause is removed' }],
  };
}

async function dryRun(request: ServiceRequest, run: string, host: Host, ctx: ToolContext): Promise<ToolOk> {
  const pre = await preflight(request, host, false, ctx.signal);
  const place = await lookAround(request, pre, host);
  const plan = makePlan(request, pre, place, await heldNow(host, request.host));
  const facts: ServiceStartFacts = cut({
    run,
    job: null,
    endpoint: `http://${plan.launch.host ?? request.host ?? '127.0.0.1'}:${plan.launch.port}`,
    command: shownCommand(plan.launch, Object.fromEntries(Object.keys(request.env).map((name) => [name, request.env[name] ?? '']))),
    ranks: plan.launch.ranks.map((r) => ({ rank: r.rank, pid: null, devices: [...r.devices], port: r.port, log: logPath('<job>', r.rank) })),
    ports: { http: [...plan.portPlan.http], master: plan.portPlan.master === null ? null : [...plan.portPlan.master], hccl_base: plan.portPlan.hcclBase },
    devices: [...plan.devices],
    memory: null,
    incident: null,
  });
  return {
    verdict: 'planned',
    headline: `${plan.launch.ranks.length} process${plan.launch.ranks.length === 1 ? '' : 'es'} on ${plan.devices.length} device${plan.devices.length === 1 ? '' : 's'}; nothing was started`,
    facts: { ...facts },
    findings: [],
    artifacts: [],
    warnings: [...pre.notes, ...plan.notes].slice(0, 12).map((n) => ({ ...n })),
    next: [{ tool: 'service_start', why: 'the same without dry_run starts it' }],
  };
}

export type StartArgs = Parameters<typeof readRequest>[0] & { readonly run: string; readonly dry_run?: boolean | undefined };

/** service_start: refuses what can be refused, hands the service to a job, waits for it within one call. */
export async function startService(args: StartArgs, ctx: ToolContext): Promise<ToolOk> {
  const deadline = performance.now() + waits.answerMs;
  const host = openHost(ctx.config);
  const run = await new Runs(host).open(args.run);
  const request = await readRequest(args, host);
  if (args.dry_run === true) return dryRun(request, run.id, host, ctx);
  const jobs = new Jobs(host);
  // What can be refused is refused before a job exists; a retried start skips this, for its flags passed before.
  if ((await jobs.find(run, 'service', { ...request })) === null) await preflight(request, host, true, ctx.signal);
  const { job } = await jobs.start(run, 'service', { ...request });
  const state = await jobs.wait(run, job.job, { waitMs: Math.max(0, deadline - performance.now()), signal: ctx.signal, progress: ctx.progress, until: (s) => s.stage === 'ready' });
  return answer(state, await artifactsOf(run, state));
}

/** The services `service_stop` means. @throws ToolError E_ARG_MISSING, E_ARG_CONFLICT, E_JOB_MISSING, E_RUN_MISSING */
async function servicesOf(args: { run?: string | undefined; job?: string | undefined }, host: Host): Promise<{ run: Run; names: string[] }> {
  if (args.job !== undefined) {
    const [runId = '', job = '', ...rest] = args.job.split('/');
    if (!isRunId(runId) || !/^service-\d{3,}$/.test(job) || rest.length > 0) throw new ToolError('E_JOB_MISSING', `${foreign(args.job, 80)} is not the job of a service`, 'give the job as service_start answered it; job_wait without arguments lists the jobs');
    if (args.run !== undefined && args.run !== runId) throw new ToolError('E_ARG_CONFLICT', 'run and job name different runs', 'give job alone');
    return { run: await new Runs(host).open(runId), names: [job] };
  }
  if (args.run === undefined) throw new ToolError('E_ARG_MISSING', 'service_stop needs run or job', 'give the job to stop one service, the run to stop all of its services');
  const run = await new Runs(host).open(args.run);
  const names = (await new Jobs(host).list(run)).filter((s) => s.kind === 'service').map((s) => s.job);
  if (names.length === 0) throw new ToolError('E_JOB_MISSING', `run ${run.id} has no service`, 'job_wait without arguments lists the jobs of all runs');
  return { run, names };
}

function stopAnswer(run: string, stopped: readonly Stopped[]): ToolOk {
  const leftovers = stopped.flatMap((s) => s.leftovers);
  const known = stopped.filter((s) => s.released !== null);
  const released = known.length === 0 ? null : known.flatMap((s) => s.released ?? []);
  const wasLive = stopped.filter((s) => s.held).length;
  const verdict = leftovers.length > 0 ? 'failed' : wasLive > 0 ? 'stopped' : 'already_stopped';
  const gave = (released ?? []).reduce((sum, r) => sum + Math.max(0, r.released_mb ?? 0), 0);
  const unread = (released ?? []).filter((r) => r.released_mb === null).length;
  const hbm = released === null ? 'HBM not verified' : `${gave} MB of HBM came back${unread === 0 ? '' : `, ${unread} devices could not be read`}`;
  return {
    verdict,
    headline: { stopped: `${wasLive} of ${stopped.length} services ended, nothing is left; ${hbm}`, already_stopped: `${stopped.length} services had ended before; nothing is left`, failed: `${leftovers.length} things are still held after the stop` }[verdict],
    facts: { run, jobs: stopped.map((s) => ({ job: s.job, before: s.before, after: s.after })), released_hbm: released, leftovers },
    findings: [],
    artifacts: [],
    warnings: [...(released === null && wasLive > 0 ? [{ code: 'W-HBM-UNVERIFIED', detail: 'npu-smi did not answer, or the service held no named device' }] : []), ...leftovers.slice(0, 10).map((detail) => ({ code: 'W-LEFT', detail }))],
    next: verdict === 'failed' ? [{ tool: 'service_stop', why: 'again: memory of killed processes sometimes comes back late; processes in state D need the host rebooted' }] : [{ tool: 'env_probe', why: 'phase after: proves the cards are free' }],
  };
}

export interface StopArgs {
  readonly run?: string | undefined;
  readonly job?: string | undefined;
  readonly grace_s: number;
}

/** service_stop: ends the services meant and verifies that nothing of them is left. */
export async function stopServices(args: StopArgs, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const { run, names } = await servicesOf(args, host);
  const stopped: Stopped[] = [];
  // One after the other would pass the 45 s of a call with several services.
  for (const one of await Promise.all(names.map((name) => stopService(host, run, name, args.grace_s * 1000)))) stopped.push(one);
  return stopAnswer(run.id, stopped);
}
