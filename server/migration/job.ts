import { ToolError, type OpVerifyFacts, type ToolOk } from '../contract/index.js';
import type { Host } from '../host/host.js';
import { Jobs } from '../jobs/jobs.js';
import type { JobContext, JobKinds } from '../jobs/worker.js';
import { freeFolder } from '../runs/places.js';
import type { Run } from '../runs/runs.js';
import { compute, migrationDerivation, paramsSchema, type Params } from './derive.js';
import type { Outcome, Watch } from './outcome.js';
import { headline } from './render.js';

const jobKind = 'op-verify';

/** The check, or null when it took longer than one call may. @throws ToolError as compute does */
export async function computeInTime(params: Params, host: Host, runDir: string, watch: Watch, ms: number): Promise<Awaited<ReturnType<typeof compute>> | null> {
  const time = AbortSignal.timeout(ms);
  try {
    return await compute(params, host, runDir, { signal: AbortSignal.any([watch.signal, time]), progress: watch.progress });
  } catch (error) {
    if (time.aborted && !watch.signal.aborted && !(error instanceof ToolError)) return null;
    throw error;
  }
}

/** Starts the job that compares the tensors, and answers with it. */
export async function handedOver(host: Host, run: Run, params: Params): Promise<ToolOk> {
  const { job } = await new Jobs(host).start(run, jobKind, { params });
  const verdict: Outcome['verdict'] = 'inconclusive';
  const facts: OpVerifyFacts = {
    run: run.id, kind: params.work.kind, op: params.op, status: 'open', route: null, violations: [], standard: null, dtype: null, level: null, errors: null, benchmark_errors: null, limits: [], worst: [],
    speedup: null, worst_speedup: null, pairs: [], gates: [], reasons: ['the tensors are larger than one call can compare; a job compares them'], job: `${run.id}/${job.job}`,
  };
  return {
    verdict, headline: 'the tensors are larger than one call can compare; a job compares them and writes the report', facts: { ...facts }, findings: [], artifacts: [], warnings: [],
    next: [{ tool: 'job_wait', why: 'its result has the verdict and the path of the report' }],
  };
}

/** The job: the whole check into the run. Its folder is chosen now, for other checks may have been made since. */
async function verifyInJob(raw: Record<string, unknown>, { host, run, signal, report }: JobContext): Promise<Record<string, unknown>> {
  const asked = paramsSchema.parse(raw['params']);
  const params: Params = { ...asked, folder: await freeFolder(run, 'migration') };
  const { body, derived } = await compute(params, host, run.dir, { signal, progress: (message) => void report(message) });
  await run.writeComputed({ tool: 'op_verify', input: { kind: asked.work.kind, op: asked.op } }, { by: migrationDerivation, params }, derived);
  return { verdict: body.verdict, headline: headline(body), report: `${params.folder}/report.json`, next: 'op_verify' };
}

export const migrationJobs: JobKinds = { [jobKind]: verifyInJob };
