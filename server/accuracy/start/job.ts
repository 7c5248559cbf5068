import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ToolError } from '../../contract/index.js';
import { makeFolder } from '../../host/copy.js';
import { readText, walk } from '../../host/files.js';
import { jobMark } from '../../host/processes.js';
import { openTransport } from '../../host/transport.js';
import { jobMarkOf } from '../../jobs/jobs.js';
import type { JobContext, JobKind, JobKinds } from '../../jobs/worker.js';
import { bisect } from '../bisect/job.js';
import { evalscopeProgress, readEvalscopeProgress } from '../../programs/evalscope.js';
import { probesOf } from '../probe/prompts.js';
import { runProbes } from '../probe/run.js';
import { configName, rowsName } from '../read/side.js';
import { computeScore, scoreDerivation, type ScoreParams } from '../score/derive.js';
import { scoreHeadline, type ScoreBody } from '../score/score.js';
import { waits } from '../thresholds.js';
import { planEval } from './client.js';
import { requestShape, settingsOf, type AccuracyRequest } from './request.js';

/** Folder of an accuracy run, relative to the run root. */
export function accuracyDir(job: string): string {
  return `accuracy/${job}`;
}

const by = (request: AccuracyRequest): { tool: string; input: Record<string, unknown> } => ({ tool: 'accuracy_start', input: { ...request } });

function configText(ctx: JobContext, request: AccuracyRequest, method: 'probe' | 'evalscope', command: readonly string[] | null, version: string | null): string {
  return `${JSON.stringify({ method, request, settings: settingsOf(request, version), command, client_version: version, simulated: ctx.host.simulated, started_at: ctx.host.now() }, null, 2)}\n`;
}

async function probe(ctx: JobContext, request: AccuracyRequest, level: 'L1' | 'L2'): Promise<void> {
  const probes = probesOf(level);
  await ctx.run.writeRaw(by(request), [{ path: `${accuracyDir(ctx.job)}/${configName}`, kind: 'accuracy-config', text: configText(ctx, request, 'probe', null, null) }]);
  const rows = await runProbes({ endpoint: request.endpoint, model: request.model, temperature: request.temperature, maxTokens: request.max_tokens }, probes, request.repeats, ctx.signal, (done, total) => ctx.report('probing', { done, total }));
  await ctx.run.writeRaw(by(request), [{ path: `${accuracyDir(ctx.job)}/${rowsName}`, kind: 'accuracy-rows', text: rows.map((r) => `${JSON.stringify(r)}\n`).join('') }]);
}

/** The client's own count where it keeps one. Else the answers on disk, whatever version wrote them: reading them all costs. */
async function progressOf(folder: string): Promise<{ done: number; total: number | null }> {
  const kept = readEvalscopeProgress((await readText(join(folder, evalscopeProgress)).catch(() => null)) ?? '');
  if (kept !== null) return { done: Math.min(kept.done, kept.total), total: kept.total };
  let count = 0;
  for (const file of await walk(join(folder, 'predictions'))) if (file.endsWith('.jsonl')) count += ((await readText(join(folder, 'predictions', file)).catch(() => null)) ?? '').split('\n').filter((l) => l !== '').length;
  return { done: count, total: null };
}

async function evaluate(ctx: JobContext, request: AccuracyRequest): Promise<void> {
  const folder = accuracyDir(ctx.job);
  const raw = await makeFolder(ctx.run.dir, `${folder}/raw`);
  const plan = await planEval(request, ctx.host, raw);
  await ctx.run.writeRaw(by(request), [{ path: `${folder}/${configName}`, kind: 'accuracy-config', text: configText(ctx, request, 'evalscope', plan.argv, plan.version) }]);
  const transport = openTransport(ctx.host, {});
  const mark = jobMarkOf(ctx.run.id, ctx.job);
  const started = await transport.start({ argv: plan.argv, env: { [jobMark]: mark }, scripts: [], cwd: raw, log: join(raw, 'client.log') });
  let end: Awaited<typeof started.ended> | null = null;
  while (end === null && !ctx.signal.aborted) {
    end = await Promise.race([started.ended, sleep(waits.lookMs.value, null)]);
    await ctx.report('evaluating', await progressOf(raw));
  }
  if (ctx.signal.aborted) await transport.end(mark, waits.graceMs.value);
  await ctx.run.recordRaw(by(request), folder);
  ctx.signal.throwIfAborted();
  if (end?.code !== 0) throw new ToolError('E_PROGRAM_FAILED', `evalscope ended with ${end?.code ?? 'a signal'} after ${(await progressOf(raw)).done} answers`, `read ${folder}/raw/client.log; a dataset that can not be downloaded (give dataset_dir) and a service that refuses are the usual causes`);
}

function resultOf(ctx: JobContext, body: ScoreBody): Record<string, unknown> {
  return {
    verdict: body.verdict,
    headline: scoreHeadline(body),
    path: join(ctx.run.dir, accuracyDir(ctx.job)),
    level: body.level,
    scope: body.scope,
    items: body.items,
    samples: body.samples,
    errored: body.errored,
    score_pct: body.score_pct,
    low_pct: body.low_pct,
    high_pct: body.high_pct,
    endings: { ...body.endings },
    unstable: body.unstable.length,
    failed_cases: body.failed_cases,
    findings: body.findings.map((f) => ({ id: f.id, title: f.title, severity: f.severity, value: f.value })),
    next: body.verdict === 'broken' ? 'read failed_cases.jsonl, then work down toggles.md: one switch, the same level again' : body.method === 'probe' ? 'L3 or above, and accuracy_compare with a baseline, before anything is said about a score' : 'accuracy_compare with a baseline of the same items',
  };
}

/** One accuracy run: probes or evalscope, then the score from what lies on disk. */
const accuracy: JobKind = async (raw, ctx) => {
  const request = requestShape.parse(raw);
  const method = request.level === 'L1' || request.level === 'L2' ? 'probe' : 'evalscope';
  await ctx.report('starting');
  if (request.level === 'L1' || request.level === 'L2') await probe(ctx, request, request.level);
  else await evaluate(ctx, request);
  await ctx.report('scoring');
  const params: ScoreParams = { folder: accuracyDir(ctx.job), job: ctx.job, level: request.level, method, endpoint: request.endpoint, model: request.model, framework: (await ctx.run.manifest()).service.framework ?? null };
  const { body, derived } = await computeScore(params, ctx.run.dir);
  await ctx.run.writeComputed(by(request), { by: scoreDerivation, params }, derived);
  return resultOf(ctx, body);
};

/** Job kinds of this room, for the worker. */
export const accuracyJobs: JobKinds = { accuracy, bisect };
