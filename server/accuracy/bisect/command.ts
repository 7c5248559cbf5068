import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readEnds } from '../../host/bytes.js';
import { endProcesses, jobMark, processesOf } from '../../host/processes.js';
import { openTransport } from '../../host/transport.js';
import { jobMarkOf } from '../../jobs/jobs.js';
import type { JobContext } from '../../jobs/worker.js';
import type { Probe } from '../probe/prompts.js';
import { bisectLimits, waits } from '../thresholds.js';
import { replay } from './cases.js';
import { outcomeOf, type Outcome } from './outcome.js';
import type { BisectRequest } from './request.js';

async function endsOf(path: string): Promise<string> {
  const ends = await readEnds(path, bisectLimits.logBytes.value, bisectLimits.logBytes.value);
  return ends === null ? '' : `${ends.head}\n${ends.tail}`;
}

/**
 * Runs the command once in the work tree. A service it leaves running is asked the failed cases, and they judge; else its exit code does.
 * Whatever carries the job's mark is ended before this returns, so that the next commit meets a clean host.
 * @param log below the run root
 */
export async function runCommand(ctx: JobContext, request: BisectRequest, step: { readonly commit: string; readonly run: number; readonly log: string }, cases: readonly Probe[]): Promise<Outcome & { readonly by: 'command' | 'cases' }> {
  const mark = jobMarkOf(ctx.run.id, ctx.job);
  const log = join(ctx.run.dir, step.log);
  const env = { [jobMark]: mark, XLLM_NPU_BISECT_COMMIT: step.commit, XLLM_NPU_BISECT_RUN: String(step.run), XLLM_NPU_BISECT_ENDPOINT: request.endpoint };
  const waiting = new AbortController();
  let clean = false;
  try {
    const started = await openTransport(ctx.host, {}).start({ argv: request.argv, env, scripts: [], cwd: request.repo, log });
    const late = sleep(bisectLimits.commandMs.value, null, { signal: AbortSignal.any([waiting.signal, ctx.signal]) }).catch(() => null);
    const end = await Promise.race([started.ended, late]);
    ctx.signal.throwIfAborted();
    const outcome = outcomeOf({ code: end?.code ?? null, timedOut: end === null }, await endsOf(log));
    clean = (await processesOf({ mark })).length === 0;
    if (outcome.verdict !== 'good' || clean) return { ...outcome, by: 'command' };
    return { ...(await replay({ endpoint: request.endpoint, model: request.model, temperature: request.temperature, maxTokens: request.max_tokens }, cases, ctx.signal)), by: 'cases' };
  } finally {
    waiting.abort();
    if (!clean) await endProcesses({ mark }, waits.graceMs.value);
  }
}
