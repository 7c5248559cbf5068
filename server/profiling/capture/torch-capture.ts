import { basename, join } from 'node:path';
import { ToolError } from '../../contract/index.js';
import { copyFolder } from '../../host/copy.js';
import { listFolder, walk } from '../../host/files.js';
import { httpRequest } from '../../host/http.js';
import { waitUntil } from '../../host/processes.js';
import type { JobContext } from '../../jobs/worker.js';
import { isParsed, startPath, stopPath, torchProfileFolder } from '../../programs/torch-profiler.js';
import { torchProfile, type Folder } from './folders.js';
import { LoadPlan } from './load.js';
import { captureDir, type Progress } from './record.js';
import type { Ack } from './session.js';
import { torchFlag, torchFolder } from './target.js';
import { limits } from './thresholds.js';

/**
 * Captures with the profiler inside the service, which is switched over HTTP. What went wrong after the start becomes a reason.
 * @throws ToolError E_PROFILE_ATTACH when the service cannot profile itself, E_SERVICE_FAILED
 */
export async function captureWithTorch(ctx: JobContext, progress: Progress): Promise<void> {
  const source = await torchFolder(progress.service, ctx.host);
  const plan = await LoadPlan.prepare(ctx, progress);
  await plan.warmUp();
  ctx.signal.throwIfAborted();
  const before = new Set((await listFolder(source)).filter((n) => torchProfileFolder.test(n)));
  const acks: Ack[] = [];
  progress.acks = acks;
  const post = async (path: string): Promise<number | null> => {
    progress.command.push(['POST', `${progress.service.endpoint}${path}`]);
    const answer = await httpRequest(`${progress.service.endpoint}${path}`, { body: {}, timeoutMs: limits.torchStopMs.value });
    acks.push({ pid: null, event: `${path} ${answer?.status ?? 'no answer'}`, at: ctx.host.now() });
    return answer?.status ?? null;
  };
  progress.attachedAt = ctx.host.now();
  const stop = async (): Promise<void> => {
    progress.stoppedAt = ctx.host.now();
    const status = await post(stopPath);
    progress.detachedAt = ctx.host.now();
    if (status !== 200) progress.because('stop-failed', `${stopPath} ${status === null ? 'got no answer' : `answered HTTP ${status}`}; the service may still be recording`);
  };
  try {
    await plan.run({
      open: async () => {
        const status = await post(startPath);
        if (status !== 200) {
          progress.detachedAt = ctx.host.now();
          throw refused(status);
        }
        progress.startedAt = ctx.host.now();
        return true;
      },
      close: stop,
    });
  } finally {
    if (progress.startedAt !== null && progress.stoppedAt === null) await stop();
    progress.detachedAt ??= ctx.host.now();
  }
  if (ctx.signal.aborted) progress.because('cancelled', 'the job was cancelled; the profiler was switched off');
  if (progress.startedAt !== null) await collect(ctx, progress, source, before);
}

function refused(status: number | null): ToolError {
  if (status === 404) return new ToolError('E_PROFILE_ATTACH', `${startPath} answered HTTP 404: the service was started without its profiler`, torchFlag);
  if (status === null) return new ToolError('E_SERVICE_FAILED', `${startPath} got no answer`, 'check that the service still runs');
  return new ToolError('E_PROFILE_ATTACH', `${startPath} answered HTTP ${status}`, 'xLLM has no profiler of its own on NPU: start it with profiling: true and use backend msprof; for vLLM read its log');
}

/** Brings the new profiles into the run root, once they are parsed. */
async function collect(ctx: JobContext, progress: Progress, source: string, before: ReadonlySet<string>): Promise<void> {
  await ctx.report('collecting');
  const fresh = async (): Promise<string[]> => (await listFolder(source)).filter((n) => torchProfileFolder.test(n) && !before.has(n));
  await waitUntil(async () => ctx.signal.aborted || (await fresh()).length > 0, limits.torchFolderMs.value);
  const parsed = async (): Promise<boolean> => {
    for (const name of await fresh()) if (!isParsed(await walk(join(source, name)))) return false;
    return true;
  };
  await waitUntil(async () => ctx.signal.aborted || (await parsed()), limits.torchFilesMs.value);
  const folders: Folder[] = [];
  for (const name of await fresh()) {
    const there = await torchProfile(source, name);
    if (there.bytes > limits.copyBytes.value) {
      progress.because('too-large-to-copy', `a profile of ${there.bytes} bytes was left in the service's folder`);
      folders.push({ ...there, path: join(source, name) });
      continue;
    }
    const path = `${captureDir(ctx.job)}/${basename(name)}`;
    await copyFolder(join(source, name), ctx.run.dir, path);
    folders.push(await torchProfile(ctx.run.dir, path));
  }
  progress.folders = folders;
  progress.expect(folders.length > 0, 'folders', 'no-capture-folder', `${folders.length} new *_ascend_pt folders`);
  const unparsed = folders.filter((f) => !f.exported);
  if (folders.length > 0) progress.expect(unparsed.length === 0, 'exports', 'export-missing', unparsed.length === 0 ? 'every profile is parsed' : `${unparsed.length} of ${folders.length} profiles are not parsed: run torch_npu.profiler.profiler.analyse on the folder`);
}
