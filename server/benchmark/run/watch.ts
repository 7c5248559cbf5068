import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ToolError, type JobProgress } from '../../contract/index.js';
import { readBytes } from '../../host/bytes.js';
import { readText, walk } from '../../host/files.js';
import { jobMark } from '../../host/processes.js';
import { openTransport } from '../../host/transport.js';
import { jobMarkOf } from '../../jobs/jobs.js';
import type { JobContext } from '../../jobs/worker.js';
import { lastBar, type ClientCommand } from '../../programs/bench-client.js';
import { evalscopeProgress, readEvalscopeProgress } from '../../programs/evalscope.js';
import { limits } from './thresholds.js';

export interface ClientEnd {
  readonly command: readonly string[];
  readonly code: number | null;
  readonly signal: string | null;
  readonly stalled: boolean;
}

export interface ClientProcess {
  readonly command: ClientCommand;
  /** Folder it runs and writes in. */
  readonly folder: string;
  /** File both its streams go to. */
  readonly log: string;
  readonly window: RegExp | null;
}

/** Marks of the look before the window was seen open: nothing of the window is missed, at worst the end of the warm-up is counted too. */
export interface WindowMarks<T> {
  /** Taken at every look until the window is open. */
  readonly mark: () => Promise<T>;
  /** Called once, with the marks of the look before. */
  readonly opened: (marks: T) => Promise<void>;
}

/** Progress by the client's own file, else by its newest bar. For people only. */
async function progressOf(folder: string, tail: string): Promise<JobProgress | null> {
  const file = (await walk(folder).catch(() => [])).find((name) => name.endsWith(evalscopeProgress));
  const read = file === undefined ? null : readEvalscopeProgress((await readText(join(folder, file)).catch(() => null)) ?? '');
  const bar = read ?? lastBar(tail);
  return bar === null || bar.total <= 0 ? null : { done: Math.min(bar.done, bar.total), total: bar.total };
}

/**
 * Runs a client to its end, in this job's process group. Its output goes to a file, which is followed for progress and for the
 * opening of the measured window. A client that finishes nothing for long is ended.
 * @throws ToolError E_PROGRAM_MISSING; the signal's reason when the job is cancelled
 */
export async function runClient<T>(ctx: JobContext, spec: ClientProcess, stage: string, marks: WindowMarks<T> | null): Promise<ClientEnd> {
  const transport = openTransport(ctx.host, {});
  const mark = jobMarkOf(ctx.run.id, ctx.job);
  let before = marks === null ? null : await marks.mark();
  // Python keeps its output back when it does not go to a terminal.
  const started = await transport.start({ argv: [spec.command.program, ...spec.command.args], env: { PYTHONUNBUFFERED: '1', [jobMark]: mark }, scripts: [], cwd: spec.folder, log: spec.log });
  const state: { end: { code: number | null; signal: string | null } | null } = { end: null };
  void started.ended.then((end) => (state.end = end));
  const decoder = new TextDecoder();
  let offset = 0;
  let tail = '';
  let open = false;
  let moved = performance.now();
  let told = '';
  for (;;) {
    const ended = state.end;
    for (;;) {
      const bytes = await readBytes(spec.log, offset, 1024 * 1024);
      if (bytes.length === 0) break;
      offset += bytes.length;
      tail = (tail + decoder.decode(bytes, { stream: true })).slice(-8192);
      if (!open && marks !== null && before !== null && spec.window?.test(tail) === true) {
        open = true;
        await marks.opened(before);
      }
    }
    if (ended !== null) return { command: started.command, ...ended, stalled: false };
    if (ctx.signal.aborted) {
      await transport.end(mark, limits.endMs.value);
      ctx.signal.throwIfAborted();
    }
    const progress = await progressOf(spec.folder, tail);
    const words = progress === null ? tail.slice(-200) : `${progress.done}/${progress.total}`;
    if (words !== told) {
      told = words;
      moved = performance.now();
      await ctx.report(stage, progress);
    }
    if (performance.now() - moved > limits.stallMs.value) {
      await transport.end(mark, limits.endMs.value);
      return { command: started.command, code: null, signal: 'SIGTERM', stalled: true };
    }
    if (!open && marks !== null) before = await marks.mark();
    await sleep(limits.lookMs.value, undefined, { signal: ctx.signal }).catch(() => undefined);
  }
}

/** What a client that ended badly is answered with. */
export function clientFailed(end: ClientEnd, client: string, log: string): ToolError {
  if (end.stalled) return new ToolError('E_PROGRAM_FAILED', `${client} finished no request for ${limits.stallMs.value / 60_000} minutes and was ended`, 'check with job_wait that the service still runs; incident_triage on its logs says why it hangs');
  return new ToolError('E_PROGRAM_FAILED', `${client} ended with ${end.code === null ? `signal ${end.signal ?? 'unknown'}` : `code ${end.code}`} and left no result`, `its own words are in ${log} of the run root`);
}
