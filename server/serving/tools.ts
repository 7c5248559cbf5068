import { z } from 'zod';
import { foreign, isRunId, ToolError, type JobState, type ServiceStartFacts, type ToolOk } from '../contract/index.js';
import { openHost, type Host } from '../host/host.js';
import { isFinal, Jobs } from '../jobs/jobs.js';
import { defineTool, runInput, type ToolContext } from '../mcp/define.js';
import { Runs, type Run } from '../runs/runs.js';
import { heldNow } from './leases.js';
import { lookAround, makePlan, preflight, shownCommand, type Note } from './plan.js';
import { logPath } from './record.js';
import { cut, startFacts, startText } from './render.js';
import { frameworks, readRequest, type ServiceRequest } from './request.js';
import { progressOf } from './result.js';
import { stopService, type Stopped } from './stop.js';
import { waits } from './thresholds.js';

export { servingDerivations } from './derive.js';
export { servingJobs } from './job.js';

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

export const serviceStart = defineTool({
  name: 'service_start',
  title: 'Start a service',
  description: 'Starts an LLM service: picks idle NPUs and free ports, starts every rank, watches all. ready only after a real completion. starting: job_wait. failed names rank and log line that came first. The same request again finds its job.',
  input: {
    run: runInput,
    framework: z.enum(frameworks),
    model_path: z.string().min(1),
    program: z.string().describe('absolute path of a built binary; default PATH').optional(),
    devices: z.array(z.int().min(0).max(1023)).min(1).describe('logical ids, rank order').optional(),
    device_count: z.int().min(1).max(1024).optional(),
    port: z.int().min(1).max(65535).optional(),
    args_json: z.string().describe('{"flag":value|true|false|null}; command: argv list').optional(),
    env_json: z.string().optional(),
    env_scripts: z.array(z.string()).optional(),
    container: z.string().optional(),
    host: z.string().describe('ssh').optional(),
    profiling: z.boolean().describe('allows msprof to attach; slower').optional(),
    ready_timeout_s: z.int().min(1).max(21600).optional(),
    dry_run: z.boolean().optional(),
  },
  output: 'tool-facts.schema.json#/$defs/service_start',
  verdicts: ['ready', 'starting', 'failed', 'planned'],
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  run: async (args, ctx) => {
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
  },
  text: startText,
});

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
  const hbm = released === null ? 'HBM not verified' : `${gave} MB of HBM came back`;
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

export const serviceStop = defineTool({
  name: 'service_stop',
  title: 'Stop a service',
  description: 'Ends one service (job) or all of a run, gracefully then hard, and verifies that processes are gone, ports closed and HBM given back. Also ends what a lost or failed service left.',
  input: { run: runInput.optional(), job: z.string().min(1).max(160).optional(), grace_s: z.number().min(0).max(15).default(10) },
  output: 'tool-facts.schema.json#/$defs/service_stop',
  verdicts: ['stopped', 'already_stopped', 'failed'],
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
  run: async (args, ctx) => {
    const host = openHost(ctx.config);
    const { run, names } = await servicesOf(args, host);
    const stopped: Stopped[] = [];
    // One after the other would pass the 45 s of a call with several services.
    for (const one of await Promise.all(names.map((name) => stopService(host, run, name, args.grace_s * 1000)))) stopped.push(one);
    return stopAnswer(run.id, stopped);
  },
});
