import { join } from 'node:path';
import { foreign, ToolError, type AccuracyStartFacts, type ToolOk } from '../../contract/index.js';
import { openHost, type Host } from '../../host/host.js';
import { Jobs } from '../../jobs/jobs.js';
import type { ToolContext } from '../../mcp/define.js';
import { Runs, type Run } from '../../runs/runs.js';
import { readBisect } from '../bisect/request.js';
import { probesOf } from '../probe/prompts.js';
import { scopes } from '../score/score.js';
import { defaults } from '../thresholds.js';
import { planEval } from './client.js';
import { accuracyDir } from './job.js';
import { readRequest, type AccuracyRequest, type StartArgs } from './request.js';

interface Planned {
  readonly method: AccuracyStartFacts['method'];
  readonly command: string[][];
  readonly requests: number | null;
}

/** What would run now. @throws ToolError E_PROGRAM_MISSING, E_PROGRAM_FAILED, E_ARG_CONFLICT */
async function plan(request: AccuracyRequest, host: Host, raw: string): Promise<Planned> {
  if (request.level === 'L1' || request.level === 'L2') return { method: 'probe', command: [['POST', `${request.endpoint}/v1/chat/completions`]], requests: probesOf(request.level).length * request.repeats };
  const { argv } = await planEval(request, host, raw);
  return { method: 'evalscope', command: [[...argv]], requests: null };
}

function words(request: AccuracyRequest, planned: Planned): string {
  return planned.method === 'probe' ? `${request.level}, ${planned.requests ?? 0} probe requests` : `${request.level}, evalscope on ${request.datasets.length} dataset${request.datasets.length === 1 ? '' : 's'}${request.limit === null ? '' : `, first ${request.limit} items a subset`}`;
}

/** @throws ToolError E_ARG_CONFLICT when another bisection works in this repository: two would check out commits under each other's feet */
async function refuseSecond(repo: string, run: Run, request: Record<string, unknown>, host: Host): Promise<void> {
  const [runs, jobs] = [new Runs(host), new Jobs(host)];
  if ((await jobs.find(run, 'bisect', request)) !== null) return;
  for (const id of await runs.list()) {
    const known = await runs.open(id).then((r) => jobs.list(r), () => []);
    const busy = known.find((j) => j.kind === 'bisect' && j.state === 'working' && j.request['repo'] === repo);
    if (busy !== undefined) throw new ToolError('E_ARG_CONFLICT', `job ${busy.run}/${busy.job} bisects ${foreign(repo, 200)} already`, 'job_wait for it, or job_cancel it: that puts the work tree back');
  }
}

/** The same for a bisection. */
async function startBisect(args: StartArgs, run: Run, host: Host): Promise<ToolOk> {
  const { request, commits } = await readBisect(args, defaults.probeMaxTokens.value, host);
  const output = (job: string): string => join(run.dir, accuracyDir(job));
  const facts = (job: string | null): AccuracyStartFacts => ({ run: run.id, job: job === null ? null : `${run.id}/${job}`, level: args.level, scope: scopes[args.level], method: 'bisect', requests: null, command: [request.argv], output: output(job ?? 'JOB') });
  const words = `bisection of ${commits} commits, about ${Math.ceil(Math.log2(commits + 1)) + 2} of them built, ${request.repeats} runs each`;
  const base = { findings: [], artifacts: [], warnings: [{ code: 'W-WORK-TREE', detail: `other commits are checked out in ${foreign(request.repo, 200)} until the job ends; leave it alone` }] } satisfies Partial<ToolOk>;
  if (args.dry_run === true) return { ...base, verdict: 'planned', headline: `${words}; nothing was started`, facts: { ...facts(null) }, next: [{ tool: 'accuracy_start', why: 'the same without dry_run bisects' }] };
  await refuseSecond(request.repo, run, { ...request }, host);
  const { job, existing } = await new Jobs(host).start(run, 'bisect', { ...request });
  return { ...base, verdict: 'started', headline: `${existing ? 'this runs already' : 'started'}: ${words}`, facts: { ...facts(job.job) }, next: [{ tool: 'job_wait', why: 'its result names the first bad commit; job_cancel puts the work tree back' }] };
}

/** accuracy_start: refuses what cannot be measured, then hands the work to a job. */
export async function startAccuracy(args: StartArgs, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const run = await new Runs(host).open(args.run);
  if (args.bisect_good !== undefined || args.bisect_bad !== undefined || args.bisect_command !== undefined) return startBisect(args, run, host);
  const request = readRequest(args, args.dataset_dir === undefined ? null : await host.admit(args.dataset_dir));
  const folder = (job: string): string => join(run.dir, accuracyDir(job));
  const planned = await plan(request, host, join(folder('JOB'), 'raw'));
  const facts = (job: string | null, output: string): AccuracyStartFacts => ({ run: run.id, job: job === null ? null : `${run.id}/${job}`, level: request.level, scope: scopes[request.level], method: planned.method, requests: planned.requests, command: planned.command.map((argv) => argv.map((a) => a.replace(folder('JOB'), output))), output });
  const base = { findings: [], artifacts: [], warnings: request.temperature > 0 ? [{ code: 'W-SAMPLED', detail: 'temperature above 0: answers change from run to run' }] : [] } satisfies Partial<ToolOk>;
  if (args.dry_run === true) return { ...base, verdict: 'planned', headline: `${words(request, planned)}; nothing was started`, facts: { ...facts(null, folder('JOB')) }, next: [{ tool: 'accuracy_start', why: 'the same without dry_run measures' }] };
  const { job, existing } = await new Jobs(host).start(run, 'accuracy', { ...request });
  return { ...base, verdict: 'started', headline: `${existing ? 'this runs already' : 'started'}: ${words(request, planned)}`, facts: { ...facts(job.job, folder(job.job)) }, next: [{ tool: 'job_wait', why: 'its result holds the verdict and the folder for accuracy_compare' }] };
}
