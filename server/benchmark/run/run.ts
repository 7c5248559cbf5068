import { join } from 'node:path';
import { shellJoin, ToolError, type BenchStartFacts, type ToolOk } from '../../contract/index.js';
import { openHost, type Host } from '../../host/host.js';
import { httpRequest } from '../../host/http.js';
import { Jobs } from '../../jobs/jobs.js';
import type { ToolContext } from '../../mcp/define.js';
import { Runs, type Run } from '../../runs/runs.js';
import { findClient, type Client } from './client.js';
import { gateOf, sentBefore } from './job.js';
import { clientRun } from './pass.js';
import { passDir, passesOf, type Pass } from './plan.js';
import { readRequest, type BenchRequest, type StartArgs } from './request.js';
import { findTarget, type Target } from './service.js';
import { limits } from './thresholds.js';

type Warnings = ToolOk['warnings'];

/** Commands as they will be run, in order; a search makes the next ones as it goes. */
function commandsOf(request: BenchRequest, client: Client | null, passes: readonly Pass[], run: Run, job: string): string[] {
  if (client === null) return passes.map((p) => `probe --url ${request.endpoint}/v1/completions --parallel ${p.parallel ?? 1} --number ${p.number}`);
  return passes.flatMap((pass) => {
    const dir = join(run.dir, passDir(job, pass));
    const inside = client.can.warmup ? request.warmup : 0;
    const of = (p: Pass, warmup: number, folder: string): string => {
      const { program, args } = client.command(clientRun(request, p, warmup, `${folder}/out`, `${folder}/prompts.txt`));
      return shellJoin([program, ...args]);
    };
    const discarded = request.warmup > 0 && !client.can.warmup ? [of({ ...pass, number: request.warmup, offset: pass.offset + pass.number }, 0, `${dir}/warmup`)] : [];
    return [...discarded, of(pass, inside, `${dir}/raw`)];
  });
}

async function doubts(request: BenchRequest, client: Client | null, target: Target, run: Run): Promise<Warnings> {
  const out: Warnings = [];
  const add = (code: string, detail: string): void => void out.push({ code, detail });
  if (client === null) add('W-PROBE', 'the built-in probe is for a smoke test: no claim may rest on its numbers');
  else if (client.version === null) add('W-CLIENT-VERSION', 'the client does not say its version: its oldest flags are used, and a comparison will be refused (F-CLIENT)');
  if (target.job === null) add('W-SERVICE-UNKNOWN', 'no ready service of this run listens at the endpoint: its start, logs and graph captures stay unknown');
  for (const phase of ['before', 'idle'] as const) {
    const why = await gateOf(run, phase, target.startedAt);
    if (why !== null) add('W-ENV', `${why}; a claim will be refused (F-ENV)`);
  }
  if (request.warmup === 0) add('W-WARMUP', 'no warm-up: graph capture and compilation fall into the window');
  if (request.warmup > 0 && client?.can.warmup === false) add('W-WARMUP-RUN', 'this client cannot leave a warm-up out of its numbers: a discarded run goes before each pass');
  if (client !== null && !client.can.freshPrompts && request.dataset === 'random' && request.repeats > 1) add('W-PREFIX', 'this version repeats the prompts of each pass; start the service again between passes, or without prefix cache');
  if (request.rate !== null && request.parallel[0] === null && client?.can.openLoop === false) add('W-CLOSED', 'this version has no open loop: arrivals wait for free slots');
  const few = request.parallel.findIndex((p, i) => request.rate === null && p !== null && (request.number[i] ?? 0) < limits.searchPerSlot.value * p);
  if (few >= 0 && request.sla === null) add('W-NUMBER', `number ${request.number[few] ?? 0} at parallel ${request.parallel[few] ?? 0}: below ten requests a slot ramp and drain move the mean (F-CONCURRENCY)`);
  return out;
}

function factsOf(run: Run, job: string | null, request: BenchRequest, client: Client | null, target: Target, passes: readonly Pass[], commands: readonly string[]): BenchStartFacts {
  return {
    run: run.id,
    job: job === null ? null : `${run.id}/${job}`,
    client: request.client,
    client_version: client?.version ?? null,
    service_job: target.job,
    points: passes.slice(0, limits.shownCommands.value).map((p) => ({ id: p.id, repeat: p.repeat, parallel: p.parallel, rate: p.rate, number: p.number })),
    passes: request.sla === null ? passes.length : null,
    warmup: request.warmup,
    command: commands.slice(0, limits.shownCommands.value).map((c) => c.slice(0, 700)),
  };
}

/** @throws ToolError E_SERVICE_FAILED */
async function mustAnswer(request: BenchRequest, host: Host): Promise<void> {
  const answer = await httpRequest(`${request.endpoint}/v1/models`, { timeoutMs: limits.counterMs.value });
  if (answer === null) throw new ToolError('E_SERVICE_FAILED', 'the endpoint did not answer /v1/models', `check endpoint, and with job_wait that the service is ready${host.simulated ? ' (simulated host)' : ''}`);
}

export type BenchArgs = StartArgs & { readonly run: string; readonly dry_run?: boolean | undefined };

/** bench_start: refuses what cannot be measured, then hands the passes to a job. */
export async function startBench(args: BenchArgs, ctx: ToolContext): Promise<ToolOk> {
  const host = openHost(ctx.config);
  const run = await new Runs(host).open(args.run);
  const request = await readRequest(args, host);
  const { level } = (await run.manifest()).identity;
  if (request.client === 'probe' && level === 'formal') throw new ToolError('E_ARG_CONFLICT', 'client probe in a formal run', "the probe proves nothing; use evalscope (pip install 'evalscope[perf]'), vllm, sglang or aisbench");
  const client = request.client === 'probe' ? null : await findClient(request.client, host);
  const target = await findTarget(run, request.endpoint);
  const all = passesOf(request, await sentBefore(run, target.job));
  const passes = request.sla === null ? all : all.slice(0, 1);
  const warnings = await doubts(request, client, target, run);
  const base = { findings: [], artifacts: [], warnings } satisfies Partial<ToolOk>;
  const what = `${request.client}${client?.version === undefined || client.version === null ? '' : ` ${client.version}`}, ${request.sla === null ? `${passes.length} ${passes.length === 1 ? 'pass' : 'passes'}` : 'a search for the largest load'}`;
  if (args.dry_run === true) {
    const commands = commandsOf(request, client, passes, run, 'JOB');
    return { ...base, verdict: 'planned', headline: `${what}; nothing was sent`, facts: { ...factsOf(run, null, request, client, target, passes, commands) }, next: [{ tool: 'bench_start', why: 'the same without dry_run measures' }] };
  }
  await mustAnswer(request, host);
  const { job, existing } = await new Jobs(host).start(run, 'bench', { ...request });
  const commands = commandsOf(request, client, passes, run, job.job);
  return {
    ...base,
    verdict: 'started',
    headline: `${existing ? 'this measurement runs already' : 'the measurement has started'}: ${what}`,
    facts: { ...factsOf(run, job.job, request, client, target, passes, commands) },
    next: [{ tool: 'job_wait', why: 'tells the progress, then the numbers of each pass' }, { tool: 'env_probe', why: 'phase after, once the service is stopped' }],
  };
}
