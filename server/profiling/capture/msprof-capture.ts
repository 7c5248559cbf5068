import { join } from 'node:path';
import { ToolError } from '../../contract/index.js';
import { identify, waitUntil } from '../../host/processes.js';
import type { JobContext } from '../../jobs/worker.js';
import { jobMarkOf } from '../../jobs/jobs.js';
import { analyzeArgs, exportArgs, plainPath } from '../../programs/msprof.js';
import { profFolders } from './folders.js';
import { LoadPlan } from './load.js';
import { captureDir, type Progress } from './record.js';
import { Session, type Answer } from './session.js';
import { attachTargets } from './target.js';
import { limits } from './thresholds.js';

/** @throws ToolError E_PATH_INVALID: msprof refuses paths with other characters */
export function checkOutput(folder: string): void {
  if (!plainPath.test(folder)) throw new ToolError('E_PATH_INVALID', 'the runs folder has a blank or special character in its path, which msprof refuses', 'choose another folder with --runs-dir');
}

/**
 * Captures with msprof: warm-up, attach, start, load, stop, quit, export, analysis. What went wrong after the attach becomes a reason.
 * @throws ToolError E_PROFILE_ATTACH, E_PROGRAM_MISSING, E_SERVICE_FAILED when there is nothing to capture
 */
export async function captureWithMsprof(ctx: JobContext, progress: Progress): Promise<void> {
  const folder = join(ctx.run.dir, captureDir(ctx.job));
  checkOutput(folder);
  const targets = await attachTargets(progress.service, ctx.host);
  const plan = await LoadPlan.prepare(ctx, progress);
  await plan.warmUp();
  ctx.signal.throwIfAborted();
  await ctx.report('attaching');
  progress.attachedAt = ctx.host.now();
  const keep = (text: string): void => void progress.logs.set('msprof_attach.log', text);
  const session = await Session.open(ctx.host, { pids: targets, output: folder, aicMetrics: progress.request.aic_metrics, aicpu: true, hardwareMemory: false }, { mark: jobMarkOf(ctx.run.id, ctx.job), signal: ctx.signal, keep }).catch((error: unknown) => {
    // Nothing was captured; but the profiler was there for a moment.
    progress.detachedAt = ctx.host.now();
    throw error;
  });
  progress.command.push(...session.command);
  progress.acks = session.acks;
  const collecting = new Set<number>();
  try {
    await plan.run({ open: () => start(ctx, progress, session, collecting), close: () => stop(ctx, progress, session, collecting) });
    if (progress.startedAt !== null && progress.stoppedAt === null) await stop(ctx, progress, session, collecting);
  } finally {
    await session.leave();
    progress.detachedAt = ctx.host.now();
    keep(session.transcript());
  }
  if (ctx.signal.aborted) progress.because('cancelled', 'the job was cancelled; the profiler was taken out and nothing was exported');
  else if (progress.startedAt !== null) await exportAll(ctx, folder, progress);
  await judge(ctx, progress, collecting.size);
}

async function start(ctx: JobContext, progress: Progress, session: Session, collecting: Set<number>): Promise<boolean> {
  const answers = await session.give('start', { signal: ctx.signal });
  const without: number[] = [];
  for (const [pid, answer] of answers) {
    if (answer === 'start-ok') collecting.add(pid);
    else if (answer === 'no-device') without.push(pid);
    else if (!ctx.signal.aborted) await blame(progress, pid, 'start', answer);
  }
  progress.pids = [...collecting].sort((a, b) => a - b);
  if (collecting.size === 0 && without.length > 0) throw new ToolError('E_PROFILE_ATTACH', `process ${without.join(', ')} has set no device, so there is nothing to collect`, 'give the pid npu-smi info lists on the device: the worker, not the process that launched it');
  if (without.length > 0) progress.because('rank-without-device', `process ${without.join(', ')} has set no device and was left out`);
  if (collecting.size > 0) progress.startedAt = ctx.host.now();
  return collecting.size > 0;
}

async function stop(ctx: JobContext, progress: Progress, session: Session, collecting: ReadonlySet<number>): Promise<void> {
  progress.stoppedAt = ctx.host.now();
  // No signal here: a cancelled job must stop the collection too.
  const answers = await session.give('stop', ctx.signal.aborted ? { timeoutMs: limits.quitMs.value } : {});
  for (const [pid, answer] of answers) {
    if (!collecting.has(pid) || answer === 'stop-ok') continue;
    await blame(progress, pid, 'stop', answer);
  }
}

/** Why a process did not do what it was told: it may be gone without msprof having noticed. */
async function blame(progress: Progress, pid: number, command: 'start' | 'stop', answer: Answer): Promise<void> {
  // A process that is being killed closes its sockets before it is gone.
  const gone = await waitUntil(async () => (await identify(pid)) === null, limits.lookMs.value);
  const code = gone ? 'service-ended' : answer === 'profiler-ended' ? 'profiler-ended' : (`${command}-failed` as const);
  progress.because(code, said(pid, command, gone ? 'process-gone' : answer));
}

function said(pid: number, command: 'start' | 'stop', answer: Answer): string {
  if (answer === 'no-answer') return `process ${pid} did not answer to ${command}`;
  if (answer === 'profiler-ended') return `msprof ended before process ${pid} had answered to ${command}`;
  if (answer === 'process-gone') return `process ${pid} ended before it had answered to ${command}`;
  return `process ${pid} answered to ${command} with ${answer}`;
}

/** Export and communication analysis of everything captured: attach mode leaves raw data only. */
async function exportAll(ctx: JobContext, folder: string, progress: Progress): Promise<void> {
  const run = async (stage: 'export' | 'analyze', args: string[], timeoutMs: number): Promise<void> => {
    await ctx.report(stage === 'export' ? 'exporting' : 'analysing communication');
    const result = await ctx.host.run('msprof', args, { cwd: folder, timeoutMs, signal: ctx.signal });
    progress.command.push(result.command);
    progress.logs.set(`msprof_${stage}.log`, `${result.stdout}${result.stderr}`);
    const ok = result.exitCode === 0 && !result.timedOut;
    const detail = result.timedOut ? `msprof --${stage} was ended after ${timeoutMs / 1000} s` : `msprof --${stage} ended with code ${result.exitCode ?? 'none'}`;
    // A capture on one device has no collectives to analyse: that it fails there says nothing.
    if (stage === 'export') progress.expect(ok, stage, 'export-failed', detail);
    else progress.checks.push({ check: stage, ok, detail });
  };
  await run('export', exportArgs(folder), limits.exportMs.value);
  if (!ctx.signal.aborted) await run('analyze', analyzeArgs(folder), limits.analyzeMs.value);
}

/** What lies there against what should. */
async function judge(ctx: JobContext, progress: Progress, captured: number): Promise<void> {
  progress.folders = await profFolders(ctx.run.dir, captureDir(ctx.job));
  if (captured === 0) return;
  progress.expect(progress.folders.length >= captured, 'folders', 'no-capture-folder', `${progress.folders.length} capture folders for ${captured} processes`);
  const open = progress.folders.filter((f) => !f.stopped);
  progress.expect(open.length === 0, 'end marks', 'capture-not-stopped', open.length === 0 ? 'every device folder has its end mark' : `${open.length} of ${progress.folders.length} folders have no end mark: their collection was cut off`);
  const unexported = progress.folders.filter((f) => !f.exported);
  if (!ctx.signal.aborted) progress.expect(unexported.length === 0, 'exports', 'export-missing', unexported.length === 0 ? 'every folder has a database or tables' : `${unexported.length} of ${progress.folders.length} folders have neither database nor tables`);
}
