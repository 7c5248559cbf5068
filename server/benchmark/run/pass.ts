import { join } from 'node:path';
import { makeFolder } from '../../host/copy.js';
import { walk, writeAtomic } from '../../host/files.js';
import type { JobContext } from '../../jobs/worker.js';
import { ownPrompts, type ClientRun } from '../../programs/bench-client.js';
import { promptOf } from '../../programs/prompts.js';
import type { Client } from './client.js';
import { readCounters, type Snapshot } from './counters.js';
import { passDir, repeatedPrompts, type Pass } from './plan.js';
import { probeFile, probeVersion, sendProbe } from './probe.js';
import { computePass, passDerivation, passFile, planFile, type MetricsBody, type PassRecord, type PlanRecord } from './record.js';
import type { BenchRequest } from './request.js';
import { graphLines, logSizes, type Target } from './service.js';
import { clientFailed, runClient, type ClientEnd } from './watch.js';

export interface Bench {
  readonly ctx: JobContext;
  readonly request: BenchRequest;
  readonly target: Target;
  /** Null: the built-in probe. */
  readonly client: Client | null;
  /** What is done so far, in words for people. */
  stage: string;
  readonly commands: (readonly string[])[];
}

export interface PassResult {
  readonly pass: Pass;
  readonly path: string;
  readonly body: MetricsBody;
}

const by = (request: BenchRequest): { tool: string; input: Record<string, unknown> } => ({ tool: 'bench_start', input: { ...request } });

/** How the pass is told to the client. @param out absolute folder for its files @param prompts file of our own prompts */
export function clientRun(request: BenchRequest, pass: Pass, warmup: number, out: string, prompts: string): ClientRun {
  // Where the seed makes the prompts, each pass gets its own; evalscope sends the seed with the request instead.
  const promptSeed = request.client === 'vllm' || request.client === 'sglang';
  return {
    endpoint: request.endpoint,
    model: request.model,
    tokenizer: request.tokenizer,
    dataset: request.dataset,
    datasetPath: request.dataset === ownPrompts && request.client !== 'probe' ? prompts : request.dataset_path,
    inputTokens: request.input_tokens,
    outputTokens: request.output_tokens,
    parallel: pass.parallel,
    rate: pass.rate,
    number: pass.number,
    warmup,
    stream: request.stream,
    temperature: request.temperature,
    topP: request.top_p,
    topK: request.top_k,
    seed: promptSeed ? (request.seed ?? 0) + pass.offset : request.seed,
    ignoreEos: request.ignore_eos,
    durationS: request.duration_s,
    offset: pass.offset,
    out,
  };
}

/** One prompt a line, or a JSON object a line for vLLM. */
export function promptsText(request: BenchRequest, first: number, count: number): string {
  const rows = Array.from({ length: count }, (_, i) => promptOf(String(request.seed ?? 0), first + i, request.input_tokens ?? 1));
  return `${rows.map((p) => (request.client === 'vllm' ? JSON.stringify({ prompt: p }) : p)).join('\n')}\n`;
}

interface Seen {
  readonly end: ClientEnd | null;
  readonly startedAt: string;
  readonly windowSeen: boolean;
  readonly running: number | null;
  readonly before: Snapshot;
  readonly sizes: readonly number[];
}

/** Runs the installed client: a discarded run first where it cannot warm up itself. */
async function withClient(bench: Bench, client: Client, pass: Pass, folder: string): Promise<Seen> {
  const { ctx, request, target } = bench;
  const inside = client.can.warmup ? request.warmup : 0;
  const prepare = async (run: ClientRun, number: number): Promise<void> => {
    if (run.datasetPath !== null && request.dataset === ownPrompts) await writeAtomic(run.datasetPath, promptsText(request, run.offset, number));
    for (const { name, text } of client.inputs(run)) await writeAtomic(join(run.out, name), text);
  };
  if (request.warmup > 0 && !client.can.warmup) {
    const warm = await makeFolder(ctx.run.dir, `${folder}/warmup`);
    const run = clientRun(request, { ...pass, number: request.warmup, offset: pass.offset + pass.number }, 0, join(warm, 'out'), join(warm, 'prompts.txt'));
    await makeFolder(ctx.run.dir, `${folder}/warmup/out`);
    await prepare(run, request.warmup);
    const end = await runClient(ctx, { command: client.command(run), folder: warm, log: join(warm, 'client.log'), window: null }, `${bench.stage}, warming up`, null);
    if (end.stalled) throw clientFailed(end, client.name, `${folder}/warmup/client.log`);
  }
  const raw = await makeFolder(ctx.run.dir, `${folder}/raw`);
  const run = clientRun(request, pass, inside, join(raw, 'out'), join(raw, 'prompts.txt'));
  if (client.name !== 'evalscope') await makeFolder(ctx.run.dir, `${folder}/raw/out`);
  await prepare(run, pass.number + inside);
  const first = { before: await readCounters(request.endpoint), sizes: await logSizes(target), at: ctx.host.now() };
  const window: { at: { sizes: readonly number[]; at: string; before: Snapshot } | null } = { at: null };
  const end = await runClient(ctx, { command: client.command(run), folder: raw, log: join(raw, 'client.log'), window: client.window(run) }, bench.stage, {
    mark: async () => ({ sizes: await logSizes(target), at: ctx.host.now() }),
    opened: async (marks) => {
      window.at = { ...marks, before: await readCounters(request.endpoint) };
    },
  });
  bench.commands.push(end.command);
  const opened = window.at;
  return { end, windowSeen: opened !== null, startedAt: (opened ?? first).at, sizes: (opened ?? first).sizes, before: opened?.before ?? first.before, running: first.before.counters.running ?? null };
}

/** Sends with the built-in probe. */
async function withProbe(bench: Bench, pass: Pass, folder: string): Promise<Seen> {
  const { ctx, request, target } = bench;
  const raw = await makeFolder(ctx.run.dir, `${folder}/raw`);
  const run = clientRun(request, pass, request.warmup, raw, raw);
  await sendProbe(run, request.warmup, pass.offset + pass.number, ctx.signal, () => undefined);
  const before = await readCounters(request.endpoint);
  const [sizes, startedAt] = [await logSizes(target), ctx.host.now()];
  const rows = await sendProbe(run, pass.number, pass.offset, ctx.signal, (done) => void ctx.report(bench.stage, { done, total: pass.number }));
  ctx.signal.throwIfAborted();
  await writeAtomic(join(raw, probeFile), rows.map((r) => `${JSON.stringify(r)}\n`).join(''));
  bench.commands.push(['probe', '--url', `${run.endpoint}/v1/completions`, '--model', run.model, '--parallel', String(pass.parallel ?? 1), '--number', String(pass.number)]);
  return { end: null, startedAt, windowSeen: true, before, sizes, running: before.counters.running ?? null };
}

/**
 * Makes one pass and writes its metrics.json. Everything raw is recorded first, whatever the numbers say.
 * @throws ToolError E_PROGRAM_FAILED when the client left nothing, E_ARTIFACT_INVALID
 */
export async function makePass(bench: Bench, pass: Pass): Promise<PassResult> {
  const { ctx, request, target, client } = bench;
  const folder = passDir(ctx.job, pass);
  // Written first: prompts of a pass that is cut off, or whose worker is killed, have been sent all the same.
  const plan: PlanRecord = { service_job: target.job, number: pass.number, warmup: request.warmup };
  await ctx.run.writeRaw(by(request), [{ path: `${folder}/${planFile}`, kind: 'bench-plan', text: `${JSON.stringify(plan, null, 2)}\n` }]);
  const seen = await (client === null ? withProbe(bench, pass, folder) : withClient(bench, client, pass, folder)).catch(async (error: unknown) => {
    await ctx.run.recordRaw(by(request), folder);
    throw error;
  });
  const endedAt = ctx.host.now();
  const [after, sizes] = [await readCounters(request.endpoint), await logSizes(target)];
  const record: PassRecord = {
    job: ctx.job,
    service_job: target.job,
    service_started_at: target.startedAt,
    simulated: target.simulated || ctx.host.simulated,
    client: request.client,
    version: client === null ? probeVersion : client.version,
    command: [...(bench.commands.at(-1) ?? [])],
    exit: seen.end === null ? null : { code: seen.end.code, signal: seen.end.signal },
    id: pass.id,
    repeat: pass.repeat,
    repeats: request.repeats,
    parallel: pass.parallel,
    rate: pass.rate,
    number: pass.number,
    duration_s: request.duration_s,
    warmup: request.warmup,
    stream: request.stream,
    // vLLM and SGLang make prompts with the seed and send none.
    sampling: { temperature: request.temperature, top_p: request.top_p, top_k: request.top_k, seed: request.client === 'vllm' || request.client === 'sglang' ? null : request.seed, ignore_eos: request.ignore_eos },
    repeated_prompts: target.job === null ? null : repeatedPrompts(request, client === null || client.can.freshPrompts),
    started_at: seen.startedAt,
    ended_at: endedAt,
    window_seen: seen.windowSeen,
    running_before: seen.running,
    before: { route: seen.before.route, counters: { ...seen.before.counters } },
    after: { route: after.route, counters: { ...after.counters } },
    graph: await graphLines(target, seen.sizes, sizes).then((g) => (g === null ? null : { count: g.count, lines: [...g.lines] })),
  };
  await ctx.run.writeRaw(by(request), [{ path: `${folder}/raw/${passFile}`, kind: 'bench-pass', text: `${JSON.stringify(record, null, 2)}\n` }]);
  await ctx.run.recordRaw(by(request), folder);
  const files = (await walk(join(ctx.run.dir, folder, 'raw'))).map((name) => `${folder}/raw/${name}`).sort();
  if (seen.end !== null && client !== null && (seen.end.stalled || !files.some((f) => f.startsWith(`${folder}/raw/out/`) && !f.endsWith('.py')))) throw clientFailed(seen.end, client.name, `${folder}/raw/client.log`);
  const params = { dir: folder, files };
  const { body, derived } = await computePass(params, ctx.run.dir);
  const [artifact] = await ctx.run.writeComputed(by(request), { by: passDerivation, params }, derived);
  return { pass, path: artifact?.path ?? `${folder}/metrics.json`, body };
}
