import { spawn } from 'node:child_process';
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { producer, ToolError } from '../../contract/index.js';
import { assumed } from '../assumptions.js';
import type { SimContext } from '../environment.js';
import { nextStart } from '../state.js';
import { toWire } from '../step-record.js';
import { issueTime } from './cann-log.js';
import { CollectiveServer, type Loaded } from './collective.js';
import { Engine } from './engine.js';
import { planFaults, type FaultPlan } from './fault-plan.js';
import { Graphs, warmupBuckets } from './graphs.js';
import { costModel, draftSpec, loadModel, weightBytes, type LoadedModel } from './model.js';
import { Scheduler } from './scheduler.js';
import { parseVllm, vllmHelp, type VllmArgs } from './vllm-args.js';
import { probePort, VllmHttp } from './vllm-http.js';
import { VllmLog } from './vllm-log.js';
import { VllmMetrics } from './vllm-metrics.js';
import { activationPeak, availableKv, cacheBlocks } from './vllm-plan.js';
import { workerName } from './vllm-worker.js';
import type { Parallel } from '../../models/parallel.js';
import { weightsPerRank } from '../../models/weights.js';

const version = '0.11.0';
const gib = 1024 ** 3;

/** The `vllm` stand-in: `vllm serve MODEL …`. */
export async function runVllm(context: SimContext, argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv;
  if (command === '--version' || command === '-v') {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  if (command !== 'serve') {
    process.stderr.write(`usage: vllm [-h] [-v] {serve} ...\nvllm: error: argument subparser: invalid choice: '${command ?? ''}' (choose from serve)\n`);
    return 2;
  }
  if (rest.some((a) => a === '--help' || a === '-h' || a.startsWith('--help='))) {
    process.stdout.write(vllmHelp());
    return 0;
  }
  const parsed = parseVllm(rest);
  if (!parsed.ok || parsed.args.model === '') {
    process.stderr.write(`usage: vllm serve [model_tag] [options]\nvllm serve: error: ${parsed.ok ? 'the following arguments are required: model_tag' : parsed.message}\n`);
    return 2;
  }
  return serve(context, parsed.args);
}

const speculation = z.looseObject({ num_speculative_tokens: z.int().positive(), model: z.string().optional(), method: z.string().optional() });

interface Plan {
  readonly context: SimContext;
  readonly args: VllmArgs;
  readonly model: LoadedModel;
  readonly draft: LoadedModel | null;
  readonly speculative: number;
  readonly parallel: Parallel;
  readonly world: number;
  readonly maxModelLen: number;
  readonly weightBytes: number;
  readonly faults: FaultPlan;
  readonly api: VllmLog;
}

function fail(log: VllmLog, message: string): never {
  log.raw(`Traceback (most recent call last):\n${message}`);
  process.exit(1);
}

function readModel(log: VllmLog, given: string): LoadedModel {
  const loaded = loadModel(isAbsolute(given) ? given : resolve(given));
  if ('model' in loaded) return loaded.model;
  if (loaded.failure === 'unsupported') return fail(log, `pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n  Value error, Model architectures of type '${loaded.modelType}' are not supported for now.`);
  return fail(log, `OSError: ${given} is not a local folder with a config.json and is not a valid model identifier listed on 'https://huggingface.co/models'`);
}

function readSpeculation(log: VllmLog, args: VllmArgs): { readonly count: number; readonly path: string } {
  const text = args.text('speculative-config');
  if (text === '') return { count: 0, path: '' };
  try {
    const value = speculation.parse(JSON.parse(text));
    return { count: value.num_speculative_tokens, path: value.model ?? args.model };
  } catch {
    return fail(log, 'ValueError: --speculative-config is not a JSON object with num_speculative_tokens');
  }
}

async function serve(context: SimContext, args: VllmArgs): Promise<never> {
  const api = new VllmLog('APIServer');
  api.info('simulated_host.py:1', `simulated NPU host (${producer.name})`);
  api.info('api_server.py:1896', `vLLM API server version ${version}`);
  api.info('utils.py:328', `non-default args: {${[['model_tag', args.model], ...args.given()].map(([name, value]) => `'${(name ?? '').replaceAll('-', '_')}': '${value ?? ''}'`).join(', ')}}`);
  const taken = (): never => fail(api, 'OSError: [Errno 98] Address already in use');
  if (context.host.faults.some((f) => f.name === 'port-in-use')) return taken();
  await probePort(args.text('host'), args.number('port')).catch(taken);
  const model = readModel(api, args.model);
  const asked = readSpeculation(api, args);
  const draft = asked.count === 0 ? null : readModel(api, asked.path);
  const parallel = { tp: args.number('tensor-parallel-size'), dp: args.number('data-parallel-size'), pp: args.number('pipeline-parallel-size'), ep: args.flag('enable-expert-parallel') ? args.number('tensor-parallel-size') * args.number('data-parallel-size') : 1 };
  const world = parallel.tp * parallel.dp * parallel.pp;
  if (world > context.host.count) return fail(api, `ValueError: World size (${world}) is larger than the number of available NPUs (${context.host.count}) in this node.`);
  const maxModelLen = args.number('max-model-len') > 0 ? args.number('max-model-len') : model.maxPositions;
  let bytes: number;
  try {
    bytes = weightBytes(model, parallel) + (draft === null ? 0 : Math.ceil(weightsPerRank(draftSpec(model, draft), parallel).weights_bytes));
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    return fail(api, `ValueError: Total number of attention heads must be divisible by tensor parallel size (${parallel.tp}).`);
  }
  const plan: Plan = { context, args, model, draft, speculative: asked.count, parallel, world, maxModelLen, weightBytes: bytes, faults: planFaults(context.host, 0, world), api };
  return run(plan);
}

async function startWorkers(plan: Plan): Promise<CollectiveServer> {
  const workers = new CollectiveServer(plan.world + 1);
  await workers.listen({ host: '127.0.0.1', port: 0 });
  const entry = fileURLToPath(new URL('../main.js', import.meta.url));
  for (let rank = 0; rank < plan.world; rank += 1) {
    const order = { port: workers.port, rank, world: plan.world, weightBytes: plan.weightBytes };
    // Their standard input is ours to close: no worker outlives this process.
    spawn(process.execPath, [entry, 'vllm-worker', JSON.stringify(order)], { stdio: ['pipe', 'ignore', 'inherit'], env: { ...process.env } });
  }
  return workers;
}

async function run(plan: Plan): Promise<never> {
  const { context, args, model, draft, parallel, world, faults, api } = plan;
  const core = new VllmLog('EngineCore_DP0');
  core.info('core.py:77', `Initializing a V1 LLM engine (v${version}) with config: model='${model.path}', speculative_config=${plan.speculative === 0 ? 'None' : `SpeculativeConfig(method='mtp', num_spec_tokens=${plan.speculative})`}, dtype=torch.bfloat16, max_seq_len=${plan.maxModelLen}, tensor_parallel_size=${parallel.tp}, data_parallel_size=${parallel.dp}, enforce_eager=${args.flag('enforce-eager') ? 'True' : 'False'}`);
  const workers = await startWorkers(plan);
  let http: VllmHttp | null = null;
  let ending = false;
  const engineDead = (rank: number): void => {
    if (ending) return;
    ending = true;
    core.error('core.py:634', `Worker proc ${workerName(rank, world)} died unexpectedly, shutting down executor.`);
    if (http === null) {
      core.error('core.py:708', 'EngineCore failed to start.');
      api.raw('RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}');
    } else {
      api.error('async_llm.py:416', 'AsyncLLM output_handler failed.\nvllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue. See stack trace (above) for the root cause.');
      http.die();
    }
    setTimeout(() => process.exit(1), 300 / context.speed);
  };
  workers.onLost = (member): void => engineDead(member - 1);
  await workers.joined();
  const loaded = await workers.load();
  const cache = sizeCache(plan, core, [...loaded].sort((a, b) => a[0] - b[0]).map(([, l]) => l));
  workers.send({ t: 'kv', bytes: cache.bytes });

  const eager = args.flag('enforce-eager');
  const maxSeqs = args.number('max-num-seqs');
  const queryTokens = plan.speculative + 1;
  const buckets = warmupBuckets(Math.min(maxSeqs, 256), queryTokens, false);
  await new Promise((done) => setTimeout(done, assumed('warmup_ms') / context.speed));
  if (eager) core.info('platform.py:180', 'Compilation disabled, using eager mode by default');
  else core.info('model_runner_v1.py:4110', `Graph capturing finished in ${(assumed('warmup_ms') / 1000).toFixed(0)} secs, took ${(cache.graphBytes / gib).toFixed(2)} GiB`);

  const metrics = new VllmMetrics(servedName(plan));
  const prefix = args.flag('enable-prefix-caching');
  const chunked = args.flag('enable-chunked-prefill');
  const scheduler = new Scheduler({
    blocks: cache.blocks,
    blockSize: args.number('block-size'),
    dp: parallel.dp,
    maxTokens: chunked ? args.number('max-num-batched-tokens') : Math.max(args.number('max-num-batched-tokens'), plan.maxModelLen),
    maxSequences: maxSeqs,
    maxChunk: chunked ? args.number('max-num-batched-tokens') : plan.maxModelLen,
    chunked,
    mixed: chunked,
    prefixCache: prefix,
    overlap: args.flag('async-scheduling'),
    speculative: plan.speculative,
    prefillThreshold: 1,
  });
  scheduler.onMatch = (_percent, _blocks, tokens): void => metrics.add('prefix_cache_hits', tokens);
  let answered = 0;
  const strike = (kind: 'stall' | 'aicore' | 'oom' | 'crash', rank: number, index: number): void => workers.send({ t: 'trouble', kind, rank, index, lost: false, issued: issueTime() });
  const engine = new Engine({
    scheduler,
    cost: costModel(model.spec, { chip: context.host.chip, parallel }, draft === null ? null : draftSpec(model, draft)),
    graphs: new Graphs({ enabled: !eager, batchLimit: maxSeqs, noPadding: false, warmed: faults.lazyGraphs ? [] : buckets }),
    seed: context.host.seed,
    start: nextStart(context.stateDir),
    acceptance: faults.acceptance,
    launch_us: faults.launch_us,
    slowest: faults.slowest,
    hooks: {
      mayStep: (index) => {
        const due = faults.atStep.find((f) => index >= f.after);
        if (due !== undefined && due.kind !== 'hang') strike(due.kind, due.rank, index);
        return due === undefined && !ending;
      },
      stepped: (report) => {
        workers.step(toWire(report.record));
        metrics.step(report);
        metrics.add('prefix_cache_queries', report.promptTokens);
      },
      captured: (bucket) => core.info('worker.py:640', `Compile and warming up model for size ${bucket}`),
      overLimit: () => undefined,
      refused: () => undefined,
      profiled: () => false,
    },
  });
  http = new VllmHttp({
    engine, metrics, log: api, model: servedName(plan), root: args.model, maxModelLen: plan.maxModelLen, cache: { blocks: cache.blocks, blockSize: args.number('block-size'), utilization: args.number('gpu-memory-utilization'), prefix }, seed: context.host.seed, faults: faults.answers,
    answered: () => {
      answered += 1;
      if (faults.crash !== null && answered >= faults.crash.afterRequests) setTimeout(() => strike('crash', faults.crash?.rank ?? 0, answered), 20);
    },
  });
  await http.listen(args.text('host'), args.number('port')).catch(() => fail(api, 'OSError: [Errno 98] Address already in use'));
  api.info('api_server.py:1971', `Starting vLLM API server 0 on http://${args.text('host') === '' ? '0.0.0.0' : args.text('host')}:${args.number('port')}`);
  api.plain(`Started server process [${process.pid}]`);
  api.plain('Waiting for application startup.');
  api.plain('Application startup complete.');
  const stats = args.flag('disable-log-stats') ? null : setInterval(() => api.info('loggers.py:127', metrics.statsLine(scheduler)), 10_000 / context.speed);
  const stop = async (): Promise<void> => {
    if (ending) return;
    ending = true;
    if (stats !== null) clearInterval(stats);
    api.plain('Shutting down');
    engine.close();
    http.close();
    await workers.close();
    api.plain('Waiting for application shutdown.');
    api.plain('Application shutdown complete.');
    api.plain(`Finished server process [${process.pid}]`);
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
  return new Promise<never>(() => undefined);
}

function servedName(plan: Plan): string {
  return plan.args.text('served-model-name') === '' ? plan.args.model : plan.args.text('served-model-name');
}

const thousands = (value: number): string => Math.floor(value).toLocaleString('en-US');

/** Sizes the cache by the tightest worker and says so, or dies with vLLM's words. */
function sizeCache(plan: Plan, core: VllmLog, loaded: readonly Loaded[]): { readonly bytes: number; readonly blocks: number; readonly graphBytes: number } {
  const { args, model, parallel, world, maxModelLen } = plan;
  const utilization = args.number('gpu-memory-utilization');
  const activation = activationPeak(model.spec, args.number('max-num-batched-tokens'), parallel.tp);
  const fixed = args.number('kv-cache-memory-bytes') > 0 ? args.number('kv-cache-memory-bytes') : args.number('kv-cache-memory');
  const graphBytes = args.flag('enforce-eager') ? 0 : assumed('graphBytes');
  const sizes = loaded.map((l, rank) => {
    const log = new VllmLog(workerName(rank, world));
    const kv = availableKv({ totalBytes: l.total, initialFreeBytes: l.free, utilization, weightBytes: plan.weightBytes, activationBytes: activation, nonTorchBytes: assumed('contextBytes'), fixedBytes: fixed });
    const g = (bytes: number): string => (bytes / gib).toFixed(2);
    if (kv === null) return fail(log, `ValueError: Free memory on device (${g(l.free)}/${g(l.total)} GiB) on startup is less than desired GPU memory utilization (${utilization}, ${g(l.total * utilization)} GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.`);
    log.info('worker.py:570', `Available KV cache memory: ${g(kv)} GiB`);
    log.info('worker.py:763', `Free memory on device (${g(l.free)}/${g(l.total)} GiB) on startup. Desired GPU memory utilization is (${utilization}, ${g(l.total * utilization)} GiB). Actual usage: ${g(plan.weightBytes)} GiB for weights, ${g(activation)} GiB for peak activation, ${g(assumed('contextBytes'))} GiB for non-torch memory, ${g(graphBytes)} GiB for NPU graph memory. Replace gpu_memory_utilization with \`--kv-cache-memory=${Math.floor(kv - graphBytes)}\` to fit into requested memory. Current KV cache memory: ${g(kv)} GiB.`);
    return kv;
  });
  const bytes = Math.min(...sizes);
  if (bytes <= 0) return fail(core, 'ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.');
  const cache = cacheBlocks(model.spec, parallel, bytes, args.number('block-size'));
  if (cache.tokens < maxModelLen) return fail(core, `ValueError: To serve at least one request with the models's max seq len (${maxModelLen}), more KV cache is needed than the available KV cache memory (${(bytes / gib).toFixed(2)} GiB). Try increasing \`gpu_memory_utilization\` or decreasing \`max_model_len\` when initializing the engine.`);
  core.info('kv_cache_utils.py:1286', `GPU KV cache size: ${thousands(cache.tokens)} tokens`);
  core.info('kv_cache_utils.py:1291', `Maximum concurrency for ${thousands(maxModelLen)} tokens per request: ${(cache.tokens / maxModelLen).toFixed(2)}x`);
  return { bytes, blocks: cache.blocks, graphBytes };
}
