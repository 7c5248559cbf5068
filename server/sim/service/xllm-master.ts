import { assumed } from '../assumptions.js';
import { nextStart } from '../state.js';
import { CollectiveServer, parseAddress } from './collective.js';
import { Engine, type StepReport } from './engine.js';
import type { Flags } from './gflags.js';
import type { Glog } from './glog.js';
import { Graphs, warmupBuckets } from './graphs.js';
import { planKv, type KvPlan } from './kv-plan.js';
import { costModel, draftSpec, type LoadedModel } from './model.js';
import { hcclTimeoutMs, trouble, type Rank } from './rank.js';
import { Scheduler } from './scheduler.js';
import { XllmHttp } from './xllm-http.js';
import { XllmMetrics } from './xllm-metrics.js';
import type { XllmOptions } from './xllm-options.js';
import { sayCacheShapes, sayCapacity, sayDevices, sayLoaded, sayLoading, sayMaster, sayMemory, sayModel, sayServing, sayWorkerServer, sayWorld, warmUp } from './xllm-startup.js';
import { toWire } from '../step-record.js';

export interface MasterPlan {
  readonly log: Glog;
  readonly rank: Rank;
  readonly flags: Flags;
  readonly options: XllmOptions;
  readonly model: LoadedModel;
  readonly draft: LoadedModel | null;
  readonly weightBytes: number;
}

/** Real intervals of xLLM's health check, scaled like the other waits. */
const healthScale = 1 / 6;

/** Rank 0: waits for all ranks, sizes the cache, serves. Never returns. */
export async function runMaster(plan: MasterPlan): Promise<never> {
  const { rank, log, flags, options, model } = plan;
  sayMaster(log, flags, model, options);
  for (const warning of options.warnings) log.warning('xllm.cpp:430', warning);
  sayDevices(log, rank.id.device, plan.draft !== null);
  if (rank.faults.missing) return rank.rest();
  const ranks = await gather(plan);
  const { kv, free } = await loadAll(plan, ranks);
  rank.holdCache(kv.kvBytes);
  ranks.send({ t: 'kv', bytes: kv.kvBytes });
  await serve(plan, ranks, kv, free);
  return rank.rest();
}

/** Starts the collective server and waits for every rank, for ever. */
async function gather(plan: MasterPlan): Promise<CollectiveServer> {
  const { rank, log, flags, options } = plan;
  const text = flags.text('master_node_addr');
  const address = parseAddress(text);
  const ranks = new CollectiveServer(options.world);
  rank.setDevice();
  try {
    if (address === null) throw new Error('no address');
    await ranks.listen(address);
  } catch {
    log.error('xllm_server.cpp:287', `Failed to start Collective server on address: ${text}`);
    log.fatal('dist_manager.cpp:293', `failed to start collective server on address: ${text}`);
  }
  sayWorld(log, options);
  sayWorkerServer(log, 0, rank.id.device);
  log.info('worker_server.cpp:513', `Worker#0 connect to ${text} success.`);
  await ranks.joined();
  log.info('dist_manager.cpp:331', 'Started cluster health check thread');
  return ranks;
}

/** Weights on every rank, then the cache by the smallest of them. */
async function loadAll(plan: MasterPlan, ranks: CollectiveServer): Promise<{ kv: KvPlan; free: number }> {
  const { rank, log, flags, options, model, draft } = plan;
  const tp = options.parallel.tp;
  const blockSize = flags.number('block_size');
  const seed = Math.max(0, flags.number('random_seed'));
  sayModel(log, model, tp, blockSize, seed);
  // A rank that dies while it loads takes the service with it.
  ranks.onLost = (): void => {
    log.error('llm_engine.cpp:190', `Failed to init model from: ${model.path}`);
    log.fatal('llm_master.cpp:100', 'Check failed: engine_->init(master_status_) ');
  };
  const others = ranks.load();
  sayLoading(log, model.path, plan.weightBytes, tp);
  const held = await rank.loadWeights(plan.weightBytes);
  sayLoaded(log);
  if (draft !== null) {
    log.info('worker_impl.cpp:1969', `Overriding draft model_type from ${draft.modelType} to ${draft.modelType.endsWith('_mtp') ? draft.modelType : `${draft.modelType}_mtp`} for speculative decoding`);
    sayModel(log, draft, tp, blockSize, seed);
  }
  const loaded = await others;
  const free = [rank.freeBytes(held), ...[...loaded].sort((a, b) => a[0] - b[0]).map(([, l]) => l.free)];
  const utilization = flags.number('max_memory_utilization');
  const cap = flags.number('max_cache_size');
  const once = (): void => free.forEach((bytes, i) => sayMemory(log, i, bytes, rank.totalBytes, utilization, cap));
  once();
  if (draft !== null) once();
  const result = planKv({
    spec: model.spec,
    draftLayers: draft === null ? 0 : draftSpec(model, draft).layers.length,
    tp,
    blockSize,
    utilization,
    maxCacheBytes: cap,
    prefixCache: flags.bool('enable_prefix_cache'),
    maxSeqs: flags.number('max_seqs_per_batch'),
    maxLinearSlots: flags.number('max_linear_state_cache_slots'),
    speculativeTokens: options.speculative,
    indexerInt8: flags.text('indexer_cache_dtype') === 'int8',
    freeBytes: free,
    totalBytes: rank.totalBytes,
  });
  if (!result.ok) return log.fatal(result.where, result.message);
  const layers = [model.spec.layers.length, ...(draft === null ? [] : [draftSpec(model, draft).layers.length])];
  for (const count of layers) {
    sayCapacity(log, result.plan, count, flags.number('max_linear_state_cache_slots'));
    sayCacheShapes(log, model.spec, result.plan, tp, blockSize);
  }
  if (draft === null) log.info('llm_engine.cpp:202', 'Successfully initialized kv cache');
  return { kv: result.plan, free: Math.min(...free) };
}

/** Warm-up, then the HTTP server and the engine; returns once requests are served. */
async function serve(plan: MasterPlan, ranks: CollectiveServer, kv: KvPlan, free: number): Promise<void> {
  const { rank, log, flags, options, model, draft } = plan;
  const { faults } = rank;
  const graph = flags.bool('enable_graph');
  const noPadding = flags.bool('enable_graph_mode_decode_no_padding');
  const limit = flags.number('acl_graph_decode_batch_size_limit');
  const concurrent = flags.number('max_concurrent_requests');
  const maxBatch = Math.max(1, Math.min(flags.number('max_seqs_per_batch'), concurrent > 0 ? concurrent : limit, limit));
  const queryTokens = options.speculative + 1;
  const buckets = warmupBuckets(maxBatch, queryTokens, noPadding);
  const skipped = flags.bool('disable_graph_warmup');
  await warmUp(rank, log, { graph, lazy: skipped, tokens: Math.min(options.maxTokens, model.maxPositions), buckets, maxBatch, queryTokens }, assumed('warmup_ms'));

  const graphs = new Graphs({ enabled: graph, batchLimit: limit, noPadding, warmed: graph && !skipped && !faults.lazyGraphs ? buckets : [] });
  const metrics = new XllmMetrics();
  metrics.memory(kv, free, rank.totalBytes);
  const blockSize = flags.number('block_size');
  const scheduler = new Scheduler({
    blocks: kv.blocks,
    blockSize,
    dp: options.parallel.dp,
    maxTokens: options.maxTokens,
    maxSequences: flags.number('max_seqs_per_batch'),
    maxChunk: options.maxChunk,
    chunked: options.chunked,
    mixed: options.mixed,
    prefixCache: flags.bool('enable_prefix_cache'),
    overlap: flags.bool('enable_schedule_overlap'),
    speculative: options.speculative,
    prefillThreshold: flags.number('prefill_scheduling_memory_usage_threshold'),
  });
  scheduler.onMatch = (percent, blocks, tokens): void => {
    metrics.record('prefix_cache_block_matched_rate', percent);
    metrics.record('prefix_cache_block_matched_num', blocks);
    metrics.add('prefix_cache_match_length_total', tokens);
  };
  const fate = new Fate(plan, ranks);
  let warned = false;
  const engine = new Engine({
    scheduler,
    cost: costModel(model.spec, { chip: rank.context.host.chip, parallel: options.parallel }, draft === null ? null : draftSpec(model, draft)),
    graphs,
    seed: rank.context.host.seed,
    start: nextStart(rank.context.stateDir),
    acceptance: faults.acceptance,
    launch_us: faults.launch_us,
    slowest: faults.slowest,
    hooks: {
      mayStep: (index) => fate.mayStep(index),
      stepped: (report: StepReport) => {
        ranks.step(toWire(report.record));
        rank.record(report.record);
        metrics.step(report, graph);
      },
      captured: (bucket, tokens) => log.info('acl_graph_executor_impl.cpp:1134', `Lazy capturing ACL graph for bucket num_tokens: ${bucket} (actual num_tokens: ${tokens}) done`),
      overLimit: (global, local) => {
        if (!warned) log.warning('acl_graph_executor_impl.cpp:950', `Falling back to eager mode because decode batch_size (global=${global}, local=${local}) > ${limit}; ACL graph is disabled for this request size to avoid OOM`);
        warned = true;
      },
      refused: (_, reason) => log.error('scheduler_policy.cpp:750', `Request prompt is too long, no enough ${reason} to schedule a single sequence`),
      profiled: () => rank.profiled,
    },
  });
  const port = flags.number('port');
  const host = flags.text('host') === '' ? '127.0.0.1' : flags.text('host');
  const http = new XllmHttp(
    { engine, metrics, log, flags, modelId: flags.text('model_id') === '' ? model.id : flags.text('model_id'), maxPositions: model.maxPositions, blockSize, seed: rank.context.host.seed, faults: faults.answers, answered: () => fate.answered() },
    `${host}:${port}`,
  );
  fate.http = http;
  try {
    if (faults.portInUse) throw new Error('planted');
    await http.listen(host, port);
  } catch {
    log.error('xllm_server.cpp:153', `Failed to start server on port ${port}`);
    log.error('xllm.cpp:576', `Failed to start brpc server on port ${port}`);
    await ranks.close();
    rank.close();
    // main returns -1.
    process.exit(255);
  }
  sayServing(log, port, flags);
  stopOnSignal(plan, ranks, engine, http);
}

/** The quit flag is polled once a second; the poll here is scaled. */
const quitPollMs = 150;

function stopOnSignal(plan: MasterPlan, ranks: CollectiveServer, engine: Engine, http: XllmHttp): void {
  let asked = false;
  const stop = async (): Promise<void> => {
    if (asked) return;
    asked = true;
    await plan.rank.wait(quitPollMs);
    engine.close();
    http.close();
    await ranks.close();
    plan.log.info('xllm_server.cpp:183', 'Application shutdown complete.');
    plan.rank.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
}

/** What the planted faults, and ranks that go away, do to the service. */
class Fate {
  readonly #plan: MasterPlan;
  readonly #ranks: CollectiveServer;
  #lost: number | null = null;
  #answered = 0;
  #index = 0;
  http: XllmHttp | null = null;

  constructor(plan: MasterPlan, ranks: CollectiveServer) {
    this.#plan = plan;
    this.#ranks = ranks;
    ranks.onLost = (rank): void => void this.#rankLost(rank);
  }

  /** False: the engine stands still from here on. */
  mayStep(index: number): boolean {
    this.#index = index;
    if (this.#lost !== null) {
      this.#strike('stall', this.#lost, true);
      return false;
    }
    const due = this.#plan.rank.faults.atStep.find((f) => index >= f.after);
    if (due === undefined) return true;
    if (due.kind !== 'hang') this.#strike(due.kind, due.rank, false);
    return false;
  }

  answered(): void {
    this.#answered += 1;
    const crash = this.#plan.rank.faults.crash;
    if (crash === null || this.#answered < crash.afterRequests) return;
    // The answer is on its way before the process dies.
    setTimeout(() => this.#strike('crash', crash.rank, false), 20);
  }

  #strike(kind: 'stall' | 'aicore' | 'oom' | 'crash', rank: number, lost: boolean): void {
    const message = trouble(kind, rank, this.#index, lost);
    this.#ranks.send(message);
    void this.#plan.rank.suffer(message);
  }

  async #rankLost(rank: number): Promise<void> {
    this.#lost ??= rank;
    const { log } = this.#plan;
    await this.#plan.rank.wait(this.#plan.flags.number('health_check_interval_ms') * healthScale);
    log.error('comm_channel.cpp:69', `Health check failed: [E112]Not connected to worker ${rank} yet`);
    this.http?.latch(`Worker ${rank} disconnected`);
    // A collective that was in flight never completes.
    await this.#plan.rank.wait(hcclTimeoutMs(this.#plan.rank.context));
    if (this.http !== null && this.http.concurrent > 0) this.#strike('stall', rank, true);
  }
}
