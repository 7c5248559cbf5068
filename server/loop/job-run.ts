import { fenced, foreign, isRunId, ToolError, type JobState, type ToolOk } from '../contract/index.js';
import { openHost, type Host } from '../host/host.js';
import { isFinal, Jobs } from '../jobs/jobs.js';
import type { ToolContext } from '../mcp/define.js';
import { Runs, type Run } from '../runs/runs.js';
import type { CancelArgs, WaitArgs } from './inputs.js';

const logLines = 12;

/** What tools take and give as `job`: the run and the job in it. */
export function jobHandle(state: JobState): string {
  return `${state.run}/${state.job}`;
}

/** @throws ToolError E_JOB_MISSING, E_RUN_MISSING */
export async function openJob(host: Host, handle: string): Promise<{ run: Run; job: string }> {
  const [run = '', job = '', ...rest] = handle.split('/');
  if (!isRunId(run) || !/^[a-z][a-z-]*-\d{3,}$/.test(job) || rest.length > 0) {
    throw new ToolError('E_JOB_MISSING', `${foreign(handle, 80)} is not a job`, 'give the job as a start tool answered it; job_wait without arguments lists the jobs');
  }
  return { run: await new Runs(host).open(run), job };
}

function facts(state: JobState, tail: readonly string[]): Record<string, unknown> {
  return {
    job: jobHandle(state),
    kind: state.kind,
    state: state.state,
    stage: state.stage,
    progress: state.progress,
    started_at: state.started_at,
    ended_at: state.ended_at,
    log_tail: tail.length === 0 ? null : fenced(tail.join('\n'), 'worker log', 1500),
    result: state.result,
    error: state.error,
    left: state.left,
  };
}

function answer(state: JobState, tail: readonly string[], verdict: string): ToolOk {
  const progress = state.progress === null ? '' : `, ${state.progress.done}${state.progress.total === null ? '' : ` of ${state.progress.total}`}`;
  return {
    verdict,
    headline: `${state.kind} job is ${state.state}, stage ${state.stage}${progress}${state.error === null ? '' : `: ${state.error.code}`}${state.left.length > 0 ? `; it left ${state.left.length} processes` : ''}`,
    facts: facts(state, tail),
    findings: [],
    artifacts: [],
    warnings: state.left.map((detail) => ({ code: 'W-LEFT', detail })),
    next: !isFinal(state.state)
      ? [{ tool: 'job_wait', why: 'the job is still working' }]
      : state.left.length > 0
        ? [{ tool: 'job_cancel', why: 'ends what the job left' }]
        : [{ tool: 'run_show', why: 'what artifacts lists what the job wrote' }],
  };
}

/** job_wait. @throws ToolError E_JOB_MISSING, E_RUN_MISSING */
export async function waitForJob(args: WaitArgs, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const jobs = new Jobs(host);
  if (args.job === undefined) {
    const runs = new Runs(host);
    const rows = [];
    for (const id of await runs.list()) for (const s of await jobs.list(await runs.open(id))) rows.push({ job: jobHandle(s), run: s.run, kind: s.kind, state: s.state, stage: s.stage, started_at: s.started_at });
    rows.sort((a, b) => (a.started_at > b.started_at ? -1 : 1));
    const working = rows.filter((r) => r.state === 'working').length;
    return { verdict: 'listed', headline: `${rows.length} jobs, ${working} working`, facts: { jobs: rows }, findings: [], artifacts: [], warnings: [], next: [] };
  }
  const { run, job } = await openJob(host, args.job);
  const first = await jobs.look(run, job);
  // A service never ends by itself: being ready is what is waited for.
  const until = (s: JobState): boolean => isFinal(s.state) || (s.kind === 'service' && s.stage === 'ready' && first.stage !== 'ready');
  const state = await jobs.wait(run, job, { waitMs: args.wait_s * 1000, signal: ctx.signal, progress: ctx.progress, until });
  return answer(state, await jobs.logTail(run, job, logLines), state.state);
}

/** job_cancel. @throws ToolError E_JOB_MISSING, E_RUN_MISSING */
export async function cancelJob(args: CancelArgs, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const { run, job } = await openJob(host, args.job);
  const jobs = new Jobs(host);
  const before = await jobs.look(run, job);
  const state = await jobs.cancel(run, job, args.grace_s * 1000);
  return answer(state, await jobs.logTail(run, job, logLines), isFinal(before.state) ? 'already_ended' : 'cancelled');
}
