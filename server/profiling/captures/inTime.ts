import { ToolError, type JobState, type ProfileAnalyzeFacts, type ToolOk } from '../../contract/index.js';
import type { Host } from '../../host/host.js';
import { Jobs } from '../../jobs/jobs.js';
import type { JobContext, JobKinds } from '../../jobs/worker.js';
import type { ToolContext } from '../../mcp/define.js';
import type { Run } from '../../runs/runs.js';
import { z } from 'zod';
import type { Analysis } from '../analyze/analyze.js';
import type { View } from '../views.js';
import { planned, readPlanned, type Plan } from './captures.js';

/** What one call may take. */
export interface Allowed {
  readonly ms: number;
  /** Bytes not known to the cache. */
  readonly bytes: number;
}

export const jobKind = 'profile-analyze';

/** Reads the planned captures; null when they are too large for one call, or time ran out. What was finished by then is in the cache. */
export async function readInTime(plans: readonly Plan[], host: Host, ctx: ToolContext, allowed: Allowed): Promise<Analysis[] | null> {
  if (plans.reduce((a, p) => a + p.bytes, 0) > allowed.bytes) return null;
  const time = AbortSignal.timeout(allowed.ms);
  const signal = AbortSignal.any([ctx.signal, time]);
  const read: Analysis[] = [];
  try {
    for (const plan of plans) read.push(await readPlanned(plan, host, { signal, progress: ctx.progress, cache: true }));
    return read;
  } catch (error) {
    if (time.aborted && !ctx.signal.aborted && !(error instanceof ToolError)) return null;
    throw error;
  }
}

const requestShape = z.object({ paths: z.array(z.string().min(1)).min(1), baseline: z.array(z.string().min(1)) });

/** Starts a job that reads the captures into the cache, or gives the one that does. */
export async function startReading(host: Host, run: Run, paths: readonly string[], baseline: readonly string[] | null): Promise<JobState> {
  return (await new Jobs(host).start(run, jobKind, { paths: [...paths], baseline: [...(baseline ?? [])] })).job;
}

/** The answer of a call whose captures a job reads. */
export function handedOver(args: { readonly view: View }, run: Run, job: JobState): ToolOk {
  const facts: ProfileAnalyzeFacts = {
    run: run.id,
    view: args.view,
    window: null,
    bottleneck: { class: 'inconclusive', confidence: 'low', evidence: [] },
    tables: { kernel: null, communication: null, fusion: null, dispatch: null, memory: null },
    rows: {},
    incomplete: [{ code: 'still-reading', detail: 'the capture is larger than one call can read; a job reads it' }],
    ranks: [],
    comparison: null,
    operators: null,
    job: `${run.id}/${job.job}`,
  };
  return {
    verdict: 'inconclusive',
    headline: 'the capture is larger than one call can read; a job reads it, and the same call answers when the job has ended',
    facts: { ...facts },
    findings: [],
    artifacts: [],
    warnings: [],
    next: [
      { tool: 'job_wait', why: 'until the captures are read' },
      { tool: 'profile_analyze', why: 'the same call with this run: it answers from what the job read' },
    ],
  };
}

/** The job: captures into the cache, one after the other or side by side. */
async function readIntoCache(raw: Record<string, unknown>, { host, signal, report }: JobContext): Promise<Record<string, unknown>> {
  const { paths, baseline } = requestShape.parse(raw);
  let captures = 0;
  for (const list of [paths, baseline]) {
    if (list.length === 0) continue;
    const plan = await planned(await Promise.all(list.map((p) => host.admit(p))), host, true);
    await readPlanned(plan, host, { signal, cache: true, progress: (message) => void report(message) });
    captures += plan.captures.length;
  }
  return { captures, next: 'profile_analyze' };
}

export const readingJobs: JobKinds = { [jobKind]: readIntoCache };
