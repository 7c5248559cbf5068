import { join } from 'node:path';
import { ToolError, type ProfileStartFacts, type ToolOk } from '../../contract/index.js';
import { openHost, type Host } from '../../host/host.js';
import { programPlaces } from '../../host/programs.js';
import { Jobs } from '../../jobs/jobs.js';
import type { ToolContext } from '../../mcp/define.js';
import { analyzeArgs, attachArgs, exportArgs } from '../../programs/msprof.js';
import { startPath, stopPath } from '../../programs/torch-profiler.js';
import { Runs, type Run } from '../../runs/runs.js';
import { checkOutput } from './msprof-capture.js';
import { captureDir } from './record.js';
import { readRequest, type CaptureRequest } from './request.js';
import { attachTargets, chooseBackend, findService, torchFolder } from './target.js';

type Planned = Pick<ProfileStartFacts, 'backend' | 'pids' | 'command' | 'endpoint'>;

/** What would run for this request now; refuses what cannot be captured. @throws ToolError E_PROFILE_ATTACH, E_PROGRAM_MISSING, E_PATH_* */
async function plan(request: CaptureRequest, host: Host, output: string): Promise<Planned> {
  const service = await findService(request, host);
  const backend = await chooseBackend(request.backend, service, host);
  const { endpoint } = service;
  if (backend === 'torch') {
    await torchFolder(service, host);
    return { backend, endpoint, pids: [], command: [startPath, stopPath].map((path) => ['POST', `${endpoint}${path}`]) };
  }
  checkOutput(output);
  const pids = await attachTargets(service, host);
  const program = await host.has('msprof');
  if (program === null) throw new ToolError('E_PROGRAM_MISSING', `msprof was not found; looked for ${programPlaces('msprof').join(', ')}`, 'install the CANN toolkit, or put the folder of msprof in PATH');
  const attach = attachArgs({ pids, output, aicMetrics: request.aic_metrics, aicpu: true, hardwareMemory: false });
  return { backend, endpoint, pids, command: [attach, exportArgs(output), analyzeArgs(output)].map((args) => [program, ...args]) };
}

function factsOf(run: Run, job: string | null, request: CaptureRequest, planned: Planned, output: string): ProfileStartFacts {
  const { input_tokens, output_tokens, parallel, batches, warmup_batches } = request;
  return { run: run.id, job: job === null ? null : `${run.id}/${job}`, phase: request.phase, ...planned, output, workload: { input_tokens, output_tokens, parallel, batches, warmup_batches } };
}

export type StartArgs = Parameters<typeof readRequest>[0] & { readonly run: string; readonly dry_run?: boolean | undefined };

/** profile_start: refuses what cannot be captured, then hands the capture to a job. */
export async function startCapture(args: StartArgs, ctx: ToolContext): Promise<ToolOk> {
  const request = readRequest(args);
  const host = openHost(ctx.config);
  const run = await new Runs(host).open(args.run);
  const base = { findings: [], artifacts: [], warnings: [] } satisfies Partial<ToolOk>;
  const folder = (job: string): string => join(run.dir, captureDir(job));
  const planned = await plan(request, host, folder('JOB'));
  const count = planned.backend === 'torch' ? 'the service itself' : `${planned.pids.length} process${planned.pids.length === 1 ? '' : 'es'}`;
  if (args.dry_run === true) {
    return { ...base, verdict: 'planned', headline: `${planned.backend} would capture ${count}, ${request.phase}; nothing was started`, facts: { ...factsOf(run, null, request, planned, folder('JOB')) }, next: [{ tool: 'profile_start', why: 'the same without dry_run captures' }] };
  }
  const { job, existing } = await new Jobs(host).start(run, 'profile', { ...request });
  const exact = { ...planned, command: planned.command.map((argv) => argv.map((arg) => arg.replace(folder('JOB'), folder(job.job)))) };
  return {
    ...base,
    verdict: 'started',
    headline: `${existing ? 'this capture runs already' : 'the capture has started'}: ${planned.backend} on ${count}, ${request.phase}`,
    facts: { ...factsOf(run, job.job, request, exact, folder(job.job)) },
    next: [{ tool: 'job_wait', why: 'its result says complete or inconclusive and gives the path for profile_analyze' }],
  };
}
