import { join } from 'node:path';
import { redactText, redactValue, check, ToolError, type JobProgress, type JobState } from '../contract/index.js';
import { readText, removeFile } from '../host/files.js';
import { describeProcess, identify, processesOf } from '../host/processes.js';
import type { Host } from '../host/host.js';
import { Runs, type Run } from '../runs/runs.js';
import { isFinal, jobMarkOf, readJob, requestFile, writeJob } from './jobs.js';

export interface JobContext {
  readonly host: Host;
  readonly run: Run;
  readonly job: string;
  /** Ends when the job is cancelled; the work then stops what it started and returns or throws. */
  readonly signal: AbortSignal;
  /** Where the work stands; written to disk at once. */
  readonly report: (stage: string, progress?: JobProgress | null, result?: Record<string, unknown>) => Promise<void>;
  readonly log: (line: string) => void;
}

/** A kind of job: does the work, gives the result. A throw is `failed`. */
export type JobKind = (request: Record<string, unknown>, ctx: JobContext) => Promise<Record<string, unknown>>;
export type JobKinds = Readonly<Record<string, JobKind>>;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The state with secrets gone; a result that breaks the schema is dropped rather than the whole state. */
function clean(state: JobState): JobState {
  const checked = check('job-state', redactValue(state));
  return checked.ok ? checked.value : { ...state, result: null };
}

/** The detached worker: runs one job to its end and writes the last word. Gives the exit code. */
export async function runWorker(dir: string, kinds: JobKinds, host: Host): Promise<number> {
  let state = await readJob(dir);
  if (isFinal(state.state)) return 0;
  const request: unknown = JSON.parse((await readText(join(dir, requestFile))) ?? 'null');
  // It holds what was asked, secrets included; nobody needs it once it is read.
  await removeFile(join(dir, requestFile));
  const run = await new Runs(host).open(state.run);
  const controller = new AbortController();
  const log = (line: string): void => void process.stderr.write(`${host.now()} ${redactText(line)}\n`);

  let writing = Promise.resolve();
  const save = (change: Partial<JobState>): Promise<void> => {
    state = clean({ ...state, ...change, updated_at: host.now() });
    const now = state;
    writing = writing.then(() => writeJob(dir, now));
    return writing;
  };

  const cancel = (): void => controller.abort();
  process.on('SIGTERM', cancel);
  process.on('SIGINT', cancel);
  process.on('SIGHUP', () => undefined);

  await save({ worker: await identify(process.pid), stage: 'working' });
  const last = async (change: Partial<JobState>): Promise<void> => {
    const others = (await processesOf({ group: process.pid, mark: jobMarkOf(run.id, state.job) })).filter((p) => p.pid !== process.pid);
    await save({ ...change, ended_at: host.now(), left: await Promise.all(others.map(describeProcess)) });
  };
  try {
    const kind = kinds[state.kind];
    if (kind === undefined || !isRecord(request)) throw new ToolError('E_JOB_BROKEN', `no job kind ${state.kind} in this version, or no request`, 'start it again');
    const result = await kind(request, {
      host,
      run,
      job: state.job,
      signal: controller.signal,
      log,
      report: async (stage, progress = null, partial) => save({ stage, progress, ...(partial === undefined ? {} : { result: partial }) }),
    });
    await last({ state: controller.signal.aborted ? 'cancelled' : 'completed', stage: 'ended', result });
    return 0;
  } catch (error) {
    if (controller.signal.aborted) {
      await last({ state: 'cancelled', stage: 'ended' });
      return 0;
    }
    const known = error instanceof ToolError ? error : new ToolError('E_INTERNAL', 'an error the job did not foresee', 'report this as a defect; worker.log has the details');
    log(error instanceof Error ? (error.stack ?? error.message) : 'a value that is no error was thrown');
    await last({ state: 'failed', error: { code: known.code, seen: known.seen, next: known.next } });
    return 1;
  }
}
