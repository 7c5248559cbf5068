import { join } from 'node:path';
import { foreign, ToolError } from '../../contract/index.js';
import { makeFolder } from '../../host/copy.js';
import { sha256 } from '../../host/files.js';
import { endProcesses } from '../../host/processes.js';
import { jobMarkOf } from '../../jobs/jobs.js';
import type { JobContext, JobKind } from '../../jobs/worker.js';
import type { Probe } from '../probe/prompts.js';
import { waits } from '../thresholds.js';
import { casesOf } from './cases.js';
import { runCommand } from './command.js';
import { Repository } from './git.js';
import { transient } from './outcome.js';
import { bisectHeadline, bisectPage, gitLog, type BisectReport } from './render.js';
import { bisectShape, type BisectRequest } from './request.js';
import { decide, searchLine, type Decision, type Found } from './search.js';
import { decisionsOf, save, tallyOf, unfinished, type BisectState, type Step } from './state.js';

const by = (request: BisectRequest): { tool: string; input: Record<string, unknown> } => ({ tool: 'accuracy_start', input: { ...request } });

/** The work of one bisection: judges commits, keeps every step on disk. */
class Bisection {
  readonly ctx: JobContext;
  readonly request: BisectRequest;
  readonly repo: Repository;
  readonly state: BisectState;
  readonly #cases: readonly Probe[];
  readonly #folder: string;
  #checkedOut: string | null = null;
  #kept = 0;

  constructor(ctx: JobContext, request: BisectRequest, repo: Repository, state: BisectState, cases: readonly Probe[]) {
    this.ctx = ctx;
    this.request = request;
    this.repo = repo;
    this.state = state;
    this.#cases = cases;
    this.#folder = `accuracy/${ctx.job}`;
  }

  async #note(step: Omit<Step, 'n' | 'at'>): Promise<void> {
    this.state.steps.push({ n: this.state.steps.length + 1, at: this.ctx.host.now(), ...step });
    await save(this.ctx.run, this.ctx.job, this.state);
    await this.ctx.report('bisecting', { done: this.state.steps.length, total: null });
  }

  /** Changes a build made to tracked files are kept before the checkout drops them. */
  async keepChanges(): Promise<void> {
    const changes = await this.repo.changes();
    if (changes === '') return;
    this.#kept += 1;
    await this.ctx.run.writeRaw(by(this.request), [{ path: `${this.#folder}/raw/changes-${this.#kept}.diff`, kind: 'bisect-changes', text: changes }]);
  }

  async #put(commit: string): Promise<boolean> {
    if (this.#checkedOut === commit) return true;
    await this.keepChanges();
    this.#checkedOut = null;
    const done = await this.repo.checkout(commit, true, this.ctx.signal);
    this.ctx.signal.throwIfAborted();
    if (done === 'ok') this.#checkedOut = commit;
    else await this.#note({ commit, run: 0, verdict: 'skip', reason: done, exit: null, by: 'command', log: null });
    return done === 'ok';
  }

  /** Runs a commit until it is decided. @param again as many runs more as it takes to decide a fresh one */
  async judge(commit: string, again: boolean): Promise<Decision> {
    const { repeats } = this.request;
    const before = tallyOf(this.state.steps, commit);
    const least = before.good + before.bad + (again ? repeats : 0);
    for (;;) {
      this.ctx.signal.throwIfAborted();
      const tally = tallyOf(this.state.steps, commit);
      const decision = decide(tally, repeats);
      if (decision === 'skipped' && !this.#tryAgain(commit)) return decision;
      if (decision !== 'open' && decision !== 'skipped' && tally.good + tally.bad >= least) return decision;
      if (!(await this.#put(commit))) return 'skipped';
      const run = this.state.steps.filter((s) => s.commit === commit).length + 1;
      const log = `${this.#folder}/raw/step-${String(this.state.steps.length + 1).padStart(3, '0')}-${commit.slice(0, 12)}.log`;
      const outcome = await runCommand(this.ctx, this.request, { commit, run, log }, this.#cases);
      await this.#note({ commit, run, log, ...outcome });
    }
  }

  /** Once more after something that may pass, and only once. */
  #tryAgain(commit: string): boolean {
    const skips = this.state.steps.filter((s) => s.commit === commit && s.verdict === 'skip');
    return skips.length === 1 && skips.some((s) => [...transient].some((t) => t === s.reason));
  }
}

/** @throws ToolError E_ARG_CONFLICT when an end is not what it is said to be, E_PROGRAM_FAILED when it can not be judged */
async function checkEnd(work: Bisection, commit: string, wanted: 'good' | 'bad'): Promise<void> {
  const seen = await work.judge(commit, false);
  const tally = tallyOf(work.state.steps, commit);
  if (seen === wanted) return;
  if (seen === 'skipped') throw new ToolError('E_PROGRAM_FAILED', `the ${wanted} end can not be judged (${work.state.steps.at(-1)?.reason ?? 'unknown'})`, 'read its log below accuracy/; the command must exit 0 or 1 at both ends');
  throw new ToolError('E_ARG_CONFLICT', `the ${wanted} end is ${seen}: ${tally.good} of ${tally.good + tally.bad} runs were good`, wanted === 'good' ? 'look for an older good commit: the fault may be in what did not change (driver, CANN, weights, flags)' : 'a case that does not fail at the bad end is not stable: find one that does, or raise repeats');
}

async function reportOf(work: Bisection, commits: readonly string[], found: Found, resumed: number): Promise<{ report: BisectReport; subject: string | null }> {
  const { request, repo, state } = work;
  const candidates = commits.slice(found.bounds.good + 1, found.bounds.bad + 1);
  const commit = candidates.length === 1 ? (candidates[0] ?? null) : null;
  const verdicts = [...new Set(state.steps.map((s) => s.commit))].map((c) => decide(tallyOf(state.steps, c), request.repeats));
  const report: BisectReport = {
    verdict: commit === null ? 'range' : 'found',
    commit,
    candidates,
    good: request.good,
    bad: request.bad,
    judged: verdicts.filter((d) => d === 'good' || d === 'bad').length,
    skipped: verdicts.filter((d) => d === 'skipped').length,
    undecided: verdicts.filter((d) => d === 'undecided').length,
    runs: state.steps.length,
    range: commits.length,
    merge: commit !== null && (await repo.parents(commit)).length > 1,
    resumed,
  };
  return { report, subject: commit === null ? null : await repo.subject(commit) };
}

/** Finds the first bad commit. The work tree is put back to where it was, whatever happens. */
export const bisect: JobKind = async (raw, ctx) => {
  const request = bisectShape.parse(raw);
  await ctx.report('starting');
  const repo = await Repository.around(request.repo, ctx.host);
  if (repo === null) throw new ToolError('E_PATH_MISSING', `${foreign(request.repo, 200)} is no git work tree any more`, 'restore it');
  const question = sha256(JSON.stringify({ ...request, repeats: null }));
  const earlier = await unfinished(ctx.run, ctx.job, question);
  // What the killed worker left running (a build, a service on the port) would answer for the wrong commit.
  if (earlier !== null) await endProcesses({ mark: jobMarkOf(ctx.run.id, earlier.job) }, waits.graceMs.value);
  if (earlier === null && (await repo.changes()) !== '') throw new ToolError('E_ARG_CONFLICT', `${foreign(repo.top, 200)} has changes that are not committed`, 'commit or stash them: a bisection checks out other commits');
  const state: BisectState = { question, repo: repo.top, origin: earlier?.state.origin ?? (await repo.head()), done: false, steps: [...(earlier?.state.steps ?? [])] };
  await save(ctx.run, ctx.job, state);
  const commits = await repo.between(request.good, request.bad);
  const folder = `accuracy/${ctx.job}`;
  await makeFolder(ctx.run.dir, `${folder}/raw`);
  const work = new Bisection(ctx, request, repo, state, await casesOf(ctx.run));
  try {
    await checkEnd(work, request.bad, 'bad');
    await checkEnd(work, request.good, 'good');
    const found = await searchLine(commits.length, decisionsOf(state.steps, commits, request.repeats), (index, again) => work.judge(commits[index] ?? request.good, again));
    const { report, subject } = await reportOf(work, commits, found, earlier?.state.steps.length ?? 0);
    const decided = [...decisionsOf(state.steps, commits, request.repeats)].map(([i, decision]) => ({ commit: commits[i] ?? '', decision }));
    await ctx.run.writeRaw(by(request), [
      { path: `${folder}/bisect.json`, kind: 'accuracy-bisect', text: `${JSON.stringify({ ...report, subject: subject === null ? null : foreign(subject, 160), command: request.argv, repo: request.repo, steps: state.steps }, null, 2)}\n` },
      { path: `${folder}/bisect.md`, kind: 'accuracy-bisect-page', text: bisectPage(report, subject, state.steps) },
      { path: `${folder}/git-bisect.log`, kind: 'git-bisect-log', text: gitLog(report, decided) },
    ]);
    state.done = true;
    return { ...report, candidates: report.candidates.slice(0, 20), headline: bisectHeadline(report), path: join(ctx.run.dir, folder), next: report.merge ? 'a merge: bisect again between its two parents' : report.commit === null ? 'mend the build of the commits between, or read their diffs' : 'read the diff, then prove it: revert it alone and run the failed cases again' };
  } catch (error) {
    state.done = error instanceof ToolError;
    throw error;
  } finally {
    await work.keepChanges().catch(() => ctx.log('what the last build changed in tracked files could not be kept'));
    // Without the signal: a cancelled job has to put the tree back too.
    const back = await repo.checkout(state.origin, false);
    if (back !== 'ok') ctx.log(`the work tree could not be put back to ${state.origin}: ${back}`);
    await save(ctx.run, ctx.job, state);
    await ctx.run.recordRaw(by(request), folder);
  }
};
