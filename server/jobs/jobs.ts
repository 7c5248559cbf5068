import { join } from 'node:path';
import { check, foreign, redactValue, ToolError, type JobState } from '../contract/index.js';
import { isFolder, listFolder, readText, sha256, writeAtomic } from '../host/files.js';
import { describeProcess, endProcesses, identify, isAlive, jobMark, processesOf, startDetached, terminate, waitUntil } from '../host/processes.js';
import { withLock } from '../host/lock.js';
import type { Host } from '../host/host.js';
import type { Run } from '../runs/runs.js';

/** Time a fresh worker has to say who it is; a cold Node.js start on a loaded host takes a few seconds. */
const helloMs = 20_000;
export const jobFile = 'job.json';
export const requestFile = 'request.json';

export type Final = 'completed' | 'failed' | 'cancelled' | 'lost';

export function isFinal(state: JobState['state']): state is Final {
  return state !== 'working';
}

export function jobDir(run: Run, job: string): string {
  return join(run.dir, 'jobs', job);
}

export function jobMarkOf(run: string, job: string): string {
  return `${run}/${job}`;
}

/** Keys sorted at every depth, undefined dropped: the same request always hashes the same. */
function normalised(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalised);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, v]) => v !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
        .map(([k, v]) => [k, normalised(v)]),
    );
  }
  return value;
}

/** What makes two starts the same. */
function requestHash(kind: string, request: Record<string, unknown>): string {
  return sha256(JSON.stringify(normalised({ kind, request })));
}

/** @throws ToolError E_JOB_MISSING, E_JOB_BROKEN */
export async function readJob(dir: string): Promise<JobState> {
  const text = await readText(join(dir, jobFile));
  if (text === null) throw new ToolError('E_JOB_MISSING', `no job at ${foreign(dir, 300)}`, 'job_wait without arguments lists the jobs');
  try {
    const checked = check('job-state', JSON.parse(text));
    if (checked.ok) return checked.value;
  } catch {
    // Falls through to the error below: the writer is atomic, so this is damage.
  }
  throw new ToolError('E_JOB_BROKEN', `${foreign(dir, 300)}/${jobFile} is not a job state`, 'the job cannot be judged; look at its output files');
}

export async function writeJob(dir: string, state: JobState): Promise<void> {
  await writeAtomic(join(dir, jobFile), `${JSON.stringify(state, null, 2)}\n`);
}

/** Detached work that outlives the server. State is on disk only. */
export class Jobs {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * Starts a job, or gives the one that works on the same request already.
   * @throws ToolError E_ARTIFACT_INVALID, E_LOCKED
   */
  async start(run: Run, kind: string, request: Record<string, unknown>): Promise<{ job: JobState; existing: boolean }> {
    const hash = requestHash(kind, request);
    return withLock(run.dir, async () => {
      const begun = await this.#begun(run, hash);
      if (begun !== null) return { job: await this.#launch(run, begun, request), existing: true };
      for (const known of await this.list(run)) {
        if (known.request_sha256 === hash && known.state === 'working') return { job: known, existing: true };
      }
      const names = await listFolder(join(run.dir, 'jobs'));
      const number = names.filter((n) => n.startsWith(`${kind}-`)).length + 1;
      const job = `${kind}-${String(number).padStart(3, '0')}`;
      const now = this.#host.now();
      const clean = check('job-state', redactValue({
        job,
        run: run.id,
        kind,
        request_sha256: hash,
        request,
        state: 'working',
        stage: 'starting',
        progress: null,
        worker: null,
        started_at: now,
        updated_at: now,
        ended_at: null,
        result: null,
        error: null,
        left: [],
      }));
      if (!clean.ok) throw new ToolError('E_ARTIFACT_INVALID', `the job state: ${clean.problems.join('; ')}`, 'nothing was started; report this as a defect of the server');
      await writeJob(jobDir(run, job), clean.value);
      return { job: await this.#launch(run, job, request), existing: false };
    });
  }

  /**
   * A job of this request that has a state and no worker: its starter died in between, for the run's lock is ours. Null when there is
   * none, or when its worker is coming up.
   */
  async #begun(run: Run, hash: string): Promise<string | null> {
    for (const name of await listFolder(join(run.dir, 'jobs'))) {
      const state = await readJob(jobDir(run, name)).catch(() => null);
      if (state?.request_sha256 !== hash || state.state !== 'working' || state.worker !== null) continue;
      await waitUntil(async () => (await this.#processes(state)).length === 0 || (await readJob(jobDir(run, name))).worker !== null, helloMs);
      if ((await readJob(jobDir(run, name))).worker === null) return name;
    }
    return null;
  }

  /** Starts the worker of a job whose state is written. The caller holds the run's lock. */
  async #launch(run: Run, job: string, request: Record<string, unknown>): Promise<JobState> {
    const dir = jobDir(run, job);
    // The worker needs the request as it was asked; the mode keeps it from other users, and the worker removes it at once.
    await writeAtomic(join(dir, requestFile), JSON.stringify(request), { mode: 0o600 });
    const { file, args } = this.#host.worker;
    const { pid } = await startDetached(file, [...args, dir], { cwd: run.dir, env: { ...this.#host.workerEnvironment(), [jobMark]: jobMarkOf(run.id, job) }, output: join(dir, 'worker.log') });
    // From here on the worker alone writes the state, until it is gone.
    await waitUntil(async () => (await readJob(dir)).worker !== null || (await identify(pid)) === null, helloMs);
    return this.look(run, job, (await identify(pid)) === null);
  }

  /** The job that works on exactly this request now, or null. */
  async find(run: Run, kind: string, request: Record<string, unknown>): Promise<JobState | null> {
    const hash = requestHash(kind, request);
    return (await this.list(run)).find((known) => known.request_sha256 === hash && known.state === 'working') ?? null;
  }

  /** Jobs of a run, in order of their start, each as it truly stands. */
  async list(run: Run): Promise<JobState[]> {
    const states: JobState[] = [];
    for (const name of await listFolder(join(run.dir, 'jobs'))) {
      const dir = jobDir(run, name);
      if (!(await isFolder(dir))) continue;
      // One damaged job must not hide the others; asking for it by name says what is wrong.
      const state = await this.look(run, name).catch(() => null);
      if (state !== null) states.push(state);
    }
    return states.sort((a, b) => (a.started_at < b.started_at ? -1 : a.started_at > b.started_at ? 1 : 0));
  }

  /**
   * The state as it truly is: a job whose worker is gone without a last word is `lost`, and that is written down with what it left.
   * @throws ToolError E_JOB_MISSING, E_JOB_BROKEN
   */
  async look(run: Run, job: string, workerGone = false): Promise<JobState> {
    const dir = jobDir(run, job);
    const state = await readJob(dir);
    if (isFinal(state.state)) return state;
    if (state.worker === null) {
      // Only a server that died between writing the state and starting the worker leaves this for longer than a start takes.
      const ageMs = Date.parse(this.#host.now()) - Date.parse(state.started_at);
      if (ageMs < helloMs && !workerGone) return state;
    } else if (await isAlive(state.worker)) return state;
    const again = await readJob(dir);
    if (isFinal(again.state)) return again;
    const left = await Promise.all((await this.#processes(again)).map(describeProcess));
    const lost: JobState = {
      ...again,
      state: 'lost',
      ended_at: this.#host.now(),
      updated_at: this.#host.now(),
      error: { code: 'E_JOB_LOST', seen: 'the worker ended without a last word: it was killed, or the host restarted', next: left.length > 0 ? 'job_cancel ends what it left' : 'start the work again; artifacts written before are valid' },
      left,
    };
    await writeJob(dir, lost);
    return lost;
  }

  #processes(state: JobState): ReturnType<typeof processesOf> {
    return processesOf({ group: state.worker?.pid, mark: jobMarkOf(state.run, state.job) });
  }

  /**
   * Ends a job: asks its worker, waits `graceMs`, then ends the whole process group and whatever carries the job's mark.
   * A job that ended before keeps its state; what it left behind is ended all the same.
   */
  async cancel(run: Run, job: string, graceMs: number): Promise<JobState> {
    const before = await this.look(run, job);
    if (!isFinal(before.state) && before.worker !== null) {
      terminate(before.worker.pid);
      const worker = before.worker;
      await waitUntil(async () => !(await isAlive(worker)), graceMs);
    }
    const left = await endProcesses({ group: before.worker?.pid, mark: jobMarkOf(run.id, job) }, 1000);
    const now = await readJob(jobDir(run, job));
    const words = await Promise.all(left.map(describeProcess));
    if (isFinal(now.state)) {
      if (words.join() !== now.left.join()) await writeJob(jobDir(run, job), { ...now, left: words });
      return { ...now, left: words };
    }
    const cancelled: JobState = { ...now, state: 'cancelled', ended_at: this.#host.now(), updated_at: this.#host.now(), left: words };
    await writeJob(jobDir(run, job), cancelled);
    return cancelled;
  }

  /** The last lines the worker wrote, as they are; the caller fences them. */
  async logTail(run: Run, job: string, lines: number): Promise<string[]> {
    const text = await readText(join(jobDir(run, job), 'worker.log')).catch(() => null);
    return text === null ? [] : text.trimEnd().split('\n').slice(-lines);
  }

  /** Waits for a final state or until time runs out; tells progress at least every ten seconds. */
  async wait(run: Run, job: string, options: { waitMs: number; signal: AbortSignal; progress: (message: string) => void; until?: (state: JobState) => boolean }): Promise<JobState> {
    let told = -Infinity;
    let state = await this.look(run, job);
    const done = options.until ?? ((s: JobState) => isFinal(s.state));
    const started = performance.now();
    await waitUntil(async () => {
      state = await this.look(run, job);
      const now = performance.now();
      if (now - told >= 5000) {
        told = now;
        options.progress(`${state.job}: ${state.state}, ${state.stage}, ${Math.round((now - started) / 1000)} s`);
      }
      return done(state) || isFinal(state.state) || options.signal.aborted;
    }, options.waitMs);
    return state;
  }
}
