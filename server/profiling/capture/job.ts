import { join } from 'node:path';
import { ToolError } from '../../contract/index.js';
import { makeFolder } from '../../host/copy.js';
import type { JobContext, JobKinds } from '../../jobs/worker.js';
import { readingJobs } from '../captures/inTime.js';
import { captureWithMsprof } from './msprof-capture.js';
import { captureDir, Progress, resultOf, writeRecord } from './record.js';
import { requestShape } from './request.js';
import { chooseBackend, findService } from './target.js';
import { captureWithTorch } from './torch-capture.js';

/**
 * One capture from start to record. The result says `complete` or `inconclusive` with reasons; a capture that could not begin fails.
 * Whatever happens after the profiler came, capture.json tells when it was there.
 */
async function capture(raw: Record<string, unknown>, ctx: JobContext): Promise<Record<string, unknown>> {
  const request = requestShape.parse(raw);
  const service = await findService(request, ctx.host);
  const tool = await chooseBackend(request.backend, service, ctx.host);
  const progress = new Progress(request, service, tool, ctx.host.randomHex(4));
  const folder = join(ctx.run.dir, captureDir(ctx.job));
  await makeFolder(ctx.run.dir, captureDir(ctx.job));
  try {
    if (tool === 'torch') await captureWithTorch(ctx, progress);
    else await captureWithMsprof(ctx, progress);
  } catch (error) {
    if (progress.attachedAt !== null) {
      const code = ctx.signal.aborted ? 'cancelled' : error instanceof ToolError ? 'start-failed' : 'defect';
      progress.because(code, code === 'cancelled' ? 'the job was cancelled' : error instanceof ToolError ? error.seen : 'the capture ended by an error nobody foresaw; worker.log has it');
      await writeRecord(ctx, progress);
    }
    throw error;
  }
  await ctx.report('recording');
  await writeRecord(ctx, progress);
  const left = progress.folders.find((f) => f.path.startsWith('/'));
  return resultOf(ctx, progress, left?.path ?? folder);
}

export const profilingJobs: JobKinds = { profile: capture, ...readingJobs };
